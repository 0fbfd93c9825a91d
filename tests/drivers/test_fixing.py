"""What to fix: grids, penalties and rewards, Kano, opportunities, gains, groups, collinearity."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.drivers.by_group import ROWS_PER_DRIVER, drivers_by_group
from xmresearch.drivers.collinearity_check import CONDITION_HIGH, VIF_HIGH, VIF_NOTABLE, collinearity
from xmresearch.drivers.contrasts import penalty_reward
from xmresearch.drivers.expected_gains import gains
from xmresearch.drivers.kano_model import kano
from xmresearch.drivers.opportunities import opportunity
from xmresearch.drivers.quadrants import derived_grid, importance_grid
from xmresearch.errors import DataError, InsufficientData, ParamsError


def ratings(n, seed, slopes=(0.6, 0.3, 0.0), rho=0.4):
    rng = np.random.default_rng(seed)
    k = len(slopes)
    x = np.sqrt(rho) * rng.standard_normal((n, 1)) + np.sqrt(1 - rho) * rng.standard_normal((n, k))
    x = np.clip(np.rint(4.5 + 1.2 * x), 1, 7)
    y = x @ np.array(slopes) + rng.standard_normal(n)
    return pd.DataFrame(x, columns=list("abcdefgh")[:k]), pd.Series(y, name="y")


def test_collinearity_in_words():
    rng = np.random.default_rng(1)
    a = rng.standard_normal(3000)
    x = pd.DataFrame(
        {"a": a, "b": 0.9 * a + np.sqrt(1 - 0.81) * rng.standard_normal(3000), "c": rng.standard_normal(3000)}
    )
    found = collinearity(x)
    r = float(x["a"].corr(x["b"]))
    said = found.summary()
    assert said["case"] == "notable"
    assert {said["construct"], said["nearest"]} == {"a", "b"}
    assert said["correlation"] == pytest.approx(r)
    assert said["vif"] == pytest.approx(1 / (1 - r**2), rel=0.01)
    assert found.condition_index == pytest.approx(np.sqrt((1 + r) / (1 - r)), rel=0.02)
    assert collinearity(x[["a", "c"]]).summary()["case"] == "slight"
    with pytest.raises(InsufficientData, match="'d' is constant"):
        collinearity(x.assign(d=1.0))


@pytest.mark.parametrize(("vif", "index", "case"), [
    (VIF_NOTABLE - 0.01, 3, "slight"), (VIF_NOTABLE, 3, "notable"), (VIF_HIGH - 0.01, 3, "notable"), (VIF_HIGH, 3, "severe"),
    (2, CONDITION_HIGH - 0.01, "slight"), (2, CONDITION_HIGH, "severe"),
])  # fmt: skip
def test_bounds_of_collinearity(vif, index, case):
    from xmresearch.drivers.collinearity_check import CollinearityResult

    table = pd.DataFrame(
        {"construct": ["a", "b"], "vif": [vif, 1.0], "widened": 1.0, "nearest": "b", "correlation": 0.1}
    )
    assert CollinearityResult(table, index, 99).summary()["case"] == case


def test_planted_penalties_and_rewards_are_named():
    rng = np.random.default_rng(2)
    x = pd.DataFrame(rng.integers(1, 8, (3000, 4)).astype(float), columns=["basic", "linear", "exciting", "none"])
    low, high = x <= 2, x >= 6
    y = (
        -1.0 * low["basic"]
        - 0.6 * low["linear"]
        + 0.6 * high["linear"]
        + 1.0 * high["exciting"]
        + rng.standard_normal(3000)
    )
    found = penalty_reward(x, y.rename("y"), low=2, high=6)
    assert dict(zip(found.table["construct"], found.table["factor"], strict=True)) == {
        "basic": "basic", "linear": "performance", "exciting": "excitement", "none": "unsettled",
    }  # fmt: skip
    truth = pd.DataFrame({"penalty": [-1.0, -0.6, 0, 0], "reward": [0, 0.6, 1.0, 0]})
    for side in truth:
        assert found.table[f"{side}_lower"].lt(truth[side]).sum() >= 3
        assert (np.abs(found.table[side] - truth[side]) < 4 * found.table[f"{side}_se"]).all()
    assert found.summary()["basic"] == ["basic"]


def test_robust_errors_are_hc3_and_clusters_widen_them():
    import statsmodels.api as sm

    x, y = ratings(300, 3)
    found = penalty_reward(x, y, low=3, high=6)
    design = np.column_stack([np.ones(300), *[m for c in x for m in (x[c] <= 3, x[c] >= 6)]])
    peer = sm.OLS(y, design).fit(cov_type="HC3")
    np.testing.assert_allclose(found.coefficients["se"], peer.bse, rtol=1e-8)
    branch = np.repeat(np.arange(30), 10)
    shaken = y + np.random.default_rng(4).standard_normal(30)[branch] * 2
    told = penalty_reward(x, shaken, low=3, high=6, clusters=branch)
    assert np.isfinite(told.coefficients["se"]).all()
    assert told.coefficients["se"].iloc[0] > penalty_reward(x, shaken, low=3, high=6).coefficients["se"].iloc[0]


def test_too_few_low_answers_give_no_penalty():
    x, y = ratings(200, 5)
    x.loc[:, "a"] = np.where(np.arange(200) < 9, 1.0, 6 + np.arange(200) % 2)
    found = penalty_reward(x, y, low=2, high=7).table.set_index("construct")
    assert np.isnan(found.loc["a", "penalty"])
    assert np.isfinite(found.loc["a", "reward"])
    assert found.loc["a", "factor"] == "unsettled"
    with pytest.raises(InsufficientData, match="No driver has"):
        penalty_reward(x[["b"]] * 0 + 4, y, low=2, high=7)


def test_gap_line_and_derived_importance():
    rng = np.random.default_rng(6)
    x, y = ratings(400, 6)
    stated = pd.DataFrame({"a": 6.0, "b": 5.0, "c": 3.0}, index=x.index) + rng.standard_normal((400, 3)).round()
    found = importance_grid(stated, x, same_scale=True, bootstrap=300).table.set_index("id")
    np.testing.assert_allclose(found["gap"], (x - stated).mean())
    assert found.loc["a", "gap_upper"] < 0 < found.loc["c", "gap_lower"]
    derived = derived_grid(x, y, derived="share", bootstrap=300).table
    assert derived["importance"].sum() == pytest.approx(1)
    assert derived["id"].iloc[derived["importance"].argmax()] == "a"
    with pytest.raises(ValueError, match="middle of the scale"):
        importance_grid(stated, x, cross="scale_middle", bootstrap=50)
    with pytest.raises(InsufficientData):
        derived_grid(x.head(9), y.head(9), bootstrap=50)


def test_a_kano_category_is_ahead_by_exact_sign_tests():
    """Twelve must-be, five one-dimensional and one attractive answers: the nearest rival is the one that counts."""
    present = pd.DataFrame({"f": [3.0] * 12 + [1.0] * 6})
    absent = pd.DataFrame({"f": [5.0] * 17 + [3.0]})
    row = kano(present, absent).table.iloc[0]
    assert (row["M"], row["O"], row["A"]) == (12, 5, 1)
    assert row["p_ahead"] == pytest.approx(stats.binomtest(12, 17).pvalue)
    halved = kano(present, absent, weights=np.repeat([0.5, 1.5], 9)).table.iloc[0]
    assert halved["p_ahead"] > row["p_ahead"]
    tied = kano(pd.DataFrame({"f": [3.0] * 6 + [1.0] * 6}), pd.DataFrame({"f": [5.0] * 12})).table.iloc[0]
    assert tied["p_ahead"] == 1


def test_kano_counts_weights_and_refuses_other_answers():
    present = pd.DataFrame({"f": [1.0] * 6 + [3.0] * 6 + [np.nan]})
    absent = pd.DataFrame({"g": [5.0] * 6 + [5.0] * 6 + [1.0]})
    found = kano(present, absent).table.iloc[0]
    assert (found["O"], found["M"], found["n"], found["category"]) == (6, 6, 12, "M")
    assert found["worse"] == -1
    assert -1 <= found["worse_lower"] <= found["worse_upper"] < -0.5
    w = np.array([3.0] * 6 + [1.0] * 6 + [1.0])
    assert kano(present, absent, weights=w).table.iloc[0]["category"] == "O"
    assert kano(present.head(9), absent.head(9)).table.empty
    with pytest.raises(DataError, match="2 answers are none of 1 to 5"):
        kano(present.replace(1.0, 7.0).replace(3.0, 3.0).head(2), absent.head(2))


def test_opportunity_scores():
    importance = pd.DataFrame({"a": [5.0] * 9 + [1.0], "b": [5.0] * 5 + [1.0] * 5})
    satisfaction = pd.DataFrame({"a": [5.0] * 4 + [1.0] * 6, "b": [5.0] * 8 + [1.0] * 2})
    found = opportunity(importance, satisfaction, important=4, satisfied=4, bootstrap=400)
    assert list(found["id"]) == ["a", "b"]
    assert list(found["opportunity"]) == [9 + 5, 5]
    assert (found["opportunity_lower"] <= found["opportunity"]).all()
    assert found["p_top"].iloc[0] > 0.9


def test_gains_of_a_mean_are_slopes_within_the_scale():
    x, y = ratings(800, 7)
    found = gains(x, y, most={"a": 7, "b": 7, "c": 7}, bootstrap=400, costs={"a": 6.0, "b": 1.0})
    rows = found.of("one_point").set_index("construct")
    slopes = np.linalg.lstsq(np.column_stack([np.ones(800), x]), y, rcond=None)[0][1:]
    room = (x < 7).mean()
    np.testing.assert_allclose(rows.loc[list("abc"), "gain"], slopes * room, rtol=1e-9)
    np.testing.assert_allclose(rows.loc[list("abc"), "shift"], room)
    assert rows.loc["a", "gain_lower"] < 0.6 * room["a"] < rows.loc["a", "gain_upper"]
    assert rows["p_first"].idxmax() == "a"
    assert rows["p_value"].idxmax() == "b"
    assert np.isnan(rows.loc["c", "per_cost"])
    assert rows.loc["a", "per_cost"] == pytest.approx(slopes[0] / 6)
    with pytest.raises(ParamsError, match="no driver 'd'"):
        gains(x, y, costs={"d": 1.0}, bootstrap=50)
    with pytest.raises(ParamsError, match="above zero"):
        gains(x, y, costs={"a": 0.0}, bootstrap=50)


def test_gains_of_nps_move_probabilities():
    rng = np.random.default_rng(8)
    x = pd.DataFrame(rng.normal(5, 1, (4000, 2)), columns=["a", "b"])
    latent = 0.8 * x["a"] + rng.logistic(size=4000) - 4
    y = pd.Series(np.digitize(latent, np.linspace(-3.5, 1.5, 10)).astype(float), name="recommend")
    found = gains(x, y, target="nps", most={"a": 99, "b": 99}, bootstrap=100).of("one_point").set_index("construct")

    def score(values):
        return 100 * ((values >= 9).mean() - (values <= 6).mean())

    moved = np.digitize(latent + 0.8, np.linspace(-3.5, 1.5, 10))
    assert found.loc["a", "gain"] == pytest.approx(score(moved) - score(y), abs=2.5)
    assert found.loc["a", "gain_lower"] < score(moved) - score(y) < found.loc["a", "gain_upper"]
    assert found.loc["b", "gain_lower"] < 0 < found.loc["b", "gain_upper"]
    top = (
        gains(x, y, target="top_box", top=9, most={"a": 99, "b": 99}, bootstrap=50)
        .of("one_point")
        .set_index("construct")
    )
    assert top.loc["a", "gain"] == pytest.approx(100 * ((moved >= 9).mean() - (y >= 9).mean()), abs=1.5)


def test_gains_of_a_mean_of_grades():
    """Of grades the mean moves by the model's probabilities, close to a straight line in the middle of the scale."""
    x, y = ratings(1500, 17)
    grades = pd.Series(np.clip(np.rint(y), 1, 7), name="y")
    kept = {"most": dict.fromkeys("abc", 99.0), "bootstrap": 100}
    straight, graded = (
        gains(x, grades, kind=k, **kept).of("one_point").set_index("construct") for k in ("numeric", "ordinal")
    )
    assert (np.abs(graded["gain"] - straight["gain"]) < 0.08).all()
    assert (graded["gain_lower"] < straight["gain"]).all()


def test_the_best_group_is_pulled_in():
    x, y = ratings(900, 9)
    branch = pd.Series(np.tile(np.array(list("pqrstuvwx")), 100))
    x.loc[branch == "q", "a"] += 1.0
    found = gains(x, y, most=dict.fromkeys("abc", 99.0), groups=branch, bootstrap=400)
    rows = found.of("best_group").set_index("construct")
    assert found.best["a"] == "q"
    level = x.groupby(branch)["a"].mean()
    assert 0.8 * (level["q"] - x["a"].mean()) < rows.loc["a", "shift"] < level["q"] - x["a"].mean() + 1e-9
    # of b nothing differs between the groups but chance, and little is promised of reaching the best
    assert rows.loc["b", "shift"] < x.groupby(branch)["b"].mean().max() - x["b"].mean()
    tiny = gains(x, y, groups=branch, min_cell=101, bootstrap=50)
    assert tiny.best == {}
    assert list(tiny.table["move"].unique()) == ["one_point"]


def test_slopes_that_differ_by_segment_are_found_and_small_groups_hidden():
    rng = np.random.default_rng(10)
    x, y = ratings(900, 10, slopes=(0.5, 0.3, 0.1))
    channel = pd.Series(rng.choice(["web", "phone", "desk"], 900))
    y = y + np.where(channel == "web", 0.8, 0.0) * (x["b"] - 4.5)
    segments = pd.DataFrame({"channel": channel, "shift": rng.choice(["day", "night"], 900)})
    found = drivers_by_group(x, y, segments)
    tests = found.tests.set_index(["segment", "construct"])
    assert tests.loc[("channel", "b"), "p_adjusted"] < 0.001
    assert (tests["p_adjusted"].drop(("channel", "b")) > 0.05).all()
    assert (tests["family"] == 6).all()
    assert found.hidden_summary() is None
    web = found.table.query("value == 'web' and construct == 'b'").iloc[0]
    assert web["slope_lower"] < 1.1 < web["slope_upper"]
    small = segments.assign(channel=np.where(np.arange(900) < 9, "fax", channel))
    hidden = drivers_by_group(x, y, small)
    assert "fax" not in set(hidden.table["value"])
    assert hidden.hidden == 2  # the one that would reveal it, too
    assert drivers_by_group(x, y, pd.DataFrame({"all": ["one"] * 900})) is None


@pytest.mark.parametrize(("n", "compared"), [(ROWS_PER_DRIVER * 3 + 2, True), (ROWS_PER_DRIVER * 3 + 1, False)])
def test_fewest_rows_of_a_group(n, compared):
    x, y = ratings(100 + n, 11)
    segment = pd.DataFrame({"s": ["a"] * n + ["b"] * 100})
    assert (drivers_by_group(x, y, segment) is not None) is compared


def test_equal_slopes_are_rejected_as_often_as_promised():
    """Three groups of unequal size, 300 surveys: each driver's test at 5 %."""
    rejected = 0
    for seed in range(300):
        x, y = ratings(160, [12, seed])
        rng = np.random.default_rng(seed)
        segment = pd.DataFrame({"s": rng.choice(["a", "b", "c"], 160, p=[0.2, 0.3, 0.5])})
        found = drivers_by_group(x, y, segment)
        rejected += int((found.tests["p"] < 0.05).sum())
    assert stats.binomtest(rejected, 900, 0.05).pvalue > 0.001
