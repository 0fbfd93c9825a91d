"""Identifiers of persons, taken out of rows that are streamed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.data.config import Protect
from xmresearch.data.protected import Protected
from xmresearch.data.protection import mark, settled_key
from xmresearch.data.replacing import apart, replaced
from xmresearch.identifiers.columns import recognise_columns
from xmresearch.identifiers.known_names import KnownNames
from xmresearch.identifiers.open_text import is_open_text, scrub_open
from xmresearch.identifiers.patterns import find, scrub

if TYPE_CHECKING:
    import polars as pl

_SAMPLED = 20_000


def protect_scan(
    rows: pl.LazyFrame, settings: Protect, base: Path | None = None, *, labels: Collection[str] = ()
) -> tuple[pl.LazyFrame, tuple[Protected, ...]]:
    """Take identifiers out of rows that are streamed.

    Parameters
    ----------
    rows : polars.LazyFrame
        Its first 20 000 rows say which columns hold identifiers; these columns are then treated throughout.
    settings, base, labels
        As for `protect`.

    Returns
    -------
    rows : polars.LazyFrame
    protected : tuple of Protected
        `cells` counts different values.

    Raises
    ------
    DataError
        As for `protect`.
    """
    import polars as pl

    schema = rows.collect_schema()
    key = settled_key(settings, schema.names(), base)
    sample = rows.head(_SAMPLED).collect().to_pandas()
    recognised = {c: (f.kind, f.ground) for c, f in recognise_columns(sample).items() if c not in settings.keep}
    recognised |= {c: (recognised.get(c, ("account", ""))[0], "params") for c in settings.pseudonymise}

    def values_of(column: str) -> pl.Series:
        return rows.select(pl.col(column).drop_nulls().unique(maintain_order=True)).collect()[column]

    persons = [c for c, (kind, _) in recognised.items() if kind == "name" and schema[c] == pl.String]
    known = KnownNames(v for c in persons for v in values_of(c).to_list())
    done: list[Protected] = []
    for column in schema.names():
        if column in settings.keep:
            continue
        if column in recognised:
            kind, ground = recognised[column]
            if kind == "location" and schema[column].is_float():
                rows = rows.drop(column)
                done.append(Protected(column, kind, ground, "dropped", 0))
                continue
            values = values_of(column)
            names, how = replaced(values.to_pandas(), kind, key)
            alike = 0
        elif schema[column] != pl.String:
            continue
        elif column not in labels and is_open_text(sample[column]):
            kind, ground, alike = "open_text", "values", 0
            if settings.free_text == "drop":
                rows = rows.drop(column)
                done.append(Protected(column, kind, ground, "dropped", 0))
                continue
            values = values_of(column)
            names, how = values.to_pandas().map(lambda text: scrub_open(known.scrub(text))), "scrubbed"
        elif known or sample[column].dropna().drop_duplicates().map(_holds).any():
            values = values_of(column)
            stand_ins, alike = apart(values.to_list(), lambda text: scrub(known.scrub(text)))
            if not stand_ins:
                continue
            names, how = values.to_pandas().replace(stand_ins), "scrubbed"
            kind, ground = "text", "values"
        else:
            continue
        new = pl.col(column).replace_strict(values.to_list(), names.tolist(), default=None, return_dtype=pl.String)
        rows = rows.with_columns(new.alias(column))
        done.append(Protected(column, kind, ground, how, len(values), mark(key, how), alike))
    return rows, tuple(done)


def _holds(text: object) -> bool:
    return bool(find(str(text)))
