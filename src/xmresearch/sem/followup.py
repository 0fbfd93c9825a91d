"""What to look at after a fit: modification indices, factor scores, differences between models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.errors import DataError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.fitting import objective_of
from xmresearch.sem.inputs import check_frame, column_of, numbers_of
from xmresearch.sem.model import Parameter
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import casewise
from xmresearch.sem.uncertainty import check_fitted

Array = NDArray[np.float64]


def score_tests(fitted: SemFit, added: Sequence[Parameter], values: Sequence[float]) -> tuple[Array, Array]:
    """Estimate what freeing each of several parameters would gain, one at a time.

    Parameters
    ----------
    fitted : SemFit
        A converged fit.
    added : sequence of Parameter
        New free parameters, numbered on from the model's.
    values : sequence of float
        What they are in the fitted model.

    Returns
    -------
    mi, epc : ndarray
        Expected drop of chi-square and expected change of the parameter; NaN where it would not be identified. With weights
        or clusters the former is the generalised score statistic, whose errors allow for them.

    References
    ----------
    Soerbom, D. (1989). Psychometrika, 54, 371-384. Boos, D. D. (1992). The American Statistician, 46, 327-333 (generalised).
    """
    model, q = fitted.model, fitted.model.n_free
    wider = replace(model, parameters=(*model.parameters, *added))
    objective: Any = objective_of(wider, fitted.samples)
    implied = objective.implied(np.concatenate([fitted.solution.theta, values]))
    slope, information = objective.gradient(implied)[q:], objective.information(implied)
    own, cross, new = information[:q, :q], information[:q, q:], np.diag(information)[q:]
    left = new - (cross * np.linalg.solve(own, cross)).sum(axis=0)
    left = np.where(left > 1e-9 * new, left, np.nan)
    if not all(s.design.plain for s in fitted.samples):
        spread = _score_spread(objective, np.concatenate([fitted.solution.theta, values]), implied, fitted.rows, q)
        return np.where(np.isnan(left), np.nan, fitted.n * slope**2 / spread), -slope / left
    return fitted.n * slope**2 / left, -slope / left


def _score_spread(objective: Any, theta: Array, implied: Sequence[Any], rows: Sequence[Array], q: int) -> Array:
    """Return the robust variances of the new parameters' slopes, net of what the q free ones take up, shape (new,)."""
    meat = np.zeros((len(theta), len(theta)))
    for m, f, s, i, x in zip(objective.matrices, objective.shares, objective.samples, implied, rows, strict=True):
        meat += f * s.design.crossed(m.pooled(casewise(s, x - i.mean, i.cov, i).T).T) / s.n
    bread = objective.hessian(theta, implied)
    net = np.vstack([-np.linalg.solve(bread[:q, :q], bread[:q, q:]), np.eye(len(theta) - q)])
    spread: Array = (net * (meat @ net)).sum(axis=0)
    return np.where(spread > 0, spread, np.nan)


@on_one_thread
def modification_indices(fitted: SemFit) -> pd.DataFrame:
    """Estimate what freeing each absent loading or residual covariance would gain.

    Parameters
    ----------
    fitted : SemFit
        A converged fit.

    Returns
    -------
    DataFrame
        lhs, op, rhs, group, mi (expected drop of chi-square), pvalue, epc (expected parameter change), sepc_lv, sepc_all
        (standardised); largest mi first. NaN where the parameter would not be identified. With weights or clusters, mi is
        the generalised score statistic, which allows for them (lavaan's does not).

    References
    ----------
    Soerbom, D. (1989). Psychometrika, 54, 371-384.
    """
    model = fitted.model
    outcomes = [v for v in model.observed if v not in model.exogenous]
    indicators = [v for v in outcomes if any(q.op == "=~" and q.rhs == v for q in model.in_group(0))]
    pairs = [("=~", f, v) for f in model.latent for v in indicators]
    pairs += [("~~", a, b) for a, b in combinations(outcomes, 2)]
    added: list[Parameter] = []
    for g in range(len(model.groups)):
        present = {(p.op, frozenset((p.lhs, p.rhs))) for p in model.in_group(g)}
        for op, a, b in pairs:
            if (op, frozenset((a, b))) not in present:
                added.append(Parameter(a, op, b, "", model.n_free + len(added), None, None, g))
    mi, epc = score_tests(fitted, added, [0.0] * len(added))
    at = {v: k for k, v in enumerate(model.variables)}
    spread = []
    for matrices in fitted.readout.matrices:
        (_, s, _), (total, _) = matrices.fill(fitted.solution.theta), matrices.total(fitted.solution.theta)
        with np.errstate(invalid="ignore"):
            spread.append((np.sqrt(np.diag(total)), np.sqrt(np.diag(s))))
    rows = []
    for q, m, e in zip(added, mi, epc, strict=True):
        i, j = at[q.lhs], at[q.rhs]
        total_sd, own_sd = spread[q.group]
        lv, full = (total_sd[i], total_sd[i] / total_sd[j]) if q.op == "=~" else (1.0, 1 / (own_sd[i] * own_sd[j]))
        rows.append((q.lhs, q.op, q.rhs, model.groups[q.group], m, special.chdtrc(1, m), e, e * lv, e * full))
    table = pd.DataFrame(rows, columns=["lhs", "op", "rhs", "group", "mi", "pvalue", "epc", "sepc_lv", "sepc_all"])
    return table.sort_values("mi", ascending=False, kind="stable").reset_index(drop=True)


@on_one_thread
def factor_scores(
    fitted: SemFit, data: pd.DataFrame, *, method: Literal["regression", "bartlett"] = "regression",
    group: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Estimate each respondent's standing on the latent variables.

    Parameters
    ----------
    fitted : SemFit
        A converged fit with latent variables, of continuous items.
    data : DataFrame
        Rows with the model's observed variables; incomplete rows get NaN. Without a mean structure, means are taken from
        these rows, by their weights where the fit has any, and scores average zero; with one, scores carry the latent
        means.
    method : {'regression', 'bartlett'}
        Regression (Thurstone) scores, or Bartlett's conditionally unbiased ones.
    group : str, optional
        Column of the groups, for a model of several.

    Returns
    -------
    DataFrame
        Shape (n, latent variables).

    Raises
    ------
    DataError
        The model has no latent variables, its items are ordered, an item has no unique variance (Bartlett), or the groups
        are not told apart.

    References
    ----------
    Bartlett, M. S. (1937). British Journal of Psychology, 28, 97-104.
    """
    model = check_fitted(fitted).readout.model
    if not model.latent:
        raise DataError("The model has no latent variables to score.")
    if model.categories:
        raise DataError("Factor scores of ordered items are not estimated here.", "Fit the items as continuous.")
    if len(model.groups) > 1 and group is None:
        raise DataError("The model has several groups.", "Name the column of the groups in `group`.")
    values = numbers_of(check_frame(data), model.observed)
    scores = np.full((len(data), len(model.latent)), np.nan)
    for g, label in enumerate(model.groups):
        mine = (
            np.ones(len(data), dtype=bool)
            if group is None
            else (column_of(data, group).astype(str) == label).to_numpy()
        )
        weights = None if fitted.sampling_weights is None else numbers_of(data, [fitted.sampling_weights])[mine, 0]
        scores[mine] = _scores(fitted, g, values[mine], method, weights)
    return pd.DataFrame(scores, index=data.index, columns=list(model.latent))


def _scores(fitted: SemFit, g: int, values: Array, method: str, given: Array | None) -> Array:
    model, p = fitted.model, len(fitted.model.observed)
    matrices = fitted.readout.matrices[g]
    total, mean = matrices.total(fitted.solution.theta)
    if method == "regression":
        weights = np.linalg.solve(total[:p, :p], total[:p, p:])
    else:
        a, s, _ = matrices.fill(fitted.solution.theta)
        loadings, unique = a[:p, p:], s[:p, :p]
        if np.linalg.eigvalsh(unique)[0] <= 0:
            raise DataError(
                "An item has no unique variance, so Bartlett scores do not exist.", "Use regression scores."
            )
        weighted = np.linalg.solve(unique, loadings)
        weights = weighted @ np.linalg.inv(loadings.T @ weighted)
    if model.means:
        centre = mean[:p]
    else:
        complete = ~np.isnan(values).any(axis=1)
        centre = np.average(values[complete], axis=0, weights=None if given is None else given[complete])
    return (values - centre) @ weights + mean[p:]
