"""Replicates of the weights of complete respondents: one by one, by clusters, or by the design of their sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.drivers.importance_fit import concentration
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.inference.estimates import resample_rows
from xmresearch.inference.sample_designs import Weights, heavier, row_weights
from xmresearch.sampling.designs import Design, subset
from xmresearch.sampling.unit_resampling import resampled_units

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Replicates(Shown):
    """Weights of n complete respondents, and replicates of them.

    Attributes
    ----------
    weights : ndarray
        Shape (n,), with mean 1.
    drawn : ndarray
        Shape (draws, n).
    df : int or None
        Degrees of freedom of the design; None where draws have their spread already.
    """

    weights: Array
    drawn: Array
    df: int | None

    def spread(self, draws: Array, point: Array, seed: int) -> Array:
        """Give draws of an estimate the tails of few sampling units; those without a design stay as they are."""
        return draws if self.df is None else heavier(draws, point, self.df, seed)


def replicate_weights(
    whole: NDArray[np.bool_], weights: Weights, clusters: NDArray[Any] | None, *, slopes: int, draws: int, seed: int,
    confidence: float, graded: bool,
) -> Replicates:  # fmt: skip
    """Draw weights of the complete respondents anew.

    Parameters
    ----------
    whole : ndarray of bool
        Who is complete, shape (rows,).
    weights : ndarray, Design or None
        Of all rows. Sampling units of a design are drawn anew within strata; of grades its weights and clusters count.
    clusters : array or None
        What was drawn as a whole, shape (rows,).
    slopes : int
        Of the regression.
    draws, seed : int
        How many, and their seed.
    confidence : float
        Level of the intervals that draws are spread for.
    graded : bool
        Whether the outcome has grades: every respondent then has some weight in every draw.

    Returns
    -------
    Replicates

    Raises
    ------
    InsufficientData
        There are too few clusters, or sampling units, for so many slopes.

    References
    ----------
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134. Rao, J. N. K. & Wu, C. F. J. (1988). Resampling
    inference with complex survey data. JASA, 83, 231-241.
    """
    n = int(whole.sum())
    w = np.asarray(row_weights(weights, len(whole)), dtype=float)[whole]
    w = w * (n / w.sum())
    design = subset(weights, whole) if isinstance(weights, Design) and not graded else None
    if isinstance(weights, Design):
        clusters = weights.stages[0].units
    group = None if clusters is None else pd.factorize(np.asarray(clusters)[whole], use_na_sentinel=False)[0]
    units = float(w.sum() ** 2 / (w**2).sum()) if group is None else float(group.max() + 1)
    if design is not None:
        units = float(design.df + 1)
    if units < slopes + 2:
        raise NotEstimable(
            "few_clusters",
            f"{units:.0f} clusters cannot tell what {slopes} drivers bring; at least {slopes + 2} are needed.",
        )
    if design is not None:
        blocks = [block[:, whole] * w for block in resampled_units(design, draws, seed)]
        return Replicates(w, np.concatenate(blocks), design.df)
    spread = concentration(units, slopes, confidence)
    return Replicates(
        w, np.concatenate([b * w for b in resample_rows(n, group, draws, seed, "bayesian", spread)]), None
    )
