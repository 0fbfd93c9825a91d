"""What rows are reduced to and fitted: moments by branch, links, matching, staff, lags and the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.linkage.agreement import Climate, climate
from xmresearch.linkage.branch_comparison import AdjustedBranches, adjusted_branches
from xmresearch.linkage.lagged_links import CrossLag, cross_lag, waves_of
from xmresearch.linkage.link_errors import wrong_share
from xmresearch.linkage.link_levels import WithinBetween
from xmresearch.linkage.moments_by_branch import BranchMoments, branch_moments
from xmresearch.linkage.service_chain import ProfitChain, profit_chain
from xmresearch.metrics.net_scores import net_counts, net_score
from xmresearch.studies.linkage.opening import LinkageData
from xmresearch.studies.linkage.params import LinkageParams, Staff

Array = NDArray[np.float64]
ILLUSTRATED = 0.1
"""Share of wrong links that is taken as an example where none is stated."""
SCORE, LINKED = "staff_score", "has_outcome"


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
    rows[params.branch] = rows[params.branch].astype(str)
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
        who = who.groupby(rows[params.customer].astype(str), sort=False).agg(kept).reset_index(drop=True)
    return LinkedData(rows, moments, who, known, _sources(params, data, moments))


def _sources(params: LinkageParams, data: LinkageData, moments: BranchMoments) -> pd.DataFrame:
    """Count the branches of each source, and those that all sources have."""
    found = {"source_customers": (set(moments.branches), float(moments.n.sum()))}
    if data.staff is not None and params.staff is not None:
        column = data.staff[params.staff.branch].dropna().astype(str)
        found["source_staff"] = (set(column), float(len(column)))
    if data.results is not None and params.results is not None:
        column = (
            data.results.loc[data.results[params.results.value].notna(), params.results.branch].dropna().astype(str)
        )
        found["source_results"] = (set(column), float("nan"))
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
    staff = _staff_rows(params, data)
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
    results = _results(params, data)
    if results is None:
        why["chain"] = "not_given"
    elif mood is None:
        why["chain"] = "too_few"
    else:
        chain = _attempt(why, "chain", lambda: _chain(params, settings, made.moments, staff, results))
    return Linked(links, lags, mood, chain, branches, customers, _advocacy(params, staff), why)


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


def _staff_rows(params: LinkageParams, data: LinkageData) -> pd.DataFrame | None:
    """Return staff's rows with codes for no answer blank, and the mean of the items for those who answered all."""
    if data.staff is None or params.staff is None:
        return None
    settings = params.staff
    rows = data.staff.copy()
    numbers = [*settings.items, *([settings.recommend] if settings.recommend else [])]
    for column in numbers:
        if not pd.api.types.is_numeric_dtype(rows[column]):
            raise DataError(f"staff: column '{brief(column)}' does not hold numbers.", "Name columns of numbers.")
        rows[column] = rows[column].astype("float64").mask(rows[column].isin(settings.missing_codes))
    rows = rows[rows[settings.branch].notna()]
    return rows.assign(
        **{SCORE: rows[settings.items].mean(axis=1, skipna=False), settings.branch: rows[settings.branch].astype(str)}
    )


def _advocacy(params: LinkageParams, staff: pd.DataFrame) -> dict[str, float] | None:
    if params.staff is None or params.staff.recommend is None:
        return None
    answers = staff[params.staff.recommend].to_numpy(dtype="float64")
    if np.isfinite(answers).sum() < params.min_cell:
        return None
    found = net_score(*net_counts(answers), confidence=params.confidence).tidy().iloc[0]
    return {
        "enps": float(found["nps"]),
        "enps_lower": float(found["lower"]),
        "enps_upper": float(found["upper"]),
        "enps_n": int(np.isfinite(answers).sum()),
    }


def _results(params: LinkageParams, data: LinkageData) -> pd.Series | None:
    """Return the mean result of each branch, by its name; None where there are none."""
    if data.results is None or params.results is None:
        return None
    rows = data.results.dropna(subset=[params.results.branch])
    if not pd.api.types.is_numeric_dtype(rows[params.results.value]):
        raise DataError(
            f"results: column '{brief(params.results.value)}' does not hold numbers.", "Name a column of numbers."
        )
    values = rows[params.results.value].astype("float64")
    return values.groupby(rows[params.results.branch].astype(str)).mean().dropna()


def _chain(
    params: LinkageParams, settings: Staff, moments: BranchMoments, staff: pd.DataFrame, results: pd.Series
) -> ProfitChain:
    """Put staff, customers and results of the branches that have all three in a chain."""
    scores = staff.dropna(subset=[SCORE])
    own = branch_moments(scores.assign(same=scores[SCORE]), settings.branch, SCORE, "same")
    common = sorted(set(own.branches) & set(moments.branches) & set(results.index))
    a = own.only(np.isin(own.branches, common))
    b = moments.only(np.isin(moments.branches, common))
    errors = [m.sxx.sum() / max(m.n.sum() - len(m.n), 1) / m.n for m in (a, b)]
    return profit_chain(
        a.x, b.x, results[common].to_numpy(), staff_error=errors[0], customers_error=errors[1], confidence=params.confidence,
        draws=params.draws, seed=params.seed,
    )  # fmt: skip


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
