"""Plan a run again from its manifest: find its inputs, and lay them where the params say."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from xmresearch.errors import ParamsError, RepeatError
from xmresearch.params.registry import find_study
from xmresearch.run.archive import PSEUDONYM_KEY, kept_name
from xmresearch.run.cache import file_hash
from xmresearch.run.plan import Plan, plan_params, plan_run
from xmresearch.run.plan_differences import Reason, differences
from xmresearch.run.project import project_root, shipped
from xmresearch.run.record import Record
from xmresearch.run.register import as_json, recorded_actions


@contextmanager
def repeated(
    record: Record, *, data: str | Path | None = None, params: str | Path | None = None, out: str | Path | None = None
) -> Iterator[tuple[Plan, list[Reason]]]:
    """Plan a run again from its record.

    Parameters
    ----------
    record : Record
        Of the run.
    data : str or Path, optional
        Folder in which its inputs are looked for by their names, before the places where they were.
    params : str or Path, optional
        The params file; needed where the manifest's params are not whole.
    out : str or Path, optional
        Folder of all outputs; `outputs/` of the project if absent.

    Yields
    ------
    plan : Plan
        It can be run inside.
    reasons : list of Reason
        What differs from the record; empty where the same key results.

    Raises
    ------
    RepeatError
        The params are not whole, or an input is not found.
    ParamsError
        The params do not fit the study as it is now.
    """
    if params is not None:
        shown = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in _shown(record).items()]
        plan = plan_run(params, shown, lang=record.content["params"].get("lang"), out=out)
        with closing(plan.rows):
            yield plan, differences(record, plan)
        return
    if not record.whole_params:
        raise RepeatError(
            "The manifest does not hold all params: some tell who somebody is, and are replaced.",
            "Name the params file with --params.",
        )
    folder = None if data is None else Path(data).resolve()
    with _staged(record, folder) as base:
        plan = _planned(record, base, folder, out)
        with closing(plan.rows):
            yield plan, differences(record, plan)


def _shown(record: Record) -> dict[str, Any]:
    """Return the params that no figure depends on, as the run was written."""
    actions = as_json(recorded_actions(record.folder))
    return {**record.content.get("shown", {}), "formats": record.formats, "actions": actions, "actions_file": None}


def _planned(record: Record, base: Path, data: Path | None, out: str | Path | None) -> Plan:
    root, place = project_root().resolve(), record.content.get("base")
    near = next((p / place for p in (root, shipped()) if place and (p / place).is_dir()), data or Path.cwd())
    study = find_study(record.content["params"].get("study"), near)
    given = {**record.content["params"], **_shown(record)}
    try:
        params = study.params.model_validate(given)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]}))
        raise ParamsError(f"The manifest's params do not fit the study as it is now: {wrong}.") from None
    return plan_params(params, base, near, out)


@contextmanager
def _staged(record: Record, data: Path | None) -> Iterator[Path]:
    """Make a folder of a params file from which each input lies where the params say."""
    places: Mapping[str, str] = record.content.get("files", {})
    found = {key: _located(record, key, place, data) for key, place in places.items()}
    missing = [f"{key} ('{places[key]}')" for key, path in found.items() if path is None]
    if missing:
        raise RepeatError(
            f"Inputs of the run are not found: {', '.join(missing)}.",
            "Name the folder that holds them with --data, or the params file with --params.",
        )
    up = max((os.path.normpath(place).split(os.sep).count("..") for place in places.values()), default=0)
    with tempfile.TemporaryDirectory(prefix="xm-repeat-") as top:
        base = Path(top).resolve().joinpath(*["params"] * (up + 1))
        base.mkdir(parents=True)
        for key, path in found.items():
            target = Path(os.path.normpath(base / places[key]))
            target.parent.mkdir(parents=True, exist_ok=True)
            if path is not None and not target.exists():
                _link(path.resolve(), target)
        yield base


def _located(record: Record, key: str, place: str, data: Path | None) -> Path | None:
    """Return the file that an input was; where none has its hash, one of its name; None where there is none."""
    there = [path for path in _candidates(record, key, place, data) if path.is_file()]
    same = (p for p in there if key.endswith(PSEUDONYM_KEY) or file_hash(p) == record.content["inputs"].get(key))
    own = (path for path in there if not path.is_relative_to(record.folder))
    return next(same, next(own, None))


def _candidates(record: Record, key: str, place: str, data: Path | None) -> Iterator[Path]:
    name = PurePosixPath(place).name
    if (kept := kept_name(key, place)) is not None:
        yield record.folder / kept
    if data is not None:
        yield data / place
        yield data / name
        yield from sorted(data.rglob(name))
    base = record.content.get("base")
    yield from (root.resolve() / base / place for root in (project_root(), shipped()) if base)
    yield Path.cwd() / place


def _link(path: Path, target: Path) -> None:
    try:
        target.symlink_to(path)
    except OSError:
        shutil.copy2(path, target)
