"""Types of columns are those of all cells, however far down one stands that differs from the first."""

import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xmresearch.data import column_types
from xmresearch.data.delimited import read_delimited, scan_delimited
from xmresearch.errors import DataError

CELLS = ("1", "2", "007", "+3", " 4", "5 ", '"6"', "1.5", "1e3", ".5", "NaN", "inf", "true", "False", "NA", "x", "", '""', "-0", "1,", "３")  # fmt: skip


def written(folder, cells, end="\n"):
    path = folder / "t.csv"
    path.write_text("a,b" + end + end.join(f"{cell},0" for cell in cells) + end, "utf-8")
    return path


@pytest.fixture(autouse=True)
def few_first_rows(monkeypatch):
    monkeypatch.setattr(column_types, "HEAD", 2)


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=7), end=st.sampled_from(["\n", "\r\n"]))
def test_one_pass_gives_what_going_through_all_cells_first_gives(cells, end, tmp_path):
    path = written(tmp_path, cells, end)

    def tried(read):
        try:
            return read()
        except (DataError, pl.exceptions.PolarsError):  # a stream ends in the latter when it is collected
            return None

    once = tried(lambda: read_delimited(path, None, ",", None))
    twice = tried(lambda: scan_delimited(path, ",", None)[0].collect().to_pandas())
    assert (once is None) == (twice is None)
    if once is not None:
        once.attrs = {}
        pd.testing.assert_frame_equal(once, twice)


def test_a_number_below_the_first_rows_is_found(tmp_path):
    assert read_delimited(written(tmp_path, ["1", "2", "3", "2.5"]), None, ",", None)["a"].tolist() == [1, 2, 3, 2.5]
    assert read_delimited(written(tmp_path, ["1", "2", "3", "x"]), None, ",", None)["a"].tolist() == [
        "1",
        "2",
        "3",
        "x",
    ]
    assert read_delimited(written(tmp_path, ["", "", "", "3"]), None, ",", None)["a"].iloc[3] == 3


@pytest.mark.parametrize("blank_at", [0, 3])
def test_long_identifiers_beside_blanks_keep_their_digits(tmp_path, blank_at):
    ids = ["12345678901234567", "12345678901234568", "12345678901234569"]
    ids.insert(blank_at, "")
    found = read_delimited(written(tmp_path, ids), None, ",", None)["a"]
    assert found.dropna().tolist() == [i for i in ids if i]


def test_numbers_beside_blanks_that_lose_nothing_are_numbers(tmp_path):
    assert read_delimited(written(tmp_path, ["9007199254740992", "", "1"]), None, ",", None)["a"].iloc[0] == 2**53
