"""A CUSUM whose run length is reached in most baselines: small lasting shifts are found several times as soon as by single points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.monitoring.baseline_errors import LatticeProcess, NormalProcess, Process, process_of
from xmresearch.monitoring.chart_scores import normal_scores
from xmresearch.monitoring.control_chart import ControlChart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length
from xmresearch.monitoring.run_length_limits import GUARANTEE, SHIFTS

Array = NDArray[np.float64]
HIGHEST = 60.0
"""Limit beyond which none is looked for, in standard deviations of a point."""
STEP = 1.1
ROUNDS = 8


@dataclass(frozen=True, repr=False)
class CusumRules(Shown):
    """A CUSUM whose false alarms are as rare as was asked.

    Attributes
    ----------
    reference, limit : float
        By what each point is drawn back, and what either sum may reach, in standard deviations of a point.
    asked, expected, guaranteed : float
        Periods to a false alarm on average: asked for, had if centre and spread are as estimated, and reached in the guaranteed share of
        baselines.
    guarantee : float or None
        That share; None where nothing is estimated.
    delays : DataFrame
        One row per shift: shift, delay, and optimum, as `AlarmRules` has them.
    """

    reference: float
    limit: float
    asked: float
    expected: float
    guaranteed: float
    guarantee: float | None
    delays: pd.DataFrame

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the rules that are used."""
        return ("cusum",)

    def run_lengths(self, process: Process) -> Array:
        """Return the average run length for each way in which a chart's estimates may be off, shape (charts,)."""
        return _lengths(self.reference, self.limit, *_moments(process))

    def tidy(self) -> pd.DataFrame:
        """Return the delays, one row per shift."""
        return self.delays

    def summary(self) -> dict[str, Any]:
        """Return the run lengths, the guarantee, and the limit."""
        names = ("reference", "limit", "asked", "expected", "guaranteed", "guarantee")
        return {name: getattr(self, name) for name in names}

    def _head(self) -> dict[str, Any]:
        return self.summary()


def cusum_rules(
    chart: ControlChart, *, reference: float = 0.5, run_length: float = 370.0, guarantee: float | None = GUARANTEE,
    shifts: Sequence[float] = SHIFTS, draws: int = 500, seed: int = 0, process: Process | None = None,
) -> CusumRules:  # fmt: skip
    """Set the limit of a CUSUM of a chart's points so that false alarms are as rare as asked.

    Parameters
    ----------
    chart : ControlChart
        With its baseline.
    reference : float
        Half of the shift to be found soonest, above 0.
    run_length, guarantee, shifts, draws, seed, process
        As for `alarm_rules`.

    Returns
    -------
    CusumRules

    Raises
    ------
    DataError
        A baseline that leaves the centre so open that no limit holds the run length.

    References
    ----------
    Page, E. S. (1954). Biometrika, 41, 100-115. Gandy, A. & Kvaloy, J. T. (2013). Scandinavian Journal of Statistics, 40, 647-668.
    """
    if guarantee is not None and not 0.5 <= guarantee < 1:
        raise DataError(f"The guarantee is {guarantee:g}.", "It is a share of baselines, at least a half and below 1.")
    sure = None if guarantee is None or (chart.known and process is None) else guarantee
    limit = cusum_limit(run_length, reference=reference)
    reached = expected = run_length
    if sure is not None:
        mean, sd = _moments(process or process_of(chart, draws=draws, seed=seed))
        tail = max(1 - sure - np.sqrt(sure * (1 - sure) / draws), 0.0)
        for _ in range(ROUNDS):
            lengths = _lengths(reference, limit, mean, sd)
            reached = float(np.quantile(lengths, tail, method="lower"))
            if reached >= run_length * (1 - 1e-9):
                break
            worst = int(np.flatnonzero(lengths == reached)[0])
            limit = _widened(reference, limit, float(mean[worst]), float(sd[worst]), run_length)
        expected = cusum_run_length(reference, limit)
    return CusumRules(
        reference, limit, run_length, expected, reached, sure, _delays(reference, limit, expected, shifts)
    )


def _widened(reference: float, limit: float, mean: float, sd: float, run_length: float) -> float:
    def missed(h: float) -> float:
        return float(np.log(cusum_run_length(reference, h, shift=mean, scale=sd) / run_length))

    high = limit
    while missed(high) < 0 and high < HIGHEST:
        high *= STEP
    if missed(high) < 0:
        raise DataError(
            "The baseline leaves the centre so open that sums drift beyond any limit.",
            "Give a longer baseline, a larger reference, or use rules of single points.",
        )
    return float(optimize.brentq(missed, limit, high, xtol=1e-6)) + 1e-5


def _moments(process: Process) -> tuple[Array, Array]:
    """Return mean and standard deviation of a point's score for each way in which a chart may be off."""
    if isinstance(process, NormalProcess):
        spread = np.broadcast_to(process.spread, process.offset.shape)
        mean = process.offset @ process.weight
        return mean, np.sqrt((spread**2 + process.offset**2) @ process.weight - mean**2)
    if not isinstance(process, LatticeProcess):
        raise DataError(
            "Of this process only the zones are known, not the sums.", "Give a process that process_of makes."
        )
    found = []
    for score, total in process.points:
        chance = np.diff(total, prepend=0.0)
        middle = float(score @ chance)
        found.append((middle, np.sqrt(float(score**2 @ chance) - middle**2)))
    table = np.array(found)
    return table[:, 0], table[:, 1]


def _lengths(reference: float, limit: float, mean: Array, sd: Array) -> Array:
    return np.array([cusum_run_length(reference, limit, shift=m, scale=s) for m, s in zip(mean, sd, strict=True)])


def _delays(reference: float, limit: float, expected: float, shifts: Sequence[float]) -> pd.DataFrame:
    return pd.DataFrame({
        "shift": list(shifts), "delay": [cusum_run_length(reference, limit, shift=s) for s in shifts],
        "optimum": [cusum_run_length(s / 2, cusum_limit(min(expected, 1e6), reference=s / 2), shift=s) for s in shifts],
    })  # fmt: skip


def cusum_alarms(chart: ControlChart, rules: CusumRules) -> pd.DataFrame:
    """Return the alarms of a CUSUM, whose sums begin anew after each.

    Parameters
    ----------
    chart : ControlChart
        Whose points are summed.
    rules : CusumRules
        Set for it.

    Returns
    -------
    DataFrame
        One row per period: period, phase, baseline, score, high, low (the sums), lower and upper (NaN: single points have no limits) and
        alarm.

    References
    ----------
    Page, E. S. (1954). Continuous inspection schemes. Biometrika, 41, 100-115.
    """
    score = normal_scores(chart)
    high, low = np.full(score.shape, np.nan), np.full(score.shape, np.nan)
    up = down = 0.0
    phases = chart.table["phase"].to_numpy()
    for t in np.flatnonzero(np.isfinite(score)):
        if t and phases[t] != phases[t - 1]:
            up = down = 0.0
        up, down = max(0.0, up + score[t] - rules.reference), max(0.0, down - score[t] - rules.reference)
        high[t], low[t] = up, down
        if max(up, down) > rules.limit:
            up = down = 0.0
    told = chart.table[["period", "phase", "baseline"]]
    return told.assign(
        score=score, high=high, low=low, lower=np.nan, upper=np.nan, alarm=(high > rules.limit) | (low > rules.limit)
    )
