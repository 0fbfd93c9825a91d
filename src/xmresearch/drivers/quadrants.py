"""Importance-performance grids, with importance as stated or as derived from an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.drivers.importance_fit import concentration
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.drivers.subsets import MOST_EXACT, lmg
from xmresearch.inference.estimates import (
    estimate_means,
    percentile_interval,
    replicate_covariances,
    replicate_means,
)
from xmresearch.inference.sample_designs import Weights, heavier, row_weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import points
from xmresearch.sampling.designs import Design, subset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Cross = Literal["mean", "median", "scale_middle"]
Derived = Literal["correlation", "share"]
MOST_OFF_TOTAL = 0.05
QUADRANTS = ("keep_up", "concentrate_here", "possible_overkill", "low_priority")


@dataclass(frozen=True, repr=False)
class ImportanceResult(Shown):
    """An importance-performance grid.

    Attributes
    ----------
    table : DataFrame
        One row per statement (where importance is rated by statement), dimension or driver: level, id, construct, n,
        importance, importance_lower, importance_upper, performance, performance_lower, performance_upper, quadrant,
        p_quadrant (share of Bayesian-bootstrap draws in that quadrant, the cross lines redrawn too), p_concentrate (share of
        them in the quadrant of what is important and performed below the rest); on one scale also gap (performance less
        importance, below zero under the 45-degree line), gap_lower and gap_upper.
    cross_importance, cross_performance : float
        Where the grid is divided.
    cross : str
        By which rule: mean, median or scale_middle.
    same_scale : bool
        Whether importance and performance were asked on one scale, so that a 45-degree line means something.
    off_total : float
        Of points to be shared out among dimensions: share of respondents whose total is not the usual one; else NaN.
    basis : str
        stated, or how importance was derived: correlation (with the outcome) or share (Shapley, of what is explained).
    """

    table: pd.DataFrame
    cross_importance: float
    cross_performance: float
    cross: str
    same_scale: bool
    off_total: float
    basis: str = "stated"

    def tidy(self) -> pd.DataFrame:
        """Return one row per statement or dimension."""
        return self.table

    @property
    def crossing(self) -> tuple[float, float]:
        """Importance and performance at which the quadrants meet."""
        return self.cross_importance, self.cross_performance

    def basis_of(self) -> dict[str, str]:
        """Return what importance rests on."""
        return {"basis": self.basis}

    def plot(self) -> Figure:
        """Draw performance against importance, with the lines that part the quadrants."""
        cross = (self.cross_performance, self.cross_importance)
        return points(self.table, "performance", "importance", "id", cross=cross)

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        rows = []
        if not np.isnan(self.off_total):
            rows.append(
                ("points_total", self.off_total, MOST_OFF_TOTAL, "pass" if self.off_total <= MOST_OFF_TOTAL else "warn")
            )
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def importance_grid(
    importance: pd.DataFrame,
    performance: pd.DataFrame,
    *,
    cross: Cross = "mean",
    middles: tuple[float, float] | None = None,
    same_scale: bool = False,
    level: str = "dimension",
    constructs: Sequence[str | None] | None = None,
    off_total: float = np.nan,
    weights: Weights = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ImportanceResult:
    """Set stated importance against performance.

    Parameters
    ----------
    importance, performance : DataFrame
        Ratings of the same things, named by the columns of `importance`, in the same order, shape (n, K).
    cross : {'mean', 'median', 'scale_middle'}
        Where the quadrants meet: the mean or median over the points, or the middle of both scales.
    middles : tuple of float, optional
        The middles of the scales of importance and performance; needed for 'scale_middle'.
    same_scale : bool
        Whether both were asked on one scale.
    level : str
        statement or dimension.
    constructs : sequence of str or None, optional
        What each column belongs to; itself if absent.
    off_total : float
        Of points that share out a total: share of respondents who miss it.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the t intervals.
    bootstrap : int
        Draws of the Bayesian bootstrap; of a design, of its sampling units.
    seed : int
        Of the draws.

    Returns
    -------
    ImportanceResult

    Raises
    ------
    ValueError
        'scale_middle' without middles.

    References
    ----------
    Martilla, J. A. & James, J. C. (1977). Importance-performance analysis. Journal of Marketing, 41(1), 77-79.
    """
    x, y = importance.to_numpy(dtype=float), performance.to_numpy(dtype=float)
    k, both = x.shape[1], np.hstack([x, y])
    found = estimate_means(both, weights)
    low, high = found.interval(confidence)
    draws = replicate_means(both, weights, bootstrap, seed, "bayesian")
    bounds = ((low[:k], high[:k]), (low[k:], high[k:]))
    ids = [str(c) for c in importance.columns]
    of = list(ids) if constructs is None else list(constructs)
    table, at = _grid(ids, level, of, np.minimum(found.n[:k], found.n[k:]), found.mean, bounds, draws, cross, middles)
    if same_scale:
        gap = estimate_means(y - x, weights)
        ends = gap.interval(confidence)
        table = table.assign(gap=gap.mean, gap_lower=ends[0], gap_upper=ends[1])
    return ImportanceResult(table, *at, cross, same_scale, off_total)


@on_one_thread
def derived_grid(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    performance: pd.DataFrame | None = None,
    *,
    derived: Derived = "correlation",
    cross: Cross = "mean",
    middle: float | None = None,
    weights: Weights = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ImportanceResult:
    """Set importance derived from an outcome against performance.

    Parameters
    ----------
    drivers : DataFrame
        What importance is derived from, shape (n, K); rows with blanks in them or in the outcome are left out.
    outcome : Series
        Shape (n,).
    performance : DataFrame, optional
        What performance is measured by, in the same order; the drivers themselves if absent.
    derived : {'correlation', 'share'}
        Correlation with the outcome, or share in what all explain (Shapley values).
    cross : {'mean', 'median', 'scale_middle'}
        Where the quadrants meet; for derived importance, which has no scale, 'scale_middle' takes its mean.
    middle : float, optional
        The middle of the scale of performance, for 'scale_middle'.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample, whose units are redrawn.
    confidence, bootstrap, seed
        As for `importance_grid`.

    Returns
    -------
    ImportanceResult

    Raises
    ------
    InsufficientData
        Too few complete respondents, or too many drivers for shares.
    ValueError
        'scale_middle' without a middle.

    References
    ----------
    Matzler, K., Sauerwein, E. & Heischmidt, K. (2003). Importance-performance analysis revisited. Service Industries Journal,
    23(2), 112-129.
    """
    k = drivers.shape[1]
    values = np.column_stack([drivers.to_numpy(dtype=float), outcome.to_numpy(dtype=float)])
    shown = drivers if performance is None else performance
    values = np.hstack([values, shown.to_numpy(dtype=float)])
    whole = ~np.isnan(values).any(axis=1)
    n = int(whole.sum())
    if n < max(MIN_CELL, k + 3) or (derived == "share" and k > MOST_EXACT):
        raise NotEstimable("few_respondents", f"{n} complete respondents and {k} drivers give no derived importance.")
    w = None if weights is None else row_weights(weights, len(values))[whole]
    point = _derived(np.cov(values[whole, : k + 1], rowvar=False, aweights=w)[None], derived)[0]
    sampled = subset(weights, whole) if isinstance(weights, Design) else w
    # what a design leaves out stays in its place, without a value
    values = np.where(whole[:, None], values, np.nan) if isinstance(sampled, Design) else values[whole]
    spread = concentration(n, k if derived == "share" else 1, confidence)
    replicates = replicate_covariances(np.nan_to_num(values[:, : k + 1]), sampled, bootstrap, seed, "bayesian", spread)
    means = replicate_means(values[:, k + 1 :], sampled, bootstrap, seed, "bayesian", spread)
    drawn = _derived(replicates, derived)
    if isinstance(sampled, Design):
        drawn = heavier(drawn, point, sampled.df, seed)
    level = estimate_means(values[:, k + 1 :], sampled)
    ids = [str(c) for c in drivers.columns]
    draws = np.hstack([drawn, means])
    bounds = (percentile_interval(drawn, confidence), level.interval(confidence))
    middles = None if middle is None else (np.nan, middle)
    table, at = _grid(ids, "driver", list(ids), level.n, np.append(point, level.mean), bounds, draws, cross, middles)
    return ImportanceResult(table, *at, cross, False, np.nan, derived)


def _derived(cov: Array, derived: Derived) -> Array:
    k = cov.shape[-1] - 1
    if derived == "share":
        gains = lmg(cov)
        return np.asarray(gains / gains.sum(axis=-1, keepdims=True))
    sd = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    return np.asarray(cov[..., :k, k] / (sd[..., :k] * sd[..., k:]))


def _grid(
    ids: list[str],
    level: str,
    constructs: Sequence[str | None],
    n: NDArray[np.int64],
    point: Array,
    bounds: tuple[tuple[Array, Array], tuple[Array, Array]],
    draws: Array,
    cross: Cross,
    middles: tuple[float, float] | None,
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Place importance (first half of the columns) and performance (second half) in quadrants."""
    k = len(ids)
    own, at_x, at_y = _quadrants(point[None, :], k, cross, middles)
    member, _, _ = _quadrants(draws, k, cross, middles)
    table = pd.DataFrame({
        "level": level, "id": ids, "construct": constructs, "n": n,
        "importance": point[:k], "importance_lower": bounds[0][0], "importance_upper": bounds[0][1],
        "performance": point[k:], "performance_lower": bounds[1][0], "performance_upper": bounds[1][1],
        "quadrant": [QUADRANTS[q] for q in own[0]], "p_quadrant": (member == own).mean(axis=0),
        "p_concentrate": (member == QUADRANTS.index("concentrate_here")).mean(axis=0),
    })  # fmt: skip
    return table, (float(at_x[0]), float(at_y[0]))


def _quadrants(
    means: Array, k: int, cross: Cross, middles: tuple[float, float] | None
) -> tuple[NDArray[np.int64], Array, Array]:
    """Place each point: 2 for low importance plus 1 for low performance, as positions in QUADRANTS."""
    x, y = means[:, :k], means[:, k:]
    if cross == "scale_middle":
        if middles is None:
            raise ValueError("'scale_middle' needs the middle of the scale")
        at_x = x.mean(axis=1) if np.isnan(middles[0]) else np.full(len(means), middles[0])
        at_y = np.full(len(means), middles[1])
    else:
        middle = np.mean if cross == "mean" else np.median
        at_x, at_y = middle(x, axis=1), middle(y, axis=1)
    place = 2 * (x < at_x[:, None]).astype(np.int64) + (y < at_y[:, None]).astype(np.int64)
    return place, at_x, at_y
