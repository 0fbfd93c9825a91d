"""Event study: dynamic effects of unit-mean vectors."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.causal.designs import did
from xmresearch.errors import InsufficientData, ModelError, ParamsError

KEYS = {"outcome": "y", "unit": "branch", "time": "month", "treated": "now"}


@pytest.fixture(scope="module")
def study(branches):
    return did(branches(periods=8, units=40), draws=8000, **KEYS)


def test_effects_are_differences_of_mean_changes(branches, study):
    wide = branches(periods=8, units=40).pivot_table(index="branch", columns="month", values="y", aggfunc="mean")
    change = wide.sub(wide[3], axis=0).to_numpy()
    expected = change[:20].mean(axis=0) - change[20:].mean(axis=0)
    dynamic = study.tidy("dynamic")
    np.testing.assert_allclose(dynamic["estimate"], expected, atol=1e-12)
    assert dynamic["event_time"].tolist() == list(range(-4, 4))
    assert study.effect["estimate"] == pytest.approx(expected[4:].mean())
    for t in (0, 7):
        low, high = stats.ttest_ind(change[:20, t], change[20:, t], equal_var=False).confidence_interval(0.95)
        assert dynamic.loc[t, ["ci_lower", "ci_upper"]].tolist() == pytest.approx([low, high], abs=0.02)


def test_reference_is_zero_and_bands_hold_the_intervals(study):
    dynamic = study.tidy("dynamic")
    reference = dynamic[dynamic["event_time"] == -1].iloc[0]
    assert (reference["estimate"], reference["sd"], reference["band_upper"]) == (0, 0, 0)
    rest = dynamic[dynamic["event_time"] != -1]
    assert (rest["band_lower"] < rest["ci_lower"]).all()
    assert (rest["band_upper"] > rest["ci_upper"]).all()
    assert study.event_times == (-4, -3, -2, 0, 1, 2, 3)
    assert study.covariance.shape == (7, 7)
    np.testing.assert_allclose(np.sqrt(np.diag(study.covariance)), rest["sd"], rtol=1e-9)


def test_base_all_is_two_way_fixed_effects(branches):
    frame = branches(periods=6)
    study, collapsed = did(frame, base="all", **KEYS), did(frame, kind="two_by_two", **KEYS)
    assert study.effect["estimate"] == pytest.approx(collapsed.effect["estimate"])
    assert "one adoption date and 6 periods" in study.chosen


def test_pretrend_is_found_and_fails_the_gate(branches):
    frame = branches(periods=6, units=60)
    drift = frame.assign(y=frame["y"] + 0.4 * frame["month"] * frame["treated"])
    found = did(drift, **KEYS)
    assert found.facts["pretrend_p"] < 0.001
    assert "pretrend" in [c.kind for c in found.concerns]
    assert found.diagnostics().set_index("check").loc["pretrend_p", "status"] == "fail"


def test_more_periods_than_units_still_have_intervals(branches):
    found = did(branches(units=6, periods=24, start=20), **KEYS)
    assert np.isfinite(found.table["sd"]).all()
    assert np.isnan(found.facts["pretrend_p"])


def test_anticipation_moves_the_reference(branches):
    found = did(branches(periods=6), anticipation=1, **KEYS)
    assert -2 not in found.event_times
    assert -1 in found.event_times
    with pytest.raises(InsufficientData, match="No period lies before treatment and 3"):
        did(branches(periods=6), anticipation=3, **KEYS)


def test_wrong_kind_and_base_are_refused(branches, mpdta):
    with pytest.raises(ParamsError, match="no base 'first'"):
        did(branches(periods=6), base="first", **KEYS)
    with pytest.raises(ModelError, match="Use kind 'staggered'"):
        did(mpdta, outcome="lemp", unit="countyreal", time="year", cohort="first.treat", kind="event_study")
    frame = branches(periods=6).query("not (month == 2 and treated == 1)")
    with pytest.raises(InsufficientData, match="treated arm has no row in 2"):
        did(frame, kind="event_study", **KEYS)
    assert did(frame, **KEYS).kind == "two_by_two"
