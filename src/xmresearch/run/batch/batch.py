"""Run many studies: what is missing is run by warm workers, whatever fails does not hold up the others."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xmresearch.display import Shown
from xmresearch.errors import XMError
from xmresearch.run.batch.cluster import connected, received, submit
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.batch.progress import Progress
from xmresearch.run.batch.summary import Summary, write_summary
from xmresearch.run.batch.sweep import Sweep, jobs_of, read_sweep
from xmresearch.run.cache import remembered_program
from xmresearch.run.plan import plan_run
from xmresearch.run.project import params_path, project_root
from xmresearch.run.study import Clock, at_hand, run_plan

BEHIND = 2
"""Runs that wait at each worker while it works, so that none is idle between two."""


@dataclass(frozen=True, repr=False)
class BatchResult(Shown):
    """A finished batch.

    Attributes
    ----------
    outcomes : tuple of Outcome
        One for each run, in the order of the sweep.
    not_begun : tuple of Job
        Runs that were left out after a failure.
    seconds : float
        Duration.
    summary : Summary or None
        What they say together; None of a single run, or where it could not be written.
    notes : tuple of str
        What became of a user's files in an earlier summary, and why there is none.
    """

    outcomes: tuple[Outcome, ...]
    not_begun: tuple[Job, ...]
    seconds: float
    summary: Summary | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> list[Outcome]:
        """Those that failed."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]

    def _head(self) -> dict[str, Any]:
        return {"runs": len(self.outcomes), "failed": len(self.failed), "not_begun": len(self.not_begun)}


def run_batch(
    params: Sequence[str | Path] = (),
    *,
    sweep: str | Path | Sweep | None = None,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    keep_going: bool = True,
    lang: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    tell: Callable[[Progress], None] | None = None,
) -> BatchResult:
    """Run the studies of several params files, or of a sweep.

    Parameters
    ----------
    params : sequence of str or Path
        Params files; absent where there is a sweep.
    sweep : str, Path or Sweep, optional
        See `read_sweep`.
    overrides : sequence of str
        `key=value`, for every run.
    workers, scheduler
        See `connected`.
    keep_going : bool
        Whether runs go on to be begun after one has failed; those under way end in any case.
    lang : str, optional
        Overrides the reports' language.
    out : str or Path, optional
        Folder of all outputs; `outputs/` of the project if absent.
    force : bool
        Whether to compute again what is at hand.
    tell : callable, optional
        Gets a `Progress` at the start and after every run.

    Returns
    -------
    BatchResult
        Each run is what `run_study` makes of it, bit for bit.

    Raises
    ------
    ParamsError
        Params of any run are wrong: nothing is run then.
    OutputError, RepeatError
        See `connected`.
    """
    home = (Path(out) if out is not None else project_root() / "outputs").resolve()
    given = sweep if isinstance(sweep, Sweep) else read_sweep(sweep) if sweep is not None else _of_files(params)
    jobs = jobs_of(given, overrides, lang=lang, out=home, force=force)
    started = time.perf_counter()
    with remembered_program():
        found = {k: there for k, job in enumerate(jobs) if (there := _without_worker(job)) is not None}
    counts = Counter(outcome.state for outcome in found.values())
    progress = Progress(len(jobs), at_hand=counts["at_hand"], failed=counts["failed"])
    say = tell or (lambda _: None)
    for outcome in found.values():
        if outcome.state == "failed":
            say(replace(progress, last=outcome))
    say(progress)
    rest = {k: job for k, job in enumerate(jobs) if k not in found}
    if rest and (keep_going or not counts["failed"]):
        with connected(workers and min(workers, len(rest)), scheduler) as client:
            found |= _run_all(rest, client, keep_going, progress, say)
    outcomes = tuple(found[k] for k in range(len(jobs)) if k in found)
    not_begun = tuple(job for k, job in enumerate(jobs) if k not in found)
    summary, notes = _summed_up(given, outcomes, not_begun, home, lang)
    return BatchResult(outcomes, not_begun, time.perf_counter() - started, summary, notes)


def _summed_up(
    sweep: Sweep, outcomes: Sequence[Outcome], not_begun: Sequence[Job], home: Path, lang: str | None
) -> tuple[Summary | None, tuple[str, ...]]:
    """Write the summary; that it cannot be written is no reason not to tell what came of the runs."""
    try:
        summary = write_summary(sweep, outcomes, not_begun, home, lang)
    except XMError as error:
        return None, (str(error),)
    return summary, summary.notes if summary else ()


def _of_files(params: Sequence[str | Path]) -> Sweep:
    return Sweep(name="batch", params=[str(params_path(path)) for path in params])


def _without_worker(job: Job) -> Outcome | None:
    """Return what comes of a run that is at hand, or that cannot be planned; None where it must be computed."""
    try:
        clock = Clock()
        plan = plan_run(job.params, job.overrides, lang=job.lang, out=job.out)
        with closing(plan.rows):
            return None if job.force or not at_hand(plan) else job.done(run_plan(plan, clock))
    except XMError as error:
        return job.failed(error)


def _run_all(
    jobs: Mapping[int, Job], client: Any, keep_going: bool, progress: Progress, say: Callable[[Progress], None]
) -> dict[int, Outcome]:
    """Run all, each where a worker is free, and return what came of each, by its place."""
    from distributed import as_completed

    token, started, stop = secrets.token_hex(4), time.perf_counter(), False
    waiting = list(jobs)[::-1]
    found: dict[int, Outcome] = {}
    places: dict[Any, int] = {}
    ended = as_completed()

    def begin() -> None:
        threads = max(sum(client.nthreads().values()), 1)
        while waiting and not stop and len(places) < BEHIND * threads:
            place = waiting.pop()
            future = submit(client, jobs[place], token)
            places[future] = place
            ended.add(future)

    begin()
    for future in ended:
        place = places.pop(future)
        outcome = found[place] = received(future, jobs[place])
        future.release()
        stop = stop or (outcome.state == "failed" and not keep_going)
        pace = (time.perf_counter() - started) / len(found)
        progress = replace(
            progress,
            **{outcome.state: getattr(progress, outcome.state) + 1},
            left=pace * (len(jobs) - len(found)),
            last=outcome,
        )
        say(progress)
        begin()
    return found
