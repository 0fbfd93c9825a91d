"""What a run reads beside its data, and how its document becomes files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.report.citations import OWN_NAME
from xmresearch.run.manifest import recorded

if TYPE_CHECKING:
    from xmresearch.report.document import Document


def bibliographies(base: Path, notebook: Path) -> dict[str, Path]:
    """Return the researcher's own references: `references.bib` beside the notebook, and beside the params file.

    Parameters
    ----------
    base : Path
        Folder of the params file.
    notebook : Path
        The study's notebook.

    Returns
    -------
    dict of str to Path
        By key of the run's inputs; of an entry in both, that beside the params file counts.
    """
    places = {"references": notebook.parent / OWN_NAME, "own_references": base / OWN_NAME}
    return {name: path for name, path in places.items() if path.is_file()}


def missing_formats(folder: Path, formats: Sequence[str]) -> list[str]:
    """Return the formats that a run's folder does not record."""
    outputs = recorded(folder) or {}
    return [kind for kind in formats if f"report.{kind}" not in outputs]


def write_document(document: Document, folder: Path, formats: Sequence[str]) -> None:
    """Write a document into a run's folder: report.html and the other formats, tables/, figures/."""
    tables, figures = folder / "tables", folder / "figures"
    tables.mkdir()
    figures.mkdir()
    for key, content in document.tables.items():
        (tables / f"{key}.csv").write_text(content, "utf-8")
    for name, picture in document.pictures.items():
        (figures / name).write_bytes(picture)
    write_formats(document, folder, list(dict.fromkeys(["html", *formats])))


def write_formats(document: Document, folder: Path, formats: Sequence[str]) -> None:
    """Write a document as report.FORMAT, for every format."""
    from xmresearch.report.formats import rendered

    for kind in formats:
        (folder / f"report.{kind}").write_bytes(rendered(document, kind))
