"""Structural equation models in lavaan's syntax.

Examples
--------
>>> import xmresearch as xm
>>> fitted = xm.sem.fit("f =~ a + b + c", frame)
>>> xm.sem.invariance("f =~ a + b + c", frame, "branch")
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.sem.agreement import Agreement as Agreement
    from xmresearch.sem.agreement import second_program as second_program
    from xmresearch.sem.bayes import sample as sample
    from xmresearch.sem.bayes_result import BayesianSem as BayesianSem
    from xmresearch.sem.catalogue import model_text as model_text
    from xmresearch.sem.catalogue import shipped_models as shipped_models
    from xmresearch.sem.comparison import DifferenceTest as DifferenceTest
    from xmresearch.sem.comparison import compare as compare
    from xmresearch.sem.comparison import difference_test as difference_test
    from xmresearch.sem.fitting import fit as fit
    from xmresearch.sem.fitting import fit_all as fit_all
    from xmresearch.sem.followup import factor_scores as factor_scores
    from xmresearch.sem.followup import modification_indices as modification_indices
    from xmresearch.sem.interchange import from_semopy as from_semopy
    from xmresearch.sem.interchange import to_semopy as to_semopy
    from xmresearch.sem.invariance_ladder import InvarianceResult as InvarianceResult
    from xmresearch.sem.invariance_ladder import invariance as invariance
    from xmresearch.sem.measurement import measurement_model as measurement_model
    from xmresearch.sem.pls_fit import PlsResult as PlsResult
    from xmresearch.sem.pls_fit import pls as pls
    from xmresearch.sem.polychorics import Polychoric as Polychoric
    from xmresearch.sem.polychorics import polychoric as polychoric
    from xmresearch.sem.result import SemFit as SemFit
    from xmresearch.sem.simulated_intervals import MonteCarloResult as MonteCarloResult
    from xmresearch.sem.simulated_intervals import monte_carlo as monte_carlo
    from xmresearch.sem.syntax import parse_model as parse_model
    from xmresearch.sem.total_effects import EffectsResult as EffectsResult
    from xmresearch.sem.total_effects import MediationResult as MediationResult
    from xmresearch.sem.total_effects import effects as effects
    from xmresearch.sem.total_effects import mediation as mediation
    from xmresearch.sem.what_if import GainsResult as GainsResult
    from xmresearch.sem.what_if import IndexResult as IndexResult
    from xmresearch.sem.what_if import gains as gains
    from xmresearch.sem.what_if import indices as indices
    from xmresearch.sufficient.moments import Moments as Moments
else:
    __getattr__, __dir__ = front_door(__name__)
