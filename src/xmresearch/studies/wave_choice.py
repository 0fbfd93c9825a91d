"""Which waves a study has, in which order, which may be shown, and which two are compared."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xmresearch.errors import DataError, InsufficientData, brief, nearest


def ordered_waves(waves: pd.Series, given: Sequence[str]) -> list[str]:
    """Return the waves in order: as given, by number where all are numbers, otherwise by name.

    Parameters
    ----------
    waves : Series
        The wave of each answer, without blanks.
    given : sequence of str
        The waves in order, as the params have them; empty where they are taken from the answers.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        What is given names a wave that is not there, or leaves one out.
    InsufficientData
        There is none.
    """
    there = [str(w) for w in waves.unique()]
    if not there:
        raise InsufficientData("The column of waves is empty.", "Name another wave_column, or null.")
    if not given:
        numbers = pd.to_numeric(pd.Series(there), errors="coerce")
        if numbers.notna().all():
            return [w for _, w in sorted(zip(numbers, there, strict=True))]
        return sorted(there)
    unknown = [w for w in given if w not in there]
    missing = [w for w in there if w not in given]
    if unknown or missing:
        wrong = (
            f"there is no wave '{brief(unknown[0])}'"
            if unknown
            else f"{len(missing)} wave(s) of the data are not listed"
        )
        raise DataError(f"waves: {wrong}.", nearest(unknown[0], there) if unknown else "List every wave, in order.")
    return list(given)


def chosen_waves(compare: Sequence[str], order: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Return the two waves to compare, earlier first; of those that may be shown the last two where none are named.

    Parameters
    ----------
    compare : sequence of str
        The two, as the params have them; or empty.
    order, shown : sequence of str
        All waves in order, and those that may be shown.

    Returns
    -------
    list of str
        One only where there is no second.

    Raises
    ------
    DataError
        A wave is not there, or the first is the later one.
    """
    if not compare:
        return list(shown or order)[-2:]
    for wave in compare:
        if wave not in order:
            raise DataError(f"compare: there is no wave '{brief(wave)}'.", nearest(wave, order))
    if list(order).index(compare[0]) > list(order).index(compare[1]):
        raise DataError("compare: the first wave is later than the second.", "Give the earlier one first.")
    return list(compare)
