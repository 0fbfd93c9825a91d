"""From posterior draws to rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.causal.result import COLUMNS, rope

Array = NDArray[np.float64]
_EXACT_BELOW = 10.0


def effect_rows(
    level: str,
    draws: Array,
    estimate: Array,
    confidence: float,
    *,
    keys: dict[str, Any] | None = None,
    banded: bool = False,
) -> pd.DataFrame:
    """Summarise draws of several effects.

    Parameters
    ----------
    level : str
        Of the table.
    draws : ndarray
        Shape (S, E).
    estimate : ndarray
        Closed-form posterior means, shape (E,).
    confidence : float
        Of the intervals.
    keys : dict
        Further columns: measure, cohort, time, event_time, n.
    banded : bool
        Add a simultaneous (sup-t) band over the rows.

    Returns
    -------
    DataFrame
        One row per effect, columns as in `DidResult.table`.

    References
    ----------
    Montiel Olea, J. L. & Plagborg-Moller, M. (2019). Simultaneous confidence bands: theory, implementation, and an
    application to SVARs. Journal of Applied Econometrics, 34(1), 1-17.
    """
    tail = (1 - confidence) / 2
    low, high = column_quantiles(draws, [tail, 1 - tail])
    sd = draws.std(axis=0, ddof=1)
    known: dict[str, Any] = {
        "level": level, "estimate": estimate, "sd": sd, "ci_lower": low, "ci_upper": high,
        "p_positive": (draws > 0).mean(axis=0), **(keys or {}),
    }  # fmt: skip
    if banded:
        reach = sup_t(draws, estimate, confidence) * sd
        known |= {"band_lower": estimate - reach, "band_upper": estimate + reach}
    return pd.DataFrame({name: known.get(name, np.nan) for name in COLUMNS})


def column_quantiles(draws: Array, levels: list[float]) -> Array:
    """Return the quantiles of each column, shape (levels, E): numpy's, by sorting, which is faster for a few thousand draws."""
    ordered = np.sort(draws.T, axis=1)
    place = np.array(levels) * (ordered.shape[1] - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    found: Array = ordered[:, below] + (ordered[:, above] - ordered[:, below]) * (place - below)
    return found.T


def welch_df(parts: Array, df: Array) -> Array:
    """Return Satterthwaite's degrees of freedom of effects whose variance is a sum of parts.

    Parameters
    ----------
    parts : ndarray
        Squared scale that each cohort contributes to each effect, shape (G, E).
    df : ndarray
        Degrees of freedom of each cohort, shape (G,).

    Returns
    -------
    ndarray
        Shape (E,); inf for effects without variance.

    References
    ----------
    Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin, 2(6),
    110-114.
    """
    below = (parts**2 / df[:, None]).sum(axis=0)
    return np.where(below > 0, parts.sum(axis=0) ** 2 / np.where(below > 0, below, 1.0), np.inf)


def stretch(draws: Array, estimate: Array, df: Array, rng: np.random.Generator) -> Array:
    """Give normal draws of effects the tails of Student's t, each with its own degrees of freedom.

    Parameters
    ----------
    draws : ndarray
        Normal about `estimate`, shape (S, E).
    estimate : ndarray
        Shape (E,).
    df : ndarray
        Shape (E,).
    rng : Generator
        Of the one mixing variable that all effects share.

    Returns
    -------
    ndarray
        Shape (S, E).

    Notes
    -----
    The chi-squared quantiles are exact below 10 degrees of freedom, and above those of Wilson & Hilferty (1931), which are
    then good to half a percent.
    """
    mixing = rng.standard_normal((len(draws), 1))
    fraction = 2 / (9 * df)
    root = np.maximum(1 - fraction + mixing * np.sqrt(fraction), 0.05)
    ratio = root * root * root  # numpy raises to the third power twenty times slower
    few = np.flatnonzero(df < _EXACT_BELOW)
    ratio[:, few] = special.gammaincinv(df[few] / 2, special.ndtr(mixing)) * 2 / df[few]
    return estimate + (draws - estimate) / np.sqrt(ratio)


def sup_t(draws: Array, estimate: Array, confidence: float) -> float:
    """Return the multiple of the SD that holds all effects at once with the given probability."""
    sd = draws.std(axis=0, ddof=1)
    free = sd > 0
    if not free.any():
        return 0.0
    furthest = np.max(np.abs(draws[:, free] - estimate[free]) / sd[free], axis=1)
    return float(np.quantile(furthest, confidence))


def overall_effect(row: pd.Series, draws: Array, outcome_sd: float, smallest: float) -> dict[str, float]:
    """Return the figures of the overall effect, raw and standardised, as `DidResult.effect` describes them."""
    found = {k: float(row[k]) for k in ("estimate", "sd", "ci_lower", "ci_upper", "p_positive")}
    scaled = {
        "standardised": found["estimate"] / outcome_sd, "standardised_lower": found["ci_lower"] / outcome_sd,
        "standardised_upper": found["ci_upper"] / outcome_sd, "outcome_sd": outcome_sd,
    }  # fmt: skip
    return found | scaled | {"smallest": smallest} | rope(draws, smallest)


def pretrend_p(estimate: Array, parts: Array, df: Array) -> float:
    """Test that all effects before treatment are zero.

    Parameters
    ----------
    estimate : ndarray
        Shape (q,).
    parts : ndarray
        What each cohort adds to the scale (not posterior covariance) matrix, shape (G, q, q).
    df : ndarray
        Degrees of freedom of each cohort, shape (G,).

    Returns
    -------
    float
        p value of Hotelling's T squared at the degrees of freedom of `joint_df`; NaN where there is no pre-period to test, or
        fewer degrees of freedom than effects.
    """
    count, covariance = len(estimate), parts.sum(axis=0)
    if count == 0 or np.linalg.matrix_rank(covariance, hermitian=True) < count:
        return np.nan
    spread = joint_df(parts, df)
    left = spread - count + 1
    if left <= 0:
        return np.nan
    wald = float(estimate @ np.linalg.solve(covariance, estimate))
    return float(special.fdtrc(count, left, wald * left / (spread * count)))


def joint_df(parts: Array, df: Array) -> float:
    """Return the degrees of freedom of a covariance matrix that is a sum of parts.

    Parameters
    ----------
    parts : ndarray
        Shape (G, q, q), their sum of full rank.
    df : ndarray
        Of each part, shape (G,).

    Returns
    -------
    float
        With one effect, Satterthwaite's.

    References
    ----------
    Krishnamoorthy, K. & Yu, J. (2004). Modified Nel and Van der Merwe test for the multivariate Behrens-Fisher problem.
    Statistics & Probability Letters, 66, 161-169.
    """
    count = parts.shape[1]
    shares = np.linalg.solve(parts.sum(axis=0), parts)
    below = (np.einsum("gij,gji->g", shares, shares) + np.trace(shares, axis1=1, axis2=2) ** 2) / df
    return float((count + count**2) / below.sum())
