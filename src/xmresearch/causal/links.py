"""Ratio scales: parallel trends of log rates or log odds instead of rates or probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.panel import Panel
from xmresearch.errors import DataError, ParamsError, nearest

Array = NDArray[np.float64]
SCALES = ("difference", "ratio")
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Link:
    """What cohort means are compared as.

    Attributes
    ----------
    name : str
        Of the measure on this scale: log_rate or log_odds.
    limit : float
        Means lie between 0 and this.
    spread : float
        Unit of standardised effects: SD of the logistic distribution for log odds (Chinn, 2000), 1 for log rates.

    References
    ----------
    Chinn, S. (2000). A simple method for converting an odds ratio to effect size for use in meta-analysis. Statistics in
    Medicine, 19(22), 3127-3131.
    """

    name: str
    limit: float
    spread: float

    def __call__(self, mean: Array, size: Array) -> tuple[Array, Array]:
        """Return means on this scale and the slope of the link there.

        Parameters
        ----------
        mean, size : ndarray
            By cohort and period, shape (G, T); those of size 0 are ignored.

        Returns
        -------
        value, slope : ndarray
            NaN and 0 where a cohort is not seen.

        Raises
        ------
        DataError
            A mean is at the end of its range, where its logarithm is infinite.
        """
        seen = size > 0
        outside = seen & ((mean <= _ROUNDING) | (mean >= self.limit - _ROUNDING))
        if outside.any():
            g, t = np.argwhere(outside)[0]
            raise DataError(
                f"A cohort's mean is {round(float(mean[g, t]), 9):g} in a period (cohort {g + 1}, period {t + 1}), which has no logarithm.",
                "Use scale='difference', fewer periods, or larger cohorts.",
            )
        inner = np.where(seen, mean, 0.5)
        if np.isinf(self.limit):
            return np.where(seen, np.log(inner), np.nan), np.where(seen, 1 / inner, 0.0)
        return np.where(seen, np.log(inner / (1 - inner)), np.nan), np.where(seen, 1 / (inner * (1 - inner)), 0.0)


LINKS = {"count": Link("log_rate", np.inf, 1.0), "bernoulli": Link("log_odds", 1.0, np.pi / np.sqrt(3.0))}


def link_of(panel: Panel, scale: str) -> Link | None:
    """Return the link of a scale.

    Parameters
    ----------
    panel : Panel
        The data.
    scale : str
        'difference' or 'ratio'.

    Returns
    -------
    Link or None
        None for differences.

    Raises
    ------
    ParamsError
        There is no such scale, or the data have no ratio scale.
    """
    if scale not in SCALES:
        raise ParamsError(f"There is no scale '{scale}'.", nearest(scale, SCALES))
    if scale == "difference":
        return None
    if panel.family not in LINKS:
        raise ParamsError(f"Family '{panel.family}' has no ratio scale.", f"It is for families {' and '.join(LINKS)}.")
    if panel.sides or panel.covariates.shape[2]:
        raise ParamsError(
            "A third difference and covariates are for differences of means.", "Leave them or scale='ratio' out."
        )
    return LINKS[panel.family]


def ratio_facts(link: Link | None, row: pd.Series) -> dict[str, Any]:
    """Return scale, ratio, ratio_lower and ratio_upper of an effect on a link's scale, or nothing."""
    if link is None:
        return {}
    names = {"ratio": "estimate", "ratio_lower": "ci_lower", "ratio_upper": "ci_upper"}
    return {"scale": link.name} | {name: float(np.exp(row[column])) for name, column in names.items()}
