"""The tables of a PLS result, the bootstrap behind their intervals, and what to warn of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.sem.pls_algorithm import Estimates, Scheme, correlate, estimate
from xmresearch.sem.pls_model import PlsModel
from xmresearch.sem.pls_quality import htmt, inflation, reflective_pairs

Array = NDArray[np.float64]
VIF_BOUND = 5.0
_CELLS = 2_000_000


def connected(model: PlsModel) -> list[tuple[int, int]]:
    """Return causes and effects that a chain of paths connects, by effect and cause in the order of the constructs."""
    size = len(model.constructs)
    step = np.zeros((size, size), dtype=np.int64)
    step[tuple(np.array(model.paths).T)] = 1
    reach = step
    for _ in range(size):
        reach = np.minimum(step + reach @ step, 1)
    return [(int(i), int(j)) for j, i in np.argwhere(reach.T)]


def quantities(model: PlsModel, correlations: Array, found: Estimates) -> dict[str, Array]:
    """Return what has an interval, each of shape (B, rows of its table): path, indirect, total, loading, weight, htmt."""
    cause, effect = np.array(model.paths).T
    above, below = np.array(connected(model)).T
    indirect = found.indirect
    return {
        "path": found.paths[:, cause, effect], "indirect": indirect[:, above, below],
        "total": (found.paths + indirect)[:, above, below], "loading": found.loadings, "weight": found.weights,
        "htmt": htmt(model, correlations),
    }  # fmt: skip


def replicate(
    model: PlsModel, values: Array, full: Estimates, scheme: Scheme, *, consistent: bool, draws: int, seed: int
) -> dict[str, Array]:
    """Bootstrap the rows.

    Parameters
    ----------
    model : PlsModel
        The model.
    values : ndarray
        Items, shape (n, p), complete.
    full : Estimates
        From all rows; gives each construct of a replicate its sign.
    scheme, consistent
        As for `estimate`.
    draws, seed : int
        Replicates, and the seed of their rows.

    Returns
    -------
    dict of str to ndarray
        As `quantities`, without replicates that have no estimates or did not converge.
    """
    kept = []
    for r in _resampled(values, draws, seed):
        found = estimate(model, r, scheme, consistent=consistent, like=full.loadings[0])
        drawn = quantities(model, r, found)
        good = found.converged & np.all([np.isfinite(v).all(axis=1) for v in drawn.values()], axis=0)
        kept.append({name: v[good] for name, v in drawn.items()})
    empty = quantities(model, np.empty((0, *2 * (len(model.items),))), _none(full))
    return {name: np.concatenate([v, *(k[name] for k in kept)]) for name, v in empty.items()}


def _none(found: Estimates) -> Estimates:
    return Estimates(**{name: value[:0] for name, value in vars(found).items()})


def _resampled(values: Array, draws: int, seed: int) -> Iterator[Array]:
    """Yield correlation matrices of rows drawn with replacement, some at a time."""
    n, p = values.shape
    rng = np.random.default_rng([seed, n])
    size = max(1, _CELLS // p**2)
    for start in range(0, draws, size):
        yield np.stack([correlate(values[rng.integers(0, n, n)]) for _ in range(min(size, draws - start))])


@dataclass(frozen=True, repr=False)
class Tables(Shown):
    """Estimates as tables.

    Attributes
    ----------
    model : PlsModel
        The model.
    r : ndarray
        Correlations of the items, shape (p, p).
    found : Estimates
        From `r` alone.
    point, draws : dict of str to ndarray
        Estimates and replicates, from `quantities` and `replicate`.
    confidence : float
        Level of the intervals.
    n : int
        Rows.
    """

    model: PlsModel
    r: Array
    found: Estimates
    point: dict[str, Array]
    draws: dict[str, Array]
    confidence: float
    n: int

    def paths(self) -> pd.DataFrame:
        """Return one row per path."""
        m, found = self.model, self.found
        vif = np.array([
            inflation(found.correlations[0][np.ix_(m.causes(j), m.causes(j))])[m.causes(j).index(i)] for i, j in m.paths
        ])  # fmt: skip
        value, left = self.point["path"][0], 1 - found.r2[0][[j for _, j in m.paths]]
        se, low, high = self._spread("path")
        with np.errstate(divide="ignore"):
            z = value / se
        return pd.DataFrame({
            "lhs": [m.constructs[j] for _, j in m.paths], "op": "~", "rhs": [m.constructs[i] for i, _ in m.paths],
            "est": value, "se": se, "z": z, "pvalue": 2 * special.ndtr(-np.abs(z)), "ci_lower": low, "ci_upper": high,
            "f2": value**2 / (vif * np.where(left > 0, left, np.nan)), "vif": vif,
        })  # fmt: skip

    def effects(self) -> pd.DataFrame:
        """Return one row per cause and effect that paths connect."""
        m = self.model
        pairs = connected(m)
        return pd.DataFrame({
            "lhs": [m.constructs[j] for _, j in pairs], "rhs": [m.constructs[i] for i, _ in pairs],
            "direct": [self.found.paths[0, i, j] for i, j in pairs], **self._columns("indirect"), **self._columns("total"),
        })  # fmt: skip

    def outer(self) -> pd.DataFrame:
        """Return one row per item."""
        m = self.model
        vif = np.concatenate([inflation(self.r[np.ix_(block, block)]) for block in m.blocks])
        return pd.DataFrame({
            "construct": [m.constructs[k] for k in m.owner], "item": list(m.items), "mode": [m.modes[k] for k in m.owner],
            **self._columns("loading"), **self._columns("weight"), "vif": vif,
        })  # fmt: skip

    def r2(self) -> pd.DataFrame:
        """Return one row per explained construct."""
        m = self.model
        value = self.found.r2[0][m.endogenous]
        free = np.array([self.n - len(m.causes(j)) - 1 for j in m.endogenous])
        return pd.DataFrame({
            "construct": [m.constructs[j] for j in m.endogenous], "r2": value,
            "r2_adjusted": 1 - (1 - value) * (self.n - 1) / free,
        })  # fmt: skip

    def htmt(self) -> pd.DataFrame:
        """Return one row per pair of reflective constructs."""
        m, pairs = self.model, reflective_pairs(self.model)
        return pd.DataFrame({
            "first": [m.constructs[i] for i, _ in pairs], "second": [m.constructs[j] for _, j in pairs],
            **self._columns("htmt"),
        })  # fmt: skip

    def _columns(self, name: str) -> dict[str, Array]:
        se, low, high = self._spread(name)
        return {name: self.point[name][0], f"{name}_se": se, f"{name}_lower": low, f"{name}_upper": high}

    def _spread(self, name: str) -> tuple[Array, Array, Array]:
        """Return standard deviation and percentile limits of the replicates; NaN without them."""
        drawn = self.draws[name]
        if not len(drawn):
            nothing = np.full(drawn.shape[1], np.nan)
            return nothing, nothing, nothing
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
        return np.asarray(drawn.std(axis=0, ddof=1)), low, high


def concerns(
    model: PlsModel, found: Estimates, paths: pd.DataFrame, outer: pd.DataFrame, *, consistent: bool
) -> Iterator[str]:
    """Yield what a careful reviewer would ask about."""
    if not found.converged[0]:
        yield f"The weights did not converge in {found.iterations[0]} iterations."
    negative = outer.loc[outer["weight"] < 0, "item"]
    if len(negative):
        yield f"Negative weights: {', '.join(negative)}."
    for row in paths[paths["vif"] > VIF_BOUND].itertuples():
        yield f"The causes of '{row.lhs}' are collinear: '{row.rhs}' has a VIF of {row.vif:.1f}."
    for row in outer[(outer["vif"] > VIF_BOUND) & (outer["mode"] == "B")].itertuples():
        yield f"The items of '{row.construct}' are collinear: '{row.item}' has a VIF of {row.vif:.1f}."
    for construct, mode in zip(model.constructs, model.modes, strict=True):
        if consistent and mode == "single":
            yield f"'{construct}' has one item, which is taken to be free of error."


def improper(model: PlsModel, found: Estimates) -> list[str]:
    """Say in what respects no factor model could give these estimates."""
    high = [c for c, rho in zip(model.constructs, found.rho_a[0], strict=True) if rho > 1]
    large = [v for v, loading in zip(model.items, found.loadings[0], strict=True) if abs(loading) > 1 + 1e-12]
    reasons = [f"rho_A above 1: {', '.join(high)}."] if high else []
    reasons += [f"Loadings above 1: {', '.join(large)}."] if large else []
    if np.linalg.eigvalsh(found.correlations[0])[0] <= 0:
        reasons.append("The correlations of the constructs are not positive definite.")
    return [f"{reason} The solution is not admissible." for reason in reasons]
