"""Do nominal 95 % intervals cover the planted effect? Run with 'make bench'."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.did import did

REPLICATIONS = 500
BRANCHES, ROWS, ICC = 20, 25, 0.05
DRAWS = 2000
Made = tuple[pd.DataFrame, float, dict[str, object]]


def frame_of(mean: np.ndarray, rows: int, **columns: np.ndarray) -> pd.DataFrame:
    """Rows of units (U) by periods (T) with their mean."""
    unit, time = (a.ravel() for a in np.indices(mean.shape))
    cells = pd.DataFrame({"unit": unit, "time": time + 1, "mean": mean.ravel()})
    cells = cells.assign(**{k: v[unit] for k, v in columns.items()})
    return cells.loc[cells.index.repeat(rows)].reset_index(drop=True)


def shocks(rng: np.random.Generator, units: int, periods: int) -> np.ndarray:
    """Unit effects and unit x period shocks, each with intra-class correlation ICC against unit variance of rows."""
    sd = np.sqrt(ICC / (1 - ICC))
    return rng.normal(0, sd, (units, 1)) + rng.normal(0, sd, (units, periods))


def clustered(rng: np.random.Generator, treated: int = BRANCHES // 2) -> Made:
    on = np.arange(BRANCHES) < treated
    mean = shocks(rng, BRANCHES, 2)
    mean[on, 1] += 0.3
    frame = frame_of(mean, ROWS, arm=on)
    frame["y"] = frame["mean"] + rng.normal(size=len(frame))
    return frame, 0.3, {"treated": "arm", "treated_from": 2}


def clustered_uneven(rng: np.random.Generator) -> Made:
    return clustered(rng, treated=6)


def event_study(rng: np.random.Generator) -> Made:
    on = np.arange(BRANCHES) < BRANCHES // 2
    walk = np.cumsum(rng.normal(0, 0.2, (BRANCHES, 8)), axis=1)
    effects = np.array([0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4])
    frame = frame_of(walk + effects * on[:, None], 10, arm=on)
    frame["y"] = frame["mean"] + rng.normal(size=len(frame))
    return frame, 0.25, {"treated": "arm", "treated_from": 5}


def staggered(rng: np.random.Generator) -> Made:
    start = np.repeat([3, 4, 6, 99], [10, 12, 14, 20])
    since = np.arange(1, 9) - start[:, None]
    slope = {3: 0.30, 4: 0.10, 6: 0.05, 99: 0.0}
    effect = np.where(since >= 0, np.array([slope[s] for s in start.tolist()])[:, None] * (since + 1), 0.0)
    walk = rng.normal(size=(len(start), 1)) + np.cumsum(rng.normal(0, 0.2, effect.shape), axis=1)
    frame = frame_of(walk + effect + 0.1 * np.arange(8), 1, first=np.where(start == 99, 0, start))
    frame["y"] = frame["mean"] + rng.normal(0, 0.3, len(frame))
    return frame, float(effect[since >= 0].mean()), {"cohort": "first", "cohort_weights": "fixed"}


def rows_of(kind: str) -> Callable[[np.random.Generator], Made]:
    """Two arms, no clustering, a categorical or count outcome whose planted change is known."""
    stars = np.array([[0.10, 0.15, 0.25, 0.30, 0.20], [0.05, 0.10, 0.20, 0.35, 0.30]])
    likely = np.array([np.r_[np.full(7, 0.05), 0.15, 0.2, 0.15, 0.15], np.r_[np.full(7, 0.03), 0.14, 0.2, 0.2, 0.25]])

    def make(rng: np.random.Generator) -> Made:
        arm, time = (a.ravel() for a in np.indices((2, 2)))
        frame = pd.DataFrame({"arm": np.repeat(arm, 300), "time": np.repeat(time + 1, 300)})
        on = ((frame["arm"] == 1) & (frame["time"] == 2)).to_numpy()
        if kind == "bernoulli":
            y, truth = rng.binomial(1, np.where(on, 0.8, 0.7)), 0.1
        elif kind == "count":
            y, truth = rng.poisson(np.where(on, 2.5, 2.0)), 0.5
        else:
            table, values = (stars, np.arange(1, 6)) if kind == "ordinal" else (likely, np.arange(11))
            score = values if kind == "ordinal" else 100.0 * ((values >= 9).astype(int) - (values <= 6).astype(int))
            y = np.where(on, rng.choice(values, len(on), p=table[1]), rng.choice(values, len(on), p=table[0]))
            truth = float((table[1] - table[0]) @ score)
        return frame.assign(y=y), truth, {"treated": "arm", "treated_from": 2, "family": kind}

    return make


def stars_by_branch(rng: np.random.Generator) -> Made:
    """Ordinal answers of branches with shocks; the truth is the change in the mean answer over all shocks."""
    on = np.arange(BRANCHES) < BRANCHES // 2
    cuts = np.array([-1.5, -0.7, 0.0, 0.9])
    mean = shocks(rng, BRANCHES, 2)
    mean[on, 1] += 0.4
    frame = frame_of(mean, ROWS, arm=on)
    frame["y"] = 1 + np.searchsorted(cuts, frame["mean"] + rng.normal(size=len(frame)))
    return frame, STARS_TRUTH, {"treated": "arm", "treated_from": 2, "family": "ordinal"}


def _stars_truth() -> float:
    from scipy import stats

    spread = np.sqrt(1 + 2 * ICC / (1 - ICC))
    cuts = np.array([-1.5, -0.7, 0.0, 0.9])
    return float((stats.norm.sf(cuts, 0.4, spread) - stats.norm.sf(cuts, 0.0, spread)).sum())


STARS_TRUTH = _stars_truth()
SCENARIOS: dict[str, Callable[[np.random.Generator], Made]] = {
    "gaussian 2x2, 20 branches, ICC .05": clustered,
    "gaussian 2x2, 6 of 20 treated": clustered_uneven,
    "event study, random walk": event_study,
    "staggered, heterogeneous effects": staggered,
    "ordinal 2x2, 20 branches, ICC .05": stars_by_branch,
    "bernoulli rows": rows_of("bernoulli"),
    "ordinal rows": rows_of("ordinal"),
    "nps rows": rows_of("nps"),
    "count rows": rows_of("count"),
}


def coverage(make: Callable[[np.random.Generator], Made]) -> dict[str, float]:
    """Share of intervals that hold the truth, mean error over SD, ratio of posterior SD to the spread of estimates."""
    hits, errors, sds, bands = [], [], [], []
    for seed in range(REPLICATIONS):
        frame, truth, options = make(np.random.default_rng(90_000 + seed))
        unit = "unit" if "unit" in frame else None
        found = did(frame, outcome="y", unit=unit, time="time", draws=DRAWS, seed=seed, **options)
        effect = found.effect
        hits.append(effect["ci_lower"] <= truth <= effect["ci_upper"])
        errors.append(effect["estimate"] - truth)
        sds.append(effect["sd"])
        if found.kind == "event_study":
            rows = found.tidy("dynamic").query("event_time != -1")
            planted = np.array([0, 0, 0, 0.1, 0.2, 0.3, 0.4])
            bands.append(bool(((rows["band_lower"] <= planted) & (planted <= rows["band_upper"])).all()))
    spread = float(np.std(errors))
    return {
        "coverage": float(np.mean(hits)), "bias/sd": float(np.mean(errors)) / spread, "sd ratio": float(np.mean(sds)) / spread,
        "band": float(np.mean(bands)) if bands else np.nan,
    }  # fmt: skip


@pytest.mark.benchmark
def test_intervals_cover_the_planted_effect():
    table = pd.DataFrame({name: coverage(make) for name, make in SCENARIOS.items()}).T
    print(f"\ncoverage of nominal 95 % intervals, {REPLICATIONS} replications\n{table.round(3).to_string()}")
    assert table["coverage"].between(0.93, 0.97).all()
    assert table["bias/sd"].abs().max() < 0.2
    assert table["band"].dropna().between(0.92, 0.98).all()
