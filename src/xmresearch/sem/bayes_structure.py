"""What a model's text says about its parameters: cells, markers, directions, chains."""

from __future__ import annotations

import numpy as np

from xmresearch.sem.model import Model, Parameter


def longest_chain(model: Model) -> int:
    """Return the length of the longest chain of directed effects; 0 where they form a loop."""
    at = {v: k for k, v in enumerate(model.variables)}
    step = np.zeros((len(at), len(at)), dtype=bool)
    for a in model.parameters:
        kind, row, column = cell_of(a, at)
        step[row, column] |= kind == 0
    reach = np.eye(len(at), dtype=bool)
    for k in range(1, len(at) + 1):
        reach = reach @ step
        if not reach.any():
            return max(k - 1, 1)
    return 0


def cell_of(a: Parameter, at: dict[str, int]) -> tuple[int, int, int]:
    """Return the kind of a parameter (effect, covariance, intercept) and its row and column."""
    if a.op == "=~":
        return 0, at[a.rhs], at[a.lhs]
    return {"~": 0, "~~": 1, "~1": 2}[a.op], at[a.lhs], at.get(a.rhs, 0)


def marker_of(model: Model, factor: str) -> Parameter | None:
    """Return the loading that fixes a factor's scale, if there is one."""
    return next((a for a in model.parameters if a.op == "=~" and a.lhs == factor and a.value), None)


def direction_loadings(model: Model) -> list[int]:
    """Return the free loadings whose sign fixes the direction of a factor without marker."""
    found = []
    for factor in model.latent:
        if marker_of(model, factor) is None:
            free = [a.free for a in model.parameters if a.op == "=~" and a.lhs == factor and a.free >= 0]
            found += free[:1]
    return found
