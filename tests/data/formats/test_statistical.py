"""Files of SPSS and Stata: labels, what they declare missing, dates, weights, sets of answers, encodings."""

import datetime as dt
import struct
import warnings

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from exports import CASES, EXPORTS, needs_exports, read

from xmresearch.data.formats.statistical_dates import as_dates
from xmresearch.data.load import load_survey
from xmresearch.errors import DataError


@pytest.fixture
def survey():
    return pd.DataFrame({"id": ["9007199254740993001", "9007199254740993002", "x  "], "q1": [1.0, 2.0, 9.0], "q2": [1.0, np.nan, 5.0],
                         "w": [0.5, 1.5, 1.0]})  # fmt: skip


@needs_exports
def test_satisfaction_of_the_social_survey_is_without_what_is_declared_missing():
    table = read(EXPORTS / "spss_stata/gss_user_missing.sav")
    assert table.format == "spss"
    assert table.frame.shape == (1473, 22)
    satisfied = table.frame["satjob"]
    assert satisfied.count() == 1208
    assert satisfied.mean() == pytest.approx(1.8005, abs=5e-5)
    assert table.values["satjob"] == {1: "Very satisfied", 2: "Moderately satisfied", 3: "A little dissatisfied", 4: "Very dissatisfied"}  # fmt: skip
    assert table.frame["age"].mean() == pytest.approx(44.005, abs=5e-4)
    assert table.declared_missing["satjob"] == 57
    assert table.questions["race"] == "Respondent's race"
    assert 3 not in set(table.frame["race"].dropna())
    assert len(table.notes) == 1
    assert "'race': the file declares 3 missing, which may be an answer" in table.notes[0]


@needs_exports
def test_births_read_the_same_from_spss_in_gbk_and_from_stata():
    spss, stata = (read(EXPORTS / f"spss_stata/{name}") for name in ("gbk_labels.sav", "zh_labels.dta"))
    assert spss.encoding == "gbk"
    assert spss.frame["RACE"].map(spss.values["RACE"]).value_counts().to_dict() == {"白人": 96, "其他": 67, "黑人": 26}
    assert spss.questions["BWT"] == "出生体重（g）"
    assert spss.frame["BWT"].mean() == pytest.approx(2944.656, abs=5e-4)
    assert stata.values["SMOKE"] == {0: "不吸烟", 1: "吸烟"}
    assert stata.frame["SMOKE"].value_counts().to_dict() == {0: 115, 1: 74}
    pd.testing.assert_frame_equal(spss.frame, stata.frame)


@needs_exports
def test_letters_of_stata_are_blanks_and_counted():
    table = read(EXPORTS / "spss_stata/tagged_missing.dta")
    assert table.frame["x"].dropna().tolist() == [1, 2, 3, 4, 5]
    assert table.frame["x"].mean() == 3
    assert table.declared_missing == {"x": 3}


@needs_exports
def test_umlauts_of_labels():
    table = read(EXPORTS / "spss_stata/umlauts.sav")
    assert table.values["var1"] == {1: "the ä umlaut", 2: "the ü umlaut", 3: "the ö umlaut"}
    assert table.questions["var1"] == "This is an ä-umlaut"


@needs_exports
def test_youth_of_2024_by_the_weight_of_its_year():
    table = read(EXPORTS / "weighting/youth_monitor_2300.sav")
    year = table.frame[table.frame["Onderzoeksjaar"] == 2024]
    answered = year.dropna(subset=["PBMHK3S3"])
    yes = next(code for code, label in table.values["PBMHK3S3"].items() if label == "Ja")
    said, weight = answered["PBMHK3S3"] == yes, answered["weegfactor2024"]
    assert (len(table.frame), len(year), len(answered)) == (2300, 446, 443)
    assert said.mean() == pytest.approx(0.3138, abs=5e-5)
    assert np.average(said, weights=weight) == pytest.approx(0.3251, abs=5e-5)
    assert weight.sum() ** 2 / (weight**2).sum() == pytest.approx(351.7, abs=0.05)
    assert table.roles == {}


@needs_exports
def test_the_survey_of_the_cases_is_that_of_its_csv():
    table, base = read(CASES / "spss.sav"), pd.read_csv(CASES / "base.csv")
    items = [c for c in table.frame if c[1:].isdigit() and c in base]
    assert len(items) == 44
    want = base.loc[base["id"].isin(base["id"])] if "id" in base else base
    assert len(table.frame) == len(want) == 300
    differ = [
        c for c in items if not np.array_equal(table.frame[c].to_numpy(float), base[c].to_numpy(float), equal_nan=True)
    ]
    assert differ in ([], ["p1"])
    assert table.declared_missing == {"p1": 6}
    assert table.values["e1"][7] == "Strongly agree"
    assert 99 not in table.values["e1"]


@needs_exports
def test_the_survey_of_the_cases_reaches_a_survey():
    assert len(load_survey(CASES / "spss.sav", codebook="servqual", segments=["branch"])) == 300


def test_types_are_those_of_the_answers(tmp_path, survey):
    pyreadstat.write_sav(survey, tmp_path / "s.sav", row_compress=True)
    pyreadstat.write_sav(survey, tmp_path / "s.zsav", compress=True)
    pyreadstat.write_dta(survey, tmp_path / "s.dta")
    pyreadstat.write_por(survey.rename(columns=str.upper), tmp_path / "s.por")
    for name in ("s.sav", "s.zsav", "s.dta", "s.por"):
        table = read(tmp_path / name)
        table.frame.columns = table.frame.columns.str.lower()
        assert table.why == f"the ending {name[1:]}"
        assert table.frame["id"].tolist() == ["9007199254740993001", "9007199254740993002", "x"]
        assert table.frame["q1"].dtype == np.int64
        assert table.frame["q2"].dtype == np.float64
        assert table.frame["w"].tolist() == [0.5, 1.5, 1.0]
        assert table.notes == ()


def test_a_number_too_long_to_be_exact_is_said(tmp_path):
    pyreadstat.write_sav(
        pd.DataFrame({"id": [9007199254740993.0, 9007199254740994.0], "n": [2.0**53 - 1, 1]}), tmp_path / "s.sav"
    )
    table = read(tmp_path / "s.sav")
    assert len(table.notes) == 1
    assert "Numbers of 16 digits or more in 'id' are not exact" in table.notes[0]
    assert table.frame["n"].tolist() == [2**53 - 1, 1]


@pytest.mark.parametrize(
    ("labels", "missing", "doubted"),
    [
        ({1: "No", 2: "Yes"}, [3], "3"),
        ({1: "No", 2: "Yes", 3: "Other"}, [3], "3"),
        ({1: "No", 2: "Yes", 3: "Don't know"}, [3], ""),
        ({1: "No", 2: "Yes", 3: "不知道"}, [3], ""),
        ({1: "No", 2: "Yes"}, [9], ""),
        ({}, [3], "3"),
        ({}, [99], ""),
        ({1: "No", 2: "Yes", 5: "N/A", 99: "Refused"}, [{"lo": 5, "hi": 99}], ""),
        ({1: "No", 2: "Yes"}, [{"lo": 2.5, "hi": 99}], "3"),
    ],
)
def test_a_code_declared_missing_that_may_be_an_answer_is_doubted(tmp_path, labels, missing, doubted):
    answers = [1.0, 2.0, 3.0, 5.0, 9.0, 99.0]
    frame = pd.DataFrame({"q": [*answers, 4.0] if not labels else answers})
    pyreadstat.write_sav(
        frame,
        tmp_path / "s.sav",
        missing_ranges={"q": missing},
        variable_value_labels={"q": labels} if labels else None,
    )
    table = read(tmp_path / "s.sav")
    one = missing[0] if isinstance(missing[0], dict) else {"lo": missing[0], "hi": missing[0]}
    gone = [a for a in frame["q"] if one["lo"] <= a <= one["hi"]]
    assert table.declared_missing == {"q": len(gone)}
    assert sorted(table.frame["q"].dropna()) == sorted(set(frame["q"]) - set(gone))
    assert set(table.values.get("q", {})) == {c for c in labels if c not in gone}
    assert (
        [n for n in table.notes if f"declares {doubted} missing" in n] == list(table.notes)
        if doubted
        else not table.notes
    )


def test_texts_declared_missing_are_blank(tmp_path):
    pyreadstat.write_sav(pd.DataFrame({"q": ["a", "NA", "b"]}), tmp_path / "s.sav", missing_ranges={"q": ["NA"]})
    table = read(tmp_path / "s.sav")
    assert table.frame["q"].dropna().tolist() == ["a", "b"]
    assert table.declared_missing == {"q": 1}


def test_dates_of_spss_and_stata(tmp_path):
    day, moment = dt.date(2024, 3, 1), dt.datetime(2024, 3, 1, 10, 5, 7)
    frame = pd.DataFrame({"day": [day, None], "moment": [moment, None], "span": [dt.time(10, 5), None]})
    pyreadstat.write_sav(frame, tmp_path / "s.sav")
    pyreadstat.write_dta(frame[["day", "moment"]], tmp_path / "s.dta")
    for name in ("s.sav", "s.dta"):
        found = read(tmp_path / name).frame
        assert found["day"][0] == pd.Timestamp(day)
        assert found["moment"][0] == pd.Timestamp(moment)
        assert found["day"].isna().tolist() == found["moment"].isna().tolist() == [False, True]
    assert read(tmp_path / "s.sav").frame["span"][0] == pd.Timedelta(hours=10, minutes=5)


@pytest.mark.parametrize("unit", ["tc", "td", "tw", "tm", "tq", "th"])
def test_every_calendar_of_stata_as_pandas_writes_it(tmp_path, unit):
    days = pd.to_datetime(["1959-07-02", "1960-01-01", "2024-02-29", "2024-12-31"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.DataFrame({"at": days}).to_stata(tmp_path / "s.dta", convert_dates={"at": unit}, write_index=False)
    want = pd.read_stata(tmp_path / "s.dta")["at"]
    assert read(tmp_path / "s.dta").frame["at"].tolist() == want.tolist()


def test_leap_seconds_of_stata_are_taken_out():
    """Stata's help for datetime: the second of 31 December 2016, 23:59:60 is the 27th inserted."""
    start = (np.datetime64("2017-01-01T00:00:00") - np.datetime64("1960-01-01T00:00:00")).astype("int64")
    count = pd.Series([(start + 27) * 1e3, (start + 25) * 1e3, 0.0])
    assert as_dates(count, "%tC", "stata").tolist() == [
        pd.Timestamp("2017-01-01"), pd.Timestamp("2016-12-31T23:59:59"), pd.Timestamp("1960-01-01")
    ]  # fmt: skip


@pytest.mark.parametrize("value", [1e300, -1e300, np.inf, 5e12, -4e11])
@pytest.mark.parametrize(("form", "shown"), [("spss", "DATE11"), ("spss", "DATETIME20"), ("spss", "TIME8"), ("stata", "%td"), ("stata", "%tC"), ("stata", "%tw")])  # fmt: skip
def test_a_date_beyond_the_calendar_is_blank(value, form, shown):
    found = as_dates(pd.Series([value, 1e5]), shown, form)
    assert found.isna().tolist()[1] is False
    assert found.isna()[0] or found[0].year in range(1, 10_000) or shown == "TIME8"


def with_weight(path, index):
    raw = bytearray(path.read_bytes())
    raw[76:80] = struct.pack("<i", index)
    path.write_bytes(raw)


@pytest.mark.parametrize(("long", "slots"), [("a", 1), ("a" * 20, 3), ("a" * 300, 38)])
def test_the_weight_that_a_file_is_set_to_is_one(tmp_path, long, slots):
    frame = pd.DataFrame({"text": [long, "b"], "q": [1.0, 2.0], "weegt": [0.5, 1.5]})
    path = tmp_path / "s.sav"
    pyreadstat.write_sav(frame, path, column_labels={"text": "What is it?"}, missing_ranges={"q": [9, 8]})
    table = read(path)
    assert table.roles == {}
    # the index counts slots of eight bytes; a text beyond 255 is cut into segments
    with_weight(path, slots + 2)
    assert read(path).roles == {"weegt": "weight"}
    assert table.questions == {"text": "What is it?"}


def test_sets_of_several_answers_are_kept(tmp_path):
    path = tmp_path / "s.sav"
    pyreadstat.write_sav(pd.DataFrame({"a1": [1.0, 0.0], "a2": [0.0, 1.0], "b": [1.0, 2.0]}), path)
    sets = b"$used=D1 1 17 Which do you use? a1 a2\n"
    record = struct.pack("<4i", 7, 7, 1, len(sets)) + sets
    raw = path.read_bytes()
    end = raw.index(struct.pack("<2i", 999, 0))
    path.write_bytes(raw[:end] + record + raw[end:])
    assert read(path).several == {"Which do you use?": ("a1", "a2")}


@needs_exports
def test_an_old_file_that_does_not_say_its_encoding_is_asked_about(tmp_path):
    raw = (EXPORTS / "spss_stata/gbk_labels.sav").read_bytes()
    at = raw.index(struct.pack("<2i", 7, 20))
    raw = raw[:at] + raw[at + 16 + struct.unpack("<i", raw[at + 12 : at + 16])[0] :]
    machine = raw.index(struct.pack("<2i", 7, 3)) + 16 + 28
    path = tmp_path / "old.sav"
    path.write_bytes(raw[:machine] + struct.pack("<i", 1252) + raw[machine + 4 :])
    with pytest.raises(DataError, match=r"read as Chinese if taken for GB 18030\. Set data\.encoding"):
        read(path)
    table = read(path, encoding="gb18030")
    assert table.values["RACE"] == {1: "白人", 2: "黑人", 3: "其他"}
    with pytest.raises(DataError, match=r"old\.sav' cannot be read: .* Set data\.encoding"):
        read(path, encoding="utf-9")


def test_a_file_cut_off_or_of_another_kind_is_refused(tmp_path, survey):
    path = tmp_path / "s.sav"
    pyreadstat.write_sav(survey, path)
    raw = path.read_bytes()
    for cut in (3, 100, 200, len(raw) - 30):
        path.write_bytes(raw[:cut])
        with pytest.raises(DataError, match=r"'s\.sav' cannot be read"):
            read(path)
    (tmp_path / "t.dta").write_text("q1,q2\n1,2\n")
    with pytest.raises(DataError, match=r"'t\.dta' cannot be read"):
        read(tmp_path / "t.dta")


def test_a_renamed_file_is_told_by_its_content(tmp_path, survey):
    pyreadstat.write_sav(survey, tmp_path / "s.sav")
    for name in ("s.csv", "s.dat", "s"):
        renamed = (tmp_path / "s.sav").rename(tmp_path / name)
        table = read(renamed)
        assert (table.format, table.why) == ("spss", "its content")
        assert table.notes[0].startswith("The file is a data file of SPSS, though its name ends in")
        renamed.rename(tmp_path / "s.sav")
