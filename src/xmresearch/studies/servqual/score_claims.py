"""The claims of a study of perceptions alone: the level reached, what lies below it, what is weakest, where it differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.claims.claim import Claim, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import larger
from xmresearch.psychometrics.performance_scores import PerformanceResult

SCORE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "level": cases("larger"),
    "under": cases("count"),
    "items_under": cases("count"),
    "weakest": cases("first"),
    "segment_scores": cases("count"),
    "consistent": cases("count"),
}


def level_reached(performed: PerformanceResult, smallest: float) -> Claim:
    """Claim how the overall score stands to what is aimed at."""
    row = performed.overall
    return larger(
        "level", row["difference"], row["difference_lower"], row["difference_upper"], smallest, confidence=performed.confidence,
        **_aim(performed), score=row["perception"], score_lower=row["ci_lower"], score_upper=row["ci_upper"],
    )  # fmt: skip


def dimensions_under(performed: PerformanceResult, smallest: float) -> Claim:
    """Claim how many dimensions lie below what is aimed at by more than what does not matter, by Holm."""
    return _under("under", performed, "dimension", smallest, "holm")


def items_under(performed: PerformanceResult, smallest: float) -> Claim:
    """Claim how many statements lie below what is aimed at by more than what does not matter, by Benjamini and Hochberg."""
    return _under("items_under", performed, "statement", smallest, "bh")


def weakest(performed: PerformanceResult) -> Claim:
    """Claim which dimension has the lowest score; withheld where dimensions are asked on different scales."""
    table = performed.tidy("dimension")
    joint = Joint(table["perception"].to_numpy(), covariance=performed.covariance, df=max(int(table["df"].min()), 1))
    made = first_of("weakest", joint, list(table["id"]), confidence=performed.confidence, lowest=True)
    lead = table.loc[table["perception"].idxmin()]
    made = made.about(score=lead["perception"], score_lower=lead["ci_lower"], score_upper=lead["ci_upper"])
    return made if table["aimed"].nunique() == 1 else made.withhold("scales_differ")


def _aim(performed: PerformanceResult) -> dict[str, Any]:
    return {"aim": f"aim_{performed.basis}", "target": performed.overall["aimed"]}


def _under(name: str, performed: PerformanceResult, level: str, smallest: float, method: Any) -> Claim:
    table: pd.DataFrame = performed.tidy(level).sort_values("difference", kind="stable")
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (table["difference"] + smallest) / table["se"]
    p = np.minimum(2 * stats.t.cdf(t, np.maximum(table["df"], 1)), 1.0)
    made = count_of(name, list(table["id"]), p, confidence=performed.confidence, method=method)
    return made.about(**_aim(performed), smallest_gap=smallest, three=made.facts["shown"][:3])
