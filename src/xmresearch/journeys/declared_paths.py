"""Conformance to a declared path: which cases fit it, where others depart, and what departing goes along with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.rules import sign
from xmresearch.display import Shown
from xmresearch.errors import DataError, ParamsError, nearest
from xmresearch.journeys.case_log import Array, CaseLog, Flags, Index
from xmresearch.journeys.customer_figures import difference, mean_of, quantile_of, share_of
from xmresearch.journeys.durations import HOUR
from xmresearch.journeys.path_variants import variant_of
from xmresearch.sufficient.event_rules import seconds


@dataclass(frozen=True)
class PathStage:
    """One stage of a declared path.

    Attributes
    ----------
    name : str
        Of the stage.
    activities : tuple of str
        One of them makes the stage.
    optional : bool
        Whether a case may pass it over.
    repeats : bool
        Whether several of its activities may follow one another.
    within : str or None
        Longest time from the completion of the stage before, such as '3d'; of the first stage, from the start of the case.
    """

    name: str
    activities: tuple[str, ...]
    optional: bool = False
    repeats: bool = False
    within: str | None = None


@dataclass(frozen=True, repr=False)
class Conformance(Shown):
    """How cases fit a declared path.

    Attributes
    ----------
    departures : ndarray
        Fewest events that must be added to or taken out of each case so that it follows the path, shape (n,).
    late : ndarray
        Time limits that each case broke, shape (n,).
    fits : ndarray of bool
        Closed cases without any of either, shape (n,).
    table : DataFrame
        One row per way of departing, most cases first: departure (skipped, extra, late), stage or activity (`where`), cases, customers, part, and the median
        hours and mean score of such cases less those of cases that fit, with intervals.
    share : tuple of float
        Of closed cases that fit, with its interval over customers.
    claim : Claim
        Whether more cases fit than the share that is promised; of a sign against one half where none is promised.
    cost : Claim or None
        Whether cases that depart take longer, by their medians.
    score : tuple of float or None
        By how much they are judged otherwise.
    fitness : float
        1 less the departures per case, as a share of what a case would have that shares nothing with the path.
    """

    departures: Index
    late: Index
    fits: Flags
    table: pd.DataFrame
    share: tuple[float, float, float]
    claim: Claim
    cost: Claim | None
    score: tuple[float, float, float] | None
    fitness: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per way of departing."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the share that fits, with its interval, and the mean fitness."""
        told = self.score if self.score is not None else (np.nan,) * 3
        return {
            "case": "plain" if np.isnan(told[1]) else "scored", "fit": int(self.fits.sum()),
            **dict(zip(("fit_share", "fit_lower", "fit_upper"), self.share, strict=True)), "fitness": self.fitness,
            **dict(zip(("score_gap", "score_gap_lower", "score_gap_upper"), told, strict=True)),
        }  # fmt: skip


def conformance(
    log: CaseLog,
    path: Sequence[PathStage],
    judged: Array | None = None,
    *,
    promised: float | None = None,
    confidence: float = 0.95,
) -> Conformance:
    """Hold cases against a declared path.

    Parameters
    ----------
    log : CaseLog
        The cases; open ones are left out of what fits.
    path : sequence of PathStage
        Stages in their order. Activities of no stage are departures wherever they occur.
    judged : ndarray, optional
        How each case was judged, shape (n,).
    promised : float, optional
        Share of cases that ought to fit.
    confidence : float
        Level of the intervals and of the claims; customers are their units.

    Returns
    -------
    Conformance

    Raises
    ------
    DataError, ParamsError
        The path names an activity that never occurs, or none at all.

    Notes
    -----
    Departures of a case are the cost of its optimal alignment with the path, at 1 for every event added or taken out.

    References
    ----------
    Adriansyah, A., van Dongen, B. F. & van der Aalst, W. M. P. (2011). Conformance checking using cost-based fitness analysis. EDOC 2011, 55-64.
    """
    require_path(path, log.activities)
    of_case, example = variant_of(log)
    aligned = [align(log.sequence(int(k)), path) for k in example]
    cost = np.array([len(found) for found, _ in aligned], dtype=np.int64)[of_case]
    shortest = sum(not stage.optional for stage in path)
    worst = (log.lengths + shortest).astype(float)
    ways: dict[tuple[str, str], list[int]] = {}
    for variant, (found, _) in enumerate(aligned):
        for way in set(found):
            ways.setdefault(way, []).append(variant)
    late, breaches = _late(log, path, of_case, [places for _, places in aligned])
    fits = log.closed & (cost == 0) & (late == 0)
    hours = np.where(log.closed, log.throughput / HOUR, np.nan)
    rows = []
    for (kind, where), numbers in ways.items():
        rows.append(_row(log, kind, where, np.isin(of_case, numbers) & log.closed, fits, hours, judged, confidence))
    rows += [
        _row(log, "late", name, at & log.closed, fits, hours, judged, confidence)
        for name, at in breaches.items()
        if (at & log.closed).any()
    ]
    columns = ["departure", "where", "cases", "customers", "part", "extra_hours", "extra_hours_lower", "extra_hours_upper",
               "score_gap", "score_gap_lower", "score_gap_upper"]  # fmt: skip
    table = pd.DataFrame([r for r in rows if r[2]], columns=columns)
    table = table.sort_values(
        ["cases", "departure", "where"], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    share = share_of(np.where(log.closed, fits, np.nan), log.customer)
    low, high = share.limits(confidence)
    away = log.closed & ~fits
    facts = {"fit": int(fits.sum()), "closed": int(log.closed.sum()), "departing": int(away.sum())}
    target = 0.5 if promised is None else promised
    claim = sign("conformance", share.estimate - target, low - target, high - target, confidence=confidence, promised_share=target,
                 fit_share=share.estimate, fit_lower=low, fit_upper=high, **facts)  # fmt: skip
    made, score = None, None
    if away.any() and fits.any():
        gap = difference(
            quantile_of(hours[away], log.customer[away]), quantile_of(hours[fits], log.customer[fits]), confidence
        )
        made = sign("departing", *gap, confidence=confidence, **facts)
        if judged is not None:
            score = difference(
                mean_of(judged[away], log.customer[away]), mean_of(judged[fits], log.customer[fits]), confidence
            )
    fitness = float(np.mean(1 - cost[log.closed] / worst[log.closed])) if log.closed.any() else np.nan
    return Conformance(cost, late, fits, table, (share.estimate, low, high), claim, made, score, fitness)


def _row(
    log: CaseLog, kind: str, where: str, at: Flags, fits: Flags, hours: Array, judged: Array | None, level: float
) -> tuple[Any, ...]:
    gap = difference(quantile_of(hours[at], log.customer[at]), quantile_of(hours[fits], log.customer[fits]), level)
    score = (np.nan,) * 3
    if judged is not None:
        score = difference(mean_of(judged[at], log.customer[at]), mean_of(judged[fits], log.customer[fits]), level)
    return (
        kind,
        where,
        int(at.sum()),
        len(np.unique(log.customer[at])),
        float(at.sum()) / max(int(log.closed.sum()), 1),
        *gap,
        *score,
    )


def require_path(path: Sequence[PathStage], known: Sequence[str]) -> None:
    """Raise DataError or ParamsError for a path that is empty, names what never occurs, or names an activity twice."""
    if not path:
        raise ParamsError("The declared path has no stage.", "Give its stages in their order.")
    named: Counter[str] = Counter()
    for stage in path:
        named.update(stage.activities)
        for activity in stage.activities:
            if activity not in known:
                raise DataError(
                    f"Stage '{stage.name}' of the path names '{activity}', which no event has as its activity.",
                    nearest(activity, known),
                )
    twice = [a for a, n in named.items() if n > 1]
    if twice:
        raise ParamsError(
            f"'{twice[0]}' is in several stages of the path, so that it cannot be told which it makes.",
            "Name it in one.",
        )


def align(sequence: Sequence[str], path: Sequence[PathStage]) -> tuple[list[tuple[str, str]], list[int]]:
    """Align a sequence of activities with a path at the fewest departures.

    Parameters
    ----------
    sequence : sequence of str
        Activities of a case.
    path : sequence of PathStage
        The path.

    Returns
    -------
    departures : list of (str, str)
        ('skipped', stage) for a stage that is missing, ('extra', activity) for an event that is out of place.
    places : list of int
        Stage of each event, -1 where it is out of place.

    Notes
    -----
    A case of no event, or of events that share nothing with the path, skips every stage that is not optional.
    """
    member = {a: k for k, stage in enumerate(path) for a in stage.activities}
    at = [member.get(a, -1) for a in sequence]
    n, last = len(sequence), 2 * len(path)
    # state 2 j: before stage j; 2 j + 1: stage j is made; at every event the fewest departures so far, and how each state was come to
    cost = [[0] * (last + 1) for _ in range(n + 1)]
    came = [[(0, "")] * (last + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for state in range(last + 1):
            stage, inside = divmod(state, 2)
            # a stage cannot be made before any event
            options: list[tuple[int, int, str]] = [(n + last if state else 0, 0, "")] if i == 0 else []
            if i and inside and at[i - 1] == stage:
                options.append((cost[i - 1][state - 1], state - 1, "made"))
                if path[stage].repeats:
                    options.append((cost[i - 1][state], state, "made"))
            if state and not inside:
                options.append((cost[i][state - 1], state - 1, "over"))
                options.append((cost[i][state - 2] + (not path[stage - 1].optional), state - 2, "skipped"))
            if i:
                options.append((cost[i - 1][state] + 1, state, "extra"))
            least, origin, move = min(options, key=lambda o: o[0])
            cost[i][state], came[i][state] = least, (origin, move)
    departures: list[tuple[str, str]] = []
    places = [-1] * n
    i, state = n, last
    while i or state:
        before, how = came[i][state]
        if how == "made":
            i -= 1
            places[i] = state // 2
        elif how == "extra":
            i -= 1
            departures.append(("extra", sequence[i]))
        elif how == "skipped" and not path[before // 2].optional:
            departures.append(("skipped", path[before // 2].name))
        state = before
    return departures[::-1], places


def _late(
    log: CaseLog, path: Sequence[PathStage], of_case: Index, places: Sequence[Sequence[int]]
) -> tuple[Index, Mapping[str, Flags]]:
    """Return how many time limits each case broke, and which cases broke each."""
    late = np.zeros(len(log), dtype=np.int64)
    breaches: dict[str, Flags] = {}
    limits = [seconds(stage.within, f"within of {stage.name}") for stage in path]
    if not any(limit is not None for limit in limits):
        return late, breaches
    lengths = log.lengths
    stage_of = (
        np.concatenate([np.asarray(places[v], dtype=np.int64) for v in of_case])
        if len(lengths)
        else np.zeros(0, np.int64)
    )
    placed = np.flatnonzero(stage_of >= 0)
    case, stage = log.case_of[placed], stage_of[placed]
    new = np.ones(len(placed), dtype=bool)
    new[1:] = case[1:] != case[:-1]
    fresh = new.copy()
    fresh[1:] |= stage[1:] != stage[:-1]
    since = np.empty(len(placed))
    since[0:1] = 0.0
    since[1:] = log.ended[placed][:-1]
    since[new] = log.first[case[new]]
    took = log.ended[placed] - since
    for k, limit in enumerate(limits):
        if limit is None:
            continue
        over = np.unique(case[fresh & (stage == k) & (took > limit)])
        flags = np.zeros(len(log), dtype=bool)
        flags[over] = True
        late += flags
        breaches[path[k].name] = flags
    return late, breaches
