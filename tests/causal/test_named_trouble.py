"""Covariates that tell nothing and rows that are there twice are named before anything is fitted."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.causal.designs import prepare
from xmresearch.errors import DataError

KEYS = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}


def panel():
    rng = np.random.default_rng(0)
    unit, time = (a.ravel() for a in np.indices((40, 5)))
    frame = pd.DataFrame(
        {
            "u": unit,
            "t": time,
            "g": np.where(unit < 20, 2.0, np.nan),
            "y": rng.normal(size=200),
            "x": rng.normal(size=40)[unit],
        }
    )
    return frame.assign(z=rng.normal(size=40)[unit], same=3.0, twice=2 * frame["x"] + 1)


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        (["x", "same"], "Covariate 'same' is the same in every row"),
        (["x", "z", "twice"], "Covariate 'twice' follows from 'x', 'z'"),
        (["same"], "Covariate 'same'"),
    ],
)
def test_covariates_that_tell_nothing_are_named(covariates, message):
    for ask in (xm.causal.did, prepare):
        with pytest.raises(DataError, match=message):
            ask(panel(), **KEYS, covariates=covariates)


def test_covariates_that_differ_are_taken_and_a_blank_one_costs_its_row():
    frame = panel()
    frame.loc[7, "x"] = np.nan
    found = xm.causal.did(frame, **KEYS, covariates=["x", "z"])
    assert found.facts["rows"] == 199
    assert [c.kind for c in found.concerns].count("blank_rows") == 1


def test_rows_that_are_there_twice_are_told():
    frame = panel()
    once, twice = (xm.causal.did(f, **KEYS) for f in (frame, pd.concat([frame, frame.iloc[:30]])))
    told = [c for c in twice.concerns if c.kind == "repeated_cells"]
    assert (told[0].facts["cells"], told[0].facts["total"]) == (30, 200)
    assert not [c for c in once.concerns if c.kind == "repeated_cells"]
    several = xm.causal.did(pd.concat([frame, frame.assign(y=frame["y"] + 1)]), **KEYS)
    assert not [c for c in several.concerns if c.kind == "repeated_cells"]
