"""The chart of individual values (XmR): one figure a period, whose moving ranges tell how it varies."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.control_chart import D2, ControlChart, assemble, frame_of

Array = NDArray[np.float64]
Middle = Literal["mean", "median"]
D4 = 3.267
"""Upper limit of moving ranges, in mean moving ranges."""
MEDIAN_RANGE = 3.145
"""Half-width of limits that rest on medians, in median moving ranges."""


def xmr_chart(
    values: ArrayLike, *, centre: float | None = None, sigma: float | None = None, middle: Middle = "mean", screened: bool = False,
    d2: float = D2, periods: ArrayLike | None = None, phases: ArrayLike | None = None, baseline: ArrayLike | None = None,
) -> ControlChart:  # fmt: skip
    """Chart individual values: a monthly index, a mystery shopper's score, a figure whose sample is not known.

    Parameters
    ----------
    values : array_like
        Shape (periods,); NaN is a period without data, and moving ranges are those of successive periods with data.
    centre, sigma : float, optional
        What is known; estimated from the baseline if absent.
    middle : {'mean', 'median'}
        Whether centre and spread rest on means, or on medians, which one wild value does not move.
    screened : bool
        Leave moving ranges above 3.267 times their mean out, once, before the spread is taken.
    d2 : float
        Mean range of two values in standard deviations: the tables' 1.128, from which the field's 2.66 comes, or 2 / sqrt(pi) exactly.
    periods, phases, baseline
        As for `p_chart`.

    Returns
    -------
    ControlChart
        Of kind xmr; facts are mean_moving_range, median_moving_range, upper_moving_range (its limit) and sd.

    Raises
    ------
    DataError
        A spread that is known and not above 0.
    InsufficientData
        A baseline with fewer than three periods, or whose values are all alike.

    References
    ----------
    Wheeler, D. J. (2000). Understanding Variation (2nd ed.). SPC Press. Nelson, L. S. (1982). Control charts for individual
    measurements. Journal of Quality Technology, 14, 172-173.
    """
    given = np.asarray(values, dtype="float64")
    if given.ndim != 1 or not given.size:
        raise DataError("A chart needs one value per period.", "Give one-dimensional values.")
    if sigma is not None and not sigma > 0:
        raise DataError(f"The spread that is known is {sigma:g}.", "A standard deviation lies above 0.")
    known = centre is not None and sigma is not None
    frame = frame_of(np.isfinite(given), periods=periods, phases=phases, baseline=baseline, known=known)
    line, spread = np.empty(given.shape), np.empty(given.shape)
    facts: dict[str, float] = {}
    for phase in range(len(frame.names)):
        told = given[frame.within(phase)]
        ranges = np.abs(np.diff(told))
        if sigma is None and (len(ranges) < 2 or not ranges.any()):
            raise InsufficientData(
                "A baseline has fewer than three values, or all are alike: it does not tell how much they vary.",
                "Give a longer baseline, or the spread that is known.",
            )
        if ranges.size:
            mean, median = float(ranges.mean()), float(np.median(ranges))
            facts = {"mean_moving_range": mean, "median_moving_range": median, "upper_moving_range": D4 * mean,
                     "sd": float(told.std(ddof=1))}  # fmt: skip
        here = frame.phases == phase
        line[here] = centre if centre is not None else (told.mean() if middle == "mean" else np.median(told))
        spread[here] = sigma if sigma is not None else _spread(ranges, middle, screened=screened, d2=d2)
    return assemble(frame, "xmr", np.isfinite(given).astype("float64"), given, line, spread, known=known, facts=facts)


def _spread(ranges: Array, middle: Middle, *, screened: bool, d2: float) -> float:
    kept = ranges[ranges <= D4 * ranges.mean()] if screened else ranges
    if middle == "mean":
        return float(kept.mean()) / d2
    found = float(np.median(kept)) * MEDIAN_RANGE / 3
    if not found:
        raise InsufficientData(
            "Half of the moving ranges are 0: their median tells no spread.", "Let the chart rest on means."
        )
    return found
