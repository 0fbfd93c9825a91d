"""How good a PLS model is: reliability, discriminant validity, fit, collinearity and prediction of new respondents."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import InsufficientData
from xmresearch.sem.pls_algorithm import Estimates, Scheme, correlate, estimate
from xmresearch.sem.pls_model import PlsModel

Array = NDArray[np.float64]


def reliability_table(model: PlsModel, r: Array, found: Estimates) -> pd.DataFrame:
    """Assess how reliably the items of reflective constructs measure them.

    Parameters
    ----------
    model : PlsModel
        The model.
    r : ndarray
        Correlations of the items, shape (p, p).
    found : Estimates
        From `r` alone.

    Returns
    -------
    DataFrame
        construct, items, mode, alpha (of standardised items), rho_a, rho_c (composite reliability), ave; NaN for
        formative and single-item constructs.

    References
    ----------
    Dijkstra, T. K. & Henseler, J. (2015). MIS Quarterly, 39, 297-316 (rho_a). Fornell, C. & Larcker, D. F. (1981). Journal
    of Marketing Research, 18, 39-50 (rho_c, AVE).
    """
    rows = []
    for k, (construct, block, mode) in enumerate(zip(model.constructs, model.blocks, model.modes, strict=True)):
        size, loadings = len(block), found.loadings[0, block]
        alpha = rho_c = ave = np.nan
        if mode == "A":
            alpha = size / (size - 1) * (1 - size / r[np.ix_(block, block)].sum())
            common = loadings.sum() ** 2
            rho_c, ave = common / (common + (1 - loadings**2).sum()), (loadings**2).mean()
        rows.append((construct, size, mode, alpha, found.rho_a[0, k], rho_c, ave))
    return pd.DataFrame(rows, columns=["construct", "items", "mode", "alpha", "rho_a", "rho_c", "ave"])


def reflective_pairs(model: PlsModel) -> list[tuple[int, int]]:
    """Return the pairs of constructs that have a heterotrait-monotrait ratio: reflective, of two items or more."""
    return list(combinations([k for k, mode in enumerate(model.modes) if mode == "A"], 2))


def htmt(model: PlsModel, correlations: Array) -> Array:
    """Return the heterotrait-monotrait ratio of correlations.

    Parameters
    ----------
    model : PlsModel
        The model.
    correlations : ndarray
        Of the items, shape (B, p, p).

    Returns
    -------
    ndarray
        Shape (B, pairs), pairs as in `reflective_pairs`: the mean absolute correlation between the items of two
        constructs, over the geometric mean of the mean absolute correlations within each.

    References
    ----------
    Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). Journal of the Academy of Marketing Science, 43, 115-135.
    """
    pairs = reflective_pairs(model)
    ratios = np.empty((len(correlations), len(pairs)))
    for column, (i, j) in enumerate(pairs):
        ratios[:, column] = htmt_of_pair(correlations, list(model.blocks[i]), list(model.blocks[j]))
    return ratios


def htmt_of_pair(correlations: Array, first: list[int], second: list[int]) -> Array:
    """Return the ratio of two constructs, shape (...), from correlations of shape (..., p, p) and the positions of their items."""
    size = np.abs(correlations)
    within = []
    for items in (first, second):
        rows, columns = (np.array(items)[k] for k in np.triu_indices(len(items), 1))
        within.append(size[..., rows, columns].mean(axis=-1))
    across = size[..., np.array(first)[:, None], np.array(second)].mean(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(across / np.sqrt(within[0] * within[1]))


def fornell_larcker(model: PlsModel, found: Estimates, reliability: pd.DataFrame) -> pd.DataFrame:
    """Return the correlations of the constructs, with the square root of the AVE on the diagonal (NaN where there is none)."""
    names, table = list(model.constructs), found.correlations[0].copy()
    np.fill_diagonal(table, np.sqrt(reliability["ave"]))
    return pd.DataFrame(table, names, names)


def srmr(model: PlsModel, r: Array, found: Estimates) -> float:
    """Return the standardised root mean square residual of the estimated model.

    Parameters
    ----------
    model : PlsModel
        The model.
    r : ndarray
        Correlations of the items, shape (p, p).
    found : Estimates
        From `r` alone.

    Returns
    -------
    float
        Over the lower triangle with its diagonal. The paths imply the correlations of the constructs; the loadings
        imply those of items between constructs and within reflective ones; items of a formative construct keep theirs.

    References
    ----------
    Henseler, J. et al. (2014). Organizational Research Methods, 17, 182-209.
    """
    phi, paths = np.eye(len(model.constructs)), found.paths[0]
    exogenous = np.ix_(model.exogenous, model.exogenous)
    phi[exogenous] = found.correlations[0][exogenous]
    for at, j in enumerate(model.order):
        if j not in model.exogenous:
            before = list(model.order[:at])
            phi[j, before] = phi[before, j] = paths[before, j] @ phi[np.ix_(before, before)]
    spread = model.membership * found.loadings[0][:, None]
    implied = spread @ phi @ spread.T
    for block, mode in zip(model.blocks, model.modes, strict=True):
        if mode == "B":
            implied[np.ix_(block, block)] = r[np.ix_(block, block)]
    np.fill_diagonal(implied, 1.0)
    return float(np.sqrt(((r - implied)[np.tril_indices(len(r))] ** 2).mean()))


def inflation(r: Array) -> Array:
    """Return the variance inflation factors of variables with these correlations, shape (k,); infinite if singular."""
    if np.linalg.eigvalsh(r)[0] < 1e-12:
        return np.full(len(r), np.inf)
    return np.asarray(np.diag(np.linalg.inv(r)))


def predict_items(
    model: PlsModel, values: Array, scheme: Scheme, *, folds: int, repeats: int, seed: int
) -> pd.DataFrame:
    """Predict the items of explained constructs for respondents left out of the estimation.

    Parameters
    ----------
    model : PlsModel
        The model.
    values : ndarray
        Items, shape (n, p), complete.
    scheme : {'path', 'factor', 'centroid'}
        Inner weights.
    folds, repeats : int
        Each repeat splits the rows anew into this many folds; the errors of all repeats are pooled.
    seed : int
        Of the splits.

    Returns
    -------
    DataFrame
        construct, item, q2_predict, rmse, mae, lm_rmse, lm_mae, in the items' units. Earliest antecedents: only the items of
        exogenous constructs of a left-out row are used; their scores go along the paths and the loadings to the items. q2 is 1
        - squared errors / squared errors of the training mean. The benchmark (lm) regresses each item on all items of exogenous
        constructs.

    Raises
    ------
    InsufficientData
        Too few rows for the folds or the benchmark, or in every repeat a training set that cannot be estimated.

    References
    ----------
    Shmueli, G., Ray, S., Velasquez Estrada, J. M. & Chatla, S. B. (2016). Journal of Business Research, 69, 4552-4564.
    Shmueli, G. et al. (2019). European Journal of Marketing, 53, 2322-2347.
    """
    n = len(values)
    given = [v for k in model.exogenous for v in model.blocks[k]]
    wanted = [v for k in model.endogenous for v in model.blocks[k]]
    if not 2 <= folds <= n or repeats < 1:
        raise InsufficientData(
            f"{n} rows cannot be split {repeats} time(s) into {folds} folds.", "Use 2 to n folds, and 1 repeat or more."
        )
    smallest = n - -(-n // folds)
    if smallest <= len(given) + 1:
        raise InsufficientData(
            f"The linear benchmark has {len(given) + 1} coefficients, but only {smallest} rows to estimate them from.",
            "Leave out predict, or use more folds.",
        )
    rng = np.random.default_rng([seed, n, folds])
    held = [part for _ in range(repeats) for part in np.array_split(rng.permutation(n), folds)]
    trains = [np.setdiff1d(np.arange(n), test) for test in held]
    found = estimate(model, np.stack([correlate(values[train]) for train in trains]), scheme)
    whole = np.isfinite(found.paths).all(axis=(1, 2)).reshape(repeats, folds).all(axis=1)
    if not whole.any():
        raise InsufficientData(
            "In every repeat of the cross-validation there is a training set in which an item has no variance of its own, "
            "or the weights lead nowhere.",
            "Leave out predict.",
        )
    squared, absolute, naive = np.zeros((2, len(wanted))), np.zeros((2, len(wanted))), np.zeros(len(wanted))
    owner, member, total = model.owner, model.membership, found.paths + found.indirect
    for at in np.flatnonzero(np.repeat(whole, folds)):
        train, test = trains[at], held[at]
        mean, sd = values[train].mean(axis=0), values[train].std(axis=0, ddof=1)
        scores = ((values[test] - mean) / sd) @ (member * found.weights[at][:, None])
        expected = scores[:, model.exogenous] @ total[at][model.exogenous]
        pls = mean[wanted] + sd[wanted] * expected[:, owner[wanted]] * found.loadings[at][wanted]
        design = np.column_stack([np.ones(n), values[:, given]])
        linear = design[test] @ np.linalg.lstsq(design[train], values[train][:, wanted], rcond=None)[0]
        for which, predicted in enumerate((pls, linear)):
            error = values[test][:, wanted] - predicted
            squared[which] += (error**2).sum(axis=0)
            absolute[which] += np.abs(error).sum(axis=0)
        naive += ((values[test] - mean)[:, wanted] ** 2).sum(axis=0)
    count = n * int(whole.sum())
    return pd.DataFrame({
        "construct": [model.constructs[k] for k in owner[wanted]], "item": [model.items[v] for v in wanted],
        "q2_predict": 1 - squared[0] / naive, "rmse": np.sqrt(squared[0] / count), "mae": absolute[0] / count,
        "lm_rmse": np.sqrt(squared[1] / count), "lm_mae": absolute[1] / count,
    })  # fmt: skip
