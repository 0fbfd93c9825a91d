"""What data may hold besides what was meant: other dates, codes, units that come late, columns twice."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.causal.designs import did
from xmresearch.errors import DataError

KEYS = {"outcome": "satisfaction", "family": "ordinal", "unit": "branch", "time": "month", "draws": 400}
PANEL = {"outcome": "y", "unit": "u", "time": "t", "cohort": "g", "draws": 400}


def kinds(result):
    return {c.kind: c.facts for c in result.concerns}


@pytest.fixture(scope="module")
def answers():
    """Twenty branches over the months of 2024, eight of them changed in July by half a point."""
    rng = np.random.default_rng(3)
    branch, month = (a.ravel().repeat(25) for a in np.indices((20, 12)))
    mean = 3 + rng.normal(0, 0.2, 20)[branch] + 0.5 * ((branch < 8) & (month >= 6))
    return pd.DataFrame({
        "branch": branch, "month": [f"2024-{m + 1:02d}" for m in month], "kiosk": (branch < 8).astype(int),
        "satisfaction": np.clip(np.rint(rng.normal(mean, 0.8)), 1, 5).astype(int),
        "day": [f"2024-{m + 1:02d}-{d:02d}" for m, d in zip(month, rng.integers(1, 29, len(month)), strict=True)],
    })  # fmt: skip


@pytest.fixture(scope="module")
def right(answers):
    return did(answers, **KEYS, treated="kiosk", treated_from="2024-07").effect["estimate"]


@pytest.mark.parametrize(
    ("given", "concern"),
    [
        ("2024-07-01", "start_mapped"), ("2024-07-20", "start_within"), ("2024-Q3", "start_longer"),
        ("2024-07", None), (pd.Timestamp("2024-07-01"), "start_mapped"),
    ],
)  # fmt: skip
def test_a_start_of_another_form_is_converted_and_noted(answers, right, given, concern):
    every = {"start_mapped", "start_within", "start_longer"}
    rollout = answers.assign(rollout=answers["kiosk"].map({1: given, 0: None}))
    for found in (
        did(answers, **KEYS, treated="kiosk", treated_from=given), did(rollout, **KEYS, cohort="rollout"),
    ):  # fmt: skip
        assert found.effect["estimate"] == pytest.approx(right)
        assert set(kinds(found)) & every == ({concern} if concern else set())
        if concern:
            assert kinds(found)[concern]["taken"] == "2024-07"


def test_dates_of_answers_are_put_into_months(answers, right):
    daily = did(answers, **(KEYS | {"time": "day"}), treated="kiosk", treated_from="2024-07-01")
    assert daily.effect["estimate"] == pytest.approx(right)
    assert kinds(daily)["dates_grouped"] == {
        "column": "day", "periods": 12, "first": "2024-01", "last": "2024-12",
    }  # fmt: skip
    asked = did(answers, **(KEYS | {"time": "day"}), period="quarter", treated="kiosk", treated_from="2024-07-01")
    assert asked.facts["periods"] == 4
    assert "dates_grouped" not in kinds(asked)
    now = answers.assign(now=answers["kiosk"] * (answers["day"] >= "2024-07-11"))
    status = did(now, **(KEYS | {"time": "day"}), treated="now")
    assert status.effect["estimate"] == pytest.approx(right)
    assert kinds(status)["treated_within"] == {"units": 8}


def test_codes_for_no_answer_are_asked_about_and_left_out(answers, right):
    some = answers.index % 50 == 7
    coded = answers.assign(satisfaction=answers["satisfaction"].mask(some, 99))
    keys = KEYS | {"treated": "kiosk", "treated_from": "2024-07"}
    for family in ("ordinal", "gaussian", "count"):
        with pytest.raises(DataError, match=r"holds 99, far from its other values.*missing_codes: \[99\]"):
            did(coded, **(keys | {"family": family}))
    with pytest.raises(DataError, match=rf"outside its levels \(1 to 5\) in {some.sum()} row\(s\): 99"):
        did(coded, **keys, levels=[1, 5])
    blank = answers.assign(satisfaction=answers["satisfaction"].where(~some))
    found = did(coded, **keys, missing_codes=[99])
    assert found.effect["estimate"] == did(blank, **keys).effect["estimate"]
    assert kinds(found)["coded_rows"] == {"rows": some.sum()}
    assert "blank_rows" not in kinds(found)


def test_nps_and_its_mean_do_not_take_codes():
    rng = np.random.default_rng(0)
    u, t = (a.ravel().repeat(20) for a in np.indices((8, 4)))
    frame = pd.DataFrame({"u": u, "t": t + 1, "g": np.where(u < 4, 3, 0), "y": rng.integers(0, 11, len(u))})
    frame.loc[::17, "y"] = 99
    with pytest.raises(DataError, match=r"holds 99"):
        did(frame, **PANEL, family="nps")
    with pytest.raises(DataError, match=r"holds 99"):
        did(frame, **PANEL)
    assert did(frame, **PANEL, family="nps", missing_codes=[99]).panel.categories.tolist() == list(range(11))


def test_the_top_box_is_the_top_of_the_declared_levels(answers):
    low = answers[answers["satisfaction"] < 5]
    keys = KEYS | {"treated": "kiosk", "treated_from": "2024-07", "kind": "two_by_two"}
    top = {
        name: did(low, **keys, levels=levels).tidy("overall").set_index("measure").loc["top_box", "estimate"]
        for name, levels in {"seen": (), "declared": (1, 5)}.items()
    }
    assert top["declared"] == 0
    assert top["seen"] > 0.01
    with pytest.raises(DataError, match=r"holds 1, 2, 3, 5: there is a gap.*levels: \[1, 5\]"):
        did(answers[answers["satisfaction"] != 4], **keys)
    assert did(answers[answers["satisfaction"] != 4], **keys, levels=[1, 5]).panel.counts.shape[2] == 5


def panel(seed=0):
    rng = np.random.default_rng(seed)
    u, t = (a.ravel() for a in np.indices((40, 8)))
    g = np.where(u < 12, 5, np.where(u < 24, 7, 0))
    on = (t + 1 >= g) & (g > 0)
    return pd.DataFrame({"u": u, "t": t + 1, "g": g, "d": on.astype(int), "y": rng.normal(u % 5 + on, 0.3)})


def test_units_that_enter_treated_are_set_aside_and_counted():
    frame = panel()
    rng = np.random.default_rng(1)
    late = pd.DataFrame({"u": np.repeat(np.arange(90, 96), 4), "t": np.tile([5, 6, 7, 8], 6), "g": 3, "d": 1})
    both = pd.concat([frame, late.assign(y=rng.normal(9, 0.3, 24) + late["t"])], ignore_index=True)
    keys = {k: v for k, v in PANEL.items() if k != "cohort"} | {"treated": "d"}
    found, alone = did(both, **keys), did(frame, **keys)
    assert found.effect["estimate"] == alone.effect["estimate"]
    assert found.effect["estimate"] == pytest.approx(1, abs=0.15)
    assert kinds(found)["late_entrants"] == {"units": 6}
    assert "late_entrants" not in kinds(alone)


def test_the_cases_give_their_right_values(did_case):
    cases = {
        "from_day": {"treated": "D", "treated_from": "2024-07-01"}, "cohort_quarter": {"cohort": "rollout"},
        "daily": {"cohort": "rollout"}, "code99": {"cohort": "rollout", "missing_codes": [99]},
    }  # fmt: skip
    for name, settings in cases.items():
        found = did(did_case(name), **KEYS, **settings)
        assert found.facts["adoption"] == ["2024-07"], name
        assert found.facts["periods"] == 12, name
        assert found.effect["estimate"] == pytest.approx(0.52, abs=0.005), name
    with pytest.raises(DataError, match="holds 99"):
        did(did_case("code99"), **KEYS, cohort="rollout")
    late = did(did_case("late_entrants"), outcome="y", unit="u", time="t", treated="d", draws=400)
    assert late.tidy("group").set_index("cohort").loc[5, "estimate"] == pytest.approx(0.94, abs=0.005)
    assert kinds(late)["late_entrants"] == {"units": 10}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda f: f["u"] * 1.0, "is the same in all periods of a unit, so a change cannot have moved it"),
        (lambda f: f["t"] * 1.0, "is the same for all units of a period, so a change cannot have moved it"),
        (lambda f: f["y"].mask(f["u"] == 1, np.inf), r"'y' is infinite in 8 row\(s\)"),
        (lambda f: [str(v) if k % 2 else v for k, v in enumerate(f["y"])], "'y' holds values of several types"),
    ],
)
def test_outcomes_that_cannot_be_analysed_are_refused(values, message):
    for kind in ("staggered", "auto"):
        with pytest.raises(DataError, match=message):
            did(panel().assign(y=values), **PANEL, kind=kind)


def test_an_outcome_without_noise_is_no_error():
    """Unit and period effects alone leave two-way fixed effects without residuals."""
    found = did(panel().assign(y=lambda f: f["u"] + f["t"] * 1.0), **PANEL)
    assert found.effect["estimate"] == pytest.approx(0, abs=1e-12)


def test_columns_twice_and_units_of_mixed_types_are_refused():
    frame = panel()
    with pytest.raises(DataError, match="column 'y' more than once"):
        did(pd.concat([frame, frame["y"]], axis=1), **PANEL)
    with pytest.raises(DataError, match="Column 'u' holds values of several types: int, str"):
        did(frame.assign(u=[f"b{u}" if u % 2 else u for u in frame["u"]]), **PANEL)


@pytest.mark.parametrize("zones", [("Asia/Shanghai", None), (None, "UTC"), ("Asia/Shanghai", "Asia/Shanghai")])
def test_times_with_and_without_a_zone_go_together(zones):
    days = pd.Series(pd.date_range("2024-01-01", periods=8, freq="MS"))
    frame = panel()
    time, cohort = days.loc[frame["t"] - 1], days.reindex(frame["g"] - 1)
    zoned = [s.reset_index(drop=True).dt.tz_localize(z) for s, z in zip((time, cohort), zones, strict=True)]
    found = did(frame.assign(t=zoned[0], g=zoned[1]), **PANEL)
    assert found.effect["estimate"] == pytest.approx(did(frame, **PANEL).effect["estimate"])
    keys = {k: v for k, v in PANEL.items() if k != "cohort"} | {"treated": "e"}
    ever = frame[frame["g"] != 7].assign(t=zoned[0], e=lambda f: (f["g"] > 0).astype(int))
    start = pd.Timestamp("2024-05-01", tz=zones[1])
    assert did(ever, **keys, treated_from=start).facts["adoption"] == [pd.Timestamp("2024-05-01")]
