"""Which touchpoints carry the journey? Attribution and journeys on transition counts.

Examples
--------
>>> import xmresearch as xm
>>> log = xm.attribution.EventLog(frame, conversion="settled", gap="30d")
>>> xm.attribution.markov(xm.attribution.transitions(log)).tidy()
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.attribution.across_channels import ConsistencyResult as ConsistencyResult
    from xmresearch.attribution.across_channels import consistency as consistency
    from xmresearch.attribution.comparison import side_by_side as side_by_side
    from xmresearch.attribution.directly_follows import ProcessMap as ProcessMap
    from xmresearch.attribution.directly_follows import process_map as process_map
    from xmresearch.attribution.journey_analysis import JourneyResult as JourneyResult
    from xmresearch.attribution.journey_analysis import journey as journey
    from xmresearch.attribution.markov_removal import markov as markov
    from xmresearch.attribution.order import OrderChoice as OrderChoice
    from xmresearch.attribution.order import choose_order as choose_order
    from xmresearch.attribution.reading import Touches as Touches
    from xmresearch.attribution.reading import read_touches as read_touches
    from xmresearch.attribution.result import AttributionResult as AttributionResult
    from xmresearch.attribution.rules_of_thumb import HeuristicCredits as HeuristicCredits
    from xmresearch.attribution.rules_of_thumb import heuristics as heuristics
    from xmresearch.attribution.scores import mean_scores as mean_scores
    from xmresearch.attribution.scores import touch_scores as touch_scores
    from xmresearch.attribution.shapley_values import ShapleyResult as ShapleyResult
    from xmresearch.attribution.shapley_values import shapley as shapley
    from xmresearch.sufficient.event_log import EventLog as EventLog
    from xmresearch.sufficient.journeys import Journeys as Journeys
    from xmresearch.sufficient.paths import read_paths as read_paths
    from xmresearch.sufficient.transition_table import Transitions as Transitions
    from xmresearch.sufficient.transition_table import transitions as transitions
else:
    __getattr__, __dir__ = front_door(__name__)
