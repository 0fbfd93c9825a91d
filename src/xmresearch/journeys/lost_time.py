"""Where most time is lost: waiting before each activity, per case, and which is the worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.claims.claim import Claim
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.journeys.case_log import Array, CaseLog, Flags
from xmresearch.journeys.customer_figures import by_customer, covariance, degrees
from xmresearch.journeys.durations import HOUR


@dataclass(frozen=True, repr=False)
class Bottlenecks(Shown):
    """Time lost by activity.

    Attributes
    ----------
    table : DataFrame
        One row per activity, most lost first: activity, cases (that waited for it), lost (hours of waiting per case, over all cases), lost_lower,
        lost_upper, part (of all waiting), rank, rank_lower, rank_upper.
    claim : Claim
        Which activity costs most waiting.
    joint : Joint
        The estimates with their covariance, in the order of the table.
    """

    table: pd.DataFrame
    claim: Claim
    joint: Joint

    def tidy(self) -> pd.DataFrame:
        """Return one row per activity."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the facts of the claim."""
        return self.claim.summary()


def waits_by_activity(log: CaseLog) -> tuple[Array, Array]:
    """Return the hours of waiting before each activity and how often it was waited for, by case, each of shape (n, K)."""
    size, wait = len(log.activities), log.waited
    at = np.flatnonzero(np.isfinite(wait))
    place = log.case_of[at] * size + log.code[at]
    shape = (len(log), size)
    hours = np.bincount(place, weights=wait[at] / HOUR, minlength=shape[0] * shape[1]).reshape(shape)
    often = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    return hours, often.astype(np.float64)


def bottlenecks(log: CaseLog, *, shown: Flags | None = None, confidence: float = 0.95) -> Bottlenecks:
    """Rank activities by the waiting before them.

    Parameters
    ----------
    log : CaseLog
        The cases.
    shown : ndarray of bool, optional
        Activities that may be named, shape (K,); others are left out.
    confidence : float
        Level of the intervals and of the claim.

    Returns
    -------
    Bottlenecks

    Raises
    ------
    InsufficientData
        No case has two steps.

    Notes
    -----
    Means of waiting per case vary together, with customers as units. The interval of a rank counts the activities that lie apart at a level
    corrected for all that each is compared with.

    References
    ----------
    Gutmann, S. & Maymin, Z. (1987). Annals of Statistics, 15, 456-461. Mogstad, M., Romano, J. P., Shaikh, A. M. & Wilhelm, D. (2024).
    Inference for ranks with applications to mobility across neighbourhoods and academic achievement across countries. Review of Economic
    Studies, 91, 476-518.
    """
    hours, often = waits_by_activity(log)
    kept = (often > 0).any(axis=0) & (True if shown is None else shown)
    if not kept.any():
        raise InsufficientData("No case waits for any activity that may be named.", "Cases need two steps at least.")
    names = [a for a, k in zip(log.activities, kept, strict=True) if k]
    lost = hours[:, kept]
    mean = lost.mean(axis=0)
    order = np.lexsort((np.arange(len(mean)), -mean))
    names, lost, mean = [names[k] for k in order], lost[:, order], mean[order]
    _, sums = by_customer((lost - mean) / len(log), log.customer)
    cov, df = covariance(sums), max(degrees(log.customer), 1.0)
    few = len(sums) < 2
    joint = Joint(mean, covariance=np.full_like(cov, np.nan) if few else cov, df=df)
    error = np.sqrt(np.diag(joint.covariance)) if joint.covariance is not None else mean
    reach = float(stats.t.ppf(0.5 + confidence / 2, df)) * error
    lower, upper = _ranks(joint, confidence)
    total = float(hours.sum())
    table = pd.DataFrame({
        "activity": names, "cases": (often[:, kept][:, order] > 0).sum(axis=0), "lost": mean,
        "lost_lower": np.maximum(mean - reach, 0.0), "lost_upper": mean + reach,
        "part": lost.sum(axis=0) / total if total > 0 else np.nan,
        "rank": np.arange(1, len(names) + 1), "rank_lower": lower, "rank_upper": upper,
    })  # fmt: skip
    made = first_of("worst_step", joint, names, confidence=confidence)
    part = float(table["part"].iloc[0])
    made = made.about(lost=float(mean[0]), lost_lower=float(table["lost_lower"].iloc[0]), lost_upper=float(table["lost_upper"].iloc[0]),
                      part=part, tied=bool(len(mean) > 1 and mean[0] == mean[1]))  # fmt: skip
    if not total > 0:
        made = made.withhold("no_waiting")
    return Bottlenecks(table, made, joint)


def _ranks(joint: Joint, confidence: float) -> tuple[Array, Array]:
    """Return the least and the greatest rank that each activity may have."""
    size, cov = len(joint.estimate), joint.covariance
    if cov is None or size == 1:
        return np.ones(size), np.full(size, float(size))
    gap = joint.estimate[:, None] - joint.estimate[None, :]
    spread = np.sqrt(np.maximum(np.diag(cov)[:, None] + np.diag(cov)[None, :] - 2 * cov, 0.0))
    reach = float(stats.t.ppf(1 - (1 - confidence) / 2 / (size - 1), joint.df)) * spread
    above, below = (gap > reach).sum(axis=1), (gap < -reach).sum(axis=1)
    return (1.0 + below).astype(np.float64), (size - 1.0 * above).astype(np.float64)
