"""What a file is: its columns, its items, and whether its rows are people, events, paths, units over time or figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from xmresearch.data.answers import BLANKS
from xmresearch.data.formats.table import Table
from xmresearch.data.profile.batteries import Items, find_items
from xmresearch.data.profile.columns import ColumnProfile, profile_column
from xmresearch.data.profile.event_logs import EventLog, Paths, find_event_log, find_paths
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.naming import says
from xmresearch.data.profile.pairing import Pairing, find_pairing
from xmresearch.data.profile.panels import Panel, find_panel
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.identifiers.columns import recognise_columns


@dataclass(frozen=True, repr=False)
class FileProfile(Shown):
    """What a file seems to be.

    Attributes
    ----------
    table : Table
        As read.
    columns : mapping of str to ColumnProfile
        In the order of the file.
    items : Items
        Answers on scales.
    pairing : Pairing or None
        The same things as expected and as experienced.
    log : EventLog or None
    paths : Paths or None
    panel : Panel or None
    nature : Guess
        What its rows are, in words.
    """

    table: Table
    columns: Mapping[str, ColumnProfile]
    items: Items
    pairing: Pairing | None
    log: EventLog | None
    paths: Paths | None
    panel: Panel | None
    nature: Guess

    def of_kind(self, *kinds: str) -> list[ColumnProfile]:
        """Return the columns of some kinds, in the order of the file."""
        return [c for c in self.columns.values() if c.kind.what in kinds]

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return len(self.table.frame)

    def _head(self) -> Mapping[str, Any]:
        return {"rows": self.rows, "columns": len(self.columns), "nature": self.nature.what}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        kinds = [(c.name, c.kind.what, c.kind.why, c.kind.doubt) for c in self.columns.values()]
        return {"Columns": pd.DataFrame(kinds, columns=["column", "kind", "why", "doubt"])}


def profile_file(table: Table) -> FileProfile:
    """Look at what was read.

    Parameters
    ----------
    table : Table
        From `xmresearch.data.formats.registry.read_table`.

    Returns
    -------
    FileProfile
    """
    table = replace(table, frame=_with_numbers(table.frame))
    options = frozenset(c for members in table.several.values() if len(members) > 1 for c in members)
    joined = frozenset(c for members in table.several.values() if len(members) == 1 for c in members)
    known = recognise_columns(table.frame, table.roles, table.questions)
    columns = {str(c): profile_column(table, str(c), options, joined, known.get(str(c))) for c in table.frame.columns}
    every = list(columns.values())
    items = find_items(table, every)
    enough = len(table.frame) >= MIN_CELL
    panel = find_panel(table.frame, every) if enough else None
    log = find_event_log(table.frame, every) if enough and panel is None else None
    paths = find_paths(table.frame, every) if enough and panel is None and log is None else None
    nature = _nature(table, columns, items, panel, paths, log)
    return FileProfile(table, columns, items, find_pairing(items.batteries), log, paths, panel, nature)


def _with_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Read columns of text that hold nothing but numbers, and words such as NA for blanks, as numbers."""
    read: dict[str, pd.Series] = {}
    for name in frame.columns:
        given = frame[name]
        if pd.api.types.is_numeric_dtype(given) or pd.api.types.is_datetime64_any_dtype(given):
            continue
        texts = given.astype("string").str.strip()
        blank = texts.str.lower().isin(BLANKS).fillna(value=True)
        if blank.all() or not (blank & given.notna()).any():
            continue
        numbers = pd.to_numeric(texts.mask(blank), errors="coerce")
        if bool(numbers.notna().eq(~blank).all()):
            read[str(name)] = numbers.astype("float64")
    return frame.assign(**read) if read else frame


def _nature(
    table: Table, columns: Mapping[str, ColumnProfile], items: Items, panel: Panel | None, paths: Paths | None,
    log: EventLog | None,
) -> Guess:  # fmt: skip
    n, kinds = len(table.frame), [c.kind.what for c in columns.values()]
    asked = len(items.batteries) + len(items.single)
    if paths is not None:
        return Guess("aggregated paths of touchpoints", paths.path.why)
    if log is not None:
        return Guess(
            "an event log", f"'{log.customer.what}' says who, '{log.time.what}' when and '{log.touchpoint.what}' what"
        )
    if panel is not None:
        return Guess("units over time of which some got a change", panel.cohort.why)
    if table.format == "ga4":
        return Guess("an aggregated report of a web analytics tool", "each row is a page or a channel with its totals")
    if n == 0:
        return Guess(
            "a file without answers that count", f"{sum(table.left_out.values())} row(s) are previews or tests"
        )
    words = [c for c in columns.values() if c.kind.what == "text"]
    if n < MIN_CELL and not _figures(columns):
        return Guess(f"{n} answer(s)", f"fewer than the {MIN_CELL} that may be reported")
    if _figures(columns):
        return Guess("a table of figures", "names of groups beside totals or percentages, no answers of people")
    if not asked and "rating" not in kinds and _code_book(table, columns, words):
        return Guess(
            "a code book", "every row is a question or a measure with its text, and there are no numbers to analyse"
        )
    several = (
        f", {len(items.batteries)} of them with several items"
        if items.batteries
        else ", none with several items"
        if asked
        else ""
    )
    weights = sum(k == "weight" for k in kinds)
    told = f"; {weights} column(s) of weights" if weights else ""
    return Guess("answers of people or cases", f"{n} rows, {asked} question(s) on a scale{several}{told}")


def _figures(columns: Mapping[str, ColumnProfile]) -> bool:
    """Whether rows are groups with their figures: totals, percentages, counts of people."""
    names = " ".join(columns).casefold()
    numeric = [c for c in columns.values() if c.kind.what in ("number", "identifier", "rating", "choice")]
    told = any(
        word in names for word in ("percentage", "inwoners", "population", "aantal", "人口", "占比", "total count")
    )
    return told and len(numeric) > 0 and len(columns) <= 12


def _code_book(table: Table, columns: Mapping[str, ColumnProfile], words: list[ColumnProfile]) -> bool:
    numeric = [
        c for c, k in columns.items() if k.kind.what != "identifier" and pd.api.types.is_numeric_dtype(table.frame[c])
    ]
    named = any(
        says(c, "identifier") or "question" in c.casefold() or "measure" in c.casefold() or "题" in c for c in columns
    )
    return (
        not numeric
        and named
        and len(columns) <= 8
        and len(words) + sum(c.kind.what in ("identifier", "choice", "rating") for c in columns.values())
        >= len(columns) - 1
    )
