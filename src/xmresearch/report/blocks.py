"""What a notebook cell shows: a block that JupyterLab can display and the assembler can place in a report."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.report.wording import escaped

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MIME = "application/vnd.xmresearch.block+json"


@dataclass(frozen=True)
class Block:
    """One piece of a report.

    Attributes
    ----------
    kind : str
        title, section, prose, callout, cards, table or figure.
    content : mapping
        JSON: section (key, title); prose (text); callout (text, tone); cards (items: label, value, note);
        table (key, caption, note, head, align, rows, csv, statements); figure (key, caption, alt, svg, csv).
    """

    kind: str
    content: Mapping[str, Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {MIME: {"kind": self.kind, **self.content}, "text/markdown": self.markdown()}
        if self.kind not in ("prose", "callout"):
            bundle["text/html"] = self.html()
        return bundle

    def html(self) -> str:
        """Return the block as HTML for JupyterLab, which shows prose from its Markdown instead."""
        c = self.content
        if self.kind == "table":
            return f"<p><b>{html.escape(c['caption'])}</b></p>{table_html(c)}"
        if self.kind == "figure":
            return f"{c['svg'][c['svg'].index('<svg') :]}<p>{html.escape(c['caption'])}</p>"
        if self.kind == "title":
            return f"<h1>{html.escape(c['title'])}</h1><p>{html.escape(c['glance'])}</p>"
        if self.kind == "section":
            return f"<h2>{html.escape(c['title'])}</h2>"
        if self.kind == "cards":
            cells = "".join(
                f"<td><b>{html.escape(i['value'])}</b><br>{html.escape(i['label'])}</td>" for i in c["items"]
            )
            return f"<table><tr>{cells}</tr></table>"
        raise ValueError(f"a {self.kind} is Markdown")

    def markdown(self) -> str:
        """Return the block as Markdown, for formats that cannot hold HTML."""
        c = self.content
        if self.kind == "table":
            head, *rows = ([escaped(str(v)) for v in line] for line in (c["head"], *c["rows"]))
            rule = ["---:" if a == "right" else ":---" for a in c["align"]]
            return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))
        if self.kind == "figure":
            return f"*{escaped(c['caption'])}*"
        if self.kind == "title":
            return f"# {escaped(c['title'])}\n\n{escaped(c['glance'])}"
        if self.kind == "section":
            return f"## {escaped(c['title'])}"
        if self.kind == "cards":
            texts = [[escaped(item[part]) for part in ("label", "value", "note")] for item in c["items"]]
            return "\n".join(f"- {label}: **{value}** {note}" for label, value, note in texts)
        return str(c["text"])


def csv_text(frame: pd.DataFrame) -> str:
    """Write a table as CSV that a spreadsheet shows as it is.

    Parameters
    ----------
    frame : DataFrame
        Texts that a spreadsheet would take for a formula get an apostrophe before them; numbers stay numbers.

    Returns
    -------
    str
        Comma-separated, with a head and without the index.
    """
    safe = frame.rename(columns=_no_formula)
    for k in range(safe.shape[1]):
        column = safe.iloc[:, k]
        if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column):
            safe.isetitem(k, column.astype(object).map(_no_formula))
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _no_formula(value: Any) -> Any:
    """Put an apostrophe before a text that begins a formula; one that is a number begins none."""
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def table_html(content: Mapping[str, Any]) -> str:
    """Return a table block's rows as an HTML table element."""
    head = "".join(
        f'<th scope="col" class="{a}">{html.escape(h)}</th>'
        for h, a in zip(content["head"], content["align"], strict=True)
    )
    body = []
    for row in content["rows"]:
        cells = []
        for j, (value, align) in enumerate(zip(row, content["align"], strict=True)):
            tag, scope = ("th", ' scope="row"') if j == 0 else ("td", "")
            cells.append(f'<{tag}{scope} class="{align}">{html.escape(str(value))}</{tag}>')
        body.append("<tr>" + "".join(cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
