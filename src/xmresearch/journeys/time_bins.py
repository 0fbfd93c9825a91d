"""Times in bins of a few per cent, so that quantiles of any number of them take little memory."""

from __future__ import annotations

import numpy as np

from xmresearch.journeys.case_log import Array, Index

MANTISSA = 5
"""Bits of a time that its bin keeps: a bin is 3 % wide at most; medians are found within one as if times were even there."""
SHIFT = 52 - MANTISSA
LOWEST, OCTAVES = 1023, 33
BINS = (OCTAVES << MANTISSA) + 1


def bin_of(seconds: Array) -> Index:
    """Return the bin of each time: 0 below a second, then 32 to an octave."""
    high = np.maximum(seconds, 0.5).view(np.int64) >> SHIFT
    return np.asarray(np.clip(high - (LOWEST << MANTISSA) + 1, 0, BINS - 1))


def edges_of(bins: Index) -> tuple[Array, Array]:
    """Return the lower and upper ends of bins, in seconds."""
    raw = ((bins - 1 + (LOWEST << MANTISSA)) << SHIFT).astype(np.int64)
    low, high = raw.view(np.float64), (raw + (1 << SHIFT)).view(np.float64)
    return np.asarray(np.where(bins == 0, 0.0, low)), np.asarray(np.where(bins == 0, 1.0, high))


def binned_quantile(bins: Index, p: float) -> float:
    """Return a quantile, in seconds, as if times were even within a bin."""
    running = np.cumsum(bins)
    wanted = p * float(running[-1])
    at = int(np.searchsorted(running, wanted))
    low, high = (float(v[0]) for v in edges_of(np.array([at])))
    inside = (wanted - float(running[at] - bins[at])) / max(float(bins[at]), 1.0)
    return low + (high - low) * inside if at else 0.0
