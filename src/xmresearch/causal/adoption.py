"""When each unit was treated first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.disclosure import MIN_CELL, called
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.sufficient.cells import Cells

Index = NDArray[np.int64]
NEVER_WORDS = ("", "never", "inf", "nan", "none")


def first_treated(cells: Cells, treated_from: Any = None, treated_units: Collection[Any] | None = None) -> Index:
    """Return the position of each unit's first treated period.

    Parameters
    ----------
    cells : Cells
        With an assignment column, or without one if `treated_units` is given.
    treated_from : number, str or date, optional
        First treated period of all treated units; needed where the assignment says who but not when.
    treated_units : collection, optional
        Labels of the treated units.

    Returns
    -------
    ndarray
        Shape (U,); the number of periods for units that are never treated.

    Raises
    ------
    DataError
        The assignment contradicts itself, or treatment switches off.
    InsufficientData
        Treatment starts after the last period, nobody is treated, or everybody is.
    """
    if treated_units is not None:
        who = _listed(cells, treated_units)
        return _everyone(cells, np.where(who, _start(cells, treated_from), len(cells.periods)))
    if not cells.role:
        raise DataError("Nothing says which units were treated.", "Give cohort, treated, or a list of treated units.")
    if cells.role == "cohort":
        if treated_from is not None:
            raise DataError("Both a cohort column and treated_from were given.", "Give one of them.")
        return _everyone(cells, _from_cohort(cells))
    status = _status(cells)
    if treated_from is None:
        return _everyone(cells, _from_status(cells, status))
    varies = np.nanmax(status, axis=1) != np.nanmin(status, axis=1)
    if varies.any():
        raise DataError(
            f"Column '{cells.names[2]}' changes within {_unit(cells, varies)}, so it already says when treatment started.",
            "Leave treated_from out, or give a column that says who was treated at any time.",
        )
    return _everyone(cells, np.where(np.nanmax(status, axis=1) > 0, _start(cells, treated_from), len(cells.periods)))


def late_adopters(cells: Cells) -> int:
    """Count the units whose first treated period lies after the last one; they count as never treated."""
    if cells.role != "cohort":
        return 0
    late = np.array([_cohort_start(cells, label) == len(cells.periods) for label in cells.arms.tolist()])
    return len(np.unique(cells.unit[late[cells.arm]]))


def late_entrants(cells: Cells, treated_from: Any = None) -> NDArray[np.bool_]:
    """Find the units that turn up already treated after the first period, so that nobody knows since when.

    Parameters
    ----------
    cells : Cells
        The outcome.
    treated_from : number, str or date, optional
        As `first_treated` takes it.

    Returns
    -------
    ndarray
        Shape (U,); none unless a treatment column of 0 and 1 is what says when treatment started.
    """
    if cells.role != "treated" or treated_from is not None:
        return np.zeros(len(cells.units), dtype=bool)
    status = _status(cells)
    first = np.isfinite(status).argmax(axis=1)
    return np.asarray((status[np.arange(len(status)), first] > 0) & (first > 0))


def _unit(cells: Cells, which: NDArray[np.bool_]) -> str:
    return _called(cells, int(np.argmax(which)))


def _called(cells: Cells, unit: int) -> str:
    return called(cells.names[0], cells.units[unit], float(cells.n[cells.unit == unit].sum()))


def _listed(cells: Cells, treated_units: Collection[Any]) -> NDArray[np.bool_]:
    known = cells.units.tolist()
    for label in treated_units:
        if label not in known:
            many = np.bincount(cells.unit, cells.n, len(known)) >= MIN_CELL
            raise DataError(
                f"There is no unit {brief(repr(label))} in column '{cells.names[0]}'.",
                nearest(label, cells.units[many]),
            )
    chosen = set(treated_units)
    return np.array([label in chosen for label in known])


def _start(cells: Cells, treated_from: Any) -> int:
    if treated_from is None:
        raise DataError("Nothing says when treatment started.", "Give treated_from, or a cohort column.")
    start = cells.periods.locate(treated_from)
    if start == len(cells.periods):
        raise InsufficientData(
            f"treated_from is {brief(repr(treated_from))}, after the last period {brief(repr(cells.periods.labels[-1]))}.",
            "Give the first treated period, or data from after it.",
        )
    return start


def _from_cohort(cells: Cells) -> Index:
    """Return starts from a column of first treated periods."""
    end = len(cells.periods)
    labels = [str(label) for label in cells.arms.tolist()]
    if cells.periods.labels[0] == 0 and not {"None", "nan"} & set(labels) and {"0", "0.0"} & set(labels):
        raise DataError(
            f"Column '{cells.names[2]}' holds 0, which could mean never or from the first period, 0, on.",
            "Leave it blank for never.",
        )
    per_unit = pd.DataFrame({"unit": cells.unit, "arm": cells.arm}).drop_duplicates()
    twice = per_unit["unit"].duplicated(keep=False)
    if twice.any():
        unit = per_unit.loc[twice, "unit"].iloc[0]
        given = ", ".join(brief(cells.arms[a]) for a in per_unit.loc[per_unit["unit"] == unit, "arm"])
        raise DataError(
            f"Column '{cells.names[2]}' gives {_called(cells, unit)} several first treated periods: {given}.",
            "A unit starts treatment once.",
        )
    place = np.array([_cohort_start(cells, label) for label in cells.arms.tolist()], dtype=np.int64)
    starts = np.full(len(cells.units), end, dtype=np.int64)
    starts[per_unit["unit"]] = place[per_unit["arm"]]
    treated = starts != -1
    if treated.any() and (starts[treated] >= end).all():
        raise InsufficientData(
            f"Every treated unit starts after the last period {brief(repr(cells.periods.labels[-1]))}.",
            "Give data from after the start of treatment.",
        )
    if not treated.any():
        raise InsufficientData(f"No unit is treated: column '{cells.names[2]}' is blank or 0 throughout.")
    return np.where(treated, starts, end)


def _cohort_start(cells: Cells, label: Any) -> int:
    """Return the position of one first treated period: -1 for never, len(periods) for after the end."""
    periods = cells.periods
    if label is None or str(label).strip().lower() in NEVER_WORDS:
        return -1
    if periods.kind == "number":
        if not np.isfinite(value := float(periods.key(label))) or (
            value == 0 and value < periods.key(periods.labels[0])
        ):
            return -1
    elif str(label) in ("0", "0.0") or (isinstance(label, np.datetime64 | pd.Timestamp) and pd.isna(label)):
        return -1
    return periods.locate(label)


def _status(cells: Cells) -> NDArray[np.float64]:
    """Return treatment by unit and period, shape (U, T); NaN where a unit has no row."""
    codes = [str(label).strip().lower() for label in cells.arms.tolist()]
    known = {"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0}
    odd = next((label for label, code in zip(cells.arms.tolist(), codes, strict=True) if code not in known), 0)
    if odd != 0 or odd is None:
        raise DataError(f"Column '{cells.names[2]}' holds {brief(repr(odd))}.", "Treatment is 0 or 1 (or true, false).")
    value = np.array([known[code] for code in codes])
    status = np.full(cells.shape, np.nan)
    status[cells.unit, cells.time] = value[cells.arm]
    again = pd.DataFrame({"u": cells.unit, "t": cells.time}).duplicated().to_numpy()
    if again.any():
        k = int(np.argmax(again))
        raise DataError(
            f"Column '{cells.names[2]}' is both 0 and 1 for {_called(cells, int(cells.unit[k]))} in "
            f"{cells.names[1]} {brief(cells.periods.labels[cells.time[k]])}.",
            "Treatment is one thing per unit and period; give the unit at which it was assigned.",
        )
    return status


def _from_status(cells: Cells, status: NDArray[np.float64]) -> Index:
    """Return starts from a 0/1 column that changes when treatment starts."""
    seen = np.isfinite(status)
    on = seen & (status > 0)
    if not on.any():
        raise InsufficientData(f"No unit is treated: column '{cells.names[2]}' is 0 throughout.")
    start = np.where(on.any(axis=1), on.argmax(axis=1), len(cells.periods))
    off = seen & ~on & (np.arange(len(cells.periods)) > start[:, None])
    if off.any():
        k = int(np.argmax(off.any(axis=1)))
        when = cells.periods.labels[int(np.argmax(off[k]))]
        raise DataError(
            f"Treatment of {_called(cells, k)} switches off in {cells.names[1]} {brief(when)}.",
            "These models need treatment to last; leave out the periods after it ends, or the unit.",
        )
    if np.all(on.any(axis=1) == on[np.arange(len(on)), seen.argmax(axis=1)]):
        raise InsufficientData(
            f"Column '{cells.names[2]}' never changes within a unit, so there is no period before treatment.",
            "If it says who is treated at some time, say from when with treated_from.",
        )
    return np.where(late_entrants(cells), 0, start).astype(np.int64)


def _everyone(cells: Cells, starts: Index) -> Index:
    """Refuse designs in which nobody can be compared."""
    end = len(cells.periods)
    if end < 2:
        raise InsufficientData(
            f"There is one period, {brief(repr(cells.periods.labels[0]))}.", "Give data from before and after."
        )
    treated = starts < end
    if not treated.any():
        raise InsufficientData("No unit is treated.")
    if (starts[treated] == 0).all():
        raise InsufficientData(
            f"Every treated unit is treated from the first period {brief(repr(cells.periods.labels[0]))} on: none is seen before.",
            "Give data from before treatment.",
        )
    if treated.all() and len(np.unique(starts)) == 1:
        raise InsufficientData(
            "No unit is untreated, so nothing says what would have happened.", "Add untreated units."
        )
    return starts.astype(np.int64)
