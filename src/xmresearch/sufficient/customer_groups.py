"""Random groups of customers: what stays of who took a journey, so that customers can be resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
GROUPS = 256


def group_of(ordinal: Index) -> NDArray[np.int32]:
    """Return a group for each customer, by the place of the customer among all: 0, 1, ...

    Parameters
    ----------
    ordinal : ndarray
        Shape (n,).

    Returns
    -------
    ndarray
        Shape (n,), from 0 to 255. The first 256 customers have a group each; a hash puts the others into one, so customers that
        stand side by side (by age of their account, say) do not share one more often than others.

    References
    ----------
    Steele, G. L., Lea, D. & Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA 2014, 453-472.
    """
    if len(ordinal) == 0 or ordinal.max() < GROUPS:
        return ordinal.astype(np.int32)
    mixed = ordinal.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    hashed = (mixed >> np.uint64(56)).astype(np.int32)
    return hashed if ordinal.min() >= GROUPS else np.where(ordinal < GROUPS, ordinal, hashed).astype(np.int32)


@dataclass(frozen=True, repr=False)
class GroupCounts(Shown):
    """What each group of customers adds to the counts of a chain.

    Attributes
    ----------
    customers : int
        Customers in all. No group says whose journeys it holds.
    steps : csr_array
        How often each step was taken, shape (groups, m).
    value : csr_array
        Total value by last state, shape (groups, S).

    Notes
    -----
    Where customers are put into groups at random, sums of groups vary about their mean as sums of customers do, since what two
    customers of one group add to a ratio has no covariance. So a bootstrap of groups is one of customers, whose variance
    is known as precisely as from as many customers as there are groups.
    """

    customers: int
    steps: sparse.csr_array
    value: sparse.csr_array

    def moved(self, step: Index, steps: int, state: Index, states: int) -> GroupCounts:
        """Return the counts with each step and each state at a new place, -1 for none; equal places add up."""
        return GroupCounts(self.customers, _columns(self.steps, step, steps), _columns(self.value, state, states))

    def beside(self, other: GroupCounts) -> GroupCounts:
        """Return the counts of other customers in columns after these."""
        tall = max(self.steps.shape[0], other.steps.shape[0])
        steps, value = (
            sparse.hstack([_rows(a, tall), _rows(b, tall)], format="csr")
            for a, b in ((self.steps, other.steps), (self.value, other.value))
        )
        return GroupCounts(self.customers + other.customers, steps, value)


def _columns(given: sparse.csr_array, place: Index, columns: int) -> sparse.csr_array:
    found = given.tocoo()
    at = place[found.col]
    kept = at >= 0
    shape = (given.shape[0], columns)
    return sparse.coo_array((found.data[kept], (found.row[kept], at[kept])), shape=shape).tocsr()


def _rows(given: sparse.csr_array, rows: int) -> sparse.csr_array:
    found = given.copy()
    found.resize((rows, given.shape[1]))
    return found
