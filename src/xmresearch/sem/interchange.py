"""Models to and from semopy's syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from xmresearch.errors import ModelError
from xmresearch.sem.measurement import write_model
from xmresearch.sem.model import Model, Parameter, build_model
from xmresearch.sem.result import SemFit
from xmresearch.sem.semopy_text import parse_semopy
from xmresearch.sem.syntax import Term, parse_model

_WORD = re.compile(r"\w[\w.]*\Z")


def to_semopy(model: str | SemFit) -> str:
    """Write a model in semopy's syntax.

    Parameters
    ----------
    model : str or SemFit
        In lavaan's syntax, or fitted: of one group of continuous variables, without a structure of means.

    Returns
    -------
    str
        For `semopy.Model`. What lavaan and semopy add by different defaults is written out, so both fit the same model;
        parameters that semopy can free or start only by a name are given one.

    Raises
    ------
    ModelError
        Something that semopy has no word for: intercepts, `:=`, modifiers by group, a name; the message names its line.

    References
    ----------
    Igolkina, A. A. & Meshcheryakov, G. (2020). Structural Equation Modeling, 27, 952-963.

    Examples
    --------
    >>> print(to_semopy("f =~ x1 + NA*x2 + b*x3"))
    f =~ 1*x1 + x2 + b*x3
    """
    if isinstance(model, SemFit):
        built = model.model
        if why := not_for_semopy(built):
            raise ModelError(f"The fitted model cannot be written for semopy: it has {why}.")
        return write_semopy(built)
    terms = parse_model(model)
    for t in terms:
        what = {":=": "no defined quantities", "~1": "no intercepts in a Model"}.get(t.op)
        what = "no modifiers by group" if t.vectors else what
        if what:
            raise ModelError(f"Model line {t.line}: '{t.lhs} {t.op} {t.rhs}' cannot be written: semopy has {what}.")
        for name in (t.lhs, t.rhs, t.label):
            if name and not _WORD.match(name):
                raise ModelError(f"Model line {t.line}: semopy cannot read the name '{name}'.", "Rename it.")
    return write_semopy(_built(terms))


def from_semopy(model: str | Any) -> str:
    """Write a semopy model in lavaan's syntax, for `xmresearch.sem.fit`.

    Parameters
    ----------
    model : str or semopy.Model
        In semopy's syntax, or the model with its description.

    Returns
    -------
    str
        The same model: what semopy and lavaan add by different defaults is written out.

    Raises
    ------
    ModelError
        A line that is no formula, or that lavaan's syntax has no word for (bounds, constraints but of two names, ordinal
        variables, random effects, forced variables, latent variables without indicators); the message names the line.

    References
    ----------
    Igolkina, A. A. & Meshcheryakov, G. (2020). Structural Equation Modeling, 27, 952-963.
    """
    text = model if isinstance(model, str) else getattr(model, "description", None)
    if not isinstance(text, str):
        raise ModelError("The model is neither semopy's text nor a semopy model that was made from text.")
    return write_model(_as_lavaan(parse_semopy(text)))


def not_for_semopy(model: Model) -> str:
    """Say what keeps a model from semopy's plain `Model`; nothing where nothing does.

    Parameters
    ----------
    model : Model
        Completed.

    Returns
    -------
    str
        Such as 'several groups'; intercepts that only reproduce the means are no obstacle.
    """
    if len(model.groups) > 1:
        return "several groups"
    if model.categories:
        return "ordered variables"
    means = [q for q in model.parameters if q.op == "~1"]
    numbers = [q.free for q in means if q.free >= 0]
    free = all(q.value == 0 if q.lhs in model.latent else q.value is None for q in means)
    if not free or len(set(numbers)) < len(numbers):
        return "a structure of means"
    return ""


def write_semopy(model: Model, names: dict[str, str] | None = None, *, number: bool = False) -> str:
    """Write a completed model for semopy.

    Parameters
    ----------
    model : Model
        Such that `not_for_semopy` says nothing.
    names : dict of str to str, optional
        Other names of the variables.
    number : bool
        Whether to name every free parameter, p0, p1 and so on by its number, instead of the few that need a name.

    Returns
    -------
    str
    """
    called = names or {v: v for v in model.variables}
    rows = [q for q in model.parameters if q.op != "~1" and (q.free >= 0 or q.value is not None)]
    # without a fixed loading, semopy fixes the first one that has no name
    scaled = {q.lhs for q in rows if q.op == "=~" and q.free < 0}
    usual = _pairs_added(rows, model.latent)
    lines: dict[tuple[str, str], list[str]] = {}
    starts = []
    for q in rows:
        plain = not number and q.free >= 0 and not q.label and q.start is None
        same_as_default = q.op == "~~" and (frozenset((q.lhs, q.rhs)) in usual or q.lhs == q.rhs)
        if plain and same_as_default and not (q.lhs == q.rhs and q.lhs in _exogenous(rows, model.latent)[1]):
            continue
        name = f"p{q.free}" if number else q.label
        if not name and q.free >= 0 and (q.start is not None or (q.op == "=~" and q.lhs not in scaled)):
            name = f"{q.lhs}_{q.rhs}".replace(".", "_")
        if q.free >= 0 and not number and (q.start is not None or (q.op == "=~" and q.lhs not in scaled)):
            # without a fixed loading, semopy's own search for a start does not end
            starts.append(f"START({1.0 if q.start is None else q.start!r}) {name}")
        value = name if q.free >= 0 else np.format_float_positional(q.value or 0.0, trim="-")
        lines.setdefault((q.lhs, q.op), []).append(f"{value}*{called[q.rhs]}" if value else called[q.rhs])
    given = {frozenset((q.lhs, q.rhs)) for q in rows if q.op == "~~"}
    text = [f"{called[lhs]} {op} {' + '.join(right)}" for (lhs, op), right in lines.items()]
    for pair in sorted(map(sorted, usual - given)):
        text.append(f"{called[pair[0]]} ~~ 0*{called[pair[1]]}")
    return "\n".join([*text, *dict.fromkeys(starts)])


def _exogenous(rows: Sequence[Parameter | Term], latent: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the latent and the observed variables that semopy takes for exogenous."""
    sending = {q.lhs for q in rows if q.op == "=~"} | {q.rhs for q in rows if q.op == "~"}
    receiving = {q.rhs for q in rows if q.op == "=~"} | {q.lhs for q in rows if q.op == "~"}
    alone = sorted(sending - receiving)
    return [v for v in alone if v in latent], [v for v in alone if v not in latent]


def _pairs_added(rows: Sequence[Parameter | Term], latent: Sequence[str]) -> set[frozenset[str]]:
    """Return the pairs of variables between which semopy adds a covariance."""
    factors, causes = _exogenous(rows, latent)
    given = {frozenset((q.lhs, q.rhs)) for q in rows if q.op == "~~"}
    # observed ones that the text does not touch have the sample's moments in both programs
    touched = [v for v in causes if any(v in pair for pair in given)]
    return {frozenset(p) for some in (factors, touched) for p in combinations(some, 2)}


def _built(terms: Sequence[Term]) -> Model:
    """Complete a model whose observed variables are all there."""
    latent = {t.lhs for t in terms if t.op == "=~"}
    columns = dict.fromkeys(n for t in terms for n in (t.lhs, t.rhs) if n and n not in latent)
    return build_model(terms, list(columns))


def _as_lavaan(terms: Sequence[Term]) -> list[Term]:
    """Write out what lavaan would add or leave out against semopy."""
    latent = list(dict.fromkeys(t.lhs for t in terms if t.op == "=~"))
    wanted = _pairs_added(terms, latent)
    built = _built(terms)
    given = {frozenset((t.lhs, t.rhs)) for t in terms if t.op == "~~"}
    found = {frozenset((q.lhs, q.rhs)) for q in built.parameters if q.op == "~~"}
    added = []
    for q in built.parameters:
        pair = frozenset((q.lhs, q.rhs))
        if q.op != "~~" or pair in given or (q.free < 0 and q.value is None):
            continue
        if q.lhs == q.rhs and q.value is not None:
            added.append(Term(q.lhs, "~~", q.rhs, 0))
        elif q.lhs != q.rhs and pair not in wanted:
            added.append(Term(q.lhs, "~~", q.rhs, 0, fixed=0.0))
    added += [Term(a, "~~", b, 0) for a, b in sorted(map(sorted, wanted - given - found))]
    return [*terms, *added]
