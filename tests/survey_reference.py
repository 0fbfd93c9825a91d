"""Figures of R's package survey (4.1.1), and its designs on its own data."""

import os
from pathlib import Path

import pandas as pd
import pytest

from xmresearch.sampling.sampling_stages import design

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "survey"


def reference(name):
    if not REFERENCE.is_dir():
        pytest.skip("needs R's figures in XMRESEARCH_DATA")
    return pd.read_csv(REFERENCE / f"{name}.csv")


def designs_of_r():
    srs, strat, one, two = (reference(f"api{k}_data") for k in ("srs", "strat", "clus1", "clus2"))
    return {
        "srs": design(srs, population="fpc"),
        "srs_nofpc": design(srs, weights="pw"),
        "strat": design(strat, strata="stype", weights="pw", population="fpc"),
        "strat_nofpc": design(strat, strata="stype", weights="pw"),
        "clus1": design(one, clusters="dnum", weights="pw", population="fpc"),
        "clus1_nofpc": design(one, clusters="dnum", weights="pw"),
        "clus2": design(two, clusters=["dnum", "snum"], population=["fpc1", "fpc2"]),
        "weighted_only": design(strat, weights="pw"),
    }
