"""Set credits beside those of the chain that a simulation has planted."""

from __future__ import annotations

import pandas as pd

from xmresearch.attribution.result import AttributionResult
from xmresearch.claims.truth import beside

MEASURES = {"removal_effect": "removal", "share": "share"}


def planted(result: AttributionResult, truth: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return estimates with the planted figures, and whether intervals cover them.

    Parameters
    ----------
    result : AttributionResult
        Of the simulated journeys as they are.
    truth : DataFrame or None
        As `PlantedChain.truth` gives it; None for real data.

    Returns
    -------
    DataFrame or None
        measure (removal_effect, share), channel, estimate, ci_lower, ci_upper, truth, covered.
    """
    if truth is None:
        return None
    known = truth.set_index("channel")
    parts = []
    for measure, prefix in MEASURES.items():
        table = result.table
        part = pd.DataFrame({
            "measure": measure, "channel": table["channel"], "estimate": table[measure],
            "ci_lower": table[f"{prefix}_lower"], "ci_upper": table[f"{prefix}_upper"],
        })  # fmt: skip
        parts.append(beside(part, known[measure].reindex(table["channel"]).tolist()))
    return pd.concat(parts, ignore_index=True)
