"""`latest-en` and `latest-zh`: the newest report in each language, where symbolic links exist and where they do not."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from xmresearch.run.folders import LOCK, foreign, keep
from xmresearch.run.lock import held
from xmresearch.run.manifest import NAME, recorded


def point(home: Path, folder: Path, lang: str) -> tuple[Path, list[str]]:
    """Let `latest-<lang>` name a run: a link, or a copy where links do not exist (Windows, exFAT, SMB).

    Parameters
    ----------
    home : Path
        Folder of all runs of one params file.
    folder : Path
        The run's, in it.
    lang : str
        Language of the report.

    Returns
    -------
    shown : Path
        `latest-<lang>`; the run's own folder where `latest-<lang>` cannot be written.
    notes : list of str
        What became of a user's files, and what did not succeed.
    """
    latest = home / f"latest-{lang}"
    if _names(latest, folder):
        return latest, []
    try:
        with held(home / f"{LOCK}latest-{lang}", lambda: None):
            return latest, _renew(latest, folder)
    except OSError as error:
        return folder, [f"'{latest.name}' cannot be made to name this run: {error.strerror or error}."]


def _names(latest: Path, folder: Path) -> bool:
    if latest.is_symlink():
        return os.readlink(latest) == folder.name
    try:
        return (latest / NAME).read_bytes() == (folder / NAME).read_bytes() and not foreign(latest)
    except OSError:
        return False


def _renew(latest: Path, folder: Path) -> list[str]:
    """Make the link or the copy beside its place, and rename it; nobody else does so meanwhile."""
    new, old = (latest.with_name(f".{latest.name}-{which}") for which in ("new", "old"))
    for left in latest.parent.glob(f"{new.name}-*"):
        _remove(left)
    if old.exists() and not latest.exists():
        old.rename(latest)
    _remove(old)
    new = new.with_name(f"{new.name}-{secrets.token_hex(4)}")
    try:
        new.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        new.mkdir()
        for name in (*(recorded(folder) or {}), NAME):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, new / name)
    if latest.is_symlink() or not latest.exists():
        notes = _left_behind(latest)
        if not new.is_symlink():
            latest.unlink(missing_ok=True)
        new.replace(latest)
        return notes
    notes = keep(latest, folder if new.is_symlink() else new) if latest.is_dir() else []
    latest.rename(old)
    new.rename(latest)
    _remove(old)
    return notes


def _left_behind(latest: Path) -> list[str]:
    """Say which files of a user stay where `latest` no longer leads."""
    names = foreign(latest) if latest.is_dir() else []
    if not names:
        return []
    shown = ", ".join(f"'{name}'" for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return [f"{shown}: not of a run, kept in '{os.readlink(latest)}', which '{latest.name}' no longer names."]


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
