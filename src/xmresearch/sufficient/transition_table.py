"""Transitions: which touchpoint follows which, and how journeys end. They add up, and hold no customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError, nearest
from xmresearch.sufficient.customer_groups import GroupCounts
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Array, Index, Journeys, in_order, placed, require_kind
from xmresearch.sufficient.label_forms import OTHER
from xmresearch.sufficient.transition_counter import TransitionCounter

START = -1
MAX_ORDER = 8


@dataclass(frozen=True, repr=False)
class Transitions(Shown):
    """Counts of an order-k chain over touchpoints, where a state is the last k touches.

    Attributes
    ----------
    channels : tuple of str
        Labels in order, length K.
    order : int
        k.
    states : ndarray
        Distinct states in order, shape (S, k), the latest touch last; -1 stands for before the start of the journey.
    row, symbol : ndarray
        State of each count and what came next, shape (m,): a position in `channels`, K for conversion, K + 1 for an end
        without conversion.
    count : ndarray
        How often, shape (m,).
    value, squares, valued : ndarray
        By last state, shape (S,): total value, sum over independent values of (total squared / conversions), and their number.
    passed : ndarray
        Journeys that converted, and that did not, by channel that they touch at least once, shape (K, 2); NaN for channels that
        were pooled, as nothing says which journeys touch several of them.
    cost : ndarray or None
        Spent per channel, shape (K,).
    left_out : dict of str to int
        As in `Journeys`.
    groups : GroupCounts or None
        The same counts by random group of customers; None where nobody knows who took a journey.

    Notes
    -----
    `a + b` is what one pass over both sets of journeys would give, if they are of different customers.
    """

    channels: tuple[str, ...]
    order: int
    states: Index
    row: Index
    symbol: Index
    count: Array
    value: Array
    squares: Array
    valued: Array
    passed: Array
    cost: Array | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    groups: GroupCounts | None = None

    @classmethod
    def scan(
        cls, log: EventLog, order: int = 1, *, scheduler: str | None = None, by_file: bool = False,
        scratch: str | Path | None = None,
    ) -> Transitions:  # fmt: skip
        """Count the transitions of an event log of any size, some customers at a time.

        Parameters
        ----------
        log : EventLog
            Its data are the path of a Parquet file, or of a folder of them.
        order : int
            Touches that the chain remembers.
        scheduler, by_file, scratch
            As for `xmresearch.sufficient.event_partitions.reduce_by_customer`.

        Returns
        -------
        Transitions
            What `transitions` gives of the whole log, but for who is in which random group.

        Raises
        ------
        ParamsError, DataError, InsufficientData, ModelError
            As for `transitions`.
        """
        from xmresearch.sufficient.event_partitions import reduce_by_customer

        count = partial(_of_part, order=_chain_order(order))
        return _with_journeys(reduce_by_customer(log, count, scheduler=scheduler, by_file=by_file, scratch=scratch))

    @property
    def conversions(self) -> float:
        """Journeys that converted."""
        return float(self.count[self.symbol == len(self.channels)].sum())

    @property
    def customers(self) -> int:
        """Customers who took the journeys; 0 where nobody knows."""
        return 0 if self.groups is None else self.groups.customers

    @property
    def nulls(self) -> float:
        """Journeys that did not convert."""
        return float(self.count[self.symbol == len(self.channels) + 1].sum())

    @property
    def journeys(self) -> float:
        """All journeys."""
        return self.conversions + self.nulls

    @property
    def volume(self) -> Array:
        """Touches of each channel, shape (K,)."""
        size = len(self.channels)
        return np.bincount(self.symbol, self.count, size + 2)[:size]

    def __add__(self, other: Transitions) -> Transitions:
        """Pool two sets of journeys."""
        if self.order != other.order:
            raise ValueError(f"transitions of order {self.order} and {other.order} do not add")
        channels = tuple(sorted({*self.channels, *other.channels}))
        return _united(self.relabelled(channels), other.relabelled(channels))

    def relabelled(self, channels: tuple[str, ...]) -> Transitions:
        """Return the same transitions numbered by a longer, sorted list of channels that holds all of these."""
        place = {label: k for k, label in enumerate(channels)}
        return self._mapped(np.array([place[c] for c in self.channels], np.int64), channels)

    def lower(self, order: int) -> Transitions:
        """Return the transitions of a lower order of the same journeys.

        Raises
        ------
        ModelError
            The order is not between 1 and this one.
        """
        if not 1 <= order <= self.order:
            raise ModelError(
                f"Transitions of order {self.order} hold no order {order}.", "Count them at a higher order."
            )
        if order == self.order:
            return self
        return _collected(replace(self, order=order, states=self.states[:, self.order - order :]))

    def pooled(self, limit: int) -> Transitions:
        """Return transitions in which the rarest channels are one, named '(other)'.

        Parameters
        ----------
        limit : int
            Channels that are left, with the common one.
        """
        size = len(self.channels)
        if size <= limit:
            return self
        rank = np.lexsort((np.arange(size), -self.volume))
        kept = sorted({self.channels[k] for k in rank[: limit - 1].tolist()} - {OTHER})
        channels = tuple(sorted({*kept, OTHER}))
        place = {label: k for k, label in enumerate(channels)}
        return self._mapped(np.array([place.get(c, place[OTHER]) for c in self.channels], np.int64), channels)

    def with_cost(self, cost: Mapping[str, float]) -> Transitions:
        """Return the same transitions with what was spent per channel.

        Raises
        ------
        DataError
            A cost is no number of at least 0, or of no channel here.
        """
        spent = np.zeros(len(self.channels))
        for name, amount in cost.items():
            if name not in self.channels:
                raise DataError(
                    f"A cost is given for '{name}', which is no channel here.", nearest(name, self.channels)
                )
            if not isinstance(amount, int | float | np.number) or not 0 <= amount < np.inf:
                raise DataError(f"The cost of '{name}' is {amount!r}.", "Costs are numbers of at least 0.")
            spent[self.channels.index(name)] = amount
        return replace(self, cost=spent)

    def _mapped(self, place: Index, channels: tuple[str, ...]) -> Transitions:
        new = len(channels)
        table = np.concatenate([place, [new, new + 1]])
        cost = None if self.cost is None else np.bincount(place, self.cost, new)
        states = np.append(place, START)[self.states]
        passed = np.stack([np.bincount(place, column, new) for column in self.passed.T], axis=1)
        passed[np.bincount(place, minlength=new) > 1] = np.nan
        moved = replace(self, channels=channels, states=states, symbol=table[self.symbol], passed=passed, cost=cost)
        return self if channels == self.channels else _collected(moved)


def transitions(source: Journeys | EventLog, order: int = 1) -> Transitions:
    """Count the order-k transitions of journeys in one pass.

    Parameters
    ----------
    source : Journeys or EventLog
        As `read_paths` and `EventLog` give them; an event log is streamed.
    order : int
        Touches that the chain remembers.

    Returns
    -------
    Transitions

    Raises
    ------
    ParamsError
        The order is not between 1 and 8.
    DataError
        The events cannot be read, see `reduce_events`.
    InsufficientData
        There is no journey.
    ModelError
        Too many channels for this order.

    References
    ----------
    Anderl, E., Becker, I., von Wangenheim, F. & Schumann, J. H. (2016). Mapping the customer journey: lessons learned from
    graph-based online attribution modeling. International Journal of Research in Marketing, 33(3), 457-474.
    """
    order = _chain_order(order)
    require_kind(source, Journeys, EventLog, hint="Read rows by read_paths(...), or describe events by EventLog(...).")
    if isinstance(source, Journeys):
        counter, last = TransitionCounter(order), source
        counter.add(source)
    else:
        counter, last = source.reduce(lambda: TransitionCounter(order))
    return _with_journeys(_from_counter(counter, last))


def _chain_order(order: int) -> int:
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or not 1 <= order <= MAX_ORDER:
        raise ParamsError(f"The order of the chain is {order!r}.", f"Give a whole number from 1 to {MAX_ORDER}.")
    return int(order)


def _with_journeys(found: Transitions) -> Transitions:
    if not found.journeys > 0:
        raise InsufficientData("There is no journey with a touchpoint.")
    return found


def _of_part(log: EventLog, order: int) -> Transitions:
    """Count the transitions of some customers, of whom perhaps none took a journey."""
    return _from_counter(*log.reduce(partial(TransitionCounter, order), whole=False))


def _from_counter(counter: TransitionCounter, last: Journeys) -> Transitions:
    names, place = in_order(last.channels)
    size, order = len(names), counter.order
    code = np.concatenate([[START], place])
    steps, counts, steps_by = counter.steps()
    ends, sums, ends_by = counter.ends()
    ends, steps = code[ends], code[steps]
    states = np.concatenate([steps[:, :order], ends, ends])
    symbol = np.concatenate([steps[:, order], np.full(len(ends), size), np.full(len(ends), size + 1)])
    nothing, passed = np.zeros(len(steps)), np.zeros((size, 2))
    passed[place] = counter.passed
    value, squares, valued = (np.concatenate([nothing, sums[:, k], np.zeros(len(ends))]) for k in (2, 3, 4))
    every, groups = np.concatenate([counts[:, 0], sums[:, 0], sums[:, 1]]), None
    if counter.groups > 1:
        conversions, nulls, amount = ends_by[:3]
        zero = [sparse.csr_array((counter.groups, many)) for many in (len(steps), len(ends))]
        by = ((steps_by[0], conversions, nulls), (zero[0], amount, zero[1]))
        groups = GroupCounts(last.customers, *(sparse.hstack(parts, format="csr") for parts in by))
    rows = Transitions(
        names, order, states, np.arange(len(states)), symbol, every, value, squares, valued, passed,
        placed(last.cost, place), dict(last.left_out), groups,
    )  # fmt: skip
    return _collected(rows)


def _united(a: Transitions, b: Transitions) -> Transitions:
    cost = None
    if a.cost is not None or b.cost is not None:
        cost = sum((p.cost for p in (a, b) if p.cost is not None), np.zeros(len(a.channels)))
    both = {k: np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("states", "symbol", "count", *_BY_STATE)}
    row = np.concatenate([a.row, b.row + len(a.states)])
    left_out = dict(Counter(a.left_out) + Counter(b.left_out))
    groups = None if a.groups is None or b.groups is None else a.groups.beside(b.groups)
    return _collected(
        Transitions(
            a.channels,
            a.order,
            row=row,
            passed=a.passed + b.passed,
            cost=cost,
            left_out=left_out,
            groups=groups,
            **both,
        )
    )


_BY_STATE = ("value", "squares", "valued")


def _collected(given: Transitions) -> Transitions:
    """Put equal states and equal counts together, in order."""
    size = len(given.channels)
    if float(size + 1) ** given.order >= 2.0**62:
        raise ModelError(
            f"{size} channels at order {given.order} make more states than can be numbered.", "Lower the order."
        )
    base = (size + 1) ** np.arange(given.order - 1, -1, -1)
    key = (given.states + 1) @ base
    _, first, at = np.unique(key, return_index=True, return_inverse=True)
    count = len(first)
    value, squares, valued = (np.bincount(at, getattr(given, k), count) for k in _BY_STATE)
    pair = at[given.row] * (size + 2) + given.symbol
    pairs, place = np.unique(pair, return_inverse=True)
    total = np.bincount(place, given.count, len(pairs))
    seen = total > 0
    row, symbol = np.divmod(pairs[seen], size + 2)
    # a state counts once something follows it
    used, row = np.unique(row, return_inverse=True)
    groups = given.groups
    if groups is not None:
        groups = groups.moved(_ranked(seen)[place], len(row), _ranked(np.isin(np.arange(count), used))[at], len(used))
    return replace(
        given, states=given.states[first[used]], row=row, symbol=symbol, count=total[seen], value=value[used],
        squares=squares[used], valued=valued[used], groups=groups,
    )  # fmt: skip


def _ranked(kept: NDArray[np.bool_]) -> Index:
    """Return the place of each element among those kept, -1 for the others."""
    return np.where(kept, np.cumsum(kept) - 1, -1)
