"""The evidence of an attribution study: methods side by side, misspecification, budgets, rated touchpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.attribution.across_channels import ConsistencyResult, consistency
from xmresearch.attribution.result import AttributionResult
from xmresearch.attribution.rules_of_thumb import HeuristicCredits
from xmresearch.errors import InsufficientData
from xmresearch.studies.attribution.publishing import HOUR, ShownJourneys
from xmresearch.sufficient.sources import require_columns

FIRST_FEW = 3
METHODS = ("shapley", "first", "last", "linear", "position", "time_decay", "last_non_direct")


def comparable(compared: pd.DataFrame, direct: str | None) -> pd.DataFrame:
    """Return a table of `side_by_side` without last non-direct where no channel is direct: it is the same as last then."""
    return compared if direct is not None else compared.drop(columns="last_non_direct")


def long_methods(compared: pd.DataFrame) -> pd.DataFrame:
    """Return shares by channel and method for a figure: channel, method, share, share_lower, share_upper."""
    chain = compared[["channel", "markov", "markov_lower", "markov_upper"]].set_axis(
        ["channel", "share", "share_lower", "share_upper"], axis=1
    )
    parts = [chain.assign(method="markov")]
    parts += [
        compared[["channel", m]].set_axis(["channel", "share"], axis=1).assign(method=m)
        for m in METHODS
        if m in compared
    ]
    return pd.concat(parts, ignore_index=True)


def misspecification(credits: AttributionResult) -> pd.DataFrame | None:
    """Return the spread of each share by the chain and by whole journeys; None without resamples of these.

    Returns
    -------
    DataFrame or None
        channel, share, sd, bootstrap_sd, ratio (of whole journeys to single steps).
    """
    return _spreads(credits, "bootstrap_sd", "bootstrap_sd", "sd")


def customer_spread(credits: AttributionResult) -> pd.DataFrame | None:
    """Return the spread of each share with customers as units and by single steps; None where customers are not the units.

    Returns
    -------
    DataFrame or None
        channel, share, sd, chain_sd, ratio (of customers to single steps).
    """
    return _spreads(credits, "chain_sd", "sd", "chain_sd")


def customer_units(credits: AttributionResult) -> dict[str, Any] | None:
    """Return journeys, customers, and channel and ratio of the share that customers spread most; None where they are no units."""
    table = customer_spread(credits)
    if table is None:
        return None
    widest = table.loc[table["ratio"].idxmax()]
    return {
        "channel": widest["channel"], "ratio": float(widest["ratio"]), "journeys": credits.facts["journeys"],
        "customers": credits.facts["customers"],
    }  # fmt: skip


def _spreads(credits: AttributionResult, beside: str, over: str, under: str) -> pd.DataFrame | None:
    if beside not in credits.table:
        return None
    table = credits.table[["channel", "share", "sd", beside]].copy()
    return table.assign(ratio=table[over] / table[under])


def rule_facts(rules: HeuristicCredits) -> dict[str, Any]:
    """Return the half-life of time decay in days (case seconds) or steps, and the weights by position."""
    facts = rules.facts
    life = facts["half_life"] / (24 * HOUR) if facts["unit"] == "seconds" else facts["half_life"]
    begin, middle, end = facts["position"]
    return {"life": life, "begin": begin, "middle": middle, "end": end, "case": facts["unit"]}


def credit_table(credits: AttributionResult, truth: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table of credits with ranks among the touchpoints that could be removed, and the planted shares as truth.

    Notes
    -----
    rank, its bounds, p_top and p_top_three (probability of being among the first three) are blank for mandatory steps, which
    rank nowhere. The column mandatory is left out where no touchpoint is.
    """
    table, tail = credits.table.copy(), (1 - credits.confidence) / 2
    ranked = table.index[~table["mandatory"]] if not table["mandatory"].all() else table.index
    at = [credits.channels.index(c) for c in table.loc[ranked, "channel"]]
    rank = stats.rankdata(-credits.draws[:, at], axis=1, method="ordinal")
    table[["rank", "rank_lower", "rank_upper", "p_top", "p_top_three"]] = np.nan
    table.loc[ranked, "rank"] = stats.rankdata(-table.loc[ranked, "share"], method="ordinal")
    table.loc[ranked, ["rank_lower", "rank_upper"]] = np.quantile(rank, [tail, 1 - tail], axis=0).T
    table.loc[ranked, "p_top"] = (rank == 1).mean(axis=0)
    table.loc[ranked, "p_top_three"] = (rank <= FIRST_FEW).mean(axis=0)
    if not table["mandatory"].any():
        table = table.drop(columns="mandatory")
    if truth is None:
        return table
    return table.assign(truth=truth.set_index("channel")["share"].reindex(table["channel"]).to_numpy())


def paid_for(credits: AttributionResult) -> pd.DataFrame | None:
    """Return the touchpoints that cost something and could be removed; None where there are fewer than two.

    Returns
    -------
    DataFrame or None
        The table of credits with shares on one basis: share, share_lower and share_upper of the credit of these touchpoints,
        and budget_share of what they cost.
    """
    table = credits.table
    if "cost" not in table:
        return None
    paid = table[(table["cost"] > 0) & ~table["mandatory"]].reset_index(drop=True)
    if len(paid) < 2:
        return None
    drawn = credits.draws[:, [credits.channels.index(c) for c in paid["channel"]]]
    total = drawn.sum(axis=1, keepdims=True)
    within = np.divide(drawn, total, out=np.zeros_like(drawn), where=total > 0)
    tail = (1 - credits.confidence) / 2
    low, high = np.quantile(within, [tail, 1 - tail], axis=0)
    credit = paid["share"].sum()
    return paid.assign(
        share=paid["share"] / credit if credit > 0 else 0.0, share_lower=low, share_upper=high,
        budget_share=paid["cost"] / paid["cost"].sum(),
    )  # fmt: skip


def with_columns(credits: AttributionResult, *columns: str) -> pd.DataFrame | None:
    """Return the table of credits where it has these columns, without rows that lack the first; otherwise None."""
    table = credits.table
    if any(c not in table for c in columns):
        return None
    return table[table[columns[0]].notna()].reset_index(drop=True)


def leaving(shown: ShownJourneys) -> pd.DataFrame:
    """Return touchpoints by what is lost there, with hours until the next touch where times are known."""
    table = shown.touchpoints
    return table.assign(median_hours=table["median_wait"] / HOUR) if table["median_wait"].notna().any() else table


def rated(shown: ShownJourneys) -> pd.DataFrame | None:
    """Return touchpoints with scores, first to fix first; None without a survey."""
    table = shown.touchpoints
    if "score" not in table or not table["priority"].notna().any():
        return None
    table = table[table["score"].notna() & table["priority"].notna()]
    return table.sort_values(["priority", "touchpoint"], ascending=[False, True], ignore_index=True)


def channel_consistency(
    survey: pd.DataFrame | None, columns: Mapping[str, Any], *, min_cell: int, confidence: float, seed: int
) -> ConsistencyResult | None:
    """Compare scores across channels that have enough answers to be shown.

    Parameters
    ----------
    survey : DataFrame or None
        One row per score.
    columns : mapping of str to object
        score, channel, experience and tolerance.
    min_cell : int
        Fewest scores of a channel (within an experience).
    confidence, seed
        As for `consistency`.

    Returns
    -------
    ConsistencyResult or None
        None without a survey, without a channel column, and where no experience has two channels with enough scores.

    Raises
    ------
    DataError
        A column is missing.
    """
    if survey is None or columns["channel"] is None:
        return None
    require_columns((columns["channel"], columns["score"], columns["experience"]), survey.columns)
    by = [c for c in (columns["experience"], columns["channel"]) if c is not None]
    count = survey.groupby(by)[columns["score"]].transform("count")
    try:
        return consistency(
            survey[count >= min_cell], channel=columns["channel"], score=columns["score"], experience=columns["experience"],
            tolerance=columns["tolerance"], confidence=confidence, seed=seed,
        )  # fmt: skip
    except InsufficientData:
        return None


def rated_values(survey: pd.DataFrame | None, columns: Mapping[str, Any]) -> list[str]:
    """Return the names of experiences and media in a survey, which are labels of the data and not of the report."""
    named = [columns[k] for k in ("experience", "channel") if columns[k] is not None]
    if survey is None:
        return []
    require_columns(named, survey.columns)
    return sorted({str(v) for c in named for v in survey[c].dropna().unique()})


def media(agreement: ConsistencyResult | None, *, one: bool = False) -> pd.DataFrame | None:
    """Return mean scores by experience and medium (web, phone, counter, ...).

    Parameters
    ----------
    agreement : ConsistencyResult or None
        None where channels were not compared.
    one : bool
        Whether to return them only where all experiences were compared together.

    Returns
    -------
    DataFrame or None
        Without the column experience where there is one.
    """
    if agreement is None:
        return None
    table = agreement.table.rename(columns={"channel": "medium"})
    if table["experience"].nunique() > 1:
        return None if one else table
    return table.drop(columns="experience")
