"""Scales that are asked for as a whole: of all factors, and of variables with ordered categories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

import pandas as pd

from xmresearch.errors import DataError
from xmresearch.sem.syntax import Term


def named(terms: Sequence[Term]) -> set[str]:
    """Return every variable that terms name."""
    return {side for term in terms if term.op != ":=" for side in (term.lhs, term.rhs) if side}


def with_scales(
    terms: Sequence[Term], groups: int, group_equal: Collection[str], *, std_lv: bool, orthogonal: bool
) -> list[Term]:
    """Return a model whose factors have unit variance, or do not correlate, unless its text says otherwise.

    Parameters
    ----------
    terms : sequence of Term
        From `parse_model`.
    groups : int
        How many there are.
    group_equal : collection of str
        What is equal in all groups: with equal loadings, variances are one in the first group and free in the others.
    std_lv : bool
        Fix the (residual) variance of every factor to one and free its first loading.
    orthogonal : bool
        Fix the covariances of factors that nothing explains to zero.

    Returns
    -------
    list of Term
        As lavaan's `std.lv` and `orthogonal`.
    """
    latent = list(dict.fromkeys(t.lhs for t in terms if t.op == "=~"))
    said = {frozenset((t.lhs, t.rhs)) for t in terms if t.op == "~~"}
    found, added = list(terms), []
    if std_lv:
        first: dict[str, int] = {}
        for k, t in enumerate(terms):
            if t.op == "=~":
                first.setdefault(t.lhs, k)
        for k in first.values():
            if found[k].fixed is None and not found[k].vectors:
                found[k] = replace(found[k], free=True)
        moves = groups > 1 and "loadings" in group_equal
        for f in latent:
            if frozenset((f,)) not in said:
                one = Term(f, "~~", f, terms[first[f]].line)
                added.append(
                    replace(one, vectors=(("1", *["NA"] * (groups - 1)),)) if moves else replace(one, fixed=1.0)
                )
    if orthogonal:
        explained = {t.lhs for t in terms if t.op == "~"} | {t.rhs for t in terms if t.op == "=~"}
        free = [f for f in latent if f not in explained]
        added += [Term(a, "~~", b, 0, fixed=0.0) for a, b in combinations(free, 2) if frozenset((a, b)) not in said]
    return found + added


def with_codes(data: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Return data in which ordered categories are numbers from one.

    Parameters
    ----------
    data : DataFrame
        The rows.
    names : collection of str
        Ordered variables; what is no column, or holds no categories, stays as it is.

    Raises
    ------
    DataError
        Categories without an order.
    """
    codes = {}
    for name in sorted(set(names)):
        found = data[name] if name in data.columns else None
        if not isinstance(found, pd.Series) or not isinstance(found.dtype, pd.CategoricalDtype):
            continue
        if not found.cat.ordered:
            raise DataError(
                f"The categories of '{name}' have no order.",
                "Order them: pandas.Categorical(..., categories=[...], ordered=True).",
            )
        seen = found.cat.remove_unused_categories().cat.codes.astype("float64") + 1
        codes[name] = seen.where(seen > 0)
    return data.assign(**codes) if codes else data
