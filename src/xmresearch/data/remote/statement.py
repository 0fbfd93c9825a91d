"""What can be told of a query before a database sees it: that it is one, whether it orders its rows, and whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENERS = ("select", "with", "values", "table")
_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|--[^\n]*|/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*(?:[^*]|\*(?!/))*\*/)*\*/)
    |(?P<text>[Ee]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar))
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
UNNAMED = "query"


@dataclass(frozen=True)
class Statement:
    """A query, as far as its text tells.

    Attributes
    ----------
    text : str
        Without semicolons at its end.
    ordered : bool
        Whether its rows come in an order that it names.
    table : str
        The first table that it reads from; `query` where it names none.
    """

    text: str
    ordered: bool
    table: str


def read_statement(sql: str) -> Statement:
    """Read a query.

    Parameters
    ----------
    sql : str
        SELECT, WITH, VALUES or TABLE.

    Returns
    -------
    Statement

    Raises
    ------
    ValueError
        It is none of these, or more than one statement. The database judges all else.
    """
    tokens = [_Token.of(found) for found in _TOKEN.finditer(sql) if not found["skip"]]
    while tokens and tokens[-1].word == ";":
        tokens.pop()
    words = [token.word for token in tokens]
    if next((w for w in words if w != "("), "") not in _OPENERS:
        raise ValueError("sql must be a query that only reads: SELECT, WITH, VALUES or TABLE")
    if ";" in words:
        raise ValueError("sql holds more than one statement: give one query")
    depth, ordered, table = 0, False, ""
    defined: set[str] = set()
    for k, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        following = words[k + 1] if k + 1 < len(words) else ""
        if depth == 0 and (word, following) == ("order", "by"):
            ordered = True
        if following == "as" and words[k + 2 : k + 3] == ["("]:
            defined.add(word)
        if not table and word in ("from", "table", "join"):
            table = _named(tokens[k + 1 :], defined)
    return Statement(sql[: tokens[-1].end], ordered, table or UNNAMED)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    end: int

    @classmethod
    def of(cls, found: re.Match[str]) -> _Token:
        kind = next(name for name in ("text", "quoted", "word", "other") if found[name] is not None)
        return cls(kind, found[0], found.end())

    @property
    def word(self) -> str:
        """As keywords are compared: of a word in small letters."""
        return self.text.lower() if self.kind == "word" else self.text


def _named(tokens: list[_Token], defined: set[str]) -> str:
    """Return the last part of the name of a table that stands first; '' where there is none, or one of the query's own."""
    at = 0
    while tokens[at + 1 : at + 2] and tokens[at + 1].word == "." and tokens[at + 2 : at + 3]:
        at += 2
    if not tokens[at:] or tokens[at].kind not in ("word", "quoted"):
        return ""
    called = tokens[at + 1 : at + 2] and tokens[at + 1].word == "("
    if called or tokens[at].word in (*defined, "select", "lateral", "only"):
        return ""
    return tokens[at].text.strip('"').replace('""', '"')
