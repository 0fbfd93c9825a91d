"""Put on record what a run was: its manifest, and its description as a research object."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xmresearch.report.outputs import INJECTED_TAG, tags
from xmresearch.run.archive import input_places, params_place
from xmresearch.run.cache import file_hash
from xmresearch.run.crate import describe_run
from xmresearch.run.determinism import SETTINGS
from xmresearch.run.manifest import CRATE, NAME, output_hashes, title
from xmresearch.run.plan import Plan
from xmresearch.run.project import commit_of_code
from xmresearch.run.public_params import dotted, public_params
from xmresearch.run.register import REGISTER
from xmresearch.run.reuse import FIT, fit_key

_TIMES = ("duration", "start_time", "end_time")


def now() -> str:
    """Return the time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def take_times(notebook: Any) -> list[dict[str, Any]]:
    """Take out of an executed notebook what differs from run to run: when and how long it ran, and a random name of a cell.

    Parameters
    ----------
    notebook : NotebookNode
        Executed by papermill; changed in place.

    Returns
    -------
    list of dict
        Name (cell) and seconds of each cell of code.
    """
    cells = [
        {"cell": title(cell), "seconds": round(float(cell["metadata"]["papermill"].get("duration") or 0.0), 3)}
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    for part in (notebook, *notebook["cells"]):
        for name in _TIMES:
            part["metadata"].get("papermill", {}).pop(name, None)
        part["metadata"].pop("execution", None)
        if INJECTED_TAG in tags(part):
            part["id"] = INJECTED_TAG
    return cells


def write_manifest(
    folder: Path,
    plan: Plan,
    cells: Sequence[Mapping[str, Any]],
    started: str,
    seconds: Mapping[str, float],
    notes: Sequence[str] = (),
) -> None:
    """Write the manifest, and the research object's description, beside the outputs that they list.

    Parameters
    ----------
    folder : Path
        The run's folder, complete but for these two.
    plan : Plan
        Of the run.
    cells : sequence of mapping
        Name and seconds of each cell of code.
    started : str
        When the run began, ISO 8601 in UTC.
    seconds : mapping of str to float
        Duration of the run's stages, and its CPU time.
    notes : sequence of str
        What the user is told of the result, whenever it is asked for.
    """
    from xmresearch.report.answer import answer_of

    identity = plan.identity
    params = public_params(identity.params)
    content = {
        "key": identity.key,
        FIT: fit_key(identity),
        "params": params,
        "whole_params": params == identity.params,
        "shown": _shown_only(plan),
        "base": params_place(plan),
        "files": input_places(plan),
        "inputs": dict(identity.inputs),
        "code": identity.code,
        "lock": identity.lock,
        "git": commit_of_code(),
        "python": identity.python,
        "versions": dict(identity.packages),
        "threads": {"settings": SETTINGS, "cores": os.cpu_count()},
        "seeds": {name: value for name, value in dotted(params).items() if name.rpartition(".")[2] == "seed"},
        "started": started,
        "ended": now(),
        "seconds": dict(seconds),
        "cells": list(cells),
        "notes": list(notes),
        "answer": answer_of(json.loads((folder / "executed.ipynb").read_text("utf-8"))),
    }
    _write(content, folder)


def add_outputs(old: Path, new: Path, code: str, charts: bool) -> None:
    """Write the manifest of a run that has got more outputs: all else stays as it was recorded.

    Parameters
    ----------
    old, new : Path
        Folder with the manifest, and the one that holds its outputs and the new ones.
    code : {'hide', 'fold', 'show'}
        How the report now shows the cells' code.
    charts : bool
        Whether the workbook now has charts.
    """
    content = json.loads((old / NAME).read_text("utf-8"))
    content["shown"] |= {"code": code, "charts": charts}
    _write(content, new)


def _write(content: dict[str, Any], folder: Path) -> None:
    """Write both; the manifest lists the description apart from the outputs, since it holds times as the manifest does."""
    content |= {"outputs": output_hashes(folder)}
    (folder / CRATE).write_text(_json(describe_run(content, folder)), "utf-8")
    content |= {"records": {CRATE: file_hash(folder / CRATE)}}
    (folder / NAME).write_text(_json(content), "utf-8")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def _shown_only(plan: Plan) -> dict[str, Any]:
    """Return the params that no figure depends on."""
    return public_params(plan.params.model_dump(mode="json", include=set(plan.params.shown_only) - REGISTER))
