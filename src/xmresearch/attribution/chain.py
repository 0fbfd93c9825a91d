"""The chain behind a set of transitions: its states, and what may follow each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sufficient.transition_table import START, Transitions

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Chain(Shown):
    """States and allowed steps of an order-k chain.

    Attributes
    ----------
    channels : tuple of str
        Labels, length K.
    states : ndarray
        Shape (S, k), in order, the start first.
    row, symbol : ndarray
        State of each allowed step and what comes next (K: conversion, K + 1: end without), shape (m,), in order.
    target : ndarray
        State that the step leads to, shape (m,); -1 for an end.
    count : ndarray
        How often it was taken, shape (m,); 0 for steps that the support allows and nobody took.

    Notes
    -----
    A step is allowed where the symbol was seen after the state without its oldest touch (at order 1: anywhere; no journey
    ends before its first touch). So each allowed step leads to a state that was seen.
    """

    channels: tuple[str, ...]
    states: Index
    row: Index
    symbol: Index
    target: Index
    count: Array

    @classmethod
    def of(cls, given: Transitions) -> Chain:
        """Find the support of transitions and what each step leads to."""
        size, order = len(given.channels), given.order
        states = given.states
        base = (size + 1) ** np.arange(order - 1, -1, -1)
        key = (states + 1) @ base
        inner = key % (size + 1) ** (order - 1)
        suffix, of_suffix = np.unique(inner, return_inverse=True)
        pair = np.unique(of_suffix[given.row] * (size + 2) + given.symbol)
        owner, allowed = np.divmod(pair, size + 2)
        first = np.searchsorted(owner, np.arange(len(suffix) + 1))
        many = np.diff(first)[of_suffix]
        row = np.repeat(np.arange(len(states)), many)
        within = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
        symbol = allowed[first[of_suffix[row]] + within]
        possible = ~((states[row, -1] == START) & (symbol >= size))
        row, symbol = row[possible], symbol[possible]
        count = np.zeros(len(row))
        count[np.searchsorted(row * (size + 2) + symbol, given.row * (size + 2) + given.symbol)] = given.count
        target = np.full(len(row), -1)
        moves = symbol < size
        target[moves] = np.searchsorted(key, inner[row[moves]] * (size + 1) + symbol[moves] + 1)
        return cls(given.channels, states, row, symbol, target, count)

    @property
    def last(self) -> Index:
        """Latest touch of each state, shape (S,); -1 for the start."""
        found: Index = self.states[:, -1]
        return found

    def shares(self, weights: Array) -> Array:
        """Turn weights of steps into probabilities, row by row.

        Parameters
        ----------
        weights : ndarray
            Shape (..., m), not negative.

        Returns
        -------
        ndarray
            Shape (..., m); 0 in a row without weight.
        """
        begin = np.searchsorted(self.row, np.arange(len(self.states)))
        total = np.add.reduceat(weights, begin, axis=-1)
        total = np.where(total > 0, total, 1.0)
        return weights / total[..., self.row]

    def converting(self, probability: Array) -> Array:
        """Return the probability of conversion as the next step of each state, shape (..., S)."""
        out = np.zeros((*probability.shape[:-1], len(self.states)))
        ends = self.symbol == len(self.channels)
        out[..., self.row[ends]] = probability[..., ends]
        return out
