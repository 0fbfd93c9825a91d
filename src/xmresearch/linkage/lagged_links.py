"""Which comes first: the random intercept cross-lagged panel model of two measures of the same customers over waves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError, brief
from xmresearch.sem.fitting import fit
from xmresearch.sem.result import SemFit

FEWEST_WAVES = 3
FEWEST_CUSTOMERS = 50
LAGS = {"x_to_x": "axx", "y_to_x": "ayx", "x_to_y": "axy", "y_to_y": "ayy"}
CLOSE, COMPARATIVE = 0.08, 0.90
"""Largest RMSEA and smallest CFI of a model that fits (Browne & Cudeck 1993)."""


@dataclass(frozen=True, repr=False)
class CrossLag(Shown):
    """Lagged links of two measures within customers.

    Attributes
    ----------
    table : DataFrame
        One row per lagged link: link (x_to_y: of x on the next wave's y, and so on), estimate, se, lower, upper, p; the same from each
        wave to the next.
    followed, waves : int
        Customers and waves that it rests on.
    stable : float
        Correlation between the two measures' lasting levels, of customers.
    cfi, rmsea : float
        Fit.
    fitted : SemFit
        The model.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    followed: int
    waves: int
    stable: float
    cfi: float
    rmsea: float
    fitted: SemFit
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per lagged link."""
        return self.table

    def link(self, name: str) -> dict[str, float]:
        """Return the figures of a lagged link: estimate, se, lower, upper, p."""
        row = self.table.set_index("link").loc[name]
        return {k: float(row[k]) for k in ("estimate", "se", "lower", "upper", "p")}

    def summary(self) -> dict[str, Any]:
        """Return what the model rests on and how it fits."""
        return {
            "customers": self.followed, "waves": self.waves, "stable": self.stable, "cfi": self.cfi, "rmsea": self.rmsea,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return whether the model fits."""
        good = self.cfi >= COMPARATIVE and self.rmsea <= CLOSE
        rows = [("lags_fit", self.rmsea, CLOSE, "pass" if good else "fail")]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _head(self) -> dict[str, Any]:
        return self.summary()


def cross_lag(x: pd.DataFrame, y: pd.DataFrame, *, confidence: float = 0.95) -> CrossLag:
    """Fit lagged links of two measures within customers, their lasting levels taken out.

    Parameters
    ----------
    x, y : DataFrame
        One row per customer, one column per wave in order, shape (customers, waves); NaN where a customer did not answer.
    confidence : float
        Level.

    Returns
    -------
    CrossLag

    Raises
    ------
    DataError, InsufficientData
        Shapes differ; fewer than three waves or 50 customers with an answer of either measure; the model has no solution.

    Notes
    -----
    Links are the same from each wave to the next; residual variances and means are free. Full-information maximum likelihood, so customers
    who drop out count as far as they answered (missing at random). Lasting levels are fixed in time: what changes slowly is not among them.

    References
    ----------
    Hamaker, E. L., Kuiper, R. M. & Grasman, R. P. P. P. (2015). A critique of the cross-lagged panel model. Psychological Methods, 20, 102-116.
    """
    if x.shape != y.shape:
        raise DataError(f"x has shape {x.shape} and y {y.shape}.", "Give both for the same customers and waves.")
    waves = x.shape[1]
    if waves < FEWEST_WAVES:
        raise InsufficientData(f"{waves} wave(s) are too few: lasting levels take {FEWEST_WAVES}.", "Give more waves.")
    names = [f"{v}{t}" for v in "xy" for t in range(1, waves + 1)]
    values = np.column_stack([x.to_numpy(dtype="float64"), y.to_numpy(dtype="float64")])
    values = values[np.isfinite(values).any(axis=1)]
    if len(values) < FEWEST_CUSTOMERS:
        raise InsufficientData(
            f"{len(values)} customer(s) answered in any wave; {FEWEST_CUSTOMERS} are needed.", "Follow more customers."
        )
    there = np.isfinite(values).sum(axis=0)
    pairs = np.isfinite(values[:, : waves - 1]) & np.isfinite(values[:, 1:waves])
    if there.min() < 2 or pairs.sum() < FEWEST_CUSTOMERS:
        raise InsufficientData("Too few customers answered in neighbouring waves.", "Follow more customers over waves.")
    spread = [float(np.nanstd(values[:, part])) for part in (slice(0, waves), slice(waves, None))]
    if not min(spread) > 0:
        raise InsufficientData("One of the measures is the same throughout.", "Choose a measure that differs.")
    scaled = values / np.repeat(spread, waves)
    frame = pd.DataFrame(scaled - np.nanmean(scaled, axis=0), columns=names)
    try:
        fitted = fit(_model(waves, _starts(frame, waves)), frame, missing="fiml", confidence=confidence)
        found = fitted.tidy()
        solved = fitted.converged and bool(np.isfinite(found.loc[found["label"].isin(LAGS.values()), "se"]).all())
    except ModelError:
        solved = False
    if not solved:
        raise InsufficientData("The lagged model has no solution with these waves.", "Give more customers or waves.")
    ratio = {"x_to_x": 1.0, "y_to_x": spread[0] / spread[1], "x_to_y": spread[1] / spread[0], "y_to_y": 1.0}
    rows = []
    for link, label in LAGS.items():
        row = found[found["label"] == label].iloc[0]
        figures = {
            k: ratio[link] * float(row[v])
            for k, v in (("estimate", "est"), ("se", "se"), ("lower", "ci_lower"), ("upper", "ci_upper"))
        }
        rows.append({"link": link, **figures, "p": float(row["pvalue"])})
    both = found[(found["lhs"] == "levelx") & (found["rhs"] == "levely")].iloc[0]
    told = fitted.summary()
    return CrossLag(
        pd.DataFrame(rows), len(frame), waves, float(both["std_all"]), float(told["cfi"]), float(told["rmsea"]), fitted, confidence
    )  # fmt: skip


def _starts(frame: pd.DataFrame, waves: int) -> dict[str, float]:
    """Return where the search begins: lasting variance from the waves farthest apart, the rest within."""
    starts = {}
    for v in "xy":
        cov = frame[[f"{v}{t}" for t in range(1, waves + 1)]].cov().to_numpy()
        total = float(np.nanmean(np.diag(cov)))
        lasting = float(np.nan_to_num(cov[0, -1], nan=0.3 * total))
        starts[v] = float(np.clip(lasting, 0.15 * total, 0.7 * total))
        starts[f"w{v}"] = total - starts[v]
    return starts


def _model(waves: int, starts: dict[str, float]) -> str:
    lines: list[str] = []
    span = range(1, waves + 1)
    for v in "xy":
        lines.append(f"level{v} =~ " + " + ".join(f"1*{v}{t}" for t in span))
        lines.append(f"level{v} ~~ start({starts[v]:.6g})*level{v}")
        for t in span:
            lines += [f"w{v}{t} =~ 1*{v}{t}", f"{v}{t} ~~ 0*{v}{t}", f"{v}{t} ~ 1"]
            lines.append(f"w{v}{t} ~~ start({starts[f'w{v}']:.6g})*w{v}{t}")
            lines += [f"level{u} ~~ 0*w{v}{t}" for u in "xy" if t == 1]
    lines += ["levelx ~~ levely", *(f"wx{t} ~~ wy{t}" for t in span)]
    for t in span[1:]:
        lines.append(f"wx{t} ~ axx*wx{t - 1} + start(0.2)*wx{t - 1} + ayx*wy{t - 1} + start(0)*wy{t - 1}")
        lines.append(f"wy{t} ~ axy*wx{t - 1} + start(0)*wx{t - 1} + ayy*wy{t - 1} + start(0.2)*wy{t - 1}")
    return "\n".join(lines)


def waves_of(
    rows: pd.DataFrame, customer: str, wave: str, measures: Sequence[str]
) -> tuple[list[pd.DataFrame], list[str]]:
    """Spread rows of customers and waves to one table per measure, with one row per customer.

    Parameters
    ----------
    rows : DataFrame
        One row per answer; several of a customer in a wave are averaged. Rows without customer or wave are left out.
    customer, wave : str
        Columns.
    measures : sequence of str
        Columns of numbers.

    Returns
    -------
    tables : list of DataFrame
        One per measure, shape (customers, waves), of the same customers.
    waves : list of str
        In order.

    Raises
    ------
    DataError
        A column is not there.

    References
    ----------
    Wickham, H. (2014). Tidy data. Journal of Statistical Software, 59(10).
    """
    for column in (customer, wave, *measures):
        if column not in rows.columns:
            raise DataError(f"The rows have no column '{brief(column)}'.")
    frame = rows.loc[rows[[customer, wave]].notna().all(axis=1), [customer, wave, *measures]]
    order = sorted(frame[wave].unique(), key=_natural)
    codes, customers = pd.factorize(frame[customer], sort=True)
    cell = codes * len(order) + pd.Index(order).get_indexer(pd.Index(frame[wave]))
    tables = []
    for measure in measures:
        values = frame[measure].to_numpy(dtype="float64")
        there = np.isfinite(values)
        count = np.bincount(cell[there], minlength=len(customers) * len(order)).reshape(-1, len(order))
        total = np.bincount(cell[there], weights=values[there], minlength=count.size).reshape(count.shape)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        tables.append(pd.DataFrame(mean, index=pd.Index(customers), columns=order))
    return tables, [str(w) for w in order]


def _natural(wave: object) -> list[tuple[bool, float, str]]:
    """Return the key by which names of waves are put in order: wave 2 comes before wave 10, and 2024Q4 before 2025Q1."""
    parts = re.split(r"(\d+(?:\.\d+)?)", str(wave))
    return [(not k % 2, float(part) if k % 2 else 0.0, part) for k, part in enumerate(parts) if part]
