"""Trends count real distances between periods."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from xmresearch.causal.designs import did
from xmresearch.causal.honest_trends import honest
from xmresearch.causal.robustness import sensitivity
from xmresearch.errors import DataError
from xmresearch.studies.did.publishing import published

YEARS = np.array([2000, 2004, 2008, 2012, 2013, 2014, 2017])
KEYS = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g"}


def drifting(slope=0.05, noise=0.02, second=None, years=YEARS):
    """Units with the change from 2013 on drift by so much a year, and the change does nothing."""
    rng = np.random.default_rng(4)
    u, k = (a.ravel() for a in np.indices((60, len(years))))
    g = np.where(u < 20, 2013, np.where((u < 40) & (second is not None), second or 0, 0))
    return pd.DataFrame({
        "u": u, "t": years[k], "g": g, "y": rng.normal(slope * (years[k] - 2000) * (g > 0), noise),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "second"), [("event_study", None), ("staggered", None), ("staggered", 2014), ("staggered", 2012)]
)
def test_the_trend_before_goes_on_at_its_rate_a_year(kind, second):
    found = did(drifting(second=second), **KEYS, kind=kind)
    gone_on = sensitivity(found, placebo_units=0).tidy("pretrend_slope").set_index("changed")
    assert gone_on.loc["slope", "estimate"] == pytest.approx(0.05, abs=0.002)
    assert gone_on.loc["extrapolated", "estimate"] == pytest.approx(0, abs=0.015)
    assert next(c for c in found.concerns if c.kind == "uneven_periods").facts == {"ratio": 4}


def test_covariates_change_nothing_about_distances():
    frame = drifting().assign(x=lambda f: np.random.default_rng(1).normal(size=60)[f["u"]])
    found = did(frame, **KEYS, covariates=["x"])
    gone_on = sensitivity(found, placebo_units=0).tidy("pretrend_slope").set_index("changed")
    assert gone_on.loc["slope", "estimate"] == pytest.approx(0.05, abs=0.002)
    assert gone_on.loc["extrapolated", "estimate"] == pytest.approx(0, abs=0.02)


def test_event_times_are_years():
    found = did(drifting(), **KEYS)
    assert found.tidy("dynamic")["event_time"].tolist() == [-13, -9, -5, -1, 0, 1, 4]
    assert published(found, min_cell=10).effects("dynamic")["event_time"].tolist() == [-13, -9, -5, -1, 0, 1, 4]
    both = did(drifting(second=2014), **KEYS, base="universal").tidy("dynamic")
    assert both["event_time"].tolist() == [-14, -13, -10, -9, -6, -5, -2, 0, 1, 3, 4]
    assert len(published(did(drifting(second=2014), **KEYS), min_cell=10).effects("dynamic"))


def test_evenly_spaced_periods_count_as_before():
    years = np.arange(2008, 2016)
    by_year = did(drifting(years=years), **KEYS)
    by_fours = did(drifting(years=years).assign(t=lambda f: 4 * f["t"], g=lambda f: 4 * f["g"]), **KEYS)
    assert by_year.event_times == by_fours.event_times == (-5, -4, -3, -2, 0, 1, 2)
    assert "uneven_periods" not in [c.kind for c in by_fours.concerns]
    a, b = (sensitivity(f, placebo_units=0).tidy("pretrend_slope")["estimate"].tolist() for f in (by_year, by_fours))
    assert a == pytest.approx(b, rel=1e-9)


def test_the_case_is_no_effect_but_a_trend(did_case):
    found = did(did_case("uneven_years"), **KEYS)
    row = sensitivity(found, placebo_units=0).tidy("pretrend_slope").set_index("changed").loc["extrapolated"]
    assert row["ci_lower"] < 0 < row["ci_upper"]
    assert abs(row["estimate"]) < 0.03


AT = np.array([-7.0, -4.0, -3.0, 1.0, 3.0, 6.0])
PRE = 3


def extremes(kind, beta, target, bound):
    """Ends of the identified set by linear programming: delta of the periods after, given that of those before."""
    at = np.insert(AT, PRE, 0.0)
    gaps = np.diff(at)
    rates = (np.diff(np.eye(7), axis=0) / gaps[:, None])[:, PRE + 1 :]
    known = np.diff(np.concatenate([beta[:PRE], [0, 0, 0, 0]])) / gaps
    if kind == "relative":
        limit, rows, fixed = bound * np.abs(known[:PRE]).max(), rates[PRE:], known[PRE:]
    else:
        middles = (gaps[1:] + gaps[:-1]) / 2
        rows, fixed = (np.diff(a, axis=0)[PRE - 1 :] for a in (rates, known))
        rows, fixed = rows / middles[PRE - 1 :, None], fixed / middles[PRE - 1 :]
        early = np.abs(np.diff(known[:PRE]) / middles[: PRE - 1]).max()
        limit = bound * early if kind == "relative_smoothness" else bound
    ends = []
    for sign in (1, -1):
        found = optimize.linprog(
            sign * target, A_ub=np.vstack([rows, -rows]), b_ub=np.concatenate([limit - fixed, limit + fixed]),
            bounds=(None, None),
        )  # fmt: skip
        ends.append(target @ beta[PRE:] - target @ found.x)
    return sorted(ends)


@pytest.mark.parametrize("kind", ["relative", "smoothness", "relative_smoothness"])
def test_sets_at_distances_are_those_of_linear_programming(kind):
    rng = np.random.default_rng(2)
    for _ in range(5):
        beta, target = rng.normal(size=6), rng.dirichlet(np.ones(3))
        bound = 1.7 if kind != "smoothness" else 5.0
        row = honest(beta, 0.01 * np.eye(6), n_pre=PRE, kind=kind, bounds=[bound], target=target, distances=AT).curve
        ends = row[["set_lower", "set_upper"]].iloc[0].tolist()
        np.testing.assert_allclose(ends, extremes(kind, beta, target, bound), atol=1e-7)


def test_intervals_at_distances():
    """A straight line is no effect under the strictest smoothness; units of distance only rescale the bounds."""
    cov = 1e-4 * (np.eye(6) + 0.3)
    straight = honest(0.3 * AT, cov, n_pre=PRE, kind="smoothness", bounds=[0.0], distances=AT).curve.iloc[0]
    assert (straight["ci_lower"] + straight["ci_upper"]) / 2 == pytest.approx(0, abs=1e-9)
    beta = np.random.default_rng(0).normal(size=6)
    columns = ["ci_lower", "ci_upper"]
    for method in ("posterior", "c-lf"):
        one, three = (
            honest(beta, cov, n_pre=PRE, method=method, bounds=[0.5, 1.5], distances=c * AT).curve[columns]
            for c in (1, 3)
        )
        np.testing.assert_allclose(one, three, rtol=1e-6)
        even = [
            honest(beta, cov, n_pre=PRE, method=method, distances=d).curve[columns]
            for d in (None, [-3, -2, -1, 1, 2, 3])
        ]
        np.testing.assert_allclose(*even)
    sd = [honest(beta, cov, n_pre=PRE, kind="smoothness", bounds=[0.9 / c**2], distances=c * AT) for c in (1, 3)]
    np.testing.assert_allclose(sd[0].curve[columns], sd[1].curve[columns], rtol=1e-5)
    uneven = honest(beta, cov, n_pre=PRE, method="c-lf", bounds=[1.0], distances=AT).curve.iloc[0]
    assert uneven["ci_lower"] < uneven["set_lower"] < uneven["set_upper"] < uneven["ci_upper"]


@pytest.mark.parametrize("distances", [[-1, 0, 1], [-3, -2, -1, 1, 2, 2], [3, 2, 1, -1, -2, -3]])
def test_distances_in_disorder_are_refused(distances):
    with pytest.raises(DataError, match="distances has to hold 6 rising numbers, the first 3 of them negative"):
        honest(np.ones(6), np.eye(6), n_pre=PRE, distances=distances)
