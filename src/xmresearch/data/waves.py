"""Dates put into waves: months, quarters, half-years, years."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from xmresearch.data.dated_columns import dated
from xmresearch.errors import DataError, brief

Period = Literal["month", "quarter", "half_year", "year"]
_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def waves_of(given: pd.Series, period: Period, *, order: str | None = None) -> pd.Series:
    """Return the month, quarter, half-year or year of dates, as text that sorts by time.

    Parameters
    ----------
    given : Series
        Dates in any form that is read, or months such as 2025-03.
    period : {'month', 'quarter', 'half_year', 'year'}
        What they are put into.
    order : str, optional
        dmy, mdy, ymd or excel, where the dates do not say it themselves.

    Returns
    -------
    Series
        Such as 2025-03, 2025-Q1, 2025-H1 and 2025; blanks stay blank.

    Raises
    ------
    DataError
        A value is no date.
    """
    text = dated(given, order=order)[0].astype("string").str.strip()
    parts = text.str.extract(r"^(\d{4})-(\d{2})(?:-\d{2}(?:[T ].*)?)?$")
    wrong = (parts[0].isna() & text.notna() & (text != "")).to_numpy(dtype=bool)
    if wrong.any():
        raise DataError(
            f"Column '{given.name}', data row {int(wrong.argmax()) + 1}: '{brief(given.iloc[int(wrong.argmax())])}' is no date.",
            "Name the order in data.dates, or leave out wave_period where the column holds names of waves.",
        )
    year = parts[0]
    number = (pd.to_numeric(parts[1]) - 1) // _MONTHS[period] + 1
    if period == "year":
        return year
    if period == "month":
        return year + "-" + parts[1]
    return year + f"-{'Q' if period == 'quarter' else 'H'}" + number.astype("Int64").astype("string")
