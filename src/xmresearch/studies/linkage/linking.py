"""What rows are reduced to and fitted: moments by branch, links, matching, staff, lags and the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.cell_values import key_texts
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.linkage.agreement import Climate, climate
from xmresearch.linkage.branch_comparison import AdjustedBranches, adjusted_branches
from xmresearch.linkage.lagged_links import CrossLag, cross_lag, waves_of
from xmresearch.linkage.link_errors import wrong_share
from xmresearch.linkage.link_levels import WithinBetween
from xmresearch.linkage.moments_by_branch import BranchMoments, branch_moments
from xmresearch.linkage.service_chain import ProfitChain
from xmresearch.studies.linkage.opening import LinkageData
from xmresearch.studies.linkage.params import LinkageParams
from xmresearch.studies.linkage.staffing import SCORE, advocacy, branch_results, chain_of, staff_rows

Array = NDArray[np.float64]
ILLUSTRATED = 0.1
"""Share of wrong links that is taken as an example where none is stated."""
LINKED = "has_outcome"


@dataclass(frozen=True, repr=False)
class LinkedData(Shown):
    """Rows reduced to what is linked.

    Attributes
    ----------
    rows : DataFrame
        Customers' answers, with numbers where none stand for no answer.
    moments : BranchMoments
        Of customers (their means over waves), experience and outcome.
    who : DataFrame
        One row per customer (per answer, where customers are not known): known columns, and has_outcome.
    known : list of str
        Columns that are known of all.
    sources : DataFrame
        By source: source, branches, common (with all sources), people.
    """

    rows: pd.DataFrame
    moments: BranchMoments
    who: pd.DataFrame
    known: list[str]
    sources: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """Return how much there is."""
        return {
            "answers": len(self.rows), "customers": int(self.moments.n.sum()), "branches": len(self.moments.branches),
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Linked(Shown):
    """What was fitted; None where there is too little of it, or nothing was given.

    Attributes
    ----------
    links : WithinBetween
        Within and between branches.
    lags : CrossLag or None
        Over waves.
    climate : Climate or None
        Of staff.
    chain : ProfitChain or None
        Staff, customers, results.
    staff_branches, customer_branches : AdjustedBranches or None
        Branches compared.
    advocacy : dict or None
        eNPS with its interval.
    why : dict of str to str
        Why a part is None: not_given or too_few.
    """

    links: WithinBetween
    lags: CrossLag | None
    climate: Climate | None
    chain: ProfitChain | None
    staff_branches: AdjustedBranches | None
    customer_branches: AdjustedBranches | None
    advocacy: dict[str, float] | None
    why: dict[str, str]


def linked_data(params: LinkageParams, data: LinkageData) -> LinkedData:
    """Reduce rows to what is linked.

    Parameters
    ----------
    params : LinkageParams
        Of the study.
    data : LinkageData
        Its sources.

    Returns
    -------
    LinkedData

    Raises
    ------
    DataError, InsufficientData
        A column is not there or holds no numbers; no answer has an outcome.
    """
    names = [params.branch, params.experience, params.outcome, *params.adjust]
    names += [c for c in (params.customer, params.wave) if c is not None]
    there = (
        list(map(str, data.rows.columns)) if isinstance(data.rows, pd.DataFrame) else data.rows.collect_schema().names()
    )
    for column in names:
        if column not in there:
            raise DataError(f"The rows have no column '{brief(column)}'.", nearest(column, there))
    wanted = list(dict.fromkeys(names))
    rows = data.rows[wanted] if isinstance(data.rows, pd.DataFrame) else data.rows.select(wanted).collect().to_pandas()
    measures = [params.experience, params.outcome]
    for column in measures:
        if not pd.api.types.is_numeric_dtype(rows[column]):
            raise DataError(
                f"Column '{brief(column)}' does not hold numbers.",
                "Name a column of numbers, or say in data.missing_codes which of its values stand for none.",
            )
    rows = rows.assign(**{c: rows[c].astype("float64").mask(rows[c].isin(params.missing_codes)) for c in measures})
    rows = rows[rows[params.branch].notna() & rows[params.experience].notna()].reset_index(drop=True)
    rows[params.branch] = key_texts(rows[params.branch], params.branch)
    if rows.empty:
        raise InsufficientData("No row has a branch and an experience.", "Check the columns 'branch' and 'experience'.")
    linked = rows[params.outcome].notna().to_numpy()
    complete = rows[linked]
    if params.customer is not None:
        keys = [params.customer, params.branch]
        complete = complete.groupby(keys, sort=False, observed=True)[measures].mean().reset_index()
    moments = branch_moments(complete, params.branch, *measures)
    known = list(dict.fromkeys([*params.adjust, params.branch]))
    who = rows.assign(**{LINKED: linked})[[*known, LINKED]]
    if params.customer is not None:
        kept = {**dict.fromkeys(known, "first"), LINKED: "any"}
        who = (
            who.groupby(key_texts(rows[params.customer], params.customer), sort=False).agg(kept).reset_index(drop=True)
        )
    return LinkedData(rows, moments, who, known, _sources(params, data, moments))


def _sources(params: LinkageParams, data: LinkageData, moments: BranchMoments) -> pd.DataFrame:
    """Count the branches of each source, and those that all sources have."""
    found = {"source_customers": (set(moments.branches), float(moments.n.sum()))}
    if data.staff is not None and params.staff is not None:
        column = key_texts(data.staff[params.staff.branch], params.staff.branch).dropna()
        found["source_staff"] = (set(column), float(len(column)))
    if data.results is not None and params.results is not None:
        rows = data.results[data.results[params.results.value].notna()]
        found["source_results"] = (
            set(key_texts(rows[params.results.branch], params.results.branch).dropna()),
            float("nan"),
        )
    common = set.intersection(*(b for b, _ in found.values()))
    return pd.DataFrame([
        {"source": k, "people": n, "branches": len(b), "common": len(common), "alone": len(b - common)} for k, (b, n) in found.items()
    ])  # fmt: skip


def link(params: LinkageParams, data: LinkageData, made: LinkedData, links: WithinBetween) -> Linked:
    """Fit what the sources allow.

    Parameters
    ----------
    params : LinkageParams
        Of the study.
    data : LinkageData
        Its sources.
    made : LinkedData
        Its rows, reduced.
    links : WithinBetween
        Within and between branches.

    Returns
    -------
    Linked

    Raises
    ------
    DataError
        Staff's answers or results are no numbers, or outside their scale.
    """
    why: dict[str, str] = {}
    level = params.confidence
    mean_rows = _by_customer(params, made.rows)
    customers = _attempt(
        why, "customer_branches", lambda: adjusted_branches(
            mean_rows, params.branch, params.experience, adjust=params.adjust, min_cell=params.min_cell, confidence=level, seed=params.seed
        ),
    )  # fmt: skip
    lags = _lags(params, made, why)
    staff = staff_rows(params, data)
    if staff is None or params.staff is None:
        why |= dict.fromkeys(("climate", "staff_branches", "chain"), "not_given")
        return Linked(links, lags, None, None, None, customers, None, why)
    settings = params.staff
    mood = _attempt(
        why, "climate", lambda: climate(staff, settings.branch, settings.items, scale=settings.scale, confidence=level)
    )
    branches = _attempt(
        why, "staff_branches", lambda: adjusted_branches(
            staff, settings.branch, SCORE, adjust=settings.adjust, min_cell=params.min_cell, confidence=level, seed=params.seed
        ),
    )  # fmt: skip
    chain = None
    results = branch_results(params, data)
    if results is None:
        why["chain"] = "not_given"
    elif mood is None:
        why["chain"] = "too_few"
    else:
        chain = _attempt(why, "chain", lambda: chain_of(params, settings, made.moments, staff, results))
    return Linked(links, lags, mood, chain, branches, customers, advocacy(params, staff), why)


def _attempt[Result](why: dict[str, str], part: str, of: Callable[[], Result]) -> Result | None:
    try:
        return of()
    except InsufficientData:
        why[part] = "too_few"
        return None


def _by_customer(params: LinkageParams, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer and branch, with the values of the case mix at the first answer."""
    if params.customer is None:
        return rows
    kept = {params.experience: "mean", **dict.fromkeys(params.adjust, "first")}
    return rows.groupby([params.customer, params.branch], sort=False, observed=True).agg(kept).reset_index()


def _lags(params: LinkageParams, made: LinkedData, why: dict[str, str]) -> CrossLag | None:
    if params.wave is None or params.customer is None:
        why["lags"] = "not_given"
        return None
    (x, y), _ = waves_of(made.rows, params.customer, params.wave, [params.experience, params.outcome])
    return _attempt(why, "lags", lambda: cross_lag(x, y, confidence=params.confidence))


def stated_links(params: LinkageParams) -> tuple[str, float, float]:
    """Return how the share of wrong links is known (stated, checked or unstated), the share and the most that it may be."""
    known = params.links
    if known is None:
        return "unstated", ILLUSTRATED, ILLUSTRATED
    if known.share is not None:
        return "stated", known.share, known.share
    share, most = wrong_share(int(known.wrong or 0), int(known.checked or 1), confidence=params.confidence)
    return "checked", share, most


def shown_branches(moments: BranchMoments, min_cell: int) -> NDArray[np.bool_]:
    """Return which branches may be shown, shape (branches,)."""
    return ~hidden_counts(moments.n, min_cell)
