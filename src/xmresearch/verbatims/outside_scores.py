"""Scores from outside, such as speech emotion or quality checks of calls, taken with the error rates that their makers state."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import counted
from xmresearch.verbatims.error_rates import ErrorRates
from xmresearch.verbatims.prevalence import CorrectedShares

Array = NDArray[np.float64]
_ADDED = 1.0


def stated_rates(
    sensitivity: float, specificity: float, *, cases: tuple[float, float] | None, confidence: float = 0.95
) -> ErrorRates:
    """Take error rates as they are stated.

    Parameters
    ----------
    sensitivity, specificity : float
        Share of cases (such as angry calls) that are flagged, and share of the others that are not.
    cases : tuple of float or None
        On how many cases and how many others the two were measured; None takes both rates as exact, and intervals are then too short
        unless they are.
    confidence : float
        Level of intervals.

    Returns
    -------
    ErrorRates
        Variances of the rates are those with one case added of either outcome, so that a rate of 1 does not count as certain.

    Raises
    ------
    DataError
        A rate lies beyond 0 and 1, or a number of cases is below 1.

    References
    ----------
    Lang, Z. & Reiczigel, J. (2014). Confidence limits for prevalence of disease adjusted for estimated sensitivity and specificity.
    Preventive Veterinary Medicine, 113, 13-22.
    """
    rates = np.array([1 - specificity, sensitivity])
    if not ((rates >= 0) & (rates <= 1)).all():
        raise DataError(
            f"Sensitivity is {sensitivity:g} and specificity {specificity:g}.", "Both are shares between 0 and 1."
        )
    if cases is None:
        # the rates are exact, flags of each kind still vary
        return ErrorRates(
            np.array([0.0, 1.0]), np.full(2, np.inf), rates[:, None], (rates * (1 - rates))[:, None, None], confidence
        )
    n = np.array([cases[1], cases[0]], dtype="float64")
    if not (np.isfinite(n).all() and (n >= 1).all()):
        raise DataError(
            f"The rates were measured on {cases[0]:g} and {cases[1]:g} cases.", "Give the number of each, 1 at least."
        )
    smooth = (rates * n + _ADDED) / (n + 2 * _ADDED)
    return ErrorRates(np.array([0.0, 1.0]), n, rates[:, None], (smooth * (1 - smooth))[:, None, None], confidence)


def corrected_flags(
    flagged: ArrayLike, n: ArrayLike, rates: ErrorRates, *, groups: pd.DataFrame | None = None
) -> CorrectedShares:
    """Correct shares of flagged cases for stated error rates.

    Parameters
    ----------
    flagged, n : array_like
        Flagged cases and all cases of each group, such as a month, shape (groups,).
    rates : ErrorRates
        See `stated_rates`.
    groups : DataFrame, optional
        One row per group.

    Returns
    -------
    CorrectedShares
        As for texts, with `method` 'error_rates'. Nothing here can tell whether the rates hold for these cases: where some of them have
        been judged by people, `corrected_shares` with those labels says more.

    Raises
    ------
    DataError
        A count is negative, more cases are flagged than there are, or groups are not as many.

    References
    ----------
    Rogan, W. J. & Gladen, B. (1978). Estimating prevalence from the results of a screening test. American Journal of Epidemiology, 107,
    71-76. Lang, Z. & Reiczigel, J. (2014). Preventive Veterinary Medicine, 113, 13-22.
    """
    flags, total = (np.atleast_1d(c) for c in counted(flagged, n))
    if (flags > total).any():
        raise DataError("More cases are flagged than there are.", "Give the flagged ones first, then all cases.")
    if groups is not None and len(groups) != len(total):
        raise DataError(f"{len(groups)} groups and {len(total)} counts.", "Every group needs one count.")
    rows, shares, sampling = [], [], []
    for x, size in zip(flags, total, strict=True):
        share = x / size if size else np.nan
        found = rates.shares(
            np.array([share]), np.array([[share * (1 - share) * size / max(size - 1, 1)]]), float(size)
        )
        rows.append({
            "n": size, "labels": 0, "counted": share, "estimate": found.estimate, "se": found.se, "lower": found.lower, "upper": found.upper,
            "method": "withheld" if found.why else "error_rates", "p_stable": np.nan, "why": found.why, "labels_needed": 0,
        })  # fmt: skip
        shares.append(found.shares)
        sampling.append(found.sampling)
    table = pd.DataFrame(rows)
    if groups is not None:
        table = pd.concat([groups.reset_index(drop=True), table], axis=1)
    return CorrectedShares(table, (0.0, 1.0), float("nan"), rates.level, np.array(shares), np.array(sampling), rates)
