"""Weights cut off at bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.weights import weight_distribution
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.sampling.designs import Design

MAX_ROUNDS = 200


@dataclass(frozen=True, repr=False)
class Trimmed(Shown):
    """A design with trimmed weights.

    Attributes
    ----------
    design : Design
        With them.
    raised, lowered : int
        How many weights lay below and above the bounds.
    weights : DataFrame
        Distribution of the weights before and after: see `weight_distribution`.
    """

    design: Design
    raised: int
    lowered: int
    weights: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the distribution of the weights, one row before and one after."""
        return self.weights.rename_axis("weights").reset_index()

    def summary(self) -> dict[str, Any]:
        """Return how many weights were trimmed, and what that gained."""
        before, after = self.weights.loc["before"], self.weights.loc["after"]
        return {
            "raised": self.raised, "lowered": self.lowered, "deff_before": before["deff"], "deff": after["deff"],
            "n_eff_before": before["n_eff"], "n_eff": after["n_eff"],
        }  # fmt: skip


def trim(design: Design, lower: float, upper: float, *, relative: bool = False) -> Trimmed:
    """Cut weights off at bounds and share what is lost or gained among the others, until all lie within.

    Parameters
    ----------
    design : Design
        Of the sample.
    lower, upper : float
        Bounds of the weights.
    relative : bool
        Whether the bounds are multiples of the mean weight.

    Returns
    -------
    Trimmed
        The sum of the weights is as before; margins are met no longer exactly.

    Raises
    ------
    DataError
        The bounds leave no room for the sum of the weights.

    References
    ----------
    Lumley, T. (2010). Complex surveys: a guide to analysis using R. Wiley, section 7.5. Potter, F. J. (1990). Proceedings of the
    Section on Survey Research Methods, American Statistical Association, 225-230.
    """
    w, n = design.weights.copy(), len(design)
    whole = float(w.sum())
    if relative:
        lower, upper = lower * whole / n, upper * whole / n
    if not (n * lower <= whole <= n * upper):
        raise DataError(
            f"Weights between {lower:g} and {upper:g} cannot add up to {whole:g} over {n} rows.", "Widen the bounds."
        )
    held = np.zeros(n, dtype=bool)
    for _ in range(MAX_ROUNDS):
        out = (w < lower) | (w > upper)
        if not out.any():
            break
        held |= out
        cut = np.clip(w, lower, upper)
        rest = ~held
        w = cut
        if rest.any():
            w = np.where(rest, cut + (whole - cut.sum()) / rest.sum(), cut)
    spread = pd.DataFrame([weight_distribution(design.weights), weight_distribution(w)], index=["before", "after"])
    return Trimmed(
        replace(design, weights=w), int((design.weights < lower).sum()), int((design.weights > upper).sum()), spread
    )
