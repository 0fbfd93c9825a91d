"""Reversed items, groups by correlations and instruments: planted, found again, and doubted where the data are weak."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.profile.guess import Guess
from xmresearch.studies.questionnaire import (
    AGAINST,
    Construct,
    factor_blocks,
    match_instrument,
    reversed_items,
    turned_items,
)


def one_factor(n, items, turned=(), loading=0.7, seed=1, prefix="q"):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=n)
    data = {
        f"{prefix}{k}": loading * factor + np.sqrt(1 - loading**2) * rng.normal(size=n) for k in range(1, items + 1)
    }
    return pd.DataFrame({c: -v if c in turned else v for c, v in data.items()})


def test_a_reversed_item_is_found_and_no_other():
    found = reversed_items(one_factor(300, 6, {"q4"}))
    assert set(found) == {"q4"}
    assert (found["q4"].what, found["q4"].sure) == ("reverse", True)
    assert reversed_items(one_factor(300, 6)) == {}


def test_false_alarms_among_items_that_run_along_are_rare():
    alarms = sum(
        g.what == "reverse"
        for seed in range(60)
        for g in reversed_items(one_factor(100, 5, loading=0.5, seed=seed)).values()
    )
    assert alarms == 0


def test_an_item_that_hardly_runs_against_the_others_is_kept_and_doubted():
    data = one_factor(60, 6)
    rng = np.random.default_rng(3)
    data["q6"] = -0.12 * data["q1"] + rng.normal(size=60)
    found = reversed_items(data).get("q6")
    assert found is not None
    assert abs(float(found.why.split()[4].rstrip(","))) < AGAINST
    assert (found.what, found.sure) == ("forward", False)


def test_half_of_the_items_against_the_other_half_decides_nothing():
    found = reversed_items(one_factor(300, 4, {"q1", "q2"}))
    assert {g.what for g in found.values()} == {"forward"}
    assert not any(g.sure for g in found.values())


def test_three_items_do_not_tell_a_reversed_one_from_a_stranger():
    found = reversed_items(one_factor(300, 3, {"q3"}))
    assert (found["q3"].what, found["q3"].sure) == ("reverse", False)


def test_what_only_a_guessed_group_says_of_an_item_is_doubtful():
    data = pd.concat([one_factor(400, 6, seed=1), one_factor(400, 3, {"r1", "r2", "r3"}, seed=1, prefix="r")], axis=1)
    guessed = Guess("group", "correlations", "by correlations alone")
    groups = [
        Construct("a", "a", ("q1", "q2", "q3", "q4"), guessed, split=True),
        Construct("b", "b", ("q5", "r1", "r2", "r3"), guessed, split=True),
    ]
    found = turned_items(data, groups)
    assert "correlations alone made" in found["q5"].doubt


def test_two_factors_are_told_apart_and_one_is_not_cut():
    two = pd.concat([one_factor(300, 4, seed=1), one_factor(300, 4, seed=2, prefix="r")], axis=1)
    blocks, _ = factor_blocks(two)
    assert blocks == [["q1", "q2", "q3", "q4"], ["r1", "r2", "r3", "r4"]]
    assert len(factor_blocks(one_factor(300, 8))[0]) == 1


def test_blanks_do_not_hide_the_factors():
    two = pd.concat([one_factor(400, 5, seed=1), one_factor(400, 5, seed=2, prefix="r")], axis=1)
    holes = np.random.default_rng(1).random(two.shape) < 0.2
    blocks, how = factor_blocks(two.mask(holes))
    assert blocks == [[f"q{k}" for k in range(1, 6)], [f"r{k}" for k in range(1, 6)]]
    assert "blanks at their means" in how


def test_an_instrument_is_known_by_its_wording_in_either_language():
    book = load_codebook("servqual")
    items = book.select("perception")
    for lang in ("en", "zh"):
        found, statements = match_instrument([getattr(c.labels, lang) for c in items])
        assert found.name == "servqual"
        assert statements == [c.statement for c in items]
    assert match_instrument(["I like the colour", "The menu is long", "Parking is hard to find"]) is None


def test_a_modest_correlation_that_is_beyond_chance_is_enough():
    data = one_factor(400, 5, {"q2"}, loading=0.55)
    found = reversed_items(data)["q2"]
    assert -2 * AGAINST < float(found.why.split()[4].rstrip(",")) < -AGAINST
    assert (found.what, found.sure) == ("reverse", True)
    small = one_factor(40, 5, {"q2"}, loading=0.7, seed=4)
    assert reversed_items(small)["q2"].what == "reverse"  # between three and six standard errors from zero
