"""Bayesian structural equation models: the latent variables integrated out, the posterior sampled by NUTS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.bayes_measures import (
    LEAST_LOO_DRAWS,
    MOST_LOO_DRAWS,
    MOST_VALUES,
    chisquare,
    fit_indices,
    leave_one_out,
    log_likelihood,
    replicate,
)  # fmt: skip
from xmresearch.sem.bayes_result import (
    BayesianSem,
    Draws,
    draw_tree,
    estimate_table,
    posterior_warnings,
    quantity_table,
    read_draws,
)  # fmt: skip
from xmresearch.sem.bayes_sampler import draw_theta
from xmresearch.sem.estimation import minimise
from xmresearch.sem.fitting import fit
from xmresearch.sem.inputs import column_of
from xmresearch.sem.likelihood import CompleteSample, Likelihood
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.model import Model, build_model
from xmresearch.sem.readout import Readout
from xmresearch.sem.samples import continuous_samples, split
from xmresearch.sem.starts import starting_values
from xmresearch.sem.syntax import parse_model
from xmresearch.sufficient.moments import Moments

Array = NDArray[np.float64]
_PREDICTIVE_DRAWS = 1000


@on_one_thread
def sample(
    model: str, data: pd.DataFrame | Moments, *, draws: int = 1000, tune: int = 500, chains: int = 4, seed: int = 0,
    confidence: float = 0.95, means: bool = False,
) -> BayesianSem:  # fmt: skip
    """Sample the posterior of a structural equation model.

    Parameters
    ----------
    model : str
        In lavaan's syntax, as for `xmresearch.sem.fitting.fit`.
    data : DataFrame or Moments
        Rows, of which the complete ones are used, or moments; the likelihood needs n, means and covariances only.
    draws, tune, chains : int
        Draws kept and draws for tuning, of each chain, and chains.
    seed : int
        Same seed, same draws.
    confidence : float
        Level of the equal-tailed intervals.
    means : bool
        Whether to model means; they also are where the text has `~1`.

    Returns
    -------
    BayesianSem
        In lavaan's scaling and the data's units. Leave-one-out figures are computed from rows, not from moments, and not
        for more than 12 500 rows.

    Raises
    ------
    ModelError
        A syntax error, an unknown variable, a model that is not identified or proper nowhere near the data, singular
        covariances, several groups.
    DataError
        A variable is ordered or not numeric.
    InsufficientData
        A constant variable, or no more complete rows than variables.

    Notes
    -----
    Priors, in units of the sample SD for an observed variable and of the (residual) SD for a latent one, so that none
    depends on the scale of an item:

    - loadings of and paths to observed variables Normal(0, 1); a marker's loading HalfNormal(1);
    - paths and loadings b to latent variables: density proportional to (1 + b^2)^(-3/2), under which the standardised
      coefficient of a single path is uniform;
    - residual SDs of observed variables HalfNormal(1);
    - correlations of factors or residuals: uniform over the correlation matrices of a complete block of correlated
      variables, LKJ(1); for other patterns of correlations, proportional to the determinant;
    - intercepts and means flat.

    A factor whose variance is fixed points where its first loading has the sign of the maximum-likelihood estimate. A
    parameter that stands in several places (equal labels) has one prior, that of the first place. Fixed values stay fixed,
    and so do the moments of exogenous observed variables.

    NUTS moves in coordinates without bounds, whitened by the curvature at the posterior mode, so its cost depends on the
    model alone, not on the number of rows. The gradient is analytic, so nothing is
    translated to C or machine code before the first draw; the PyMC model is built once per structure and reused.

    References
    ----------
    Merkle, E. C., Fitzsimmons, E., Uanhoro, J. & Goodrich, B. (2021). Efficient Bayesian structural equation modeling in
    Stan. Journal of Statistical Software, 100(6). Lewandowski, D., Kurowicka, D. & Joe, H. (2009). Journal of Multivariate
    Analysis, 100, 1989-2001. Hoffman, M. D. & Gelman, A. (2014). Journal of Machine Learning Research, 15, 1593-1623.
    """
    built, moments, rows, theta, dropped, notes = _prepared(model, data, means)
    begin = time.perf_counter()
    drawn, stats, centre = draw_theta(built, moments, theta, draws=draws, tune=tune, chains=chains, seed=seed)
    seconds = time.perf_counter() - begin
    read = Readout(built, [Matrices(built, moments.cov, moments.mean)])
    found = read_draws(built, read, drawn)
    rng = np.random.default_rng([seed, 1])
    chisq, ppp = _predictive(built, moments, found, rng)
    at_mean = read.matrices[0].implied(centre)
    at_centre = chisquare(round(moments.n), moments.cov, moments.mean, at_mean.cov[None], at_mean.mean[None])
    measures = {"npar": float(built.n_free), "ppp": ppp}
    measures |= fit_indices(built, moments, chisq, float(at_centre[0]), rng)
    names = {q.free: f"{q.lhs} {q.op} {q.rhs}".strip() for q in reversed(built.parameters) if q.free >= 0}
    tree = draw_tree(read, [names[k] for k in range(built.n_free)], found, chisq.reshape(drawn.shape[:2]), stats)
    if rows is not None:
        measures |= _loo(built, rows, found, tree)
    table = estimate_table(read, found, confidence)
    divergences = int(stats["diverging"].sum())
    notes += posterior_warnings(table, set(built.latent), ppp, divergences, measures.get("high_k", 0.0))
    return BayesianSem(
        table, tree, ppp, pd.Series(measures, dtype=float, name="value"), quantity_table("variable", found.r2, confidence),
        quantity_table("factor", found.omega, confidence), tuple(notes), round(moments.n), dropped, divergences, seconds,
        confidence, built, read,
    )  # fmt: skip


def _prepared(
    model: str, data: pd.DataFrame | Moments, means: bool
) -> tuple[Model, CompleteSample, Array | None, Array, int, list[str]]:
    """Check the request, reduce the data and fit by maximum likelihood, which is where sampling starts."""
    if isinstance(data, Mapping):
        raise ModelError("Bayesian models are fitted to one group.", "Fit each group on its own.")
    terms = parse_model(model)
    if isinstance(data, pd.DataFrame):
        for name in dict.fromkeys(n for t in terms for n in (t.lhs, t.rhs)):
            if name in data.columns and isinstance(column_of(data, name).dtype, pd.CategoricalDtype):
                raise DataError(
                    f"Column '{name}' is ordered or categorical; Bayesian models are for continuous variables.",
                    "Convert it to numbers, or use fit(..., ordered=True).",
                )
    fitted = fit(model, data)
    built, solution, samples, rows = fitted.model, fitted.solution, fitted.samples, fitted.rows
    if means and not built.means:
        grouped = split(data, None)
        built = build_model(terms, grouped.columns, means=True)
        samples, rows = continuous_samples(grouped, built.observed, built.exogenous, "listwise", True)
        objective = Likelihood([Matrices(built, samples[0].cov, samples[0].mean)], list(samples))
        solution = minimise(objective, starting_values(built, [samples[0].cov], [samples[0].mean]))
    notes, theta = [], solution.theta
    if not solution.converged:
        notes.append(f"Maximum likelihood did not converge ({solution.reason}); sampling started from simple values.")
        theta = starting_values(built, [samples[0].cov], [samples[0].mean])
    return built, samples[0], rows[0] if len(rows) else None, theta, fitted.dropped, notes


def _predictive(model: Model, moments: CompleteSample, found: Draws, rng: np.random.Generator) -> tuple[Array, float]:
    """Return every draw's chi-square, and the posterior predictive p from some of them."""
    implied, mean = found.implied, found.implied_mean
    chisq = chisquare(round(moments.n), moments.cov, moments.mean, implied, mean)
    some = np.linspace(0, len(chisq) - 1, min(_PREDICTIVE_DRAWS, len(chisq))).astype(np.int64)
    cov, means = replicate(rng, moments, model.fixed, implied[some], mean[some])
    if not model.means:
        means = mean[some]
    return chisq, float((chisquare(round(moments.n), cov, means, implied[some], mean[some]) >= chisq[some]).mean())


def _loo(model: Model, rows: Array, found: Draws, tree: Any) -> dict[str, float]:
    """Add some draws' log likelihoods to the tree, where they are not too many, and return leave-one-out fit."""
    import xarray

    chains, draws = found.theta.shape[:2]
    keep = min(MOST_LOO_DRAWS, MOST_VALUES // len(rows), chains * draws) // chains
    if keep * chains < LEAST_LOO_DRAWS:
        return {}
    some = np.linspace(0, draws - 1, keep).astype(np.int64)
    at = (np.arange(chains)[:, None] * draws + some).ravel()
    values = log_likelihood(rows, found.implied[at], found.implied_mean[at], model.fixed).reshape(chains, keep, -1)
    dims = ("chain", "draw", "observation")
    coords = {"chain": np.arange(chains), "draw": some, "observation": np.arange(len(rows))}
    tree["log_likelihood"] = xarray.DataTree(xarray.Dataset({"y": (dims, values)}, coords))
    return leave_one_out(tree)
