"""For whom: the headline by group, pooled and ranked; what its change is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import hidden_groups
from xmresearch.display import Shown
from xmresearch.metrics.change_parts import mix_and_score
from xmresearch.metrics.league_tables import draws_of_groups, outlying, rank_chances
from xmresearch.metrics.many_groups import PooledGroups, pool_means, pool_shares
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WEIGHT, Rows
from xmresearch.studies.scorecard.scoring import change_of, change_row, scored, told

FEWEST_POOLED = 3
"""Groups from which on they are pooled."""


@dataclass(frozen=True, repr=False)
class Breakdown(Shown):
    """The headline by group.

    Attributes
    ----------
    table : DataFrame
        One row per group that may be shown: segment, value, n, n_eff, estimate with ci_lower and ci_upper, se, spread; before, change with
        change_lower and change_upper, p and p_adjusted (Holm over all groups of all segments) where there are two waves; of the ranked
        segment pooled with pooled_lower and pooled_upper, kept, p_first, p_last, p_outlying.
    pooled : PooledGroups or None
        Of the first segment, in the order of its rows; None where it has fewer than three groups.
    ranked : str
        The first segment; empty where there is none.
    centre : float
        Mean of the ranked groups, weighted by their precision.
    parts : DataFrame
        By segment, what the change is made of: segment, part, estimate with ci_lower and ci_upper, p.
    hidden : int
        Groups that are too small to be shown, or from which such a one could be worked out.
    """

    table: pd.DataFrame
    pooled: PooledGroups | None
    ranked: str
    centre: float
    parts: pd.DataFrame
    hidden: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def of_ranked(self) -> pd.DataFrame:
        """Return the groups that are ranked."""
        return self.table[self.table["segment"] == self.ranked]

    def ranked_by(self) -> dict[str, str]:
        """Return whether the ranked groups are compared by pooled estimates, or as observed."""
        return {"case": "observed" if self.pooled is None else "pooled"}

    def told_parts(self) -> pd.DataFrame | None:
        """Return what the change is made of; None where there is no change to tell of."""
        return None if self.parts.empty else self.parts

    def hidden_summary(self) -> dict[str, int] | None:
        """Return how many groups are hidden; None where none is."""
        return {"count": self.hidden} if self.hidden else None


def breakdown(rows: Rows, asked: Asked, params: ScorecardParams) -> Breakdown | None:
    """Score the headline in every group.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : Asked
        The headline.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    Breakdown or None
        None where there are no segments, or no group that may be shown.
    """
    shown = {w: _shown(rows, w, asked, params) for w in {rows.before, rows.after} - {""}}
    parts, tables, hidden = [], [], 0
    for segment in params.segments:
        open_now = shown[rows.after][segment]
        hidden += rows.of(rows.after)[segment].nunique() - len(open_now)
        table = _scores(rows, rows.after, asked, segment, open_now, params.confidence)
        if rows.before and len(table):
            table = _with_changes(table, rows, asked, segment, shown[rows.before][segment], params.confidence)
            parts.append(_parts(rows, asked, segment, params.confidence))
        tables.append(table)
    filled = [t for t in tables if len(t)]
    if not filled:
        return None
    whole = pd.concat(filled, ignore_index=True)
    if "p" in whole:
        whole["p_adjusted"] = adjusted(whole["p"].to_numpy())
    ranked = params.segments[0] if len(tables[0]) > 1 else ""
    whole, pooled, centre = _ranked(whole, ranked, asked, params)
    return Breakdown(
        whole, pooled, ranked, centre, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), hidden
    )


def every_metric(rows: Rows, asked: Sequence[Asked], params: ScorecardParams) -> pd.DataFrame | None:
    """Score every metric in every group of the later wave that may be shown, with its change.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : sequence of Asked
        The metrics.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    DataFrame or None
        One row per metric and group: metric, segment, value, n, n_eff, estimate with ci_lower and ci_upper; before, change with
        change_lower and change_upper where there are two waves, NaN for a group that may not be shown in the earlier one. No p values:
        those of the headline are adjusted for its own groups. None where there are no segments, or nothing may be shown.
    """
    tables = []
    for metric in asked:
        shown = {w: _shown(rows, w, metric, params) for w in {rows.before, rows.after} - {""}}
        for segment in params.segments:
            table = _scores(rows, rows.after, metric, segment, shown[rows.after][segment], params.confidence)
            if rows.before and len(table):
                table = _with_changes(table, rows, metric, segment, shown[rows.before][segment], params.confidence)
            if len(table):
                tables.append(table.assign(metric=metric.item))
    if not tables:
        return None
    kept = ["metric", "segment", "value", "n", "n_eff", "estimate", "ci_lower", "ci_upper"]
    changed = ["before", "change", "change_lower", "change_upper"] if rows.before else []
    return pd.concat(tables, ignore_index=True)[kept + changed]


def _shown(rows: Rows, wave: str, asked: Asked, params: ScorecardParams) -> dict[str, list[str]]:
    """Return the groups of each segment that may be shown in a wave."""
    part = rows.of(wave)
    part = part[part[asked.item].notna()]
    names = {s: sorted(part[s].dropna().unique(), key=str) for s in params.segments}
    masks = {s: [(part[s] == v).to_numpy(dtype=bool) for v in values] for s, values in names.items()}
    away = hidden_groups({s: m for s, m in masks.items() if m}, params.min_cell)
    return {s: [v for v, h in zip(values, away.get(s, []), strict=True) if not h] for s, values in names.items()}


def _scores(rows: Rows, wave: str, asked: Asked, segment: str, shown: list[str], confidence: float) -> pd.DataFrame:
    part = rows.of(wave)
    part = part[part[segment].isin(shown)]
    if part.empty:
        return pd.DataFrame()
    found = told(scored(part, asked, [segment], rows, confidence))
    found.insert(0, "segment", segment)
    return found.rename(columns={segment: "value"})


def _with_changes(
    table: pd.DataFrame, rows: Rows, asked: Asked, segment: str, shown: list[str], confidence: float
) -> pd.DataFrame:
    past, now = rows.of(rows.before), rows.of(rows.after)
    earlier = past[past[segment].isin(shown)]
    known = {}
    if len(earlier):
        known = {r[segment]: r for r in scored(earlier, asked, [segment], rows, confidence).to_dict("records")}
    blank = dict.fromkeys(
        ("n_before", "before", "change", "change_lower", "change_upper", "p", "p_above", "p_below"), np.nan
    )
    found = []
    for row in table.to_dict("records"):
        before = known.get(row["value"])
        after = {**row, "lower": row["ci_lower"], "upper": row["ci_upper"]}
        if before is None or not np.isfinite([before["lower"], after["lower"]]).all():
            found.append(blank)
            continue
        both = tuple(t[t[segment] == row["value"]] for t in (past, now))
        change = change_row(change_of((both[0], both[1]), (before, after), asked, rows, confidence), asked, after)
        change |= {"change_lower": change.pop("ci_lower"), "change_upper": change.pop("ci_upper")}
        found.append({k: change[k] for k in blank})
    return pd.concat([table.reset_index(drop=True), pd.DataFrame(found)], axis=1)


def _parts(rows: Rows, asked: Asked, segment: str, confidence: float) -> pd.DataFrame:
    """Split the change into mix and score; groups of any size enter, as none is shown."""
    values = sorted(rows.frame[segment].dropna().unique(), key=str)
    sides = []
    wide = 1.0
    for wave in (rows.before, rows.after):
        part = rows.of(wave)
        part = part[part[asked.item].notna() & part[segment].notna()]
        found = scored(part, asked, [segment], rows, confidence).set_index(segment).reindex(values)
        weight = part.groupby(segment)[WEIGHT].sum().reindex(values, fill_value=0.0)
        wide = max(wide, float(scored(part, asked, [], rows, confidence)["inflation"].iloc[0]))
        sides.append(pd.DataFrame({
            "segment": values, "share": (weight / weight.sum()).to_numpy(), "n_eff": found["n_eff"].fillna(0).to_numpy(),
            "estimate": found["estimate"].to_numpy(), "spread": (found["spread"] / found["inflation"]).to_numpy(),
        }))  # fmt: skip
    table = mix_and_score(*sides, confidence=confidence).table
    low, high = (table["estimate"] + (table[k] - table["estimate"]) * wide for k in ("lower", "upper"))
    return (
        table.assign(ci_lower=low, ci_upper=high, se=table["se"] * wide)
        .drop(columns=["lower", "upper"])
        .assign(segment=segment)
    )


def _ranked(
    whole: pd.DataFrame, ranked: str, asked: Asked, params: ScorecardParams
) -> tuple[pd.DataFrame, PooledGroups | None, float]:
    at = np.flatnonzero((whole["segment"] == ranked).to_numpy())
    if len(at) < 2:
        return whole, None, float("nan")
    part = whole.iloc[at]
    # by answers: the variance of a score depends on the score itself, and would draw the mean to the ends of the scale
    weight = part["n_eff"].to_numpy()
    centre = float(weight @ part["estimate"] / weight.sum())
    whole.loc[at, "p_outlying"] = outlying(part["estimate"], part["spread"], centre)
    if len(at) < FEWEST_POOLED:
        return whole, None, centre
    draws, seed, level = params.draws, params.seed, params.confidence
    if asked.measure.kind == "share":
        n = (part["n_eff"] / part["inflation"] ** 2).to_numpy()
        found = pool_shares(part["estimate"].to_numpy() / asked.factor * n, n, draws=draws, seed=seed, confidence=level)
        table = found.table.assign(
            **{k: found.table[k] * asked.factor for k in ("observed", "estimate", "sd", "lower", "upper")}
        )
        found = PooledGroups(
            table, found.centre * asked.factor, found.between * asked.factor, found.level, found.draws * asked.factor
        )
    else:
        found = pool_means(part["estimate"], part["spread"], draws=draws, seed=seed, confidence=level)
    alike = draws_of_groups(part["estimate"], part["spread"], part["n_eff"], draws=draws, seed=seed)
    chances = rank_chances(alike)
    columns = {
        "pooled": found.table["estimate"], "pooled_lower": found.table["lower"], "pooled_upper": found.table["upper"],
        "kept": found.table["kept"], "p_first": chances[:, 0], "p_last": chances[:, -1],
    }  # fmt: skip
    for name, values in columns.items():
        whole.loc[at, name] = np.asarray(values)
    return whole, found, centre
