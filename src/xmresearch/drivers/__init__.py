"""What drives an outcome, and what to fix first: importance, dominance, grids, penalties, Kano, gains.

Examples
--------
>>> import xmresearch as xm
>>> found = xm.drivers.relative_importance(ratings, satisfaction)
>>> xm.drivers.dominance(found)
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.drivers.by_group import GroupDrivers as GroupDrivers
    from xmresearch.drivers.by_group import drivers_by_group as drivers_by_group
    from xmresearch.drivers.collinearity_check import CollinearityResult as CollinearityResult
    from xmresearch.drivers.collinearity_check import collinearity as collinearity
    from xmresearch.drivers.contrasts import ContrastResult as ContrastResult
    from xmresearch.drivers.contrasts import penalty_reward as penalty_reward
    from xmresearch.drivers.dominance_analysis import DominanceResult as DominanceResult
    from xmresearch.drivers.dominance_analysis import dominance as dominance
    from xmresearch.drivers.expected_gains import GainResult as GainResult
    from xmresearch.drivers.expected_gains import gains as gains
    from xmresearch.drivers.importance_fit import relative_importance as relative_importance
    from xmresearch.drivers.johnson_weights import relative_weights as relative_weights
    from xmresearch.drivers.kano_model import KanoResult as KanoResult
    from xmresearch.drivers.kano_model import kano as kano
    from xmresearch.drivers.opportunities import opportunity as opportunity
    from xmresearch.drivers.outcome_weights import index_weights as index_weights
    from xmresearch.drivers.quadrants import ImportanceResult as ImportanceResult
    from xmresearch.drivers.quadrants import derived_grid as derived_grid
    from xmresearch.drivers.quadrants import importance_grid as importance_grid
    from xmresearch.drivers.result import DriverResult as DriverResult
    from xmresearch.drivers.subsets import explained_by_subsets as explained_by_subsets
    from xmresearch.drivers.subsets import lmg as lmg
else:
    __getattr__, __dir__ = front_door(__name__)
