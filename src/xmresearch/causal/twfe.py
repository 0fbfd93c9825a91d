"""The two-way fixed-effects coefficient, for comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]
Index = NDArray[np.int64]
ROUNDS, TOLERANCE = 10_000, 1e-12


@dataclass(frozen=True)
class Twfe:
    """Coefficient of treatment in a regression on unit and period effects.

    Attributes
    ----------
    estimate, se : float
        Coefficient, and standard error clustered by unit.
    df : int
        Units minus one.
    """

    estimate: float
    se: float
    df: int


def twfe(value: Array, weight: Array, start: Index) -> Twfe:
    """Regress unit means on treatment, unit and period.

    Parameters
    ----------
    value : ndarray
        Unit means, shape (U, T); NaN where a unit is not seen.
    weight : ndarray
        Shape (U, T); 0 where a unit is not seen.
    start : ndarray
        First treated period of each unit, shape (U,).

    Returns
    -------
    Twfe

    Raises
    ------
    InsufficientData
        Treatment cannot be told from unit and period.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73(1), 13-22.
    """
    units, periods = value.shape
    treated = (np.arange(periods) >= start[:, None]).astype(float)
    d, y = take_out(treated, weight), take_out(np.nan_to_num(value), weight)
    total = float((weight * d * d).sum())
    if total <= 1e-10 * max(float(weight.sum()), 1.0):
        raise InsufficientData("Treatment cannot be told from unit and period effects.")
    estimate = float((weight * d * y).sum()) / total
    score = (weight * d * (y - estimate * d)).sum(axis=1)
    seen = int((weight > 0).sum())
    correction = units / (units - 1) * (seen - 1) / max(seen - periods - 1, 1)
    return Twfe(estimate, float(np.sqrt(correction * (score**2).sum())) / total, units - 1)


def take_out(values: Array, weight: Array) -> Array:
    """Take out weighted unit and period means by turns, until nothing is left to take.

    Parameters
    ----------
    values, weight : ndarray
        Shape (U, T).

    Returns
    -------
    ndarray
        Residuals of a regression on unit and period effects, shape (U, T); 0 where the weight is.
    """
    rows, columns = (np.where(s > 0, s, 1.0) for s in (weight.sum(axis=1), weight.sum(axis=0)))
    out = np.where(weight > 0, values, 0.0)
    size = max(float(np.abs(out).max()), 1e-300)
    for _ in range(ROUNDS):
        out = np.where(weight > 0, out - ((weight * out).sum(axis=1) / rows)[:, None], 0.0)
        step = (weight * out).sum(axis=0) / columns
        out = np.where(weight > 0, out - step, 0.0)
        if np.abs(step).max() <= TOLERANCE * size:
            break
    return out
