"""Distances of paths by hand, clusters that were planted, and none where there are none."""

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.journeys import path_clusters, path_distances


def log_of(paths):
    events = [
        (k, step, pd.Timestamp("2025-01-01") + pd.Timedelta(minutes=n))
        for k, path in enumerate(paths)
        for n, step in enumerate(path)
    ]
    return xm.journeys.read_cases(pd.DataFrame(events, columns=["case", "activity", "time"]))


def test_a_distance_is_what_is_added_and_taken_out():
    found = path_distances(["abc", "abc", "ac", "xyz", "cab"])
    # abc and ac share two steps: one is added to five; abc and cab share ab
    assert found[0].tolist() == pytest.approx([0, 0, 1 / 5, 1, 2 / 6])
    assert (found == found.T).all()
    rng = np.random.default_rng(2)
    words = ["".join(rng.choice(list("abcd"), rng.integers(1, 8))) for _ in range(12)]

    def common(a, b):
        if not a or not b:
            return 0
        return common(a[:-1], b[:-1]) + 1 if a[-1] == b[-1] else max(common(a[:-1], b), common(a, b[:-1]))

    exact = [[(len(a) + len(b) - 2 * common(a, b)) / (len(a) + len(b)) for b in words] for a in words]
    assert path_distances(words) == pytest.approx(np.array(exact))


def test_planted_clusters_are_found_and_noise_has_none():
    rng = np.random.default_rng(5)
    kinds = ["abcdef", "uvwxyz", "mnopqr"]

    def varied(word):
        steps = list(word)
        if rng.random() < 0.5:
            steps.pop(rng.integers(1, len(steps) - 1))
        return steps

    which = rng.integers(0, 3, 300)
    found = path_clusters(log_of([varied(kinds[k]) for k in which]), most=6)
    assert len(found.table) == 3
    assert found.summary()["case"] == "some"
    # one to one with what was planted
    assert len({(int(a), int(b)) for a, b in zip(which, found.of_case, strict=True)}) == 3
    noise = path_clusters(log_of([list(rng.choice(list("abcdefghijkl"), 6)) for _ in range(200)]), most=6)
    assert noise.summary()["case"] == "none"
    assert (noise.of_case == -1).all()
    # one path only
    assert path_clusters(log_of(["abc"] * 30)).summary()["case"] == "none"


def test_small_clusters_are_not_told():
    found = path_clusters(log_of(["abcd"] * 60 + ["abce"] * 30 + ["wxyz"] * 4 + ["wxyv"] * 3), most=3)
    assert found.table["customers"].min() >= 10
    assert "w" not in {step for chain in found.table["chain"] for step in chain}
