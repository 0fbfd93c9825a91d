"""What a respondent's answers look like as a row: runs of one answer, their spread, and rows that occur again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SEED = 20260101
_PART = 4096


def longest_run(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the length of each respondent's longest run of one same answer; a blank neither ends nor lengthens it.

    An item that was skipped is no other answer: whoever gives one answer all through is found with blanks or without.

    Parameters
    ----------
    values : ndarray
        Shape (n, items), in the order asked.

    Returns
    -------
    ndarray of int
        Shape (n,).

    References
    ----------
    Johnson, J. A. (2005). Journal of Research in Personality, 39, 103-129.
    """
    last = np.full(len(values), np.nan)
    run = np.zeros(len(values), dtype=np.int64)
    best = run.copy()
    for answer in values.T:
        given = ~np.isnan(answer)
        run = np.where(given, np.where(answer == last, run + 1, 1), run)
        last = np.where(given, answer, last)
        best = np.maximum(best, run)
    return best


def straight_lines(batteries: list[NDArray[np.float64]], share: float, shortest: int) -> NDArray[np.bool_]:
    """Mark who gave one answer in a long run in every battery.

    Parameters
    ----------
    batteries : list of ndarray
        Each of shape (n, items), in the order asked; at least one.
    share : float
        Length of the run, as a share of the answers given in the battery.
    shortest : int
        Fewest answers that make a run.

    Returns
    -------
    ndarray of bool
        Shape (n,).
    """
    found = np.ones(len(batteries[0]), dtype=bool)
    for answers in batteries:
        left = np.flatnonzero(found)
        if share >= 1:  # a run of all answers is one value throughout
            low, high = least_and_greatest(answers)
            left = left[(low == high)[left]]
        chosen = answers[left]
        enough = np.maximum(np.ceil(share * (~np.isnan(chosen)).sum(axis=1)), shortest)
        found = np.zeros(len(found), dtype=bool)
        found[left[longest_run(chosen) >= enough]] = True
    return found


def least_and_greatest(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest answer of each row; NaN where there is none.

    Parameters
    ----------
    values : ndarray
        Shape (n, items); NaN is a blank.

    Returns
    -------
    least, greatest : ndarray
        Each of shape (n,).
    """
    low, high = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for part in _parts(len(values)):
        np.fmin.reduce(values[part], axis=1, out=low[part], initial=np.nan)
        np.fmax.reduce(values[part], axis=1, out=high[part], initial=np.nan)
    return low, high


def irv(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intra-individual response variability: the SD of each respondent's answers.

    Parameters
    ----------
    values : ndarray
        Shape (n, items); NaN is a blank.

    Returns
    -------
    ndarray
        Shape (n,); NaN for fewer than two answers.

    References
    ----------
    Dunn, A. M. et al. (2018). Journal of Business and Psychology, 33, 105-121.
    Chan, T. F., Golub, G. H., & LeVeque, R. J. (1983). The American Statistician, 37, 242-247 (sums about each row's first answer).
    """
    found = np.empty(len(values))
    for part in _parts(len(values)):
        answers = values[part]
        blank = np.isnan(answers)
        answered = answers.shape[1] - blank.sum(axis=1)
        apart = answers - answers[np.arange(len(answers)), blank.argmin(axis=1)][:, None]
        apart[blank] = 0
        total, squares = apart.sum(axis=1), np.einsum("ij,ij->i", apart, apart)
        with np.errstate(invalid="ignore", divide="ignore"):
            about_mean = np.maximum(squares - total * total / answered, 0)
            found[part] = np.sqrt(about_mean / np.where(answered > 1, answered - 1, np.nan))
    return found


def _parts(n: int) -> Iterator[slice]:
    """Cut rows into parts whose answers the processor can hold."""
    return (slice(at, at + _PART) for at in range(0, n, _PART))


def repeated_rows(items: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark rows that are equal to an earlier one; blanks are equal to blanks.

    Parameters
    ----------
    items : DataFrame
        Numbers, shape (n, items).

    Returns
    -------
    ndarray of bool
        Shape (n,).
    """
    # equal rows have equal sums, so only rows whose sum repeats need to be compared
    factors = np.random.default_rng(_SEED).uniform(1, 2, items.shape[1])
    sums = np.zeros(len(items))
    for answer, factor in zip(items.to_numpy(dtype="float64").T, factors, strict=True):
        sums += np.where(np.isnan(answer), -np.pi, answer) * factor
    alike = np.flatnonzero(pd.Series(sums).duplicated(keep=False))
    found = np.zeros(len(items), dtype=bool)
    found[alike] = items.iloc[alike].duplicated(keep="first").to_numpy()
    return found
