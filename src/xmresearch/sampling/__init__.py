"""Estimates and tests for samples with weights, strata, clusters and finite populations."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.sampling.calibration import Calibrated as Calibrated
    from xmresearch.sampling.calibration import calibrate as calibrate
    from xmresearch.sampling.calibration import margins_of as margins_of
    from xmresearch.sampling.calibration import post_stratify as post_stratify
    from xmresearch.sampling.calibration import rake as rake
    from xmresearch.sampling.calibration import trim as trim
    from xmresearch.sampling.designs import Design as Design
    from xmresearch.sampling.designs import design as design
    from xmresearch.sampling.estimates import Estimates as Estimates
    from xmresearch.sampling.estimates import by as by
    from xmresearch.sampling.estimates import contrast as contrast
    from xmresearch.sampling.estimates import mean as mean
    from xmresearch.sampling.estimates import net_promoter as net_promoter
    from xmresearch.sampling.estimates import ratio as ratio
    from xmresearch.sampling.estimates import total as total
    from xmresearch.sampling.hypothesis_tests import chi_square as chi_square
    from xmresearch.sampling.hypothesis_tests import rank_test as rank_test
    from xmresearch.sampling.hypothesis_tests import t_test as t_test
    from xmresearch.sampling.proportions import proportion as proportion
    from xmresearch.sampling.quantiles import QuantileResult as QuantileResult
    from xmresearch.sampling.quantiles import quantile as quantile
    from xmresearch.sampling.regressions import SurveyRegression as SurveyRegression
    from xmresearch.sampling.regressions import regression as regression
    from xmresearch.sampling.regressions import wald_test as wald_test
    from xmresearch.sampling.replicates import Replicates as Replicates
    from xmresearch.sampling.replicates import bootstrap as bootstrap
    from xmresearch.sampling.replicates import given_replicates as given_replicates
    from xmresearch.sampling.replicates import jackknife as jackknife
    from xmresearch.sampling.replicates import replicate_estimate as replicate_estimate
else:
    __getattr__, __dir__ = front_door(__name__)
