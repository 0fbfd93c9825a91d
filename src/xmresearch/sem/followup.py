"""What to look at after a fit: modification indices and factor scores."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from xmresearch.errors import DataError
from xmresearch.sem.estimation import derivatives
from xmresearch.sem.fitting import SemFit
from xmresearch.sem.model import Matrices, Parameter


def modification_indices(fitted: SemFit) -> pd.DataFrame:
    """Estimate what freeing each absent loading or residual covariance would gain.

    Parameters
    ----------
    fitted : SemFit
        A converged fit.

    Returns
    -------
    DataFrame
        lhs, op, rhs, mi (expected drop of chi-square), pvalue, epc (expected parameter change), sepc_lv, sepc_all
        (standardised); largest mi first. NaN where the parameter would not be identified.

    References
    ----------
    Soerbom, D. (1989). Psychometrika, 54, 371-384.
    """
    model = fitted.model
    present = {(p.op, frozenset((p.lhs, p.rhs))) for p in model.parameters}
    outcomes = [v for v in model.observed if v not in model.exogenous]
    pairs = [("=~", f, v) for f in model.latent for v in outcomes] + [
        ("~~", a, b) for a, b in combinations(outcomes, 2)
    ]
    absent = [(op, a, b) for op, a, b in pairs if (op, frozenset((a, b))) not in present]
    q = model.n_free
    added = tuple(Parameter(a, op, b, "", q + k, None, None) for k, (op, a, b) in enumerate(absent))
    wider = replace(model, parameters=(*model.parameters, *added))
    sample = (fitted.implied + fitted.residuals).to_numpy()
    theta = np.concatenate([fitted.solution.theta, np.zeros(len(absent))])
    matrices = Matrices(wider, sample)
    gradient, information = derivatives(matrices, *matrices.implied(theta), sample)
    own, cross, new = information[:q, :q], information[:q, q:], np.diag(information)[q:]
    left = new - (cross * np.linalg.solve(own, cross)).sum(axis=0)
    left = np.where(left > 1e-9 * new, left, np.nan)
    slope = gradient[q:]
    mi, epc = fitted.n * slope**2 / left, -slope / left
    total = np.sqrt(np.diag(matrices.total(theta)))
    at = {v: k for k, v in enumerate(model.variables)}
    _, s = matrices.fill(theta)
    own_sd = np.sqrt(np.diag(s))
    rows = []
    for (op, a, b), m, e in zip(absent, mi, epc, strict=True):
        i, j = at[a], at[b]
        lv, full = (total[i], total[i] / total[j]) if op == "=~" else (1.0, 1 / (own_sd[i] * own_sd[j]))
        rows.append((a, op, b, m, special.chdtrc(1, m), e, e * lv, e * full))
    table = pd.DataFrame(rows, columns=["lhs", "op", "rhs", "mi", "pvalue", "epc", "sepc_lv", "sepc_all"])
    return table.sort_values("mi", ascending=False, kind="stable").reset_index(drop=True)


def factor_scores(
    fitted: SemFit, data: pd.DataFrame, *, method: Literal["regression", "bartlett"] = "regression"
) -> pd.DataFrame:
    """Estimate each respondent's standing on the latent variables.

    Parameters
    ----------
    fitted : SemFit
        A converged fit with latent variables.
    data : DataFrame
        Rows with the model's observed variables; incomplete rows get NaN. Means are taken from these rows.
    method : {'regression', 'bartlett'}
        Regression (Thurstone) scores, or Bartlett's conditionally unbiased ones.

    Returns
    -------
    DataFrame
        Shape (n, latent variables).

    Raises
    ------
    DataError
        The model has no latent variables, or an item has no unique variance (Bartlett).

    References
    ----------
    Bartlett, M. S. (1937). British Journal of Psychology, 28, 97-104.
    """
    model = fitted.model
    if not model.latent:
        raise DataError("The model has no latent variables to score.")
    p = len(model.observed)
    matrices = Matrices(model, (fitted.implied + fitted.residuals).to_numpy())
    values = data[list(model.observed)].to_numpy(dtype=np.float64)
    centred = values - np.nanmean(values[~np.isnan(values).any(axis=1)], axis=0)
    if method == "regression":
        total = matrices.total(fitted.solution.theta)
        weights = np.linalg.solve(total[:p, :p], total[:p, p:])
    else:
        a, s = matrices.fill(fitted.solution.theta)
        loadings, unique = a[:p, p:], s[:p, :p]
        if np.linalg.eigvalsh(unique)[0] <= 0:
            raise DataError(
                "An item has no unique variance, so Bartlett scores do not exist.", "Use regression scores."
            )
        weighted = np.linalg.solve(unique, loadings)
        weights = weighted @ np.linalg.inv(loadings.T @ weighted)
    return pd.DataFrame(centred @ weights, index=data.index, columns=list(model.latent))
