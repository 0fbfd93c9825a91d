"""Two by two: closed forms against published and textbook figures."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.causal.designs import did
from xmresearch.causal.draws import column_quantiles, stretch
from xmresearch.errors import ModelError, ParamsError


def test_kielmc_is_wooldridges(kielmc):
    """Wooldridge, Introductory Econometrics, example 13.3: house prices near the incinerator, -11 863.9 (7 456.6)."""
    found = did(kielmc, outcome="rprice", time="year", treated="nearinc", treated_from=1981)
    assert found.effect["estimate"] == pytest.approx(-11863.9, abs=0.1)
    assert found.effect["sd"] == pytest.approx(7456.6, rel=0.03)
    assert found.clustered.startswith("not clustered (321 rows")
    low, high = -11863.9 + 7456.65 * stats.t.ppf([0.025, 0.975], 317)
    assert found.effect["ci_lower"] == pytest.approx(low, rel=0.05)
    assert found.effect["ci_upper"] == pytest.approx(high, abs=900)


def test_injury_kentucky_is_wooldridges(injury):
    """Wooldridge, example 13.4: duration of injury leave in Kentucky, .191 (.069)."""
    found = did(injury[injury["ky"] == 1], outcome="ldurat", time="afchnge", treated="highearn", treated_from=1)
    assert found.effect["estimate"] == pytest.approx(0.1906, abs=1e-4)
    assert found.effect["sd"] == pytest.approx(0.0685, rel=0.03)


def test_organ_donations_are_huntington_kleins(organ_donations):
    """causaldata 0.1.5, The Effect, chapter 18: -.02246; one treated state, so the interval leans on the others."""
    found = did(
        organ_donations, outcome="Rate", unit="State", time="Quarter_Num", treated=["California"], treated_from=4,
        kind="two_by_two", cluster="unit",
    )  # fmt: skip
    assert found.effect["estimate"] == pytest.approx(-0.02246, abs=1e-5)
    assert [c.kind for c in found.concerns] == ["few_units", "one_unit"]
    assert found.diagnostics().loc[0, "status"] == "fail"


def test_clustered_interval_is_welchs(branches):
    frame = branches()
    found = did(frame, outcome="y", unit="branch", time="month", treated="now", draws=40_000)
    wide = frame.pivot_table(index="branch", columns="month", values="y", aggfunc="mean")
    change = (wide[1] - wide[0]).to_numpy()
    welch = stats.ttest_ind(change[:10], change[10:], equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert found.kind == "two_by_two"
    assert found.clustered == "clustered by unit (20 units)"
    assert found.effect["estimate"] == pytest.approx(change[:10].mean() - change[10:].mean())
    assert [found.effect["ci_lower"], found.effect["ci_upper"]] == pytest.approx([low, high], abs=0.01)
    assert found.facts["df"] == pytest.approx(welch.df)
    raw = did(frame, outcome="y", unit="branch", time="month", treated="now", cluster="none")
    assert raw.effect["sd"] < found.effect["sd"]
    assert "unclustered" in [c.kind for c in raw.concerns]


def test_multiplying_the_outcome_changes_no_standardised_answer(branches):
    frame = branches()
    options = {"unit": "branch", "time": "month", "treated": "now"}
    for cluster in (None, "none"):
        one, thousand = (
            did(frame.assign(y=frame["y"] * scale), outcome="y", cluster=cluster, **options) for scale in (1, 1000)
        )
        for key in ("standardised", "standardised_lower", "standardised_upper", "p_positive"):
            assert one.effect[key] == pytest.approx(thousand.effect[key], abs=1e-9)
    tight, thousand = (
        did(frame.assign(y=frame["y"] * s), outcome="y", cluster="none", prior_scale=0.1, **options) for s in (1, 1000)
    )
    assert tight.effect["standardised"] == pytest.approx(thousand.effect["standardised"])
    assert abs(tight.effect["estimate"]) < abs(one.effect["estimate"])


def test_families_are_their_conjugate_closed_forms(branches):
    frame = branches(rows=200)
    rng = np.random.default_rng(0)
    keys = {"unit": "branch", "time": "month", "treated": "now", "cluster": "none", "draws": 40_000}
    latent = frame["y"].to_numpy()
    frame = frame.assign(
        yes=(latent > 3.5).astype(int), calls=rng.poisson(np.exp(latent / 3)), stars=np.clip(np.round(latent), 1, 5),
        recommend=np.clip(np.round(latent * 2), 0, 10),
    )  # fmt: skip
    cell = frame.groupby([frame["branch"] >= 10, "month"])
    yes = cell["yes"].agg(["sum", "size"]).to_numpy()
    exact = stats.beta(yes[:, 0] + 0.5, yes[:, 1] - yes[:, 0] + 0.5)
    sign = np.array([-1, 1, 1, -1])
    found = did(frame, outcome="yes", family="bernoulli", **keys)
    assert found.estimand == "probability"
    assert found.effect["estimate"] == pytest.approx(sign @ exact.mean())
    assert found.effect["sd"] == pytest.approx(np.sqrt(exact.var().sum()), rel=0.02)
    calls = cell["calls"].agg(["sum", "size"]).to_numpy()
    found = did(frame, outcome="calls", family="count", **keys)
    assert found.effect["sd"] == pytest.approx(np.sqrt(((calls[:, 0] + 0.5) / calls[:, 1] ** 2).sum()), rel=0.02)
    stars = did(frame, outcome="stars", family="ordinal", **keys)
    assert stars.tidy("overall")["measure"].tolist() == ["mean", "top_box"]
    means = cell["stars"].mean().to_numpy()
    assert stars.effect["estimate"] == pytest.approx(sign @ means, abs=2e-3)
    assert stars.effect["sd"] == pytest.approx(np.sqrt((cell["stars"].var() / cell["stars"].size()).sum()), rel=0.02)
    nps = did(frame, outcome="recommend", family="nps", **keys)
    score = 100 * ((frame["recommend"] >= 9).astype(int) - (frame["recommend"] <= 6).astype(int))
    by = score.groupby([frame["branch"] >= 10, frame["month"]])
    assert nps.estimand == "nps"
    assert nps.effect["estimate"] == pytest.approx(sign @ by.mean().to_numpy(), abs=0.1)
    assert nps.effect["sd"] == pytest.approx(np.sqrt((by.var() / by.size()).sum()), rel=0.02)
    clustered = did(frame, outcome="recommend", family="nps", **(keys | {"cluster": "unit"}))
    assert clustered.effect["estimate"] == pytest.approx(sign @ by.mean().to_numpy(), abs=1e-9)


def test_unequal_variance_is_four_t_distributions(kielmc):
    keys = {"outcome": "rprice", "time": "year", "treated": "nearinc", "treated_from": 1981}
    found = did(kielmc, variance="unequal", draws=40_000, **keys)
    var = kielmc.groupby(["nearinc", "year"])["rprice"].agg(lambda v: v.var() / len(v))
    assert found.effect["sd"] == pytest.approx(np.sqrt(var.sum()), rel=0.04)


def test_overdispersed_counts_are_said_to_be(branches):
    rng = np.random.default_rng(1)
    frame = branches(rows=50).assign(y=lambda f: rng.negative_binomial(1, 0.2, len(f)))
    found = did(frame, outcome="y", unit="branch", time="month", treated="now", family="count", cluster="none")
    assert "overdispersed" in [c.kind for c in found.concerns]
    assert "times as much as Poisson" in found.warnings[-1]


def test_options_that_do_not_apply_are_refused(branches, mpdta):
    keys = {"unit": "branch", "time": "month", "treated": "now", "outcome": "y"}
    with pytest.raises(ParamsError, match="There is no variance 'robust'"):
        did(branches(), variance="robust", **keys)
    with pytest.raises(ParamsError, match="prior_scale is -1"):
        did(branches(), prior_scale=-1.0, **keys)
    with pytest.raises(ParamsError, match="prior_scale applies to family 'gaussian'"):
        did(branches(), prior_scale=1.0, variance="unequal", **keys)
    with pytest.raises(ParamsError, match="has no option 'shrink'"):
        did(branches(), shrink=True, **keys)
    with pytest.raises(ModelError, match="Use kind 'staggered'"):
        did(mpdta, outcome="lemp", unit="countyreal", time="year", cohort="first.treat", kind="two_by_two")
    with pytest.raises(ParamsError, match="no weight 'people'"):
        did(branches(), weight="people", **keys)


def test_more_periods_collapse_and_rows_may_count_equally(branches):
    frame = branches(periods=6)
    uneven = pd.concat([frame, frame[frame["branch"] == 0]] * 2, ignore_index=True)
    keys = {"outcome": "y", "unit": "branch", "time": "month", "treated": "now", "kind": "two_by_two"}
    units, rows = (did(uneven, weight=w, **keys).effect["estimate"] for w in ("units", "rows"))
    by = frame.assign(after=frame["month"] >= 3).groupby(["treated", "branch", "after"])["y"].mean()
    mean = by.groupby(["treated", "after"]).mean()
    assert units == pytest.approx(mean[1, True] - mean[1, False] - mean[0, True] + mean[0, False])
    assert rows != pytest.approx(units)


@pytest.mark.parametrize("df", [4.0, 6.0, 9.5, 10.5, 40.0])
def test_few_units_give_draws_the_tails_of_student_t(df):
    rng = np.random.default_rng(3)
    drawn = stretch(rng.standard_normal((800_000, 1)), np.zeros(1), np.array([df]), rng)
    levels = np.array([0.975, 0.999, 0.9999])
    np.testing.assert_allclose(np.quantile(np.abs(drawn), 2 * levels - 1) / stats.t.ppf(levels, df), 1, atol=0.04)


@pytest.mark.parametrize("rows", [1, 2, 399, 4000])
def test_quantiles_by_sorting_are_numpys(rows):
    draws, levels = np.random.default_rng(rows).normal(size=(rows, 3)), [0.0, 0.025, 0.5, 0.975, 1.0]
    np.testing.assert_allclose(
        column_quantiles(draws, levels), np.quantile(draws, levels, axis=0), rtol=1e-12, atol=1e-14
    )
