"""Charts of a workbook: a sheet for every figure of estimates, with its numbers and a chart of Excel's own that can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xmresearch.report.document import Part

HEAD = 2
"""Row of the names of the numbers, from 0."""
_ROW, _LEAST, _MOST = 26, 260, 1000
"""Pixels of a chart: for a row, and in all."""
_GREY = "#5B6670"


def add_chart(book: Any, part: Part, name: str, words: Mapping[str, str], colour: str) -> None:
    """Add the sheet of a figure.

    Parameters
    ----------
    book : Workbook
        Of xlsxwriter.
    part : Part
        A figure with `chart`, as `xmresearch.report.charted.chart_numbers` gives it.
    name : str
        Of the sheet.
    words : mapping of str to str
        estimate, lower, upper, below and above.
    colour : str
        Of the bars, as #rrggbb.
    """
    content, numbers = part.content, part.content["chart"]
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, f"{part.number} {content['caption']}", book.add_format({"bold": True}))
    head = book.add_format({"bold": True, "bottom": 1})
    heads = ["", *(words[key] for key in ("estimate", "lower", "upper", "below", "above"))]
    for j, text in enumerate(heads):
        sheet.write_string(HEAD, j, text, head)
    style = book.add_format({"num_format": "0.0%" if numbers["percent"] else "0.00"})
    estimates, lows, highs = numbers["estimate"], numbers["lower"], numbers["upper"]
    for i, (label, value, low, high) in enumerate(zip(numbers["names"], estimates, lows, highs, strict=True), HEAD + 1):
        sheet.write_string(i, 0, label)
        below, above = (None if value is None or end is None else abs(value - end) for end in (low, high))
        for j, figure in enumerate((value, low, high, below, above), 1):
            if figure is not None:
                sheet.write_number(i, j, figure, style)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 5, 11)
    _draw(book, sheet, name, numbers, f"{part.number} {content['caption']}", colour)


def _draw(book: Any, sheet: Any, name: str, numbers: Mapping[str, Any], title: str, colour: str) -> None:
    last = HEAD + len(numbers["names"])
    areas = [[name, HEAD + 1, j, last, j] for j in range(6)]
    quoted = "'" + name.replace("'", "''") + "'"
    errors = {
        f"{side}_values": f"={quoted}!${column}${HEAD + 2}:${column}${last + 1}"
        for side, column in (("minus", "E"), ("plus", "F"))
    }
    bars = book.add_chart({"type": "bar"})
    bars.add_series({
        "categories": areas[0], "values": areas[1], "fill": {"color": colour.upper()}, "gap": 60, "name": numbers["axis"] or title,
        "y_error_bars": {"type": "custom", "line": {"color": _GREY, "width": 1.25}, **errors},
    })  # fmt: skip
    bars.set_title({"name": title, "overlay": False, "name_font": {"size": 11}})
    bars.set_legend({"none": True})
    bars.set_y_axis({"reverse": True, "label_position": "low"})
    bars.set_x_axis(
        {
            "name": numbers["axis"],
            "major_gridlines": {"visible": True, "line": {"color": "#DDE3E8"}},
            "num_format": "0%" if numbers["percent"] else "General",
            "label_position": "low",
        }
    )
    high = min(_MOST, max(_LEAST, 140 + _ROW * len(numbers["names"])))
    bars.set_size({"width": 640, "height": high})
    sheet.insert_chart(HEAD, 7, bars, {"description": title})
