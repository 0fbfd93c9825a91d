"""What there is to say of how dates were taken for periods."""

from __future__ import annotations

from typing import Any

import numpy as np

from xmresearch.causal.concerns import Concern
from xmresearch.errors import DataError
from xmresearch.sufficient.cells import Cells
from xmresearch.sufficient.periods import Start, written

UNEVEN_STEPS = 1.15
_KINDS = {"mapped": "start_mapped", "within": "start_within", "longer": "start_longer"}


def dating_concerns(cells: Cells, treated_from: Any = None) -> list[Concern]:
    """Return what a reader should know of periods and of first treated periods written in another form.

    Parameters
    ----------
    cells : Cells
        The outcome.
    treated_from : number, str or date, optional
        First treated period of all treated units.

    Returns
    -------
    list of Concern
        dates_grouped, start_mapped, start_within, start_longer, treated_within, uneven_periods.
    """
    periods, found = cells.periods, []
    if cells.guessed:
        ends = {"first": written(periods.labels[0]), "last": written(periods.labels[-1])}
        found.append(Concern("dates_grouped", {"column": periods.column, "periods": len(periods), **ends}))
    starts = _converted(cells, treated_from)
    for case, kind in _KINDS.items():
        those = [s for s in starts if s.case == case]
        if those:
            found.append(Concern(kind, {"starts": len(those), "given": those[0].given, "taken": those[0].taken}))
    if cells.within:
        found.append(Concern("treated_within", {"units": cells.within}))
    steps = np.diff(periods.steps)
    if len(steps) and steps.max() > UNEVEN_STEPS:
        found.append(Concern("uneven_periods", {"ratio": float(steps.max())}))
    return found


def _converted(cells: Cells, treated_from: Any) -> list[Start]:
    """Return the starts that were written in another form than the periods, those of most rows first."""
    if treated_from is not None:
        given: list[Any] = [treated_from]
    elif cells.role == "cohort":
        rows = np.bincount(cells.arm, cells.n, len(cells.arms))
        given = [cells.arms.tolist()[k] for k in np.argsort(-rows, kind="stable")]
    else:
        given = []
    found = []
    for value in given:
        try:
            start = cells.periods.converted(value)
        except DataError:
            continue
        if start is not None:
            found.append(start)
    return found
