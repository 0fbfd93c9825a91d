"""How estimates with intervals become p values, and which checks the claims of a model need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.claims.claim import UNSETTLED, Claim, Condition
from xmresearch.claims.ranking import Joint
from xmresearch.sem.bayes_result import BayesianSem
from xmresearch.sem.result import SemFit

Array = NDArray[np.float64]
Link = Callable[[Array], Array]
FIT_CHECKS = ("cfi", "rmsea", "srmr")


def needs(fitted: SemFit, posterior: BayesianSem | None = None) -> tuple[Condition, ...]:
    """Return what every claim that rests on a model needs of it.

    Parameters
    ----------
    fitted : SemFit
        The model.
    posterior : BayesianSem, optional
        Draws that the claims are taken from.

    Returns
    -------
    tuple of Condition
        converged; cfi, rmsea and srmr within the wider bounds of fit; improper (no estimate is impossible, no two factors
        are one, no path exceeds one); reversed_item (no item loads against the others of its construct); and of a
        posterior all checks that can fail.
    """
    status = dict(fitted.diagnostics()[["check", "status"]].itertuples(index=False, name=None))
    found = [Condition("converged", fitted.converged)]
    found += [Condition(k, status[k] != "fail") for k in FIT_CHECKS if k in status]
    found.append(Condition("improper", status["improper"] == "pass"))
    found.append(Condition("reversed_item", all(c.kind != "reversed_item" for c in fitted.concerns)))
    if posterior is not None:
        found += [Condition(r.check, r.status != "fail") for r in posterior.diagnostics().itertuples()]
    return tuple(found)


def depending(claim: Claim, conditions: Sequence[Condition]) -> Claim:
    """Return a claim with its conditions; withheld where the estimation that it rests on did not converge."""
    made = claim.given(*conditions)
    return made.withhold("not_converged") if "converged" in made.failed else made


def tested(name: str, *, within: float, beyond: float, confidence: float, margin: float) -> Claim:
    """Claim that a departure is smaller than a margin, or larger, by two one-sided tests.

    Parameters
    ----------
    name : str
        Of the assumption.
    within, beyond : float
        p values: of the hypothesis that the departure is at least the margin, and that it is at most the margin.
    confidence : float
        Each test has the level 1 - confidence.
    margin : float
        Of the departure.

    Returns
    -------
    Claim
        no_departure, failed or unsettled; withheld where there is no test.

    References
    ----------
    MacCallum, R. C., Browne, M. W. & Sugawara, H. M. (1996). Psychological Methods, 1, 130-149 (close and not-close fit).
    """
    level = 1 - confidence
    verdict = "failed" if beyond < level else "no_departure" if within < level else UNSETTLED
    made = Claim(name, "assumption", verdict, "two_one_sided_tests", level, confidence)
    made = made.about(margin=margin, p_within=within, p_beyond=beyond)
    return made.withhold("untested") if np.isnan(within) and np.isnan(beyond) else made


def tails(
    table: pd.DataFrame, column: str, bound: float, confidence: float, link: Link = np.asarray
) -> tuple[Array, Array]:
    """Return one-sided p values that agree with intervals.

    Parameters
    ----------
    table : DataFrame
        K rows, with the column, and its two-sided interval in column_lower and column_upper.
    column : str
        The figures.
    bound : float
        What they are held against.
    confidence : float
        Of the intervals.
    link : callable
        The scale on which the intervals are about symmetric.

    Returns
    -------
    above, below : ndarray
        Shape (K,): p of the hypothesis that the figure is at most the bound (small where it is above), and at least the
        bound. Each is below (1 - confidence) / 2 exactly where the interval leaves out the bound on that side. NaN without
        an interval.
    """
    reach = float(special.ndtri((1 + confidence) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = (table[f"{column}{end}"].to_numpy(dtype=float) for end in ("", "_lower", "_upper"))
        middle, low, high = (link(x) for x in ends)
        held, half = link(np.asarray(bound)), (high - low) / 2
        above = special.ndtr(-reach * (middle - held) / np.where(middle > low, middle - low, half))
        below = special.ndtr(-reach * (held - middle) / np.where(high > middle, high - middle, half))
    return np.asarray(above), np.asarray(below)


def against_zero(joint: Joint) -> tuple[Array, Array]:
    """Return one-sided p values of figures against zero, shape (K,) each: small where a figure is above, and below."""
    k = len(joint.estimate)
    draws = None if joint.draws is None else np.pad(joint.draws, ((0, 0), (0, 1)))
    covariance = None if joint.covariance is None else np.pad(joint.covariance, (0, 1))
    wider = Joint(np.append(joint.estimate, 0.0), draws, covariance, joint.df)
    above = np.array([wider.tail(i, k) for i in range(k)])
    below = np.array([wider.tail(k, i) for i in range(k)])
    return above, below
