"""The same claim made of several samples: settled anew, corrected for how often it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.claims.change import difference
from xmresearch.claims.families import adjusted

Array = NDArray[np.float64]
BY_INTERVAL = ("interval_excludes_zero", "interval_beyond_threshold")
"""Rules that settle a claim by its interval alone, which can therefore be settled at another level."""


def p_of(record: Mapping[str, Any]) -> float:
    """Return the p value of a claim that an interval settles.

    Parameters
    ----------
    record : mapping
        Of `Claim.record`.

    Returns
    -------
    float
        The smallest 1 - level at which the interval, stretched as a normal one would be, still settles it: which side of zero the figure
        is on or, of a threshold, whether it is beyond that or within. NaN of other claims, and of those without an interval.
    """
    ends = [record.get(end) for end in ("estimate", "lower", "upper")]
    level = record.get("confidence")
    if record.get("rule") not in BY_INTERVAL or level is None or any(end is None for end in ends):
        return float("nan")
    figure = np.array([float(end) for end in ends if end is not None])
    threshold = float(record.get("threshold") or 0.0)

    def against(value: float) -> float:
        return float(difference(np.full(3, value), figure, confidence=float(level))[3])

    if abs(figure[0]) > threshold or threshold == 0:
        return against(threshold if figure[0] > 0 else -threshold)
    return max(against(threshold), against(-threshold))


def corrected(records: Sequence[Mapping[str, Any]], *, confidence: float) -> tuple[Array, list[bool]]:
    """Settle the same claim of several samples anew, by Holm.

    Parameters
    ----------
    records : sequence of mapping
        Of `Claim.record`, K in all.
    confidence : float
        That any of them is settled and false happens at most in 1 - confidence.

    Returns
    -------
    p : ndarray
        Adjusted, shape (K,); NaN where a claim cannot be settled anew, or its figure means nothing.
    kept : list of bool
        Whether each is still settled; never where it was not by itself.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    p = adjusted([p_of(record) for record in records])
    kept = [r["state"] == "settled" and bool(v < 1 - confidence) for r, v in zip(records, p, strict=True)]
    return p, kept
