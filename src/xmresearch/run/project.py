"""Where things lie: the project's outputs, and the notebooks, params and lock that travel with the package."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.params.study import Study

HOME_VARIABLE = "XMRESEARCH_HOME"
_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]


def project_root() -> Path:
    """Return the folder for outputs and new params.

    Returns
    -------
    Path
        XMRESEARCH_HOME, or the checkout that the package runs from, or the nearest folder above the working directory that
        holds `notebooks/`, or the working directory.

    Raises
    ------
    StudyError
        XMRESEARCH_HOME names no folder.
    """
    given = os.environ.get(HOME_VARIABLE)
    if given:
        if not Path(given).is_dir():
            raise StudyError(f"{HOME_VARIABLE} is '{given}', which is no folder.")
        return Path(given)
    here = Path.cwd()
    return next((p for p in (_CHECKOUT, here, *here.parents) if (p / "notebooks").is_dir()), here)


def shipped() -> Path:
    """Return the folder of what travels with the package: in a checkout its top, in an installed wheel a folder within."""
    within = _PACKAGE / "shipped"
    return within if within.is_dir() else _CHECKOUT


def commit_of_code() -> dict[str, Any]:
    """Return the commit of the checkout that the package runs from, and whether its files differ; empty where it is installed."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(_CHECKOUT), *arguments], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD") if shipped() == _CHECKOUT else None
    return {} if commit is None else {"commit": commit, "dirty": bool(git("status", "--porcelain"))}


def notebook_path(study: Study, root: Path) -> Path:
    """Return a study's notebook: in its own folder, in the project's `notebooks/`, or as shipped.

    Parameters
    ----------
    study : Study
        From the registry.
    root : Path
        The project's folder.

    Returns
    -------
    Path

    Raises
    ------
    StudyError
        There is none.
    """
    name = f"{study.name}.ipynb"
    places = (study.folder, root / "notebooks", shipped() / "notebooks")
    for place in places:
        if (place / name).is_file():
            return place / name
    raise StudyError(f"The study '{study.name}' has no notebook.", f"Put {name} into {study.folder}.")


def params_path(given: str | Path) -> Path:
    """Return a params file: the one given, or where there is none the shipped one of that name.

    Parameters
    ----------
    given : str or Path
        A path; or, of a shipped one, `params/STUDY/NAME.yml` or `STUDY/NAME`.

    Returns
    -------
    Path
        As given where neither exists.
    """
    path = Path(given)
    if path.exists() or path.is_absolute():
        return path
    named = (shipped() / path, shipped() / "params" / f"{path.with_suffix('')}.yml")
    return next((p for p in named if p.is_file()), path)
