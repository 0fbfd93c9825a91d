"""What may be said: claims, the rules that settle them, and the calibration of those rules."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.claims.between_samples import differ as differ
    from xmresearch.claims.between_samples import heterogeneity as heterogeneity
    from xmresearch.claims.calibration import Cell as Cell
    from xmresearch.claims.calibration import exact_interval as exact_interval
    from xmresearch.claims.calibration import judge as judge
    from xmresearch.claims.calibration import power as power
    from xmresearch.claims.change import changes_of as changes_of
    from xmresearch.claims.change import difference as difference
    from xmresearch.claims.change import figures_changed as figures_changed
    from xmresearch.claims.change import targets_reached as targets_reached
    from xmresearch.claims.claim import Claim as Claim
    from xmresearch.claims.claim import Condition as Condition
    from xmresearch.claims.claim import cases as cases
    from xmresearch.claims.families import adjusted as adjusted
    from xmresearch.claims.families import count_of as count_of
    from xmresearch.claims.partial_pooling import pooled as pooled
    from xmresearch.claims.parts import part_of as part_of
    from xmresearch.claims.ranking import Joint as Joint
    from xmresearch.claims.ranking import first_of as first_of
    from xmresearch.claims.repeated import corrected as corrected
    from xmresearch.claims.rules import alike as alike
    from xmresearch.claims.rules import assumption as assumption
    from xmresearch.claims.rules import decision as decision
    from xmresearch.claims.rules import larger as larger
    from xmresearch.claims.rules import log_share as log_share
    from xmresearch.claims.rules import sign as sign
else:
    __getattr__, __dir__ = front_door(__name__)
