"""A link from what machines measure to what people say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile
from xmresearch.monitoring.weighted_fits import FAMILIES, clustered_fit, weighted_fit

Array = NDArray[np.float64]
FOLDS = 5
FEWEST_PER_EFFECT = 10


@dataclass(frozen=True, repr=False)
class TelemetryLink(Shown):
    """A fitted link from telemetry to satisfaction.

    Attributes
    ----------
    table : DataFrame
        One row per measure: measure, coef (on log odds, or in points of the answer; by log of the measure plus 1), se, lower, upper, p,
        per_doubling (what the KPI changes by at its mean where measure + 1 doubles).
    explained : float
        Share of the variance of answers that the link foretells in people it was not fitted to (five folds); below 0 it foretells nothing.
    n, people : int
        Answers, and who gave them.
    kpi : str
        share or mean.
    level : float
        Of the intervals.
    coefficients, covariance : ndarray
        With the intercept first.
    """

    table: pd.DataFrame
    explained: float
    n: int
    people: int
    kpi: Literal["share", "mean"]
    level: float
    coefficients: Array
    covariance: Array

    def tidy(self) -> pd.DataFrame:
        """Return one row per measure."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return n, what is explained, and the measure of the smallest p."""
        first = self.table.loc[self.table["p"].idxmin()]
        return {
            "n": self.n,
            "people": self.people,
            "explained": self.explained,
            "first": first["measure"],
            "p": first["p"],
        }

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def score(self, telemetry: pd.DataFrame) -> pd.DataFrame:
        """Return the satisfaction to be expected of rows of telemetry: expected, lower, upper (of the mean of such rows)."""
        x = _logged(telemetry, list(self.table["measure"]))
        family, eta = FAMILIES[self.kpi], x @ self.coefficients
        reach = quantile(self.level) * np.sqrt(np.einsum("ij,jk,ik->i", x, self.covariance, x))
        columns = {"expected": eta, "lower": eta - reach, "upper": eta + reach}
        return pd.DataFrame({k: family.inverse(v) for k, v in columns.items()}, index=telemetry.index)


def satisfaction_link(
    telemetry: pd.DataFrame, satisfaction: ArrayLike, *, kpi: Literal["share", "mean"] = "mean",
    people: Sequence[Any] | None = None, confidence: float = 0.95, seed: int = 0,
) -> TelemetryLink:  # fmt: skip
    """Fit satisfaction to telemetry.

    Parameters
    ----------
    telemetry : DataFrame
        Measures of the same visits, such as load_time, errors and crashes: numbers, not negative, without blanks, shape (n, measures).
    satisfaction : array_like
        Answers, shape (n,): 0 or 1 for a share, scores for a mean.
    kpi : {'share', 'mean'}
        A logit, or a straight line.
    people : sequence, optional
        Who gave each answer: standard errors and folds are by person.
    confidence : float
        Level.
    seed : int
        Of the folds.

    Returns
    -------
    TelemetryLink

    Raises
    ------
    DataError, InsufficientData
        A measure is negative or blank; fewer than ten answers for each measure.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Biometrika, 73, 13-22. Stone, M. (1974). Cross-validatory choice and assessment of statistical
    predictions. JRSS B, 36, 111-147.
    """
    measures = [str(c) for c in telemetry.columns]
    x, y = _logged(telemetry, measures), np.asarray(satisfaction, dtype="float64")
    if len(y) != len(x) or not np.isfinite(y).all():
        raise DataError("There must be one answer for each row.", "Leave out rows without an answer.")
    if kpi == "share" and not np.isin(y, [0, 1]).all():
        raise DataError("Answers of a share must be 0 or 1.", "Use kpi='mean' for scores.")
    few = min(y.sum(), len(y) - y.sum()) if kpi == "share" else len(y)
    if few < FEWEST_PER_EFFECT * x.shape[1]:
        raise InsufficientData(f"{few:g} answer(s) are too few for {len(measures)} measures.", "Leave measures out.")
    family = FAMILIES[kpi]
    whose = (
        np.arange(len(y))
        if people is None
        else pd.factorize(np.asarray(people, dtype=object), use_na_sentinel=False)[0]
    )
    ones = np.ones(len(y))
    b, cov = clustered_fit(y, x, ones, family, whose)
    se = np.sqrt(np.diag(cov))[1:]
    crowd = int(whose.max()) + 1
    reach = float(stats.t.ppf(0.5 + confidence / 2, max(crowd - x.shape[1], 1)))
    middle = family.link(np.clip(y.mean(), *family.inside))
    table = pd.DataFrame(
        {"measure": measures, "coef": b[1:], "se": se, "lower": b[1:] - reach * se, "upper": b[1:] + reach * se,
         "p": 2 * stats.t.sf(np.abs(b[1:] / se), max(crowd - x.shape[1], 1)),
         "per_doubling": family.inverse(middle + b[1:] * np.log(2)) - family.inverse(middle)}
    )  # fmt: skip
    fold = np.random.default_rng(seed).permutation(crowd)[whose] % FOLDS
    missed = usual = 0.0
    for k in range(FOLDS):
        rest, held = fold != k, fold == k
        fit = weighted_fit(y[rest], x[rest], ones[rest], family)
        missed += float(((y[held] - family.inverse(x[held] @ fit.coefficients)) ** 2).sum())
        usual += float(((y[held] - y[rest].mean()) ** 2).sum())
    return TelemetryLink(table, 1 - missed / usual, len(y), crowd, kpi, confidence, b, cov)


def _logged(telemetry: pd.DataFrame, measures: list[str]) -> Array:
    for name in measures:
        if name not in telemetry.columns:
            raise DataError(f"The telemetry has no column '{name}'.")
    x = telemetry[measures].to_numpy(dtype="float64")
    wrong = ~np.isfinite(x) | (x < 0)
    if wrong.any():
        name = measures[int(wrong.any(axis=0).argmax())]
        raise DataError(f"Measure '{name}' has a blank or negative value.", "Leave such rows out.")
    return np.concatenate([np.ones((len(x), 1)), np.log1p(x)], axis=1)
