"""What may be said of fit, of the instrument and of the method of asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from xmresearch.claims.claim import UNSETTLED, Claim, cases
from xmresearch.claims.families import adjusted, count_of
from xmresearch.display import Shown
from xmresearch.psychometrics.composite import AVE_BOUND, OMEGA_BOUND, OMEGA_LEAST, CompositeResult
from xmresearch.psychometrics.construct_validity import HTMT_BOUND, HTMT_MOST, ValidityResult
from xmresearch.psychometrics.method_variance import ALPHA, HARMAN_BOUND, SHARE_BOUND, CommonMethodResult
from xmresearch.sem.measures import FAIR_FIT, GOOD_FIT, RMSEA_LEVEL
from xmresearch.sem.result import SemFit
from xmresearch.studies.sem.evidence import Array, depending, needs, tails, tested

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "fit": cases("assumption"),
    "instrument": cases("assumption"),
    "reliable": cases("count"),
    "convergent": cases("count"),
    "distinct": cases("count"),
    "common_method": cases("assumption"),
}
BOUNDS = {f"good_{k}": v for k, v in GOOD_FIT.items()} | {f"fair_{k}": v for k, v in FAIR_FIT.items()}
LEAST_RESPONDENTS = 100
"""Below it solutions are often improper, and standard errors and tests of fit are too optimistic: Boomsma, A. & Hoogland,
J. J. (2001). In Structural Equation Modeling: Present and Future. Scientific Software."""


@dataclass(frozen=True, repr=False)
class MeasurementClaims(Shown):
    """What may be said of the instrument.

    Attributes
    ----------
    instrument : Claim
        Whether it measures what it claims: no_departure where the measurement model fits, every construct is reliable and
        every pair of constructs distinct, each with its interval; failed where one of these is clearly missed.
    reliable, convergent : Claim
        How many constructs' composite reliability exceeds .7, and average variance extracted .5.
    distinct : Claim or None
        How many pairs' HTMT2 stays below .85; None for a single construct.
    """

    instrument: Claim
    reliable: Claim
    convergent: Claim
    distinct: Claim | None = None


def few_respondents(fitted: SemFit) -> dict[str, Any] | None:
    """Return how many respondents there are, by their weights, where these are few for any model of this kind; otherwise None."""
    if fitted.effective_n >= LEAST_RESPONDENTS:
        return None
    case = "unweighted" if fitted.sampling_weights is None else "weighted"
    return {"case": case, "n": fitted.n, "n_eff": fitted.effective_n, "least": LEAST_RESPONDENTS}


def fit_claim(fitted: SemFit, name: str = "fit") -> Claim:
    """Claim that a model fits its data: that RMSEA is below .08, or above.

    Parameters
    ----------
    fitted : SemFit
        The model.
    name : str
        Of the claim.

    Returns
    -------
    Claim
        no_departure only where CFI and SRMR, too, are within the wider bounds; never failed below `LEAST_RESPONDENTS`, where
        chi-square is too large; withheld for a model that cannot be wrong.
    """
    facts = fitted.summary()
    within, beyond = _misfit(fitted)
    if fitted.effective_n < LEAST_RESPONDENTS:
        beyond = 1.0
    made = tested(name, within=within, beyond=beyond, confidence=fitted.confidence, margin=FAIR_FIT["rmsea"])
    missed = [c.check for c in needs(fitted) if c.holds is False and c.check in FAIR_FIT]
    if made.verdict == "no_departure" and missed:
        made = tested(name, within=1.0, beyond=beyond, confidence=fitted.confidence, margin=FAIR_FIT["rmsea"])
    shown = {k: facts[k] for k in ("cfi", "tli", "rmsea", "srmr", "chisq", "df", "pvalue")}
    shown |= {"rmsea_lower": facts["rmsea_ci_lower"], "rmsea_upper": facts["rmsea_ci_upper"]}
    made = made.about(**shown, **BOUNDS, rmsea_level=RMSEA_LEVEL, missed=missed)
    if not fitted.converged:
        return made.withhold("not_converged")
    return made.withhold("saturated") if fitted.model.df == 0 else made


def measurement_claims(measured: SemFit, trust: CompositeResult, valid: ValidityResult) -> MeasurementClaims:
    """Claim what may be said of an instrument.

    Parameters
    ----------
    measured : SemFit
        The measurement model, its factors free to correlate.
    trust : CompositeResult
        Reliability of its constructs.
    valid : ValidityResult
        Their validity.

    Returns
    -------
    MeasurementClaims
    """
    level, conditions = measured.confidence, needs(measured)
    table, pairs = trust.table, valid.pairs[valid.pairs["htmt2"].notna()]
    omega = "omega_categorical" if table["omega_categorical"].notna().any() else "omega"
    named = {"reliable": (omega, OMEGA_BOUND), "convergent": ("ave", AVE_BOUND)}
    made = {k: _exceeding(k, table, column, bound, level) for k, (column, bound) in named.items()}
    couples = [f"{a} ~ {b}" for a, b in zip(pairs["first"], pairs["second"], strict=True)]
    if couples:
        apart = tails(pairs, "htmt2", HTMT_BOUND, level)[1]
        made["distinct"] = count_of("distinct", couples, apart, confidence=level, bound=HTMT_BOUND)
        if pairs["htmt2_upper"].isna().all():
            made["distinct"] = made["distinct"].withhold("no_bootstrap")
    low, one = (
        tails(table, omega, OMEGA_LEAST, level, special.logit)[1],
        tails(pairs, "htmt2", HTMT_MOST, level)[0],
    )
    instrument = _instrument(measured, made, low[~np.isnan(low)], one[~np.isnan(one)])
    return MeasurementClaims(instrument, **{k: depending(c, conditions) for k, c in made.items()})


def _exceeding(name: str, table: pd.DataFrame, column: str, bound: float, confidence: float) -> Claim:
    """Claim how many constructs exceed a bound, of those that have the figure."""
    rows = table[table[column].notna()]
    p = tails(rows, column, bound, confidence, special.logit)[0]
    return count_of(name, list(rows["construct"]), p, confidence=confidence, bound=bound)


def _instrument(measured: SemFit, counts: Mapping[str, Claim], low: Array, one: Array) -> Claim:
    """Judge an instrument by its parts; `low` and `one` are p values of constructs and pairs beyond the poorer bounds."""
    level = 1 - measured.confidence
    fitting = fit_claim(measured, "instrument")
    lacking = [] if fitting.verdict == "no_departure" else ["fit_part"]
    parts = {"reliable": "reliability_part", "distinct": "distinctness_part"}
    lacking += [part for k, part in parts.items() if k in counts and counts[k].case != "all"]
    lacking += [c.check for c in needs(measured) if c.holds is False and c.check in ("improper", "reversed_item")]
    against = {"fit_part": np.array([fitting.facts["p_beyond"]]), "reliability_part": low, "distinctness_part": one}
    family = adjusted(np.concatenate(list(against.values())))
    owner = [k for k, v in against.items() for _ in v]
    failing = list(dict.fromkeys(k for k, p in zip(owner, family, strict=True) if p < level))
    verdict = "failed" if failing else UNSETTLED if lacking else "no_departure"
    made = Claim("instrument", "assumption", verdict, "all_parts", level, measured.confidence)
    made = made.about(**fitting.facts, lacking=lacking, failing=failing, omega_bound=OMEGA_BOUND)
    for k in ("reliable", "convergent", "distinct"):
        count = counts[k].facts if k in counts else {"count": 0, "total": 0}
        made = made.about(**{k: count["count"], f"{k}_total": count["total"]})
    if not measured.converged:
        return made.withhold("not_converged")
    return made.withhold("saturated") if measured.model.df == 0 and verdict != "failed" else made


def method_claim(found: CommonMethodResult | None) -> Claim | None:
    """Claim that a common method explains less than a quarter of the items' variance, or more.

    Parameters
    ----------
    found : CommonMethodResult
        With a method factor, and perhaps one of marker items; None where it was not asked for.

    Returns
    -------
    Claim or None
        no_departure only where the first component explains less than half, too, and one factor fits worse.
    """
    if found is None:
        return None
    rows = found.table.set_index("model").reindex(["method_factor", "marker_constrained"])
    shares = rows[["share", "share_lower", "share_upper"]].dropna()
    above, below = tails(shares, "share", SHARE_BOUND, found.confidence)
    signs = found.summary()
    quiet = signs["harman"] < HARMAN_BOUND and signs["one_factor_p"] < ALPHA
    within = _largest(below) if quiet or not len(shares) else 1.0
    beyond = float(adjusted(above).min()) if len(shares) else np.nan
    made = tested("common_method", within=within, beyond=beyond, confidence=found.confidence, margin=SHARE_BOUND)
    return made.about(**signs)


def _misfit(fitted: SemFit) -> tuple[float, float]:
    """Return p of an RMSEA of at least .08, and of at most .08, by the figures that reports quote."""
    measures = fitted.measures
    robust = "rmsea.notclose.pvalue.robust"
    many = bool(fitted.model.categories) and len(fitted.model.groups) > 1
    names = ([] if many else [robust]) + ["rmsea.notclose.pvalue.scaled", "rmsea.notclose.pvalue"]
    found = [float(measures[k]) for k in names if k in measures and np.isfinite(measures[k])]
    return (found[0], 1 - found[0]) if found else (np.nan, np.nan)


def _largest(p: Array) -> float:
    """Return the largest of some p values; NaN where there is none to judge, one where some lack an interval."""
    return float(np.nan_to_num(p, nan=1.0).max()) if len(p) else np.nan
