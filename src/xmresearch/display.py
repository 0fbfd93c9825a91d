"""How results show themselves: a line in a console, a heading with tables and open questions in a notebook."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_CHANCES = ("p", "pvalue", "p_adjusted", "p_diff")
MOST_ROWS, MOST_FACTS, MOST_NOTES, WIDEST = 30, 12, 8, 60


class Shown:
    """What every result inherits: a short `repr`, and HTML and Markdown for notebooks.

    A dataclass that inherits it says `repr=False`. Rows of respondents are never shown: of tables, arrays and other results
    that a result holds, `repr` gives the size alone.
    """

    def _head(self) -> Mapping[str, Any]:
        """Return the facts of the first line; the fields unless a class chooses."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.repr} if is_dataclass(self) else {}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        """Return what notebooks show below it, by caption; the tidy table unless a class chooses."""
        tidy: Callable[[], pd.DataFrame] | None = getattr(self, "tidy", None)
        return {} if tidy is None else {"": tidy()}

    def _notes(self) -> list[str]:
        """Return checks that are not passed, and what a careful reviewer would ask about."""
        diagnostics: Callable[[], pd.DataFrame] | None = getattr(self, "diagnostics", None)
        failed = []
        if diagnostics is not None:
            checks = diagnostics()
            failed = [
                f"Check {row.check}: {short(row.value)} (bound {short(row.threshold)}), {row.status}."
                for row in checks[checks["status"] != "pass"].itertuples()
            ]
        notes = failed + [str(w) for w in getattr(self, "warnings", ())]
        more = len(notes) - MOST_NOTES
        return notes[:MOST_NOTES] + ([f"... and {more} more."] if more > 0 else [])

    def _line(self, *, sizes: bool = True) -> str:
        head = {k: v for k, v in self._head().items() if sizes or not (getattr(v, "shape", ()) or isinstance(v, Shown))}
        told = {name: text for name, value in head.items() if (text := short(value))}
        line = ", ".join(f"{name} = {text}" for name, text in list(told.items())[:MOST_FACTS])
        return line + (", ..." if len(told) > MOST_FACTS else "")

    def _heading(self) -> str:
        return self._line(sizes=not self._tables())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._line()})"

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{type(self).__name__}</b> {escape(self._heading())}</p>"]
        for caption, frame in self._tables().items():
            parts += [f"<p>{escape(caption)}</p>"] if caption else []
            parts.append(readable(frame).to_html(index=False, na_rep="", border=0))
            parts += [f"<p>{escape(rest)}</p>"] if (rest := _rest(frame)) else []
        notes = "".join(f"<li>{escape(note)}</li>" for note in self._notes())
        return f'<div style="overflow-x: auto">{"".join(parts)}{f"<ul>{notes}</ul>" if notes else ""}</div>'

    def _repr_markdown_(self) -> str:
        parts = [f"**{type(self).__name__}** {self._heading()}"]
        for caption, frame in self._tables().items():
            table = readable(frame).to_string(index=False, na_rep="")
            parts += [caption] if caption else []
            parts += [f"```\n{table}\n```"] + ([rest] if (rest := _rest(frame)) else [])
        return "\n\n".join(parts + [f"- {note}" for note in self._notes()])


class Summary(dict[str, Any]):
    """Figures by name, printed as the text that belongs to them."""

    def __init__(self, facts: Mapping[str, Any], text: Callable[[], str]) -> None:
        super().__init__(facts)
        self._text = text

    def __str__(self) -> str:
        return self._text()

    __repr__ = __str__


def short(value: Any) -> str:
    """Say a value in a few characters: numbers to four digits, of what is large its kind and size.

    Parameters
    ----------
    value : object
        Anything; nothing that it holds is shown beyond a few numbers and names.

    Returns
    -------
    str
        At most about 60 characters; empty for None, NaN and what is empty.
    """
    if getattr(value, "shape", ()):
        name = "array" if type(value).__name__ == "ndarray" else type(value).__name__
        return f"{name} {' x '.join(map(str, value.shape))}"
    if hasattr(value, "item") and hasattr(value, "dtype"):
        value = value.item()
    if value is None or (isinstance(value, Collection) and not len(value)):
        return ""
    if isinstance(value, str | PurePath):
        text = " ".join(str(value).split())
        return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _collected(value)
    return type(value).__name__ if not _speaks(value) else short(str(value))


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as text: its first rows, numbers to a few digits, bounds joined to one column.

    Parameters
    ----------
    frame : DataFrame
        Any table; an index that says something becomes a column.

    Returns
    -------
    DataFrame
        At most 30 rows of strings, without columns that are blank throughout. Columns `x_lower` and `x_upper` become `x_ci`,
        `ci_lower` and `ci_upper` become `ci`; p values below .001 are given as that.
    """
    head = frame.head(MOST_ROWS)
    if head.index.names != [None] or not all(isinstance(label, int) for label in head.index):
        head = head.reset_index(names=[name or "" for name in head.index.names])
    columns: dict[Any, list[str]] = {}
    for at, name in enumerate(head.columns):
        text, stem = _cells(head.iloc[:, at]), str(name).removesuffix("_lower").removesuffix("_upper")
        if stem != name and {f"{stem}_lower", f"{stem}_upper"} <= set(head.columns):
            if str(name).endswith("_lower"):
                ends = zip(text, _cells(head[f"{stem}_upper"]), strict=True)
                columns[stem if stem.endswith("ci") else f"{stem}_ci"] = [
                    f"[{a}, {b}]" if a or b else "" for a, b in ends
                ]
        else:
            columns[name] = text
    return type(frame)({name: text for name, text in columns.items() if any(text) or not text})


def _collected(value: Mapping[Any, Any] | Collection[Any]) -> str:
    few = len(value) <= 6 and all(v is None or isinstance(v, str | int | float) for v in value)
    if few and isinstance(value, Mapping):
        few = all(v is None or isinstance(v, str | int | float) for v in value.values())
        text = ", ".join(f"{k}: {short(v)}" for k, v in value.items()) if few else ""
    else:
        text = ", ".join(short(v) for v in value) if few else ""
    return f"({text})" if few and len(text) <= WIDEST else f"{len(value)} items"


def _speaks(value: Any) -> bool:
    """Return whether a value is a small thing with words of its own, such as a date."""
    return hasattr(value, "isoformat")


def _cells(column: pd.Series) -> list[str]:
    values = [v.item() if hasattr(v, "item") else v for v in column]
    floats = [v for v in values if isinstance(v, float) and math.isfinite(v)]
    whole = all(v == round(v) and abs(v) < 1e9 for v in floats)
    chance = str(column.name) in _CHANCES
    return [
        short(v) if not isinstance(v, float) or math.isnan(v)
        else "< .001" if chance and v < 0.001
        else f"{v:.0f}" if whole and math.isfinite(v)
        else f"{v:.3f}" if v == 0 or 0.001 <= abs(v) < 1e4
        else f"{v:.4g}"
        for v in values
    ]  # fmt: skip


def _rest(frame: pd.DataFrame) -> str:
    rest = len(frame) - MOST_ROWS
    return f"... and {rest} more rows." if rest > 0 else ""
