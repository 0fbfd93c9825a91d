"""How well a posterior fits: posterior predictive p, BRMSEA, BCFI, DIC, and leave-one-out."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.likelihood import CompleteSample
from xmresearch.sem.measures import RMSEA_LEVEL
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_GRID = 4001
_HIGH_K = 0.7
MOST_VALUES = 5_000_000
MOST_LOO_DRAWS, LEAST_LOO_DRAWS = 1000, 400


def chisquare(n: int, cov: Array, mean: Array, implied: Array, implied_mean: Array) -> Array:
    """Return the likelihood-ratio chi-square of implied moments against sample moments.

    Parameters
    ----------
    n : int
        Rows.
    cov, mean : ndarray
        Sample moments (covariances divided by n), shapes (..., p, p) and (..., p).
    implied, implied_mean : ndarray
        Of draws, shapes (draws, p, p) and (draws, p).

    Returns
    -------
    ndarray
        Shape (draws,).
    """
    d = mean - implied_mean
    about = cov + d[..., :, None] * d[..., None, :]
    trace = np.trace(np.linalg.solve(implied, about), axis1=-2, axis2=-1)
    excess = np.linalg.slogdet(implied)[1] - np.linalg.slogdet(cov)[1]
    return np.asarray(n * (excess + trace - cov.shape[-1]))


def replicate(
    rng: np.random.Generator, sample: CompleteSample, fixed: NDArray[np.bool_], implied: Array, implied_mean: Array
) -> tuple[Array, Array]:
    """Draw sample moments of replicated data, given the exogenous variables' values.

    Parameters
    ----------
    rng : Generator
        Source of the draws.
    sample : CompleteSample
        Its n, and the moments of the exogenous variables.
    fixed : ndarray of bool
        Which variables are exogenous, shape (p,).
    implied, implied_mean : ndarray
        Of draws, shapes (draws, p, p) and (draws, p).

    Returns
    -------
    cov, mean : ndarray
        Shapes (draws, p, p) and (draws, p). Without exogenous variables, n cov is Wishart with n - 1 degrees of freedom.
    """
    n, draws = sample.n, len(implied)
    x, y = np.flatnonzero(fixed), np.flatnonzero(~fixed)
    q, e = len(x), len(y)
    xx, xy, yy = (implied[:, a[:, None], b] for a, b in ((x, x), (x, y), (y, y)))
    slopes = np.linalg.solve(xx, xy)
    root = np.linalg.cholesky(yy - np.swapaxes(xy, 1, 2) @ slopes)
    noise = root @ rng.normal(size=(draws, e, q))
    spread = np.linalg.inv(np.linalg.cholesky(n * xx))
    slopes = slopes + np.swapaxes(noise @ spread, 1, 2)
    bartlett = np.tril(rng.normal(size=(draws, e, e)), -1)
    bartlett[:, range(e), range(e)] = np.sqrt(rng.chisquare(n - 1 - q - np.arange(e), size=(draws, e)))
    factor = root @ bartlett
    cov = np.empty_like(implied)
    cov[:, x[:, None], x] = xx
    cov[:, x[:, None], y] = xx @ slopes
    cov[:, y[:, None], x] = np.swapaxes(xx @ slopes, 1, 2)
    cov[:, y[:, None], y] = np.swapaxes(slopes, 1, 2) @ xx @ slopes + factor @ np.swapaxes(factor, 1, 2) / n
    mean = implied_mean.copy()
    mean[:, y] += (root @ rng.normal(size=(draws, e, 1)))[..., 0] / np.sqrt(n)
    return cov, mean


def independence_chisquares(
    rng: np.random.Generator, model: Model, sample: CompleteSample, draws: int
) -> tuple[Array, float]:
    """Draw chi-squares of the independence model from its posterior, which is a product of densities in one variable.

    Parameters
    ----------
    rng : Generator
        Source of the draws.
    model : Model
        Its exogenous variables keep their moments.
    sample : CompleteSample
        Moments.
    draws : int
        How many.

    Returns
    -------
    chisq : ndarray
        Shape (draws,).
    at_mean : float
        Chi-square at the posterior mean of the log SDs (and of the means).
    """
    n, fixed = sample.n, model.fixed
    sd = np.sqrt(np.diag(sample.cov))
    r = sample.cov / np.outer(sd, sd)
    free = int((~fixed).sum())
    base = np.linalg.slogdet(r[np.ix_(fixed, fixed)])[1] - np.linalg.slogdet(r)[1] - free
    log_sd = np.linspace(-1, 1, _GRID) * min(8 / np.sqrt(2 * n), 3.0)
    log_density = -(n - model.means) * log_sd - n * np.exp(-2 * log_sd) / 2 + log_sd - np.exp(2 * log_sd) / 2
    density = np.exp(log_density - log_density.max())
    below = np.cumsum(density) - density / 2
    drawn = np.interp(rng.uniform(size=(draws, free)), below / density.sum(), log_sd)
    middle = float(density @ log_sd / density.sum())
    chisq = n * (base + (2 * drawn + np.exp(-2 * drawn)).sum(axis=1))
    if model.means:
        chisq = chisq + rng.chisquare(free, size=draws)
    return chisq, float(n * (base + free * (2 * middle + np.exp(-2 * middle))))


def fit_indices(
    model: Model, sample: CompleteSample, chisq: Array, at_mean: float, rng: np.random.Generator
) -> dict[str, float]:
    """Compute BRMSEA and BCFI with their intervals, and DIC.

    Parameters
    ----------
    model : Model
        With m modelled moments.
    sample : CompleteSample
        Moments.
    chisq : ndarray
        Of the posterior's draws, shape (draws,).
    at_mean : float
        Chi-square at the posterior mean of the coordinates.
    rng : Generator
        For the independence model's draws.

    Returns
    -------
    dict of str to float
        Posterior means, and equal-tailed 90 % intervals; NaN without degrees of freedom.

    Notes
    -----
    With the deviance rescaled by its mean (devM), every draw's noncentrality is chisq - m, and the degrees of freedom are
    m - pd, where pd is DIC's (mean chi-square less the chi-square at the mean): BRMSEA = sqrt(max(chisq - m, 0) / ((m - pd)
    n)), BCFI = 1 - max(chisq - m, 0) / (chisq_0 - m) with draws chisq_0 of the independence model's posterior.

    References
    ----------
    Garnier-Villarreal, M. & Jorgensen, T. D. (2020). Adapting fit indices for Bayesian structural equation modeling.
    Psychological Methods, 25, 46-70 (their R code: blavaan's blavFitIndices, rescale = "devM", pD = "dic").
    Spiegelhalter, D. J., Best, N. G., Carlin, B. P. & van der Linde, A. (2002). Journal of the Royal Statistical Society
    B, 64, 583-639.
    """
    n, moments = sample.n, model.df + model.n_free
    pd = float(chisq.mean()) - at_mean
    fixed = model.fixed
    known = CompleteSample(n, sample.mean[fixed], sample.cov[np.ix_(fixed, fixed)]).deviance if fixed.any() else 0.0
    m = {"pd": pd, "dic": n * (sample.deviance - known) + at_mean + 2 * pd}
    tail = (1 - RMSEA_LEVEL) / 2
    excess = np.maximum(chisq - moments, 0.0)
    null = independence_chisquares(rng, model, sample, len(chisq))[0]
    room = np.maximum(null - moments, excess)
    found = {"brmsea": np.full(len(chisq), np.nan), "bcfi": np.full(len(chisq), np.nan)}
    if model.df > 0 and moments > pd:
        found["brmsea"] = np.sqrt(excess / ((moments - pd) * n))
        found["bcfi"] = 1 - np.divide(excess, room, out=np.zeros_like(room), where=room > 0)
    for name, values in found.items():
        low, high = np.quantile(values, [tail, 1 - tail])
        m |= {name: float(values.mean()), f"{name}.ci.lower": float(low), f"{name}.ci.upper": float(high)}
    return m


def log_likelihood(rows: Array, implied: Array, implied_mean: Array, fixed: NDArray[np.bool_]) -> Array:
    """Return every row's log likelihood, given its exogenous variables.

    Parameters
    ----------
    rows : ndarray
        Shape (n, p).
    implied, implied_mean : ndarray
        Of draws, shapes (draws, p, p) and (draws, p).
    fixed : ndarray of bool
        Which variables are exogenous, shape (p,).

    Returns
    -------
    ndarray
        Shape (draws, n).
    """
    out = np.empty((len(implied), len(rows)))
    for k, (cov, mean) in enumerate(zip(implied, implied_mean, strict=True)):
        out[k] = _normal(rows - mean, cov)
    if fixed.any():
        out -= _normal(rows[:, fixed] - implied_mean[0, fixed], implied[0][np.ix_(fixed, fixed)])
    return out


def _normal(centred: Array, cov: Array) -> Array:
    root = np.linalg.inv(np.linalg.cholesky(cov))
    constant = len(cov) / 2 * np.log(2 * np.pi) - np.log(root.diagonal()).sum()
    return np.asarray(-(((centred @ root.T) ** 2).sum(axis=1)) / 2 - constant)


def leave_one_out(posterior: Any) -> dict[str, float]:
    """Estimate leave-one-out fit by Pareto-smoothed importance sampling.

    Parameters
    ----------
    posterior : DataTree
        With a group log_likelihood.

    Returns
    -------
    dict of str to float
        elpd_loo, its standard error, p_loo, looic, and how many rows have a Pareto k above 0.7.

    References
    ----------
    Vehtari, A., Gelman, A. & Gabry, J. (2017). Statistics and Computing, 27, 1413-1432.
    """
    import arviz  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto", category=UserWarning)
        found = arviz.loo(posterior, pointwise=True, reff=1.0)
    return {
        "elpd_loo": float(found.elpd), "se_elpd_loo": float(found.se), "p_loo": float(found.p),
        "looic": -2 * float(found.elpd), "high_k": float((np.asarray(found.pareto_k) > _HIGH_K).sum()),
    }  # fmt: skip
