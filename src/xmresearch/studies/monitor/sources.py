"""Where a change lies, by branch, and what the figure is expected to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import count_of
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.monitoring.change_shares import ChangeShares
from xmresearch.monitoring.change_sources import segment_shares
from xmresearch.monitoring.forecasts import Forecast, forecast
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import FeedbackSeries
from xmresearch.studies.monitor.standing import factor_of
from xmresearch.studies.monitor.watching import Watched
from xmresearch.sufficient.calendar import covering, name

Array = NDArray[np.float64]
OTHERS = "other_branches"
CYCLES = {"day": 7, "week": 1, "month": 12, "quarter": 4}
MOST_LISTED = 24
FORETOLD = 0.95
"""Level of the intervals of what comes."""


@dataclass(frozen=True, repr=False)
class Sources(Shown):
    """What branches add to the change since an alarm began.

    Attributes
    ----------
    shares : ChangeShares
        Of the change from the baseline, as mix and score of each branch.
    claim : Claim
        For how many branches it is shown that their own figure added to the change, by Holm.
    """

    shares: ChangeShares
    claim: Claim

    def tidy(self) -> pd.DataFrame:
        """Return the parts, the largest first, with the interval of each under its name."""
        table = self.shares.table.rename(columns={"lower": "estimate_lower", "upper": "estimate_upper"})
        order = table["estimate"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].head(MOST_LISTED).reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return the change that is divided."""
        return {k: self.shares.total[k] for k in ("before", "after", "change")}


def change_sources(params: MonitorParams, series: FeedbackSeries, found: Watched) -> Sources | None:
    """Divide the change since an alarm began among the branches.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    series : FeedbackSeries
        With branches.
    found : Watched
        The series under watch.

    Returns
    -------
    Sources or None
        None without an alarm that goes on, without branches, and for figures that are no mean of answers. Branches that are too small to
        be shown stand together. What a branch's figure is uncertain by is told by how it varied from period to period in the baseline.
    """
    row = found.current()
    if row is None or len(series.branches) < 2 or params.kpi in ("count", "value"):
        return None
    base = found.table["baseline"].to_numpy()
    since = np.arange(len(base)) >= series.names.index(row["began"])
    n, total, names = _shown(params, series, base, since)
    if len(names) < 2:
        return None
    scale = factor_of(params.kpi)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = scale * total / n
        mean = scale * total[:, base].sum(axis=1) / n[:, base].sum(axis=1)
        away = np.where(n[:, base] > 0, n[:, base] * (value[:, base] - mean[:, None]) ** 2, 0.0)
        sd = np.sqrt(away.sum(axis=1) / np.maximum((n[:, base] > 0).sum(axis=1) - 1, 1))
    sides = []
    for part in (base, since):
        size = n[:, part].sum(axis=1)
        sides.append(pd.DataFrame({
            "segment": names, "share": size / size.sum(), "n_eff": size, "estimate": scale * total[:, part].sum(axis=1) / size,
            "spread": sd / np.sqrt(size),
        }))  # fmt: skip
    shares = segment_shares(sides[0], sides[1], confidence=params.confidence)
    own = shares.table[shares.table["part"] == "score"]
    claim = count_of("sources", [str(f) for f in own["factor"]], own["p"], confidence=params.confidence)
    steady = found.steady()
    return Sources(shares, claim.given(steady).about(change=float(shares.total["change"]), since=str(row["began"])))


def _shown(
    params: MonitorParams, series: FeedbackSeries, base: NDArray[np.bool_], since: NDArray[np.bool_]
) -> tuple[Array, Array, list[str]]:
    """Return answers and sums by branch and period, those too small to be shown in one."""
    rows = series.branch_rows
    few = params.smallest_shown()
    small = (rows[:, base].sum(axis=1) < max(few, 2)) | (rows[:, since].sum(axis=1) < max(few, 2))
    hidden = hidden_counts(rows[:, base | since].sum(axis=1), few, small)
    parts = [series.branch_n, series.branch_total]
    names = [b for b, h in zip(series.branches, hidden, strict=True) if not h]
    if hidden.any() and rows[hidden][:, since].sum() >= max(few, 2) and rows[hidden][:, base].sum() >= max(few, 2):
        names = [*names, OTHERS]
        joined = [np.vstack([p[~hidden], p[hidden].sum(axis=0)]) for p in parts]
    else:
        joined = [p[~hidden] for p in parts]
    return joined[0], joined[1], names


def foretold(params: MonitorParams, series: FeedbackSeries, found: Watched) -> Forecast | None:
    """Foretell the figure by exponential smoothing, or return None where that is not asked for or the series is too short."""
    if not params.horizon:
        return None
    value = found.table["value"].to_numpy(dtype="float64")
    there = np.isfinite(value)
    cycle = CYCLES[params.period] if params.season == "auto" else 1
    try:
        if params.kpi == "share":
            return forecast(
                np.where(there, series.total, np.nan), n=np.where(there, series.n, 0.0), horizon=params.horizon, cycle=cycle, model="smoothing"
            )  # fmt: skip
        return forecast(value, horizon=params.horizon, cycle=cycle, model="smoothing")
    except InsufficientData:
        return None


def foretold_shown(params: MonitorParams, series: FeedbackSeries, ahead: Forecast | None) -> pd.DataFrame | None:
    """Return the periods to come, named, in the units that are shown."""
    if ahead is None:
        return None
    spans = []
    last = series.spans[-1]
    for _ in range(len(ahead.table)):
        last = covering(last.last + timedelta(days=1), params.period)
        spans.append(name(last))
    scale = factor_of(params.kpi)
    columns = {"forecast": "forecast", "forecast_lower": "lower95", "forecast_upper": "upper95"}
    return pd.DataFrame({"period": spans, **{k: scale * ahead.table[v].to_numpy() for k, v in columns.items()}})
