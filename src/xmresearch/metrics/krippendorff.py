"""Krippendorff's alpha: how far any number of coders agree, blanks allowed, beyond what chance would give."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
Scale = Literal["nominal", "ordinal", "interval", "ratio"]
FEWEST_UNITS = 3


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    scale: Scale = "nominal",
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, float]:
    """Estimate how far coders agree.

    Parameters
    ----------
    ratings : array_like
        Codes as numbers, shape (units, coders); NaN where a coder did not code a unit.
    scale : {'nominal', 'ordinal', 'interval', 'ratio'}
        Of the codes: what makes two of them differ more than two others.
    confidence : float
        Level of the percentile interval.
    bootstrap : int
        Samples of units for it.
    seed : int
        Of the samples.

    Returns
    -------
    dict of str to float
        alpha, lower, upper, units (which two coders or more coded) and values (their codes). 1 is perfect agreement and 0 that of chance;
        alpha is NaN where all codes are equal.

    Raises
    ------
    DataError
        The ratings are no table, or the level is no level.
    InsufficientData
        Fewer than three units have two codes.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania. Hayes, A. F. & Krippendorff, K.
    (2007). Answering the call for a standard reliability measure for coding data. Communication Methods and Measures, 1, 77-89.
    """
    x = np.asarray(ratings, dtype="float64")
    quantile(confidence)
    if x.ndim != 2:
        raise DataError("The ratings are no table.", "Give one row per unit and one column per coder.")
    x = x[(~np.isnan(x)).sum(axis=1) > 1]
    if len(x) < FEWEST_UNITS:
        raise InsufficientData(
            f"{len(x)} unit(s) were coded by two coders; agreement takes {FEWEST_UNITS}.",
            "Have more units coded twice.",
        )
    codes = np.unique(x[~np.isnan(x)])
    counts = np.stack([(x == c).sum(axis=1) for c in codes], axis=1).astype("float64")
    of_unit = counts.sum(axis=1)
    pairs = (counts[:, :, None] * counts[:, None, :] - np.eye(len(codes)) * counts[:, :, None]) / (of_unit - 1)[
        :, None, None
    ]
    flat = pairs.reshape(len(x), -1)

    alpha = float(_alpha(pairs.sum(axis=0)[None], codes, scale)[0])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=bootstrap).astype("float64") @ flat
    draws = _alpha(drawn.reshape(bootstrap, len(codes), len(codes)), codes, scale)
    tail = (1 - confidence) / 2
    seen = draws[~np.isnan(draws)]
    low, high = np.quantile(seen, [tail, 1 - tail]) if len(seen) else (np.nan, np.nan)
    return {
        "alpha": alpha, "lower": float(low), "upper": float(high), "units": float(len(x)), "values": float(of_unit.sum())
    }  # fmt: skip


def _alpha(coincidences: Array, codes: Array, scale: Scale) -> Array:
    """Return alpha of coincidence matrices, shape (S, codes, codes)."""
    margins = coincidences.sum(axis=2)
    n = margins.sum(axis=1)
    apart = _apart(codes, margins, scale)
    observed = (coincidences * apart).sum(axis=(1, 2))
    by_chance = (margins[:, :, None] * margins[:, None, :] * apart).sum(axis=(1, 2)) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(by_chance > 0, 1 - observed / by_chance, np.nan))


def _apart(codes: Array, margins: Array, scale: Scale) -> Array:
    """Return how far each code is from each other, squared, shape (S, codes, codes) or one for all."""
    if scale == "nominal":
        return np.asarray(codes[:, None] != codes[None, :], dtype="float64")[None]
    if scale == "interval":
        return np.subtract.outer(codes, codes)[None] ** 2
    if scale == "ratio":
        whole = np.add.outer(codes, codes)
        far = np.subtract.outer(codes, codes)
        return np.asarray(np.divide(far, whole, out=np.zeros_like(far), where=whole != 0) ** 2)[None]
    place = np.cumsum(margins, axis=1) - margins / 2  # ranks that the codes have among all
    return (place[:, :, None] - place[:, None, :]) ** 2
