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
    from xmresearch.outcomes.bg_nbd import BgNbd as BgNbd
    from xmresearch.outcomes.bg_nbd import bg_nbd as bg_nbd
    from xmresearch.outcomes.customer_value import CustomerValue as CustomerValue
    from xmresearch.outcomes.customer_value import customer_value as customer_value
    from xmresearch.outcomes.gamma_gamma import GammaGamma as GammaGamma
    from xmresearch.outcomes.gamma_gamma import gamma_gamma as gamma_gamma
    from xmresearch.outcomes.hazard_counts import HazardFit as HazardFit
    from xmresearch.outcomes.hazard_counts import PersonPeriods as PersonPeriods
    from xmresearch.outcomes.hazard_counts import hazard as hazard
    from xmresearch.outcomes.hazard_counts import hazard_bootstrap as hazard_bootstrap
    from xmresearch.outcomes.risk_checks import e_value as e_value
    from xmresearch.outcomes.risk_checks import risk_calibration as risk_calibration
else:
    __getattr__, __dir__ = front_door(__name__)
