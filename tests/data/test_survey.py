from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xmresearch.data.codebook_file import load_codebook, parse_codebook
from xmresearch.data.config import FileSource, ScenarioSource
from xmresearch.data.load import load_survey
from xmresearch.data.response_patterns import irv, longest_run
from xmresearch.data.screening_params import (
    ConstantItemRule,
    DuplicateIdRule,
    DuplicateRowRule,
    IrvRule,
    LongStringRule,
    MissingRule,
    OutOfRangeRule,
    Screening,
    TooFastRule,
)
from xmresearch.data.survey import prepare_survey, require_pairs
from xmresearch.data.weights import effective_n
from xmresearch.errors import CodebookError, DataError, InsufficientData, XMError
from xmresearch.psychometrics.importance import importance_performance
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import segment_gaps

LABEL = {"en": "x", "zh": "x"}
BOOK = parse_codebook(
    {
        "name": "mini",
        "labels": LABEL,
        "constructs": {"a": LABEL, "b": LABEL},
        "statements": {str(k): {"construct": "a" if k < 4 else "b", "labels": LABEL} for k in range(1, 7)},
        "batteries": {"expectation": {"pattern": "e{id}"}, "perception": {"pattern": "p{id}"}},
    },
    "mini.yml",
)
ITEMS = [c.name for c in BOOK.columns]


@pytest.fixture
def table():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(1, 8, (30, 12)).astype(float), columns=ITEMS)
    return frame.assign(id=range(30), w=1.0, seconds=300.0, group=["x", "y"] * 15)


def screened(table, **kwargs):
    return prepare_survey(table, BOOK, **kwargs)


def counts(survey):
    return survey.log.rules.set_index("rule")[["flagged", "removed"]].T.to_dict("list")


def test_clean_table_keeps_everybody(table):
    survey = screened(table, id_column="id", weight_column="w", duration_column="seconds", segments=["group"])
    assert len(survey) == survey.log.received == 30
    assert survey.log.rules["removed"].sum() == 0
    assert survey.segments == ("group",)


def test_missing_rule(table):
    table.loc[0, ITEMS[:7]] = np.nan
    assert counts(screened(table))["missing"] == [1, 1]
    kept = screened(table, screening=Screening(missing=MissingRule(action="flag")))
    assert counts(kept)["missing"] == [1, 0]
    assert len(kept) == 30


def test_values_outside_the_scale_stop_or_are_blanked_or_dropped(table):
    table.loc[3, "p2"] = 9
    with pytest.raises(DataError, match=r"'p2', data row 4: 9 is outside the scale 1-7"):
        screened(table)
    blanked = screened(table, screening=Screening(out_of_range=OutOfRangeRule(action="blank")))
    assert np.isnan(blanked.frame.loc[3, "p2"])
    assert len(screened(table, screening=Screening(out_of_range=OutOfRangeRule(action="drop")))) == 29


def test_infinite_values_are_outside_the_scale(table):
    table.loc[3, "p2"] = np.inf
    with pytest.raises(DataError, match="outside the scale"):
        screened(table)


def test_duplicate_identifiers_stop_or_keep_the_first(table):
    table.loc[7, "id"] = 2
    with pytest.raises(DataError, match=r"'id', data row 8: the identifier of row \d+ occurs more than once"):
        screened(table, id_column="id")
    rule = Screening(duplicate_ids=DuplicateIdRule(action="keep_first"))
    assert len(screened(table, id_column="id", screening=rule)) == 29


def test_first_of_the_respondents_kept_is_kept(table):
    table.loc[1, "id"] = 0
    table.loc[0, "p2"] = 9
    rules = Screening(out_of_range=OutOfRangeRule(action="drop"), duplicate_ids=DuplicateIdRule(action="keep_first"))
    found = counts(screened(table, id_column="id", screening=rules))
    assert found["out_of_range"] == [1, 1]
    assert found["duplicate_ids"] == [0, 0]


def test_identifiers_differ_in_more_than_blanks(table):
    table["id"] = [f"X{k}" for k in range(30)]
    table.loc[9, "id"] = "X1 "
    with pytest.raises(DataError, match="data row 10: the identifier of row 2 occurs more than once"):
        screened(table, id_column="id")


def test_durations_must_be_seconds(table):
    with pytest.raises(DataError, match="'seconds', data row 1: 'soon' is no duration"):
        screened(table.assign(seconds="soon"), duration_column="seconds")


def test_segments_are_columns_of_their_own(table):
    for wrong in (["p1"], ["group", "group"]):
        with pytest.raises(DataError, match="given twice, or is itself an item"):
            screened(table, segments=wrong)
    whole = screened(table.assign(group=[1.0, np.nan, 2.0] * 10), segments=["group"])
    assert set(whole.frame["group"].dropna()) == {"1", "2"}


def test_items_with_few_answers_are_refused(table):
    table.loc[4:, "p3"] = np.nan
    with pytest.raises(InsufficientData, match="'p3' holds fewer than 10 answers"):
        screened(table)


def test_weights_of_another_order_of_magnitude(table):
    table.loc[0, "w"] = 1e9
    with pytest.raises(DataError, match="ranges from 1 to 1e\\+09"):
        screened(table, weight_column="w")


def test_blanks_by_other_names_are_blanks(table):
    table["e2"] = table["e2"].astype(object)
    table.loc[:3, "e2"] = ["NA", "n/a", "null", "."]
    assert screened(table).frame["e2"].isna().sum() == 4


def test_straight_lining_by_long_string_and_irv(table):
    table.loc[1, ITEMS] = 4.0
    survey = screened(table)
    assert counts(survey)["long_string"] == [1, 0]
    assert counts(survey)["irv"] == [1, 0]
    dropped = screened(table, screening=Screening(long_string=LongStringRule(action="drop"), irv=IrvRule(action="off")))
    assert len(dropped) == 29


def test_a_skipped_item_does_not_hide_straight_lining(table):
    """Johnson (2005) counts same answers in a row; a blank is no answer, so no other one."""
    table.loc[1, ITEMS] = 4.0
    table.loc[1, "e3"] = np.nan
    long = table.assign(e7=4.0, p7=4.0)
    book = replace(
        BOOK, columns=(*BOOK.columns, *(replace(BOOK.column(f"{k}6"), name=f"{k}7", statement="7") for k in "ep"))
    )
    rules = Screening(constant_items=ConstantItemRule(action="flag"))
    assert counts(prepare_survey(long, book, screening=rules))["long_string"] == [1, 0]
    long.loc[1, "e4"] = 5.0
    assert counts(prepare_survey(long, book, screening=rules))["long_string"] == [0, 0]


def outcomes_only(kind):
    """300 rows on eight items: 20 same answers throughout, 20 without any, 20 with one, 240 that vary."""
    rng = np.random.default_rng(8)
    rows = np.clip(np.round(5 + rng.standard_normal((300, 1)) + rng.standard_normal((300, 8))), 1, 7)
    rows[:20] = 7.0
    rows[20:40] = np.nan
    rows[40:60, 1:] = np.nan
    names = [f"q{k}" for k in range(1, 9)]
    statement = {} if kind == "outcome" else {"statement": ""}
    items = {name: {"kind": kind, "construct": "a", **dict.fromkeys(statement, name)} for name in names}
    book = parse_codebook({"name": "o", "labels": LABEL, "constructs": {"a": LABEL}, "items": items}, "o.yml")
    return pd.DataFrame(rows, columns=names), book


def test_outcomes_are_screened_as_perceptions_are():
    tables = {kind: prepare_survey(*outcomes_only(kind)) for kind in ("outcome", "perception")}
    found = counts(tables["outcome"])
    assert tables["outcome"].log.received == 300
    assert (found["empty_row"], found["missing"]) == ([20, 20], [20, 20])
    assert (found["long_string"], found["irv"]) == ([20, 0], [20, 0])
    assert found == counts(tables["perception"])
    assert tables["outcome"].log.missing_share == 0


def test_cases_of_outcomes_find_20_each(cases):
    from xmresearch.params.load import load_params

    for name in ("outc", "outp"):
        params = load_params(cases / f"survey/{name}.yml")
        survey = load_survey(**params.survey_settings(), base=cases / "survey")
        found = counts(survey)
        assert survey.log.received == 300
        assert [found[rule][0] for rule in ("missing", "long_string", "irv")] == [20, 20, 20]


def test_statements_that_few_answered_both_ways_are_refused(table):
    table.loc[:14, "e1"] = np.nan
    table.loc[21:, "p1"] = np.nan
    with pytest.raises(InsufficientData, match="Fewer than 10 respondents answered both 'e1' and 'p1'"):
        screened(table)


@pytest.mark.parametrize("kind", ["expectation", "minimum", "perception", "importance", "outcome"])
def test_codes_outside_the_scale_are_refused_in_every_role(kind):
    """99 for "don't know" is no answer, whatever is asked."""
    items = {f"x{k}": {"kind": kind, "construct": "a", "statement": str(k)} for k in range(3)}
    book = parse_codebook({"name": "o", "labels": LABEL, "constructs": {"a": LABEL}, "items": items}, "o.yml")
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.integers(1, 8, (30, 3)), columns=list(items)).assign(region=[98, 99] * 15)
    frame.loc[4, "x1"] = 99
    with pytest.raises(DataError, match="'x1', data row 5: 99 is outside the scale 1-7"):
        prepare_survey(frame, book, segments=["region"])
    rules = Screening(out_of_range=OutOfRangeRule(action="blank"))
    kept = prepare_survey(frame, book, segments=["region"], screening=rules).frame
    assert np.isnan(kept.loc[4, "x1"])
    assert set(kept["region"]) == {"98", "99"}


def test_same_answer_in_one_battery_only_is_no_straight_lining(table):
    table.loc[1, [c for c in ITEMS if c.startswith("e")]] = 7.0
    assert counts(screened(table))["long_string"] == [0, 0]


def test_too_fast_and_duplicate_rows(table):
    table.loc[0, "seconds"] = 10
    table.loc[5, ITEMS] = table.loc[4, ITEMS]
    survey = screened(table, duration_column="seconds")
    assert counts(survey)["too_fast"] == [1, 1]
    assert counts(survey)["duplicate_rows"] == [1, 0]
    lenient = Screening(too_fast=TooFastRule(seconds_per_item=0.5), duplicate_rows=DuplicateRowRule(action="drop"))
    assert counts(screened(table, duration_column="seconds", screening=lenient))["duplicate_rows"] == [1, 1]


def test_longest_run_and_irv_by_hand():
    values = np.array([[1, 1, 1, 2], [1, np.nan, 1, 1], [3, 3, 3, 3]])
    assert longest_run(values).tolist() == [3, 3, 4]
    assert irv(values)[2] == 0
    assert irv(values)[0] == pytest.approx(np.std([1, 1, 1, 2], ddof=1))


def test_all_missing_and_constant_items_are_errors(table):
    empty = table.assign(p3=np.nan)
    with pytest.raises(InsufficientData, match="'p3' holds no answer"):
        screened(empty)
    with pytest.raises(InsufficientData, match="'p3' is constant: all 30 answers are 5"):
        screened(table.assign(p3=5.0))
    rule = Screening(constant_items=ConstantItemRule(action="flag"))
    assert len(screened(table.assign(p3=5.0), screening=rule)) == 30


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_respondents(table, n):
    with pytest.raises(InsufficientData, match="at least 10"):
        screened(table.head(n))


def test_text_in_an_item_names_row_and_value(table):
    table["e2"] = table["e2"].astype(object)
    table.loc[2, "e2"] = "agree"
    with pytest.raises(DataError, match=r"'e2' has words among numbers: 'agree' \(first in data row 3, 1 in all\)"):
        screened(table)


def test_text_that_is_a_number_is_read(table):
    table["e2"] = table["e2"].map(lambda v: f" {v:.0f} ")
    table.loc[0, "e2"] = "  "
    assert np.isnan(screened(table).frame.loc[0, "e2"])


def test_missing_item_and_empty_segment(table):
    with pytest.raises(DataError, match="no column 'e1'"):
        screened(table.drop(columns="e1"))
    with pytest.raises(DataError, match="Segment column 'group' is empty"):
        screened(table.assign(group=None), segments=["group"])
    with pytest.raises(DataError, match="no column 'grop'. Did you mean 'group'"):
        screened(table, segments=["grop"])
    with pytest.raises(DataError, match="60 different values"):
        screened(pd.concat([table, table]).assign(g=range(60)), segments=["g"])


def test_weights_must_be_positive(table):
    table.loc[4, "w"] = 0
    with pytest.raises(DataError, match="'w', data row 5"):
        screened(table, weight_column="w")


def test_reverse_keyed_items_are_recoded():
    book = parse_codebook(
        {
            "name": "r",
            "labels": LABEL,
            "constructs": {"a": LABEL},
            "items": {
                "e": {"kind": "expectation", "construct": "a", "statement": "s"},
                "p": {"kind": "perception", "construct": "a", "statement": "s", "reverse": True},
            },
        },
        "r.yml",
    )
    rng = np.random.default_rng(1)
    raw = pd.DataFrame(rng.integers(1, 8, (20, 2)), columns=["e", "p"])
    assert prepare_survey(raw, book).frame["p"].tolist() == (8 - raw["p"]).tolist()


def test_expectation_without_perception_is_named():
    book = parse_codebook(
        {
            "name": "half",
            "labels": LABEL,
            "constructs": {"a": LABEL},
            "items": {
                "e1": {"kind": "expectation", "construct": "a", "statement": "s"},
                "p1": {"kind": "perception", "construct": "a", "statement": "s"},
                "e2": {"kind": "expectation", "construct": "a", "statement": "t"},
            },
        },
        "half.yml",
    )
    with pytest.raises(CodebookError, match=r"'t' have an expectation item \('e2'\) but no perception item"):
        require_pairs(book)
    with pytest.raises(CodebookError, match="no expectation items"):
        require_pairs(load_codebook("servperf"))


def test_a_pair_must_be_asked_alike():
    content = {
        "name": "odd", "labels": LABEL, "constructs": {"a": LABEL},
        "items": {
            "e1": {"kind": "expectation", "construct": "a", "statement": "s", "scale": {"minimum": 1, "maximum": 5}},
            "p1": {"kind": "perception", "construct": "a", "statement": "s"},
        },
    }  # fmt: skip
    with pytest.raises(CodebookError, match="'e1' and 'p1' ask statement 's' but differ in scale"):
        require_pairs(parse_codebook(content, "odd.yml"))


def test_optional_batteries_of_a_shipped_instrument_may_be_absent(tmp_path):
    raw = load_survey(ScenarioSource(n=40, missing=0, careless=0)).frame
    asked = [c for c in raw.columns if c[0] in "ep" and c[1:].isdigit()]
    raw[[*asked, "quality"]].to_csv(tmp_path / "s.csv", index=False)
    survey = load_survey(FileSource(source="file", path="s.csv"), base=tmp_path)
    assert survey.codebook.names("importance") == []
    assert survey.codebook.names("outcome") == ["quality"]
    assert "points_empathy" in survey.notes
    raw[[*asked, "points_empathy"]].to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(DataError, match="no columns 'points_tangibles', .* \\(4 items of the codebook\\)"):
        load_survey(FileSource(source="file", path="s.csv"), base=tmp_path)


def test_effective_n_is_kish():
    weights = np.array([1.0, 1.0, 2.0])
    assert effective_n(weights, 3) == pytest.approx(16 / 6)
    assert effective_n(None, 3) == 3


def test_response_rate(table):
    survey = screened(table)
    assert survey.response(60)["rate"] == 50
    assert survey.response(None)["case"] == "unstated"
    with pytest.raises(DataError, match="invited is 10"):
        survey.response(10)


cell = st.one_of(
    st.integers(1, 7), st.floats(allow_nan=True, allow_infinity=True), st.none(), st.text(max_size=3), st.booleans()
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_table_gives_a_survey_or_a_clear_error(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    n = data.draw(st.integers(0, 25))
    frame = pd.DataFrame(rng.integers(1, 8, (n, 12)).astype(object), columns=ITEMS)
    for _ in range(data.draw(st.integers(0, 4))):
        if n:
            frame.iloc[data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 11))] = data.draw(cell)
    dropped = data.draw(st.sets(st.sampled_from(ITEMS), max_size=1))
    action = data.draw(st.sampled_from(["error", "blank", "drop"]))
    try:
        survey = screened(
            frame.drop(columns=list(dropped)), screening=Screening(out_of_range=OutOfRangeRule(action=action))
        )
    except XMError as error:
        assert str(error)
    else:
        assert len(survey) == survey.log.kept <= n
        assert survey.log.received - survey.log.rules["removed"].sum() == survey.log.kept


def test_two_columns_of_one_name_are_refused(table):
    twice = pd.concat([table, table[["p1", "w"]]], axis=1)
    for read in (
        lambda: screened(twice), lambda: overall_scores(twice, BOOK), lambda: priorities(twice, BOOK),
        lambda: segment_gaps(twice, BOOK, ["group"]), lambda: importance_performance(twice, BOOK),
    ):  # fmt: skip
        with pytest.raises(DataError, match=r"duplicate columns: 'p1' \(2 times\), 'w' \(2 times\)"):
            read()


@pytest.mark.parametrize(("items", "judged"), [(6, True), (5, False)])
def test_nobody_is_judged_by_a_handful_of_answers(items, judged):
    """Of 5 answers on 0-10, as of one, many people give the same; of 6 or more, the rules apply."""
    book = parse_codebook(
        {
            "name": "short", "labels": {"en": "Short", "zh": "短"}, "scale": {"minimum": 0, "maximum": 10},
            "constructs": {"c": {"en": "C", "zh": "构念"}},
            "items": {f"q{k}": {"kind": "outcome", "labels": {"en": f"Q{k}", "zh": f"题{k}"}} for k in range(items)},
        },
        "short.yml",
    )  # fmt: skip
    rows = np.random.default_rng(1).integers(8, 11, (200, items))
    rules = prepare_survey(pd.DataFrame(rows, columns=book.names("outcome")), book).log.rules["rule"].tolist()
    assert ("duplicate_rows" in rules) == ("irv" in rules) == judged
