"""Sampling designs: weights, strata, clusters and finite populations, and the variance that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, brief, nearest

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Lonely = Literal["fail", "remove", "adjust", "average"]


@dataclass(frozen=True, repr=False)
class Stage:
    """One stage of sampling.

    Attributes
    ----------
    strata, units : ndarray of int
        Stratum and sampling unit of each row, shape (n,), counted from 0; each unit lies in one stratum.
    share : ndarray
        Sampled share of each stratum, shape (strata,); 0 where units were drawn with replacement, or it is not known.
    """

    strata: Codes
    units: Codes
    share: Array


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
    """

    frame: pd.DataFrame
    weights: Array
    stages: tuple[Stage, ...]
    lonely: Lonely = "fail"
    calibrations: tuple[Residuals, ...] = ()
    population: float = float("nan")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def df(self) -> int:
        """Degrees of freedom: primary sampling units less strata."""
        first = self.stages[0]
        return int(first.units.max() + 1 - (first.strata.max() + 1))

    def summary(self) -> dict[str, Any]:
        """Return what the sample is worth."""
        first = self.stages[0]
        return {
            "n": len(self), "strata": int(first.strata.max()) + 1, "units": int(first.units.max()) + 1, "df": self.df,
            "sum_weights": float(self.weights.sum()), **weight_distribution(self.weights),
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

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
        return _variance(x, self.stages, self.lonely)


def _variance(x: Array, stages: Sequence[Stage], lonely: Lonely) -> Array:
    """Return the variance of totals of weighted contributions, over all stages."""
    stage = stages[0]
    n_units, n_strata = int(stage.units.max()) + 1, int(stage.strata.max()) + 1
    totals = np.zeros((n_units, x.shape[1]))
    np.add.at(totals, stage.units, x)
    stratum = np.zeros(n_units, dtype=np.int64)
    stratum[stage.units] = stage.strata
    size = np.bincount(stratum, minlength=n_strata)
    sums = np.zeros((n_strata, x.shape[1]))
    np.add.at(sums, stratum, totals)
    centred = totals - (sums / size[:, None])[stratum]
    single = (size == 1) & (stage.share < 1)
    if single.any() and lonely == "fail":
        raise DataError(
            f"{int(single.sum())} of {n_strata} strata have a single sampling unit, which shows no variance.",
            "Put small strata together, or say what they contribute: lonely = adjust, average or remove.",
        )
    scale = np.where(single, 0.0, (1 - stage.share) * size / np.maximum(size - 1, 1))
    if lonely == "adjust" and single.any():
        middle = totals.sum(axis=0) / n_units
        alone = single[stratum]
        centred[alone] = totals[alone] - middle
        scale = np.where(single, 1 - stage.share, scale)
    root = centred * np.sqrt(scale)[stratum][:, None]
    found = root.T @ root
    if lonely == "average" and single.any() and not single.all():
        found = found * n_strata / (n_strata - int(single.sum()))
    if len(stages) > 1 and (stage.share > 0).any():
        found = found + _variance(x * np.sqrt(stage.share)[stage.strata][:, None], stages[1:], lonely)
    return np.asarray(found)


def design(
    frame: pd.DataFrame, *, weights: str | None = None, strata: str | Sequence[str] | None = None,
    clusters: str | Sequence[str] | None = None, population: str | Sequence[str] | None = None, nest: bool = False,
    lonely: Lonely = "fail",
) -> Design:  # fmt: skip
    """Describe how a sample was drawn.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    weights : str, optional
        Column of design weights, above 0; from the population where that is given, otherwise all alike.
    strata : str or sequence of str, optional
        Column of strata, one for each stage that has them; none if absent.
    clusters : str or sequence of str, optional
        Column of primary sampling units, then of those within them; every row its own if absent.
    population : str or sequence of str, optional
        Columns with the number of units in each stratum (or the sampled share, where all are at most 1), one for each stage.
    nest : bool
        Whether the same name in two strata means two clusters; otherwise that is an error.
    lonely : {'fail', 'remove', 'adjust', 'average'}
        What a stratum with a single unit contributes to variances.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        A column is not there or has blanks; a weight is not above 0; a cluster lies in two strata; a stratum has fewer units than the
        sample, or several sizes; the rows are none.

    References
    ----------
    Lumley, T. (2010). Complex surveys: a guide to analysis using R. Wiley.
    """
    if len(frame) == 0:
        raise DataError("The sample has no rows.")
    by_strata, by_cluster, sizes = _listed(strata), _listed(clusters), _listed(population)
    for name in (*by_strata, *by_cluster, *sizes, *_listed(weights)):
        if name not in frame.columns:
            raise DataError(f"The sample has no column '{name}'.", nearest(name, map(str, frame.columns)))
        if frame[name].isna().any():
            row = int(frame[name].isna().to_numpy().argmax()) + 1
            raise DataError(f"Column '{name}' is blank in data row {row}.", "The design must be known of every row.")
    stages: list[Stage] = []
    inside = np.zeros(len(frame), dtype=np.int64)
    for k in range(max(1, len(by_cluster))):
        strata_at = inside
        if k < len(by_strata):
            strata_at = _codes([pd.Series(inside), frame[by_strata[k]].reset_index(drop=True)])
        named = frame[by_cluster[k]].reset_index(drop=True) if by_cluster else pd.Series(np.arange(len(frame)))
        if k == 0 and not nest and by_strata and by_cluster:
            _require_nested(named, strata_at, by_cluster[0])
        units = _codes([pd.Series(strata_at), named])
        share = _shares(frame, sizes[k] if k < len(sizes) else None, strata_at, units)
        stages.append(Stage(strata_at, units, share))
        inside = units
    if weights is not None:
        w = positive_weights(frame[weights], weights)
    elif sizes:
        w = np.ones(len(frame))
        for stage in stages:
            known = stage.share > 0
            w = w / np.where(known, stage.share, 1.0)[stage.strata]
    else:
        w = np.ones(len(frame))
    return Design(frame.reset_index(drop=True), w, tuple(stages), lonely, (), float(w.sum()))


def positive_weights(given: pd.Series, name: str) -> Array:
    """Return a column of weights as numbers, or raise DataError where one is not above 0."""
    w = pd.to_numeric(given, errors="coerce").to_numpy(dtype="float64")
    wrong = ~(np.isfinite(w) & (w > 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"Weight column '{name}', data row {at + 1}: '{brief(given.iloc[at])}' is not a positive number "
            f"({int(wrong.sum())} such row(s)).",
            "Every respondent needs a weight above zero.",
        )
    return np.asarray(w)


def weight_distribution(weights: Array) -> dict[str, float]:
    """Describe weights.

    Parameters
    ----------
    weights : ndarray
        Shape (n,).

    Returns
    -------
    dict of str to float
        lowest, median, highest and cv of the weights divided by their mean; deff (Kish: 1 + cv squared) and n_eff.

    References
    ----------
    Kish, L. (1965). Survey sampling. Wiley.
    """
    relative = weights / weights.mean()
    deff = float((relative**2).mean())
    return {
        "lowest": float(relative.min()), "median": float(np.median(relative)), "highest": float(relative.max()),
        "cv": float(np.sqrt(max(deff - 1, 0.0))), "deff": deff, "n_eff": len(weights) / deff,
    }  # fmt: skip


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


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _codes(columns: Sequence[pd.Series]) -> Codes:
    """Number the combinations of columns in order of first appearance."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own, found = pd.factorize(column)
        codes = codes * len(found) + own
    return np.asarray(pd.factorize(codes)[0], dtype=np.int64)


def _require_nested(units: pd.Series, strata: Codes, name: str) -> None:
    spread = pd.Series(strata).groupby(units.to_numpy()).nunique()
    if (spread > 1).any():
        raise DataError(
            f"{int((spread > 1).sum())} cluster(s) of column '{name}' lie in more than one stratum.",
            "If the same name means another cluster in another stratum, say nest = true.",
        )


def _shares(frame: pd.DataFrame, column: str | None, strata: Codes, units: Codes) -> Array:
    """Return the sampled share of each stratum; 0 where no population is given."""
    n_strata = int(strata.max()) + 1
    if column is None:
        return np.zeros(n_strata)
    sizes = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64")
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise DataError(
            f"Population column '{column}' has a value that is not above 0.",
            "Give the number of units in each stratum.",
        )
    by = pd.Series(sizes).groupby(strata)
    if (by.nunique() > 1).any():
        raise DataError(f"Population column '{column}' has several values in one stratum.", "A stratum has one size.")
    given = by.first().to_numpy()
    drawn = pd.Series(units).groupby(strata).nunique().to_numpy()
    if (given <= 1).all():
        return np.asarray(given, dtype="float64")
    if (drawn > given).any():
        at = int((drawn > given).argmax())
        raise DataError(
            f"Population column '{column}': a stratum of {given[at]:g} units has {drawn[at]} in the sample.",
            "The population must be at least as large as the sample.",
        )
    return np.asarray(drawn / given, dtype="float64")
