"""How far people hide among others who are alike: k-anonymity and l-diversity over quasi-identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown


@dataclass(frozen=True, repr=False)
class Anonymity(Shown):
    """How many people are alike in what an outsider may know of them.

    Attributes
    ----------
    columns : tuple of str
        Quasi-identifiers.
    n : int
        People.
    classes : int
        Combinations of values that occur; a blank is a value.
    k : int
        Size of the smallest class: the rows are k-anonymous.
    below : int
        People in classes smaller than `MIN_CELL`.
    sensitive : str or None
        Column that nobody should learn of a person.
    l : int or None
        Fewest different values of it in a class: the rows are l-diverse.
    """

    columns: tuple[str, ...]
    n: int
    classes: int
    k: int
    below: int
    sensitive: str | None = None
    l: int | None = None  # noqa: E741


def anonymity_of(frame: pd.DataFrame, columns: Sequence[str], sensitive: str | None = None) -> Anonymity | None:
    """Count how many people are alike.

    Parameters
    ----------
    frame : DataFrame
        One row per person.
    columns : sequence of str
        Quasi-identifiers that it has.
    sensitive : str, optional
        Column that nobody should learn of a person.

    Returns
    -------
    Anonymity or None
        None without people or quasi-identifiers.

    References
    ----------
    Sweeney, L. (2002). k-anonymity: a model for protecting privacy. International Journal of Uncertainty, Fuzziness and
    Knowledge-Based Systems, 10, 557-570. Machanavajjhala, A., Kifer, D., Gehrke, J. & Venkitasubramaniam, M. (2007). l-diversity. ACM
    Transactions on Knowledge Discovery from Data, 1 (1), 3.
    """
    if not len(frame) or not columns:
        return None
    groups = frame.groupby(list(columns), dropna=False, observed=True, sort=False)
    sizes = groups.size()
    found = None if sensitive is None else int(groups[sensitive].nunique(dropna=False).min())
    below = int(sizes[sizes < MIN_CELL].sum())
    return Anonymity(tuple(columns), len(frame), len(sizes), int(sizes.min()), below, sensitive, found)
