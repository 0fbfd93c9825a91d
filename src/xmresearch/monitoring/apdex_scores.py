"""Apdex: response times scored by whether people are satisfied, tolerate them, or are frustrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval

FRUSTRATED = 4.0
"""Times the target from which a response is frustrating (Apdex Alliance, 2007)."""


@dataclass(frozen=True, repr=False)
class Apdex(Shown):
    """An Apdex score.

    Attributes
    ----------
    score, lower, upper : float
        Between 0 (all frustrated) and 1 (all satisfied).
    satisfied, tolerating, frustrated : int
        Responses within the target, within four times it, and beyond or in error.
    target : float
        In the unit of the times.
    level : float
        Of the interval.
    """

    score: float
    lower: float
    upper: float
    satisfied: int
    tolerating: int
    frustrated: int
    target: float
    level: float

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        return {f: getattr(self, f) for f in self.__dataclass_fields__}

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([self.summary()])

    def _head(self) -> dict[str, Any]:
        return self.summary()


def apdex(
    times: ArrayLike, target: float, *, failed: ArrayLike | None = None, visitors: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Apdex:  # fmt: skip
    """Score response times.

    Parameters
    ----------
    times : array_like
        Shape (n,), not negative; NaN is left out unless it failed.
    target : float
        Within which people are satisfied, in the same unit.
    failed : array_like of bool, optional
        Shape (n,): responses in error, which are frustrating however fast.
    visitors : array_like, optional
        Who made each request, shape (n,): those of one visitor are alike, and the interval is wider for it.
    confidence : float
        Level.

    Returns
    -------
    Apdex
        Wilson's interval at the number of yes-or-no answers that would be as sure.

    Raises
    ------
    DataError, InsufficientData
        A time is negative, the target is not above zero; there are no times.

    References
    ----------
    Sevcik, P. (2007). Application Performance Index, technical specification 1.1. Apdex Alliance.
    """
    t = np.asarray(times, dtype="float64")
    error = np.zeros(len(t), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
    if not target > 0 or (t < 0).any():
        raise DataError("A time is negative, or the target is not above zero.")
    used = np.isfinite(t) | error
    n = int(used.sum())
    if n == 0:
        raise InsufficientData("There are no response times.")
    worth = np.where(error, 0.0, np.where(t <= target, 1.0, np.where(t <= FRUSTRATED * target, 0.5, 0.0)))[used]
    score = float(worth.mean())
    who = (
        np.arange(n)
        if visitors is None
        else pd.factorize(np.asarray(visitors, dtype=object)[used], use_na_sentinel=False)[0]
    )
    pull = np.bincount(who, weights=worth - score)
    people = len(pull)
    variance = float((pull**2).sum()) / n**2 * people / max(people - 1, 1)
    # answers that are all alike tell no more than as many visitors
    size = score * (1 - score) / variance if variance > 0 else float(people)
    low, high = share_interval(score * size, size, confidence=confidence)
    kinds = [int((worth == v).sum()) for v in (1.0, 0.5, 0.0)]
    return Apdex(score, float(low), float(high), kinds[0], kinds[1], kinds[2], target, confidence)
