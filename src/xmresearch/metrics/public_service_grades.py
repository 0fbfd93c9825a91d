"""Five grades of a public service (好差评): good rate with and without the praise that the system filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xmresearch.errors import DataError, brief
from xmresearch.metrics.share_intervals import share_interval

GRADES = ("非常满意", "满意", "基本满意", "不满意", "非常不满意")
"""From the best to the worst; the last two are bad (GB/T 39735-2020)."""
GOOD = 3
"""How many of the grades, from the best, are good."""


def service_grades(
    grades: pd.Series, *, by_default: pd.Series | None = None, called_back: pd.Series | None = None,
    weights: pd.Series | None = None, confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Return the good rate of five-grade evaluations, and how many bad ones were called back.

    Parameters
    ----------
    grades : Series
        The grades by name, or 1 (the best) to 5 (the worst); blanks are no evaluation.
    by_default : Series, optional
        True where the system gave the praise because the customer said nothing.
    called_back : Series, optional
        True where somebody who gave a bad grade was called back.
    weights : Series, optional
        Above 0.
    confidence : float
        Level.

    Returns
    -------
    DataFrame
        One row per rate: rate ('good' of all, 'good_given' of those that customers gave themselves, 'default' among all,
        'called_back' among the bad), n, n_eff (Kish), share, lower, upper (Wilson's).

    Raises
    ------
    DataError
        A grade is none of the five, or a column is not as long as the grades, or no grade was given.

    References
    ----------
    GB/T 39735-2020 and GB/T 39734-2020, evaluation of public services. Wilson, E. B. (1927). JASA, 22, 209-212.
    """
    codes = _codes(grades)
    given = codes.notna().to_numpy()
    if not given.any():
        raise DataError("No grade was given.", "The good rate needs at least one evaluation.")
    w = np.ones(len(codes)) if weights is None else weights.to_numpy(dtype="float64", na_value=np.nan)
    if len(w) != len(codes) or not (np.isfinite(w[given]).all() and (w[given] > 0).all()):
        raise DataError("A weight is not a positive number.", "Every evaluation needs a weight above zero.")
    good = (codes <= GOOD).to_numpy(dtype=bool, na_value=False)
    default = _flag(by_default, codes, "by_default")
    rows: list[dict[str, Any]] = [_rate("good", good, given, w, confidence)]
    if by_default is not None:
        rows.append(_rate("good_given", good, given & ~default, w, confidence))
        rows.append(_rate("default", default, given, w, confidence))
    if called_back is not None:
        rows.append(_rate("called_back", _flag(called_back, codes, "called_back"), given & ~good, w, confidence))
    return pd.DataFrame(rows)


def _codes(grades: pd.Series) -> pd.Series:
    text = grades.astype("string").str.strip().str.removesuffix(".0")
    names = {name: k + 1 for k, name in enumerate(GRADES)} | {str(k + 1): k + 1 for k in range(len(GRADES))}
    codes = text.map(names).astype("Int64")
    odd = text[codes.isna() & text.notna() & (text != "")]
    if len(odd):
        raise DataError(
            f"'{brief(odd.iloc[0])}' is none of the five grades.",
            f"They are {', '.join(GRADES)}, or 1 to 5 from the best.",
        )
    return codes


def _flag(column: pd.Series | None, codes: pd.Series, name: str) -> Any:
    if column is None:
        return np.zeros(len(codes), dtype=bool)
    if len(column) != len(codes):
        raise DataError(f"{name} has {len(column)} values for {len(codes)} grades.", "Give one for every evaluation.")
    return column.astype("boolean").fillna(False).to_numpy(dtype=bool)


def _rate(name: str, counted: Any, of: Any, w: Any, confidence: float) -> dict[str, Any]:
    total = float(w[of].sum())
    n_eff = total**2 / float((w[of] ** 2).sum()) if total else 0.0
    share = float(w[of & counted].sum()) / total if total else np.nan
    low, high = share_interval((share if total else 0.0) * n_eff, n_eff, confidence=confidence)
    return {
        "rate": name, "n": int(of.sum()), "n_eff": n_eff, "share": share, "lower": float(low), "upper": float(high)
    }  # fmt: skip
