"""Event logs over partitions: the journeys of a customer are cut in one place, wherever the customer's rows lie."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from xmresearch.display import Shown
from xmresearch.errors import DataError, ParamsError, nearest
from xmresearch.sufficient.event_columns import identity
from xmresearch.sufficient.event_rules import EventRules
from xmresearch.sufficient.event_stream import reduce_events
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.lifecycle import lifecycle_column
from xmresearch.sufficient.partitions import (
    Additive,
    Part,
    Partition,
    each_partition,
    over_partitions,
    partitions_of,
)
from xmresearch.sufficient.sources import as_lazy, require_columns

if TYPE_CHECKING:
    import polars as pl

PIECE_ROWS = 4_000_000
"""Rows of a piece, whose customers have all their rows in it."""


@dataclass(frozen=True, repr=False)
class Piece(Shown):
    """All rows of some customers, in one file for each partition that they come from.

    Attributes
    ----------
    folder : str
        Of the files, whose names are in the order of the partitions.
    """

    folder: str

    @property
    def name(self) -> str:
        """The folder's own name."""
        return Path(self.folder).name

    def scan(self) -> pl.LazyFrame:
        """Return the rows in the order in which they stood, not read."""
        import polars as pl

        return pl.scan_parquet(sorted(Path(self.folder).glob("*.parquet")), glob=False)


@dataclass(frozen=True, repr=False)
class _Found(Shown):
    """A statistic of some events, and which converting touchpoints are among them."""

    statistic: Any
    met: frozenset[str]

    def __add__(self, other: _Found) -> _Found:
        return _Found(self.statistic + other.statistic, self.met | other.met)


def reduce_by_customer[L: EventRules, T: Additive](
    log: L,
    reduce: Callable[[L], T],
    *,
    scheduler: str | None = None,
    by_file: bool = False,
    scratch: str | Path | None = None,
) -> T:
    """Reduce an event log, some customers at a time.

    Parameters
    ----------
    log : EventLog
        Its data are the path of a Parquet file, or of a folder of them.
    reduce : callable
        From the events of some customers to a statistic that adds up; a function of a module, or a `functools.partial` of one.
    scheduler : str, optional
        Address of a Dask scheduler whose workers do it; see `over_partitions`.
    by_file : bool
        No customer has rows in two files, so that each file is reduced as it is. Otherwise rows are first dealt out by a hash of their
        customer.
    scratch : str or Path, optional
        Folder in which they are dealt out, for as long as it takes; of a cluster one that all machines share. The system's own for such
        files if absent.

    Returns
    -------
    T
        The same bits with and without a scheduler.

    Raises
    ------
    ParamsError
        The log is no path.
    DataError
        As `reduce_events` raises it.

    References
    ----------
    Dean, J. & Ghemawat, S. (2008). MapReduce: simplified data processing on large clusters. Communications of the ACM, 51, 107-113.
    """
    if not isinstance(log.data, str | Path):
        raise ParamsError(
            f"Events are given as {type(log.data).__name__}, which has no partitions.",
            "Give EventLog the path of a Parquet file, or of a folder of them.",
        )
    parts = partitions_of(log.data, whole_files=by_file)
    source = as_lazy(log.data)
    schema = source.collect_schema()
    require_columns((log.customer, log.time, log.touchpoint, log.conversion, log.value, log.cost), schema.names())
    rules = replace(log, data="", ordered=False, lifecycle=lifecycle_column(source, log.lifecycle))
    work = partial(_reduced, rules=rules, reduce=reduce)
    if by_file:
        found: T = _settled(over_partitions(work, parts, scheduler=scheduler), log)
        return found
    with TemporaryDirectory(prefix="events-", dir=scratch) as folder:
        pieces = dealt_out(rules, parts, Path(folder), identity(log.customer, schema[log.customer]), scheduler)
        try:
            found = _settled(over_partitions(work, pieces, scheduler=scheduler), log)
        except DataError:
            # rows are numbered as they stand in the files, not in a piece
            reduce_events(log, _Nothing)
            raise
    return found


def dealt_out(
    rules: EventRules, parts: Sequence[Partition], folder: Path, who: pl.Expr, scheduler: str | None
) -> list[Piece]:
    """Write the rows of each customer into one piece.

    Parameters
    ----------
    rules : EventRules
        Which columns are needed.
    parts : sequence of Partition
        Of the events.
    folder : Path
        In which each piece has a folder.
    who : polars.Expr
        The customer, as the log is sorted by.
    scheduler : str or None
        See `over_partitions`.

    Returns
    -------
    list of Piece
        As many as rows ask for, whatever does the work; without those that nobody is in.
    """
    many = max(1, math.ceil(sum(part.rows for part in parts) / PIECE_ROWS))
    pieces = [folder / f"{k:05d}" for k in range(many)]
    for piece in pieces:
        piece.mkdir()
    named = (rules.customer, rules.time, rules.touchpoint, rules.conversion, rules.value, rules.cost, rules.lifecycle)
    columns = list(dict.fromkeys(name for name in named if name is not None))
    deal = partial(_deal, columns=columns, who=who, order=tuple(parts), pieces=tuple(map(str, pieces)))
    for _ in each_partition(deal, parts, scheduler=scheduler):
        pass
    return [Piece(str(piece)) for piece in pieces if any(piece.iterdir())]


def _deal(
    part: Partition, columns: list[str], who: pl.Expr, order: tuple[Partition, ...], pieces: tuple[str, ...]
) -> int:
    """Write the rows of a partition into its file of each piece; return how many there are."""
    import polars as pl

    place = pl.coalesce(who.hash(seed=0), pl.int_range(pl.len(), dtype=pl.UInt64)) % len(pieces)
    rows = part.scan().select(*columns, place.alias("the piece")).collect(engine="in-memory")
    for (piece,), some in rows.partition_by("the piece", as_dict=True, include_key=False).items():
        path = Path(pieces[int(piece)]) / f"{order.index(part):06d}.parquet"
        half = path.with_suffix(f".{os.getpid()}")
        some.write_parquet(half, compression="lz4")
        half.replace(path)
    return len(rows)


def _reduced[L: EventRules](part: Part, rules: L, reduce: Callable[[L], Any]) -> _Found:
    import polars as pl

    events = part.scan()
    met: set[str] = set()
    if rules.converting:
        label = pl.col(rules.touchpoint).cast(pl.String).str.strip_chars()
        met = {*events.select(label.unique()).collect(engine="streaming").to_series().to_list()} & {*rules.converting}
    return _Found(reduce(replace(rules, data=events)), frozenset(met))


def _settled(found: _Found | None, log: EventRules) -> Any:
    """Return the statistic, where each touchpoint that is a conversion was met."""
    assert found is not None  # noqa: S101 - every partition gives one
    lacking = [name for name in log.converting if name not in found.met]
    if lacking:
        raise DataError(
            f"converting names '{lacking[0]}', which no event has as its touchpoint.",
            nearest(lacking[0], sorted(found.met)),
        )
    return found.statistic


class _Nothing:
    """Takes journeys, and keeps none."""

    def add(self, block: Journeys) -> None:
        """Leave a block where it is."""
