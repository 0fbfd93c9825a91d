"""Sampling designs: weights, strata, clusters and finite populations, and the variance that follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.data.weights import weight_distribution
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief
from xmresearch.sampling.stage_variance import Array, Lonely, Stage, stage_variance

Mask = NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Residuals:
    """A calibration of the weights, as far as variances need it.

    Attributes
    ----------
    regression : ndarray
        Weights of the regression on the margins, shape (n,).
    after : ndarray
        Weights of the rows after it, shape (n,).
    margins : ndarray
        Variables calibrated on, shape (n, k).
    """

    regression: Array
    after: Array
    margins: Array


@dataclass(frozen=True, repr=False)
class Design(Shown):
    """A sample and how it was drawn.

    Attributes
    ----------
    frame : DataFrame
        One row per respondent.
    weights : ndarray
        Shape (n,), above 0.
    stages : tuple of Stage
        The first draws primary sampling units, each further one units within those of the one before.
    lonely : str
        What a stratum with a single unit contributes: `fail`, `remove` (nothing), `adjust` (about the mean of all units), or
        `average` (the mean of the other strata).
    calibrations : tuple of Residuals
        Calibrations that the weights have been through.
    population : float
        Size of the population, as the weights before calibration give it.
    inside : ndarray of bool or None
        Rows of the subpopulation that estimates are of, shape (n,); None for all.
    """

    frame: pd.DataFrame
    weights: Array
    stages: tuple[Stage, ...]
    lonely: Lonely = "fail"
    calibrations: tuple[Residuals, ...] = ()
    population: float = float("nan")
    inside: Mask | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def df(self) -> int:
        """Degrees of freedom: primary sampling units less strata, of those with a row in the subpopulation."""
        first = self.stages[0]
        if self.inside is None:
            return first.n_units - first.n_strata
        return int(len(np.unique(first.units[self.inside])) - len(np.unique(first.strata[self.inside])))

    def rows(self, domain: ArrayLike | None = None) -> Mask:
        """Return the rows that an estimate is of.

        Parameters
        ----------
        domain : array_like of bool, optional
            Rows of a part of the subpopulation, shape (n,); all of it if absent.

        Returns
        -------
        ndarray of bool
            Shape (n,).

        Raises
        ------
        DataError
            The domain has not one value for every row, or one that is neither true nor false.
        """
        inside = np.ones(len(self), dtype=bool) if self.inside is None else self.inside
        if domain is None:
            return inside.copy()
        given = pd.Series(domain)
        if len(given) != len(self):
            raise DataError(
                f"The domain has {len(given)} values for {len(self)} rows.",
                "Give one value for every row of the sample.",
            )
        if given.isna().any() or not given.isin([True, False]).all():
            raise DataError(
                "The domain has a value that is neither true nor false.", "Say of every row whether it is inside."
            )
        chosen: Mask = given.to_numpy(dtype=bool)
        return inside & chosen

    def summary(self) -> dict[str, Any]:
        """Return what the sample is worth."""
        first, w = self.stages[0], self.weights[self.rows()]
        return {
            "n": len(w), "strata": first.n_strata, "units": first.n_units, "df": self.df, "sum_weights": float(w.sum()),
            **weight_distribution(w),
        }  # fmt: skip

    def tidy(self) -> pd.DataFrame:
        """Return one row per stratum of the first stage: stratum, rows, units, sampled share, sum of the weights."""
        first = self.stages[0]
        by = pd.Series(self.weights).groupby(first.strata)
        units = np.bincount(first.stratum_of_units(), minlength=first.n_strata)
        return pd.DataFrame(
            {"stratum": [self._stratum(first, h) for h in range(first.n_strata)], "n": by.size().to_numpy(), "units": units,
             "share": np.where(first.share > 0, first.share, np.nan), "sum_weights": by.sum().to_numpy()}
        )  # fmt: skip

    def _head(self) -> dict[str, Any]:
        told = self.summary()
        return {name: told[name] for name in ("n", "strata", "units", "df", "n_eff", "deff", "lowest", "highest")}

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    def _stratum(self, stage: Stage, number: int) -> str:
        return stratum_name(self.frame, stage, np.arange(stage.n_strata) == number)

    def covariance(self, influence: Array) -> Array:
        """Return the covariance of estimates from their influence functions.

        Parameters
        ----------
        influence : ndarray
            Shape (n, k): what each row contributes to an estimate for every unit of its weight; 0 outside a domain.

        Returns
        -------
        ndarray
            Shape (k, k).

        Raises
        ------
        DataError
            A stratum has a single sampling unit, and the design does not say what that contributes.

        References
        ----------
        Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, chapters 4 and 6. Lumley, T.
        (2004). Analysis of complex survey samples. Journal of Statistical Software, 9 (8).
        """
        x = np.asarray(influence, dtype="float64").reshape(len(self), -1) * self.weights[:, None]
        for step in self.calibrations:
            root, u = np.sqrt(step.regression)[:, None], x / step.after[:, None]
            fitted = np.linalg.lstsq(step.margins * root, u * root, rcond=None)[0]
            x = (u - step.margins @ fitted) * step.after[:, None]
        return stage_variance(x, self.stages, self.lonely, self._stratum)


def subset(given: Design, domain: ArrayLike) -> Design:
    """Return the design of a subpopulation: rows outside stay part of the sample, and of the variances.

    Parameters
    ----------
    given : Design
        Of the sample.
    domain : array_like of bool
        Rows of the subpopulation, shape (n,).

    Returns
    -------
    Design
        Its degrees of freedom count the strata and the primary sampling units with a row inside, as in R's `degf(subset())`; those of
        a `domain` given to an estimator are the whole design's.

    Raises
    ------
    DataError, InsufficientData
        The domain has not one value for every row; nobody is inside.

    References
    ----------
    Cochran, W. G. (1977). Sampling techniques, 3rd ed. Wiley, section 2.13. Korn, E. L. & Graubard, B. I. (1999). Analysis of health
    surveys. Wiley, section 5.2 (degrees of freedom).
    """
    inside = given.rows(domain)
    if not inside.any():
        raise InsufficientData("Nobody is in the domain.", "Check the condition that says who is inside.")
    return replace(given, inside=inside)


def reweighted(given: Design, weights: Array, margins: Array, regression: Array) -> Design:
    """Return a design with calibrated weights, whose variances are those of the residuals on the margins.

    Parameters
    ----------
    given : Design
        Before the calibration.
    weights : ndarray
        After it, shape (n,).
    margins : ndarray
        Variables calibrated on, shape (n, k).
    regression : ndarray
        Weights of the regression on them, shape (n,).

    Returns
    -------
    Design
    """
    step = Residuals(regression, weights, margins)
    return replace(given, weights=weights, calibrations=(*given.calibrations, step))


def stratum_name(frame: pd.DataFrame, stage: Stage, which: Mask) -> str:
    """Name the first of some strata by the values that make it, or by a row where few are in it.

    Parameters
    ----------
    frame : DataFrame
        Of the sample.
    stage : Stage
        Whose strata they are.
    which : ndarray of bool
        Shape (strata,).

    Returns
    -------
    str
    """
    inside = stage.strata == int(which.argmax())
    row = int(inside.argmax())
    if stage.columns and inside.sum() < MIN_CELL:
        return f"that of data row {row + 1} ({', '.join(stage.columns)})"
    return ", ".join(f"{name} = '{brief(frame[name].iloc[row])}'" for name in stage.columns) or "the sample"
