"""Cut-offs of the profile: a file on either side of each is taken for another thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.formats.table import Table
from xmresearch.data.profile.file_profile import profile_file
from xmresearch.data.profile.pairing import find_pairing
from xmresearch.studies.questionnaire import match_instrument
from xmresearch.studies.sem.drafting import propose

RNG = np.random.default_rng(11)


def profiled(**columns):
    return profile_file(Table(pd.DataFrame(columns), "csv", "test"))


def kind(values, name="x"):
    return profiled(**{name: values}).columns[name].kind.what


def answers(n, low=1, high=5):
    return RNG.integers(low, high + 1, n)


@pytest.mark.parametrize(("levels", "what"), [(11, "rating"), (12, "number")])
def test_an_item_has_eleven_answers_at_most(levels, what):
    assert kind(np.tile(np.arange(levels), 20)) == what


@pytest.mark.parametrize(("levels", "what"), [(40, "choice"), (41, "text")])
def test_more_than_forty_different_texts_are_no_groups(levels, what):
    assert kind([f"group {chr(65 + k // 7)}{chr(97 + k % 7)}" for k in range(levels)] * 8) == what


@pytest.mark.parametrize(("levels", "what"), [(40, "choice"), (41, "number")])
def test_more_than_forty_codes_are_numbers(levels, what):
    assert kind(np.tile(100 + 3 * np.arange(levels), 8)) == what


@pytest.mark.parametrize(("given", "used"), [(10, True), (9, False)])
def test_an_item_needs_ten_answers(given, used):
    few = np.where(np.arange(60) < given, answers(60), np.nan)
    found = profiled(Q1_1=answers(60), Q1_2=answers(60), Q1_3=few).items
    assert any("Q1_3" in b.columns for b in found.batteries) == used
    assert used or found.left["Q1_3"].startswith("9 answers")


@pytest.mark.parametrize(("rows", "paired"), [(3, True), (2, False)])
def test_two_rows_asked_twice_are_no_pairs(rows, paired):
    columns = {f"expected_{k}": answers(80) for k in range(1, rows + 1)}
    columns |= {f"perceived_{k}": answers(80) for k in range(1, rows + 1)}
    assert (find_pairing(profiled(**columns).items.batteries) is not None) == paired


@pytest.mark.parametrize(("rows", "sure"), [(10, True), (9, False)])
def test_ten_rows_under_both_letters_are_no_chance(rows, sure):
    columns = {f"{letter}{k}": answers(80) for letter in "ep" for k in range(1, rows + 1)}
    assert profiled(**columns).pairing.ground.sure == sure


def log(cases, events, touches=4):
    """Rows of events with the columns that their names tell."""
    k = np.arange(events)
    return {
        "customer_id": k % cases + 1000,
        "timestamp": pd.date_range("2025-01-01", periods=events, freq="min").astype(str),
        "touchpoint": [f"step {j % touches:03d}" for j in k],
    }


@pytest.mark.parametrize(("cases", "found"), [(500, True), (501, False)])
def test_cases_have_more_than_one_event_on_average(cases, found):
    assert (profiled(**log(cases, 600)).log is not None) == found


@pytest.mark.parametrize(("touches", "found"), [(200, True), (201, False)])
def test_a_log_has_two_hundred_touchpoints_at_most(touches, found):
    assert (profiled(**log(200, 804, touches)).log is not None) == found


@pytest.mark.parametrize(("parted", "found"), [(30, True), (29, False)])
def test_three_in_ten_paths_have_more_than_one_step(parted, found):
    paths = ["web > phone"] * parted + ["web"] * (100 - parted)
    assert (profiled(path=paths, conversions=answers(100, 0, 9)).paths is not None) == found


def panel(units, periods):
    unit, time = np.repeat(np.arange(units), periods), np.tile(np.arange(1, periods + 1), units)
    cohort = np.where(unit < units // 2, periods // 2 + 1, 0)
    return {"branch": unit, "period": time, "first_treated": cohort, "score": RNG.normal(size=len(unit))}


@pytest.mark.parametrize(("units", "found"), [(4, True), (3, False)])
def test_a_panel_has_four_units_at_least(units, found):
    assert (profiled(**panel(units, 12)).panel is not None) == found


@pytest.mark.parametrize(("periods", "found"), [(400, True), (401, False)])
def test_a_panel_has_four_hundred_periods_at_most(periods, found):
    assert (profiled(**panel(6, periods)).panel is not None) == found


def related(n, items):
    common = RNG.normal(size=n)
    return {
        f"Q1_{k}": np.clip(np.rint(3 + common + RNG.normal(0, 0.7, n)), 1, 5).astype(int) for k in range(1, items + 1)
    }


@pytest.mark.parametrize(("items", "suits"), [(3, True), (2, False)])
def test_a_construct_has_three_items_at_least(items, suits):
    assert bool(propose(profiled(**related(200, items))).suits) == suits


@pytest.mark.parametrize(("rows", "suits"), [(18, True), (17, False)])
def test_an_item_needs_three_rows(rows, suits):
    assert bool(propose(profiled(**related(rows, 6))).suits) == suits


@pytest.mark.parametrize(("alike", "known"), [(14, True), (13, False)])
def test_an_instrument_is_known_by_six_in_ten_of_its_statements(alike, known):
    texts = [c.labels.en for c in load_codebook("servqual").select("perception")]
    mixed = [t if k < alike else f"{k} zebras jump quickly" for k, t in enumerate(texts)]
    assert len(texts) == 22
    assert (match_instrument(mixed) is not None) == known
