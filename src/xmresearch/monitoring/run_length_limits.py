"""Rules of alarm for a stated run length: limits that hold it in most baselines, and how soon a shift is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.monitoring.baseline_errors import Process, process_of
from xmresearch.monitoring.chart_scores import MOST_NET, law_of, normal_scores, parameter_of, possible, scores, tails
from xmresearch.monitoring.control_chart import ControlChart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length
from xmresearch.monitoring.run_lengths import average_run_length, run_length_of_zones, zone_edges, zones_between
from xmresearch.monitoring.run_rules import RunRules, rule_hits

Array = NDArray[np.float64]
GUARANTEE = 0.9
"""Share of baselines in which the run length that is printed is reached (Albers & Kallenberg, 2004)."""
FACTORS = (0.05, 8.0)
"""Smallest and largest multiple of the limits that is looked for."""
CLOSE = 1e-4
"""How closely the multiple is found."""
SHIFTS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Shifts whose delays are printed, in standard deviations of a point."""


@dataclass(frozen=True, repr=False)
class AlarmRules(Shown):
    """Rules whose false alarms are as rare as was asked.

    Attributes
    ----------
    rules : RunRules
        With the limits that reach it.
    asked : float
        Periods to a false alarm on average that were asked for.
    expected : float
        Those of the rules if centre and spread are as estimated, counts taken exactly.
    guaranteed : float
        Those reached in the guaranteed share of baselines; `expected` where nothing is estimated.
    guarantee : float or None
        That share; None where it was not asked for or nothing is estimated.
    factor : float
        By which the limits asked for were multiplied.
    delays : DataFrame
        One row per shift: shift (standard deviations of a point), delay (periods to the alarm on average, the first with the shift
        included) and optimum, that of a CUSUM with the run length `expected` made for this shift.
    """

    rules: RunRules
    asked: float
    expected: float
    guaranteed: float
    guarantee: float | None
    factor: float
    delays: pd.DataFrame

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the rules that are used."""
        return self.rules.chosen

    def run_lengths(self, process: Process) -> Array:
        """Return the average run length for each way in which a chart's estimates may be off, shape (charts,)."""
        return _lengths(self.rules, process)

    def tidy(self) -> pd.DataFrame:
        """Return the delays, one row per shift."""
        return self.delays

    def summary(self) -> dict[str, Any]:
        """Return the run lengths, the guarantee, and the limits."""
        limits = {rule: getattr(self.rules, rule) for rule in self.rules.chosen}
        return {
            "asked": self.asked, "expected": self.expected, "guaranteed": self.guaranteed, "guarantee": self.guarantee,
            "factor": self.factor, **limits,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def alarm_rules(
    chart: ControlChart, rules: RunRules | None = None, *, run_length: float = 370.0, guarantee: float | None = GUARANTEE,
    shifts: Sequence[float] = SHIFTS, draws: int = 500, seed: int = 0, process: Process | None = None,
) -> AlarmRules:  # fmt: skip
    """Set the limits of run rules so that false alarms are as rare as asked.

    Parameters
    ----------
    chart : ControlChart
        With its baseline.
    rules : RunRules, optional
        Which to use; their limits are multiplied by one factor, lengths of runs stay. One point beyond its limit if absent.
    run_length : float
        Periods to a false alarm on average.
    guarantee : float or None
        Share of baselines in which it is to be reached, as centre and spread are estimates; None sets limits as if they were known, which
        falls short of the run length in about half of all baselines, and often by far.
    shifts : sequence of float
        Of the delays.
    draws, seed : int
        Of the baselines, see `process_of`.
    process : Process, optional
        Where points fall, if the chart's own model of that is not to be used.

    Returns
    -------
    AlarmRules

    Raises
    ------
    DataError
        A run length that the rules cannot reach.

    References
    ----------
    Albers, W. & Kallenberg, W. C. M. (2004). Estimation in Shewhart control charts: effects and corrections. Metrika, 59, 207-234.
    Saleh, N. A., Mahmoud, M. A., Keefe, M. J. & Woodall, W. H. (2015). The difficulty in designing Shewhart Xbar and X control charts
    with estimated parameters. Journal of Quality Technology, 47, 127-138. Gandy, A. & Kvaloy, J. T. (2013). Scandinavian Journal of
    Statistics, 40, 647-668.
    """
    chosen = RunRules() if rules is None else rules
    if not 5 <= run_length <= 1e6:
        raise DataError(
            f"A run length of {run_length:g} periods was asked for.", "Ask for one between 5 and a million."
        )
    if guarantee is not None and not 0.5 <= guarantee < 1:
        raise DataError(f"The guarantee is {guarantee:g}.", "It is a share of baselines, at least a half and below 1.")
    sure = guarantee if not chart.known or process is not None else None
    own = process_of(chart)
    many = process or (process_of(chart, draws=draws, seed=seed) if sure is not None else own)

    # as few as the draws are, their quantile may lie off by its standard error
    tail = 0.5 if sure is None else max(1 - sure - np.sqrt(sure * (1 - sure) / draws), 0.0)

    def reached(factor: float) -> float:
        return float(np.quantile(_lengths(chosen.scaled(factor), many), tail, method="lower"))

    factor = _smallest(reached, run_length, chosen)
    scaled = chosen.scaled(factor)
    expected = float(_lengths(scaled, own)[0])
    return AlarmRules(
        scaled, run_length, expected, reached(factor) if sure is not None else expected, sure, factor,
        _delays(scaled, expected, shifts),
    )  # fmt: skip


def _lengths(rules: RunRules, process: Process) -> Array:
    return run_length_of_zones(rules, zones_between(process.below(zone_edges(rules))))


def _smallest(reached: Any, run_length: float, rules: RunRules) -> float:
    low, high = FACTORS
    if reached(high) < run_length:
        raise DataError(
            f"The rules give false alarms more often than every {run_length:g} periods, however wide their limits.",
            f"Ask for a run longer than {rules.run} points, for a shorter run length, or give a longer baseline.",
        )
    while high - low > CLOSE:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= run_length else (middle, high)
    return high


def _delays(rules: RunRules, expected: float, shifts: Sequence[float]) -> pd.DataFrame:
    found = average_run_length(rules, shift=list(shifts))
    best = [
        cusum_run_length(s / 2, cusum_limit(min(expected, 1e6), reference=s / 2), shift=s)
        if 0 < s <= SHIFTS[-1]
        else np.nan
        for s in shifts
    ]
    return pd.DataFrame({"shift": list(shifts), "delay": found, "optimum": best})


class Rules(Protocol):
    """Rules of alarm, of whatever kind."""

    def run_lengths(self, process: Process) -> Array:
        """Return the average run length for each way in which a chart's estimates may be off."""
        ...


def false_alarm_chance(rules: Rules, process: Process, periods: int) -> float:
    """Return the chance of a false alarm within a number of periods, over the baselines that there may have been.

    Parameters
    ----------
    rules : AlarmRules or CusumRules
        In use.
    process : Process
        Where points fall; with several charts, on those of as many baselines.
    periods : int
        That are watched.

    Returns
    -------
    float
        Run lengths are taken as geometric, which those of run rules are but for their first few periods.

    References
    ----------
    Champ, C. W. & Woodall, W. H. (1987). Technometrics, 29, 393-399.
    """
    lengths = np.maximum(rules.run_lengths(process), 1.0)
    return float(np.mean(-np.expm1(periods * np.log1p(-1 / np.maximum(lengths, 1 + 1e-12)))))


def alarms(chart: ControlChart, rules: AlarmRules) -> pd.DataFrame:
    """Return the alarms of a chart.

    Parameters
    ----------
    chart : ControlChart
        Whose alarms they are.
    rules : AlarmRules
        Set for it.

    Returns
    -------
    DataFrame
        One row per period: period, phase, baseline, score (what the rules look at, see `normal_scores`), lower and upper (limits of one
        point in the figure's units), one column per rule, and alarm. Points of the baseline are judged as well: an alarm there says that
        the baseline was no steady process.

    References
    ----------
    Woodall, W. H. (2000). Controversies and contradictions in statistical process control. Journal of Quality Technology, 32, 341-350.
    """
    score = normal_scores(chart)
    table = chart.table
    hits = rule_hits(score, rules.rules, values=table["value"], phases=table["phase"])
    lower, upper = _limits(chart, rules.rules.beyond or np.inf)
    told = table[["period", "phase", "baseline"]].assign(score=score, lower=lower, upper=upper)
    return pd.concat([told, hits], axis=1).assign(alarm=hits.any(axis=1))


def _limits(chart: ControlChart, width: float) -> tuple[Array, Array]:
    """Return the last values that are not beyond the limits, in the units of the chart."""
    table = chart.table
    centre, sigma, n, value = (table[k].to_numpy(dtype="float64") for k in ("centre", "sigma", "n", "value"))
    lower, upper = centre - width * sigma, centre + width * sigma
    law = law_of(chart)
    if not np.isfinite(width):
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    if law != "normal":
        unit = {
            "nps": 100 / np.where(n > 0, n, np.nan),
            "p": 1 / np.where(n > 0, n, np.nan),
            "u": 1 / np.where(n > 0, n, np.nan),
        }
        per = unit.get(chart.kind, np.ones(len(n)))
        phases = table["phase"].to_numpy()
        for k, name in enumerate(table["phase"].unique()):
            theta = parameter_of(chart, k)
            here = np.flatnonzero((phases == name) & np.isfinite(value))
            for size in np.unique(n[here]):
                if law == "net" and size > MOST_NET:
                    continue
                counts, at = possible(law, size, theta), here[n[here] == size]
                inside = counts[np.abs(scores(*tails(law, counts, np.full(len(counts), size), theta))) <= width]
                if len(inside):
                    lower[at], upper[at] = inside[0] * per[at], inside[-1] * per[at]
    low, high = {
        "p": (0, 1),
        "np": (0, n),
        "u": (0, np.inf),
        "c": (0, np.inf),
        "nps": (-100, 100),
        "ridit": (0, 1),
    }.get(chart.kind, (-np.inf, np.inf))
    return np.clip(lower, low, high), np.clip(upper, low, high)
