"""Whether runs read the same rows: estimates of the same people are not independent, and chance does not part them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from xmresearch.display import Shown

_DATA = "data"
_WHERE = f"{_DATA}.where."


@dataclass(frozen=True, repr=False)
class RowsRead(Shown):
    """Which rows a run read.

    Attributes
    ----------
    sources : frozenset of str
        Hashes of the files or of the query's rows; of simulated and known data their settings.
    where : mapping of str to frozenset of str
        By column the values of the rows that were chosen.
    """

    sources: frozenset[str]
    where: Mapping[str, frozenset[str]]

    def apart_from(self, other: RowsRead) -> bool:
        """Whether no row can be in both: they have no source in common, or a column chooses other values in each."""
        if not self.sources & other.sources:
            return True
        return any(not self.where[c] & other.where[c] for c in self.where.keys() & other.where.keys())


def rows_read(params: Mapping[str, Any], inputs: Mapping[str, str], varied: Mapping[str, Any]) -> RowsRead:
    """Say which rows a run read.

    Parameters
    ----------
    params : mapping
        Of the run, as its manifest has them.
    inputs : mapping of str to str
        SHA-256 of what it read, by key; joined files do not count, as they have no rows of their own.
    varied : mapping of str to value
        What the batch gave it, by dotted key: the manifest does not show values of columns of persons.

    Returns
    -------
    RowsRead
    """
    data = dict(params.get(_DATA) or {})
    where = dict(data.pop("where", None) or {})
    for key, value in varied.items():
        if key.startswith(_WHERE):
            where[key.removeprefix(_WHERE)] = value if isinstance(value, list) else [value]
    files = frozenset(digest for key, digest in inputs.items() if key.partition("/")[0] == _DATA)
    settings = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    chosen = {column: frozenset(str(v).strip().casefold() for v in values) for column, values in where.items()}
    return RowsRead(files or frozenset([settings]), chosen)


def any_shared(rows: Sequence[RowsRead]) -> tuple[int, int] | None:
    """Find two runs that may have read the same rows.

    Parameters
    ----------
    rows : sequence of RowsRead

    Returns
    -------
    tuple of int or None
        Their places; None where all are known to have read other rows.
    """
    users: dict[str, list[int]] = {}
    for place, each in enumerate(rows):
        for source in each.sources:
            users.setdefault(source, []).append(place)
    for places in users.values():
        if not _parted_by_one_column([rows[p] for p in places]):
            for first, second in combinations(places, 2):
                if not rows[first].apart_from(rows[second]):
                    return first, second
    return None


def _parted_by_one_column(rows: Sequence[RowsRead]) -> bool:
    """Whether one column chooses other values in each, which spares looking at all pairs."""
    for column in set.intersection(*(set(r.where) for r in rows)):
        values = [v for r in rows for v in r.where[column]]
        if len(values) == len(set(values)):
            return True
    return False
