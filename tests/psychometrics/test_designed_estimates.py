"""Figures of the SERVQUAL study under a design: those of R's survey, and what each claim rests on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from servqual_worlds import BOOK, DIMENSIONS, POINTS, clustered
from survey_reference import designs_of_r, reference

from xmresearch.claims.ranking import Joint
from xmresearch.drivers.design_tests import nothing_explained_by_design
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.errors import InsufficientData
from xmresearch.inference.equal_means import welch_test
from xmresearch.inference.estimates import estimate_means, mean_covariance, replicate_means
from xmresearch.inference.sample_designs import domain_df, heavier, row_weights
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.importance import importance_performance
from xmresearch.psychometrics.instrument import battery_cfa, segment_invariance
from xmresearch.psychometrics.internal_consistency import reliability
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import by_design, segment_gaps
from xmresearch.sampling.designs import subset
from xmresearch.sampling.domains import by
from xmresearch.sampling.estimates import mean
from xmresearch.sampling.raking import rake
from xmresearch.sampling.regressions import regression
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.term_tests import wald_test
from xmresearch.sampling.trimming import trim
from xmresearch.studies.servqual import claims as say


@pytest.fixture(scope="module")
def of_r():
    return designs_of_r()


@pytest.fixture(scope="module")
def complete():
    """Twenty-four branches of twelve people in three regions, drawn with unlike chances."""
    frame = clustered(24, 12, (-0.9, -0.5, -0.4, -0.3, -0.3), 3, drives=(0.5, 0.3, 0.1, 0.1, 0.1), answers=True)
    rng = np.random.default_rng(5)
    frame["region"] = (frame["branch"].astype(int) % 3).astype(str)
    frame["sex"] = rng.choice(["f", "m"], len(frame), p=[0.6, 0.4])
    frame["w"] = rng.uniform(0.5, 2, len(frame))
    return frame.assign(size=40)


@pytest.fixture(scope="module")
def branches(complete):
    """The same people with blanks."""
    frame, rng = complete.copy(), np.random.default_rng(6)
    asked = [c for c in frame if c[0] in "ep" and c[1:].isdigit()]
    frame[asked] = frame[asked].mask(rng.random((len(frame), len(asked))) < 0.04)
    frame.loc[100:109, BOOK.names("perception", DIMENSIONS[0])] = np.nan
    return frame


@pytest.fixture(scope="module")
def drawn(branches):
    return design(branches, weights="w", clusters="branch", strata="region", population="size")


def dimension_gaps(frame):
    from xmresearch.psychometrics.batteries import paired_scores

    expected, perceived = paired_scores(frame, BOOK, 0.5)
    return perceived - expected


@pytest.mark.parametrize(
    "name", ["srs", "srs_nofpc", "strat", "strat_nofpc", "clus1", "clus1_nofpc", "clus2", "weighted_only"]
)
def test_means_and_errors_are_r_s(of_r, name):
    sample, table = of_r[name], reference("mean_total_ratio")
    rows = table[(table["design"] == name) & (table["statistic"] == "mean")].set_index("term")
    columns = [c for c in sample.frame if c in rows.index]
    assert "api00" in columns
    values = sample.frame[columns].to_numpy(dtype=float)
    values[np.isnan(values).any(axis=1)] = np.nan  # as R leaves them out
    found = estimate_means(values, sample)
    np.testing.assert_allclose(found.mean, rows.loc[columns, "estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.se, rows.loc[columns, "se"], rtol=1e-6)
    assert (found.df == domain_df(sample, ~np.isnan(values))).all()
    if not np.isnan(values).any():
        assert (found.df == sample.df).all()
        np.testing.assert_allclose(found.interval(0.95)[0], mean(sample, columns).table["lower"], rtol=1e-9)


@pytest.mark.parametrize(("method", "settings"), [
    ("none", {}), ("rake_stype_schwide", {"rake": True}), ("rake_trim_20_60_strict", {"rake": True, "trim": True}),
])  # fmt: skip
def test_means_of_raked_and_trimmed_weights_are_r_s(of_r, method, settings):
    rows = reference("calibration").query("method == @method and term == 'mean api00'")
    assert len(rows)
    for row in rows.itertuples():
        sample = of_r[row.design]
        if settings.get("rake"):
            sample = rake(
                sample, {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1072, "Yes": 5122}}
            ).design
        if settings.get("trim"):
            sample = trim(sample, 20, 60).design
        found = estimate_means(sample.frame[["api00"]].to_numpy(dtype=float), sample)
        np.testing.assert_allclose([found.mean[0], found.se[0]], [row.estimate, row.se], rtol=1e-6)


def test_groups_are_domains_of_the_whole_sample_as_in_r(of_r):
    table = reference("by_stype_means")
    for name in ("strat", "clus1", "clus2"):
        sample = of_r[name]
        for row in table[table["design"] == name].itertuples():
            inside = (sample.frame["stype"] == row.stype).to_numpy()
            found = estimate_means(np.where(inside, sample.frame["api00"], np.nan)[:, None].astype(float), sample)
            rows = table[(table["design"] == name) & (table["stype"] == row.stype)]
            np.testing.assert_allclose([found.mean[0], found.se[0]], [row.api00, rows["se.api00"].iloc[0]], rtol=1e-6)


def test_a_subset_has_r_s_degrees_of_freedom(of_r):
    row = reference("domain_subset").query("statistic == 'mean api00'").iloc[0]
    sample = of_r["clus1"]
    inside = (sample.frame["stype"] == "E") & (sample.frame["comp.imp"] == "Yes")
    found = estimate_means(sample.frame["api00"].where(inside).to_numpy(dtype=float)[:, None], sample)
    assert found.mean[0] == pytest.approx(row["estimate"], rel=1e-9)
    assert found.se[0] == pytest.approx(row["se"], rel=1e-6)
    assert found.df[0] == row["df"] < sample.df


def test_gaps_are_means_of_the_sampling_package(branches, drawn):
    found = gaps(branches, BOOK, weights=drawn, bootstrap=0).tidy("dimension")
    own = replace(drawn, frame=dimension_gaps(branches))
    for k, name in enumerate(DIMENSIONS):
        want = mean(own, name).table.iloc[0]
        np.testing.assert_allclose(
            found.loc[k, ["gap", "se", "ci_lower", "ci_upper", "deff", "n"]].astype(float),
            want[["estimate", "se", "lower", "upper", "deff_replace", "n"]].astype(float), rtol=1e-9,
        )  # fmt: skip
        assert found.loc[k, "df"] == 24 - 3
    np.testing.assert_allclose(found["worth"], found["n"] / found["deff"])
    t = found["gap"] / found["se"]
    np.testing.assert_allclose(found["p"], 2 * stats.t.sf(np.abs(t), 21), rtol=1e-9)


def test_covariances_are_those_of_the_sampling_package(branches, drawn):
    own = dimension_gaps(branches).dropna()
    whole = replace(subset(drawn, dimension_gaps(branches).notna().all(axis=1)), frame=dimension_gaps(branches))
    assert len(own) < len(branches)
    values = dimension_gaps(branches).to_numpy()
    np.testing.assert_allclose(
        mean_covariance(values[:, :], whole), mean(whole, list(DIMENSIONS)).covariance, rtol=1e-9
    )


def test_scores_priorities_tolerance_and_importance_rest_on_the_design(branches, drawn):
    gap = gaps(branches, BOOK, weights=drawn, bootstrap=400, seed=1)
    priority = priorities(branches, BOOK, weights=drawn, bootstrap=400, seed=1)
    np.testing.assert_allclose(
        np.diag(priority.covariance) * 25,
        gap.tidy("dimension").set_index("id").loc[priority.table["construct"], "se"] ** 2,
    )
    assert priority.df == 21
    scores = overall_scores(branches, BOOK, weights=drawn).table.set_index("measure")
    mean_gap = dimension_gaps(branches).mean(axis=1, skipna=False)
    want = mean(replace(drawn, frame=mean_gap.to_frame("score")), "score").table.iloc[0]
    np.testing.assert_allclose(
        scores.loc["servqual_unweighted", ["estimate", "se", "ci_lower"]].astype(float),
        want[["estimate", "se", "lower"]].astype(float),
    )
    rng = np.random.default_rng(1)
    asked = branches.assign(**{f"points_{d}": 20 + rng.normal(0, 5, len(branches)) for d in DIMENSIONS})
    grid = importance_performance(asked, POINTS, weights=drawn, bootstrap=400, seed=1).table
    want = mean(replace(drawn, frame=asked), f"points_{DIMENSIONS[0]}").table.iloc[0]
    np.testing.assert_allclose(
        grid.loc[0, ["importance", "importance_lower"]].astype(float), want[["estimate", "lower"]].astype(float)
    )


def test_percentile_intervals_agree_with_t_intervals(branches, drawn):
    table = gaps(branches, BOOK, weights=drawn, bootstrap=4000, seed=2).tidy("dimension")
    wide = (table["boot_upper"] - table["boot_lower"]) / (table["ci_upper"] - table["ci_lower"])
    assert wide.between(0.9, 1.1).all()


def test_replicates_have_the_tails_of_t():
    draws = heavier(np.random.default_rng(1).standard_normal((200_000, 1)), np.zeros(1), 5, 3)
    np.testing.assert_allclose(np.quantile(draws, [0.025, 0.5, 0.995]), stats.t.ppf([0.025, 0.5, 0.995], 5), atol=0.06)
    some = np.arange(200_000) % 2 == 0
    np.testing.assert_array_equal(
        heavier(np.ones((100_000, 1)), np.zeros(1), 5, 3, some), heavier(np.ones((200_000, 1)), np.zeros(1), 5, 3)[some]
    )


def test_segments_are_compared_with_their_covariance(branches, drawn):
    """Of sexes F is the square of the regression's t; of three groups in the same branches, Wald's F scaled by (df - q + 1) / df."""
    three = branches.assign(third=np.array(["a", "b", "c"])[np.arange(len(branches)) % 3])
    found = segment_gaps(three, BOOK, ["sex", "third", "region"], weights=drawn)
    own = replace(drawn, frame=dimension_gaps(branches).assign(sex=three["sex"], third=three["third"]))
    tests = found.tests.set_index(["segment", "construct"])
    for name in DIMENSIONS:
        fitted = regression(own, name, ["sex"])
        assert tests.loc[("sex", name), "f"] == pytest.approx(float(fitted.table["t"].iloc[1]) ** 2, rel=1e-9)
        f = wald_test(regression(own, name, ["third"]), ["third"]).statistic
        row = tests.loc[("third", name)]
        assert row["f"] == pytest.approx(f * 20 / 21, rel=1e-9)
        assert (row["df1"], row["df2"]) == (2, 20)
        assert row["p"] == pytest.approx(stats.f.sf(row["f"], 2, 20))
        table = by(own, "sex", mean, name).table
        cells = found.table[(found.table["segment"] == "sex") & (found.table["construct"] == name)].set_index("value")
        np.testing.assert_allclose(cells.loc[["f", "m"], "gap"], table["estimate"], rtol=1e-9)
        np.testing.assert_allclose(cells.loc[["f", "m"], "ci_lower"], table["lower"], rtol=1e-9)
    region = found.table[found.table["segment"] == "region"]
    half = (region["ci_upper"] - region["ci_lower"]).iloc[0] / 2
    means = estimate_means(
        np.where(branches["region"] == region["value"].iloc[0], own.frame[DIMENSIONS[0]], np.nan)[:, None], drawn
    )
    assert half / means.se[0] == pytest.approx(stats.t.ppf(0.975, 7))  # a region's own eight branches


@pytest.mark.parametrize("strata", ["region", None])
def test_groups_without_a_branch_in_common_are_compared_by_their_branches(complete, strata):
    """With equal weights and branches of twelve, the test is Welch's of the branches' means, with strata or without."""
    gap = dimension_gaps(complete)
    told = segment_gaps(complete, BOOK, ["region"], weights=design(complete, clusters="branch", strata=strata)).tests
    for k, name in enumerate(DIMENSIONS):
        means = gap[name].groupby(complete["branch"]).mean()
        of = complete.groupby("branch")["region"].first()
        groups = [estimate_means(means[of == r].to_numpy()[:, None]) for r in sorted(of.unique())]
        expected = welch_test(*([getattr(g, part)[0] for g in groups] for part in ("mean", "se", "df")))
        np.testing.assert_allclose(told.loc[k, ["f", "df1", "df2", "p"]].astype(float), expected, rtol=1e-8)


def test_a_group_within_one_branch_has_no_error_and_no_test(branches, drawn):
    """Its branch alone says nothing of how branches vary: an error of 0 would claim the contrary."""
    frame = branches.assign(branch_of=np.where(branches["branch"] == "0", "zero", "rest"))
    found = segment_gaps(frame, BOOK, ["branch_of"], weights=drawn)
    assert found.table.set_index("value").loc["zero", "ci_lower"].isna().all()
    assert found.table.set_index("value").loc["zero", "gap"].notna().all()
    assert found.tests.empty
    assert say.segments_differ(found).state == "withheld"
    assert domain_df(drawn, (frame["branch_of"] == "zero").to_numpy()[:, None])[0] == 0
    assert np.isnan(by_design(np.full((len(frame), 2), np.nan), drawn)[3])


def test_drivers_are_tested_and_drawn_by_the_design():
    """p is that of the sampling package's Wald test, scaled; replicates vary as its slopes do."""
    frame = clustered(80, 10, (0.0,) * 5, 8, drives=(0.1, 0.1, 0.0, 0.0, 0.0))
    frame["w"] = np.random.default_rng(1).uniform(0.5, 2, len(frame))
    whole = design(frame, weights="w", clusters="branch")
    predictors = pd.DataFrame({d: frame[BOOK.names("perception", d)].mean(axis=1) for d in DIMENSIONS})
    found = relative_importance(predictors, frame["quality"], weights=whole, bootstrap=4000, seed=1)
    fitted = regression(replace(whole, frame=predictors.assign(quality=frame["quality"])), "quality", list(DIMENSIONS))
    f, df = wald_test(fitted, list(DIMENSIONS)).statistic, whole.df - 5 + 1
    assert found.p == pytest.approx(stats.f.sf(f * df / whole.df, 5, df), rel=1e-6)
    both = np.column_stack([predictors, frame["quality"]])
    sd = np.sqrt(np.cov(both, rowvar=False, aweights=whole.weights).diagonal())
    np.testing.assert_allclose(found.table["beta"], fitted.table["estimate"][1:] * sd[:5] / sd[5], rtol=1e-9)
    wide = (found.table["beta_upper"] - found.table["beta_lower"]) / (
        fitted.table["upper"] - fitted.table["lower"]
    ).to_numpy()[1:]
    np.testing.assert_allclose(wide, sd[:5] / sd[5], rtol=0.15)
    assert ((found.replicates >= 0) & (found.replicates <= 1)).all()


def test_drivers_of_too_few_branches_are_refused(branches):
    few = branches[branches["branch"].astype(int) < 5]
    result, obstacle = outcome_drivers(few, BOOK, weights=design(few, clusters="branch"), bootstrap=200)
    assert result is None
    assert "5 clusters cannot tell 5 drivers apart; at least 7 are needed" in obstacle
    with pytest.raises(InsufficientData, match="4 degrees of freedom, too few to tell what 5 dimensions drive"):
        nothing_explained_by_design([np.zeros((len(few), 6))], design(few, clusters="branch"))


def test_derived_scores_use_the_respondents_of_the_drivers(branches, drawn):
    driven, _ = outcome_drivers(branches, BOOK, weights=drawn, bootstrap=400, seed=3)
    assert driven.imputations
    row = (
        overall_scores(branches, BOOK, driven=driven, weights=drawn, seed=3)
        .table.set_index("measure")
        .loc["servqual_derived"]
    )
    values = dimension_gaps(branches).to_numpy()
    assert row["estimate"] == pytest.approx(estimate_means(values, drawn).mean @ driven.table["share"])
    assert row["ci_lower"] < row["estimate"] < row["ci_upper"]


def test_claims_take_the_degrees_of_freedom_of_the_design(branches, drawn):
    gap = gaps(branches, BOOK, weights=drawn, bootstrap=0)
    priority = priorities(branches, BOOK, weights=drawn, bootstrap=200)
    claim = say.improve_first(priority, say.falls_short(gap, 0.0), 0.95)
    joint = Joint(priority.table["contribution"].to_numpy(), covariance=priority.covariance, df=21)
    _, low, high = joint.difference(1, 0, 0.95)
    assert (claim.facts["margin_lower"], claim.facts["margin_upper"]) == (pytest.approx(low), pytest.approx(high))
    plain = say.improve_first(priorities(branches, BOOK, bootstrap=200), say.falls_short(gap, 0.0), 0.95)
    assert claim.facts["margin_upper"] - claim.facts["margin_lower"] > 1.2 * (
        plain.facts["margin_upper"] - plain.facts["margin_lower"]
    )


def test_alpha_has_the_error_of_the_fit_s_own_covariances(complete):
    """Weights and clusters alone: the delta method over the covariances' sandwich gives the same error."""
    whole = design(complete, weights="w", clusters="branch")
    found = reliability(complete, BOOK, design=whole)
    table = found.table.query("kind == 'perception'").set_index("construct")
    cfa, _ = battery_cfa(complete, BOOK, design=whole)
    want = composite_reliability(cfa).table.set_index("construct")
    for name in DIMENSIONS:
        assert table.loc[name, "alpha"] == pytest.approx(want.loc[name, "alpha"], rel=1e-6)
        wide = (
            np.log((1 - want.loc[name, "alpha_lower"]) / (1 - want.loc[name, "alpha_upper"]))
            / 2
            / stats.norm.ppf(0.975)
        )
        assert table.loc[name, "alpha_error"] == pytest.approx(wide, rel=1e-3)
        assert table.loc[name, "df"] == 23
    claim = say.reach_alpha(found, 0.95)
    p = 2 * stats.t.sf(np.log(0.3 / (1 - found.table["alpha"])) / found.table["alpha_error"], 23)
    assert claim.facts["count"] == (np.minimum.accumulate(np.sort(p) * np.arange(len(p), 0, -1) < 0.05)).sum()


def test_instrument_and_segments_use_weights_and_clusters(complete):
    drawn = design(complete, weights="w", clusters="branch", strata="region", population="size")
    cfa, obstacle = battery_cfa(complete, BOOK, design=drawn)
    assert obstacle is None
    assert (cfa.sampling_weights, cfa.cluster) == ("(weight)", "(cluster)")
    assert cfa.samples[0].design.count == 24
    alone, _ = battery_cfa(complete, BOOK, design=design(complete, weights="w"))
    assert alone.cluster is None
    alike, plain = (segment_invariance(complete, BOOK, ["sex"], design=d).table for d in (drawn, None))
    assert alike["cfi"].notna().all()
    assert not np.allclose(alike["cfi"], plain["cfi"], atol=1e-6)


def test_a_subpopulation_leaves_the_others_out(branches, drawn):
    women = (branches["sex"] == "f").to_numpy()
    part = subset(drawn, women)
    values = dimension_gaps(branches).to_numpy()
    inside = np.where(women[:, None], values, np.nan)
    np.testing.assert_allclose(estimate_means(values, part).se, estimate_means(inside, drawn).se, rtol=1e-12)
    assert (row_weights(part, len(branches))[~women] == 0).all()
    np.testing.assert_allclose(replicate_means(values, part, 50, 1), replicate_means(inside, part, 50, 1))
