"""Estimates and tests for samples with weights, strata, clusters and finite populations.

Examples
--------
>>> import xmresearch as xm
>>> sample = xm.sampling.design(frame, weights="w", strata="region", clusters="branch")
>>> raked = xm.sampling.rake(sample, {"age": {"18-39": 0.4, "40+": 0.6}})
>>> xm.sampling.by(raked.design, "region", xm.sampling.net_promoter, "recommend")
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.data.weights import effective_n as effective_n
    from xmresearch.data.weights import weight_distribution as weight_distribution
    from xmresearch.sampling.calibration import Calibrated as Calibrated
    from xmresearch.sampling.calibration import calibrate as calibrate
    from xmresearch.sampling.contingency import chi_square as chi_square
    from xmresearch.sampling.contingency import goodness_of_fit as goodness_of_fit
    from xmresearch.sampling.designs import Design as Design
    from xmresearch.sampling.designs import subset as subset
    from xmresearch.sampling.domains import by as by
    from xmresearch.sampling.domains import contrast as contrast
    from xmresearch.sampling.estimates import Estimates as Estimates
    from xmresearch.sampling.estimates import mean as mean
    from xmresearch.sampling.estimates import ratio as ratio
    from xmresearch.sampling.estimates import total as total
    from xmresearch.sampling.hypothesis_tests import rank_test as rank_test
    from xmresearch.sampling.hypothesis_tests import t_test as t_test
    from xmresearch.sampling.margins import margins_of as margins_of
    from xmresearch.sampling.net_scores import net_promoter as net_promoter
    from xmresearch.sampling.proportions import proportion as proportion
    from xmresearch.sampling.quantiles import QuantileResult as QuantileResult
    from xmresearch.sampling.quantiles import quantile as quantile
    from xmresearch.sampling.raking import post_stratify as post_stratify
    from xmresearch.sampling.raking import rake as rake
    from xmresearch.sampling.reference_distributions import DesignTest as DesignTest
    from xmresearch.sampling.regressions import SurveyRegression as SurveyRegression
    from xmresearch.sampling.regressions import regression as regression
    from xmresearch.sampling.replicates import ReplicateEstimates as ReplicateEstimates
    from xmresearch.sampling.replicates import Replicates as Replicates
    from xmresearch.sampling.replicates import bootstrap as bootstrap
    from xmresearch.sampling.replicates import given_replicates as given_replicates
    from xmresearch.sampling.replicates import jackknife as jackknife
    from xmresearch.sampling.replicates import replicate_estimate as replicate_estimate
    from xmresearch.sampling.sampling_stages import design as design
    from xmresearch.sampling.survey_designs import SurveySample as SurveySample
    from xmresearch.sampling.survey_designs import survey_sample as survey_sample
    from xmresearch.sampling.term_tests import likelihood_ratio_test as likelihood_ratio_test
    from xmresearch.sampling.term_tests import wald_test as wald_test
    from xmresearch.sampling.trimming import Trimmed as Trimmed
    from xmresearch.sampling.trimming import trim as trim
else:
    __getattr__, __dir__ = front_door(__name__)
