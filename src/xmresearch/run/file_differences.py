"""Hold the files of two runs against each other: byte by byte, and tables cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmresearch.display import Shown
from xmresearch.errors import brief

RELATIVE = 0.01
"""Of a figure without a Monte Carlo error of its own: the share of it by which it may differ in another environment."""
OF_COLUMN = 0.001
"""The same as a share of the largest figure in its column, for figures near zero."""
TIMES = 4.0
"""Standard errors of a difference of two simulations by which figures with a Monte Carlo error may differ."""
QUANTILE = 2.7
"""How much larger the Monte Carlo error of a normal 2.5 % quantile is than that of the mean."""
MOST_CELLS = 10
_DIAGNOSTICS = ("rhat", "ess_bulk", "ess_tail")
_LIMITS = ("_lower", "_upper")
_WIDTH = 3.92  # standard deviations between the limits of a normal 95 % interval


@dataclass(frozen=True, repr=False)
class Finding(Shown):
    """Something in which two runs differ.

    Attributes
    ----------
    file : str
        Name below the run's folder.
    where : str
        Row and column of a table, line of a text or byte of another file; '' of the whole file.
    old, new : str
        What stands there.
    within : bool
        Whether the difference is within Monte Carlo error; of other files than tables False.
    """

    file: str
    where: str
    old: str
    new: str
    within: bool = False

    def __str__(self) -> str:
        place = f", {self.where}" if self.where else ""
        return f"{self.file}{place}: {brief(self.old)}, now {brief(self.new)}"


def compare_files(old: Path, new: Path, names: Sequence[str]) -> dict[str, list[Finding]]:
    """Compare the files of two runs.

    Parameters
    ----------
    old, new : Path
        Folders of the runs.
    names : sequence of str
        Files that either should have.

    Returns
    -------
    dict of str to list of Finding
        For each file that differs, where it does.
    """
    found = {}
    for name in names:
        there = [(folder / name).is_file() for folder in (old, new)]
        if not all(there):
            words = ["there" if t else "missing" for t in there]
            found[name] = [Finding(name, "", words[0], words[1])]
            continue
        before, after = (old / name).read_bytes(), (new / name).read_bytes()
        if before != after:
            cells = compare_tables(name, before, after) if name.endswith(".csv") else []
            found[name] = cells or [_first_difference(name, before, after)]
    return found


def compare_tables(name: str, old: bytes, new: bytes) -> list[Finding]:
    """Compare two CSV tables.

    Parameters
    ----------
    name : str
        Of the file.
    old, new : bytes
        Their contents.

    Returns
    -------
    list of Finding
        One for each cell that differs, or one for columns or rows; empty where the cells are the same.

    Notes
    -----
    In a row with `sd` and `ess_bulk`, those of a posterior, a figure may differ by `TIMES` standard errors of a difference of two
    means, sd sqrt(1 / ess + 1 / ess); a limit of an interval (_lower, _upper) by `QUANTILE` times as much. The sd of a figure with an
    interval of its own is taken from that, that of a probability (p_) is at most 1/2. Diagnostics of the sampler (rhat, ess_bulk,
    ess_tail) are no figures of the result, and may be any number. Any other figure may differ by `RELATIVE` of itself or by
    `OF_COLUMN` of the largest in its column. Texts may not differ.

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Buerkner, P.-C. (2021). Rank-normalization, folding, and localization.
    Bayesian Analysis 16, 667-718.
    """
    try:
        before, after = _rows(old), _rows(new)
    except (UnicodeDecodeError, csv.Error):
        return []
    if not before or not after or before[0] != after[0]:
        return [Finding(name, "columns", ", ".join(before[0] if before else []), ", ".join(after[0] if after else []))]
    if len(before) != len(after) or any(len(row) != len(before[0]) for row in [*before, *after]):
        return [Finding(name, "rows", str(len(before) - 1), str(len(after) - 1))]
    head = before[0]
    largest = [_largest([row[j] for row in before[1:]]) for j in range(len(head))]
    found = []
    for i, (a, b) in enumerate(zip(before[1:], after[1:], strict=True), 1):
        row = dict(zip(head, a, strict=True))
        error = _posterior_error(row, dict(zip(head, b, strict=True)))
        for j, column in enumerate(head):
            if a[j] != b[j]:
                where = f"row {i} ({brief(a[0])}), column '{column}'"
                found.append(
                    Finding(name, where, a[j], b[j], _within(a[j], b[j], _allowed(row, column, error), largest[j]))
                )
    return found


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _largest(texts: Sequence[str]) -> float:
    return max((abs(v) for t in texts if (v := _number(t)) is not None), default=0.0)


def _posterior_error(old: Mapping[str, str], new: Mapping[str, str]) -> float | None:
    """Return the standard error of the difference of two posterior means, in posterior sd; None of a row that is no posterior's."""
    draws = [_number(row.get("ess_bulk", "")) for row in (old, new)]
    if _number(old.get("sd", "")) is None or any(each is None or each <= 0 for each in draws):
        return None
    return float(np.sqrt(sum(1 / each for each in draws if each is not None)))


def _allowed(row: Mapping[str, str], column: str, error: float | None) -> float | None:
    """Return by how much a figure may differ; None where its row is no posterior's."""
    if row[next(iter(row))] in _DIAGNOSTICS or (error is not None and column in _DIAGNOSTICS):
        return np.inf
    if error is None:
        return None
    stem = column
    for ending in _LIMITS:
        stem = stem.removesuffix(ending)
    low, high = (_number(row.get(f"{stem}{ending}", "")) for ending in _LIMITS)
    if low is not None and high is not None:
        spread = (high - low) / _WIDTH
    else:
        spread = 0.5 if column.startswith("p_") else _number(row["sd"]) or 0.0
    return TIMES * error * spread * (QUANTILE if stem != column else 1.0)


def _within(old: str, new: str, allowed: float | None, largest: float) -> bool:
    a, b = _number(old), _number(new)
    if a is None or b is None:
        return False
    limit = max(RELATIVE * max(abs(a), abs(b)), OF_COLUMN * largest) if allowed is None else allowed
    return abs(a - b) <= limit


def _first_difference(name: str, old: bytes, new: bytes) -> Finding:
    """Say where two contents first differ."""
    try:
        before, after = old.decode("utf-8").splitlines(), new.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        at = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        return Finding(
            name, f"byte {at + 1:,d}", old[at : at + 8].hex(" ") or "end", new[at : at + 8].hex(" ") or "end"
        )
    at = next((k for k, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    if at == len(before) == len(after):
        return Finding(name, "ends of lines", f"{len(old):,d} bytes", f"{len(new):,d} bytes")
    a, b = (lines[at] if at < len(lines) else "end" for lines in (before, after))
    shared = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(shared - 20, 0)
    return Finding(name, f"line {at + 1:,d}", a[start : start + 60], b[start : start + 60])
