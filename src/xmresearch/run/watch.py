"""Run a study again whenever a file that it depends on is saved."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from xmresearch.errors import XMError
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.cache import PACKAGE
from xmresearch.run.plan import plan_run
from xmresearch.run.project import params_path, project_root
from xmresearch.run.warm import run_warm

BETWEEN_LOOKS = 0.25
"""Seconds between two looks at the files."""


def watch_study(
    params_file: str | Path, overrides: Sequence[str] = (), *, lang: str | None = None, out: str | Path | None = None
) -> Iterator[Outcome]:
    """Run a study, and again whenever its params, its notebook or a file that it reads has been saved.

    Parameters
    ----------
    params_file, overrides, lang, out
        As for `run_study`.

    Yields
    ------
    Outcome
        After every run; failures are told, and the watch goes on. Imports are paid for once: code of the package that changes meanwhile does not
        count, that of a study of one's own does.
    """
    path = params_path(params_file).resolve()
    home = (Path(out) if out is not None else project_root() / "outputs").resolve()
    job = Job(path.stem, "", str(path), tuple(overrides), {}, lang, str(home))
    while True:
        files = _files(job)
        seen = _saved(files)
        yield run_warm(job)
        while _saved(files) == seen:
            time.sleep(BETWEEN_LOOKS)


def _files(job: Job) -> list[Path]:
    """Return the files that a run depends on; of wrong params that of the params alone."""
    files = [Path(job.params)]
    try:
        plan = plan_run(job.params, job.overrides, lang=job.lang, out=job.out)
    except XMError:
        return files
    plan.rows.close()
    files += [plan.notebook, *plan.inputs.values()]
    if not plan.study.folder.is_relative_to(PACKAGE):
        files += [*plan.study.folder.glob("*.py"), *plan.study.folder.glob("words/*.yml")]
    return files


def _saved(files: Sequence[Path]) -> list[int]:
    """Return when each was saved; 0 while an editor puts it anew."""
    return [file.stat().st_mtime_ns if file.is_file() else 0 for file in files]
