"""The folders of runs: worked on beside their place, put there whole, with what users keep in them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from xmresearch.run.cache import file_hash
from xmresearch.run.lock import held, held_if_free
from xmresearch.run.manifest import NAME, flaws, recorded

UNFINISHED, LOCK = ".unfinished-", ".lock-"
COMPARISONS = "compare"
"""Folder of an output folder that holds comparisons of runs, and no runs."""
BATCHES = "batch"
"""Folder of an output folder that holds summaries of batches, and no runs."""
_OLD = "-old"
_LEFT = re.compile(rf"{re.escape(UNFINISHED)}(?P<key>[0-9a-f]+)-(?P<token>[0-9a-f]+)(?P<old>{_OLD})?")
_SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}


@contextmanager
def workplace(home: Path, key: str) -> Iterator[Path]:
    """Make a folder to work in beside the run's place, and clear those that killed runs have left.

    Parameters
    ----------
    home : Path
        Folder of all runs of one params file.
    key : str
        Of the run.

    Yields
    ------
    Path
        An empty folder, gone afterwards. A lock beside it says that its process is alive.
    """
    home.mkdir(parents=True, exist_ok=True)
    sweep(home)
    work = home / f"{UNFINISHED}{key}-{secrets.token_hex(4)}"
    with held(_lock_of(work), lambda: None):
        try:
            work.mkdir()
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def sweep(home: Path) -> None:
    """Remove what killed runs left; a result that one had only moved aside goes back to its place."""
    for left in sorted(home.glob(f"{UNFINISHED}*")):
        named = _LEFT.fullmatch(left.name)
        if named is None or not left.is_dir():
            continue
        with held_if_free(_lock_of(left)) as dead:
            if not dead:
                continue
            place = home / named["key"]
            if named["old"] and not place.exists():
                left.rename(place)
            else:
                shutil.rmtree(left, ignore_errors=True)
    for lock in [*home.glob(f"{UNFINISHED}*.lock"), *home.glob(f"{LOCK}*")]:
        with held_if_free(lock):
            pass


def _lock_of(work: Path) -> Path:
    return work.with_name(f"{work.name.removesuffix(_OLD)}.lock")


def publish(work: Path, folder: Path) -> list[str]:
    """Put a finished run in place whole; what a user put into or edited in an earlier one of the same key comes along.

    Parameters
    ----------
    work : Path
        From `workplace`, with its manifest.
    folder : Path
        The run's place, beside it.

    Returns
    -------
    list of str
        What was kept, in words.
    """
    kept: list[str] = []
    aside = work.with_name(work.name + _OLD)
    if folder.exists():
        kept = keep(folder, work)
        folder.rename(aside)
    try:
        work.rename(folder)
    except OSError:
        # without locks another run may have been as fast
        if flaws(folder):
            raise
    shutil.rmtree(aside, ignore_errors=True)
    return kept


def foreign(folder: Path) -> list[str]:
    """Return the names of the files in a run's folder that the run did not leave there, or not so."""
    outputs = recorded(folder) or {}
    names = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name == NAME or path.name in _SYSTEM or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() or outputs.get(name) != file_hash(path):
            names.append(name)
    return names


def keep(old: Path, new: Path) -> list[str]:
    """Bring a user's files from an earlier folder into the one that takes its place.

    Parameters
    ----------
    old, new : Path
        Folders of runs. A name that the new one needs for itself gets `.yours` before its ending.

    Returns
    -------
    list of str
        What was kept, in words.
    """
    said = []
    for name in foreign(old):
        source, target = old / name, new / name
        if target.is_file() and not source.is_symlink() and file_hash(source) == file_hash(target):
            continue
        if os.path.lexists(target):
            target = new / _free(name, old, new)
            said.append(f"'{name}' had been changed: it is kept as '{target.relative_to(new).as_posix()}'.")
        else:
            said.append(f"'{name}' is not of this run: it is kept.")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(source, target, follow_symlinks=False)
    return said


def _free(name: str, *folders: Path) -> str:
    """Return a name like this one that nothing in the folders has."""
    path, number = PurePosixPath(name), 1
    while True:
        found = path.with_name(f"{path.stem}.yours{'' if number == 1 else f'-{number}'}{path.suffix}").as_posix()
        if not any(os.path.lexists(folder / found) for folder in folders):
            return found
        number += 1
