"""Claims about experience: whether it is the same in every channel."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from xmresearch.attribution.across_channels import ConsistencyResult
from xmresearch.claims.claim import Claim
from xmresearch.claims.rules import alike


def same_everywhere(agreement: ConsistencyResult | None) -> Claim | None:
    """Claim that mean scores are within the tolerance in every channel, or that some differ; None without scores.

    Differences are Welch's, with Bonferroni's bounds over all pairs of channels within experiences.

    References
    ----------
    Welch, B. L. (1947). The generalization of 'Student's' problem when several different population variances are involved.
    Biometrika, 34, 28-35.
    """
    if agreement is None:
        return None
    pairs: list[dict[str, Any]] = []
    table = agreement.table[agreement.table["scores"] > 1]
    for experience, group in table.groupby("experience", sort=True):
        for a, b in combinations(group.sort_values("score", ascending=False).to_dict("records"), 2):
            va, vb = (row["score_sd"] ** 2 / row["scores"] for row in (a, b))
            error = np.sqrt(va + vb)
            bottom = va**2 / (a["scores"] - 1) + vb**2 / (b["scores"] - 1)
            pairs.append({
                "experience": experience, "better": a["channel"], "worse": b["channel"], "gap": a["score"] - b["score"],
                "error": error, "df": (va + vb) ** 2 / bottom if bottom > 0 else np.inf,
            })  # fmt: skip
    gap, error, df = (np.array([p[k] for p in pairs]) for k in ("gap", "error", "df"))
    family, tail = len(pairs), (1 - agreement.confidence) / 2
    reach = stats.t.ppf(1 - tail / family, df) * error
    t = np.divide(gap, error, out=np.where(gap > 0, np.inf, 0.0), where=error > 0)
    p = np.minimum(family * 2 * stats.t.sf(t, df), 1.0)
    clearest = int(p.argmin()) if p.min() < 1 else int(gap.argmax())
    made = alike(
        "consistency", gap - reach, gap + reach, margin=agreement.tolerance, p=float(p.min()),
        confidence=agreement.confidence, tolerance=agreement.tolerance,
    )  # fmt: skip
    return made.about(
        experience=pairs[clearest]["experience"], better=pairs[clearest]["better"], worse=pairs[clearest]["worse"],
        gap=gap[clearest], gap_lower=(gap - reach)[clearest], gap_upper=(gap + reach)[clearest],
        widest=float(np.maximum(gap + reach, reach - gap).max()), pairs=family,
        experiences=agreement.spread["experience"].nunique(),
    )  # fmt: skip
