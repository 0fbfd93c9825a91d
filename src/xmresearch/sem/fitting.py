"""Fit a structural equation model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.bootstrap import bootstrap_intervals, bootstrap_replicates
from xmresearch.sem.concerns import Concern, reviewers_concerns
from xmresearch.sem.estimation import Solution, inverted, minimise
from xmresearch.sem.fiml import corrected_measures
from xmresearch.sem.likelihood import Likelihood
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.measures import fit_measures
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.model import Model
from xmresearch.sem.ordinal import LeastSquares, OrdinalSample, ordinal_measures, threshold_starts
from xmresearch.sem.preparation import check_settings, prepared
from xmresearch.sem.readout import Readout
from xmresearch.sem.result import SemFit, coefficient_table, explained
from xmresearch.sem.robust import Estimator, Sandwich, independence, sandwich
from xmresearch.sem.samples import (
    Data,
    Missing,
)  # fmt: skip
from xmresearch.sem.scaled import scaled_measures
from xmresearch.sem.starts import starting_values

Array = NDArray[np.float64]


@on_one_thread
def fit(
    model: str, data: Data, *, estimator: Estimator = "ML", missing: Missing = "listwise",
    ordered: Sequence[str] | str | bool = (), group: str | None = None, group_equal: Sequence[str] = (),
    group_partial: Sequence[str] = (), bootstrap: int = 0, interval: Literal["percentile", "bca"] = "percentile",
    seed: int = 0, confidence: float = 0.95, sampling_weights: str | None = None, cluster: str | None = None,
    std_lv: bool = False, orthogonal: bool = False,
) -> SemFit:  # fmt: skip
    """Fit a model.

    Parameters
    ----------
    model : str
        In lavaan's syntax: =~, ~, ~~, ~1, :=, labels, equal labels, ==, fixed values, NA*, start(), equal(), c(..., ...) by group, names in
        quotation marks.
    data : DataFrame, Moments, or mapping of str to Moments
        Rows, or their moments (of each group); robust, ordinal, FIML and bootstrap results need rows.
    estimator : {'ML', 'MLM', 'MLMV', 'MLR', 'WLSMV'}
        ML: standard errors from the expected information (observed for FIML). MLM, MLMV, MLR: robust standard errors and
        test, see `xmresearch.sem.robust.sandwich`. WLSMV: for ordered variables, the only one there.
    missing : {'listwise', 'fiml'}
        Use complete rows, or all rows by full-information maximum likelihood (data missing at random). Rows without an
        exogenous observed variable are left out in either case.
    ordered : str, sequence of str, or True
        Ordered variables; True means all observed ones. All observed variables of the model, or none, must be ordered. They are numbers,
        or categories with an order.
    group : str, optional
        Column whose values split the rows, in the order in which they first appear (lavaan's), which is that of `c(..., ...)`
        and of the tables of results; means are then modelled.
    group_equal : sequence of str
        What is equal in all groups: loadings, intercepts, means, thresholds, regressions, residuals,
        residual.covariances, lv.variances, lv.covariances.
    group_partial : sequence of str
        Parameters that stay free nevertheless, such as 'visual=~x2' or 'x3~1'.
    bootstrap : int
        Replicates (of rows within groups, or of whole clusters) for standard errors and intervals of all parameters and defined quantities.
    interval : {'percentile', 'bca'}
        Kind of bootstrap interval; bias-corrected and accelerated with the infinitesimal jackknife's acceleration.
    seed : int
        Of the bootstrap.
    confidence : float
        Level of the intervals.
    sampling_weights : str, optional
        Column of design weights, above zero; they are rescaled to add up to the rows used, of all groups together. Estimates
        are then pseudo maximum likelihood.
    cluster : str, optional
        Column whose values name what was drawn as one, such as branches or schools. Means are then modelled.
    std_lv : bool
        Give factors unit (residual) variance and free their first loadings, instead of fixing these to one.
    orthogonal : bool
        Let factors that nothing explains not correlate.

    Returns
    -------
    SemFit

    Raises
    ------
    ModelError
        A syntax error, an unknown variable, a model that is not identified, singular covariances.
    DataError
        A variable is not numeric, a weight not positive, a cluster blank, or moments were given where rows are needed.
    InsufficientData
        A constant variable, no more rows than variables, or a single cluster, in the data or in a group.

    Notes
    -----
    Several groups of ordered variables use the theta parameterisation, one group lavaan's delta.

    With weights or clusters, the estimator is MLR, as in lavaan, also where ML is asked for: standard errors and tests are from
    the weighted scores, summed by cluster, with G / (G - 1) for G clusters. The other estimators are refused. With clusters
    and no weights, asking for ML or for MLR differs in the scaling of the test alone, as in lavaan: MLR takes the observed
    information, ML that of the moments (`straight` in `xmresearch.sem.robust.sandwich`).

    References
    ----------
    Joreskog, K. G. (1969). Psychometrika, 34, 183-202. Rosseel, Y. (2012). Journal of Statistical Software, 48(2).
    Efron, B. (1987). Journal of the American Statistical Association, 82, 171-185 (BCa).
    Asparouhov, T. (2005). Structural Equation Modeling, 12, 411-434 (weights). Muthen, B. O. & Satorra, A. (1995).
    Sociological Methodology, 25, 267-316 (clusters).
    """
    check_settings(estimator, missing, interval, bootstrap, confidence, group_equal, group_partial)
    equal = (group_equal, group_partial)
    sampled = (sampling_weights, cluster)
    ready = prepared(
        model, data, estimator, ordered, missing, group, equal, bootstrap, sampled, std_lv=std_lv, orthogonal=orthogonal
    )
    estimator_asked = estimator
    built, estimator, samples, rows, sparse = ready.model, ready.estimator, ready.samples, ready.rows, ready.sparse
    n = sum(map(len, rows)) if rows else int(sum(s.n for s in samples))
    objective = objective_of(built, samples)
    try:
        solution = estimate(built, objective)
    except np.linalg.LinAlgError:
        raise ModelError(
            "The model's equations cannot be solved: variables depend on themselves through a circle of ones.",
            "Remove a loading or a path of the circle.",
        ) from None
    read = Readout(built, objective.matrices)
    straight = estimator_asked == "ML" and cluster is not None and sampling_weights is None
    cov, robust, measures = _inference(built, objective, solution, rows, estimator, missing, straight)
    value, by_factors, std_all = read.read(solution.theta)
    error = np.sqrt(np.maximum(np.diag(cov), 0))[read.free] * (read.free >= 0)
    if built.defined:
        last = len(read.free)
        error = np.concatenate([error, read.errors(solution.theta, cov, lambda t: read.read(t)[0][..., last:])])
    replicates = acceleration = None
    if bootstrap and solution.converged:
        replicates, lost = bootstrap_replicates(built, objective, solution, rows, bootstrap, seed)
        values = read.read(replicates)[0]
        low, high, acceleration = bootstrap_intervals(
            built, objective, solution, rows, read, values, confidence, interval
        )
        error = np.where(error > 0, values.std(axis=0, ddof=1), 0.0)
    estimates = coefficient_table(read, value, error, confidence, std_lv=by_factors, std_all=std_all)
    designs = [s.design for s in samples] if sampled != (None, None) else []
    concerns = reviewers_concerns(read, solution, value, std_all, n, estimator, sparse, designs)
    if replicates is not None:
        estimates["ci_lower"], estimates["ci_upper"] = low, high
        if lost:
            concerns.append(Concern("lost_replicates", {"lost": lost, "replicates": bootstrap}))
    implied, residuals = _moments(built, solution, samples)
    return SemFit(
        estimates, measures, implied, residuals, explained(built, read, solution.theta), solution.converged,
        solution.reason, tuple(concerns), built, n, ready.total - n, estimator, confidence, solution, cov, robust, samples, rows,
        read, replicates, acceleration, sampling_weights, cluster,
    )  # fmt: skip


def fit_all(models: Mapping[str, str], data: Data, **settings: Any) -> dict[str, SemFit]:
    """Fit several models to the same data.

    Parameters
    ----------
    models : mapping of str to str
        Names, and texts in lavaan's syntax.
    data : DataFrame, Moments, or mapping of str to Moments
        As for `fit`.
    **settings
        Passed to `fit`.

    Returns
    -------
    dict of str to SemFit
        In the order given.

    Raises
    ------
    ModelError
        `models` is no mapping, or as for `fit`.
    DataError, InsufficientData
        As for `fit`.
    """
    if not isinstance(models, Mapping):
        raise ModelError(
            f"The models are of type {type(models).__name__}, not a mapping from name to text.",
            "Write {'name': 'f =~ x1 + x2 + x3'}, or call fit for one model.",
        )
    return {name: fit(text, data, **settings) for name, text in models.items()}


def objective_of(model: Model, samples: Sequence[Any]) -> Likelihood | LeastSquares:
    """Return what is minimised for a model on samples: the likelihood, or for ordered variables least squares."""
    if model.categories:
        matrices = [Matrices(model, s.correlations, None, g) for g, s in enumerate(samples)]
        return LeastSquares(model, matrices, samples)
    matrices = [Matrices(model, s.cov, s.mean, g) for g, s in enumerate(samples)]
    return Likelihood(matrices, list(samples))


def estimate(model: Model, objective: Likelihood | LeastSquares) -> Solution:
    """Estimate a model's free parameters.

    Parameters
    ----------
    model : Model
        With df >= 0.
    objective : Likelihood or LeastSquares
        From `objective_of`.

    Returns
    -------
    Solution
    """
    if isinstance(objective, LeastSquares):
        ordered = objective.samples
        start = starting_values(
            model, [s.correlations for s in ordered], [np.zeros(len(model.observed))] * len(ordered)
        )
        return minimise(objective, threshold_starts(model, start, ordered))
    samples = objective.samples
    return minimise(objective, starting_values(model, [s.cov for s in samples], [s.mean for s in samples]))


def _inference(
    model: Model, objective: Likelihood | LeastSquares, solution: Solution, rows: Sequence[Array], estimator: Estimator,
    missing: Missing, straight: bool,
) -> tuple[Array, Sandwich | None, pd.Series]:  # fmt: skip
    """Return the parameters' covariances, the robust corrections and the fit measures."""
    if not solution.converged:
        q = model.n_free
        base: dict[str, float] = {"npar": q, "df": model.df, "fmin": solution.discrepancy / 2}
        return np.full((q, q), np.nan), None, pd.Series(base, dtype=float, name="value")
    _check_determined(model, solution.information)
    if isinstance(objective, LeastSquares):
        implied = objective.implied(solution.theta)
        robust = objective.sandwich(implied, solution.information)
        return robust.covariance, robust, ordinal_measures(model, objective, solution.discrepancy, implied, robust)
    samples = objective.samples
    n = sum(s.n for s in samples)
    measures = fit_measures(model, solution.discrepancy, solution.implied, samples)
    if estimator == "ML":
        information = solution.information
        if missing == "fiml":
            information = objective.hessian(solution.theta, solution.implied)
            measures = corrected_measures(model, solution.theta, samples, rows, measures, robust=False)
        return inverted(information) / n, None, measures
    robust = sandwich(model, solution.theta, samples, rows, estimator, straight=straight)
    baseline_model, theta = independence(model, samples)
    baseline = sandwich(baseline_model, theta, samples, rows, estimator, straight=straight)
    measures = scaled_measures(measures, robust, baseline, len(samples))
    if any(isinstance(s, MissingSample) for s in samples):
        measures = corrected_measures(model, solution.theta, samples, rows, measures, robust=True)
    return robust.covariance, robust, measures


def _check_determined(model: Model, information: Array) -> None:
    """Say which parameter the data cannot identify."""
    scale = np.sqrt(np.maximum(np.diag(information), 0))
    worst = int(scale.argmin()) if not (scale > 0).all() else -1
    if worst < 0:
        scaled = information / np.outer(scale, scale)
        if np.linalg.eigvalsh(scaled)[0] >= 1e-9:
            return
        worst = int(np.abs(np.linalg.eigh(scaled)[1][:, 0]).argmax())
    q = next(p for p in model.parameters if p.free == worst)
    raise ModelError(
        f"The model is not identified: the data do not determine '{q.lhs} {q.op} {q.rhs}' apart from other parameters.",
        "Fix a loading or a variance, or remove a path.",
    )


def _moments(model: Model, solution: Solution, samples: Sequence[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = pd.Index(model.observed)
    implied, residuals = [], []
    for i, s in zip(solution.implied, samples, strict=True):
        cov = i.cov
        if isinstance(s, OrdinalSample):
            sd = np.sqrt(np.diag(cov))
            cov = cov / np.outer(sd, sd)
        implied.append(pd.DataFrame(cov, names, names))
        residuals.append(pd.DataFrame((s.correlations if isinstance(s, OrdinalSample) else s.cov) - cov, names, names))
    if len(samples) == 1:
        return implied[0], residuals[0]
    keys = list(model.groups)
    return pd.concat(implied, keys=keys), pd.concat(residuals, keys=keys)
