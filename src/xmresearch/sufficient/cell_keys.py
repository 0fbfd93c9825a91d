"""What cells are keyed by: which columns, which labels, and where each stands among others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError, ParamsError, nearest
from xmresearch.sufficient.calendar import FORMS
from xmresearch.sufficient.cell_query import Query
from xmresearch.sufficient.outcome_levels import require_levels

Index = NDArray[np.int64]


def query_of(
    outcome: str, unit: str | None, time: str, cohort: str | None, treated: str | None, counts: bool, covariates: Sequence[str],
    period: str | None, levels: Sequence[float], missing_codes: Sequence[float], weight: str | None = None,
) -> tuple[Query, str]:  # fmt: skip
    """Return which columns make the cells, and what arms are; refuse what cannot be asked."""
    if cohort is not None and treated is not None:
        raise DataError("Both a cohort and a treated column were given.", "Give one of them.")
    arm, role = (cohort, "cohort") if cohort is not None else (treated, "treated" if treated is not None else "")
    require_levels(levels, missing_codes)
    if period is not None and period not in FORMS:
        raise ParamsError(f"period is '{period}'.", nearest(period, FORMS))
    codes = tuple(float(c) for c in missing_codes)
    return Query(outcome, unit, time, arm, tuple(covariates), counts, codes, period is not None, weight), role


def union(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return the distinct labels of both in order, a blank last."""
    both = list(dict.fromkeys((*a.tolist(), *b.tolist())))
    known = sorted(v for v in both if v is not None)
    values = [*known, None] if None in both else known
    return np.array(values, dtype=object if None in both else None)


def positions(labels: NDArray[Any], among: NDArray[Any]) -> Index:
    """Return where each label stands among others, shape (labels,)."""
    place = {label: k for k, label in enumerate(among.tolist())}
    return np.array([place[label] for label in labels.tolist()], dtype=np.int64)


def require_keys(table: pd.DataFrame, query: Query) -> None:
    """Raise DataError for a blank unit or time."""
    for key, name in (("unit", query.unit), ("time", query.time)):
        if name is not None and table[key].isna().any():
            rows = int(table.loc[table[key].isna(), ["n", "missing"]].sum().sum())
            raise DataError(f"Column '{name}' is blank in {rows} row(s).", "Fill it in, or leave those rows out.")
