"""What a gain in a driver would bring: expected change of the outcome, and value for money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.drivers.best_levels import best_levels
from xmresearch.drivers.cumulative_logit import GradedOutcome, fit_subsets, replicate_subsets
from xmresearch.drivers.importance_fit import check_told_apart
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.drivers.rank_posterior import chance_of_lead, pulled_together
from xmresearch.drivers.replicate_weights import replicate_weights
from xmresearch.drivers.result import Kind
from xmresearch.errors import ParamsError, nearest
from xmresearch.inference.estimates import percentile_interval
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.sampling.net_scores import DETRACTOR, PROMOTER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Target = Literal["mean", "nps", "top_box"]


@dataclass(frozen=True, repr=False)
class GainResult(Shown):
    """What moving each driver would bring, as far as the association is a cause.

    Attributes
    ----------
    table : DataFrame
        One row per driver and move, largest gain first within a move: move (one_point, best_group), construct, best (the group whose level is the mark), shift (mean move
        of the driver in its own points; nobody goes beyond the scale), gain with lower and upper (change of the target), cost,
        per_cost with lower and upper (gain for one unit of cost; NaN without costs), p_first (posterior probability that it
        brings most, see `pulled_together`) and p_value (that it brings most for its cost).
    target : str
        mean (in points of the outcome), nps (in points of -100 to 100) or top_box (in percentage points).
    best : dict of str to str
        The group with the highest level of each driver; empty without groups.
    draws : dict of str to ndarray
        Gains in each draw by move, shape (draws, K), in the order of `names`.
    names : list of str
        Of the drivers, as given.
    n : int
        Complete respondents.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    target: str
    best: dict[str, str]
    draws: dict[str, Array]
    names: list[str]
    n: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver and move."""
        return self.table

    def of(self, move: str) -> pd.DataFrame:
        """Return the rows of one move."""
        return self.table[self.table["move"] == move].reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return the largest gain from one point more."""
        top = self.of("one_point").iloc[0]
        return {"construct": top["construct"], "target": self.target, "n": self.n} | {
            k: top[k] for k in ("gain", "gain_lower", "gain_upper", "p_first")
        }

    def basis(self) -> dict[str, Any]:
        """Return what gains are counted in, and whether every driver has a cost (by_value) or not (by_gain)."""
        priced = self.of("one_point")["cost"].gt(0).all()
        return {"case": "by_value" if priced else "by_gain", "unit": f"target_{self.target}", "n": self.n}

    def plot(self) -> Figure:
        """Draw the gain from one point more of each driver, with intervals."""
        return forest(self.of("one_point"), "construct", "gain", "gain", axis=f"change of the {self.target}")


@on_one_thread
def gains(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    *,
    kind: Kind = "numeric",
    target: Target = "mean",
    top: float | None = None,
    most: Mapping[str, float] | None = None,
    groups: pd.Series | None = None,
    costs: Mapping[str, float] | None = None,
    weights: Weights = None,
    clusters: NDArray[Any] | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> GainResult:
    """Estimate what one point more of a driver, or the best group's level of it, would bring, the others held.

    Parameters
    ----------
    drivers : DataFrame
        One column per driver, shape (n, K); rows with blanks are left out.
    outcome : Series
        Shape (n,); for 'nps' answers from 0 to 10.
    kind : {'numeric', 'binary', 'ordinal'}
        Of the outcome: whether its mean is that of a number (linear regression) or of grades (cumulative logit).
    target : {'mean', 'nps', 'top_box'}
        nps and top_box are always by a cumulative logit.
    top : float, optional
        Answers from which on the outcome counts for 'top_box'; its highest if absent.
    most : mapping of str to float, optional
        Highest value of each driver; its highest answer if absent.
    groups : Series, optional
        Such as branches, shape (n,); groups below `min_cell` are not looked at. Their levels are pulled towards the mean by
        how uncertain they are, as the best of many looks better than it is.
    costs : mapping of str to float, optional
        What one point more of each driver costs, in any unit.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample, whose units are redrawn; of grades its weights and clusters count.
    clusters : array, optional
        What was drawn as a whole, shape (n,). A design has its own.
    min_cell : int
        Smallest group.
    confidence : float
        Level of the percentile intervals.
    bootstrap, seed : int
        Draws of the Bayesian bootstrap and their seed.

    Returns
    -------
    GainResult

    Raises
    ------
    InsufficientData
        Too few complete respondents, or drivers that cannot be told apart.
    ParamsError
        Costs of an unknown driver, or that are not above zero.

    References
    ----------
    Anderson, E. W. & Mittal, V. (2000). Strengthening the satisfaction-profit chain. Journal of Service Research, 3, 107-120.
    Efron, B. & Morris, C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American
    Statistical Association, 70, 311-319.
    """
    names = [str(c) for c in drivers.columns]
    price = _costs(costs, names)
    x, y = drivers.to_numpy(dtype=float), outcome.to_numpy(dtype=float)
    whole = ~np.isnan(x).any(axis=1) & ~np.isnan(y)
    x, y, k, n = x[whole], y[whole], x.shape[1], int(whole.sum())
    if n < max(3 * (k + 1), MIN_CELL):
        raise NotEstimable("few_respondents", f"{n} complete respondents cannot tell what {k} drivers bring.")
    check_told_apart(np.cov(np.column_stack([x, y]), rowvar=False), [*names, str(outcome.name)])
    linear = target == "mean" and kind == "numeric"
    sampled = replicate_weights(
        whole, weights, clusters, slopes=k, draws=bootstrap, seed=seed, confidence=confidence, graded=not linear
    )
    w, drawn = sampled.weights, sampled.drawn
    upper = np.array([(most or {}).get(c, x[:, j].max()) for j, c in enumerate(names)], dtype=float)
    moves = {"one_point": np.minimum(1.0, np.maximum(upper - x, 0.0))}
    best: dict[str, str] = {}
    unsure = np.zeros(k)
    if groups is not None:
        best, step, unsure = best_levels(x, groups[whole], w, names, min_cell)
        moves |= {"best_group": np.minimum(step, np.maximum(upper - x, 0.0))} if best else {}
    change = _linear if linear else _graded(target, top)
    point, draws = change(x, y, w, drawn, moves)
    draws = {m: sampled.spread(d, point[m], seed) for m, d in draws.items()}
    if "best_group" in moves:
        # how far the best group is ahead is uncertain too
        shift = np.average(moves["best_group"], axis=0, weights=w)
        apart = np.divide(unsure, shift, out=np.zeros(k), where=shift > 0)
        noise = np.random.default_rng([seed, n]).standard_normal(draws["best_group"].shape)
        draws["best_group"] = draws["best_group"] * (1 + apart * noise)
    parts = [_part(m, names, moves[m], w, point[m], draws[m], price, confidence, seed) for m in moves]
    table = pd.concat(parts, ignore_index=True)
    table["best"] = table["construct"].map(best).where(table["move"] == "best_group")
    return GainResult(table, target, best, draws, names, n, confidence)


def _costs(costs: Mapping[str, float] | None, names: list[str]) -> Array:
    given = dict(costs or {})
    for name, cost in given.items():
        if name not in names:
            raise ParamsError(f"costs: there is no driver '{name}'.", nearest(name, names))
        if not cost > 0:
            raise ParamsError(f"costs: that of '{name}' is {cost:g}; it must be above zero.")
    return np.array([given.get(name, np.nan) for name in names], dtype=float)


def _linear(
    x: Array, y: Array, w: Array, drawn: Array, moves: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Multiply slopes by mean moves, in the sample and in each draw."""
    n, k = x.shape
    z = np.column_stack([np.ones(n), x - x.mean(axis=0), y])
    pairs = np.triu_indices(k + 2)
    products = z[:, pairs[0]] * z[:, pairs[1]]
    every = np.vstack([w, drawn])
    sums = np.empty((len(every), k + 2, k + 2))
    sums[:, pairs[0], pairs[1]] = every @ products
    sums[:, pairs[1], pairs[0]] = sums[:, pairs[0], pairs[1]]
    slope = np.linalg.solve(sums[:, : k + 1, : k + 1], sums[:, : k + 1, k + 1 :])[:, 1:, 0]
    found = {m: slope * (every @ step / every.sum(axis=1, keepdims=True)) for m, step in moves.items()}
    return {m: f[0] for m, f in found.items()}, {m: f[1:] for m, f in found.items()}


def _graded(target: str, top: float | None) -> Any:
    """Return a function that moves the answers' probabilities."""

    def change(
        x: Array, y: Array, w: Array, drawn: Array, moves: Mapping[str, Array]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        k = x.shape[1]
        grades, place = np.unique(y, return_inverse=True)
        if target == "nps":
            worth: Array = np.asarray(100.0 * ((grades >= PROMOTER).astype(float) - (grades <= DETRACTOR)))
        elif target == "mean":
            worth = np.asarray(grades, dtype=np.float64)
        else:
            worth = np.asarray(100.0 * (grades >= (grades[-1] if top is None else top)))
        centre, sd = x.mean(axis=0), x.std(axis=0)
        z = (x - centre) / sd
        outcome = GradedOutcome(z, place)
        fits = fit_subsets(outcome, np.ones((1, k), dtype=bool), w)
        thresholds, slopes = replicate_subsets(outcome, fits, drawn)[2:]
        every = [(w, fits.thresholds[0], fits.slopes[0]), *zip(drawn, thresholds, slopes, strict=True)]
        steps = np.diff(worth)
        found = {m: np.empty((len(every), k)) for m in moves}
        for b, (weight, cut, slope) in enumerate(every):
            eta, share = z @ slope, weight / weight.sum()
            # the expected worth is the lowest grade's, plus each step times the chance to be above its threshold
            before = expit(eta[:, None] - cut) @ steps
            for m, step in moves.items():
                for j in range(k):
                    after = expit((eta + slope[j] * step[:, j] / sd[j])[:, None] - cut) @ steps
                    found[m][b, j] = share @ (after - before)
        return {m: f[0] for m, f in found.items()}, {m: f[1:] for m, f in found.items()}

    return change


def _part(
    move: str, names: list[str], step: Array, w: Array, point: Array, draws: Array, price: Array, confidence: float, seed: int
) -> pd.DataFrame:  # fmt: skip
    k = len(names)
    low, high = percentile_interval(draws, confidence)
    shift = np.average(step, axis=0, weights=w)
    spent = price * shift
    with np.errstate(invalid="ignore", divide="ignore"):
        likely = pulled_together(point, draws, seed)
        worth = np.where(spent > 0, likely / spent, np.nan)
    priced = np.isfinite(worth).all(axis=0)
    chance = np.full(k, np.nan)
    if priced.any():
        chance[priced] = chance_of_lead(worth[:, priced])
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame({
            "move": move, "construct": names, "shift": shift, "gain": point, "gain_lower": low, "gain_upper": high, "cost": spent,
            "per_cost": np.where(spent > 0, point / spent, np.nan), "per_cost_lower": np.where(spent > 0, low / spent, np.nan),
            "per_cost_upper": np.where(spent > 0, high / spent, np.nan),
            "p_first": chance_of_lead(likely), "p_value": chance,
        })  # fmt: skip
    return table.sort_values("gain", ascending=False, kind="stable")
