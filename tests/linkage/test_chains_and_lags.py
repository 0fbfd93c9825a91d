"""Lagged links against lavaan, the chain in known worlds, wrong links, matching, and branches compared."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData
from xmresearch.linkage.branch_comparison import adjusted_branches
from xmresearch.linkage.lagged_links import cross_lag, waves_of
from xmresearch.linkage.link_errors import linkage_bounds, wrong_share
from xmresearch.linkage.matched_sources import matching
from xmresearch.linkage.service_chain import profit_chain


def followed(n=600, waves=4, seed=2, leads=0.2):
    """Customers over waves, whose x leads y and not the reverse, some answers blank."""
    rng = np.random.default_rng(seed)
    level = rng.multivariate_normal([0, 0], [[0.5, 0.2], [0.2, 0.5]], n)
    moving = np.zeros((waves, n, 2))
    moving[0] = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], n)
    for t in range(1, waves):
        fresh = rng.multivariate_normal([0, 0], [[0.8, 0.1], [0.1, 0.8]], n)
        moving[t] = moving[t - 1] @ np.array([[0.3, leads], [0.0, 0.3]]) + fresh
    x, y = (np.round(moving[:, :, k].T + level[:, [k]] + base, 4) for k, base in ((0, 3), (1, 5)))
    x[rng.random(n) < 0.2, 3] = np.nan
    y[np.isnan(x[:, 3]), 3] = np.nan
    x[rng.random(n) < 0.1, 1] = np.nan
    return pd.DataFrame(x), pd.DataFrame(y)


LAVAAN = {
    "links": {
        "x_to_x": (0.339171, 0.081440), "y_to_x": (-0.004984, 0.063035), "x_to_y": (0.191724, 0.059462), "y_to_y": (0.306294, 0.070573),
    },
    "cfi": 1.0, "rmsea": 0.0,
}  # fmt: skip
"""lavaan 0.6-14, missing = "fiml", on `followed(n=200)`; regressions equal over waves."""


def test_lagged_links_are_lavaans():
    """Hamaker, Kuiper & Grasman (2015); figures of lavaan 0.6-14 (R 4.2.2)."""
    found = cross_lag(*followed(200))
    for link, (estimate, se) in LAVAAN["links"].items():
        assert found.link(link)["estimate"] == pytest.approx(estimate, abs=2e-4), link
        assert found.link(link)["se"] == pytest.approx(se, abs=2e-4), link
    assert found.cfi == pytest.approx(LAVAAN["cfi"], abs=1e-3)
    assert found.rmsea == pytest.approx(LAVAAN["rmsea"], abs=1e-3)


def test_links_follow_the_units_and_lead_the_right_way():
    x, y = followed(1500, seed=5)
    plain, scaled = cross_lag(x, y), cross_lag(100 * x, y)
    assert scaled.link("x_to_y")["estimate"] == pytest.approx(plain.link("x_to_y")["estimate"] / 100, rel=1e-3)
    assert plain.link("x_to_y")["lower"] > 0
    assert plain.link("y_to_x")["lower"] < 0 < plain.link("y_to_x")["upper"]


def test_rows_are_spread_to_waves():
    rows = pd.DataFrame({"who": [1, 1, 2, 2, 2], "when": ["b", "a", "a", "a", "c"], "x": [1.0, 2, 3, 5, 7]})
    (x,), waves = waves_of(rows, "who", "when", ["x"])
    assert waves == ["a", "b", "c"]
    assert x.loc[2, "a"] == 4
    assert np.isnan(x.loc[2, "b"])
    named = rows.assign(when=["wave 10", "wave 2", "wave 9", "wave 2", "wave 10"])
    assert waves_of(named, "who", "when", ["x"])[1] == ["wave 2", "wave 9", "wave 10"]
    with pytest.raises(DataError):
        waves_of(rows, "whom", "when", ["x"])


def test_what_cannot_be_followed_is_refused():
    x, y = followed(100)
    with pytest.raises(DataError):
        cross_lag(x, y.iloc[:, :3])
    with pytest.raises(InsufficientData, match="2 wave"):
        cross_lag(x.iloc[:, :2], y.iloc[:, :2])
    with pytest.raises(InsufficientData, match="40 customer"):
        cross_lag(x.iloc[:40], y.iloc[:40])
    with pytest.raises(InsufficientData, match="same throughout"):
        cross_lag(x * 0, y)


def chained(rng, j, a, b, direct):
    staff = 0.4 * rng.standard_normal(j)
    customers = a * staff + 0.35 * rng.standard_normal(j)
    results = b * customers + direct * staff + 0.3 * rng.standard_normal(j)
    m, n = rng.integers(8, 30, j), rng.integers(20, 80, j)
    n[0] *= 10
    seen = staff + 0.9 * rng.standard_normal(j) / np.sqrt(m), customers + rng.standard_normal(j) / np.sqrt(n)
    return *seen, results, 0.81 / m, 1 / n


@pytest.mark.parametrize(("a", "b", "direct"), [(0.6, 0.0, 0.6), (0.0, 0.6, 0.0), (0.6, 0.6, 0.3)])
def test_a_chain_is_found_where_it_is(a, b, direct):
    rng, covered, claimed = np.random.default_rng(3), [], []
    for _ in range(200):
        s, c, r, s_error, c_error = chained(rng, 40, a, b, direct)
        found = profit_chain(s, c, r, staff_error=s_error, customers_error=c_error, draws=2000)
        truth = np.array([a, b, direct, a * b])
        covered.append((found.table["lower"] <= truth) & (truth <= found.table["upper"]))
        claimed.append(found.both)
    assert (np.mean(covered, axis=0) > 0.95 - 3 * 0.0154).all()
    if a * b:
        assert np.mean(claimed) > 0.5
    else:
        assert np.mean(claimed) < 0.05 + 3 * 0.0154


def test_noise_that_is_not_allowed_for_leaks_staff_into_customers():
    rng = np.random.default_rng(4)
    made = [chained(rng, 400, 0.6, 0.0, 0.8) for _ in range(20)]
    naive = np.mean([profit_chain(*world[:3], draws=2000).step("customers_results")["estimate"] for world in made])
    right = [profit_chain(*world[:3], staff_error=world[3], customers_error=world[4], draws=2000) for world in made]
    assert naive > 0.08
    assert abs(np.mean([f.step("customers_results")["estimate"] for f in right])) < 0.06


def test_what_is_no_chain_is_refused():
    rng = np.random.default_rng(1)
    s, c, r = rng.standard_normal((3, 12))
    with pytest.raises(InsufficientData, match="9 branch"):
        profit_chain(s[:9], c[:9], r[:9])
    with pytest.raises(DataError):
        profit_chain(s, c, np.where(r > 0, r, np.nan))
    with pytest.raises(InsufficientData, match="beyond sampling"):
        profit_chain(s, c, r, staff_error=np.full(12, 100.0))


def test_wrong_links_are_bounded():
    assert wrong_share(4, 200) == pytest.approx((0.02, 0.0452), abs=1e-4)  # Clopper-Pearson, one-sided
    assert wrong_share(3, 3)[1] == 1
    found = linkage_bounds(0.9, 0.8, 1.0, share=0.1)
    assert found.farthest == pytest.approx(1.0)
    assert (found.widest_lower, found.widest_upper) == pytest.approx((0.8, 1.0 / 0.9))
    across = linkage_bounds(-0.1, -0.3, 0.1, share=0.1, most=0.2)
    assert (across.widest_lower, across.widest_upper) == pytest.approx((-0.375, 0.125))
    for wrong in ({"share": 1.0}, {"share": 0.2, "most": 0.1}, {"share": -0.1}):
        with pytest.raises(DataError):
            linkage_bounds(1, 0, 2, **wrong)
    with pytest.raises(DataError):
        wrong_share(5, 4)


def test_who_is_missing_is_told_by_what_is_known_and_small_groups_are_not():
    rng = np.random.default_rng(6)
    rows = pd.DataFrame(
        {"channel": rng.choice(["web", "desk"], 2000), "branch": rng.choice(["n", "s", "w"], 2000), "id": range(2000)}
    )
    rows.loc[:5, "branch"] = "tiny"
    linked = rng.random(2000) < np.where(rows["channel"] == "web", 0.95, 0.8)
    found = matching(rows, linked, ["channel", "branch", "id"])
    assert found.uneven == ["channel"]
    assert found.summary()["case"] == "uneven"
    assert "tiny" not in set(found.table["value"])
    assert set(found.table["segment"]) == {"channel", "branch"}
    assert matching(rows, linked | True, ["channel"]).summary()["case"] == "all"
    even = [matching(rows, rng.random(2000) < 0.9, ["channel", "branch"]).uneven for _ in range(200)]
    assert np.mean([bool(u) for u in even]) < 0.05 + 3 * 0.0154


def test_what_is_hidden_of_the_missing_cannot_be_worked_out():
    """Eleven of thirteen that are not linked are of one channel: the other two would follow from the total."""
    rows = pd.DataFrame({"channel": np.repeat(["web", "desk", "kiosk", "post"], [90, 87, 60, 40])})
    linked = np.ones(277, dtype=bool)
    linked[[0, 1, *range(100, 111)]] = False
    found = matching(rows, linked, ["channel"])
    assert set(found.table["value"]).isdisjoint({"web", "desk"})
    assert found.summary()["unlinked"] == 13


def compared(rng, effect, n=40, branches=12):
    at = np.repeat(np.arange(branches), n)
    old = rng.random(len(at)) < np.linspace(0.1, 0.9, branches)[at]
    return pd.DataFrame(
        {
            "b": [f"b{k:02d}" for k in at],
            "old": np.where(old, "yes", "no"),
            "y": 3 + 0.8 * old + effect[at] + rng.standard_normal(len(at)),
        }
    )


def test_case_mix_is_held_equal():
    rng = np.random.default_rng(8)
    called = {"adjusted": [], "not": []}
    for _ in range(150):
        rows = compared(rng, np.zeros(12))
        for name, mix in (("adjusted", ["old"]), ("not", [])):
            called[name].append((adjusted_branches(rows, "b", "y", adjust=mix).table["shown"] == "shown").any())
    assert np.mean(called["adjusted"]) < 0.05 + 3 * 0.018
    assert np.mean(called["not"]) > 0.3
    effect = np.zeros(12)
    effect[[2, 9]] = -1.0, 1.0
    table = adjusted_branches(compared(rng, effect), "b", "y", adjust=["old"]).table
    assert table["branch"].iloc[0] == "b02"
    assert table["branch"].iloc[-1] == "b09"
    assert {"b02", "b09"} <= set(table.loc[table["shown"] == "shown", "branch"])
    # pooled estimates lie nearer to the mean than the branches' own
    assert table["pooled"].std() < table["adjusted"].std()


def test_small_branches_are_hidden_with_what_would_give_them_away():
    rng = np.random.default_rng(9)
    rows = pd.concat(
        [compared(rng, np.zeros(12)), pd.DataFrame({"b": ["few"] * 4, "old": "no", "y": 3.0 + rng.random(4)})]
    )
    found = adjusted_branches(rows, "b", "y", adjust=["old"])
    assert "few" not in set(found.table["branch"])
    assert found.hidden == 2
    with pytest.raises(InsufficientData):
        adjusted_branches(rows[rows["b"] < "b02"], "b", "y")
    with pytest.raises(InsufficientData, match="same"):
        adjusted_branches(rows.assign(y=rows["b"].str.len() * 1.0), "b", "y")
