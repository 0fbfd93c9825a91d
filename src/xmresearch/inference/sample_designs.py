"""What estimates need of a sample's design: how respondents count, degrees of freedom, and tails of replicates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.sampling.designs import Design

Array = NDArray[np.float64]
type Weights = Array | Design | None
"""How respondents count: design weights, shape (n,), the design of the sample, which holds them, or all alike."""


def row_weights(weights: Weights, n: int) -> Array:
    """Return what each respondent counts.

    Parameters
    ----------
    weights : ndarray, Design or None
        Of the sample.
    n : int
        Respondents.

    Returns
    -------
    ndarray
        Shape (n,); 0 outside the design's subpopulation.
    """
    if isinstance(weights, Design):
        return weights.weights * weights.rows()
    return np.ones(n) if weights is None else weights


def domain_df(design: Design, inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return degrees of freedom of domains: sampling units less strata, of those with somebody inside.

    Parameters
    ----------
    design : Design
        Of the sample.
    inside : ndarray of bool
        Shape (n, K).

    Returns
    -------
    ndarray of int
        Shape (K,).
    """
    stage = design.stages[0]
    found = np.zeros(inside.shape[1], dtype=np.int64)
    for k, column in enumerate(inside.T):
        found[k] = len(np.unique(stage.units[column])) - len(np.unique(stage.strata[column]))
    return found


def heavier(draws: Array, centre: Array, df: float, seed: int, of: NDArray[np.bool_] | None = None) -> Array:
    """Give replicates the tails of a t distribution: few sampling units say little of how estimates vary.

    Parameters
    ----------
    draws : ndarray
        Replicates, shape (S, ...).
    centre : ndarray
        The estimates, shape (...).
    df : float
        Degrees of freedom.
    seed : int
        The same seed and number of draws give the same factors, so that analyses of one sample are coordinated.
    of : ndarray of bool, optional
        Which of all draws these are, shape (draws,); all if absent.

    Returns
    -------
    ndarray
        Shape (S, ...): each replicate's distance from the estimates times the root of df over a chi-square variable.

    References
    ----------
    Rao, J. N. K. & Wu, C. F. J. (1988). JASA, 83, 231-241 (bootstrap t intervals for complex samples).
    """
    of = np.ones(len(draws), dtype=bool) if of is None else of
    factor = np.sqrt(df / np.random.default_rng([seed, len(of), 1]).chisquare(df, len(of)))[of]
    return np.asarray(centre + factor.reshape(-1, *(1,) * (draws.ndim - 1)) * (draws - centre))
