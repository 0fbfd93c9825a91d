"""Units that lack periods: changes of the same units, complete units, means of those present."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from leaving_units import KEYS, PERIODS, rows
from study_words import wording

from xmresearch.causal.designs import did, prepare
from xmresearch.causal.event_study import event_study
from xmresearch.causal.pretrend import event_path
from xmresearch.causal.robustness import sensitivity
from xmresearch.causal.staggered import staggered
from xmresearch.causal.two_by_two import two_by_two
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.studies.did.evidence import raw_means
from xmresearch.studies.did.overview import design, layout
from xmresearch.studies.did.publishing import published

REPLICATIONS = 40


def dummies(frame: pd.DataFrame, turned: list[np.ndarray]) -> np.ndarray:
    """Coefficients of least squares on these columns, a dummy per unit and one per period."""
    u, t = (pd.get_dummies(frame[c]).to_numpy(float) for c in ("u", "t"))
    return np.linalg.lstsq(np.column_stack([*turned, u, t[:, 1:]]), frame["y"].to_numpy(), rcond=None)[0][: len(turned)]


@pytest.mark.parametrize("kind", [event_study, two_by_two, staggered])
@pytest.mark.parametrize("options", [{}, {"weight": "units"}])
def test_within_is_what_means_give_where_every_unit_is_seen(kind, options):
    panel = prepare(rows(1, leave=False), **KEYS).panel
    options = options | ({"cohort_weights": "fixed"} if kind is staggered else {})
    means, changes = (kind(panel, within=w, draws=40_000, **options) for w in (False, True))
    np.testing.assert_allclose(means.table["estimate"], changes.table["estimate"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(means.table["sd"], changes.table["sd"], rtol=0.025, atol=1e-12)
    assert means.facts["df"] == pytest.approx(changes.facts["df"])
    if np.isfinite(means.facts["pretrend_p"]):
        assert means.facts["pretrend_p"] == pytest.approx(changes.facts["pretrend_p"])


def test_complete_panels_are_analysed_as_ever():
    frame = rows(2, "staggered", leave=False)
    given = [did(frame, compare=c, **KEYS) for c in ("auto", "within", "balanced", "cross_sections")]
    plain = staggered(prepare(frame, **KEYS).panel, control="notyet")
    for found in given:
        np.testing.assert_allclose(found.draws, plain.draws, rtol=0, atol=1e-12)
        assert (found.facts["compared"], found.facts["compared_why"]) == ("balanced", "complete")
        assert "composition_p" not in found.facts


def test_two_by_two_within_is_least_squares_on_dummies():
    frame = rows(3, gaps=0.2)
    on = ((frame["g"] > 0) & (frame["t"] >= 5)).to_numpy(float)
    assert did(frame, kind="two_by_two", **KEYS).effect["estimate"] == pytest.approx(dummies(frame, [on])[0], abs=1e-8)
    found = did(frame, base="all", **KEYS)
    each = [((frame["g"] > 0) & (frame["t"] == t)).to_numpy(float) for t in range(5, PERIODS + 1)]
    assert found.kind == "event_study"
    assert found.effect["estimate"] == pytest.approx(dummies(frame, each).mean(), abs=1e-8)


def test_each_effect_is_over_units_seen_in_both_periods():
    frame = rows(4, gaps=0.2)
    wide = frame.pivot(index="u", columns="t", values="y")
    treated = frame.groupby("u")["g"].first() > 0
    change = wide.sub(wide[4], axis=0)
    by_hand = change[treated].mean() - change[~treated].mean()
    one = did(frame, **KEYS)
    several = did(frame, kind="staggered", base="universal", **KEYS)
    np.testing.assert_allclose(one.tidy("dynamic")["estimate"], by_hand, atol=1e-12)
    np.testing.assert_allclose(several.tidy("att_gt")["estimate"], by_hand.drop(4), atol=1e-12)
    assert one.effect["estimate"] == pytest.approx(by_hand[[5, 6, 7, 8]].mean())


def test_within_equals_covariates_that_say_nothing_of_the_change():
    frame = rows(5, "staggered", gaps=0.1)
    arms = frame.assign(x=np.where(frame["u"] % 2, 1.0, -1.0))
    within, adjusted = did(frame, **KEYS), did(arms, covariates=["x"], adjust="reg", **KEYS)
    assert adjusted.facts["compared_why"] == "covariates"
    assert within.effect["estimate"] == pytest.approx(adjusted.effect["estimate"], abs=0.1)
    assert within.effect["sd"] == pytest.approx(adjusted.effect["sd"], rel=0.15)


@pytest.mark.parametrize("kind", ["two_by_two", "event_study", "staggered"])
def test_dropout_by_level_does_not_bias_changes_of_the_same_units(kind):
    found = [
        [did(rows(s, kind), kind=kind, compare=c, draws=400, **KEYS) for s in range(REPLICATIONS)]
        for c in ("auto", "cross_sections")
    ]
    within, present = (np.array([r.effect["estimate"] for r in each]) for each in found)
    noise = within.std(ddof=1) / np.sqrt(REPLICATIONS)
    assert {r.facts["compared"] for r in found[0]} == {"within"}
    assert abs(within.mean() - 1) < 3 * noise
    assert present.mean() < 1 - 4 * noise
    assert np.mean([r.effect["ci_lower"] <= 1 <= r.effect["ci_upper"] for r in found[0]]) >= 0.85
    assert np.mean([r.facts["composition_p"] for r in found[0]]) < 0.4


def test_difference_is_said_in_diagnostics_and_concerns_in_both_languages():
    frame = rows(0)
    for compare, kind, status in (
        ("auto", "composition_same", "warn"), ("balanced", "composition_complete", "warn"),
        ("cross_sections", "composition_present", "fail"),
    ):  # fmt: skip
        found = did(frame, compare=compare, **KEYS)
        row = found.diagnostics().set_index("check").loc["composition_p"]
        assert row["status"] == status
        concern = next(c for c in found.concerns if c.kind == kind)
        assert concern.facts["present"] == pytest.approx(
            did(frame, compare="cross_sections", **KEYS).effect["estimate"]
        )
        assert concern.facts["same"] == pytest.approx(did(frame, **KEYS).effect["estimate"])
        for lang in ("en", "zh"):
            words = wording("did", lang)
            assert all("{" not in words.text("concerns", c.kind, c.facts) for c in found.concerns)
            facts = layout(found, "u")
            assert facts is not None
            assert "{" not in words.text("texts", "layout", facts)
            assert all(words.name(check) != check for check in found.diagnostics()["check"])


def test_gaps_at_random_are_no_difference():
    p = [did(rows(s, leave=False, gaps=0.1), draws=100, **KEYS).facts["composition_p"] for s in range(60)]
    assert np.mean(np.array(p) < 0.05) < 0.15
    assert np.median(p) > 0.25


def test_design_decides_what_is_compared():
    panel = rows(6, gaps=0.1)
    people = panel.assign(u=np.arange(len(panel)))
    case = did(people, **KEYS).facts
    assert (case["compared"], case["compared_why"]) == ("cross_sections", "once")
    assert did(panel, weight="rows", **KEYS).facts["compared_why"] == "rows"
    assert did(panel, kind="two_by_two", cluster="none", **KEYS).facts["compared_why"] == "rows"
    once = panel[(panel["t"] < 5) == (panel["u"] % 2 == 0)]
    assert did(once, **KEYS).facts["compared_why"] == "unpaired"
    with pytest.raises(InsufficientData, match="no unit that is seen both"):
        did(once, compare="within", **KEYS)
    with pytest.raises(ParamsError, match="compare is 'withn'"):
        did(panel, compare="withn", **KEYS)
    with pytest.raises(ParamsError, match="Rows are the observations"):
        did(panel, kind="two_by_two", cluster="none", compare="within", **KEYS)
    with pytest.raises(ParamsError, match="unit effects in any case"):
        did(panel, kind="hierarchical", compare="cross_sections", **KEYS)
    with pytest.raises(DataError, match="needs complete units.*compare='balanced'"):
        prepare(panel, kind="synthetic_control", **KEYS)
    with pytest.raises(InsufficientData, match="No treated unit is seen in every period"):
        did(panel[(panel["g"] == 0) | (panel["t"] != 1 + panel["u"] % 8)], compare="balanced", **KEYS)


def test_lone_units_of_a_cohort_borrow_their_spread():
    frame = rows(7, "staggered", gaps=0.15)
    lone = frame[~frame["u"].isin(range(1, 10))]
    table = did(lone, **KEYS).tidy("att_gt")
    usual = did(frame[~frame["u"].isin(range(4, 10))], **KEYS).tidy("att_gt")
    own = table[table["cohort"] == 4]["sd"].mean()
    assert own > 1.2 * usual[usual["cohort"] == 4]["sd"].mean()
    assert own > 1.5 * table[table["cohort"] == 5]["sd"].mean()


def test_checks_and_figures_follow_the_changes_of_the_same_units():
    for kind in ("event_study", "staggered"):
        found = did(rows(8, kind), kind=kind, draws=1000, **KEYS)
        path = event_path(kind, found.panel, found.settings)
        assert path is not None
        late = found.tidy("dynamic")["event_time"] == 0
        at = path.effects.estimate[:-1][path.times == 0][0]
        assert at == pytest.approx(found.tidy("dynamic")["estimate"][late].iloc[0])
        assert path.effects.estimate[-1] == pytest.approx(found.effect["estimate"])
        tried = sensitivity(found, placebo_units=19, seed=1)
        assert tried.honest is not None
        left_out = tried.tidy().query("check == 'leave_one_out'")["estimate"]
        assert abs(left_out.median() - found.effect["estimate"]) < found.effect["sd"]
    found = did(rows(8), **KEYS)
    means = raw_means(published(found, min_cell=0)).pivot(index="position", columns="series", values="mean")
    effects = found.tidy("dynamic")["estimate"].to_numpy()[4:]
    np.testing.assert_allclose((means["treated"] - means["counterfactual"]).to_numpy()[4:], effects)
    assert design(found, "u")["path"] == "effects"


def test_attrition_case():
    """Two-way fixed effects 1.12, balanced panel 1.21, truth 1; means of those present gave .44."""
    shared = os.environ.get("XMRESEARCH_DATA")
    path = Path(shared or ".").parent / "cases/did/attrition.csv"
    if shared is None or not path.exists():
        pytest.skip("needs ../cases/did/attrition.csv beside XMRESEARCH_DATA")
    frame = pd.read_csv(path)
    found = did(frame, **KEYS)
    assert found.facts["compared"] == "within"
    assert found.effect["estimate"] == pytest.approx(1.2142, abs=5e-5)
    assert found.effect["ci_lower"] < 1 < found.effect["ci_upper"]
    assert did(frame, compare="balanced", **KEYS).effect["estimate"] == pytest.approx(1.2142, abs=5e-5)
    on = ((frame["g"] == 5) & (frame["t"] >= 5)).to_numpy(float)
    for options in ({"kind": "two_by_two"}, {"base": "all"}):
        estimate = did(frame, **options, **KEYS).effect["estimate"]
        assert estimate == pytest.approx(dummies(frame, [on])[0], abs=1e-9)
        assert estimate == pytest.approx(1.1186, abs=5e-5)
    assert did(frame, compare="cross_sections", **KEYS).effect["estimate"] == pytest.approx(0.4417, abs=5e-5)
