"""How reliable the scores of a fitted model's constructs are: alpha, omega (composite reliability) and AVE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.shares_explained import (
    categorical_omega,
    constructs,
    explained_shares,
    positions,
    sample_covariances,
)
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import moment_errors
from xmresearch.sem.samples import rows_of, split

Array = NDArray[np.float64]
OMEGA_BOUND, OMEGA_LEAST, AVE_BOUND = 0.7, 0.6, 0.5


@dataclass(frozen=True, repr=False)
class CompositeResult(Shown):
    """Reliability of the constructs of a measurement model.

    Attributes
    ----------
    table : DataFrame
        One row per construct, and per group where there are several: construct, group, items, n, scale ('observed', or
        'underlying' where items are ordered); alpha, alpha_lower, alpha_upper (Cronbach's, of the answers as numbers, with
        Feldt's interval, or with weights or clusters a delta-method one on the scale of log(1 - alpha)); alpha_std (of the correlations; of ordered items, the polychoric ones: ordinal alpha);
        omega, omega_lower, omega_upper (composite reliability, Bollen's: of the sum of the items, for ordered ones of the
        standardised responses underneath); omega_categorical, omega_categorical_lower, omega_categorical_upper (of the
        sum of ordered answers scored 1, 2, 3, ...; Green and Yang); ave, ave_lower, ave_upper (average variance
        extracted). NaN for a single item; AVE also where an item loads on several constructs, alpha where it needs
        rows that were not given, and intervals where the estimate is not between 0 and 1.
    interval : {'delta', 'percentile'}
        Intervals of omega and AVE: by the delta method on the logit scale, or bootstrap percentiles.
    confidence : float
        Level of all intervals.
    """

    table: pd.DataFrame
    interval: Literal["delta", "percentile"]
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per construct and group."""
        return self.table

    @property
    def judged(self) -> pd.Series:
        """The omega of the score that is used: of the sum of answers, so the categorical one where items are ordered."""
        return self.table["omega_categorical"].fillna(self.table["omega"])

    def summary(self) -> dict[str, Any]:
        """Return the lowest omega and AVE, and how many fall below the usual bounds."""
        judged, ave = self.judged.dropna(), self.table["ave"]
        low = int((judged < OMEGA_BOUND).sum())
        worst = self.table.loc[judged.idxmin()] if len(judged) else None
        return {
            "case": "undefined" if worst is None else "some_low" if low else "good", "threshold": OMEGA_BOUND,
            "low": low, "reliable": len(judged) - low, "constructs": len(self.table), "worst": "" if worst is None else worst["construct"],
            "worst_group": "" if worst is None else worst["group"], "worst_omega": float(judged.min()),
            "ave_low": int((ave < AVE_BOUND).sum()), "ave_lowest": float(ave.min()), "ave_threshold": AVE_BOUND,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status.

        An omega below .6 fails. An AVE below .5 is a warning where omega is at least .6 (Fornell & Larcker 1981), and
        otherwise fails.
        """
        rows: list[tuple[str, float, float, str]] = []
        omega, ave = self.judged, self.table["ave"]
        if omega.notna().any():
            lowest = float(omega.min())
            status = "pass" if lowest >= OMEGA_BOUND else "warn" if lowest >= OMEGA_LEAST else "fail"
            rows.append(("omega", lowest, OMEGA_BOUND, status))
        if ave.notna().any():
            low = ave < AVE_BOUND
            status = "pass" if not low.any() else "fail" if (omega[low] < OMEGA_LEAST).any() else "warn"
            rows.append(("ave", float(ave.min()), AVE_BOUND, status))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def composite_reliability(
    fitted: SemFit, data: pd.DataFrame | None = None, *, group: str | None = None, confidence: float = 0.95
) -> CompositeResult:
    """Estimate the reliability of every construct with observed items.

    Parameters
    ----------
    fitted : SemFit
        A converged model, of one group or several, with any estimator. Its bootstrap replicates, where there are any,
        give the intervals of omega and AVE.
    data : DataFrame, optional
        The rows that a model of ordered items was fitted to, from which alpha is taken; other fits hold what it takes.
    group : str, optional
        Column of the groups in `data`, for a model of several.
    confidence : float
        Level of the intervals.

    Returns
    -------
    CompositeResult

    Raises
    ------
    InsufficientData
        The model has no construct with items.
    ModelError
        The model did not converge.
    DataError
        The groups of `data` are not those of the model.

    Notes
    -----
    Feldt's interval takes the items as equally good measures of one thing. With blanks (full information), alpha is of the
    saturated model's covariances and its interval, which counts all rows, is a little short.

    References
    ----------
    Bollen, K. A. (1980). American Sociological Review, 45, 370-390. Fornell, C. & Larcker, D. F. (1981). Journal of
    Marketing Research, 18, 39-50. Feldt, L. S. (1965). Psychometrika, 30, 357-370. Green, S. B. & Yang, Y. (2009).
    Psychometrika, 74, 155-167. Raykov, T. (2012). In Handbook of Structural Equation Modeling. Guilford (intervals).
    """
    owned = constructs(fitted)
    model = fitted.model
    ordered = bool(model.categories)
    answers = _answers(fitted, data, group) if ordered else [s.cov for s in fitted.samples]
    tables = []
    for g, label in enumerate(model.groups):
        columns = {
            "construct": list(owned), "group": label, "items": [len(items) for items in owned.values()],
            "n": fitted.group_sizes[g], "scale": "underlying" if ordered else "observed",
        } | _alphas(fitted, g, answers[g], confidence)  # fmt: skip
        for name, read in _READ.items():
            values = np.full((3, len(owned)), np.nan)
            if ordered or name != "omega_categorical":
                values = _interval(fitted, g, read, confidence)
            columns |= {f"{name}{end}": v for end, v in zip(("", "_lower", "_upper"), values, strict=True)}
        tables.append(pd.DataFrame(columns))
    interval: Literal["delta", "percentile"] = "delta" if fitted.replicates is None else "percentile"
    return CompositeResult(pd.concat(tables, ignore_index=True), interval, confidence)


_READ: dict[str, Callable[[SemFit, Array, int], Array]] = {
    "omega": lambda fitted, theta, group: explained_shares(fitted, theta, group).omega,
    "omega_categorical": categorical_omega,
    "ave": lambda fitted, theta, group: explained_shares(fitted, theta, group).ave,
}


def _interval(fitted: SemFit, group: int, read: Callable[[SemFit, Array, int], Array], confidence: float) -> Array:
    """Return shares that are read off the parameters, and bounds that stay between 0 and 1: shape (3, constructs)."""
    theta = fitted.solution.theta
    value = read(fitted, theta, group)
    tail = (1 - confidence) / 2
    if fitted.replicates is not None:
        return np.vstack([value, np.quantile(read(fitted, fitted.replicates, group), [tail, 1 - tail], axis=0)])
    with np.errstate(invalid="ignore"):
        error = fitted.readout.errors(theta, fitted.covariance, lambda t: special.logit(read(fitted, t, group)))
        reach = special.ndtri(1 - tail) * error
        centre = special.logit(value)
        return np.vstack([value, special.expit(centre - reach), special.expit(centre + reach)])


def _answers(fitted: SemFit, data: pd.DataFrame | None, group: str | None) -> list[Array | None]:
    """Covariances of ordered answers as numbers, by group; None where there are no rows."""
    model = fitted.model
    if data is None:
        return [None] * len(model.groups)
    if group is None and len(model.groups) > 1:
        raise DataError("The model has several groups.", "Name the column of the groups in `group`.")
    grouped = split(data, group)
    if set(grouped.groups) != set(model.groups):
        raise DataError(f"Column '{group}' does not hold the groups of the model.")
    grouped = grouped.in_order(model.groups)
    return [np.cov(x, rowvar=False) for x in rows_of(grouped, model.observed, (), "listwise")]


def _alpha_error(cov: Array, at: Sequence[int], errors: Array) -> float:
    """Return the delta-method error of log(1 - alpha), from the errors of the covariances in the order of `saturated`."""
    columns, rows = np.triu_indices(len(cov))
    inside = np.isin(rows, at) & np.isin(columns, at)
    block = cov[np.ix_(at, at)]
    total, trace, diagonal = block.sum(), np.trace(block), rows == columns
    # alpha = k / (k - 1) (1 - trace / total)
    slope = np.where(diagonal, 1 / total, 0.0) - trace / total**2 * np.where(diagonal, 1.0, 2.0)
    k = len(at)
    rest = 1 - k / (k - 1) * (1 - trace / total)
    slope = np.where(inside, k / (k - 1) * slope / rest, 0.0)
    return float(np.sqrt(slope @ errors @ slope))


def _alphas(fitted: SemFit, group: int, answers: Array | None, confidence: float) -> dict[str, list[float]]:
    sample = sample_covariances(fitted, group)
    sd = np.sqrt(np.diag(sample))
    correlations, n, tail = sample / np.outer(sd, sd), fitted.group_sizes[group], (1 - confidence) / 2
    designed = fitted.sampling_weights is not None or fitted.cluster is not None
    errors = moment_errors(fitted.samples[group], fitted.rows[group]) if designed else None
    found: dict[str, list[float]] = {"alpha": [], "alpha_lower": [], "alpha_upper": [], "alpha_std": []}
    for at in positions(fitted).values():
        block, k = np.ix_(at, at), len(at)
        alpha, standardised = (
            float(k / (k - 1) * (1 - np.trace(x[block]) / x[block].sum())) if x is not None and k > 1 else np.nan
            for x in (answers, correlations)
        )
        bounds = [np.nan, np.nan]
        if np.isfinite(alpha):
            bounds = [1 - (1 - alpha) * special.fdtri(n - 1, (n - 1) * (k - 1), p) for p in (1 - tail, tail)]
            if errors is not None:
                reach = special.ndtri(1 - tail) * _alpha_error(sample, at, errors)
                bounds = [1 - (1 - alpha) * float(np.exp(sign * reach)) for sign in (1, -1)]
        for name, value in zip(found, (alpha, *bounds, standardised), strict=True):
            found[name].append(float(value))
    return found
