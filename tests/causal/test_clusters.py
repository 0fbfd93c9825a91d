"""Clusters above the unit: intervals allow for shocks that whole regions share, in every kind that compares changes."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.causal.unit_clusters import effective_clusters
from xmresearch.errors import DataError, InsufficientData, ParamsError

KEYS = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}


def regions(rng, count, *, per=4, periods=5, shared=1.0, starts=(3,), inside=False, gaps=0.0):
    """Branches of regions that share shocks; whole regions change, or with `inside` some branches of each."""
    region = np.repeat(np.arange(count), per)
    turn = np.array([*starts, 99])
    start = turn[np.arange(len(region)) % len(turn)] if inside else turn[region % len(turn)]
    y = shared * np.cumsum(rng.normal(size=(count, periods)), axis=1)[region] + rng.normal(size=(len(region), periods))
    unit, time = np.indices(y.shape)
    frame = pd.DataFrame(
        {
            "u": unit.ravel(),
            "t": time.ravel(),
            "y": y.ravel(),
            "r": region[unit.ravel()],
            "x": rng.normal(size=len(region))[unit.ravel()],
        }
    )
    frame["g"] = np.where(start < 99, start, np.nan)[frame["u"]]
    return frame[rng.random(len(frame)) >= gaps].reset_index(drop=True)


@pytest.mark.parametrize("kind", ["two_by_two", "event_study", "staggered"])
def test_regions_that_change_as_a_whole_are_regions_as_units(kind):
    """With as many branches in each region, clustering by region is what region means as units give."""
    frame = regions(np.random.default_rng(1), 16)
    inside = (
        xm.causal.did(frame, **KEYS, kind=kind, cluster="r", cohort_weights="fixed")
        if kind == "staggered"
        else xm.causal.did(frame, **KEYS, kind=kind, cluster="r")
    )
    means = frame.groupby(["r", "t"], as_index=False).agg(y=("y", "mean"), g=("g", "first"))
    above = xm.causal.did(
        means, **(KEYS | {"unit": "r"}), kind=kind, **({"cohort_weights": "fixed"} if kind == "staggered" else {})
    )
    for name in ("estimate", "sd", "ci_lower", "ci_upper"):
        assert inside.effect[name] == pytest.approx(above.effect[name], abs=1e-9)
    assert inside.facts["df"] == pytest.approx(above.facts["df"])
    assert inside.clustered == "clustered by r (16 clusters)"
    assert (inside.facts["cluster"], inside.facts["clusters"]) == ("r", 16)


@pytest.mark.parametrize(
    ("kind", "count", "more"),
    [
        ("two_by_two", 12, {}), ("event_study", 12, {}), ("staggered", 24, {"starts": (2, 3)}),
        ("staggered", 12, {"starts": (2, 3), "inside": True}), ("event_study", 12, {"gaps": 0.1}), ("staggered", 24, {"starts": (2, 3), "gaps": 0.1}),
    ],
)  # fmt: skip
def test_intervals_cover_where_regions_share_shocks(kind, count, more):
    """Of 150 null panels, 91 % at least: an exact 95 % would fall below in two runs of a hundred."""
    rng = np.random.default_rng(20261127)
    held = []
    for _ in range(150):
        found = xm.causal.did(regions(rng, count, **more), **KEYS, kind=kind, cluster="r", draws=400).effect
        held.append(found["ci_lower"] <= 0 <= found["ci_upper"])
    assert np.mean(held) >= 0.91


def test_by_unit_alone_they_do_not():
    rng = np.random.default_rng(20261127)
    held = []
    for _ in range(60):
        found = xm.causal.did(regions(rng, 12), **KEYS, kind="event_study", draws=400).effect
        held.append(found["ci_lower"] <= 0 <= found["ci_upper"])
    assert np.mean(held) < 0.85


def test_covariates_and_checks_know_clusters():
    frame = regions(np.random.default_rng(3), 20)
    by_unit, by_region = (xm.causal.did(frame, **KEYS, covariates=["x"], cluster=c) for c in (None, "r"))
    assert by_region.effect["estimate"] == pytest.approx(by_unit.effect["estimate"])
    assert by_region.effect["sd"] > 1.2 * by_unit.effect["sd"]
    doubt = xm.causal.sensitivity(xm.causal.did(frame, **KEYS, cluster="r"))
    assert np.isnan(doubt.placebo_p)
    slope = doubt.tidy("pretrend_slope").set_index("changed").loc["slope"]
    plain = xm.causal.sensitivity(xm.causal.did(frame, **KEYS)).tidy("pretrend_slope").set_index("changed").loc["slope"]
    assert slope["ci_upper"] - slope["ci_lower"] > 1.2 * (plain["ci_upper"] - plain["ci_lower"])


def test_effective_clusters():
    even = np.repeat(np.arange(10), 3)
    assert effective_clusters(even, even < 5) == pytest.approx(10)
    lone = np.array([*range(30), 0, 1, 1, 1, 1, 1])
    assert effective_clusters(lone, np.arange(36) >= 30) < 2  # one cluster holds five of six treated units


def test_wrong_clusters():
    frame = regions(np.random.default_rng(4), 12)
    with pytest.raises(DataError, match="no column 'rr'"):
        xm.causal.did(frame, **KEYS, cluster="rr")
    with pytest.raises(DataError, match=r"'t' changes within 48 unit\(s\)"):
        xm.causal.did(frame, **KEYS, cluster="t")
    with pytest.raises(DataError, match="blank in some rows"):
        xm.causal.did(frame.assign(r=frame["r"].where(frame["u"] != 3)), **KEYS, cluster="r")
    with pytest.raises(ParamsError, match="clustered by unit, not by 'r'"):
        xm.causal.did(frame, **KEYS, kind="synthetic_control", cluster="r")
    with pytest.raises(ParamsError, match="no unit that lies in it"):
        xm.causal.did(frame, **(KEYS | {"unit": None}), cluster="r")
    one = frame.assign(r=np.where(frame["g"].notna(), 0, frame["r"] + 1))
    for gaps in (one, one.drop(index=5)):
        with pytest.raises(
            InsufficientData, match="treated units lie in one cluster|arm of an effect lie in one cluster"
        ):
            xm.causal.did(gaps, **KEYS, cluster="r")
