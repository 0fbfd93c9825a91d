"""Ordered items: WLSMV."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sem.comparison import difference_test
from xmresearch.sem.fitting import fit
from xmresearch.sem.invariance_ladder import invariance

KIOSK = """F1 =~ x4 + x5 + x6 + x22
F2 =~ x19 + x20 + x21
F3 =~ x10 + x11 + x18
F4 =~ x13 + x14 + x15 + x16 + x17
F5 =~ x1 + x2 + x3
F6 =~ x7 + x8"""


def test_wlsmv_is_lavaans(five_point_kiosk, like_lavaan):
    """reference/sem/kiosk_ordinal_WLSMV_*.csv"""
    found = fit(KIOSK, five_point_kiosk, ordered=True)
    assert found.estimator == "WLSMV"
    like_lavaan(
        found, "sem/kiosk_ordinal_WLSMV", measures=("chisq.scaled", "cfi.robust", "rmsea.scaled", "srmr", "wrmr")
    )


def in_four(schools):
    items = [f"x{k}" for k in range(1, 10)]
    cut = schools[items].apply(lambda c: pd.qcut(c.rank(method="first"), 4, labels=False))
    return cut.assign(school=schools["school"])


# lavaan 0.6-14, cfa(..., parameterization = "theta") with the same equalities written out, run once for this test:
# npar, df, chisq.scaled, cfi.scaled, rmsea.scaled, srmr; lavTestLRT
LADDER = {
    "configural": (78, 48, 104.992661, 0.955520758, 0.089118579, 0.074203322),
    "metric": (63, 63, 112.399682, 0.961446608, 0.072422115, 0.074479611),
    "scalar": (57, 69, 180.953108, 0.912627533, 0.104177261, 0.074928808),
    "strict": (48, 78, 193.433230, 0.909911514, 0.099494145, 0.076429067),
}
STEPS = (9.8022723, 51.1393779, 15.5661610)


def test_ordinal_ladder_is_lavaans(schools, hs):
    found = invariance(hs, in_four(schools), "school", ordered=True)
    names = ("npar", "df", "chisq.scaled", "cfi.scaled", "rmsea.scaled", "srmr")
    for level, expected in LADDER.items():
        assert found.fits[level].measures[list(names)].tolist() == pytest.approx(expected, rel=1e-5)
    assert found.table["chisq_diff"].tolist()[1:] == pytest.approx(STEPS, rel=1e-4)
    assert found.level == "metric"


def test_delta_and_theta_fit_alike(schools, hs):
    """One group by delta, and the same twice over by theta."""
    four = in_four(schools).drop(columns="school")
    single = fit(hs, four, ordered=True)
    twice = pd.concat([four.assign(g="a"), four.assign(g="b")])
    double = fit(hs, twice, ordered=[f"x{k}" for k in range(1, 10)], group="g")
    assert double.measures["chisq"] == pytest.approx(2 * single.measures["chisq"], rel=1e-6)
    loadings = double.estimates.query("group == 'a' and op == '=~'")["std_all"]
    np.testing.assert_allclose(loadings, single.estimates.query("op == '=~'")["std_all"], atol=1e-6)


def test_planted_loadings_are_recovered_from_coarse_answers(one_factor_rows):
    rows = one_factor_rows(20_000, 2)[["a", "b", "c", "d"]]
    cut = rows.apply(lambda c: np.digitize(c, [-1.2, -0.3, 0.4, 1.5]))
    found = fit("f =~ a + b + c + d", cut, ordered=True).estimates.query("op == '=~'")
    assert found["std_all"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=0.02)
    coarse = fit("f =~ a + b + c + d", cut).estimates.query("op == '=~'")["std_all"]
    assert (coarse.to_numpy() < found["std_all"].to_numpy()).all()


def test_binary_items_leave_out_the_metric_level(one_factor_rows):
    rows = (one_factor_rows(3000, 6)[["a", "b", "c", "d"]] > 0).astype(int)
    rows["g"] = np.arange(len(rows)) % 2
    found = invariance("f =~ a + b + c + d", rows, "g", ordered=True, levels=("configural", "metric", "scalar"))
    assert found.table["level"].tolist() == ["configural", "scalar"]
    assert any("Binary items" in w for w in found.warnings)
    assert difference_test(found.fits["scalar"], found.fits["configural"]).pvalue > 0.001


def test_bad_requests_are_one_clear_error(five_point_kiosk):
    with pytest.raises(ModelError, match="WLSMV is for ordered variables"):
        fit(KIOSK, five_point_kiosk, estimator="WLSMV")
    with pytest.raises(ModelError, match="'x2' is not ordered but other variables"):
        fit("f =~ x1 + x2 + x3", five_point_kiosk, ordered=["x1", "x3"])
    with pytest.raises(ModelError, match="Ordered variable 'x4' explains others"):
        fit("f =~ x1 + x2 + x3\nf ~ x4", five_point_kiosk, ordered=True)
    with pytest.raises(ModelError, match="MLR is for continuous"):
        fit("f =~ x1 + x2 + x3", five_point_kiosk, ordered=True, estimator="MLR")
    with pytest.raises(DataError, match="too many for an ordered one"):
        fit("f =~ x1 + x2 + z", five_point_kiosk.assign(z=np.arange(len(five_point_kiosk))), ordered=True)
    lacking = five_point_kiosk.assign(g=(five_point_kiosk["x1"] == 5).map({True: "high", False: "low"}))
    with pytest.raises(InsufficientData, match="Group 'high'"):
        fit("f =~ x1 + x2 + x3", lacking, ordered=True, group="g")
