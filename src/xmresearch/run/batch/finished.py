"""The finished runs of a batch, as far as its summary needs them: reports are read one by one and let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import XMError, anonymous
from xmresearch.params.study import Study
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.batch.naming import below, names_of
from xmresearch.run.batch.rows import RowsRead, rows_read
from xmresearch.run.compare.figures import headline_figures
from xmresearch.run.compare.recorded import RecordedRun, Said, read_run


@dataclass(frozen=True, repr=False)
class Finished(Shown):
    """A finished run.

    Attributes
    ----------
    name : str
        What the summary calls it.
    place : str
        Of its folder, from the output folder.
    key, code, version, lang : str
        Of the run, the code that made it, the package and its report.
    study : Study
    params : mapping
        As its manifest has them.
    level : float
        Of its intervals.
    figures : DataFrame
        From `headline_figures`.
    claims : mapping of str to Said
        What it says, by name of the claim.
    rows : RowsRead
        Which rows it read.
    codebook : str
        SHA-256 of its codebook, '' where it has none.
    simulated : bool
        Whether its rows were simulated.
    """

    name: str
    place: str
    key: str
    code: str
    version: str
    lang: str
    study: Study
    params: Mapping[str, Any]
    level: float
    figures: pd.DataFrame
    claims: Mapping[str, Said]
    rows: RowsRead
    codebook: str
    simulated: bool

    @property
    def report(self) -> str:
        """Path of its report from the output folder."""
        return f"{self.place}/report.html"


@dataclass(frozen=True, repr=False)
class Unfinished(Shown):
    """A run that failed, or was not begun.

    Attributes
    ----------
    name : str
        What the summary calls it.
    job : Job
    error : str
        What was wrong; '' of one that was not begun.
    notebook : str
        As far as it came, from the output folder; '' where there is none.
    """

    name: str
    job: Job
    error: str = ""
    notebook: str = ""


@dataclass(frozen=True, repr=False)
class Ended(Shown):
    """How the runs of a batch ended.

    Attributes
    ----------
    whole : tuple of Finished
    failed, not_begun : tuple of Unfinished
    """

    whole: tuple[Finished, ...]
    failed: tuple[Unfinished, ...]
    not_begun: tuple[Unfinished, ...]

    @property
    def total(self) -> int:
        """Runs of the batch."""
        return len(self.whole) + len(self.failed) + len(self.not_begun)


def read_ended(outcomes: Sequence[Outcome], not_begun: Sequence[Job], home: Path, lang: str) -> Ended:
    """Read what a batch left.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of the runs that were begun.
    not_begun : sequence of Job
        The others.
    home : Path
        The output folder.
    lang : {'en', 'zh'}
        Language of the summary.

    Returns
    -------
    Ended
        A run whose folder is not here, or is not whole any more, counts as failed.
    """
    jobs = [*(outcome.job for outcome in outcomes), *not_begun]
    names = names_of(jobs, lang)
    whole: list[Finished] = []
    failed: list[Unfinished] = []
    for outcome, name in zip(outcomes, names, strict=False):
        if outcome.state == "failed":
            failed.append(Unfinished(name, outcome.job, outcome.error, below(home, outcome.folder)))
            continue
        try:
            whole.append(_finished(name, outcome.job, read_run(outcome.folder), home))
        except XMError as error:
            failed.append(Unfinished(name, outcome.job, anonymous(str(error).replace(str(home), home.name))))
    rest = names[len(outcomes) :]
    return Ended(
        tuple(whole), tuple(failed), tuple(Unfinished(name, job) for name, job in zip(rest, not_begun, strict=True))
    )


def _finished(name: str, job: Job, run: RecordedRun, home: Path) -> Finished:
    manifest = run.manifest
    return Finished(
        name, below(home.resolve(), str(run.folder)), run.key, str(manifest["code"]), str(manifest["versions"].get("xmresearch", "")),
        run.lang, run.study, run.params, run.level, headline_figures(run), run.claims, rows_read(run.params, run.inputs, job.varied),
        run.inputs.get("codebook", ""), run.simulated,
    )  # fmt: skip
