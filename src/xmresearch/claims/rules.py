"""Rules that settle claims about one figure, about groups, and about what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.claims.claim import UNSETTLED, Claim

Array = NDArray[np.float64]


def sign(
    name: str,
    estimate: float,
    lower: float,
    upper: float,
    *,
    confidence: float,
    span: float | None = None,
    **facts: Any,
) -> Claim:
    """Claim on which side of zero a figure lies.

    Parameters
    ----------
    name : str
        Of the claim.
    estimate, lower, upper : float
        The figure and its two-sided interval.
    confidence : float
        Level of the interval; the claim is false at most in 1 - confidence of the cases.
    span : float, optional
        Width of the scale: the claim is withheld where the interval is as wide.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        above, below or unsettled; withheld where there is no interval.

    References
    ----------
    Gelman, A. & Tuerlinckx, F. (2000). Type S error rates for classical and Bayesian single and multiple comparison procedures.
    Computational Statistics, 15, 373-390.
    """
    verdict = "above" if lower > 0 else "below" if upper < 0 else UNSETTLED
    made = Claim(name, "sign", verdict, "interval_excludes_zero", 1 - confidence, confidence, estimate, lower, upper)
    return _or_withheld(made.about(**facts), span)


def larger(
    name: str,
    estimate: float,
    lower: float,
    upper: float,
    threshold: float,
    *,
    confidence: float,
    span: float | None = None,
    **facts: Any,
) -> Claim:
    """Claim that a figure is larger than a threshold, in either direction, or too small to matter.

    Parameters
    ----------
    name : str
        Of the claim.
    estimate, lower, upper : float
        The figure and its two-sided interval.
    threshold : float
        Smallest size that matters, not negative; at zero the claim is that of a sign.
    confidence : float
        Level of the interval; each verdict is false at most in (1 - confidence) / 2 of the cases.
    span : float, optional
        Width of the scale: the claim is withheld where the interval is as wide.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        larger, smaller, within (too small to matter) or unsettled.

    Raises
    ------
    ValueError
        The threshold is negative.

    References
    ----------
    Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach for assessing the
    equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics, 15, 657-680.
    """
    if not threshold >= 0:
        raise ValueError(f"the threshold is {threshold:g}; it must be at least 0")
    if lower > threshold:
        verdict = "larger"
    elif upper < -threshold:
        verdict = "smaller"
    else:
        verdict = "within" if -threshold < lower and upper < threshold else UNSETTLED
    promised = (1 - confidence) / 2 if threshold > 0 else 1 - confidence
    made = Claim(name, "larger", verdict, "interval_beyond_threshold", promised, confidence, estimate, lower, upper)
    return _or_withheld(made.about(threshold=threshold, **facts), span)


def alike(
    name: str,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    margin: float | None,
    p: float,
    confidence: float,
    **facts: Any,
) -> Claim:
    """Claim that groups are alike, or that they differ.

    Parameters
    ----------
    name : str
        Of the claim.
    lower, upper : array_like
        Simultaneous bounds of all differences between groups, shape (differences,).
    margin : float or None
        Largest difference that does not matter; None where none was stated, and likeness cannot be claimed.
    p : float
        Of the omnibus test of equality.
    confidence : float
        Level of the bounds and, as 1 - level, of the test.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        alike (every bound within the margin), differs (the omnibus test rejects) or unsettled.

    References
    ----------
    Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach. Journal of
    Pharmacokinetics and Biopharmaceutics, 15, 657-680.
    """
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    inside = margin is not None and low.size > 0 and bool(((low > -margin) & (high < margin)).all())
    verdict = "alike" if inside else "differs" if p < 1 - confidence else UNSETTLED
    made = Claim(name, "alike", verdict, "bounds_within_margin", 1 - confidence, confidence)
    made = made.about(margin=np.nan if margin is None else margin, p=p, **facts)
    return made.withhold("no_test") if np.isnan(p) and not inside else made


def assumption(
    name: str,
    *,
    p: float,
    confidence: float,
    lower: ArrayLike = (),
    upper: ArrayLike = (),
    margin: float | None = None,
    **facts: Any,
) -> Claim:
    """Claim that no departure from an assumption was seen, or that there is one; an assumption is never proved.

    Parameters
    ----------
    name : str
        Of the assumption, which is also the name of the condition of claims that need it.
    p : float
        Of the joint test of the assumption; NaN where it could not be tested.
    confidence : float
        Level of the bounds and, as 1 - level, of the test.
    lower, upper : array_like
        Simultaneous bounds of the departures, shape (departures,).
    margin : float, optional
        Largest departure that would not matter.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        no_departure (every bound within the margin), failed (the joint test rejects), otherwise unsettled: a departure
        cannot be excluded. Withheld where nothing could be tested.

    References
    ----------
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel trends. American Economic
    Review: Insights, 4, 305-322.
    """
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    inside = margin is not None and low.size > 0 and bool(((low > -margin) & (high < margin)).all())
    verdict = "no_departure" if inside else "failed" if p < 1 - confidence else UNSETTLED
    made = Claim(name, "assumption", verdict, "joint_test", 1 - confidence, confidence)
    made = made.about(margin=np.nan if margin is None else margin, p=p, **facts)
    return made.withhold("untested") if np.isnan(p) and not inside else made


def log_share(name: str, count: float, total: float, **facts: Any) -> Claim:
    """Claim a share of what a log holds: a count, without an interval.

    Parameters
    ----------
    name : str
        Of the claim.
    count, total : float
        Journeys, touches or customers that are counted, and of how many.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        counted, with facts count, total and share.
    """
    share = count / total if total else np.nan
    made = Claim(name, "share", "counted", "counted", 0.0, 1.0, share)
    return made.about(count=count, total=total, share=share, **facts)


def decision(
    name: str,
    draws: Array,
    break_even: float,
    *,
    confidence: float,
    under: Sequence[Claim] = (),
    tolerable: float = 0.0,
    **facts: Any,
) -> Claim:
    """Claim whether acting pays, against a stated break-even.

    Parameters
    ----------
    name : str
        Of the claim.
    draws : ndarray
        Posterior draws of the gain from acting, shape (S,).
    break_even : float
        Gain from which acting pays, in the same units.
    confidence : float
        Two-sided level of the interval of the gain.
    under : sequence of Claim
        Claims that the advice rests on; their conditions become its own, and where one is withheld so is the advice.
    tolerable : float
        A choice is also settled where its expected regret is at most this, in units of the gain.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        act, wait or unsettled, with facts break_even, expected_gain, p_pays = P(gain > break_even), regret_of_acting and
        regret_of_waiting, and leaning (act or wait: the smaller expected regret).

    References
    ----------
    Manski, C. F. (2004). Statistical treatment rules for heterogeneous populations. Econometrica, 72(4), 1221-1246.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    acting, waiting = (float(np.maximum(side, 0).mean()) for side in (break_even - draws, draws - break_even))
    leaning = "act" if acting <= waiting else "wait"
    verdict = "act" if low > break_even else "wait" if high < break_even else UNSETTLED
    if verdict == UNSETTLED and min(acting, waiting) <= tolerable and tolerable > 0:
        verdict = leaning
    made = Claim(name, "decision", verdict, "gain_beyond_break_even", tail, confidence, float(draws.mean()), low, high)
    made = made.given(*(c for claim in under for c in claim.conditions)).about(
        break_even=break_even, expected_gain=float(draws.mean()), p_pays=float((draws > break_even).mean()),
        regret_of_acting=acting, regret_of_waiting=waiting, leaning=leaning, **facts,
    )  # fmt: skip
    reason = next((claim.withheld for claim in under if claim.withheld), "")
    return made.withhold(reason) if reason else made


def _or_withheld(claim: Claim, span: float | None) -> Claim:
    """Withhold a claim without an interval, or with one as wide as the scale."""
    if not (np.isfinite(claim.lower) and np.isfinite(claim.upper)):
        return claim.withhold("no_interval")
    return claim.withhold("as_wide_as_scale") if span is not None and claim.upper - claim.lower >= span else claim
