"""Partial least squares: from model text to constructs, items and paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import ModelError, nearest
from xmresearch.sem.syntax import Term, parse_model

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PlsModel(Shown):
    """Constructs, their items and the paths between them.

    Attributes
    ----------
    items, constructs : tuple of str
        In the order of the model text.
    blocks : tuple of list of int
        Positions of each construct's items.
    modes : tuple of str
        Of each construct: 'A' (reflective), 'B' (formative) or 'single'.
    paths : tuple of (int, int)
        Cause and effect, as positions of constructs, in the order written.
    order : tuple of int
        Constructs such that causes come before effects, those that nothing explains first.
    """

    items: tuple[str, ...]
    constructs: tuple[str, ...]
    blocks: tuple[list[int], ...]
    modes: tuple[str, ...]
    paths: tuple[tuple[int, int], ...]
    order: tuple[int, ...]

    def causes(self, effect: int) -> list[int]:
        """Return the constructs with a path to this one."""
        return [i for i, j in self.paths if j == effect]

    def effects(self, cause: int) -> list[int]:
        """Return the constructs with a path from this one."""
        return [j for i, j in self.paths if i == cause]

    @property
    def exogenous(self) -> list[int]:
        """Constructs that nothing explains."""
        return [k for k in range(len(self.constructs)) if not self.causes(k)]

    @property
    def endogenous(self) -> list[int]:
        """Constructs that others explain."""
        return [k for k in range(len(self.constructs)) if self.causes(k)]

    @property
    def owner(self) -> NDArray[np.intp]:
        """Construct of each item, shape (items,)."""
        found = np.empty(len(self.items), dtype=np.intp)
        for k, block in enumerate(self.blocks):
            found[block] = k
        return found

    @property
    def membership(self) -> Array:
        """One where an item belongs to a construct, shape (items, constructs)."""
        return np.eye(len(self.constructs))[self.owner]


def read_model(text: str, columns: Sequence[str], formative: Sequence[str]) -> PlsModel:
    """Read a PLS model in lavaan's syntax.

    Parameters
    ----------
    text : str
        `=~` gives constructs their items, `~` draws paths; a column in a path is a construct of one item.
    columns : sequence of str
        Columns of the data.
    formative : sequence of str
        Constructs that their items form.

    Returns
    -------
    PlsModel

    Raises
    ------
    ModelError
        Another operator or a modifier, an unknown name, an item of two constructs, a construct without items or
        without a path, a path given twice, a cycle.
    """
    terms = parse_model(text)
    for t in terms:
        if t.op not in ("=~", "~"):
            raise ModelError(
                f"Model line {t.line}: '{t.lhs} {t.op} {t.rhs}' has no meaning in PLS.",
                "Use =~ for constructs and ~ for paths, and nothing else.",
            )
        if t != Term(t.lhs, t.op, t.rhs, t.line):
            raise ModelError(
                f"Model line {t.line}: '{t.lhs} {t.op} {t.rhs}' has a modifier, but PLS estimates every loading and path "
                "freely.",
                "Remove the label or number before the '*'.",
            )
    blocks = _blocks(terms, columns)
    constructs = list(blocks)
    unknown = [name for name in formative if name not in blocks]
    if unknown:
        raise ModelError(f"There is no construct '{unknown[0]}' to be formative.", nearest(unknown[0], constructs))
    paths = _paths(terms, constructs)
    items = [v for names in blocks.values() for v in names]
    at = {v: k for k, v in enumerate(items)}
    return PlsModel(
        tuple(items), tuple(constructs), tuple([at[v] for v in names] for names in blocks.values()),
        tuple("single" if len(names) == 1 else "B" if c in formative else "A" for c, names in blocks.items()),
        tuple(paths), _order(paths, constructs),
    )  # fmt: skip


def _blocks(terms: Sequence[Term], columns: Sequence[str]) -> dict[str, list[str]]:
    """Collect each construct's items, and take columns that are used in paths as constructs of one item."""
    defined = list(dict.fromkeys(t.lhs for t in terms if t.op == "=~"))
    blocks: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for t in (t for t in terms if t.op == "=~"):
        where = f"Model line {t.line}: "
        if t.lhs in columns:
            raise ModelError(f"{where}'{t.lhs}' is defined by =~ but is also a column of the data.", "Rename one.")
        if t.rhs in defined:
            raise ModelError(
                f"{where}'{t.rhs}' is a construct, and constructs of constructs are not estimated here.",
                "Estimate the lower constructs first and use their scores as columns.",
            )
        if t.rhs not in columns:
            raise ModelError(f"{where}the data have no column '{t.rhs}'.", nearest(t.rhs, columns))
        if t.rhs in owner:
            raise ModelError(
                f"{where}'{t.rhs}' already belongs to '{owner[t.rhs]}'.", "In PLS an item belongs to one construct."
            )
        owner[t.rhs] = t.lhs
        blocks.setdefault(t.lhs, []).append(t.rhs)
    for t in (t for t in terms if t.op == "~"):
        for name in (t.lhs, t.rhs):
            if name in blocks:
                continue
            if name in owner:
                raise ModelError(
                    f"Model line {t.line}: '{name}' is an item of '{owner[name]}', so it cannot have a path of its own.",
                    f"Use '{owner[name]}' in the path, or take the item out of the construct.",
                )
            if name not in columns:
                raise ModelError(
                    f"Model line {t.line}: '{name}' has no items: no =~ defines it, and it is no column of the data.",
                    nearest(name, [*defined, *columns]),
                )
            blocks[name] = [name]
    return blocks


def _paths(terms: Sequence[Term], constructs: list[str]) -> list[tuple[int, int]]:
    paths: list[tuple[int, int]] = []
    for t in (t for t in terms if t.op == "~"):
        path = (constructs.index(t.rhs), constructs.index(t.lhs))
        if path in paths:
            raise ModelError(f"Model line {t.line}: the path '{t.lhs} ~ {t.rhs}' is given twice.", "Remove one.")
        paths.append(path)
    if not paths:
        raise ModelError("The model has no path.", "PLS needs at least one, such as 'satisfaction ~ quality'.")
    linked = [k for path in paths for k in path]
    alone = [c for k, c in enumerate(constructs) if k not in linked]
    if alone:
        raise ModelError(
            f"Construct '{alone[0]}' has no path, so PLS cannot weight its items.", "Add a path (~) or remove it."
        )
    return paths


def _order(paths: list[tuple[int, int]], constructs: list[str]) -> tuple[int, ...]:
    """Sort constructs so that causes come first, or say which of them form a cycle."""
    effects = [j for _, j in paths]
    order = [k for k in range(len(constructs)) if k not in effects]
    left = [k for k in range(len(constructs)) if k in effects]
    while left:
        ready = [k for k in left if not any(j == k and i in left for i, j in paths)]
        if not ready:
            walk = [left[0]]
            while walk.count(walk[-1]) == 1:
                walk.append(next(i for i, j in paths if j == walk[-1] and i in left))
            loop = [constructs[k] for k in reversed(walk[walk.index(walk[-1]) :])]
            raise ModelError(f"The paths form a cycle: {' -> '.join(loop)}.", "PLS needs recursive paths: remove one.")
        order += ready
        left = [k for k in left if k not in ready]
    return tuple(order)
