"""The terms of a season: which weekdays, months and holidays each period is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest
from xmresearch.monitoring.calendars import calendar_shares
from xmresearch.sufficient.calendar import Span

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Block = tuple[list[int], Array, list[str]]
CYCLES = {"day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}
FULL_YEARS = 2
"""Years that a season of months needs, so that it is not one year's course."""
TERMS = ("weekday", "month", "holiday")


@dataclass(frozen=True, repr=False)
class Terms(Shown):
    """A design.

    Attributes
    ----------
    x : ndarray
        Shape (periods, effects): a level for each phase, trend, then the season.
    season : ndarray
        The same with everything but the season at 0.
    blocks : dict
        By term its columns, the contrasts that give one effect per level, and the levels.
    cycle : int
        Periods of a season.
    slow : int
        Columns that change slowly: levels, trend, and holidays.
    unannounced, warnings : tuple
        Of the calendar.
    """

    x: Array
    season: Array
    blocks: dict[str, Block]
    cycle: int
    slow: int
    unannounced: tuple[int, ...]
    warnings: tuple[str, ...]


def season_terms(
    spans: Sequence[Span], fit_to: Flags, *, country: str, terms: Sequence[str] | None, trend: bool,
    phases: Sequence[object] | None,
) -> Terms:  # fmt: skip
    """Return the design of a season.

    Parameters
    ----------
    spans : sequence of Span
        Periods in order, of one form.
    fit_to : ndarray of bool
        Those that effects are estimated from, shape (periods,); a level that only others have takes part as the mean does.
    country, terms, trend, phases
        As for `xmresearch.monitoring.seasons.season`.

    Returns
    -------
    Terms
    """
    form = spans[0].form
    wanted = _chosen(spans, fit_to, country, terms)
    columns, blocks, marked = _levels(phases, fit_to)
    if trend:
        day = np.array([s.first.toordinal() for s in spans], dtype="float64") / 365.25
        blocks["trend"] = ([len(columns)], np.eye(1), ["year"])
        columns.append(day - day[fit_to].mean())
    fixed = len(columns)
    if "weekday" in wanted:
        _sum_coded(np.array([s.first.weekday() for s in spans]), fit_to, "weekday", columns, blocks)
    if "month" in wanted:
        of = [(s.first.month - 1) // 3 if form == "quarter" else s.first.month - 1 for s in spans]
        _sum_coded(np.array(of), fit_to, "month", columns, blocks)
    unannounced: tuple[int, ...] = ()
    if "holiday" in wanted:
        shares, unannounced = calendar_shares(spans, country=country)
        kinds = [k for k in ("holiday", "make_up") if np.ptp(shares[k].to_numpy()[fit_to]) > 0]
        if kinds:
            blocks["holiday"] = ([len(columns) + k for k in range(len(kinds))], np.eye(len(kinds)), kinds)
            columns += [shares[k].to_numpy() for k in kinds]
    x = np.stack(columns, axis=1)
    season = x.copy()
    season[:, :fixed] = 0.0
    notes = marked
    if unannounced:
        notes += (f"Moved working days of {', '.join(map(str, unannounced))} are not in the calendar of holidays.",)
    slow = fixed + len(blocks["holiday"][0] if "holiday" in blocks else ())
    return Terms(x, season, blocks, CYCLES[form], slow, unannounced, notes)


def _chosen(spans: Sequence[Span], fit_to: Flags, country: str, terms: Sequence[str] | None) -> tuple[str, ...]:
    form = spans[0].form
    if terms is not None:
        for term in terms:
            if term not in TERMS:
                raise DataError(f"'{term}' is no term of a season.", nearest(term, TERMS))
        if "weekday" in terms and form != "day":
            raise DataError("Only days have a season of weekdays.", "Give the series by day, or leave 'weekday' out.")
        return tuple(terms)
    used = [s for s, there in zip(spans, fit_to, strict=True) if there]
    years = (used[-1].last - used[0].first).days / 365.25 if used else 0.0
    found = ["weekday"] if form == "day" else []
    if form != "year" and years >= FULL_YEARS - 0.01:
        found.append("month")
    if form in ("day", "week") and country:
        found.append("holiday")
    return tuple(found)


def _levels(phases: Sequence[object] | None, fit_to: Flags) -> tuple[list[Array], dict[str, Block], tuple[str, ...]]:
    """Return a column per phase: the level of a phase that has no fitted period is that of the last one before it."""
    if phases is None:
        return [np.ones(len(fit_to))], {}, ()
    if len(phases) != len(fit_to):
        raise DataError("There must be one phase for each period.")
    known = list(dict.fromkeys(p for p, there in zip(phases, fit_to, strict=True) if there))
    current, at, lost = known[0] if known else None, [], False
    for phase in phases:
        lost |= phase not in known
        current = phase if phase in known else current
        at.append(known.index(current))
    levels = np.eye(len(known))[np.array(at)]
    notes = ("A phase has no period that the season is fitted to: it keeps the level before it.",) if lost else ()
    blocks: dict[str, Block] = {}
    if len(known) > 1:
        # one level for all, and what each later phase differs by from the first
        blocks["phase"] = (list(range(1, len(known))), np.eye(len(known) - 1), [str(k) for k in known[1:]])
        levels = np.concatenate([np.ones((len(at), 1)), levels[:, 1:]], axis=1)
    return list(levels.T), blocks, notes


def _sum_coded(of: NDArray[np.int64], fit_to: Flags, term: str, columns: list[Array], blocks: dict[str, Block]) -> None:
    """Add columns whose effects add up to 0 over the levels that were seen."""
    seen = np.unique(of[fit_to])
    if len(seen) < 2:
        return
    last = seen[-1]
    contrasts = np.concatenate([np.eye(len(seen) - 1), -np.ones((1, len(seen) - 1))])
    blocks[term] = (
        [len(columns) + k for k in range(len(seen) - 1)], contrasts, [str(level + (term == "month")) for level in seen]
    )  # fmt: skip
    columns += [(of == level).astype(float) - (of == last) for level in seen[:-1]]
