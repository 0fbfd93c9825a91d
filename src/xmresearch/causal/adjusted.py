"""Group-time effects adjusted for covariates, from unit-level influence functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import AttPosterior, Comparisons, draw_shares
from xmresearch.causal.cohort_means import CohortMeans
from xmresearch.causal.panel import Panel
from xmresearch.causal.unit_clusters import effective_clusters, sums_by_cluster
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
ROUNDING = 1e-9
ADJUSTMENTS = ("dr", "reg")
NEWTON_STEPS, NEWTON_TOLERANCE, CHUNK = 50, 1e-10, 500
LARGEST_PROPENSITY = 0.999


@on_one_thread
def adjusted_att(
    panel: Panel,
    pairs: Comparisons,
    means: CohortMeans,
    adjust: str,
    cohort_weights: str,
    draws: int,
    rng: np.random.Generator,
) -> tuple[AttPosterior, int]:
    """Draw group-time effects under parallel trends given covariates.

    Parameters
    ----------
    panel : Panel
        With covariates, taken at each pair's base period.
    pairs : Comparisons
        Which effects.
    means : CohortMeans
        Sizes of the cohorts.
    adjust : str
        'dr' (doubly robust) or 'reg' (outcome regression).
    cohort_weights : str
        As in `att_from_means`.
    draws : int
        S.
    rng : Generator
        Source of randomness.

    Returns
    -------
    AttPosterior
        Multivariate t with the covariance of the influence functions, clustered by unit.
    int
        Pairs left out since they have too few units for the covariates.

    Raises
    ------
    ParamsError
        There is no such adjustment.
    InsufficientData
        No pair after treatment has enough units.
    ModelError
        Covariates separate a cohort from its controls.

    References
    ----------
    Sant'Anna, P. H. C. & Zhao, J. (2020). Doubly robust difference-in-differences estimators. Journal of Econometrics, 219(1),
    101-122.
    """
    if adjust not in ADJUSTMENTS:
        raise ParamsError(f"There is no adjustment '{adjust}'.", nearest(adjust, ADJUSTMENTS))
    units, k = len(panel.units), panel.covariates.shape[2]
    kept, estimates, influence = [], [], []
    for j in range(len(pairs.time)):
        t, b = int(pairs.time[j]), int(pairs.base[j])
        mine = panel.start == pairs.cohort[j]
        used = (mine | pairs.controls(panel.start, j)) & (panel.n[:, t] > 0) & (panel.n[:, b] > 0)
        d = mine[used].astype(float)
        x = np.column_stack([np.ones(int(used.sum())), _standardised(panel.covariates[used, min(t, b)])])
        if d.sum() < 1 or (1 - d).sum() <= k + 1 or np.linalg.matrix_rank(x[d == 0]) < x.shape[1]:
            continue
        change = panel.value[used, t] - panel.value[used, b]
        att, psi = _doubly_robust(d, x, change) if adjust == "dr" else _regression(d, x, change)
        row = np.zeros(units)
        row[used] = psi * (units / used.sum())
        kept.append(j)
        estimates.append(att)
        influence.append(row)
    left = pairs.only(np.array(kept, dtype=np.int64))
    if not left.after.any():
        raise InsufficientData("No cohort has enough units for these covariates.", "Leave some out.")
    root = np.column_stack(influence) * np.sqrt(units / max(units - len(means.units) - k, 1)) / units
    estimate = np.array(estimates)
    pulls, df = tuple(root[panel.start == g] for g in means.starts), means.df
    if panel.clusters is not None:
        count = effective_clusters(panel.clusters, panel.treated)
        root = sums_by_cluster(root, panel.clusters) * np.sqrt(count / (count - 1))
        pulls, df = (root,), np.array([count - 1])
    sizes = [min(CHUNK, draws - done) for done in range(0, draws, CHUNK)]
    sample = np.vstack([rng.standard_normal((size, len(root))) @ root for size in sizes])
    share, shares = draw_shares(means.units, cohort_weights, draws, rng)
    own = np.searchsorted(means.starts, left.cohort)
    post = AttPosterior(left, estimate, estimate + sample, share[own], shares[:, own], pulls, df)
    return post, len(pairs.time) - len(kept)


def require_telling(panel: Panel, names: Sequence[str]) -> None:
    """Refuse covariates that tell nothing: the same in all rows, or made of others.

    Parameters
    ----------
    panel : Panel
        With covariates.
    names : sequence of str
        Their names, length k.

    Raises
    ------
    DataError
        It names the first such covariate.
    """
    rows = panel.covariates[panel.n > 0]
    spread = rows.std(axis=0)
    kept: list[int] = []
    for k, name in enumerate(names):
        if spread[k] <= ROUNDING * max(float(np.abs(rows[:, k]).max()), 1e-300):
            raise DataError(
                f"Covariate '{name}' is the same in every row, so there is nothing to adjust for.", "Leave it out."
            )
        x = _standardised(rows[:, [*kept, k]])
        if np.linalg.matrix_rank(x, tol=ROUNDING * np.sqrt(len(x))) < x.shape[1]:
            others = ", ".join(f"'{names[j]}'" for j in kept)
            raise DataError(
                f"Covariate '{name}' follows from {others}, so they cannot be told apart.", "Leave one of them out."
            )
        kept.append(k)


def _standardised(covariates: Array) -> Array:
    """Return covariates with mean 0 and SD 1, for a well-conditioned fit."""
    sd = covariates.std(axis=0)
    return (covariates - covariates.mean(axis=0)) / np.where(sd > 0, sd, 1.0)


def _outcome_model(d: Array, x: Array, change: Array) -> tuple[Array, Array]:
    """Return residuals from the controls' regression, and its influence on the coefficients, shape (n, k + 1)."""
    gram = (x * (1 - d)[:, None]).T @ x
    residual = change - x @ np.linalg.solve(gram, x.T @ ((1 - d) * change))
    return residual, ((1 - d) * residual)[:, None] * x @ np.linalg.inv(gram / len(d))


def _regression(d: Array, x: Array, change: Array) -> tuple[float, Array]:
    """Return the effect on the treated by outcome regression, and its influence function."""
    residual, linear = _outcome_model(d, x, change)
    share = d.mean()
    att = float((d * residual).mean() / share)
    return att, (d * (residual - att) - linear @ (d[:, None] * x).mean(axis=0)) / share


def _doubly_robust(d: Array, x: Array, change: Array) -> tuple[float, Array]:
    """Return the doubly robust effect on the treated, and its influence function."""
    residual, linear = _outcome_model(d, x, change)
    propensity, hessian_inverse = _logit(d, x)
    odds = propensity * (1 - d) / (1 - propensity)
    share, weight = d.mean(), odds.mean()
    own, other = float((d * residual).mean() / share), float((odds * residual).mean() / weight)
    mine = (d * (residual - own) - linear @ (d[:, None] * x).mean(axis=0)) / share
    scores = (d - propensity)[:, None] * x @ (hessian_inverse * len(d))
    pull = (odds * (residual - other))[:, None] * x
    theirs = odds * (residual - other) + scores @ pull.mean(axis=0) - linear @ (odds[:, None] * x).mean(axis=0)
    return own - other, mine - theirs / weight


def _logit(d: Array, x: Array) -> tuple[Array, Array]:
    """Return fitted probabilities of treatment and the inverse Hessian, by Newton's method."""
    beta = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        inverse = np.linalg.pinv((x * (p * (1 - p))[:, None]).T @ x, hermitian=True)
        step = inverse @ (x.T @ (d - p))
        beta += step
        if np.abs(step).max() < NEWTON_TOLERANCE:
            break
    if p[d == 0].max() > LARGEST_PROPENSITY:
        raise ModelError(
            "Covariates tell a cohort almost surely from its controls, so nothing compares.",
            "Use adjust='reg', or fewer.",
        )
    return p, inverse
