"""Exports of survey tools read to the facts that are known of them."""

import pandas as pd
import pytest
from exports import CASES, EXPORTS, needs_exports, read

from xmresearch.data.durations import read_durations
from xmresearch.data.formats.registry import formats


def counts(cells):
    return cells.value_counts().to_dict()


def test_every_form_can_be_asked_for():
    from typing import get_args

    from xmresearch.data.config import FormatName

    assert {f.name for f in formats()} == set(get_args(FormatName))


@needs_exports
def test_google_forms():
    table = read(EXPORTS / "google_forms" / "course_evaluation_grid.csv")
    assert (table.format, table.frame.shape) == ("google_forms", (60, 23))
    grid = [c for c in table.frame if c.startswith("Skill and responsiveness")]
    assert len(grid) == 6
    lecturer = next(c for c in grid if c.endswith(" was an effective lecturer/demonstrator]"))
    assert counts(table.frame[lecturer]) == {"Strongly agree": 44, "Agree": 15, "Neutral": 1}
    assert counts(table.frame["Class name"]) == {"CSE 2221": 44, "CSE 1223": 16}
    assert "column 23" in table.frame
    assert any("without a name" in note for note in table.notes)
    assert "[" not in table.questions[lecturer]


@needs_exports
def test_limesurvey():
    table = read(EXPORTS / "limesurvey" / "results_full_text.csv")
    assert (table.format, table.frame.shape) == ("limesurvey", (70, 146))
    assert table.frame["Last page"].max() == 24
    assert counts(table.frame["Start language"]) == {"en": 70}
    assert table.frame["Date submitted"].notna().all()
    assert any("placeholders" in note for note in table.notes)
    coded = read(CASES / "limesurvey_codes.csv")
    assert coded.roles == {"id": "id", "submitdate": "submitted"}
    assert len([c for c in coded.frame if c.startswith("E[")]) == 22


@needs_exports
def test_microsoft_forms():
    table = read(EXPORTS / "ms_forms" / "phones.csv")
    assert (table.format, table.frame.shape) == ("ms_forms", (55, 14))
    assert table.roles["Email"] == "email"
    assert list(table.several) == [c for c in table.frame if c.startswith("What factors are important")]


@needs_exports
def test_surveymonkey_with_two_header_rows():
    table = read(EXPORTS / "surveymonkey" / "condensed_two_row_header.xlsx")
    assert (table.format, table.frame.shape) == ("surveymonkey", (198, 100))
    position = next(c for c in table.frame if "best describes" in c)
    answers = counts(table.frame[position])
    assert {k: answers[k] for k in ("Staff", "Manager", "Department Lead")} == {
        "Staff": 116,
        "Manager": 46,
        "Department Lead": 28,
    }
    gender = next(c for c in table.frame if "gender" in c)
    assert counts(table.frame[gender]) == {"Female": 96, "Male": 86, "Prefer not to answer": 13, "Non-Binary": 1}
    assert set(table.roles.values()) == {"id", "started", "submitted", "email", "name", "external_id"}


@needs_exports
def test_surveymonkey_saved_again_by_pandas():
    table = read(EXPORTS / "surveymonkey" / "checkbox_columns_resaved_by_pandas.csv")
    assert (table.format, len(table.frame)) == ("surveymonkey", 311)
    assert counts(table.frame["Are you a member of OHBM?"]) == {"Yes": 254, "No": 56}
    platforms = next(v for k, v in table.several.items() if k.startswith("Which of the following platf"))
    ticked = {c: int(table.frame[c].notna().sum()) for c in platforms}
    assert next(v for c, v in ticked.items() if "OHBM website" in c) == 272
    assert next(v for c, v in ticked.items() if "[Twitter" in c) == 134


@needs_exports
def test_wenjuanxing_by_number():
    table = read(EXPORTS / "wjx" / "按序号_手机.csv")
    assert (table.format, table.frame.shape) == ("wjx", (21, 24))
    assert table.frame["4、你觉得你的手机怎么样？"].mean() == pytest.approx(2.143, abs=5e-4)
    assert read_durations(table.frame["所用时间"], "所用时间").mean() == pytest.approx(75.38, abs=0.005)
    assert table.frame["8、(价格)"].sum() == 9
    assert sum(table.declared_missing.values()) == 10
    assert table.roles["来自IP"] == "ip"
    assert table.questions["4、你觉得你的手机怎么样？"] == "你觉得你的手机怎么样？"


@needs_exports
def test_wenjuanxing_by_text():
    table = read(EXPORTS / "wjx" / "按文本_AI社交_前半.xlsx")
    assert (table.format, table.frame.shape) == ("wjx", (520, 62))
    assert sum(options == (name,) for name, options in table.several.items()) == 4
    matrix = [c for c in table.frame if c.startswith("7、")]
    assert len(matrix) == 12
    stem = table.questions[matrix[0]].split()[0]
    assert all(table.questions[c].startswith(stem) for c in matrix)
    assert counts(table.frame["1、您的性别："]) == {"男": 313, "女": 207}
    chosen = table.frame[next(n for n in table.several if n.startswith("8、"))].str.split("┋").explode()
    assert chosen.value_counts().max() == 353


@needs_exports
def test_tencent_wenjuan():
    table = read(EXPORTS / "tencent_wj" / "腾讯问卷_编造内容_gbk.csv")
    assert (table.format, table.encoding, len(table.frame)) == ("tencent_wj", "gb18030", 160)
    options = table.several["2.您通过哪些渠道办理？"]
    assert table.frame[next(c for c in options if c.endswith("A.大厅窗口"))].notna().sum() == 115
    assert counts(table.frame["1.您对本次服务的总体评价是？"])["A.非常满意"] == 61
    score = table.frame["3.您有多大可能推荐给亲友？(0-10)"]
    assert 100 * ((score >= 9).mean() - (score <= 6).mean()) == pytest.approx(-9.375)
    text = table.frame["4.您的意见：_填空1"].dropna()
    assert text.str.contains("\n").any()
    assert text.str.contains('"').any()
    assert table.roles["昵称"] == "name"


@needs_exports
def test_tencent_docs_form():
    table = read(EXPORTS / "tencent_docs_form" / "线下教学_收集表.xlsx")
    assert (table.format, len(table.frame)) == ("tencent_docs", 92)
    assert counts(table.frame["那您对学校的监管方式及态度是否满意"]) == {
        "较满意": 41,
        "满意": 38,
        "较不满意": 12,
        "不满意": 1,
    }
    assert counts(table.frame["您目前就读于"]) == {"大学": 74, "小学": 15, "高中": 3}
    assert table.roles == {"提交者（自动）": "name", "提交时间（自动）": "submitted"}
    assert len(table.several) == 3


@needs_exports
@pytest.mark.parametrize("name", ["wjx_codes.xlsx", "wjx_text_gb18030.csv", "google_forms.csv", "surveymonkey.csv"])
def test_cases_have_all_their_respondents(name):
    assert len(read(CASES / name).frame) == 300


def test_an_option_that_nobody_ticked_is_an_option(tmp_path):
    path = tmp_path / "s.csv"
    head = ["Respondent ID,Collector ID,Which?,,How was it?", ",,Web,Phone,Response"]
    path.write_text("\n".join([*head, "1,7,Web,,5", "2,7,,,4"]), "utf-8")
    table = read(path)
    assert table.several == {"Which?": ("Which? [Web]", "Which? [Phone]")}
    assert table.frame["How was it?"].tolist() == [5, 4]


def test_a_word_for_no_answer_leaves_numbers_as_numbers(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("序号,提交答卷时间,所用时间,1、满意度\n1,2026/3/1,49秒,5\n2,2026/3/1,50秒,(跳过)\n", "utf-8")
    table = read(path)
    assert table.frame["1、满意度"].dtype == "float64"
    assert table.declared_missing == {"1、满意度": 1}


def test_forms_without_answers_have_no_rows(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("Timestamp,Course [Pace]\n", "utf-8")
    table = read(path)
    assert (table.format, table.frame.shape) == ("google_forms", (0, 2))
    assert isinstance(table.frame, pd.DataFrame)
