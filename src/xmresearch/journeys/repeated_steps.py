"""Rework: what is done again within a case, and how cases with it differ from those without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.rules import sign
from xmresearch.display import Shown
from xmresearch.journeys.case_log import Array, CaseLog, Flags
from xmresearch.journeys.customer_figures import difference, mean_of, quantile_of, share_of
from xmresearch.journeys.durations import HOUR


@dataclass(frozen=True, repr=False)
class Rework(Shown):
    """What is repeated.

    Attributes
    ----------
    table : DataFrame
        One row per activity that any case repeats, by cases: activity, cases (that repeat it), customers, part (of the cases that have it), again (times
        beyond the first), straight (times right after itself), extra_hours (median time of closed cases that repeat it, less that of
        those that have it once) with its interval.
    affected : ndarray of bool
        Cases that repeat anything, shape (n,).
    share : tuple of float
        Of such cases, with its interval.
    claim : Claim or None
        Whether cases that repeat anything take longer, by their medians; None where all do or none does.
    score : tuple of float or None
        By how much they are judged otherwise on average, with its interval.
    """

    table: pd.DataFrame
    affected: Flags
    share: tuple[float, float, float]
    claim: Claim | None
    score: tuple[float, float, float] | None

    def tidy(self) -> pd.DataFrame:
        """Return one row per activity."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return cases with rework, their share and how their scores differ, with the case: none, plain or scored."""
        told = self.score if self.score is not None else (np.nan,) * 3
        count = int(self.affected.sum())
        return {
            "case": "none" if not count else "plain" if np.isnan(told[1]) else "scored", "rework_cases": count,
            **dict(zip(("rework_share", "rework_lower", "rework_upper"), self.share, strict=True)),
            **dict(zip(("score_gap", "score_gap_lower", "score_gap_upper"), told, strict=True)),
        }  # fmt: skip


def rework(log: CaseLog, judged: Array | None = None, *, confidence: float = 0.95) -> Rework:
    """Find what is done again within a case.

    Parameters
    ----------
    log : CaseLog
        The cases.
    judged : ndarray, optional
        How each case was judged, shape (n,).
    confidence : float
        Level of the intervals and of the claim; customers are their units.

    Returns
    -------
    Rework

    Notes
    -----
    Cases with rework differ from others in more than that: what they take longer is a link, not what rework costs.

    References
    ----------
    Swennen, M., Janssenswillen, G., Jans, M., Depaire, B. & Vanhoof, K. (2016). Capturing process behavior with log-based process
    metrics. SIMPDA 2015, CEUR 1527, 141-144.
    """
    counts, hours = log.counts(), np.where(log.closed, log.throughput / HOUR, np.nan)
    straight = np.zeros(len(log.code), dtype=bool)
    straight[1:] = log.code[1:] == log.code[:-1]
    straight[log.starts[:-1]] = False
    loops = np.bincount(log.code[straight], minlength=len(log.activities))
    rows = []
    for k, name in enumerate(log.activities):
        more, once = counts[:, k] > 1, counts[:, k] == 1
        if not more.any():
            continue
        gap = _gap(hours, log, more, once, confidence)
        rows.append((
            name, int(more.sum()), len(np.unique(log.customer[more])), float(more.sum() / (counts[:, k] > 0).sum()),
            int((counts[:, k] - 1)[more].sum()), int(loops[k]), *gap,
        ))  # fmt: skip
    columns = [
        "activity",
        "cases",
        "customers",
        "part",
        "again",
        "straight",
        "extra_hours",
        "extra_hours_lower",
        "extra_hours_upper",
    ]
    table = pd.DataFrame(rows, columns=columns).sort_values("cases", ascending=False, kind="stable", ignore_index=True)
    affected = (counts > 1).any(axis=1)
    share = share_of(affected, log.customer)
    claim = None
    if affected[log.closed].any() and not affected[log.closed].all():
        gap = _gap(hours, log, affected, ~affected, confidence)
        claim = sign("rework", *gap, confidence=confidence)
    score = None
    if judged is not None:
        score = difference(
            mean_of(judged[affected], log.customer[affected]),
            mean_of(judged[~affected], log.customer[~affected]),
            confidence,
        )
    return Rework(table, affected, (share.estimate, *share.limits(confidence)), claim, score)


def _gap(hours: Array, log: CaseLog, a: Flags, b: Flags, level: float) -> tuple[float, float, float]:
    return difference(quantile_of(hours[a], log.customer[a]), quantile_of(hours[b], log.customer[b]), level)
