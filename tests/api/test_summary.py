"""`print(fitted.summary())` reads as lavaan's `summary(fit, fit.measures = TRUE, standardized = TRUE)`."""

import json
import re

import pytest

import xmresearch as xm

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


def figures(text, start):
    """Return the numbers of the line that starts so."""
    line = next(line for line in text.splitlines() if line.strip().startswith(start))
    return [float(x) for x in re.findall(r"-?\d+\.?\d*", line.strip().removeprefix(start))]


def test_holzinger_swineford_as_lavaan_s_tutorial_prints_it(sem_results):
    """https://lavaan.ugent.be/tutorial/cfa.html, and standardized = TRUE there."""
    text = str(sem_results["fit"].summary())
    known = {
        "Number of model parameters": [21], "Number of observations": [301], "Test statistic": [85.306], "Degrees of freedom": [24],
        "P-value (Chi-square)": [0.000], "Comparative Fit Index (CFI)": [0.931], "Tucker-Lewis Index (TLI)": [0.896],
        "Loglikelihood user model (H0)": [-3737.745], "Akaike (AIC)": [7517.490], "Bayesian (BIC)": [7595.339], "RMSEA": [0.092],
        "90 Percent confidence interval - lower": [0.071], "90 Percent confidence interval - upper": [0.114], "SRMR": [0.065],
        "x1": [1.000, 0.900, 0.772], "x2": [0.554, 0.100, 5.554, 0.000, 0.498, 0.424], "x3": [0.729, 0.109, 6.685, 0.000, 0.656, 0.581],
        "x5": [1.113, 0.065, 17.014, 0.000, 1.102, 0.855], "x9": [1.082, 0.151, 7.155, 0.000, 0.670, 0.665],
        "textual  ": [0.408, 0.074, 5.552, 0.000, 0.459, 0.459], ".x1": [0.549, 0.114, 4.833, 0.000, 0.549, 0.404],
        "visual  ": [0.809, 0.145, 5.564, 0.000, 1.000, 1.000],
    }  # fmt: skip
    for start, expected in known.items():
        assert figures(text, start) == pytest.approx(expected, abs=1e-9), start
    baseline = text.split("Model Test Baseline Model:")[1]
    assert figures(baseline, "Test statistic") == [918.852]
    assert figures(baseline, "Degrees of freedom") == [36]
    assert figures(text.split("R-Square:")[1], "x1") == [0.596]
    assert "Standard errors                               Standard" in text
    assert re.findall(r"^(\w[\w -]+:) ", text, re.MULTILINE) == [
        "Latent Variables:", "Covariances:", "Variances:", "R-Square:",
    ]  # fmt: skip


def test_robust_tests_have_a_second_column(pupils):
    """lavaan 0.6-14, estimator = "MLR"."""
    text = str(xm.sem.fit(MODEL, pupils, estimator="MLR").summary())
    assert figures(text, "Test statistic") == [85.306, 87.132]
    assert figures(text, "Scaling correction factor") == [0.979]
    assert "Sandwich" in text
    assert "Robust Comparative Fit Index" in text


def test_groups_labels_defined_quantities_and_bootstrap_are_printed(pupils, sem_results):
    two = str(xm.sem.fit(MODEL, pupils, group="school").summary())
    assert "Group 1 [Pasteur]:" in two
    assert "Group 2 [Grant-White]:" in two
    assert two.index("Group 1") < two.index("Intercepts:") < two.index("Group 2")
    assert figures(two, "Pasteur") == [156]
    text = str(sem_results["bootstrapped"].summary())
    assert "Bootstrap" in text
    assert figures(text, "Number of successful bootstrap draws") == [40]
    regression = text.split("Regressions:")[1]
    assert figures(regression, "textual (b)")[0] == pytest.approx(
        sem_results["bootstrapped"].estimates.query("label == 'b'")["est"].item(), abs=5e-4
    )
    assert "Defined Parameters:" in text
    assert (
        text.index("Latent Variables:")
        < text.index("Regressions:")
        < text.index("Variances:")
        < text.index("Defined Parameters:")
    )
    ordered = str(sem_results["ordered"].summary())
    assert "Thresholds:" in ordered
    assert "x1|" in ordered


def test_a_summary_is_still_the_figures_that_reports_quote(sem_results):
    summary = sem_results["fit"].summary()
    assert summary["cfi"] == pytest.approx(0.9306, abs=1e-4)
    assert {**summary, "more": 1}["n"] == 301
    assert json.loads(json.dumps(summary))["df"] == 24
    assert repr(summary) == str(summary)
