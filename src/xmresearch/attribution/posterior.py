"""Posterior draws of a chain's steps and of what conversions are worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xmresearch.attribution.chain import Array, Chain
from xmresearch.attribution.evidence import best_alpha
from xmresearch.errors import ParamsError, nearest
from xmresearch.sufficient.transitions import Transitions

DRAWN_AT_ONCE = 1 << 21


def prior_count(chain: Chain, prior: str | float) -> float:
    """Return the prior count of each allowed step.

    Parameters
    ----------
    chain : Chain
        The counts.
    prior : str or float
        'evidence' maximises the evidence; a number is taken as it is.

    Raises
    ------
    ParamsError
        Neither.
    """
    if isinstance(prior, str):
        if prior != "evidence":
            raise ParamsError(f"There is no prior '{prior}'.", nearest(prior, ["evidence"]))
        rows = len(chain.states)
        width = np.bincount(chain.row, minlength=rows).astype(np.float64)
        return best_alpha(np.bincount(chain.row, chain.count, rows), width, chain.count)[0]
    if not 0 < prior < np.inf:
        raise ParamsError(f"The prior count is {prior}.", "Give a positive number, or 'evidence'.")
    return float(prior)


def step_draws(chain: Chain, alpha: float, draws: int, rng: np.random.Generator) -> Iterator[Array]:
    """Draw step probabilities, a batch at a time: each row ~ Dirichlet(counts + alpha) over its allowed steps.

    Parameters
    ----------
    chain : Chain
        Counts and support.
    alpha : float
        Prior count.
    draws : int
        In all.
    rng : Generator
        Their source.

    Yields
    ------
    ndarray
        Shape (batch, m).
    """
    shape = chain.count + alpha
    at_once = max(1, DRAWN_AT_ONCE // len(shape))
    for done in range(0, draws, at_once):
        yield chain.shares(rng.standard_gamma(shape, (min(at_once, draws - done), len(shape))))


class WorthOfConversion:
    """Mean value of a conversion by last state.

    Parameters
    ----------
    given : Transitions
        With values.

    Attributes
    ----------
    mean : ndarray
        Shape (S,); 0 where nothing converted.

    Notes
    -----
    A draw is the mean times Gamma(n / v) / (n / v), which has the mean and variance of a Bayesian bootstrap of the values of
    that state: n conversions, squared coefficient of variation v. The coefficient is pooled over the states of a last touch, as
    a state with one conversion shows no spread of its own. On aggregated paths the spread among rows stands for the spread
    among conversions.

    References
    ----------
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134.
    """

    def __init__(self, given: Transitions) -> None:
        size = len(given.channels)
        ends = given.symbol == size
        conversions = np.bincount(given.row[ends], given.count[ends], len(given.states))
        self.mean = np.divide(given.value, conversions, out=np.zeros(len(conversions)), where=conversions > 0)
        within = given.squares - np.divide(
            given.value**2, conversions, out=np.zeros(len(conversions)), where=conversions > 0
        )
        last = given.states[:, -1]
        freedom = np.bincount(last + 1, np.maximum(given.valued - (given.valued > 0), 0), size + 1)
        scatter = np.bincount(last + 1, np.maximum(within, 0), size + 1)
        everywhere = scatter.sum() / max(freedom.sum(), 1.0)
        variance = np.where(freedom > 0, scatter / np.maximum(freedom, 1), everywhere)[last + 1]
        relative = np.divide(variance, self.mean**2, out=np.zeros(len(variance)), where=self.mean > 0)
        # relative variance of the mean of n values
        self._spread = np.divide(relative, conversions, out=np.zeros(len(variance)), where=conversions > 0)

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the means, shape (draws, S)."""
        shape = np.where(self._spread > 0, 1 / np.where(self._spread > 0, self._spread, 1.0), np.inf)
        out = np.tile(self.mean, (draws, 1))
        free = np.isfinite(shape)
        out[:, free] *= rng.standard_gamma(shape[free], (draws, int(free.sum()))) / shape[free]
        return out
