"""Quantities that a model text defines with `:=`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from types import CodeType

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError, nearest
from xmresearch.sem.syntax import Term

Array = NDArray[np.float64]
_ALLOWED = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Constant, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
            ast.USub, ast.UAdd, ast.Load, ast.Call)  # fmt: skip
_FUNCTIONS = {"sqrt": np.sqrt, "exp": np.exp, "log": np.log, "abs": np.abs}


class Definitions:
    """The defined quantities of a model, checked.

    Parameters
    ----------
    terms : sequence of Term
        The `:=` terms; each may use labels and quantities defined before it.
    labels : sequence of str
        Labels of the model's parameters.

    Raises
    ------
    ModelError
        An expression that is no arithmetic of labels, or an unknown label.
    """

    def __init__(self, terms: Sequence[Term], labels: Sequence[str]) -> None:
        self.terms = tuple(terms)
        known = list(dict.fromkeys(label for label in labels if label))
        self._code: list[CodeType] = []
        for term in terms:
            self._code.append(_compiled(term, known))
            known.append(term.lhs)

    def evaluate(self, labels: Mapping[str, Array]) -> list[Array]:
        """Return each quantity's values.

        Parameters
        ----------
        labels : mapping of str to ndarray
            Values of the labelled parameters, of one shape.

        Returns
        -------
        list of ndarray
            In the order of `terms`; a constant has no shape.
        """
        names: dict[str, Array] = {**labels}
        for term, code in zip(self.terms, self._code, strict=True):
            with np.errstate(invalid="ignore", divide="ignore"):
                names[term.lhs] = np.asarray(eval(code, {"__builtins__": {}, **_FUNCTIONS}, names))  # noqa: S307
        return [names[term.lhs] for term in self.terms]


def _compiled(term: Term, known: Sequence[str]) -> CodeType:
    """Compile an expression that holds nothing but arithmetic of known names, which is what makes evaluating it safe."""
    where = f"Model line {term.line}:"
    try:
        tree = ast.parse(term.rhs.replace("^", "**"), mode="eval")
    except SyntaxError:
        raise ModelError(f"{where} '{term.rhs}' is no expression.") from None
    calls = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        right_call = not isinstance(node, ast.Call) or (
            isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords
        )
        numeric = not isinstance(node, ast.Constant) or isinstance(node.value, (int, float))
        if not isinstance(node, _ALLOWED) or not right_call or not numeric:
            raise ModelError(
                f"{where} '{term.rhs}' may only use labels, numbers, + - * / ^ and {', '.join(_FUNCTIONS)}()."
            )
        if isinstance(node, ast.Name) and id(node) not in calls and node.id not in known:
            raise ModelError(f"{where} there is no label '{node.id}'.", nearest(node.id, known))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = float(node.value)  # type: ignore[arg-type]
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Pow)
            and any(isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) for inner in ast.walk(node.right))
        ):
            raise ModelError(f"{where} '{term.rhs}' raises to a power of a power.")
    return compile(tree, "defined", "eval")
