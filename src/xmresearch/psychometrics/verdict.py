"""Does an instrument measure what it claims? One verdict from fit, reliability and validity."""

from __future__ import annotations

from typing import Any

from xmresearch.psychometrics.composite import CompositeResult
from xmresearch.psychometrics.validity import ValidityResult
from xmresearch.sem.overview import side_by_side
from xmresearch.sem.result import SemFit

_IMPROPER = ("not_converged", "heywood", "same_factors", "reversed_item")


def instrument_verdict(measured: SemFit, trust: CompositeResult, valid: ValidityResult) -> dict[str, Any]:
    """Judge a measurement model.

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
    dict
        case: poor where the model misses the usual bounds of fit, has an improper estimate, or less than half of the
        constructs are reliable; good where it fits well (Hu & Bentler 1999), can be wrong (df > 0), every construct is
        reliable and every pair of them distinct; acceptable in between. With cfi, rmsea, srmr, reliable, threshold (of reliability), constructs,
        convergent, htmt2_below and pairs.
    """
    fit = side_by_side({"measurement": measured})
    reliable, validity = trust.summary(), valid.summary()
    improper = any(c.kind in _IMPROPER for c in measured.concerns)
    case = fit.verdict
    if case == "none" or improper or 2 * reliable["reliable"] < reliable["constructs"]:
        case = "poor"
    elif case == "good" and (measured.model.df == 0 or reliable["low"] or validity["htmt2_below"] < validity["pairs"]):
        case = "acceptable"
    row = fit.table.iloc[0]
    return {
        "case": case, "reliable": reliable["reliable"], "constructs": reliable["constructs"],
        "threshold": reliable["threshold"], "convergent": validity["convergent"], "htmt2_below": validity["htmt2_below"], "pairs": validity["pairs"],
        **{k: float(row[k]) for k in ("cfi", "rmsea", "srmr")},
    }  # fmt: skip
