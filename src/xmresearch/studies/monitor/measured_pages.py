"""What load times and failures say of visits, and what slow pages cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.rules import sign
from xmresearch.data.panel import PanelData
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.apdex_scores import Apdex, apdex
from xmresearch.monitoring.dose_responses import DoseResponse, dose_response
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.used_columns import columns_of

SHOWN_DOSES, FRUSTRATING = 9, 4
"""Load times that are listed, and how many times the target frustrates (Apdex)."""


@dataclass(frozen=True, repr=False)
class Measured(Shown):
    """What pages measured.

    Attributes
    ----------
    score : Apdex
        Of load times and failures.
    left : DoseResponse or None
        How many leave at which load time.
    table : DataFrame or None
        One row per load time: dose, share, share_lower, share_upper (in per cent).
    slow : Claim or None
        Whether more, or fewer, leave at a load time that frustrates than at one that satisfies.
    facts : mapping
        Of sentences: visits, failures, score, target.
    """

    score: Apdex
    left: DoseResponse | None
    table: pd.DataFrame | None
    slow: Claim | None
    facts: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the facts."""
        return self.facts


def measured(params: MonitorParams, data: PanelData) -> Measured | None:
    """Score load times, and fit how many leave by them.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows: visits.

    Returns
    -------
    Measured or None
        None where the params do not ask for it.

    Raises
    ------
    DataError, InsufficientData
        A column is not there or holds what it cannot; too few visits.
    """
    t = params.telemetry
    if t is None:
        return None
    rows = columns_of(data, [c for c in (t.load_time, t.failed, t.left, t.visitor) if c is not None])
    rows = rows[rows[t.load_time].notna()].reset_index(drop=True)
    if len(rows) < max(params.smallest_shown(), 1):
        raise InsufficientData(f"{len(rows)} rows have a load time, too few to be shown.", "Leave telemetry out.")
    load = rows[t.load_time].to_numpy(dtype="float64")
    for column in (t.failed, t.left):
        if column is not None and not rows[column].dropna().isin([0, 1]).all():
            raise DataError(f"Column '{column}' holds other values than 0 and 1.", "Code it as 1 where it happened.")
    failed = None if t.failed is None else rows[t.failed].fillna(0).to_numpy(dtype="float64") > 0
    visitors = None if t.visitor is None else rows[t.visitor].to_numpy(dtype=object)
    score = apdex(load, t.target, failed=failed, visitors=visitors, confidence=params.confidence)
    facts = {
        "visits": len(rows), "failures": 0 if failed is None else int(failed.sum()), "score": score.score, "score_lower": score.lower,
        "score_upper": score.upper, "target": t.target, "frustrating": FRUSTRATING * t.target,
    }  # fmt: skip
    if t.left is None:
        return Measured(score, None, None, None, facts)
    there = rows[t.left].notna().to_numpy() & (load > 0)
    try:
        fit = dose_response(
            load[there], rows.loc[there, t.left].to_numpy(dtype="float64"),
            visitors=None if visitors is None else visitors[there], confidence=params.confidence,
        )  # fmt: skip
    except InsufficientData as error:
        claim = Claim(
            "slow_pages", "sign", "unsettled", "interval_excludes_zero", 1 - params.confidence, params.confidence
        )
        return Measured(score, None, None, claim.withhold("too_few").about(**facts, why=str(error)), facts)
    near, far = max(min(t.target, fit.doses[1]), fit.doses[0]), min(FRUSTRATING * t.target, fit.doses[1])
    gap = fit.difference(near, far)
    table = fit.table.iloc[np.linspace(0, len(fit.table) - 1, SHOWN_DOSES).round().astype(int)].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "dose": table["dose"],
            "share": 100 * table["share"],
            "share_lower": 100 * table["lower"],
            "share_upper": 100 * table["upper"],
        }
    )
    slow = sign(
        "slow_pages", 100 * gap["difference"], 100 * gap["lower"], 100 * gap["upper"], confidence=params.confidence, near=near, far=far,
        near_share=100 * gap["share"], far_share=100 * gap["other_share"], **facts,
    )  # fmt: skip
    return Measured(score, fit, table, slow, facts)
