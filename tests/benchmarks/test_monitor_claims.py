"""Claims of the monitoring study: false alarms at most at the promised rate, shifts found, beginnings and sizes covered.

Seeds, cells and numbers of samples are fixed here; 200 samples a cell, as one fit takes about half a second.
"""

import numpy as np
import pytest
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.data.config import FeedbackSource
from xmresearch.data.panel import load_panel
from xmresearch.monitoring.change_points import level_changes
from xmresearch.studies.monitor.claims import monitor_claims
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import feedback_series
from xmresearch.studies.monitor.standing import without_season
from xmresearch.studies.monitor.watching import watch, watch_branches

pytestmark = pytest.mark.benchmark
SAMPLES = 200
CELLS = {
    "daily share": {}, "weekly nps": {"period": "week", "kpi": "nps", "outcome": "recommend", "newest": 1, "baseline_until": "2025-W18"},
}  # fmt: skip

STRONG = ("daily share",)
"""Cells in which a shift lasts long enough to be found; eight weeks of weekly points are few for a run length of 370."""


def outcome(settings, seed, shift):
    params = MonitorParams(data=FeedbackSource(n=15_000, seed=seed, shift=shift), draws=200, **settings)
    data = load_panel(params.data)
    series = feedback_series(params, data)
    made = watch(params, series)
    levels = level_changes(**without_season(params, made))
    return data, made, monitor_claims(params, made, watch_branches(params, series), levels)


@pytest.mark.parametrize("cell", CELLS)
def test_false_alarms_are_at_most_as_frequent_as_promised(cell):
    found = {"alarm": [], "branches": [], "level": []}
    promised = []
    for seed in range(SAMPLES):
        _, _, claims = outcome(CELLS[cell], 5000 + seed, 0.0)
        for name, into in found.items():
            claim = getattr(claims, name)
            into.append(claim is not None and claim.settled)
        promised.append(claims.alarm.promised)
    rates = {name: float(np.mean(v)) for name, v in found.items()}
    print(f"\n{cell}, nothing planted: alarm {rates['alarm']:.1%} (promised {np.mean(promised):.1%}), branches {rates['branches']:.1%}, "
          f"level {rates['level']:.1%} (5 % each)")  # fmt: skip
    limits = {"alarm": float(np.mean(promised)), "branches": 0.05, "level": 0.05}
    p = [stats.binomtest(int(np.sum(found[k])), SAMPLES, limits[k], alternative="greater").pvalue for k in found]
    assert (adjusted(p, "holm") > 0.05).all(), rates


@pytest.mark.parametrize("cell", CELLS)
def test_shifts_are_found_dated_and_sized(cell):
    settled, wrong, dated, covered = [], [], [], []
    for seed in range(SAMPLES // 2):
        data, _, claims = outcome(CELLS[cell], 9000 + seed, -0.9)
        claim = claims.alarm
        settled.append(claim.settled)
        wrong.append(claim.settled and claim.verdict == "above")
        if claim.settled:
            since = "2025-W21" if "period" in CELLS[cell] else "2025-05-19"
            dated.append(claim.facts["began_from"] <= since <= claim.facts["began_to"])
            measure = "nps" if "kpi" in CELLS[cell] else "top_4"
            truth = data.truth
            here = (truth["outcome"] == made_of(cell)) & (truth["measure"] == measure) & (truth["unit"] == "")
            value = float(truth.loc[here, "truth"].iloc[0]) * (1 if measure == "nps" else 100)
            covered.append(claim.lower <= value <= claim.upper)
    print(f"\n{cell}, three halls of twelve fallen: alarm {np.mean(settled):.0%}, beginning covered {np.mean(dated):.1%}, "
          f"size covered {np.mean(covered):.1%} of {len(covered)}, wrong side {np.mean(wrong):.1%}")  # fmt: skip
    assert cell not in STRONG or np.mean(settled) >= 0.8
    assert not any(wrong)
    assert stats.binomtest(int(np.sum(dated)), len(dated), 0.95, alternative="less").pvalue > 0.01


def made_of(cell):
    return CELLS[cell].get("outcome", "satisfaction")
