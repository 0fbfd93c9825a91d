"""Looking while an experiment runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from xmresearch.causal.interim_looks import alpha_spending, group_sequential
from xmresearch.causal.sequential import confidence_sequence, monitor
from xmresearch.errors import DataError, InsufficientData, ParamsError


@pytest.mark.parametrize(
    ("shape", "looks", "expected"),
    [
        ("obrien_fleming", 5, [4.562, 3.226, 2.634, 2.281, 2.040]),
        ("obrien_fleming", 3, [3.471, 2.454, 2.004]),
        ("obrien_fleming", 1, [1.960]),
        ("pocock", 5, [2.413] * 5),
        ("pocock", 10, [2.555] * 10),
    ],
)
def test_classical_boundaries_are_published(shape, looks, expected):
    """Jennison & Turnbull (2000), tables 2.1 and 2.3, alpha = .05."""
    np.testing.assert_allclose(group_sequential(looks, shape=shape).table["z"], expected, atol=6e-4)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_spending_boundaries_are_published(rule, expected):
    """R ldbounds and gsDesign, five even looks, two-sided .05."""
    found = alpha_spending([0.2, 0.4, 0.6, 0.8, 1], rule=rule)
    np.testing.assert_allclose(found.table["z"], expected, atol=2e-4)
    assert found.diagnostics()["status"].tolist() == ["pass"]
    assert found.table["cumulative"].iloc[-1] == pytest.approx(0.05, abs=1e-8)


def test_boundaries_hold_their_error_and_power_in_simulation():
    rng = np.random.default_rng(2)
    fractions = np.array([0.1, 0.35, 0.5, 1.0])
    design = alpha_spending(fractions, rule="pocock")
    steps = np.diff(fractions, prepend=0)
    for drift in (0.0, 2.5):
        walk = np.cumsum(rng.normal(drift * steps, np.sqrt(steps), size=(200_000, 4)), axis=1) / np.sqrt(fractions)
        crossed = (np.abs(walk) > design.table["z"].to_numpy()).any(axis=1).mean()
        assert crossed == pytest.approx(design.power(drift), abs=0.003)
    assert design.power(0.0) == pytest.approx(0.05, abs=1e-8)


def _looks(rng, n, at, effect=0.0, spread=None):
    """Estimates and standard errors of a difference in means of skewed outcomes, shape (looks,)."""
    y = rng.exponential(size=n)
    arm = rng.random(n) < 0.5
    y = y + effect * arm
    sums = [[np.cumsum(np.where(a, v, 0))[at - 1] for v in (np.ones(n), y, y**2)] for a in (~arm, arm)]
    means = [s / k for k, s, _ in sums]
    variances = [(q - s**2 / k) / (k - 1) / k for k, s, q in sums]
    return means[1] - means[0], np.sqrt(variances[0] + variances[1])


def test_peeking_at_every_tenth_respondent_keeps_the_error_rate():
    """500 experiments without effect, 395 looks each: a fixed 95 % interval misses in more than 4 of 10."""
    rng = np.random.default_rng(3)
    at = np.arange(60, 4001, 10)
    never, naive, missed = 0, 0, 0
    for _ in range(500):
        estimate, se = _looks(rng, 4000, at)
        found = confidence_sequence(estimate, se)
        never += found.stopped is not None
        naive += (np.abs(estimate / se) > 1.96).any()
        missed += ((found.table["lower"] > 0) | (found.table["upper"] < 0)).any()
    assert never / 500 < 0.05
    assert never == missed
    assert naive / 500 > 0.35


def test_effects_are_found_and_intervals_hold_at_every_look():
    rng = np.random.default_rng(4)
    at = np.arange(100, 4001, 50)
    stops, missed = [], 0
    for _ in range(200):
        found = confidence_sequence(*_looks(rng, 4000, at, effect=0.2))
        stops.append(found.stopped is not None)
        missed += ((found.table["lower"] > 0.2) | (found.table["upper"] < 0.2)).any()
    assert np.mean(stops) > 0.95
    assert missed / 200 < 0.05


def test_p_value_is_the_mixture_likelihood_ratio():
    estimate, se = np.array([0.4]), np.array([0.11])
    found = confidence_sequence(estimate, se, planned_se=0.05)
    ratio, _ = integrate.quad(
        lambda d: stats.norm.pdf(0.4, d, 0.11) / stats.norm.pdf(0.4, 0, 0.11) * stats.norm.pdf(d, 0, found.tau), -3, 3
    )
    assert found.table["p"].iloc[0] == pytest.approx(min(1, 1 / ratio), rel=1e-6)


def test_interval_is_narrowest_for_its_information_where_planned():
    """At the planned standard error no other mixture is narrower, to first order."""
    half = [
        np.ptp(confidence_sequence([0.0], [0.1], planned_se=p).table[["lower", "upper"]]) for p in (0.07, 0.1, 0.14)
    ]
    assert half[1] < min(half[0], half[2])


def test_p_never_rises_and_zero_is_left_out_where_it_is_small():
    rng = np.random.default_rng(5)
    found = confidence_sequence(*_looks(rng, 3000, np.arange(100, 3001, 100), effect=0.15))
    table = found.table
    assert (np.diff(table["p"]) <= 0).all()
    outside = (table["lower"] > 0) | (table["upper"] < 0)
    assert (table["decided"] == outside.cummax()).all()
    assert found.stopped == table["decided"].idxmax() + 1


def test_monitor_is_the_sequence_of_welch_differences():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"arm": rng.choice(["old", "new"], 1000), "y": rng.normal(50, 3, 1000)})
    frame["y"] += 1.5 * (frame["arm"] == "new")
    frame.loc[5, "y"] = np.nan
    found = monitor(frame, outcome="y", arm="arm", control="old", looks=[100, 400, 999])
    part = frame.dropna().iloc[:400]
    new, old = (part.loc[part["arm"] == a, "y"] for a in ("new", "old"))
    row = found.table.iloc[1]
    assert row["estimate"] == pytest.approx(new.mean() - old.mean())
    assert row["se"] == pytest.approx(np.sqrt(new.var() / len(new) + old.var() / len(old)))
    assert found.summary()["case"] == "higher"
    assert found.diagnostics()["status"].tolist() == ["pass"]
    scaled = monitor(frame.assign(y=1000 * frame["y"]), outcome="y", arm="arm", control="old", looks=[100, 400, 999])
    np.testing.assert_allclose(scaled.table["p"], found.table["p"], rtol=1e-6)
    planned = monitor(frame, outcome="y", arm="arm", control="old", looks=[100, 400, 999], planned_n=999)
    np.testing.assert_allclose(planned.table["lower"], found.table["lower"])
    few = monitor(frame, outcome="y", arm="arm", control="old", looks=[20, 999])
    assert few.diagnostics()["status"].tolist() == ["warn"]


def test_bad_input_is_one_clear_error():
    frame = pd.DataFrame({"arm": ["a", "b"] * 50, "y": np.arange(100.0)})
    with pytest.raises(DataError, match="no column 'armm'.*Did you mean 'arm'"):
        monitor(frame, outcome="y", arm="armm", control="a")
    with pytest.raises(DataError, match="the control is 'c'"):
        monitor(frame, outcome="y", arm="arm", control="c")
    with pytest.raises(DataError, match="not rising counts up to 100"):
        monitor(frame, outcome="y", arm="arm", control="a", looks=[50, 101])
    with pytest.raises(InsufficientData, match="At the first look"):
        monitor(frame, outcome="y", arm="arm", control="a", looks=[2, 100])
    with pytest.raises(DataError, match="not above zero"):
        confidence_sequence([1.0], [0.0])
    with pytest.raises(ParamsError, match="confidence is 1"):
        confidence_sequence([1.0], [1.0], confidence=1)
    with pytest.raises(ParamsError, match="rise from above 0 to 1"):
        alpha_spending([0.5, 0.4, 1.0])
    with pytest.raises(ParamsError, match="no rule 'obrian'.*obrien_fleming"):
        alpha_spending([1.0], rule="obrian")
    with pytest.raises(ParamsError, match="0 looks"):
        group_sequential(0)
    with pytest.raises(ParamsError, match="alpha is 2"):
        group_sequential(2, alpha=2)
