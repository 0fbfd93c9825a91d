"""What may leave the machine of what a notebook's cells show: all that a report can hold, but no rows of respondents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xmresearch.identifiers.patterns import scrub
from xmresearch.report.blocks import MIME

SHOW_TAG, WORKBENCH_TAG, INJECTED_TAG = "show", "workbench", "injected-parameters"
PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
LEFT_OUT = "left_out"
_TEXTS = {"text/plain", "text/html", "text/markdown", "text/latex"}
_TITLE_SHOWN = 50
# what drawing functions return, beside the figure that the cell shows
_DRAWN = re.compile(r"<(?:Axes|Figure|BarContainer|matplotlib|seaborn|mpl_toolkits|a list of \d+ )|\bText\(|\bLine2D\(")
_SERIES = re.compile(r"^(?:Name: .*, )?(?:Length: \d+, )?dtype: \S+\Z", re.M)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


# why an output is left out, and the remedy, after what it is
_ROWS = "which may hold rows of respondents: these do not leave this machine; show aggregates by report.own_table(frame, caption=...)"
_PRINTED = f"that the report leaves out; tag the cell '{SHOW_TAG}' to put it in"
_OTHER = "that a report cannot hold; show figures by report.own_figure(figure, caption=...), tables by report.own_table"


def cell_name(number: int, cell: Mapping[str, Any]) -> str:
    """Name a cell by its place in the notebook, from 1, and its first line."""
    lines = "".join(cell["source"]).strip().splitlines()
    first = lines[0].lstrip("# ").strip() if lines else ""
    short = first if len(first) <= _TITLE_SHOWN else f"{first[: _TITLE_SHOWN - 1]}…"
    return f"cell {number} ({short})" if short else f"cell {number}"


def numbered(notebook: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Go through a notebook's cells, each with its name; the cell that a run puts in does not count."""
    number = 0
    for cell in notebook["cells"]:
        number += INJECTED_TAG not in tags(cell)
        yield cell_name(number, cell), cell


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return a cell's tags."""
    return list(cell.get("metadata", {}).get("tags", []))


def leave_out(notebook: Any) -> list[str]:
    """Take out of an executed notebook what must not leave the machine, and what the report does not show.

    Parameters
    ----------
    notebook : NotebookNode
        Executed by a kernel with `xmresearch.report.kernel.install`; its outputs are replaced in place, what is left
        out by a line that says so.

    Returns
    -------
    list of str
        A note for each cell and kind of output, but for cells with the tag 'workbench'.
    """
    notes: list[str] = []
    for name, cell in numbered(notebook):
        if cell["cell_type"] != "code":
            continue
        found: dict[str, None] = {}
        outputs: list[Any] = []
        drawn: list[str] = []
        pictures = any(map(_picture, cell["outputs"]))
        for output in cell["outputs"]:
            picture = _picture(output)
            reason = _reason(output, SHOW_TAG in tags(cell), pictures)
            if picture in drawn or reason == "":
                continue
            if picture is not None:
                drawn.append(picture)
            if reason is None:
                outputs.append(_cleaned(output))
            else:
                found[f"{name} {reason}."] = None
                outputs.append(_placeholder(f"[Left out: this {reason}.]"))
        cell["outputs"] = outputs
        if WORKBENCH_TAG not in tags(cell):
            notes += found
    return [note[:1].upper() + note[1:] for note in notes]


def joined(text: Any) -> str:
    """Return a text of a notebook, which may be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def plain(text: Any) -> str:
    """Return printed text without colours, overwritten lines and addresses in memory, which differ from run to run."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in _CONTROL.sub("", joined(text)).split("\n"))
    return _ADDRESS.sub("0x…", "\n".join(lines)).strip("\n")


def _picture(output: Mapping[str, Any]) -> str | None:
    """Return the picture that an output shows, if it shows one; a figure that a cell also ends with is shown twice."""
    data = output.get("data", {})
    return next((joined(data[media]) for media in PICTURES if media in data), None)


def _reason(output: Mapping[str, Any], show: bool, pictures: bool) -> str | None:
    """Say what is left out and why; None where the output stays, '' where there is nothing to say about it."""
    if output["output_type"] == "stream":
        what = "printed warnings or a log" if output["name"] == "stderr" else "printed text"
        return None if show else f"{what} {_PRINTED}"
    data = output.get("data", {})
    block = data.get(MIME)
    if block is not None and block["kind"] == "rows":
        return f"shows {'an array' if block['type'] == 'ndarray' else f'a {block["type"]}'}, {_ROWS}"
    if block is not None or {*PICTURES, "text/markdown", "text/latex"} & data.keys():
        return None
    markup = joined(data.get("text/html", ""))
    if "<script" in markup or (not markup and "text/plain" not in data) or any("widget" in media for media in data):
        return f"shows something interactive {_OTHER}"
    if markup:
        return None
    text = joined(data["text/plain"])
    if _SERIES.search(text):
        return f"shows a Series, {_ROWS}"
    if pictures and _DRAWN.search(text):
        return ""
    return None if show else f"shows a value as text {_PRINTED}"


def _cleaned(output: Any) -> Any:
    """Return an output as it stays: of a printed text what is the same in every run, of every text no identifiers of persons."""
    if output["output_type"] == "stream":
        output["text"] = scrub(plain(output["text"])) + "\n"
        return output
    data = output.get("data", {})
    if MIME not in data:
        for media in _TEXTS & data.keys():
            data[media] = scrub(joined(data[media]))
    return output


def _placeholder(text: str) -> Any:
    from nbformat.v4 import new_output

    return new_output("display_data", {MIME: {"kind": LEFT_OUT}, "text/plain": text})  # type: ignore[no-untyped-call]
