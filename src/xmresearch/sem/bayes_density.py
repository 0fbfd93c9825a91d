"""The posterior density of a structural equation model, in coordinates without bounds, and its gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from xmresearch.sem.bayes_blocks import Blocks, Correlated
from xmresearch.sem.bayes_structure import cell_of, direction_loadings, longest_chain, marker_of
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_LEAST_SD = 0.1
_CLOSE = 0.95
_FAR = 30.0


class Problem(NamedTuple):
    """What the density takes from the data, in the units of the sample's standard deviations.

    Attributes
    ----------
    n : ndarray
        Rows, shape ().
    cov, mean : ndarray
        Sample moments, shapes (p, p) and (p,).
    directed, undirected, intercepts : ndarray
        A, S and a with their fixed entries, shapes (m, m), (m, m) and (m,).
    of_directed, of_undirected, of_intercept : ndarray
        What the parameter is multiplied with in each free cell; not one only where parameters of unlike units are equal.
    of_sd : ndarray
        Log of what the parameter's SD is multiplied with, for each free variance.
    log_unit : ndarray
        Log SDs of variables whose (residual) variance is fixed, shape (m,).
    sign : ndarray
        Signs of the directed effects whose sign fixes a factor's direction, one per directed effect.
    """

    n: Array
    cov: Array
    mean: Array
    directed: Array
    undirected: Array
    intercepts: Array
    of_directed: Array
    of_undirected: Array
    of_intercept: Array
    of_sd: Array
    log_unit: Array
    sign: Array


class _Read(NamedTuple):
    """What coordinates say: parameters, and what their derivatives need."""

    theta: Array
    beta: Array
    log_turn: Array
    log_sd: Array
    log_scale: Array
    scale: Array
    product: Array
    partial: Array
    correlated: Correlated | None


class Density:
    """Log posterior density, up to a constant, of a single-group model's free parameters.

    Parameters
    ----------
    model : Model
        With q free parameters of m variables, p of them observed.

    Notes
    -----
    Coordinates are the log of a (residual) SD; a loading or path, between variables in units of the sample SD (observed) or
    the SD (latent exogenous); a correlation's inverse hyperbolic tangent, for complete blocks that of the partial
    correlation given the earlier variables (Lewandowski, Kurowicka & Joe 2009); the implied mean of a variable with a free
    intercept. The gradient is analytic: a few products of (m, m) matrices.
    """

    def __init__(self, model: Model) -> None:
        at = {v: k for k, v in enumerate(model.variables)}
        self.model, self.p, self.m, self.q = model, len(model.observed), len(at), model.n_free
        cells: dict[int, list[tuple[int, int, int]]] = {0: [], 1: [], 2: []}
        for a in model.parameters:
            if a.free >= 0:
                kind, row, column = cell_of(a, at)
                cells[kind].append((row, column, a.free))
        self.a, self.s, self.c = (np.array(cells[k], dtype=np.int64).reshape(-1, 3).T for k in range(3))
        self.is_latent = np.arange(self.m) >= self.p
        self._unit = np.eye(self.m)
        self.depth = longest_chain(model)
        self.is_explained = np.isin(np.arange(self.m), [at[a.lhs] if a.op == "~" else at[a.rhs] for a in model.parameters
                                                        if a.op in ("~", "=~")]) & self.is_latent  # fmt: skip
        own = self.s[0] == self.s[1]
        self.own_rows, self.own_free = self.s[0][own], self.s[2][own]
        first: dict[int, tuple[int, int, int]] = {}
        for a in model.parameters:
            if a.free >= 0:
                first.setdefault(a.free, cell_of(a, at))
        variances = set(self.own_free.tolist())
        kinds = [sorted(k for k in first if k not in variances and first[k][0] == kind) for kind in range(3)]
        self.variances = np.array(sorted(variances), dtype=np.int64)
        self.effects, self.covariances, self.means = (np.array(k, dtype=np.int64) for k in kinds)
        self.to, self.by = (np.array([first[k][i] for k in kinds[0]], dtype=np.int64) for i in (1, 2))
        self.left, self.right = (np.array([first[k][i] for k in kinds[1]], dtype=np.int64) for i in (1, 2))
        self.directions = np.flatnonzero(np.isin(self.effects, direction_loadings(model)))
        alone = np.bincount(self.c[2], minlength=self.q)[self.c[2]] == 1
        self.total, self.total_free = self.c[0][alone], self.c[2][alone]
        self._loose = np.where(np.isin(np.arange(self.m), self.total), 0.0, 1.0)[:, None]
        self._markers(at)
        self._blocks(at)

    def _markers(self, at: dict[str, int]) -> None:
        """Find whose SD is a marker's loading: a prior of its own is for every other SD."""
        items, free = [], []
        owner = dict(zip(self.own_free.tolist()[::-1], self.own_rows.tolist()[::-1], strict=True))
        for k, row in owner.items():
            marker = marker_of(self.model, self.model.variables[row])
            if marker is not None:
                items.append(at[marker.rhs])
                free.append(k)
        self.marked, self.marked_item = (np.array(x, dtype=np.int64) for x in (free, items))
        self.plain = np.setdiff1d(self.variances, self.marked)

    def _blocks(self, at: dict[str, int]) -> None:
        """Sort correlated variables into complete blocks, which have a Cholesky factor, and other patterns."""
        free = {(int(i), int(j)): int(k) for i, j, k in self.s.T if i != j}
        edges = set(free)
        for a in self.model.parameters:
            if a.op == "~~" and a.lhs != a.rhs and a.value:
                edges.add((at[a.lhs], at[a.rhs]))
        group = np.arange(self.m)
        for i, j in sorted(edges):
            group[group == group[j]] = group[i]
        counts = np.bincount(self.s[2], minlength=self.q) + np.bincount(self.a[2], minlength=self.q)
        single = set(self.covariances[counts[self.covariances] == 1].tolist())
        by_pair = {(max(i, j), min(i, j)): k for (i, j), k in free.items()}
        pattern: list[int] = []
        sizes: list[int] = []
        where: dict[int, tuple[int, int]] = {}
        for g in np.unique(group):
            block = np.flatnonzero(group == g).tolist()
            pairs = [(i, j) for i in block for j in block if i > j]
            if not all(by_pair.get(pair) in single for pair in pairs):
                pattern += block
            elif pairs:
                where |= {by_pair[i, j]: (sum(sizes) + block.index(i), sum(sizes) + block.index(j)) for i, j in pairs}
                sizes.append(len(block))
        self.pattern = np.array(pattern, dtype=np.int64)
        self.in_block = np.isin(self.covariances, list(where))
        self.blocks = Blocks(sizes, [where[int(k)] for k in self.covariances[self.in_block]])
        self.weight = np.ones(len(self.covariances))
        self.weight[self.in_block] = self.blocks.power

    def fill(self, theta: Array, problem: Problem) -> tuple[Array, Array, Array]:
        """Return A, S and a of parameters in the problem's units."""
        a, s, c = problem.directed.copy(), problem.undirected.copy(), problem.intercepts.copy()
        a[self.a[0], self.a[1]] = theta[self.a[2]] * problem.of_directed
        s[self.s[0], self.s[1]] = s[self.s[1], self.s[0]] = theta[self.s[2]] * problem.of_undirected
        c[self.c[0]] = theta[self.c[2]] * problem.of_intercept
        return a, s, c

    def _read(self, x: Array, problem: Problem) -> _Read:
        log_sd = problem.log_unit.copy()
        log_sd[self.own_rows] = x[self.own_free] + problem.of_sd
        log_scale = log_sd * self.is_latent
        theta = np.empty(self.q)
        theta[self.variances] = np.exp(2 * x[self.variances])
        effect = x[self.effects]
        if self.directions.size:
            effect[self.directions] = problem.sign[self.directions] * np.exp(effect[self.directions])
        inner, outer = log_scale * ~self.is_explained, log_scale * self.is_explained
        scale = np.exp(inner[self.to] - inner[self.by])
        theta[self.effects] = effect * scale
        log_turn = outer[self.by] - outer[self.to]
        partial = np.tanh(x[self.covariances])
        r, correlated = partial, None
        if self.blocks.size:
            correlated = self.blocks.read(partial[self.in_block])
            r = partial.copy()
            r[self.in_block] = correlated.r
        product = np.exp(log_sd[self.left] + log_sd[self.right])
        theta[self.covariances] = r * product
        theta[self.means] = x[self.means]
        return _Read(theta, effect * np.exp(log_turn), log_turn, log_sd, log_scale, scale, product, partial, correlated)

    def theta(self, x: Array, problem: Problem) -> Array:
        """Return the parameters, in the problem's units, at coordinates of shape (q,)."""
        theta = self._read(x, problem).theta
        if self.total.size:
            a, _, c = self.fill(theta, problem)
            eta = np.linalg.solve(self._unit - a * self._loose, c)
            theta[self.total_free] = (eta - a @ eta)[self.total]
        return theta

    def coordinates(self, theta: Array, problem: Problem) -> Array:
        """Return coordinates near given parameters; improper ones are moved to where the density is positive."""
        x = np.zeros(self.q)
        x[self.variances] = 0.5 * np.log(np.maximum(theta[self.variances], _LEAST_SD**2))
        scaled = self._read(x, problem)
        beta = theta[self.effects] / scaled.scale
        x[self.effects] = beta
        at = self.effects[self.directions]
        x[at] = np.log(np.maximum((beta * problem.sign)[self.directions], _LEAST_SD))
        r = np.clip(theta[self.covariances] / scaled.product, -_CLOSE, _CLOSE)
        if self.blocks.size:
            r[self.in_block] = self.blocks.partial(r[self.in_block])
        x[self.covariances] = np.arctanh(r)
        x[self.means] = theta[self.means]
        a, _, c = self.fill(theta, problem)
        x[self.total_free] = np.linalg.solve(self._unit - a, c)[self.total]
        loose = self.covariances[~self.in_block]
        for _ in range(20):
            if np.isfinite(self(x, problem)[0]):
                break
            x[loose] *= 0.7
        return x

    def __call__(self, x: Array, problem: Problem) -> tuple[float, Array]:
        """Return the log density and its gradient, shape (q,); minus infinity where covariances are not proper."""
        outside = -np.inf, np.zeros(self.q)
        if not np.abs(x[self.variances]).max(initial=0.0) < _FAR:
            return outside
        read = self._read(x, problem)
        a, s, c = self.fill(read.theta, problem)
        b = self._inverse(a)
        bs, g, about = b @ s, b[: self.p], problem.cov
        if self.model.means:
            to_mean = self._inverse(a * self._loose)
            eta = to_mean @ c
            d = problem.mean - eta[: self.p]
            about = about + d[:, None] * d
        factor, failed = lapack.dpotrf(bs[: self.p] @ g.T, lower=1, clean=1)
        if failed:
            return outside
        root, _ = lapack.dtrtri(factor, lower=1)
        inverse = root.T @ root
        n = float(problem.n)
        value = -n / 2 * (2 * np.log(factor.diagonal()).sum() + (inverse * about).sum())
        pull = g.T @ (inverse - inverse @ about @ inverse) @ g
        by_a, by_s = -n * (pull @ bs.T), -n * pull
        prior, slope, by_unit = self._prior(x, read)
        if self.pattern.size:
            at = np.ix_(self.pattern, self.pattern)
            factor, failed = lapack.dpotrf(s[at], lower=1, clean=1)
            if failed:
                return outside
            prior += 2 * np.log(factor.diagonal()).sum()
            by_s[at] += 2 * linalg.cho_solve((factor, True), np.eye(len(self.pattern)))
        by_s.flat[:: self.m + 1] /= 2
        if self.model.means:
            lean = n * to_mean[: self.p].T @ (inverse @ d)
            by_a += self._loose * lean[:, None] * eta
        by_theta = np.zeros(self.q)
        by_theta += np.bincount(self.a[2], by_a[self.a[0], self.a[1]] * problem.of_directed, minlength=self.q)
        by_theta += np.bincount(self.s[2], by_s[self.s[0], self.s[1]] * problem.of_undirected, minlength=self.q)
        if self.model.means:
            by_theta += np.bincount(self.c[2], lean[self.c[0]] * problem.of_intercept, minlength=self.q)
        return float(value + prior), slope + self._pull_back(read, by_theta, by_unit)

    def _inverse(self, a: Array) -> Array:
        """Return (I - A)^-1: without loops among the variables, a sum of powers of A."""
        if not self.depth:
            return np.linalg.inv(self._unit - a)
        b = self._unit + a
        for _ in range(self.depth - 1):
            b = self._unit + a @ b
        return b

    def _prior(self, x: Array, read: _Read) -> tuple[float, Array, Array]:
        """Return the log prior, its gradient by coordinates, and by the log SDs of variables."""
        slope, by_unit = np.zeros(self.q), np.zeros(self.m)
        log_sd = x[self.plain]
        square = np.exp(2 * log_sd)
        value = log_sd.sum() - square.sum() / 2
        slope[self.plain] = 1 - square
        if self.marked.size:
            loading = x[self.marked] - read.log_scale[self.marked_item]
            log_prior, pull = _effect_prior(np.exp(2 * loading), self.is_latent[self.marked_item])
            value += loading.sum() + log_prior
            slope[self.marked] = 1 - pull
            by_unit += np.bincount(self.marked_item, pull - 1, minlength=self.m) * self.is_latent
        beta = read.beta
        log_prior, pull = _effect_prior(beta * beta, self.is_latent[self.to])
        value += log_prior + read.log_turn.sum()
        at = self.directions
        effect = x[self.effects]
        slope[self.effects] = -pull / np.where(effect == 0, 1.0, effect)
        if at.size:
            value += effect[at].sum()
            slope[self.effects[at]] = 1 - pull[at]
        moved = np.bincount(self.by, 1 - pull, minlength=self.m) - np.bincount(self.to, 1 - pull, minlength=self.m)
        by_unit += moved * self.is_explained
        value += self.weight @ np.log1p(-(read.partial**2))
        slope[self.covariances] = -2 * self.weight * read.partial
        if self.pattern.size:
            value -= 2 * read.log_sd[self.pattern].sum()
            by_unit[self.pattern] -= 2
        return float(value), slope, by_unit

    def _pull_back(self, read: _Read, by_theta: Array, by_unit: Array) -> Array:
        """Turn a gradient by parameters and log SDs into one by coordinates."""
        out = np.zeros(self.q)
        product = by_theta * read.theta
        out[self.variances] = 2 * product[self.variances]
        ours = product[self.effects]
        out[self.effects] = by_theta[self.effects] * read.scale
        if self.directions.size:
            out[self.effects[self.directions]] = ours[self.directions]
        moved = np.bincount(self.to, ours, minlength=self.m) - np.bincount(self.by, ours, minlength=self.m)
        by_unit = by_unit + moved * (self.is_latent & ~self.is_explained)
        if self.covariances.size:
            ours = product[self.covariances]
            by_unit += np.bincount(self.left, ours, minlength=self.m) + np.bincount(self.right, ours, minlength=self.m)
            by_r = by_theta[self.covariances] * read.product
            if read.correlated is not None:
                by_r[self.in_block] = self.blocks.pull_back(read.correlated, by_r[self.in_block])
            out[self.covariances] = by_r * (1 - read.partial**2)
        out[self.means] = by_theta[self.means]
        return out + np.bincount(self.own_free, by_unit[self.own_rows], minlength=self.q)


def _effect_prior(square: Array, on_latent: NDArray[np.bool_]) -> tuple[float, Array]:
    """Return the log prior of squared standardised effects, and minus its slope by their logs."""
    value = np.where(on_latent, -1.5 * np.log1p(square), -square / 2).sum()
    return float(value), np.where(on_latent, 3 * square / (1 + square), square)
