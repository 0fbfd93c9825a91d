"""What a structural equation study claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from xmresearch.claims.claim import Claim, Condition
from xmresearch.display import Shown
from xmresearch.psychometrics.composite import CompositeResult
from xmresearch.psychometrics.construct_validity import ValidityResult
from xmresearch.psychometrics.method_variance import CommonMethodResult
from xmresearch.sem.bayes_result import BayesianSem
from xmresearch.sem.invariance_ladder import InvarianceResult
from xmresearch.sem.pls_fit import PlsResult
from xmresearch.sem.result import SemFit
from xmresearch.sem.total_effects import EffectsResult, MediationResult
from xmresearch.sem.what_if import GainsResult, IndexResult
from xmresearch.studies.sem import drivers, groups, measurement, others
from xmresearch.studies.sem.drivers import DriverClaims, driver_claims
from xmresearch.studies.sem.evidence import needs
from xmresearch.studies.sem.groups import GroupClaims, group_claims
from xmresearch.studies.sem.measurement import MeasurementClaims, fit_claim, measurement_claims, method_claim
from xmresearch.studies.sem.others import pls_claim, rivals_claim

CLAIMS: Mapping[str, tuple[str, ...]] = {
    **measurement.CLAIMS,
    **drivers.CLAIMS,
    **groups.CLAIMS,
    **others.CLAIMS,
}


@dataclass(frozen=True, repr=False)
class SemClaims(Shown):
    """What a report of a structural equation study may say; None for what was not asked.

    Attributes
    ----------
    fit : Claim
        Of the whole model.
    measured : MeasurementClaims
        Of the instrument.
    drivers : DriverClaims
        Of effects and gains; they need a model that fits, proper estimates and an instrument that has not failed.
    groups : GroupClaims
        Of measurement invariance and latent means.
    method : Claim or None
        Of the method of asking.
    rivals : Claim or None
        Which of the models describes the answers best.
    pls : Claim or None
        How many paths are closer to zero by partial least squares.
    """

    fit: Claim
    measured: MeasurementClaims
    drivers: DriverClaims
    groups: GroupClaims
    method: Claim | None
    rivals: Claim | None
    pls: Claim | None


def sem_claims(
    outcomes: Sequence[str],
    fitted: SemFit,
    measured: SemFit,
    trust: CompositeResult,
    valid: ValidityResult,
    *,
    posterior: BayesianSem | None = None,
    effect: EffectsResult | None = None,
    gain: GainsResult | None = None,
    index: IndexResult | None = None,
    chains: MediationResult | None = None,
    ladder: InvarianceResult | None = None,
    method: CommonMethodResult | None = None,
    rivals: Mapping[str, SemFit] | None = None,
    composites: PlsResult | None = None,
    paths: pd.DataFrame | None = None,
) -> SemClaims:
    """Claim what a structural equation study may say.

    Parameters
    ----------
    outcomes : sequence of str
        What is to be explained, first the construct of the index.
    fitted, measured : SemFit
        The model and its measurement part.
    trust, valid
        Reliability and validity of the measurement part.
    posterior, effect, gain, index, chains, ladder, method, rivals, composites, paths
        Further results, where they were asked for.

    Returns
    -------
    SemClaims
    """
    instrument = measurement_claims(measured, trust, valid)
    held = Condition(
        "instrument", None if instrument.instrument.withheld else instrument.instrument.verdict != "failed"
    )
    conditions = (*needs(fitted, posterior), held)
    return SemClaims(
        fit_claim(fitted), instrument,
        driver_claims(outcomes, effect, gain, index, chains, conditions, fitted.confidence),
        group_claims(ladder), method_claim(method),
        rivals_claim(fitted, rivals, "structural") if rivals else None,
        None if paths is None else pls_claim(composites, paths),
    )  # fmt: skip
