"""Exports of Qualtrics read to the facts that are known of them."""

import numpy as np
import pandas as pd
import pytest
from exports import CASES, EXPORTS, needs_exports, read

from xmresearch.data.formats.cells import rows_kept

HEADS = [
    ["StartDate", "Status", "Finished", "ResponseId", "RecipientEmail", "Q1", "Q2_1", "Q2_2"],
    ["Start Date", "Response Type", "Finished", "Response ID", "Recipient Email", "How was\n it?", "Web", "Phone"],
    ['{"ImportId":"startDate","timeZone":"Asia/Shanghai"}', *[f'{{"ImportId":"QID{k}"}}' for k in range(7)]],
]


def written(path, rows, heads=HEADS, **how):
    pd.DataFrame([*heads, *rows]).to_csv(path, index=False, header=False, **how)
    return path


def rows_of(statuses, finished="1"):
    return [
        ["2026-03-01 10:00:00", s, finished, f"R_{k}", f"a{k}@example.org", k % 7 + 1, "1" if k % 2 else "", "1"]
        for k, s in enumerate(statuses)
    ]


def test_names_wordings_and_roles_come_from_the_header(tmp_path):
    table = read(written(tmp_path / "q.csv", rows_of(["0"] * 4)))
    assert table.format == "qualtrics"
    assert table.frame["Q1"].tolist() == [1, 2, 3, 4]
    assert table.questions["Q1"] == "How was it?"
    assert table.roles == {
        "StartDate": "started", "Status": "status", "Finished": "finished", "ResponseId": "id", "RecipientEmail": "email"
    }  # fmt: skip
    assert table.several == {"Q2": ("Q2_1", "Q2_2")}
    assert any("Asia/Shanghai" in note for note in table.notes)


@pytest.mark.parametrize("status", ["1", "2", "Survey Preview", "Survey Test"])
def test_previews_and_tests_are_left_out_and_counted(tmp_path, status):
    path = written(tmp_path / "q.csv", rows_of(["0", status, "0"]))
    table = read(path)
    assert (len(table.frame), table.left_out) == (2, {"preview or test": 1})
    assert len(read(path, test_rows="keep").frame) == 3


@pytest.mark.parametrize("finished", ["0", "False"])
def test_unfinished_answers_are_kept_unless_asked(tmp_path, finished):
    path = written(tmp_path / "q.csv", [*rows_of(["0"] * 2), *rows_of(["0"] * 3, finished)])
    assert len(read(path).frame) == 5
    table = read(path, unfinished="drop")
    assert (len(table.frame), table.left_out) == (2, {"not finished": 3})


def test_names_that_repeat_are_numbered_and_said(tmp_path):
    heads = [[*head, *extra] for head, extra in zip(HEADS, (["Q1"], ["Again?"], ['{"ImportId":"QID9"}']), strict=True)]
    table = read(written(tmp_path / "q.csv", [[*row, 9] for row in rows_of(["0"] * 3)], heads))
    assert table.frame["Q1 (2)"].tolist() == [9, 9, 9]
    assert table.questions["Q1 (2)"] == "Again?"
    assert "1 column name(s)" in table.notes[0]


def test_cells_that_look_like_import_rows_but_are_none(tmp_path):
    heads = [HEADS[0], HEADS[1], ['{"ImportId": broken', *["{'ImportId': 'QID1'}"] * 7]]
    assert read(written(tmp_path / "q.csv", rows_of(["0"] * 3), heads)).format == "qualtrics"


@needs_exports
def test_real_exports_with_three_header_rows():
    text = read(EXPORTS / "qualtrics" / "demo_choice_text.csv", test_rows="keep")
    codes = read(EXPORTS / "qualtrics" / "demo_numeric.csv", test_rows="keep")
    assert len(text.frame) == len(codes.frame) == 81
    assert text.frame["Status"].value_counts().to_dict() == {"Survey Test": 75, "IP Address": 4, "Survey Preview": 2}
    assert text.frame["Q3"].value_counts(dropna=False).to_dict() == {
        "Prefer not to say": 20, "Female": 18, "Male": 17, "I describe myself as": 12, "Non-binary / third gender": 12,
        np.nan: 2,
    }  # fmt: skip
    joined = text.frame.merge(codes.frame, on="ResponseId", suffixes=("", "_code"))
    pairs = joined[["Q3", "Q3_code"]].drop_duplicates().dropna()
    assert dict(pairs.itertuples(index=False)) == {
        "Male": 1, "Female": 2, "Non-binary / third gender": 3, "I describe myself as": 4, "Prefer not to say": 5
    }  # fmt: skip
    real = read(EXPORTS / "qualtrics" / "demo_choice_text.csv")
    assert sorted(real.frame["Q2"].dropna()) == [18, 27, 56]
    assert real.left_out == {"preview or test": 77}
    assert "\n" not in real.questions["Q4_1"]


@needs_exports
def test_real_exports_of_older_kinds():
    legacy = read(EXPORTS / "qualtrics" / "legacy_two_row.csv")
    assert legacy.frame.shape == (1, 15)
    assert legacy.frame.loc[0, ["Q1", "Finished"]].tolist() == [2, 1]
    assert legacy.roles["ResponseID"] == "id"
    assert legacy.roles["IPAddress"] == "ip"
    german = read(EXPORTS / "qualtrics" / "sample_de_labels.csv")
    assert german.frame.shape == (1, 20)
    assert german.questions["StartDate"] == "Anfangsdatum"
    assert german.frame.loc[0, "Q2"] == "Hello World!"
    many = read(EXPORTS / "qualtrics" / "many_types_insights.csv", test_rows="keep")
    assert many.frame.shape[0] == 5
    assert many.frame["fruits"].mean() == pytest.approx(2.2)
    assert sum(c.endswith("_TEXT") for c in many.frame) == 21
    assert many.questions["fruits"].startswith("This is a multiple choice single answer vertical question, p")
    older = read(EXPORTS / "qualtrics" / "many_types_legacy.csv", test_rows="keep")
    assert older.frame["Q2_1"].dropna().tolist() == [1] * older.frame["Q2_1"].notna().sum()
    assert sum(c.endswith("_TEXT") for c in older.frame) == 24


@needs_exports
def test_cases_leave_out_their_previews():
    for name in ("qualtrics_values.csv", "qualtrics_text.csv"):
        table = read(CASES / name)
        assert (len(table.frame), table.left_out) == (297, {"preview or test": 3})


def test_rows_that_are_kept_are_those_that_pandas_keeps():
    frame = pd.DataFrame(
        {"a": [1, 2, 3], "b": [1.5, None, 2], "c": ["x", None, "z"], "d": pd.to_datetime(["2026-03-01"] * 3)}
    )
    for keep in ([True, False, True], [False, True, False], [False] * 3):
        kept = np.array(keep)
        pd.testing.assert_frame_equal(rows_kept(frame, kept), frame.loc[kept].reset_index(drop=True))
