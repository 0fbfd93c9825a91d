"""Scaled and shifted tests, and the bootstrap."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, ModelError
from xmresearch.sem.comparison import difference_test
from xmresearch.sem.fitting import fit
from xmresearch.sem.syntax import parse_model
from xmresearch.sufficient.moments import Moments

DEMOCRACY = """ind60 =~ x1 + x2 + x3
dem60 =~ y1 + y2 + y3 + y4
dem65 =~ y5 + y6 + y7 + y8
dem60 ~ ind60
dem65 ~ ind60 + dem60
y1 ~~ y5
y2 ~~ y4 + y6
y3 ~~ y7
y4 ~~ y8
y6 ~~ y8"""


def test_mlmv_is_lavaans(schools, hs, like_lavaan):
    """reference/sem/hs_MLMV_*.csv and pd_MLMV_*.csv"""
    like_lavaan(fit(hs, schools, estimator="MLMV"), "sem/hs_MLMV", measures=("chisq.scaled", "rmsea.ci.upper.robust"))
    like_lavaan(fit(DEMOCRACY, load_dataset("political_democracy"), estimator="MLMV"), "sem/pd_MLMV")


def test_scaled_traces_by_brute_force(schools, hs):
    """U Gamma written out in full: normal-theory weight, moments of products, one matrix product."""
    found = fit(hs, schools, estimator="MLMV")
    values = schools[list(found.model.observed)].to_numpy(dtype=float)
    z = values - values.mean(axis=0)
    p = z.shape[1]
    rows, columns = np.tril_indices(p)
    products = z[:, rows] * z[:, columns]
    gamma = np.cov(products.T, ddof=0)
    sigma = found.implied.to_numpy()
    duplication = np.zeros((p * p, len(rows)))
    duplication[rows * p + columns, np.arange(len(rows))] = 1
    duplication[columns * p + rows, np.arange(len(rows))] = 1
    weight = duplication.T @ np.kron(np.linalg.inv(sigma), np.linalg.inv(sigma)) @ duplication / 2
    theta, matrices, slopes = found.solution.theta, found.readout.matrices[0], []
    for step in np.eye(len(theta)) * 1e-6:
        difference = matrices.implied(theta + step).cov - matrices.implied(theta - step).cov
        slopes.append(difference[rows, columns] / 2e-6)
    delta = np.array(slopes).T
    u = weight - weight @ delta @ np.linalg.inv(delta.T @ weight @ delta) @ delta.T @ weight
    assert found.sandwich.trace == pytest.approx(np.trace(u @ gamma), rel=1e-5)
    assert found.sandwich.trace_squared == pytest.approx(np.trace(u @ gamma @ u @ gamma), rel=1e-5)


# lavaan 0.6-14, lavTestLRT(configural, metric, scalar, strict) of the schools, run once for this test
DIFFERENCES = {
    "ML": (8.192200, 40.059287, 17.408514),
    "MLR": (6.5672017, 40.8383912, 15.6938650),
    "MLM": (7.135912, 54.933983, 16.451239),
    "MLMV": (7.7256728, 38.9609057, 16.1303297),
}


@pytest.mark.parametrize("estimator", DIFFERENCES)
def test_scaled_differences_are_lavaans(schools, hs, estimator):
    steps = ((), ("loadings",), ("loadings", "intercepts"), ("loadings", "intercepts", "residuals"))
    fits = [fit(hs, schools, group="school", group_equal=equal, estimator=estimator) for equal in steps]
    for free, restricted, expected in zip(fits, fits[1:], DIFFERENCES[estimator], strict=False):
        assert difference_test(restricted, free).chisq == pytest.approx(expected, rel=1e-4)


def test_satorras_difference_by_the_traces_it_stands_for(schools, hs):
    """Satorra (2000) and the difference of the two models' traces agree where the restriction is nearly true."""
    tied = fit(hs.replace("x5 + x6", "k*x5 + k*x6"), schools, estimator="MLMV")
    free = fit(hs, schools, estimator="MLMV")
    plain = fit(hs, schools, estimator="MLM")
    tied_plain = fit(hs.replace("x5 + x6", "k*x5 + k*x6"), schools, estimator="MLM")
    one_df = difference_test(tied, free).chisq
    assert one_df == pytest.approx(difference_test(tied_plain, plain).chisq, rel=0.1)


def test_nesting_is_checked(schools, hs):
    with pytest.raises(ModelError, match="more degrees of freedom"):
        difference_test(fit(hs, schools), fit(hs, schools))
    with pytest.raises(ModelError, match="same estimator"):
        difference_test(fit(hs, schools, estimator="MLR"), fit(hs, schools))


def test_bootstrap_by_single_refits(schools, hs):
    """The batched refits are those of `fit` on the same resampled rows."""
    from xmresearch.sem.bootstrap import _drawn, _resampled
    from xmresearch.sem.row_design import PLAIN

    found = fit(hs, schools, bootstrap=4, seed=3)
    values = schools[list(found.model.observed)].to_numpy(dtype=float)
    counts = _drawn([PLAIN], [len(values)], 4, np.random.default_rng(3))[0]
    covs, _, _ = _resampled(values, counts, False)
    for k in range(4):
        single = fit(hs, Moments(found.model.observed, len(values), values.mean(axis=0), covs[k] * len(values)))
        np.testing.assert_allclose(found.replicates[k], single.solution.theta, atol=2e-5)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_bootstrap_intervals_of_an_indirect_effect_are_wider_on_the_right(interval):
    """MacKinnon, Lockwood & Williams (2004): the product of two positive paths is skewed."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=150)
    m = 0.35 * x + rng.normal(size=150)
    y = 0.35 * m + rng.normal(size=150)
    frame = pd.DataFrame({"x": x, "m": m, "y": y})
    found = fit("m ~ a*x\ny ~ b*m + x\nindirect := a*b", frame, bootstrap=2000, interval=interval, seed=1)
    row = found.estimates.iloc[-1]
    assert row["ci_lower"] < row["est"] < row["ci_upper"]
    assert row["ci_upper"] - row["est"] > 1.1 * (row["est"] - row["ci_lower"])
    assert row["se"] == pytest.approx(
        fit("m ~ a*x\ny ~ b*m + x\nindirect := a*b", frame).estimates["se"].iloc[-1], rel=0.15
    )
    again = fit("m ~ a*x\ny ~ b*m + x\nindirect := a*b", frame, bootstrap=2000, interval=interval, seed=1)
    pd.testing.assert_frame_equal(found.estimates, again.estimates)


def test_bca_is_percentile_for_a_symmetric_statistic():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=400)})
    frame["y"] = 0.5 * frame["x"] + rng.normal(size=400)
    bounds = [fit("y ~ x", frame, bootstrap=2000, interval=kind).estimates.iloc[0] for kind in ("percentile", "bca")]
    for end in ("ci_lower", "ci_upper"):
        assert bounds[0][end] == pytest.approx(bounds[1][end], abs=0.01)


def test_bootstrap_with_groups_and_means(schools, hs):
    found = fit(hs, schools, group="school", group_equal=("loadings", "intercepts"), bootstrap=200)
    plain = fit(hs, schools, group="school", group_equal=("loadings", "intercepts"))
    means = found.estimates["op"] == "~1"
    np.testing.assert_allclose(found.estimates.loc[means, "se"], plain.estimates.loc[means, "se"], rtol=0.35, atol=1e-9)


def test_bootstrap_of_incomplete_or_ordered_rows_is_refused(schools, hs):
    with pytest.raises(ModelError, match="complete rows of continuous variables"):
        fit(hs, schools, missing="fiml", bootstrap=10)
    names = [f"x{k}" for k in range(1, 10)]
    with pytest.raises(DataError, match="The bootstrap needs rows"):
        fit(hs, Moments.of(schools[names].to_numpy(dtype=float), names), bootstrap=10)


def test_defined_quantities_build_on_one_another(schools):
    found = fit("x1 ~ a*x2 + b*x3\nsum := a + b\nratio := exp(log(sum)) / a", schools).estimates.set_index("lhs")
    a, b = found.loc["x1", "est"].iloc[:2]
    assert found.loc["ratio", "est"] == pytest.approx((a + b) / a)
    assert found.loc["ratio", "se"] > 0


def test_standardised_solution_has_lavaans_errors(schools, hs):
    """lavaan 0.6-14, standardizedSolution(cfa(HS)): se of the first three loadings, run once for this test."""
    found = fit(hs, schools).standardized
    assert found["se"].iloc[:3].tolist() == pytest.approx([0.0549727, 0.0596191, 0.0551393], rel=1e-4)


def test_vectors_of_modifiers_must_fit_the_groups(schools):
    assert parse_model("f =~ c(a, b)*x1 + x2")[0].in_group(1, 2).label == "b"
    with pytest.raises(ModelError, match=r"c\(a, b, c\) has 3 entries for 2 group"):
        fit("f =~ x1 + c(a, b, c)*x2 + x3", schools, group="school")
