"""What a run's folder says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xmresearch.run.cache import MANIFEST, file_hash

NAME = MANIFEST
CRATE = "ro-crate-metadata.json"
REQUIRED = frozenset({"executed.ipynb", "report.html"})


def output_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder but its manifest and description, by name."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: file_hash(path) for name, path in files.items() if name not in (NAME, CRATE)}


def recorded(folder: Path) -> dict[str, str] | None:
    """Return the hashes that a run's folder records of its files, by name; None where it holds no readable manifest."""
    try:
        content = json.loads((folder / NAME).read_text("utf-8"))
        files = {**content["outputs"], **content.get("records", {})}
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def flaws(folder: Path) -> list[str]:
    """Say why a run's folder is not whole.

    Parameters
    ----------
    folder : Path
        That of a run.

    Returns
    -------
    list of str
        One for each output of the manifest that is missing or differs; empty where every output is there, unchanged.
    """
    outputs = recorded(folder)
    if outputs is None or not outputs.keys() >= REQUIRED:
        return [f"{NAME} is missing or damaged"]
    found = []
    for name, digest in outputs.items():
        try:
            if file_hash(folder / name) != digest:
                found.append(f"{name} is not as the run left it")
        except OSError:
            found.append(f"{name} is missing")
    return found


def is_whole(folder: Path) -> bool:
    """Whether a run's folder holds every output of its manifest, unchanged."""
    return not flaws(folder)


def recorded_notes(folder: Path) -> tuple[str, ...]:
    """Return the notes that a whole run's manifest holds."""
    return tuple(json.loads((folder / NAME).read_text("utf-8")).get("notes", ()))


def recorded_code(folder: Path) -> str:
    """Return how a whole run's report shows the cells' code: hide, fold or show."""
    return str(json.loads((folder / NAME).read_text("utf-8"))["shown"]["code"])


def recorded_charts(folder: Path) -> bool:
    """Return whether a whole run's workbook has charts."""
    return bool(json.loads((folder / NAME).read_text("utf-8"))["shown"].get("charts", False))


def title(cell: Mapping[str, Any]) -> str:
    """Return a cell's first line, without the comment sign."""
    lines = "".join(cell["source"]).strip().splitlines()
    return lines[0].lstrip("# ").strip() if lines else ""
