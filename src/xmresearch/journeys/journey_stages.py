"""The journey map: stages with their touchpoints and owners, how they are felt, and which weighs most in the overall judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.display import Shown
from xmresearch.journeys.case_log import Array, CaseLog, Flags
from xmresearch.journeys.customer_figures import CustomerFigure, by_customer, mean_of, share_of
from xmresearch.journeys.durations import HOUR

FEWEST_PAIRS = 30
DRAWS = 2000


@dataclass(frozen=True, repr=False)
class JourneyMap(Shown):
    """Stages of a journey as customers feel them.

    Attributes
    ----------
    table : DataFrame
        One row per stage, in their order: stage, cases (that reach it), customers, reach, rated (cases with a score), score with its interval, pain (share of
        scores at or below the low mark) with its interval, hours (median from the start of the stage's first step to its last completion), weight
        (correlation of the stage's score with the overall judgement) with its interval.
    moment : Claim or None
        Which stage weighs most in the overall judgement: the moment of truth. None without an overall judgement.
    lowest : Claim or None
        Which stage is felt worst; None where fewer than two are rated.
    ending : tuple of float or None
        Mean score of the last rated stage less that of the first in the same cases, with its interval.
    """

    table: pd.DataFrame
    moment: Claim | None
    lowest: Claim | None
    ending: tuple[float, float, float] | None

    def tidy(self) -> pd.DataFrame:
        """Return one row per stage."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the best and the worst stage by their means, and how the end differs from the beginning; with the case: rated or unrated."""
        rated = self.table.dropna(subset=["score"])
        if rated.empty:
            return {"case": "unrated", "stages": len(self.table)}
        told = self.ending if self.ending is not None else (np.nan,) * 3
        best, worst = rated.loc[rated["score"].idxmax()], rated.loc[rated["score"].idxmin()]
        return {
            "case": "rated" if np.isfinite(told[1]) else "one_stage", "stages": len(self.table), "best": best["stage"], "best_score": float(best["score"]),
            "worst": worst["stage"], "worst_score": float(worst["score"]),
            **dict(zip(("ending", "ending_lower", "ending_upper"), told, strict=True)),
        }  # fmt: skip


def stage_scores(log: CaseLog, stages: Mapping[str, Sequence[str]]) -> tuple[Array, Flags]:
    """Return the mean score of each stage by case (NaN where it has none), and which stages each case has, each of shape (n, S)."""
    case = log.case_of
    scores, present = np.full((len(log), len(stages)), np.nan), np.zeros((len(log), len(stages)), dtype=bool)
    for k, inside in enumerate(stages.values()):
        at = np.isin(log.code, [log.activities.index(a) for a in inside if a in log.activities])
        present[case[at], k] = True
        rated = at & np.isfinite(log.score)
        count = np.bincount(case[rated], minlength=len(log))
        total = np.bincount(case[rated], weights=log.score[rated], minlength=len(log))
        scores[:, k] = np.divide(total, count, out=np.full(len(log), np.nan), where=count > 0)
    return scores, present


def journey_map(
    log: CaseLog, stages: Mapping[str, Sequence[str]], judged: Array | None = None, *, low: float, min_cell: int = 10,
    confidence: float = 0.95, seed: int = 0,
) -> JourneyMap:  # fmt: skip
    """Describe how the stages of a journey are felt.

    Parameters
    ----------
    log : CaseLog
        With scores of steps.
    stages : mapping of str to sequence of str
        Activities of each stage, first stage first.
    judged : ndarray, optional
        How each case was judged as a whole, shape (n,).
    low : float
        A score at or below it tells a pain point.
    min_cell : int
        Figures of fewer customers are left blank.
    confidence : float
        Level of the intervals and of the claims; customers are their units.
    seed : int
        Of the bootstrap of customers behind the weights.

    Returns
    -------
    JourneyMap

    References
    ----------
    Lemon, K. N. & Verhoef, P. C. (2016). Understanding customer experience throughout the customer journey. Journal of Marketing, 80, 69-96.
    Kahneman, D., Fredrickson, B. L., Schreiber, C. A. & Redelmeier, D. A. (1993). When more pain is preferred to less: adding a better end.
    Psychological Science, 4, 401-405.
    """
    scores, present = stage_scores(log, stages)
    names, customer = list(stages), log.customer
    hours, rows = _stage_hours(log, stages), []
    figures: list[CustomerFigure] = []
    for k, name in enumerate(names):
        mean = mean_of(scores[:, k], customer)
        pain = share_of(np.where(np.isfinite(scores[:, k]), scores[:, k] <= low, np.nan), customer)
        enough = mean.customers >= min_cell
        row = {
            "stage": name, "cases": int(present[:, k].sum()), "customers": len(np.unique(customer[present[:, k]])),
            "reach": float(present[:, k].mean()), "rated": mean.n if enough else 0, "hours": float(np.nanmedian(hours[:, k])) if present[:, k].any() else np.nan,
        }  # fmt: skip
        for kind, figure in (("score", mean), ("pain", pain)):
            ends = figure.limits(confidence) if enough else (np.nan, np.nan)
            row |= {kind: figure.estimate if enough else np.nan, f"{kind}_lower": ends[0], f"{kind}_upper": ends[1]}
        rows.append(row)
        figures.append(mean)
    table = pd.DataFrame(rows)
    told = table["score"].notna().to_numpy()
    lowest = _lowest(
        [f for f, t in zip(figures, told, strict=True) if t],
        [n for n, t in zip(names, told, strict=True) if t],
        confidence,
    )
    moment = None
    if judged is not None and told.any():
        moment, weights = _weights(scores, judged, customer, names, told, confidence, np.random.default_rng([seed, 3]))
        table = table.assign(**weights)
    rated = np.flatnonzero(told)
    ending = None
    if len(rated) > 1:
        gap = mean_of(scores[:, rated[-1]] - scores[:, rated[0]], customer)
        if gap.customers >= min_cell:
            ending = (gap.estimate, *gap.limits(confidence))
    return JourneyMap(table, moment, lowest, ending)


def _stage_hours(log: CaseLog, stages: Mapping[str, Sequence[str]]) -> Array:
    """Return the hours from the start of each stage's first step to its last completion, shape (n, S)."""
    case = log.case_of
    found = np.full((len(log), len(stages)), np.nan)
    begin = np.where(np.isfinite(log.began), log.began, log.ended)
    for k, inside in enumerate(stages.values()):
        at = np.isin(log.code, [log.activities.index(a) for a in inside if a in log.activities])
        low, high = np.full(len(log), np.inf), np.full(len(log), -np.inf)
        np.minimum.at(low, case[at], begin[at])
        np.maximum.at(high, case[at], log.ended[at])
        found[:, k] = np.where(np.isfinite(low), (high - low) / HOUR, np.nan)
    return found


def _lowest(figures: Sequence[CustomerFigure], names: Sequence[str], confidence: float) -> Claim | None:
    """Claim which stage is felt worst, with the covariance that customers with several scores bring about."""
    if len(names) < 2:
        return None
    customers = max(int(f.who.max()) + 1 for f in figures)
    sums = np.zeros((customers, len(figures)))
    for k, figure in enumerate(figures):
        sums[figure.who, k] = figure.influence
    sizes = [f.customers for f in figures]
    factor = np.array([n / max(n - 1, 1) for n in sizes])
    cov = np.sqrt(np.outer(factor, factor)) * (sums.T @ sums)
    joint = Joint(np.array([f.estimate for f in figures]), covariance=cov, df=float(max(min(sizes) - 1, 1)))
    return first_of("lowest_stage", joint, names, confidence=confidence, lowest=True).about(
        score=float(joint.estimate.min())
    )


def _weights(
    scores: Array,
    judged: Array,
    customer: Any,
    names: Sequence[str],
    told: Flags,
    confidence: float,
    rng: np.random.Generator,
) -> tuple[Claim, dict[str, Array]]:
    """Return the correlation of each stage's score with the judgement, by a Bayesian bootstrap of customers, and the claim of the greatest."""
    both = np.isfinite(scores) & np.isfinite(judged)[:, None]
    used = told & (both.sum(axis=0) >= FEWEST_PAIRS)
    at = np.flatnonzero(used)
    _, who = np.unique(customer, return_inverse=True)
    groups = int(who.max()) + 1
    sums = []
    for k in at:
        x, y = (
            np.where(both[:, k], v, 0.0) for v in (scores[:, k] - np.nanmean(scores[:, k]), judged - np.nanmean(judged))
        )
        parts = np.stack([both[:, k].astype(float), x, y, x * x, y * y, x * y], axis=1)
        sums.append(by_customer(parts, who)[1])
    shape = (groups - 1) / (groups + 1) if groups > 1 else 1.0
    weight = rng.standard_gamma(shape, (DRAWS, groups)) if len(at) else np.ones((DRAWS, groups))

    def correlation(moments: Array) -> Array:
        n, x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
        bottom = np.sqrt((xx - x * x / n) * (yy - y * y / n))
        return np.asarray(np.divide(xy - x * y / n, bottom, out=np.zeros_like(bottom), where=bottom > 0))

    estimate = np.full(len(names), np.nan)
    lower, upper = estimate.copy(), estimate.copy()
    tail = (1 - confidence) / 2
    draws = np.stack([correlation(weight @ s) for s in sums], axis=1) if len(at) else np.zeros((DRAWS, 0))
    for place, k in enumerate(at):
        estimate[k] = float(correlation(sums[place].sum(axis=0)))
        lower[k], upper[k] = np.quantile(draws[:, place], [tail, 1 - tail])
    columns = {"weight": estimate, "weight_lower": lower, "weight_upper": upper}
    if not len(at):
        return first_of(
            "moment", Joint(np.zeros(1)), [names[int(np.flatnonzero(told)[0])]], confidence=confidence
        ).withhold("few_judged"), columns
    made = first_of("moment", Joint(estimate[at], draws=draws), [names[k] for k in at.tolist()], confidence=confidence)
    top = int(at[int(np.argmax(estimate[at]))])
    return made.about(
        weight=float(estimate[top]), weight_lower=float(lower[top]), weight_upper=float(upper[top])
    ), columns
