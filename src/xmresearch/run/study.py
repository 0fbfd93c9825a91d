"""Run one study: from a params file to a folder that is whole or not there at all."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.errors import OutputError, XMError
from xmresearch.run.alarm import alarm_claimed
from xmresearch.run.archive import write_archive
from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.failed import forget_failed, keep_failed
from xmresearch.run.folders import LOCK, publish, workplace
from xmresearch.run.latest import point
from xmresearch.run.lock import held
from xmresearch.run.manifest import flaws, is_whole, recorded, recorded_charts, recorded_code, recorded_notes
from xmresearch.run.manifest_writing import add_outputs, now, take_times, write_manifest
from xmresearch.run.outputs import bibliographies, missing_formats
from xmresearch.run.plan import Plan, plan_run
from xmresearch.run.public_params import show_public
from xmresearch.run.register import write_actions
from xmresearch.run.reuse import EarlierFit, earlier_fit
from xmresearch.run.stamp import front, stamp

if TYPE_CHECKING:
    from xmresearch.report.document import Document
    from xmresearch.run.spare_kernel import SpareKernel


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
    alarm : bool
        Whether the params ask to be told of an alarm, and the report claims one.
    """

    folder: Path
    report: Path
    cached: bool
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    alarm: bool = False


def run_study(
    params_file: str | Path,
    overrides: Sequence[str] = (),
    *,
    lang: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
    spare: SpareKernel | None = None,
) -> RunResult:
    """Run a study, or return the earlier result if nothing that determines it has changed.

    Parameters
    ----------
    params_file, overrides, lang, out
        As for `plan_run`.
    force : bool
        Whether to compute again in any case, fits that are kept included.
    progress : bool
        Whether to show a progress bar.
    tell : callable, optional
        Gets each of the result's notes when it becomes known.
    spare : SpareKernel, optional
        A kernel that waits; a new one is started if absent.

    Returns
    -------
    RunResult

    Raises
    ------
    XMError
        Wrong params or data, or an output folder that cannot be written. The earlier result stays as it is.
    """
    clock = Clock()
    plan = plan_run(params_file, overrides, lang=lang, out=out)
    with closing(plan.rows):
        return run_plan(plan, clock, force=force, progress=progress, tell=tell, spare=spare)


def run_plan(
    plan: Plan,
    clock: Clock,
    *,
    force: bool = False,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
    spare: SpareKernel | None = None,
) -> RunResult:
    """Run what was planned, as `run_study` does.

    Parameters
    ----------
    plan : Plan
        Of the run.
    clock : Clock
        Started before the plan was made.
    force, progress, tell, spare
        As for `run_study`.

    Returns
    -------
    RunResult

    Raises
    ------
    XMError
        Wrong data, or an output folder that cannot be written.
    """
    home, key, notes = plan.folder.parent, plan.identity.key, _Notes(tell)
    if not force and at_hand(plan):
        return _found(plan, clock, notes)
    started = now()
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
                try:
                    fit = None if force else earlier_fit(plan)
                    if fit is None:
                        cells, left_out = _compute(plan, work, clock, progress, spare, force)
                    else:
                        cells, left_out = _rewrite(plan, work, fit)
                        notes.add(["Only the action register differs from an earlier run: its results are taken over."])
                except XMError as error:
                    with suppress(OSError):  # what was wrong counts more than that there is no room to keep it
                        keep_failed(work, home, key, plan.params.of_notebook(), error)
                    raise
                seconds = clock.stop("report")
                write_manifest(work, plan, cells, started, seconds, left_out)
                notes.add(left_out)
                notes.add(publish(work, plan.folder))
                forget_failed(home, key)
    except OSError as error:
        raise OutputError(
            f"The results cannot be written to '{home}': {error.strerror or error}.",
            "Choose another folder with --out.",
        ) from None
    return _result(plan, False, seconds, notes)


def at_hand(plan: Plan) -> bool:
    """Whether the result is there, in every format that is asked for: nothing would be computed or written."""
    return is_whole(plan.folder) and not _unwritten(plan)


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


def _found(plan: Plan, clock: Clock, notes: _Notes) -> RunResult:
    notes.add(recorded_notes(plan.folder))
    return _result(plan, True, clock.stop("cache"), notes)


def _result(plan: Plan, cached: bool, seconds: dict[str, float], notes: _Notes) -> RunResult:
    """Let `latest` name the run, and say where it is."""
    shown, more = point(plan.folder.parent, plan.folder, plan.params.lang)
    notes.add(more)
    return RunResult(
        plan.folder, shown / "report.html", cached, seconds, tuple(notes.said), alarm_claimed(plan, plan.folder)
    )


def _compute(
    plan: Plan, work: Path, clock: Clock, progress: bool, spare: SpareKernel | None, afresh: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Execute the notebook and write the report; return the seconds of its cells, and notes of what both leave out."""
    from xmresearch.report.outputs import leave_out
    from xmresearch.run.engine import execute

    clock.lap("import")
    executed = work / "executed.ipynb"
    with deterministic_environment(plan.study.folder.parent), plan.rows.used():
        given = plan.params.of_notebook()
        notebook = execute(plan.notebook, executed, given, plan.base, progress=progress, spare=spare, afresh=afresh)
        plan.rows.require_unchanged()
        clock.lap("notebook")
        cells = take_times(notebook)
        notebook.metadata.papermill.update(input_path=plan.notebook.name, output_path=executed.name)
        left_out = leave_out(notebook) + show_public(notebook, given)
        executed.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        return cells, left_out + _write(plan, notebook, work)


def _rewrite(plan: Plan, work: Path, fit: EarlierFit) -> tuple[list[dict[str, Any]], list[str]]:
    """Write the report from the results of an earlier run; return the seconds of its cells, and notes of what both leave out."""
    (work / "executed.ipynb").write_bytes(fit.executed)
    with deterministic_environment(plan.study.folder.parent):
        notes = _write(plan, json.loads(fit.executed), work)
    return list(fit.manifest["cells"]), list(dict.fromkeys([*fit.manifest["notes"], *notes]))


def _write(plan: Plan, notebook: Mapping[str, Any], work: Path) -> list[str]:
    """Write what a run leaves beside its executed notebook; return notes of what the report leaves out."""
    from xmresearch.run.outputs import write_document

    document = _document(plan, notebook)
    write_actions(plan.actions, work)
    write_document(document, work, plan.params.formats)
    write_archive(plan, work)
    return document.notes


def _document(plan: Plan, notebook: Mapping[str, Any]) -> Document:
    """Assemble the report, with the action register."""
    from xmresearch.report.assemble import assemble
    from xmresearch.run.register_table import with_register

    shown = with_register(notebook, plan.actions, plan.study)
    document = assemble(shown, stamp(plan), list(bibliographies(plan.base, plan.notebook).values()), front(plan))
    document.code, document.charts = plan.params.code, plan.params.charts
    return document


def _unwritten(plan: Plan) -> list[str]:
    """Return the formats that a whole run lacks, HTML with its code shown otherwise, and a workbook whose charts are not as asked for."""
    again = ["html"] if recorded_code(plan.folder) != plan.params.code else []
    other = recorded_charts(plan.folder) != plan.params.charts and not missing_formats(plan.folder, ["xlsx"])
    return again + missing_formats(plan.folder, plan.params.formats) + (["xlsx"] if other else [])


def _add_formats(plan: Plan, notes: _Notes) -> None:
    """Write what a whole run lacks of the formats that are asked for, from its executed notebook: nothing is computed again."""
    missing = _unwritten(plan)
    if not missing:
        return
    from xmresearch.run.outputs import write_formats

    with workplace(plan.folder.parent, plan.identity.key) as work, deterministic_environment(plan.study.folder.parent):
        for name in recorded(plan.folder) or {}:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(plan.folder / name, work / name)
        notebook = json.loads((work / "executed.ipynb").read_text("utf-8"))
        document = _document(plan, notebook)
        write_formats(document, work, missing)
        add_outputs(plan.folder, work, plan.params.code, plan.params.charts)
        if more := [kind for kind in missing if kind != "html"]:
            notes.add([f"The earlier result is now written as {', '.join(more)} as well."])
        if "html" in missing:
            notes.add([f"The earlier report is written again with 'code: {plan.params.code}'."])
        notes.add(publish(work, plan.folder))


class Clock:
    """Wall-clock seconds by stage, and CPU seconds of this process and its children in all."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def lap(self, stage: str) -> None:
        """Note that a stage has ended."""
        now = time.perf_counter()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

    def stop(self, stage: str) -> dict[str, float]:
        """Note that the last stage has ended, and return the seconds of each and the CPU time."""
        self.lap(stage)
        return self.laps | {"cpu": round(self._used(), 3)}
