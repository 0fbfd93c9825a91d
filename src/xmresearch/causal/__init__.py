"""Did the change work? Bayesian difference-in-differences on cell statistics.

Examples
--------
>>> import xmresearch as xm
>>> found = xm.causal.did(frame, outcome="score", unit="branch", time="month", cohort="rollout")
>>> xm.causal.sensitivity(found)
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.causal.arm_comparison import ArmComparison as ArmComparison
    from xmresearch.causal.arm_comparison import compare_arms as compare_arms
    from xmresearch.causal.designs import did as did
    from xmresearch.causal.experiment_result import ExperimentResult as ExperimentResult
    from xmresearch.causal.goodman_bacon import BaconResult as BaconResult
    from xmresearch.causal.goodman_bacon import bacon as bacon
    from xmresearch.causal.honest_trends import HonestResult as HonestResult
    from xmresearch.causal.honest_trends import honest as honest
    from xmresearch.causal.interim_looks import GroupSequentialDesign as GroupSequentialDesign
    from xmresearch.causal.interim_looks import alpha_spending as alpha_spending
    from xmresearch.causal.interim_looks import group_sequential as group_sequential
    from xmresearch.causal.interrupted_result import InterruptedResult as InterruptedResult
    from xmresearch.causal.interrupted_series import interrupted as interrupted
    from xmresearch.causal.moments_by_arm import ArmMoments as ArmMoments
    from xmresearch.causal.moments_by_arm import arm_moments as arm_moments
    from xmresearch.causal.panel import Panel as Panel
    from xmresearch.causal.randomised import experiment as experiment
    from xmresearch.causal.result import DidResult as DidResult
    from xmresearch.causal.robustness import SensitivityResult as SensitivityResult
    from xmresearch.causal.robustness import sensitivity as sensitivity
    from xmresearch.causal.segmented_regression import SegmentedResult as SegmentedResult
    from xmresearch.causal.segmented_regression import segmented as segmented
    from xmresearch.causal.sequential import ConfidenceSequence as ConfidenceSequence
    from xmresearch.causal.sequential import confidence_sequence as confidence_sequence
    from xmresearch.causal.sequential import monitor as monitor
    from xmresearch.causal.synthetic import SyntheticResult as SyntheticResult
    from xmresearch.causal.synthetic import synthetic_control as synthetic_control
    from xmresearch.causal.two_way_regression import TwoWayResult as TwoWayResult
    from xmresearch.causal.two_way_regression import two_way_effects as two_way_effects
    from xmresearch.sufficient.cells import Cells as Cells
else:
    __getattr__, __dir__ = front_door(__name__)
