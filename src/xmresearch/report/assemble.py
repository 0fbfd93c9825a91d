"""From an executed notebook to one Markdown document: numbered, cross-referenced, code folded."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.report.blocks import MIME, table_html
from xmresearch.report.wording import escaped, labels

WORKBENCH_TAG = "workbench"
LONG_TABLE = 25
_REFERENCE = re.compile(r"(?<!\\)@(fig|tbl):([a-z_]+)")


@dataclass
class Document:
    """A report before rendering.

    Attributes
    ----------
    title, client, glance, lang : str
        What stands at the top.
    body : str
        Pandoc Markdown.
    tables : dict of str to str
        CSV of every table, by key.
    figures : dict of str to str
        SVG of every figure, by key.
    """

    title: str
    client: str
    glance: str
    lang: str
    body: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)


def _blocks(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if MIME in data:
            found.append(data[MIME])
        elif "image/svg+xml" in data or "image/png" in data or "text/markdown" in data or "text/html" in data:
            found.append({"kind": "foreign", "data": data})
    return found


def _number(cells: list[tuple[Any, list[dict[str, Any]]]]) -> dict[tuple[str, str], int]:
    """Number figures and tables in the order in which they appear."""
    numbers: dict[tuple[str, str], int] = {}
    count = {"figure": 0, "table": 0}
    for _, blocks in cells:
        for block in blocks:
            if block["kind"] in count:
                count[block["kind"]] += 1
                key = ("fig" if block["kind"] == "figure" else "tbl", block["key"])
                if key in numbers:
                    raise StudyError(f"The notebook shows the {block['kind']} '{block['key']}' twice.")
                numbers[key] = count[block["kind"]]
    return numbers


def assemble(notebook: Mapping[str, Any], stamp: Mapping[str, str]) -> Document:
    """Put the outputs of an executed notebook in report order.

    Parameters
    ----------
    notebook : mapping
        The executed notebook (nbformat 4).
    stamp : mapping of str to str
        Lines of the reproducibility stamp.

    Returns
    -------
    Document

    Raises
    ------
    StudyError
        The notebook shows no report title, or refers to a figure or table that it does not show.
    """
    cells = [(cell, _blocks(cell)) for cell in notebook["cells"]]
    titles = [b for _, blocks in cells for b in blocks if b["kind"] == "title"]
    if not titles:
        raise StudyError(
            "The notebook shows no report title.", "Call report.title(...) once, before the first section."
        )
    top = titles[0]
    document = Document(top["title"], top["client"], top["glance"], top["lang"])
    style = labels(document.lang)["style"]
    numbers = _number(cells)

    def refer(match: re.Match[str]) -> str:
        key = (match[1], match[2])
        if key not in numbers:
            raise StudyError(f"The report refers to '{match[0]}', which it does not show.")
        word = style["figure"] if match[1] == "fig" else style["table"]
        return f"[{word} {numbers[key]}](#{match[1]}-{match[2]})"

    parts: list[str] = []
    quiet: list[str] = []
    for cell, blocks in cells:
        source = "".join(cell["source"])
        if WORKBENCH_TAG in cell.get("metadata", {}).get("tags", []):
            continue
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        shown = [b for b in blocks if b["kind"] != "title"]
        if not shown:
            quiet.append(source)
            continue
        for block in shown:
            text = _markdown(block, numbers, style, document)
            parts.append(_REFERENCE.sub(refer, text) if block["kind"] in ("prose", "callout") else text)
        parts.append(_code(style["code"], [source]))
    parts += [f"# {style['references']} {{#references}}", "::: {#refs}\n:::"]
    parts += [f"# {style['stamp']} {{#sec-stamp}}", _stamp(stamp), _code(style["all_code"], quiet)]
    document.body = "\n\n".join(parts) + "\n"
    return document


def _code(summary: str, sources: list[str]) -> str:
    listings = "\n\n".join(_fenced("python", source) for source in sources)
    return f'<details class="code">\n<summary>{html.escape(summary)}</summary>\n\n{listings}\n\n</details>'


def _stamp(stamp: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in stamp.items())
    return _raw(f'<dl class="stamp">{rows}</dl>')


def _raw(markup: str) -> str:
    """Hand HTML through pandoc untouched."""
    return _fenced("{=html}", markup)


def _fenced(kind: str, text: str) -> str:
    """Fence a block with more backticks than it holds itself."""
    fence = "`" * max(4, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{kind}\n{text}\n{fence}"


def _data_uri(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def _markdown(
    block: Mapping[str, Any], numbers: Mapping[tuple[str, str], int], style: Mapping[str, str], document: Document
) -> str:
    kind = block["kind"]
    if kind == "section":
        return f"# {escaped(block['title'])} {{#sec-{block['key']}}}"
    if kind == "prose":
        return str(block["text"])
    if kind == "callout":
        return f"::: {{.callout .{block['tone']}}}\n{block['text']}\n:::"
    if kind == "cards":
        cards = "".join(
            f'<div class="card"><div class="value">{html.escape(i["value"])}</div><div class="label">'
            f'{html.escape(i["label"])}</div><div class="note">{html.escape(i["note"])}</div></div>'
            for i in block["items"]
        )
        return _raw(f'<div class="cards">{cards}</div>')
    if kind == "table":
        return _table(block, f"{style['table']} {numbers['tbl', block['key']]}.", document)
    if kind == "figure":
        return _figure(block, f"{style['figure']} {numbers['fig', block['key']]}.", document)
    return _foreign(block["data"])


def _table(block: Mapping[str, Any], number: str, document: Document) -> str:
    key = block["key"]
    document.tables[key] = block["csv"]
    outer = "table statements" if block["statements"] else "table"
    inner = "scroll long" if len(block["rows"]) > LONG_TABLE else "scroll"
    note = f'<p class="note">{html.escape(block["note"])}</p>' if block["note"] else ""
    caption = f"<figcaption><b>{number}</b> {html.escape(block['caption'])}</figcaption>"
    rows = f'<div class="{inner}" tabindex="0">{table_html(block)}</div>'
    return _raw(f'<figure class="{outer}" id="tbl-{key}">{caption}{rows}{note}</figure>')


def _figure(block: Mapping[str, Any], number: str, document: Document) -> str:
    key = block["key"]
    document.figures[key] = block["svg"]
    caption = f"<figcaption><b>{number}</b> {html.escape(block['caption'])}</figcaption>"
    return _image(_data_uri("image/svg+xml", block["svg"].encode()), block["alt"], caption, f' id="fig-{key}"')


def _image(source: str, alt: str, caption: str = "", name: str = "") -> str:
    return _raw(f'<figure class="chart"{name}><img alt="{html.escape(alt)}" src="{source}">{caption}</figure>')


def _foreign(data: Mapping[str, Any]) -> str:
    """Place an output that is not a block: what a researcher's own cell shows."""
    if "image/svg+xml" in data:
        return _image(_data_uri("image/svg+xml", _joined(data["image/svg+xml"]).encode()), "")
    if "image/png" in data:
        return _image(f"data:image/png;base64,{''.join(_joined(data['image/png']).split())}", "")
    if "text/html" in data:
        return _raw(f'<div class="scroll" tabindex="0">{_joined(data["text/html"])}</div>')
    return _joined(data["text/markdown"])


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)
