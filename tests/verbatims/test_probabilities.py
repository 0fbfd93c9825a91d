"""Calibration, and the error of stated probabilities."""

import numpy as np
import pytest
from scipy.optimize import minimize

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.probabilities import Calibration, calibrated, calibration_error, logistic


def test_calibration_recovers_a_planted_curve_and_agrees_with_a_general_optimiser():
    rng = np.random.default_rng(3)
    z = rng.normal(0, 2, 40_000)
    kind = rng.random(z.size) < logistic(0.6 * z - 0.5)
    found = calibrated(z, kind)
    assert found.slope == pytest.approx(0.6, abs=0.03)
    assert found.offset == pytest.approx(-0.5, abs=0.04)
    few, some = z[:60], kind[:60]
    target = np.where(some, (some.sum() + 1) / (some.sum() + 2), 1 / ((~some).sum() + 2))
    best = minimize(
        lambda at: (np.logaddexp(0, at[0] * few + at[1]) - target * (at[0] * few + at[1])).sum(), [0, 0], tol=1e-12
    )
    found = calibrated(few, some)
    assert [found.slope, found.offset] == pytest.approx(best.x, abs=1e-4)


def test_kinds_that_are_fully_apart_have_a_curve_and_a_useless_score_says_the_share():
    apart = calibrated([-1.0, -1, 1, 1], [False, False, True, True])
    assert 0.5 < apart.probability(np.array(1.0)) < 1
    against = calibrated([1.0, 2, -1, -2, -3], [False, False, True, True, True])
    assert against == Calibration(0.0, pytest.approx(np.log(3 / 2)))
    with pytest.raises(InsufficientData, match="one kind"):
        calibrated([1.0, 2], [True, True])


def test_the_calibration_error_of_an_example_by_hand():
    # three bins: (.05, .05: 0, 1), (.55: 1), (1.0: 1): (|.1 - 1| + |.55 - 1| + 0) / 4
    assert calibration_error([0.05, 0.05, 0.55, 1.0], [0, 1, 1, 1]) == pytest.approx((0.9 + 0.45) / 4)
    with pytest.raises(DataError, match="between 0 and 1"):
        calibration_error([1.2], [1])
    with pytest.raises(DataError, match="must be some"):
        calibration_error([], [])
