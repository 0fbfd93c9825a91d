"""Find studies: those of installed packages through entry points, one's own in folders nearby."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from xmresearch.errors import ParamsError, brief, nearest
from xmresearch.params.study import Study

GROUP = "xmresearch.studies"
FOLDERS_VARIABLE = "XMRESEARCH_STUDIES"
DECLARED = "study.py"
"""The module of a study's folder that declares it, as `STUDY`."""


@cache
def _installed() -> dict[str, EntryPoint]:
    """Return the entry points of installed studies by name, in the order in which packages declare them."""
    return {point.name: point for point in entry_points(group=GROUP)}


def _places(near: Path | None) -> Iterator[Path]:
    """Yield the folders in which a study's folder may lie, nearest first."""
    given = os.environ.get(FOLDERS_VARIABLE, "")
    yield from (Path(part) for part in given.split(os.pathsep) if part)
    for start in (near, Path.cwd()):
        if start is not None:
            yield from (start.resolve(), *start.resolve().parents)


def _own(name: str, near: Path | None) -> Path | None:
    """Return the nearest folder of that name that declares a study."""
    if not name.isidentifier():
        return None
    return next((place / name for place in _places(near) if (place / name / DECLARED).is_file()), None)


def _own_names(near: Path | None) -> list[str]:
    """Return the names of studies of one's own in and beside the places where people work."""
    given = os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
    places = [Path(part) for part in given if part]
    places += [folder for start in (near, Path.cwd()) if start for folder in (start.resolve(), start.resolve().parent)]
    found = [p.parent for place in places if place.is_dir() for p in sorted(place.glob(f"*/{DECLARED}"))]
    return [folder.name for folder in found if (folder / "words").is_dir()]


def study_names(near: Path | None = None) -> list[str]:
    """Return the names of all studies that can be found.

    Parameters
    ----------
    near : Path, optional
        Folder, such as that of a params file, in and above which folders of studies are looked for; besides the working
        directory, and the folders that the environment's XMRESEARCH_STUDIES names.

    Returns
    -------
    list of str
        Installed ones first.
    """
    return list(dict.fromkeys([*_installed(), *_own_names(near)]))


def find_study(name: object, near: Path | None = None) -> Study:
    """Return a study.

    Parameters
    ----------
    name : str
        Such as one of `study_names`.
    near : Path, optional
        As for `study_names`.

    Returns
    -------
    Study

    Raises
    ------
    ParamsError
        There is none of that name, or what its folder declares is none.
    """
    point = _installed().get(str(name))
    if point is not None:
        found = point.load()
        where = point.value
    else:
        folder = _own(str(name), near)
        if folder is None:
            known = study_names(near)
            hint = nearest(str(name), known) or f"Studies: {', '.join(known)}."
            raise ParamsError(f"There is no study {brief(repr(name))}.", hint)
        found, where = _declared(folder), str(folder / DECLARED)
    if not isinstance(found, Study) or found.name != name:
        raise ParamsError(f"{where} does not declare the study '{name}'.", "STUDY must be a Study of that name.")
    return found


def _declared(folder: Path) -> object:
    """Import a study's folder as a package, so that its modules and its notebook can import one another."""
    parent = str(folder.parent)
    if parent not in sys.path:
        sys.path.append(parent)
    try:
        module = import_module(f"{folder.name}.{DECLARED.removesuffix('.py')}")
    except Exception as error:
        raise ParamsError(f"The study in '{folder}' cannot be imported: {type(error).__name__}: {error}.") from error
    declared = Path(str(module.__file__)).resolve().parent
    if declared != folder.resolve():
        raise ParamsError(
            f"The study's folder '{folder.name}' has the name of another package, {declared}.",
            "Give the study and its folder a name of their own.",
        )
    return getattr(module, "STUDY", None)
