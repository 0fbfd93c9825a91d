"""Effects on the scale of log rates and log odds."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.closed_form import Design
from xmresearch.causal.designs import did
from xmresearch.causal.robustness import sensitivity
from xmresearch.errors import DataError, ParamsError

KEYS = {"outcome": "y", "unit": "branch", "time": "month", "cohort": "cohort"}
LINK = {"count": np.log, "bernoulli": lambda p: np.log(p / (1 - p))}


def rows(family, units=30, periods=6, cohorts=(4, 0), effect=0.4, seed=0, size=30):
    """Trends that are parallel in logs (or log odds), from levels that differ between the arms."""
    rng = np.random.default_rng(seed)
    start = np.resize(cohorts, units)
    unit, time = (a.ravel() for a in np.indices((units, periods)))
    on = (start[unit] > 0) & (time + 1 >= start[unit])
    log = -1 + 1.0 * (start[unit] > 0) + 0.25 * time + rng.normal(0, 0.15, units)[unit] + effect * on
    frame = pd.DataFrame({"branch": unit, "month": time + 1, "cohort": start[unit], "log": log})
    frame = frame.loc[frame.index.repeat(size)].reset_index(drop=True)
    if family == "count":
        return frame.assign(y=rng.poisson(np.exp(frame["log"])).astype(float))
    return frame.assign(y=(rng.random(len(frame)) < 1 / (1 + np.exp(-frame["log"]))).astype(float))


def means(frame):
    unit = frame.groupby(["cohort", "branch", "month"])["y"].mean()
    return unit.groupby(["cohort", "month"]).mean().unstack()


@pytest.mark.parametrize("family", ["count", "bernoulli"])
def test_event_study_is_the_difference_of_transformed_means(family):
    frame = rows(family)
    found = did(frame, kind="event_study", scale="ratio", family=family, draws=20_000, **KEYS)
    level = LINK[family](means(frame))
    gap = level.loc[4] - level.loc[0]
    np.testing.assert_allclose(found.tidy("dynamic")["estimate"], gap - gap[3], atol=1e-12)
    assert found.effect["estimate"] == pytest.approx(gap[[4, 5, 6]].mean() - gap[3])
    assert found.facts["ratio"] == pytest.approx(np.exp(found.effect["estimate"]))
    assert found.facts["ratio_lower"] < np.exp(0.4) < found.facts["ratio_upper"]
    assert found.estimand == {"count": "log_rate", "bernoulli": "log_odds"}[family]
    rng = np.random.default_rng(1)
    unit = frame.groupby(["cohort", "branch", "month"])["y"].mean().unstack()
    again = []
    for _ in range(2000):  # the bootstrap of units, against the delta method
        part = [unit.loc[c].to_numpy()[rng.integers(0, 15, 15)].mean(axis=0) for c in (4, 0)]
        g = LINK[family](part[0]) - LINK[family](part[1])
        again.append(g[3:].mean() - g[2])
    # the bootstrap divides by 15, the posterior by 14, and t has heavier tails
    assert found.effect["sd"] == pytest.approx(np.std(again) * np.sqrt(15 / 14 * 28 / 26), rel=0.06)


@pytest.mark.parametrize("family", ["count", "bernoulli"])
def test_staggered_is_the_difference_of_transformed_means(family):
    frame = rows(family, cohorts=(3, 5, 0))
    found = did(frame, scale="ratio", family=family, control="never", **KEYS)
    level = LINK[family](means(frame))
    effects = found.tidy("att_gt").set_index(["cohort", "time"])["estimate"]
    assert effects[3, 6] == pytest.approx(level.loc[3, 6] - level.loc[3, 2] - level.loc[0, 6] + level.loc[0, 2])
    assert effects[5, 3] == pytest.approx(level.loc[5, 3] - level.loc[5, 2] - level.loc[0, 3] + level.loc[0, 2])
    assert "twfe" not in set(found.table["level"])
    assert found.facts["ratio_lower"] < np.exp(0.4) < found.facts["ratio_upper"]


def test_parallel_logs_are_no_parallel_rates():
    hits, calm, caught = 0, 0, 0
    for seed in range(100):
        frame = rows("count", seed=seed, size=5)
        ratio = did(frame, kind="event_study", family="count", scale="ratio", draws=1000, **KEYS)
        hits += ratio.effect["ci_lower"] < 0.4 < ratio.effect["ci_upper"]
        calm += ratio.facts["pretrend_p"] < 0.05
        plain = did(frame, kind="event_study", family="count", draws=100, **KEYS)
        caught += plain.facts["pretrend_p"] < 0.05
    assert hits / 100 == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / 100))
    assert calm <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)
    assert caught > 5 + 5 * np.sqrt(100 * 0.05 * 0.95)


@pytest.mark.parametrize(("kind", "cohorts"), [("event_study", (4, 0)), ("staggered", (3, 5, 0))])
def test_sensitivity_is_on_the_same_scale(kind, cohorts):
    frame = rows("bernoulli", cohorts=cohorts)
    options = {"kind": kind, "family": "bernoulli", "scale": "ratio"}
    found = did(frame, **options, draws=20_000, **KEYS)
    design = Design.of(kind, found.panel, found.settings)
    low, high = design.posterior().interval(0.95)
    assert design.posterior().estimate == pytest.approx(found.effect["estimate"])
    assert (low, high) == pytest.approx((found.effect["ci_lower"], found.effect["ci_upper"]), abs=0.05 * (high - low))
    checked = sensitivity(found, placebo_units=30)
    again = did(frame[frame["branch"] != 4], **options, **KEYS).effect["estimate"]
    assert checked.tidy("leave_one_out").set_index("changed").loc["4", "estimate"] == pytest.approx(again)
    np.testing.assert_allclose(design.without_each(), checked.tidy("leave_one_out")["estimate"], atol=0.01)
    start = np.random.default_rng(3).permutation(found.panel.start)
    to = np.where(start < 6, start + 1, 0)
    moved = did(frame.assign(cohort=to[frame["branch"]]), **options, **KEYS).effect["estimate"]
    assert design.estimates(start[None])[0] == pytest.approx(moved)
    assert checked.honest.estimate == pytest.approx(found.effect["estimate"])
    assert abs(checked.summary()["slope"]) < 0.2


def test_what_has_no_ratio_is_refused():
    frame = rows("count")
    with pytest.raises(ParamsError, match="no scale 'odds'"):
        did(frame, kind="event_study", family="count", scale="odds", **KEYS)
    with pytest.raises(ParamsError, match="Family 'gaussian' has no ratio scale"):
        did(frame, kind="event_study", scale="ratio", **KEYS)
    with pytest.raises(ParamsError, match="no option 'scale'"):
        did(frame, kind="two_by_two", family="count", scale="ratio", **KEYS)
    none = frame.assign(y=frame["y"].where((frame["month"] != 2) | (frame["cohort"] > 0), 0))
    with pytest.raises(DataError, match="mean is 0 in a period .cohort 2, period 2.*no logarithm.*scale='difference'"):
        did(none, kind="event_study", family="count", scale="ratio", **KEYS)
    third = pd.concat([frame.assign(k=0), frame.assign(k=1)])
    with pytest.raises(ParamsError, match="third difference"):
        did(third, kind="event_study", family="count", scale="ratio", third="k", **KEYS)
