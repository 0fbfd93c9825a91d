"""From a document to one Excel workbook: a sheet for every table, in full, with its words, notes and number formats."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from xmresearch.report.column_widths import text_ems
from xmresearch.report.document import Document, Part
from xmresearch.report.plain_texts import Run, plain_texts
from xmresearch.report.rasters import logo_png, shape_of
from xmresearch.report.wording import labels
from xmresearch.report.workbook_charts import add_chart
from xmresearch.report.zipped import property_text, same_bytes

HEAD_ROW = 3
"""Row of the columns' names, from 0: those of the CSV files; their words stand above it."""
LOGO_HEIGHT = 48.0
"""Pixels of the logo on the first sheet."""
SHEET_NAME = 31
"""Characters that Excel allows in the name of a sheet."""
_FORMATS = {
    "pct": "0%", "pct1": "0.0%", "prob": "0.0%", "level": "0%", "p": "0.000", "peq": "0.000", "r": ".00", "d": "0", ",d": "#,##0",
}  # fmt: skip
_FIXED = re.compile(r"(\+?)(,?)\.(\d)f")
_NARROWEST, _WIDEST = 8.0, 60.0


def to_xlsx(document: Document) -> bytes:
    """Write a document's tables.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    bytes
        A .xlsx without date. No cell is a formula: texts are texts whatever they begin with, and figures are figures.
    """
    import datetime as dt

    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties(
        {
            "title": property_text(document.title),
            "author": property_text(document.front.author) or "xmresearch",
            "created": dt.datetime(2000, 1, 1),
        }
    )
    tables = document.of_kind("table")
    drawn = [part for part in document.of_kind("figure") if document.charts and part.content.get("chart")]
    keys = [str(part.content["key"]) for part in tables] + [f"chart {part.content['key']}" for part in drawn]
    names = list(sheet_names(keys).values())
    texts = plain_texts(document) if document.summary or document.of_kind("glossary") else {}
    _summary(book, document, texts)
    _contents(book, document, list(zip((*tables, *drawn), names, strict=True)))
    for part, name in zip((*tables, *drawn), names, strict=True):
        if part.kind == "table":
            _sheet(book, part, name)
        else:
            add_chart(book, part, name, labels(document.lang)["chart"], document.accent)
    _glossary(book, document, texts)
    book.close()
    return same_bytes(out.getvalue())


def sheet_names(keys: list[str]) -> dict[str, str]:
    """Return the name of each table's sheet, by its key: no two are the same, in capital letters or small ones."""
    found: dict[str, str] = {}
    taken = {"summary", "contents", "glossary"}
    for key in keys:
        name, number = key[:SHEET_NAME], 1
        while name.lower() in taken:
            number += 1
            name = f"{key[: SHEET_NAME - 1 - len(str(number))]}_{number}"
        taken.add(name.lower())
        found[key] = name
    return found


def _summary(book: Any, document: Document, texts: Mapping[int, list[list[Run]]]) -> None:
    """Write the one-page summary, where the report has one."""
    if not document.summary:
        return
    sheet = book.add_worksheet("summary")
    title = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format({"bold": True, "font_color": document.accent.upper()})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    strong = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 96)
    for row, line in enumerate((document.title, document.client, document.glance)):
        sheet.write_string(row, 0, line, title if row == 0 else None)
    if logo := logo_png(document):
        scale = LOGO_HEIGHT / shape_of(logo)[1]
        more = {
            "image_data": io.BytesIO(logo),
            "x_scale": scale,
            "y_scale": scale,
            "description": document.logo_alt,
            "decorative": False,
        }
        sheet.insert_image(0, 2, "logo.png", more)
    row = 3
    for part in document.summary:
        row += part.kind == "head"
        lines = [("", "".join(text for text, _ in line)) for line in texts.get(id(part), [])]
        if part.kind == "head":
            lines = [(str(part.content["title"]), "")]
        for item in part.content.get("items", []):
            lines.append((item["value"], "  ".join(t for t in (item["label"], item["note"]) if t)))
        for first, second in lines:
            sheet.write_string(row, 0, first, head if part.kind == "head" else strong)
            sheet.write_string(row, 1, second, wrapped)
            row += 1


def _glossary(book: Any, document: Document, texts: Mapping[int, list[list[Run]]]) -> None:
    """Write the terms that the report uses."""
    terms = [term for part in document.of_kind("glossary") for term in part.content["terms"]]
    if not terms:
        return
    sheet = book.add_worksheet("glossary")
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    strong = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 100)
    for row, term in enumerate(terms):
        sheet.write_string(row, 0, term.content["title"], strong)
        sheet.write_string(row, 1, " ".join(text for line in texts[id(term)] for text, _ in line), wrapped)


def _contents(book: Any, document: Document, listed: list[tuple[Part, str]]) -> None:
    style = labels(document.lang)["style"]
    sheet = book.add_worksheet("contents")
    title, muted = book.add_format({"bold": True, "font_size": 14}), book.add_format({"font_color": "#5B6670"})
    link = book.add_format({"font_color": document.accent.upper(), "underline": 1})
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, document.title, title)
    sheet.write_string(1, 0, document.client or document.glance, muted)
    if document.client:
        sheet.write_string(2, 0, document.glance, muted)
    row = 4
    for part in document.of_kind("cards"):
        for item in part.content["items"]:
            sheet.write_string(row, 0, item["value"], book.add_format({"bold": True}))
            sheet.write_string(row, 1, "  ".join(t for t in (item["label"], item["note"]) if t))
            row += 1
    row += 1
    sheet.write_string(row, 0, style["contents"], book.add_format({"bold": True}))
    for part, name in listed:
        row += 1
        sheet.write_url(row, 0, f"internal:'{name}'!A1", link, part.number.rstrip("."))
        sheet.write_string(row, 1, part.content["caption"])


def _sheet(book: Any, part: Part, name: str) -> None:
    content = part.content
    frame = table_of(part)
    sheet = book.add_worksheet(name)
    words = content.get("sheet") or [["", ""]] * frame.shape[1]
    sheet.write_string(0, 0, f"{part.number} {content['caption']}", book.add_format({"bold": True}))
    sheet.write_string(1, 0, content["note"], book.add_format({"font_color": "#5B6670"}))
    above = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom"})
    head = book.add_format({"font_color": "#5B6670", "bottom": 1})
    for j, (column, (word, spec)) in enumerate(zip(frame.columns, words, strict=True)):
        sheet.write_string(HEAD_ROW - 1, j, word, above)
        sheet.write_string(HEAD_ROW, j, str(column), head)
        style = book.add_format({"num_format": number_format(spec)}) if spec else None
        texts = [str(column)]
        for i, value in enumerate(frame.iloc[:, j], start=HEAD_ROW + 1):
            if _blank(value):
                continue
            texts.append(f"{value:.6g}" if isinstance(value, float) else str(value))
            if isinstance(value, bool):
                sheet.write_boolean(i, j, value)
            elif isinstance(value, (int, float)) and not _infinite(value):
                sheet.write_number(i, j, value, style)
            else:
                sheet.write_string(i, j, str(value))
        sheet.set_column(j, j, min(_WIDEST, max(_NARROWEST, 2.0 + max(map(text_ems, texts)) / 0.64)))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW - 1, HEAD_ROW)
    sheet.freeze_panes(HEAD_ROW + 1, 0)
    sheet.autofilter(HEAD_ROW, 0, HEAD_ROW + max(1, len(frame)), frame.shape[1] - 1)


def table_of(part: Part) -> pd.DataFrame:
    """Return the rows of a table as its CSV file holds them: blanks are blank, texts that look like figures are figures.

    Parameters
    ----------
    part : Part
        A table.

    Returns
    -------
    DataFrame
        Of Python's own values.
    """
    frame = pd.read_csv(io.StringIO(part.content["csv"]), keep_default_na=False, na_values=[""])
    return frame.astype(object)


def number_format(spec: str) -> str:
    """Return how Excel writes what a report writes by a format of `wording.number`."""
    if spec in _FORMATS:
        return _FORMATS[spec]
    found = _FIXED.fullmatch(spec)
    if found is None:
        return "General"
    sign, thousands, decimals = found.groups()
    body = ("#,##0" if thousands else "0") + ("." + "0" * int(decimals) if int(decimals) else "")
    return f"+{body};-{body};{body}" if sign else body


def _blank(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _infinite(value: float) -> bool:
    return value in (float("inf"), float("-inf"))
