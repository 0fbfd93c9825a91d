"""Multiple imputation: what is filled in was answered by somebody, and estimates hold where complete rows alone mislead."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import InsufficientData, ModelError
from xmresearch.missing.chained_equations import impute
from xmresearch.missing.imputations import Imputations
from xmresearch.missing.rubin import pool

TRUE = np.array([0.0, 0.5])


def survey(seed, n=300, whole=True):
    """y = x / 2 + noise on a scale from -3 to 3; y is blank for most of those with a high z, which goes with y."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    y = 0.5 * x + np.sqrt(0.75) * rng.standard_normal(n)
    z = 0.8 * y + 0.6 * rng.standard_normal(n)
    frame = pd.DataFrame({"x": x, "y": y, "z": z})
    if whole:
        frame = (2 * frame).round().clip(-6, 6) / 2
    frame.loc[rng.random(n) < 1 / (1 + np.exp(1 - 2 * z)), "y"] = np.nan
    return frame


def slope_and_mean(frame):
    """Mean of y, and slope of y on x, with their variances."""
    x, y, n = frame["x"] - frame["x"].mean(), frame["y"], len(frame)
    slope = x @ y / (x @ x)
    rest = y - y.mean() - slope * x
    return [y.mean(), slope], [y.var() / n, rest @ rest / (n - 2) / (x @ x)]


def test_what_is_given_stays_and_what_is_filled_in_was_answered():
    frame = survey(1)
    done = impute(frame, list(frame), m=3, seed=5)
    blank = frame["y"].isna()
    for completed in done:
        pd.testing.assert_frame_equal(completed[~blank], frame[~blank])
        assert set(completed["y"]) <= set(frame["y"].dropna())
    assert done.filled.shape == (3, blank.sum())
    assert done.summary()["incomplete"] == blank.sum()
    assert (done.filled[0] != done.filled[1]).any()


def test_a_seed_settles_every_completion_however_many_there_are():
    frame = survey(2)
    few, many = (impute(frame, list(frame), m=m, seed=9) for m in (2, 4))
    np.testing.assert_array_equal(few.filled, many.filled[:2])
    assert (impute(frame, list(frame), m=2, seed=10).filled != few.filled).any()


@pytest.mark.parametrize(("share", "m"), [(0.02, 20), (0.4, 40)])
def test_as_many_tables_as_rows_in_a_hundred_are_incomplete(share, m):
    frame = survey(3, whole=False)[["x", "z"]]
    frame.loc[: round(share * 300) - 1, "x"] = np.nan
    assert len(impute(frame, ["x", "z"], rounds=1)) == m


def test_estimates_hold_where_complete_rows_alone_mislead():
    """Blanks depend on z (MAR): over 100 surveys, 95 % intervals of the mean and the slope of y."""
    covered, misled, bias, biased = np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)
    runs = 100
    for seed in range(runs):
        frame = survey(seed, whole=False)
        found = [slope_and_mean(d) for d in impute(frame, list(frame), m=20, seed=seed)]
        pooled = pool([f[0] for f in found], [f[1] for f in found], df=298).table
        covered += (pooled["ci_lower"] < TRUE) & (pooled["ci_upper"] > TRUE)
        bias += pooled["est"] - TRUE
        est, variance = slope_and_mean(frame.dropna())
        misled += np.abs(np.array(est) - TRUE) < 1.96 * np.sqrt(variance)
        biased += np.array(est) - TRUE
    assert (covered >= 88).all(), covered
    assert misled[0] < 20
    assert abs(bias[0]) < abs(biased[0]) / 5
    assert (np.abs(bias / runs) < 0.05).all()


def test_the_variance_between_imputations_is_proper():
    """Half of y is blank at random and x explains half of it, so a third of the information on its mean is lost."""
    rng = np.random.default_rng(4)
    lost = []
    for seed in range(20):
        x = rng.standard_normal(600)
        frame = pd.DataFrame({"x": x, "y": x + rng.standard_normal(600)})
        frame.loc[:299, "y"] = np.nan
        found = [([d["y"].mean()], [d["y"].var() / 600]) for d in impute(frame, ["x", "y"], m=40, rounds=1, seed=seed)]
        lost.append(pool([f[0] for f in found], [f[1] for f in found]).table["lambda"].item())
    assert np.mean(lost) == pytest.approx(1 / 3, abs=0.05)


def test_chains_are_watched():
    steady = np.random.default_rng(1).standard_normal((8, 10, 1))
    stuck = steady + 5 * np.arange(8)[:, None, None]
    values, filled = np.array([[1.0], [np.nan]]), np.zeros((8, 1))
    assert Imputations(("a",), values, filled, steady, pd.RangeIndex(2)).diagnostics()["status"].item() == "pass"
    assert Imputations(("a",), values, filled, stuck, pd.RangeIndex(2)).diagnostics()["status"].item() == "warn"
    frame = survey(5)
    frame.loc[::7, "x"] = np.nan
    row = impute(frame, ["x", "y", "z"], m=20).diagnostics().iloc[0]
    assert np.isfinite(row["value"])
    assert (row["check"], row["status"]) == ("imputation", "pass")


def test_constant_and_collinear_columns_do_no_harm():
    frame = survey(6).assign(one=1.0, twice=lambda d: 2 * d["x"])
    frame.loc[3, "one"] = np.nan
    done = impute(frame, list(frame), m=2).complete(0)
    assert done.notna().all(axis=None)
    assert (done["one"] == 1).all()


def test_too_few_donors_and_settings_that_are_none_are_refused():
    frame = pd.DataFrame({"a": [1.0, 2, 3, np.nan, np.nan], "b": np.arange(5.0)})
    with pytest.raises(InsufficientData, match="'a' was answered by 3"):
        impute(frame, ["a", "b"])
    with pytest.raises(InsufficientData, match="m is 1"):
        impute(frame, ["a", "b"], m=1, donors=2)


def test_the_normal_model_keeps_a_relation_where_matching_has_few_donors():
    """Most of those with a low y left x blank: the slope of x on y is kept by normal draws, and weakened by matching."""
    slopes = {"normal": [], "matching": []}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.standard_normal(500)
        x = 0.7 * y + np.sqrt(0.51) * rng.standard_normal(500)
        x[rng.random(500) < 1 / (1 + np.exp(0.5 + 3 * y))] = np.nan
        frame = pd.DataFrame({"x": x, "y": y})
        for method, found in slopes.items():
            found.append(
                np.mean([d["x"].cov(d["y"]) / d["y"].var() for d in impute(frame, ["x", "y"], method=method, rounds=1)])
            )
    assert np.mean(slopes["normal"]) == pytest.approx(0.7, abs=0.02)
    assert np.mean(slopes["matching"]) < 0.66


def test_a_method_that_is_none_is_refused():
    with pytest.raises(ModelError, match="matching, normal"):
        impute(survey(1), ["x", "y"], method="mean")
