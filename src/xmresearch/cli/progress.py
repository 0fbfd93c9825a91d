"""How far a batch is, in words."""

from __future__ import annotations

from pathlib import Path

import click

from xmresearch.cli.options import note, shown
from xmresearch.run.batch.progress import Progress

MINUTE, HOUR = 60, 3600
_ROUND = 10


class Teller:
    """Tells of every run that fails as it fails, and how far the batch is.

    Parameters
    ----------
    live : bool
        Whether somebody watches: the count is then kept up to date on one line. Otherwise it is told ten times in all.
    """

    def __init__(self, live: bool) -> None:
        self._live, self._told = live, -1

    def __call__(self, progress: Progress) -> None:
        """Tell."""
        last = progress.last
        if last is not None and last.state == "failed":
            self._wipe()
            click.echo(f"Failed: {last.job.study} {last.job.name}: {last.error}", err=True)
            if last.folder:
                note(f"The notebook, as far as it came: {shown(Path(last.folder))}")
        if self._live:
            click.echo(f"\r{line_of(progress):<78.78}", nl=progress.ended == progress.total, err=True)
        elif (tenth := _ROUND * progress.ended // max(progress.total, 1)) > self._told:
            self._told = tenth
            click.echo(line_of(progress), err=True)

    def _wipe(self) -> None:
        if self._live:
            click.echo(f"\r{'':<78}\r", nl=False, err=True)


def line_of(progress: Progress) -> str:
    """Return how far a batch is."""
    parts = [f"{progress.ended} of {progress.total} runs"]
    parts += [f"{progress.at_hand} at hand"] if progress.at_hand else []
    parts += [f"{progress.failed} failed"] if progress.failed else []
    if progress.left is not None and progress.ended < progress.total:
        parts.append(f"about {spoken(progress.left)} left")
    return ", ".join(parts)


def spoken(seconds: float) -> str:
    """Return a duration in words: 40 s, 12 min, 3.4 h."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOUR else f"{seconds / HOUR:.1f} h"
