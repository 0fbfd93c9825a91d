"""Monitoring: control charts, run rules and their run lengths, seasons, change points, forecasts, handling of feedback."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.monitoring.apdex_scores import Apdex as Apdex
    from xmresearch.monitoring.apdex_scores import apdex as apdex
    from xmresearch.monitoring.baseline_errors import process_of as process_of
    from xmresearch.monitoring.branches import ManyCharts as ManyCharts
    from xmresearch.monitoring.branches import many_charts as many_charts
    from xmresearch.monitoring.calendar_forecasts import calendar_forecast as calendar_forecast
    from xmresearch.monitoring.calendars import DayKinds as DayKinds
    from xmresearch.monitoring.calendars import day_kinds as day_kinds
    from xmresearch.monitoring.change_points import LevelChanges as LevelChanges
    from xmresearch.monitoring.change_points import level_changes as level_changes
    from xmresearch.monitoring.change_shares import ChangeShares as ChangeShares
    from xmresearch.monitoring.change_shares import shapley_change as shapley_change
    from xmresearch.monitoring.change_sources import driver_shares as driver_shares
    from xmresearch.monitoring.change_sources import segment_shares as segment_shares
    from xmresearch.monitoring.change_sources import step_shares as step_shares
    from xmresearch.monitoring.chart_scores import normal_scores as normal_scores
    from xmresearch.monitoring.control_chart import ControlChart as ControlChart
    from xmresearch.monitoring.count_charts import c_chart as c_chart
    from xmresearch.monitoring.count_charts import np_chart as np_chart
    from xmresearch.monitoring.count_charts import p_chart as p_chart
    from xmresearch.monitoring.count_charts import u_chart as u_chart
    from xmresearch.monitoring.cox_regression import CoxFit as CoxFit
    from xmresearch.monitoring.cox_regression import cox as cox
    from xmresearch.monitoring.cumulated_charts import CumulatedChart as CumulatedChart
    from xmresearch.monitoring.cumulated_charts import cusum_chart as cusum_chart
    from xmresearch.monitoring.cumulated_charts import ewma_chart as ewma_chart
    from xmresearch.monitoring.cumulated_run_lengths import cusum_limit as cusum_limit
    from xmresearch.monitoring.cumulated_run_lengths import cusum_run_length as cusum_run_length
    from xmresearch.monitoring.cumulated_run_lengths import ewma_limit as ewma_limit
    from xmresearch.monitoring.cumulated_run_lengths import ewma_run_length as ewma_run_length
    from xmresearch.monitoring.dose_responses import DoseResponse as DoseResponse
    from xmresearch.monitoring.dose_responses import dose_response as dose_response
    from xmresearch.monitoring.episodes import alarm_episodes as alarm_episodes
    from xmresearch.monitoring.feedback_handling import HandlingTimes as HandlingTimes
    from xmresearch.monitoring.feedback_handling import handling_times as handling_times
    from xmresearch.monitoring.feedback_handling import next_contacts as next_contacts
    from xmresearch.monitoring.forecasts import Forecast as Forecast
    from xmresearch.monitoring.forecasts import forecast as forecast
    from xmresearch.monitoring.guaranteed_cusum import CusumRules as CusumRules
    from xmresearch.monitoring.guaranteed_cusum import cusum_alarms as cusum_alarms
    from xmresearch.monitoring.guaranteed_cusum import cusum_rules as cusum_rules
    from xmresearch.monitoring.individuals_chart import xmr_chart as xmr_chart
    from xmresearch.monitoring.level_stability import stability_tests as stability_tests
    from xmresearch.monitoring.queue_formulas import Queue as Queue
    from xmresearch.monitoring.queue_formulas import erlang_c as erlang_c
    from xmresearch.monitoring.queue_formulas import queue as queue
    from xmresearch.monitoring.queue_simulation import SimulatedQueue as SimulatedQueue
    from xmresearch.monitoring.queue_simulation import simulated_queue as simulated_queue
    from xmresearch.monitoring.queues import Arrivals as Arrivals
    from xmresearch.monitoring.queues import CountersNeeded as CountersNeeded
    from xmresearch.monitoring.queues import arrivals as arrivals
    from xmresearch.monitoring.queues import counters_needed as counters_needed
    from xmresearch.monitoring.residuals import ResidualChart as ResidualChart
    from xmresearch.monitoring.residuals import residual_chart as residual_chart
    from xmresearch.monitoring.run_length_limits import AlarmRules as AlarmRules
    from xmresearch.monitoring.run_length_limits import alarm_rules as alarm_rules
    from xmresearch.monitoring.run_length_limits import alarms as alarms
    from xmresearch.monitoring.run_length_limits import false_alarm_chance as false_alarm_chance
    from xmresearch.monitoring.run_lengths import average_run_length as average_run_length
    from xmresearch.monitoring.run_lengths import simulated_run_length as simulated_run_length
    from xmresearch.monitoring.run_rules import RunRules as RunRules
    from xmresearch.monitoring.run_rules import RunsTest as RunsTest
    from xmresearch.monitoring.run_rules import rule_hits as rule_hits
    from xmresearch.monitoring.run_rules import runs_test as runs_test
    from xmresearch.monitoring.satisfaction_links import TelemetryLink as TelemetryLink
    from xmresearch.monitoring.satisfaction_links import satisfaction_link as satisfaction_link
    from xmresearch.monitoring.score_charts import mean_chart as mean_chart
    from xmresearch.monitoring.score_charts import nps_chart as nps_chart
    from xmresearch.monitoring.score_charts import ordinal_chart as ordinal_chart
    from xmresearch.monitoring.seasons import Season as Season
    from xmresearch.monitoring.seasons import season as season
    from xmresearch.monitoring.survival_curves import SurvivalCurve as SurvivalCurve
    from xmresearch.monitoring.survival_curves import compare_curves as compare_curves
    from xmresearch.monitoring.survival_curves import survival_curve as survival_curve
    from xmresearch.monitoring.warning_times import EarlyWarning as EarlyWarning
    from xmresearch.monitoring.warning_times import early_warning as early_warning
    from xmresearch.monitoring.warning_times import lead_correlations as lead_correlations
else:
    __getattr__, __dir__ = front_door(__name__)
