"""How files were read, as tables for the report: their form, what was left out or blanked, words, joins and who answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import pandas as pd

from xmresearch.data.answers import Conversion
from xmresearch.data.formats.table import Table
from xmresearch.data.remote.database_url import DATABASES
from xmresearch.data.survey import Survey

MOST_WORDS = 11
_RULES = {
    "preview or test": "left_previews", "not finished": "left_unfinished", "not submitted": "left_unsubmitted",
    "note below the table": "left_notes", "total": "left_total",
}  # fmt: skip
WHERE = "data.where "


class Read(Protocol):
    """Data that a study has opened."""

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the files said of their rows, and how many were read."""


def how_read(opened: Read) -> pd.DataFrame | None:
    """Return what was done to read the files.

    Parameters
    ----------
    opened : Survey, PanelData or TouchData
        As loaded.

    Returns
    -------
    DataFrame or None
        step, detail and cases (rows, items or answers that it concerns); None where the rows came from no file.
    """
    rows = [row for table, received in opened.read_from for row in _of_file(table, received)]
    if not rows:
        return None
    rows += _of_words(opened.conversions if isinstance(opened, Survey) else ())
    return pd.DataFrame(rows, columns=["step", "detail", "cases"])


def _of_file(table: Table, received: float) -> list[tuple[str, str, float]]:
    step = "read_query" if table.format in DATABASES else "read_format"
    rows: list[tuple[str, str, float]] = [(step, f"format_{table.format}", received)]
    if table.encoding:
        rows.append(("read_encoding", table.encoding, float("nan")))
    for rule, count in table.left_out.items():
        where = rule.removeprefix(WHERE)
        rows.append(("left_where", where.strip("()"), count) if where != rule else (_RULES.get(rule, rule), "", count))
    for step, counts in (("declared_missing", table.declared_missing), ("coded_missing", table.coded_missing)):
        if counts:
            rows.append((step, "", sum(counts.values())))
    return rows


def _of_words(conversions: Iterable[Conversion]) -> list[tuple[str, str, float]]:
    rows: list[tuple[str, str, float]] = []
    silent: Counter[str] = Counter()
    for found in conversions:
        silent.update(found.missing)
        if found.values:
            said = "; ".join(f"{word}: {value:g}" for word, value in [*found.values.items()][:MOST_WORDS])
            rows.append(("words_read", said, len(found.columns)))
    if silent:
        rows.append(("words_missing", "; ".join(silent), silent.total()))
    return rows


def joined(opened: Read) -> pd.DataFrame | None:
    """Return what joins with other files found.

    Parameters
    ----------
    opened : Survey, PanelData or TouchData
        As loaded.

    Returns
    -------
    DataFrame or None
        file, key, matched (rows), matched_share, keys and unmatched (of the other file); None where nothing was joined.
    """
    joins = [j for table, _ in opened.read_from for j in table.joins]
    if not joins:
        return None
    return pd.DataFrame(
        {"file": j.file, "key": j.left, "matched": j.matched, "matched_share": j.matched / j.rows, "keys": j.listed, "unmatched": j.unmatched}
        for j in joins
    )  # fmt: skip


def who_answered(survey: Survey) -> pd.DataFrame | None:
    """Return who answered of those whom a joined file lists, by the survey's segments.

    Parameters
    ----------
    survey : Survey
        As loaded.

    Returns
    -------
    DataFrame or None
        segment, value, listed, answered, answered_share; groups that are too small to show are left out. None where there are none.
    """
    found = [j.response(survey.segments) for j in (survey.table.joins if survey.table else ())]
    shown = [f for f in found if f is not None]
    if not shown:
        return None
    whole = pd.concat(shown, ignore_index=True)
    return whole.assign(answered_share=whole["rate"] / 100).drop(columns="rate")
