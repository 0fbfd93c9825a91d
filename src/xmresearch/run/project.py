"""Where the project lies: its notebooks, lock and outputs."""

from __future__ import annotations

import os
from pathlib import Path

from xmresearch.errors import StudyError

HOME_VARIABLE = "XMRESEARCH_HOME"


def project_root() -> Path:
    """Return the folder that holds `notebooks/`.

    Returns
    -------
    Path
        XMRESEARCH_HOME, or the checkout that the package runs from, or the nearest one above the working directory.

    Raises
    ------
    StudyError
        There is none.
    """
    given = os.environ.get(HOME_VARIABLE)
    here = Path.cwd()
    candidates = [Path(given)] if given else [Path(__file__).resolve().parents[3], here, *here.parents]
    for folder in candidates:
        if (folder / "notebooks").is_dir():
            return folder
    raise StudyError(
        "No folder with notebooks/ was found.",
        f"Run inside a checkout of the project, or set {HOME_VARIABLE} to one.",
    )
