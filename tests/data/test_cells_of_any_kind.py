"""Whatever cells hold, readers of numbers, dates, durations and answers give values or an error of ours."""

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmresearch.data.answers import to_numbers
from xmresearch.data.codebook import Column, Scale
from xmresearch.data.dated_columns import dated
from xmresearch.data.durations import read_durations
from xmresearch.data.names import Labels
from xmresearch.data.numerals import as_numbers, find_numerals
from xmresearch.errors import XMError

NEAR = st.text(alphabet="0123456789.,/-:' +年月日秒分小时季度第QqWTZapm一二()[]Ee\u00a0\u3000８", max_size=14)
CELLS = st.lists(st.one_of(NEAR, st.text(max_size=12), st.none()), min_size=1, max_size=8)


@given(CELLS)
@settings(deadline=None, max_examples=300)
def test_numbers(cells):
    frame = pd.DataFrame({"q": pd.Series(cells, dtype=object)})
    for marks in ({}, {"decimal": ","}, {"thousands": "."}):
        found = find_numerals(frame, **marks)
        for column in found.columns:
            assert len(as_numbers(frame[column], found.marks)) == len(cells)


@given(
    CELLS,
    st.sampled_from([None, "dmy", "mdy", "ymd", "excel"]),
    st.sampled_from([None, "Asia/Shanghai", "America/New_York"]),
)
@settings(deadline=None, max_examples=300)
def test_dates(cells, order, zone):
    column = pd.Series(cells, dtype=object, name="t")
    with contextlib.suppress(XMError):
        found, said = dated(column, order=order, time_zone=zone)
        assert found.isna().tolist() == column.isna().tolist()
        assert isinstance(said, str)


@given(CELLS)
@settings(deadline=None, max_examples=300)
def test_durations(cells):
    with contextlib.suppress(XMError):
        seconds = read_durations(pd.Series(cells, dtype=object), "t")
        assert not np.isinf(seconds).any()


@given(CELLS, st.sampled_from([(0, 1), (1, 5), (0, 10)]))
@settings(deadline=None, max_examples=300)
def test_answers(cells, ends):
    column = Column("q", "outcome", None, None, False, Scale(minimum=ends[0], maximum=ends[1]), Labels(en="q", zh="q"))
    with contextlib.suppress(XMError):
        numbers, _ = to_numbers(pd.Series(cells, dtype=object), column)
        assert len(numbers) == len(cells)


@pytest.mark.parametrize(
    "text", ["2025-03-05 10:00 +99:00", "31/12/0000", "2025年13月", "1/1/25 25:61", "2025-02-30", "0000"]
)
def test_dates_that_are_none_stay(text):
    assert dated(pd.Series([text], name="t"), order=None)[0].tolist() == [text]
