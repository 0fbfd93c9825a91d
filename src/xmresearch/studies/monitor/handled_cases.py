"""How long cases take, whether the promise is kept, and where they take longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import count_of
from xmresearch.claims.rules import sign
from xmresearch.claims.truth import beside
from xmresearch.data.panel import PanelData
from xmresearch.disclosure import hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.monitoring.cox_regression import cox
from xmresearch.monitoring.feedback_handling import handling_times
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.service_params import Handling
from xmresearch.studies.monitor.used_columns import columns_of

FEWEST_ENDED = 5
"""Cases of a branch, and of all others, that must have ended for them to be compared."""


@dataclass(frozen=True, repr=False)
class Handled(Shown):
    """How cases were handled.

    Attributes
    ----------
    times : DataFrame
        One row per time (response, resolution), of all cases and of each branch that may be shown: time, branch, cases, open, median,
        median_lower, median_upper, p90, within, within_lower, within_upper (shares in per cent).
    shares : DataFrame
        measure, cases, share, share_lower, share_upper (in per cent).
    ratios : DataFrame or None
        One row per branch: branch, cases, ratio (of the hazard of the promised end, against all other branches), ratio_lower, ratio_upper, p.
    kept : Claim
        Whether the promise is kept for as many as it is to be.
    slower : Claim or None
        In which branches cases take longer than in all others together.
    facts : mapping
        Of sentences: cases, open, undated, until, promised, kept_share, time.
    """

    times: pd.DataFrame
    shares: pd.DataFrame
    ratios: pd.DataFrame | None
    kept: Claim
    slower: Claim | None
    facts: dict[str, Any]

    def tidy(self) -> pd.DataFrame:
        """Return one row per time and branch."""
        return self.times

    def summary(self) -> dict[str, Any]:
        """Return the facts."""
        return self.facts


def handled(params: MonitorParams, data: PanelData) -> Handled | None:
    """Describe how cases were handled, and settle whether the promise is kept and where cases take longer.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows: cases.

    Returns
    -------
    Handled or None
        None where the params do not ask for it.

    Raises
    ------
    DataError, InsufficientData
        A column is not there or holds what it cannot; no case has a time.
    """
    h = params.handling
    if h is None:
        return None
    roles: dict[str, str | None] = {"opened": params.time, "responded": h.responded, "resolved": h.resolved, "contacts": h.contacts, "reopened": h.reopened, "customer": h.customer, "branch": params.branch}  # fmt: skip
    named = {role: column for role, column in roles.items() if column is not None}
    rows = columns_of(data, list(named.values()))
    cases = pd.DataFrame({role: rows[column] for role, column in named.items()})
    dated = cases["opened"].notna()
    cases = cases[dated].reset_index(drop=True)
    if cases.empty:
        raise InsufficientData(f"No case has a time in '{params.time}'.", "Check the column of time.")
    until = pd.Timestamp(h.until) if h.until else _latest(cases)
    shown = _shown_branches(params, cases)
    if "branch" in cases:
        cases["branch"] = cases["branch"].where(cases["branch"].isin(shown))
    found = handling_times(
        cases, until=until, promised=(h.promised_response, h.promised_resolution), window=h.callback_days,
        by="branch" if len(shown) > 1 else None, confidence=params.confidence,
    )  # fmt: skip
    promise = "resolution" if h.resolved else "response"
    promised = h.promised_resolution if h.resolved else h.promised_response
    whole = found.times[(found.times["group"] == "") & (found.times["time"] == promise)].iloc[0]
    low, value, high = (100 * float(whole[k]) for k in ("within_lower", "within", "within_upper"))
    told: dict[str, Any] = {
        "cases": len(cases), "open": int(whole["open"]), "undated": int((~dated).sum()), "until": str(until)[:16], "promised": promised,
        "kept_share": 100 * h.kept, "time": promise, "within": value, "within_lower": low, "within_upper": high,
    }  # fmt: skip
    kept = sign(
        "kept", value - 100 * h.kept, low - 100 * h.kept, high - 100 * h.kept, confidence=params.confidence, **told
    )
    ratios = (
        _ratios(cases, shown, until, "resolved" if h.resolved else "responded", params.confidence)
        if len(shown) > 1
        else None
    )
    slower = None if ratios is None else _slower(params, ratios, told)
    return Handled(_times_shown(found.times, data, h), _shares_shown(found.shares), ratios, kept, slower, told)


def _times_shown(times: pd.DataFrame, data: PanelData, h: Handling) -> pd.DataFrame:
    table = times.rename(columns={"group": "branch", "n": "cases"}).copy()
    for column in ("within", "within_lower", "within_upper"):
        table[column] = 100 * table[column]
    table["branch"] = table["branch"].replace({"": "all_cases"})
    truth = data.truth
    if truth is None or not (truth["outcome"] == "resolved").any():
        return table
    declared = truth[(truth["outcome"] == "resolved") & (truth["measure"] == f"within_{h.promised_resolution:g}")]
    known = dict(zip(declared["unit"].replace({"": "all_cases"}), 100 * declared["truth"], strict=True))
    values = [
        known.get(b, np.nan) if t == "resolution" else np.nan
        for b, t in zip(table["branch"], table["time"], strict=True)
    ]
    found = beside(table, values, ("within_lower", "within_upper"))
    return found.assign(within_truth=found["truth"])


def _shares_shown(shares: pd.DataFrame) -> pd.DataFrame:
    table = shares[shares["group"] == ""].rename(columns={"n": "cases", "lower": "share_lower", "upper": "share_upper"})
    for column in ("share", "share_lower", "share_upper"):
        table[column] = 100 * table[column]
    return table.drop(columns="group").reset_index(drop=True)


def _shown_branches(params: MonitorParams, cases: pd.DataFrame) -> list[str]:
    """Return the branches that are named: large enough, and not told by the difference to all."""
    if "branch" not in cases:
        return []
    counts = cases["branch"].dropna().astype(str).value_counts().sort_index()
    cases["branch"] = cases["branch"].where(cases["branch"].isna(), cases["branch"].astype(str))
    return [str(b) for b in counts.index[~hidden_counts(counts.to_numpy(), params.smallest_shown())]]


def _ratios(
    cases: pd.DataFrame, shown: list[str], until: pd.Timestamp, end: str, confidence: float
) -> pd.DataFrame | None:
    """Return how fast cases of each branch end against those of all others, customers being clusters where they are known."""
    opened, ended = (pd.to_datetime(cases[c], format="ISO8601") for c in ("opened", end))
    over = ended.notna().to_numpy()
    hours = ((ended.fillna(until) - opened).dt.total_seconds() / 3600).to_numpy(dtype="float64")
    whose = cases["customer"].to_numpy(dtype=object) if "customer" in cases else None
    rows = []
    for branch in shown:
        own = (cases["branch"] == branch).to_numpy()
        if min(over[own].sum(), over[~own].sum()) < FEWEST_ENDED:
            continue
        fit = cox(hours, over, pd.DataFrame({"own": own.astype(float)}), clusters=whose, confidence=confidence)
        row = fit.tidy().iloc[0]
        rows.append((branch, int(own.sum()), *(float(row[c]) for c in ("hazard_ratio", "lower", "upper", "p"))))
    if len(rows) < 2:
        return None
    return pd.DataFrame(rows, columns=["branch", "cases", "ratio", "ratio_lower", "ratio_upper", "p"])


def _slower(params: MonitorParams, ratios: pd.DataFrame, told: dict[str, Any]) -> Claim:
    p = np.where(ratios["ratio"] < 1, ratios["p"], 1.0)  # of one direction, which two-sided values are cautious for
    made = count_of("slower", ratios["branch"].tolist(), p, confidence=params.confidence, method="holm", **told)
    return made.about(
        slow=ratios[ratios["branch"].isin(made.facts["shown"])].sort_values("ratio", kind="stable")["branch"].tolist()
    )


def _latest(cases: pd.DataFrame) -> pd.Timestamp:
    """Return the latest time in the cases."""
    columns = [c for c in ("opened", "responded", "resolved") if c in cases]
    try:
        return max(pd.to_datetime(cases[c], format="ISO8601").max() for c in columns if cases[c].notna().any())
    except ValueError:
        raise DataError("A time of a case cannot be read.", "Write times as 2024-07-31 14:05.") from None
