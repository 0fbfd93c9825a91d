"""Which dimension to improve first, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.inference.estimates import estimate_means, mean_covariance, percentile_interval, replicate_means
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import service_dimensions
from xmresearch.psychometrics.overall import importance_basis, importance_shares
from xmresearch.psychometrics.single_batteries import dimension_figures
from xmresearch.sufficient.available_moments import scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PriorityResult(Shown):
    """Dimensions in the order in which to improve them.

    Attributes
    ----------
    table : DataFrame
        Worst first: rank, construct, importance_share (mean; NaN if not asked), contribution (what the dimension adds to
        the overall gap: mean of the respondent's share x gap, or gap / number of dimensions), contribution_lower, contribution_upper,
        p_worst, p_worst_two (posterior probabilities of being the worst, and among the worst two).
    entered : dict
        Whether importance entered, and if not, why; see `xmresearch.psychometrics.overall.importance_basis`.
    covariance : ndarray
        Of the contributions, shape (K, K), in the table's order.
    n : int
        Fewest respondents behind a contribution.
    df : int
        Fewest degrees of freedom of a contribution.
    """

    table: pd.DataFrame
    entered: dict[str, Any]
    covariance: Array
    n: int
    df: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per dimension, worst first."""
        return self.table

    @property
    def weighted(self) -> bool:
        """Whether importance entered."""
        return bool(self.entered["case"] == "weighted")

    def basis(self) -> dict[str, Any]:
        """Return whether importance entered, for the sentence that explains the order."""
        return self.entered

    def plot(self) -> Figure:
        """Draw what each dimension contributes to the overall score, with intervals."""
        return forest(self.table, "construct", "contribution", "contribution")


@on_one_thread
def priorities(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> PriorityResult:
    """Rank the dimensions by what they take from overall quality.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the credible intervals.
    min_answered : float
        Share of a dimension's items that must be answered.
    bootstrap : int
        Draws of the Bayesian bootstrap; of a design, of its sampling units.
    seed : int
        Of those draws.

    Returns
    -------
    PriorityResult

    References
    ----------
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9, 130-134.
    """
    names = service_dimensions(codebook)
    k = len(names)

    def score(rows: pd.DataFrame) -> Array:
        gap = dimension_figures(rows, codebook, min_answered)[names].to_numpy()
        shares = importance_shares(rows, codebook, min_answered)
        return gap / k if shares is None else np.hstack([gap * shares[names].to_numpy(), shares[names].to_numpy()])

    every = scored(frame, score)
    values = every[:, :k]
    found = estimate_means(values, weights)
    contributions = replicate_means(values, weights, bootstrap, seed, "bayesian")
    importance = estimate_means(every[:, k:], weights).mean if every.shape[1] > k else np.full(k, np.nan)
    order = contributions.argsort(axis=1)
    low, high = percentile_interval(contributions, confidence)
    table = pd.DataFrame({
        "construct": names, "importance_share": importance, "contribution": found.mean, "contribution_lower": low,
        "contribution_upper": high, "p_worst": (order[:, :1] == np.arange(k)).mean(axis=0),
        "p_worst_two": (order[:, :2, None] == np.arange(k)).any(axis=1).mean(axis=0),
    })  # fmt: skip
    table = table.sort_values("contribution", kind="stable")
    covariance = mean_covariance(values, weights)[np.ix_(table.index, table.index)]
    table = table.reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, k + 1))
    return PriorityResult(table, importance_basis(codebook), covariance, int(found.n.min()), int(found.df.min()))
