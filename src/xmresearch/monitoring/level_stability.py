"""Whether a series keeps its level: the classical tests of a change at an unknown time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.autoregressive_noise import Noise
from xmresearch.monitoring.change_distributions import sup_f_chance
from xmresearch.monitoring.level_shifts import one_shift

Array = NDArray[np.float64]
FEWEST, DRAWS = 8, 9999


def stability_tests(values: ArrayLike, *, shortest: float = 0.15, seed: int = 0) -> pd.DataFrame:
    """Test whether the mean of independent values is the same throughout.

    Parameters
    ----------
    values : array_like
        Shape (n,), in order and complete. Where neighbours hang together, `level_changes` is what to use: these tests then find changes
        that are none.
    shortest : float
        Share of the series before the first and after the last change that the F tests look for, between 0 and .5.
    seed : int
        Of the simulated series that the p value of exp-F comes from.

    Returns
    -------
    DataFrame
        One row per test: test (sup-F, exp-F, OLS-CUSUM), statistic, p, position (0-based, where a new level would most likely begin; NaN
        but for sup-F).

    Raises
    ------
    DataError, InsufficientData
        A value is blank; the share is none; too few values, or all alike.

    References
    ----------
    Andrews, D. W. K. (1993). Econometrica, 61, 821-856. Andrews, D. W. K. & Ploberger, W. (1994). Optimal tests when a nuisance parameter is
    present only under the alternative. Econometrica, 62, 1383-1414. Ploberger, W. & Kraemer, W. (1992). The CUSUM test with OLS residuals.
    Econometrica, 60, 271-285.
    """
    y = np.asarray(values, dtype="float64")
    if y.ndim != 1 or not np.isfinite(y).all():
        raise DataError("Values must be a complete series of numbers.", "Leave periods without a value out.")
    if not 0 < shortest < 0.5:
        raise DataError(f"shortest is {shortest:g}.", "It lies between 0 and .5, such as .15.")
    fewest = int(np.floor(shortest * len(y)))
    if len(y) < FEWEST or fewest < 2:
        raise InsufficientData(f"{len(y)} value(s) are too few for levels of {fewest}.", "Give a longer series.")
    if np.ptp(y) == 0:
        raise InsufficientData("All values are alike.", "A series without variation has no change to test for.")
    statistics = _f_statistics(y[None], fewest)[0]
    simulated = _steady(len(y), fewest, seed)
    exp_f = float(_exp_f(statistics[None])[0])
    z = np.cumsum(y - y.mean()) / np.sqrt(len(y) * float(y.var()) * len(y) / (len(y) - 1))
    cusum, sup_f = float(np.abs(z).max()), float(statistics.max())
    rows = [
        ("sup-F", sup_f, sup_f_chance(sup_f, fewest / len(y)), float(fewest + int(statistics.argmax()))),
        ("exp-F", exp_f, float((simulated >= exp_f).sum() + 1) / (DRAWS + 1), np.nan),
        ("OLS-CUSUM", cusum, float(special.kolmogorov(cusum)), np.nan),
    ]
    return pd.DataFrame(rows, columns=["test", "statistic", "p", "position"])


@lru_cache(maxsize=16)
def _steady(n: int, fewest: int, seed: int) -> Array:
    """Return exp-F of simulated series that keep their level, shape (DRAWS,)."""
    return _exp_f(_f_statistics(np.random.default_rng(seed).standard_normal((DRAWS, n)), fewest))


def _f_statistics(y: Array, fewest: int) -> Array:
    """Return the F statistic of a change at each place, shape (series, places)."""
    n = y.shape[-1]
    none, one = one_shift(y, Noise(np.ones(n), np.ones(n), np.zeros(len(y))), fewest)
    one = one[..., fewest : n - fewest + 1]
    return np.asarray((none[..., None] - one) / (one / (n - 2)))


def _exp_f(statistics: Array) -> Array:
    return np.asarray(special.logsumexp(statistics / 2, axis=-1) - np.log(statistics.shape[-1]))
