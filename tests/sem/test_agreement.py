"""semopy as a second program: agreement, planted disagreement, what is not compared, and what stays private."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import ModelError
from xmresearch.kept_fits import VARIABLE
from xmresearch.sem import agreement as module
from xmresearch.sem import semopy_process as process
from xmresearch.sem.agreement import second_program
from xmresearch.sem.fitting import fit

ECHO = "import sys; sys.stdout.write({!r})"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own, so that the first comparison does run semopy."""
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("cache")
        patched.setenv(VARIABLE, str(folder))
        yield folder


def test_it_agrees_on_holzinger_and_swineford_to_more_than_three_digits(hs, schools, cache):
    second = second_program(hs, schools)
    fitted = fit(hs, schools)
    found = second.compare(fitted)
    assert (found.case, found.n) == ("agrees", 301)
    assert found.difference < 1e-5
    check = found.diagnostics().iloc[0]
    assert (check["check"], check["threshold"], check["status"]) == ("second_program", 1e-3, "pass")
    kept = list((cache / "semopy").iterdir())
    assert len(kept) == 1
    known = json.loads(kept[0].read_text())
    assert known["discrepancy"] == pytest.approx(fitted.solution.discrepancy, abs=1e-9)
    theirs = [known["estimates"][f"p{k}"] for k in range(fitted.model.n_free)]
    np.testing.assert_allclose(theirs, fitted.solution.theta, atol=1e-3)


def planted(fitted, by=0.05):
    """The same fit, but for one loading."""
    theta = fitted.solution.theta.copy()
    theta[0] += by
    return dataclasses.replace(fitted, solution=dataclasses.replace(fitted.solution, theta=theta))


def test_a_planted_disagreement_is_seen(hs, schools):
    wrong = planted(fit(hs, schools))
    found = second_program(hs, schools).compare(wrong)
    assert found.case == "differs"
    assert found.difference > 0.01
    assert list(found.diagnostics()["status"]) == ["fail"]


def test_covariances_of_another_sample_are_seen(hs, schools):
    found = second_program(hs, schools.iloc[:150]).compare(fit(hs, schools))
    assert (found.case, found.n) == ("differs", 150)


def test_full_information_is_compared_on_the_complete_rows(hs, schools):
    blank = schools.copy()
    blank.loc[blank.index[:40], "x1"] = np.nan
    fitted = fit(hs, blank, estimator="MLR", missing="fiml")
    found = second_program(hs, blank, estimator="MLR", missing="fiml").compare(fitted)
    assert (found.case, found.n, fitted.n) == ("agrees", 261, 301)


def test_equal_loadings_regressions_and_a_fixed_variance_agree(schools):
    text = """visual =~ NA*x1 + a*x2 + a*x3
    visual ~~ 1*visual
    textual =~ x4 + x5 + x6
    speed =~ x7 + x8 + start(0.5)*x9
    textual ~ visual
    speed ~ visual + ageyr
    x7 ~~ x8
    ratio := a * 2"""
    found = second_program(text, schools).compare(fit(text, schools))
    assert found.case == "agrees", found


def no_process(*_, **__):
    raise AssertionError("a process was started")


def test_what_it_does_not_estimate_alike_is_not_compared(hs, schools, monkeypatch):
    monkeypatch.setattr(process.subprocess, "Popen", no_process)
    ordered = schools[[f"x{k}" for k in range(1, 10)]].apply(lambda x: pd.qcut(x, 3, labels=False))
    means = f"{hs}\nx1 ~ 0*1"
    for text, data, settings in (
        (hs, schools, {"group": "school"}), (hs, ordered, {"ordered": True}), (means, schools, {}),
    ):  # fmt: skip
        found = second_program(text, data, **settings).compare(fit(text, data, **settings))
        assert found.case == "unlike"
        assert found.diagnostics().empty
        assert list(found.diagnostics()) == ["check", "value", "threshold", "status"]
    across = "speed =~ x7 + x8 + x9\nx1 ~ speed\nx2 ~ x1\nx4 ~ speed\nx1 ~~ x4"
    assert second_program(across, schools).compare(fit(across, schools)).case == "unlike"
    assert second_program(hs, schools.iloc[:5]).compare(fit(hs, schools)).case == "failed"


def test_a_negative_variance_is_not_compared(monkeypatch):
    rng = np.random.default_rng(1)
    corr = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1.0]])
    rows = rng.multivariate_normal(np.zeros(3), corr, 400)
    data, text = pd.DataFrame(rows, columns=list("abc")), "f =~ a + b + c"
    fitted = fit(text, data)
    assert any(c.kind == "heywood" for c in fitted.concerns)
    monkeypatch.setattr(process.subprocess, "Popen", no_process)
    monkeypatch.setattr(process, "_read", lambda path: {"converged": True, "discrepancy": 0.0, "estimates": {}})
    assert second_program(text, data).compare(fitted).case == "improper"


@pytest.mark.parametrize("written", ["", "{", '{"converged": false, "discrepancy": 9.0, "estimates": {}}'])
def test_a_process_that_fails_stops_nothing(hs, schools, monkeypatch, tmp_path, written):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    script = tmp_path / "broken.py"
    script.write_text(ECHO.format(written))
    monkeypatch.setattr(process.semopy_fit, "__file__", str(script))
    found = second_program(hs, schools).compare(fit(hs, schools))
    assert found.case == "failed"
    assert found.diagnostics().empty


def test_without_semopy_nothing_is_compared(hs, schools, monkeypatch):
    monkeypatch.setattr(process, "_VERSIONS", ("no-such-package-here",))
    assert second_program(hs, schools).compare(fit(hs, schools)).case == "failed"


def test_a_second_comparison_starts_no_process(hs, schools, monkeypatch):
    second_program(hs, schools).compare(fit(hs, schools))
    monkeypatch.setattr(process.subprocess, "Popen", no_process)
    assert second_program(hs, schools).compare(fit(hs, schools)).case == "agrees"


def test_a_worse_minimum_of_the_second_program_is_no_disagreement(hs, schools, monkeypatch):
    """By its own likelihood, started from ours, it finds a better place."""
    fitted = fit(hs, schools)
    good = {f"p{k}": float(v) for k, v in enumerate(fitted.solution.theta)}
    bad = good | {"p0": good["p0"] + 1.0}

    def found(run):
        worse = {"converged": True, "discrepancy": 9.0, "estimates": bad}
        from_ours = json.loads(run.job)["start"] == good
        return worse | {"discrepancy": 1.0, "estimates": good} if from_ours else worse

    monkeypatch.setattr(process.SemopyProcess, "result", found)
    monkeypatch.setattr(process.SemopyProcess, "__post_init__", lambda run: None)
    assert second_program(hs, schools).compare(fitted).case == "agrees"


def test_names_and_answers_stay_here(hs, schools):
    ready = module.prepared(hs, schools, "ML", (), "listwise")
    job = json.loads(module._job(ready, np.zeros(ready.model.n_free)))
    assert set(job) == {"model", "cov", "n", "start"}
    assert not any(name in job["model"] for name in ("visual", "x1", "textual"))
    assert np.shape(job["cov"]) == (9, 9)


def test_a_fit_of_another_model_is_refused(hs, schools):
    with pytest.raises(ModelError, match="another model"):
        second_program(hs, schools).compare(fit("visual =~ x1 + x2 + x3", schools))
