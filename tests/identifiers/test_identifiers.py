"""Structured identifiers are found in text and columns, and what only looks like one is left."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, ParamsError, brief
from xmresearch.identifiers.columns import by_values, recognise_columns
from xmresearch.identifiers.file_names import neutral_name
from xmresearch.identifiers.headings import by_name
from xmresearch.identifiers.known_names import KnownNames
from xmresearch.identifiers.names import scrub_names
from xmresearch.identifiers.patterns import find, kind_of, scrub, scrub_all
from xmresearch.params.base import StudyParams
from xmresearch.report.blocks import csv_text
from xmresearch.run.public_params import public_params

VOICE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "voice"
FRAMES = ["{}", "call me on {} please", "请联系{}，谢谢", "（{}）", "contact:{};", "我的是{}。", "\n{}\n"]


def identity_number(rng):
    day = f"{rng.integers(1950, 2005)}{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}"
    body = f"{rng.integers(110000, 659000)}{day}{rng.integers(0, 1000):03d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def generated(rng):
    mobile = f"1{rng.integers(3, 10)}{rng.integers(0, 10**9):09d}"
    wide = mobile.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    return {
        "email": f"li.{rng.integers(10**6)}@mail{rng.integers(99)}.example.com", "mobile": mobile, "wide": wide,
        "spaced": f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}", "dashed": f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}",
        "abroad": f"+86 {mobile}", "hidden": f"{mobile[:3]}\u200b{mobile[3:]}", "london": f"+44 20 7946 0{rng.integers(100, 999)}",
        "american": f"(415) 555-{rng.integers(1000, 9999)}", "landline": f"0{rng.integers(10, 99)}-{rng.integers(10**7, 10**8 - 1)}",
        "identity": identity_number(rng), "ip": f"10.{rng.integers(256)}.{rng.integers(256)}.{rng.integers(1, 255)}",
        "ip6": f"fe80::{rng.integers(1, 65535):x}:{rng.integers(1, 65535):x}",
        "place": f"{rng.uniform(18, 53):.5f}, {rng.uniform(74, 134):.5f}", "plate": f"京A{rng.integers(10000, 99999)}",
        "electric": f"沪AD{rng.integers(10000, 99999)}", "card": "4111 1111 1111 1111", "account": f"微信：abc_{rng.integers(10**6)}",
    }  # fmt: skip


def test_every_generated_identifier_is_found_in_every_frame():
    rng = np.random.default_rng(20260101)
    missed = []
    for _ in range(60):
        for kind, value in generated(rng).items():
            secret = value.rpartition("：")[2] if kind == "account" else value
            missed += [(kind, t) for t in (f.format(value) for f in FRAMES) if secret in scrub(t)]
    assert not missed, missed[:5]


@pytest.mark.parametrize(
    "text",
    [
        "5 of 7 on 2026-03-01 10:00:00", "2026/03/01", "order 12345678901", "44012026000000", "v1.2.3.4", "版本 10.0.19.1",
        "R_2YPOQ602ER1jkf1", "0.13812345678", "13812345678.5", "paid 1,380.50", "110105194912310021", "4111 1111 1111 1112",
        "12:30:45", "Q7_1", "A@B", "31.23, 121.47", "score 9.1234 only", "京剧很好看", "3分38秒", "300.400.500.600", "1380013800",
        "ab12cd34ef56", "QQ音乐很好",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_identifier_is_left(text):
    assert find(text) == []


@pytest.mark.parametrize("file", ["waimai_10k.csv", "amazon_snippets_en.csv", "patient_comments_multilabel_en.csv"])
def test_false_alarms_in_real_comments_are_rare(file):
    if not VOICE.is_dir():
        pytest.skip("needs the comments in XMRESEARCH_DATA")
    frame = pd.read_csv(VOICE / file)
    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    longest = max(texts, key=lambda c: frame[c].astype(str).str.len().mean())
    # whoever made the file put this number in the place of real ones
    hits = [t for t in frame[longest].dropna().astype(str).str.replace("19900000007", "") if find(t)]
    assert len(hits) <= 2, hits[:5]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RecipientEmail", "email"), ("E-mail address", "email"), ("您的邮箱", "email"), ("3、手机号", "phone"), ("联系电话", "phone"),
        ("Mobile number", "phone"), ("IPAddress", "ip"), ("来自IP", "ip"), ("姓名", "name"), ("First Name", "name"),
        ("1、您的姓名", "name"), ("LocationLatitude", "location"), ("家庭地址", "location"), ("身份证号", "id_number"),
        ("Your name", "name"), ("What is your full name?", "name"), ("Name of the patient", "name"), ("Brand name", ""), ("Passport no.", "id_number"), ("车牌号", "plate"), ("微信号", "account"), ("branch", ""), ("satisfaction", ""),
        ("What is the name of your mobile phone brand?", ""), ("渠道名称", ""), ("满意度", ""), ("column name of course", ""),
    ],
)  # fmt: skip
def test_columns_are_known_by_name(name, kind):
    assert by_name(name) == kind


def test_columns_are_known_by_what_they_hold():
    rng = np.random.default_rng(3)
    made = [generated(rng) for _ in range(50)]
    assert by_values(pd.Series([m["email"] for m in made])) == "email"
    assert by_values(pd.Series([int(m["mobile"]) for m in made])) == "phone"
    assert by_values(pd.Series([float(m["mobile"]) for m in made])) == "phone"
    assert by_values(pd.Series([m["identity"] for m in made])) == "id_number"
    assert by_values(pd.Series([f"comment {k}" for k in range(50)])) == ""
    assert by_values(pd.Series(range(50))) == ""
    assert by_values(pd.Series([f"R_{k:015d}" for k in range(50)])) == ""


def test_a_fifth_of_the_values_is_the_boundary():
    plain = [f"text {k}" for k in range(8)]
    mails = ["a@example.org", "b@example.org"]
    assert by_values(pd.Series(plain + mails)) == "email"
    assert by_values(pd.Series([*plain, "one more", *mails])) == ""


def test_the_tools_word_comes_first():
    frame = pd.DataFrame({"x": ["a"], "Email": ["b"], "q1": [1]})
    found = recognise_columns(frame, {"x": "ip", "q1": "duration"})
    assert {c: (f.kind, f.ground) for c, f in found.items()} == {"x": ("ip", "tool"), "Email": ("email", "name")}


def test_errors_hold_no_identifier():
    rng = np.random.default_rng(4)
    for value in generated(rng).values():
        assert value not in brief(f"cell {value}")
    told = DataError(f"Column 'x': '{brief('zhang@example.org')}' is no number.")
    assert "zhang" not in str(told)
    assert kind_of(" zhang@example.org ") == "email"


@pytest.mark.parametrize(
    "name",
    [
        "answers_13812345678.csv",
        "zhang@example.org.xlsx",
        "张三.xlsx",
        "回访-欧阳娜娜-终稿.sav",
        "john_smith_interview.csv",
        "Mary Jones (2).parquet",
    ],
)
def test_names_of_files_that_tell_a_person_become_neutral(name):
    assert neutral_name(name) == f"data.{name.rpartition('.')[2]}"


@pytest.mark.parametrize(
    "name",
    [
        "survey_2026-03-01.csv",
        "服务满意度.csv",
        "高校.csv",
        "黄浦.csv",
        "kiosk_servqual.csv",
        "grace_period.csv",
        "may_report.csv",
        "gss_2018.sav",
        "..",
        "/",
    ],
)
def test_other_names_of_files_stay(name):
    assert neutral_name(name) == name


def test_nested_contents_are_scrubbed_without_losing_a_key():
    given = {"a@example.org": ["13812345678", 13812345678, {"x": None}], "b@example.org": True}
    assert scrub_all(given) == {"[e-mail]": ["[phone]", 13812345678, {"x": None}], "[e-mail] 2": True}


def test_what_params_name_is_neutral_in_outputs_and_a_key_of_a_variable_stays():
    params = {
        "data": {"path": "/srv/张三/answers_13812345678.csv", "protect": {"key": "env:STUDY_KEY"}},
        "codebook": "servqual",
        "n": 3,
    }
    shown = {
        "data": {"path": "data.csv", "protect": {"key": "env:STUDY_KEY"}},
        "codebook": "servqual",
        "n": 3,
    }
    assert public_params(params) == shown
    assert public_params(shown) == shown


def test_a_run_is_not_named_after_a_person():
    with pytest.raises(ParamsError, match="tells who somebody is"):
        StudyParams.from_namespace({"study": "servqual", "name": "of_13812345678"})


def test_tables_to_hand_out_hold_no_identifier_and_keep_their_numbers():
    text = csv_text(pd.DataFrame({"who": ["a@example.org", "b"], "value": [13812345678, 2]}))
    assert text == "who,value\n[e-mail],13812345678\nb,2\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Dr. Smith was kind", "Dr. [name] was kind"), ("my name is Zebadiah Quill", "my name is [name]"), ("Karen helped me", "[name] helped me"),
        ("ask for John Miller's desk", "ask for [name] desk"), ("王医生态度好", "[name]医生态度好"), ("我叫李小龙，谢谢", "我叫[name]，谢谢"),
        ("送餐员王昭晖很努力", "送餐员[name]很努力"), ("联系人：欧阳娜娜", "联系人：[name]"),
    ],
)  # fmt: skip
def test_names_in_running_text(text, left):
    assert scrub_names(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "The nurse. However, she left", "Grace period of a month", "I will go in May", "Thank you for the help", "感谢送餐师傅", "任何医生都可以", "谢谢老师",
        "顾客是上帝", "黄焖鸡很好", "高级经理", "宫保鸡丁", "王老吉不错",
    ],
)  # fmt: skip
def test_words_that_are_no_names_stay(text):
    assert scrub_names(text) == text


def kinds(**columns):
    return {c: f.kind for c, f in recognise_columns(pd.DataFrame(columns)).items()}


def test_numbers_below_a_million_are_answers():
    assert kinds(Phone=[999_999] * 5) == {}
    assert kinds(Phone=[1_000_000] * 5) == {"Phone": "phone"}


def test_few_values_in_many_rows_are_answers():
    answers = [f"answer {k}" for k in range(12)]
    assert kinds(Email=answers * 3) == {}
    assert kinds(Email=answers * 2) == {"Email": "email"}
    assert kinds(Email=[f"answer {k}" for k in range(13)] * 3) == {"Email": "email"}
    assert kinds(Email=[*answers[:-1], "a@example.org"] * 3) == {"Email": "email"}


def test_names_that_the_file_gives_are_found_in_its_texts():
    known = KnownNames(["欧阳鹭洲", "高兴", "Ottoline Quillfeather", "Grace", "Bo", None, 7])
    assert known.scrub("请找欧阳鹭洲，谢谢") == "请找[name]，谢谢"
    assert known.scrub("Thank OTTOLINE  quillfeather's team, and Quillfeather.") == "Thank [name]'s team, and [name]."
    assert known.scrub("the quillfeather, Grace and Bo, 高大") == "the quillfeather, Grace and Bo, 高大"
    assert not KnownNames([None, 3, "A"])
    assert KnownNames(["Amy"]).scrub("Amy") == "[name]"
    assert KnownNames(["Amy Li"]).scrub("so said Amy Li") == "so said [name]"


def test_chinese_names_of_two_to_four_characters_are_looked_for():
    names = ["鹭", "鹭洲", "欧阳鹭洲", "欧阳鹭洲子"]
    assert [KnownNames([n]).scrub(n) for n in names] == ["鹭", "[name]", "[name]", "欧阳鹭洲子"]


PERSONS = ["Karen Miller", "David Smith", "张伟", "Linda Brown", "王芳"]


@pytest.mark.parametrize(("count", "found"), [(4, ""), (5, "name")])
def test_five_names_make_a_column_of_them(count, found):
    names = PERSONS[:count]
    assert kinds(x=names).get("x", "") == found


def test_half_of_the_values_must_be_names():
    names, others = PERSONS, ["north", "south", "east", "centre", "river"]
    assert kinds(x=names + others) == {"x": "name"}
    assert kinds(x=[*names, *others, "west"]) == {}
    assert kinds(x=[f"branch {k}" for k in range(200)] + names * 60) == {}


def test_a_column_called_name_is_of_persons_beside_other_identifiers():
    mails = [f"p{k}@example.org" for k in range(20)]
    rare = [f"Zeb{chr(97 + k)} Quill" for k in range(20)]
    assert kinds(Name=rare) == {}
    assert kinds(Name=rare, x=mails) == {"Name": "name", "x": "email"}
    assert kinds(Name=["north", "south"] * 10, x=mails) == {"x": "email"}
    assert kinds(Name=[f"hall {k}" for k in range(20)], x=mails) == {"x": "email"}


def test_a_long_question_that_ends_in_a_word_for_identifiers_is_none():
    assert by_name("Please tell us your mobile telephone number, if any") == ""
    assert by_name("What is your own mobile telephone number") == "phone" == by_name("您的手机号码")


def test_names_of_files_in_messages_are_neutral():
    told = DataError("'/srv/张三/a.csv' and 'b.csv' and x/回访-欧阳娜娜.xlsx are no '张三'.", "See 'john_smith.sav'.")
    assert str(told) == "'/srv/data/a.csv' and 'b.csv' and x/data.xlsx are no '张三'. See 'data.sav'."
