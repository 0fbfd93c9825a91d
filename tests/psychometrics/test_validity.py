"""Validity against semTools and lavaan: reference/servqual/kiosk_perc_{reliability,htmt,corlv}.csv, sem/hs_{reliability,htmt}.csv."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable, InsufficientData
from xmresearch.psychometrics.validity import htmt2, validity
from xmresearch.sem.fitting import fit

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
KIOSK = {
    "F1": (4, 5, 6, 22),
    "F2": (19, 20, 21),
    "F3": (10, 11, 18),
    "F4": (13, 14, 15, 16, 17),
    "F5": (1, 2, 3),
    "F6": (7, 8),
}


@pytest.fixture(scope="module")
def results(reference):
    try:
        schools, kiosk = load_dataset("holzinger_swineford"), load_dataset("kiosk_servqual")
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
