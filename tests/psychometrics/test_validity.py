"""Validity against semTools and lavaan: reference/servqual/kiosk_perc_{reliability,htmt,corlv}.csv, sem/hs_{reliability,htmt}.csv."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData, ModelError
from xmresearch.psychometrics.construct_validity import htmt2, validity
from xmresearch.sem.fitting import fit
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.polychorics import polychoric
from xmresearch.sufficient.moments import Moments

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ITEMS = [f"x{k}" for k in range(1, 10)]
THREE = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
KIOSK = {
    "F1": (4, 5, 6, 22),
    "F2": (19, 20, 21),
    "F3": (10, 11, 18),
    "F4": (13, 14, 15, 16, 17),
    "F5": (1, 2, 3),
    "F6": (7, 8),
}


@pytest.fixture(scope="module")
def schools():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def results(reference, schools):
    try:
        kiosk = load_dataset("kiosk_servqual")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    model = "\n".join(f"{f} =~ " + " + ".join(f"p{k}" for k in items) for f, items in KIOSK.items())
    return {"hs": validity(fit(HS, schools), schools, bootstrap=300), "kiosk": validity(fit(model, kiosk), kiosk)}


@pytest.mark.parametrize("name", ["hs", "kiosk"])
def test_reliability_and_ave_are_semtools(results, reference, name):
    if name == "hs":
        expected = pd.read_csv(reference / "sem" / "hs_reliability.csv").set_index("coefficient").T
    else:
        expected = pd.read_csv(reference / "servqual" / "kiosk_perc_reliability.csv")
    table = results[name].table
    for ours, theirs in (
        ("omega", "omega"),
        ("omega_bentler", "omega2"),
        ("omega_mcdonald", "omega3"),
        ("ave", "avevar"),
    ):
        np.testing.assert_allclose(table[ours], expected[theirs], atol=1e-5, err_msg=ours)


@pytest.mark.parametrize(("name", "file"), [("hs", "sem/hs_htmt"), ("kiosk", "servqual/kiosk_perc_htmt")])
def test_htmt2_is_semtools(results, reference, name, file):
    expected = pd.read_csv(reference / f"{file}.csv")
    expected.index = expected.columns
    for row in results[name].pairs.itertuples():
        assert row.htmt2 == pytest.approx(expected.loc[row.first, row.second], abs=1e-8)


def test_construct_correlations_are_lavaans(results, reference):
    expected = pd.read_csv(reference / "servqual" / "kiosk_perc_corlv.csv")
    expected.index = expected.columns
    for row in results["kiosk"].pairs.itertuples():
        assert row.correlation == pytest.approx(expected.loc[row.first, row.second], abs=1e-5)


def test_bootstrap_interval_holds_the_estimate(results):
    pairs = results["hs"].pairs
    assert ((pairs["htmt2_lower"] < pairs["htmt2"]) & (pairs["htmt2"] < pairs["htmt2_upper"])).all()


def test_htmt2_of_parallel_items_is_the_construct_correlation():
    loadings = np.full(6, 0.8)
    phi = np.kron([[1, 0.5], [0.5, 1]], np.ones((3, 3)))
    r = np.outer(loadings, loadings) * phi
    np.fill_diagonal(r, 1)
    assert htmt2(r, [0, 1, 2], [3, 4, 5]) == pytest.approx(0.5)


def test_one_thing_measured_twice_is_noticed():
    rng = np.random.default_rng(3)
    f = rng.multivariate_normal([0, 0], [[1, 0.92], [0.92, 1]], 2000)
    frame = pd.DataFrame(np.repeat(f, 3, axis=1) + rng.normal(size=(2000, 6)), columns=list("abcdef"))
    result = validity(fit("g =~ a + b + c\nh =~ d + e + f", frame), frame)
    assert not result.table["fornell_larcker"].any()
    assert result.diagnostics().set_index("check").loc["htmt2", "status"] == "warn"
    assert result.summary()["htmt2_below"] == 0


def test_a_path_model_has_no_validity():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    with pytest.raises(InsufficientData, match="no construct"):
        validity(fit("a ~ b", frame), frame)


def ratios(moments):
    return [htmt2(moments, THREE[i], THREE[j]) for i, j in ((0, 1), (0, 2), (1, 2))]


def test_htmt2_needs_no_rows_but_its_bootstrap_does(results, schools):
    moments = Moments.of(schools[ITEMS].to_numpy(dtype=float), ITEMS)
    pairs = validity(fit(HS, moments)).pairs
    np.testing.assert_allclose(pairs["htmt2"], results["hs"].pairs["htmt2"])
    with pytest.raises(DataError, match="bootstrap needs rows"):
        validity(fit(HS, moments), bootstrap=10)
    pd.testing.assert_frame_equal(validity(fit(HS, schools), bootstrap=300).pairs, results["hs"].pairs)


def test_ordered_items_are_judged_by_polychoric_correlations(schools):
    four = schools[ITEMS].apply(lambda c: pd.qcut(c.rank(method="first"), 4, labels=False))
    result = validity(fit(HS, four, ordered=True), four, bootstrap=2000)
    values = four.to_numpy(dtype=float)
    np.testing.assert_allclose(result.pairs["htmt2"], ratios(polychoric(values, ITEMS).correlations))
    assert result.table["fornell_larcker"].all()
    rng = np.random.default_rng(2)
    draws = [polychoric(values[rng.integers(0, len(values), len(values))], ITEMS).correlations for _ in range(200)]
    refits = np.quantile([ratios(r) for r in draws], [0.025, 0.975], axis=0)
    np.testing.assert_allclose(result.pairs[["htmt2_lower", "htmt2_upper"]].T, refits, atol=0.06)


def test_with_blanks_htmt2_is_of_the_saturated_covariances(reference):
    gaps = pd.read_csv(reference.parent / "sem" / "holzinger_swineford_missing.csv")
    result = validity(fit(HS, gaps, missing="fiml"), gaps, bootstrap=2000)
    values = gaps[ITEMS].to_numpy(dtype=float)
    np.testing.assert_allclose(result.pairs["htmt2"], ratios(MissingSample.of(values).cov))
    rng = np.random.default_rng(2)
    draws = [MissingSample.of(values[rng.integers(0, len(values), len(values))]).cov for _ in range(60)]
    refits = np.quantile([ratios(r) for r in draws], [0.025, 0.975], axis=0)
    np.testing.assert_allclose(result.pairs[["htmt2_lower", "htmt2_upper"]].T, refits, atol=0.1)


def test_a_mean_structure_changes_nothing(results, schools):
    pd.testing.assert_frame_equal(validity(fit(f"{HS}\nx1 ~ 1", schools)).table, results["hs"].table, rtol=1e-6)


def test_several_groups_and_what_has_no_ratio(schools):
    with pytest.raises(ModelError, match="several"):
        validity(fit(HS, schools, group="school"), schools)
    single = validity(fit("f =~ x1 + x2 + x3\ng =~ x4\nx4 ~~ 0*x4", schools), schools, bootstrap=10)
    assert single.pairs["htmt2"].isna().all()
    assert single.diagnostics().empty
