"""What a run reads beside its data, and how its document becomes files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.report.citations import OWN_NAME

if TYPE_CHECKING:
    from xmresearch.report.assemble import Document


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


def write_document(document: Document, folder: Path) -> None:
    """Write a document into a run's folder: report.html, tables/, figures/."""
    from xmresearch.report.render import to_html

    tables, figures = folder / "tables", folder / "figures"
    tables.mkdir()
    figures.mkdir()
    for key, content in document.tables.items():
        (tables / f"{key}.csv").write_text(content, "utf-8")
    for key, content in document.figures.items():
        (figures / f"{key}.svg").write_text(content, "utf-8")
    for name, picture in document.pictures.items():
        (figures / name).write_bytes(picture)
    (folder / "report.html").write_text(to_html(document), "utf-8")
