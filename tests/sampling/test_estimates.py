"""Means, totals, shares, ratios, domains and net scores are those of R's package survey (4.1.1)."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from survey_reference import reference

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sampling.designs import subset
from xmresearch.sampling.domains import by, contrast
from xmresearch.sampling.estimates import mean, ratio, total
from xmresearch.sampling.net_scores import net_promoter
from xmresearch.sampling.sampling_stages import design


def close(found, want, **how):
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-9, **how)


def test_designs(designs):
    for row in reference("designs").itertuples():
        found = designs[row.design]
        assert (found.df, len(found)) == (row.degf, row.n)
        close(found.weights.sum(), row.sum_weights)


def term_of(name):
    """R pastes the value of a category to its column."""
    for column in ("stype", "sch.wide"):
        if name.startswith(column) and len(name) > len(column):
            return column, f"{column}={name.removeprefix(column)}"
    return name, name


def test_means_totals_and_ratios(designs):
    for row in reference("mean_total_ratio").itertuples():
        if row.statistic == "ratio":
            found = ratio(designs[row.design], *row.term.split("/")).summary()
        else:
            column, term = term_of(row.term)
            names = [column]
            sample = designs[row.design]
            if row.design == "clus2":
                # R drops rows with a blank in any variable of the formula, of which enroll has some
                names = [
                    *(
                        n
                        for n in ("api00", "enroll", "meals", "stype", "sch.wide")
                        if row.statistic == "mean" or n in ("enroll", "stype")
                    )
                ]
            table = (mean if row.statistic == "mean" else total)(sample, names).tidy()
            found = table[table["term"] == term].iloc[0]
        close(
            [found["estimate"], found["se"], found["lower"], found["upper"]], [row.estimate, row.se, row.lower, row.upper],
            err_msg=f"{row.design} {row.term} {row.statistic}",
        )  # fmt: skip
        if not np.isnan(row.deff):
            close(found["deff"], row.deff, err_msg=f"deff {row.design} {row.term} {row.statistic}")


def test_groups_are_domains_of_one_design(designs):
    for row in reference("by_stype_means").itertuples():
        found = by(designs[row.design], "stype", mean, ["api00", "enroll"]).tidy()
        table = found[found["group"] == row.stype].set_index("term")
        for k, name in enumerate(("api00", "enroll")):
            close(table.loc[name, "estimate"], row[3 + k])
            close(table.loc[name, "se"], row[5 + k])
            close(table.loc[name, "se"] / table.loc[name, "estimate"], row[11 + k])
            close(table.loc[name, "deff"], row[13 + k])
            close(table.loc[name, ["lower", "upper"]].to_numpy(float), [row[15 + 2 * k], row[16 + 2 * k]])
            z = stats.norm.ppf(0.975) * table.loc[name, "se"]
            close([table.loc[name, "estimate"] - z, table.loc[name, "estimate"] + z], [row[7 + k], row[9 + k]])


def test_groups_too_small_and_columns_without_groups_are_named(designs):
    frame = designs["srs"].frame
    few = design(frame.assign(few=["only"] + ["rest"] * (len(frame) - 1), blank=None))
    with pytest.raises(InsufficientData, match="Group 'only' of 'few': Fewer than two rows"):
        by(few, "few", mean, "api00")
    with pytest.raises(InsufficientData, match="'blank' has no values"):
        by(few, "blank", mean, "api00")


def test_a_domain_keeps_the_design(designs):
    want = reference("domain_subset").set_index("statistic")
    sample = designs["clus1"]
    inside = ((sample.frame["stype"] == "E") & (sample.frame["comp.imp"] == "Yes")).to_numpy()
    part = subset(sample, inside)
    for found in (mean(part, "api00"), mean(sample, "api00", domain=inside)):
        close(found.table[["estimate", "se"]].iloc[0], want.loc["mean api00", ["estimate", "se"]].astype(float))
    for found in (total(part, "enroll"), total(sample, "enroll", domain=inside)):
        close(found.table[["estimate", "se"]].iloc[0], want.loc["total enroll", ["estimate", "se"]].astype(float))
    assert part.df == want.loc["mean api00", "df"]
    assert mean(part, "api00").df == 13
    assert mean(sample, "api00", domain=inside).df == 14
    with pytest.raises(DataError, match="domain has 3 values for 183 rows"):
        mean(sample, "api00", domain=np.ones(3, bool))
    with pytest.raises(DataError, match="neither true nor false"):
        subset(sample, np.where(inside, 2, 0))
    with pytest.raises(InsufficientData, match="Nobody is in the domain"):
        subset(sample, np.zeros(len(sample), bool))


def test_net_promoter_scores(designs):
    for row in reference("nps").itertuples():
        found = net_promoter(designs[row.design], "rec").summary()
        close(
            [found["estimate"], found["se"], found["lower"], found["upper"]],
            [row.nps, row.se, row.lower_t, row.upper_t],
        )
        close(found["deff"], row.deff)


def test_a_stratum_with_a_single_unit_is_asked_about(designs):
    kept = reference("apistrat_data")
    alone = kept[(kept["stype"] != "H") | (kept["stype"] == "H").cumsum().eq(1)]
    want = reference("lonely_psu").set_index("option")
    for option in ("remove", "adjust", "average"):
        sample = design(alone, strata="stype", weights="pw", lonely=option)
        close(mean(sample, "api00").table[["estimate", "se"]].iloc[0], want.loc[option].astype(float), err_msg=option)
    close(want.loc["certainty"], want.loc["remove"])
    with pytest.raises(
        DataError, match="1 of 3 strata have a single sampling unit.*data row 13 .stype..*lonely = adjust"
    ):
        mean(design(alone, strata="stype", weights="pw"), "api00")
    every = alone.groupby("stype").head(1)
    with pytest.raises(InsufficientData, match="Every stratum has a single sampling unit"):
        mean(design(every, strata="stype", weights="pw", lonely="average"), "api00")


def test_design_effects_against_a_sample_with_replacement(designs):
    for row in reference("design_effects").itertuples():
        sample = designs[row.design]
        # of the second-stage design R drops rows with a blank in either column
        found = mean(sample, ["api00", "enroll"]).table.set_index("term").loc[row.term, "deff_replace"]
        close(found, row.deff_replace, err_msg=f"{row.design} {row.term}")
        told = sample.summary()
        close([told["deff"], told["n_eff"]], [row.kish_deff, row.n_eff_kish])


def test_a_difference_of_domains_has_their_covariance(designs):
    sample = designs["clus1"]
    groups = by(sample, "stype", mean, "api00")
    apart = contrast(sample, groups, [1, -1, 0]).summary()
    close(apart["estimate"], groups.table["estimate"][0] - groups.table["estimate"][1])
    v = groups.covariance
    close(apart["se"], np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1]))
    assert abs(apart["se"] - np.hypot(*groups.table["se"][:2])) > 0.05 * apart["se"]
    with pytest.raises(DataError, match="3 estimates need as many coefficients, not 2"):
        contrast(sample, groups, [1, -1])


def test_a_net_score_is_the_contrast_of_two_shares(designs):
    for row in reference("nps").itertuples():
        sample = designs[row.design]
        rec = sample.frame["rec"]
        shares = [mean(designs_with(sample, top=rec >= 9, low=rec <= 6), ["top", "low"])]
        found = contrast(sample, shares, [100, -100]).summary()
        close(shares[0].table["estimate"], [row.promoters, row.detractors])
        close([found["estimate"], found["se"]], [row.nps, row.se_contrast])


def designs_with(sample, **columns):
    return replace(sample, frame=sample.frame.assign(**columns))


def test_answers_outside_the_scale_of_the_net_score_are_refused(designs):
    with pytest.raises(DataError, match="'api00': An answer is no whole number from 0 to 10"):
        net_promoter(designs["srs"], "api00")


def test_an_unweighted_sample_has_the_usual_interval(designs):
    sample = designs["srs_nofpc"].frame["api00"]
    found = mean(design(designs["srs_nofpc"].frame), "api00").summary()
    low, high = stats.t.interval(0.95, len(sample) - 1, sample.mean(), stats.sem(sample))
    close([found["lower"], found["upper"]], [low, high])


def test_a_scale_from_1_to_11_is_refused_with_the_remedy_for_samples_too(designs):
    frame = designs["srs_nofpc"].frame
    with pytest.raises(Exception, match="Column 'high': Answers run from 1 to 11.*Take 1 from every answer"):
        net_promoter(design(frame.assign(high=frame["rec"] % 11 + 1)), "high")
