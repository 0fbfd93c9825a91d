"""Charts that cumulate: exponentially weighted means (EWMA) and cumulative sums (CUSUM), with their run lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]
NODES = 80
"""Points of Gauss and Legendre at which the integral equation of a run length is solved."""
REACH = 30.0
"""Largest limit that is looked for, in standard deviations."""


@dataclass(frozen=True, repr=False)
class CumulatedChart(Shown):
    """An EWMA or a CUSUM chart of standardised points.

    Attributes
    ----------
    table : DataFrame
        One row per period: z, then ewma, lower, upper, or high, low (both sums at least 0) and limit; signal. A period without data has
        NaN and carries the sums on.
    kind : str
        ewma or cusum.
    run_length : float
        Periods to a false alarm on average, of independent normal points with known centre and spread.
    settings : mapping of str to float
        weight and limit, or reference and limit.
    """

    table: pd.DataFrame
    kind: str
    run_length: float
    settings: Mapping[str, float]

    def tidy(self) -> pd.DataFrame:
        """Return one row per period."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return kind, run length, settings and the number of periods with a signal."""
        return {
            "kind": self.kind,
            "run_length": self.run_length,
            **self.settings,
            "signals": int(self.table["signal"].sum()),
        }

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def ewma_chart(z: ArrayLike, *, weight: float = 0.2, limit: float = 3.0) -> CumulatedChart:
    """Chart exponentially weighted means of standardised points: small shifts show sooner than on a chart of single points.

    Parameters
    ----------
    z : array_like
        Standardised points in the order of time, shape (periods,); NaN is a period without data.
    weight : float
        Of the newest point, above 0 and at most 1.
    limit : float
        In standard deviations of the weighted mean, whose exact variance is taken: limits widen over the first periods.

    Returns
    -------
    CumulatedChart

    Raises
    ------
    DataError
        A weight or a limit that cannot be.

    References
    ----------
    Roberts, S. W. (1959). Technometrics, 1, 239-250. Lucas, J. M. & Saccucci, M. S. (1990). Technometrics, 32, 1-29.
    """
    given = _series(z)
    there = np.isfinite(given)
    length = ewma_run_length(weight, limit)
    smooth = np.full(given.shape, np.nan)
    level = 0.0
    for t in np.flatnonzero(there):
        level += weight * (given[t] - level)
        smooth[t] = level
    half = np.full(given.shape, np.nan)
    half[there] = limit * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * np.arange(1, there.sum() + 1))))
    table = pd.DataFrame({"z": given, "ewma": smooth, "lower": -half, "upper": half, "signal": np.abs(smooth) > half})
    return CumulatedChart(table, "ewma", length, {"weight": weight, "limit": limit})


def cusum_chart(z: ArrayLike, *, reference: float = 0.5, limit: float = 5.0) -> CumulatedChart:
    """Chart cumulative sums of what standardised points exceed a reference by, on both sides.

    Parameters
    ----------
    z : array_like
        Standardised points in the order of time, shape (periods,); NaN is a period without data.
    reference : float
        Half of the shift to be found soonest, in standard deviations; 0 or above.
    limit : float
        Of the sums, above 0; see `cusum_limit`.

    Returns
    -------
    CumulatedChart

    Raises
    ------
    DataError
        A reference or a limit that cannot be.

    References
    ----------
    Page, E. S. (1954). Biometrika, 41, 100-115. Moustakides, G. V. (1986). Optimal stopping times for detecting changes in
    distributions. Annals of Statistics, 14, 1379-1387.
    """
    given = _series(z)
    length = float(cusum_run_length(reference, limit))
    high, low = np.full(given.shape, np.nan), np.full(given.shape, np.nan)
    up = down = 0.0
    for t in np.flatnonzero(np.isfinite(given)):
        up, down = max(0.0, up + given[t] - reference), max(0.0, down - given[t] - reference)
        high[t], low[t] = up, down
    table = pd.DataFrame(
        {"z": given, "high": high, "low": low, "limit": limit, "signal": (high > limit) | (low > limit)}
    )
    return CumulatedChart(table, "cusum", length, {"reference": reference, "limit": limit})


def cusum_run_length(
    reference: float, limit: float, *, shift: float = 0.0, scale: float = 1.0, sides: Literal[1, 2] = 2
) -> float:  # fmt: skip
    """Return the average run length of a CUSUM of independent normal points, from sums of 0.

    Parameters
    ----------
    reference, limit : float
        As for `cusum_chart`.
    shift, scale : float
        Mean and standard deviation of the standardised points.
    sides : {1, 2}
        Of the upper sum, or of both.

    Returns
    -------
    float

    Raises
    ------
    DataError
        A reference or a limit that cannot be.

    References
    ----------
    Page, E. S. (1954). Biometrika, 41, 100-115: the integral equation, solved by Gauss-Legendre quadrature (Crowder, 1987). Van
    Dobben de Bruyn, C. S. (1968). Cumulative Sum Tests: the two sides. Griffin.
    """
    if not (reference >= 0 and limit > 0 and scale > 0):
        raise DataError("The reference of a CUSUM is below 0, or its limit or spread is not above 0.")
    found = [_one_side(reference, limit, side * shift, scale) for side in (1, -1)[:sides]]
    return 1 / sum(1 / length for length in found)


def _one_side(reference: float, limit: float, shift: float, scale: float) -> float:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    x, w = (nodes + 1) * limit / 2, weights * limit / 2
    at = np.concatenate([[0.0], x])
    drift = shift - reference
    matrix = np.eye(NODES + 1)
    matrix[:, 0] -= stats.norm.cdf((-at - drift) / scale)
    matrix[:, 1:] -= stats.norm.pdf((x[None, :] - at[:, None] - drift) / scale) / scale * w
    return float(np.linalg.solve(matrix, np.ones(NODES + 1))[0])


def cusum_limit(run_length: float, *, reference: float = 0.5, sides: Literal[1, 2] = 2) -> float:
    """Return the limit at which a CUSUM reaches a run length in control.

    Parameters
    ----------
    run_length : float
        Periods to a false alarm on average, at least 5.
    reference, sides
        As for `cusum_run_length`.

    Returns
    -------
    float

    Raises
    ------
    DataError
        A run length that no limit reaches.

    References
    ----------
    Moustakides, G. V. (1986). Annals of Statistics, 14, 1379-1387: with half the shift as reference no chart of that run length finds
    the shift sooner, at worst.
    """

    def missed(limit: float) -> float:
        return float(np.log(cusum_run_length(reference, limit, sides=sides) / run_length))

    return _limit(missed, run_length)


def ewma_run_length(weight: float, limit: float, *, shift: float = 0.0, scale: float = 1.0) -> float:
    """Return the average run length of an EWMA of independent normal points, with the limits that it comes to have.

    Parameters
    ----------
    weight, limit : float
        As for `ewma_chart`.
    shift, scale : float
        Mean and standard deviation of the standardised points.

    Returns
    -------
    float

    Raises
    ------
    DataError
        A weight or a limit that cannot be.

    References
    ----------
    Crowder, S. V. (1987). A simple method for studying run-length distributions of exponentially weighted moving average charts.
    Technometrics, 29, 401-407.
    """
    if not (0 < weight <= 1 and limit > 0 and scale > 0):
        raise DataError("The weight of an EWMA is not between 0 and 1, or its limit or spread is not above 0.")
    half = limit * np.sqrt(weight / (2 - weight))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    x, w = np.concatenate([nodes * half, [0.0]]), np.concatenate([weights * half, [0.0]])
    kernel = stats.norm.pdf(((x[None, :] - (1 - weight) * x[:, None]) / weight - shift) / scale) / (weight * scale) * w
    return float(np.linalg.solve(np.eye(NODES + 1) - kernel, np.ones(NODES + 1))[-1])


def ewma_limit(run_length: float, *, weight: float = 0.2) -> float:
    """Return the limit at which an EWMA reaches a run length in control.

    Parameters
    ----------
    run_length : float
        Periods to a false alarm on average, at least 5.
    weight : float
        As for `ewma_chart`.

    Returns
    -------
    float

    Raises
    ------
    DataError
        A run length that no limit reaches.

    References
    ----------
    Lucas, J. M. & Saccucci, M. S. (1990). Technometrics, 32, 1-29.
    """

    def missed(limit: float) -> float:
        return float(np.log(ewma_run_length(weight, limit) / run_length))

    return _limit(missed, run_length)


def _limit(missed: Any, run_length: float) -> float:
    if not 5 <= run_length <= 1e6:
        raise DataError(
            f"A run length of {run_length:g} periods was asked for.", "Ask for one between 5 and a million."
        )
    high = 1.0
    while missed(high) < 0:
        high *= 1.5
        if high > REACH:
            raise DataError("No limit reaches the run length.", "Ask for a shorter one, or a larger reference.")
    return float(optimize.brentq(missed, 1e-3, high, xtol=1e-9))


def _series(z: ArrayLike) -> Array:
    given = np.asarray(z, dtype="float64")
    if given.ndim != 1:
        raise DataError("Points of a chart are not one-dimensional.", "Give one standardised point per period.")
    return given
