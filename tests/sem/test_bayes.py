"""The Bayesian engine against maximum likelihood, a grid, importance sampling, and planted truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData, ModelError
from xmresearch.inference.mode import mode
from xmresearch.sem import bayes
from xmresearch.sem.bayes import sample
from xmresearch.sem.bayes_density import Density
from xmresearch.sem.bayes_measures import chisquare, independence_chisquares, log_likelihood, replicate
from xmresearch.sem.bayes_problem import standardise
from xmresearch.sem.fitting import fit, objective_of
from xmresearch.sem.likelihood import CompleteSample
from xmresearch.sem.matrices import Matrices
from xmresearch.sufficient.moments import Moments

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
STRUCTURE = """
service =~ s1 + s2 + s3
loyalty =~ l1 + l2 + l3
service ~ a*age
loyalty ~ b*service + c*age
s3 ~~ l3
indirect := a*b
total := c + a*b
"""
MODELS = {
    "factors": HS,
    "two residuals": HS + "\nx1 ~~ x4\nx4 ~~ x7",
    "second order": HS + "\ng =~ visual + textual + speed",
    "labels": "visual =~ x1 + a*x2 + a*x3\nspeed =~ NA*x7 + x8 + x9\nspeed ~~ 1*speed\nx1 ~~ c*x1\nx7 ~~ c*x7\nx2 ~~ .1*x7",
    "covariates": "visual =~ x1+x2+x3\nspeed =~ x7+x8+x9\nvisual ~ ageyr + sex\nspeed ~ visual + sex\nx1 ~ m*1\nx2 ~ m*1",
    "paths": "x1 ~ x2 + x3\nx4 ~ x1 + .2*x2\nx7 ~ x4 + x3\nx1 ~~ x7",
    "loop": "x1 ~ x4 + sex\nx4 ~ x1 + ageyr",
    "growth": "i =~ 1*t1+1*t2+1*t3\ns =~ 0*t1+1*t2+2*t3\nt1~0*1\nt2~0*1\nt3~0*1\ni ~ NA*1\ns ~ NA*1",
}
DRAWS = {"draws": 400, "tune": 250, "chains": 4}


@pytest.fixture(scope="module")
def hs():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def hs_posterior(hs):
    return sample(HS, hs, seed=1, **DRAWS)


def structural(n, seed):
    """Data of STRUCTURE with a = .4, b = .6, c = .2 and unit (residual) variances of the factors."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, n)
    service = 0.4 * (age - 40) / 12 + rng.normal(size=n)
    loyalty = 0.6 * service + 0.2 * (age - 40) / 12 + rng.normal(size=n)
    e = rng.normal(size=(n, 6)) * 0.7
    e[:, 5] += 0.5 * e[:, 2]
    items = np.column_stack([service, 0.8 * service, 0.9 * service, loyalty, 1.1 * loyalty, 0.7 * loyalty]) + e
    return pd.DataFrame(items, columns=["s1", "s2", "s3", "l1", "l2", "l3"]).assign(age=(age - 40) / 12)


TRUTH = {
    ("service", "=~", "s2"): 0.8, ("loyalty", "=~", "l2"): 1.1, ("loyalty", "~", "service"): 0.6,
    ("service", "~", "age"): 0.4, ("loyalty", "~", "age"): 0.2, ("s3", "~~", "l3"): 0.245, ("s1", "~~", "s1"): 0.49,
    ("service", "~~", "service"): 1.0, ("indirect", ":=", "a*b"): 0.24, ("total", ":=", "c+a*b"): 0.44,
}  # fmt: skip


@pytest.fixture(scope="module")
def structural_posterior():
    return sample(STRUCTURE, structural(800, 2), seed=3, means=True, **DRAWS)


def by_row(table):
    return table.set_index(["lhs", "op", "rhs"])


def prepared(text, data):
    """Return what the sampler starts from."""
    fitted = fit(text, data)
    density = Density(fitted.model)
    problem, unit = standardise(density, fitted.samples[0], fitted.solution.theta)
    return fitted, density, problem, unit, density.coordinates(fitted.solution.theta / unit, problem)


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_the_slope_and_the_likelihood_is_ours(name, hs):
    rng = np.random.default_rng(4)
    line = rng.normal(size=(len(hs), 2))
    trend = (line[:, :1] + 5) + (line[:, 1:] + 2) * np.arange(3) + rng.normal(size=(len(hs), 3))
    frame = hs.assign(t1=trend[:, 0], t2=trend[:, 1], t3=trend[:, 2])
    fitted, density, problem, unit, x = prepared(MODELS[name], frame)
    np.testing.assert_allclose(density.theta(x, problem) * unit, fitted.solution.theta, rtol=1e-9, atol=1e-9)
    likelihood = objective_of(fitted.model, fitted.samples)
    constants = []
    for point in x + 0.05 * rng.normal(size=(3, len(x))):
        value, slope = density(point, problem)
        steps = 1e-5 * np.eye(len(x))
        numeric = [(density(point + h, problem)[0] - density(point - h, problem)[0]) / 2e-5 for h in steps]
        np.testing.assert_allclose(slope, numeric, atol=1e-5 * np.abs(slope).max())
        theta = density.theta(point, problem) * unit
        np.testing.assert_allclose(density.coordinates(theta / unit, problem), point, atol=1e-9)
        logl = -fitted.n / 2 * likelihood.value(likelihood.implied(theta))
        constants.append(value - logl - log_prior(density, point, theta / unit, problem))
    np.testing.assert_allclose(constants, constants[0], rtol=0, atol=1e-6)


def log_prior(density, x, theta, problem):
    """The documented priors, written out once more, with the Jacobian of the coordinates by differences."""
    model = density.model
    names = model.variables

    def natural(x):
        """Quantities that have the priors: SDs or marker loadings, standardised effects, correlations."""
        theta = density.theta(x, problem)
        a, s, _ = density.fill(theta, problem)
        sd = np.sqrt(np.diag(s))
        scale = np.where(np.arange(len(sd)) < density.p, 1.0, np.where(sd > 0, sd, 1.0))
        out, logs, seen = [], 0.0, set()
        for q in model.parameters:
            if q.free < 0 or q.free in seen:
                continue
            seen.add(q.free)
            i, j = names.index(q.lhs), names.index(q.rhs) if q.rhs else 0
            if q.op == "~1":
                continue
            if q.op == "~~" and i == j:
                marker = next((p.rhs for p in model.parameters if p.op == "=~" and p.lhs == q.lhs and p.value), None)
                k = names.index(marker) if marker else i
                value = sd[i] / (scale[k] if marker else 1.0)
                on_latent = marker in model.latent
            elif q.op == "~~":
                out.append(s[i, j] / sd[i] / sd[j])
                continue
            else:
                i, j = (j, i) if q.op == "=~" else (i, j)
                value = a[i, j] * scale[j] / scale[i]
                on_latent = names[i] in model.latent
            out.append(value)
            logs += -1.5 * np.log1p(value**2) if on_latent else -(value**2) / 2
        if len(density.pattern):
            block = s[np.ix_(density.pattern, density.pattern)]
            d = sd[density.pattern]
            logs += np.linalg.slogdet(block / np.outer(d, d))[1]
        return np.array(out), logs

    keep = np.array([q for q in range(len(x)) if q not in density.means])
    steps = 1e-6 * np.eye(len(x))[keep]
    jacobian = [(natural(x + h)[0] - natural(x - h)[0]) / 2e-6 for h in steps]
    return natural(x)[1] + np.linalg.slogdet(np.array(jacobian))[1]


def test_regression_against_a_grid():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=25)})
    frame["y"] = 0.5 * frame["x"] + rng.normal(size=25)
    found = by_row(sample("y ~ x", frame, draws=1000, tune=300, seed=6).estimates)
    r, n = frame.corr().to_numpy()[0, 1], 25
    beta, log_sd = np.meshgrid(np.linspace(-2, 2, 1201), np.linspace(-2, 1.5, 1201), indexing="ij")
    square = np.exp(2 * log_sd)
    log = -n * log_sd - n * (1 - 2 * beta * r + beta**2) / (2 * square) - beta**2 / 2 - square / 2 + log_sd
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    sd = frame.std(ddof=0)
    for key, values in ((("y", "~", "x"), beta * sd["y"] / sd["x"]), (("y", "~~", "y"), square * sd["y"] ** 2)):
        mean = (weight * values).sum()
        spread = np.sqrt((weight * (values - mean) ** 2).sum())
        row = found.loc[key]
        assert row["est"] == pytest.approx(mean, abs=0.08 * spread)
        assert row["sd"] == pytest.approx(spread, rel=0.06)
        order = np.argsort(values, axis=None)
        below = np.cumsum(weight.ravel()[order])
        exact = [values.ravel()[order][np.searchsorted(below, p)] for p in (0.025, 0.975)]
        np.testing.assert_allclose(row[["ci_lower", "ci_upper"]].astype(float), exact, atol=0.15 * spread)


def test_factors_against_importance_sampling(hs, hs_posterior):
    _, density, problem, unit, x = prepared(HS, hs)
    centre, spread = mode(density, problem, x)
    rng = np.random.default_rng(7)
    df, q = 15, len(x)
    z = rng.normal(size=(20_000, q)) / np.sqrt(rng.chisquare(df, size=(20_000, 1)) / df) * 1.05
    points = centre + z @ spread
    log_proposal = -(df + q) / 2 * np.log1p(((z / 1.05) ** 2).sum(axis=1) / df)
    log_weight = np.array([density(p, problem)[0] for p in points]) - log_proposal
    weight = np.exp(log_weight - special.logsumexp(log_weight))
    assert 1 / (weight**2).sum() > 1500
    theta = np.array([density.theta(p, problem) for p in points]) * unit
    mean = weight @ theta
    sd = np.sqrt(weight @ (theta - mean) ** 2)
    draws = hs_posterior.posterior["posterior"]["theta"].to_numpy().reshape(-1, q)
    assert np.abs((draws.mean(axis=0) - mean) / sd).max() < 0.12
    assert np.abs(draws.std(axis=0) / sd - 1).max() < 0.15


def test_agrees_with_maximum_likelihood(hs, hs_posterior):
    fitted = fit(HS, hs)
    ours, theirs = by_row(hs_posterior.estimates), by_row(fitted.standardized)
    free = ours["sd"] > 0
    assert (np.abs(ours["est"] - by_row(fitted.estimates)["est"]) / by_row(fitted.estimates)["se"])[free].max() < 0.5
    varies = theirs["se"] > 0
    assert (np.abs(ours["std_all"] - theirs["est"]) / theirs["se"])[varies].max() < 0.35
    strong = [("textual", "=~", "x5"), ("textual", "=~", "x6"), ("x4", "~~", "x4"), ("visual", "~~", "textual")]
    ratio = ours.loc[strong, "sd"] / by_row(fitted.estimates).loc[strong, "se"]
    # a covariance of factors has a skewed posterior: its SD is 1.10 standard errors in 4 x 4000 draws
    np.testing.assert_allclose(ratio, [1, 1, 1, 1.10], atol=0.12)
    m = hs_posterior.measures
    assert m["ppp"] < 0.01
    assert m["brmsea"] == pytest.approx(fitted.measures["rmsea"], abs=0.01)
    assert m["bcfi"] == pytest.approx(fitted.measures["cfi"], abs=0.01)
    assert m["brmsea.ci.lower"] < m["brmsea"] < m["brmsea.ci.upper"]
    assert m["dic"] == pytest.approx(fitted.measures["aic"], abs=4)
    assert m["looic"] == pytest.approx(fitted.measures["aic"], abs=10)
    assert m["pd"] == pytest.approx(21, abs=1.5)
    assert m["high_k"] == 0
    # blavaan's article on fit indices prints .903 and .957 (SD .012 and .005) for these two, which need no pd
    chisq = hs_posterior.posterior["posterior"]["chisq"].to_numpy()
    excess = (chisq - 45) / 301
    assert np.exp(-excess / 2).mean() == pytest.approx(0.903, abs=0.002)
    assert (9 / (9 + 2 * excess)).mean() == pytest.approx(0.957, abs=0.001)


def test_recovers_planted_truth(structural_posterior):
    table = by_row(structural_posterior.estimates)
    for key, value in TRUTH.items():
        row = table.loc[key]
        assert abs(row["est"] - value) < 3 * row["sd"], key
        assert row["sd"] < 0.12
    assert table.loc[("loyalty", "~", "service"), "p_positive"] == 1
    assert 0.05 < structural_posterior.ppp < 0.95
    assert structural_posterior.measures["brmsea"] < 0.04
    checks = structural_posterior.diagnostics().set_index("check")
    assert checks.index.tolist() == ["rhat", "divergences", "ess_bulk", "ess_tail", "ppp"]
    assert (checks["status"].drop("rhat") == "pass").all()
    assert checks.loc["rhat", "value"] <= 1.02
    age = table.loc[("age", "~~", "age")]
    assert age["sd"] == 0
    assert np.isnan(age["rhat"])


def test_r2_omega_and_the_tree_are_what_they_are_named(hs_posterior, structural_posterior):
    posterior = structural_posterior.posterior["posterior"]
    pick = dict(zip(posterior["row"].to_numpy().tolist(), posterior["est"].to_numpy()[2, 7], strict=True))
    std = dict(zip(posterior["row"].to_numpy().tolist(), posterior["std_all"].to_numpy()[2, 7], strict=True))
    r2 = dict(zip(posterior["variable"].to_numpy().tolist(), posterior["r2"].to_numpy()[2, 7], strict=True))
    assert r2["s2"] == pytest.approx(std["service =~ s2"] ** 2)
    assert r2["loyalty"] == pytest.approx(1 - std["loyalty ~~ loyalty"])
    assert pick["indirect := a*b"] == pytest.approx(pick["service ~ age"] * pick["loyalty ~ service"])
    hs = hs_posterior.posterior["posterior"]
    est = dict(zip(hs["row"].to_numpy().tolist(), hs["est"].to_numpy()[0, 0], strict=True))
    true = sum(est[f"textual =~ x{k}"] for k in (4, 5, 6)) ** 2 * est["textual ~~ textual"]
    error = sum(est[f"x{k} ~~ x{k}"] for k in (4, 5, 6))
    omega = dict(zip(hs["factor"].to_numpy().tolist(), hs["omega"].to_numpy()[0, 0], strict=True))
    assert omega["textual"] == pytest.approx(true / (true + error))
    assert list(hs_posterior.omega["factor"]) == ["visual", "textual", "speed"]
    assert hs_posterior.posterior["log_likelihood"]["y"].shape == (4, 250, 301)
    assert "diverging" in hs_posterior.posterior["sample_stats"]
    assert "x5" in hs_posterior._repr_html_()
    assert hs_posterior.tidy() is hs_posterior.estimates
    assert hs_posterior.summary()["rhat"] <= 1.02


def test_units_form_and_seed_do_not_matter_or_do(hs):
    short = {"draws": 50, "tune": 50, "chains": 2, "seed": 8}
    names = [f"x{k}" for k in range(1, 10)]
    first, again = sample(HS, hs, **short), sample(HS, hs, **short)
    pd.testing.assert_frame_equal(first.estimates, again.estimates)
    moments = sample(HS, Moments.of(hs[names].to_numpy(float), names), **short)
    scaled = sample(HS, hs.assign(x2=hs["x2"] * 1000, x4=hs["x4"] / 77), **short)
    std = [r.posterior["posterior"]["std_all"].to_numpy() for r in (first, moments, scaled)]
    np.testing.assert_allclose(std[1], std[0], rtol=1e-9)
    np.testing.assert_allclose(std[2], std[0], rtol=1e-9)
    est = scaled.posterior["posterior"]["est"].to_numpy()[..., 1]
    np.testing.assert_allclose(est, 1000 * first.posterior["posterior"]["est"].to_numpy()[..., 1], rtol=1e-9)
    assert "looic" in sample(HS, hs, draws=200, tune=50, chains=2).measures
    assert "looic" not in moments.measures
    other = sample(HS, hs, **(short | {"seed": 9}))
    assert not np.allclose(other.estimates["est"], first.estimates["est"], rtol=1e-6)


def test_reversed_items_and_wrong_models(hs):
    short = {"draws": 200, "tune": 200, "chains": 2}
    names = ["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"]
    turned = sample("v =~ NA*x1 + x2 + x3\nv ~~ 1*v", hs.assign(x1=-hs["x1"]), **short)
    table = by_row(turned.estimates)
    assert table.loc[("v", "=~", "x1"), "p_positive"] == 0
    assert table.loc[("v", "=~", "x2"), "p_positive"] == 1
    assert turned.omega["est"][0] == pytest.approx(0.63, abs=0.05)
    assert np.isnan(turned.measures["brmsea"])
    wrong = sample("g =~ " + " + ".join(names), hs, **short)
    assert wrong.ppp == 0
    assert wrong.measures["brmsea"] > 0.15
    assert any("does not reproduce" in w for w in wrong.warnings)
    assert wrong.diagnostics().set_index("check").loc["ppp", "status"] == "fail"


def test_replicates_keep_exogenous_moments_and_have_the_model_as_mean():
    frame = structural(150, 10)
    fitted = fit(STRUCTURE, frame)
    implied = fitted.solution.implied[0].cov
    draws = 4000
    cov, mean = replicate(
        np.random.default_rng(11), fitted.samples[0], fitted.model.fixed, np.repeat(implied[None], draws, axis=0),
        np.zeros((draws, 7)),
    )  # fmt: skip
    at = fitted.model.observed.index("age")
    np.testing.assert_allclose(cov[:, at, at], implied[at, at])
    expected = implied.copy()
    residual = implied - np.outer(implied[at], implied[at]) / implied[at, at]
    expected -= residual / 150
    scale = np.sqrt(np.diag(implied))
    np.testing.assert_allclose(cov.mean(axis=0) / np.outer(scale, scale), expected / np.outer(scale, scale), atol=0.01)
    np.testing.assert_allclose(mean.var(axis=0), np.diag(residual) / 150, rtol=0.1, atol=1e-9)


def test_chisquare_log_likelihood_and_independence_model(hs):
    fitted = fit(MODELS["covariates"].replace("m*", ""), hs)
    s, implied = fitted.samples[0], fitted.solution.implied[0]
    chisq = chisquare(s.n, s.cov, s.mean, implied.cov[None], implied.mean[None])
    assert chisq[0] == pytest.approx(fitted.measures["chisq"])
    logl = log_likelihood(fitted.rows[0], implied.cov[None], implied.mean[None], fitted.model.fixed)
    assert logl.sum() == pytest.approx(fitted.measures["logl"])
    null, at_mean = independence_chisquares(np.random.default_rng(12), fitted.model, s, 4000)
    free = 2 * (~fitted.model.fixed).sum()
    assert null.min() > fitted.measures["baseline.chisq"] - 1e-6
    assert null.mean() == pytest.approx(fitted.measures["baseline.chisq"] + free, abs=1.5)
    assert at_mean == pytest.approx(fitted.measures["baseline.chisq"], abs=1.5)


def test_a_start_that_is_improper_is_moved_inside(hs):
    _, density, problem, _, x = prepared(HS, hs)
    theta = density.theta(x, problem)
    theta[density.variances[0]] = -0.3
    theta[density.covariances] = 5.0
    assert np.isfinite(density(density.coordinates(theta, problem), problem)[0])
    assert density(x + 1e3, problem)[0] == -np.inf


def test_starts_from_simple_values_without_maximum_likelihood(hs, monkeypatch):
    def stopped(*arguments):
        found = fit(*arguments)
        return replace(found, solution=replace(found.solution, converged=False, reason="stopped"))

    monkeypatch.setattr(bayes, "fit", stopped)
    found = sample(HS, hs, draws=100, tune=150, chains=2)
    assert "did not converge (stopped)" in found.warnings[0]
    assert by_row(found.estimates).loc[("textual", "=~", "x5"), "est"] == pytest.approx(1.11, abs=0.05)


def test_errors(hs):
    with pytest.raises(ModelError, match="one group"):
        sample(HS, {"a": Moments(("x1",), 3, np.zeros(1), np.ones((1, 1)))})
    with pytest.raises(DataError, match="'x1' is ordered"):
        sample(HS, hs.assign(x1=pd.Categorical(hs["x1"], ordered=True)))
    with pytest.raises(InsufficientData, match="too few"):
        sample(HS, hs.head(8))
    with pytest.raises(ModelError, match="not identified"):
        sample("f =~ x1 + x2", hs)
    with pytest.raises(ModelError, match="no variable 'zz'"):
        sample("f =~ x1 + x2 + zz", hs)
    with pytest.raises(ModelError, match="no proper solution"):
        sample("x1 ~~ 1*x1\nx2 ~~ 1*x2\nx3 ~~ x3\nx1 ~~ 3*x2\nx3 ~ x1", hs)


def test_one_draw_equals_its_moments(structural_posterior):
    frame = structural(800, 2)
    names = list(structural_posterior.model.observed)
    rows = frame[names].to_numpy()
    s = CompleteSample(800, rows.mean(axis=0), np.cov(rows.T, ddof=0))
    posterior = structural_posterior.posterior["posterior"]
    theta, chisq = posterior["theta"].to_numpy()[1, 5], float(posterior["chisq"][1, 5])
    implied = Matrices(structural_posterior.model, s.cov, s.mean).implied(theta)
    assert 800 * s.discrepancy(implied.cov, implied.mean) == pytest.approx(chisq)
