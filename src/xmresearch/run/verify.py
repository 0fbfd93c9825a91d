"""Execute a run again from its manifest, and say whether the same comes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xmresearch.display import Shown
from xmresearch.errors import OutputError
from xmresearch.run.file_differences import MOST_CELLS, OF_COLUMN, RELATIVE, TIMES, Finding, compare_files
from xmresearch.run.manifest import flaws
from xmresearch.run.plan_differences import ENVIRONMENT, Reason, refusal
from xmresearch.run.record import Record, read_record
from xmresearch.run.replan import repeated
from xmresearch.run.study import Clock, RunResult, run_plan

State = Literal["identical", "equal", "different"]


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What came of executing a run again.

    Attributes
    ----------
    name : str
        STUDY/NAME/KEY.
    state : str
        identical: every file has the same bytes. equal: in another environment, every table is equal within Monte Carlo error.
        different: neither.
    files : int
        How many were compared.
    findings : dict of str to list of Finding
        Of each file that differs, where.
    reasons : tuple of Reason
        What determined the run and differs now; only where that was to be passed over.
    altered : tuple of str
        Files of the run that are not as it left them.
    seconds : float
        Of the new execution.
    """

    name: str
    state: State
    files: int
    findings: dict[str, list[Finding]]
    reasons: tuple[Reason, ...] = ()
    altered: tuple[str, ...] = ()
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Say it, one line for each thing."""
        done = f"{self.files} files of {self.name}, executed again in a fresh folder in {self.seconds:.1f} s"
        if self.state == "identical":
            return [f"Bit-identical: {done}."]
        rule = (
            f"figures within {TIMES:.0f} Monte Carlo standard errors where the table has them, else within "
            f"{RELATIVE:.0%} of the figure or {OF_COLUMN:.1%} of the largest in its column"
        )
        passed = f" Not as they were: {'; '.join(r.text for r in self.reasons)}." if self.reasons else ""
        if self.state == "equal":
            return [f"Equal within Monte Carlo error ({rule}): {done}.{passed}"]
        told = [f"Different: {len(self.findings)} of {done}.{passed}"]
        told += [f"Altered since the run: {each}." for each in self.altered]
        for each in self.findings.values():
            told += [f"{finding}" for finding in each[:MOST_CELLS]]
            if len(each) > MOST_CELLS:
                told.append(f"{each[0].file}: {len(each) - MOST_CELLS:,d} more cells")
        return told


def verify_run(
    run: str | Path,
    *,
    data: str | Path | None = None,
    params: str | Path | None = None,
    anyway: bool = False,
    out: str | Path | None = None,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Verdict:
    """Execute a run again in a fresh folder, and compare what comes of it with what the run left.

    Parameters
    ----------
    run : str or Path
        A run's folder or manifest.
    data, params
        As for `xmresearch.run.replan.repeated`.
    anyway : bool
        Whether to execute and compare though inputs, params, code, lock or versions are not what they were.
    out : str or Path, optional
        Folder in which the new run is kept; it is removed if absent.
    progress : bool
        Whether to show a progress bar.
    tell : callable, optional
        Gets the notes of the new run.

    Returns
    -------
    Verdict

    Raises
    ------
    OutputError
        There is no such run, or its manifest cannot be read.
    RepeatError
        What determined the run is not what it was, or is not found.
    """
    record = read_record(run)
    with _fresh(out) as fresh, repeated(record, data=data, params=params, out=fresh) as (plan, reasons):
        if reasons and not anyway:
            raise refusal(record, reasons, "Say --anyway to execute it all the same and compare.")
        if plan.folder.resolve() == record.folder:
            raise OutputError("The run is in the folder that the new one would go to.", "Choose another with --out.")
        done = run_plan(plan, Clock(), force=True, progress=progress, tell=tell)
        return _compared(record, done, tuple(reasons), set(read_record(done.folder).content["outputs"]))


def _compared(record: Record, done: RunResult, reasons: tuple[Reason, ...], new: set[str]) -> Verdict:
    names = sorted({*record.content["outputs"], *new})
    found = compare_files(record.folder, done.folder, names)
    altered = tuple(flaws(record.folder))
    seconds = sum(value for stage, value in done.seconds.items() if stage != "cpu")
    state: State = "identical" if not found and not altered else "different"
    other = {reason.kind for reason in reasons}
    if found and not altered and other and other <= ENVIRONMENT and _equal(found):
        state = "equal"
    return Verdict(record.name, state, len(names), found, reasons, altered, seconds)


def _equal(found: dict[str, list[Finding]]) -> bool:
    """Whether of all differences those of tables are within Monte Carlo error, and no table is missing."""
    return all(each.within for name, cells in found.items() if name.endswith(".csv") for each in cells)


@contextmanager
def _fresh(out: str | Path | None) -> Iterator[Path]:
    if out is not None:
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="xm-verify-") as folder:
        yield Path(folder)
