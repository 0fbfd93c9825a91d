"""The zone of tolerance: where service lies between the minimum acceptable and the desired level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.inference.estimates import estimate_means
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import paired_scores
from xmresearch.sufficient.available_moments import scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ToleranceResult(Shown):
    """Zones of tolerance by dimension.

    Attributes
    ----------
    table : DataFrame
        One row per dimension: construct, n, df, minimum, desired, perception, perception_lower, perception_upper; adequacy (perception - minimum, MSA), with
        adequacy_lower, adequacy_upper; superiority (perception - desired, MSS), with superiority_lower,
        superiority_upper; zone (desired - minimum); below, within, above (shares of respondents).
    """

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per dimension."""
        return self.table

    def plot(self) -> Figure:
        """Draw how perceptions lie above the minimum that people would accept, with intervals."""
        return forest(self.table, "construct", "adequacy", "adequacy", axis="perception above the minimum")


@on_one_thread
def zone_of_tolerance(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
) -> ToleranceResult | None:
    """Locate perceptions between minimum and desired expectations.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        With items of kind minimum, expectation (desired) and perception.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the t intervals.
    min_answered : float
        Share of a dimension's items that must be answered.

    Returns
    -------
    ToleranceResult or None
        None where the minimum was not asked.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. & Berry, L. L. (1994). Journal of Retailing, 70(3), 201-230.
    """
    kinds = ("minimum", "expectation", "perception")
    if not codebook.statements(*kinds):
        return None
    belongs = {codebook.item("minimum", s).construct for s in codebook.statements(*kinds)}
    names = [d for d in codebook.constructs if d in belongs]

    def score(rows: pd.DataFrame) -> Array:
        m, e, p = (block.to_numpy() for block in paired_scores(rows, codebook, min_answered, kinds))
        known = ~(np.isnan(m) | np.isnan(e) | np.isnan(p))
        figures = [p - m, p - e, p, e, m, (p < m).astype(float), (p > np.maximum(m, e)).astype(float)]
        return np.hstack([np.where(known, block, np.nan) for block in figures])

    every, k = scored(frame, score), len(names)
    adequacy, superiority, perceived, asked, least, under, over = (
        estimate_means(every[:, j * k : (j + 1) * k], weights) for j in range(7)
    )
    low_a, high_a = adequacy.interval(confidence)
    low_s, high_s = superiority.interval(confidence)
    below, above = under.mean, over.mean
    low_p, high_p = perceived.interval(confidence)
    desired, lowest = asked.mean, least.mean
    return ToleranceResult(pd.DataFrame({
        "construct": names, "n": adequacy.n, "df": adequacy.df, "minimum": lowest, "desired": desired,
        "perception": perceived.mean, "perception_lower": low_p, "perception_upper": high_p, "adequacy": adequacy.mean, "adequacy_lower": low_a,
        "adequacy_upper": high_a, "superiority": superiority.mean, "superiority_lower": low_s, "superiority_upper": high_s,
        "zone": desired - lowest, "below": below, "within": 1 - below - above, "above": above,
    }))  # fmt: skip
