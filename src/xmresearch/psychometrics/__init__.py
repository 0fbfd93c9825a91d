"""Gaps, reliability, importance, drivers and scores of survey instruments.

Examples
--------
>>> import xmresearch as xm
>>> survey = xm.load_survey("answers.csv", codebook="servqual")
>>> xm.psychometrics.gaps(survey.frame, survey.codebook)
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.psychometrics.answer_moments import answer_shapes as answer_shapes
    from xmresearch.psychometrics.batteries import dimension_scores as dimension_scores
    from xmresearch.psychometrics.composite import CompositeResult as CompositeResult
    from xmresearch.psychometrics.composite import composite_reliability as composite_reliability
    from xmresearch.psychometrics.construct_validity import ValidityResult as ValidityResult
    from xmresearch.psychometrics.construct_validity import htmt as htmt
    from xmresearch.psychometrics.construct_validity import htmt2 as htmt2
    from xmresearch.psychometrics.construct_validity import validity as validity
    from xmresearch.psychometrics.dimension_matrix import score_matrix as score_matrix
    from xmresearch.psychometrics.factor_analysis import EfaResult as EfaResult
    from xmresearch.psychometrics.factor_analysis import efa as efa
    from xmresearch.psychometrics.factor_analysis import parallel_analysis as parallel_analysis
    from xmresearch.psychometrics.gap_scores import GapResult as GapResult
    from xmresearch.psychometrics.gap_scores import gaps as gaps
    from xmresearch.psychometrics.importance import derived_importance as derived_importance
    from xmresearch.psychometrics.importance import importance_performance as importance_performance
    from xmresearch.psychometrics.instrument import SegmentInvariance as SegmentInvariance
    from xmresearch.psychometrics.instrument import battery_cfa as battery_cfa
    from xmresearch.psychometrics.instrument import battery_model as battery_model
    from xmresearch.psychometrics.instrument import segment_invariance as segment_invariance
    from xmresearch.psychometrics.internal_consistency import ReliabilityResult as ReliabilityResult
    from xmresearch.psychometrics.internal_consistency import reliability as reliability
    from xmresearch.psychometrics.item_statistics import ItemResult as ItemResult
    from xmresearch.psychometrics.item_statistics import item_analysis as item_analysis
    from xmresearch.psychometrics.items_of_model import model_items as model_items
    from xmresearch.psychometrics.method_variance import CommonMethodResult as CommonMethodResult
    from xmresearch.psychometrics.method_variance import common_method as common_method
    from xmresearch.psychometrics.overall import ScoreResult as ScoreResult
    from xmresearch.psychometrics.overall import overall_scores as overall_scores
    from xmresearch.psychometrics.overall_drivers import outcome_drivers as outcome_drivers
    from xmresearch.psychometrics.performance_scores import PerformanceResult as PerformanceResult
    from xmresearch.psychometrics.performance_scores import performance as performance
    from xmresearch.psychometrics.priority import PriorityResult as PriorityResult
    from xmresearch.psychometrics.priority import priorities as priorities
    from xmresearch.psychometrics.segments import SegmentResult as SegmentResult
    from xmresearch.psychometrics.segments import segment_gaps as segment_gaps
    from xmresearch.psychometrics.tolerance import ToleranceResult as ToleranceResult
    from xmresearch.psychometrics.tolerance import zone_of_tolerance as zone_of_tolerance
    from xmresearch.psychometrics.wave_gaps import GapChanges as GapChanges
    from xmresearch.psychometrics.wave_gaps import gap_changes as gap_changes
else:
    __getattr__, __dir__ = front_door(__name__)
