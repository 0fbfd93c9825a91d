"""A researcher's own cells as blocks of the report: figures with number and caption, printed text, Markdown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from xmresearch.report.blocks import MIME
from xmresearch.report.outputs import LEFT_OUT, PICTURES, SHOW_TAG, joined, numbered, plain, tags
from xmresearch.report.references import closed, named_headings, pictures, resolved
from xmresearch.report.wording import escaped

_ENDINGS = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
_SILENT = (LEFT_OUT, "rows", "drawing")


@dataclass
class Cell:
    """One cell on its way into the report.

    Attributes
    ----------
    name : str
        Place and first line, for notes.
    source : str
        Code, or Markdown with its pictures and headings made ready.
    markdown : bool
        Whether it is Markdown.
    tags : list of str
        Its tags.
    blocks : list of dict
        What it shows.
    """

    name: str
    source: str
    markdown: bool
    tags: list[str]
    blocks: list[dict[str, Any]] = field(default_factory=list)


def read_cells(
    notebook: Mapping[str, Any], unnamed: str, sections: dict[str, tuple[str, str]]
) -> tuple[list[Cell], list[str]]:
    """Read an executed notebook.

    Parameters
    ----------
    notebook : mapping
        nbformat 4.
    unnamed : str
        Caption of a figure that has neither title nor comment.
    sections : dict of str to tuple of str
        Title and identifier of the report's sections, by key; those of the notebook's blocks and Markdown are added.

    Returns
    -------
    cells : list of Cell
        In order.
    notes : list of str
        What a reader should know of pictures that are not in the report.
    """
    cells, notes, drawn = [], [], 0
    for name, raw in numbered(notebook):
        cell = Cell(name, joined(raw["source"]), raw["cell_type"] == "markdown", tags(raw))
        if raw["cell_type"] == "raw":
            continue
        if cell.markdown:
            cell.source, elsewhere = pictures(closed(cell.source), raw.get("attachments", {}))
            notes += [f"{name[:1].upper()}{name[1:]} refers to the picture '{p}', which a report of one file does not hold; paste it into the cell." for p in elsewhere]  # fmt: skip
        shown = [o for o in raw.get("outputs", []) if any(media in o.get("data", {}) for media in PICTURES)]
        for output in raw.get("outputs", []):
            block = _block(output, SHOW_TAG in cell.tags)
            if block is not None and block["kind"] == "picture":
                drawn += 1
                block |= _captions(output, cell.source, len(shown), unnamed) | {"kind": "figure", "key": f"own_{drawn}"}
            if block is not None:
                cell.blocks.append(block)
            if block is not None and block["kind"] == "section":
                sections[block["key"]] = (escaped(block["title"]), f"sec-{block['key']}")
        cells.append(cell)
    for cell in cells:
        if cell.markdown and "workbench" not in cell.tags:
            cell.source = named_headings(cell.source, sections)
    return cells, notes


def resolve(
    text: str, where: str, numbers: Mapping[tuple[str, str], int], sections: Mapping[str, tuple[str, str]],
    citable: Collection[str], style: Mapping[str, str],
) -> tuple[str, list[str]]:  # fmt: skip
    """Resolve the references of own Markdown; return it and a note for each that names nothing in the report."""

    def link(kind: str, key: str) -> str | None:
        if kind == "sec":
            title, anchor = sections.get(key.replace("-", "_"), sections.get(key, ("", "")))
            return f"[{title}](#{anchor})" if anchor else None
        if (kind, key) not in numbers:
            return None
        return f"[{style['figure' if kind == 'fig' else 'table']} {numbers[kind, key]}](#{kind}-{key})"

    done, unknown = resolved(text, link, citable)
    first = f"{where[:1].upper()}{where[1:]}"
    return done, [
        f"{first} refers to {mark}, which is {_lacking(mark)}; it is marked in the report." for mark in unknown
    ]


def _lacking(mark: str) -> str:
    if mark.startswith(("@fig:", "@tbl:", "@sec:")):
        return "not in the report"
    return "in no references.bib (write \\@ if no citation is meant)"


def _block(output: Mapping[str, Any], show: bool) -> dict[str, Any] | None:
    data = output.get("data", {})
    block = data.get(MIME)
    if block is not None and block["kind"] not in _SILENT:
        return dict(block)
    for media in PICTURES:
        if media in data:
            text = joined(data[media])
            if media == "image/svg+xml":
                return {"kind": "picture", "svg": text}
            return {"kind": "picture", "media": media, "ending": _ENDINGS[media], "base64": "".join(text.split())}
    if block is not None:
        return None
    if "text/html" in data:
        return {"kind": "html", "html": joined(data["text/html"])}
    for media in ("text/markdown", "text/latex"):
        if media in data:
            return {"kind": "markdown", "text": closed(joined(data[media]))}
    printed = output["text"] if output["output_type"] == "stream" else data.get("text/plain", "")
    return {"kind": "text", "text": plain(printed)} if show and plain(printed) else None


def _captions(output: Mapping[str, Any], source: str, count: int, unnamed: str) -> dict[str, str]:
    """Take a figure's caption from the comment that its cell begins with, or from its title."""
    drawn = output["data"].get(MIME, {})
    first = source.strip().partition("\n")[0]
    comment = first.lstrip("# ").strip() if first.startswith("#") and not first.startswith(("#!", "# %", "#%")) else ""
    title = drawn.get("title", "")
    named = (title or comment) if count > 1 else (comment or title)
    return {"caption": named or unnamed, "alt": drawn.get("alt", "") or named or unnamed}
