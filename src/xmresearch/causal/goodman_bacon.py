"""What a two-way fixed effects estimate mixes (Goodman-Bacon, 2021), and which effects it counts negatively."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
TYPES = ("treated_vs_never", "earlier_vs_later", "later_vs_earlier", "treated_vs_always")
FEW_FORBIDDEN = 0.1


@dataclass(frozen=True, repr=False)
class BaconResult(Shown):
    """Decomposition of the two-way fixed effects estimate.

    Attributes
    ----------
    comparisons : DataFrame
        One row per pair of cohorts and comparison: treated, control (cohorts; never and always as such), type, weight,
        estimate (of the 2x2), forbidden (units already treated serve as controls). Weights sum to one and the weighted
        estimates to `twfe`.
    types : DataFrame
        type, weight and weighted mean estimate of each type that occurs.
    effect_weights : DataFrame
        cohort, time, n and weight that the estimate gives to each treated cohort's effect in each period; they sum to one.
    twfe : float
        Coefficient of treatment with unit and period effects.
    forbidden : float
        Weight of the forbidden comparisons.
    negative : float
        Sum of the negative effect weights, zero or less.
    negative_cells : float
        Share of treated cohort-periods with a negative weight.
    fragility : float
        Smallest standard deviation of the effects over treated units and periods under which the mean effect on the treated
        could be zero (de Chaisemartin & D'Haultfoeuille's first measure), in units of the outcome.
    n_units, n_periods : int
        Of the balanced panel.
    """

    comparisons: pd.DataFrame
    types: pd.DataFrame
    effect_weights: pd.DataFrame
    twfe: float
    forbidden: float
    negative: float
    negative_cells: float
    fragility: float
    n_units: int
    n_periods: int

    def tidy(self) -> pd.DataFrame:
        """Return the comparisons."""
        return self.comparisons

    def summary(self) -> dict[str, Any]:
        """Return the estimate, what the clean comparisons alone give and the share of forbidden ones."""
        clean = self.comparisons[~self.comparisons["forbidden"]]
        total = float(clean["weight"].sum())
        alone = float((clean["weight"] * clean["estimate"]).sum() / total) if total > 0 else float("nan")
        return {
            "case": "clean" if self.forbidden == 0 else "mixed", "twfe": self.twfe, "clean": alone,
            "forbidden": self.forbidden, "negative": self.negative, "comparisons": len(self.comparisons),
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the estimate of each comparison against its weight, by type."""
        return points(self.comparisons, "weight", "estimate", "treated", kind="type")

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"": self.types}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        rows: list[tuple[str, float, float, str]] = [
            ("forbidden", self.forbidden, FEW_FORBIDDEN, "pass" if self.forbidden <= FEW_FORBIDDEN else "warn"),
            ("negative_weights", self.negative, 0.0, "pass" if self.negative >= -1e-12 else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def bacon(data: pd.DataFrame, *, outcome: str, unit: str, time: str, cohort: str) -> BaconResult:
    """Decompose the two-way fixed effects estimate of a treatment that stays on.

    With D the share of periods under treatment, n the share of units and V the variance of the treatment left by unit and
    period effects, the weight of a 2x2 is the squared size of its subsample times the treatment's variance in it, over V.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period, balanced.
    outcome, unit, time : str
        Columns; time is numeric.
    cohort : str
        Column of the first treated period; missing, zero (where zero is before the first period) or after the last period
        for units never treated, the first period or before for units always treated.

    Returns
    -------
    BaconResult

    Raises
    ------
    DataError
        A column is missing or not numeric, the panel is not balanced or a unit changes its cohort.
    InsufficientData
        Treatment does not vary beyond units and periods.

    References
    ----------
    Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing. Journal of Econometrics, 225(2),
    254-277.

    de Chaisemartin, C. & D'Haultfoeuille, X. (2020). Two-way fixed effects estimators with heterogeneous treatment effects.
    American Economic Review, 110(9), 2964-2996.
    """
    y, times, first = _panel(data, outcome, unit, time, cohort)
    treated = times[None, :] >= first[:, None]
    left = _within(treated.astype(float))
    spread = float((left**2).mean())
    if spread < 1e-14:
        raise InsufficientData(
            "Treatment does not vary beyond units and periods.", "It takes units treated at different times, or never."
        )
    cohorts, of = np.unique(first, return_inverse=True)
    share, size = treated.mean(axis=1), np.bincount(of) / len(y)
    paths = np.array([y[of == g].mean(axis=0) for g in range(len(cohorts))])
    dose = np.array([share[of == g][0] for g in range(len(cohorts))])
    rows = []
    for a in range(len(cohorts)):
        for b in range(a + 1, len(cohorts)):
            rows += _pair(times, cohorts[[a, b]], paths[[a, b]], dose[[a, b]], size[[a, b]], spread)
    comparisons = pd.DataFrame(rows, columns=["treated", "control", "type", "weight", "estimate", "forbidden"])
    twfe = float((left * y).sum() / (left**2).sum())
    effects = _effect_weights(times, cohorts, of, treated, left)
    weights, n = effects["weight"].to_numpy(), effects["n"].to_numpy()
    relative = weights / (n / n.sum())
    sd = float(np.sqrt(np.average((relative - 1) ** 2, weights=n)))
    grouped = comparisons.assign(part=comparisons["weight"] * comparisons["estimate"]).groupby("type")[
        ["weight", "part"]
    ]
    types = grouped.sum().reindex([t for t in TYPES if t in set(comparisons["type"])]).reset_index()
    types["estimate"] = types.pop("part") / types["weight"]
    return BaconResult(
        comparisons, types, effects, twfe, float(comparisons.loc[comparisons["forbidden"], "weight"].sum()),
        float(weights[weights < 0].sum()), float((weights < 0).mean()), abs(twfe) / sd if sd > 0 else float("inf"),
        y.shape[0], y.shape[1],
    )  # fmt: skip


def _pair(
    times: Array, cohorts: Array, paths: Array, dose: Array, size: Array, spread: float
) -> list[tuple[Any, Any, str, float, float, bool]]:
    """Return the one or two comparisons of an earlier with a later cohort."""
    early, late = dose
    both, inner = float(size.sum()), float(size[0] / size.sum())
    balance = both**2 * inner * (1 - inner) / spread
    names = [_name(c) for c in cohorts]
    before, after = times < cohorts[0], times >= cohorts[1]
    between = ~before & ~after
    rows: list[tuple[Any, Any, str, float, float, bool]] = []
    gap = paths[0] - paths[1]
    if before.any():
        kind = "treated_vs_never" if late == 0 else "earlier_vs_later"
        weight = balance * (early - late) * (1 - early)
        rows.append((names[0], names[1], kind, weight, float(gap[between].mean() - gap[before].mean()), False))
    if after.any():
        kind = "treated_vs_always" if early == 1 else "later_vs_earlier"
        weight = balance * late * (early - late)
        rows.append((names[1], names[0], kind, weight, float(gap[between].mean() - gap[after].mean()), True))
    return rows


def _name(cohort: float) -> Any:
    if np.isinf(cohort):
        return "never" if cohort > 0 else "always"
    return int(cohort) if float(cohort).is_integer() else float(cohort)


def _effect_weights(
    times: Array, cohorts: Array, of: NDArray[np.int64], treated: NDArray[np.bool_], left: Array
) -> pd.DataFrame:
    """Return the weight of every treated cohort-period's effect."""
    total = float(left[treated].sum())
    rows = []
    for g, cohort in enumerate(cohorts):
        members = of == g
        for t in np.flatnonzero(times >= cohort):
            rows.append((_name(cohort), times[t], int(members.sum()), float(left[members, t].sum() / total)))
    return pd.DataFrame(rows, columns=["cohort", "time", "n", "weight"])


def _within(values: Array) -> Array:
    """Take out unit and period means of a balanced panel."""
    return np.asarray(
        values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean(),
        dtype=np.float64,
    )


def _panel(data: pd.DataFrame, outcome: str, unit: str, time: str, cohort: str) -> tuple[Array, Array, Array]:
    """Return outcomes, shape (units, periods), periods and first treated periods (inf never, -inf always)."""
    for name in (outcome, unit, time, cohort):
        if name not in data.columns:
            raise DataError(f"There is no column '{name}'.", nearest(name, data.columns))
    for name in (outcome, time, cohort):
        if not pd.api.types.is_numeric_dtype(data[name]):
            raise DataError(f"Column '{name}' is not numeric.", "Number the periods; leave the never treated empty.")
    twice = data[[unit, time]].duplicated().to_numpy()
    if twice.any():
        raise DataError(
            f"{twice.sum()} row(s) repeat a unit's period, the first of them data row {twice.argmax() + 1}.",
            "One row per unit and period.",
        )
    wide = data.pivot(index=unit, columns=time, values=outcome)
    y = wide.to_numpy(dtype=float)
    if not np.isfinite(y).all():
        lacking = ~np.isfinite(y)
        raise DataError(
            f"The panel is not balanced: {lacking.any(axis=1).sum()} unit(s) lack a period, such as "
            f"{wide.columns[lacking.any(axis=0).argmax()]:g}.",
            "The decomposition needs every unit in every period.",
        )
    starts = data.groupby(unit)[cohort]
    changing = int((starts.nunique(dropna=False) > 1).sum())
    if changing:
        raise DataError(f"{changing} unit(s) change their cohort.", "Treatment stays on.")
    times, first = wide.columns.to_numpy(dtype=float), starts.first().reindex(wide.index).to_numpy(dtype=float)
    first = np.where(np.isnan(first) | (first > times[-1]) | ((first == 0) & (times[0] > 0)), np.inf, first)
    return y, times, np.where(first <= times[0], -np.inf, first)
