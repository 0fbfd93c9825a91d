"""The evidence of an attribution study: methods side by side, misspecification, budgets, rated touchpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xmresearch.attribution.consistency import ConsistencyResult, consistency
from xmresearch.attribution.heuristics import HeuristicCredits
from xmresearch.attribution.order import OrderChoice
from xmresearch.attribution.publishing import HOUR, ShownJourneys
from xmresearch.attribution.result import WIDER, AttributionResult
from xmresearch.errors import InsufficientData
from xmresearch.sufficient.sources import require_columns

FAR_SHARE = 0.05
METHODS = ("shapley", "first", "last", "linear", "position", "time_decay", "last_non_direct")


def chosen_order(choice: OrderChoice, asked: int | str) -> tuple[int, dict[str, Any]]:
    """Return the order to use, and the figures of the sentence about it.

    Parameters
    ----------
    choice : OrderChoice
        Orders compared.
    asked : int or 'auto'
        Of the params.

    Returns
    -------
    order : int
    facts : dict
        used, and case: agreed, differ, no_loss, asked (as evidence would have it) or against (evidence).
    """
    facts = choice.summary()
    if asked == "auto":
        case = "no_loss" if choice.by_log_loss == 0 else facts["case"]
        return choice.order, facts | {"used": choice.order, "case": case}
    used = int(asked)
    return used, facts | {"used": used, "case": "asked" if used == choice.order else "against"}


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


def disagreement(compared: pd.DataFrame) -> dict[str, Any]:
    """Return how far the rules of thumb stray from the chain: the widest gap, its channel and rule, and the case near or far.

    Notes
    -----
    Far: some rule gives a channel a share that differs by more than five points from the chain's.
    """
    gaps = pd.DataFrame({m: compared[m] - compared["markov"] for m in METHODS if m in compared})
    method = str(gaps.abs().max().idxmax())
    row = int(gaps[method].abs().to_numpy().argmax())
    return {
        "rule": method, "channel": compared.loc[row, "channel"], "by_rule": float(compared.loc[row, method]),
        "by_chain": float(compared.loc[row, "markov"]), "outside": int((compared["outside"] > 0).sum()),
        "channels": len(compared), "case": "far" if abs(float(gaps.loc[row, method])) > FAR_SHARE else "near",
    }  # fmt: skip


def misspecification(credits: AttributionResult) -> tuple[pd.DataFrame | None, dict[str, Any] | None]:
    """Return the spread of each share by the chain and by whole journeys or by customers, and the figures of a sentence.

    Returns
    -------
    table : DataFrame or None
        channel, share, sd, bootstrap_sd (of whole journeys) or chain_sd (where sd is that of customers), ratio (of the wider unit
        to single steps). None without a bootstrap.
    facts : dict or None
        channel and ratio of the widest, resamples, limit, journeys, customers, and case holds or wider; customers where these are
        the units.
    """
    if "chain_sd" in credits.table:
        table = credits.table[["channel", "share", "sd", "chain_sd"]].copy()
        table["ratio"] = table["sd"] / table["chain_sd"]
        widest = table.loc[table["ratio"].idxmax()]
        return table, {
            "channel": widest["channel"], "ratio": float(widest["ratio"]), "journeys": credits.facts["journeys"],
            "customers": credits.facts["customers"], "case": "customers",
        }  # fmt: skip
    if "bootstrap_sd" not in credits.table:
        return None, None
    table = credits.table[["channel", "share", "sd", "bootstrap_sd"]].copy()
    table["ratio"] = table["bootstrap_sd"] / table["sd"]
    widest = table.loc[table["ratio"].idxmax()]
    return table, {
        "channel": widest["channel"], "ratio": float(widest["ratio"]), "resamples": credits.facts["bootstrap"],
        "limit": WIDER, "case": "holds" if widest["ratio"] <= WIDER else "wider",
    }  # fmt: skip


def rule_facts(rules: HeuristicCredits) -> dict[str, Any]:
    """Return the half-life of time decay in days (case seconds) or steps, and the weights by position."""
    facts = rules.facts
    life = facts["half_life"] / (24 * HOUR) if facts["unit"] == "seconds" else facts["half_life"]
    begin, middle, end = facts["position"]
    return {"life": life, "begin": begin, "middle": middle, "end": end, "case": facts["unit"]}


def credit_table(credits: AttributionResult, truth: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table of credits with p_top_three (probability of being among the first three), and the planted shares as truth.

    Notes
    -----
    The column mandatory is left out where no touchpoint is.
    """
    three = credits.rank_probability.iloc[:, :3].sum(axis=1).clip(upper=1.0).to_numpy()
    table = credits.table.assign(p_top_three=three)
    if not table["mandatory"].any():
        table = table.drop(columns="mandatory")
    if truth is None:
        return table
    return table.assign(truth=truth.set_index("channel")["share"].reindex(table["channel"]).to_numpy())


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
