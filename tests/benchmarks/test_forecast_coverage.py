"""Do 80 and 95 % forecast intervals of series of 100 points cover 78 to 82 and 93 to 97 %? Run with 'make bench'.

Each series is chosen for, fitted and foretold as users have it done. What an interval made with the true parameters covers in the same
series is known to be its level on average; the difference from it is what is measured, which takes most of the chance out.
"""

import numpy as np
import pytest
from scipy import stats

from xmresearch.claims.calibration import LEVEL
from xmresearch.monitoring.forecasts import forecast

POINTS, HORIZON = 100, 6
BANDS = {80: (0.78, 0.82), 95: (0.93, 0.97)}
PHI, SLOPE = 0.6, 0.05
WORLDS = {"autoregression": 200, "random walk": 200, "trend": 200, "weekdays": 40}


def series(world, shocks):
    """Return the series, and the mean and standard deviation of its end given its beginning and its parameters."""
    n, steps = len(shocks), np.arange(1, HORIZON + 1)
    if world == "autoregression":
        y = np.zeros(n)
        y[0] = shocks[0] / np.sqrt(1 - PHI**2)
        for k in range(1, n):
            y[k] = PHI * y[k - 1] + shocks[k]
        return y, y[POINTS - 1] * PHI**steps, np.sqrt(np.cumsum(PHI ** (2 * (steps - 1))))
    if world == "random walk":
        return shocks.cumsum(), np.full(HORIZON, shocks[:POINTS].sum()), np.sqrt(steps)
    shape = SLOPE * np.arange(n) if world == "trend" else np.array([2, 1, 0, 0, -1, -3, 1.0])[np.arange(n) % 7]
    return shape + shocks, shape[POINTS:], np.ones(HORIZON)


@pytest.mark.benchmark
@pytest.mark.parametrize("world", WORLDS)
def test_intervals_cover_as_often_as_they_promise(world):
    rng = np.random.default_rng([20276, list(WORLDS).index(world)])
    gaps = {level: [] for level in BANDS}
    for _ in range(WORLDS[world]):
        y, mean, sd = series(world, rng.standard_normal(POINTS + HORIZON))
        table = forecast(y[:POINTS], horizon=HORIZON, cycle=7 if world == "weekdays" else 1).tidy()
        end = y[POINTS:]
        for level in BANDS:
            ours = ((table[f"lower{level}"] <= end) & (end <= table[f"upper{level}"])).mean()
            exact = (np.abs(end - mean) <= stats.norm.ppf(0.5 + level / 200) * sd).mean()
            gaps[level].append(ours - exact)
    for level, (low, high) in BANDS.items():
        gap = np.array(gaps[level])
        reach = stats.norm.isf(LEVEL / 2 / (len(WORLDS) * len(BANDS))) * gap.std(ddof=1) / np.sqrt(len(gap))
        cover = level / 100 + gap.mean()
        print(f"{world}: {level} % intervals cover {cover:.3f} +- {gap.std(ddof=1) / np.sqrt(len(gap)):.3f}")
        assert cover - reach <= high
        assert cover + reach >= low
