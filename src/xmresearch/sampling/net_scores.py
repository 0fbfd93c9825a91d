"""Net Promoter Scores of a complex sample."""

from __future__ import annotations

from xmresearch.errors import DataError
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import Estimates, mean_of, prepared

PROMOTER, DETRACTOR = 9, 6
"""Lowest answer of a promoter, highest of a detractor (Reichheld, 2003)."""


def net_promoter(design: Design, name: str, *, domain: Mask | None = None, confidence: float = 0.95) -> Estimates:
    """Estimate the Net Promoter Score: promoters (9, 10) less detractors (0 to 6), in points.

    Parameters
    ----------
    design : Design
        Of the sample.
    name : str
        Column of answers from 0 to 10.
    domain, confidence
        As for `mean`.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError, InsufficientData
        As for `mean`; or an answer is no whole number from 0 to 10.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review, 81 (12), 46-54.
    """
    x, terms, used = prepared(design, name, domain)
    answers = x[used, 0]
    if terms != [name] or ((answers < 0) | (answers > 10) | (answers % 1 != 0)).any():
        raise DataError(
            f"Column '{name}' has an answer that is no whole number from 0 to 10.",
            "A Net Promoter Score is asked on that scale.",
        )
    points = 100.0 * ((x >= PROMOTER).astype("float64") - (x <= DETRACTOR)) * used[:, None]
    return mean_of(design, points, terms, used, whole=domain is None, confidence=confidence)
