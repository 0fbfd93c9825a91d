"""Whether rows are of units over time of which some got a change; and which columns say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.data.profile.columns import ColumnProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.naming import says
from xmresearch.display import Shown

MOST_PERIODS = 400
FEWEST_UNITS = 4
_NEVER = ("0", "0.0", "inf", "never", "")


@dataclass(frozen=True, repr=False)
class Panel(Shown):
    """The columns of a panel.

    Attributes
    ----------
    unit, time, cohort, outcome : Guess
        Which columns; cohort is that of a unit's first period with the change.
    others : tuple of str
        Further numeric columns that change within units.
    one_row : bool
        Whether a unit has one row in each period.
    family : Guess
        What the outcome is, in the words of the study's params.
    levels : tuple of float
        Lowest and highest answer of an ordinal outcome.
    missing : tuple of float
        Values of the outcome that seem to be codes for no answer.
    lower_better : bool
        Whether less of the outcome is better.
    """

    unit: Guess
    time: Guess
    cohort: Guess
    outcome: Guess
    others: tuple[str, ...]
    one_row: bool
    family: Guess
    levels: tuple[float, ...] = ()
    missing: tuple[float, ...] = ()
    lower_better: bool = False


def find_panel(frame: pd.DataFrame, columns: Sequence[ColumnProfile]) -> Panel | None:
    """Find the columns of a panel with a change.

    Parameters
    ----------
    frame : DataFrame
        One row per answer, or per unit and period.
    columns : sequence of ColumnProfile
        Of the file.

    Returns
    -------
    Panel or None
        None where no column is constant within units and holds their first periods with the change.
    """
    n = len(frame)
    usable = [
        c
        for c in columns
        if (c.kind.what not in ("empty", "personal", "text", "option", "several") and c.levels > 1)
        or (says(c.name, "cohort") and c.answered)
    ]
    times = [c for c in usable if says(c.name, "time") and 2 <= c.levels <= MOST_PERIODS and c.answered >= 0.99 * n]
    units = [c for c in usable if c.answered >= 0.99 * n and _names_units(frame[c.name], c)]
    units.sort(key=lambda c: (not says(c.name, "unit"), -c.levels))
    times.sort(key=lambda c: not pd.api.types.is_numeric_dtype(frame[c.name]))
    for time in times:
        for unit in units:
            if unit is time:
                continue
            codes = frame[unit.name].astype(str)
            for cohort in sorted(usable, key=lambda c: not says(c.name, "cohort")):
                if cohort in (time, unit):
                    continue
                kind = _first_periods(frame, time.name, codes, cohort.name)
                if kind:
                    return _panel(frame, columns, unit, time, Guess(cohort.name, kind))
    return None


def _names_units(values: pd.Series, column: ColumnProfile) -> bool:
    """Whether a column may say which unit a row is of: whole numbers or texts that come back."""
    whole = not pd.api.types.is_float_dtype(values) and column.kind.what != "date"
    return whole and FEWEST_UNITS <= column.levels <= len(values) / 2


def _first_periods(frame: pd.DataFrame, time: str, units: pd.Series, cohort: str) -> str:
    """Say why a column holds first periods with the change; '' where it does not."""
    values = frame[cohort]
    periods = frame[time]
    if pd.api.types.is_numeric_dtype(values) != pd.api.types.is_numeric_dtype(periods) or pd.api.types.is_float_dtype(
        periods
    ):
        return ""
    texts = values.astype("string").fillna("").str.strip()
    if pd.api.types.is_float_dtype(values):
        texts = values.map(lambda v: "" if pd.isna(v) or np.isinf(v) else f"{v:g}")
    never = texts.str.lower().isin(_NEVER)
    got = texts[~never]
    if got.empty or got.nunique() > MOST_PERIODS:
        return ""
    by_unit = texts.groupby(units.to_numpy()).nunique()
    if int(by_unit.max()) > 1:
        return ""
    if pd.api.types.is_numeric_dtype(periods):
        first, last = float(periods.min()), float(periods.max())
        numbers = pd.to_numeric(got)
        inside = bool(numbers.between(first, last + 1).all()) and float(numbers.max()) > first
        if not inside or (got.nunique() == 1 and not says(cohort, "cohort") and float(numbers.iloc[0]) <= 1):
            return ""
    else:
        known = sorted(periods.astype(str).unique())
        near = got.str[:4].isin({k[:4] for k in known})
        if not near.all() or not got.str.contains(r"\d{4}").all():
            return ""
    share = float((~never).groupby(units.to_numpy()).first().mean())
    if share == 1.0 and got.nunique() == 1:
        return ""
    return f"constant within units, within the periods, and {'every unit has one' if share == 1 else f'{share:.0%} of units have one'}"


def _panel(
    frame: pd.DataFrame, columns: Sequence[ColumnProfile], unit: ColumnProfile, time: ColumnProfile, cohort: Guess
) -> Panel | None:
    taken = {unit.name, time.name, cohort.what}
    codes = frame[unit.name].astype(str).to_numpy()
    free = [c for c in columns if c.name not in taken and pd.api.types.is_numeric_dtype(frame[c.name]) and c.levels > 1]
    moving = [
        c
        for c in free
        if int(frame[c.name].groupby(codes).nunique().max()) > 1
        and not says(c.name, "treated")
        and c.kind.what != "date"
    ]
    if not moving:
        return None
    scored = sorted(
        moving,
        key=lambda c: (
            c.kind.what == "identifier",
            not (says(c.name, "ordinal_rating") or c.name.lower() in ("y", "outcome")),
        ),
    )
    best = scored[0]
    others = tuple(c.name for c in scored[1:])
    doubt = f"{', '.join(others[:5])} could be it too: say which outcome the change was to move" if others else ""
    family, levels, missing = _family(frame[best.name], best)
    spread = frame.groupby([codes, frame[time.name].astype(str).to_numpy()], sort=False).size()
    return Panel(
        Guess(unit.name, f"{unit.levels} different, each in several periods"), Guess(time.name, f"{time.levels} periods"),
        cohort, Guess(best.name, "numbers that change within units", doubt), others, int(spread.max()) == 1, family, levels, missing,
        says(best.name, "lower_better"),
    )  # fmt: skip


def _family(values: pd.Series, column: ColumnProfile) -> tuple[Guess, tuple[float, ...], tuple[float, ...]]:
    present = values.dropna().astype("float64")
    odd = tuple(v for v in (99.0, 98.0, 999.0, -1.0, -9.0, 9.0) if (present == v).any() and _apart(present, v))
    present = present[~present.isin(odd)]
    low, high = float(present.min()), float(present.max())
    if not bool((present % 1 == 0).all()):
        return Guess("gaussian", "numbers with decimals"), (), odd
    if (low, high) == (0, 1):
        return Guess("bernoulli", "0 and 1"), (), odd
    if says(column.name, "recommend") and low >= 0 and high == 10:
        return Guess("nps", "0-10, and its name"), (), odd
    if low >= 1 and high <= 10 and present.nunique() >= 3:
        doubt = "" if (low, high) in ((1, 5), (1, 7), (1, 10)) else "check the lowest and highest answer"
        return Guess("ordinal", f"whole numbers {low:g}-{high:g}", doubt), (low, high), odd
    if low == 0:
        return (
            Guess(
                "gaussian",
                f"whole numbers {low:g}-{high:g}, compared by their mean",
                "counts may be set to family count",
            ),
            (),
            odd,
        )
    return Guess("gaussian", "whole numbers"), (), odd


def _apart(values: pd.Series, code: float) -> bool:
    """Whether a value lies far from all others, as codes for no answer do."""
    rest = values[values != code]
    return len(rest) > 0 and (code > 2 * float(rest.max()) + 1 or (code < 0 <= float(rest.min())))
