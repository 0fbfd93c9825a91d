"""Surveys with planted drivers, whose importance is known exactly."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.drivers.explained import standardised_slopes
from xmresearch.drivers.johnson_weights import relative_weights
from xmresearch.drivers.subsets import lmg


@dataclass(frozen=True)
class World:
    """Slopes of drivers that correlate by rho, and the noise of the outcome."""

    slopes: tuple
    rho: float
    noise: float


WORLDS = {
    "clear": World((0.5, 0.3, 0.2, 0.1), 0.3, 0.8),
    "weak": World((0.3, 0.2, 0.1, 0.1), 0.5, 1.0),
    "six": World((0.4, 0.3, 0.2, 0.1, 0.1, 0.05), 0.5, 0.8),
    "collinear": World((0.4, 0.2, 0.2, 0.1), 0.8, 0.8),
}


def covariance(world):
    slopes, k = np.array(world.slopes), len(world.slopes)
    inner = np.full((k, k), world.rho) + (1 - world.rho) * np.eye(k)
    outer = np.zeros((k + 1, k + 1))
    outer[:k, :k] = inner
    outer[k, :k] = outer[:k, k] = inner @ slopes
    outer[k, k] = slopes @ inner @ slopes + world.noise**2
    return outer


def truth(world):
    """The true LMG values, shares, relative weights and standardised slopes."""
    cov = covariance(world)
    gains = lmg(cov)
    return {
        "lmg": gains,
        "share": gains / gains.sum(),
        "johnson": relative_weights(cov),
        "beta": standardised_slopes(cov),
    }


def draw(world, n, seed, branches=0):
    """Draw drivers and outcome; with branches, slopes of the first driver vary between these, and people have weights."""
    rng = np.random.default_rng([n, seed] if np.isscalar(seed) else [n, *seed])
    k = len(world.slopes)
    x = np.sqrt(world.rho) * rng.standard_normal((n, 1)) + np.sqrt(1 - world.rho) * rng.standard_normal((n, k))
    noise = world.noise * rng.standard_normal(n)
    names = [f"d{j}" for j in range(k)]
    if not branches:
        return pd.DataFrame(x, columns=names), pd.Series(x @ np.array(world.slopes) + noise, name="y")
    branch = np.repeat(np.arange(branches), n // branches)
    own = np.array(world.slopes) + 0.25 * rng.standard_normal((branches, k))
    # what the branches add to the variance is taken from the noise, so that standardised slopes stay those of the world
    inner = covariance(world)[:k, :k]
    noise = noise * np.sqrt(max(1 - 0.25**2 * np.trace(inner) / world.noise**2, 0.1))
    y = (x * own[branch]).sum(axis=1) + noise
    return pd.DataFrame(x, columns=names), pd.Series(y, name="y"), branch, rng.uniform(0.5, 2.0, n)
