"""Labelled texts of XMRESEARCH_DATA: they are read here and never shipped."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

VOICE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "voice"


def _read(name):
    if not (VOICE / name).is_file():
        pytest.skip(f"needs {name} in XMRESEARCH_DATA")
    return pd.read_csv(VOICE / name)


@pytest.fixture(scope="session")
def waimai():
    """Chinese reviews of takeaways: texts, and 1 for good or -1."""
    table = _read("waimai_10k.csv")
    return table["review"].tolist(), np.where(table["label"] == 1, 1, -1)


@pytest.fixture(scope="session")
def amazon():
    """English sentences: texts, and 1 where the mean of 20 raters is above 0 or -1."""
    table = _read("amazon_snippets_en.csv")
    return table["text"].tolist(), np.where(table["mean_rating_-4_to_4"] > 0, 1, -1)


@pytest.fixture(scope="session")
def patients():
    """English comments of patients: texts, and 1 (very positive, positive), 0 or -1."""
    table = _read("patient_comments_multilabel_en.csv").dropna(subset=["Comment sentiment", "FFT answer"])
    return table["FFT answer"].tolist(), np.sign(3 - table["Comment sentiment"]).astype(int).to_numpy()
