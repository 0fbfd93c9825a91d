"""Whether several estimates are equal, each with its own standard error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def welch_test(estimate: ArrayLike, se: ArrayLike, df: ArrayLike) -> tuple[float, float, float, float]:
    """Test whether independent estimates are equal, without assuming that they vary alike.

    Parameters
    ----------
    estimate, se : array_like
        Of each group, shape (k,), k of at least two.
    df : array_like
        Degrees of freedom of each standard error, shape (k,): of a mean, its answers less one.

    Returns
    -------
    f, df1, df2, p : float
        NaN but for df1 where a standard error is 0 or not known.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336.
    """
    y, spread, of = (np.asarray(x, dtype="float64") for x in (estimate, se, df))
    k, nothing = len(y), float("nan")
    if not (np.isfinite(spread) & (spread > 0) & (of > 0)).all():
        return nothing, float(k - 1), nothing, nothing
    weight = 1 / spread**2
    share = weight / weight.sum()
    lack = float(((1 - share) ** 2 / of).sum())
    f = float(weight @ (y - share @ y) ** 2) / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    df2 = (k**2 - 1) / (3 * lack)
    return f, float(k - 1), df2, float(stats.f.sf(f, k - 1, df2))
