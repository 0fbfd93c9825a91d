"""Do nominal 95 % intervals cover the planted effect, in every kind and family? Run with 'make bench'."""

from collections.abc import Callable
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.causal.designs import did
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.periods import Periods

REPLICATIONS, DRAWS = 1000, 2000
BRANCHES, ROWS, ICC = 20, 25, 0.05
SHOCK = float(np.sqrt(ICC / (1 - ICC)))
WALK = 0.1
LOG_RATE = 0.7
FAMILIES = ("gaussian", "bernoulli", "ordinal", "nps", "count")
CUTS = {
    "bernoulli": np.array([-0.6]), "ordinal": np.array([-1.5, -0.7, 0.0, 0.9]),
    "nps": np.array([-2.0, -1.8, -1.6, -1.4, -1.2, -0.9, -0.6, -0.2, 0.3, 0.9]),
}  # fmt: skip
SCORES = {
    "bernoulli": np.array([0.0, 1.0]), "ordinal": np.arange(1.0, 6.0),
    "nps": np.repeat([-100.0, 0.0, 100.0], [7, 2, 2]),
}  # fmt: skip
Made = tuple[pd.DataFrame | Cells, float, dict[str, Any]]


def expected(family: str, mean: np.ndarray | float, variance: np.ndarray | float = 0.0) -> np.ndarray:
    """Expected outcome over units whose linear predictors are normal, and over their rows."""
    mean, variance = np.asarray(mean, dtype=float), np.asarray(variance, dtype=float)
    if family == "gaussian":
        return mean
    if family == "count":
        return np.exp(LOG_RATE + mean + variance / 2)
    above = stats.norm.sf((CUTS[family] - mean[..., None]) / np.sqrt(1 + variance[..., None]))
    return SCORES[family][0] + above @ np.diff(SCORES[family])


def answers(rng: np.random.Generator, family: str, mean: np.ndarray) -> np.ndarray:
    """Outcomes of rows with these linear predictors; the normal ones have an SD of 1."""
    if family == "count":
        return rng.poisson(np.exp(LOG_RATE + mean)).astype(float)
    latent = mean + rng.standard_normal(mean.shape)
    if family == "gaussian":
        return latent
    return np.searchsorted(CUTS[family], latent) + float(family == "ordinal")


def cells(rng: np.random.Generator, family: str, mean: np.ndarray, rows: int, first: np.ndarray) -> Cells:
    """Cells of units (U) by periods (T), numbered from 1, with their linear predictors; first is 0 for never."""
    y = answers(rng, family, np.repeat(mean.ravel()[:, None], rows, axis=1))
    unit, time = (a.ravel() for a in np.indices(mean.shape))
    arms, arm = np.unique(first, return_inverse=True)
    answer = np.unique(y) if family in ("ordinal", "nps") else np.empty(0)
    counts = (y[:, :, None] == answer).sum(axis=1).astype(float) if len(answer) else None
    average = y.mean(axis=1)
    return Cells(
        "y", np.arange(len(mean)), arms, Periods("time", tuple(range(1, mean.shape[1] + 1)), "number"), unit, time,
        arm[unit], np.full(len(y), float(rows)), average, ((y - average[:, None]) ** 2).sum(axis=1), y.min(), y.max(),
        family != "gaussian", "cohort", ("unit", "time", "first"), answer, counts, (), np.empty((len(y), 0)), 0,
    )  # fmt: skip


def rows_only(rng: np.random.Generator, family: str) -> Made:
    """Two arms without clustering, 300 rows in each and period."""
    mean = np.array([[0.0, 0.1], [0.2, 0.6]])
    planted = expected(family, mean)
    truth = float(planted[1, 1] - planted[1, 0] - planted[0, 1] + planted[0, 0])
    return cells(rng, family, mean, 300, np.array([0, 2])), truth, {"kind": "two_by_two"}


def clustered(rng: np.random.Generator, family: str, treated: int = BRANCHES // 2) -> Made:
    """Branches with levels and branch-by-period shocks, each of intra-class correlation ICC."""
    on = np.arange(BRANCHES) < treated
    mean = rng.normal(0, SHOCK, (BRANCHES, 1)) + rng.normal(0, SHOCK, (BRANCHES, 2)) + [0.0, 0.1]
    mean[on, 1] += 0.3
    late = expected(family, np.array([0.1, 0.4]), 2 * SHOCK**2)
    return cells(rng, family, mean, ROWS, np.where(on, 2, 0)), float(late[1] - late[0]), {"kind": "two_by_two"}


def walks(rng: np.random.Generator, units: int, periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels of intra-class correlation ICC with random walks and a common trend; their mean and variance by period."""
    trend = 0.05 * np.arange(periods)
    level = rng.normal(0, SHOCK, (units, 1)) + np.cumsum(rng.normal(0, WALK, (units, periods)), axis=1)
    return level + trend, np.stack([trend, SHOCK**2 + WALK**2 * np.arange(1, periods + 1)])


def gains(family: str, effect: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Expected outcomes with effects on the linear predictor (..., T), less those without."""
    return expected(family, moments[0] + effect, moments[1]) - expected(family, *moments)


def event_study(rng: np.random.Generator, family: str) -> Made:
    """Effects that grow from period to period; the truth of the band is under 'planted'."""
    on = np.arange(BRANCHES) < BRANCHES // 2
    mean, moments = walks(rng, BRANCHES, 8)
    effect = np.array([0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4])
    planted = gains(family, effect, moments)
    made = cells(rng, family, mean + effect * on[:, None], 10, np.where(on, 5, 0))
    return made, float(planted[4:].mean()), {"kind": "event_study", "planted": np.delete(planted, 3)}


STARTS, SLOPES = np.array([3, 4, 6, 0]), np.array([0.15, 0.08, 0.04, 0.0])


def staggered(
    rng: np.random.Generator, family: str, sizes: tuple[int, ...] = (10, 12, 14, 20), shares: bool = False
) -> Made:
    """Effects that grow, and differ by cohort; of these cohorts, or (shares) of all units that they are a sample of."""
    per_cohort = np.where(STARTS[:, None] > 0, np.arange(1, 9) - STARTS[:, None] + 1, 0).clip(0) * SLOPES[:, None]
    drawn = rng.multinomial(sum(sizes), np.array(sizes) / sum(sizes)) if shares else np.array(sizes)
    cohort = np.repeat(np.arange(4), drawn)
    mean, moments = walks(rng, len(cohort), 8)
    after = (per_cohort > 0) * np.array(sizes)[:, None]
    truth = float((gains(family, per_cohort, moments) * after).sum() / after.sum())
    made = cells(rng, family, mean + per_cohort[cohort], 10, STARTS[cohort])
    return made, truth, {"kind": "staggered", "cohort_weights": "dirichlet" if shares else "fixed"}


def synthetic_control(rng: np.random.Generator, family: str, treated: int) -> Made:
    """Few treated branches of 24, which follow two common factors."""
    on = np.arange(24) < treated
    factors = np.cumsum(rng.normal(0, 0.3, (2, 16)), axis=1)
    mean = rng.normal(0, SHOCK, (24, 1)) + rng.dirichlet(np.ones(2), 24) @ factors + rng.normal(0, SHOCK, (24, 16))
    effect = 0.3 * (on[:, None] & (np.arange(16) >= 12))
    return cells(rng, family, mean + effect, ROWS, np.where(on, 13, 0)), 0.3, {"kind": "synthetic_control"}


def triple(rng: np.random.Generator, family: str) -> Made:
    """Branches with shocks of their own and of each side of the counter; treated ones drift, and one side of them gains."""
    on = np.arange(BRANCHES) < BRANCHES // 2
    branch = rng.normal(0, SHOCK, (BRANCHES, 1, 2)) + [0.0, 0.2] * on[:, None, None]
    mean = branch + rng.normal(0, SHOCK, (BRANCHES, 2, 2))
    mean[on, 1, 1] += 0.3
    unit, side, time = (np.repeat(a.ravel(), ROWS) for a in np.indices(mean.shape))
    frame = pd.DataFrame({"unit": unit, "side": side, "time": time + 1, "first": np.where(on, 2, 0)[unit]})
    frame["y"] = answers(rng, family, mean[unit, side, time])
    columns = {"outcome": "y", "unit": "unit", "time": "time", "cohort": "first", "third": "side"}
    return frame, 0.3, {"kind": "two_by_two", **columns}


def each(name: str, make: Callable[..., Made]) -> dict[str, Callable[[np.random.Generator], Made]]:
    return {f"{name}, {family}": partial(make, family=family) for family in FAMILIES}


SCENARIOS: dict[str, Callable[[np.random.Generator], Made]] = {
    **each("two_by_two, rows", rows_only),
    **each("two_by_two, 20 branches", clustered),
    "two_by_two, 6 of 20 branches, gaussian": partial(clustered, family="gaussian", treated=6),
    **each("event_study, 20 branches", event_study),
    **each("staggered, 56 branches", staggered),
    "staggered, 20 branches, gaussian": partial(staggered, family="gaussian", sizes=(4, 5, 5, 6)),
    "staggered, cohorts a sample, gaussian": partial(staggered, family="gaussian", shares=True),
    "synthetic_control, 1 of 24, gaussian": partial(synthetic_control, family="gaussian", treated=1),
    "synthetic_control, 3 of 24, gaussian": partial(synthetic_control, family="gaussian", treated=3),
    "triple differences, 20 branches, gaussian": partial(triple, family="gaussian"),
}


def calibration(name: str, make: Callable[[np.random.Generator], Made]) -> dict[str, float]:
    """Coverage; p of uniform ranks of the truth; mean error and posterior SD over the SD of errors; coverage of the band."""
    hits, errors, sds, ranks, bands = [], [], [], [], []
    family, salt = name.split(", ")[-1], crc32(name.encode())
    for seed in range(REPLICATIONS):
        data, truth, options = make(np.random.default_rng([salt, seed]))
        planted = options.pop("planted", None)
        found = did(data, family=family, draws=DRAWS, seed=seed, **options)
        effect = found.effect
        hits.append(effect["ci_lower"] <= truth <= effect["ci_upper"])
        errors.append(effect["estimate"] - truth)
        sds.append(effect["sd"])
        ranks.append(float((found.draws < truth).mean()))
        if planted is not None:
            rows = found.tidy("dynamic").query("event_time != -1")
            bands.append(bool(((rows["band_lower"] <= planted) & (planted <= rows["band_upper"])).all()))
    spread = float(np.std(errors))
    return {
        "coverage": float(np.mean(hits)), "rank p": float(stats.kstest(ranks, "uniform").pvalue),
        "bias/sd": float(np.mean(errors)) / spread, "sd ratio": float(np.mean(sds)) / spread,
        "band": float(np.mean(bands)) if bands else np.nan,
    }  # fmt: skip


@pytest.mark.benchmark
def test_intervals_cover_the_planted_effect():
    table = pd.DataFrame({name: calibration(name, make) for name, make in SCENARIOS.items()}).T
    print(f"\nnominal 95 % intervals, {REPLICATIONS} replications\n{table.round(3).to_string(na_rep='')}")
    assert table["coverage"].between(0.93, 0.97).all()
    assert table["rank p"].min() > 0.001
    assert table["bias/sd"].abs().max() < 0.2
    assert table["band"].dropna().between(0.92, 0.98).all()
