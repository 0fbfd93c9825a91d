"""How answers to each item are spread: mean, standard deviation, skewness and kurtosis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.errors import DataError
from xmresearch.sufficient.available_moments import summed

Array = NDArray[np.float64]
FEWEST_FOR_SKEW, FEWEST_FOR_KURTOSIS = 3, 4
"""Answers from which on skewness and kurtosis are defined."""


def answer_shapes(frame: pd.DataFrame, items: Sequence[str], *, weights: Array | None = None) -> pd.DataFrame:
    """Describe the answers to items.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    items : sequence of str
        Columns of numbers; blanks are left out item by item.
    weights : ndarray, optional
        Design weights, shape (n,), above 0.

    Returns
    -------
    DataFrame
        One row per item: item, n (answers), blank_share (of rows without one), mean, sd, skew, kurtosis (excess: 0 for a normal
        distribution). NaN where there are too few answers, or they do not vary.

    Raises
    ------
    DataError
        An item is not there, or weights are not one per row.

    Notes
    -----
    Skewness and kurtosis are the sample-adjusted ones (G1 and G2) that SPSS, SAS and spreadsheets give; with weights, of the
    weighted moments.

    References
    ----------
    Joanes, D. N. & Gill, C. A. (1998). Comparing measures of sample skewness and kurtosis. The Statistician, 47, 183-189.
    """
    lacking = [name for name in items if name not in frame]
    if lacking:
        raise DataError(f"The data have no column '{lacking[0]}'.", "Correct the items, or load the survey with them.")
    if isinstance(frame, StreamedAnswers):
        if weights is not None:
            raise DataError("Streamed answers have no weights.", "Give a DataFrame.")
        return streamed_shapes(frame, items)
    w = np.ones(len(frame)) if weights is None else np.asarray(weights, dtype="float64")
    if w.shape != (len(frame),):
        raise DataError(f"There are {len(frame)} rows and weights of shape {w.shape}.", "Give one weight per row.")
    rows = []
    for name in items:
        x = frame[name].to_numpy(dtype="float64")
        there = ~np.isnan(x)
        rows.append((name, int(there.sum()), float(1 - there.mean()), *shape_of(x[there], w[there])))
    return pd.DataFrame(rows, columns=["item", "n", "blank_share", "mean", "sd", "skew", "kurtosis"])


def shape_of(values: Array, weights: Array) -> tuple[float, float, float, float]:
    """Return mean, standard deviation, skewness and excess kurtosis of answers.

    Parameters
    ----------
    values, weights : ndarray
        Answers without blanks, and their weights, shape (n,).

    Returns
    -------
    mean, sd, skew, kurtosis : float
        As in `answer_shapes`.
    """
    n = len(values)
    if n == 0:
        return (float("nan"),) * 4
    v = weights / weights.sum()
    mean = float(v @ values)
    second, third, fourth = (float(v @ (values - mean) ** k) for k in (2, 3, 4))
    return _shape(n, mean, second, third, fourth)


def streamed_shapes(answers: StreamedAnswers, items: Sequence[str]) -> pd.DataFrame:
    """Describe streamed answers to items, as `answer_shapes` does.

    Parameters
    ----------
    answers : StreamedAnswers
        The rows.
    items : sequence of str
        Columns of numbers.

    Returns
    -------
    DataFrame
        One row per item.
    """
    names = list(items)

    def powers(rows: pd.DataFrame, centre: Array | float, most: int) -> Array:
        x = rows[names].to_numpy(dtype="float64") - centre
        return np.stack([(~np.isnan(x)).sum(axis=0), *(np.nansum(x**k, axis=0) for k in range(1, most + 1))]).astype(
            "float64"
        )

    n, total = summed(answers, lambda rows: powers(rows, 0.0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        sums = summed(answers, lambda rows: powers(rows, mean, 4))
        second, third, fourth = sums[2:] / n
    rows = [
        (name, int(n[k]), float(1 - n[k] / max(len(answers), 1)), *(_shape(int(n[k]), *map(float, (mean[k], second[k], third[k], fourth[k]))) if n[k] else (float("nan"),) * 4))
        for k, name in enumerate(names)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["item", "n", "blank_share", "mean", "sd", "skew", "kurtosis"])


def _shape(n: int, mean: float, second: float, third: float, fourth: float) -> tuple[float, float, float, float]:
    """Return mean, standard deviation, skewness and excess kurtosis from the mean and central moments of n answers."""
    sd = float(np.sqrt(second * n / (n - 1))) if n > 1 else float("nan")
    varies = second > np.finfo(np.float64).eps * max(1.0, mean**2)
    skew = kurtosis = float("nan")
    if varies and n >= FEWEST_FOR_SKEW:
        skew = float(third / second**1.5 * np.sqrt(n * (n - 1)) / (n - 2))
    if varies and n >= FEWEST_FOR_KURTOSIS:
        kurtosis = float(((n + 1) * (fourth / second**2 - 3) + 6) * (n - 1) / ((n - 2) * (n - 3)))
    return mean, sd, skew, kurtosis
