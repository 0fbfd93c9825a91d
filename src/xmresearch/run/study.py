"""Run one study: from a params file to a folder that is whole or not there at all."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xmresearch.errors import OutputError
from xmresearch.params.base import StudyParams
from xmresearch.params.files import key_fingerprints
from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study
from xmresearch.params.study import Study
from xmresearch.report.citations import checked
from xmresearch.run.cache import Identity, identify
from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.folders import LOCK, publish, workplace
from xmresearch.run.latest import point
from xmresearch.run.lock import held
from xmresearch.run.manifest import add_outputs, flaws, is_whole, recorded, recorded_notes, write_manifest
from xmresearch.run.outputs import bibliographies, missing_formats
from xmresearch.run.project import notebook_path, params_path, project_root
from xmresearch.run.public_params import public_params, show_public


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes
    ----------
    study : Study
        What kind of study it is.
    params : StudyParams
        Validated.
    base : Path
        Folder that relative paths start from: that of the params file.
    notebook, root : Path
        The study's notebook; the project folder.
    identity : Identity
        What determines the result.
    folder : Path
        Where the result goes.
    """

    study: Study
    params: StudyParams
    base: Path
    notebook: Path
    root: Path
    identity: Identity
    folder: Path


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Holds report.html and the other formats asked for, executed.ipynb, tables/, figures/ and manifest.json.
    report : Path
        The HTML report, by way of `latest-en` or `latest-zh`.
    cached : bool
        Whether nothing had to be computed.
    seconds : dict of str to float
        Duration of the stages, and CPU time of this process and its children.
    notes : tuple of str
        What became of an earlier result and of a user's files in it, and what the report leaves out.
    """

    folder: Path
    report: Path
    cached: bool
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def plan_run(
    params_file: str | Path, overrides: Sequence[str] = (), *, lang: str | None = None, out: str | Path | None = None
) -> Plan:
    """Validate a params file and work out what would run, without running it.

    Parameters
    ----------
    params_file : str or Path
        YAML; see `params_path` for those shipped.
    overrides : sequence of str
        `key=value`.
    lang : str, optional
        Overrides the report's language.
    out : str or Path, optional
        Folder of all outputs; `outputs/` of the project if absent.

    Returns
    -------
    Plan

    Raises
    ------
    ParamsError, DataError
        The params are wrong, or a file that they name does not exist.
    """
    root = project_root()
    path = params_path(params_file)
    params = load_params(path, overrides, lang)
    base = path.resolve().parent
    study = find_study(params.study, base)
    notebook = notebook_path(study, root)
    cited = {name: checked(path) for name, path in bibliographies(base, notebook).items()}
    inputs = params.input_files(base) | cited
    keys = key_fingerprints(params, base)
    identity = identify(params.determining(), inputs, notebook, study.folder, keys)
    home = Path(out) if out is not None else root / "outputs"
    return Plan(study, params, base, notebook, root, identity, home / params.study / params.name / identity.key)


def run_study(
    params_file: str | Path,
    overrides: Sequence[str] = (),
    *,
    lang: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
) -> RunResult:
    """Run a study, or return the earlier result if nothing that determines it has changed.

    Parameters
    ----------
    params_file, overrides, lang, out
        As for `plan_run`.
    force : bool
        Whether to compute again in any case.
    progress : bool
        Whether to show a progress bar.
    tell : callable, optional
        Gets each of the result's notes when it becomes known.

    Returns
    -------
    RunResult

    Raises
    ------
    XMError
        Wrong params or data, or an output folder that cannot be written. The earlier result stays as it is.
    """
    clock = _Clock()
    plan = plan_run(params_file, overrides, lang=lang, out=out)
    home, key, notes = plan.folder.parent, plan.identity.key, _Notes(tell)
    if not force and is_whole(plan.folder) and not missing_formats(plan.folder, plan.params.formats):
        return _found(plan, clock, notes)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock.lap("plan")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with held(home / f"{LOCK}{key}", lambda: notes.add(["Another run is computing the same: waiting for it."])):
            if plan.folder.exists():
                wrong = flaws(plan.folder)
                if not wrong and not force:
                    _add_formats(plan, notes)
                    return _found(plan, clock, notes)
                if wrong:
                    notes.add([f"The earlier result is not whole ({'; '.join(wrong[:3])}): it is computed again."])
            with workplace(home, key) as work:
                notebook, left_out = _compute(plan, work, clock, progress)
                seconds = clock.stop("report")
                write_manifest(work, plan.identity, plan.root, notebook, started, seconds, left_out)
                notes.add(left_out)
                notes.add(publish(work, plan.folder))
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to '{home}': {error.strerror or error}.",
            "Choose another folder with --out.",
        ) from None
    return _result(plan, False, seconds, notes)


class _Notes:
    """What a user should know of a run, told as it becomes known."""

    def __init__(self, tell: Callable[[str], None] | None) -> None:
        self.said: list[str] = []
        self._tell = tell

    def add(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.said.append(note)
            if self._tell is not None:
                self._tell(note)


def _found(plan: Plan, clock: _Clock, notes: _Notes) -> RunResult:
    notes.add(recorded_notes(plan.folder))
    return _result(plan, True, clock.stop("cache"), notes)


def _result(plan: Plan, cached: bool, seconds: dict[str, float], notes: _Notes) -> RunResult:
    """Let `latest` name the run, and say where it is."""
    shown, more = point(plan.folder.parent, plan.folder, plan.params.lang)
    notes.add(more)
    return RunResult(plan.folder, shown / "report.html", cached, seconds, tuple(notes.said))


def _compute(plan: Plan, work: Path, clock: _Clock, progress: bool) -> tuple[Any, list[str]]:
    """Execute the notebook and write the report; return the executed notebook, and notes of what they leave out."""
    from xmresearch.report.assemble import assemble
    from xmresearch.report.outputs import leave_out
    from xmresearch.run.engine import execute
    from xmresearch.run.outputs import write_document

    clock.lap("import")
    executed = work / "executed.ipynb"
    with deterministic_environment(plan.study.folder.parent):
        notebook = execute(plan.notebook, executed, plan.identity.params, plan.base, progress=progress)
        clock.lap("notebook")
        notebook.metadata.papermill.update(input_path=plan.notebook.name, output_path=executed.name)
        left_out = leave_out(notebook) + show_public(notebook, plan.identity.params)
        executed.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        document = assemble(notebook, _stamp(plan), list(bibliographies(plan.base, plan.notebook).values()))
        write_document(document, work, plan.params.formats)
    return notebook, left_out + document.notes


def _add_formats(plan: Plan, notes: _Notes) -> None:
    """Write what a whole run lacks of the formats that are asked for, from its executed notebook: nothing is computed again."""
    missing = missing_formats(plan.folder, plan.params.formats)
    if not missing:
        return
    from xmresearch.report.assemble import assemble
    from xmresearch.run.outputs import write_formats

    with workplace(plan.folder.parent, plan.identity.key) as work, deterministic_environment(plan.study.folder.parent):
        for name in recorded(plan.folder) or {}:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(plan.folder / name, work / name)
        notebook = json.loads((work / "executed.ipynb").read_text("utf-8"))
        document = assemble(notebook, _stamp(plan), list(bibliographies(plan.base, plan.notebook).values()))
        write_formats(document, work, missing)
        add_outputs(plan.folder, work)
        notes.add([f"The earlier result is now written as {', '.join(missing)} as well."])
        notes.add(publish(work, plan.folder))


def _stamp(plan: Plan) -> dict[str, str]:
    """Return what a reviewer needs in order to repeat the run; nothing in it depends on when or where it ran."""
    from xmresearch.report.wording import labels

    identity, words = plan.identity, labels(plan.params.lang)["stamp"]
    inputs = {f"{words['input']} ({name})": digest for name, digest in identity.inputs.items()}
    params = json.loads(json.dumps(public_params(identity.params)), object_hook=_without_folders)
    return {
        words["run"]: f"{plan.params.study}/{plan.params.name}/{identity.key}", **inputs, words["code"]: identity.code,
        words["lock"]: identity.lock, words["python"]: identity.python,
        words["packages"]: ", ".join(f"{name} {version}" for name, version in identity.packages.items()),
        words["params"]: json.dumps(params, ensure_ascii=False, sort_keys=True),
    }  # fmt: skip


def _without_folders(section: dict[str, Any]) -> dict[str, Any]:
    """Keep only the file's name of an absolute path: a report travels, folders do not."""
    return {k: Path(v).name if isinstance(v, str) and Path(v).is_absolute() else v for k, v in section.items()}


class _Clock:
    """Wall-clock seconds by stage, and CPU seconds of this process and its children in all."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

    def stop(self, stage: str) -> dict[str, float]:
        self.lap(stage)
        return self.laps | {"cpu": round(self._used(), 3)}
