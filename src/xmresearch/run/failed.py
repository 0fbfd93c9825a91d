"""What a run that failed leaves: its notebook as far as it came, without what may not leave the machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xmresearch.errors import XMError

FAILED = "failed-"
"""What the folder of a run that failed begins with, beside those of runs that are whole."""
_ERROR = "error"


def keep_failed(work: Path, home: Path, key: str, given: Mapping[str, Any], error: XMError) -> None:
    """Keep the notebook of a run that failed, and note in the error where it is.

    Parameters
    ----------
    work : Path
        Folder that the run was made in.
    home : Path
        Folder of all runs of one params file.
    key : str
        Of the run.
    given : mapping
        Params that the notebook got.
    error : XMError
        What the run raises; it stands in the notebook in the place of what Python said, which may quote the data.
    """
    executed = work / "executed.ipynb"
    if not executed.is_file():
        return
    import nbformat

    from xmresearch.report.outputs import leave_out
    from xmresearch.run.public_params import show_public

    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook["cells"]:
        failures = [output for output in cell.get("outputs", ()) if output["output_type"] == _ERROR]
        if failures:
            cell["outputs"] = [output for output in cell["outputs"] if output["output_type"] != _ERROR]
            told = {
                "output_type": _ERROR,
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": [str(error)],
            }
            cell["failure"] = nbformat.from_dict(told)  # type: ignore[no-untyped-call]
    leave_out(notebook)
    show_public(notebook, given)
    for cell in notebook["cells"]:
        if failure := cell.pop("failure", None):
            cell["outputs"].append(failure)
    work.joinpath("kept").mkdir()
    (work / "kept" / executed.name).write_text(
        json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8"
    )
    forget_failed(home, key)
    os.rename(work / "kept", home / f"{FAILED}{key}")
    error.kept = str(home / f"{FAILED}{key}" / executed.name)


def forget_failed(home: Path, key: str) -> None:
    """Remove what an earlier run of the same key left that failed."""
    shutil.rmtree(home / f"{FAILED}{key}", ignore_errors=True)
