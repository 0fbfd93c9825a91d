"""Drivers under the design of a sample: strata, clusters, a finite population and margins."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.drivers.expected_gains import gains
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.drivers.opportunities import opportunity
from xmresearch.drivers.quadrants import derived_grid
from xmresearch.sampling.sampling_stages import design

NAMES = list("abc")


def drawn(clusters, size, seed, known=None):
    """Rows of clusters whose slopes differ; the second half of the clusters is a stratum."""
    rng = np.random.default_rng(seed)
    where = np.repeat(np.arange(clusters), size)
    x = 4 + rng.standard_normal((clusters, 3))[where] * 0.5 + rng.standard_normal((len(where), 3))
    own = np.array([0.4, 0.3, 0.2]) + 0.3 * rng.standard_normal((clusters, 3))
    y = (x * own[where]).sum(axis=1) + rng.standard_normal(len(where))
    frame = pd.DataFrame(x, columns=NAMES).assign(
        y=y,
        branch=where.astype(str),
        half=np.where(where < clusters // 2, "1", "2"),
        w=rng.uniform(0.5, 2, clusters)[where],
    )
    population = None if known is None else "there"
    return frame, design(
        frame.assign(there=known), weights="w", strata="half", clusters="branch", population=population
    )


def moved(frame, sampled, **more):
    found = gains(frame[NAMES], frame["y"], most=dict.fromkeys(NAMES, 99.0), weights=sampled, bootstrap=400, **more)
    return found.of("one_point").set_index("construct").loc[NAMES]


def test_gains_have_the_linearised_spread_of_the_design():
    frame, sampled = drawn(60, 8, 1)
    found = gains(frame[NAMES], frame["y"], most=dict.fromkeys(NAMES, 99.0), weights=sampled, bootstrap=4000)
    x, w = np.column_stack([np.ones(len(frame)), frame[NAMES]]), sampled.weights
    inner = x.T @ (x * w[:, None])
    slope = np.linalg.solve(inner, x.T @ (w * frame["y"]))
    se = np.sqrt(
        np.diag(sampled.covariance(np.linalg.solve(inner, (x * (frame["y"] - x @ slope).to_numpy()[:, None]).T).T))
    )
    table = found.of("one_point").set_index("construct").loc[NAMES]
    np.testing.assert_allclose(table["gain"], slope[1:], rtol=1e-9)
    half = stats.t.ppf(0.975, sampled.df) * se[1:]
    np.testing.assert_allclose((table["gain_upper"] - table["gain_lower"]) / 2, half, rtol=0.12)


def test_a_sample_that_is_nearly_the_population_has_narrow_intervals():
    frame, whole = drawn(40, 6, 2, known=21)
    _, open_ = drawn(40, 6, 2)
    narrow, wide = (moved(frame, s)["gain_upper"] - moved(frame, s)["gain_lower"] for s in (whole, open_))
    assert (narrow < 0.5 * wide).all()


def test_blanks_leave_rows_in_the_sample_but_out_of_the_estimate():
    frame, sampled = drawn(40, 6, 3)
    frame.loc[::7, "b"] = np.nan
    some = frame["b"].notna()
    table = moved(frame, sampled)
    plain = gains(
        frame.loc[some, NAMES],
        frame.loc[some, "y"],
        most=dict.fromkeys(NAMES, 99.0),
        weights=frame.loc[some, "w"].to_numpy(),
    )
    known = plain.of("one_point").set_index("construct").loc[NAMES]
    np.testing.assert_allclose(table["gain"], known["gain"], rtol=1e-9)


@pytest.mark.parametrize("kind", ["numeric", "ordinal"])
def test_intervals_hold_the_slopes_of_few_clusters(kind):
    """Of grades the clusters count; both are wider than those of respondents drawn one by one."""
    frame, sampled = drawn(24, 10, 4)
    y = (
        frame["y"]
        if kind == "numeric"
        else pd.Series(np.digitize(frame["y"], np.quantile(frame["y"], [0.3, 0.6])), name="y")
    )
    settings = {"kind": kind, "most": dict.fromkeys(NAMES, 99.0), "bootstrap": 200}
    mine = gains(frame[NAMES], y, weights=sampled, **settings).of("one_point").set_index("construct").loc[NAMES]
    alone = (
        gains(frame[NAMES], y, weights=frame["w"].to_numpy(), **settings)
        .of("one_point")
        .set_index("construct")
        .loc[NAMES]
    )
    assert ((mine["gain_upper"] - mine["gain_lower"]) / (alone["gain_upper"] - alone["gain_lower"])).mean() > 1.15


def test_grids_and_opportunities_take_a_design():
    frame, sampled = drawn(30, 8, 5)
    frame.loc[3, "a"] = np.nan
    grid = derived_grid(frame[NAMES], frame["y"], derived="share", weights=sampled, bootstrap=300).table.set_index("id")
    share = relative_importance(
        frame[NAMES].dropna(),
        frame["y"][frame["a"].notna()],
        weights=frame["w"][frame["a"].notna()].to_numpy(),
        bootstrap=200,
    )
    np.testing.assert_allclose(grid.loc[NAMES, "importance"], share.table["share"], rtol=1e-9)
    ratings = frame[NAMES].clip(1, 7)
    mine = opportunity(ratings, ratings, important=5, satisfied=6, weights=sampled, bootstrap=300).set_index("id")
    known = opportunity(
        ratings, ratings, important=5, satisfied=6, weights=frame["w"].to_numpy(), bootstrap=300
    ).set_index("id")
    np.testing.assert_allclose(mine.loc[NAMES, "opportunity"], known.loc[NAMES, "opportunity"])
    assert (mine["opportunity_upper"] - mine["opportunity_lower"]).min() > 0


def test_too_few_sampling_units_are_refused():
    frame, sampled = drawn(5, 20, 6)
    with pytest.raises(NotEstimable, match="clusters cannot tell") as refused:
        moved(frame, sampled)
    assert refused.value.obstacle == "few_clusters"
