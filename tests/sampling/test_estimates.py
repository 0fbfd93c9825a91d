"""Means, totals, shares, ratios, domains and net scores are those of R's package survey (4.1.1)."""

import numpy as np
import pytest
from scipy import stats
from survey_reference import reference

from xmresearch.sampling.designs import design
from xmresearch.sampling.estimates import by, contrast, mean, net_promoter, ratio, total


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
        sample = designs[row.design]
        table = by(sample, "stype", mean, ["api00", "enroll"])[row.stype].tidy().set_index("term")
        for k, name in enumerate(("api00", "enroll")):
            close(table.loc[name, "estimate"], row[3 + k])
            close(table.loc[name, "se"], row[5 + k])
            close(table.loc[name, ["lower", "upper"]].to_numpy(float), [row[15 + 2 * k], row[16 + 2 * k]])


def test_a_domain_keeps_the_design(designs):
    want = reference("domain_subset").set_index("statistic")
    sample = designs["clus1"]
    inside = ((sample.frame["stype"] == "E") & (sample.frame["comp.imp"] == "Yes")).to_numpy()
    close(
        mean(sample, "api00", domain=inside).table[["estimate", "se"]].iloc[0],
        want.loc["mean api00", ["estimate", "se"]].astype(float),
    )
    close(
        total(sample, "enroll", domain=inside).table[["estimate", "se"]].iloc[0],
        want.loc["total enroll", ["estimate", "se"]].astype(float),
    )


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
    with pytest.raises(Exception, match="1 of 3 strata have a single sampling unit.*lonely"):
        mean(design(alone, strata="stype", weights="pw"), "api00")


def test_kish_is_what_the_weights_cost(designs):
    for row in reference("design_effects").drop_duplicates("design").itertuples():
        found = designs[row.design].summary()
        close([found["deff"], found["n_eff"]], [row.kish_deff, row.n_eff_kish])


def test_a_difference_of_domains_has_their_covariance(designs):
    sample = designs["clus1"]
    groups = by(sample, "stype", mean, "api00")
    apart = contrast(sample, [groups["E"], groups["H"]], [1, -1]).summary()
    close(apart["estimate"], groups["E"].table["estimate"][0] - groups["H"].table["estimate"][0])
    naive = np.hypot(groups["E"].table["se"][0], groups["H"].table["se"][0])
    assert abs(apart["se"] - naive) > 0.05 * naive


def test_an_unweighted_sample_has_the_usual_interval(designs):
    sample = designs["srs_nofpc"].frame["api00"]
    found = mean(design(designs["srs_nofpc"].frame), "api00").summary()
    low, high = stats.t.interval(0.95, len(sample) - 1, sample.mean(), stats.sem(sample))
    close([found["lower"], found["upper"]], [low, high])
