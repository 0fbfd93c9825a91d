"""A/B tests and staged roll-outs."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, stats

from xmresearch.causal.randomised import experiment
from xmresearch.errors import DataError, InsufficientData, ParamsError

AB = {"outcome": "y", "arm": "arm", "control": "a"}


def _frame(seed=0, n=600, effect=0.0, arms="ab"):
    rng = np.random.default_rng(seed)
    arm = rng.choice(list(arms), n)
    return pd.DataFrame({"arm": arm, "y": 10 + rng.normal(0, 2, n) + effect * (arm == "b")})


def _main(found, arm="b"):
    return found.effects.set_index(["arm", "measure"]).loc[(arm, found.measure)]


def test_gaussian_is_welch():
    """Behrens-Fisher: the mean exactly, the spread close to Welch's t."""
    frame = _frame(effect=0.4)
    found = experiment(frame, **AB, draws=100_000)
    a, b = (frame.loc[frame["arm"] == k, "y"] for k in "ab")
    row, welch = _main(found), stats.ttest_ind(b, a, equal_var=False)
    assert row["estimate"] == pytest.approx(b.mean() - a.mean(), abs=0.003)
    interval = welch.confidence_interval()
    np.testing.assert_allclose(row[["ci_lower", "ci_upper"]].astype(float), interval, atol=0.01)
    assert row["p_positive"] == pytest.approx(1 - welch.pvalue / 2, abs=0.004)
    assert row["standardised"] == pytest.approx(row["estimate"] / a.std())
    assert found.arms["p_best"].sum() == pytest.approx(1)
    assert found.arms["p_best"].iloc[1] == pytest.approx(row["p_positive"])
    loss = np.maximum(found.draws[:, 0] - found.draws[:, 1], 0).mean()
    assert found.arms["expected_loss"].iloc[1] == pytest.approx(loss)


def test_bernoulli_is_the_beta_integral():
    frame = pd.DataFrame({"arm": ["a"] * 200 + ["b"] * 150, "y": [1] * 60 + [0] * 140 + [1] * 57 + [0] * 93})
    found = experiment(frame, **AB, family="bernoulli", draws=200_000)
    a, b = stats.beta(60.5, 140.5), stats.beta(57.5, 93.5)
    exact, _ = integrate.quad(lambda p: b.pdf(p) * a.cdf(p), 0, 1)
    assert _main(found)["p_positive"] == pytest.approx(exact, abs=0.003)
    assert _main(found)["sd"] == pytest.approx(np.sqrt(a.var() + b.var()), rel=0.01)


def test_count_is_the_gamma_posterior():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": rng.choice(["a", "b"], 800), "y": rng.poisson(3, 800)})
    found = experiment(frame, **AB, family="count", draws=100_000)
    sums = frame.groupby("arm")["y"].agg(["sum", "size"])
    means = (sums["sum"] + 0.5) / sums["size"]
    assert _main(found)["estimate"] == pytest.approx(means["b"] - means["a"], abs=0.002)
    assert _main(found)["sd"] == pytest.approx(np.sqrt(((sums["sum"] + 0.5) / sums["size"] ** 2).sum()), rel=0.01)
    assert found.dispersion == pytest.approx(1, abs=0.15)
    wild = experiment(frame.assign(y=frame["y"] * 3), **AB, family="count")
    assert wild.diagnostics().set_index("check").loc["dispersion", "status"] == "warn"


def test_nps_and_top_box_are_those_of_the_dirichlet():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"arm": rng.choice(["a", "b"], 1000), "y": rng.integers(0, 11, 1000)})
    frame.loc[frame["arm"] == "b", "y"] = frame["y"].clip(lower=2)
    found = experiment(frame, **AB, family="nps", draws=50_000)
    assert found.effects["measure"].tolist() == ["nps", "mean", "top_box"]
    b = frame.loc[frame["arm"] == "b", "y"]
    nps = 100 * ((b >= 9).mean() - (b <= 6).mean())
    mean = found.arms.set_index("arm").loc["b", "mean"]
    assert mean == pytest.approx(nps, abs=0.5)
    p, d = (b >= 9).mean(), (b <= 6).mean()
    assert found.draws[:, 1].std() == pytest.approx(100 * np.sqrt((p + d - (p - d) ** 2) / len(b)), rel=0.03)
    ordinal = experiment(frame, **AB, family="ordinal", draws=50_000)
    assert ordinal.effects["measure"].tolist() == ["mean", "top_box"]
    assert _main(ordinal)["estimate"] == pytest.approx(
        found.effects.set_index("measure").loc["mean", "estimate"], abs=0.02
    )


@pytest.mark.parametrize(
    ("family", "draw"),
    [
        ("gaussian", lambda rng, n, up: rng.standard_t(5, n) + 0.3 * up),
        ("bernoulli", lambda rng, n, up: rng.random(n) < 0.2 + 0.1 * up),
        ("count", lambda rng, n, up: rng.poisson(2 + 0.3 * up)),
        ("ordinal", lambda rng, n, up: 1 + rng.binomial(4, 0.5 + 0.05 * up)),
        ("nps", lambda rng, n, up: rng.binomial(10, 0.8 + 0.02 * up)),
    ],
)
def test_intervals_cover(family, draw):
    rng = np.random.default_rng(3)
    big = [draw(np.random.default_rng(9), 400_000, np.full(400_000, up)) for up in (0, 1)]
    if family == "nps":
        big = [100.0 * ((v >= 9).astype(float) - (v <= 6)) for v in big]
    truth = np.mean(big[1]) - np.mean(big[0])
    covered, runs = 0, 200
    for k in range(runs):
        up = rng.random(300) < 0.4
        frame = pd.DataFrame({"arm": np.where(up, "b", "a"), "y": draw(rng, 300, up).astype(float)})
        row = _main(experiment(frame, **AB, family=family, draws=1000, seed=k))
        covered += row["ci_lower"] <= truth <= row["ci_upper"]
    assert 0.905 <= covered / runs <= 0.99


def test_covariate_removes_what_it_explains():
    rng = np.random.default_rng(4)
    frame = _frame(seed=4, n=4000, effect=0.2)
    frame["before"] = 5 + 0.8 * (frame["y"] - 0.2 * (frame["arm"] == "b") - 10) / 2 + 0.6 * rng.normal(size=4000)
    plain, adjusted = experiment(frame, **AB), experiment(frame, **AB, covariate="before")
    assert adjusted.variance_reduction == pytest.approx(0.64, abs=0.03)
    assert _main(adjusted)["sd"] / _main(plain)["sd"] == pytest.approx(0.6, abs=0.02)
    design = sm.add_constant(np.column_stack([frame["arm"] == "b", frame["before"]]).astype(float))
    ols = sm.OLS(frame["y"], design).fit()
    assert _main(adjusted)["estimate"] == pytest.approx(ols.params.iloc[1], abs=0.005)
    assert _main(adjusted)["sd"] == pytest.approx(ols.bse.iloc[1], rel=0.02)
    assert adjusted.method == "means"


def test_clustered_interval_is_the_sandwich():
    rng = np.random.default_rng(5)
    branch = np.repeat(np.arange(40), rng.integers(5, 40, 40))
    frame = pd.DataFrame({"branch": branch, "arm": np.where(branch % 2, "b", "a")})
    frame["y"] = rng.normal(0, 1, 40)[branch] + rng.normal(0, 2, len(branch))
    found = experiment(frame, **AB, cluster="branch", draws=100_000)
    ols = sm.OLS(frame["y"], sm.add_constant((frame["arm"] == "b").astype(float)))
    robust = ols.fit(cov_type="cluster", cov_kwds={"groups": frame["branch"], "use_correction": False})
    assert _main(found)["estimate"] == pytest.approx(robust.params["arm"], abs=0.01)
    t_sd = np.sqrt(20 / 19) * np.sqrt(19 / 17)  # 20 clusters an arm; Student's t with 19 degrees of freedom
    assert _main(found)["sd"] == pytest.approx(robust.bse["arm"] * t_sd, rel=0.02)
    assert _main(found)["sd"] > 1.5 * _main(experiment(frame, **AB))["sd"]
    assert found.arms["clusters"].tolist() == [20, 20]
    assert found.clustered == "clustered by branch"
    shares = {"a": 1, "b": 1}
    assert experiment(frame, **AB, cluster="branch", expected_shares=shares).srm_p == pytest.approx(1)


def test_clustered_intervals_cover_where_plain_ones_do_not():
    rng = np.random.default_rng(6)
    covered = {"branch": 0, None: 0}
    for k in range(150):
        branch = np.repeat(np.arange(20), 30)
        frame = pd.DataFrame({"branch": branch, "arm": np.where(branch % 2, "b", "a")})
        frame["y"] = np.sqrt(0.05) * rng.normal(size=20)[branch] + np.sqrt(0.95) * rng.normal(size=600)
        for cluster in covered:
            row = _main(experiment(frame, **AB, cluster=cluster, draws=1000, seed=k))
            covered[cluster] += row["ci_lower"] <= 0 <= row["ci_upper"]
    assert 0.905 <= covered["branch"] / 150 <= 0.99
    assert covered[None] / 150 < 0.88


@pytest.mark.parametrize("extra", [{}, {"covariate": "x"}])
def test_staged_roll_out_is_compared_within_stages(extra):
    """Satisfaction falls while the share of the new version rises: pooled, the new version looks worse."""
    rng = np.random.default_rng(7)
    stage = np.repeat([0, 1, 2, 3], 2000)
    new = rng.random(8000) < np.array([0.0, 0.05, 0.3, 0.8])[stage]
    frame = pd.DataFrame({"stage": stage, "arm": np.where(new, "b", "a"), "x": rng.normal(size=8000)})
    frame["y"] = 8 - stage + 0.3 * new + rng.normal(size=8000)
    pooled, staged = experiment(frame, **AB, **extra), experiment(frame, **AB, stage="stage", **extra)
    assert _main(pooled)["estimate"] < -0.5
    assert _main(staged)["estimate"] == pytest.approx(0.3, abs=4 * _main(staged)["sd"])
    assert (staged.stages, staged.alone, staged.rows) == (3, 2000, 6000)
    shares = {s: {"a": 1 - p, "b": p} for s, p in enumerate([0.0, 0.05, 0.3, 0.8])}
    assert experiment(frame, **AB, stage="stage", expected_shares=shares, **extra).srm_p > 0.01
    shares[3] = {"a": 0.3, "b": 0.7}
    broken = experiment(frame, **AB, stage="stage", expected_shares=shares, **extra)
    assert broken.srm_p < 1e-6
    assert broken.diagnostics().set_index("check").loc["srm_p", "status"] == "fail"
    assert broken.summary()["case"] == "mismatch"


def test_sample_ratio_is_the_chi_square_test():
    """Kohavi, Tang & Xu (2020), Trustworthy Online Controlled Experiments: 821 588 against 815 482 users where one half each was planned, p = 1.8e-6."""
    frame = pd.DataFrame({"arm": np.repeat(["a", "b"], [821_588, 815_482])})
    frame["y"] = np.arange(len(frame)) % 7
    found = experiment(frame, **AB, expected_shares={"a": 0.5, "b": 0.5}, draws=100)
    assert found.srm_p == pytest.approx(1.8e-6, rel=0.05)
    assert np.isnan(experiment(frame.iloc[::1000], **AB).srm_p)


def test_missing_outcomes_are_counted_and_compared():
    frame = _frame(seed=8)
    frame.loc[(frame["arm"] == "b") & (frame.index % 4 == 0), "y"] = np.nan
    frame.loc[1, "arm"] = None
    found = experiment(frame, **AB)
    assert found.blank == frame[["y", "arm"]].isna().any(axis=1).sum()
    assert found.rows + found.blank == 600
    assert found.attrition_p < 0.001
    assert found.diagnostics()["status"].tolist() == ["warn", "pass"]


@pytest.mark.parametrize(
    ("effect", "smallest", "better", "decision"),
    [
        (1.0, 0.2, "higher", "better"), (1.0, 0.2, "lower", "worse"), (0.0, 1.0, "higher", "equivalent"),
        (0.2, 0.2, "higher", "undecided"),
    ],
)  # fmt: skip
def test_decision_follows_the_smallest_effect_worth_acting_on(effect, smallest, better, decision):
    found = experiment(_frame(seed=9, effect=effect), **AB, smallest=smallest, better=better)
    row = _main(found)
    assert row["decision"] == decision
    assert row[["p_above", "p_within", "p_below"]].sum() == pytest.approx(1)
    best = found.arms.set_index("arm")["p_best"].idxmax()
    assert effect == 0 or best == ("b" if better == "higher" else "a")


def test_several_arms_scale_and_seed():
    frame = _frame(seed=10, arms="abc", effect=0.8)
    found = experiment(frame, **AB)
    assert found.effects["arm"].tolist() == ["b", "c"]
    assert found.summary()["best"] == "b"
    pd.testing.assert_frame_equal(found.effects, experiment(frame, **AB).effects)
    scaled = experiment(frame.assign(y=1000 * frame["y"]), **AB)
    np.testing.assert_allclose(scaled.effects["standardised"], found.effects["standardised"])
    assert "<table" in found._repr_html_()


def test_bad_input_is_one_clear_error():
    frame = _frame().assign(x=1.0, group=lambda f: f.index // 10)
    with pytest.raises(DataError, match="no column 'yy'"):
        experiment(frame, **(AB | {"outcome": "yy"}))
    with pytest.raises(DataError, match="no arm 'z'"):
        experiment(frame, **(AB | {"control": "z"}))
    with pytest.raises(ParamsError, match="no 'gauss' here.*Did you mean 'gaussian'"):
        experiment(frame, **AB, family="gauss")
    with pytest.raises(DataError, match="which family 'bernoulli' does not have"):
        experiment(frame, **AB, family="bernoulli")
    with pytest.raises(DataError, match="is 3 in every row"):
        experiment(frame.assign(y=3), **AB)
    with pytest.raises(DataError, match="Covariate 'x' is constant"):
        experiment(frame, **AB, covariate="x")
    with pytest.raises(DataError, match="is in several arms"):
        experiment(frame, **AB, cluster="group")
    with pytest.raises(DataError, match="1 row.s. lack a finite outcome or covariate"):
        experiment(frame.assign(x=np.where(frame.index == 3, np.nan, frame.index)), **AB, covariate="x")
    with pytest.raises(ParamsError, match="expected_shares is .*'c': 1"):
        experiment(frame, **AB, expected_shares={"a": 1, "c": 1})
    with pytest.raises(InsufficientData, match="no arm but 'a'"):
        experiment(frame[frame["arm"] == "a"], **AB)
    with pytest.raises(InsufficientData, match="No stage has every arm"):
        experiment(frame.assign(stage=frame["arm"]), **AB, stage="stage")
    with pytest.raises(InsufficientData, match="1 row.s. in stage 1"):
        experiment(pd.concat([frame[frame["arm"] == "a"], frame[frame["arm"] == "b"].head(1)]), **AB)
    with pytest.raises(InsufficientData, match="1 cluster"):
        experiment(frame.assign(k=frame["arm"]), **AB, cluster="k")
    with pytest.raises(ParamsError, match="confidence is 0.3"):
        experiment(frame, **AB, confidence=0.3)
    with pytest.raises(DataError, match="'y' is not numeric"):
        experiment(frame.assign(y="good"), **AB)
