"""Standard errors and test statistics that do not rest on normality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.estimation import inverted
from xmresearch.sem.likelihood import CompleteSample, Likelihood, Sample, moment_slopes
from xmresearch.sem.matrices import Implied, Matrices
from xmresearch.sem.measures import independent_moments
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.model import Model, Parameter

Array = NDArray[np.float64]
Estimator = Literal["ML", "MLM", "MLMV", "MLR", "WLSMV"]


@dataclass(frozen=True, repr=False)
class Sandwich(Shown):
    """A robust covariance of the parameters, and what scales the model's chi-square.

    Attributes
    ----------
    covariance : ndarray
        Of the free parameters, shape (q, q).
    trace, trace_squared : float
        Traces of U Gamma and of (U Gamma)^2; the latter only where the test is also shifted, otherwise NaN.
    """

    covariance: Array
    trace: float
    trace_squared: float = float("nan")

    def scaled(self, chisq: float, df: int) -> tuple[float, float]:
        """Return the scaled chi-square and its scaling factor."""
        if not df:
            return chisq, float("nan")
        if np.isnan(self.trace_squared):
            return chisq * df / self.trace, self.trace / df
        factor = float(np.sqrt(self.trace_squared / df))
        return chisq / factor + df - float(np.sqrt(df * self.trace**2 / self.trace_squared)), factor


def sandwich(
    model: Model, theta: Array, samples: Sequence[Sample], rows: Sequence[Array], estimator: Estimator, *,
    straight: bool = False,
) -> Sandwich:  # fmt: skip
    """Correct for non-normal data.

    Parameters
    ----------
    model : Model
        What was fitted, or the independence model.
    theta : ndarray
        Its maximum-likelihood solution, shape (q,).
    samples : sequence of Sample
        By group.
    rows : sequence of ndarray
        By group, shape (n, p), in the order of `model.observed`; about their means where means are not modelled.
    estimator : {'MLM', 'MLMV', 'MLR'}
        MLM: expected information, Satorra and Bentler's scaling. MLMV: the same with their scaled and shifted test. MLR:
        observed information, Huber and White's sandwich, Yuan and Bentler's scaling in the form of Mplus; it alone takes
        the samples' weights and clusters.

    straight : bool
        Whether MLR's scaling takes the observed information of the moments, as if the parameters moved them in straight lines,
        instead of that of the parameters; standard errors take the latter in any case.

    Returns
    -------
    Sandwich

    Notes
    -----
    Exogenous variables, whose moments are the sample's, count as random in MLR and as given in MLM and MLMV, as in lavaan.
    With clusters, scores are summed within a cluster and a group; a cluster that has rows in several groups counts in each
    of them on its own, as in lavaan.

    References
    ----------
    Satorra, A. & Bentler, P. M. (1994). In Latent Variables Analysis. Sage.
    Yuan, K.-H. & Bentler, P. M. (2000). Sociological Methodology, 30, 165-200.
    Asparouhov, T. & Muthen, B. (2010). Simple second order chi-square correction. Mplus technical appendix.
    """
    q = model.n_free
    if estimator == "MLR":
        model, theta = _released(model, theta, samples)
    matrices = [Matrices(model, s.cov, s.mean, g) for g, s in enumerate(samples)]
    objective = Likelihood(matrices, list(samples))
    implied = objective.implied(theta)
    total, meat = 0.0, np.zeros((len(theta), len(theta)))
    for m, f, s, i, x in zip(matrices, objective.shares, samples, implied, rows, strict=True):
        if estimator == "MLR":
            scores = m.pooled(casewise(s, x - i.mean, i.cov, i).T)
            meat += f * s.design.crossed(scores.T) / s.n
            total += _saturated_trace(s, x, model.means)
        else:
            scores = m.pooled(_moment_scores(s, x, i, i, model.fixed).T)
            meat += f * scores @ scores.T / s.n
            total += _weighted_trace(s, x, i, model)
    bread = inverted(objective.hessian(theta, implied) if estimator == "MLR" else objective.information(implied))
    lens = _straight(objective, implied) if straight and estimator == "MLR" else bread
    squared = float("nan")
    if estimator == "MLMV":
        squared = _trace_squared(matrices, objective.shares, samples, implied, rows, bread, model.fixed)
    cov = bread @ meat @ bread / sum(s.n for s in samples)
    return Sandwich(cov[:q, :q], float(total - np.trace(lens @ meat)), squared)


def _straight(objective: Likelihood, implied: Sequence[Implied]) -> Array:
    """Invert the observed information without the curvature of the moments as functions of the parameters."""
    parts = zip(objective.matrices, objective.shares, objective.samples, implied, strict=True)
    return inverted(np.asarray(sum(m.pooled_both(f * s.hessian_cells(i)) for m, f, s, i in parts)))


def casewise(sample: Sample, deviations: Array, cov: Array, implied: Implied) -> Array:
    """Return every row's score (slope of its log likelihood) by cells.

    Parameters
    ----------
    sample : Sample
        Of the group; says which variables each row has.
    deviations : ndarray
        Rows less the means, shape (n, p); NaN is a blank.
    cov : ndarray
        Implied covariances, shape (p, p).
    implied : Implied
        Whose derivatives to take.

    Returns
    -------
    ndarray
        Shape (n, cells).
    """
    if isinstance(sample, MissingSample):
        inverses = sample.inverses(cov)
        pulled = np.einsum("nij,nj->ni", inverses[sample.of_row], np.nan_to_num(deviations))
        level = np.einsum("ci,kij,cj->kc", implied.u, inverses, implied.v, optimize=True)[sample.of_row]
    else:
        inverse = np.linalg.inv(cov)
        pulled = deviations @ inverse
        level = ((implied.u @ inverse) * implied.v).sum(axis=1)
    along = pulled @ implied.u.T
    return np.asarray(along * (pulled @ implied.v.T) - level + implied.w * along)


def _moment_scores(sample: Sample, rows: Array, at: Implied, cells: Implied, fixed: NDArray[np.bool_]) -> Array:
    """Return the rows' weighted moments by cells, centred; what exogenous variables predict is taken out of them."""
    d = rows - sample.mean
    scores = casewise(sample, d, at.cov, cells)
    if fixed.any():
        predicted = d.copy()
        known = np.ix_(fixed, fixed)
        predicted[:, ~fixed] = d[:, fixed] @ np.linalg.solve(sample.cov[known], sample.cov[np.ix_(fixed, ~fixed)])
        scores = scores - casewise(sample, predicted, at.cov, cells)
    return np.asarray(scores - scores.mean(axis=0))


def _weighted_trace(sample: Sample, rows: Array, implied: Implied, model: Model) -> float:
    """Trace of W Gamma, W the normal-theory weight at the model."""
    if not model.exogenous:
        return _normal_trace(rows - sample.mean, np.linalg.inv(implied.cov), sample.cov, model.means)
    full = saturated(implied.cov, implied.mean, model.means)
    scores = _moment_scores(sample, rows, implied, full, model.fixed)
    weight = CompleteSample(sample.n, sample.mean, sample.cov).information(full)
    return float((inverted(weight) * (scores.T @ scores)).sum() / sample.n)


def _normal_trace(z: Array, inverse: Array, sample: Array, means: bool) -> float:
    """Trace of W Gamma: W the normal-theory weight at `inverse`, Gamma the covariances of the rows' moments."""
    length = ((z @ inverse) * z).sum(axis=1)
    product = inverse @ sample
    return float(0.5 * ((length**2).mean() - (product * product.T).sum()) + (np.trace(product) if means else 0.0))


def _saturated_trace(sample: Sample, rows: Array, means: bool) -> float:
    """Trace of the saturated model's inverse information times its scores' covariances."""
    if not isinstance(sample, MissingSample) and sample.design.plain:
        return _normal_trace(rows - sample.mean, np.linalg.inv(sample.cov), sample.cov, means)
    implied = saturated(sample.cov, sample.mean, means)
    scores = casewise(sample, rows - sample.mean, sample.cov, implied)
    return float((inverted(sample.hessian_cells(implied)) * sample.design.crossed(scores)).sum() / sample.n)


def moment_errors(sample: Sample, rows: Array) -> Array:
    """Return the robust covariances of a group's saturated covariances, which allow for its weights and clusters.

    Parameters
    ----------
    sample : Sample
        Of the group.
    rows : ndarray
        Its rows, shape (n, p), about their means where the sample's are zero.

    Returns
    -------
    ndarray
        Shape (p (p + 1) / 2, p (p + 1) / 2), in the order of `saturated`.
    """
    full = saturated(sample.cov, sample.mean, means=True)
    scores = casewise(sample, rows - sample.mean, sample.cov, full)
    bread = np.linalg.inv(sample.hessian_cells(full))
    k = len(sample.cov) * (len(sample.cov) + 1) // 2
    spread: Array = (bread @ sample.design.crossed(scores) @ bread)[:k, :k] / sample.n**2
    return spread


def saturated(cov: Array, mean: Array, means: bool) -> Implied:
    """Return the derivatives of a saturated model: one cell per covariance, column-wise, then one per mean."""
    p = len(cov)
    unit = np.eye(p)
    columns, rows = np.triu_indices(p)
    more = unit if means else unit[:0]
    u = np.vstack([unit[rows], more])
    v = np.vstack([unit[columns] * np.where(rows == columns, 0.5, 1.0)[:, None], 0 * more])
    return Implied(cov, mean, u, v, np.concatenate([np.zeros(len(rows)), np.ones(len(more))]))


def _trace_squared(
    matrices: Sequence[Matrices], shares: Sequence[float], samples: Sequence[Sample], implied: Sequence[Implied],
    rows: Sequence[Array], bread: Array, fixed: NDArray[np.bool_],
) -> float:  # fmt: skip
    """Trace of (U Gamma)^2, in the space of all moments."""
    slopes, weights, middles = [], [], []
    for m, f, s, i, x in zip(matrices, shares, samples, implied, rows, strict=True):
        full = saturated(i.cov, i.mean, m.means)
        scores = _moment_scores(s, x, i, full, fixed)
        slopes.append(m.pooled(moment_slopes(i, m.means)).T)
        weights.append(f * CompleteSample(s.n, s.mean, s.cov).information(full))
        middles.append(f * scores.T @ scores / s.n)
    return traces(np.vstack(slopes), [inverted(w) for w in weights], middles, bread)[1]


def traces(slopes: Array, inverses: Sequence[Array], middles: Sequence[Array], bread: Array) -> tuple[float, float]:
    """Return the traces of U Gamma and of (U Gamma)^2.

    Parameters
    ----------
    slopes : ndarray
        Derivatives of all groups' moments by the parameters, shape (s, q).
    inverses, middles : sequence of ndarray
        By group: the inverse of the weight W, and W Gamma W.
    bread : ndarray
        Inverse of slopes' W slopes, shape (q, q).

    Returns
    -------
    trace, trace_squared : float
        With U = W - W slopes bread slopes' W.
    """
    projector = -slopes @ bread @ slopes.T
    ends = np.cumsum([0, *(len(w) for w in inverses)])
    product = np.empty_like(projector)
    for begin, end, inverse in zip(ends[:-1], ends[1:], inverses, strict=True):
        projector[begin:end, begin:end] += inverse
    for begin, end, middle in zip(ends[:-1], ends[1:], middles, strict=True):
        product[:, begin:end] = projector[:, begin:end] @ middle
    return float(np.trace(product)), float((product * product.T).sum())


def _released(model: Model, theta: Array, samples: Sequence[Sample]) -> tuple[Model, Array]:
    """Free the moments that are fixed to the sample, at their sample values."""
    at = {v: k for k, v in enumerate(model.observed)}
    free, values = [], list(theta)
    for q in model.parameters:
        if q.free < 0 and q.value is None:
            s = samples[q.group]
            values.append(s.mean[at[q.lhs]] if q.op == "~1" else s.cov[at[q.lhs], at[q.rhs]])
            free.append(replace(q, free=len(values) - 1))
        else:
            free.append(q)
    return replace(model, parameters=tuple(free)), np.array(values)


def independence(model: Model, samples: Sequence[Sample]) -> tuple[Model, Array]:
    """Return the baseline model, in which modelled variables are uncorrelated, and its solution.

    Parameters
    ----------
    model : Model
        Its exogenous observed variables keep their sample moments.
    samples : sequence of Sample
        By group.

    Returns
    -------
    Model, ndarray
        The solution has shape (q,).
    """
    parameters = [q for q in model.parameters if q.free < 0 and q.value is None]
    values: list[float] = []
    for g, sample in enumerate(samples):
        cov, mean = independent_moments(model, sample)
        for k, v in enumerate(model.observed):
            if v in model.exogenous:
                continue
            parameters.append(Parameter(v, "~~", v, "", len(values), None, None, g))
            values.append(cov[k, k])
            if model.means:
                parameters.append(Parameter(v, "~1", "", "", len(values), None, None, g))
                values.append(mean[k])
    return replace(model, latent=(), parameters=tuple(parameters), defined=()), np.array(values)
