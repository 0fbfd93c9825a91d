"""Drivers by group where people answer several times: tests of equal slopes keep what they promise."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from xmresearch.claims.calibration import Cell, judge
from xmresearch.drivers.by_group import drivers_by_group
from xmresearch.drivers.slopes_by_cluster import slopes_with_clusters
from xmresearch.studies.drivers.claims import groups_differ


def world(people, seed, rows=4, icc=0.3, across=False):
    """Rows of people whose drivers and outcome have something in common; groups hold people, or their rows."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), rows)
    x = np.sqrt(icc) * rng.standard_normal((people, 3))[who] + np.sqrt(1 - icc) * rng.standard_normal((len(who), 3))
    own = 0.35 * rng.standard_normal((people, 3))
    noise = np.sqrt(icc) * rng.standard_normal(people)[who] + np.sqrt(1 - icc) * rng.standard_normal(len(who))
    y = (x * (0.3 + own[who])).sum(axis=1) + noise
    group = rng.integers(0, 3, len(who) if across else people)
    values = np.array(["a", "b", "c"])[group if across else group[who]]
    return pd.DataFrame(x, columns=list("klm")), pd.Series(y, name="y"), pd.DataFrame({"s": values}), who


@pytest.mark.parametrize("across", [False, True])
def test_differs_is_not_said_more_often_than_promised(across):
    """People keep their group, or change it from row to row; weighted."""
    samples, said = 250, {"by person": 0, "by row": 0}
    for k in range(samples):
        x, y, s, who = world(90, [5, across, k], across=across)
        w = np.random.default_rng(k).uniform(0.5, 2.0, 90)[who]
        said["by person"] += groups_differ(drivers_by_group(x, y, s, weights=w, clusters=who), 10).settled
        said["by row"] += groups_differ(drivers_by_group(x, y, s, weights=w), 10).settled
    table = judge([Cell("by person", said["by person"], samples, at_most=0.05)])
    print(table.to_string(), said)
    assert table["kept"].all()
    if not across:
        assert said["by row"] > 2 * said["by person"]


def test_a_difference_is_found():
    found = 0
    for k in range(40):
        x, y, s, who = world(90, [6, k])
        y = y + (s["s"] == "a") * 1.2 * x["k"]
        claim = groups_differ(drivers_by_group(x, y, s, clusters=who), 10)
        found += claim.settled and "k" in claim.facts["where"]
    assert found >= 32


def test_jackknife_against_regressions_without_each_cluster():
    x, y, _, who = world(30, 7)
    w = np.random.default_rng(8).uniform(0.5, 2.0, len(y))
    slope, moved, df = slopes_with_clusters(x.to_numpy(), y.to_numpy(), w, who, 30)
    full = sm.WLS(y, sm.add_constant(x), weights=w).fit().params.to_numpy()[1:]
    left = np.array(
        [sm.WLS(y[who != c], sm.add_constant(x[who != c]), weights=w[who != c]).fit().params for c in range(30)]
    )
    np.testing.assert_allclose(slope, full, atol=1e-12)
    np.testing.assert_allclose(moved.T @ moved, 29 / 30 * (left[:, 1:] - full).T @ (left[:, 1:] - full), atol=1e-12)
    assert df == 29


def test_groups_of_few_people_are_not_compared():
    x, y, s, who = world(90, 9, rows=5)
    few = s.assign(s=np.where(who < 4, "few", "many"))
    assert drivers_by_group(x, y, few) is not None
    assert drivers_by_group(x, y, few, clusters=who) is None
