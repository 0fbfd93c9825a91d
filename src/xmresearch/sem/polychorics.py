"""Polychoric correlations and their asymptotic covariance, by Muthen's two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
MOST_CATEGORIES = 20
_BOUND = 0.999
_GRADIENT = 1e-9
_NEWTON_STEPS = 25
_LEAST_PROBABILITY = 1e-14
_FAR = 40.0  # standard deviations: nothing lies beyond in double precision
_NEAR = 1e-30  # stands in for 0, by which Owen's formula would divide


def bivariate_normal_cdf(a: Array | float, b: Array | float, r: Array | float) -> Array:
    """Return P(X <= a, Y <= b) of standard normal X and Y.

    Parameters
    ----------
    a, b, r : array_like
        Limits, which may be infinite, and correlations, -1 <= r <= 1; they broadcast with one another.

    Returns
    -------
    ndarray
        Of the common shape; the absolute error is below 1e-15 for every correlation.

    References
    ----------
    Owen, D. B. (1956). Annals of Mathematical Statistics, 27, 1075-1090.
    """
    r = np.asarray(r, dtype=np.float64)
    a, b = (np.clip(np.asarray(limit, dtype=np.float64), -_FAR, _FAR) for limit in (a, b))
    a, b = (np.where(np.abs(limit) < _NEAR, _NEAR, limit) for limit in (a, b))
    s = np.maximum(np.sqrt((1 - r) * (1 + r)), _NEAR)
    sign = np.where(r < 0, -1.0, 1.0)
    nearness = 1 - np.abs(r)
    # b - r a and a - r b, without cancellation near |r| = 1
    slope_a = (b - sign * a + sign * nearness * a) / (a * s)
    slope_b = (a - sign * b + sign * nearness * b) / (b * s)
    inside = (special.ndtr(a) + special.ndtr(b)) / 2 - special.owens_t(a, slope_a) - special.owens_t(b, slope_b)
    result: Array = np.clip(np.where((a < 0) != (b < 0), inside - 0.5, inside), 0.0, 1.0)
    return result


def _density(x: Array) -> Array:
    result: Array = np.exp(-(x * x) / 2) / np.sqrt(2 * np.pi)
    return result


def normal_density2(a: Array | float, b: Array | float, r: Array | float) -> Array:
    """Return the density of two standard normal variables at (a, b), which is the derivative of the cdf by r.

    Parameters
    ----------
    a, b, r : array_like
        Points, which may be infinite, and correlations, -1 < r < 1; they broadcast to the shape of the result.

    Returns
    -------
    ndarray
    """
    r = np.asarray(r, dtype=np.float64)
    a, b = (np.clip(np.asarray(limit, dtype=np.float64), -_FAR, _FAR) for limit in (a, b))
    rest = (1 - r) * (1 + r)
    result: Array = np.exp(-(a * a - 2 * r * a * b + b * b) / (2 * rest)) / (2 * np.pi * np.sqrt(rest))
    return result


@dataclass(frozen=True, repr=False)
class Polychoric(Shown):
    """Thresholds and polychoric correlations of ordered variables.

    Attributes
    ----------
    names : tuple of str
        Variables, length p.
    n : int
        Respondents.
    categories : tuple of tuple of float
        Values observed of each variable, in order.
    thresholds : tuple of ndarray
        Of each variable: shape (categories - 1,), in standard deviations of the variable underneath.
    correlations : ndarray
        Shape (p, p), symmetric with unit diagonal.
    sparse : tuple of (str, str, int)
        Pairs of variables whose table has empty cells, and how many of them.
    asymptotic : ndarray or None
        Gamma, shape (m, m): n times the sampling covariance of all thresholds, variable by variable, and then the
        correlations below the diagonal, column by column (r21, r31, ..., r32, ...). None where it was not asked for.
    """

    names: tuple[str, ...]
    n: int
    categories: tuple[tuple[float, ...], ...]
    thresholds: tuple[Array, ...]
    correlations: Array
    sparse: tuple[tuple[str, str, int], ...]
    asymptotic: Array | None

    @property
    def table(self) -> pd.DataFrame:
        """The correlations with their names, shape (p, p)."""
        return pd.DataFrame(self.correlations, index=list(self.names), columns=list(self.names))

    @property
    def positive_definite(self) -> bool:
        """Whether the matrix is a correlation matrix: estimates made pair by pair need not be."""
        return bool(np.linalg.eigvalsh(self.correlations)[0] > 0)


@on_one_thread
def polychoric(values: Array, names: Sequence[str], *, covariance: bool = False) -> Polychoric:
    """Estimate polychoric correlations by maximum likelihood of each pair, given thresholds from the margins.

    Parameters
    ----------
    values : ndarray
        Complete rows, shape (n, p); the distinct numbers of a column are its ordered categories.
    names : sequence of str
        Length p.
    covariance : bool
        Also estimate Gamma, from casewise scores.

    Returns
    -------
    Polychoric

    Raises
    ------
    InsufficientData
        For no rows, a constant variable, or Gamma of a pair whose correlation is 1 in size.
    DataError
        For a blank, or more than 20 categories.

    Notes
    -----
    Conventions are lavaan 0.6's. In a table of 2 x 2 with one empty cell, 0.5 is added to that cell and moved between the
    others so that the margins stay (zero.add = c(0.5, 0), zero.keep.margins); larger tables are left as they are.
    Two empty cells there give a correlation of 1 or -1; other correlations end at .999 in size. The bread of Gamma's sandwich
    is made of the scores' outer products. Answers no likelier than 1e-14 do not count (lavaan: 1.5e-8).

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient. Psychometrika, 44, 443-460.
    Muthen, B. (1984). A general structural equation model with dichotomous, ordered categorical, and continuous latent
    variable indicators. Psychometrika, 49, 115-132.
    """
    categories, codes = _categories(np.asarray(values, dtype=np.float64), names)
    n, p = codes.shape
    sizes = np.array([len(c) for c in categories])
    top = int(sizes.max())
    one_hot = (codes[:, :, None] == np.arange(top)).astype(np.float64)
    flat = one_hot.reshape(n, p * top)
    first, second = np.triu_indices(p, 1)
    counts = (flat.T @ flat).reshape(p, top, p, top)[first, :, second, :]
    margins = one_hot.mean(axis=0)
    cumulative = np.cumsum(margins, axis=1)[:, :-1]
    real = np.arange(top - 1) < sizes[:, None] - 1
    cuts = np.where(real, special.ndtri(cumulative), _FAR)

    cells = sizes[first] * sizes[second]
    empty = cells - (counts > 0).sum(axis=(1, 2))
    filled = counts.copy()
    filled[cells == 4, :2, :2] += _filling(counts[cells == 4, :2, :2])
    independent = margins[first][:, :, None] * margins[second][:, None, :]
    tables = _Tables(cuts[first][:, :, None], cuts[second][:, None, :], counts / n, independent)
    r = replace(tables, shares=filled / n).solve()
    perfect = (cells == 4) & (empty == 2)
    r[perfect] = np.sign(r[perfect])

    asymptotic = None
    if covariance:
        at_bound = np.flatnonzero(np.abs(r) > _BOUND - 1e-6)
        if len(at_bound):
            k = at_bound[0]
            raise InsufficientData(
                f"'{names[first[k]]}' and '{names[second[k]]}' correlate perfectly, which leaves no standard error.",
                "Remove one of them, or merge categories.",
            )
        on_thresholds = ((codes[:, :, None] <= np.arange(top - 1)) - cumulative)[:, real] / _density(cuts[real])
        asymptotic = _asymptotic(codes, on_thresholds, real, tables, r)
    correlations = np.eye(p)
    correlations[first, second] = correlations[second, first] = r
    return Polychoric(
        names=tuple(names),
        n=n,
        categories=tuple(tuple(c.tolist()) for c in categories),
        thresholds=tuple(cut[keep] for cut, keep in zip(cuts, real, strict=True)),
        correlations=correlations,
        sparse=tuple((names[first[k]], names[second[k]], int(empty[k])) for k in np.flatnonzero(empty)),
        asymptotic=asymptotic,
    )


def _categories(values: Array, names: Sequence[str]) -> tuple[list[Array], NDArray[np.intp]]:
    """Return the categories of every column, and the rows as category numbers of shape (n, p)."""
    if len(values) == 0:
        raise InsufficientData("Polychoric correlations need complete rows; there are none.")
    categories, codes = [], np.empty(values.shape, dtype=np.intp)
    for k, (name, column) in enumerate(zip(names, values.T, strict=True)):
        if not np.isfinite(column).all():
            raise DataError(f"Variable '{name}' has blank or infinite values.", "Leave incomplete rows out first.")
        found, codes[:, k] = np.unique(column, return_inverse=True)
        if len(found) == 1:
            raise InsufficientData(f"Variable '{name}' is constant.", "Remove it.")
        if len(found) > MOST_CATEGORIES:
            raise DataError(
                f"Variable '{name}' has {len(found)} different values; at most {MOST_CATEGORIES} categories are allowed.",
                "It looks continuous: do not declare it ordered, or group its values.",
            )
        categories.append(found)
    return categories, codes


def _filling(counts: Array) -> Array:
    """Return what tables of 2 x 2 gain where one cell is empty: a half there, margins kept; shape (m, 2, 2)."""
    empty = counts == 0
    on_diagonal = empty[:, 0, 0] | empty[:, 1, 1]
    half = np.where(empty.sum(axis=(1, 2)) == 1, np.where(on_diagonal, 0.5, -0.5), 0.0)
    filling: Array = half[:, None, None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return filling


def _cells(grid: Array) -> Array:
    """Turn values at the thresholds' crossings, zero at the outer edges, into those of the cells between them."""
    return np.diff(np.diff(np.pad(grid, ((0, 0), (1, 1), (1, 1))), axis=1), axis=2)


@dataclass(frozen=True)
class _Tables:
    """Contingency tables of m pairs, padded to K categories; thresholds that do not exist are beyond all data.

    `a` has shape (m, K - 1, 1), `b` (m, 1, K - 1), `shares` and `independent`, the margins' product, (m, K, K).
    """

    a: Array
    b: Array
    shares: Array
    independent: Array

    def take(self, pairs: NDArray[np.intp]) -> _Tables:
        return _Tables(self.a[pairs], self.b[pairs], self.shares[pairs], self.independent[pairs])

    def probabilities(self, r: Array) -> Array:
        excess = bivariate_normal_cdf(self.a, self.b, r[:, None, None]) - special.ndtr(self.a) * special.ndtr(self.b)
        return np.maximum(self.independent + _cells(excess), _LEAST_PROBABILITY)

    def derivatives(self, r: Array) -> tuple[Array, Array]:
        """First two derivatives of the mean log likelihood by the correlation, each of shape (m,)."""
        a, b, rho = self.a, self.b, r[:, None, None]
        rest = (1 - rho) * (1 + rho)
        density = normal_density2(a, b, rho)
        change = density * (rho * rest + (a - rho * b) * (b - rho * a)) / rest**2
        probabilities = self.probabilities(r)
        score = _cells(density) / probabilities
        gradient = (self.shares * score).sum(axis=(1, 2))
        return gradient, (self.shares * (_cells(change) / probabilities - score**2)).sum(axis=(1, 2))

    def solve(self) -> Array:
        """Maximise every pair's likelihood: Newton steps inside a bracket of the gradient's root, and then bisection."""
        rank = np.arange(self.shares.shape[1])
        covariance = ((self.shares - self.independent) * np.outer(rank, rank)).sum(axis=(1, 2))
        slope = _density(self.a).sum(axis=(1, 2)) * _density(self.b).sum(axis=(1, 2))
        r = np.clip(covariance / slope, -0.8, 0.8)
        low, high = np.full_like(r, -_BOUND), np.full_like(r, _BOUND)
        active, step = np.arange(len(r)), 0
        while len(active):
            x = r[active]
            gradient, curvature = self.take(active).derivatives(x)
            rising = gradient > 0
            low[active], high[active] = np.where(rising, x, low[active]), np.where(rising, high[active], x)
            lower, upper = low[active], high[active]
            # half-way to 1 at most: beyond, probabilities of discordant cells would drown in rounding errors
            room = (1 - np.abs(x)) / 2
            newton = x + np.clip(-gradient / np.minimum(curvature, -1e-12), -room, room)
            usable = (curvature < 0) & (lower < newton) & (newton < upper) & (step < _NEWTON_STEPS)
            going = (np.abs(gradient) >= _GRADIENT) & (upper - lower > 1e-12)
            r[active] = np.where(going, np.where(usable, newton, (lower + upper) / 2), x)
            active, step = active[going], step + 1
        return r


def _asymptotic(
    codes: NDArray[np.intp], on_thresholds: Array, real: NDArray[np.bool_], tables: _Tables, r: Array
) -> Array:
    """Gamma, shape (m, m): the mean outer product of the rows' influence on the statistics, `on_thresholds` being part."""
    n, p = codes.shape
    first, second = np.triu_indices(p, 1)
    rows, top = np.arange(len(r)), real.shape[1] + 1
    probabilities = tables.probabilities(r)
    score = _cells(normal_density2(tables.a, tables.b, r[:, None, None])) / probabilities
    weighted = tables.shares * score / probabilities
    cross = np.zeros((len(r), p, top - 1))
    cross[rows, first] = _threshold_products(tables.a[:, :, 0], tables.b[:, 0], r, weighted)
    cross[rows, second] = _threshold_products(tables.b[:, 0], tables.a[:, :, 0], r, weighted.transpose(0, 2, 1))
    casewise = np.ravel(score)[codes[:, first] * top + codes[:, second] + rows * top**2]
    on_correlations = casewise - on_thresholds @ cross[:, real].T
    on_correlations /= (tables.shares * score**2).sum(axis=(1, 2))
    influence = np.hstack([on_thresholds, on_correlations])
    gamma: Array = influence.T @ influence / n
    return gamma


def _threshold_products(a: Array, b: Array, r: Array, weighted: Array) -> Array:
    """Mean products of the scores of the correlation and of the thresholds `a`, shape (m, K - 1)."""
    rho = r[:, None, None]
    below = special.ndtr((b[:, None, :] - rho * a[:, :, None]) / np.sqrt((1 - rho) * (1 + rho)))
    band = np.diff(below, axis=2, prepend=0.0, append=1.0)
    products: Array = _density(a) * (band * -np.diff(weighted, axis=1)).sum(axis=2)
    return products
