"""Overall SERVQUAL and SERVPERF scores, weighted and unweighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_formats import answer_format
from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.drivers.result import DriverResult
from xmresearch.inference.estimates import estimate_means, percentile_interval, replicate_means
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import dimension_scores, paired_scores, service_dimensions
from xmresearch.psychometrics.single_batteries import dimension_figures
from xmresearch.sampling.designs import Design, subset
from xmresearch.sufficient.available_moments import scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ScoreResult(Shown):
    """Overall scores.

    Attributes
    ----------
    table : DataFrame
        One row per score: measure (servqual_unweighted, servqual_weighted, servqual_derived, servperf_unweighted,
        servperf_weighted, servperf_derived), n, estimate, se, ci_lower, ci_upper. Derived weights have percentile
        intervals of the Bayesian bootstrap (of a design, of the bootstrap of its units) that carry the weights' own uncertainty;
        the others t intervals. Of perceptions alone there are no SERVQUAL scores, of gaps that are themselves the answers no others.
    """

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per score."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the headline score: weighted by importance where it was asked, otherwise unweighted."""
        rows = self.table.set_index("measure")
        order = [f"{family}_{w}" for family in ("servqual", "servperf") for w in ("weighted", "unweighted")]
        name = next(m for m in order if m in rows.index)
        row = rows.loc[name]
        return {
            "measure": name, "score": row["estimate"], "score_lower": row["ci_lower"], "score_upper": row["ci_upper"],
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the scores with their intervals."""
        return forest(self.table, "measure", "estimate", "ci", axis="score")


def importance_shares(frame: pd.DataFrame, codebook: Codebook, min_answered: float = 0.5) -> pd.DataFrame | None:
    """Return each respondent's importance of each dimension of the service, as shares that sum to one.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Importance is asked as points by dimension, or as a rating by statement (averaged within its dimension).
    min_answered : float
        Share of a dimension's ratings that must be answered.

    Returns
    -------
    DataFrame or None
        Shape (n, dimensions of the service); None where importance was not asked of every one of them, which
        `importance_basis` tells from not at all.
    """
    if importance_basis(codebook)["case"] != "weighted":
        return None
    rated = dimension_scores(frame, codebook, "importance", min_answered)[service_dimensions(codebook)]
    total = rated.sum(axis=1, skipna=False)
    return rated.div(total.where(total > 0), axis=0)


def importance_basis(codebook: Codebook) -> dict[str, Any]:
    """Say whether dimensions can be weighted by importance, and if not, why.

    Parameters
    ----------
    codebook : Codebook
        Of the columns that the data have.

    Returns
    -------
    dict
        case: weighted (asked of every dimension of the service), partial or equal (not asked at all); where partial,
        `unasked` lists the dimensions that lack it.
    """
    dimensions = service_dimensions(codebook)
    unasked = [d for d in dimensions if not codebook.names("importance", d)]
    if len(unasked) == len(dimensions):
        return {"case": "equal"}
    return {"case": "partial", "unasked": unasked} if unasked else {"case": "weighted"}


@on_one_thread
def overall_scores(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    driven: DriverResult | None = None,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    seed: int = 0,
) -> ScoreResult:
    """Estimate overall service quality.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Which items form which dimension.
    driven : DriverResult, optional
        Gives derived weights: each dimension's share in explaining the outcome.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the intervals.
    min_answered : float
        Share of a dimension's items that must be answered.
    seed : int
        Of the bootstrap; the drivers' own, so that replicates are coordinated.

    Returns
    -------
    ScoreResult

    References
    ----------
    Parasuraman, A., Berry, L. L. & Zeithaml, V. A. (1991). Journal of Retailing, 67(4), 420-450 (importance points).
    Cronin, J. J. & Taylor, S. A. (1992). Journal of Marketing, 56(3), 55-68 (SERVPERF).
    """
    families = _families(codebook)
    kinds = ["unweighted", *(["weighted"] if importance_basis(codebook)["case"] == "weighted" else [])]
    totals = scored(frame, lambda rows: _persons(rows, codebook, min_answered))
    rows = []
    for f, family in enumerate(families):
        for j, name in enumerate(kinds):
            found = estimate_means(totals[:, [f * len(kinds) + j]], weights)
            low, high = found.interval(confidence)
            rows.append((f"{family}_{name}", found.n[0], found.mean[0], found.se[0], low[0], high[0]))
        if driven is not None:
            scores = _by_family(frame, codebook, min_answered)[family]
            rows.append((f"{family}_derived", *_derived(scores, driven, weights, confidence, seed)))
    table = pd.DataFrame(rows, columns=["measure", "n", "estimate", "se", "ci_lower", "ci_upper"])
    return ScoreResult(table)


def _families(codebook: Codebook) -> tuple[str, ...]:
    if answer_format(codebook) == "pairs":
        return "servqual", "servperf"
    return ("servqual",) if codebook.names("gap") else ("servperf",)


def _by_family(frame: pd.DataFrame, codebook: Codebook, min_answered: float) -> dict[str, pd.DataFrame]:
    """Return each respondent's figures of dimensions, by family of scores."""
    if answer_format(codebook) == "pairs":
        expected, perceived = paired_scores(frame, codebook, min_answered)
        return {"servqual": perceived - expected, "servperf": perceived}
    return {_families(codebook)[0]: dimension_figures(frame, codebook, min_answered)}


def _persons(frame: pd.DataFrame, codebook: Codebook, min_answered: float) -> Array:
    """Return each respondent's overall scores: of each family the unweighted one, and the weighted one where importance was asked."""
    shares = importance_shares(frame, codebook, min_answered)
    found = []
    for scores in _by_family(frame, codebook, min_answered).values():
        found.append(scores.mean(axis=1, skipna=False).to_numpy())
        if shares is not None:
            found.append((scores * shares[scores.columns]).sum(axis=1, skipna=False).to_numpy())
    return np.column_stack(found)


def _derived(
    scores: pd.DataFrame, driven: DriverResult, weights: Weights, confidence: float, seed: int
) -> tuple[int, float, float, float, float]:
    """Use the drivers' own respondents and replicates, so that the uncertainty of the weights is carried along."""
    values = scores[list(driven.table["construct"])].to_numpy()
    w: Weights
    if isinstance(weights, Design):
        w = subset(weights, driven.used)
        values = np.where(driven.used[:, None], values, np.nan)
    else:
        values, w = values[driven.used], None if weights is None else weights[driven.used]
    n = int((~np.isnan(values)).all(axis=1).sum())
    estimate = float(estimate_means(values, w).mean @ driven.table["share"].to_numpy())
    means = replicate_means(values, w, len(driven.usable), seed, "bayesian", driven.concentration)[driven.usable]
    replicates = (means * driven.replicates).sum(axis=1)
    low, high = percentile_interval(replicates[:, None], confidence)
    return n, estimate, float(replicates.std(ddof=1)), float(low[0]), float(high[0])
