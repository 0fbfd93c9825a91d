"""Partitions: folders of Parquet cut into parts that are reduced one by one, here or on a Dask cluster, and summed in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from threadpoolctl import threadpool_limits

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, XMError, reason

if TYPE_CHECKING:
    import polars as pl
    from distributed import Client

MOST_ROWS = 1_000_000
"""Rows of a partition, as far as row groups allow it."""
CONNECT_SECONDS, MOST_KILLED = 30, 5


class Additive(Protocol):
    """A statistic: parts add up to what one pass over all rows would give."""

    def __add__(self, other: Any, /) -> Self:
        """Pool two sets of rows."""


class Part(Protocol):
    """Rows that are reduced by themselves."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def scan(self) -> pl.LazyFrame:
        """Return the rows, not read."""


@dataclass(frozen=True, repr=False)
class Partition(Shown):
    """Some rows of a Parquet file.

    Attributes
    ----------
    path : str
        The file, as every worker finds it.
    first, rows : int
        Its rows from `first` on.
    """

    path: str
    first: int
    rows: int

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name

    def scan(self) -> pl.LazyFrame:
        """Return the rows, not read."""
        from xmresearch.data.remote.objects import scan_parquet

        return scan_parquet([self.path]).slice(self.first, self.rows)


def partitions_of(source: str | Path, *, whole_files: bool = False) -> list[Partition]:
    """Cut a Parquet file, or a folder of them, into partitions.

    Parameters
    ----------
    source : str or Path
        A Parquet file, or a folder that holds `*.parquet`; a text may name one in an object store, such as s3://BUCKET/FOLDER, whose
        credentials every worker has in its environment.
    whole_files : bool
        One partition for each file, however large.

    Returns
    -------
    list of Partition
        By the names of files and the order of their rows: neighbouring row groups of together at most `MOST_ROWS` rows. The cut depends
        on the files alone.

    Raises
    ------
    DataError
        There is no Parquet file, or one cannot be read.
    InsufficientData
        The files hold no rows.

    References
    ----------
    Apache Software Foundation (2024). Apache Parquet format specification (row groups).
    """
    import pyarrow as pa

    from xmresearch.data.remote.objects import parquet_files, parquet_metadata

    parts: list[Partition] = []
    for path in parquet_files(source):
        try:
            found = parquet_metadata(path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"'{Path(path).name}' is not a readable Parquet file: {reason(error)}.",
                "Partitions are cut from Parquet: a file, or a folder of them.",
            ) from None
        sizes = [found.row_group(k).num_rows for k in range(found.num_row_groups)]
        first = held = 0
        for size in sizes:
            if held and held + size > MOST_ROWS and not whole_files:
                parts.append(Partition(path, first, held))
                first, held = first + held, 0
            held += size
        if held:
            parts.append(Partition(path, first, held))
    if not parts:
        raise InsufficientData("The data have no rows.")
    return parts


def over_partitions[P: Part, T: Additive](
    reduce: Callable[[P], T | None], parts: Sequence[P], *, scheduler: str | None = None
) -> T | None:
    """Reduce every partition, and sum what comes out in the order of the partitions.

    Parameters
    ----------
    reduce : callable
        From a partition to a statistic, or to None where it has nothing to add. It is sent to workers, so it must be a function of a module, or
        a `functools.partial` of one.
    parts : sequence of Partition
        As `partitions_of` gives them, or others that have a name and are scanned.
    scheduler : str, optional
        Address of a Dask scheduler, such as 'tcp://scheduler:8786', whose workers find the files under the same paths; without it partitions
        are reduced here, one after the other.

    Returns
    -------
    T or None
        None where no partition had anything to add. The same bits wherever, and by however many workers, it was reduced.

    Raises
    ------
    XMError
        What reducing a partition raised, with the name of its file.
    ParamsError
        No scheduler answers there.
    DataError
        Workers were lost again and again.

    Notes
    -----
    A partition whose worker is lost is reduced by another one.

    References
    ----------
    Rocklin, M. (2015). Dask: parallel computation with blocked algorithms and task scheduling. Proceedings of the 14th Python in
    Science Conference, 126-132.
    """
    total: T | None = None
    for found in each_partition(reduce, parts, scheduler=scheduler):
        if found is not None:
            total = found if total is None else total + found
    return total


def each_partition[P: Part, T](
    reduce: Callable[[P], T], parts: Sequence[P], *, scheduler: str | None = None
) -> Iterator[T]:
    """Give what `reduce` makes of every partition, in their order; see `over_partitions`."""
    if scheduler is None:
        for part in parts:
            yield _reduced(reduce, part)
        return
    from distributed import KilledWorker

    with _connected(scheduler) as client:
        futures = client.map(_reduced, [reduce] * len(parts), list(parts), pure=False, retries=MOST_KILLED)
        try:
            # a result that was taken is let go of, so that neither the workers nor the scheduler keep it
            while futures:
                yield futures.pop(0).result()
        except KilledWorker as error:
            raise DataError(
                "A partition was given up: every worker that reduced it was lost.",
                f"Look whether workers have enough memory for {MOST_ROWS:,} rows ({reason(error)}).",
            ) from None
        finally:
            client.cancel(futures)


def _reduced[P: Part, T](reduce: Callable[[P], T], part: P) -> T:
    """Reduce a partition on one thread of linear algebra, since sums depend on how they are shared out."""
    try:
        with threadpool_limits(1, "blas"):
            return reduce(part)
    except XMError as error:
        raise type(error)(f"In '{part.name}': {error.problem}", error.hint) from None


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ParamsError(
            f"No Dask scheduler answers at '{scheduler}': {reason(error)}.",
            "Start one by 'dask scheduler', and give its address, such as tcp://scheduler:8786; or leave it out.",
        ) from None
    with client:
        yield client
