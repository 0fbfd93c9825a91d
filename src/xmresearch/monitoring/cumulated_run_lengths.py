"""Run lengths of EWMA and CUSUM charts by their integral equations, and the limits that reach a stated one."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from xmresearch.errors import DataError

Array = NDArray[np.float64]
NODES = 80
"""Points of Gauss and Legendre at which the integral equation of a run length is solved."""
REACH = 30.0
"""Largest limit that is looked for, in standard deviations."""


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
    ways = (1, -1)[:sides] if shift else (1,) * sides
    found = [_one_side(reference, limit, side * shift, scale) for side in dict.fromkeys(ways)]
    found = found * (sides // len(found))
    return 1 / sum(1 / length for length in found)


@cache
def _quadrature() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return np.asarray(nodes), np.asarray(weights)


def _one_side(reference: float, limit: float, shift: float, scale: float) -> float:
    nodes, weights = _quadrature()
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
    nodes, weights = _quadrature()
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
