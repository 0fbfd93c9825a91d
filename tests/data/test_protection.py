"""Identifiers are taken out at reading, kept only where the params say so, and pseudonyms need their key."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from canaries import ratings

from xmresearch.data.config import FileSource, Protect
from xmresearch.data.dated_rows import open_dated, open_rows
from xmresearch.data.formats.table import Table
from xmresearch.data.load import load_survey
from xmresearch.data.protected_scan import protect_scan
from xmresearch.data.protection import protect, read_key
from xmresearch.data.replacing import fingerprint, pseudonym
from xmresearch.errors import DataError
from xmresearch.identifiers.file_names import neutral_name
from xmresearch.identifiers.open_text import is_open_text
from xmresearch.studies.survey import reading_lines

MAILS = [f"li.{k}@example.org" for k in range(12)]


def table(**columns):
    frame = pd.DataFrame({"q1": range(1, 13), **columns})
    return Table(frame, "csv", "made here", roles={"Who": "name"} if "Who" in columns else {})


def what(found):
    return {p.column: (p.kind, p.ground, p.done, p.cells) for p in found.protected}


def test_identifiers_that_nobody_uses_are_dropped():
    found = protect(table(Email=MAILS, Who=["Ann"] * 12, note=["a"] * 12), Protect(), used=["q1"])
    assert list(found.frame) == ["q1", "note"]
    assert what(found) == {"Email": ("email", "name", "dropped", 12), "Who": ("name", "tool", "dropped", 12)}


def test_identifiers_in_use_become_running_numbers():
    found = protect(table(unit=[*MAILS[:6], *MAILS[:6]]), Protect())
    assert found.frame["unit"].tolist()[:7] == [*(f"email {k}" for k in range(1, 7)), "email 1"]
    assert what(found)["unit"] == ("email", "values", "replaced", 12)


def test_pseudonyms_are_the_same_for_the_same_key_alone(tmp_path, monkeypatch):
    (tmp_path / "key.txt").write_text("k" * 32 + "\n", "utf-8")
    monkeypatch.setenv("STUDY_KEY", "another key of this study")
    first = protect(table(unit=MAILS), Protect(key="key.txt"), tmp_path)
    again = protect(table(unit=[m.upper() + " " for m in MAILS]), Protect(key="key.txt"), tmp_path)
    other = protect(table(unit=MAILS), Protect(key="env:STUDY_KEY"), tmp_path)
    assert first.frame["unit"].tolist() == again.frame["unit"].tolist()
    assert not set(first.frame["unit"]) & set(other.frame["unit"])
    assert what(first)["unit"][2] == "hashed"
    assert first.frame["unit"].str.fullmatch("[0-9a-f]{16}").all()


def test_a_key_is_asked_for_with_a_way_to_make_one(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTHING", raising=False)
    (tmp_path / "short.txt").write_text("fifteen letters", "utf-8")
    for key in ("missing.txt", "short.txt", "env:NOTHING"):
        with pytest.raises(DataError, match=r"data.protect.key.*secrets.token_hex"):
            protect(table(unit=MAILS), Protect(key=key), tmp_path)
    (tmp_path / "just.txt").write_text("sixteen letters!", "utf-8")
    assert read_key("just.txt", tmp_path) == b"sixteen letters!"


def test_a_fingerprint_tells_keys_apart_and_is_none():
    assert fingerprint(b"a" * 32) != fingerprint(b"b" * 32)
    assert len(fingerprint(b"a" * 32)) == 12
    assert pseudonym("x", b"a" * 32) != pseudonym("x", b"b" * 32)


def test_params_can_keep_and_add_columns():
    found = protect(table(Email=MAILS, ref=list("abcdefghijkl")), Protect(keep=["Email"], pseudonymise=["ref"]))
    assert found.frame["Email"].tolist() == MAILS
    assert found.frame["ref"].tolist()[:2] == ["account 1", "account 2"]
    assert what(found)["Email"][2] == "kept"
    for setting in ("keep", "pseudonymise"):
        with pytest.raises(
            DataError, match=rf"data.protect.{setting}: the data have no column 'Emall'. Did you mean 'Email'"
        ):
            protect(table(Email=MAILS), Protect(**{setting: ["Emall"]}))


def test_texts_are_scrubbed():
    found = protect(table(comment=["fine", "write to zhang@example.org or 13812345678", *["ok"] * 10]), Protect())
    assert found.frame["comment"][1] == "write to [e-mail] or [phone]"
    assert what(found)["comment"] == ("text", "values", "scrubbed", 1)


def test_answers_named_like_identifiers_stay():
    rated = table(Email=["Satisfied", "Very satisfied"] * 6, Phone=[5, 4] * 6)
    found = protect(rated, Protect())
    pd.testing.assert_frame_equal(found.frame, rated.frame)
    assert not found.protected
    many = table(Email=[f"answer {k}" for k in range(12)])
    assert what(protect(many, Protect()))["Email"][2] == "replaced"


def test_numbers_of_telephones_are_identifiers_and_counts_are_not():
    found = protect(table(Phone=[13800000000 + k for k in range(12)], visits=range(100, 112)), Protect())
    assert what(found) == {"Phone": ("phone", "name", "replaced", 12)}


def test_streamed_rows_are_protected_throughout():
    n = 25_000
    rows = pl.LazyFrame({
        "who": [f"p{k % 500}@example.org" for k in range(n)], "touch": ["web" if k else "mail li@example.org" for k in range(n)],
        "lat": np.linspace(18.0, 53.0, n), "n": range(n),
    })  # fmt: skip
    out, done = protect_scan(rows, Protect())
    frame = out.collect()
    assert frame["who"].n_unique() == 500
    assert frame["who"][-1] == "email 500"
    assert frame["touch"].unique().sort().to_list() == ["mail [e-mail]", "web"]
    assert "lat" not in frame
    assert {p.column: p.done for p in done} == {"who": "replaced", "touch": "scrubbed", "lat": "dropped"}


def test_file_names_that_tell_a_person_are_neutral():
    assert neutral_name("answers_13812345678.csv") == "data.csv"
    assert neutral_name("zhang@example.org.xlsx") == "data.xlsx"
    assert neutral_name("survey_2026-03-01.csv") == "survey_2026-03-01.csv"


def survey_file(path, **more):
    rng = np.random.default_rng(1)
    items = {f"{k}{j}": rng.integers(1, 8, 60) for k in "ep" for j in range(1, 23)}
    pd.DataFrame(
        {"Email": [f"p{k}@example.org" for k in range(60)], **items, "branch": ["N", "S"] * 30, **more}
    ).to_csv(path, index=False)
    return path


def test_a_survey_keeps_what_it_uses_and_refuses_persons_as_groups(tmp_path):
    path = survey_file(tmp_path / "s.csv")
    found = load_survey(path, codebook="servqual", id_column="Email", segments=["branch"])
    assert {p.column: p.done for p in found.table.protected} == {"Email": "replaced"}
    assert "Email" not in found.frame
    with pytest.raises(DataError, match="segments: column 'Email' holds identifiers of persons .email."):
        load_survey(path, codebook="servqual", segments=["Email"])
    kept = FileSource(source="file", path=str(path), protect=Protect(keep=["Email"]))
    with pytest.raises(DataError, match="60 different values"):
        load_survey(kept, codebook="servqual", segments=["Email"])


def test_rows_of_panels_and_logs_are_protected(tmp_path):
    path = tmp_path / "events_13812345678.csv"
    pd.DataFrame({"case": MAILS * 2, "step": ["web", "mail a@example.org"] * 12}).to_csv(path, index=False)
    rows, source = open_rows(FileSource(source="file", path=str(path)))
    assert source == "data.csv"
    assert rows["case"].tolist()[:2] == ["email 1", "email 2"]
    assert set(rows["step"]) == {"web", "mail [e-mail]"}


NUMBERS_LIKE_TELEPHONES = [
    "R_4adf18628374156",
    "R_13701086794d177",
    "R_5739040863373de",
    *(f"R_{k:015x}" for k in range(9)),
]


def test_numbers_of_responses_are_left_as_the_tool_made_them():
    frame = pd.DataFrame({"q1": range(1, 13), "ResponseId": NUMBERS_LIKE_TELEPHONES})
    given = Table(frame, "qualtrics", "made here", roles={"ResponseId": "id"})
    found = protect(given, Protect(), used=["q1", "ResponseId"], ids=["ResponseId"])
    assert found.frame["ResponseId"].tolist() == NUMBERS_LIKE_TELEPHONES
    assert found.protected == ()


def test_values_that_tell_rows_apart_still_do():
    mobiles = [f"case {13800000000 + k}" if k < 2 else f"case {k}" for k in range(12)]
    found = protect(table(case=mobiles), Protect(), used=["q1", "case"], ids=["case"])
    assert found.frame["case"].tolist() == [f"account {k}" for k in range(1, 13)]
    assert what(found)["case"] == ("account", "values", "replaced", 12)
    labelled = protect(table(case=mobiles), Protect(), used=["q1", "case"])
    assert labelled.frame["case"].tolist()[:3] == ["case [phone]", "case [phone] 2", "case 2"]
    assert labelled.frame["case"].nunique() == 12
    assert labelled.protected[0].alike == 2


def test_every_hashed_column_names_its_key(tmp_path):
    (tmp_path / "key.txt").write_text("k" * 32, "utf-8")
    asked = Protect(key="key.txt", pseudonymise=["ref"])
    mixed = [*MAILS[:1], *(f"row {k}" for k in range(11))]
    found = protect(table(unit=MAILS, ref=list("abcdefghijkl"), row=mixed), asked, tmp_path, ids=["row"])
    assert {p.column: p.done for p in found.protected} == dict.fromkeys(("unit", "ref", "row"), "hashed")
    assert {p.key for p in found.protected} == {fingerprint(b"k" * 32)}
    rows, done = protect_scan(pl.LazyFrame({"unit": MAILS, "ref": list("abcdefghijkl")}), asked, tmp_path)
    assert {p.key for p in done} == {fingerprint(b"k" * 32)}
    assert rows.collect()["unit"].to_list() == found.frame["unit"].tolist()


def test_streamed_telephone_numbers_are_replaced_and_only_places_dropped():
    phones = [13800000000.0 + k for k in range(12)]
    rows, done = protect_scan(pl.LazyFrame({"phone": phones, "lat": [30.0 + k for k in range(12)]}), Protect())
    assert rows.collect()["phone"].to_list()[:2] == ["phone 1", "phone 2"]
    assert {p.column: p.done for p in done} == {"phone": "replaced", "lat": "dropped"}


OWN = [f"The staff of hall number {chr(97 + k)} were kind, ask Karen Miller or 1380013800{k}" for k in range(9)]


def test_own_words_are_not_carried_unless_the_params_say_so():
    given = table(comment=[*OWN, *["fine"] * 3], touch=["call the hotline", "visit the hall"] * 6)
    dropped = protect(given, Protect())
    assert list(dropped.frame) == ["q1", "touch"]
    assert what(dropped) == {"comment": ("open_text", "values", "dropped", 12)}
    carried = protect(given, Protect(free_text="scrubbed"))
    assert carried.frame["comment"][0] == "The staff of hall number a were kind, ask [name] or [phone]"
    assert what(carried) == {"comment": ("open_text", "values", "scrubbed", 9)}
    assert protect(given, Protect(keep=["comment"])).frame["comment"].tolist() == given.frame["comment"].tolist()
    assert "comment" in protect(given, Protect(), labels=["comment"]).frame
    assert "comment" in protect(given, Protect(), used=["comment"]).frame
    told = Table(pd.DataFrame({"remark": ["ok"] * 3}), "csv", "made here", roles={"remark": "comment"})
    assert list(protect(told, Protect()).frame) == []


@pytest.mark.parametrize(
    ("texts", "found"),
    [(OWN[:4], False), (OWN[:5], True), ([*OWN[:5], *["ok"] * 5], True), ([*OWN[:5], *["ok"] * 6], False)],
)
def test_five_sentences_that_are_half_of_the_answers_make_own_words(texts, found):
    assert is_open_text(pd.Series(texts)) is found


@pytest.mark.parametrize(
    "values",
    [
        ["R_2abc", "R_3xyz"],
        ["2026-03-01 10:00:00", "2026-03-02 10:00:00"],
        ["http://a.example/x", "b"],
        ["非常满意", "满意"],
        [1, 2],
    ],
)
def test_codes_and_answers_are_no_own_words(values):
    assert not is_open_text(pd.Series(values * 10))


def test_chinese_sentences_are_own_words():
    assert is_open_text(pd.Series([f"服务人员态度很好，就是等{c}太久" for c in "一二三四五六"]))


def test_streamed_own_words_are_treated_alike():
    rows = pl.LazyFrame(
        {
            "comment": OWN,
            "unit": [f"Hall of {c}" for c in "abcdefghi"],
            "Last Name": ["Kensington"] * 9,
            "tag": ["of Kensington", "x", "y"] * 3,
        }
    )
    kept, done = protect_scan(rows, Protect(), labels=["unit"])
    assert kept.collect_schema().names() == ["unit", "Last Name", "tag"]
    assert {p.column: (p.kind, p.done) for p in done}["comment"] == ("open_text", "dropped")
    assert kept.collect()["tag"][0] == "of [name]"
    carried, _ = protect_scan(rows, Protect(free_text="scrubbed"), labels=["unit"])
    assert carried.collect()["comment"][0] == "The staff of hall number a were kind, ask [name] or [phone]"


def test_own_words_of_a_survey_follow_its_respondents(tmp_path):
    frame = ratings(40).assign(
        comment=[f"Desk number {chr(97 + k % 26)} was slow, said Karen Miller in round {k}" for k in range(40)]
    )
    frame.loc[3, [f"p{k}" for k in range(1, 23)]] = np.nan
    frame.loc[3, [f"e{k}" for k in range(1, 23)]] = np.nan
    frame.to_csv(tmp_path / "s.csv", index=False)
    plain = load_survey(FileSource(source="file", path=str(tmp_path / "s.csv")))
    assert plain.texts.shape[1] == 0
    carried = load_survey(
        FileSource(source="file", path=str(tmp_path / "s.csv"), protect=Protect(free_text="scrubbed"))
    )
    assert len(carried.texts) == len(carried) == 39
    assert carried.texts["comment"][3] == "Desk number e was slow, said [name] in round 4"
    lines = reading_lines(plain.table)
    assert (
        "Free text: answers in respondents' own words in 1 column(s) were not carried (data.protect.free_text): 'comment'."
        in lines
    )
    assert any(
        "are carried, scrubbed of identifiers and names: 'comment'" in line for line in reading_lines(carried.table)
    )


def test_what_a_file_says_of_its_columns_holds_no_identifier():
    frame = pd.DataFrame({"q1": range(1, 13), "姓名": [1, 2] * 6, "q2": [1, 2] * 6, "q3": [1, 0] * 6})
    given = Table(
        frame, "spss", "made here", questions={"q1": f"Rate {MAILS[0]}"}, values={"姓名": {1: "欧阳鹭洲"}, "q2": {1: "call 13812345678", 2: "no"}},
        several={f"Which of {MAILS[0]}": ("q3",)}, notes=(f"Sheet {MAILS[0]}",),
    )  # fmt: skip
    found = protect(given, Protect())
    assert found.values == {"q2": {1: "call [phone]", 2: "no"}}
    assert (found.questions, found.several, found.notes) == (
        {"q1": "Rate [e-mail]"},
        {"Which of [e-mail]": ("q3",)},
        ("Sheet [e-mail]",),
    )


def test_a_column_of_names_is_no_date(tmp_path):
    frame = pd.DataFrame(
        {"when": ["Karen Miller", "David Smith", "张伟", "Linda Brown", "王芳"], "姓名": [*"abcde"], "y": range(5)}
    )
    for ending in ("csv", "parquet"):
        path = tmp_path / f"p.{ending}"
        getattr(frame, f"to_{ending}")(path, index=False)
        for column in ("when", "姓名"):
            with pytest.raises(
                DataError, match=f"Column '{column}' holds identifiers of persons .name., which are no dates"
            ):
                open_dated(FileSource(source="file", path=str(path)), dates=[column])
