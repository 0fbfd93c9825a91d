"""Sensitivity of an effect: every figure against fitting again by hand, and planted truths."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from xmresearch.causal.checks import PRIORS, with_normal_prior
from xmresearch.causal.closed_form import Design, StudentT
from xmresearch.causal.designs import did, refit
from xmresearch.causal.honest_trends import honest
from xmresearch.causal.mean_weights import MeanWeights, overall_weights
from xmresearch.causal.pretrend import event_path
from xmresearch.causal.robustness import sensitivity
from xmresearch.errors import DataError, ModelError, ParamsError

KEYS = {"outcome": "y", "unit": "branch", "time": "month"}
MPDTA = {"outcome": "lemp", "unit": "countyreal", "time": "year", "cohort": "first.treat"}


def panel(units=24, periods=7, cohorts=(4, 4, 5, 0), effect=0.0, drift=0.0, seed=0):
    """One row per branch and month; branches take the cohorts in turn; drift is per month, of the treated."""
    rng = np.random.default_rng(seed)
    start = np.resize(cohorts, units)
    noise = rng.normal(0, 1, (units, 1)) + np.cumsum(rng.normal(0, 0.3, (units, periods)), axis=1)
    month = np.arange(1, periods + 1)
    treated = (start > 0)[:, None]
    y = noise + 0.2 * month + effect * (treated & (month >= start[:, None])) + drift * month * treated
    unit, time = (a.ravel() for a in np.indices(y.shape))
    return pd.DataFrame({"branch": unit, "month": time + 1, "y": y.ravel(), "cohort": start[unit]})


def answers(frame, family, seed=0):
    rng = np.random.default_rng(seed)
    rows = frame.loc[frame.index.repeat(rng.integers(8, 30, len(frame)))].reset_index(drop=True)
    latent = rows["y"] + rng.normal(0, 1, len(rows))
    made = {
        "gaussian": latent, "bernoulli": (latent > 1).astype(float), "count": rng.poisson(np.exp(latent.clip(-2, 2))),
        "ordinal": (latent + 3).round().clip(1, 5), "nps": (2 * latent + 5).round().clip(0, 10),
    }  # fmt: skip
    return rows.assign(y=made[family])


@pytest.mark.parametrize("family", ["gaussian", "bernoulli", "ordinal", "nps", "count"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("two_by_two", {}), ("two_by_two", {"weight": "rows"}), ("event_study", {}), ("event_study", {"base": "all"}),
        ("staggered", {}), ("staggered", {"overall": "group", "control": "never"}),
        ("staggered", {"overall": "dynamic", "anticipation": 1, "weight": "rows"}),
        ("staggered", {"overall": "calendar", "cohort_weights": "fixed", "base": "universal"}),
    ],
)  # fmt: skip
def test_closed_form_is_what_the_draws_are_of(family, kind, options):
    rows = answers(panel(cohorts=(4, 0) if kind != "staggered" else (4, 4, 5, 0)), family)
    found = did(rows.drop(rows.index[::97]), cohort="cohort", kind=kind, family=family, draws=20_000, **KEYS, **options)
    settings = found.settings | {"clustered": True}
    post = Design.of(kind, found.panel, settings).posterior()
    assert post.estimate == pytest.approx(found.effect["estimate"], abs=1e-9)
    assert post.df == pytest.approx(found.facts["df"])
    low, high = post.interval(0.95)
    assert [low, high] == pytest.approx([found.effect["ci_lower"], found.effect["ci_upper"]], abs=0.06 * (high - low))
    assert high - low == pytest.approx(found.effect["ci_upper"] - found.effect["ci_lower"], rel=0.05)


@pytest.mark.parametrize("aggregate", ["simple", "group", "dynamic", "calendar"])
def test_change_with_the_shares_is_the_numerical_one(mpdta, aggregate):
    found = did(mpdta, overall=aggregate, **MPDTA)
    design = Design.of("staggered", found.panel, found.settings)
    starts, units = np.unique(design.start, return_counts=True)
    size = np.array([design.weight[design.start == g].sum(axis=0) for g in starts])
    mean = np.array([found.panel.value[found.panel.start == g].mean(axis=0) for g in starts])

    def effect(factor):
        weights, rule = design.weights(starts, units * factor, size * factor[:, None])
        return (weights * mean).sum(), rule

    _, rule = effect(np.ones(len(units)))
    each, key = overall_weights(rule.pairs, (units / units.sum())[rule.own], aggregate)
    slopes = MeanWeights(rule.pairs, starts, units, size).by_share(each, key, mean)
    share = units / units.sum()
    for g in range(len(units)):
        step = np.zeros(len(units))
        step[g] = 1e-5 / share[g]
        numerical = (effect(1 + step)[0] - effect(1 - step)[0]) / 2e-5
        along = slopes[g] - slopes @ share  # shares sum to one
        assert numerical == pytest.approx(along, abs=1e-6)


def test_leaving_out_is_fitting_without(mpdta):
    frame = panel(effect=1)
    found = did(frame, cohort="cohort", **KEYS)
    rows = sensitivity(found).tidy("leave_one_out").set_index("changed")
    assert len(rows) == 24
    assert set(rows["what"]) == {"unit"}
    for unit in (0, 3, 17):
        again = did(frame[frame["branch"] != unit], cohort="cohort", draws=20_000, **KEYS).effect
        row = rows.loc[str(unit)]
        assert row["estimate"] == pytest.approx(again["estimate"])
        assert [row["ci_lower"], row["ci_upper"]] == pytest.approx([again["ci_lower"], again["ci_upper"]], abs=0.05)
        assert row["p_positive"] == pytest.approx(again["p_positive"], abs=0.01)
    cohorts = sensitivity(did(mpdta, **MPDTA)).tidy("leave_one_out")
    assert cohorts["changed"].tolist() == ["2004", "2006", "2007"]
    assert set(cohorts["what"]) == {"cohort"}
    for row in cohorts.itertuples():
        again = did(mpdta[mpdta["first.treat"] != int(row.changed)], kind="staggered", **MPDTA).effect
        assert row.estimate == pytest.approx(again["estimate"])
        assert row.ci_lower == pytest.approx(again["ci_lower"], abs=0.003)


def test_the_most_influential_units_are_left_out_where_there_are_many():
    frame = panel(cohorts=(4, 0), effect=1)
    frame.loc[frame["branch"] == 5, "y"] += 4 * (frame["month"] >= 4)
    found = did(frame, cohort="cohort", **KEYS)
    every, few = sensitivity(found).tidy("leave_one_out"), sensitivity(found, leave_out=5)
    design = Design.of(found.kind, found.panel, found.settings)
    np.testing.assert_allclose(design.without_each(), every["estimate"])
    moved = (every["estimate"] - found.effect["estimate"]).abs()
    assert set(few.tidy("leave_one_out")["changed"]) == set(every.loc[moved.nlargest(5).index, "changed"])
    assert few.summary()["most_influential"] == "5"


def test_placebo_dates_are_fits_of_earlier_data():
    frame = panel(effect=1)
    table = sensitivity(did(frame, cohort="cohort", **KEYS)).tidy("placebo_time").set_index("changed")
    assert table.index.tolist() == ["-1", "-2", "-3"]
    before = frame[(frame["cohort"] == 0) | (frame["month"] < frame["cohort"])]
    for shift in (1, 2, 3):
        moved = before.assign(cohort=(before["cohort"] - shift).where(before["cohort"] > 0, 0))
        again = did(moved[moved["cohort"] != 1], cohort="cohort", draws=20_000, **KEYS, kind="staggered").effect
        row = table.loc[str(-shift)]
        assert row["estimate"] == pytest.approx(again["estimate"])
        assert row["ci_upper"] == pytest.approx(again["ci_upper"], abs=0.05)
    one = panel(cohorts=(5, 0), effect=1)
    for kind in ("event_study", "two_by_two"):
        table = sensitivity(did(one, cohort="cohort", kind=kind, **KEYS)).tidy("placebo_time").set_index("changed")
        assert table.index.tolist() == ["2", "3", "4"]
        assert set(table["what"]) == {"date"}
        for date in (2, 3, 4):
            moved = one[one["month"] < 5].assign(cohort=np.where(one.loc[one["month"] < 5, "cohort"] > 0, date, 0))
            again = did(moved, cohort="cohort", kind=kind, **KEYS).effect["estimate"]
            assert table.loc[str(date), "estimate"] == pytest.approx(again)
    early = sensitivity(did(one, cohort="cohort", anticipation=1, **KEYS)).tidy("placebo_time")
    assert early["changed"].tolist() == ["3"]
    moved = one[one["month"] < 4].assign(cohort=np.where(one.loc[one["month"] < 4, "cohort"] > 0, 3, 0))
    again = did(moved, cohort="cohort", kind="event_study", anticipation=1, **KEYS).effect["estimate"]
    assert early["estimate"].iloc[0] == pytest.approx(again)


@pytest.mark.parametrize("options", [{}, {"weight": "rows"}, {"overall": "group", "control": "never"}])
@pytest.mark.parametrize("family", ["gaussian", "nps"])
def test_placebo_units_are_fits_of_other_assignments(family, options):
    rows = answers(panel(units=12, cohorts=(4, 5, 0)), family)
    rows = rows[~((rows["branch"] == 3) & (rows["month"] == 2))]
    options = options | {"compare": "cross_sections"}
    found = did(rows, cohort="cohort", family=family, draws=200, **KEYS, **options)
    design = Design.of(found.kind, found.panel, found.settings)
    rng = np.random.default_rng(5)
    starts = np.array([rng.permutation(found.panel.start) for _ in range(5)])
    for start, estimate in zip(starts, design.estimates(starts), strict=True):
        to = np.where(start < 7, start + 1, 0)
        again = did(
            rows.assign(cohort=to[rows["branch"]]), cohort="cohort", family=family, draws=200, **KEYS, **options
        )
        assert estimate == pytest.approx(again.effect["estimate"], abs=1e-9)


@pytest.mark.parametrize("kind", ["two_by_two", "event_study"])
def test_few_assignments_are_all_made(kind):
    frame = panel(units=9, cohorts=(4, 0, 0, 0, 0, 0, 0, 0, 0), effect=2)
    found = sensitivity(did(frame, cohort="cohort", kind=kind, **KEYS))
    table = found.tidy("placebo_unit").set_index("changed")
    assert table.index.tolist() == [str(u) for u in range(1, 9)]
    effects = []
    for unit in range(9):
        again = frame.assign(cohort=np.where(frame["branch"] == unit, 4, 0))
        effects.append(did(again, cohort="cohort", kind=kind, **KEYS).effect["estimate"])
        assert unit == 0 or table.loc[str(unit), "estimate"] == pytest.approx(effects[-1])
    assert found.placebo_p == pytest.approx(np.mean(np.abs(effects) >= abs(effects[0])))
    pair = frame.assign(cohort=np.where(frame["branch"] < 2, 4, 0))
    exact = sensitivity(did(pair, cohort="cohort", kind=kind, **KEYS))
    assert exact.summary()["placebos"] == 35
    design = Design.of(kind, did(pair, cohort="cohort", kind=kind, **KEYS).panel, {"clustered": True})
    every = np.array([np.where(np.isin(np.arange(9), c), 3, 7) for c in combinations(range(9), 2)])
    values = np.abs(design.estimates(every))
    assert exact.placebo_p == pytest.approx(np.mean(values >= values[0] - 1e-12))


def test_rows_as_observations_and_covariates_are_fitted_again(mpdta):
    rows = answers(panel(units=8, cohorts=(4, 0)), "bernoulli")
    found = did(rows, cohort="cohort", kind="two_by_two", family="bernoulli", cluster="none", **KEYS)
    checked = sensitivity(found, placebo_units=40)
    assert checked.summary()["placebos"] == 40
    assert 0 < checked.placebo_p <= 1
    again = did(
        rows[rows["branch"] != 2], cohort="cohort", kind="two_by_two", family="bernoulli", cluster="none", **KEYS
    )
    without = checked.tidy("leave_one_out").set_index("changed").loc["2"]
    assert without["estimate"] == pytest.approx(again.effect["estimate"])
    some = mpdta[mpdta["countyreal"].isin(mpdta["countyreal"].unique()[::5])]
    adjusted = did(some, covariates=["lpop"], draws=1000, **MPDTA)
    checked = sensitivity(adjusted, placebo_units=19)
    assert checked.honest.n_pre == 3
    cohort = checked.tidy("leave_one_out").iloc[0]
    left = did(some[some["first.treat"] != int(cohort["changed"])], covariates=["lpop"], **MPDTA).effect
    assert cohort["estimate"] == pytest.approx(left["estimate"])


def test_sceptical_priors(organ_donations):
    """Against quadrature; of gaussian rows against the Normal-inverse-gamma posterior."""
    for df in (4.3, 60.0, np.inf):
        flat = StudentT(0.7, 0.3, df)
        for sd in (0.05, 0.4, 3.0):
            found = with_normal_prior(flat, sd, 0.9)

            def density(x, df=df, sd=sd):
                return stats.t.pdf((x - 0.7) / 0.3, df) * stats.norm.pdf(x / sd)

            points = [0.0, 0.7]
            ends = (-10 * sd - 1, 10 * sd + 2)
            whole = integrate.quad(density, *ends, points=points, limit=400)[0]
            mean = integrate.quad(lambda x, f=density: x * f(x), *ends, points=points, limit=400)[0] / whole
            assert found[0] == pytest.approx(mean, abs=2e-5)
            for end, below in ((found[1], 0.05), (found[2], 0.95), (0.0, 1 - found[3])):
                mass = integrate.quad(density, ends[0], end, limit=400)[0] / whole
                assert mass == pytest.approx(below, abs=2e-4)
    rows = answers(panel(effect=0.5, cohorts=(4, 0)), "gaussian")
    found = did(rows, cohort="cohort", kind="two_by_two", cluster="none", **KEYS)
    table = sensitivity(found).tidy("prior")
    assert table["changed"].tolist() == [f"{c:g}" for c in PRIORS]
    for row in table.itertuples():
        again = refit(found, prior_scale=float(row.changed)).effect
        assert (row.estimate, row.ci_lower) == pytest.approx((again["estimate"], again["ci_lower"]))
    clustered = did(rows, cohort="cohort", **KEYS)
    table = sensitivity(clustered).tidy("prior")
    assert table["estimate"].abs().is_monotonic_increasing
    assert table["estimate"].iloc[-1] == pytest.approx(clustered.effect["estimate"], rel=0.15)


def test_slope_is_generalised_least_squares(mpdta):
    found = did(mpdta, base="universal", draws=60_000, cohort_weights="fixed", **MPDTA)
    path = event_path(found.kind, found.panel, found.settings)
    assert tuple(path.times) == found.event_times
    np.testing.assert_allclose(path.effects.estimate[:-1], found.tidy("dynamic")["estimate"])
    slope, gone_on = path.slope()
    joint = np.cov(np.column_stack([found.event_draws, found.draws]), rowvar=False)
    x, b = np.array([-3.0, -2, -1]), found.tidy("dynamic")["estimate"].to_numpy()[:3]
    root = np.linalg.inv(np.linalg.cholesky(joint[:3, :3]))
    by_hand = np.linalg.lstsq((root @ x)[:, None], root @ b, rcond=None)[0][0]
    assert slope.estimate == pytest.approx(by_hand, abs=5e-4)
    assert slope.scale == pytest.approx(1 / np.sqrt(x @ np.linalg.solve(joint[:3, :3], x)), rel=0.1)
    lags = found.tidy("att_gt").query("event_time >= 0")
    distance = (lags["n"] * (lags["event_time"] + 1)).sum() / lags["n"].sum()
    assert gone_on.estimate == pytest.approx(found.effect["estimate"] - distance * slope.estimate)
    np.testing.assert_allclose(path.target[3:] @ path.effects.estimate[3:-1], found.effect["estimate"])


@pytest.mark.parametrize("options", [{"base": "last"}, {"base": "all"}])
def test_a_trend_that_goes_on_is_taken_off(options):
    exact = panel(cohorts=(5, 0), effect=1.0, drift=0.25, seed=3)
    calm = panel(cohorts=(5, 0), seed=3)
    quiet = exact.assign(y=exact["y"] - calm["y"] + 0.01 * calm["y"])
    row = sensitivity(did(quiet, cohort="cohort", **KEYS, **options)).summary()
    assert row["slope"] == pytest.approx(0.25, abs=0.01)
    assert row["extrapolated"] == pytest.approx(1.0, abs=0.03)
    assert row["estimate"] > 1.4


def test_slope_and_effect_cover_under_parallel_trends():
    rng = np.random.default_rng(11)
    hits, times, size = 0, 400, (20, 8)
    frame = panel(units=20, periods=8, cohorts=(6, 0))
    for _ in range(times):
        frame["y"] = np.cumsum(rng.normal(size=size), axis=1).ravel()
        found = did(frame, cohort="cohort", draws=100, **KEYS)
        low, high = event_path("event_study", found.panel, found.settings).slope()[0].interval(0.9)
        hits += low < 0 < high
    assert abs(hits / times - 0.9) < 3 * np.sqrt(0.09 / times)


@pytest.mark.parametrize(("cohorts", "options"), [((5, 0), {}), ((4, 5, 0), {"base": "universal"})])
def test_sets_are_those_of_the_event_draws(cohorts, options):
    found = did(panel(units=60, cohorts=cohorts, effect=1.5), cohort="cohort", draws=20_000, **KEYS, **options)
    checked = sensitivity(found)
    times = np.array(found.event_times)
    before = int((times < -1).sum())
    weight = np.ones(len(times) - before)
    if len(cohorts) > 2:
        late = found.tidy("att_gt").query("event_time >= 0")
        weight = late.groupby("event_time")["n"].sum().to_numpy(dtype=float)
    for kind, mine in (("relative", checked.honest), ("smoothness", checked.smoothness)):
        again = honest(n_pre=before, draws=found.event_draws, kind=kind, target=weight / weight.sum())
        assert (mine.n_pre, mine.n_post) == (before, len(weight))
        assert mine.estimate == pytest.approx(found.effect["estimate"])
        assert mine.breakdown == pytest.approx(again.breakdown, rel=0.06)
        if kind == "relative":
            np.testing.assert_allclose(mine.curve["ci_lower"], again.curve["ci_lower"], atol=0.05)


def test_placebo_p_is_uniform_under_no_effect():
    rng = np.random.default_rng(12)
    frame, p = panel(units=16, periods=4, cohorts=(3, 0)), []
    for _ in range(200):
        frame["y"] = rng.standard_t(3, 64) + np.repeat(rng.normal(size=16), 4)
        found = did(frame, cohort="cohort", draws=100, **KEYS)
        p.append(sensitivity(found, placebo_units=99, leave_out=0).placebo_p)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.065)


def test_violated_trends_are_caught_and_a_true_effect_is_not():
    real = sensitivity(did(panel(units=60, periods=8, cohorts=(6, 0), effect=2.0), cohort="cohort", **KEYS))
    row = real.summary()
    assert row["breakdown"] > 1
    assert row["placebo_p"] == pytest.approx(1 / 201)
    assert row["loo_lower"] < row["estimate"] < row["loo_upper"]
    assert row["sceptical_prior"] <= 0.2
    assert not (real.diagnostics()["status"] == "fail").any()
    for cohorts in ((6, 0), (5, 6, 7, 0)):
        drift = sensitivity(
            did(panel(units=60, periods=8, cohorts=cohorts, drift=0.5, seed=1), cohort="cohort", **KEYS), leave_out=10
        )
        row = drift.summary()
        assert 0 < row["slope_lower"] < 0.5 < row["slope_upper"]
        assert row["extrapolated_lower"] < 0 < row["extrapolated_upper"]
        assert row["placebo_dates_nonzero"] > row["placebo_dates"] / 2
        status = drift.diagnostics().set_index("check")["status"]
        assert (status["slope_p"], status["placebo_dates"], status["extrapolated_share"]) == ("fail", "fail", "warn")
    assert sensitivity(did(panel(seed=4), cohort="cohort", **KEYS)).honest.breakdown == 0


def test_what_cannot_be_checked_is_missing(branches):
    short = sensitivity(did(branches(effect=2), treated="now", **KEYS))
    assert (short.honest, short.smoothness) == (None, None)
    assert short.tidy("pretrend_slope").empty
    assert short.tidy("placebo_time").empty
    assert np.isnan(short.summary()["slope"])
    two = branches(effect=2)
    arms = sensitivity(did(two[two["branch"].isin([0, 19])], treated="now", **KEYS))
    assert np.isnan(arms.placebo_p)
    assert arms.tidy("leave_one_out").empty
    single = panel(units=9, cohorts=(4, 0, 0, 0, 0, 0, 0, 0, 0), effect=2)
    blank = sensitivity(did(single, cohort="cohort", **KEYS)).tidy("leave_one_out").set_index("changed")
    assert np.isnan(blank.loc["0", "estimate"])
    assert blank.drop(index="0")["estimate"].notna().all()


def test_sampled_kinds_are_represented_by_a_closed_form():
    for cohorts, kind in (((4, 0), "event_study"), ((4, 5, 0), "staggered")):
        found = did(panel(cohorts=cohorts, effect=1), cohort="cohort", **KEYS)
        settings = {k: v for k, v in found.settings.items() if k not in ("control", "anticipation")} | {
            "prior_scale": 0.5
        }
        sampled = replace(found, kind="hierarchical", settings=settings, draws=found.draws * 0.9)
        sampled = replace(sampled, effect=found.effect | {"estimate": 0.9 * found.effect["estimate"]})
        checked, plain = sensitivity(sampled), sensitivity(found)
        assert checked.kind == kind
        pd.testing.assert_frame_equal(checked.table, plain.table)
        assert checked.effect["estimate"] == sampled.effect["estimate"]
        assert checked.effect["refitted"] == pytest.approx(found.effect["estimate"])
    rows = answers(panel(units=8, cohorts=(4, 0)), "gaussian")
    found = did(rows, cohort="cohort", kind="two_by_two", cluster="none", **KEYS)
    sampled = replace(found, settings=found.settings | {"inference": "nuts"})
    pd.testing.assert_frame_equal(sensitivity(sampled).table, sensitivity(found).table)


def test_scale_and_level(mpdta):
    one, thousand = (sensitivity(did(mpdta.assign(lemp=mpdta["lemp"] * s), **MPDTA)) for s in (1, 1000))
    slope = one.table["check"] != "none"
    np.testing.assert_allclose(one.table.loc[slope, "estimate"] * 1000, thousand.table["estimate"], rtol=1e-6)
    narrow = sensitivity(did(mpdta, **MPDTA), confidence=0.5)
    assert narrow.confidence == 0.5
    assert (narrow.tidy("prior")["ci_upper"] < one.tidy("prior")["ci_upper"]).all()
    assert narrow.effect["ci_upper"] < one.effect["ci_upper"]


def test_wrong_requests_are_refused(mpdta):
    found = did(mpdta, **MPDTA)
    with pytest.raises(ParamsError, match="leave_out is -1"):
        sensitivity(found, leave_out=-1)
    with pytest.raises(ParamsError, match="confidence is 95"):
        sensitivity(found, confidence=95)
    with pytest.raises(DataError, match="no check 'placebo'"):
        sensitivity(found).tidy("placebo")
    with pytest.raises(ModelError, match="Call did"):
        sensitivity(replace(found, panel=None))
    shown = sensitivity(found)
    assert "<table" in shown._repr_html_()
    assert "pretrend_slope" in shown._repr_markdown_()
    assert list(shown.table.columns[:2]) == ["check", "changed"]
