"""The measurement part of a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from xmresearch.errors import ModelError
from xmresearch.sem.syntax import Term, parse_model, written_name


def measurement_model(text: str) -> str:
    """Return the measurement part of a model: what is measured by what.

    Parameters
    ----------
    text : str
        In lavaan's syntax.

    Returns
    -------
    str
        All loadings, those of higher order too, and (co)variances of items and latent variables, with their modifiers.
        Regressions, intercepts and `:=` are left out, and so are observed variables that measure nothing. Latent variables
        that the model explains correlate freely here: (co)variances of what is left unexplained of them are left out,
        unless such a variance sets the scale because no loading does.

    Raises
    ------
    ModelError
        A syntax error, or no loading.

    References
    ----------
    Anderson, J. C. & Gerbing, D. W. (1988). Psychological Bulletin, 103, 411-423.
    """
    terms = parse_model(text)
    loadings: dict[str, list[Term]] = {}
    for t in terms:
        if t.op == "=~":
            loadings.setdefault(t.lhs, []).append(t)
    if not loadings:
        raise ModelError("The model measures nothing: it has no '=~'.", "Write one, such as 'f =~ x1 + x2 + x3'.")
    measured = {*loadings, *(t.rhs for same in loadings.values() for t in same)}
    explained = {t.lhs for t in terms if t.op == "~"} & set(loadings)

    def stays(t: Term) -> bool:
        if t.op != "~~":
            return t.op == "=~"
        if t.lhs == t.rhs and t.lhs in explained:
            first, *others = loadings[t.lhs]
            return (first.free or bool(first.label)) and all(o.fixed is None for o in others)
        return {t.lhs, t.rhs} <= measured - explained

    return write_model([t for t in terms if stays(t)])


def write_model(terms: Sequence[Term]) -> str:
    """Return the text of a model, which `parse_model` reads as these terms.

    Parameters
    ----------
    terms : sequence of Term
        Loadings and (co)variances, in the order of the text.

    Returns
    -------
    str
        One line for adjacent terms with the same left-hand side and operator.
    """
    lines = groupby(terms, key=lambda t: (t.lhs, t.op))
    return "\n".join(f"{written_name(lhs)} {op} {' + '.join(_written(t) for t in same)}" for (lhs, op), same in lines)


def _written(term: Term) -> str:
    """Return a term's right-hand side in the model syntax."""
    modifiers = [f"c({', '.join(entries)})" for entries in term.vectors]
    if term.label:
        plain = term.label.isidentifier() and term.label != "NA"
        modifiers.append(term.label if plain else f'label("{term.label}")')
    if term.free:
        modifiers.append("NA")
    if term.fixed is not None:
        modifiers.append(repr(term.fixed))
    if term.start is not None:
        modifiers.append(f"start({term.start!r})")
    return "*".join([*modifiers, written_name(term.rhs)])
