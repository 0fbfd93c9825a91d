"""Who leaves when: discrete-time hazards fitted to counts of customers at risk and of those who left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.monitoring.weighted_fits import FAMILIES, Family, weighted_fit

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Link = Literal["cloglog", "logit"]
MOST_COVARIATES_VALUES = 200
FEWEST_PER_EFFECT = 10


def _cloglog(mean: Array) -> Array:
    return np.asarray(np.log(-np.log1p(-mean)))


def _from_cloglog(eta: Array) -> Array:
    return np.asarray(-np.expm1(-np.exp(eta)))


LINKS: dict[str, Family] = {
    "logit": FAMILIES["share"],
    "cloglog": Family(
        _cloglog,
        _from_cloglog,
        lambda m: m * (1 - m),
        lambda m: -(1 - m) * np.log1p(-m),
        (0.0, 1.0),
        (1e-9, 1 - 1e-9),
        True,
    ),
}


@dataclass(frozen=True, repr=False)
class PersonPeriods(Shown):
    """How many customers were at risk of leaving in each period, and how many left, by their experience; it holds no customer.

    Attributes
    ----------
    table : DataFrame
        One row per period and values of the covariates: period, the covariates, at_risk, left.
    covariates : tuple of str
        Names.
    blank : int
        Rows left out because a covariate was blank.
    """

    table: pd.DataFrame
    covariates: tuple[str, ...]
    blank: int

    @classmethod
    def of(
        cls, data: pd.DataFrame | pl.LazyFrame, *, period: str, left: str, covariates: Sequence[str] = ()
    ) -> PersonPeriods:
        """Count rows.

        Parameters
        ----------
        data : DataFrame or polars.LazyFrame
            One row per customer and period in which the customer could leave: from entry (later entrants begin later) to leaving or the end
            of the data.
        period : str
            Column of the period of the customer's life, or of the calendar: whole numbers.
        left : str
            Column of 0 and 1: the customer left in this period.
        covariates : sequence of str
            Columns of the period before, or constant: numbers of few values (round them first).

        Returns
        -------
        PersonPeriods

        Raises
        ------
        DataError
            A column is not there or is no number; `left` is not 0 or 1; a covariate has more than 200 values.
        """
        import polars as pl

        rows = pl.from_pandas(data).lazy() if isinstance(data, pd.DataFrame) else data
        schema = rows.collect_schema()
        for name in (period, left, *covariates):
            if name not in schema:
                raise DataError(f"The data have no column '{name}'.", nearest(name, schema.names()))
            if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
                raise DataError(f"Column '{name}' is of type {schema[name]}, not numeric.", "Code it as numbers first.")
        keys = [period, *covariates]
        known = rows.select(pl.col(period).cast(pl.Int64), *(pl.col(c).cast(pl.Float64).fill_nan(None) for c in covariates), pl.col(left).cast(pl.Float64).alias("_left"))  # fmt: skip
        found: pd.DataFrame = (
            known.group_by(keys)
            .agg(
                at_risk=pl.len(),
                left=pl.col("_left").sum(),
                odd=(~pl.col("_left").is_in([0.0, 1.0])).fill_null(True).sum(),
            )
            .collect(engine="streaming")
            .to_pandas()
        )
        if found["odd"].sum():
            raise DataError(
                f"Column '{left}' holds other values than 0 and 1 in {int(found['odd'].sum())} row(s).", "1 is leaving."
            )
        complete = found[keys].notna().all(axis=1)
        blank = int(found.loc[~complete, "at_risk"].sum())
        found = (
            found[complete]
            .drop(columns="odd")
            .rename(columns={period: "period"})
            .sort_values(["period", *covariates], ignore_index=True)
        )
        for name in covariates:
            if found[name].nunique() > MOST_COVARIATES_VALUES:
                raise DataError(
                    f"Column '{name}' has {found[name].nunique()} values, too many to count each.",
                    "Round it, or put it into classes.",
                )
        return cls(found.astype({"at_risk": float, "left": float}), tuple(covariates), blank)

    def __add__(self, other: PersonPeriods) -> PersonPeriods:
        """Pool two sets of rows."""
        if self.covariates != other.covariates:
            raise ValueError("counts of different covariates do not add")
        both = pd.concat([self.table, other.table])
        keys = ["period", *self.covariates]
        return PersonPeriods(
            both.groupby(keys, as_index=False, sort=True)[["at_risk", "left"]].sum(),
            self.covariates,
            self.blank + other.blank,
        )

    def summary(self) -> dict[str, Any]:
        """Return customers at risk (in all periods), leavers, periods and cells."""
        return {
            "at_risk": int(self.table["at_risk"].sum()), "left": int(self.table["left"].sum()), "periods": self.table["period"].nunique(),
            "cells": len(self.table), "blank": self.blank,
        }  # fmt: skip

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}


@dataclass(frozen=True, repr=False)
class HazardFit(Shown):
    """A fitted hazard of leaving.

    Attributes
    ----------
    table : DataFrame
        One row per covariate: term, estimate, se, z, p, ratio, lower, upper (hazard ratio with link cloglog, odds ratio with logit).
    baseline : DataFrame
        period, hazard: at the mean of the covariates.
    link : str
        cloglog or logit.
    coefficients, covariance : ndarray
        Of the covariates and then of the periods.
    loglikelihood : float
        Of the counts.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    baseline: pd.DataFrame
    link: Link
    coefficients: Array
    covariance: Array
    loglikelihood: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per covariate."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the ratio of each covariate, by its name."""
        return {str(r.term): r.ratio for r in self.table.itertuples()} | {"loglikelihood": self.loglikelihood}

    def risk(self, rows: pd.DataFrame) -> Array:
        """Return the chance to leave in each row's period, shape (rows,); a period that was not fitted has the last one's hazard."""
        names = self.table["term"].tolist()
        place = {p: k for k, p in enumerate(self.baseline["period"].tolist())}
        at = np.array([place.get(p, len(place) - 1) for p in rows["period"].tolist()])
        eta = (
            rows[names].to_numpy(dtype="float64") @ self.coefficients[: len(names)]
            + self.coefficients[len(names) :][at]
        )
        return np.asarray(LINKS[self.link].inverse(eta))


@on_one_thread
def hazard(counts: PersonPeriods, *, link: Link = "cloglog", confidence: float = 0.95) -> HazardFit:
    """Fit the hazard of leaving, with one level for each period.

    Parameters
    ----------
    counts : PersonPeriods
        Customers at risk and leavers.
    link : {'cloglog', 'logit'}
        cloglog gives hazard ratios of the time that periods cut into pieces, logit odds ratios.
    confidence : float
        Level.

    Returns
    -------
    HazardFit
        A ratio says what goes with an experience, not what it does: who is content may stay for other reasons; see `e_value`.

    Raises
    ------
    InsufficientData
        Fewer than ten leavers for each covariate, or a period in which nobody left and that cannot be put together with another.
    ModelError
        Covariates cannot be told apart, or the fit does not settle.

    References
    ----------
    Prentice, R. L. & Gloeckler, L. A. (1978). Regression analysis of grouped survival data. Biometrics, 34, 57-67. Singer, J. D. & Willett,
    J. B. (1993). It's about time. Journal of Educational Statistics, 18, 155-195.
    """
    if link not in LINKS:
        raise DataError(f"There is no link '{link}'.", nearest(link, tuple(LINKS)))
    table, names = counts.table, list(counts.covariates)
    gone = table.groupby("period")["left"].sum()
    quiet = gone[gone == 0].index.tolist()
    table = table[~table["period"].isin(quiet)]
    if table["left"].sum() < FEWEST_PER_EFFECT * max(len(names), 1):
        raise InsufficientData(
            f"{int(table['left'].sum())} leavers are too few for {len(names)} covariate(s).",
            "Leave covariates out, or wait.",
        )
    periods = np.unique(table["period"])
    x = table[names].to_numpy(dtype="float64")
    weight = table["at_risk"].to_numpy()
    centre = weight @ x / weight.sum() if names else np.empty(0)
    design = np.column_stack([x - centre, (table["period"].to_numpy()[:, None] == periods).astype(float)])
    y = table["left"].to_numpy() / weight
    fit = weighted_fit(y, design, weight, LINKS[link])
    mean = np.clip(LINKS[link].inverse(design @ fit.coefficients), 1e-300, 1 - 1e-16)
    loglikelihood = float((special.xlogy(table["left"], mean) + special.xlog1py(weight - table["left"], -mean)).sum())
    k = len(names)
    coefficients, covariance = fit.coefficients.copy(), fit.bread.copy()
    back = np.eye(len(coefficients))
    back[k:, :k] = -centre
    whole = back @ coefficients
    estimate, se = coefficients[:k], np.sqrt(np.diag(covariance)[:k])
    reach = stats.norm.ppf(0.5 + confidence / 2) * se
    found = pd.DataFrame({
        "term": names, "estimate": estimate, "se": se, "z": estimate / se, "p": 2 * stats.norm.sf(np.abs(estimate / se)),
        "ratio": np.exp(estimate), "lower": np.exp(estimate - reach), "upper": np.exp(estimate + reach),
    })  # fmt: skip
    baseline = pd.DataFrame({"period": periods, "hazard": LINKS[link].inverse(coefficients[k:])})
    return HazardFit(found, baseline, link, whole, back @ covariance @ back.T, loglikelihood, confidence)


@on_one_thread
def hazard_bootstrap(counts: PersonPeriods, *, draws: int = 1000, link: Link = "cloglog", seed: int = 0) -> Array:
    """Refit the hazard to resampled leavers: in each cell as many of those at risk leave as chance lets.

    Parameters
    ----------
    counts : PersonPeriods
        Customers at risk and leavers.
    draws, seed : int
        How many, and the seed.
    link : {'cloglog', 'logit'}
        As for `hazard`.

    Returns
    -------
    ndarray
        Log ratios of the covariates, shape (draws, covariates); rows whose fit fails are blank.

    References
    ----------
    Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.
    """
    rng = np.random.default_rng(seed)
    share = (counts.table["left"] / counts.table["at_risk"]).to_numpy()
    out = np.full((draws, len(counts.covariates)), np.nan)
    for k in range(draws):
        drawn = counts.table.assign(left=rng.binomial(counts.table["at_risk"].astype(np.int64), share).astype(float))
        try:
            out[k] = (
                hazard(PersonPeriods(drawn, counts.covariates, counts.blank), link=link).table["estimate"].to_numpy()
            )
        except (ModelError, InsufficientData):
            continue
    return out
