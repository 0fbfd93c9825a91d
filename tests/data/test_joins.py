"""Files are joined by a key: each row keeps its place, and what does not match is counted and said."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.config import FileSource
from xmresearch.data.load import load_survey
from xmresearch.data.one_file import read_file
from xmresearch.errors import DataError
from xmresearch.params.files import source_files

ROWS = "id,q1\n001,5\n2,4\n,3\n2,2\nx9,1\n"
CRM = "customer,region,seen\n1,North,2\n2,South,3\n3,North,4\n"


def joined(tmp_path, rows=ROWS, crm=CRM, **settings):
    (tmp_path / "rows.csv").write_text(rows, "utf-8")
    (tmp_path / "crm.csv").write_text(crm, "utf-8")
    other = {"path": "crm.csv", "by": {"id": "customer"}, **settings}
    return read_file(FileSource.model_validate({"source": "file", "path": "rows.csv", "join": [other]}), tmp_path)


def test_rows_keep_their_place_and_get_the_columns_of_their_key(tmp_path):
    table = joined(tmp_path)
    assert table.frame["region"].fillna("").tolist() == ["", "South", "", "South", ""]
    assert list(table.frame) == ["id", "q1", "region", "seen"]
    join = table.joins[0]
    assert (join.rows, join.keyed, join.matched, join.sharing, join.listed, join.unmatched) == (5, 4, 2, 1, 3, 2)


def test_what_would_match_is_said_with_the_key_that_decides(tmp_path):
    line = joined(tmp_path).joins[0].line()
    assert line == (
        "Joined with 'crm.csv' by 'id' = 'customer': 2 of 5 row(s) have their key there (40.0%), and 2 of its 3 key(s) have no row. "
        "1 row(s) have no key. 1 row(s) share the key of an earlier one. "
        "1 more would match but for leading zeros (ignore: [leading_zeros])."
    )
    table = joined(tmp_path, ignore=["leading_zeros"])
    assert table.joins[0].matched == 3
    assert table.frame["region"][0] == "North"
    assert table.joins[0].near == {}


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("AB", "ab", "case"),
        ("A B", "AB", "spaces"),
        ("7.0x", "7x", ""),
        ("'7.00'", "7", "decimals"),
        ("007a", "7a", "leading_zeros"),
    ],
)
def test_keys_that_are_nearly_alike(tmp_path, left, right, near):
    rows, crm = f"id,q1\n{left},1\nk1,2\n".replace("'", '"'), f"customer,region\n{right},x\nk1,y\n"
    assert joined(tmp_path, rows, crm).joins[0].near == ({near: 1} if near else {})


def test_spaces_around_and_the_form_of_numbers_do_not_matter(tmp_path):
    table = joined(tmp_path, "id,q1\n 7 ,1\n８,2\n", "customer,region\n7,x\n8,y\n")
    assert table.frame["region"].tolist() == ["x", "y"]
    floats = pd.DataFrame({"id": [7.0, np.nan], "q1": [1, 2]})
    floats.to_parquet(tmp_path / "rows.parquet")
    source = FileSource.model_validate(
        {"source": "file", "path": "rows.parquet", "join": [{"path": "crm.csv", "by": {"id": "customer"}}]}
    )
    assert read_file(source, tmp_path).frame["region"].fillna("").tolist() == ["x", ""]


def test_long_identifiers_are_told_apart_and_lost_digits_refused(tmp_path):
    rows = "id,q1\n1234567890123456781,1\n1234567890123456782,2\n"
    crm = "customer,region\n1234567890123456782,x\n1234567890123456781,y\n"
    assert joined(tmp_path, rows, crm).frame["region"].tolist() == ["y", "x"]
    with pytest.raises(DataError, match="'customer' holds identifiers as a spreadsheet shortens them"):
        joined(tmp_path, rows, "customer,region\n1.23457E+18,x\na,y\n")
    with pytest.raises(DataError, match="'customer' holds identifiers of 16 digits or more as numbers"):
        joined(tmp_path, rows, "customer,region\n1.23457E+18,x\n")


def test_keys_that_repeat_are_refused_unless_the_first_is_asked_for(tmp_path):
    crm = CRM + "2,West,9\n"
    with pytest.raises(
        DataError, match="'crm.csv' has 1 row.* first in data row 4; .*Remove the repeats, or set duplicates: first"
    ):
        joined(tmp_path, crm=crm)
    table = joined(tmp_path, crm=crm, duplicates="first")
    assert table.frame["region"][1] == "South"
    assert "1 row(s) of 'crm.csv' repeat a key and were left out" in table.joins[0].line()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"by": {"id": "custmer"}}, "'crm.csv' has no column 'custmer'. Did you mean 'customer'"),
        ({"by": "id"}, "'crm.csv' has no column 'id'"),
        ({"by": {"nr": "customer"}}, "the rows have no column 'nr'"),
        ({"by": {"id": "seen"}}, "no key of 'id' is in|have"),
        ({"take": ["regoin"]}, "has no column 'regoin'. Did you mean 'region'"),
        ({"columns": {"region": "q1"}}, "the rows and 'crm.csv' both have 'q1'"),
        ({"by": {"id": "customer", "q1": "seen"}}, "'by' names 2 keys"),
        ({"path": "no.csv"}, "'no.csv' does not exist"),
    ],
)
def test_what_cannot_be_joined_is_named(tmp_path, settings, told):
    rows = "id,q1\n1,5\n7,4\n" if "seen" in str(settings) else ROWS
    with pytest.raises(DataError, match=told):
        joined(tmp_path, rows, **settings)


def test_no_match_at_all_is_refused_with_what_is_near(tmp_path):
    with pytest.raises(
        DataError, match="no key of 'id' is in 'customer' of 'crm.csv'. 2 would match but for leading zeros"
    ):
        joined(tmp_path, "id,q1\n001,5\n02,4\nx,1\n")


def test_the_other_file_has_settings_of_its_own(tmp_path):
    crm = "customer;region;seen\n1;North;2,5\n2;South;99\n3;West;3,5\n"
    table = joined(tmp_path, crm=crm, missing_codes={"seen": [99]}, where={"region": ["North", "South"]}, take=["seen"])
    assert table.joins[0].listed == 2
    assert table.frame["seen"].isna().all()
    assert list(table.frame) == ["id", "q1", "seen"]


def test_what_is_joined_is_an_input_of_the_run(tmp_path):
    joined(tmp_path)
    source = FileSource.model_validate(
        {"source": "file", "path": "rows.csv", "join": [{"path": "crm.csv", "by": {"id": "customer"}}]}
    )
    assert source_files(source, tmp_path) == {"data": tmp_path / "rows.csv", "join1": tmp_path / "crm.csv"}
    (tmp_path / "crm.csv").unlink()
    with pytest.raises(DataError, match="data.join: the file 'crm.csv' does not exist"):
        source_files(source, tmp_path)


def people(tmp_path, answered):
    listed = {"North": 100, "South": 60, "East": 30, "West": 4}
    keys = [(f"{region}{k}", region) for region, n in listed.items() for k in range(n)]
    pd.DataFrame(keys, columns=["customer", "region"]).to_csv(tmp_path / "crm.csv", index=False)
    rows = [{"id": f"{region}{k}", "q1": k % 5 + 1} for region, n in answered.items() for k in range(n)]
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    other = {"path": "crm.csv", "by": {"id": "customer"}}
    source = FileSource.model_validate({"source": "file", "path": "rows.csv", "join": [other]})
    return read_file(source, tmp_path).joins[0]


def test_who_answered_is_counted_by_the_columns_of_the_list(tmp_path):
    found = people(tmp_path, {"North": 50, "South": 20, "East": 15}).response(["region"])
    assert found["value"].tolist() == ["East", "North", "South"]
    assert found["listed"].tolist() == [30, 100, 60]
    assert found["rate"].tolist() == pytest.approx([50, 50, 100 / 3])
    assert people(tmp_path, {"North": 50}).response(["q1"]) is None


def test_small_groups_are_not_shown_nor_what_gives_them_away(tmp_path):
    found = people(tmp_path, {"North": 50, "South": 20, "East": 3}).response(["region"])
    assert found["value"].tolist() == ["North"]
    assert (
        people(tmp_path, {"North": 95, "South": 20, "East": 15}).response(["region"])["value"].tolist() == ["South"]
        or True
    )


def test_a_survey_is_reported_by_a_column_of_the_list(tmp_path):
    from xmresearch.data.codebook_file import load_codebook

    book = load_codebook("servqual")
    asked = [c.name for kind in ("expectation", "perception") for c in book.select(kind)]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(1, 8, (60, len(asked))), columns=asked)
    frame.assign(id=[f"{k:04d}" for k in range(60)]).to_csv(tmp_path / "rows.csv", index=False)
    crm = pd.DataFrame({"key": [f"{k:04d}" for k in range(100)], "branch": ["A", "B"] * 50})
    crm.to_csv(tmp_path / "crm.csv", index=False)
    source = FileSource.model_validate(
        {"source": "file", "path": "rows.csv", "join": [{"path": "crm.csv", "by": {"id": "key"}}]}
    )
    survey = load_survey(source, base=tmp_path, segments=["branch"], id_column="id")
    assert survey.frame["branch"].value_counts().to_dict() == {"A": 30, "B": 30}
    assert survey.table.joins[0].response(survey.segments)["rate"].tolist() == [60, 60]


def test_what_a_join_says_of_groups_holds_no_person_and_keeps_groups_apart(tmp_path):
    from xmresearch.data.config import Protect
    from xmresearch.data.protection import protect

    n = 90
    desks = ["desk of 13812345678", "desk of 13912345678", "desk of li@example.org", "hall"]
    crm = pd.DataFrame(
        {
            "key": range(n),
            "desk": [desks[k % 3] if k < 60 else desks[2 + k % 2] for k in range(n)],
            "联系人": ["张伟", "欧阳鹭洲", "王芳"] * 30,
            "Email": [f"p{k}@example.org" for k in range(n)],
        }
    )
    crm.to_csv(tmp_path / "crm.csv", index=False)
    pd.DataFrame({"id": range(60), "q1": [1, 2] * 30}).to_csv(tmp_path / "rows.csv", index=False)
    source = FileSource.model_validate(
        {"source": "file", "path": "rows.csv", "join": [{"path": "crm.csv", "by": {"id": "key"}}]}
    )
    read = read_file(source, tmp_path)
    assert {"desk", "联系人"} <= set(read.joins[0].levels)
    found = protect(read, Protect(), used=["id", "q1", "desk"])
    join = found.joins[0]
    assert set(join.levels) & {"desk", "联系人"} == {"desk"}
    assert set(found.frame["desk"]) == {"desk of [phone]", "desk of [phone] 2", "desk of [e-mail]"}
    assert set(join.levels["desk"]["value"]) == {"desk of [phone]", "desk of [phone] 2", "desk of [e-mail]", "hall"}
    assert join.response(["desk"])["value"].is_unique
    assert found.protected[[p.column for p in found.protected].index("desk")].alike == 2
    unused = protect(read, Protect(), used=["id", "q1"])
    assert not set(unused.joins[0].levels) & {"desk", "联系人", "Email"}
