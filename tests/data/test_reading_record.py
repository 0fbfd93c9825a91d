"""What was done to read a file is in the report, in both languages, and in what `check` says."""

import typing

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import FileSource, FormatName
from xmresearch.data.formats.table import Table
from xmresearch.data.load import load_survey
from xmresearch.data.reading_record import how_read, joined, who_answered
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.data.survey import prepare_survey
from xmresearch.report.compose import Report
from xmresearch.report.wording import Wording
from xmresearch.studies.servqual.study import STUDY
from xmresearch.studies.survey import items_line, missing_lines, reading_lines, unused_lines

WORDS = ["Strongly disagree", "Disagree", "Somewhat disagree", "Neutral", "Somewhat agree", "Agree", "Strongly agree"]


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read")
    book = load_codebook("servqual")
    asked = [c.name for kind in ("expectation", "perception") for c in book.select(kind)]
    answers = np.random.default_rng(1).integers(1, 8, (80, len(asked)))
    frame = pd.DataFrame(answers, columns=asked).astype(object)
    frame["p1"] = [WORDS[v - 1] for v in answers[:, asked.index("p1")]]
    frame.loc[:3, "p1"] = "N/A"
    frame.loc[:19, "p2"] = 99
    frame = frame.assign(id=[f"k{k}" for k in range(80)], Finished=[1] * 70 + [0] * 10)
    frame.to_csv(folder / "rows.csv", index=False)
    listed = pd.DataFrame({"key": [f"k{k}" for k in range(120)], "branch": ["A", "B"] * 60})
    listed.to_csv(folder / "crm.csv", index=False)
    source = FileSource.model_validate(
        {
            "source": "file", "path": "rows.csv", "where": {"Finished": [1]}, "missing_codes": {"p2": [99]},
            "join": [{"path": "crm.csv", "by": {"id": "key"}}],
        }
    )  # fmt: skip
    return load_survey(source, base=folder, segments=["branch"], id_column="id")


def test_every_step_of_reading_is_counted(survey):
    found = how_read(survey).set_index("step")
    assert found.loc["read_format", ["detail", "cases"]].tolist() == ["format_csv", 70]
    assert found.loc["left_where", ["detail", "cases"]].tolist() == ["Finished: 1", 10]
    assert found.loc["coded_missing", "cases"] == 20
    assert found.loc["words_read", "detail"] == "; ".join(f"{w}: {k + 1}" for k, w in enumerate(WORDS))
    assert found.loc["words_missing", ["detail", "cases"]].tolist() == ["N/A", 4]


def test_joins_and_who_answered_are_tables(survey):
    assert joined(survey).to_dict("records") == [
        {"file": "crm.csv", "key": "id", "matched": 70, "matched_share": 1.0, "keys": 120, "unmatched": 50}
    ]
    assert who_answered(survey)["answered_share"].tolist() == pytest.approx([35 / 60, 35 / 60])


@pytest.mark.parametrize(("lang", "words"), [("en", "Answers in words, read as numbers"), ("zh", "文字回答换算为数字")])
def test_the_report_shows_them_in_its_language(survey, lang, words):
    report = Report(lang, STUDY, survey.names[lang])
    report.table("reading", how_read(survey), ["step", "detail", "cases"])
    report.table("joined", joined(survey), ["file", "key", "matched", "matched_share", "keys", "unmatched"])
    report.table("who_answered", who_answered(survey), ["segment", "value", "listed", "answered", "answered_share"])
    shown = [[cell for row in block.content["rows"] for cell in row] for block in report.blocks]
    assert len(shown) == 3
    assert words in shown[0]
    assert "100.0 %" in shown[1]
    assert "58.3 %" in shown[2]
    assert not any("_" in head for block in report.blocks for head in block.content["head"])


def test_a_survey_without_a_file_has_no_such_tables():
    hall = ServiceHall(60, 1)
    simulated = prepare_survey(hall.survey(), load_codebook("service_hall"), truth=hall.truth())
    assert how_read(simulated) is joined(simulated) is who_answered(simulated) is None


def test_every_form_of_file_has_a_name_in_both_languages():
    for lang in ("en", "zh"):
        wording = Wording(lang, {})
        assert all(wording.has("values", f"format_{name}") for name in typing.get_args(FormatName))


def test_check_says_items_scales_and_what_is_missing(survey):
    assert items_line(survey) == "Items: 22 expectation on 1-7, 22 perception on 1-7."
    assert missing_lines(survey) == ["Missing: 'p2' has no answer of 29% (20 codes)."]
    lines = reading_lines(survey.table)
    assert lines[0] == "Read as csv (the ending .csv, utf-8)."
    assert "Left out: 10 row(s), data.where (Finished: 1)." in lines
    assert "Blanked as codes for no answer: 20 answer(s) in 1 column(s)." in lines
    assert any(line.startswith("Joined with 'crm.csv' by 'id' = 'key': 70 of 70") for line in lines)


def test_check_names_columns_that_would_screen(survey):
    from xmresearch.studies.servqual.params import ServqualParams

    table = Table(pd.DataFrame(), "wjx", "", roles={"所用时间": "duration", "序号": "id"})
    params = ServqualParams().model_copy(update={"duration_column": None, "id_column": None})
    assert unused_lines(params, table) == [
        "Not used: column '所用时间' (duration); duration_column: 所用时间 would screen by it.",
        "Not used: column '序号' (id); id_column: 序号 would screen by it.",
    ]
    assert unused_lines(params.model_copy(update={"duration_column": "a", "id_column": "b"}), table) == []
    assert unused_lines(params, None) == []


def test_items_that_few_left_blank_are_not_listed(survey):
    assert survey.frame["p1"].isna().mean() == pytest.approx(4 / 70)
    blank = survey.frame.assign(p3=survey.frame["p3"].where(np.arange(70) >= 7))
    from dataclasses import replace

    assert len(missing_lines(replace(survey, frame=blank))) == 2
    assert (
        len(missing_lines(replace(survey, frame=survey.frame.assign(p3=survey.frame["p3"].where(np.arange(70) >= 6)))))
        == 1
    )
