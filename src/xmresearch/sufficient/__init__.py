"""Small additive statistics that hold no respondent."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.sufficient.cells import Cells as Cells
    from xmresearch.sufficient.counts import Counts as Counts
    from xmresearch.sufficient.event_log import EventLog as EventLog
    from xmresearch.sufficient.event_partitions import reduce_by_customer as reduce_by_customer
    from xmresearch.sufficient.journeys import Journeys as Journeys
    from xmresearch.sufficient.lifecycle import activity_intervals as activity_intervals
    from xmresearch.sufficient.moments import Moments as Moments
    from xmresearch.sufficient.moments import reduce_rows as reduce_rows
    from xmresearch.sufficient.partitions import over_partitions as over_partitions
    from xmresearch.sufficient.partitions import partitions_of as partitions_of
    from xmresearch.sufficient.paths import read_paths as read_paths
    from xmresearch.sufficient.transition_table import Transitions as Transitions
    from xmresearch.sufficient.transition_table import transitions as transitions
else:
    __getattr__, __dir__ = front_door(__name__)
