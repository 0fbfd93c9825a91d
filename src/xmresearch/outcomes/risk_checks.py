"""Whether foretold risks came true, and how strong a hidden cause would have to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.weighted_fits import FAMILIES, weighted_fit


def risk_calibration(
    risk: ArrayLike, left: ArrayLike, n: ArrayLike | None = None, *, confidence: float = 0.95
) -> dict[str, float]:
    """Hold foretold risks against what happened later.

    Parameters
    ----------
    risk : array_like
        Foretold chances, between 0 and 1, shape (rows,): of a later time than that of the fit.
    left : array_like
        How many left, shape (rows,).
    n : array_like, optional
        Of how many, shape (rows,); 1 if left out.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        slope (of the log odds of leaving by the log odds foretold: 1 where risks are as far apart as they should be), slope_lower,
        slope_upper, expected, observed (means), ratio (observed over expected), brier, brier_usual (of the mean risk for all), auc.

    Raises
    ------
    DataError
        A risk is not between 0 and 1.
    InsufficientData
        Nobody left, or everybody did.

    References
    ----------
    Van Calster, B. et al. (2019). Calibration: the Achilles heel of predictive analytics. BMC Medicine, 17, 230.
    """
    p, y = np.asarray(risk, dtype="float64"), np.asarray(left, dtype="float64")
    weight = np.ones(len(p)) if n is None else np.asarray(n, dtype="float64")
    if not ((p > 0) & (p < 1)).all():
        raise DataError("A foretold risk is not between 0 and 1.")
    if not 0 < y.sum() < weight.sum():
        raise InsufficientData(
            "Nobody left, or everybody did, in the time that risks were foretold for.", "Wait for longer."
        )
    fit = weighted_fit(y / weight, np.column_stack([np.ones(len(p)), special.logit(p)]), weight, FAMILIES["share"])
    slope, se = float(fit.coefficients[1]), float(np.sqrt(fit.bread[1, 1]))
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se
    whole = float(weight.sum())
    expected, observed = float(weight @ p) / whole, float(y.sum()) / whole
    brier = float((y * (1 - p) ** 2 + (weight - y) * p**2).sum()) / whole
    order = np.argsort(p, kind="stable")
    ranks, code = np.unique(p[order], return_inverse=True)
    gone, stayed = (np.bincount(code, v[order], len(ranks)) for v in (y, weight - y))
    below = np.concatenate([[0.0], np.cumsum(stayed)[:-1]])
    auc = float((gone * (below + stayed / 2)).sum() / (gone.sum() * stayed.sum()))
    return {
        "slope": slope, "slope_lower": slope - reach, "slope_upper": slope + reach, "expected": expected, "observed": observed,
        "ratio": observed / expected, "brier": brier, "brier_usual": observed * (1 - observed), "auc": auc,
    }  # fmt: skip


def e_value(ratio: float, lower: float, upper: float) -> dict[str, float]:
    """Say how strong a hidden cause of both would have to be to explain a ratio of risks away.

    Parameters
    ----------
    ratio, lower, upper : float
        A ratio of risks or hazards (of rare ends) with its interval, above 0.

    Returns
    -------
    dict of str to float
        estimate: the ratio that the hidden cause would need with both, at the least, to bring the ratio to one; limit: to bring the
        interval's end that is nearer to one there; 1 where it takes one in.

    Raises
    ------
    DataError
        A ratio is not above 0, or lies outside its interval.

    References
    ----------
    VanderWeele, T. J. & Ding, P. (2017). Sensitivity analysis in observational research: introducing the E-value. Annals of Internal
    Medicine, 167, 268-274.
    """
    if not 0 < lower <= ratio <= upper:
        raise DataError("The ratio and its interval must be above 0, and the ratio within it.")
    near = lower if ratio > 1 else upper
    inside = lower <= 1 <= upper

    def strength(value: float) -> float:
        far = max(value, 1 / value)
        return float(far + np.sqrt(far * (far - 1)))

    return {"estimate": strength(ratio), "limit": 1.0 if inside else strength(near)}
