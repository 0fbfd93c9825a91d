"""What a report of a difference-in-differences study shows first: answer, worth, design, outcomes, who gained."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.causal.concerns import Concern
from xmresearch.causal.designs import did
from xmresearch.causal.result import DidResult
from xmresearch.inference.threads import on_one_thread
from xmresearch.studies.did.planted import planted_overall
from xmresearch.studies.did.publishing import require_rows
from xmresearch.sufficient.periods import written

if TYPE_CHECKING:
    import polars as pl

MAX_DECIMALS, MOST_LISTED = 6, 120
OUTCOME_ALONE = {"smallest": 0.0, "levels": (), "missing_codes": ()}


def decimals(sd: float) -> int:
    """Return how many decimals show two figures of a standard deviation."""
    return int(np.clip(ceil(-log10(sd)) + 1, 0, MAX_DECIMALS)) if sd > 0 else 2


def clustering(result: DidResult) -> str:
    """Return clustered, clustered_above (by what units lie in) or not_clustered."""
    if result.clustered.startswith("not"):
        return "not_clustered"
    return "clustered_above" if "clusters" in result.facts else "clustered"


def weighting(result: DidResult) -> dict[str, Any] | None:
    """Return rows and effective_rows of weighted rows, with what counts equally (case units or rows); None without weights."""
    if "effective_rows" not in result.facts:
        return None
    counted = "rows" if result.settings.get("weight") == "rows" or clustering(result) == "not_clustered" else "units"
    return {"case": counted, "rows": result.facts["rows"], "effective_rows": result.facts["effective_rows"]}


def design(result: DidResult, unit: str | None) -> dict[str, Any]:
    """Return the facts of a design, and why its kind was chosen.

    Parameters
    ----------
    result : DidResult
        From `did`.
    unit : str or None
        Column of the unit.

    Returns
    -------
    dict
        Facts of the result, with periods as text; noun (what units are); shape (rows, one or many adoption dates); path (of the
        counterfactual: parallel, effects or synthetic); before (tested, untested or fitted); case (why this kind): asked, covariates, dates, two_periods, one_unit,
        unclustered, gaps or one_date.
    """
    facts = result.facts
    dates = len(facts["adoption"])
    labels = {k: written(facts[k]) for k in ("first_period", "last_period")}
    return {
        **facts, **labels, "case": _why(result), "kind": result.kind, "family": result.family, "dates": dates,
        "noun": unit or "arm", "never_units": facts["units"] - facts["treated_units"],
        "first_adoption": written(facts["adoption"][0]), "last_adoption": written(facts["adoption"][-1]),
        "outcome": result.outcome, "clustered": clustering(result),
        "shape": "rows" if unit is None else "one" if dates == 1 else "many",
        "path": _path(result),
        "before": _before(result), "compared": f"control_{facts['control']}",
    }  # fmt: skip


def _path(result: DidResult) -> str:
    """Return where the counterfactual comes from: synthetic, effects or parallel."""
    if result.kind == "synthetic_control":
        return "synthetic"
    return "effects" if result.kind == "staggered" or result.settings.get("within") else "parallel"


def layout(result: DidResult, unit: str | None) -> dict[str, Any] | None:
    """Return what is compared where units lack periods, and why, with the case of its sentence; None without units."""
    facts = result.facts
    if unit is None:
        return None
    case = facts["compared_why"] if facts["compared_why"] != "asked" else f"asked_{facts['compared']}"
    return facts | {"case": case, "noun": unit}


def _before(result: DidResult) -> str:
    """Return what effects before the change say: tested, untested or fitted."""
    if result.kind == "synthetic_control":
        return "fitted"
    return "tested" if np.isfinite(result.facts["pretrend_p"]) else "untested"


def _why(result: DidResult) -> str:
    """Return why `choose_kind` chose, as a case of the sentence."""
    facts, panel = result.facts, result.panel
    if result.chosen == "asked for":
        return "asked"
    if panel is not None and panel.covariates.shape[2]:
        return "covariates"
    if len(facts["adoption"]) > 1:
        return "dates"
    if facts["periods"] == 2:
        return "two_periods"
    if max(facts["treated_units"], facts["units"] - facts["treated_units"]) < 2:
        return "one_unit"
    if result.kind == "two_by_two":
        return "unclustered" if clustering(result) == "not_clustered" else "gaps"
    return "one_date"


def concerns(*results: DidResult | None) -> list[tuple[str, Concern]]:
    """Return what a careful reviewer would ask about, each once, with the kind of the result that gives rise to it."""
    found: list[tuple[str, Concern]] = []
    for result in results:
        for concern in () if result is None else result.concerns:
            if concern not in [c for _, c in found]:
                found.append((result.kind if result else "", concern))
    return found


def next_unit(result: DidResult | None) -> dict[str, Any] | None:
    """Return what to expect of a further unit: next_estimate, next_lower, next_upper; None without a hierarchical result."""
    if result is None:
        return None
    row = result.tidy("next_unit").iloc[0]
    return {"next_estimate": row["estimate"], "next_lower": row["ci_lower"], "next_upper": row["ci_upper"]}


def listed(table: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return a table, or None where it is too long to be read."""
    return None if table is None or len(table) > MOST_LISTED else table


@on_one_thread
def did_all(
    data: pd.DataFrame | pl.LazyFrame, outcomes: Mapping[str, Mapping[str, Any]], *, min_cell: int = 0, **settings: Any
) -> dict[str, DidResult]:
    """Estimate the effect on several outcomes.

    Parameters
    ----------
    data : DataFrame or polars.LazyFrame
        Rows.
    outcomes : mapping of str to mapping
        By column: family and, if need be, levels and missing_codes, as `did` takes them.
    min_cell : int
        Fewest rows of an arm before or after the change.
    **settings
        Of `did`; what concerns its outcome is replaced, its smallest effect is left out.

    Returns
    -------
    dict of str to DidResult

    Raises
    ------
    InsufficientData
        An arm has fewer rows with an outcome than may be shown.
    """
    found = {}
    for name, own in outcomes.items():
        found[name] = did(data, **(settings | OUTCOME_ALONE | {"outcome": name} | dict(own)))
        require_rows(found[name].panel, min_cell)
    return found


def outcomes_table(
    result: DidResult,
    branches: DidResult | None,
    further: Mapping[str, DidResult],
    planted: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the effect on every outcome and measure.

    Parameters
    ----------
    result : DidResult
        Of the main outcome.
    branches : DidResult or None
        The hierarchical one of the same outcome.
    further : mapping of str to DidResult
        Of other outcomes.
    planted : DataFrame, optional
        Effects that a simulation has planted.

    Returns
    -------
    DataFrame
        outcome, kind, measure, estimate, ci_lower, ci_upper, standardised, p_positive, decimals (to show) and, of a simulation,
        truth.
    """
    rows = []
    for found in (result, *([branches] if branches else []), *further.values()):
        table = found.tidy("overall")
        shown = table.iloc[:1] if found.kind == "staggered" else table
        for k, row in enumerate(shown.to_dict("records")):
            standardised = found.effect["standardised"] if k == 0 else np.nan
            name = found.estimand if found.kind == "staggered" else row["measure"]
            rows.append({
                "outcome": found.outcome, "kind": found.kind, "measure": name, "estimate": row["estimate"],
                "ci_lower": row["ci_lower"], "ci_upper": row["ci_upper"], "standardised": standardised,
                "p_positive": row["p_positive"], "decimals": decimals(row["sd"]),
                "truth": planted_overall(found, row["measure"], planted),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    return table if planted is not None else table.drop(columns="truth")
