"""What an improvement would be worth, and the satisfaction index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.claims.ranking import Joint
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.sampling.designs import Design
from xmresearch.sampling.sampling_stages import design
from xmresearch.sem.inputs import check_frame, numbers_of
from xmresearch.sem.model import Model
from xmresearch.sem.row_design import require_design
from xmresearch.sem.total_effects import ends, structural
from xmresearch.sem.uncertainty import Fitted, check_fitted, jointly, point, uncertainty
from xmresearch.sufficient.available_moments import item_moments, summed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Scales = Mapping[str, tuple[float, float]]


def items_of(model: Model, construct: str) -> tuple[str, ...]:
    """Return the observed variables that measure a construct, directly or through the constructs that measure it.

    An observed variable measures itself.

    Raises
    ------
    ModelError
        The model has no such variable.
    """
    if construct in model.observed:
        return (construct,)
    measures: dict[str, list[str]] = {}
    for q in model.in_group(0):
        if q.op == "=~":
            measures.setdefault(q.lhs, []).append(q.rhs)
    found, queue = dict.fromkeys([construct]), [construct]
    while queue:
        new = [v for v in measures.get(queue.pop(0), ()) if v not in found]
        found |= dict.fromkeys(new)
        queue += new
    items = tuple(v for v in found if v in model.observed)
    if not items:
        raise ModelError(f"The model measures no construct '{construct}'.", nearest(construct, model.variables))
    return items


@dataclass(frozen=True, repr=False)
class IndexResult(Shown):
    """Indices of constructs from 0 (the lowest answers) to 100 (the highest).

    Attributes
    ----------
    table : DataFrame
        One row per construct: construct, items, n, estimate, ci_lower, ci_upper (0-100), and estimate_weighted, by the items'
        weights in the regression factor score (equal to estimate for a single item, missing where a weight is negative).
    """

    table: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per construct."""
        return self.table

    def of(self, construct: str) -> dict[str, Any] | None:
        """Return the figures of one construct; None where it has no index."""
        rows = self.table[self.table["construct"] == construct]
        if rows.empty:
            return None
        row = rows.iloc[0]
        return {
            "construct": construct, "index": float(row["estimate"]), "index_lower": float(row["ci_lower"]),
            "index_upper": float(row["ci_upper"]), "index_n": int(row["n"]),
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the indices with their intervals."""
        return forest(self.table, "construct", "estimate", "ci", axis="index, 0 to 100", zero=None)


@on_one_thread
def indices(
    fitted: Fitted, data: pd.DataFrame, constructs: Sequence[str], scales: Scales, *, confidence: float = 0.95
) -> IndexResult:
    """Put constructs on a scale from 0 to 100, as the ACSI does for satisfaction.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Says which items measure a construct, and their weights.
    data : DataFrame or StreamedAnswers
        Rows; those complete in a construct's items are used, by the weights and clusters of the fit, whose columns they hold.
    constructs : sequence of str
        Which.
    scales : mapping of str to (float, float)
        Lowest and highest answer of every item.
    confidence : float
        Level of the intervals, which are the t intervals of a mean, linearised where there are weights or clusters.

    Returns
    -------
    IndexResult

    Raises
    ------
    ModelError
        An unknown construct.
    InsufficientData
        Fewer than two complete rows.
    DataError
        The rows lack the fit's column of weights or clusters.

    References
    ----------
    Fornell, C., Johnson, M. D., Anderson, E. W., Cha, J. & Bryant, B. E. (1996). Journal of Marketing, 60, 7-18.
    """
    read = check_fitted(fitted).readout
    if not isinstance(data, StreamedAnswers):
        check_frame(data)
    model, matrices = read.model, read.matrices[0]
    total, _ = matrices.total(point(fitted))
    at = {v: k for k, v in enumerate(model.variables)}
    rows = []
    sampled = None if isinstance(data, StreamedAnswers) else _sampled(fitted, data)
    for construct in constructs:
        items = items_of(model, construct)
        _check_items(fitted, scales, construct)
        low, high = (np.array([scales[v][k] for v in items]) for k in (0, 1))
        where = [at[v] for v in items]
        weights = np.linalg.solve(total[np.ix_(where, where)], total[where, at[construct]])
        spread = weights * (high - low)
        if isinstance(data, StreamedAnswers):
            moments = item_moments(data, items)[""]
            n = moments.n
            _require_rows(construct, n)
            unit = 100 / (high - low)
            share = unit * (moments.mean - low)
            mean, scored, df = float(share.mean()), float(share @ spread), n - 1
            error = float(np.sqrt(unit @ moments.cov @ unit / n)) / len(items)
        else:
            values = numbers_of(data, items)
            complete = ~np.isnan(values).any(axis=1)
            values = values[complete]
            n = len(values)
            _require_rows(construct, n)
            shares = 100 * (values - low) / (high - low)
            mean, error, df = _mean(shares.mean(axis=1), complete, sampled)
            scored, _, _ = _mean(shares @ spread, complete, sampled)
        weighted = scored / spread.sum() if (weights > 0).all() else np.nan
        reach = special.stdtrit(df, (1 + confidence) / 2) * error
        rows.append((construct, len(items), n, mean, mean - reach, mean + reach, weighted))
    columns = ["construct", "items", "n", "estimate", "ci_lower", "ci_upper", "estimate_weighted"]
    return IndexResult(pd.DataFrame(rows, columns=columns))


def _require_rows(construct: str, n: int) -> None:
    if n < 2:
        raise InsufficientData(f"'{construct}' has {n} complete row(s), too few for an index.")


def _sampled(fitted: Fitted, data: pd.DataFrame) -> Design | None:
    """Return the design of rows that a fit with weights or clusters is to be read with; None for any other."""
    columns = [getattr(fitted, k, None) for k in ("sampling_weights", "cluster")]
    if columns == [None, None]:
        return None
    require_design(data, (columns[0], columns[1]))
    return design(data, weights=columns[0], clusters=columns[1])


def _mean(values: Array, used: NDArray[np.bool_], sampled: Design | None) -> tuple[float, float, int]:
    """Return the mean of the rows used, its standard error, and the degrees of freedom of that."""
    if sampled is None:
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), len(values) - 1
    weights = sampled.weights[used]
    mean = float(np.average(values, weights=weights))
    influence = np.zeros((len(sampled), 1))
    influence[used, 0] = (values - mean) / weights.sum()
    return mean, float(np.sqrt(sampled.covariance(influence)[0, 0])), sampled.df


@dataclass(frozen=True, repr=False)
class GainsResult(Shown):
    """What gains in drivers would do to outcomes.

    Attributes
    ----------
    table : DataFrame
        One row per driver and outcome: driver, outcome, gain (in answer points of the driver's items, on average), mean (of
        the driver's items), room (points left up to the top of their scales), change (answer points of the outcome's items,
        with change_lower, change_upper) and index_change (points of its 0-100 index, with index_change_lower and
        index_change_upper).
    changes : Joint
        The changes of the index in the table's order, with the uncertainty of their differences.
    """

    table: pd.DataFrame
    changes: Joint

    def tidy(self, outcome: str | None = None) -> pd.DataFrame:
        """Return one row per driver and outcome, or per driver of one outcome, largest change first."""
        if outcome is None:
            return self.table
        rows = self.table[self.table["outcome"] == outcome]
        return rows.sort_values("index_change", ascending=False, kind="stable").reset_index(drop=True)

    def plot(self) -> Figure:
        """Draw what a gain in each driver would add to the index, with intervals."""
        return forest(
            self.table, ["driver", "outcome"], "index_change", "index_change", axis="change of the index, 0 to 100"
        )


@on_one_thread
def gains(
    fitted: Fitted, data: pd.DataFrame, outcomes: Sequence[str], scales: Scales, *,
    shifts: Mapping[str, float] | float = 0.5,
) -> GainsResult:  # fmt: skip
    """Estimate what a gain in each driver would do to outcomes, if the paths are causal.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Of a model of one group with regressions.
    data : DataFrame or StreamedAnswers
        Rows, for the drivers' present means, weighted as in the fit, whose column of weights they hold.
    outcomes : sequence of str
        Constructs or observed variables that something explains.
    scales : mapping of str to (float, float)
        Lowest and highest answer of every item.
    shifts : mapping of str to float, or float
        Gain of each driver in answer points, averaged over its items; a number means every variable that has a path to an
        outcome.

    Returns
    -------
    GainsResult

    Raises
    ------
    ModelError
        A name that is not in the model's regressions, or items that load against one another.
    DataError
        An item without an answer scale.

    Notes
    -----
    A gain of d points moves a latent driver by d over the mean of its items' loadings, the outcome by the total effect times
    that, and the outcome's items by their loadings. The items of a second-order construct are those of the constructs that
    measure it, and load on it by the products of the loadings along the way.

    References
    ----------
    Fornell, C., Johnson, M. D., Anderson, E. W., Cha, J. & Bryant, B. E. (1996). Journal of Marketing, 60, 7-18.
    """
    read = check_fitted(fitted).readout
    if not isinstance(data, StreamedAnswers):
        check_frame(data)
    model, matrices = read.model, read.matrices[0]
    known = structural(model)
    for name in [*outcomes, *(shifts if isinstance(shifts, Mapping) else ())]:
        if name not in known:
            raise ModelError(f"'{name}' is in no regression of the model.", nearest(name, known))
    at = {v: k for k, v in enumerate(model.variables)}
    points = shifts if isinstance(shifts, Mapping) else {v: float(shifts) for v in known}
    for name in dict.fromkeys([*outcomes, *points]):
        _check_items(fitted, scales, name)
    reach = np.linalg.inv(np.eye(matrices.m) - _pattern(model, at))
    pairs = [(d, o) for o in outcomes for d in points if d != o and reach[at[o], at[d]] != 0]
    if not pairs:
        raise ModelError(f"Nothing in the model drives {', '.join(outcomes)}.", "Add a regression.")

    loadings = _Loadings(model, at)

    def values(theta: Array) -> Array:
        a, _, _ = matrices.fill(theta)
        measured = loadings.measured(a)
        total = np.linalg.inv(np.eye(matrices.m) - a)
        found = []
        for driver, outcome in pairs:
            step = points[driver] / loadings(driver, measured).mean(axis=-1)
            items = items_of(model, outcome)
            moved = loadings(outcome, measured) * (total[..., at[outcome], at[driver]] * step)[..., None]
            width = np.array([scales[v][1] - scales[v][0] for v in items])
            found += [moved.mean(axis=-1), 100 * (moved / width).mean(axis=-1)]
        return np.stack(found, axis=-1)

    estimate, _, low, high = (v.reshape(len(pairs), 2) for v in uncertainty(fitted, values))
    if isinstance(data, StreamedAnswers):
        means = {d: _streamed_mean(data, items_of(model, d)) for d in dict.fromkeys(d for d, _ in pairs)}
    else:
        sampled = _sampled(fitted, data)
        means = {d: _present(numbers_of(data, items_of(model, d)), sampled) for d, _ in pairs}
    tops = {d: float(np.mean([scales[v][1] for v in items_of(model, d)])) for d, _ in pairs}
    table = pd.DataFrame({
        "driver": [d for d, _ in pairs], "outcome": [o for _, o in pairs], "gain": [points[d] for d, _ in pairs],
        "mean": [means[d] for d, _ in pairs], "room": [tops[d] - means[d] for d, _ in pairs],
        "change": estimate[:, 0], "change_lower": low[:, 0], "change_upper": high[:, 0],
        "index_change": estimate[:, 1], "index_change_lower": low[:, 1], "index_change_upper": high[:, 1],
    })  # fmt: skip
    return GainsResult(table, jointly(fitted, lambda theta: values(theta)[..., 1::2]))


def _streamed_mean(answers: StreamedAnswers, items: Sequence[str]) -> float:
    """Return the mean of items' means, each of its own answers."""
    names = list(items)

    def sums(rows: pd.DataFrame) -> Array:
        x = rows[names].to_numpy(dtype=np.float64)
        return np.stack([np.nansum(x, axis=0), (~np.isnan(x)).sum(axis=0)])

    total, n = summed(answers, sums)
    return float((total / n).mean())


def _present(values: Array, sampled: Design | None) -> float:
    """Return the mean of items' means, each of its own answers."""
    if sampled is None:
        return float(pd.DataFrame(values).mean().mean())
    return float(np.mean([_mean(v[~np.isnan(v)], ~np.isnan(v), sampled)[0] for v in values.T]))


def _check_items(fitted: Fitted, scales: Scales, construct: str) -> None:
    """Refuse items without an answer scale, and those that load against one another."""
    model = fitted.readout.model
    items = items_of(model, construct)
    for item in items:
        if item not in scales:
            raise DataError(f"The answer scale of '{item}' is not known.", "Add it to the codebook, or to `scales`.")
    a, _, _ = fitted.readout.matrices[0].fill(point(fitted))
    at = {v: k for k, v in enumerate(model.variables)}
    loadings = _Loadings(model, at)
    values = loadings(construct, loadings.measured(a))
    if abs(values.mean()) < np.abs(values).mean() / 2:
        against = items[int(np.argmin(values * np.sign(np.median(values) or 1.0)))]
        raise ModelError(
            f"The items of '{construct}' load against one another ('{against}' does), so a gain in them means nothing.",
            f"Reverse '{against}' (reverse: true in the codebook).",
        )


class _Loadings:
    """The loadings of constructs' items, products of loadings where constructs measure constructs."""

    def __init__(self, model: Model, at: Mapping[str, int]) -> None:
        self._model, self._at = model, at
        self._measures = np.zeros((len(at), len(at)), dtype=bool)
        for q in model.in_group(0):
            if q.op == "=~":
                self._measures[at[q.rhs], at[q.lhs]] = True

    def measured(self, a: Array) -> Array:
        """Return what a unit of each variable adds to every other one by measurement alone, shape (..., m, m)."""
        return np.asarray(np.linalg.inv(np.eye(len(self._at)) - np.where(self._measures, a, 0.0)))

    def __call__(self, construct: str, measured: Array) -> Array:
        """Return a construct's loadings, shape (..., items); an observed variable has the loading one."""
        where = [self._at[v] for v in items_of(self._model, construct)]
        return np.asarray(measured[..., where, self._at[construct]])


def _pattern(model: Model, at: Mapping[str, int]) -> Array:
    """Return equal positive paths, whose sums over chains are positive exactly where one variable reaches another."""
    pattern = np.zeros((len(at), len(at)))
    for q in model.in_group(0):
        if directed := ends(model, q):
            cause, outcome = directed
            pattern[at[outcome], at[cause]] = 0.1
    return pattern
