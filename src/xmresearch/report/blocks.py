"""What a notebook cell shows: a block that JupyterLab can display and the assembler can place in a report."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.identifiers.patterns import scrub
from xmresearch.report.colours import HOUSE
from xmresearch.report.column_widths import text_ems
from xmresearch.report.scope import scoped
from xmresearch.report.wording import TURNING, escaped

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_TURNING = re.compile(f"[{TURNING}]")
MIME = "application/vnd.xmresearch.block+json"
LONG_TABLE = 25
FITS_PHONE, FITS_TABLET, FITS_PAGE = 22.0, 36.0, 52.0
"""Width that a table may need, in rems, to stand in columns on a phone, on a tablet and, set in its usual size, on the page."""
# of a table's type and of the space beside it, in rems; ems that a column of words has at least, of words that are broken, and of a cell that has a line to itself
_EM, _PADDING, _WORDS_LEAST, _WORDS_WIDE, _WORDY = 0.8, 1.3, 6.0, 12.0, 16.0
# as in report.css; Markdown in JupyterLab cannot bring a style sheet
_TONES = {"warning": ("#b42318", "#fdf1ef"), "simulated": ("#c8611a", "#fdf5ee")}
_TONE = (HOUSE, "#f3f6f9")


@dataclass(frozen=True, repr=False)
class Block:
    """One piece of a report.

    Attributes
    ----------
    kind : str
        title, section, prose, callout, cards, table or figure.
    content : mapping
        JSON: section (key, title); prose (text, claims, and where it is a claim's title, advice and asks); callout (text, tone, claims); cards (items: key, label, value,
        note, claims);
        table (key, caption, note, head, align, rows, csv, statements, and sheet: word and format of every column of the CSV); figure (key, caption, alt, and svg, or base64, media
        and ending).
    number : str
        Of a table or figure, as it stands before the caption.
    resolved : str, optional
        The text of prose or a callout with its references resolved; as in `content` if absent.
    """

    kind: str
    content: Mapping[str, Any]
    number: str = ""
    resolved: str | None = None

    def __repr__(self) -> str:
        name = self.content.get("key", "")
        return f"Block({self.kind}{f' {name}' if name else ''})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {MIME: {"kind": self.kind, **self.content}, "text/markdown": self.markdown()}
        if self.kind not in ("prose", "callout"):
            bundle["text/html"] = self.html()
        return bundle

    def html(self) -> str:
        """Return the block as HTML that looks as in the report; JupyterLab shows prose from its Markdown instead."""
        c = self.content
        if self.kind == "table":
            return scoped(table_figure(c, self.number))
        if self.kind == "figure":
            return scoped(chart_figure(c, self.number))
        if self.kind == "title":
            client = f'<p class="client">{html.escape(c["client"])}</p>' if c["client"] else ""
            return scoped(f'<h1>{html.escape(c["title"])}</h1>{client}<p class="glance">{html.escape(c["glance"])}</p>')
        if self.kind == "section":
            return scoped(f"<h2>{html.escape(c['title'])}</h2>")
        if self.kind == "cards":
            return scoped(cards_html(c))
        raise ValueError(f"a {self.kind} is Markdown")

    def markdown(self) -> str:
        """Return the block as Markdown, for formats that cannot hold HTML."""
        c = self.content
        if self.kind == "table":
            head, *rows = ([escaped(str(v)) for v in line] for line in (c["head"], *c["rows"]))
            rule = ["---:" if a == "right" else ":---" for a in c["align"]]
            return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))
        if self.kind == "figure":
            return f"*{f'{self.number} ' if self.number else ''}{escaped(c['caption'])}*"
        if self.kind == "title":
            return f"# {escaped(c['title'])}\n\n{escaped(c['glance'])}"
        if self.kind == "section":
            return f"## {escaped(c['title'])}"
        if self.kind == "cards":
            texts = [[escaped(item[part]) for part in ("label", "value", "note")] for item in c["items"]]
            return "\n".join(f"- {label}: **{value}** {note}" for label, value, note in texts)
        text = c["text"] if self.resolved is None else self.resolved
        if self.kind == "callout":
            edge, tint = _TONES.get(c["tone"], _TONE)
            look = f"border-left: 4px solid {edge}; background: {tint}; color: #1f2933; padding: .3rem 1rem"
            return f'<div style="{look}">\n\n{text}\n\n</div>'
        return str(text)


def table_figure(content: Mapping[str, Any], number: str) -> str:
    """Return a table block with caption and note, scrollable where it is wide or long."""
    outer = "table statements" if content["statements"] else "table"
    inner = " ".join(["scroll", *(["long"] if len(content["rows"]) > LONG_TABLE else []), *table_width(content)])
    note = f'<p class="note">{html.escape(content["note"])}</p>' if content["note"] else ""
    caption = f'<figcaption id="cap-{content["key"]}"><b>{number}</b> {html.escape(content["caption"])}</figcaption>'
    rows = f'<div class="{inner}">{table_html(content)}</div>'
    return f'<figure class="{outer}" id="tbl-{content["key"]}">{caption}{rows}{note}</figure>'


def chart_figure(content: Mapping[str, Any], number: str) -> str:
    """Return a figure block with its caption."""
    media, picture = "image/svg+xml", content.get("base64")
    if picture is None:
        picture = base64.b64encode(content["svg"].encode()).decode()
    else:
        media = content["media"]
    caption = f"<figcaption><b>{number}</b> {html.escape(content['caption'])}</figcaption>"
    image = f'<img alt="{html.escape(content["alt"])}" src="data:{media};base64,{picture}">'
    return f'<figure class="chart" id="fig-{content["key"]}"><div class="pan">{image}</div>{caption}</figure>'


def cards_html(content: Mapping[str, Any]) -> str:
    """Return the cards of a block."""
    cards = "".join(
        f'<div class="card"><div class="value">{html.escape(i["value"])}</div><div class="label">'
        f'{html.escape(i["label"])}</div><div class="note">{html.escape(i["note"])}</div></div>'
        for i in content["items"]
    )
    return f'<div class="cards">{cards}</div>'


def csv_text(frame: pd.DataFrame, *, scrubbed: bool = True) -> str:
    """Write a table as CSV that a spreadsheet shows as it is.

    Parameters
    ----------
    frame : DataFrame
        Texts that a spreadsheet would take for a formula get an apostrophe before them, and structured identifiers of persons
        in texts are replaced by a word for their kind; numbers stay numbers.
    scrubbed : bool
        Whether these identifiers are replaced; not where a user names staff who are to be named.

    Returns
    -------
    str
        Comma-separated, with a head and without the index.
    """
    tidied = _safe if scrubbed else _unformulated
    safe = frame.rename(columns=tidied)
    for k in range(safe.shape[1]):
        column = safe.iloc[:, k]
        if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column):
            safe.isetitem(k, column.astype(object).map(tidied))
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _safe(value: Any) -> Any:
    """Take identifiers of persons out of a text, and put an apostrophe before one that begins a formula."""
    return _unformulated(scrub(value)) if isinstance(value, str) else value


def _unformulated(value: Any) -> Any:
    """Put an apostrophe before a text that begins a formula, and take out what turns the direction of reading; a number begins none."""
    if not isinstance(value, str):
        return value
    value = _TURNING.sub("", value)
    if not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def table_html(content: Mapping[str, Any]) -> str:
    """Return a table block's rows as an HTML table element; each cell repeats the head of its column, for narrow screens."""
    head = "".join(
        f'<th scope="col" class="{a}">{html.escape(h)}</th>'
        for h, a in zip(content["head"], content["align"], strict=True)
    )
    wordy = [
        a != "right" and any(text_ems(str(row[j])) > _WORDY for row in content["rows"])
        for j, a in enumerate(content["align"])
    ]
    body = []
    for row in content["rows"]:
        cells = []
        for j, (value, align, name) in enumerate(zip(row, content["align"], content["head"], strict=True)):
            text, kind = html.escape(str(value)), f"{align} words" if wordy[j] else align
            if j == 0:
                cells.append(f'<th scope="row" class="{align}">{text}</th>')
            else:
                cells.append(f'<td class="{kind}" data-label="{html.escape(name)}">{text}</td>')
        body.append("<tr>" + "".join(cells) + "</tr>")
    named = f' aria-labelledby="cap-{content["key"]}"'
    return f"<table{named}><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def table_width(content: Mapping[str, Any]) -> list[str]:
    """Say how wide a table is: whether its rows are stacked on a phone, or on a tablet too, and whether it is set small.

    Parameters
    ----------
    content : mapping
        Of a table block.

    Returns
    -------
    list of str
        Classes of report.css: none, 'medium' or 'large', and 'dense' with it.
    """
    needed, columns = 0.0, len(content["head"])
    for j, (name, align) in enumerate(zip(content["head"], content["align"], strict=True)):
        body = max((text_ems(str(row[j])) for row in content["rows"]), default=0.0)
        title = max(map(text_ems, name.split()), default=0.0)
        needed += max(body, title) if align == "right" else max(min(body, _WORDS_WIDE), title, _WORDS_LEAST)
    if needed * _EM + columns * _PADDING <= FITS_PHONE:
        return []
    if needed * _EM + columns * _PADDING <= FITS_TABLET:
        return ["medium"]
    return ["large"] if needed * _EM + columns * _PADDING <= FITS_PAGE else ["large", "dense"]
