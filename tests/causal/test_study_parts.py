"""What the study's report takes from results: what may be shown, the answer, its grounds, and planted effects."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.designs import did
from xmresearch.causal.robustness import sensitivity
from xmresearch.data.config import RolloutSource
from xmresearch.data.panel import load_panel
from xmresearch.errors import InsufficientData
from xmresearch.studies.did.claims import by_cohort, changed, pays, worth_of
from xmresearch.studies.did.evidence import by_period, decomposition, densities, doubts, grounds, raw_means
from xmresearch.studies.did.overview import concerns, decimals, design, did_all, outcomes_table
from xmresearch.studies.did.planted import aggregates, planted_overall, with_planted
from xmresearch.studies.did.publishing import published
from xmresearch.sufficient.periods import written

KEYS = {"outcome": "satisfaction", "unit": "branch", "time": "month", "cohort": "rollout", "family": "ordinal"}


@pytest.fixture(scope="module")
def city():
    return load_panel(RolloutSource(n=20_000, seed=5))


@pytest.fixture(scope="module")
def found(city):
    return did(city.rows, smallest=0.1, **KEYS)


def test_planted_effects_are_averaged_as_the_estimates_are(city, found):
    """With the estimates put in place of the truth, averaging them gives the aggregates of the result itself."""
    att = found.tidy("att_gt")
    after = att[att["event_time"] >= 0]
    pairs = pd.DataFrame({
        "cohort": after["cohort"], "time": after["time"], "event_time": after["event_time"], "truth": after["estimate"],
        "units": after["n"],
    })  # fmt: skip
    own = found.tidy("overall").set_index("measure")["estimate"]
    for name, value in aggregates(pairs).items():
        assert value == pytest.approx(own[name]), name
    shown = published(found)
    units = pairs.loc[pairs.index.repeat(pairs["units"])].assign(outcome="satisfaction", measure="mean")
    units["unit"] = units.groupby(["cohort", "time"]).cumcount().astype(str) + units["cohort"]
    for level in ("overall", "group", "dynamic", "att_gt"):
        table = with_planted(shown, level, units)
        late = table["event_time"].fillna(0) >= 0
        np.testing.assert_allclose(table.loc[late, "truth"], table.loc[late, "estimate"])
        assert (table.loc[~late, "truth"] == 0).all()
        assert table.loc[late, "covered"].all()
    assert np.isnan(planted_overall(found, "simple", None))


def test_a_fall_is_a_gain_where_less_is_better(found):
    more, less = changed(found, 1.0, 0.1), changed(found, -1.0, 0.1)
    assert (more.case, less.case) == ("larger", "smaller")
    assert more.facts["p_gain"] == less.facts["p_loss"]
    assert more.facts["effect"] == less.facts["effect"] == found.effect["estimate"]
    assert (more.lower, more.upper) == (-less.upper, -less.lower)
    assert pays(found, 1.0, 0.0, more).case == "act"
    assert pays(found, -1.0, 0.0, less).case == "wait"
    assert pays(found, 1.0, found.effect["estimate"], more).case == "unsettled"


def test_worth_is_the_effect_times_people_and_value(found):
    class Given:
        per_point, people, currency = 2.0, 1000, "CNY"

    worth = worth_of(found, 1.0, 0.1, Given).facts
    assert worth["worth"] == pytest.approx(2000 * found.effect["estimate"], rel=0.05)
    assert worth["worth_lower"] < worth["worth"] < worth["worth_upper"]
    lower = worth_of(found, -1.0, 0.1, Given)
    assert lower.facts["worth"] == -worth["worth"]
    assert lower.case == "smaller"


@pytest.mark.parametrize(("sd", "shown"), [(0.0039, 4), (7456.0, 0), (0.11, 2), (6.3, 1), (0.0, 2), (1e-9, 6)])
def test_decimals_show_two_figures_of_the_standard_deviation(sd, shown):
    assert decimals(sd) == shown


def test_raw_means_and_the_counterfactual(city, found):
    means = raw_means(published(found))
    wide = by_period(means)
    assert wide["time"].tolist() == sorted(city.rows["month"].unique())
    ever = city.rows[city.rows["rollout"].notna()]
    by_branch = ever.groupby(["branch", "month"])["satisfaction"].mean().groupby("month").mean()
    np.testing.assert_allclose(wide["treated"], by_branch)
    # the gap between observed and counterfactual, over months and weighted by cohorts with machines, is the simple effect
    gap = (wide["treated"] - wide["counterfactual"]).iloc[6:]
    started = np.array([(ever.groupby("branch")["rollout"].first() <= m).sum() for m in wide["time"].iloc[6:]])
    assert gap.sum() * 18 / started.sum() == pytest.approx(found.effect["estimate"])
    assert wide["counterfactual"].iloc[:5].isna().all()


def test_parallel_counterfactual_of_one_date(branches):
    study = did(branches(periods=6), outcome="y", unit="branch", time="month", treated="now")
    wide = by_period(raw_means(published(study)))
    dynamic = study.tidy("dynamic")["estimate"].to_numpy()
    np.testing.assert_allclose((wide["treated"] - wide["counterfactual"])[2:], dynamic[2:], atol=1e-12)


def test_small_cells_are_never_shown(city, found):
    everything = published(found, min_cell=0)
    assert everything.summary()["case"] == "public"
    assert published(found).summary()["case"] == "nothing"
    rows = city.rows
    first = rows.groupby("rollout")["branch"].unique()["2024-07"]
    thin = rows.drop(
        rows[rows["branch"].isin(first)].groupby(["branch", "month"]).cumcount().loc[lambda k: k > 0].index
    )
    few = did(thin, **KEYS)
    shown = published(few)
    # one cohort alone would follow from the aggregates, so a second one goes with it
    assert len(shown.hidden_cohorts) == 2
    assert "2024-07" in shown.hidden_cohorts
    for level in ("group", "att_gt"):
        assert not set(shown.effects(level)["cohort"]) & shown.hidden_cohorts
    assert not set(shown.adoption()["cohort"]) & shown.hidden_cohorts
    assert shown.effects("dynamic")["event_time"].max() < few.tidy("dynamic")["event_time"].max()
    assert shown.hidden_units == frozenset(first)
    doubt = doubts(sensitivity(few, placebo_units=20), shown)
    assert not set(doubt["changed"]) & (shown.hidden_units | shown.hidden_cohorts)
    with pytest.raises(InsufficientData, match=r"fewer than 100000 are never published.*rows_are: aggregates"):
        published(found, min_cell=100_000)


def test_people_are_never_shown(found):
    shown = published(found, people=True)
    assert len(shown.hidden_units) == 24
    assert shown.summary()["case"] == "people"
    doubt = doubts(sensitivity(found, placebo_units=20), shown)
    assert not set(doubt["changed"]) & set(found.panel.units)


def test_design_says_why(found, branches):
    plan = design(found, "branch")
    assert (plan["case"], plan["shape"], plan["path"], plan["noun"]) == ("dates", "many", "effects", "branch")
    keys = {"outcome": "y", "unit": "branch", "time": "month", "treated": "now"}
    frame = branches(periods=4)
    cases = {
        "one_date": {}, "asked": {"kind": "event_study"}, "unclustered": {"cluster": "none"},
    }  # fmt: skip
    for case, options in cases.items():
        assert design(did(frame, **keys, **options), "branch")["case"] == case
    assert design(did(branches(), **keys), "branch")["case"] == "two_periods"
    single = frame[frame["branch"].isin([0, 19])]
    assert design(did(single, **keys), "branch")["case"] == "one_unit"
    gap = frame[~((frame["treated"] == 0) & (frame["month"] == 1))]
    assert design(did(gap, **keys), "branch")["case"] == "gaps"
    assert [c.kind for _, c in concerns(found, None, found)] == [c.kind for c in found.concerns]


def test_outcomes_cohorts_and_grounds(city, found):
    further = did_all(city.rows, {"recommend": {"family": "nps"}}, **KEYS, smallest=0.1)
    table = outcomes_table(found, None, further, city.truth)
    assert table["measure"].tolist() == ["mean", "nps"]
    assert table["truth"].between(table["ci_lower"], table["ci_upper"]).all()
    assert "truth" not in outcomes_table(found, None, {})
    group = published(found).effects("group")
    more, less = by_cohort(group, 1.0, found).facts, by_cohort(group, -1.0, found).facts
    assert (more["shown"], more["lost"]) == (less["lost"], less["shown"])
    ground = grounds(sensitivity(found, placebo_units=60))
    assert ground["placebo"]["placebos"] > 0
    assert ground["leave_one_out"]["case"] == "unit"
    assert densities(found) is None


def test_decomposition_adds_up_and_needs_a_balanced_panel(city, found):
    mixed = decomposition(found)
    assert mixed.types["weight"] @ mixed.types["estimate"] == pytest.approx(found.tidy("twfe")["estimate"].iloc[0])
    gap = city.rows[~((city.rows["branch"] == "airport") & (city.rows["month"] == "2024-03"))]
    assert decomposition(did(gap, **KEYS)) is None


def test_labels_of_periods():
    assert [written(v) for v in (2004.0, 2004, "2025-03", pd.Timestamp("2025-03-01"), np.int64(7))] == [
        "2004", "2004", "2025-03", "2025-03-01", "7",
    ]  # fmt: skip
