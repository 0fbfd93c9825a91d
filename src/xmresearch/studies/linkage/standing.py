"""What a report of a linkage study shows: tables in order, beside the declared truth of a simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.disclosure import hidden_counts
from xmresearch.linkage.link_errors import linkage_bounds
from xmresearch.linkage.matched_sources import Matching
from xmresearch.studies.linkage.linking import Linked, LinkedData, shown_branches, stated_links
from xmresearch.studies.linkage.opening import LinkageData
from xmresearch.studies.linkage.params import LinkageParams

MOST_LISTED = 40


def told_of(params: LinkageParams, data: LinkageData, made: LinkedData) -> dict[str, Any]:
    """Return what sentences mention of the study."""
    how, share, most = stated_links(params)
    known = params.links
    shown = made.moments.n[shown_branches(made.moments, params.min_cell)]
    return {
        **made.summary(), "source": data.source, "experience": params.experience, "outcome": params.outcome,
        "result": params.results.value if params.results else params.outcome, "min_cell": params.min_cell, "links": f"links_{how}",
        "share": share, "most": most, "checked": (known.checked if known else None) or 0, "wrong": (known.wrong if known else None) or 0,
        "smallest": int(shown.min()) if len(shown) else 0, "largest": int(shown.max()) if len(shown) else 0,
        "largest_times": float(shown.max() / np.median(shown)) if len(shown) else np.nan,
        "units": "answers_noun" if params.customer is None else "customers_noun",
    }  # fmt: skip


def _beside(table: pd.DataFrame, key: str, data: LinkageData) -> pd.DataFrame:
    """Rename the interval, and add the declared truth of a simulation."""
    table = table.rename(columns={"lower": "estimate_lower", "upper": "estimate_upper"})
    if data.truth is None:
        return table
    known = dict(zip(data.truth["effect"], data.truth["truth"], strict=True))
    return beside(table, [known.get(str(k)) for k in table[key]], ("estimate_lower", "estimate_upper"))


def links_shown(found: Linked, data: LinkageData) -> pd.DataFrame:
    """Return the links within and between branches; a link that could not be estimated stays blank."""
    return _beside(found.links.table, "effect", data)


def bounds_shown(params: LinkageParams, found: Linked) -> pd.DataFrame:
    """Return what wrong links may hide of the links within and between branches."""
    _, share, most = stated_links(params)
    rows = []
    for effect in ("within", "between"):
        figures = found.links.effect(effect)
        if np.isfinite(figures["estimate"]):
            bound = linkage_bounds(figures["estimate"], figures["lower"], figures["upper"], share=share, most=most)
            rows.append({
                "effect": effect, "estimate": bound.nearest, "farthest": bound.farthest, "widest_lower": bound.widest_lower,
                "widest_upper": bound.widest_upper,
            })  # fmt: skip
    return pd.DataFrame(rows)


def matching_shown(matched: Matching) -> pd.DataFrame | None:
    """Return which share of answers is linked, by what is known of all; None where all are."""
    if matched.linked == matched.rows:
        return None
    return matched.table.rename(columns={"segment": "by", "value": "who"})


def lags_shown(found: Linked, data: LinkageData) -> pd.DataFrame | None:
    """Return the lagged links; None without any."""
    return None if found.lags is None else _beside(found.lags.table, "link", data)


def chain_shown(found: Linked, data: LinkageData) -> pd.DataFrame | None:
    """Return the steps of the chain; None without one."""
    return None if found.chain is None else _beside(found.chain.table, "step", data)


def branch_means(params: LinkageParams, made: LinkedData) -> pd.DataFrame:
    """Return the means of the branches that may be shown, the lowest experience first."""
    keep = shown_branches(made.moments, params.min_cell)
    return made.moments.only(keep).tidy().sort_values("x", kind="stable", ignore_index=True)


def climate_shown(params: LinkageParams, found: Linked) -> pd.DataFrame | None:
    """Return staff's answers by branch, of branches that may be shown; None without any."""
    if found.climate is None:
        return None
    table = found.climate.table
    kept = table[~hidden_counts(table["n"].to_numpy(), params.min_cell)]
    kept = kept.sort_values("mean", kind="stable", ignore_index=True)
    return kept if len(kept) else None


def listed(table: Any) -> pd.DataFrame | None:
    """Return the branches that a table has room for: the lowest and the highest differences, and those that are called first."""
    if table is None:
        return None
    frame: pd.DataFrame = table.table
    if len(frame) <= MOST_LISTED:
        return frame
    order = np.lexsort((-frame["difference"].abs().to_numpy(), (frame["shown"] != "shown").to_numpy()))
    return frame.iloc[np.sort(order[:MOST_LISTED])].reset_index(drop=True)


def silent(found: Linked) -> dict[str, Any] | None:
    """Return what could not be estimated, by why; None where all was."""
    few = [f"part_{k}" for k, v in found.why.items() if v == "too_few"]
    absent = [f"part_{k}" for k, v in found.why.items() if v == "not_given"]
    if not few and not absent:
        return None
    return {"case": "both" if few and absent else "few" if few else "absent", "few": few, "absent": absent}
