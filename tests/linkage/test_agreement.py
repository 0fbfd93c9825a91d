"""Agreement and reliability of branch means on published figures and by hand."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData
from xmresearch.linkage.agreement import climate, intraclass, rwg

JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_reliability_is_that_of_shrout_and_fleiss():
    """Shrout & Fleiss (1979), tables 2 to 4: six targets, four judges; ICC(1,1) .17, ICC(1,4) .44; F 1.79."""
    found = intraclass(np.full(6, 4), JUDGES.mean(axis=1), JUDGES.var(axis=1) * 4)
    assert found["icc1"] == pytest.approx(0.17, abs=0.005)
    assert found["icc2"] == pytest.approx(0.44, abs=0.005)
    assert found["f"] == pytest.approx(11.24 / 6.26, abs=0.005)
    assert (found["icc1_lower"], found["icc1_upper"]) == pytest.approx((-0.13, 0.72), abs=0.005)
    assert (found["icc2_lower"], found["icc2_upper"]) == pytest.approx((-0.88, 0.91), abs=0.005)


def test_reliability_of_unequal_branches_is_that_of_analysis_of_variance():
    from scipy import stats

    rng = np.random.default_rng(4)
    groups = [
        m + rng.standard_normal(n) for m, n in zip(rng.standard_normal(9), (3, 8, 5, 30, 12, 4, 6, 9, 11), strict=True)
    ]
    found = intraclass([len(g) for g in groups], [g.mean() for g in groups], [g.var() * len(g) for g in groups])
    assert found["f"] == pytest.approx(stats.f_oneway(*groups).statistic)
    assert found["p"] == pytest.approx(stats.f_oneway(*groups).pvalue)


def test_intervals_of_reliability_cover():
    rng, covered = np.random.default_rng(7), []
    for _ in range(1000):
        rows = np.sqrt(0.2) * rng.standard_normal((25, 1)) + np.sqrt(0.8) * rng.standard_normal((25, 12))
        found = intraclass(np.full(25, 12), rows.mean(axis=1), rows.var(axis=1) * 12)
        covered.append(found["icc1_lower"] <= 0.2 <= found["icc1_upper"])
    assert 0.93 < np.mean(covered) < 0.97


def test_agreement_is_that_of_the_formula():
    """James, Demaree & Wolf (1984), equations 1 and 3: on five points an even spread has variance 2."""
    assert rwg([3, 3, 3, 3], 5) == 1
    assert rwg([2, 3, 4], 5) == pytest.approx(1 - 1 / 2)
    three = rwg([[2, 2, 2], [3, 3, 3], [4, 4, 4]], 5)
    assert three == pytest.approx(3 * 0.5 / (3 * 0.5 + 0.5))
    assert rwg([1, 5, 1, 5], 5) == 0
    assert np.isnan(rwg([4], 5))
    with pytest.raises(DataError):
        rwg([1, 1], 1)


def staff(seed=1, branches=8, each=12):
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(branches), each)
    level = 3 + 0.7 * rng.standard_normal(branches)
    items = np.clip(np.rint(level[at, None] + 0.9 * rng.standard_normal((len(at), 3))), 1, 5)
    return pd.DataFrame({"unit": [f"u{k}" for k in at], **{f"q{k}": items[:, k] for k in range(3)}})


def test_a_climate_is_that_of_its_branches():
    rows = staff()
    rows.loc[3, "q1"] = np.nan
    found = climate(rows, "unit", ["q0", "q1", "q2"])
    first = found.table.set_index("branch").loc["u0"]
    own = rows[(rows["unit"] == "u0") & rows["q1"].notna()][["q0", "q1", "q2"]]
    assert first["n"] == 11
    assert first["mean"] == pytest.approx(own.mean(axis=1).mean())
    assert first["rwg"] == pytest.approx(rwg(own.to_numpy(), 5))
    assert found.summary()["people"] == 95
    assert 0 < found.icc1 < found.icc2 < 1


def test_what_is_no_climate_is_refused():
    with pytest.raises(DataError, match="outside 1 to 4"):
        climate(staff(), "unit", ["q0"], scale=(1, 4))
    with pytest.raises(DataError, match="no column"):
        climate(staff(), "unit", ["q9"])
    with pytest.raises(InsufficientData):
        climate(staff(branches=4), "unit", ["q0"])
    with pytest.raises(InsufficientData):
        intraclass([1, 1], [1, 2], [0, 0])
