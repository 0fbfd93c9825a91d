"""Maximum likelihood against lavaan 0.6-14: reference/sem/*_par.csv and *_fit.csv."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData, ModelError
from xmresearch.sem.estimation import minimise
from xmresearch.sem.fitting import fit
from xmresearch.sem.likelihood import CompleteSample, Likelihood
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.model import build_model
from xmresearch.sem.starts import starting_values
from xmresearch.sem.syntax import parse_model
from xmresearch.sufficient.moments import Moments

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
DEMOCRACY = """
ind60 =~ x1 + x2 + x3
dem60 =~ y1 + y2 + y3 + y4
dem65 =~ y5 + y6 + y7 + y8
{paths}
y1 ~~ y5
y2 ~~ y4 + y6
y3 ~~ y7
y4 ~~ y8
y6 ~~ y8
"""
KIOSK = {
    "F1": (4, 5, 6, 22),
    "F2": (19, 20, 21),
    "F3": (10, 11, 18),
    "F4": (13, 14, 15, 16, 17),
    "F5": (1, 2, 3),
    "F6": (7, 8),
}


MOBI = """
IMAG =~ IMAG1 + IMAG2 + IMAG3 + IMAG4 + IMAG5
EXP =~ CUEX1 + CUEX2 + CUEX3
QUAL =~ PERQ1 + PERQ2 + PERQ3 + PERQ4 + PERQ5 + PERQ6 + PERQ7
VAL =~ PERV1 + PERV2
SAT =~ CUSA1 + CUSA2 + CUSA3
LOY =~ CUSL1 + CUSL2 + CUSL3
EXP ~ IMAG
QUAL ~ EXP
VAL ~ EXP + QUAL
SAT ~ IMAG + EXP + QUAL + VAL
CUSCO ~ SAT
LOY ~ IMAG + SAT + CUSCO
"""
# Nearly unidentified (VAL ~ EXP has se 23.7): lavaan stopped 2e-4 short of the minimum, which ours is shown to be nearer to.
STOPPED = {"sem/mobi_cbsem": 2.5e-4}


def kiosk_model(prefix):
    return "\n".join(f"{f} =~ " + " + ".join(f"{prefix}{k}" for k in items) for f, items in KIOSK.items())


CASES = {
    "sem/hs_ML": ("holzinger_swineford", HS),
    "sem/hs_mimic_ML": (
        "holzinger_swineford",
        "visual =~ x1+x2+x3\nspeed =~ x7+x8+x9\nvisual ~ ageyr + sex\nspeed ~ ageyr + sex",
    ),
    "sem/hs_path_ML": ("holzinger_swineford", "x1 ~ x2 + x3\nx4 ~ x1 + x2\nx7 ~ x4 + x3"),
    "sem/pd_ML": ("political_democracy", DEMOCRACY.format(paths="dem60 ~ ind60\ndem65 ~ ind60 + dem60")),
    "sem/pd_mediation_ML": (
        "political_democracy",
        DEMOCRACY.format(paths="dem60 ~ a*ind60\ndem65 ~ c*ind60 + b*dem60") + "indirect := a*b\ntotal := c + a*b",
    ),
    "servqual/kiosk_perc_ML": ("kiosk_servqual", kiosk_model("p")),
    "servqual/kiosk_sat_ML": ("kiosk_servqual", kiosk_model("sat")),
    "servqual/kiosk_sem_ML": (
        "kiosk_servqual",
        kiosk_model("sat") + "\nR1 =~ y1 + y2\nR2 =~ y3 + y4\nR1 ~ F1 + F2 + F3 + F4 + F5 + F6\nR2 ~ R1",
    ),
    "sem/mobi_cbsem": ("mobi", MOBI),
}
PREFIX = {"servqual/kiosk_perc_ML": "p", "servqual/kiosk_sat_ML": "sat", "servqual/kiosk_sem_ML": "sat"}


@pytest.fixture(scope="module")
def data():
    try:
        return {
            name: load_dataset(name)
            for name in ("holzinger_swineford", "political_democracy", "kiosk_servqual", "mobi")
        }
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def lavaan(reference, name, prefix=""):
    """lavaan's kiosk tables call the items x1, x2, ...; ours keep the columns' names."""
    table = pd.read_csv(reference / f"{name}_par.csv")
    if prefix:
        for column in ("lhs", "rhs"):
            table[column] = table[column].str.replace(r"^x(?=\d)", prefix, regex=True)
    return table.set_index(["lhs", "op", "rhs"])


@pytest.mark.parametrize("name", CASES)
def test_estimates_and_standard_errors_are_lavaans(data, reference, name):
    dataset, model = CASES[name]
    found = fit(model, data[dataset])
    assert found.converged
    expected = lavaan(reference, name, PREFIX.get(name, ""))
    compared = 0
    for row in found.estimates.itertuples():
        key = (row.lhs, row.op, row.rhs)
        key = key if key in expected.index else (row.rhs, row.op, row.lhs)
        theirs = expected.loc[key]
        for ours, column in (("est", "est"), ("se", "se"), ("std_lv", "std.lv"), ("std_all", "std.all")):
            assert getattr(row, ours) == pytest.approx(theirs[column], rel=STOPPED.get(name, 1e-4), abs=1e-6), (
                key,
                ours,
            )
        compared += 1
    assert compared == len(expected)
    if name in STOPPED:
        theirs = pd.read_csv(reference / f"{name}_fit.csv").set_index("measure")["value"]
        assert found.measures["fmin"] < theirs["fmin"]


@pytest.mark.parametrize("name", CASES)
def test_fit_measures_are_lavaans(data, reference, name):
    dataset, model = CASES[name]
    found = fit(model, data[dataset]).measures
    expected = pd.read_csv(reference / f"{name}_fit.csv").set_index("measure")["value"]
    assert found["df"] == expected["df"]
    assert found["chisq"] == pytest.approx(expected["chisq"], abs=1e-3)
    shared = [m for m in found.index if m in expected.index]
    assert len(shared) >= 45
    for measure in shared:
        tolerance = {"chisq": 1e-3, "baseline.chisq": 1e-3}.get(measure, 1e-5)
        assert found[measure] == pytest.approx(expected[measure], abs=tolerance, rel=1e-7), measure


ROBUST = {
    "sem/hs": "sem/hs_ML",
    "sem/pd": "sem/pd_ML",
    "servqual/kiosk_perc": "servqual/kiosk_perc_ML",
    "servqual/kiosk_sat": "servqual/kiosk_sat_ML",
}


@pytest.mark.parametrize("estimator", ["MLM", "MLR"])
@pytest.mark.parametrize("name", ROBUST)
def test_robust_results_are_lavaans(data, reference, name, estimator):
    """reference/*_MLM_*.csv and *_MLR_*.csv: standard errors to 1e-4, scaled and robust measures to 1e-3 and better."""
    dataset, model = CASES[ROBUST[name]]
    found = fit(model, data[dataset], estimator=estimator)
    expected = lavaan(reference, f"{name}_{estimator}", PREFIX.get(ROBUST[name], ""))
    for row in found.estimates.itertuples():
        key = (row.lhs, row.op, row.rhs)
        key = key if key in expected.index else (row.rhs, row.op, row.lhs)
        assert row.se == pytest.approx(expected.loc[key, "se"], rel=1e-4, abs=1e-9), key
    measures = pd.read_csv(reference / f"{name}_{estimator}_fit.csv").set_index("measure")["value"]
    scaled = [m for m in found.measures.index if m.endswith((".scaled", ".robust", ".factor"))]
    assert len(scaled) >= 30
    for measure in scaled:
        assert found.measures[measure] == pytest.approx(measures[measure], abs=1e-4, rel=1e-5), measure


def test_robust_results_on_normal_data_are_the_usual_ones():
    rng = np.random.default_rng(2)
    f = rng.normal(size=(50_000, 1))
    frame = pd.DataFrame(f + rng.normal(size=(50_000, 5)), columns=list("abcde"))
    usual, mlm, mlr = (fit("f =~ a + b + c + d + e", frame, estimator=e) for e in ("ML", "MLM", "MLR"))
    for robust in (mlm, mlr):
        np.testing.assert_allclose(robust.estimates["se"], usual.estimates["se"], rtol=0.05)
        assert robust.measures["chisq.scaling.factor"] == pytest.approx(1, abs=0.05)


def test_robust_estimators_need_rows(data):
    names = [f"x{k}" for k in range(1, 10)]
    moments = Moments.of(data["holzinger_swineford"][names].to_numpy(dtype=float), names)
    with pytest.raises(DataError, match="needs rows"):
        fit(HS, moments, estimator="MLR")


def test_published_kiosk_figures_to_the_printed_digit(data):
    """Kim et al. (2019), hanakim120/kiosk-servqual-research: CFA of perceptions and of satisfaction, and the SEM."""
    printed = {
        "servqual/kiosk_perc_ML": ("302.550", 155, ".898", ".070"),
        "servqual/kiosk_sat_ML": ("269.782", 155, ".944", ".062"),
        "servqual/kiosk_sem_ML": ("387.465", 230, ".939", ".059"),
    }
    for name, (chisq, df, cfi, rmsea) in printed.items():
        m = fit(CASES[name][1], data["kiosk_servqual"]).measures
        assert (f"{m['chisq']:.3f}", m["df"], f"{m['cfi']:.3f}"[1:], f"{m['rmsea']:.3f}"[1:]) == (chisq, df, cfi, rmsea)
    paths = fit(CASES["servqual/kiosk_sem_ML"][1], data["kiosk_servqual"]).estimates.query("op == '~'")["std_all"]
    assert [f"{v:.3f}" for v in paths] == ["0.174", "-0.029", "0.468", "0.171", "0.237", "-0.031", "0.810"]


def test_moments_and_rows_give_the_same_fit(data):
    frame = data["holzinger_swineford"]
    names = [f"x{k}" for k in range(1, 10)]
    rows = fit(HS, frame)
    moments = fit(HS, Moments.of(frame[names].to_numpy(dtype=float), names))
    pd.testing.assert_frame_equal(rows.estimates, moments.estimates)


def test_equal_labels_make_equal_values_and_cost_one_parameter(data):
    free = fit(HS, data["holzinger_swineford"])
    tied = fit(HS.replace("x2 + x3", "k*x2 + k*x3"), data["holzinger_swineford"])
    loadings = tied.estimates.query("label == 'k'")["est"]
    assert loadings.nunique() == 1
    assert tied.measures["df"] == free.measures["df"] + 1
    assert tied.measures["chisq"] > free.measures["chisq"]


def test_marker_and_unit_variance_fit_alike(data):
    marker = fit(HS, data["holzinger_swineford"])
    unit = fit(
        "visual =~ NA*x1 + x2 + x3\ntextual =~ NA*x4 + x5 + x6\nspeed =~ NA*x7 + x8 + x9\n"
        "visual ~~ 1*visual\ntextual ~~ 1*textual\nspeed ~~ 1*speed",
        data["holzinger_swineford"],
    )
    assert unit.measures["chisq"] == pytest.approx(marker.measures["chisq"], abs=1e-7)
    np.testing.assert_allclose(unit.implied, marker.implied, atol=1e-6)


def built(frame, text, **settings):
    model = build_model(parse_model(text), list(frame.columns), **settings)
    values = frame[list(model.observed)].to_numpy(dtype=float)
    sample = CompleteSample(len(values), values.mean(axis=0) * model.means, np.cov(values.T, ddof=0))
    return model, Likelihood([Matrices(model, sample.cov, sample.mean)], [sample])


def test_implied_derivatives_by_finite_differences(data):
    model, likelihood = built(data["political_democracy"], CASES["sem/pd_ML"][1], means=True)
    matrices = likelihood.matrices[0]
    theta = np.random.default_rng(1).uniform(0.3, 0.9, model.n_free)
    at = matrices.implied(theta)
    half = at.u[:, :, None] * at.v[:, None, :]
    derivatives = matrices.pooled(half + half.transpose(0, 2, 1))
    shifts = matrices.pooled(at.w[:, None] * at.u)
    for k in range(model.n_free):
        step = np.zeros_like(theta)
        step[k] = 1e-6
        after, before = matrices.implied(theta + step), matrices.implied(theta - step)
        np.testing.assert_allclose(derivatives[k], (after.cov - before.cov) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(shifts[k], (after.mean - before.mean) / 2e-6, atol=1e-6)


@pytest.mark.parametrize("incomplete", [False, True])
@pytest.mark.parametrize("paths", ["dem60 ~ ind60\ndem65 ~ ind60 + dem60", "dem60 ~ b*ind60\ndem65 ~ b*ind60 + dem60"])
def test_gradient_and_hessian_by_finite_differences(data, paths, incomplete):
    frame = data["political_democracy"]
    model, likelihood = built(frame, DEMOCRACY.format(paths=paths) + "dem65 ~ 1", means=True)
    if incomplete:
        rng = np.random.default_rng(4)
        rows = frame[list(model.observed)].to_numpy(dtype=float)
        likelihood = Likelihood(
            likelihood.matrices, [MissingSample.of(np.where(rng.random(rows.shape) < 0.2, np.nan, rows))]
        )
    theta = minimise(
        likelihood, starting_values(model, [likelihood.samples[0].cov], [likelihood.samples[0].mean])
    ).theta
    theta = theta + np.random.default_rng(2).uniform(-0.05, 0.05, len(theta))
    hessian = likelihood.hessian(theta, likelihood.implied(theta))
    gradient = likelihood.gradient(likelihood.implied(theta))
    for k in range(len(theta)):
        step = np.zeros_like(theta)
        step[k] = 1e-5
        after, before = likelihood.implied(theta + step), likelihood.implied(theta - step)
        assert gradient[k] == pytest.approx((likelihood.value(after) - likelihood.value(before)) / 4e-5, abs=1e-7)
        slopes = (likelihood.gradient(after) - likelihood.gradient(before)) / 2e-5
        np.testing.assert_allclose(hessian[k], slopes, atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_information_by_brute_force(data, tied):
    text = HS.replace("x2 + x3", "k*x2 + k*x3") if tied else HS
    _, likelihood = built(data["holzinger_swineford"], text)
    matrices, theta = likelihood.matrices[0], fit(text, data["holzinger_swineford"]).solution.theta
    at = matrices.implied(theta)
    half = at.u[:, :, None] * at.v[:, None, :]
    weighted = np.linalg.inv(at.cov) @ matrices.pooled(half + half.transpose(0, 2, 1))
    brute = 0.5 * np.einsum("kij,lji->kl", weighted, weighted)
    np.testing.assert_allclose(likelihood.information([at]), brute, rtol=1e-9, atol=1e-12)


def test_r2_and_residuals(data):
    found = fit(HS, data["holzinger_swineford"])
    standardised = found.estimates.query("op == '=~'").set_index("rhs")["std_all"]
    np.testing.assert_allclose(found.r2[standardised.index], standardised**2, atol=1e-8)
    assert np.abs(found.residuals.to_numpy()).max() > 0


def test_planted_model_is_recovered():
    rng = np.random.default_rng(7)
    f = rng.normal(size=(40_000, 1))
    loadings = np.array([1.0, 0.8, 1.2, 0.6])
    frame = pd.DataFrame(f * loadings + rng.normal(size=(40_000, 4)), columns=list("abcd"))
    found = fit("f =~ a + b + c + d", frame).estimates.query("op == '=~'")
    assert (np.abs(found["est"] - loadings) < 4 * found["se"] + 1e-12).all()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("visual =~ x1 + x2 +", "line 1: .* is not finished"),
        ("visual = x1", "line 1: .* has no operator"),
        ("visual =~ x1 + 2x", "line 1: '2x' is no variable name"),
        ("visual =~ x1 + x2 + x33", "line 1: the data have no variable 'x33'. Did you mean 'x3'"),
        ("visual =~ x1 + x2", r"not identified: 4 free parameters for 3 moments \(df = -1\)"),
        ("f =~ NA*x1 + x2 + x3 + x4\nf ~~ f", "neither a loading nor the variance of 'f' is fixed"),
        ("f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~ a*g\nf ~~ b*g", "the data do not determine"),
        ("x1 =~ x2 + x3 + x4", "'x1' is defined by =~ but is also a column"),
        ("f =~ x1 + x1 + x2 + x3", "line 1: 'f =~ x1' is given twice"),
        ("f =~ x1 + a*x2 + x3\ni := a*b", "line 2: there is no label 'b'"),
        ("f =~ x1 + a*x2 + x3\ni := exit(a)", "may only use labels"),
        ("x1 == x2", "line 1: .x1. is no label of the model"),
    ],
)
def test_bad_models_are_one_clear_error(data, model, message):
    with pytest.raises(ModelError, match=message) as caught:
        fit(model, data["holzinger_swineford"])
    assert "\n" not in str(caught.value)


def test_bad_data_are_one_clear_error(data):
    frame = data["holzinger_swineford"]
    with pytest.raises(ModelError, match="singular"):
        fit("f =~ x1 + x2 + x3 + z", frame.assign(z=frame["x1"] + frame["x2"]))
    with pytest.raises(InsufficientData, match="'x1' is constant"):
        fit("f =~ x1 + x2 + x3", frame.assign(x1=3.0))
    with pytest.raises(InsufficientData, match="too few"):
        fit(HS, frame.head(5))


def test_reviewers_warnings(data):
    frame = data["holzinger_swineford"]
    assert fit(HS, frame).warnings == ()
    assert any("few for maximum likelihood" in w for w in fit(HS, frame.head(60)).warnings)
    rng = np.random.default_rng(3)
    f = rng.normal(size=(300, 1))
    same = pd.DataFrame(f + 0.7 * rng.normal(size=(300, 6)), columns=list("abcdef"))
    assert any("hardly two things" in w for w in fit("g =~ a + b + c\nh =~ d + e + f", same).warnings)


@pytest.mark.parametrize("seed", range(20))
def test_moments_that_fit_exactly_have_no_misfit(seed):
    """Rounding must not turn a chi-square of zero negative, which has no RMSEA interval."""
    loadings = np.random.default_rng(seed).uniform(0.3, 0.9, 4)
    cov = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    found = fit("f =~ a + b + c + d", Moments(tuple("abcd"), 500, np.zeros(4), 500 * cov)).measures
    assert 0 <= found["chisq"] < 1e-6
    assert (found["rmsea"], found["cfi"]) == (0, 1)
