"""From an executed notebook to one Markdown document: numbered, cross-referenced, code folded."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.report.blocks import MIME, cards_html, chart_figure, table_figure
from xmresearch.report.citations import shipped, short_forms
from xmresearch.report.outputs import WORKBENCH_TAG
from xmresearch.report.own_cells import Cell, read_cells, resolve
from xmresearch.report.references import REFERENCE
from xmresearch.report.wording import escaped, labels


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
    pictures : dict of str to bytes
        Figures that are no SVG, by the name of their file.
    bibliography : tuple of Path
        The researcher's own, beside the one that comes with the package.
    notes : list of str
        What the researcher should know of what the report lacks.
    """

    title: str
    client: str
    glance: str
    lang: str
    body: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    bibliography: tuple[Path, ...] = ()
    notes: list[str] = field(default_factory=list)


def _number(cells: Sequence[Cell]) -> dict[tuple[str, str], int]:
    """Number figures and tables in the order in which they appear."""
    numbers: dict[tuple[str, str], int] = {}
    count = {"figure": 0, "table": 0}
    for cell in cells:
        for block in cell.blocks:
            if block["kind"] in count:
                count[block["kind"]] += 1
                key = ("fig" if block["kind"] == "figure" else "tbl", block["key"])
                if key in numbers:
                    raise StudyError(f"The notebook shows the {block['kind']} '{block['key']}' twice.")
                numbers[key] = count[block["kind"]]
    return numbers


def assemble(notebook: Mapping[str, Any], stamp: Mapping[str, str], bibliography: Sequence[Path] = ()) -> Document:
    """Put the outputs of an executed notebook in report order.

    Parameters
    ----------
    notebook : mapping
        The executed notebook (nbformat 4).
    stamp : mapping of str to str
        Lines of the reproducibility stamp.
    bibliography : sequence of Path
        BibTeX files of the researcher's own.

    Returns
    -------
    Document

    Raises
    ------
    StudyError
        The notebook shows no report title, shows a table or figure twice, or one of the study's sentences refers to
        a figure or table that it does not show. A reference of the researcher's own is marked and noted instead.
    """
    titles = [
        b for c in notebook["cells"] for o in c.get("outputs", []) if (b := o.get("data", {}).get(MIME, {})).get("kind") == "title"
    ]  # fmt: skip
    if not titles:
        raise StudyError(
            "The notebook shows no report title.", "Call report.title(...) once, before the first section."
        )
    top = titles[0]
    document = Document(top["title"], top["client"], top["glance"], top["lang"], bibliography=tuple(bibliography))
    style = labels(document.lang)["style"]
    sections = {"stamp": (style["stamp"], "sec-stamp"), "references": (style["references"], "references")}
    cells, document.notes = read_cells(notebook, style["own_figure"], sections)
    shown = [cell for cell in cells if WORKBENCH_TAG not in cell.tags]
    numbers = _number(shown)
    citable = short_forms("\n".join([shipped(), *(p.read_text("utf-8") for p in bibliography)])).keys()

    def refer(match: re.Match[str]) -> str:
        key = (match[1], match[2])
        if key not in numbers:
            raise StudyError(f"The report refers to '{match[0]}', which it does not show.")
        word = style["figure"] if match[1] == "fig" else style["table"]
        return f"[{word} {numbers[key]}](#{match[1]}-{match[2]})"

    def own(text: str, cell: Cell) -> str:
        done, notes = resolve(text, cell.name, numbers, sections, citable, style)
        document.notes += notes
        return done

    parts: list[str] = []
    quiet: list[str] = []
    for cell in shown:
        if cell.markdown:
            parts.append(own(cell.source, cell))
            continue
        blocks = [b for b in cell.blocks if b["kind"] != "title"]
        if not blocks:
            quiet.append(cell.source)
            continue
        for block in blocks:
            text = _markdown(block, numbers, style, document)
            if block["kind"] == "markdown":
                text = own(text, cell)
            parts.append(REFERENCE.sub(refer, text) if block["kind"] in ("prose", "callout") else text)
        parts.append(_code(style["code"], [cell.source]))
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
        return _raw(cards_html(block))
    if kind == "table":
        return _table(block, f"{style['table']} {numbers['tbl', block['key']]}.", document)
    if kind == "figure":
        return _figure(block, f"{style['figure']} {numbers['fig', block['key']]}.", document)
    if kind == "html":
        return _raw(f'<div class="scroll" tabindex="0">{block["html"]}</div>')
    if kind == "text":
        return _raw(f'<pre class="printed" tabindex="0">{html.escape(block["text"], quote=False)}</pre>')
    return str(block["text"])


def _table(block: Mapping[str, Any], number: str, document: Document) -> str:
    document.tables[block["key"]] = block["csv"]
    return _raw(table_figure(block, number))


def _figure(block: Mapping[str, Any], number: str, document: Document) -> str:
    if "svg" in block:
        document.figures[block["key"]] = block["svg"]
    else:
        document.pictures[f"{block['key']}.{block['ending']}"] = base64.b64decode(block["base64"])
    return _raw(chart_figure(block, number))
