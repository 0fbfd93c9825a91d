"""Does experience keep customers, and what are they worth? Repeat buying, spending, and times to leaving.

Examples
--------
>>> import xmresearch as xm
>>> model = xm.outcomes.bg_nbd(frequency, recency, age)
>>> xm.outcomes.customer_value(model, frequency, recency, age, period=4.33, periods=12)
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.outcomes.accelerated_failure import FailureTimes as FailureTimes
    from xmresearch.outcomes.accelerated_failure import failure_times as failure_times
    from xmresearch.outcomes.hazard_counts import HazardFit as HazardFit
    from xmresearch.outcomes.hazard_counts import PersonPeriods as PersonPeriods
    from xmresearch.outcomes.hazard_counts import hazard as hazard
    from xmresearch.outcomes.hazard_counts import hazard_bootstrap as hazard_bootstrap
    from xmresearch.outcomes.repeat_buying import BgNbd as BgNbd
    from xmresearch.outcomes.repeat_buying import bg_nbd as bg_nbd
    from xmresearch.outcomes.risk_checks import e_value as e_value
    from xmresearch.outcomes.risk_checks import risk_calibration as risk_calibration
    from xmresearch.outcomes.spending import GammaGamma as GammaGamma
    from xmresearch.outcomes.spending import gamma_gamma as gamma_gamma
    from xmresearch.outcomes.value_to_come import CustomerValue as CustomerValue
    from xmresearch.outcomes.value_to_come import customer_value as customer_value
else:
    __getattr__, __dir__ = front_door(__name__)
