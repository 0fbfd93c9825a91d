"""How feedback is handled: times to a response and to resolution, first-contact resolution, call-backs, and what is reopened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.monitoring.survival_curves import SurvivalCurve, compare_curves, survival_curve

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
HOUR = 3.6e9
"""Microseconds."""
FEWEST_FOLLOWED = 1


@dataclass(frozen=True, repr=False)
class HandlingTimes(Shown):
    """How cases are handled, by group.

    Attributes
    ----------
    times : DataFrame
        One row per group and time (response, resolution): group, time, n, open (not over at the end of the data), median, median_lower,
        median_upper, p90 (hours; NaN where too many are still open), within (share over within the promised time), within_lower, within_upper.
    shares : DataFrame
        One row per group and measure (first_contact, reopened, called_back): group, measure, n, share, lower, upper.
    comparisons : DataFrame
        One row per time: time, chi2, df, p of all groups taking equally long (log-rank); empty with one group.
    curves : dict
        The curve of the share still waiting, by group and time.
    promised : dict
        Hours within which a response and a resolution were promised.
    window : float
        Days within which another contact counts as a call-back.
    level : float
        Of the intervals.
    """

    times: pd.DataFrame
    shares: pd.DataFrame
    comparisons: pd.DataFrame
    curves: dict[tuple[str, str], SurvivalCurve]
    promised: dict[str, float]
    window: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per group and time."""
        return self.times

    def summary(self) -> dict[str, Any]:
        """Return the figures of all cases together."""
        rows = self.times[self.times["group"] == ""].set_index("time")
        shares = self.shares[self.shares["group"] == ""].set_index("measure")["share"]
        return {
            "n": int(rows["n"].max()), **{f"median_{k}": float(v) for k, v in rows["median"].items()},
            **{f"within_{k}": float(v) for k, v in rows["within"].items()}, **{str(k): float(v) for k, v in shares.items()},
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def handling_times(
    cases: pd.DataFrame, *, until: Any, promised: tuple[float, float] = (24.0, 72.0), window: float = 7.0,
    by: str | None = None, confidence: float = 0.95,
) -> HandlingTimes:  # fmt: skip
    """Describe how cases are handled.

    Parameters
    ----------
    cases : DataFrame
        One row per case. Times opened (always), responded and resolved (blank while open); where there, contacts (how many it took),
        reopened (whether or how often), customer (to see who came back).
    until : datetime-like
        When the data end: what is open then is censored, not left out and not counted as quick.
    promised : tuple of float
        Hours within which a response and a resolution were promised.
    window : float
        Days within which another case of a customer counts as a call-back.
    by : str, optional
        Column of groups.
    confidence : float
        Level.

    Returns
    -------
    HandlingTimes
        Clock hours. Intervals of shares are Wilson's; those of call-backs with as many answers as customers with several cases are worth.

    Raises
    ------
    DataError, InsufficientData
        A column is not there, a case ends before it opens or after the end of the data; there are no cases.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). JASA, 53, 457-481. Brookmeyer, R. & Crowley, J. (1982). Biometrics, 38, 29-41.
    """
    end = pd.Timestamp(until)
    opened = _hours(cases, "opened", end)
    if not len(opened):
        raise InsufficientData("There are no cases.")
    if np.isnan(opened).any():
        raise DataError("A case has no time at which it was opened.", "Leave it out, or find its time.")
    if by is not None and by not in cases.columns:
        raise DataError(f"The cases have no column '{by}'.")
    group = (
        np.full(len(opened), "")
        if by is None
        else cases[by].astype("object").where(cases[by].notna(), "").astype(str).to_numpy()
    )
    groups: list[tuple[str, Flags]] = [("", np.ones(len(opened), dtype=bool))]
    groups += [(g, group == g) for g in sorted(set(group) - {""})]
    now = _moment(end)
    rows, curves, compared = [], {}, []
    for name, column, hours in (("response", "responded", promised[0]), ("resolution", "resolved", promised[1])):
        if column not in cases.columns:
            continue
        over = _hours(cases, column, end)
        early = int((over < opened).sum())
        if early:
            raise DataError(
                f"{early} case(s) were {column} before they were opened.", "Check the times' zones and order."
            )
        ended = ~np.isnan(over)
        time = np.where(ended, over, now) - opened
        for g, there in groups:
            curve = survival_curve(time[there], ended[there], confidence=confidence)
            curves[g, name] = curve
            rows.append({"group": g, "time": name, **_described(curve, hours)})
        named = group != ""
        if len(groups) > 2:
            compared.append({"time": name, **compare_curves(time[named], ended[named], group[named])})
    if not rows:
        raise DataError("The cases have neither a column 'responded' nor 'resolved'.")
    shares = [
        {"group": g, **row} for measure in _measures(cases, opened, now, window) for g, there in groups
        if (row := _share(*measure, there, confidence)) is not None
    ]  # fmt: skip
    return HandlingTimes(
        pd.DataFrame(rows), pd.DataFrame(shares, columns=["group", "measure", "n", "share", "lower", "upper"]),
        pd.DataFrame(compared, columns=["time", "chi2", "df", "p"]), curves,
        {"response": promised[0], "resolution": promised[1]}, window, confidence,
    )  # fmt: skip


def next_contacts(customer: Sequence[Any] | ArrayLike, opened: ArrayLike) -> Array:
    """Return how long after each contact the same customer came again.

    Parameters
    ----------
    customer : array_like
        Shape (n,); a blank is a customer of its own.
    opened : array_like
        Times in any unit, shape (n,).

    Returns
    -------
    ndarray
        Shape (n,), in that unit; NaN where the customer did not come again.
    """
    who = pd.Series(np.asarray(customer, dtype=object))
    codes = pd.factorize(who)[0].astype("int64")
    codes[codes < 0] = codes.max(initial=0) + 1 + np.arange((codes < 0).sum())
    t = np.asarray(opened, dtype="float64")
    order = np.lexsort((t, codes))
    same = codes[order][1:] == codes[order][:-1]
    found = np.full(len(t), np.nan)
    found[order[:-1][same]] = np.diff(t[order])[same]
    return found


def _moment(value: pd.Timestamp) -> float:
    plain = value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value
    return float(plain.to_datetime64().astype("datetime64[us]").astype("int64")) / HOUR


def _hours(cases: pd.DataFrame, column: str, end: pd.Timestamp) -> Array:
    if column not in cases.columns:
        raise DataError(f"The cases have no column '{column}'.")
    given = pd.to_datetime(cases[column], errors="coerce", format="ISO8601", utc=end.tzinfo is not None)
    lost = int((given.isna() & cases[column].notna()).sum())
    if lost:
        raise DataError(f"Column '{column}' has {lost} value(s) that are no times.", "Write them as 2024-07-31 14:05.")
    if given.dt.tz is not None:
        if end.tzinfo is None:
            raise DataError(
                f"Column '{column}' has a time zone and the end of the data has none.", "Give both with one."
            )
        given = given.dt.tz_localize(None)
    late = int((given > (end.tz_convert("UTC").tz_localize(None) if end.tzinfo else end)).sum())
    if late:
        raise DataError(f"Column '{column}' has {late} time(s) after the end of the data.", "Give a later `until`.")
    blank = given.isna().to_numpy()
    micro = given.astype("datetime64[us]").to_numpy().astype("int64").astype("float64")
    return np.asarray(np.where(blank, np.nan, micro / HOUR))


def _described(curve: SurvivalCurve, hours: float) -> dict[str, Any]:
    table, q = curve.table, curve.quantiles([0.5, 0.9])
    inside = curve.at([hours]).iloc[0]
    if np.isnan(inside["survival"]) and table["survival"].iloc[-1] == 0:
        inside = pd.Series({"survival": 0.0, "lower": np.nan, "upper": np.nan})
    n = int(table["at_risk"].iloc[0])
    if table["survival"].iloc[-1] == 0 and hours >= table["time"].iloc[-1]:
        # all are over: the interval of a share of n of n
        inside["upper"], inside["lower"] = 1 - float(share_interval(n, n, confidence=curve.level)[0]), 0.0
    return {
        "n": n, "open": int(table["censored"].sum()), "median": q["quantile"][0], "median_lower": q["lower"][0],
        "median_upper": q["upper"][0], "p90": q["quantile"][1], "within": 1 - inside["survival"],
        "within_lower": 1 - inside["upper"], "within_upper": 1 - inside["lower"],
    }  # fmt: skip


def _measures(
    cases: pd.DataFrame, opened: Array, now: float, window: float
) -> list[tuple[str, Flags, Flags, NDArray[np.int64] | None]]:
    """Return each measure that the columns allow: its name, who counts, who does it, and whose answers hang together."""
    found: list[tuple[str, Flags, Flags, NDArray[np.int64] | None]] = []
    resolved = cases["resolved"].notna().to_numpy() if "resolved" in cases.columns else np.ones(len(cases), dtype=bool)
    again = np.zeros(len(cases), dtype=bool)
    if "reopened" in cases.columns:
        times = pd.to_numeric(cases["reopened"], errors="coerce").fillna(0).to_numpy(dtype="float64")
        again = times > 0
        found.append(("reopened", resolved, again, None))
    if "contacts" in cases.columns:
        contacts = pd.to_numeric(cases["contacts"], errors="coerce").to_numpy(dtype="float64")
        found.insert(0, ("first_contact", resolved & np.isfinite(contacts), (contacts <= 1) & ~again, None))
    if "customer" in cases.columns:
        gap = next_contacts(cases["customer"], opened) / 24
        back = gap <= window
        # only contacts that were followed for the whole window: others could not come back in it
        followed = (now - opened) / 24 >= window
        codes = pd.factorize(cases["customer"])[0].astype("int64")
        codes[codes < 0] = codes.max(initial=0) + 1 + np.arange((codes < 0).sum())
        found.append(("called_back", followed, back, codes))
    return found


def _share(
    measure: str, counts: Flags, does: Flags, whose: NDArray[np.int64] | None, there: Flags, confidence: float
) -> dict[str, Any] | None:
    used = counts & there
    n, hits = int(used.sum()), int((used & does).sum())
    if n < FEWEST_FOLLOWED:
        return None
    share, worth = hits / n, float(n)
    if whose is not None and 0 < hits < n:
        pull = np.bincount(whose[used], weights=does[used] - share)
        clusters = int((np.bincount(whose[used]) > 0).sum())
        variance = float((pull**2).sum()) / n**2 * clusters / max(clusters - 1, 1)
        worth = min(float(n), share * (1 - share) / variance) if variance > 0 else float(n)
    low, high = share_interval(share * worth, worth, confidence=confidence)
    return {"measure": measure, "n": n, "share": share, "lower": float(low), "upper": float(high)}
