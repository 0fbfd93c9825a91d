"""Ordered answers and what shifts them: the cumulative link (proportional odds) model, fitted to counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.metrics.share_intervals import quantile
from xmresearch.metrics.threshold_likelihood import Answers, Link, answers_of, maximised

Array = NDArray[np.float64]
FARTHEST = 25.0
"""Effects beyond this, on the link's scale, are those of answers that never overlap: no estimate exists."""


@dataclass(frozen=True, repr=False)
class CumulativeLink(Shown):
    """A fitted cumulative link model.

    Attributes
    ----------
    table : DataFrame
        One row per parameter: term, estimate, se, z, p, lower, upper; thresholds ('1|2') first, then effects, which are positive
        where higher answers are more likely.
    covariance : ndarray
        Shape (parameters, parameters).
    loglik : float
        Maximised log-likelihood.
    n : float
        Answers (sum of the frequencies).
    link : str
        logit, probit or cloglog.
    level : float
        Of the intervals.
    answers : Answers
        What was fitted.
    """

    table: pd.DataFrame
    covariance: Array
    loglik: float
    n: float
    link: str
    level: float
    answers: Answers

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return -2 * self.loglik + 2 * len(self.table)

    def tidy(self) -> pd.DataFrame:
        """Return one row per parameter."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how well the model fits how many answers."""
        return {
            "n": self.n, "loglik": self.loglik, "deviance": -2 * self.loglik, "aic": self.aic, "parameters": len(self.table),
            "link": self.link, "level": self.level,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def cumulative_link(
    answers: ArrayLike, predictors: pd.DataFrame, *, frequencies: ArrayLike | None = None, squares: ArrayLike | None = None,
    link: Link = "logit", nominal: Sequence[str] = (), confidence: float = 0.95,
) -> CumulativeLink:  # fmt: skip
    """Fit P(answer <= k) = F(threshold_k - x'b).

    Parameters
    ----------
    answers : array_like
        Ordered answers, as numbers, shape (n,).
    predictors : DataFrame
        Numbers and categories, n rows; categories enter against their first value (in order, or as a categorical has them).
    frequencies : array_like, optional
        How often each row occurs, or sums of weights scaled to effective answers, shape (n,).
    squares : array_like, optional
        Sums of squared weights of each row, shape (n,): standard errors are then those of a weighted sample (sandwich).
    link : {'logit', 'probit', 'cloglog'}
        With logit the effects are log odds ratios, the same at every threshold.
    nominal : sequence of str
        Predictors whose effects may differ between thresholds (partial proportional odds); they are added to the thresholds, as R's
        `clm` has it.
    confidence : float
        Level.

    Returns
    -------
    CumulativeLink

    Raises
    ------
    DataError, InsufficientData, ModelError
        Blanks or frequencies below 0; fewer than two different answers; predictors that are linear combinations of one another; no
        maximum, as where groups give answers that never overlap.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42, 109-142. Peterson, B. &
    Harrell, F. E. (1990). Partial proportional odds models. Applied Statistics, 39, 205-217.
    """
    y = np.asarray(answers, dtype="float64")
    freq = np.ones(len(y)) if frequencies is None else np.asarray(frequencies, dtype="float64")
    if not np.isfinite(y).all() or len(predictors) != len(y) or predictors.isna().any(axis=None):
        raise DataError("An answer or a predictor is blank, or there are not as many.", "Leave out incomplete rows.")
    if not (np.isfinite(freq).all() and (freq >= 0).all()):
        raise DataError("A frequency is negative or no number.")
    kept = freq > 0
    y, freq, x = y[kept], freq[kept], predictors.loc[kept]
    levels = np.unique(y)
    if len(levels) < 2:
        raise InsufficientData("There are fewer than two different answers.", "A model of answers needs them to vary.")
    given = answers_of(y, levels, model_frame(x), freq, link, tuple(nominal))
    par, loglik, information = maximised(given)
    if np.abs(par).max() > FARTHEST:
        raise ModelError(
            "An effect has no finite estimate: a group gives answers that do not overlap with the others.",
            "Put levels or groups together.",
        )
    covariance = np.linalg.inv(information)
    if squares is not None:
        scores = given.scores(par)
        q = np.asarray(squares, dtype="float64")[kept]
        covariance = covariance @ (scores.T @ (scores * q[:, None])) @ covariance
    se = np.sqrt(np.diag(covariance))
    z, reach = par / se, quantile(confidence) * se
    table = pd.DataFrame(
        {"term": given.terms, "estimate": par, "se": se, "z": z, "p": 2 * stats.norm.sf(np.abs(z)), "lower": par - reach,
         "upper": par + reach}
    )  # fmt: skip
    return CumulativeLink(table, covariance, loglik, float(freq.sum()), link, confidence, given)


def model_frame(predictors: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the columns of each predictor: numbers as they are, categories against their first value."""
    found = {}
    for name in predictors.columns:
        column = predictors[name]
        if pd.api.types.is_numeric_dtype(column):
            found[str(name)] = column.astype("float64").to_frame(str(name))
            continue
        order = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else sorted(column.unique())
        present = [v for v in order if (column == v).any()]
        found[str(name)] = pd.DataFrame(
            {f"{name}{v}": (column == v).astype("float64") for v in present[1:]}, index=column.index
        )
    return found


def likelihood_ratio(smaller: CumulativeLink, larger: CumulativeLink) -> dict[str, float]:
    """Compare two nested models of the same answers.

    Parameters
    ----------
    smaller, larger : CumulativeLink
        The first is the second with fewer parameters.

    Returns
    -------
    dict of str to float
        statistic, df, p.

    Raises
    ------
    ModelError
        The models are not of as many answers, or the second has no more parameters.

    References
    ----------
    Wilks, S. S. (1938). Annals of Mathematical Statistics, 9, 60-62.
    """
    df = len(larger.table) - len(smaller.table)
    if df <= 0 or not np.isclose(smaller.n, larger.n):
        raise ModelError("The models are not nested: give the one with fewer parameters first, of the same answers.")
    statistic = 2 * (larger.loglik - smaller.loglik)
    return {"statistic": statistic, "df": float(df), "p": float(stats.chi2.sf(statistic, df))}


def proportional_odds_tests(
    answers: ArrayLike, predictors: pd.DataFrame, *, frequencies: ArrayLike | None = None, link: Link = "logit"
) -> pd.DataFrame:
    """Test for each predictor whether its effect is the same at every threshold.

    Parameters
    ----------
    answers : array_like
        Shape (n,); see `cumulative_link`.
    predictors : DataFrame
        As for `cumulative_link`.
    frequencies : array_like, optional
        Shape (n,).
    link : {'logit', 'probit', 'cloglog'}
        Of the model.

    Returns
    -------
    DataFrame
        One row per predictor: term, df, loglik (of the model with its effects freed), statistic, p.

    Raises
    ------
    DataError, InsufficientData, ModelError
        See `cumulative_link`.

    References
    ----------
    Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic regression. Biometrics, 46,
    1171-1178.
    """
    whole = cumulative_link(answers, predictors, frequencies=frequencies, link=link)
    rows = []
    for name in map(str, predictors.columns):
        freed = cumulative_link(answers, predictors, frequencies=frequencies, link=link, nominal=[name])
        rows.append({"term": name, "loglik": freed.loglik, **likelihood_ratio(whole, freed)})
    return pd.DataFrame(rows)[["term", "df", "loglik", "statistic", "p"]]


def profile_interval(fitted: CumulativeLink, term: str, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of an effect from its profile likelihood.

    Parameters
    ----------
    fitted : CumulativeLink
        The model.
    term : str
        One of its effects.
    confidence : float
        Level.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ModelError
        The model has no such term.

    References
    ----------
    Venzon, D. J. & Moolgavkar, S. H. (1988). Applied Statistics, 37, 87-94.
    """
    if term not in fitted.answers.terms:
        raise ModelError(f"The model has no term '{term}'.", f"It has {', '.join(fitted.answers.terms)}.")
    j = fitted.answers.terms.index(term)
    row, drop = fitted.table.iloc[j], stats.chi2.ppf(confidence, 1) / 2

    def short(value: float) -> float:
        return fitted.loglik - maximised(fitted.answers.fixed(j, value))[1] - float(drop)

    ends = []
    for side in (-1.0, 1.0):
        far = row["estimate"] + side * 2 * quantile(confidence) * row["se"]
        while short(far) < 0:
            far += side * row["se"]
        ends.append(float(optimize.brentq(short, row["estimate"], far, xtol=1e-10)))
    return ends[0], ends[1]
