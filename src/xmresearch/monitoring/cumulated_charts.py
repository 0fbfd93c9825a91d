"""Charts that cumulate: exponentially weighted means (EWMA) and cumulative sums (CUSUM), with their run lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.monitoring.cumulated_run_lengths import cusum_run_length, ewma_run_length

Array = NDArray[np.float64]


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


def _series(z: ArrayLike) -> Array:
    given = np.asarray(z, dtype="float64")
    if given.ndim != 1:
        raise DataError("Points of a chart are not one-dimensional.", "Give one standardised point per period.")
    return given
