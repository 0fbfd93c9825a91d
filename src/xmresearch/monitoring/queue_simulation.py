"""A queue gone through one person after the other, for handling times and hours that no formula has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class SimulatedQueue(Shown):
    """Arrivals and what became of them.

    Attributes
    ----------
    arrived : ndarray
        Times, shape (n,).
    waited : ndarray
        Until served or gone, shape (n,).
    left : ndarray of bool
        Who went before being served, shape (n,).
    """

    arrived: Array
    waited: Array
    left: NDArray[np.bool_]

    def summary(self) -> dict[str, Any]:
        """Return n, the shares that waited and left, and the mean wait."""
        return {
            "n": len(self.arrived), "waits": float((self.waited > 0).mean()), "leaves": float(self.left.mean()),
            "mean_wait": float(self.waited.mean()),
        }  # fmt: skip

    def within(self, target: float) -> float:
        """Return the share of arrivals that was served within a time."""
        return float(((self.waited <= target) & ~self.left).mean())


def simulated_queue(
    arrived: Array, counters: int, handling: Callable[[np.random.Generator, int], Array], *,
    patience: Callable[[np.random.Generator, int], Array] | None = None, seed: int = 0,
) -> SimulatedQueue:  # fmt: skip
    """Go through a queue, first come first served.

    Parameters
    ----------
    arrived : ndarray
        Times of arrival, rising, shape (n,): drawn, or those of a real day.
    counters : int
        Open ones.
    handling : callable
        From a generator and n to n handling times.
    patience : callable, optional
        From a generator and n to how long each would wait; without it nobody leaves.
    seed : int

    Returns
    -------
    SimulatedQueue

    Raises
    ------
    DataError
        Times do not rise, or there is no counter.

    References
    ----------
    Kiefer, J. & Wolfowitz, J. (1955). On the theory of queues with many servers. Transactions of the American Mathematical Society, 78,
    1-18.
    """
    times = np.asarray(arrived, dtype="float64")
    if counters < 1 or (np.diff(times) < 0).any():
        raise DataError("A queue needs a counter, and arrivals in order.")
    rng, n = np.random.default_rng(seed), len(times)
    takes = handling(rng, n)
    waits_for = np.full(n, np.inf) if patience is None else patience(rng, n)
    free = [-np.inf] * counters
    heapify(free)
    waited, left = np.zeros(n), np.zeros(n, dtype=bool)
    for k, (now, long, most) in enumerate(zip(times.tolist(), takes.tolist(), waits_for.tolist(), strict=True)):
        # who comes later never changes when a counter gets free for those before
        wait = max(free[0] - now, 0.0)
        if wait > most:
            waited[k], left[k] = most, True
        else:
            waited[k] = wait
            heapreplace(free, now + wait + long)
    return SimulatedQueue(times, waited, left)
