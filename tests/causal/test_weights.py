"""Sampling weights in every kind of difference-in-differences: estimates of the population, and intervals that cover it."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.causal.panel import Panel
from xmresearch.errors import DataError, ParamsError
from xmresearch.sufficient.cells import Cells

KEYS = {"unit": "u", "time": "t", "cohort": "g"}
DATED = KEYS | {"outcome": "y"}


def population(rng, *, units=24, periods=4, effect=0.5, per=60, starts=(2,)):
    """Answers of whom the unhappy come back more often when things change: unweighted means hide the change.

    Every unit has happy people, who are asked one in ten, and unhappy ones, who all are; the shares asked differ from period to
    period in treated units, so that only weighted means are those of the people.
    """
    start = np.array([*starts, 99])[np.arange(units) % (len(starts) + 1)]
    rows = []
    for u in range(units):
        level = rng.normal(scale=0.3)
        for t in range(periods):
            happy = np.arange(per) < per // 2
            asked = np.where(happy, 0.25 if (t >= start[u]) else 0.75, 0.5)
            keep = rng.random(per) < asked
            y = level + 2.0 * happy + effect * (t >= start[u]) + rng.normal(scale=0.8, size=per)
            rows.append(
                pd.DataFrame({"u": u, "t": t, "g": start[u] if start[u] < 99 else np.nan, "y": y, "w": 1 / asked})[keep]
            )
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize(
    ("kind", "starts"),
    [("two_by_two", (2,)), ("event_study", (2,)), ("staggered", (2, 3)), ("synthetic_control", (2,))],
)
def test_weighted_estimates_are_those_of_the_people(kind, starts):
    """Without weights the effect is .5 less the share of happy people who are no longer asked."""
    frame = population(np.random.default_rng(11), starts=starts)
    if kind == "synthetic_control":  # takes fewer treated units than others
        frame = frame[frame["g"].isna() | (frame["u"] < 12)]
    weighted, plain = (xm.causal.did(frame, **DATED, kind=kind, weights=w).effect for w in ("w", None))
    assert weighted["ci_lower"] < 0.5 < weighted["ci_upper"]
    assert plain["ci_upper"] < 0.5
    assert abs(weighted["estimate"] - 0.5) < 0.15
    assert plain["estimate"] < 0.3


def test_weighted_intervals_cover_in_every_linear_kind():
    """Of 100 populations, 90 % at least for each kind; informative sampling."""
    rng = np.random.default_rng(20261127)
    held = {kind: [] for kind in ("two_by_two", "event_study", "rows")}
    for _ in range(100):
        frame = population(rng, per=40)
        for kind in held:
            more = {"kind": "two_by_two", "cluster": "none"} if kind == "rows" else {"kind": kind}
            found = xm.causal.did(frame, **DATED, weights="w", draws=400, **more).effect
            held[kind].append(found["ci_lower"] <= 0.5 <= found["ci_upper"])
    assert {kind: np.mean(each) >= 0.89 for kind, each in held.items()} == dict.fromkeys(held, True), held


def test_population_weights_of_units_are_their_sizes():
    """R's did with fixed weights: effects of two cohorts by hand, each change weighted by its unit's population."""
    rng = np.random.default_rng(3)
    units = pd.DataFrame({"u": range(12), "g": [2, 2, 2, 2, 3, 3, 3, 3] + 4 * [np.nan], "w": rng.uniform(1, 50, 12)})
    frame = units.merge(pd.DataFrame({"t": range(4)}), how="cross").assign(y=rng.normal(size=48))
    found = xm.causal.did(frame, **DATED, weights="w", weight="rows", kind="staggered", cohort_weights="fixed")
    wide = frame.pivot(index="u", columns="t", values="y").to_numpy()
    w, g = units["w"].to_numpy(), units["g"].fillna(99).to_numpy()
    for start, t in ((2, 2), (2, 3), (3, 3)):
        change = wide[:, t] - wide[:, start - 1]
        expected = np.average(change[g == start], weights=w[g == start]) - np.average(change[g > t], weights=w[g > t])
        table = found.tidy("att_gt")
        row = table[(table["cohort"] == start) & (table["time"] == t)].iloc[0]
        assert row["estimate"] == pytest.approx(expected, abs=1e-9)
    assert found.facts["rows"] == 48


def test_equal_weights_change_nothing_in_any_kind():
    frame = population(np.random.default_rng(4), per=20).assign(w=3.0)
    frame = frame.assign(o=np.clip(np.rint(frame["y"] + 3), 1, 5))
    kinds = [
        {"kind": "two_by_two"}, {"kind": "two_by_two", "cluster": "none"}, {"kind": "event_study"}, {"kind": "event_study", "weight": "rows"},
        {"kind": "two_by_two", "cluster": "none", "family": "ordinal", "levels": (1, 5), "outcome": "o"},
    ]  # fmt: skip
    for more in kinds:
        one, two = (xm.causal.did(frame, **(DATED | more), weights=w).effect for w in (None, "w"))
        for name in ("estimate", "ci_lower", "ci_upper", "outcome_sd"):
            assert two[name] == pytest.approx(one[name], rel=1e-6, abs=1e-9), (more, name)


def test_a_panel_of_weighted_rows_counts_effective_ones():
    frame = pd.DataFrame(
        {"u": [0, 0, 0, 1, 1, 2, 2, 3, 3], "t": [0, 0, 0, 0, 0, 1, 1, 1, 1], "y": [1.0, 2, 4, 1, 3, 2, 5, 1, 1]}
    )
    frame = pd.concat([frame, frame.assign(t=1 - frame["t"], y=frame["y"] + 1)])
    frame = frame.assign(w=np.tile([4.0, 1, 1, 1, 1, 2, 2, 1, 3], 2), g=np.where(frame["u"] < 2, 1, np.nan))
    panel = Panel.of(Cells.of(frame, outcome="y", unit="u", time="t", cohort="g", weights="w"), "gaussian")
    assert panel.n[0].tolist() == [3, 3]
    assert panel.counted[0, 0] == pytest.approx(36 / 18)
    assert panel.value[0, 0] == pytest.approx(10 / 6)
    variance = (4 * (1 - 10 / 6) ** 2 + (2 - 10 / 6) ** 2 + (4 - 10 / 6) ** 2) / 6
    assert panel.scatter[0, 0] / panel.counted[0, 0] == pytest.approx(variance)
    assert panel.facts["rows"] == 18
    assert panel.facts["effective_rows"] == pytest.approx(2 * (36 / 18 + 2 + 2 + 16 / 10))


def test_weights_of_wide_ranges_need_more_rows():
    """Rows as observations: an interval by effective rows is wider than that of as many rows that weigh the same."""
    rng = np.random.default_rng(8)
    frame = population(rng, per=40)
    uneven = frame.assign(w=rng.choice([1.0, 20.0], len(frame)))
    one, two = (
        xm.causal.did(f, **DATED, kind="two_by_two", cluster="none", weights="w").effect["sd"]
        for f in (frame.assign(w=1.0), uneven)
    )
    assert two > 1.2 * one


def test_wrong_weights():
    frame = population(np.random.default_rng(4), per=20)
    with pytest.raises(DataError, match=r"Weight column 'w': 1 row\(s\) have no weight above zero"):
        xm.causal.did(frame.assign(w=np.where(frame.index == 3, -1, frame["w"])), **DATED, weights="w")
    with pytest.raises(DataError, match="no column 'ww'"):
        xm.causal.did(frame, **DATED, weights="ww")
    with pytest.raises(ParamsError, match="no weight 'people'"):
        xm.causal.did(frame, **DATED, weights="w", weight="people", kind="event_study")
