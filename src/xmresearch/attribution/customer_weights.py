"""Customers as units: how often steps would have been taken had other customers come."""

from __future__ import annotations

import numpy as np

from xmresearch.attribution.chain import Array, Chain
from xmresearch.errors import InsufficientData
from xmresearch.sufficient.transition_table import Transitions

DENSE_CELLS = 1 << 24
FEWEST_CUSTOMERS = 2


def group_weight(groups: int) -> float:
    """Return the shape of the Gamma weights of groups of customers; see `CustomerWeights`."""
    return (groups - 1) / (groups + 1)


class CustomerWeights:
    """Bayesian bootstrap of customers, in their random groups.

    Parameters
    ----------
    given : Transitions
        With groups of two customers at least.
    chain : Chain
        Of these transitions.

    Raises
    ------
    InsufficientData
        All journeys are of one customer.

    Notes
    -----
    A group's steps count Gamma(a) / a times, with a = (n - 1) / (n + 1) for n groups: then a linear statistic has the
    variance of a mean of n with its n - 1 degrees of freedom. Where each customer took one step, that is a Dirichlet posterior
    of the rows; where customers took several, their steps vary together, as do rows, values and rates.

    References
    ----------
    Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics, 9(1), 130-134.
    Field, C. A. & Welsh, A. H. (2007). Bootstrapping clustered data. Journal of the Royal Statistical Society B, 69(3), 369-390.
    """

    def __init__(self, given: Transitions, chain: Chain) -> None:
        groups = given.groups
        if groups is None or groups.customers < FEWEST_CUSTOMERS:
            raise InsufficientData("All journeys are of one customer, so nothing shows how customers differ.")
        size = len(given.channels)
        pairs = chain.row * (size + 2) + chain.symbol
        place = np.searchsorted(pairs, given.row * (size + 2) + given.symbol)
        states = np.arange(len(given.states))
        placed = groups.moved(place, len(pairs), states, len(states))
        counted = np.flatnonzero(np.diff(placed.steps.indptr))
        steps, self._value = placed.steps[counted], placed.value[counted].toarray()
        self._steps = steps.toarray() if steps.shape[0] * steps.shape[1] <= DENSE_CELLS else steps
        won, lost = (steps[:, chain.symbol == size + k] for k in (0, 1))
        self._ends = np.stack([won.sum(axis=1), lost.sum(axis=1)], axis=1)
        self._conversions = np.zeros((len(counted), len(states)))
        self._conversions[:, chain.row[chain.symbol == size]] = won.toarray()
        self.shape = group_weight(len(counted))

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Return draws of the weight of each group, shape (draws, groups), 1 on average."""
        return rng.standard_gamma(self.shape, (draws, self._ends.shape[0])) / self.shape

    def steps(self, weights: Array) -> Array:
        """Return how often each step of the chain was taken, shape (draws, m)."""
        found: Array = weights @ self._steps
        return found

    def rate(self, weights: Array) -> Array:
        """Return the share of journeys that convert, shape (draws,)."""
        won, lost = (weights @ self._ends).T
        rate: Array = won / (won + lost)
        return rate

    def worth(self, weights: Array) -> Array:
        """Return the mean value of a conversion by last state, shape (draws, S); 0 where nothing converted."""
        total, conversions = weights @ self._value, weights @ self._conversions
        worth: Array = np.divide(total, conversions, out=np.zeros_like(total), where=conversions > 0)
        return worth
