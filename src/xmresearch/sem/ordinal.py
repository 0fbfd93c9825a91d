"""Diagonally weighted least squares for ordered variables (WLSMV)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.estimation import inverted
from xmresearch.sem.likelihood import ROUNDING, CompleteSample, moment_slopes
from xmresearch.sem.matrices import Implied, Matrices
from xmresearch.sem.measures import baseline_df, test_measures
from xmresearch.sem.model import Model
from xmresearch.sem.robust import Sandwich, traces
from xmresearch.sem.row_design import PLAIN, RowDesign
from xmresearch.sem.scaled import robust_measures, scaled_measures

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class OrdinalSample(Shown):
    """Thresholds and polychoric correlations of one group.

    Attributes
    ----------
    n : int
        Rows.
    statistics : ndarray
        Thresholds, variable by variable, then correlations, column by column of the strict lower triangle; shape (s,).
    gamma : ndarray
        n times their sampling covariances, shape (s, s).
    correlations : ndarray
        Shape (p, p).
    design : RowDesign
        Rows drawn one by one: this estimator takes no weights and no clusters.
    """

    n: int
    statistics: Array
    gamma: Array
    correlations: Array
    design: ClassVar[RowDesign] = PLAIN


@dataclass(frozen=True, repr=False)
class OrdinalImplied(Implied):
    """Implied moments, with the implied statistics of the ordered variables.

    Attributes
    ----------
    statistics : ndarray
        Shape (s,), as in `OrdinalSample`.
    slopes : ndarray
        Their derivatives by the free parameters, shape (s, q).
    """

    statistics: Array
    slopes: Array


class LeastSquares:
    """The weighted least-squares discrepancy of a model over its groups.

    Parameters
    ----------
    model : Model
        Of ordered variables.
    matrices : sequence of Matrices
        One per group.
    samples : sequence of OrdinalSample
        One per group.
    """

    refresh = True

    def __init__(self, model: Model, matrices: Sequence[Matrices], samples: Sequence[OrdinalSample]) -> None:
        self.matrices, self.samples = list(matrices), list(samples)
        self.unit = len(model.groups) == 1
        total = sum(s.n for s in samples)
        self.shares = [s.n / total for s in samples]
        self.weights = [1 / np.diag(s.gamma) for s in samples]
        self.rounding = ROUNDING * (1 + sum(
            float(f * w @ s.statistics**2) for f, w, s in zip(self.shares, self.weights, self.samples, strict=True)
        ))  # fmt: skip
        self._owner = np.repeat(np.arange(len(model.observed)), model.categories)
        self._thresholds = []
        for g in range(len(matrices)):
            mine = {(q.lhs, q.rhs): q for q in model.in_group(g) if q.op == "|"}
            in_order = [
                mine[v, f"t{k + 1}"] for v, c in zip(model.observed, model.categories, strict=True) for k in range(c)
            ]
            self._thresholds.append(np.array([q.free for q in in_order]))
        self._pairs = np.triu_indices(len(model.observed), 1)

    def implied(self, theta: Array) -> list[OrdinalImplied]:
        """Return the groups' implied moments and statistics."""
        return [self._group(g, m.implied(theta), theta) for g, m in enumerate(self.matrices)]

    def _group(self, g: int, moments: Implied, theta: Array) -> OrdinalImplied:
        matrices, owner, (first, second) = self.matrices[g], self._owner, self._pairs
        p = len(moments.cov)
        cov, u, v = moments.cov, moments.u, moments.v
        free = self._thresholds[g]
        slope_cov = moment_slopes(moments, means=False)
        at = np.zeros((p, p), dtype=np.int64)
        columns, rows = np.triu_indices(p)
        at[rows, columns] = at[columns, rows] = np.arange(len(rows))
        off = slope_cov[:, at[first, second]]
        if self.unit:
            tau, corr = theta[free], cov[first, second]
            cells = np.hstack([np.zeros((len(u), len(free))), off])
            scale = np.ones(p)
        else:
            scale = np.sqrt(np.maximum(np.diag(cov), 1e-12))
            relative = 2 * (u * v) / scale**2
            tau = (theta[free] - moments.mean[owner]) / scale[owner]
            corr = cov[first, second] / (scale[first] * scale[second])
            drift = -(moments.w[:, None] * u / scale)[:, owner] - tau * relative[:, owner] / 2
            turn = off / (scale[first] * scale[second]) - corr * (relative[:, first] + relative[:, second]) / 2
            cells = np.hstack([drift, turn])
        slopes = matrices.pooled(cells).T
        np.add.at(slopes, (np.arange(len(free)), free), 1 / scale[owner])
        return OrdinalImplied(cov, moments.mean, u, v, moments.w, np.concatenate([tau, corr]), slopes)

    def value(self, implied: list[OrdinalImplied]) -> float:
        """Return the discrepancy."""
        parts = zip(self.shares, self.samples, self.weights, implied, strict=True)
        return sum(float(f * w @ (s.statistics - i.statistics) ** 2) for f, s, w, i in parts)

    def gradient(self, implied: list[OrdinalImplied]) -> Array:
        """Return the gradient of half the discrepancy, shape (q,)."""
        parts = zip(self.shares, self.samples, self.weights, implied, strict=True)
        return np.asarray(sum(-f * i.slopes.T @ (w * (s.statistics - i.statistics)) for f, s, w, i in parts))

    def information(self, implied: list[OrdinalImplied]) -> Array:
        """Return the Gauss-Newton matrix of half the discrepancy, shape (q, q)."""
        parts = zip(self.shares, self.weights, implied, strict=True)
        return np.asarray(sum(f * (i.slopes.T * w) @ i.slopes for f, w, i in parts))

    def hessian(self, theta: Array, implied: list[OrdinalImplied]) -> Array:
        """Return the Gauss-Newton matrix: second derivatives of the statistics are left out."""
        return self.information(implied)

    def sandwich(self, implied: list[OrdinalImplied], information: Array) -> Sandwich:
        """Return robust covariances of the parameters and the traces that scale and shift the test.

        Parameters
        ----------
        implied : list of OrdinalImplied
            At the solution.
        information : ndarray
            At the solution, shape (q, q).

        Returns
        -------
        Sandwich

        References
        ----------
        Muthen, B., du Toit, S. & Spisic, D. (1997). Robust inference using weighted least squares. Unpublished.
        """
        bread = inverted(information)
        middles = [
            f * w[:, None] * s.gamma * w for f, w, s in zip(self.shares, self.weights, self.samples, strict=True)
        ]
        meat = sum(i.slopes.T @ m @ i.slopes for i, m in zip(implied, middles, strict=True))
        inverses = [np.diag(1 / (f * w)) for f, w in zip(self.shares, self.weights, strict=True)]
        both = traces(np.vstack([i.slopes for i in implied]), inverses, middles, bread)
        return Sandwich(bread @ meat @ bread / sum(s.n for s in self.samples), *both)


def ordinal_measures(
    model: Model, objective: LeastSquares, discrepancy: float, implied: list[OrdinalImplied], fitted: Sandwich
) -> pd.Series:
    """Compute the fit measures of a WLSMV solution.

    Parameters
    ----------
    model : Model
        Of ordered variables.
    objective : LeastSquares
        What was minimised.
    discrepancy : float
        At the solution.
    implied : list of OrdinalImplied
        At the solution.
    fitted : Sandwich
        From `LeastSquares.sandwich`.

    Returns
    -------
    Series
        In lavaan's names. Robust CFI, TLI and RMSEA compare polychoric and implied correlations by normal-theory
        maximum likelihood (Savalei 2021); they are missing where a polychoric matrix is not positive definite. SRMR is of
        correlations, with the diagonal in its mean; RMR and Bentler's SRMR count the thresholds too, whose residuals are
        left out, RMSEA uses n less one per group, and WRMR is lavaan's.

    References
    ----------
    Savalei, V. (2021). Multivariate Behavioral Research, 56, 390-407.
    """
    n, groups = sum(s.n for s in objective.samples), len(objective.samples)
    corr = [slice(len(s.statistics) - len(objective._pairs[0]), None) for s in objective.samples]
    parts = list(zip(objective.shares, objective.samples, objective.weights, implied, corr, strict=True))
    base = n * sum(float(f * w[c] @ s.statistics[c] ** 2) for f, s, w, _, c in parts)
    m = {"npar": model.n_free, "fmin": discrepancy / 2}
    m |= test_measures(n * discrepancy, model.df, base, baseline_df(model), n - groups, groups)
    m["ntotal"] = n - groups
    size = sum(float(f * w @ s.statistics**2) for f, s, w, _, _ in parts)
    moments = sum(len(s.statistics) for s in objective.samples)
    residual = [s.statistics[c] - i.statistics[c] for _, s, _, i, c in parts]
    p = len(model.observed)
    square = [float(r @ r) for r in residual]
    for name, count in (
        ("srmr", p * (p + 1) / 2), ("rmr_nomean", p * (p + 1) / 2), ("srmr_bentler_nomean", p * (p + 1) / 2),
        ("rmr", p * (p + 1) / 2 + sum(model.categories)), ("srmr_bentler", p * (p + 1) / 2 + sum(model.categories)),
        ("crmr", p * (p - 1) / 2 + sum(model.categories)), ("crmr_nomean", p * (p - 1) / 2),
    ):  # fmt: skip
        m[name] = sum(f * float(np.sqrt(x / count)) for f, x in zip(objective.shares, square, strict=True))
    m["gfi"] = 1 - discrepancy / size
    m["agfi"] = 1 - moments / model.df * (1 - m["gfi"]) if model.df else 1.0
    m["pgfi"] = model.df / moments * m["gfi"]
    m["wrmr"] = float(np.sqrt(n * discrepancy / moments))
    middles = [w[c, None] * s.gamma[c, c] * w[c] for _, s, w, _, c in parts]
    inverses = [np.diag(1 / w[c]) for _, _, w, _, c in parts]
    width = sum(len(x) for x in middles)
    baseline = Sandwich(np.empty((0, 0)), *traces(np.empty((width, 0)), inverses, middles, np.empty((0, 0))))
    measures = scaled_measures(pd.Series(m, dtype=float, name="value"), fitted, baseline, groups)
    found = measures.to_dict() | _catml(model, objective, implied, m) | {"ntotal": n}
    return pd.Series(found, dtype=float, name="value")


def _catml(
    model: Model, objective: LeastSquares, implied: list[OrdinalImplied], m: dict[str, float]
) -> dict[str, float]:
    """Robust measures from the normal-theory discrepancy of the correlations, with its expectation under the model."""
    names = ("cfi.robust", "tli.robust", "nnfi.robust", "rni.robust", "rmsea.robust", "rmsea.ci.lower.robust", "rmsea.ci.upper.robust",
             "rmsea.pvalue.robust", "rmsea.notclose.pvalue.robust")  # fmt: skip
    missing = dict.fromkeys(names, float("nan"))
    if not model.df or min(np.linalg.eigvalsh(s.correlations)[0] for s in objective.samples) < 1e-8:
        return missing
    bread = inverted(objective.information(implied))
    chisq = base = base_trace = 0.0
    slopes, weights, normal, gammas = [], [], [], []
    first, second = objective._pairs
    for f, s, w, i in zip(objective.shares, objective.samples, objective.weights, implied, strict=True):
        c = slice(len(s.statistics) - len(first), None)
        correlations = np.eye(len(s.correlations))
        correlations[first, second] = correlations[second, first] = i.statistics[c]
        sample = CompleteSample(s.n, np.zeros(len(correlations)), s.correlations)
        discrepancy = sample.discrepancy(correlations, sample.mean)
        if not np.isfinite(discrepancy):
            return missing
        chisq += s.n * discrepancy
        base += s.n * sample.discrepancy(np.eye(len(correlations)), sample.mean)
        base_trace += float(np.trace(s.gamma[c, c])) * (s.n - 1) / s.n
        inverse = np.linalg.inv(correlations)
        cross = inverse[np.ix_(first, first)] * inverse[np.ix_(second, second)]
        normal.append(f * (cross + inverse[np.ix_(first, second)] * inverse[np.ix_(second, first)]))
        slopes.append(i.slopes[c])
        weights.append(f * w[c])
        gammas.append(s.gamma[c, c] / f * (s.n - 1) / s.n)
    slope, weight = np.vstack(slopes), np.concatenate(weights)
    maker = np.eye(len(slope)) - slope @ bread @ (slope.T * weight)
    trace = 0.0
    blocks = list(zip(normal, gammas, strict=True))
    ends = np.cumsum([0, *(len(g) for g in gammas)])
    for row, (left, _) in enumerate(blocks):
        for column, (_, right) in enumerate(blocks):
            block = maker[ends[row] : ends[row + 1], ends[column] : ends[column + 1]]
            trace += float(((block.T @ left @ block) * right).sum())
    return robust_measures(m, chisq, trace, base, base_trace, len(objective.samples))


def threshold_starts(model: Model, theta: Array, samples: Sequence[OrdinalSample]) -> Array:
    """Set the thresholds of a vector of starting values to the samples'."""
    order = [(v, f"t{k + 1}") for v, c in zip(model.observed, model.categories, strict=True) for k in range(c)]
    at = {key: k for k, key in enumerate(order)}
    theta = theta.copy()
    for q in reversed(model.parameters):
        if q.op == "|" and q.free >= 0:
            theta[q.free] = samples[q.group].statistics[at[q.lhs, q.rhs]]
    return theta
