"""What the report says first, at its edges."""

import pandas as pd
import pytest

from xmresearch.attribution.journey import journey
from xmresearch.attribution.markov import markov
from xmresearch.attribution.overview import Carriers, lost, over_funded, to_fix, to_fund, under_funded
from xmresearch.attribution.process_map import process_map
from xmresearch.attribution.publishing import publishable
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transitions import transitions


def paths(*rows, **more):
    frame = pd.DataFrame(rows, columns=["path", "conversions", "nulls", "value"][: len(rows[0])])
    return read_paths(frame, nulls="nulls", value="value" if len(rows[0]) > 3 else None, **more)


def credited(source, **options):
    return markov(transitions(source, 1), draws=300, **options)


def seen(source):
    found = journey(source)
    return found, publishable(found, process_map(found), 10)


ALIKE = ("a", 60, 40), ("b", 30, 40), ("p1", 20, 40), ("free", 300, 40)


def test_nothing_is_said_to_give_more_than_it_takes_where_nothing_does():
    found = credited(paths(*ALIKE), cost={"a": 50, "b": 20, "p1": 90})
    assert under_funded(found)["case"] == "even"
    assert over_funded(found) | {"share": 0, "budget": 0} == {"channel": "p1", "case": "over", "share": 0, "budget": 0}
    assert under_funded(credited(paths(*ALIKE))) is None


def test_a_return_that_is_surely_negative_is_no_advice_to_fund():
    source = paths(("a", 60, 40, 60), ("b", 30, 40, 30))
    assert to_fund(credited(source, cost={"a": 900, "b": 900}))["case"] == "losses"
    assert to_fund(credited(source, cost={"a": 1, "b": 900}))["case"] == "loss"
    assert to_fund(credited(source, cost={"a": 1, "b": 1}))["case"] == "roi"


def test_money_without_credit_is_the_worst_spent():
    found = to_fund(
        credited(paths(("a", 60, 40), ("b", 30, 40), ("z", 0, 200)), cost={"a": 500, "b": 400, "z": 10_000})
    )
    assert (found["case"], found["worst"]) == ("barren", "z")
    assert found["worst_budget"] == pytest.approx(10_000 / 10_900)


def test_steps_that_are_all_mandatory_are_not_ranked():
    carriers = Carriers(credited(paths(("a > b", 100, 50))))
    assert carriers.summary()["case"] == "mandatory"
    assert carriers.summary()["least"] > 0.99
    assert carriers.mandatory() is None
    assert carriers.card() is None
    some = Carriers(credited(paths(("a > b", 100, 50), ("a > c", 40, 60))))
    assert some.mandatory()["steps"] == ["a"]
    assert some.card() is some


def test_a_single_lossy_touchpoint_has_no_second():
    found, shown = seen(paths(("a > b", 100, 50), ("a > c", 40, 0)))
    fix = to_fix(shown)
    assert (fix["fix"], fix["case"]) == ("b", "unscored_alone")
    assert "second" not in fix
    assert lost(found, shown)["touchpoint"] == "b"
    assert to_fix(seen(paths(("a", 100, 50), ("c", 40, 20)))[1])["second"] == "c"
