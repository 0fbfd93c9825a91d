"""Krippendorff's alpha against his own worked example, and its interval against planted agreement."""

import numpy as np
import pytest

from xmresearch.claims.calibration import exact_interval
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.krippendorff import krippendorff_alpha

_ = np.nan
# Krippendorff (2011), section E: four observers, twelve units, blanks
EXAMPLE = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]).T  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_the_worked_example_of_krippendorff(scale, alpha):
    found = krippendorff_alpha(EXAMPLE, scale=scale)
    assert found["alpha"] == pytest.approx(alpha, abs=5e-4)
    assert (found["units"], found["values"]) == (11, 40)
    assert found["lower"] < alpha < found["upper"]


def test_two_coders_who_agree_wholly_and_by_chance():
    codes = np.tile([0.0, 1.0], 500)
    assert krippendorff_alpha(np.column_stack([codes, codes]))["alpha"] == 1
    rng = np.random.default_rng(1)
    assert krippendorff_alpha(rng.integers(0, 2, (4000, 2)))["alpha"] == pytest.approx(0, abs=0.05)
    assert krippendorff_alpha(np.column_stack([codes, 1 - codes]))["alpha"] < -0.99


def test_the_interval_holds_planted_agreement():
    """Both coders give the true code with chance .9, of two equally frequent: alpha is (2 x .9 - 1)^2 = .64. 300 samples of 200 units."""
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.random((200, 1)) < 0.5
        codes = np.where(rng.random((200, 2)) < 0.9, truth, ~truth)
        found = krippendorff_alpha(codes, bootstrap=400, seed=seed)
        held += found["lower"] <= 0.64 <= found["upper"]
    assert exact_interval(held, 300, 0.01)[1] > 0.95
    assert held / 300 > 0.9


def test_what_cannot_be_judged_is_told():
    assert np.isnan(krippendorff_alpha(np.ones((10, 2)))["alpha"])
    with pytest.raises(InsufficientData, match="2 unit"):
        krippendorff_alpha([[1, 1], [1, 2], [1, np.nan], [np.nan, 2]])
    with pytest.raises(DataError, match="no table"):
        krippendorff_alpha([1, 2, 3])
