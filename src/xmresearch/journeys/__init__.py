"""Journeys of cases: how long they take, where time is lost, which paths they go, how they are felt.

Examples
--------
>>> import xmresearch as xm
>>> log = xm.journeys.read_cases(frame, case="case", activity="step", time="time", customer="customer")
>>> xm.journeys.bottlenecks(log).claim
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.journeys.case_log import CaseLog as CaseLog
    from xmresearch.journeys.case_reading import read_cases as read_cases
    from xmresearch.journeys.declared_paths import Conformance as Conformance
    from xmresearch.journeys.declared_paths import PathStage as PathStage
    from xmresearch.journeys.declared_paths import conformance as conformance
    from xmresearch.journeys.durations import CaseTimes as CaseTimes
    from xmresearch.journeys.durations import case_times as case_times
    from xmresearch.journeys.group_comparison import GroupComparison as GroupComparison
    from xmresearch.journeys.group_comparison import before_after as before_after
    from xmresearch.journeys.group_comparison import compare_groups as compare_groups
    from xmresearch.journeys.group_comparison import step_differences as step_differences
    from xmresearch.journeys.journey_stages import JourneyMap as JourneyMap
    from xmresearch.journeys.journey_stages import journey_map as journey_map
    from xmresearch.journeys.lost_time import Bottlenecks as Bottlenecks
    from xmresearch.journeys.lost_time import bottlenecks as bottlenecks
    from xmresearch.journeys.map_of_steps import StepMap as StepMap
    from xmresearch.journeys.map_of_steps import step_map as step_map
    from xmresearch.journeys.path_variants import Variants as Variants
    from xmresearch.journeys.path_variants import variants as variants
    from xmresearch.journeys.queue_lengths import step_queues as step_queues
    from xmresearch.journeys.rare_activities import pool_rare as pool_rare
    from xmresearch.journeys.repeated_steps import Rework as Rework
    from xmresearch.journeys.repeated_steps import rework as rework
    from xmresearch.journeys.returning_customers import Returns as Returns
    from xmresearch.journeys.returning_customers import returns as returns
    from xmresearch.journeys.sequence_clusters import PathClusters as PathClusters
    from xmresearch.journeys.sequence_clusters import path_clusters as path_clusters
    from xmresearch.journeys.sequence_clusters import path_distances as path_distances
    from xmresearch.journeys.streamed_times import StreamedTimes as StreamedTimes
    from xmresearch.journeys.streamed_times import scan_times as scan_times
    from xmresearch.journeys.unreached_cases import case_exits as case_exits
    from xmresearch.journeys.working_hours import WorkingHours as WorkingHours
    from xmresearch.journeys.working_hours import in_working_time as in_working_time
else:
    __getattr__, __dir__ = front_door(__name__)
