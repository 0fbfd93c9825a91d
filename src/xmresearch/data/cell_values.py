"""Cells as text, for holding them against values that params name and against other files' keys."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.errors import DataError

EXACT = 2.0**53
_ROUNDED = re.compile(r"^\d(?:[.,]\d+)?E\+?\d{2}$", re.IGNORECASE)


def cell_text(value: Any) -> str:
    """Write one value as text: whole numbers without a point, truth values as 1 and 0, without spaces around.

    Parameters
    ----------
    value : Any
        Of a cell, or as params name it; not missing.

    Returns
    -------
    str
    """
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, float | np.floating):
        return str(int(value)) if np.isfinite(value) and float(value).is_integer() else repr(float(value))
    text = unicodedata.normalize("NFKC", str(value)).strip()
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def key_texts(given: pd.Series, name: str) -> pd.Series:
    """Write a column of keys as text: the one form in which keys are compared.

    Parameters
    ----------
    given : Series
        As read.
    name : str
        Of the column, for messages.

    Returns
    -------
    Series
        Text; missing where blank.

    Raises
    ------
    DataError
        Whole numbers so large that the form in which they were stored has lost digits.
    """
    if pd.api.types.is_float_dtype(given):
        whole = given.dropna()
        if (whole.abs() >= EXACT).any():
            raise DataError(
                f"Column '{name}' holds identifiers of 16 digits or more as numbers, which have lost their last digits.",
                "Export the column as text.",
            )
    codes, uniques = pd.factorize(given, use_na_sentinel=True)
    if any(isinstance(u, str) and _ROUNDED.match(u.strip()) for u in uniques):
        raise DataError(
            f"Column '{name}' holds identifiers as a spreadsheet shortens them, such as 1.23457E+18; their digits are lost.",
            "Export the column as text.",
        )
    texts = np.array([cell_text(u) for u in uniques] + [""], dtype=object)
    found = pd.Series(texts[codes], index=given.index, dtype=object)
    return found.where(found != "", None)
