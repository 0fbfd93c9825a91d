"""Legal but unusual models and data, and what must be refused; figures are of lavaan 0.6-14, run once for these tests."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.sem.fitting import fit
from xmresearch.sem.followup import modification_indices
from xmresearch.sem.invariance_ladder import invariance
from xmresearch.sem.measurement import measurement_model
from xmresearch.sem.what_if import gains
from xmresearch.studies.sem.groups import group_claims
from xmresearch.studies.sem.measurement import measurement_claims
from xmresearch.sufficient.moments import Moments


@pytest.mark.parametrize(
    ("text", "settings", "chisq", "df"),
    [
        ("visual =~ c(NA,NA)*x1 + c(a,b)*x2 + x3\nvisual ~~ c(1,1)*visual\ntextual =~ x4 + c(q,q)*x5 + x6",
         {"group": "school"}, 31.007, 17),
        ("visual =~ c(NA,1)*x1 + c(a,b)*x2 + x3\nvisual ~~ c(1,NA)*visual\ntextual =~ x4 + c(q,q)*x5 + x6",
         {"group": "school"}, None, 17),
        ("visual =~ a*x1 + a*x2 + x3\ntextual =~ x4 + x5 + x6", {}, 32.891, 9),
        ("visual =~ k*x1 + k*x2 + k*x3 + k*x9\nvisual ~~ 1*visual\ntextual =~ x4 + x5 + x6", {}, 95.876, 17),
        ("visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\nvisual ~ sex + ageyr\n"
         "textual ~ sex + ageyr\nspeed ~ sex + ageyr\nx4 ~ sex", {}, 100.228, 35),
        ("f =~ x1\ng =~ x4 + x5 + x6\ng ~ f", {}, None, 2),
        ('visual =~ x1 + "a"*x2 + "a"*x3\ntextual =~ x4 + x5 + x6', {}, None, 9),
    ],
)  # fmt: skip
def test_unusual_models_are_lavaans(schools, text, settings, chisq, df):
    found = fit(text, schools, **settings)
    assert found.converged
    assert found.model.df == df
    if chisq is not None:
        assert found.measures["chisq"] == pytest.approx(chisq, abs=2e-3)


@pytest.mark.parametrize("turned", [["x1"], ["x4"], ["x1", "x4"], ["x2", "x3"]])
def test_reversed_items_converge_and_are_named(schools, hs, turned):
    frame = schools.copy()
    for name in turned:
        frame[name] = 10 - frame[name]
    found = fit(hs, frame)
    assert found.converged
    assert found.measures["chisq"] == pytest.approx(85.306, abs=1e-3)
    assert [c for c in found.concerns if c.kind == "reversed_item"]
    scales = dict.fromkeys(found.model.observed, (0, 10))
    if "x1" in turned:
        with pytest.raises(ModelError, match="load against one another"):
            gains(fit(hs + "\ntextual ~ visual", frame), frame, ["textual"], scales)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"estimator": "mlr"}, "estimator is 'mlr'; it must be one of ML, MLM, MLMV, MLR, WLSMV"),
        ({"missing": "ml"}, "missing is 'ml'"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"bootstrap": -3}, "bootstrap is -3"),
        ({"bootstrap": 10, "interval": "basic"}, "interval is 'basic'"),
        ({"group": "school", "group_equal": "loadings"}, "lists of names"),
    ],
)
def test_settings_that_are_none_are_refused(schools, hs, settings, message):
    with pytest.raises(ModelError, match=message):
        fit(hs, schools, **settings)


@pytest.mark.parametrize("data", [{}, {"a": 1}])
def test_mappings_without_moments_are_refused(hs, data):
    with pytest.raises(DataError, match="A mapping of data"):
        fit(hs, data)


def test_other_bad_input_is_one_clear_error(schools, hs):
    one, other = (Moments(names, 50, np.zeros(2), 50 * np.eye(2)) for names in (("a", "b"), ("a", "c")))
    with pytest.raises(DataError, match="not of the same variables"):
        fit("a ~ b", {"x": one, "y": other})
    with pytest.raises(DataError, match="differ in type only"):
        fit(hs, schools.assign(g=[1 if k % 2 else "1" for k in range(len(schools))]), group="g")
    with pytest.raises(InsufficientData, match="'x4' has no answers"):
        fit(hs, schools.assign(x4=np.nan), missing="fiml")
    with pytest.raises(InsufficientData, match="are too few"):
        fit("f =~ x1 + x2 + x3", schools.head(5))
    with pytest.raises(ModelError, match="circle"):
        fit("f =~ g + x2 + x3\ng =~ f + x4 + x5", schools)
    with pytest.raises(ModelError, match=r"'start\(abc\)' is no modifier"):
        fit("f =~ x1 + start(abc)*x2 + x3", schools)
    with pytest.raises(ModelError, match="power of a power"):
        fit("f =~ x1 + a*x2 + x3\nb := 9**9**a", schools)
    assert fit("f =~ x1 + x2 + x3\nb := 2", schools).estimates["est"].iloc[-1] == 2


def test_ladders_that_break_off_say_so(schools, hs):
    assert group_claims(invariance(hs, schools, "school", levels=["configural"])).loadings_alike is None
    only = group_claims(invariance(hs, schools, "school", levels=["metric"]))
    assert only.loadings_alike is not None
    assert only.intercepts_alike is None
    single = "f =~ " + " + ".join(f"x{k}" for k in range(1, 10))
    told = group_claims(invariance(single, schools, "school"))
    assert told.configural.case == "failed"
    assert (told.intercepts_alike.case, told.intercepts_alike.failed[0]) == ("conditional", "configural")
    rng = np.random.default_rng(1)
    broken = schools.copy()
    half = broken["school"] == "Pasteur"
    for name in ("x1", "x2", "x3"):
        broken.loc[half, name] = rng.permutation(broken.loc[half, name])
    assert not invariance(hs, broken, "school").table["holds"].all()
    with pytest.raises(ModelError, match="No invariance level"):
        invariance(hs, schools, "school", levels=())


def test_indices_stay_below_the_misfit(schools):
    found = fit("visual =~ x1 + x2 + x3\nx9 ~ visual", schools)
    assert not (modification_indices(found).query("op == '=~'")["rhs"] == "x9").any()


def test_verdict_needs_more_than_fit(schools, hs):
    """Two items of noise each: the model fits, and measures nothing."""
    rng = np.random.default_rng(8)
    f = rng.normal(size=(4000, 1))
    weak = pd.DataFrame(0.35 * f + rng.normal(size=(4000, 6)), columns=list("abcdef"))
    text = "g =~ a + b + c\nh =~ d + e + f"
    fitted = fit(text, weak)
    told = measurement_claims(fitted, composite_reliability(fitted, weak), validity(fitted, weak, bootstrap=200))
    assert fitted.measures["cfi"] > 0.95
    assert told.instrument.case == "failed"
    assert told.instrument.facts["failing"] == ["reliability_part"]
    assert (told.reliable.case, told.reliable.verdict) == ("conditional", "unsettled")
    good = pd.DataFrame(
        np.repeat(rng.normal(size=(800, 2)), 3, axis=1) + 0.5 * rng.normal(size=(800, 6)), columns=list("abcdef")
    )
    fitted = fit(text, good)
    trust = composite_reliability(fitted, good)
    told = measurement_claims(fitted, trust, validity(fitted, good, bootstrap=200))
    assert (told.instrument.case, told.reliable.case, told.distinct.case) == ("no_departure", "all", "all")
    told = measurement_claims(fitted, trust, validity(fitted, good))
    assert (told.instrument.case, told.instrument.facts["lacking"]) == ("unsettled", ["distinctness_part"])
    assert told.distinct.withheld == "no_bootstrap"
    assert measurement_model(text + "\nh ~ g").count("=~") == 2


def test_exogenous_variables_are_given_in_mlm(schools):
    """Path model of the schools: fitMeasures and parameterEstimates of lavaan's MLM and MLMV."""
    text = "x4 ~ x1 + ageyr\nx7 ~ x4 + x1\nx9 ~ x7 + ageyr"
    found = fit(text, schools, estimator="MLM")
    assert found.measures["chisq.scaled"] == pytest.approx(56.729193, abs=1e-5)
    assert found.measures["chisq.scaling.factor"] == pytest.approx(1.045808, abs=1e-6)
    assert found.measures["baseline.chisq.scaling.factor"] == pytest.approx(0.998593, abs=1e-6)
    lavaans = [0.060498, 0.054148, 0.055358, 0.057656, 0.049703, 0.048414]
    assert found.estimates["se"].iloc[:6].tolist() == pytest.approx(lavaans, abs=1e-6)
    two = fit(text, schools, estimator="MLM", group="school")
    assert two.measures["chisq.scaled"] == pytest.approx(63.205, abs=1e-3)
