"""Run what a manifest records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from xmresearch.run.plan_differences import ENVIRONMENT, refusal
from xmresearch.run.record import read_record
from xmresearch.run.replan import repeated
from xmresearch.run.study import Clock, RunResult, run_plan


def run_again(
    run: str | Path,
    *,
    data: str | Path | None = None,
    formats: Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
) -> RunResult:
    """Run what a manifest records, or return the result that is there already.

    Parameters
    ----------
    run : str or Path
        A run's manifest or folder.
    data : str or Path, optional
        Folder in which the inputs are looked for by their names, before the places where they were.
    formats : sequence of str
        What the report is written as; as it was if empty.
    out, force, progress, tell
        As for `xmresearch.run.study.run_study`. Where code or versions are not what they were, a note says so: the run then
        has another key.

    Returns
    -------
    RunResult

    Raises
    ------
    OutputError
        There is no such run, or its manifest cannot be read.
    RepeatError
        An input is not what it was or is not found, or the manifest was altered.
    """
    clock, record = Clock(), read_record(run)
    with repeated(record, data=data, out=out) as (plan, reasons):
        if any(reason.kind not in ENVIRONMENT for reason in reasons):
            raise refusal(record, reasons, "Name the folder of the inputs with --data, or run the params file.")
        if tell is not None:
            for reason in reasons:
                tell(f"This is not the run that the manifest records: {reason.text}.")
        if formats:
            plan = replace(plan, params=plan.params.model_copy(update={"formats": list(formats)}))
        return run_plan(plan, clock, force=force, progress=progress, tell=tell)
