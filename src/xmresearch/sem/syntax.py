"""lavaan's model syntax: from text to a list of terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from xmresearch.display import Shown
from xmresearch.errors import ModelError
from xmresearch.sem.inputs import check_text

OPERATORS = ("=~", "~~", ":=", "~1", "~")
_NAME = r"[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff]*"
_IS_NAME = re.compile(rf"{_NAME}\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_EXPONENT = re.compile(r"(?<![\w.])[\d.]+[eE]\Z")
_START = re.compile(r"start\(\s*([^()]+)\s*\)\Z")
_VECTOR = re.compile(r"c\(([^()]*)\)\Z")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']\Z")
_LABEL = re.compile(r"label\(\s*[\"']([^\"']+)[\"']\s*\)\Z")


@dataclass(frozen=True, repr=False)
class Term(Shown):
    """One parameter that the model text names, or one defined quantity.

    Attributes
    ----------
    lhs, op, rhs : str
        As in lavaan; for `:=` rhs is the expression, for `~1` it is empty.
    line : int
        Line of the model text, from 1.
    label : str
        Name given to the parameter; equal labels mean equal values.
    fixed : float or None
        Value it is fixed to.
    free : bool
        Whether `NA*` frees it against the default.
    start : float or None
        Where estimation starts.
    vectors : tuple of tuple of str
        Modifiers written as `c(..., ...)`, one entry per group; `in_group` applies them.
    """

    lhs: str
    op: str
    rhs: str
    line: int
    label: str = ""
    fixed: float | None = None
    free: bool = False
    start: float | None = None
    vectors: tuple[tuple[str, ...], ...] = ()

    def in_group(self, group: int, groups: int) -> Term:
        """Return the term with the modifiers of one group.

        Raises
        ------
        ModelError
            A vector of modifiers has another length than there are groups.
        """
        term = replace(self, vectors=()) if self.vectors else self
        for vector in self.vectors:
            if len(vector) != groups:
                raise ModelError(
                    f"Model line {self.line}: c({', '.join(vector)}) has {len(vector)} entries for {groups} group(s)."
                )
            term = _modified(term, vector[group])
        return term


def parse_model(text: str) -> list[Term]:
    """Parse a model.

    Parameters
    ----------
    text : str
        Lines or `;` separate formulas; `#` and `!` begin comments; a line that ends in an operator or `+` goes on.

    Returns
    -------
    list of Term
        In the order written.

    Raises
    ------
    ModelError
        No text, a line that is no formula, a wrong name or modifier; the message names the line.

    References
    ----------
    Rosseel, Y. (2012). lavaan. Journal of Statistical Software, 48(2), 1-36.
    """
    terms: list[Term] = []
    for line, formula in _formulas(check_text(text)):
        terms += _terms(formula, line)
    if not any(t.op != ":=" for t in terms):
        raise ModelError("The model text holds no formula.", "Write at least one, such as 'f =~ x1 + x2 + x3'.")
    return terms


def _formulas(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    pending, begun = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        for part in re.split(r"[#!]", raw, maxsplit=1)[0].split(";"):
            part = part.strip()
            if not part:
                continue
            begun = begun if pending else number
            goes_on = part.startswith("+") and not pending and bool(found)
            if goes_on:
                begun, pending = found.pop()
            pending = f"{pending} {part}".strip()
            if not re.search(r"(\+|\*|~|=)\s*\Z", pending):
                found.append((begun, pending))
                pending = ""
    if pending:
        raise ModelError(f"Model line {begun}: '{pending}' is not finished.")
    return found


def _terms(formula: str, line: int) -> list[Term]:
    if "<~" in formula:
        name = formula.split("<~")[0].strip()
        raise ModelError(
            f"Model line {line}: '{formula}' makes '{name}' a composite of its items (<~), which is not estimated here.",
            f"Write '{name} =~ ...' if the items reflect it; partial least squares estimates composites: "
            f"xmresearch.sem.pls_fit.pls(..., formative=['{name}']), with =~ in the text.",
        )
    match = re.match(r"(.*?)(=~|~~|:=|~(?!~)|==|<|>)(.*)\Z", formula)
    if match is None:
        raise ModelError(f"Model line {line}: '{formula}' has no operator.", f"Operators: {', '.join(OPERATORS)}.")
    left, operator, right = (part.strip() for part in match.groups())
    if operator in ("==", "<", ">"):
        raise ModelError(
            f"Model line {line}: the constraint '{formula}' is not supported.", "Equal labels make parameters equal."
        )
    if operator == ":=":
        return [Term(_name(left, line), ":=", re.sub(r"\s+", "", right), line)]
    found = []
    for lhs in (_name(part.strip(), line) for part in left.split("+")):
        for piece in _split(right, line):
            found.append(_term(lhs, operator, piece, line))
    return found


def _split(right: str, line: int) -> list[str]:
    """Split at plus signs outside brackets."""
    pieces, depth, current = [], 0, ""
    for character in right:
        depth += (character == "(") - (character == ")")
        if character == "+" and depth == 0 and not _EXPONENT.search(current):
            pieces.append(current.strip())
            current = ""
        else:
            current += character
    pieces.append(current.strip())
    if not all(pieces):
        raise ModelError(f"Model line {line}: '{right}' has an empty term.")
    return pieces


def _term(lhs: str, operator: str, piece: str, line: int) -> Term:
    *modifiers, target = (part.strip() for part in piece.split("*"))
    if operator == "~" and target in ("1", "0"):
        term = Term(lhs, "~1", "", line, fixed=0.0 if target == "0" else None)
    else:
        term = Term(lhs, operator, _name(target, line), line)
    for modifier in modifiers:
        if match := _VECTOR.match(modifier):
            entries = tuple(part.strip() for part in match[1].split(","))
            for entry in entries:
                _modified(term, entry)
            term = replace(term, vectors=(*term.vectors, entries))
        else:
            term = _modified(term, modifier)
    return term


def _modified(term: Term, modifier: str) -> Term:
    if quoted := _QUOTED.match(modifier):
        modifier = quoted[1]
    if modifier == "NA":
        return replace(term, free=True)
    if _NUMBER.match(modifier):
        return replace(term, fixed=float(modifier))
    if (match := _START.match(modifier)) and _NUMBER.match(match[1].strip()):
        return replace(term, start=float(match[1]))
    if match := _LABEL.match(modifier):
        return replace(term, label=match[1])
    if _IS_NAME.match(modifier):
        return replace(term, label=modifier)
    raise ModelError(
        f"Model line {term.line}: '{modifier}' is no modifier.",
        "Modifiers are a label, a number, NA, start(number), label('name') or, by group, c(..., ...).",
    )


def is_name(text: str) -> bool:
    """Say whether a text is a name that a model can hold."""
    return _IS_NAME.match(text) is not None


def _name(text: str, line: int) -> str:
    if not is_name(text):
        raise ModelError(f"Model line {line}: '{text}' is no variable name.")
    return text
