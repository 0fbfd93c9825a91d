"""lavaan's model syntax: from text to a list of terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from xmresearch.display import Shown
from xmresearch.errors import ModelError, nearest
from xmresearch.sem.inputs import check_text
from xmresearch.sem.quoted_names import Quoted, plain_characters

OPERATORS = ("=~", "~~", ":=", "~1", "~")
_NAME = r"[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff]*"
_IS_NAME = re.compile(rf"{_NAME}\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_EXPONENT = re.compile(r"(?<![\w.])[\d.]+[eE]\Z")
_START = re.compile(r"start\(\s*([^()]+)\s*\)\Z")
_VECTOR = re.compile(r"c\(([^()]*)\)\Z")
_LABEL = re.compile(r"label\(\s*([^()]+?)\s*\)\Z")
_EQUAL = re.compile(r"equal\(\s*([^()]+?)\s*\)\Z")
_BLOCK = re.compile(r"(level|group|block|class)\s*:", re.IGNORECASE)
_MODIFIERS = (
    "Modifiers are a label, a number, NA, start(number), label('name'), equal('f=~x') or, by group, c(..., ...)."
)


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
    equal : str
        Parameter that it equals, such as 'f=~x2'; `parse_model` leaves a label in its place.
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
    equal: str = ""
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
        Lines or `;` separate formulas; `#` and `!` begin comments; a line that ends in an operator or `+` goes on. Names with spaces or signs
        stand in quotation marks or backticks. Signs of Chinese input methods and the tilde of word processors count as their plain forms.

    Returns
    -------
    list of Term
        In the order written. Labels that `==` sets equal are one, the first of the two; a label that `==` gives a number fixes what has it.

    Raises
    ------
    ModelError
        No text, a line that is no formula, a wrong name or modifier; the message names the line.

    References
    ----------
    Rosseel, Y. (2012). lavaan. Journal of Statistical Software, 48(2), 1-36.
    """
    quoted = Quoted()
    terms: list[Term] = []
    constraints: list[tuple[int, str, str]] = []
    for line, formula in _formulas(quoted.taken_out(plain_characters(check_text(text)))):
        if match := re.match(r"([^=<>]+)==([^=]+)\Z", formula):
            constraints.append((line, quoted.put_back(match[1].strip()), quoted.put_back(match[2].strip())))
        else:
            terms += _terms(formula, line, quoted)
    terms = _with_equal(terms)
    for constraint in constraints:
        terms = _constrained(terms, *constraint)
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


def _terms(formula: str, line: int, quoted: Quoted) -> list[Term]:
    if match := _BLOCK.match(formula):
        raise ModelError(
            f"Model line {line}: blocks ('{match[1]}:') are not read: models of several levels are not estimated here.",
            "For groups name their column, and write c(..., ...) for what differs; for branches or schools name them as cluster.",
        )
    if re.match(r"efa\s*\(", formula):
        raise ModelError(
            f"Model line {line}: efa() blocks, whose factors are rotated, are not estimated here.",
            "Explore by xmresearch.psychometrics.efa, then write the factors that you found.",
        )
    if "<~" in formula:
        name = formula.split("<~")[0].strip()
        raise ModelError(
            f"Model line {line}: '{formula}' makes '{name}' a composite of its items (<~), which is not estimated here.",
            f"Write '{name} =~ ...' if the items reflect it; partial least squares estimates composites: "
            f"xmresearch.sem.pls_fit.pls(..., formative=['{name}']), with =~ in the text.",
        )
    match = re.match(r"(.*?)(=~|~~|:=|~(?!~)|<|>|\|)(.*)\Z", formula)
    if match is None:
        raise ModelError(
            f"Model line {line}: '{quoted.shown(formula)}' has no operator.", f"Operators: {', '.join(OPERATORS)}."
        )
    left, operator, right = (part.strip() for part in match.groups())
    if operator in ("<", ">"):
        raise ModelError(
            f"Model line {line}: the constraint '{formula}' is an inequality, which is not estimated here.",
            "Fit without it: an estimate beyond it is a finding.",
        )
    if operator == "|":
        if not all(re.match(r"t\d+\Z", piece) for piece in _split(right, line)):
            raise ModelError(
                f"Model line {line}: thresholds have no modifiers here.", "Write 'x | t1 + t2', or leave the line out."
            )
        return []
    if operator == ":=":
        return [Term(_name(left, line, quoted), ":=", quoted.put_back(re.sub(r"\s+", "", right)), line)]
    found: list[Term] = []
    for lhs in (_name(part.strip(), line, quoted) for part in left.split("+")):
        mine: dict[tuple[str, str], Term] = {}
        for piece in _split(right, line):
            term = _term(lhs, operator, piece, line, quoted)
            key = (term.op, term.rhs)
            mine[key] = _merged(mine[key], term) if key in mine else term
        found += mine.values()
    return found


def _merged(first: Term, second: Term) -> Term:
    """Return a term with the modifiers of both that name it in one formula, such as `start(0.8)*x + a*x`."""
    blank = replace(second, label="", fixed=None, free=False, start=None, equal="", vectors=())
    if second == blank:
        raise ModelError(
            f"Model line {second.line}: '{second.lhs} {second.op} {second.rhs}' is given twice.", "Remove one."
        )
    return replace(
        first, label=second.label or first.label, fixed=first.fixed if second.fixed is None else second.fixed,
        free=first.free or second.free, start=first.start if second.start is None else second.start,
        equal=second.equal or first.equal, vectors=first.vectors + second.vectors,
    )  # fmt: skip


def _with_equal(terms: list[Term]) -> list[Term]:
    """Give a parameter and what `equal()` names the same label."""
    for k, term in enumerate(terms):
        if not term.equal:
            continue
        known = ["".join((t.lhs, t.op, t.rhs)) for t in terms]
        name = re.sub(r"\s+", "", term.equal)
        if name not in known:
            raise ModelError(
                f"Model line {term.line}: equal() names '{term.equal}', which the model has not.", nearest(name, known)
            )
        other = known.index(name)
        label = terms[other].label or name
        terms[other] = replace(terms[other], label=label)
        terms[k] = replace(term, label=label, equal="")
    return terms


def _constrained(terms: list[Term], line: int, left: str, right: str) -> list[Term]:
    """Apply `a == b` or `a == number`."""
    if _NUMBER.match(left):
        left, right = right, left
    labels = list(
        dict.fromkeys(
            e for t in terms for e in (t.label, *(e for v in t.vectors for e in v)) if e and not _NUMBER.match(e)
        )
    )
    for name in (left, right):
        if name not in labels and not _NUMBER.match(name):
            plain = is_name(name)
            raise ModelError(
                f"Model line {line}: '{name}' is {'no label of the model' if plain else 'no label'}: == sets two labels equal, or gives one a number.",
                nearest(name, labels) if plain else "Other restrictions are not estimated here.",
            )  # fmt: skip
    if _NUMBER.match(right):
        number = float(right)
        fixed = [replace(t, fixed=number) if t.label == left else t for t in terms]
        return [replace(t, vectors=_renamed(t.vectors, left, right)) if t.vectors else t for t in fixed]
    word = re.compile(rf"(?<![\w.]){re.escape(right)}(?![\w.(])")
    return [
        replace(
            t, label=left if t.label == right else t.label, vectors=_renamed(t.vectors, right, left),
            rhs=word.sub(lambda _: left, t.rhs) if t.op == ":=" else t.rhs,
        )
        for t in terms
    ]  # fmt: skip


def _renamed(vectors: tuple[tuple[str, ...], ...], old: str, new: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(new if entry == old else entry for entry in vector) for vector in vectors)


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


def _term(lhs: str, operator: str, piece: str, line: int, quoted: Quoted) -> Term:
    *modifiers, target = (part.strip() for part in piece.split("*"))
    if operator == "~" and target in ("1", "0"):
        term = Term(lhs, "~1", "", line, fixed=0.0 if target == "0" else None)
    else:
        term = Term(lhs, operator, _name(target, line, quoted), line)
    for modifier in modifiers:
        if match := _VECTOR.match(modifier):
            entries = tuple(quoted.put_back(part.strip()) for part in match[1].split(","))
            for entry in entries:
                _modified(term, entry)
            term = replace(term, vectors=(*term.vectors, entries))
        else:
            term = _modified(term, modifier, quoted)
    return term


def _modified(term: Term, modifier: str, quoted: Quoted | None = None) -> Term:
    quoted = quoted or Quoted()
    if modifier == "NA":
        return replace(term, free=True)
    if _NUMBER.match(modifier):
        return replace(term, fixed=float(modifier))
    if (match := _START.match(modifier)) and _NUMBER.match(match[1].strip()):
        return replace(term, start=float(match[1]))
    if match := _EQUAL.match(modifier):
        return replace(term, equal=quoted.put_back(match[1]))
    if match := _LABEL.match(modifier):
        return replace(term, label=quoted.put_back(match[1]))
    if _IS_NAME.match(modifier):
        return replace(term, label=quoted.put_back(modifier))
    raise ModelError(f"Model line {term.line}: '{quoted.shown(modifier)}' is no modifier.", _MODIFIERS)


def is_name(text: str) -> bool:
    """Say whether a text is a name that a model can hold as it is."""
    return _IS_NAME.match(text) is not None


def written_name(text: str) -> str:
    """Return a name as a model's text holds it: in quotation marks where it is none by itself."""
    return text if is_name(text) else f'"{text}"'


def _name(text: str, line: int, quoted: Quoted) -> str:
    if not is_name(text):
        raise ModelError(
            f"Model line {line}: '{quoted.shown(text)}' is no variable name.",
            "Put names with spaces or signs in quotation marks.",
        )
    return quoted.put_back(text)
