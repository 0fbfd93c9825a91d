"""Rubin's rules and pooled tests, held against R's mice and semTools, by hand, and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

import xmresearch as xm
from xmresearch.errors import InsufficientData
from xmresearch.missing.pooled_tests import pool_chisq, pool_likelihood_ratio, pool_wald
from xmresearch.missing.rubin import pool
from xmresearch.sem.matrices import Matrices

MODEL = "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + y2 + y3 + y4\ndem60 ~ ind60"


def halves(pooled_by_r):
    return [part for _, part in pooled_by_r("data").groupby(".imp")]


@pytest.fixture
def fits(pooled_by_r):
    return [xm.sem.fit(MODEL, part) for part in halves(pooled_by_r)]


def test_a_regression_is_pooled_as_mice_does(pooled_by_r):
    """mice 3.15.0, pool(lm(y5 ~ y1 + x1)): Barnard and Rubin's degrees of freedom."""
    fitted = [sm.OLS(d["y5"], sm.add_constant(d[["y1", "x1"]])).fit() for d in halves(pooled_by_r)]
    found = pool([f.params for f in fitted], [f.cov_params() for f in fitted], df=72).table
    expected = pooled_by_r("lm_pooled")
    for mine, theirs in {
        "est": "estimate", "se": "std.error", "statistic": "statistic", "df": "df", "p": "p.value", "ci_lower": "2.5 %",
        "ci_upper": "97.5 %",
    }.items():  # fmt: skip
        np.testing.assert_allclose(found[mine], expected[theirs], rtol=1e-6, err_msg=mine)


def test_a_structural_model_is_pooled_as_semtools_does(pooled_by_r, fits):
    """semTools 0.5.6, summary(sem.mi(...)): within-covariances scaled by the average increase; its `fmi` is our lambda."""
    free = [f.estimates[f.estimates["se"] > 0] for f in fits]
    index = [f.covariance for f in fits]
    order = list(zip(free[0]["lhs"], free[0]["op"], free[0]["rhs"], strict=True))
    theirs = pooled_by_r("pooled_par").query("se > 0").set_index(["lhs", "op", "rhs"]).loc[order]
    found = pool([f["est"] for f in free], index, scaled=True).table
    for mine, name in {"est": "est", "se": "se", "riv": "riv", "lambda": "fmi", "ci_lower": "ci.lower"}.items():
        np.testing.assert_allclose(found[mine], theirs[name], rtol=1e-4, atol=1e-6, err_msg=mine)
    finite = np.isfinite(theirs["df"].to_numpy())
    np.testing.assert_allclose(found["df"][finite], theirs["df"][finite], rtol=1e-4)
    assert (found["df"][~finite] > 10_000).all()


def test_chi_squares_are_pooled_as_semtools_does(pooled_by_r, fits):
    """lavTestLRT.mi(test = "D2", asymptotic = TRUE)."""
    expected = pooled_by_r("D2").set_index("measure")["value"]
    found = pool_chisq([f.summary()["chisq"] for f in fits], 13)
    assert (found.chisq, found.ariv, found.fmi) == pytest.approx(tuple(expected[["chisq", "ariv", "fmi"]]), rel=1e-6)


def test_likelihood_ratios_are_pooled_as_semtools_does(pooled_by_r, fits):
    """lavTestLRT.mi(test = "D3", asymptotic = TRUE)."""
    expected = pooled_by_r("D3").set_index("measure")["value"]
    names = list(fits[0].model.observed)
    covs = [part[names].cov(ddof=0).to_numpy() for part in halves(pooled_by_r)]
    theta = np.mean([f.solution.theta for f in fits], axis=0)
    implied = Matrices(fits[0].model, covs[0], np.zeros(7), 0).implied(theta).cov

    def deviance(at, s):
        return 75 * (np.linalg.slogdet(at)[1] + np.trace(np.linalg.solve(at, s)))

    saturated = np.mean(covs, axis=0)
    ratios = [deviance(implied, s) - deviance(saturated, s) for s in covs]
    found = pool_likelihood_ratio([f.summary()["chisq"] for f in fits], ratios, 13)
    assert (found.chisq, found.ariv, found.fmi) == pytest.approx(tuple(expected[["chisq", "ariv", "fmi"]]), rel=1e-6)


def test_by_hand():
    """Three imputations of one estimate: mean 2, W = 1, B = 1, T = 1 + 4/3."""
    found = pool([[1.0], [2.0], [3.0]], [[1.0]] * 3)
    row = found.table.iloc[0]
    assert row["est"] == 2
    assert row["se"] ** 2 == pytest.approx(7 / 3)
    assert row["riv"] == pytest.approx(4 / 3)
    assert row["lambda"] == pytest.approx(4 / 7)
    assert row["df"] == pytest.approx(2 * (7 / 4) ** 2)
    assert row["fmi"] == pytest.approx((4 / 3 + 2 / (row["df"] + 3)) / (7 / 3))
    assert found.covariance.item() == pytest.approx(7 / 3)


def test_without_differences_nothing_is_missing():
    row = pool([[1.0]] * 4, [[0.25]] * 4, df=30).table.iloc[0]
    assert (row["se"], row["riv"], row["fmi"]) == (0.5, 0, pytest.approx(2 / (row["df"] + 3)))
    assert row["df"] == pytest.approx(31 / 33 * 30)
    joint = pool_wald([[1.0, 2.0]] * 4, [np.eye(2)] * 4, df=30)
    assert (joint.f, joint.df1, joint.df2) == (2.5, 2, 30)
    assert pool_chisq([8.0] * 4, 4).chisq == pytest.approx(8)
    assert pool_likelihood_ratio([8.0] * 4, [8.0] * 4, 4).chisq == pytest.approx(8)


@pytest.mark.parametrize("df", [np.inf, 60.0])
def test_the_joint_test_holds_its_level(df):
    """Estimates of 3 zeros with a third of the information gone: 5 % of 4000 tests reject, within four standard errors."""
    rng = np.random.default_rng(2)
    rejected, runs, m = 0, 4000, 10
    for _ in range(runs):
        scale = 1.0 if np.isinf(df) else rng.chisquare(df) / df
        centre = np.sqrt(1.5) * rng.standard_normal(3)
        draws = centre + np.sqrt(0.5) * rng.standard_normal((m, 3))
        rejected += pool_wald(draws, [scale * np.eye(3)] * m, df=df).p < 0.05
    assert abs(rejected / runs - 0.05) < 4 * np.sqrt(0.05 * 0.95 / runs)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InsufficientData, match="at least two imputations"):
        pool([[1.0]], [[1.0]])
    with pytest.raises(InsufficientData, match=r"\(2, 3\)"):
        pool([[1.0], [2.0]], np.ones((2, 3)))
    with pytest.raises(InsufficientData, match="too few"):
        pool_wald([[1.0], [2.0]], [[[1.0]]] * 2)
    with pytest.raises(InsufficientData, match="two imputations"):
        pool_chisq([1.0], 2)
    with pytest.raises(InsufficientData, match="covariances"):
        pool([[1.0], [2.0]], [[1.0], [1.0]], scaled=True)
