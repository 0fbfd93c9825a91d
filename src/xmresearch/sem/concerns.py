"""What a careful reviewer would ask about a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch import concerns
from xmresearch.sem.estimation import Solution
from xmresearch.sem.model import Model
from xmresearch.sem.readout import Readout
from xmresearch.sem.row_design import RowDesign, effective_rows, span_groups

Array = NDArray[np.float64]
CLOSE_FACTORS = 0.95
_AGAINST = 0.2
ROWS_PER_PARAMETER, ROWS_PER_ORDINAL_GROUP = 5, 200
ENOUGH_CLUSTERS = 50
"""Below, clustered standard errors tend to be too small: Cameron, A. C. & Miller, D. L. (2015). Journal of Human Resources, 50,
317-372, where few clusters are fewer than 20 to fewer than 50."""
_SENTENCES = {
    "not_converged": "Estimation did not converge: {reason}. The estimates mean nothing.",
    "heywood": "Heywood case: the variance of '{variable}' is estimated as {value:.3f}{where}.",
    "same_factors": "'{first}' and '{second}' correlate {value:.2f}{where}: they are hardly two things.",
    "inflated": "The standardised path from '{cause}' to '{outcome}' is {value:.2f}{where}: its causes cannot be told apart.",
    "reversed_item": "'{item}' loads against the other items of '{construct}' ({value:.2f}{where}): is it keyed the other way?",
    "against_rest": "'{item}' goes against the other items of '{construct}' (correlation {value:.2f}): is it keyed the other way?",
    "few_rows": "{n} respondents for {parameters} free parameters are few for {estimator}.",
    "sparse": "{pairs} pair(s) of ordered variables have an empty cell: consider merging categories.",
    "few_effective": "By their weights, {n} respondents are worth {effective} of equal weight, few for {parameters} free parameters.",
    "few_clusters": "{clusters} clusters{where} are few: from fewer than {enough}, standard errors and tests tend to claim too much.",
    "clusters_below_parameters": "{clusters} clusters do not determine the covariances of {parameters} parameters: tests of many of them together, that of the model's fit among them, cannot be relied on.",
    "clusters_span": "Clusters have respondents in several groups; each group's part counts as a cluster of its own, so that what the groups share is left out of the errors of their differences.",
    "lost_replicates": "{lost} of {replicates} bootstrap samples did not converge and are left out.",
}  # fmt: skip
_ESTIMATORS = {"ML": "maximum likelihood", "WLSMV": "weighted least squares"}


class Concern(concerns.Concern):
    """One thing to ask about a model.

    It is not_converged, heywood, same_factors, inflated, reversed_item, against_rest, few_rows, few_effective, few_clusters, clusters_below_parameters, clusters_span, sparse or
    lost_replicates.
    """

    sentences = _SENTENCES

    def spoken(self) -> dict[str, Any]:
        """Return the facts, with the group in words and the estimator's name."""
        group = self.facts.get("group")
        where = f" in group '{group}'" if group else ""
        estimator = _ESTIMATORS.get(str(self.facts.get("estimator")), "robust maximum likelihood")
        return super().spoken() | {"where": where, "estimator": estimator}


def reviewers_concerns(
    read: Readout,
    solution: Solution,
    estimates: Array,
    std_all: Array,
    n: int,
    estimator: str,
    sparse: int,
    designs: Sequence[RowDesign] = (),
) -> list[Concern]:
    """Return what a careful reviewer would ask about.

    Parameters
    ----------
    read : Readout
        Of the model.
    solution : Solution
        Where estimation ended.
    estimates, std_all : ndarray
        Rows of the table of estimates, shape (rows,).
    n : int
        Respondents.
    estimator : str
        How the model was fitted.
    sparse : int
        Pairs of ordered variables with an empty cell.
    designs : sequence of RowDesign
        How the rows were sampled, by group.

    Returns
    -------
    list of Concern
    """
    model = read.model
    found = []
    if not solution.converged:
        found.append(Concern("not_converged", {"reason": solution.reason}))
    rows = zip(read.lhs, read.op, read.rhs, read.group, estimates.tolist(), std_all.tolist(), strict=True)
    for lhs, op, rhs, group, value, standardised in rows:
        if op == "~~" and lhs == rhs and value < 0:
            found.append(Concern("heywood", {"variable": lhs, "value": value, "group": group}))
        if op == "~" and abs(standardised) > 1 and solution.converged:
            found.append(Concern("inflated", {"cause": rhs, "outcome": lhs, "value": standardised, "group": group}))
    found += _close_factors(read, solution) + _reversed_items(read, std_all)
    parameters = model.n_free
    if n < ROWS_PER_PARAMETER * parameters or (estimator == "WLSMV" and n < ROWS_PER_ORDINAL_GROUP * len(model.groups)):
        found.append(Concern("few_rows", {"n": n, "parameters": parameters, "estimator": estimator}))
    elif (effective := effective_rows(designs, n)) < ROWS_PER_PARAMETER * parameters:
        found.append(Concern("few_effective", {"n": n, "effective": round(effective), "parameters": parameters}))
    found += _few_clusters(model, designs)
    if sparse:
        found.append(Concern("sparse", {"pairs": sparse}))
    return found


def _few_clusters(model: Model, designs: Sequence[RowDesign]) -> list[Concern]:
    """Say what the clusters cannot bear: the smallest number of them in a group, all of them, and those in several groups."""
    counts = {label: d.count for label, d in zip(model.groups, designs, strict=False) if d.clusters is not None}
    if not counts:
        return []
    found = []
    group, fewest = min(counts.items(), key=lambda pair: pair[1])
    if fewest < ENOUGH_CLUSTERS:
        found.append(Concern("few_clusters", {"clusters": fewest, "enough": ENOUGH_CLUSTERS, "group": group}))
    every = sum(counts.values())
    if every <= model.n_free:
        found.append(Concern("clusters_below_parameters", {"clusters": every, "parameters": model.n_free}))
    if span_groups(designs):
        found.append(Concern("clusters_span", {}))
    return found


def _reversed_items(read: Readout, std_all: Array) -> list[Concern]:
    """Return the items that clearly load against most of their factor's items."""
    values: dict[tuple[str, str], dict[str, float]] = {}
    for lhs, op, rhs, group, value in zip(read.lhs, read.op, read.rhs, read.group, std_all.tolist(), strict=True):
        if op == "=~" and rhs in read.model.observed:
            values.setdefault((lhs, group), {})[rhs] = value
    found = []
    for (construct, group), loadings in values.items():
        side = np.sign(sum(np.sign(list(loadings.values()))))
        for item, value in loadings.items():
            if side * value < -_AGAINST:
                facts = {"item": item, "construct": construct, "value": value, "group": group}
                found.append(Concern("reversed_item", facts))
    return found


def _close_factors(read: Readout, solution: Solution) -> list[Concern]:
    """Return the pairs of factors that the model itself correlates above the bound."""
    model, p = read.model, len(read.model.observed)
    found = []
    for group, matrices in zip(model.groups, read.matrices, strict=True):
        total, _ = matrices.total(solution.theta)
        between = total[p:, p:]
        sd = np.sqrt(np.abs(np.diag(between)))
        with np.errstate(invalid="ignore", divide="ignore"):
            correlations = between / np.outer(sd, sd)
        for i, first in enumerate(model.latent):
            for j in range(i + 1, len(model.latent)):
                if abs(correlations[i, j]) > CLOSE_FACTORS:
                    facts = {"first": first, "second": model.latent[j], "value": float(correlations[i, j])}
                    found.append(Concern("same_factors", facts | {"group": group}))
    return found
