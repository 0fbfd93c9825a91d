"""Weights of an index that come from the same people as its scores, and what that adds to its variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
Make = Callable[[Array, Array], Array]
RESAMPLES = 400
"""Draws of the people behind an index whose weights they make."""
_BLOCK = 4_000_000


@dataclass(frozen=True, repr=False)
class ResampledWeights(Shown):
    """Weights made from data.

    Attributes
    ----------
    table : DataFrame
        One row per indicator: indicator, weight, se.
    index : ndarray
        Shape (draws, groups): index of the groups, weights made anew in every draw of the people.
    fixed : ndarray
        Shape (groups,): variance of the index of each group in the same draws, weights held.
    """

    table: pd.DataFrame
    index: Array
    fixed: Array

    @property
    def draws(self) -> int:
        """How often people were drawn."""
        return len(self.index)

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each indicator, adding up to 1."""
        return dict(zip(self.table["indicator"], self.table["weight"], strict=True))

    @property
    def added(self) -> Array:
        """What the making of the weights adds to the covariance of the groups' index, shape (groups, groups)."""
        return np.atleast_2d(np.cov(self.index, rowvar=False)) - np.diag(self.fixed)

    def ends(self, estimate: ArrayLike, se: ArrayLike, stretch: ArrayLike, confidence: float) -> tuple[Array, Array]:
        """Return the interval of each group's index: as skewed as its draws are, as wide as its standard error asks for.

        Parameters
        ----------
        estimate, se : array_like
            Of the groups' index, shape (groups,).
        stretch : array_like
            How much wider than a normal interval it is to be, shape (groups,) or a number.
        confidence : float
            Level.

        Returns
        -------
        lower, upper : ndarray
            Shape (groups,).
        """
        at = np.asarray(estimate)
        reach = np.quantile(self.index, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0) - at
        spread = self.index.std(axis=0, ddof=1)
        wider = np.asarray(stretch) * np.divide(np.asarray(se), spread, out=np.ones_like(spread), where=spread > 0)
        lower, upper = at + wider * reach
        return np.asarray(lower), np.asarray(upper)

    def tidy(self) -> pd.DataFrame:
        """Return one row per indicator."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many draws there were, and the largest standard error of a weight."""
        return {"draws": self.draws, "largest_se": float(self.table["se"].max())}

    def _head(self) -> dict[str, Any]:
        return self.summary()


def resampled_weights(
    values: pd.DataFrame, groups: pd.Series, make: Make, *, outcome: ArrayLike | None = None, weights: ArrayLike | None = None,
    draws: int = RESAMPLES, seed: int = 0,
) -> ResampledWeights:  # fmt: skip
    """Make weights from people's scores, and make them again from resampled people.

    Every person's part in means and covariances is multiplied by a draw from the exponential distribution (the Bayesian bootstrap).

    Parameters
    ----------
    values : DataFrame
        One row per person, one column per indicator, on the scale on which they are averaged (such as 0 to 100); blanks are NaN.
    groups : Series
        Whose index is made, shape (n,).
    make : callable
        Takes the groups' means, shape (draws, groups, indicators), and the covariances of the indicators and, last, the outcome over
        all people who have all of them, shape (draws, indicators + 1, indicators + 1; without the outcome one less), and returns
        weights, shape (draws, indicators).
    outcome : array_like, optional
        Shape (n,).
    weights : array_like, optional
        Design weights, shape (n,), above 0.
    draws : int
        Draws of the people, at least 100.
    seed : int
        Of the draws.

    Returns
    -------
    ResampledWeights

    Raises
    ------
    DataError, InsufficientData
        A weight is not above 0; fewer than two people answered everything, or a group lacks an indicator; too few draws.

    References
    ----------
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134. Saisana, M., Saltelli, A. & Tarantola, S. (2005).
    Uncertainty and sensitivity analysis techniques as tools for the quality assessment of composite indicators. Journal of the
    Royal Statistical Society A, 168, 307-323.
    """
    if draws < 100:
        raise DataError(f"{draws} draws are too few for a variance.", "Take 100 at least.")
    x = values.to_numpy(dtype="float64", na_value=np.nan)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype="float64")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError("A weight is not a positive number.", "Every respondent needs a weight above zero.")
    at, names = pd.factorize(groups, sort=True)
    z = x if outcome is None else np.column_stack([x, np.asarray(outcome, dtype="float64")])
    if np.isfinite(z).all(axis=1).sum() < 2 or any(
        not np.isfinite(x[at == g]).any(axis=0).all() for g in range(len(names))
    ):
        raise InsufficientData("Too few people answered every indicator.", "Leave out an indicator or a group.")
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK // len(x))
    rows = _Rows.of(x, at, len(names), z)
    blocks = [min(size, draws - start) for start in range(0, draws, size)]
    parts = [rows.reduced(w[None]), *(rows.reduced(w * rng.standard_exponential((b, len(x)))) for b in blocks)]
    made = [make(*part) for part in parts]
    made = [m / m.sum(axis=1, keepdims=True) for m in made]
    weight, drawn = made[0][0], np.concatenate(made[1:])
    means = np.concatenate([p[0] for p in parts[1:]])
    index = np.einsum("bgk,bk->bg", means, drawn)
    table = pd.DataFrame(
        {"indicator": list(map(str, values.columns)), "weight": weight, "se": drawn.std(axis=0, ddof=1)}
    )
    return ResampledWeights(table, index, (means @ weight).var(axis=0, ddof=1))


@dataclass(frozen=True, repr=False)
class _Rows(Shown):
    """Rows in the order of their groups, ready to be weighed many times."""

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    filled: Array
    there: Array
    whole: NDArray[np.intp]
    products: Array
    mean: Array

    @classmethod
    def of(cls, x: Array, at: NDArray[np.intp], groups: int, z: Array) -> _Rows:
        order = np.argsort(at, kind="stable")
        whole = np.flatnonzero(np.isfinite(z).all(axis=1))
        mean = z[whole].mean(axis=0)
        rows = z[whole] - mean
        i, j = np.triu_indices(rows.shape[1])
        products = np.column_stack([rows, rows[:, i] * rows[:, j]])
        ends = np.searchsorted(at[order], np.arange(groups + 1))
        return cls(order, ends, np.nan_to_num(x)[order], np.isfinite(x)[order].astype("float64"), whole, products, mean)

    def reduced(self, u: Array) -> tuple[Array, Array]:
        """Return means of groups, shape (draws, groups, K), and covariances of complete rows, for each row of weights."""
        sorted_u = u[:, self.order]
        means = []
        for start, end in zip(self.ends[:-1], self.ends[1:], strict=True):
            part, inside = sorted_u[:, start:end], slice(start, end)
            means.append((part @ self.filled[inside]) / (part @ self.there[inside]))
        part = u[:, self.whole]
        sums = (part @ self.products) / part.sum(axis=1, keepdims=True)
        k = len(self.mean)
        i, j = np.triu_indices(k)
        second = np.zeros((len(u), k, k))
        second[:, i, j] = second[:, j, i] = sums[:, k:]
        return np.stack(means, axis=1), second - sums[:, :k, None] * sums[:, None, :k]
