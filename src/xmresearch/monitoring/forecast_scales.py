"""Scales on which a series is foretold: as it is, in logs, or in log odds."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
Scale = Literal["level", "log", "share"]


def on_scale(values: ArrayLike, n: ArrayLike | None, scale: Scale) -> tuple[Array, tuple[str, ...]]:
    """Return values where a model is fitted.

    Parameters
    ----------
    values : array_like
        Shape (periods,); NaN where a period has none.
    n : array_like or None
        Answers of each period: values are then counts of a share.
    scale : str
        level, log or share.

    Returns
    -------
    values : ndarray
        Without blanks at the ends, those between filled.
    notes : tuple of str
        What was filled and left out.
    """
    y = np.asarray(values, dtype="float64")
    if n is not None:
        size = np.asarray(n, dtype="float64")
        if size.shape != y.shape or (size < 0).any() or (y > size).any() or (y < 0).any():
            raise DataError("Counts of a share lie outside 0 and n.", "Give answers of the kind, then all answers.")
        # half an answer of each kind: shares of 0 and 1 have log odds
        y = np.where(size > 0, (y + 0.5) / (size + 1), np.nan)
    there = np.isfinite(y)
    if scale == "log" and (y[there] <= 0).any():
        raise DataError("A value is not above 0 and has no log.", "Use scale='level'.")
    if scale == "share":
        if ((y[there] < 0) | (y[there] > 1)).any():
            raise DataError("A share lies outside 0 and 1.", "Give shares, or counts and n.")
        if n is None and ((y[there] == 0) | (y[there] == 1)).any():
            raise DataError("A share of 0 or 1 has no log odds.", "Give counts and n.")
        y = special.logit(y)
    elif scale == "log":
        y = np.log(y)
    at = np.flatnonzero(there)
    if not len(at):
        raise InsufficientData("There is no value.")
    y, there = y[at[0] : at[-1] + 1], there[at[0] : at[-1] + 1]
    blank = int((~there).sum())
    places = np.arange(len(y))
    y = np.where(there, y, np.interp(places, places[there], y[there]))
    notes: tuple[str, ...] = ()
    if blank:
        notes += (f"{blank} period(s) without a value were filled between their neighbours.",)
    if at[-1] + 1 < len(np.atleast_1d(np.asarray(values))):
        notes += ("The last periods have no value: the forecast begins after the last one that has.",)
    return y, notes
