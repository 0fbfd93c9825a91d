"""What front functions are given: refused in words where it cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, InsufficientData, ModelError, nearest

Array = NDArray[np.float64]


def check_text(model: object) -> str:
    """Return a model's text.

    Raises
    ------
    ModelError
        It is no text.
    """
    if isinstance(model, str):
        return model
    raise ModelError(
        f"The model is {_said(model)}, not text.", "Write it in lavaan's syntax, such as 'f =~ x1 + x2 + x3'."
    )


def check_frame(data: object) -> pd.DataFrame:
    """Return data as a table of rows.

    Raises
    ------
    DataError
        It is no pandas DataFrame.
    InsufficientData
        It has no rows.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"The data are {_said(data)}, not a pandas DataFrame.",
            "Give a DataFrame with one row per respondent and one column per variable.",
        )
    if data.empty:
        what = "columns" if len(data) else "rows"
        raise InsufficientData(f"The data have no {what}.", "Look whether the file was read, or a filter left nothing.")
    return data


def column_of(data: pd.DataFrame, name: str) -> pd.Series:
    """Return one column.

    Raises
    ------
    DataError
        It is not there, or there twice.
    """
    columns = [str(c) for c in data.columns]
    if name not in columns:
        raise DataError(f"The data have no column '{name}'.", nearest(name, columns))
    if columns.count(name) > 1:
        raise DataError(f"The data have column '{name}' twice.", "Rename or drop one of them.")
    return data.iloc[:, columns.index(name)]


def numbers_of(data: pd.DataFrame, names: Sequence[str]) -> Array:
    """Return columns as numbers, NaN where blank, shape (n, p).

    Parameters
    ----------
    data : DataFrame
        Shape (n, any).
    names : sequence of str
        Length p.

    Raises
    ------
    DataError
        A column is not there or there twice, not numeric, or not finite.
    """
    found = np.empty((len(data), len(names)))
    for k, name in enumerate(names):
        column = column_of(data, name)
        if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
            raise DataError(f"Column '{name}' is not numeric.", "Convert it to numbers.")
        found[:, k] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(found[:, k])
        if infinite.any():
            raise DataError(
                f"Column '{name}' has infinite values ({int(infinite.sum())}, the first in row {infinite.argmax() + 1}).",
                "Make them blank, or correct them: they often come from a division by zero.",
            )
    return found


def _said(thing: object) -> str:
    return "None" if thing is None else f"of type {type(thing).__name__}"
