"""Coverage, false shifts and cost of interrupted time series; seeds, cells and sample numbers are fixed here."""

import time

import numpy as np
import pytest

from xmresearch.causal.serial_errors import serial_posterior
from xmresearch.claims.calibration import Cell, judge

pytestmark = pytest.mark.benchmark
SAMPLES, DRAWS, BAND = 1000, 4000, (0.93, 0.97)
# autocorrelation, periods before, periods after, season
JUDGED = [(0.0, 36, 12, True), (0.5, 36, 12, True), (0.0, 60, 24, False), (0.5, 60, 24, True), (0.5, 100, 24, True), (0.8, 100, 24, True)]  # fmt: skip
PRINTED = [(0.8, 36, 12, True), (0.8, 60, 24, True)]


def design_of(before, after, season):
    at = np.arange(-before, after)
    turn = 2 * np.pi * at / 12
    since = (at >= 0).astype(float)
    known = [np.ones(len(at)), at.astype(float), *([np.cos(turn), np.sin(turn)] if season else [])]
    return np.column_stack([*known, since, since * at]), since


def covered(rho, before, after, season, seed):
    """Return how often the interval of the mean effect holds a planted shift of level and slope."""
    rng = np.random.default_rng(seed)
    design, since = design_of(before, after, season)
    of_mean = np.array([1.0, design[since > 0, -1].mean()])
    planted = np.array([0.8, 0.05])
    beta = np.array([5.0, 0.02, *([1.0, -0.5] if season else []), *planted])
    steps, noise, held = np.ones(len(design), dtype=np.int64), np.ones(len(design)), 0
    for _ in range(SAMPLES):
        e = rng.normal(size=len(design))
        e[0] /= np.sqrt(1 - rho**2)
        for t in range(1, len(e)):
            e[t] += rho * e[t - 1]
        sample = serial_posterior(design, design @ beta + e, steps, noise).draws(DRAWS, rng)[:, -2:] @ of_mean
        low, high = np.quantile(sample, [0.025, 0.975])
        held += bool(low <= of_mean @ planted <= high)
    return held


def test_intervals_hold_as_often_as_they_say():
    cells = []
    for k, cell in enumerate([*JUDGED, *PRINTED]):
        held = covered(*cell, 4100 + k)
        print(f"autocorrelation {cell[0]}, {cell[1]} + {cell[2]} periods, season {cell[3]}: {held} of {SAMPLES}")
        if cell in JUDGED:
            cells.append(Cell(str(cell), held, SAMPLES, *BAND))
    assert judge(cells)["kept"].all()


def test_ten_years_of_days_cost_less_than_a_second(measured):
    """Draws are independent, so effective draws are draws."""
    rng = np.random.default_rng(1)
    at = np.arange(3650)
    waves = [f(2 * np.pi * h * at / 7) for h in (1, 2, 3) for f in (np.cos, np.sin)]
    design = np.column_stack([np.ones(3650), at, *waves, at >= 3000]).astype(float)
    y = rng.normal(size=3650)
    start = time.process_time()
    serial_posterior(design, y, np.ones(3650, dtype=np.int64), np.ones(3650)).draws(20_000, rng)
    took = time.process_time() - start
    measured.figure("interrupted, 3650 days, 20 000 independent draws", took, "s of CPU", most=1.0)
    assert took < 1.0
