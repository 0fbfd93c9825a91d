"""How long a sensitivity analysis of a large panel takes. Run with 'make bench'."""

import time

import pytest

from xmresearch.causal.designs import did
from xmresearch.causal.robustness import sensitivity
from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable

KEYS = {"outcome": "complaints", "unit": "uid", "time": "period", "cohort": "first_trained"}


@pytest.mark.benchmark
@pytest.mark.parametrize("holes", [0, 101])
def test_police_training_in_seconds(holes, capsys):
    """7 785 officers, 72 months, 48 cohorts; with every 101st row missing, unit means do not count equally."""
    try:
        police = load_dataset("police_training")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    result = did(police.drop(police.index[::holes]) if holes else police, **KEYS)
    begun = time.perf_counter()
    found = sensitivity(result)
    taken = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\nsensitivity of {len(result.panel.units)} units, missing 1 in {holes or 'none'}: {taken:.2f} s")
    assert found.tidy("placebo_unit")["estimate"].notna().sum() >= 19
    assert found.honest is not None
    assert found.summary()["placebos"] == 200
    assert len(found.tidy("leave_one_out")) == len(result.panel.cohorts)
