"""Panels whose units leave because of their level, with a planted effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

KEYS = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}
UNITS, PERIODS, LEVEL, NOISE, CARRY = 40, 8, 1.0, 0.5, 0.6


def rows(seed: int, kind: str = "event_study", *, leave: bool = True, gaps: float = 0.0) -> pd.DataFrame:
    """Serially correlated units with an effect of 1; high levels leave the treated arm, low ones the other."""
    rng = np.random.default_rng([seed, 7])
    level, t = rng.normal(0, LEVEL, UNITS), np.arange(1, PERIODS + 1)
    first = np.where(np.arange(UNITS) < UNITS // 2, 5, 0)
    if kind == "staggered":
        first[: UNITS // 4] = 4
    noise = rng.normal(0, NOISE, (UNITS, PERIODS))
    for k in range(1, PERIODS):
        noise[:, k] = CARRY * noise[:, k - 1] + np.sqrt(1 - CARRY**2) * noise[:, k]
    on = (first[:, None] > 0) & (t >= first[:, None])
    seen = rng.random(noise.shape) >= gaps
    if leave:
        chance = 1 / (1 + np.exp(-2 * level * np.where(first > 0, 1, -1)))
        seen &= ~((rng.random(UNITS) < chance)[:, None] & (t >= rng.integers(5, PERIODS + 1, UNITS)[:, None]))
    u, k = np.nonzero(seen)
    return pd.DataFrame({"u": u, "t": t[k], "g": first[u], "y": (level[:, None] + 0.1 * t + on + noise)[u, k]})
