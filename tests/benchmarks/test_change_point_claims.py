"""How often is a level change claimed where there is none, and does the interval of its date cover? Run with 'make bench'."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.claims.calibration import LEVEL
from xmresearch.monitoring.autoregressive_noise import Noise
from xmresearch.monitoring.change_points import level_changes

SERIES = 400
# periods, autocorrelation, shift in standard deviations of innovations
NULL = [(40, 0.0), (100, 0.0), (100, 0.5), (100, 0.8), (250, 0.3)]
SHIFTED = [(60, 0.0, 1.0), (120, 0.0, 0.7), (120, 0.5, 2.0), (250, 0.3, 1.0)]


def drawn(n, phi, seed):
    steps = np.ones(n)
    steps[0] = 0
    return Noise(np.ones(n), steps, np.array(phi)).simulate(np.random.default_rng(seed), SERIES)


@pytest.mark.benchmark
@pytest.mark.parametrize(("n", "phi"), NULL)
def test_a_change_is_claimed_at_most_as_often_as_promised_where_there_is_none(n, phi):
    false = sum(level_changes(y).claim("level").settled for y in drawn(n, phi, [20277, n, int(10 * phi)]))
    print(f"{n} periods, autocorrelation {phi}: {false / SERIES:.3f} claimed")
    assert stats.binomtest(false, SERIES, 0.05, alternative="greater").pvalue > LEVEL / len(NULL)


@pytest.mark.benchmark
@pytest.mark.parametrize(("n", "phi", "shift"), SHIFTED)
def test_the_interval_of_a_date_covers_it(n, phi, shift):
    at, covered, levels, found, wide = int(0.6 * n), 0, 0, 0, []
    for y in drawn(n, phi, [20278, n, int(10 * phi)]):
        table = level_changes(y + shift * (np.arange(n) >= at)).tidy()
        if len(table) == 1:
            row = table.iloc[0]
            found += 1
            covered += row["position_lower"] <= at <= row["position_upper"]
            levels += row["lower"] <= shift <= row["upper"]
            wide.append(row["position_upper"] - row["position_lower"])
    print(f"{n} periods, autocorrelation {phi}, shift {shift}: found {found / SERIES:.3f}, date covered {covered / found:.3f} "
          f"(median width {np.median(wide):g}), shift covered {levels / found:.3f}")  # fmt: skip
    # conservative intervals are no fault; those of dates that were found at all are
    assert stats.binomtest(int(covered), found, 0.95, alternative="less").pvalue > LEVEL / len(SHIFTED)
    assert found > 0.7 * SERIES
