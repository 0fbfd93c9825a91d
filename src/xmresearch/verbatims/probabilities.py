"""Probabilities from the scores of a classifier: calibration by Platt, and how far stated probabilities are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
BINS = 10
_MOST_STEPS, _CLOSE = 50, 1e-10


@dataclass(frozen=True, repr=False)
class Calibration(Shown):
    """The logistic curve that makes probabilities of a classifier's logits.

    Attributes
    ----------
    slope, offset : float
        The probability of a logit z is that of slope * z + offset.
    """

    slope: float
    offset: float

    def probability(self, logits: Array) -> Array:
        """Return probabilities.

        Parameters
        ----------
        logits : ndarray
            Any shape.

        Returns
        -------
        ndarray
            Of that shape.
        """
        return logistic(self.slope * logits + self.offset)


def logistic(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)), dtype="float64")


def calibrated(logits: ArrayLike, outcomes: ArrayLike) -> Calibration:
    """Fit the calibration of logits that a classifier gave to cases which it had not seen.

    Parameters
    ----------
    logits, outcomes : array_like
        Of each case the logit, and whether it is of the kind, shape (n,).

    Returns
    -------
    Calibration
        By maximum likelihood with Platt's targets, so that it exists where the kinds are fully apart; the slope is not below 0.

    Raises
    ------
    InsufficientData
        All outcomes are alike.

    References
    ----------
    Platt, J. (1999). Probabilistic outputs for support vector machines. Lin, H.-T., Lin, C.-J. & Weng, R. C. (2007). Machine Learning,
    68, 267-276.
    """
    z, kind = np.asarray(logits, dtype="float64"), np.asarray(outcomes, dtype=bool)
    of_kind = int(kind.sum())
    if of_kind in (0, kind.size):
        raise InsufficientData("All cases are of one kind.", "Calibration takes cases of both.")
    target = np.where(kind, (of_kind + 1) / (of_kind + 2), 1 / (kind.size - of_kind + 2))
    design = np.stack([z, np.ones_like(z)], axis=1)

    def loss(at: Array) -> float:
        eta = design @ at
        return float((np.logaddexp(0, eta) - target * eta).sum())

    at = np.array([0.0, np.log((of_kind + 1) / (kind.size - of_kind + 1))])
    for _ in range(_MOST_STEPS):
        p = logistic(design @ at)
        slope = design.T @ (p - target)
        curve = (design * (p * (1 - p))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        size, now = 1.0, loss(at)
        while loss(at - size * step) > now and size > _CLOSE:
            size /= 2
        at = at - size * step
        if float(np.abs(size * step).max()) < _CLOSE:
            break
    if at[0] < 0:  # worse than chance out of fold: it says nothing
        return Calibration(0.0, float(np.log(of_kind / (kind.size - of_kind))))
    return Calibration(float(at[0]), float(at[1]))


def calibration_error(probabilities: ArrayLike, outcomes: ArrayLike) -> float:
    """Return the expected calibration error: the mean distance of stated and true shares over ten bins of equal width.

    Parameters
    ----------
    probabilities, outcomes : array_like
        Of each case, shape (n,).

    Returns
    -------
    float
        From 0 to 1. Of perfect probabilities it is above 0 by chance, the more so the fewer cases there are.

    Raises
    ------
    DataError
        A probability lies beyond 0 and 1, or there are no cases.

    References
    ----------
    Naeini, M. P., Cooper, G. & Hauskrecht, M. (2015). Obtaining well calibrated probabilities using Bayesian binning. AAAI, 2901-2907.
    """
    p, kind = np.asarray(probabilities, dtype="float64"), np.asarray(outcomes, dtype="float64")
    if not p.size or not ((p >= 0) & (p <= 1)).all():
        raise DataError("Probabilities lie between 0 and 1, and there must be some.")
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, weights=p - kind, minlength=BINS)
    return float(np.abs(apart).sum() / p.size)
