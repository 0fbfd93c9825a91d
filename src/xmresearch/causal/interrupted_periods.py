"""Values of periods from rows: what an interrupted time series is fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xmresearch.errors import DataError, InsufficientData, ParamsError, brief, nearest

MEASURES = ("mean", "nps", "total")
EVERY = ("D", "W", "M", "Q")
PROMOTER, DETRACTOR, LARGEST = 9, 6, 10


def period_values(
    data: pd.DataFrame, outcome: str, time: str, every: str | None, measure: str, others: list[str]
) -> pd.DataFrame:
    """Reduce rows to periods.

    Parameters
    ----------
    data : DataFrame
        One row per respondent, or per period.
    outcome, time : str
        Columns.
    every : {'D', 'W', 'M', 'Q'}, optional
        Length of a period where `time` holds dates.
    measure : {'mean', 'nps', 'total'}
        Of a period.
    others : list of str
        Columns that are averaged by period.

    Returns
    -------
    DataFrame
        One row per period that has rows, by its whole number in order: n, value, and the others.

    Raises
    ------
    DataError
        A column is missing or does not hold what it should, or the series never varies.
    InsufficientData
        No row has an outcome and a time.
    """
    for name in (outcome, time, *others):
        if name not in data.columns:
            raise DataError(f"There is no column '{brief(name)}'.", nearest(name, data.columns))
    for name in (outcome, *others):
        if not pd.api.types.is_numeric_dtype(data[name]):
            raise DataError(f"Column '{brief(name)}' is not numeric.", "Code it as numbers.")
    used = data[data[outcome].notna() & data[time].notna()]
    if used.empty:
        raise InsufficientData(f"No row has '{brief(outcome)}' and '{brief(time)}'.", "Check the columns.")
    y = used[outcome].to_numpy(dtype=float)
    if measure == "nps":
        if y.min() < 0 or y.max() > LARGEST or (y != np.round(y)).any():
            raise DataError(
                f"Column '{brief(outcome)}' holds other than whole answers from 0 to 10.", "Use measure 'mean'."
            )
        y = 100.0 * ((y >= PROMOTER).astype(float) - (y <= DETRACTOR))
    at = _whole(used[time], every, time)
    groups = pd.DataFrame({"value": y, **{c: used[c].to_numpy(dtype=float) for c in others}}).groupby(at, sort=True)
    periods = groups.mean()
    if measure == "total":
        periods["value"] = groups["value"].sum()
    periods.insert(0, "n", groups.size())
    values = periods.drop(columns="n").to_numpy()
    if not np.isfinite(values).all():
        bad = periods.columns[1:][~np.isfinite(values).all(axis=0)]
        raise DataError(
            f"A period has no finite value of '{brief(bad[0] if bad[0] != 'value' else outcome)}'.",
            "Fill it in, or leave the column out.",
        )
    if float(np.ptp(periods["value"])) == 0:
        raise DataError(f"'{brief(outcome)}' is the same in every period.", "Choose a measure that varies.")
    return periods


def place(start: Any, every: str | None) -> int:
    """Return the whole number of the period of a date, or of a whole number itself.

    Raises
    ------
    ParamsError
        It is no date, or no whole number.
    """
    try:
        found = _whole(pd.Series([start]), every, "start")
    except DataError as error:
        raise ParamsError(f"start is '{brief(start)}'.", "Give a date, or a whole number as in `time`.") from error
    return int(found[0])


def labels(at: Any, every: str | None) -> list[Any]:
    """Return the names of periods: whole numbers, or dates as text."""
    if every is None:
        return [int(v) for v in at]
    return [str(p) for p in pd.PeriodIndex.from_ordinals(np.asarray(at, dtype=np.int64), freq=every)]


def _whole(column: pd.Series, every: str | None, name: str) -> Any:
    if every is not None:
        if every not in EVERY:
            raise ParamsError(f"There is no period '{brief(every)}'.", f"It is one of {', '.join(EVERY)}.")
        try:
            return pd.PeriodIndex(pd.to_datetime(column), freq=every).asi8
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(
                f"Column '{brief(name)}' holds something that is no date.", "Write dates as 2026-03-31."
            ) from error
    if not pd.api.types.is_numeric_dtype(column) or (column != np.round(column)).any():
        raise DataError(f"Column '{brief(name)}' holds no whole numbers.", "Give `every` where it holds dates.")
    return column.to_numpy(dtype=np.int64)
