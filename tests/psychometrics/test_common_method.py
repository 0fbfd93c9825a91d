"""Common method variance: planted truth, Holzinger and Swineford's pupils, other ways to the same figures."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, ModelError
from xmresearch.psychometrics.method_variance import common_method
from xmresearch.sem.fitting import fit
from xmresearch.studies.sem.measurement import method_claim

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
MODEL = "\n".join(f"f{k} =~ " + " + ".join(f"x{4 * k + j}" for j in range(4)) for k in range(3))
ITEMS, MARKER = [f"x{k}" for k in range(12)], ["k1", "k2", "k3"]
LOADINGS = np.array([0.9, 0.7, 0.5, 0.8] * 3)


@pytest.fixture(scope="module")
def schools():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def planted(method, n=1500, seed=3):
    """Draw three constructs correlated .3, unit variances, to which a method and its marker items add."""
    rng = np.random.default_rng(seed)
    f = rng.multivariate_normal(np.zeros(3), np.full((3, 3), 0.3) + 0.7 * np.eye(3), n, method="cholesky")
    g = rng.normal(size=(n, 1))
    x = np.repeat(f, 4, axis=1) * LOADINGS + rng.normal(size=(n, 12)) * np.sqrt(1 - LOADINGS**2) + method * g
    marks = g * [0.8, 0.7, 0.6] + 0.6 * rng.normal(size=(n, 3))
    return pd.DataFrame(np.hstack([x, marks]), columns=ITEMS + MARKER)


@pytest.fixture(scope="module")
def without():
    return common_method(MODEL, planted(0.0), marker=MARKER)


@pytest.fixture(scope="module")
def some():
    return common_method(f"{MODEL}\nf2 ~ f0 + f1", planted(0.5), marker=MARKER)


def test_without_a_method_there_is_no_share(without):
    rows = without.table.set_index("model")
    for name in ("method_factor", "marker_constrained"):
        assert rows.loc[name, "share"] < 0.02
        assert rows.loc[name, "p_diff"] > 0.05
        assert rows.loc[name, "share_lower"] == 0
    assert without.loadings["change"].abs().max() < 0.02
    assert (without.correlations["adjusted"] - without.correlations["correlation"]).abs().max() < 0.05
    assert method_claim(without).case == "no_departure"
    assert (without.diagnostics()["status"] == "pass").all()


def test_a_planted_method_is_recovered(some):
    """A raw loading of .5 is a fifth of each item's variance of 1.25."""
    rows = some.table.set_index("model")
    for name in ("method_factor", "marker_constrained"):
        assert rows.loc[name, "p_diff"] < 0.001
        assert rows.loc[name, "share_lower"] < 0.2 < rows.loc[name, "share_upper"]
    assert rows.loc["marker_constrained", "share"] == pytest.approx(0.2, abs=0.02)
    assert rows.loc["marker_unconstrained", "p_diff"] > 0.01
    assert rows.loc["marker_unconstrained", "df_diff"] == 11
    freed = some.loadings["loading_method"].to_numpy()
    np.testing.assert_allclose(freed, LOADINGS / np.sqrt(1.25), atol=0.1)
    assert (some.loadings["change"] < 0).all()


def test_shares_are_right_on_average():
    """Estimates of the method's share over samples, against .16 / 1.16; intervals cover it."""
    rows = [
        common_method(MODEL, planted(0.4, 500, seed)).table.set_index("model").loc["method_factor"]
        for seed in range(25)
    ]
    table = pd.DataFrame(rows)
    truth = 0.16 / 1.16
    assert table["share"].mean() == pytest.approx(truth, abs=3 * table["share"].std() / np.sqrt(25))
    assert ((table["share_lower"] <= truth) & (truth <= table["share_upper"])).mean() >= 0.85


def test_tests_hold_their_level_without_a_method():
    p = [common_method(MODEL, planted(0.0, 400, seed)).summary()["method_p"] for seed in range(30)]
    assert np.mean(np.array(p) < 0.05) <= 0.1


def test_a_strong_method_is_noticed():
    result = common_method(MODEL, planted(1.1), marker=MARKER)
    assert method_claim(result).case == "failed"
    checks = result.diagnostics().set_index("check")["status"]
    assert checks.to_dict() == {"harman": "warn", "method_share": "fail", "marker_share": "fail"}


def test_harmans_shares_by_other_ways(schools):
    result = common_method(HS, schools)
    r = schools[[f"x{k}" for k in range(1, 10)]].corr().to_numpy()
    assert result.component_share == pytest.approx(np.linalg.eigvalsh(r)[-1] / 9)
    assert result.component_share == pytest.approx(0.357, abs=5e-4)
    communality = np.full(9, 0.5)
    for _ in range(3000):
        reduced = r - np.diag(1 - communality)
        values, vectors = np.linalg.eigh(reduced)
        communality = values[-1] * vectors[:, -1] ** 2
    assert result.factor_share == pytest.approx(communality.mean(), abs=1e-5)


def test_one_factor_is_lavaans(schools):
    """lavaan 0.6-14, cfa("g =~ x1 + ... + x9", HolzingerSwineford1939) and lavTestLRT, run once."""
    row = common_method(HS, schools).table.iloc[0]
    assert row[["chisq", "df", "cfi", "rmsea"]].tolist() == pytest.approx(
        [312.264159, 27, 0.676883, 0.187352], abs=1e-5
    )
    assert row[["chisq_diff", "df_diff"]].tolist() == pytest.approx([226.958638, 3], abs=1e-4)


def test_an_improper_method_factor_is_said_and_not_shown(schools):
    result = common_method(HS, schools)
    assert method_claim(result).withheld == "untested"
    assert result.table.query("model == 'method_factor'")[["chisq", "chisq_diff", "share"]].isna().all(axis=None)
    assert result.loadings[["loading_method", "change", "method_share"]].isna().all(axis=None)
    assert result.warnings == (
        "method_factor: the solution is improper: variances are negative, or covariances impossible.",
    )
    assert result.diagnostics().set_index("check").loc["method_share", "status"] == "warn"


def test_method_factor_by_equal_labels(some):
    """The same model with unit variance and one label for all loadings."""
    rows = planted(0.5)
    method = "\nm =~ NA*" + " + ".join(f"b*{v}" for v in ITEMS) + "\nm ~~ 1*m\nm ~~ 0*f0 + 0*f1 + 0*f2"
    fitted = fit(MODEL + method, rows)
    row = some.table.set_index("model").loc["method_factor"]
    assert row["chisq"] == pytest.approx(fitted.measures["chisq"], abs=1e-4)
    shares = fitted.estimates.query("lhs == 'm' and op == '=~'")["std_all"] ** 2
    assert row["share"] == pytest.approx(shares.mean(), abs=1e-5)
    np.testing.assert_allclose(some.loadings["method_share"], shares, atol=1e-5)


def test_its_interval_ends_where_the_chi_square_says(some):
    rows = planted(0.5)
    method = "\nm =~ " + " + ".join(f"1*{v}" for v in ITEMS) + "\nm ~~ 0*f0 + 0*f1 + 0*f2\nm ~~ {}*m"
    row = some.table.set_index("model").loc["method_factor"]
    best = fit(MODEL + method.format("v"), rows).estimates.query("lhs == 'm' and rhs == 'm'")["est"].iloc[0]
    for end in ("share_lower", "share_upper"):
        at = fit(MODEL + method.format(best * row[end] / row["share"]), rows)
        assert at.measures["chisq"] - row["chisq"] == pytest.approx(3.8415, abs=0.05)


def test_marker_models_by_hand(some):
    rows = planted(0.5)
    first = fit(f"{MODEL}\nm =~ NA*k1 + k2 + k3\nm ~~ 1*m", rows)
    table = some.table.set_index("model")
    assert table.loc["marker_cfa", "chisq"] == pytest.approx(first.measures["chisq"], abs=1e-6)
    est = first.estimates.set_index(["lhs", "op", "rhs"])["est"]
    known = "\nm =~ " + " + ".join(f"{est['m', '=~', k]}*{k}" for k in MARKER)
    known += "".join(f"\n{k} ~~ {est[k, '~~', k]}*{k}" for k in MARKER) + "\nm ~~ 1*m + 0*f0 + 0*f1 + 0*f2"
    baseline = fit(MODEL + known, rows)
    constrained = fit(MODEL + known + "\nm =~ " + " + ".join(f"b*{v}" for v in ITEMS), rows)
    drop = baseline.measures["chisq"] - constrained.measures["chisq"]
    assert table.loc["marker_constrained", "chisq_diff"] == pytest.approx(drop, abs=1e-5)
    shares = constrained.estimates.query("lhs == 'm' and label == 'b'")["std_all"] ** 2
    assert table.loc["marker_constrained", "share"] == pytest.approx(shares.mean(), abs=1e-6)


def test_lindell_and_whitneys_adjustment_by_hand(some):
    rows = planted(0.5)
    sums = pd.DataFrame({f"f{k}": rows[ITEMS[4 * k : 4 * k + 4]].sum(axis=1) for k in range(3)})
    r = sums.assign(m=rows[MARKER].sum(axis=1)).corr()
    taken = r.loc["m", ["f0", "f1", "f2"]].min()
    assert some.marker_correlation == pytest.approx(taken)
    row = some.correlations.iloc[0]
    assert row["correlation"] == pytest.approx(r.loc["f0", "f1"])
    assert row["adjusted"] == pytest.approx((r.loc["f0", "f1"] - taken) / (1 - taken))


@pytest.mark.parametrize("settings", [{"estimator": "MLR"}, {"missing": "fiml"}])
def test_robust_and_incomplete_data(settings):
    rows = planted(0.5, 600)
    if "missing" in settings:
        rows["x1"] = rows["x1"].mask(rows.index < 60)
    table = common_method(MODEL, rows, marker=MARKER, **settings).table.set_index("model")
    assert table.loc["method_factor", "share_lower"] < 0.2 < table.loc["method_factor", "share_upper"]
    assert table.loc["marker_constrained", "share"] == pytest.approx(0.2, abs=0.04)


def test_what_cannot_be_told_is_nan(schools):
    one = common_method("f =~ x0 + x1 + x2 + x3", planted(0.5, 400))
    assert method_claim(one).withheld == "untested"
    assert "with one construct" in one.warnings[1]
    single = common_method(MODEL, planted(0.5, 400), marker=["k1"])
    assert single.table.query("model.str.startswith('marker')", engine="python")["chisq"].isna().all()
    assert any(w.startswith("marker_cfa: one marker item") for w in single.warnings)
    assert single.correlations["adjusted"].notna().all()


def test_names_of_the_models_own_are_respected(some):
    taken = MODEL.replace("f0", "method").replace("f1", "marker_").replace("f2", "common")
    rows = planted(0.5).assign(marker=0.0)
    pd.testing.assert_frame_equal(common_method(taken, rows, marker=MARKER).table, some.table)


def test_residual_covariances_and_higher_orders_stay():
    text = f"{MODEL}\ntop =~ f0 + f1 + f2\nx0 ~~ x4\nx0 ~~ e*x0"
    result = common_method(text, planted(0.5), marker=MARKER)
    table = result.table.set_index("model")
    assert table.loc["measurement", "df"] == 50
    assert table.loc[["one_factor", "method_factor"], "df"].tolist() == [53, 49]
    assert table.loc["method_factor", "share_lower"] < 0.2 < table.loc["method_factor", "share_upper"]
    assert result.loadings.query("construct == 'top'")["method_share"].isna().all()
    assert result.loadings.query("construct == 'top'")["loading_method"].notna().all()


def test_wrong_markers_are_one_clear_error():
    rows = planted(0.0, 100)
    with pytest.raises(ModelError, match="Marker item 'x3' is part of the model"):
        common_method(MODEL, rows, marker=["k1", "x3"])
    with pytest.raises(DataError, match="no variable 'k9' to be a marker"):
        common_method(MODEL, rows, marker=["k9"])
    with pytest.raises(ModelError, match="measures nothing"):
        common_method("x1 ~ x2", rows)
