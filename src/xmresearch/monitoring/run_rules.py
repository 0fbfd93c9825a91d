"""Run rules: patterns of successive points that chance alone makes rarely (Western Electric, Nelson, Anhoej)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
CROSSINGS_LEVEL = 0.05
"""Probability of so few crossings by chance at which the runs test of Anhoej and Olesen says that a series is not random."""


@dataclass(frozen=True)
class RunRules:
    """The rules by which a chart gives an alarm; a rule that is None is not used.

    Attributes
    ----------
    beyond : float or None
        One point beyond so many standard deviations (rule 1 of Western Electric and Nelson).
    two_of_three : float or None
        Two of three successive points beyond so many, on one side.
    four_of_five : float or None
        Four of five successive points beyond so many, on one side.
    run : int or None
        So many successive points on one side of the centre.
    trend : int or None
        So many successive points, each above the one before it, or each below.

    References
    ----------
    Western Electric (1956). Statistical Quality Control Handbook. Nelson, L. S. (1984). Journal of Quality Technology, 16, 237-239.
    """

    beyond: float | None = 3.0
    two_of_three: float | None = None
    four_of_five: float | None = None
    run: int | None = None
    trend: int | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, rule) is None for rule in RULES):
            raise DataError("No rule is chosen.", "Give at least one, such as beyond=3.")
        zones = (self.beyond, self.two_of_three, self.four_of_five)
        if any(zone is not None and not (np.isfinite(zone) and zone > 0) for zone in zones):
            raise DataError(
                "A limit of a run rule is not above 0.", "Limits count standard deviations from the centre."
            )
        if any(length is not None and length < 2 for length in (self.run, self.trend)):
            raise DataError("A run of fewer than 2 points is no run.")

    def scaled(self, factor: float) -> RunRules:
        """Return the rules with every limit multiplied; lengths of runs and trends stay."""
        zones = {k: v * factor for k in RULES[:3] if (v := getattr(self, k)) is not None}
        return replace(self, **zones)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the rules that are used."""
        return tuple(rule for rule in RULES if getattr(self, rule) is not None)


RULES = ("beyond", "two_of_three", "four_of_five", "run", "trend")
WESTERN_ELECTRIC = RunRules(3.0, 2.0, 1.0, 8)
NELSON = RunRules(3.0, 2.0, 1.0, 9, 6)


@dataclass(frozen=True, repr=False)
class RunsTest(Shown):
    """Longest run and crossings of a centre line.

    Attributes
    ----------
    n : int
        Points that do not lie on the line.
    longest_run, longest_expected : int
        Points of the longest run on one side, and the most that a random series has ordinarily.
    crossings, fewest_expected : int
        Times that the line is crossed, and the fewest that a random series has ordinarily.
    """

    n: int
    longest_run: int
    longest_expected: int
    crossings: int
    fewest_expected: int

    @property
    def random(self) -> bool:
        """Whether neither says that the series moves."""
        return self.longest_run <= self.longest_expected and self.crossings >= self.fewest_expected

    def summary(self) -> dict[str, Any]:
        """Return both figures with what is expected of them."""
        found = {name: getattr(self, name) for name in (*self.__dataclass_fields__, "random")}
        return found | {"case": "ordinary" if self.random else "unusual"}

    def tidy(self) -> pd.DataFrame:
        """Return one row per figure: figure, found, expected, ordinary."""
        rows = [
            ("longest_run", self.longest_run, self.longest_expected, self.longest_run <= self.longest_expected),
            ("crossings", self.crossings, self.fewest_expected, self.crossings >= self.fewest_expected),
        ]
        return pd.DataFrame(rows, columns=["figure", "found", "expected", "ordinary"])


def rule_hits(
    z: ArrayLike, rules: RunRules = WESTERN_ELECTRIC, *, values: ArrayLike | None = None, phases: ArrayLike | None = None
) -> pd.DataFrame:  # fmt: skip
    """Mark the points at which each rule is met.

    Parameters
    ----------
    z : array_like
        Standardised distances from the centre in the order of time, shape (periods,); NaN is a period without data, which rules pass
        over as if it were not there.
    rules : RunRules
        Those to look for.
    values : array_like
        What trends are looked for in, shape (periods,); z if absent.
    phases : array_like
        Phase of each period, shape (periods,): every rule begins anew with a phase.

    Returns
    -------
    DataFrame
        One row per period, one column of booleans per rule that is used. A point is marked if it completes the pattern.

    Raises
    ------
    DataError
        Arrays differ in length, or are not one-dimensional.

    References
    ----------
    Nelson, L. S. (1984). The Shewhart control chart: tests for special causes. Journal of Quality Technology, 16, 237-239.
    """
    given = np.asarray(z, dtype="float64")
    followed = given if values is None else np.asarray(values, dtype="float64")
    phase = np.zeros(given.shape, dtype="int64") if phases is None else pd.factorize(np.asarray(phases))[0]
    if given.ndim != 1 or followed.shape != given.shape or phase.shape != given.shape:
        raise DataError("Points, values and phases of a chart differ in number.", "Give one of each per period.")
    found = {rule: np.zeros(given.shape, dtype=bool) for rule in rules.chosen}
    for one in np.unique(phase):
        where = np.flatnonzero((phase == one) & np.isfinite(given))
        for rule, hits in hits_of(given[where], followed[where], rules).items():
            found[rule][where] = hits
    return pd.DataFrame(found)


def hits_of(z: Array, values: Array, rules: RunRules) -> dict[str, Flags]:
    """Return the points at which each rule is met, of series without gaps, shape (..., periods)."""
    out: dict[str, Flags] = {}
    if rules.beyond is not None:
        out["beyond"] = np.abs(z) > rules.beyond
    for rule, limit, least, of in (
        ("two_of_three", rules.two_of_three, 2, 3),
        ("four_of_five", rules.four_of_five, 4, 5),
    ):
        if limit is not None:
            out[rule] = np.zeros(z.shape, dtype=bool)
            for far in (z > limit, z < -limit):
                out[rule] |= far & (_sums(far, of) >= least)
    if rules.run is not None:
        out["run"] = (_sums(z > 0, rules.run) == rules.run) | (_sums(z < 0, rules.run) == rules.run)
    if rules.trend is not None:
        steps = np.diff(values, axis=-1, prepend=np.nan)
        length = rules.trend - 1
        out["trend"] = (_sums(steps > 0, length) == length) | (_sums(steps < 0, length) == length)
    return out


def _sums(flags: Flags, window: int) -> NDArray[np.int64]:
    """Return how many of the last `window` points are marked, the point itself included."""
    total = np.cumsum(flags, axis=-1)
    total[..., window:] -= total[..., :-window].copy()
    return np.asarray(total)


def runs_test(values: ArrayLike, centre: float | ArrayLike) -> RunsTest:
    """Test whether a series moves about its centre line as a random one does.

    Parameters
    ----------
    values : array_like
        In the order of time, shape (periods,); NaN is passed over.
    centre : float or array_like
        The line, best a median: of the series, or of a baseline; one number or shape (periods,).

    Returns
    -------
    RunsTest
        Points on the line are left out. The longest run is unusual above round(log2(n) + 3), crossings below the 5 % quantile of
        Binomial(n - 1, 1/2).

    References
    ----------
    Anhoej, J. & Olesen, A. V. (2014). Run charts revisited: a simulation study of run chart rules for detection of non-random variation
    in health care processes. PLoS ONE, 9 (11), e113825.
    """
    away = np.asarray(values, dtype="float64") - np.asarray(centre, dtype="float64")
    side = np.sign(away[np.isfinite(away) & (away != 0)])
    n = len(side)
    if n == 0:
        return RunsTest(0, 0, 0, 0, 0)
    turns = np.flatnonzero(np.diff(side)) + 1
    longest = int(np.diff(np.concatenate([[0], turns, [n]])).max())
    fewest = int(stats.binom.ppf(CROSSINGS_LEVEL, n - 1, 0.5)) if n > 1 else 0
    return RunsTest(n, longest, round(np.log2(n) + 3), len(turns), fewest)
