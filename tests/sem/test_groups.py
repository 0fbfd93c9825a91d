"""Several groups, and measurement invariance."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sem.fitting import fit
from xmresearch.sem.followup import factor_scores, modification_indices
from xmresearch.sem.invariance_ladder import invariance
from xmresearch.sufficient.moments import Moments


@pytest.fixture(scope="module")
def ladder(schools, hs):
    return invariance(hs, schools, "school")


def test_ladder_is_lavaans(ladder, reference):
    """reference/sem/hs_invariance.csv"""
    expected = pd.read_csv(reference / "sem" / "hs_invariance.csv").set_index("model")
    for level, fitted in ladder.fits.items():
        for name in expected.columns:
            near = 1e-3 if name == "chisq" else 1e-5
            assert fitted.measures[name] == pytest.approx(expected.loc[level, name], abs=near), (level, name)
    assert ladder.table["holds"].tolist() == [True, True, False, False]
    assert (ladder.level, ladder.summary()["failed"]) == ("metric", "scalar")


def test_latent_means_and_suggestions_are_lavaans(ladder):
    """lavaan 0.6-14: parameterEstimates and lavTestScore of the scalar model, run once."""
    means = ladder.means.set_index("construct")
    assert means["group"].unique().tolist() == ["Grant-White"]
    assert means["est"].round(3).tolist() == [-0.148, 0.576, -0.177]
    assert means["se"].round(3).tolist() == [0.122, 0.117, 0.09]
    scalar = ladder.suggestions.query("level == 'scalar'")
    assert scalar["lhs"].tolist() == ["x3", "x7", "x2", "x1", "x8"]
    assert scalar["mi"].round(3).tolist() == [19.193, 15.021, 6.863, 5.847, 4.710]


def test_released_intercepts_restore_invariance(schools, hs):
    partial = invariance(
        hs, schools, "school", levels=("configural", "metric", "scalar"), group_partial=("x3~1", "x7 ~1")
    )
    assert partial.table["holds"].all()
    assert partial.fits["scalar"].model.df == 58
    with pytest.raises(ModelError, match="group_partial has 'x33~1'"):
        fit(hs, schools, group="school", group_equal=("loadings",), group_partial=("x33~1",))


def test_two_groups_without_equalities_are_two_fits(schools, hs):
    both = fit(hs, schools, group="school")
    single = [fit(hs, part) for _, part in schools.groupby("school", sort=False)]
    assert both.measures["chisq"] == pytest.approx(sum(f.measures["chisq"] for f in single), abs=1e-6)
    for fitted, label in zip(single, both.model.groups, strict=True):
        mine = both.estimates[(both.estimates["group"] == label) & (both.estimates["op"] != "~1")]
        np.testing.assert_allclose(mine["est"], fitted.estimates["est"], atol=1e-6)
        np.testing.assert_allclose(mine["se"], fitted.estimates["se"], atol=1e-6)
    assert list(both.r2.index.get_level_values(0).unique()) == ["Pasteur", "Grant-White"]


def test_the_first_group_is_the_first_in_the_data(schools):
    """lavaan 0.6-14, HolzingerSwineford1939, whose first pupils are Pasteur's: 116.452; the other way round 122.266."""
    text = "visual =~ x1 + x2 + c({})*x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
    found = fit(text.format(".6, .8"), schools, group="school")
    assert found.measures["chisq"] == pytest.approx(116.452, abs=5e-4)
    assert found.groups == ("Pasteur", "Grant-White")
    assert found.summary()["group_order"] == "Pasteur, Grant-White"
    assert "groups in order = 1 Pasteur (156), 2 Grant-White (145)" in repr(found)
    assert found.tidy()["group"].drop_duplicates().tolist() == ["Pasteur", "Grant-White"]
    assert found.tidy().query("rhs == 'x3' and op == '=~'")["est"].tolist() == [0.6, 0.8]
    assert fit(text.format(".8, .6"), schools, group="school").measures["chisq"] == pytest.approx(122.266, abs=5e-4)
    as_levels = schools.assign(school=pd.Categorical(schools["school"], ["Grant-White", "Pasteur"]))
    for rows in (as_levels, schools.iloc[::-1]):
        first = fit(text.format(".6, .8"), rows, group="school")
        assert first.groups[0] == rows["school"].iloc[0]
        assert first.measures["chisq"] == pytest.approx(116.452 if rows is as_levels else 122.266, abs=5e-4)


def test_moments_of_groups_give_the_same_fit(schools, hs):
    names = [f"x{k}" for k in range(1, 10)]
    moments = {
        str(g): Moments.of(part[names].to_numpy(dtype=float), names)
        for g, part in schools.groupby("school", sort=False)
    }
    pd.testing.assert_frame_equal(fit(hs, moments).estimates, fit(hs, schools, group="school").estimates)


def test_planted_difference_of_means_is_found():
    rng = np.random.default_rng(3)
    loadings, n = np.array([1.0, 0.8, 0.9, 0.7]), 4000
    group = np.repeat(["old", "new"], n)
    f = rng.normal(size=2 * n) + np.where(group == "new", 0.5, 0.0)
    frame = pd.DataFrame(3 + f[:, None] * loadings + 0.6 * rng.normal(size=(2 * n, 4)), columns=list("abcd"))
    frame["group"] = pd.Categorical(group, ["old", "new"])
    found = invariance("f =~ a + b + c + d", frame, "group")
    assert found.groups == ("old", "new")
    assert found.level == "strict"
    row = found.means.iloc[0]
    assert row["est"] == pytest.approx(0.5, abs=4 * row["se"])
    assert row["d"] == pytest.approx(0.5, abs=0.1)
    scores = factor_scores(found.fits["strict"], frame, group="group")["f"]
    assert scores[frame["group"] == "new"].mean() - scores[frame["group"] == "old"].mean() == pytest.approx(
        0.5, abs=0.1
    )


def test_planted_bias_of_one_item_is_found_and_named():
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1], 1500)
    f = rng.normal(size=(3000, 1))
    frame = pd.DataFrame(f + 0.7 * rng.normal(size=(3000, 4)), columns=list("abcd"))
    frame["c"] += 0.6 * group
    found = invariance("f =~ a + b + c + d", frame.assign(group=group), "group")
    assert found.level == "metric"
    best = found.suggestions.iloc[0]
    assert (best["lhs"], best["op"], best["group"]) == ("c", "~1", "1")
    assert best["epc"] == pytest.approx(0.6, abs=0.15)


def test_indices_of_several_groups(schools, hs):
    table = modification_indices(fit(hs, schools, group="school"))
    assert set(table["group"]) == {"Grant-White", "Pasteur"}
    assert table["mi"].is_monotonic_decreasing


def test_labels_tie_parameters_across_groups(schools):
    found = fit(
        "visual =~ x1 + c(k, k)*x2 + c(NA, 0.5)*x3\nvisual ~~ c(u, v)*visual\ngap := u - v", schools, group="school"
    )
    table = found.estimates
    assert table.query("label == 'k'")["est"].nunique() == 1
    assert table.query("rhs == 'x3' and op == '=~'")["est"].iloc[1] == 0.5
    assert table.query("op == ':='")["est"].iloc[0] == pytest.approx(
        table.query("label == 'u'")["est"].iloc[0] - table.query("label == 'v'")["est"].iloc[0]
    )


def test_bad_groups_are_one_clear_error(schools, hs):
    five = schools.assign(site=np.where(np.arange(len(schools)) < 5, "north", "south"))
    with pytest.raises(InsufficientData, match=r"A group: fewer than 10 complete row\(s\) are too few for 9"):
        fit(hs, five, group="site")
    with pytest.raises(DataError, match="no column 'schol'.*Did you mean 'school'"):
        fit(hs, schools, group="schol")
    with pytest.raises(InsufficientData, match="has 1 group"):
        fit(hs, schools.query("school == 'Pasteur'"), group="school")
    flat = schools.copy()
    flat.loc[flat["school"] == "Pasteur", "x4"] = 2.0
    with pytest.raises(InsufficientData, match="Group 'Pasteur': Variable 'x4' is constant"):
        fit(hs, flat, group="school")
    with pytest.raises(ModelError, match="group_equal has 'loading'.*Did you mean 'loadings'"):
        fit(hs, schools, group="school", group_equal=("loading",))
    with pytest.raises(ModelError, match="no invariance level 'weak'"):
        invariance(hs, schools, "school", levels=("weak",))


def test_a_growth_model_has_free_latent_means():
    """Planted: starts of 5 on average, growing by 0.7 a wave."""
    rng = np.random.default_rng(5)
    start, slope = 5 + rng.normal(size=3000), 0.7 + 0.3 * rng.normal(size=3000)
    waves = {f"w{k}": start + k * slope + 0.5 * rng.normal(size=3000) for k in range(4)}
    text = "i =~ 1*w0 + 1*w1 + 1*w2 + 1*w3\ns =~ 0*w0 + 1*w1 + 2*w2 + 3*w3\ni ~ 1\ns ~ 1\n"
    text += "w0 ~ 0\nw1 ~ 0\nw2 ~ 0\nw3 ~ 0"
    found = fit(text, pd.DataFrame(waves))
    means = found.estimates.query("op == '~1' and lhs in ['i', 's']")
    assert found.model.df == 5
    assert (abs(means["est"] - [5, 0.7]) < 4 * means["se"]).all()


def test_scalar_invariance_of_a_second_order_factor():
    """Its mean is free, those of the first-order factors are not: otherwise none is identified. The planted shift is .5."""
    rng = np.random.default_rng(3)
    g = rng.normal(size=(1200, 1)) + np.repeat([0.0, 0.5], 600)[:, None]
    first = 0.8 * np.repeat(g, 3, axis=1) + 0.6 * rng.normal(size=(1200, 3))
    data = pd.DataFrame(
        np.repeat(first, 3, axis=1) + 0.6 * rng.normal(size=(1200, 9)),
        columns=[f"{c}{k}" for c in "abc" for k in (1, 2, 3)],
    )
    text = "A =~ a1 + a2 + a3\nB =~ b1 + b2 + b3\nC =~ c1 + c2 + c3\nG =~ A + B + C"
    ladder = invariance(text, data.assign(group=np.repeat(["x", "y"], 600)), "group")
    assert ladder.level == "strict"
    means = ladder.means.set_index("construct")
    assert list(means.index) == ["G"]
    assert means.loc["G", "ci_lower"] < 0.5 * 0.8 < means.loc["G", "ci_upper"]
    assert ladder.table["df_diff"].iloc[1:3].tolist() == [8.0, 8.0]
