"""What is watched: the chart of a series, the rules of its alarms, their episodes, and the branches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.claim import Condition
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError
from xmresearch.monitoring.baseline_errors import Process, process_of
from xmresearch.monitoring.branches import ManyCharts, many_charts
from xmresearch.monitoring.calendars import day_kinds
from xmresearch.monitoring.control_chart import ControlChart
from xmresearch.monitoring.count_charts import c_chart, p_chart, u_chart
from xmresearch.monitoring.episodes import alarm_episodes
from xmresearch.monitoring.guaranteed_cusum import CusumRules, cusum_alarms, cusum_rules
from xmresearch.monitoring.individuals_chart import xmr_chart
from xmresearch.monitoring.residuals import PER_SEASON, ResidualChart, residual_chart
from xmresearch.monitoring.run_length_limits import AlarmRules, alarm_rules, alarms, false_alarm_chance
from xmresearch.monitoring.run_rules import RunRules
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import FeedbackSeries

Array = NDArray[np.float64]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LIMITS = {"beyond": 3.0, "two_of_three": 2.0, "four_of_five": 1.0}
FEW_BASELINE, FEWEST_BASELINE = 30, 8
"""Periods of a baseline below which limits are hardly known, and below which there are none."""
UNSTEADY = 0.01
"""Probability of so many alarms in a steady baseline below which it was none."""
MOST_UNJUDGED = 0.1
HARDLY_EVER = 100
"""Times the asked run length that limits have where the estimates are exact, from which a baseline is too short to be of use."""
DEPENDENCE_LEFT = 0.01
MONTHS = 24
"""Months of a baseline from which a season of months is taken into account."""


@dataclass(frozen=True, repr=False)
class Watched(Shown):
    """A series under watch.

    Attributes
    ----------
    chart : ControlChart
        Of the figure.
    residual : ResidualChart or None
        Where season or dependence are taken into account.
    rules : AlarmRules or CusumRules
        Of its alarms.
    table : DataFrame
        One row per period: period, n, value, expected, lower, upper, score, baseline, watched, alarm.
    episodes : DataFrame
        One row per episode of alarm since the baseline: see `alarm_episodes`, periods as text, with change (mean distance of the figure
        from the level of its season, from the beginning on), change_lower and change_upper.
    promised : float
        Chance that a steady process would have given an alarm over all that is watched.
    confidence : float
        Level of intervals.
    centre : float
        Of scores.
    """

    chart: ControlChart
    residual: ResidualChart | None
    rules: AlarmRules | CusumRules
    table: pd.DataFrame
    episodes: pd.DataFrame
    promised: float
    confidence: float
    centre: float = 0.0

    def tidy(self) -> pd.DataFrame:
        """Return one row per period."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how long the baseline and the watch are, the rules' run lengths, and what the baseline told."""
        base, watched = self.table[self.table["baseline"]], self.table[self.table["watched"]]
        return {
            "baseline_periods": len(base), "baseline_first": base["period"].iloc[0], "baseline_last": base["period"].iloc[-1],
            "watched": len(watched), "judged": int(watched["score"].notna().sum()), "asked": self.rules.asked,
            "expected_run": self.rules.expected, "guaranteed": self.rules.guaranteed, "guarantee": self.rules.guarantee,
            "promised": self.promised, "episodes": len(self.episodes), "rules": list(self.rules.chosen),
            "autocorrelation": 0.0 if self.residual is None else self.residual.autocorrelation,
            "case": "plain" if self.residual is None else "seasonal" if len(self.residual.seasons) > 1 else "lagged",
        }  # fmt: skip

    @property
    def limits_lie(self) -> str:
        """Whether limits are near enough to be passed now and then (near), or so wide that they hardly ever would be (far)."""
        return "far" if self.rules.expected > HARDLY_EVER * self.rules.asked else "near"

    def current(self) -> pd.Series | None:
        """Return the episode that goes on at the end of the series; None where the figure is as expected."""
        going_on = self.episodes[~self.episodes["over"]]
        return None if going_on.empty else going_on.iloc[-1]

    def baseline_p(self) -> float:
        """Return the probability of as many alarms in a baseline that was steady."""
        base = self.table[self.table["baseline"]]
        return float(stats.poisson.sf(int(base["alarm"].sum()) - 1, len(base) / self.rules.expected))

    def steady(self) -> Condition:
        """Return the condition that the baseline was steady."""
        return Condition("baseline_steady", self.baseline_p() >= UNSTEADY)

    def diagnostics(self) -> pd.DataFrame:
        """Return the checks: length and steadiness of the baseline, periods that could not be judged, dependence that is left."""
        base, watched = self.table[self.table["baseline"]], self.table[self.table["watched"]]
        unjudged = float(watched["score"].isna().mean())
        z = base["score"].dropna().to_numpy()
        r = float(np.corrcoef(z[1:], z[:-1])[0, 1]) if len(z) > 2 else 0.0
        left = float(2 * stats.norm.sf(abs(r) * np.sqrt(len(z))))
        steady = self.baseline_p()
        rows = [
            ("baseline_periods", float(len(base)), FEW_BASELINE, "pass" if len(base) >= FEW_BASELINE else "warn"),
            ("baseline_steady", steady, UNSTEADY, "pass" if steady >= UNSTEADY else "fail"),
            ("unjudged", unjudged, MOST_UNJUDGED, "pass" if unjudged <= MOST_UNJUDGED else "warn"),
            ("dependence_left", left, DEPENDENCE_LEFT, "pass" if left >= DEPENDENCE_LEFT else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def watch(params: MonitorParams, series: FeedbackSeries) -> Watched:
    """Chart a series, set the rules of its alarms, and find those that there are.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    series : FeedbackSeries
        By period.

    Returns
    -------
    Watched

    Raises
    ------
    InsufficientData
        A baseline that is too short, or nothing after it.
    """
    base = baseline_of(params, series)
    labels = seasons_of(params, series, base)
    values = series.values(params.smallest_shown())
    if params.kpi == "count":
        values = np.where(series.n > 0, series.total, np.nan)
    told = base & np.isfinite(values)
    if told.sum() < FEWEST_BASELINE:
        raise InsufficientData(
            f"The baseline has {int(told.sum())} periods that may be shown; the fewest is {FEWEST_BASELINE}.",
            longer_baseline(params.period),
        )
    one, two, four = (
        LIMITS[rule] if rule in params.rules else None for rule in ("beyond", "two_of_three", "four_of_five")
    )
    settings = RunRules(one, two, four)
    made: ResidualChart | None = None
    process: Process | None = None
    if labels is not None or params.lagged:
        weights = None if params.kpi in ("count", "value") else np.where(np.isfinite(values), series.n, 0.0)
        made = residual_chart(
            values, n=weights, season=labels, lagged=params.lagged, periods=series.names, baseline=base
        )
        chart, process = made.chart, made.process(draws=params.draws, seed=params.seed)
    else:
        chart = plain_chart(params, series, base)
    rules: AlarmRules | CusumRules
    if params.alarm == "cusum":
        rules = cusum_rules(
            chart, run_length=params.run_length, guarantee=params.guarantee, draws=params.draws, seed=params.seed, process=process
        )  # fmt: skip
        found = cusum_alarms(chart, rules)
    else:
        rules = alarm_rules(
        chart, settings, run_length=params.run_length, guarantee=params.guarantee, draws=params.draws, seed=params.seed,
        process=process,
    )  # fmt: skip
        found = alarms(chart, rules)
    start = int(np.flatnonzero(base)[-1]) + 1
    after = np.arange(len(base)) >= start
    bounds = {"share": (0.0, 1.0), "nps": (-100.0, 100.0), "count": (0.0, np.inf), "rate": (0.0, np.inf)}
    low, high = bounds.get(params.kpi, (-np.inf, np.inf))
    table = pd.DataFrame({
        "period": series.names, "n": series.rows, "value": chart.table["value"], "expected": chart.table["centre"],
        "lower": np.clip(found["lower"], low, high), "upper": np.clip(found["upper"], low, high), "score": found["score"],
        "baseline": chart.table["baseline"], "watched": after, "alarm": found["alarm"],
    })  # fmt: skip
    episodes = alarm_episodes(found["score"], found["alarm"], start=start)
    chance = false_alarm_chance(
        rules, process or process_of(chart, draws=params.draws, seed=params.seed), int(after.sum())
    )
    dated = _with_changes(episodes, table, made, params.confidence)
    return Watched(chart, made, rules, table, dated, chance, params.confidence)


def longer_baseline(period: str) -> str:
    """Return what to do where a baseline is too short."""
    longer = " or longer periods (period: week)" if period == "day" else ""
    return f"Give a longer baseline{longer}, or rows_are: aggregates if the rows are no people."


def baseline_of(params: MonitorParams, series: FeedbackSeries) -> NDArray[np.bool_]:
    """Return which periods tell what is ordinary; raises ParamsError where they leave nothing to watch, or are none."""
    size = len(series.spans)
    first = 0 if params.baseline_from is None else max(series.locate(params.baseline_from), 0)
    last = (first + size) // 2 - 1 if params.baseline_until is None else series.locate(params.baseline_until)
    if last < first:
        raise ParamsError(f"The baseline ends before the series begins ({series.names[0]}).", "Correct baseline_until.")
    if last >= size - 1:
        raise ParamsError(
            f"The baseline goes to the end of the series ({series.names[-1]}), so nothing is watched.",
            "Let baseline_until be earlier.",
        )
    at = np.arange(size)
    return np.asarray((at >= first) & (at <= last))


def seasons_of(params: MonitorParams, series: FeedbackSeries, base: NDArray[np.bool_]) -> NDArray[Any] | None:
    """Return the season of each period; 'rare' where the baseline has too few of a kind; None without seasons."""
    if params.season == "none":
        return None
    if params.period == "day":
        kinds = day_kinds([s.first for s in series.spans], country=params.country).tidy()
        labels = [
            kind if kind in ("holiday", "make_up") else WEEKDAYS[day]
            for kind, day in zip(kinds["kind"], kinds["weekday"], strict=True)
        ]
    elif params.period == "month" and base.sum() >= MONTHS:
        labels = [f"month_{s.first.month}" for s in series.spans]
    else:
        return None
    there = base & (series.n > 0) & (series.rows >= params.smallest_shown())
    counts = Counter(np.array(labels, dtype=object)[there])
    kept = np.array([label if counts[label] >= PER_SEASON else "rare" for label in labels], dtype=object)
    if "rare" in set(kept[there]) and (kept[there] == "rare").sum() < PER_SEASON:
        kept[there & (kept == "rare")] = "sunday" if params.period == "day" else kept[there][0]
    return np.asarray(kept)


def plain_chart(params: MonitorParams, series: FeedbackSeries, base: NDArray[np.bool_]) -> ControlChart:
    """Return the chart of a series without season and dependence."""
    shown = (series.n > 0) & (series.rows >= params.smallest_shown())
    n, total = np.where(shown, series.n, 0.0), np.where(shown, series.total, 0.0)
    given: dict[str, Any] = {"periods": series.names, "baseline": base}
    if params.kpi == "share":
        return p_chart(total, n, overdispersed=params.overdispersed, **given)
    if params.kpi == "rate":
        return u_chart(total, n, overdispersed=params.overdispersed, **given)
    if params.kpi == "count" and not params.overdispersed:
        return c_chart(np.where(shown, series.total, np.nan), **given)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(shown, total / n, np.nan)
    if params.kpi in ("mean", "nps"):
        return residual_chart(values, n=n, lagged=False, **given).chart
    return xmr_chart(values, **given)


def _with_changes(
    episodes: pd.DataFrame, table: pd.DataFrame, made: ResidualChart | None, confidence: float
) -> pd.DataFrame:
    """Add to each episode how far the figure has been from the level of its season, and name periods."""
    level, weight, spread, phi = _levels(table, made)
    value = table["value"].to_numpy(dtype="float64")
    base = table["baseline"].to_numpy() & np.isfinite(value)
    rows = []
    for row in episodes.itertuples():
        here = np.arange(int(row.began), int(row.last) + 1)
        here = here[np.isfinite(value[here] - level[here])]
        w = weight[here]
        change = float((w * (value[here] - level[here])).sum() / w.sum())
        # neighbouring periods hang together, in the baseline as in the episode
        se = spread * np.sqrt((1 + phi) / (1 - phi) * (1 / w.sum() + 1 / weight[base].sum()))
        reach = float(stats.t.ppf(0.5 + confidence / 2, max(int(base.sum()) - 1, 1)) * se)
        rows.append((change, change - reach, change + reach))
    found = episodes.assign(
        **{k: [r[j] for r in rows] for j, k in enumerate(("change", "change_lower", "change_upper"))}
    )
    names = table["period"].to_numpy(dtype=object)
    for column in ("first_alarm", "last", "began", "began_from", "began_to"):
        found[column] = [names[int(k)] for k in episodes[column]]
    return found


def _levels(table: pd.DataFrame, made: ResidualChart | None) -> tuple[Array, Array, float, float]:
    """Return the level of each period, the weight of its figure, the spread of one unit of weight, and the autocorrelation."""
    if made is None:
        value, base = table["value"].to_numpy(dtype="float64"), table["baseline"].to_numpy()
        level = table["expected"].to_numpy(dtype="float64")
        weight = np.where(np.isfinite(value), np.maximum(table["n"].to_numpy(dtype="float64"), 1.0), 0.0)
        away = (value - level)[base] * np.sqrt(weight[base])
        return level, weight, float(np.nanstd(away, ddof=1)), 0.0
    return made.level, made.weight, made.spread, made.autocorrelation


def watch_branches(params: MonitorParams, series: FeedbackSeries) -> ManyCharts | None:
    """Judge the newest periods of every branch that may be shown against its baseline.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    series : FeedbackSeries
        With branches.

    Returns
    -------
    ManyCharts or None
        Periods are joined into blocks as long as the newest that are judged, so that what neighbouring days have in common, and whole weeks,
        are in the variation between blocks. None without branches, or where fewer than two can be shown.
    """
    from xmresearch.disclosure import hidden_counts

    base = baseline_of(params, series)
    size, width = len(base), params.newest
    if len(series.branches) < 2 or width > size - 1 - int(np.flatnonzero(base)[-1]):
        return None
    start = size % width
    blocks = [np.arange(k, k + width) for k in range(start, size, width)]
    kept = [b for b in blocks if base[b].all()] + [blocks[-1]]
    if len(kept) < 2:
        return None
    n, total, rows = (
        np.stack([part[:, b].sum(axis=1) for b in kept], axis=1)
        for part in (series.branch_n, series.branch_total, series.branch_rows)
    )
    hidden = hidden_counts(rows[:, -1], params.smallest_shown()) | (rows[:, :-1].sum(axis=1) < params.smallest_shown())
    shown = np.flatnonzero(~hidden)
    if len(shown) < 2:
        return None
    told = np.arange(len(kept)) < len(kept) - 1
    return many_charts(
        n[shown], total[shown], baseline=told, branches=[series.branches[k] for k in shown], shares=params.kpi == "share",
        level=1 - params.confidence,
    )  # fmt: skip
