"""Intervals of a share in a complex sample."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from xmresearch.data.weights import effective_n
from xmresearch.errors import InsufficientData
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import Estimates, mean_of

Array = NDArray[np.float64]
_NOTHING = 1e-12
"""Standard error of a share that the design fixes, such as that of a stratum."""
ProportionMethod = Literal["logit", "xlogit", "asin", "beta", "mean", "likelihood"]


def proportion(
    design: Design, condition: ArrayLike, *, method: ProportionMethod = "logit", domain: Mask | None = None, term: str = "share",
    confidence: float = 0.95,
) -> Estimates:  # fmt: skip
    """Estimate a share with an interval that stays between 0 and 1.

    Parameters
    ----------
    design : Design
        Of the sample.
    condition : array_like of bool
        Shape (n,): what is counted; a blank (NaN) is no part of the domain.
    method : {'logit', 'xlogit', 'asin', 'beta', 'mean', 'likelihood'}
        R's `svyciprop` has them by these names; `beta` is Korn and Graubard's.
    domain : ndarray of bool, optional
        Rows of a subpopulation, shape (n,).
    term : str
        Name of the estimate.
    confidence : float
        Level.

    Returns
    -------
    Estimates
        Where no row or every row counts, no variance can be seen: the interval is Clopper and Pearson's at the effective n, and `method`
        in `table` says so.

    Raises
    ------
    InsufficientData
        Fewer than two rows are in the domain.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Survey Methodology, 24, 193-201. Rao, J. N. K. & Scott, A. J. (1984). Annals of Statistics,
    12, 46-60.
    """
    given = np.asarray(condition, dtype="float64")
    used = np.isfinite(given)
    used &= design.rows(domain)
    if used.sum() < 2:
        raise InsufficientData("Fewer than two rows are in the domain.", "A share needs two at least.")
    y = np.where(used, given != 0, 0.0).astype("float64")
    w = design.weights * used
    p = float(w @ y / w.sum())
    found = mean_of(design, y[:, None], [term], used, whole=domain is None, confidence=confidence)
    n_eff = effective_n(design.weights[used], int(used.sum()))
    low, high = _exact(p, n_eff, confidence) if p in (0.0, 1.0) else _ends(design, p, found, used, method, confidence)
    how = "clopper_pearson at the effective n" if p in (0.0, 1.0) else method
    table = found.table.assign(lower=low, upper=high, method=how)
    return Estimates(table, found.covariance, found.influence, found.df, confidence)


def _exact(p: float, n: float, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low = 0.0 if p == 0 else float(stats.beta.ppf(tail, n * p, n * (1 - p) + 1))
    high = 1.0 if p == 1 else float(stats.beta.ppf(1 - tail, n * p + 1, n * (1 - p)))
    return low, high


def _ends(
    design: Design, p: float, found: Estimates, used: Mask, method: ProportionMethod, confidence: float
) -> tuple[float, float]:
    se, df, tail = float(found.table["se"].iloc[0]), found.df, (1 - confidence) / 2
    t = float(stats.t.ppf(1 - tail, df))
    if se < _NOTHING:
        return p, p
    if method == "mean":
        return p - t * se, p + t * se
    if method in ("logit", "xlogit"):
        centre, half = float(special.logit(p)), t * se / (p * (1 - p))
        return float(special.expit(centre - half)), float(special.expit(centre + half))
    if method == "asin":
        centre, half = float(np.arcsin(np.sqrt(p))), t * se / (2 * np.sqrt(p * (1 - p)))
        return float(np.sin(centre - half) ** 2), float(np.sin(centre + half) ** 2)
    if method == "beta":
        rows = int(used.sum())
        n = p * (1 - p) / se**2 * (stats.t.ppf(tail, rows - 1) / stats.t.ppf(tail, df)) ** 2
        return (
            float(stats.beta.ppf(tail, n * p, n * (1 - p) + 1)),
            float(stats.beta.ppf(1 - tail, n * p + 1, n * (1 - p))),
        )
    return _by_likelihood(p, se, int(used.sum()), t)


def _by_likelihood(p: float, se: float, n: int, t: float) -> tuple[float, float]:
    """Invert the likelihood ratio test, its statistic divided by the design effect."""
    scale = se**2 / (p * (1 - p) / n) * n / (n - 1)

    def far(q: float) -> float:
        deviance = 2 * n * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
        return float(deviance / scale - t**2)

    tiny = 1e-12
    low = optimize.brentq(far, tiny, p, xtol=1e-14) if far(tiny) > 0 else 0.0
    high = optimize.brentq(far, p, 1 - tiny, xtol=1e-14) if far(1 - tiny) > 0 else 1.0
    return float(low), float(high)
