"""Modification indices and factor scores against lavaan 0.6-14."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable
from xmresearch.sem.fitting import fit
from xmresearch.sem.followup import factor_scores, modification_indices

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
DEMOCRACY = """ind60 =~ x1 + x2 + x3
dem60 =~ y1 + y2 + y3 + y4
dem65 =~ y5 + y6 + y7 + y8
dem60 ~ ind60
dem65 ~ ind60 + dem60"""


@pytest.fixture(scope="module")
def schools():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def test_modification_indices_are_lavaans(reference):
    """reference/sem/pd_modification_indices.csv"""
    fitted = fit(DEMOCRACY, load_dataset("political_democracy"))
    expected = pd.read_csv(reference / "sem" / "pd_modification_indices.csv").set_index(["lhs", "op", "rhs"])
    found = modification_indices(fitted).set_index(["lhs", "op", "rhs"])
    assert len(found) == len(expected) == 77
    for key, row in found.iterrows():
        theirs = expected.loc[key if key in expected.index else (key[2], key[1], key[0])]
        for ours, column in (("mi", "mi"), ("epc", "epc"), ("sepc_lv", "sepc.lv"), ("sepc_all", "sepc.all")):
            assert row[ours] == pytest.approx(theirs[column], rel=1e-3, abs=1e-5), (key, ours)
    assert found["mi"].is_monotonic_decreasing


def test_modification_index_is_near_the_drop_of_chisquare(schools):
    before = fit(HS, schools)
    best = modification_indices(before).iloc[0]
    after = fit(f"{HS}\n{best['lhs']} {best['op']} {best['rhs']}", schools)
    drop = before.measures["chisq"] - after.measures["chisq"]
    assert drop == pytest.approx(best["mi"], rel=0.2)


@pytest.mark.parametrize("method", ["regression", "bartlett"])
def test_factor_scores_are_lavaans(schools, reference, method):
    """reference/sem/hs_factor_scores_*.csv"""
    expected = pd.read_csv(reference / "sem" / f"hs_factor_scores_{method}.csv")[["visual", "textual", "speed"]]
    found = factor_scores(fit(HS, schools), schools, method=method)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bartlett_scores_return_the_factors_without_noise():
    rng = np.random.default_rng(1)
    f = rng.normal(size=(2000, 1))
    frame = pd.DataFrame(f * [1.0, 0.8, 1.2, 0.9] + 0.05 * rng.normal(size=(2000, 4)), columns=list("abcd"))
    scores = factor_scores(fit("f =~ a + b + c + d", frame), frame, method="bartlett")["f"]
    assert np.corrcoef(scores, f[:, 0])[0, 1] > 0.999


def test_incomplete_rows_have_no_score(schools):
    frame = schools.copy()
    frame.loc[3, "x1"] = np.nan
    assert factor_scores(fit(HS, schools), frame).isna().any(axis=1).tolist().index(True) == 3


def test_a_path_model_has_nothing_to_score(schools):
    with pytest.raises(DataError, match="no latent variables"):
        factor_scores(fit("x1 ~ x2 + x3", schools), schools)
