"""Queues in the long run: Erlang's formulas without and with people who leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-14
MOST_WAITING = 200_000


@dataclass(frozen=True, repr=False)
class Queue(Shown):
    """A queue in the long run.

    Attributes
    ----------
    counters : int
        Open ones.
    load : float
        Arrivals times handling time: how many counters would just be busy.
    waits : float
        Share of arrivals that must wait.
    leaves : float
        Share that leaves before it is served; 0 where nobody does.
    within : float
        Share of arrivals that is served within the target time.
    mean_wait : float
        Of all arrivals, in the unit of time given, until they are served or leave; infinite where the queue grows without end.
    busy : float
        Share of the counters' time.
    """

    counters: int
    load: float
    waits: float
    leaves: float
    within: float
    mean_wait: float
    busy: float

    def summary(self) -> dict[str, float]:
        """Return the figures."""
        return {f: getattr(self, f) for f in self.__dataclass_fields__}


def erlang_c(counters: int, load: ArrayLike) -> Array:
    """Return the share of arrivals that must wait where nobody leaves.

    Parameters
    ----------
    counters : int
        At least 1.
    load : array_like
        Arrivals times mean handling time, above 0, of any shape.

    Returns
    -------
    ndarray
        1 where the load is that of all counters or more.

    Raises
    ------
    DataError
        There is no counter, or a load is not above zero.

    References
    ----------
    Erlang, A. K. (1917). Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges.
    Elektroteknikeren, 13.
    """
    a = np.asarray(load, dtype="float64")
    if counters < 1 or not (np.isfinite(a).all() and (a > 0).all()):
        raise DataError("A queue needs a counter and a load above zero.")
    # Erlang's B as a ratio of a Poisson probability and its distribution, in logs
    blocked = np.exp(stats.poisson.logpmf(counters, a) - stats.poisson.logcdf(counters, a))
    with np.errstate(divide="ignore", invalid="ignore"):
        waits = counters * blocked / (counters - a * (1 - blocked))
    return np.asarray(np.where(a >= counters, 1.0, waits))


def queue(arrivals: float, handling: float, counters: int, *, target: float, patience: float | None = None) -> Queue:
    """Return how a queue does in the long run.

    Parameters
    ----------
    arrivals : float
        Per unit of time, above 0.
    handling : float
        Mean time that a case takes at a counter, in that unit.
    counters : int
        Open ones.
    target : float
        Time within which people should be served.
    patience : float, optional
        Mean time after which those who wait leave; without it nobody leaves (Erlang C), with it some do (Erlang A).

    Returns
    -------
    Queue
        Arrivals at random, handling times (and patience) exponential, first come first served.

    Raises
    ------
    DataError
        A figure is not above zero.

    References
    ----------
    Garnett, O., Mandelbaum, A. & Reiman, M. (2002). Designing a call center with impatient customers. Manufacturing & Service Operations
    Management, 4, 208-227. Palm, C. (1957). Research on telephone traffic carried by full availability groups. Tele, 1.
    """
    given = [arrivals, handling, float(counters), *([] if patience is None else [patience])]
    if not all(np.isfinite(v) and v > 0 for v in given) or not target >= 0:
        raise DataError("Arrivals, handling time, counters and patience must be above zero.")
    load, rate = arrivals * handling, 1 / handling
    if patience is None:
        waits = float(erlang_c(counters, load))
        spare = counters * rate - arrivals
        if spare <= 0:
            return Queue(counters, load, 1.0, 0.0, 0.0, np.inf, 1.0)
        within = 1 - waits * float(np.exp(-spare * target))
        return Queue(counters, load, waits, 0.0, within, waits / spare, load / counters)
    return _with_leaving(arrivals, rate, counters, 1 / patience, target, load)


def _with_leaving(arrivals: float, rate: float, counters: int, leave: float, target: float, load: float) -> Queue:
    """Return Erlang A, from the chances of every number of people there."""
    # how many may be waiting: until the rates out are so far above those in that the rest does not count
    waiting, log_chance, logs = 0, 0.0, [0.0]
    while waiting < MOST_WAITING:
        waiting += 1
        out = counters * rate + waiting * leave
        log_chance += np.log(arrivals / out)
        logs.append(log_chance)
        if out > arrivals and log_chance < max(logs) + np.log(NEGLIGIBLE):
            break
    upto = np.arange(counters)
    below = (upto - counters) * np.log(load) + special.gammaln(counters + 1) - special.gammaln(upto + 1)
    every = np.concatenate([below, logs])
    chance = np.exp(every - every.max())
    chance /= chance.sum()
    full = chance[counters:]
    j = np.arange(len(full))
    waits = float(full.sum())
    leaves = float(leave * (j * full).sum() / arrivals)
    # exp(-leave V) of one who finds j waiting is Beta(s, j + 1): one after the other of those ahead is served or leaves
    s = counters * rate / leave
    served = s / (s + j + 1) * stats.beta.sf(np.exp(-leave * target), s + 1, j + 1)
    within = 1 - waits + float((full * served).sum())
    return Queue(
        counters, load, waits, leaves, within, float((j * full).sum()) / arrivals, load * (1 - leaves) / counters
    )
