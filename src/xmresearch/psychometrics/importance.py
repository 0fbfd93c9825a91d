"""Importance-performance analysis: a grid with uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import points
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.psychometrics.estimates import estimate_means, replicate_means

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Cross = Literal["mean", "median", "scale_middle"]
MOST_OFF_TOTAL = 0.05
QUADRANTS = ("keep_up", "concentrate_here", "possible_overkill", "low_priority")


@dataclass(frozen=True, repr=False)
class ImportanceResult(Shown):
    """An importance-performance grid.

    Attributes
    ----------
    table : DataFrame
        One row per statement (where importance is rated by statement) or dimension: level, id, construct, n, importance,
        importance_lower, importance_upper, performance, performance_lower, performance_upper, quadrant, p_quadrant (share
        of Bayesian-bootstrap draws in that quadrant, the cross lines redrawn too).
    cross_importance, cross_performance : float
        Where the grid is divided.
    cross : str
        By which rule: mean, median or scale_middle.
    same_scale : bool
        Whether importance and performance were asked on one scale, so that a 45-degree line means something.
    off_total : float
        Of points to be shared out among dimensions: share of respondents whose total is not the usual one; else NaN.
    """

    table: pd.DataFrame
    cross_importance: float
    cross_performance: float
    cross: str
    same_scale: bool
    off_total: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per statement or dimension."""
        return self.table

    @property
    def crossing(self) -> tuple[float, float]:
        """Importance and performance at which the quadrants meet."""
        return self.cross_importance, self.cross_performance

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
def importance_performance(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    cross: Cross = "mean",
    weights: Array | None = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ImportanceResult | None:
    """Set importance against perceived performance.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows.
    codebook : Codebook
        Importance items belong to statements or to dimensions.
    cross : {'mean', 'median', 'scale_middle'}
        Where the quadrants meet: the mean or median over the points, or the middle of both scales.
    weights : ndarray, optional
        Design weights, shape (n,).
    confidence, min_answered, bootstrap, seed
        As for `gaps`.

    Returns
    -------
    ImportanceResult or None
        None where importance was not asked.

    References
    ----------
    Martilla, J. A. & James, J. C. (1977). Journal of Marketing, 41(1), 77-79.
    """
    statements = codebook.statements("importance", "perception")
    if statements:
        asked = [codebook.item("importance", s) for s in statements]
        performed = [codebook.item("perception", s) for s in statements]
        ids, level = statements, "statement"
        constructs = [c.construct for c in asked]
        x = frame[[c.name for c in asked]].to_numpy(dtype=float)
        y = frame[[c.name for c in performed]].to_numpy(dtype=float)
    else:
        points = dimension_scores(frame, codebook, "importance", min_answered)
        points = points[[d for d in points.columns if codebook.names("perception", d)]]
        if points.shape[1] < 2:
            return None
        asked = list(codebook.select("importance"))
        performed = list(codebook.select("perception"))
        ids, level, constructs = list(points.columns), "dimension", list(points.columns)
        x = points.to_numpy()
        y = dimension_scores(frame, codebook, "perception", min_answered)[ids].to_numpy()
    middles = (asked[0].scale.middle, performed[0].scale.middle)
    k = len(ids)
    found = estimate_means(np.hstack([x, y]), weights)
    low, high = found.interval(confidence)
    draws = replicate_means(np.hstack([x, y]), weights, bootstrap, seed, "bayesian")
    own, at_x, at_y = _quadrants(found.mean[None, :], k, cross, middles)
    member, _, _ = _quadrants(draws, k, cross, middles)
    table = pd.DataFrame({
        "level": level, "id": ids, "construct": constructs, "n": np.minimum(found.n[:k], found.n[k:]),
        "importance": found.mean[:k], "importance_lower": low[:k], "importance_upper": high[:k],
        "performance": found.mean[k:], "performance_lower": low[k:], "performance_upper": high[k:],
        "quadrant": [QUADRANTS[q] for q in own[0]], "p_quadrant": (member == own).mean(axis=0),
    })  # fmt: skip
    same = all(a.scale == p.scale for a, p in zip(asked, performed, strict=False))
    off_total = float("nan") if statements else _off_total(x)
    return ImportanceResult(table, float(at_x[0]), float(at_y[0]), cross, bool(statements) and same, off_total)


def _off_total(points: Array) -> float:
    """Share of respondents whose points add up to something else than most respondents' do."""
    totals = np.round(points.sum(axis=1), 6)
    totals = totals[~np.isnan(totals)]
    counts = np.unique_counts(totals).counts
    return float(1 - counts.max() / totals.size) if totals.size and counts.max() > 1 else float("nan")


def _quadrants(
    means: Array, k: int, cross: Cross, middles: tuple[float, float]
) -> tuple[NDArray[np.int64], Array, Array]:
    """Place each point: 2 for low importance plus 1 for low performance, as positions in QUADRANTS."""
    x, y = means[:, :k], means[:, k:]
    if cross == "scale_middle":
        at_x, at_y = np.full(len(means), middles[0]), np.full(len(means), middles[1])
    else:
        middle = np.mean if cross == "mean" else np.median
        at_x, at_y = middle(x, axis=1), middle(y, axis=1)
    place = 2 * (x < at_x[:, None]).astype(np.int64) + (y < at_y[:, None]).astype(np.int64)
    return place, at_x, at_y
