"""The prior of a chain: each row shrinks towards the row that remembers one touch less."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import optimize, sparse, special

from xmresearch.attribution.chain import Array, Chain, Index
from xmresearch.attribution.customer_weights import CustomerWeights
from xmresearch.errors import ParamsError, nearest
from xmresearch.sufficient.transition_table import Transitions

LOG_RANGE = (np.log(1e-2), np.log(1e7))
ROUNDS, GRID, DRAWN_AT_ONCE = 3, 16, 1 << 20
NEGLIGIBLE = 1e-40


class StepPosterior:
    """Posterior of the step probabilities of a chain.

    Parameters
    ----------
    given : Transitions
        Counts.
    prior : str or float
        'evidence': hierarchical, see notes. A number: the prior count of every allowed step.

    Attributes
    ----------
    chain : Chain
        Of the highest order.
    concentration : tuple of float
        Prior transitions of a row, by order from 1; empty for a fixed prior count.

    Raises
    ------
    ParamsError
        The prior is neither.

    Notes
    -----
    A row of order j ~ Dirichlet(c_j m), where m is the row of order j - 1 that lacks its oldest touch, restricted to the steps
    seen there; order 0 has the Jeffreys prior over the symbols. c_j maximises the evidence, up to one transition per allowed step:
    beyond that, the few rows that truly differ would be pulled away from their own counts. A count n of order j counts in
    order j - 1 as the expected c m (psi(c m + n) - psi(c m)) independent choices, so no journey is counted twice: with c_j
    high the chain is one of order j - 1, with c_j low each row stands alone. Draws go down the orders.

    With customers as units (`by_customers`), the Gamma(n) weight of a step that was taken n times is the sum of the weights of
    the customers who took it, which is the same where no customer took two. A Beta share of it, with mean of the independent
    choices among n, counts in the order below.

    References
    ----------
    MacKay, D. J. C. & Peto, L. C. B. (1995). A hierarchical Dirichlet language model. Natural Language Engineering, 1(3),
    289-308.
    Teh, Y. W., Jordan, M. I., Beal, M. J. & Blei, D. M. (2006). Hierarchical Dirichlet processes. Journal of the American
    Statistical Association, 101(476), 1566-1581.
    """

    def __init__(self, given: Transitions, prior: str | float = "evidence") -> None:
        if isinstance(prior, str) and prior != "evidence":
            raise ParamsError(f"There is no prior '{prior}'.", nearest(prior, ["evidence"]))
        if not isinstance(prior, str):
            counts = isinstance(prior, int | float | np.number) and not isinstance(prior, bool)
            if not counts or not 0 < prior < np.inf:
                raise ParamsError(f"The prior count is {prior}.", "Give a positive number, or 'evidence'.")
        self.symbols = len(given.channels) + 2
        if isinstance(prior, str):
            self.levels = [Chain.of(given.lower(order)) for order in range(1, given.order + 1)]
            self._parents = [self.levels[0].symbol]
            self._parents += [_parents(a, b) for a, b in zip(self.levels[1:], self.levels, strict=False)]
            self.concentration = self._fit()
        else:
            self.levels, self.fixed, self.concentration = [Chain.of(given)], float(prior), ()

    @property
    def chain(self) -> Chain:
        """The chain of the highest order."""
        return self.levels[-1]

    def _fit(self) -> tuple[float, ...]:
        """Find concentrations and the counts that each order passes on to the one below."""
        self._counts = [np.bincount(self.levels[0].symbol, self.levels[0].count, self.symbols)]
        self._counts += [level.count for level in self.levels]
        found = [1.0] * len(self.levels)
        for _ in range(ROUNDS):
            mean = (self._counts[0] + 0.5) / (self._counts[0] + 0.5).sum()
            bases = []
            for k, (level, parent) in enumerate(zip(self.levels, self._parents, strict=True)):
                bases.append(mean[parent])
                limit = len(level.row) / len(level.states)
                found[k] = min(concentration(level.row, bases[k], self._counts[k + 1]), limit)
                mean = level.shares(found[k] * bases[k] + self._counts[k + 1])
            for k in range(len(self.levels) - 1, -1, -1):
                chosen = _choices(found[k] * bases[k], self._counts[k + 1])
                self._counts[k] = np.bincount(self._parents[k], chosen, len(self._counts[k]))
        return tuple(found)

    def draw(self, draws: int, rng: np.random.Generator) -> Iterator[Array]:
        """Draw step probabilities, a batch at a time.

        Parameters
        ----------
        draws : int
            In all.
        rng : Generator
            Their source.

        Yields
        ------
        ndarray
            Shape (batch, m), in the order of the steps of `chain`.
        """
        at_once = max(1, DRAWN_AT_ONCE // len(self.chain.row))
        for done in range(0, draws, at_once):
            many = min(at_once, draws - done)
            if not self.concentration:
                shape = self.chain.count + self.fixed
                yield _shares(self.chain, rng.standard_gamma(shape, (many, len(shape))))
                continue
            top = rng.standard_gamma(self._counts[0] + 0.5, (many, self.symbols))
            found = top / top.sum(axis=1, keepdims=True)
            for level, parent, count, c in zip(
                self.levels, self._parents, self._counts[1:], self.concentration, strict=True
            ):
                found = _shares(level, rng.standard_gamma(c * found[:, parent] + count))
            yield found

    def by_customers(
        self, units: CustomerWeights, draws: int, rng: np.random.Generator
    ) -> Iterator[tuple[Array, Array]]:
        """Draw step probabilities with customers as units, a batch at a time.

        Parameters
        ----------
        units : CustomerWeights
            Of the same transitions.
        draws : int
            In all.
        rng : Generator
            Their source.

        Yields
        ------
        probability : ndarray
            Shape (batch, m), in the order of the steps of `chain`.
        weights : ndarray
            Of each group of customers, shape (batch, groups).
        """
        at_once = max(1, DRAWN_AT_ONCE // len(self.chain.row))
        for done in range(0, draws, at_once):
            many = min(at_once, draws - done)
            weights = units.draw(many, rng)
            taken = units.steps(weights)
            if not self.concentration:
                yield _shares(self.chain, taken + rng.standard_gamma(self.fixed, taken.shape)), weights
                continue
            every = [taken]
            for parent, count in zip(reversed(self._parents), reversed(self._counts[:-1]), strict=True):
                every.append(_summed(every[-1], parent, len(count)))
            every.reverse()
            chosen = [_thinned(t, level, c, rng) for t, level, c in zip(every, self._totals, self._counts, strict=True)]
            top = chosen[0] + rng.standard_gamma(0.5, chosen[0].shape)
            found = top / top.sum(axis=1, keepdims=True)
            for level, parent, extra, c in zip(self.levels, self._parents, chosen[1:], self.concentration, strict=True):
                found = _shares(level, rng.standard_gamma(c * found[:, parent]) + extra)
            yield found, weights

    @property
    def _totals(self) -> list[Array]:
        """Counts of each order, from 0."""
        return [np.bincount(self.levels[0].symbol, self.levels[0].count, self.symbols)] + [
            level.count for level in self.levels
        ]


def _summed(taken: Array, parent: Index, size: int) -> Array:
    """Add up steps by the step of the order below that each is a case of, shape (draws, size)."""
    case = sparse.csr_array((np.ones(len(parent)), (np.arange(len(parent)), parent)), shape=(len(parent), size))
    found: Array = taken @ case
    return found


def _thinned(taken: Array, count: Array, choices: Array, rng: np.random.Generator) -> Array:
    """Return the part of the drawn counts that stands for independent choices: Gamma(n) becomes Gamma(choices)."""
    some = np.flatnonzero((choices < count) & (choices > 0))
    out = np.where(choices > 0, taken, 0.0)
    out[:, some] *= rng.beta(choices[some], (count - choices)[some], (len(taken), len(some)))
    return out


def _shares(chain: Chain, weights: Array) -> Array:
    # what underflows would slow every product that it enters
    weights[weights < NEGLIGIBLE] = 0.0
    return chain.shares(weights)


def _parents(level: Chain, below: Chain) -> Index:
    """Return the step of the order below that each step is a case of."""
    size = len(level.channels)
    base = (size + 1) ** np.arange(below.states.shape[1] - 1, -1, -1)
    suffix = np.searchsorted((below.states + 1) @ base, (level.states[:, 1:] + 1) @ base)
    pairs = below.row * (size + 2) + below.symbol
    parents: Index = np.searchsorted(pairs, suffix[level.row] * (size + 2) + level.symbol)
    return parents


def _choices(prior: Array, count: Array) -> Array:
    """Return the expected number of independent choices behind counts."""
    out = np.zeros(len(count))
    seen = (count > 0) & (prior > 0)
    p, n = prior[seen], count[seen]
    out[seen] = np.minimum(p * (special.digamma(p + n) - special.digamma(p)), n)
    return out


def row_evidence(c: float, row: Index, base: Array, count: Array) -> float:
    """Return the log probability of counts whose rows are Dirichlet(c base).

    Parameters
    ----------
    c : float
        Prior transitions of a row.
    row : ndarray
        Of each count, shape (m,).
    base : ndarray
        Prior mean of each count, shape (m,); what a row lacks to 1 is on symbols that were not counted.
    count : ndarray
        Shape (m,).

    Returns
    -------
    float
        Of the sequence of steps (no multinomial coefficient).
    """
    total = np.bincount(row, count)
    seen = count > 0
    b, n = c * base[seen], count[seen]
    by_row = special.gammaln(c) - special.gammaln(c + total[total > 0])
    return float(by_row.sum() + (special.gammaln(b + n) - special.gammaln(b)).sum())


def concentration(row: Index, base: Array, count: Array) -> float:
    """Return the c that maximises `row_evidence`, between 0.01 and 1e7."""

    def loss(log_c: float) -> float:
        return -row_evidence(float(np.exp(log_c)), row, base, count)

    grid = np.linspace(*LOG_RANGE, GRID)
    best = int(np.argmin([loss(g) for g in grid]))
    near = (grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)])
    return float(np.exp(optimize.minimize_scalar(loss, bounds=near, method="bounded", options={"xatol": 1e-3}).x))
