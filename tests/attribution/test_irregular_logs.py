"""Logs that are not as a reader expects: each oddity is noted, settable or refused."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_words import wording

from xmresearch.attribution.concerns import left_out_concerns
from xmresearch.attribution.directly_follows import process_map
from xmresearch.attribution.journey_analysis import journey
from xmresearch.attribution.reading import Touches, read_touches
from xmresearch.data.touches import TouchData
from xmresearch.errors import DataError, ParamsError
from xmresearch.studies.attribution.checking import check_study
from xmresearch.studies.attribution.params import AttributionParams
from xmresearch.studies.attribution.publishing import publishable
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.label_forms import RESERVED, as_written, merged_forms, own_label, same_but_for_form
from xmresearch.sufficient.transition_table import transitions


def log_of(*journeys: tuple[str, list[str], int], times: int = 1) -> pd.DataFrame:
    """One customer per journey, an hour between touches."""
    rows = []
    for k, (who, path, won) in enumerate(journeys * times):
        rows += [(f"{who}{k}", 3600.0 * (100 * k + t), name, 0) for t, name in enumerate(path)]
        rows[-1] = (*rows[-1][:3], won)
    return pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "conv"])


def read(
    rows: pd.DataFrame, form: str = "events", mapping: Any = None, merge_forms: bool = False, **columns: Any
) -> Touches:
    start = {"conversion": "conv"} if form == "events" and "converting" not in columns else {}
    return read_touches(rows, form=form, columns=start | columns, mapping=mapping, merge_forms=merge_forms)


def said(touches: Touches) -> dict[str, str]:
    """The notes by kind, each worded in both languages."""
    found = [*touches.concerns, *left_out_concerns(touches.not_used())]
    for lang, concern in itertools.product(("en", "zh"), found):
        assert wording("attribution", lang).text("concerns", concern.kind, concern.facts)
    return {c.kind: str(c) for c in found}


def aftercare() -> pd.DataFrame:
    """360 of 400 cases are decided; 200 of those have letters and archives after it."""
    rows = []
    for k in range(400):
        path = ["apply"] + (["check", "decision"] if k < 360 else []) + (["archive", "letter"] if k < 200 else [])
        rows += [(k, 60.0 * (1000 * k + t), name) for t, name in enumerate(path)]
    return pd.DataFrame(rows, columns=["customer", "time", "touchpoint"])


@pytest.mark.parametrize(
    ("rule", "journeys", "kinds"),
    [
        ("if_converting", 400, {"after_conversion"}),
        ("ignore", 400, {"after_conversion"}),
        ("new_journey", 600, {"lost_after_conversion"}),
    ],
)
def test_what_follows_a_conversion_is_no_lost_journey(rule, journeys, kinds):
    touches = read(aftercare(), converting=("decision",), after_conversion=rule)
    assert (touches.summary()["journeys"], touches.summary()["conversions"]) == (journeys, 360)
    notes = said(touches)
    assert set(notes) == kinds
    assert notes[kinds.copy().pop()].startswith({"new_journey": "200 journey(s)"}.get(rule, "400 touch(es)"))


def test_only_an_if_converting_journey_after_a_conversion_counts():
    rows = [(1, 0, "a", 1), (1, 1, "b", 0), (1, 2, "c", 1), (1, 3, "d", 0), (1, 99, "e", 0), (2, 0, "f", 0)]
    frame = pd.DataFrame(rows, columns=["customer", "time", "touchpoint", "conv"])
    paths = {
        "if_converting": [["a"], ["b", "c"], ["e"], ["f"]], "ignore": [["a"], ["e"], ["f"]],
        "new_journey": [["a"], ["b", "c"], ["d"], ["e"], ["f"]],
    }  # fmt: skip
    for rule, expected in paths.items():
        found = EventLog(frame, conversion="conv", gap=50.0, after_conversion=rule).journeys()
        split = np.split(np.array(found.channels)[found.codes], found.starts[1:-1])
        assert sorted(map(list, split)) == expected
        assert found.left_out["lost_after_conversion"] == len(expected) - (3 if rule != "ignore" else 2)
    with pytest.raises(ParamsError, match="no rule 'ignor'.*Did you mean 'ignore'"):
        EventLog(frame, conversion="conv", after_conversion="ignor")
    with pytest.raises(ValueError, match="after_conversion needs times or customers"):
        AttributionParams(data={"source": "file", "path": "x.csv"}, form="paths", after_conversion="ignore")


def test_a_conversion_that_never_occurs_is_refused():
    with pytest.raises(DataError, match="converting names 'decison', which no event has.*Did you mean 'decision'"):
        read(aftercare(), converting=("decision", "decison"))


def pairs(complete: bool) -> pd.DataFrame:
    base = log_of(
        ("a", ["counter", "web", "counter"], 1), ("b", ["phone", "web"], 0), ("c", ["web", "web"], 1), times=20
    )
    done = base.assign(lifecycle="complete")
    if complete:
        return done
    begun = base.assign(time=base["time"] - 600, conv=0, lifecycle="start")
    return pd.concat([begun, done], ignore_index=True)


@pytest.mark.parametrize("name", ["lifecycle", "lifecycle:transition", "Lifecycle_Transition"])
def test_starts_and_completions_of_an_activity_are_one_touch(name):
    both, once = (pairs(k).rename(columns={"lifecycle": name}) for k in (False, True))
    one, other = read(both), read(once)
    assert one.summary() == other.summary()
    left, right = (transitions(t.source, 2) for t in (one, other))
    assert np.array_equal(left.states, right.states)
    assert np.array_equal(left.count, right.count)
    assert said(one) == {
        "not_complete": "140 event(s) that do not complete an activity, such as starts, were left out (events.lifecycle)."
    }
    assert said(other) == {}
    assert read(both, lifecycle=None).summary()["touches"] == 2 * one.summary()["touches"]
    assert read(both.rename(columns={name: "what"}), lifecycle="what").summary() == one.summary()


def test_a_column_of_other_words_is_no_lifecycle():
    assert said(read(pairs(True).assign(lifecycle=lambda f: np.where(f["conv"] == 1, "complete", "new lead")))) == {}
    with pytest.raises(DataError, match="'conv' never says 'complete'"):
        read(pairs(True), lifecycle="conv")
    with pytest.raises(DataError, match="no column 'lifecycl'.*Did you mean 'lifecycle'"):
        read(pairs(True), lifecycle="lifecycl")


def test_rows_of_the_same_time_are_counted():
    rows = log_of(("a", ["web", "counter"], 1), ("b", ["web", "phone"], 0), ("c", ["phone", "counter"], 1), times=20)
    assert said(read(rows)) == {}
    rows.loc[rows["touchpoint"] == "phone", "time"] = rows["time"].shift(fill_value=0.0)
    assert said(read(rows[rows["customer"].str[0] == "b"].assign(conv=[0, 1] * 20)))["same_time"].startswith(
        "20 event(s) are at the same time"
    )


def test_labels_that_differ_in_form_only_are_noted_and_merged_where_asked():
    names = ["Email", "EMAIL", "email", "email", "ｅｍａｉｌ", "web  page", "web page"]
    rows = log_of(*(("x", [name, "desk"], k % 2) for k, name in enumerate(names)), times=12)
    apart, merged = read(rows), read(rows, merge_forms=True)
    assert len(apart.journeys.channels) == 7
    assert said(apart)["same_forms"].startswith("2 group(s) of touchpoints differ in letter case")
    assert "'EMAIL', 'Email', 'email', 'ｅｍａｉｌ'" in said(apart)["same_forms"]
    assert merged.journeys.channels == ("desk", "email", "web  page")
    assert said(merged) == {}
    assert merged.summary()["conversions"] == apart.summary()["conversions"]
    mapped = read(rows, mapping={"EMAIL": "Mail", "desk": "Desk", "Web Page": "Web"}, merge_forms=True)
    assert mapped.journeys.channels == ("Desk", "Mail", "Web")
    ends = rows.assign(touchpoint=rows["touchpoint"].replace({"desk": "Done"}))
    ends.loc[ends.index[1], "touchpoint"] = "DONE"
    assert read(ends, converting=("Done",), merge_forms=True).summary()["conversions"] == 84
    paths = pd.DataFrame({"path": ["a > B", "A > b"], "conversions": [20, 30], "nulls": [9, 9]})
    assert read(paths, "paths", nulls="nulls", merge_forms=True).journeys.channels == ("A", "b")


def test_forms_of_labels():
    groups = same_but_for_form(["Straße", "STRASSE", "é", "e\u0301", "web"])
    assert {frozenset(g) for g in groups} == {frozenset({"Straße", "STRASSE"}), frozenset({"é", "e\u0301"})}
    assert merged_forms({"A": 1, "a": 2, "(Other)": 1, "(other)": 3}) == {
        "A": "a", "a": "a", "(Other)": "(other) (logged)", "(other)": "(other) (logged)"
    }  # fmt: skip
    assert all(as_written(own_label(name)) == name for name in (*RESERVED, "web", "x (logged)"))


def test_names_of_our_own_in_the_log_are_kept_apart():
    paths = [
        (["google", "(other)"], 1),
        (["(other)", "(start)"], 0),
        (["(converted)", "google"], 1),
        (["(left)", "(not set)"], 0),
    ]
    rows = log_of(*(("x", path, won) for path, won in paths), times=20)
    rare = log_of(*(("y", [f"rare{k}"], 1) for k in range(4)), times=6)
    touches = read(pd.concat([rows, rare]))
    logged = [f"{name} (logged)" for name in sorted(RESERVED)]
    assert set(touches.journeys.channels) == {"google", "(not set)", "(other)", *logged}
    counts = dict(
        zip(
            touches.journeys.channels,
            np.bincount(touches.journeys.codes, np.repeat(touches.journeys.weight, touches.journeys.lengths)),
            strict=True,
        )
    )
    assert (counts["(other)"], counts["(other) (logged)"]) == (24, 40)
    notes = said(touches)
    assert ", ".join(f"'{name}'" for name in logged) in notes["reserved_labels"]
    assert notes["placeholder_labels"].startswith("'(not set)', '(other) (logged)': ")
    names = touches.names({"en": {}})["en"]
    assert (names["(other) (logged)"], "(other)" in names) == ("(other)", False)
    drawn = process_map(journey(touches.source), share=1.0)
    kinds = drawn.nodes.set_index("node")["kind"]
    assert kinds["(start) (logged)"] == "touchpoint"
    assert kinds["(start)"] == "start"


def test_paths_are_listed_touchpoint_by_touchpoint_whatever_they_are_called():
    names = ["Home, Help > FAQ", "Bürger|büro"]
    rows = log_of(("x", names, 1), ("y", names[:1], 0), times=15)
    touches = read(rows)
    found = journey(touches.source)
    shown = publishable(found, process_map(found), 10)
    assert sorted(shown.paths["chain"].tolist()) == [names[:1], names]
    assert said(touches)["path_sign"].startswith("'Home, Help > FAQ': names that contain ' > '")


def test_paths_with_another_sign_than_the_separator_are_noted():
    paths = pd.DataFrame({"path": ["A→B", "B→A", "A", "B"], "conversions": [10, 20, 30, 40], "nulls": [15] * 4})
    touches = read(paths, "paths", nulls="nulls", separator=">")
    assert touches.journeys.channels == ("A", "A→B", "B", "B→A")
    assert said(touches)["other_separator"].startswith("'A→B', 'B→A': names that contain '→'")
    told = read(paths, "paths", nulls="nulls", separator="→")
    assert told.journeys.channels == ("A", "B")
    assert said(told) == {}


@pytest.mark.parametrize("form", ["events", "paths"])
def test_one_journey_that_outweighs_all_others_is_named_and_can_be_left_out(form):
    bot = ["web"] * 5000
    journeys = [("x", ["web", "phone"], 1), ("y", ["counter"], 0), ("z", ["counter", "phone"], 0)] * 20
    rows, columns = log_of(*journeys, ("bot", bot, 0)), {}
    if form == "paths":
        rows = pd.DataFrame(
            [(" > ".join(p), w, 1 - w) for _, p, w in [*journeys, ("", bot, 0)]],
            columns=["path", "conversions", "nulls"],
        )
        columns = {"nulls": "nulls"}
    whole = read(rows, form, **columns)
    assert said(whole)["longest_journey"] == (
        "One journey of 5,000 touches makes up 98% of all touches; half of the others have 2 at most (max_touches leaves such journeys out)."
    )
    without = read(rows, form, **columns, max_touches=100)
    assert (without.summary()["journeys"], without.summary()["touches"]) == (60, 100)
    assert said(without) == {"too_long": "1 journey(s) of too many touches were left out (max_touches)."}
    with pytest.raises(ParamsError, match="max_touches is 0"):
        EventLog(rows, conversion="conv", max_touches=0)


def tiny() -> pd.DataFrame:
    return log_of(*[("a", ["phone", "counter"], 1), ("b", ["counter"], 0)] * 10, *[("c", ["web"], 1)] * 4)


def test_conversions_that_only_rare_touchpoints_had_are_counted_by_their_rule():
    touches = read(tiny())
    assert touches.summary()["conversions"] == 10
    assert said(touches)["rare_conversions"] == (
        "4 of 14 conversions touched nothing but 1 touchpoint(s) on fewer than 10 journeys, too rare to be shown, and are left out."
    )
    left = touches.left_out().set_index("rule")["flagged"].to_dict()
    assert left == {"rare_touchpoints": 4, "rare_journeys": 4, "rare_conversions": 4}
    lines = check_study(
        AttributionParams(data={"source": "file", "path": "x.csv"}, events={"conversion": "conv"}),
        TouchData(tiny(), "x"),
    )
    assert any("4 of 14 conversions" in line for line in lines)


def test_a_map_of_no_step_says_so():
    rows = log_of(
        *[(f"{k}", [a, b], won) for k, (a, b) in enumerate(itertools.product("abcd", "abcd")) for won in (0, 1)]
    )
    found = journey(EventLog(rows, conversion="conv"))
    shown = publishable(found, process_map(found, share=0.6), 10)
    assert shown.drawn.summary()["case"] == "nothing"
    for lang in ("en", "zh"):
        assert "@fig" not in wording("attribution", lang).text("texts", "map", shown.drawn.summary())


def test_waits_have_medians_beside_means_and_units_for_people():
    rng = np.random.default_rng(4)
    waits = rng.lognormal(8, 2.5, 4000)
    who = np.arange(4000)
    first = pd.DataFrame({"customer": who, "time": 1.6e9, "touchpoint": rng.choice(list("ab"), 4000), "conv": 0})
    second = pd.DataFrame({"customer": who, "time": 1.6e9 + waits, "touchpoint": "z", "conv": 1})
    found = journey(EventLog(pd.concat([first, second]), conversion="conv"))
    steps = found.edges[found.edges["target"] == "z"].set_index("source")
    by = pd.Series(waits).groupby(first["touchpoint"])
    np.testing.assert_allclose(steps["median_seconds"].sort_index(), by.median(), rtol=0.1)
    np.testing.assert_allclose(steps["mean_seconds"].sort_index(), by.mean(), rtol=1e-9)
    assert (steps["mean_seconds"] > 3 * steps["median_seconds"]).all()
    en, zh = wording("attribution", "en"), wording("attribution", "zh")
    hours = [0, 0.02, 0.5, 1.25, 30, 60, 700, 10_600, 30_000, np.nan]
    assert [en.number(h, "hours") for h in hours] == [
        "0 s",
        "72 s",
        "30 min",
        "75 min",
        "30 h",
        "2.5 days",
        "4.2 weeks",
        "63 weeks",
        "3.4 years",
        "–",
    ]
    assert zh.number(10_600, "hours") == "63 周"


def test_waits_of_many_touchpoints_and_of_none():
    names = [f"t{k:03d}" for k in range(40)]
    rows = log_of(*[("x", names, 1)] * 3)
    edges = journey(EventLog(rows, conversion="conv")).edges
    inner = edges[edges["mean_seconds"].notna()]
    assert len(inner) == 39
    np.testing.assert_allclose(inner["median_seconds"], 3600, rtol=0.05)
    together = rows.assign(time=0.0)
    found = journey(EventLog(together, conversion="conv"))
    assert (found.edges["median_seconds"].dropna() == 0).all()
    assert (found.touchpoints["median_wait"].dropna() == 0).all()
