"""What rows are reduced to: answers and their sums by period, and by branch and period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.panel import PanelData
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, brief
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.reduced_rows import reduced_rows
from xmresearch.sufficient.calendar import Span, covering, name, span

Array = NDArray[np.float64]
PROMOTER, DETRACTOR, NPS_SCALE = 9, 6, (0.0, 10.0)
FEWEST_PERIODS = 12
MOST_PERIODS = 20_000


@dataclass(frozen=True, repr=False)
class FeedbackSeries(Shown):
    """Answers by period.

    Attributes
    ----------
    spans : tuple of Span
        Every period from the first to the last, those without rows included.
    rows : ndarray
        Rows with an answer in each, shape (periods,).
    n : ndarray
        What a figure is divided by: answers, of a rate the exposure, of counts 1, shape (periods,).
    total : ndarray
        What is divided, shape (periods,): of a net score 100 for a promoter and -100 for a detractor.
    branches : tuple of str
        Names, in order; none where none are watched.
    branch_rows, branch_n, branch_total : ndarray
        The same by branch, shape (branches, periods).
    facts : mapping
        rows (all), blank (without an answer), undated.
    """

    spans: tuple[Span, ...]
    rows: Array
    n: Array
    total: Array
    branches: tuple[str, ...]
    branch_rows: Array
    branch_n: Array
    branch_total: Array
    facts: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Periods as text that sorts."""
        return [name(s) for s in self.spans]

    def values(self, min_rows: int = 0) -> Array:
        """Return the figure by period, NaN where it rests on fewer rows than may be shown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.total / self.n
        return np.where((self.n > 0) & (self.rows >= min_rows), found, np.nan)

    def locate(self, period: object) -> int:
        """Return where a period of the params lies; -1 where before the first, the number of periods where after the last."""
        found = span(period)
        if found is None:
            raise ParamsError(
                f"'{period}' is no period.", "Write days as 2025-04-30, months as 2025-04, weeks as 2025-W18."
            )
        if found.last < self.spans[0].first:
            return -1
        inside = [k for k, s in enumerate(self.spans) if s.first <= found.last]
        return len(self.spans) if found.first > self.spans[-1].last else inside[-1]

    def summary(self) -> dict[str, Any]:
        """Return how much there is."""
        return {
            **self.facts, "periods": len(self.spans), "with_data": int((self.n > 0).sum()), "first_period": name(self.spans[0]),
            "last_period": name(self.spans[-1]), "branches": len(self.branches),
        }  # fmt: skip


def feedback_series(params: MonitorParams, data: PanelData) -> FeedbackSeries:
    """Reduce rows to what is watched.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows.

    Returns
    -------
    FeedbackSeries

    Raises
    ------
    DataError
        A column is not there; answers that the figure cannot be made of.
    InsufficientData
        Too few periods.
    """
    found = reduced_rows(params, data)
    if found["unread"].sum():
        raise DataError(
            f"Column '{brief(params.outcome)}' has {int(found['unread'].sum()):,d} answers that are no numbers.",
            "Name another column as outcome, or blank them by data.missing_codes.",
        )
    return _arranged(params, found)


def _arranged(params: MonitorParams, found: pd.DataFrame) -> FeedbackSeries:
    spans = {day: span(day) for day in found["day"].dropna().unique()}
    dated = found["day"].map(lambda day: spans.get(day) is not None)
    facts = {"rows": int(found["rows"].sum()), "undated": int(found.loc[~dated, "rows"].sum())}
    found = found[dated]
    blank = found["answer"].isna() | ((found["unexposed"] > 0) & (params.exposure is not None))
    facts["blank"] = int(found.loc[blank, "rows"].sum())
    found = found[~blank]
    if found.empty:
        raise InsufficientData("No row has a date and an answer.", "Check the columns of time and outcome.")
    parts = [_covered(spans[day], params.period) for day in found["day"]]
    made = _calendar(min(p.first for p in parts), max(p.first for p in parts), params.period)
    if len(made) < FEWEST_PERIODS:
        raise InsufficientData(
            f"{len(made)} periods are too few to tell what is ordinary and watch what comes; the fewest is {FEWEST_PERIODS}.",
            "Choose shorter periods, or wait.",
        )
    places = {s.first: k for k, s in enumerate(made)}
    at = np.array([places[p.first] for p in parts])
    rows, top, bottom = _parts(params, found)
    named = found["branch"].fillna("").to_numpy(dtype=object)
    branches = tuple(sorted(set(named) - {""})) if params.branch else ()
    code = {b: k for k, b in enumerate(branches)}
    which = np.array([code.get(b, -1) for b in named])
    table = {}
    for key, part in (("rows", rows), ("n", bottom), ("total", top)):
        whole, by = np.zeros(len(made)), np.zeros((len(branches), len(made)))
        np.add.at(whole, at, part)
        np.add.at(by, (which[which >= 0], at[which >= 0]), part[which >= 0])
        table[key] = (whole, by)
    (r, rb), (n, nb), (t, tb) = table["rows"], table["n"], table["total"]
    if params.kpi == "count":
        n, nb = np.ones_like(n), np.ones_like(nb)
    if params.kpi == "value":
        # several values of a period are one figure, their mean
        t, tb = t / np.maximum(n, 1), tb / np.maximum(nb, 1)
        n, nb = np.minimum(n, 1), np.minimum(nb, 1)
    return FeedbackSeries(made, r, n, t, branches, rb, nb, tb, facts)


def _parts(params: MonitorParams, found: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Return rows, and what each distinct answer adds to the figure's numerator and denominator."""
    answer, rows = found["answer"].to_numpy(dtype="float64"), found["rows"].to_numpy(dtype="float64")
    if params.kpi == "share":
        if params.top is None and not np.isin(answer, (0.0, 1.0)).all():
            raise DataError(
                f"'{params.outcome}' has other answers than 0 and 1, so what is good is not known.",
                "Set top, or missing_codes.",
            )
        return rows, rows * (answer >= (1.0 if params.top is None else params.top)), rows
    if params.kpi == "nps":
        if not ((answer >= NPS_SCALE[0]) & (answer <= NPS_SCALE[1]) & (answer == np.round(answer))).all():
            raise DataError(
                f"'{params.outcome}' has answers that are no whole numbers from 0 to 10.", "Set missing_codes."
            )
        return rows, rows * 100 * ((answer >= PROMOTER).astype(float) - (answer <= DETRACTOR)), rows
    if params.kpi in ("count", "rate") and (answer < 0).any():
        raise DataError(f"'{params.outcome}' counts events and has negative values.", "Set missing_codes.")
    if params.kpi == "rate":
        exposure = found["exposure"].to_numpy(dtype="float64")
        if (exposure < 0).any():
            raise DataError(f"'{params.exposure}' has negative values.", "It is what events are counted on.")
        return rows, rows * answer, exposure
    return rows, rows * answer, rows


def _covered(found: Span | None, form: str) -> Span:
    if found is None:
        raise DataError("A date is none.")
    if (found.last - found.first).days > (covering(found.first, form).last - covering(found.first, form).first).days:
        raise DataError(
            f"Dates name whole {found.form}s, such as {name(found)}, which cannot be put into {form}s.",
            f"Set period to {found.form}.",
        )
    return covering(found.first, form)


def _calendar(first: date, last: date, form: str) -> tuple[Span, ...]:
    made = [covering(first, form)]
    while made[-1].first < last:
        made.append(covering(made[-1].last + timedelta(days=1), form))
        if len(made) > MOST_PERIODS:
            raise DataError(
                f"More than {MOST_PERIODS:,d} periods lie between the first date and the last.", "Check the dates."
            )
    return tuple(made)
