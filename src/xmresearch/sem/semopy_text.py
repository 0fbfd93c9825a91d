"""semopy's model syntax: from text to a list of terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from xmresearch.errors import ModelError, nearest
from xmresearch.sem.syntax import Term, is_name

_EFFECT = re.compile(r"(\w[\w.]*(?:\s*,\s*\w[\w.]*)*)\s*(=~|~~|~)\s*(.+)\Z")
_FACTOR = re.compile(r"(?:(-?\w[\w.-]*)\s*\*\s*)?(\w[\w.]*)\Z")
_COMMAND = re.compile(r"([A-Z][A-Z_]+)(?:\((.*)\))?\s*([\w\s.]*)\Z")
_NEW_COMMAND = re.compile(r"([a-z][a-z_]*)\s*(.*?)\s*:\s*(.*)\Z")
_NEW_QUOTED = re.compile(r"([a-z][a-z_]*)\s*[\"'`]\s*(.+?)\s*[\"'`]\Z")
_EQUAL = re.compile(r"(\w+)\s*=\s*(\w+)\Z")


def parse_semopy(text: str) -> list[Term]:
    """Parse a model.

    Parameters
    ----------
    text : str
        In semopy's syntax.

    Returns
    -------
    list of Term
        In the order written, with what commands say of them; the loading that sets a factor's scale is fixed, and a first
        loading that does not is free.

    Raises
    ------
    ModelError
        A line that is no formula, or has no counterpart in lavaan's syntax; the message names the line.
    """
    read = _Read()
    # semopy takes the mathematical sign as well
    for number, raw in enumerate(text.replace("\N{TILDE OPERATOR}", "~").splitlines(), 1):
        if line := raw.split("#", 1)[0].strip():
            read.line(number, line)
    return list(read.terms())


@dataclass
class _Read:
    """What was read of a semopy text so far."""

    effects: dict[tuple[str, str, str], Term] = field(default_factory=dict)
    starts: list[tuple[int, str, float]] = field(default_factory=list)
    equal: list[tuple[int, str, str]] = field(default_factory=list)
    latent: list[tuple[int, str]] = field(default_factory=list)

    def line(self, number: int, line: str) -> None:
        """Take in one line."""
        if effect := _EFFECT.match(line):
            for lhs in effect[1].split(","):
                for piece in effect[3].split("+"):
                    self._effect(number, lhs.strip(), effect[2], piece.strip())
        elif command := _COMMAND.match(line):
            self._command(number, command[1].lower(), command[2] or "", command[3].split())
        elif command := _NEW_COMMAND.match(line):
            self._command(number, command[1], ",".join(command[2].split()), command[3].split())
        elif command := _NEW_QUOTED.match(line):
            self._command(number, command[1], command[2], [])
        else:
            raise ModelError(f"Model line {number}: '{line}' is neither a formula nor a command of semopy.")

    def _effect(self, number: int, lhs: str, op: str, piece: str) -> None:
        match = _FACTOR.match(piece)
        if match is None:
            raise ModelError(f"Model line {number}: '{piece}' is no term.", "Write x, 0.5*x or name*x.")
        by, rhs = match.groups()
        if rhs == "1":
            raise ModelError(
                f"Model line {number}: '{lhs} {op} {piece}' is an intercept, which lavaan writes '{lhs} ~ 1' with other "
                "defaults for the other means.", "Leave means out: they are not restricted then.",
            )  # fmt: skip
        for name in (lhs, rhs):
            if not is_name(name):
                raise ModelError(f"Model line {number}: lavaan cannot read the name '{name}'.", "Rename it.")
        if by == "START":
            raise ModelError(
                f"Model line {number}: 'START*{rhs}' fixes a parameter to what semopy starts it at.",
                "Write the value, or leave the parameter free.",
            )
        term = Term(lhs, op, rhs, number)
        try:
            term = replace(term, fixed=None if by is None else float(by))
        except ValueError:
            if not is_name(by):
                raise ModelError(f"Model line {number}: '{by}' is no name of a parameter.", "Rename it.") from None
            term = replace(term, label=by)
        key = (lhs, op, rhs) if op != "~~" or lhs <= rhs else (rhs, op, lhs)
        self.effects[key] = term

    def _command(self, number: int, name: str, given: str, onto: Sequence[str]) -> None:
        kind = given if name == "define" else name
        where = f"Model line {number}: "
        if kind == "latent":
            self.latent += [(number, v) for v in onto]
        elif kind == "start":
            try:
                self.starts += [(number, label, float(given)) for label in onto]
            except ValueError:
                raise ModelError(f"{where}'{given}' is no starting value.") from None
        elif kind == "constraint" and (match := _EQUAL.match(given.strip())):
            self.equal.append((number, match[1], match[2]))
        elif kind == "constraint":
            raise ModelError(
                f"{where}the constraint '{given}' has no counterpart.", "Equal names are equal parameters."
            )
        elif kind == "bound":
            raise ModelError(
                f"{where}bounds have no counterpart.", "Leave them out: an estimate beyond them is a finding."
            )
        elif kind == "ordinal":
            raise ModelError(
                f"{where}that variables are ordered is not said in the text.",
                f"Leave the line out and fit with ordered={list(onto)!r}.",
            )
        else:
            raise ModelError(f"{where}'{kind or name}' has no counterpart in lavaan's syntax.")

    def terms(self) -> Iterator[Term]:
        """Return the terms, with what commands say of them, and each factor's scale where semopy sets it."""
        terms = list(self.effects.values())
        labels = {t.label for t in terms if t.label}
        for number, *named in [(n, s) for n, s, _ in self.starts] + self.equal:
            for label in named:
                if label not in labels:
                    raise ModelError(f"Model line {number}: '{label}' names no parameter.", nearest(label, labels))
        same = {second: first for _, first, second in self.equal}
        start = {label: value for _, label, value in self.starts}
        terms = [replace(t, start=start.get(t.label), label=same.get(t.label, t.label)) for t in terms]
        measured = {t.lhs for t in terms if t.op == "=~"}
        for number, name in self.latent:
            if name not in measured:
                raise ModelError(f"Model line {number}: latent '{name}' has no '=~'.", "Give it indicators.")
        first: dict[str, Term] = {}
        scale: dict[str, Term | None] = {}
        for t in (t for t in terms if t.op == "=~"):
            first.setdefault(t.lhs, t)
            if t.fixed is not None or (scale.get(t.lhs) is None and not t.label):
                known = scale.get(t.lhs)
                scale[t.lhs] = known if known is not None and known.fixed is not None else t
        for t in terms:
            if t.op == "=~" and t is scale.get(t.lhs):
                t = replace(t, fixed=1.0 if t.fixed is None else t.fixed)
            elif t.op == "=~" and t is first[t.lhs] and t.fixed is None:
                t = replace(t, free=True)
            yield t
