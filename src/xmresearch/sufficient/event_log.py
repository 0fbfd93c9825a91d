"""Event logs: what a row is, and how rows become journeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xmresearch.errors import InsufficientData
from xmresearch.sufficient.event_partitions import reduce_by_customer
from xmresearch.sufficient.event_rules import EventRules
from xmresearch.sufficient.event_stream import reduce_events
from xmresearch.sufficient.journeys import DistinctJourneys, Journeys, Sink


@dataclass(frozen=True, repr=False)
class EventLog(EventRules):
    """Events of customers, and the rules by which they become journeys.

    Attributes
    ----------
    data : DataFrame, polars.DataFrame, polars.LazyFrame, str or Path
        One row per event; a path names a CSV or Parquet file, or a folder of Parquet files.
    customer, time, touchpoint : str
        Columns. Times are datetimes, dates, numbers in seconds, or text; rows of one customer at the same time count in the
        order in which they stand, which left_out['same_time'] counts.
    conversion : str, optional
        Column that is true or above 0 where the customer converted at this event; the journey ends there.
    converting : sequence of str
        Touchpoints that are the conversion itself, such as 'Purchase'; they are not channels. Each must occur.
    value, cost : str, optional
        Columns: value of the conversion, and what the touch cost.
    lookback : str, timedelta or float, optional
        Touches earlier than this before the end of their journey do not count; such as '30d', or seconds.
    gap : str, timedelta or float, optional
        A pause longer than this starts a new journey.
    after_conversion : str
        Touches that follow a conversion of the same customer with no such pause between: 'if_converting' (they are a journey if it
        converts as well, otherwise aftercare that is left out and counted), 'ignore' (left out and counted, conversions
        too) or 'new_journey' (a journey, lost where it does not convert).
    max_touches : int, optional
        Journeys of more touches, such as those of robots, are left out and counted.
    lifecycle : str, optional
        Column that says whether a row starts or completes an activity; only those that complete one count. 'auto' finds a column
        named and filled as in XES ('lifecycle:transition'); None counts every row.
    mapping : mapping of str to str, optional
        From raw labels to channels.
    unknown : str
        What happens to labels that the mapping lacks: raise, keep or drop.
    repeats : str
        'keep', or 'drop' touches that repeat the one before in the same journey.
    until : datetime or str, optional
        Later events are left out and counted; a day alone is its midnight, in the zone of the column. Without it, events later
        than tomorrow are an error.
    time_format : str, optional
        Of times written as text, or as numbers such as 20250331; 's', 'ms', 'us' or 'ns' of numbers that count them since 1970.
        Left out, text is as in ISO 8601 (or with / for -), and numbers are seconds.
    ordered : bool, optional
        Whether rows are sorted by customer and time. Left out, it is found out, and rows out of order are sorted.

    Notes
    -----
    A conversion without a touch in its window is counted among left_out['empty_journeys'].
    """

    def reduce[S: Sink](self, make: Callable[[], S], *, times: bool = False, whole: bool = True) -> tuple[S, Journeys]:
        """Stream the journeys into a sink; see `xmresearch.sufficient.event_stream.reduce_events`."""
        return reduce_events(self, make, times=times, whole=whole)

    def journeys(self) -> Journeys:
        """Return the distinct sequences, without times; they must fit into memory.

        Raises
        ------
        DataError
            As `reduce_events` raises it.
        """
        return self.reduce(DistinctJourneys)[0].result()

    def scan_journeys(
        self, *, scheduler: str | None = None, by_file: bool = False, scratch: str | Path | None = None
    ) -> Journeys:
        """Return what `journeys` does of a log of any size, some customers at a time.

        Parameters
        ----------
        scheduler, by_file, scratch
            As for `xmresearch.sufficient.event_partitions.reduce_by_customer`.

        Raises
        ------
        ParamsError, DataError
            As `reduce_by_customer` raises them.
        InsufficientData
            There is no journey with a touchpoint.
        """
        found = reduce_by_customer(self, _journeys_of_part, scheduler=scheduler, by_file=by_file, scratch=scratch)
        if not len(found):
            raise InsufficientData("There is no journey with a touchpoint.")
        return found


def _journeys_of_part(log: EventLog) -> Journeys:
    """Return the distinct sequences of some customers, of whom perhaps none took a journey."""
    sink, last = log.reduce(DistinctJourneys, whole=False)
    try:
        return sink.result()
    except InsufficientData:
        return last
