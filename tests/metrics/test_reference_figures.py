"""Figures of metrics that R gives for the same data (XMRESEARCH_DATA, reference/metrics and reference/drivers), to the digits there."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from xmresearch.metrics.adjusted_tests import adjust, group_test, pairwise_shares, table_test
from xmresearch.metrics.composite_indices import satisfaction_index
from xmresearch.metrics.cumulative_links import (
    cumulative_link,
    likelihood_ratio,
    profile_interval,
    proportional_odds_tests,
)
from xmresearch.metrics.data_weights import entropy_of, weights_from_data
from xmresearch.metrics.expert_judgements import expert_weights
from xmresearch.metrics.measures import answers_in, mean_score, top_boxes
from xmresearch.metrics.mixed_cumulative_links import mixed_cumulative_link
from xmresearch.metrics.scores_by_group import group_scores
from xmresearch.sufficient.counts import Counts

ORDER = {
    "Infl": ["Low", "Medium", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
    "Cont": ["Low", "High"],
}


def close(found, want, rtol=1e-9, atol=1e-11):
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(want, dtype=float), rtol=rtol, atol=atol)


@pytest.fixture(scope="module")
def metrics(reference):
    return reference / "metrics"


@pytest.fixture(scope="module")
def housing(metrics):
    table = pd.read_csv(metrics / "housing_data.csv")
    predictors = pd.DataFrame({name: pd.Categorical(table[name], order) for name, order in ORDER.items()})
    return table["Sat"].map({"Low": 1, "Medium": 2, "High": 3}), predictors, table["Freq"]


@pytest.fixture(scope="module")
def wine(metrics):
    return pd.read_csv(metrics / "wine_data.csv")


LOGLIK = {
    "housing": {"logit": -1739.57464953, "probit": -1739.84442128, "cloglog": -1742.02658518},
    "wine": {"logit": -86.4919233656, "probit": -85.7611483648, "cloglog": -86.6340792088},
}


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("data", ["housing", "wine"])
def test_cumulative_links_are_those_of_clm(metrics, housing, wine, data, link):
    """reference/metrics/clm_{housing,wine}_{logit,probit,cloglog}.csv: ordinal::clm."""
    if data == "housing":
        fitted = cumulative_link(housing[0], housing[1], frequencies=housing[2], link=link)
    else:
        fitted = cumulative_link(wine["rating"], wine[["temp", "contact"]], link=link)
    r = pd.read_csv(metrics / f"clm_{data}_{link}.csv")
    close(fitted.table[["estimate", "se", "z", "p"]], r.iloc[:, 1:], rtol=1e-6, atol=1e-9)
    assert list(fitted.table["term"])[-2:] == list(r["term"])[-2:]
    assert fitted.loglik == pytest.approx(LOGLIK[data][link], rel=1e-10)
    assert fitted.aic == pytest.approx(2 * len(r) - 2 * LOGLIK[data][link], rel=1e-10)


@pytest.mark.parametrize(("link", "method"), [("logit", "logistic"), ("probit", "probit")])
def test_ordered_regression_is_that_of_polr(metrics, housing, link, method):
    """reference/metrics/polr_housing_*.csv: MASS::polr; deviance 3479.149 is McCullagh's example as notes/domain.md has it."""
    fitted = cumulative_link(housing[0], housing[1], frequencies=housing[2], link=link)
    r = pd.read_csv(metrics / f"polr_housing_{method}.csv")
    effects = fitted.table.iloc[[2, 3, 4, 5, 6, 7, 0, 1]]
    close(effects[["estimate", "se", "z"]], r.iloc[:, 1:], rtol=1e-5, atol=1e-6)
    assert list(effects["term"])[:6] == list(r.iloc[:6, 0])
    assert fitted.summary()["deviance"] == pytest.approx(
        {"logit": 3479.14929906, "probit": 3479.68884257}[link], rel=1e-9
    )
    if link == "logit":
        close(
            effects["estimate"].round(4),
            [0.5664, 1.2888, -0.5724, -0.3662, -1.0910, 0.3603, -0.4961, 0.6907],
            atol=2e-4,
        )


@pytest.mark.parametrize(("link", "distr"), [("logit", "logit"), ("probit", "probit")])
def test_ordered_regression_agrees_with_statsmodels(wine, link, distr):
    x = pd.get_dummies(wine[["temp", "contact"]], drop_first=True).astype(float)
    theirs = OrderedModel(wine["rating"], x, distr=distr).fit(method="bfgs", disp=0, gtol=1e-9)
    ours = cumulative_link(wine["rating"], wine[["temp", "contact"]], link=link).table.set_index("term")["estimate"]
    close(ours.tail(2), theirs.params.iloc[:2], rtol=1e-5)
    assert theirs.llf == pytest.approx(LOGLIK["wine"][link], rel=1e-8)


def test_partial_proportional_odds_are_those_of_clm(metrics, wine):
    """reference/metrics/clm_wine_partial.csv and clm_wine_partial_lrt.csv."""
    plain = cumulative_link(wine["rating"], wine[["temp", "contact"]])
    partial = cumulative_link(wine["rating"], wine[["temp", "contact"]], nominal=["contact"])
    close(
        partial.table[["estimate", "se", "z", "p"]],
        pd.read_csv(metrics / "clm_wine_partial.csv").iloc[:, 1:],
        rtol=1e-6,
    )
    r = pd.read_csv(metrics / "clm_wine_partial_lrt.csv").iloc[1]
    close(list(likelihood_ratio(plain, partial).values()), r[["LR.stat", "df", "Pr(>Chisq)"]], rtol=1e-6)
    close([partial.loglik, partial.aic], r[["logLik", "AIC"]])


def test_tests_of_proportional_odds_are_those_of_clm(metrics, housing):
    """reference/metrics/clm_housing_nominal_test.csv."""
    found = proportional_odds_tests(housing[0], housing[1], frequencies=housing[2])
    r = pd.read_csv(metrics / "clm_housing_nominal_test.csv").iloc[1:]
    close(found[["df", "loglik", "statistic", "p"]], r[["Df", "logLik", "LRT", "Pr(>Chi)"]], rtol=1e-6)


def test_profile_intervals_are_those_of_clm(metrics, wine):
    """reference/metrics/clm_wine_profile_ci.csv; R interpolates the profile, so to 1e-4."""
    fitted = cumulative_link(wine["rating"], wine[["temp", "contact"]])
    for row in pd.read_csv(metrics / "clm_wine_profile_ci.csv").itertuples():
        close(profile_interval(fitted, row.term), [row.lower, row.upper], rtol=1e-4)


def test_random_intercepts_are_those_of_clmm(metrics, wine):
    """reference/metrics/clmm_wine_judge.csv: ordinal::clmm with nAGQ = 10."""
    fitted = mixed_cumulative_link(wine["rating"], wine[["temp", "contact"]], wine["judge"])
    r = pd.read_csv(metrics / "clmm_wine_judge.csv")
    close(fitted.table["estimate"], r["Estimate"], rtol=1e-5)
    close(fitted.table[["se", "z"]].head(6), r[["Std. Error", "z value"]].head(6), rtol=1e-5)
    assert fitted.loglik == pytest.approx(-81.5324607117, rel=1e-10)


def test_top_boxes_are_those_of_r(metrics, kiosk_frame):
    """reference/metrics/top2box.csv: Wilson intervals, nets, weighted shares with linearised errors."""
    frame = kiosk_frame.copy().assign(w=0.5 + (np.arange(len(kiosk_frame)) % 5) / 4)
    scale = range(1, 8)
    for row in pd.read_csv(metrics / "top2box.csv").itertuples():
        plain = group_scores(Counts.of(frame, row.item, levels=scale), top_boxes(scale)).table.iloc[0]
        close(plain[["n", "estimate", "lower", "upper"]], [row.n, row.top2_share, row.wilson_lower, row.wilson_upper])
        counts = Counts.of(frame, row.item, levels=scale)
        bottom = group_scores(counts, answers_in(scale, [1, 2])).table.iloc[0]
        close([bottom["estimate"], plain["estimate"] - bottom["estimate"]], [row.bottom2_share, row.net])
        weighed = group_scores(Counts.of(frame, row.item, levels=scale, weights="w"), top_boxes(scale)).table.iloc[0]
        close(weighed[["estimate", "se", "n_eff"]], [row.weighted_top2, row.weighted_se, row.n_eff_kish])


def test_means_are_those_of_r(metrics, kiosk_frame):
    """reference/metrics/mean_t_intervals.csv."""
    frame = kiosk_frame.copy().assign(w=0.5 + (np.arange(len(kiosk_frame)) % 5) / 4)
    for row in pd.read_csv(metrics / "mean_t_intervals.csv").itertuples():
        measure = mean_score(range(1, 8))
        plain = group_scores(Counts.of(frame, row.item), measure).table.iloc[0]
        close(plain[["n", "estimate", "se", "lower", "upper"]], [row.n, row.mean, row.se, row.t_lower, row.t_upper])
        weighed = group_scores(Counts.of(frame, row.item, weights="w"), measure).table.iloc[0]
        want = [row.weighted_mean, row.weighted_se, row.weighted_t_lower, row.weighted_t_upper]
        close(weighed[["estimate", "se", "lower", "upper"]], want)


def test_families_of_chi_square_tests_are_those_of_r(metrics, kiosk_frame):
    """reference/metrics/chisq_family.csv, chisq_family_24.csv and p_adjust.csv."""
    r = pd.read_csv(metrics / "chisq_family.csv")
    found = pd.DataFrame([table_test(pd.crosstab(kiosk_frame[i] >= 6, kiosk_frame["frequency"])) for i in r["item"]])
    close(found[["chisq", "df", "p", "cramers_v", "min_expected"]], r.iloc[:, 1:6])
    for method in ("holm", "bh", "by", "hochberg", "bonferroni"):
        close(adjust(found["p"], method), r[method])
    r = pd.read_csv(metrics / "chisq_family_24.csv")
    found = pd.DataFrame([table_test(pd.crosstab(kiosk_frame[i] >= 6, kiosk_frame["y1"] == 5)) for i in r["item"]])
    ours = ["chisq", "p", "chisq_corrected", "p_corrected", "p_fisher", "cramers_v"]
    close(found[ours], r[["chisq", "p", "chisq_yates", "p_yates", "fisher_p", "phi"]], rtol=1e-8)
    for method in ("holm", "bh", "by", "hochberg", "bonferroni"):
        close(adjust(found["p"], method), r[method], rtol=1e-8)
    r = pd.read_csv(metrics / "p_adjust.csv")
    for method in ("holm", "hochberg", "hommel", "bonferroni", "BH", "BY"):
        close(adjust(r["p"], method.lower()), r[method])


def test_pairwise_shares_and_group_tests_are_those_of_r(metrics, kiosk_frame):
    """reference/metrics/pairwise_prop.csv and group_tests.csv."""
    table = pd.crosstab(kiosk_frame["frequency"], kiosk_frame["sat1"] >= 6)
    found = pairwise_shares(table[True], table.sum(axis=1), list(table.index))
    ours = {frozenset((r.first, r.second)): r.p_adjusted for r in found.itertuples()}
    r = pd.read_csv(metrics / "pairwise_prop.csv")
    close([ours[frozenset((a, b))] for a, b in zip(r["group_a"], r["group_b"], strict=True)], r["p_holm"])
    two = group_test(kiosk_frame["y1"], kiosk_frame["sex"]).set_index("test")
    three = group_test(kiosk_frame["y1"], kiosk_frame["frequency"]).set_index("test")
    rows = [two.loc["welch"], two.loc["wilcoxon"], three.loc["kruskal"], three.loc["anova"], three.loc["welch_anova"]]
    r = pd.read_csv(metrics / "group_tests.csv")
    for ours, theirs in zip(rows, r.itertuples(), strict=True):
        close([ours["statistic"], ours["p"]], [theirs.statistic, theirs.p])
        assert np.isnan(theirs.df1) or ours["df1"] == pytest.approx(theirs.df1)
        assert np.isnan(theirs.df2) or ours["df2"] == pytest.approx(theirs.df2)


@pytest.mark.parametrize("name", ["servqual5", "inconsistent4", "group3"])
def test_expert_weights_are_those_of_r(reference, name):
    """reference/drivers/ahp_*.csv."""
    r = pd.read_csv(reference / "drivers" / f"ahp_{name}.csv")
    names = list(r["criterion"])
    judged = r[names]
    if name == "group3":
        each = ((3, 5, 2), (2, 4, 3), (4, 4, 1))
        judged = np.array([[[1, x, y], [1 / x, 1, z], [1 / y, 1 / z, 1]] for x, y, z in each])
    found = expert_weights(judged, names)
    close(found.table[["weight", "geometric"]], r[["eigenvector", "geometric_mean"]])
    ours = [
        found.lambda_max,
        found.consistency_index,
        found.random_index,
        found.consistency_ratio,
        found.geometric_index,
    ]
    close(ours, r[["lambda_max", "CI", "RI", "CR", "GCI"]].iloc[0])
    assert found.consistent == (name != "inconsistent4")


def test_weights_of_drinks_are_saatys():
    """notes/domain.md: Saaty's drinks, consistency ratio .022."""
    drinks = ["coffee", "wine", "tea", "beer", "soda", "milk", "water"]
    judged = [
        [1, 9, 5, 2, 1, 1, 1 / 2], [1 / 9, 1, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9], [1 / 5, 3, 1, 1 / 3, 1 / 4, 1 / 3, 1 / 9],
        [1 / 2, 9, 3, 1, 1 / 2, 1, 1 / 3], [1, 9, 4, 2, 1, 2, 1 / 2], [1, 9, 3, 1, 1 / 2, 1, 1 / 3], [2, 9, 9, 3, 2, 3, 1],
    ]  # fmt: skip
    found = expert_weights(judged, drinks)
    shares = {"water": 0.327, "soda": 0.190, "coffee": 0.177, "milk": 0.129, "beer": 0.116, "tea": 0.042, "wine": 0.019}
    close(found.table.set_index("criterion")["weight"].round(3)[list(shares)], list(shares.values()), atol=1e-12)
    assert round(found.consistency_ratio, 3) == 0.022


def test_weights_from_data_are_those_of_r(reference, kiosk_frame):
    """reference/drivers/entropy_weights.csv and entropy_small.csv."""
    r = pd.read_csv(reference / "drivers" / "entropy_weights.csv")
    items = list(r["item"])
    x = kiosk_frame[items]
    close(entropy_of(x), r["entropy_raw"])
    close(entropy_of((x - x.min()) / (x.max() - x.min())), r["entropy_minmax"])
    columns = {
        "entropy": "entropy_raw",
        "entropy_minmax": "entropy_minmax",
        "critic": "critic",
        "variation": "cv",
        "component": "pca1",
    }
    for method, column in columns.items():
        close(weights_from_data(x, items, method=method), r[f"weight_{column}"])
    r = pd.read_csv(reference / "drivers" / "entropy_small.csv").set_index("row")
    close(entropy_of(r.loc[list("ABCD")]), r.loc["entropy"])
    close(weights_from_data(r.loc[list("ABCD")], list(r)), r.loc["weight"])


def test_the_index_of_mobi_is_that_of_the_notes():
    """notes/domain.md: ACSI / ECSI index of mobi, equal weights 71.97."""
    import xmresearch as xm

    mobi = xm.load_dataset("mobi")
    items = [c for c in mobi if c.startswith("CUSA")]
    assert satisfaction_index(mobi[items].mean()) == pytest.approx(71.97, abs=0.006)


@pytest.mark.parametrize(("effect", "refused"), [(25.0, False), (25.1, True)])
def test_an_effect_without_a_finite_estimate_is_refused(monkeypatch, effect, refused):
    from xmresearch.errors import ModelError
    from xmresearch.metrics import cumulative_links

    def far(given):
        size = len(honest(given)[0])
        return np.r_[effect, np.zeros(size - 1)], -1.0, np.eye(size)

    honest = cumulative_links.maximised
    monkeypatch.setattr(cumulative_links, "maximised", far)
    y, x = pd.Series([1, 2, 3, 1, 2, 3] * 4), pd.DataFrame({"x": [0.0, 1.0] * 12})
    if refused:
        with pytest.raises(ModelError, match="no finite estimate"):
            cumulative_links.cumulative_link(y, x)
    else:
        assert cumulative_links.cumulative_link(y, x).table is not None
