"""Changes of figures between two samples, from the figures' own intervals, and what may be said of a family of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.claims.claim import UNSETTLED, Claim
from xmresearch.claims.families import adjusted, count_of

Array = NDArray[np.float64]
CHANGE_COLUMNS = ("before", "before_lower", "before_upper", "after", "after_lower", "after_upper")
"""Columns that a table of figures in two samples has."""


def difference(
    before: ArrayLike, after: ArrayLike, *, correlation: ArrayLike = 0.0, confidence: float
) -> tuple[Array, Array, Array, Array]:
    """Take the difference of two estimates, with an interval made of theirs.

    Parameters
    ----------
    before, after : array_like
        Estimate, lower and upper end of an interval, shape (3,) or (3, K); the intervals need not be symmetric.
    correlation : array_like
        Of the two estimates, shape () or (K,); 0 for independent samples.
    confidence : float
        Two-sided level of the intervals, and of that of the difference.

    Returns
    -------
    estimate, lower, upper, p : ndarray
        The difference after less before; p is that of the level at which its interval reaches 0, by the half nearer to it. NaN where an
        interval is missing.

    Notes
    -----
    Each half of the interval is the root of the sum of squares of two halves (square-and-add), less twice their product times the
    correlation. It leans as the two intervals lean, so it holds for shares and other bounded figures without a scale being chosen.

    References
    ----------
    Zou, G. Y. & Donner, A. (2008). Construction of confidence limits about effect measures: a general approach. Statistics in Medicine,
    27, 1693-1702. Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics in
    Medicine, 17, 873-890.
    """
    b, b_low, b_high = np.asarray(before, dtype=float)
    a, a_low, a_high = np.asarray(after, dtype=float)
    r = np.clip(np.asarray(correlation, dtype=float), -1.0, 1.0)
    gap = np.asarray(a - b + 0.0 * (a_low + a_high + b_low + b_high))
    down, up = _reach(a - a_low, b_high - b, r), _reach(a_high - a, b - b_low, r)
    near = np.where(gap > 0, down, up)
    z = float(special.ndtri(0.5 + confidence / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(near > 0, 2 * special.ndtr(-np.abs(gap) * z / near), np.where(gap == 0, 1.0, 0.0))
    return gap, gap - down, gap + up, np.where(np.isnan(gap), np.nan, p)


def _reach(first: Array, second: Array, correlation: Array) -> Array:
    return np.asarray(np.sqrt(np.maximum(first**2 + second**2 - 2 * correlation * first * second, 0.0)))


def at_level(estimate: ArrayLike, lower: ArrayLike, upper: ArrayLike, given: float, wanted: float) -> Array:
    """Return a figure's interval at another level: each half is stretched as a normal one would be.

    Parameters
    ----------
    estimate, lower, upper : array_like
        Shape (K,).
    given, wanted : float
        Two-sided levels.

    Returns
    -------
    ndarray
        Estimate, lower and upper end, shape (3, K).
    """
    y, low, high = (np.asarray(v, dtype=float) for v in (estimate, lower, upper))
    wide = 1.0 if given == wanted else float(special.ndtri(0.5 + wanted / 2) / special.ndtri(0.5 + given / 2))
    return np.stack([y, y - wide * (y - low), y + wide * (high - y)])


def changes_of(table: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Add to figures of two samples their change, and tests corrected for the family that they form.

    Parameters
    ----------
    table : DataFrame
        One row per figure: `CHANGE_COLUMNS` and, where the two estimates are correlated, correlation.
    confidence : float
        Two-sided level of all intervals.

    Returns
    -------
    DataFrame
        With change, change_lower, change_upper, p and p_adjusted (Holm). A figure without width in both samples, such as a count, has a
        change and no test.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    b, b_low, b_high, a, a_low, a_high = (table[c].to_numpy(dtype=float) for c in CHANGE_COLUMNS)
    r = table["correlation"].to_numpy(dtype=float) if "correlation" in table else np.zeros(len(table))
    wide = (b_high > b_low) & (a_high > a_low)
    gap, low, high, p = difference((b, b_low, b_high), (a, a_low, a_high), correlation=r, confidence=confidence)
    low, high, p = (np.where(wide, v, np.nan) for v in (low, high, p))
    return table.assign(change=gap, change_lower=low, change_upper=high, p=p, p_adjusted=adjusted(p))


def figures_changed(name: str, changes: pd.DataFrame, figures: Sequence[str], *, confidence: float) -> Claim:
    """Claim how many of a family of figures rose or fell between two samples, by Holm.

    Parameters
    ----------
    name : str
        Of the claim.
    changes : DataFrame
        From `changes_of`.
    figures : sequence of str
        Names of its rows.
    confidence : float
        The family's level is 1 - confidence: on equal samples any change is claimed at most that often.

    Returns
    -------
    Claim
        all, some or unsettled; withheld where nothing could be tested. Facts: risen and fallen (names).

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    made = count_of(name, figures, changes["p"].to_numpy(), confidence=confidence)
    shown, up = set(made.facts["shown"]), dict(zip(figures, changes["change"] > 0, strict=True))
    return made.about(
        risen=[f for f in figures if f in shown and up[f]], fallen=[f for f in figures if f in shown and not up[f]]
    )


def figure_changed(name: str, row: pd.Series, family: int, *, confidence: float) -> Claim:
    """Claim that one figure of a family rose or fell, by its corrected test.

    Parameters
    ----------
    name : str
        Of the claim.
    row : Series
        Of `changes_of`.
    family : int
        How many figures the family has.
    confidence : float
        The family's level is 1 - confidence.

    Returns
    -------
    Claim
        above, below or unsettled; withheld where there is no interval. The interval is the figure's own, uncorrected.
    """
    settled = row["p_adjusted"] < 1 - confidence
    verdict = UNSETTLED if not settled else "above" if row["change"] > 0 else "below"
    ends = (float(row["change"]), float(row["change_lower"]), float(row["change_upper"]))
    made = Claim(name, "sign", verdict, "holm", 1 - confidence, confidence, *ends)
    made = made.about(family=family, before=float(row["before"]), after=float(row["after"]))
    return made if np.isfinite(ends).all() else made.withhold("no_interval")


def targets_reached(
    name: str,
    figures: ArrayLike,
    targets: ArrayLike,
    upward: Sequence[bool],
    names: Sequence[str],
    *,
    confidence: float,
) -> Claim:
    """Claim of how many figures it is settled whether they have reached their targets, by Holm.

    Parameters
    ----------
    name : str
        Of the claim.
    figures : array_like
        Estimate, lower and upper end of each figure's interval, shape (3, K).
    targets : array_like
        Shape (K,), in the same units.
    upward : sequence of bool
        Whether a figure is to reach its target from below.
    names : sequence of str
        Of the K targets.
    confidence : float
        Level of the intervals; that any target is falsely said to be reached, or missed, happens at most in 1 - confidence.

    Returns
    -------
    Claim
        all, some or unsettled. Facts: reached and missed (names).

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    ends, wanted = np.asarray(figures, dtype=float), np.asarray(targets, dtype=float)
    fixed = np.broadcast_to(wanted, (3, len(wanted)))
    gap, _, _, p = difference(fixed, ends, confidence=confidence)
    made = count_of(name, names, p, confidence=confidence)
    shown, beyond = set(made.facts["shown"]), dict(zip(names, (gap > 0) == np.asarray(upward, dtype=bool), strict=True))
    return made.about(
        reached=[n for n in names if n in shown and beyond[n]],
        missed=[n for n in names if n in shown and not beyond[n]],
    )
