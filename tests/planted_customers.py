"""Customers who differ in their chains, and what is exactly so of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.scenarios.planted_chain import PlantedChain
from xmresearch.sufficient.customer_groups import group_of
from xmresearch.sufficient.journeys import Journeys

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class PlantedCustomers:
    """A population of customers, each of a type with a chain of order 1 of its own.

    Attributes
    ----------
    rows : ndarray
        Of each type, shape (T, K + 1, K + 2): the last row is the start, the last columns are conversion and an end without.
    journeys : ndarray
        Journeys that a customer of each type takes, shape (T,).
    """

    rows: Array
    journeys: Index

    @classmethod
    def random(
        cls, size: int, alike: float, journeys: Index, rng: np.random.Generator, *, types: int = 40
    ) -> PlantedCustomers:
        """Draw types whose rows are Dirichlet(alike x a common row); journeys are given in turn."""
        base = PlantedChain.random(size, 1, rng).probability
        possible = base > 0
        rows = np.where(possible, rng.standard_gamma(np.where(possible, alike * base, 1.0), (types, *base.shape)), 0.0)
        return cls(rows / rows.sum(axis=2, keepdims=True), np.resize(journeys, types))

    @property
    def size(self) -> int:
        """Touchpoints."""
        return self.rows.shape[1] - 1

    def pooled(self, order: int) -> PlantedChain:
        """Return the chain (order 1 or 2) of all journeys: expected steps of all customers over expected visits."""
        size, rows = self.size, self.rows
        begin = np.zeros(size + 1)
        begin[-1] = 1
        count = np.zeros((size + 1,) * order + (size + 2,))
        for chain, many in zip(rows, self.journeys, strict=True):
            moves = np.zeros((size + 1, size + 1))
            moves[:, :size] = chain[:, :size]
            visits = many * np.linalg.solve(np.eye(size + 1) - moves.T, begin)
            if order == 1:
                count += visits[:, None] * chain
            else:
                count[:, :size] += (visits[:, None] * chain[:, :size])[:, :, None] * chain[None, :size]
                count[size, size] += many * chain[size]
        total = count.sum(axis=-1, keepdims=True)
        share = np.divide(count, total, out=np.zeros_like(count), where=total > 0)
        # states that nobody can reach end at once
        share[..., -1] += total[..., 0] == 0
        return PlantedChain(tuple(f"c{k:02d}" for k in range(size)), share)

    def truth(self, order: int) -> pd.DataFrame:
        """Return removal_effect and share by channel of the chain of all journeys."""
        return self.pooled(order).truth().set_index("channel")

    def rate(self) -> float:
        """Return the share of journeys that convert."""
        rate = []
        for chain in self.rows:
            moves = np.zeros((self.size + 1, self.size + 1))
            moves[:, : self.size] = chain[:, : self.size]
            rate.append(np.linalg.solve(np.eye(self.size + 1) - moves, chain[:, self.size])[-1])
        return float(np.average(rate, weights=self.journeys))

    def simulate(self, customers: int, rng: np.random.Generator, *, known: bool = True) -> Journeys:
        """Draw customers and their journeys, one by one, with groups of customers where they are `known`."""
        kind = rng.integers(0, len(self.rows), customers)
        who = np.repeat(np.arange(customers), self.journeys[kind])
        size, limits = self.size, np.cumsum(self.rows, axis=2)
        of, state, running = kind[who], np.full(len(who), size), np.arange(len(who))
        converted, owners, touches = np.zeros(len(who), dtype=bool), [], []
        while len(running):
            symbol = (rng.random(len(running))[:, None] > limits[of[running], state]).sum(axis=1).clip(max=size + 1)
            converted[running[symbol == size]] = True
            goes = symbol < size
            running, state = running[goes], symbol[goes]
            owners.append(running)
            touches.append(state)
        owner, codes = np.concatenate(owners), np.concatenate(touches)
        order = np.argsort(owner, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(who)))])
        won = converted.astype(float)
        value = won * (1 + kind[who] % 5)
        group = group_of(who) if known else None
        return Journeys(
            tuple(f"c{k:02d}" for k in range(size)), codes[order].astype(np.int32), starts, won, 1 - won, value,
            value**2, won, group=group, customers=customers if known else 0,
        )  # fmt: skip
