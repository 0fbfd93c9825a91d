import os
from pathlib import Path

import pandas as pd
import pytest

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "sem2"


@pytest.fixture
def pooled_by_r():
    """Read one of R's figures of five imputations of political democracy (mice 3.15.0; lavaan 0.6.14, semTools 0.5.6)."""

    def read(name):
        if not REFERENCE.is_dir():
            pytest.skip("needs R's figures in XMRESEARCH_DATA")
        return pd.read_csv(REFERENCE / f"pd_imputations_{name}.csv")

    return read
