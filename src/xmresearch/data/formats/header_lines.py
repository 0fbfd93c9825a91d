"""Tables that do not begin in the first line: titles above, merged headers, row numbers, totals and notes below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from xmresearch.data.delimited import check_header
from xmresearch.data.formats.cells import as_numbers
from xmresearch.data.formats.header import row_names, unique_names
from xmresearch.display import Shown

TOTALS = frozenset({
    "total", "totals", "grand total", "sum", "合计", "总计", "总和", "小计", "totaal", "gesamt", "summe", "insgesamt",
})  # fmt: skip
_FULL, _SPARSE = 0.6, 0.4
_NUMBERED = ("", "Unnamed: 0")


@dataclass(frozen=True, repr=False)
class HeaderLines(Shown):
    """Where a table begins, and what its columns are called.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    first : int
        How many records come before the first row.
    questions : tuple of str
        The heading above each group of columns with the name below it, where there are two lines; '' otherwise.
    notes : tuple of str
        What was passed over or put together.
    """

    names: tuple[str, ...]
    first: int
    questions: tuple[str, ...]
    notes: tuple[str, ...]


def _filled(row: Sequence[str]) -> list[int]:
    return [k for k, c in enumerate(row) if c]


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def find_header(rows: Sequence[Sequence[str]], name: str, *, given: bool = False) -> HeaderLines | None:
    """Find the line that names the columns.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first records; '' for a blank cell.
    name : str
        Of the file, for messages.
    given : bool
        Whether the first record is that line; it is found otherwise.

    Returns
    -------
    HeaderLines or None
        None where the first record names the columns and there is nothing to put together.

    Raises
    ------
    DataError
        Names repeat in a single header line.
    """
    if not rows:
        return None
    counts = sorted(n for r in rows if (n := len(_filled(r))))
    most = counts[len(counts) // 2] if counts else 0
    if given or (_numbers_rows(rows, 0) and len(_filled(rows[0])) >= len(rows[0]) - 1):
        at = 0
    else:
        at = next((k for k, r in enumerate(rows) if len(_filled(r)) >= max(2, _FULL * most)), 0)
    if at == len(rows) - 1:
        return None
    above = _filled(rows[at - 1]) if at else []
    grouped = at > 0 and _groups(rows[at - 1], above, most)
    titles = at - grouped
    merged = at == 0 and not given and _half_named(rows, most)
    if merged:
        at, grouped, titles = 1, True, 0
    if not grouped and not titles and not _numbers_rows(rows, at):
        return None
    names = list(rows[at])
    notes = [f"{titles} line(s) above the names of the columns were passed over."] if titles else []
    questions = [""] * len(names)
    if grouped:
        joined, questions = _joined(rows[at - 1], names)
        if len(set(names)) < len(names) or not all(names):
            names, repeated = unique_names(row_names(joined))
            notes.append("Headings of groups of columns stand before the names below them.")
            if repeated:
                notes.append(f"{len(repeated)} column name(s) occurred more than once and got a number.")
    else:
        names = check_header(names, name)
    if _numbers_rows(rows, at):
        width = max(map(len, rows[at + 1 :]))
        if len(names) < width:
            names, questions = ["row name", *names], ["", *questions]
        else:
            names[0] = "row name"
    return HeaderLines(tuple(names), at + 1, tuple(questions), tuple(notes))


def _groups(row: Sequence[str], filled: Sequence[int], most: int) -> bool:
    """Whether a line above the names holds headings of groups: several, or one that does not begin at the left."""
    if not filled or len(filled) >= _FULL * most or any(_is_number(row[k]) for k in filled):
        return False
    return len(filled) > 1 or filled[0] > 0


def _half_named(rows: Sequence[Sequence[str]], most: int) -> bool:
    """Whether the first line leaves names to the second: it has blanks where the second has words and the third numbers."""
    if len(rows) < 3 or len(rows[0]) < 3:
        return False
    first, second, third = rows[0], rows[1], rows[2]
    blank = [k for k, c in enumerate(first) if not c and k < len(second) and second[k]]
    words = [k for k in _filled(second) if not _is_number(second[k])]
    numbers = [k for k in blank if k < len(third) and _is_number(third[k])]
    return len(blank) >= 2 and len(words) == len(_filled(second)) and len(numbers) >= _FULL * len(blank) and most > 2


def _joined(groups: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    joined, questions, group = [], [], ""
    for k, name in enumerate(names):
        group = (groups[k] if k < len(groups) else "") or group
        own = " ".join(name.split())
        joined.append(f"{' '.join(group.split())} [{own}]" if group and own else own or group)
        questions.append(f"{' '.join(group.split())} {own}".strip() if group else "")
    return joined, questions


def _numbers_rows(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Whether a first column without a name stands before the others, as R and pandas write row names."""
    body = [r for r in rows[at + 1 :] if any(r)]
    if len(body) < 2:
        return False
    shorter = all(len(r) == len(rows[at]) + 1 for r in body)
    nameless = rows[at][:1] != [] and rows[at][0] in _NUMBERED
    return shorter or (nameless and all(r[0] for r in body))


def without_row_names(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out a column `row name` that only counts the rows.

    Parameters
    ----------
    frame : DataFrame
        As read.

    Returns
    -------
    frame : DataFrame
    notes : tuple of str
        What was left out, or that row names were kept.
    """
    if "row name" not in frame.columns[:1]:
        return frame, ()
    cells = frame["row name"]
    counts = pd.api.types.is_integer_dtype(cells) and cells.is_monotonic_increasing and cells.is_unique
    if counts:
        return frame.drop(columns="row name"), ("The first column only counts the rows and was left out.",)
    return frame, ("The first column had no name; it is called 'row name'.",)


def without_foot(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out notes below a table, and a line of totals.

    Parameters
    ----------
    frame : DataFrame
        As read.

    Returns
    -------
    frame : DataFrame
        Columns that hold only numbers without them are numbers.
    left_out : dict of str to int
        By what they are. Notes are the lines below the last blank one, where each has few cells; totals are a last line that says so
        in its first cell.
    """
    left_out: dict[str, int] = {}
    whole = frame
    filled = frame.notna().sum(axis=1).to_numpy()
    blank = (filled == 0).nonzero()[0]
    if len(blank) and frame.shape[1] >= 3:
        start = int(blank[0])
        below = filled[start:]
        if (below <= max(1, _SPARSE * frame.shape[1])).all() and (below > 0).any() and start > 0:
            left_out["note below the table"] = int((below > 0).sum())
            frame = frame.iloc[:start]
    if len(frame) > 1 and str(frame.iloc[-1, 0]).strip().casefold().rstrip(":：") in TOTALS:
        left_out["total"] = 1
        frame = frame.iloc[:-1]
    if not left_out:
        return whole, left_out
    return frame.assign(**{c: _numbers_again(frame[c]) for c in frame.columns}), left_out


def _numbers_again(cells: pd.Series) -> pd.Series:
    """Return as numbers what only lines below the table had made texts, or whole numbers with blanks."""
    if pd.api.types.is_float_dtype(cells):
        whole = cells.notna().all() and (cells % 1 == 0).all()
        return cells.astype("int64") if whole else cells
    return cells if pd.api.types.is_numeric_dtype(cells) else as_numbers(cells)
