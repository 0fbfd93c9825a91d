"""From an executed notebook to one document: numbered and cross-referenced, in report order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.report.alternative import findings
from xmresearch.report.blocks import MIME
from xmresearch.report.citations import shipped, short_forms
from xmresearch.report.citing import Front, citation
from xmresearch.report.colours import recoloured
from xmresearch.report.document import Document, Part
from xmresearch.report.first_screen import answer_first
from xmresearch.report.glossary import glossary
from xmresearch.report.outputs import WORKBENCH_TAG
from xmresearch.report.own_cells import Cell, read_cells, resolve
from xmresearch.report.references import REFERENCE
from xmresearch.report.summary import summarised
from xmresearch.report.typesetting import typeset, typeset_block, typeset_markdown
from xmresearch.report.wording import labels, unturned


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


def _cited(document: Document, top: Mapping[str, Any]) -> list[Part]:
    """Say how the report is cited."""
    front, title = document.front, labels(document.lang)["citing"]["title"]
    text = citation(front, document.title, front.data_date or top.get("period", ""), document.lang)
    return [Part("section", {"key": "cite", "title": title}), Part("prose", {"key": "cite", "claims": []}, text)]


def assemble(
    notebook: Mapping[str, Any], stamp: Mapping[str, str], bibliography: Sequence[Path] = (), front: Front | None = None
) -> Document:
    """Put the outputs of an executed notebook in report order.

    Parameters
    ----------
    notebook : mapping
        The executed notebook (nbformat 4).
    stamp : mapping of str to str
        Lines of the reproducibility stamp.
    bibliography : sequence of Path
        BibTeX files of the researcher's own.
    front : Front, optional
        Who wrote the report, and the client's look.

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
    document = Document(
        top["title"], top["client"], typeset(top["glance"], top["lang"]), top["lang"], bibliography=tuple(bibliography)
    )
    document.front = front = front or Front()
    style = labels(document.lang)["style"]
    sections = {
        "glossary": (style["glossary"], "sec-glossary"),
        "stamp": (style["stamp"], "sec-stamp"),
        "references": (style["references"], "references"),
    }
    if front.run:
        sections["cite"] = (labels(document.lang)["citing"]["title"], "sec-cite")
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

    found = findings(block for cell in shown for block in cell.blocks)
    parts, quiet = document.parts, []
    for cell in shown:
        if cell.markdown:
            parts.append(Part("markdown", text=own(cell.source, cell)))
            continue
        blocks = [b for b in cell.blocks if b["kind"] != "title"]
        if not blocks:
            quiet.append(cell.source)
            continue
        for block in blocks:
            kind, text, number = block["kind"], str(block.get("text", "")), ""
            if kind == "markdown":
                text = own(text, cell)
            elif kind in ("prose", "callout"):
                text = REFERENCE.sub(refer, typeset_markdown(text, top["lang"]))
            elif kind in ("figure", "table"):
                number = f"{style[kind]} {numbers['fig' if kind == 'figure' else 'tbl', block['key']]}."
                if kind == "figure" and "drawn" in block and block["key"] in found:
                    block = block | {"alt": f"{found[block['key']]}{style['between']}{block['alt']}"}
            content = typeset_block(block, top["lang"])
            if front.style.accent and "svg" in content:
                content["svg"] = recoloured(content["svg"], front.style.accent)
            parts.append(Part(kind, content, text, number))
        if cell.source:
            parts.append(Part("code", {"summary": style["code"], "sources": [unturned(cell.source)]}))
    terms = glossary(document)
    parts += [
        *([terms] if terms is not None else []),
        *(_cited(document, top) if front.run else []),
        Part("references", {"title": style["references"]}), Part("stamp", {"title": style["stamp"], "lines": dict(stamp)}),
        Part("code", {"summary": style["all_code"], "sources": [unturned(source) for source in quiet]}),
    ]  # fmt: skip
    document.summary = summarised(document)
    document.parts = answer_first(parts)
    document.notes += front.style.notes
    return document
