"""Net Promoter Scores of a complex sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import DataError
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.estimates import Estimates, mean_of, prepared

PROMOTER, DETRACTOR = 9, 6
"""Lowest answer of a promoter, highest of a detractor (Reichheld, 2003)."""


def require_net_answers(answers: NDArray[np.float64], of: str = "") -> None:
    """Refuse answers that are not on the scale from 0 to 10.

    Parameters
    ----------
    answers : ndarray
        Without blanks, shape (n,).
    of : str
        Whose they are, before the message.

    Raises
    ------
    DataError
        An answer is no whole number from 0 to 10; or none is 0 and some are 11, as a scale from 1 to 11 has it.
    """
    if answers.size and answers.max() == 11 and answers.min() >= 1:
        raise DataError(
            f"{of}Answers run from 1 to 11: that is the scale from 0 to 10 coded one too high.",
            "Take 1 from every answer, or export the answers as they were shown.",
        )
    if ((answers < 0) | (answers > 10) | (answers % 1 != 0)).any():
        raise DataError(f"{of}An answer is no whole number from 0 to 10.", "A Net Promoter Score needs that scale.")


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
    if terms != [name]:
        raise DataError(f"Column '{name}' holds words.", "A Net Promoter Score needs numbers from 0 to 10.")
    require_net_answers(x[used, 0], f"Column '{name}': ")
    points = 100.0 * ((x >= PROMOTER).astype("float64") - (x <= DETRACTOR)) * used[:, None]
    return mean_of(design, points, terms, used, whole=domain is None, confidence=confidence)
