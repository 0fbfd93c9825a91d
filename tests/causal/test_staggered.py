"""Staggered adoption against R's did and staggered, and diff-diff 3.13.0."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.designs import did
from xmresearch.errors import InsufficientData, ParamsError

KEYS = {"outcome": "lemp", "unit": "countyreal", "time": "year", "cohort": "first.treat"}
PAIRS = [
    (2004, 2004), (2004, 2005), (2004, 2006), (2004, 2007), (2006, 2004), (2006, 2005), (2006, 2006), (2006, 2007),
    (2007, 2004), (2007, 2005), (2007, 2006), (2007, 2007),
]  # fmt: skip
NEVER = [
    -0.010503,
    -0.070423,
    -0.137259,
    -0.100811,
    0.00652,
    -0.002751,
    -0.004595,
    -0.041224,
    0.030507,
    -0.002726,
    -0.031087,
    -0.026054,
]
NOTYET = [
    -0.019372,
    -0.078319,
    -0.136274,
    -0.100811,
    -0.002563,
    -0.001939,
    0.004661,
    -0.041224,
    0.029759,
    -0.002411,
    -0.031087,
    -0.026054,
]
NEVER_SE = [
    0.023251,
    0.030985,
    0.036436,
    0.034359,
    0.023327,
    0.019559,
    0.017755,
    0.020229,
    0.015034,
    0.016396,
    0.017878,
    0.016655,
]
ROBUST = [
    -0.01453,
    -0.076422,
    -0.140448,
    -0.106904,
    -0.000465,
    -0.006199,
    0.000961,
    -0.041293,
    0.026728,
    -0.004576,
    -0.028447,
    -0.028781,
]
ROBUST_SE = [
    0.022129,
    0.028671,
    0.035378,
    0.032887,
    0.022225,
    0.018497,
    0.019401,
    0.019722,
    0.014066,
    0.015718,
    0.018181,
    0.016239,
]
REGRESSION = [
    -0.014911,
    -0.076996,
    -0.14108,
    -0.107544,
    -0.002066,
    -0.006968,
    0.000766,
    -0.041536,
    0.026366,
    -0.00476,
    -0.028502,
    -0.028789,
]


@pytest.fixture(scope="module")
def never(mpdta):
    return did(mpdta, control="never", draws=20_000, **KEYS)


def test_every_group_time_effect_is_that_of_did_and_diff_diff(mpdta, never):
    """diff-diff 3.13.0, CallawaySantAnna(control_group=...), equal to R's did vignette."""
    for found, expected in ((never, NEVER), (did(mpdta, **KEYS), NOTYET)):
        table = found.tidy("att_gt")
        assert list(zip(table["cohort"], table["time"], strict=True)) == PAIRS
        np.testing.assert_allclose(table["estimate"], expected, atol=1e-6)
    # with 20 counties, t and N - 1 make the posterior wider than the asymptotic standard error
    ratio = never.tidy("att_gt")["sd"] / NEVER_SE
    assert ratio.between(0.98, 1.1).all()


def test_aggregates_are_those_of_did(never):
    """R did vignette: simple -.0400 (.0120), group -.0310 (.0123), dynamic -.0772 (.0196); diff-diff 3.13.0 -.03995128."""
    overall = never.tidy("overall").set_index("measure")
    assert overall.loc["simple", "estimate"] == pytest.approx(-0.0399513, abs=1e-6)
    assert overall.loc["simple", "sd"] == pytest.approx(0.01203, rel=0.03)  # asymptotic; here N_g - 1
    assert overall.loc["group", "estimate"] == pytest.approx(-0.0310, abs=1e-4)
    assert overall.loc["group", "sd"] == pytest.approx(0.0123, rel=0.03)
    assert overall.loc["dynamic", "estimate"] == pytest.approx(-0.0772, abs=1e-4)
    assert overall.loc["calendar", "estimate"] == pytest.approx(-0.0417, abs=1e-4)
    np.testing.assert_allclose(never.tidy("group")["estimate"], [-0.079749, -0.02291, -0.026054], atol=1e-6)
    dynamic = [0.030507, -0.000563, -0.024459, -0.019932, -0.050957, -0.137259, -0.100811]
    np.testing.assert_allclose(never.tidy("dynamic")["estimate"], dynamic, atol=1e-6)
    assert never.effect["estimate"] == overall.loc["simple", "estimate"]


def test_twfe_is_fixests(never):
    """notes/causal.md: -.0365 (.0133)."""
    row = never.tidy("twfe").iloc[0]
    assert (round(row["estimate"], 4), round(row["sd"], 4)) == (-0.0365, 0.0133)


def test_covariates_are_adjusted_for_as_in_diff_diff(mpdta):
    """diff-diff 3.13.0, covariates=['lpop'], estimation_method 'dr' and 'reg', never treated."""
    for adjust, expected in (("dr", ROBUST), ("reg", REGRESSION)):
        found = did(mpdta, covariates=["lpop"], adjust=adjust, control="never", draws=8000, **KEYS)
        table = found.tidy("att_gt")
        np.testing.assert_allclose(table["estimate"], expected, atol=1e-5)
        if adjust == "dr":
            assert (table["sd"] / ROBUST_SE).between(0.97, 1.1).all()
            assert found.effect["estimate"] == pytest.approx(-0.0417515, abs=1e-5)


def test_police_training_is_staggereds(police):
    """R staggered, staggered_cs(estimand='simple') on pj_officer_level_balanced: -.005177, Neyman SE .003931."""
    found = did(
        police, outcome="complaints", unit="uid", time="period", cohort="first_trained", cohort_weights="fixed"
    )  # fmt: skip
    assert found.effect["estimate"] == pytest.approx(-0.005176818, abs=1e-8)
    assert found.effect["sd"] == pytest.approx(0.003930919, rel=0.02)
    assert "no_never" in [c.kind for c in found.concerns]


def test_universal_base_is_cumulative_and_anticipation_moves_it(mpdta):
    universal = did(mpdta, base="universal", control="never", **KEYS).tidy("att_gt")
    row = universal.query("cohort == 2007 and time == 2003")["estimate"].iloc[0]
    assert row == pytest.approx(-(0.030507 - 0.002726 - 0.031087), abs=1e-6)
    early = did(mpdta, anticipation=1, control="never", **KEYS).tidy("att_gt")
    last = early.query("cohort == 2007 and time == 2007")["estimate"].iloc[0]
    assert last == pytest.approx(-0.026054 - 0.031087, abs=2e-6)
    assert 2004 not in early["cohort"].to_numpy()


def test_rows_as_repeated_cross_sections(mpdta):
    """Unit means with their rows as weights are what cell means of the rows give."""
    rng = np.random.default_rng(0)
    copies = mpdta.loc[mpdta.index.repeat(rng.integers(1, 5, len(mpdta)))].reset_index(drop=True)
    found = did(copies, weight="rows", control="never", **KEYS).tidy("att_gt")
    mean = copies.groupby(["first.treat", "year"])["lemp"].mean()
    expected = mean[2006, 2007] - mean[2006, 2005] - mean[0, 2007] + mean[0, 2005]
    assert found.query("cohort == 2006 and time == 2007")["estimate"].iloc[0] == pytest.approx(expected)


def test_shrinkage_pulls_small_cohorts_in(mpdta):
    plain, shrunk = (did(mpdta, shrink=s, **KEYS).tidy("att_gt") for s in (False, True))
    after = plain["event_time"] >= 0
    first = plain["event_time"] == 0
    assert shrunk.loc[first, "estimate"].std() < plain.loc[first, "estimate"].std()
    assert shrunk.loc[after, "sd"].mean() < plain.loc[after, "sd"].mean()
    np.testing.assert_allclose(shrunk.loc[~after, "estimate"], plain.loc[~after, "estimate"])


def test_outcome_times_1000_has_the_same_standardised_posterior(mpdta):
    for options in ({}, {"shrink": True}):
        one, thousand = (did(mpdta.assign(lemp=mpdta["lemp"] * s), **KEYS, **options) for s in (1, 1000))
        np.testing.assert_allclose(
            one.draws / one.effect["outcome_sd"], thousand.draws / thousand.effect["outcome_sd"], rtol=1e-6
        )


def test_missing_periods_and_singletons_are_said(mpdta):
    holes = mpdta.drop(mpdta.index[::23])
    kinds = [c.kind for c in did(holes, **KEYS).concerns]
    assert "within_units" in kinds
    assert "missing_periods" in [c.kind for c in did(holes, compare="cross_sections", **KEYS).concerns]
    keep = mpdta["countyreal"].isin(mpdta.query("`first.treat` == 2004")["countyreal"].unique()[:1])
    single = did(mpdta[keep | (mpdta["first.treat"] != 2004)], **KEYS)
    assert "small_cohorts" in [c.kind for c in single.concerns]
    assert np.isfinite(single.table["sd"]).all()
    always = did(mpdta.assign(**{"first.treat": mpdta["first.treat"].replace(2004, 2003)}), **KEYS)
    assert always.concerns[0].facts == {"units": 20}
    late = did(mpdta.assign(**{"first.treat": mpdta["first.treat"].replace(2007, 2010)}), **KEYS)
    assert late.concerns[0].kind == "late_adopters"


def test_impossible_comparisons_are_one_clear_error(mpdta):
    treated = mpdta[mpdta["first.treat"] > 0]
    with pytest.raises(InsufficientData, match="No never-treated units are left.*control='notyet'"):
        did(treated, control="never", **KEYS)
    assert did(treated, **KEYS).facts["control_units"] == 131
    with pytest.raises(ParamsError, match="no control 'nevr'.*Did you mean 'never'"):
        did(mpdta, control="nevr", **KEYS)
    with pytest.raises(ParamsError, match="no aggregate 'mean'"):
        did(mpdta, overall="mean", **KEYS)
    with pytest.raises(ParamsError, match="no adjustment 'ipw'"):
        did(mpdta, covariates=["lpop"], adjust="ipw", **KEYS)
    with pytest.raises(ParamsError, match="no cohort_weights 'random'"):
        did(mpdta, cohort_weights="random", **KEYS)
    with pytest.raises(ParamsError, match="no base 'last'"):
        did(mpdta, base="last", **KEYS)


def test_one_period_text_months_and_order_of_rows_do_not_matter(mpdta):
    months = {y: f"2025-{y - 2000:02d}" for y in range(2003, 2008)}
    text = pd.DataFrame(
        {
            "lemp": mpdta["lemp"], "countyreal": mpdta["countyreal"].astype(str), "year": mpdta["year"].map(months),
            "first.treat": mpdta["first.treat"].map(months),
        }
    ).sample(frac=1, random_state=1)  # fmt: skip
    np.testing.assert_allclose(did(text, **KEYS).tidy("att_gt")["estimate"], NOTYET, atol=1e-6)
