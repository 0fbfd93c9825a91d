"""Which mark separates the columns of delimited text, as far as its first records settle it."""

from __future__ import annotations

import csv
import io
from collections import Counter

from xmresearch.errors import DataError

CANDIDATES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_ALIKE = 0.9


def split_records(text: str, delimiter: str, most: int) -> list[list[str]]:
    """Split the beginning of a text into records and cells.

    Parameters
    ----------
    text : str
        Its last record may be cut off; it is left out unless it is the only one.
    delimiter : str
        What separates cells.
    most : int
        How many records at most.

    Returns
    -------
    list of list of str
        Cells without spaces around them; what comes after text that is no CSV is left out.
    """
    found: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            found.append([cell.strip() for cell in record])
            if len(found) > most:
                break
    except csv.Error:
        pass
    return found[:most]


def find_delimiter(text: str, name: str) -> str:
    """Return the mark by which the first records of a text fall into columns.

    Parameters
    ----------
    text : str
        The beginning of the file, in whole lines.
    name : str
        Of the file, for messages.

    Returns
    -------
    str
        The comma where no mark makes columns.

    Raises
    ------
    DataError
        Two marks make equally good columns.
    """
    widths = {}
    for mark in CANDIDATES:
        records = [r for r in split_records(text, mark, 40) if any(r)]
        if not records:
            continue
        width, alike = Counter(map(len, records)).most_common(1)[0]
        if width > 1 and alike >= _ALIKE * len(records):
            widths[mark] = width
    # a decimal comma splits every row alike, but never a header line that has no comma
    headed = {m: w for m, w in widths.items() if any(m in cell for cell in text.splitlines()[:1])} or widths
    if len(headed) > 1:
        widest = max(headed.values())
        headed = {m: w for m, w in headed.items() if w == widest}
    if len(headed) > 1:
        shown = " or ".join(f"{CANDIDATES[m]} ({m!r})" for m in headed)
        raise DataError(
            f"'{name}' falls into {widest} columns by {shown} alike.",
            "Set data.delimiter to the one that separates them.",
        )
    return next(iter(headed), ",")
