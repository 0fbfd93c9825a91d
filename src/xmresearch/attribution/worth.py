"""What a conversion is worth, by the state that it came from."""

from __future__ import annotations

import numpy as np

from xmresearch.attribution.chain import Array
from xmresearch.sufficient.transition_table import Transitions


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
