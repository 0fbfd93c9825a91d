"""Regressions, tests and replicate variances are those of R's package survey (4.1.1)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from survey_reference import reference

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sampling.contingency import chi_square, goodness_of_fit
from xmresearch.sampling.estimates import mean
from xmresearch.sampling.hypothesis_tests import rank_test, t_test
from xmresearch.sampling.reference_distributions import f_mixture
from xmresearch.sampling.regressions import fit_weighted, regression
from xmresearch.sampling.replicates import MOST_UNITS, bootstrap, given_replicates, jackknife, replicate_estimate
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.term_tests import likelihood_ratio_test, wald_test


def close(found, want, **how):
    np.testing.assert_allclose(found, want, rtol=1e-6, **how)


MODELS = {
    "gauss": ("api00", ["ell", "meals", "mobility", "stype"], "gaussian"),
    "quasibinomial": ("sch.wide", ["ell", "meals", "mobility"], "binomial"),
    "quasipoisson": ("rec", ["ell", "meals"], "poisson"),
}


def test_regressions(designs):
    for (name, model), rows in reference("svyglm").groupby(["design", "model"]):
        outcome, predictors, family = MODELS[model]
        found = regression(designs[name], outcome, predictors, family=family)
        table = found.tidy().set_index("term")
        # R takes the information at the step before the last: its standard errors are short of the solution by up to 3e-5
        close = 1e-8 if family == "gaussian" else 1e-4
        for row in rows.itertuples():
            got = table.loc[row.term.replace("stypeH", "stype=H").replace("stypeM", "stype=M")]
            assert got["estimate"] == pytest.approx(row.estimate, rel=1e-6)
            assert got["se"] == pytest.approx(row.se, rel=close)
            np.testing.assert_allclose(
                [got["lower"], got["upper"]], [row.lower, row.upper], rtol=10 * close, atol=close
            )
            assert found.df == row.df_resid


def test_weights_alone_give_the_sandwich(designs):
    found = regression(designs["weighted_only"], *MODELS["gauss"][:2]).tidy().set_index("term")
    for row in reference("weighted_lm_vs_svyglm").itertuples():
        term = row.term.replace("stypeH", "stype=H").replace("stypeM", "stype=M")
        assert found.loc[term, "se"] == pytest.approx(row.se_svyglm_weighted_only, rel=1e-8)


def test_a_category_is_tested_as_a_whole(designs):
    want = reference("svyglm_regTermTest").set_index("test")
    outcome, predictors, _ = MODELS["gauss"]
    found = wald_test(regression(designs["clus1"], outcome, predictors), ["stype"])
    close([found.statistic, found.df, found.ddf, found.p], want.loc["Wald", ["F", "df", "ddf", "p"]].astype(float))
    found = likelihood_ratio_test(designs["clus1"], outcome, predictors, ["stype"])
    close(
        [found.statistic, found.df, found.ddf, found.p],
        want.loc["LRT", ["chisq_or_lambda", "df", "ddf", "p"]].astype(float),
    )
    with pytest.raises(DataError, match="no term 'stile'.*'ell'"):
        wald_test(regression(designs["clus1"], outcome, predictors), ["stile"])
    with pytest.raises(DataError, match="'stile' is none of the predictors"):
        likelihood_ratio_test(designs["clus1"], outcome, predictors, ["stile"])


def test_likelihood_ratios_of_shares_agree_with_wald(designs):
    sample = designs["strat"]
    outcome, predictors, family = MODELS["quasibinomial"]
    ratio = likelihood_ratio_test(sample, outcome, predictors, ["ell", "meals"], family=family)
    wald = wald_test(regression(sample, outcome, predictors, family=family), ["ell", "meals"])
    assert ratio.p == pytest.approx(wald.p, abs=0.02)
    plain = design(
        sample.frame[["sch.wide", "ell", "meals"]].assign(y=sample.frame["sch.wide"].eq("Yes").astype(float))
    )
    x = sm.add_constant(plain.frame[["ell", "meals"]])
    fits = [sm.GLM(plain.frame["y"], part, sm.families.Binomial()).fit() for part in (x, x[["const"]])]
    found = likelihood_ratio_test(plain, "y", ["ell", "meals"], ["ell", "meals"], family="binomial")
    assert found.statistic == pytest.approx(fits[1].deviance - fits[0].deviance, rel=1e-8)


def test_differences_of_means(designs):
    for row in reference("svyttest").itertuples():
        sample = designs[row.design]
        sample.frame["gain"] = sample.frame["api00"] - sample.frame["api99"]
        name, group = row.formula.replace("I(api00-api99)", "gain").split(" ~ ")
        found = t_test(sample, name, None if group == "0" else group)
        got = [found.estimate, found.statistic, found.ddf, found.p, found.lower, found.upper]
        close(got, [row.difference, row.t, row.df, row.p, row.lower, row.upper])


def test_tables(designs):
    for row in reference("svychisq").itertuples():
        # R could not compute the exact distribution there, and took the saddlepoint
        kind = "saddlepoint" if row.statistic_type == "lincom" else row.statistic_type
        found = chi_square(designs[row.design], "sch.wide", "stype", statistic=kind)
        where = f"{row.design} {row.statistic_type}"
        close(found.statistic, row.statistic, err_msg=where)
        if kind != "saddlepoint":
            close([found.p, found.df, found.ddf], [row.p, row.ndf, row.ddf], err_msg=where)
            continue
        # R sums the denominator over whole degrees of freedom, and divides by them with their decimals
        whole = np.floor(found.ddf)
        close(f_mixture(found.statistic * whole / found.ddf, np.array(found.scales), whole), row.p, err_msg=where)
        assert found.p == pytest.approx(row.p, rel=0.2)


def test_tables_of_a_domain_have_its_categories_alone(designs):
    sample = designs["strat"]
    inside = sample.frame["stype"] != "H"
    found = chi_square(sample, "sch.wide", "stype", domain=inside, statistic="Chisq")
    assert found.df == 1
    with pytest.raises(DataError, match="need two values each at least"):
        chi_square(sample, "sch.wide", "stype", domain=sample.frame["stype"] == "H")


def test_given_shares(designs):
    want = reference("svygofchisq").iloc[0]
    found = goodness_of_fit(designs["clus1"], "stype", {"E": 0.7, "H": 0.12, "M": 0.18})
    scale = np.square(found.scales).sum() / np.sum(found.scales)
    close([found.statistic, scale, found.df, found.p], want[["statistic", "scale", "df", "p"]])
    with pytest.raises(DataError, match="'M' is in the data of 'stype' alone"):
        goodness_of_fit(designs["clus1"], "stype", {"E": 0.8, "H": 0.2})
    with pytest.raises(DataError, match="share above 0"):
        goodness_of_fit(designs["clus1"], "stype", {"E": 0.8, "H": 0.2, "M": 0})


def ranks_of_r(x, w):
    """Ranks as R's svyranktest has them: of ties, the mean of what the order of the rows gives."""
    order = np.argsort(x, kind="stable")
    ranks = np.empty(len(x))
    ranks[order] = np.cumsum(w[order]) - w[order] / 2
    return pd.Series(ranks).groupby(x).transform("mean").to_numpy() / w.sum()


def test_ranks(designs):
    two, more = reference("svyranktest").itertuples(index=False)
    found = rank_test(designs["clus1"], "api00", "stype")
    assert (found.df, found.ddf) == (2, 12)
    close([found.p, 2 * found.statistic], [more.p, more.df])  # R reports the chi-square
    found = rank_test(designs["strat"], "api00", "sch.wide")
    assert found.ddf == two.df
    sample = designs["strat"]
    wide = (sample.frame["sch.wide"] == "Yes").to_numpy(float)
    theirs = fit_weighted(
        sample,
        ranks_of_r(sample.frame["api00"].to_numpy(), sample.weights),
        np.stack([np.ones(len(wide)), wide], axis=1),
        ["1", "wide"],
    ).table.iloc[1]
    close([theirs["t"], theirs["p"]], [two.statistic, two.p])
    assert found.statistic == pytest.approx(two.statistic, rel=1e-3)
    shuffled = designs["strat"].frame.sample(frac=1, random_state=1)
    again = rank_test(design(shuffled, strata="stype", weights="pw", population="fpc"), "api00", "sch.wide")
    assert again.statistic == pytest.approx(found.statistic, rel=1e-10)


def test_what_cannot_be_tested_is_named(designs):
    with pytest.raises(DataError, match="has 3 values; a t test compares two"):
        t_test(designs["strat"], "api00", "stype")
    strat, clus = designs["strat"].frame, designs["clus1"].frame
    twice = design(strat.assign(twice=2 * strat["ell"]))
    with pytest.raises(ModelError, match="linear combinations"):
        regression(twice, "api00", ["ell", "twice"])
    noise = {f"x{k}": np.random.default_rng(k).normal(size=183) for k in range(15)}
    few = design(clus.assign(**noise), clusters="dnum")
    with pytest.raises(InsufficientData, match="14 degrees of freedom, too few for 16 coefficients"):
        regression(few, "api00", list(noise))
    foretold = design(strat.assign(y=(strat["api00"] > 600).astype(float)))
    with pytest.raises(ModelError, match="foretold perfectly"):
        regression(foretold, "y", ["api00"], family="binomial")


STATISTICS = {
    "mean api00": lambda f: lambda w: w @ f["api00"] / w.sum(), "mean enroll": lambda f: lambda w: w @ f["enroll"] / w.sum(),
    "total enroll": lambda f: lambda w: w @ f["enroll"], "prop rec>=9": lambda f: lambda w: w @ (f["rec"] >= 9) / w.sum(),
    "ratio": lambda f: lambda w: (w @ f["api.stu"]) / (w @ f["enroll"]),
}  # fmt: skip


def of_r(name, scale):
    frame = reference("apiclus1_data")
    multipliers = reference(name).set_index("dnum").loc[frame["dnum"]].to_numpy()
    return given_replicates(frame["pw"], frame["pw"].to_numpy()[:, None] * multipliers, scale=scale), frame


def test_replicate_variances(designs):
    made = {
        "JK1": (jackknife(designs["clus1"]), designs["clus1"].frame), "JK1_nofpc": (jackknife(designs["clus1_nofpc"]), designs["clus1_nofpc"].frame),
        "JKn": (jackknife(designs["strat"]), designs["strat"].frame), "JKn_nofpc": (jackknife(designs["strat_nofpc"]), designs["strat_nofpc"].frame),
        "bootstrap_clus1": of_r("replicate_multipliers_bootstrap_clus1", 0.0108225108225),
        "subbootstrap_clus1_nofpc": of_r("replicate_multipliers_subbootstrap_clus1_nofpc", 0.0169491525424),
    }  # fmt: skip
    for row in reference("replicate_se").itertuples():
        replicates, frame = made[row.replicates]
        about = "estimate" if row.mse else "mean"
        found = replicate_estimate(replicates, STATISTICS[row.term](frame), about=about).table.iloc[0]
        assert replicates.df == row.degf
        np.testing.assert_allclose(
            [found["estimate"], found["se"]], [row.estimate, row.se], rtol=1e-6, err_msg=f"{row.replicates} {row.term}"
        )


def test_replicates_agree_with_linearisation(designs):
    sample = designs["strat"]
    linear = mean(sample, "api00").summary()["se"]
    drawn = replicate_estimate(bootstrap(sample, 2000), STATISTICS["mean api00"](sample.frame)).summary()["se"]
    left_out = replicate_estimate(jackknife(sample), STATISTICS["mean api00"](sample.frame)).summary()["se"]
    assert left_out == pytest.approx(linear, rel=0.01)
    assert drawn == pytest.approx(linear, rel=0.08)


def test_a_regression_on_replicates(designs):
    sample = designs["clus1"]

    def coefficients(w):
        return regression(replace(sample, weights=w), "api00", ["ell", "meals"]).table["estimate"].to_numpy()

    found = replicate_estimate(jackknife(sample), coefficients, about="mean").tidy()
    want = reference("replicate_svyglm_JK1")
    close(found[["estimate", "se"]], want[["estimate", "se"]])


def test_multipliers_of_the_jackknife_are_those_of_r(designs):
    want = reference("replicate_multipliers_JK1").set_index("dnum")
    made = jackknife(designs["clus1"])
    frame = designs["clus1"].frame
    theirs = want.loc[frame["dnum"]].to_numpy()
    ours = made.replicate / made.weights[:, None]
    close(np.sort(ours, axis=1), np.sort(theirs, axis=1))
    close(made.scales, 0.914839277851)


def test_the_jackknife_refuses_a_weight_for_every_row_of_a_large_file():
    many = design(pd.DataFrame({"x": np.arange(MOST_UNITS + 1.0)}))
    with pytest.raises(DataError, match="5001 sampling units.*Use the bootstrap"):
        jackknife(many)
    assert jackknife(design(pd.DataFrame({"x": np.arange(50.0)}))).replicate.shape == (50, 50)


def test_regressions_agree_with_a_clustered_sandwich(designs):
    sample = designs["clus1_nofpc"]
    frame = sample.frame
    x = sm.add_constant(frame[["ell", "meals"]].astype(float))
    theirs = sm.WLS(frame["api00"], x, weights=frame["pw"]).fit(
        cov_type="cluster", cov_kwds={"groups": frame["dnum"], "use_correction": False}
    )
    found = regression(sample, "api00", ["ell", "meals"]).table
    close(found["estimate"], theirs.params)
    close(found["se"], theirs.bse * np.sqrt(15 / 14))
    # weights are alike in this sample
    y = (frame["sch.wide"] == "Yes").astype(float)
    theirs = sm.GLM(y, x, sm.families.Binomial()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds={"groups": frame["dnum"], "use_correction": False}
    )
    found = regression(designs["clus1_nofpc"], "sch.wide", ["ell", "meals"], family="binomial").table
    close(found["estimate"], theirs.params)
    close(found["se"], theirs.bse * np.sqrt(15 / 14))
