"""Times that are not over yet: Kaplan-Meier curves, their quantiles and means, and tests between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
CurveInterval = Literal["log_log", "log", "plain"]
SAME = 1e-10
"""Curves this near to a quantile's level are on it."""


@dataclass(frozen=True, repr=False)
class SurvivalCurve(Shown):
    """The share of cases that is still open, by time.

    Attributes
    ----------
    table : DataFrame
        One row per time at which something ended or was lost from sight: time, at_risk, events, censored, survival, se (Greenwood's),
        lower, upper, cumulative_hazard (Nelson and Aalen's).
    interval : str
        log_log, log or plain.
    level : float
        Of the interval.
    """

    table: pd.DataFrame
    interval: CurveInterval
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per time."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return n, events, and the median with its interval."""
        median = self.quantiles([0.5]).iloc[0]
        n, events = int(self.table["at_risk"].iloc[0]), int(self.table["events"].sum())
        return {
            "n": n,
            "events": events,
            "median": median["quantile"],
            "lower": median["lower"],
            "upper": median["upper"],
        }

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def quantiles(self, p: ArrayLike) -> pd.DataFrame:
        """Return the times by which shares of the cases have ended.

        Parameters
        ----------
        p : array_like
            Shares, shape (k,), between 0 and 1.

        Returns
        -------
        DataFrame
            One row per share: p, quantile, lower, upper; NaN where the curve does not come down so far. Where it lies on a quantile's level
            for a while the middle of that while is taken.

        References
        ----------
        Brookmeyer, R. & Crowley, J. (1982). A confidence interval for the median survival time. Biometrics, 38, 29-41.
        """
        time = self.table["time"].to_numpy()
        rows = []
        for share in np.atleast_1d(np.asarray(p, dtype="float64")):
            found = [_crossing(time, self.table[c].to_numpy(), 1 - share) for c in ("survival", "lower", "upper")]
            rows.append((share, *found))
        return pd.DataFrame(rows, columns=["p", "quantile", "lower", "upper"])

    def at(self, times: ArrayLike) -> pd.DataFrame:
        """Return the share that is still open at given times: time, survival, lower, upper; NaN after the last time."""
        given = np.atleast_1d(np.asarray(times, dtype="float64"))
        time = self.table["time"].to_numpy()
        place = np.searchsorted(time, given, side="right") - 1
        rows = {}
        for c, start in (("survival", 1.0), ("lower", 1.0), ("upper", 1.0)):
            value = np.where(place >= 0, self.table[c].to_numpy()[place], start)
            rows[c] = np.where(given > time[-1], np.nan, value)
        return pd.DataFrame({"time": given, **rows})

    def mean_until(self, limit: float) -> tuple[float, float]:
        """Return the mean time up to a limit, longer ones counting as the limit, and its standard error."""
        time, s = (self.table[c].to_numpy(dtype="float64") for c in ("time", "survival"))
        d, n = (self.table[c].to_numpy(dtype="float64") for c in ("events", "at_risk"))
        inside = time < limit
        ends = np.concatenate([time[inside], [limit]])
        widths = np.diff(ends, prepend=0.0)
        heights = np.concatenate([[1.0], s[inside]])
        areas = widths * heights
        after = areas.sum() - np.cumsum(areas)[:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(n[inside] > d[inside], d[inside] / (n[inside] * (n[inside] - d[inside])), 0.0)
        return float(areas.sum()), float(np.sqrt((after**2 * step).sum()))


def survival_curve(
    time: ArrayLike, ended: ArrayLike, *, interval: CurveInterval = "log_log", confidence: float = 0.95
) -> SurvivalCurve:
    """Estimate the share of cases that is still open by time.

    Parameters
    ----------
    time : array_like
        Shape (n,), from the start to the end or to when the case was last seen; not negative.
    ended : array_like of bool
        Shape (n,): whether it ended then; otherwise it was still open.
    interval : {'log_log', 'log', 'plain'}
        Scale on which the interval is symmetric; log-log stays between 0 and 1 and keeps its level in small samples.
    confidence : float
        Level.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    DataError, InsufficientData
        A time is negative or missing; there is none.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). JASA, 53, 457-481. Kalbfleisch, J. D. & Prentice, R. L. (2002). The statistical analysis of failure time
    data, 2nd ed. Wiley, section 1.4.
    """
    t, e = times_given(time, ended)
    at, of = np.unique(t, return_inverse=True)
    events, gone = np.bincount(of, weights=e), np.bincount(of)
    n = len(t) - np.concatenate([[0], np.cumsum(gone)[:-1]])
    s = np.cumprod(1 - events / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (n * (n - events))))
        z = quantile(confidence)
        se = np.where(s > 0, s * spread, np.nan)
        if interval == "plain":
            low, high = s - z * se, s + z * se
        elif interval == "log":
            low, high = s * np.exp(-z * spread), s * np.exp(z * spread)
        else:
            reach = z * spread / np.log(s)
            low, high = s ** np.exp(-reach), s ** np.exp(reach)
            low, high = (np.where(s == 1, 1.0, v) for v in (low, high))
    over = s > 0
    table = pd.DataFrame(
        {"time": at, "at_risk": n, "events": events.astype(int), "censored": (gone - events).astype(int), "survival": s,
         "se": se, "lower": np.where(over, np.clip(low, 0, 1), np.nan), "upper": np.where(over, np.clip(high, 0, 1), np.nan),
         "cumulative_hazard": np.cumsum(events / n)}
    )  # fmt: skip
    return SurvivalCurve(table, interval, confidence)


def compare_curves(time: ArrayLike, ended: ArrayLike, group: ArrayLike, *, early: bool = False) -> dict[str, float]:
    """Test whether groups take equally long.

    Parameters
    ----------
    time, ended : array_like
        As for `survival_curve`.
    group : array_like
        Shape (n,).
    early : bool
        Whether early differences weigh more (Peto and Prentice's form of Wilcoxon's test) instead of all alike (log-rank).

    Returns
    -------
    dict of str to float
        chi2, df, p.

    Raises
    ------
    InsufficientData
        There is one group only.

    References
    ----------
    Mantel, N. (1966). Cancer Chemotherapy Reports, 50, 163-170. Harrington, D. P. & Fleming, T. R. (1982). Biometrika, 69, 553-566.
    """
    t, e = times_given(time, ended)
    names, of = np.unique(np.asarray(group), return_inverse=True)
    if len(names) < 2:
        raise InsufficientData("A comparison needs two groups.")
    k = len(names)
    at = np.unique(t[e])
    member = of[:, None] == np.arange(k)
    place = np.searchsorted(at, t, side="right")
    # a case is at risk at the event times up to its own
    left = np.zeros((len(at) + 1, k))
    np.add.at(left, place, member)
    n = left[::-1].cumsum(axis=0)[::-1][1:]
    d = np.zeros((len(at), k))
    np.add.at(d, np.searchsorted(at, t[e]), member[e])
    total, died = n.sum(axis=1), d.sum(axis=1)
    weight = np.concatenate([[1.0], np.cumprod(1 - died / total)[:-1]]) if early else np.ones(len(at))
    u = (weight[:, None] * (d - died[:, None] * n / total[:, None])).sum(axis=0)
    share = n / total[:, None]
    factor = weight**2 * died * np.where(total > 1, (total - died) / np.maximum(total - 1, 1), 0.0)
    v = np.diag((factor[:, None] * share).sum(axis=0)) - np.einsum("t,ti,tj->ij", factor, share, share)
    chi2 = float(u[1:] @ np.linalg.pinv(v[1:, 1:]) @ u[1:])
    return {"chi2": chi2, "df": float(k - 1), "p": float(stats.chi2.sf(chi2, k - 1))}


def times_given(time: ArrayLike, ended: ArrayLike) -> tuple[Array, Flags]:
    """Return times and whether they ended as arrays, or raise an error where they are not such."""
    t, e = np.asarray(time, dtype="float64"), np.asarray(ended)
    if not len(t):
        raise InsufficientData("There are no cases.")
    if t.shape != e.shape or t.ndim != 1:
        raise DataError("There must be one time and one end for each case.")
    if not np.isfinite(t).all() or (t < 0).any():
        raise DataError("A time is missing or negative.", "Of open cases give the time up to now.")
    if not np.isin(e, [0, 1]).all():
        raise DataError("Ends must be yes or no.", "Give 1 for a case that ended, 0 for one still open.")
    return t, e.astype(bool)


def _crossing(time: Array, curve: Array, level: float) -> float:
    """Return when a falling curve comes below a level; the middle of the while in which it lies on it."""
    there = np.isfinite(curve)
    x, y = time[there], curve[there]
    # a curve that ends at 0 has no interval there but is below every level
    below = np.flatnonzero(y < level - SAME)
    on = np.flatnonzero(np.abs(y - level) <= SAME)
    if len(on):
        return float((x[on[0]] + x[below[0]]) / 2) if len(below) else float(x[on[0]])
    return float(x[below[0]]) if len(below) else float("nan")
