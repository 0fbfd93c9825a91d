"""Arms compared by their moments: by a second method, planted effects, false claims, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import xmresearch as xm
from xmresearch.errors import DataError, InsufficientData, ParamsError


def people(n=3000, effect=0.2, seed=0, arms=("a", "b"), branches=0):
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, len(arms), n)
    before = rng.normal(50, 10, n)
    frame = pd.DataFrame({"arm": np.array(arms)[arm], "before": before, "visits": 1.0 + rng.poisson(3, n)})
    frame["score"] = 5 + 0.08 * before + effect * arm + rng.normal(size=n)
    frame["bought"] = (rng.random(n) < 0.2 + 0.05 * arm).astype(int)
    frame["spend"] = frame["visits"] * (3 + effect * arm + rng.normal(size=n) * 0.5)
    if branches:
        frame["branch"] = frame["arm"] + (np.arange(n) % branches).astype(str)
        frame["score"] += frame["branch"].map(
            dict(zip(frame["branch"].unique(), rng.normal(size=2 * branches), strict=False))
        )
    return frame


def compared(frame, outcome="score", confidence=0.95, shares=None, **of):
    return xm.causal.compare_arms(
        xm.causal.arm_moments(frame, "arm", outcome, **of), control="a", shares=shares, confidence=confidence
    )


@pytest.mark.parametrize("outcome", ["score", "bought"])
def test_a_plain_difference_is_that_of_welch(outcome):
    frame = people()
    a, b = (frame.loc[frame["arm"] == k, outcome] for k in "ab")
    test = stats.ttest_ind(b, a, equal_var=False)
    row = compared(frame, outcome).tidy().iloc[0]
    assert row["p"] == pytest.approx(test.pvalue, rel=1e-9)
    assert row["df"] == pytest.approx(test.df, rel=1e-9)
    assert (row["ci_lower"], row["ci_upper"]) == pytest.approx(tuple(test.confidence_interval()), rel=1e-9)


def test_cuped_is_the_regression_with_the_covariate():
    """With one slope the adjusted difference is the coefficient of least squares (Deng et al. 2013)."""
    frame = people()
    found, plain = compared(frame, covariate="before"), compared(frame)
    fit = smf.ols("score ~ arm + before", frame).fit(cov_type="HC1")
    row = found.tidy().iloc[0]
    assert row["estimate"] == pytest.approx(fit.params["arm[T.b]"], abs=0.02 * row["se"])
    assert row["se"] == pytest.approx(fit.bse["arm[T.b]"], rel=0.005)
    assert found.reduction == pytest.approx(np.corrcoef(frame["score"], frame["before"])[0, 1] ** 2, abs=0.03)
    assert row["se"] < 0.85 * plain.tidy()["se"].iloc[0]


def test_clusters_and_ratios_have_the_sandwich_of_least_squares():
    """CR1 with G / (G - 1) within each arm: saturated least squares, one arm at a time."""
    frame = people(branches=8)
    row = compared(frame, cluster="branch").tidy().iloc[0]
    variance = 0.0
    for k in "ab":
        own = frame[frame["arm"] == k]
        sums = (own["score"] - own["score"].mean()).groupby(own["branch"]).sum()
        variance += (sums**2).sum() * 8 / 7 / len(own) ** 2
    assert row["se"] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert row["df"] == 14
    ratio = compared(frame, "spend", denominator="visits").tidy().iloc[0]
    weighted = smf.wls("I(spend / visits) ~ arm", frame, weights=frame["visits"]).fit(cov_type="HC1")
    assert ratio["estimate"] == pytest.approx(weighted.params["arm[T.b]"], rel=1e-9)
    assert ratio["se"] == pytest.approx(weighted.bse["arm[T.b]"], rel=1e-3)


def test_parts_add_up_to_the_whole_and_lazy_frames_are_the_same():
    frame = people()
    frame.loc[:1499, "score"] += 1e6  # parts have centres far apart
    whole = xm.causal.arm_moments(frame, "arm", "score", covariate="before")
    parts = [xm.causal.arm_moments(part, "arm", "score", covariate="before") for part in (frame[:1500], frame[1500:])]
    lazy = xm.causal.arm_moments(pl.from_pandas(frame).lazy(), "arm", "score", covariate="before")
    for other in (parts[0] + parts[1], lazy):
        a, b = (xm.causal.compare_arms(m, control="a").tidy().iloc[0] for m in (whole, other))
        assert b["estimate"] == pytest.approx(a["estimate"], abs=1e-6 * a["se"])
        assert b["se"] == pytest.approx(a["se"], rel=1e-8)


def test_relative_effects_are_fieller_s():
    """The interval holds just those ratios r for which b - (1 + r) a is not shown to differ from zero."""
    frame = people(n=200)
    found = compared(frame, "bought")
    row, arms = found.tidy().iloc[0], found.arms
    t = stats.t.ppf(0.975, row["df"])
    for r in (row["rel_lower"], row["rel_upper"]):
        gap = arms["mean"][1] - (1 + r) * arms["mean"][0]
        assert abs(gap) == pytest.approx(t * np.hypot(arms["se"][1], (1 + r) * arms["se"][0]), rel=1e-8)
    centred = frame.assign(score=frame["score"] - frame.loc[frame["arm"] == "a", "score"].mean() + 1e-3)
    assert np.isnan(compared(centred).tidy()["rel_lower"].iloc[0])  # the control's figure may be 0


def test_equal_shares_are_tested_unless_others_are_planned():
    frame = people(n=4000)
    thinned = frame.drop(frame.index[frame["arm"] == "b"][:400])
    thinned.loc[thinned.index[:50], "score"] = np.nan  # without an outcome, but assigned
    found = compared(thinned)
    seen = thinned["arm"].value_counts()[["a", "b"]]
    assert found.srm_p == pytest.approx(stats.chisquare(seen).pvalue, rel=1e-9)
    assert found.diagnostics().set_index("check").loc["srm_p", "status"] == "fail"
    assert compared(thinned, shares={"a": 0.55, "b": 0.45}).srm_p > 0.001


def test_one_of_several_equal_arms_is_claimed_at_the_promised_rate():
    """Four arms without effect: any claim in 5 % of 400 at most (binomial bound of 1 in 1000: 34); uncorrected, far more."""
    held, bare = 0, 0
    for seed in range(400):
        t = compared(people(400, 0.0, seed, tuple("abcd"))).tidy()
        held += bool((t["p_adjusted"] < 0.05).any())
        bare += bool((t["p"] < 0.05).any())
    assert held <= 34
    assert bare > held


def test_a_guardrail_is_kept_only_where_harm_is_ruled_out():
    frame = people(n=4000, effect=-0.3)
    found = compared(frame, covariate="before")
    row = found.tidy().iloc[0]
    for margin in (0.6, 0.3, -row["ci_lower"] + 1e-9, -row["ci_lower"] - 1e-9):
        told = found.guarded(margin).iloc[0]
        assert told["kept"] == (told["harm_upper"] <= margin)
    assert found.guarded(0.1, better="lower")["kept"].all()


def test_the_size_that_is_said_to_suffice_has_its_power():
    """At the size for power .8, 300 experiments show the effect in .72 to .88."""
    size = int(compared(people(2000, 0.0, 1), covariate="before").needed(0.2)["groups"].iloc[0])
    shown = sum(compared(people(size, 0.2, seed), covariate="before").tidy()["p"].iloc[0] < 0.05 for seed in range(300))
    assert 0.72 < shown / 300 < 0.88
    days = compared(people(), covariate="before").needed(0.2, each_day=100)
    assert days["days"].iloc[0] == np.ceil(days["groups"].iloc[0] / 100)


@pytest.mark.parametrize(
    ("of", "error", "says"),
    [
        ({"outcome": "grade"}, DataError, "no column 'grade'"),
        ({"outcome": "arm"}, DataError, "numbers"),
        ({"cluster": "shop"}, DataError, "several arms"),
        ({"covariate": "same"}, DataError, "covariate does not vary"),
        ({"outcome": "same"}, DataError, "does not vary"),
        ({"denominator": "none"}, InsufficientData, "denominators"),
        ({"shares": {"a": 1.0}}, ParamsError, "shares"),
        ({"confidence": 1.0}, ParamsError, "confidence"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(of, error, says):
    frame = people(200).assign(same=4.0, none=0.0, shop="s")
    with pytest.raises(error, match=says):
        compared(frame, **of)
    with pytest.raises(InsufficientData, match="one arm"):
        compared(frame.assign(arm="a"))
