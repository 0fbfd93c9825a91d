"""Do nominal intervals cover the declared truth? Run with 'make bench'."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.claims.truth import with_truth
from xmresearch.data.config import ScenarioSource
from xmresearch.data.load import load_survey
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.overall import overall_scores

SURVEYS = 500
RESPONDENTS = 300


def flags(weighted: bool) -> pd.DataFrame:
    """One row per survey and interval: does it cover?"""
    rows = []
    for seed in range(SURVEYS):
        survey = load_survey(
            ScenarioSource(n=RESPONDENTS, seed=50_000 + seed),
            codebook="service_hall",
            duration_column="duration",
            weight_column="weight" if weighted else None,
        )
        result = gaps(survey.frame, survey.codebook, weights=survey.weights, bootstrap=1000, seed=seed)
        for level in ("dimension", "statement"):
            t = with_truth(result.tidy(level), survey.truth, "gap", level)
            b = with_truth(
                result.tidy(level).assign(ci_lower=lambda x: x["boot_lower"], ci_upper=lambda x: x["boot_upper"]),
                survey.truth, "gap", level,
            )  # fmt: skip
            rows += [
                {"interval": "t", "what": level, "id": i, "covered": c}
                for i, c in zip(t["id"], t["covered"], strict=True)
            ]
            rows += [
                {"interval": "bootstrap", "what": level, "id": i, "covered": c}
                for i, c in zip(b["id"], b["covered"], strict=True)
            ]
        totals = overall_scores(survey.frame, survey.codebook, weights=survey.weights)
        scores = with_truth(totals.table, survey.truth, "score", "overall", key="measure")
        rows += [
            {"interval": "t", "what": "score", "id": i, "covered": c}
            for i, c in zip(scores["measure"], scores["covered"], strict=True)
        ]
    return pd.DataFrame(rows)


@pytest.mark.benchmark
@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_cover_the_declared_truth(weighted):
    found = flags(weighted)
    by_id = found.assign(covered=found["covered"].astype(float)).groupby(["interval", "what", "id"])["covered"].mean()
    table = by_id.groupby(["interval", "what"]).agg(["mean", "min", "max"])
    print(
        f"\ncoverage of nominal 95 % intervals, {SURVEYS} surveys of {RESPONDENTS}, {'weighted' if weighted else 'unweighted'}"
    )
    print((100 * table).round(1).to_string())
    assert np.all((table["mean"] > 0.93) & (table["mean"] < 0.97))
    # each single rate: a 99.9 % band of Monte Carlo error, for the largest of ten rates
    reach = stats.norm.isf(0.0005 / 10) * np.sqrt(0.95 * 0.05 / SURVEYS)
    assert np.all(np.abs(by_id["t"]["dimension"] - 0.95) < reach)
