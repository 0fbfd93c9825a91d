"""Figures of several independent samples, pooled in part: pulled towards one another as far as chance may have parted them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.claims.between_samples import errors
from xmresearch.claims.exchangeable import exchangeable_draws
from xmresearch.display import Shown

Array = NDArray[np.float64]
FEWEST = 3
"""Figures from which they can be pooled: of two nothing tells how much figures differ."""
MOST = 2000
"""Figures up to which they are pooled."""
SPREAD = 4.0
"""Scale of the half-Cauchy prior of how much figures differ, in harmonic means of their errors: next to flat where data speak."""
DRAWS = 20_000
_MOST_NUMBERS = 4_000_000
_FEWEST_DRAWS = 2000


@dataclass(frozen=True, repr=False)
class Pooled(Shown):
    """Figures pooled in part.

    Attributes
    ----------
    names : tuple of str
        Of the K figures.
    draws : ndarray
        Joint posterior draws, shape (S, K).
    confidence : float
        Two-sided level of the intervals.
    """

    names: tuple[str, ...]
    draws: Array
    confidence: float

    @property
    def estimate(self) -> Array:
        """Posterior means, shape (K,)."""
        return np.asarray(self.draws.mean(axis=0))

    def tidy(self) -> pd.DataFrame:
        """Return one row per figure.

        Returns
        -------
        DataFrame
            name, pooled with pooled_lower and pooled_upper, p_highest and p_lowest (the probability of being so), and rank_lower and
            rank_upper (where its rank lies at the level, 1 the highest).
        """
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        k = self.draws.shape[1]
        ranks = k - np.argsort(np.argsort(self.draws, axis=1, kind="stable"), axis=1, kind="stable")
        first, last = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
        return pd.DataFrame({
            "name": self.names, "pooled": self.estimate, "pooled_lower": low, "pooled_upper": high,
            "p_highest": (ranks == 1).mean(axis=0), "p_lowest": (ranks == k).mean(axis=0),
            "rank_lower": first.astype(int), "rank_upper": last.astype(int),
        })  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return {"figures": len(self.names), "draws": len(self.draws), "level": self.confidence}


def pooled(figures: ArrayLike, names: Sequence[str], *, confidence: float, seed: int = 0) -> Pooled:
    """Pool figures of independent samples in part.

    Parameters
    ----------
    figures : array_like
        Estimate, lower and upper end, shape (3, K), of `FEWEST` to `MOST` figures; every interval has a width.
    names : sequence of str
        Of the K figures.
    confidence : float
        Two-sided level of the intervals, and of those that result.
    seed : int
        Of the draws.

    Returns
    -------
    Pooled

    Raises
    ------
    ValueError
        There are too few figures or too many, or an interval has no width.

    Notes
    -----
    True figures come from a normal distribution of unknown mean and standard deviation, see `exchangeable_draws`. The prior of the
    latter has the scale `SPREAD` times the harmonic mean of the errors, so that it does not depend on units, and leaves the data to say
    how much figures differ: intervals hold the true figures at their level on average over the figures.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the American Statistical Association,
    78, 47-55. Roever, C. et al. (2021). On weakly informative prior distributions for the heterogeneity parameter in Bayesian
    random-effects meta-analysis. Research Synthesis Methods, 12, 448-474.
    """
    y, s = np.asarray(figures, dtype=float)[0], errors(figures, confidence)
    if not FEWEST <= len(y) <= MOST or not (np.isfinite(y).all() and (s > 0).all() and np.isfinite(s).all()):
        raise ValueError(f"{FEWEST} to {MOST} figures are pooled, each with an interval that has a width")
    size = int(np.clip(_MOST_NUMBERS // len(y), _FEWEST_DRAWS, DRAWS))
    scale = SPREAD / float(np.sqrt((s**-2).mean()))
    draws = exchangeable_draws(y, np.diag(s**2), scale, draws=size, seed=seed, alike=0.0)
    return Pooled(tuple(names), draws, confidence)
