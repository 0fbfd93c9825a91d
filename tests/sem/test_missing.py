"""Full-information maximum likelihood."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import InsufficientData, ModelError
from xmresearch.sem.fitting import fit
from xmresearch.sem.missing_sample import MissingSample


@pytest.fixture(scope="module")
def gaps(reference):
    return pd.read_csv(reference.parent / "sem" / "holzinger_swineford_missing.csv")


@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_results_are_lavaans(gaps, hs, like_lavaan, estimator):
    """reference/sem/hs_missing_FIML_*.csv and hs_missing_MLR_*.csv; GFI there is of other moments than documented."""
    name = "sem/hs_missing_FIML" if estimator == "ML" else "sem/hs_missing_MLR"
    found = fit(hs, gaps, missing="fiml", estimator=estimator)
    like_lavaan(found, name, skip=("gfi", "agfi", "pgfi"), measures=("cfi.robust", "rmsea.robust", "srmr", "logl"))


def test_likelihood_by_brute_force(gaps, hs):
    found = fit(hs, gaps, missing="fiml")
    rows, at = gaps.to_numpy(), found.solution.implied[0]
    logl = 0.0
    for row in rows:
        has = ~np.isnan(row)
        cov, d = at.cov[np.ix_(has, has)], row[has] - at.mean[has]
        logl -= (has.sum() * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + d @ np.linalg.solve(cov, d)) / 2
    assert found.measures["logl"] == pytest.approx(logl, abs=1e-6)


def test_without_blanks_it_is_the_usual_fit(schools, hs):
    full, usual = fit(hs, schools, missing="fiml"), fit(hs, schools)
    first = full.estimates.query("op != '~1'").reset_index(drop=True)
    pd.testing.assert_series_equal(first["est"], usual.estimates["est"], atol=1e-6)
    assert full.measures["chisq"] == pytest.approx(usual.measures["chisq"], abs=1e-6)


def test_rows_without_an_exogenous_variable_are_left_out(schools):
    frame = schools[["x1", "x2", "x3", "sex"]].copy()
    frame.loc[:9, "sex"] = np.nan
    frame.loc[10:19, "x1"] = np.nan
    found = fit("f =~ x1 + x2 + x3\nf ~ sex", frame, missing="fiml")
    assert (found.n, found.dropped) == (len(frame) - 10, 10)


def test_selection_on_an_observed_variable_does_not_bias(one_factor_rows):
    """Missing at random: b, c, d are blank where a is high; complete rows mislead, full information does not."""
    rows = one_factor_rows(20_000, 5)[["a", "b", "c", "d"]]
    rows.loc[rows["a"] > 0.4, ["b", "c", "d"]] = np.nan
    model = "f =~ NA*a + b + c + d\nf ~~ 1*f"
    loading = [
        f.estimates.query("rhs == 'a'")["est"].iloc[0] for f in (fit(model, rows, missing="fiml"), fit(model, rows))
    ]
    mean = fit(model, rows, missing="fiml").estimates.query("op == '~1' and lhs == 'b'").iloc[0]
    assert loading[0] == pytest.approx(0.9, abs=0.03)
    assert loading[1] < 0.8
    assert abs(mean["est"]) < 4 * mean["se"]
    assert rows["b"].mean() < -0.3


def test_saturated_moments_by_the_monotone_formula():
    """With one incomplete variable, the estimates are regressions (Anderson 1957)."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    y = 2 + 0.7 * x + rng.normal(size=400)
    y[x > 0.5] = np.nan
    sample = MissingSample.of(np.column_stack([x, y]))
    seen = ~np.isnan(y)
    slope, level = np.polyfit(x[seen], y[seen], 1)
    assert sample.mean[1] == pytest.approx(level + slope * x.mean(), abs=1e-5)
    assert sample.cov[0, 1] == pytest.approx(slope * x.var(), abs=1e-5)


def test_bad_requests_are_one_clear_error(gaps, hs):
    with pytest.raises(ModelError, match="MLM needs complete rows"):
        fit(hs, gaps, missing="fiml", estimator="MLM")
    never = gaps.copy()
    never.loc[: len(never) // 2, "x1"] = np.nan
    never.loc[len(never) // 2 + 1 :, "x2"] = np.nan
    with pytest.raises(InsufficientData, match="'x1' and 'x2' are never answered together"):
        fit(hs, never, missing="fiml")


@pytest.mark.parametrize(
    ("estimator", "cfi", "tli", "rmsea", "lower", "upper"),
    [("MLR", 0.90675048, 0.86012571, 0.08908046, 0.06758926, 0.11103055),
     ("ML", 0.90571976, 0.85857964, 0.08963025, 0.06845869, 0.11128448)],
)  # fmt: skip
def test_robust_measures_with_covariates_are_lavaans(reference, estimator, cfi, tli, rmsea, lower, upper):
    """lavaan 0.6-14, sem(missing = 'ml', fixed.x = TRUE) on cases/sem/fiml_covariates.csv."""
    folder = reference.parent.parent / "cases" / "sem"
    if not folder.is_dir():
        pytest.skip("The case fiml_covariates is not there.")
    rows = pd.read_csv(folder / "fiml_covariates.csv")
    found = fit((folder / "fiml_covariates.model").read_text(), rows, estimator=estimator, missing="fiml").measures
    assert found["cfi.robust"] == pytest.approx(cfi, abs=1e-5)
    assert found["tli.robust"] == pytest.approx(tli, abs=1e-5)
    assert found["rmsea.robust"] == pytest.approx(rmsea, abs=1e-5)
    assert found["rmsea.ci.lower.robust"] == pytest.approx(lower, abs=1e-5)
    assert found["rmsea.ci.upper.robust"] == pytest.approx(upper, abs=1e-5)
