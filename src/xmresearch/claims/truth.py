"""Set estimates beside the declared truth of simulated data."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def beside(
    table: pd.DataFrame, truth: Sequence[float | None], bounds: tuple[str, str] = ("ci_lower", "ci_upper")
) -> pd.DataFrame:
    """Add the true value to each row, and whether the row's interval covers it.

    Parameters
    ----------
    table : DataFrame
        Estimates with intervals.
    truth : sequence of float or None
        One per row; None or NaN where it is not known.
    bounds : (str, str)
        Columns of the interval.

    Returns
    -------
    DataFrame
        With columns truth and covered added; covered is None where truth or interval is missing, or the interval has no width,
        as of a figure that is fixed.
    """
    found = pd.Series(list(truth), index=table.index, dtype=float)
    lower, upper = (table[name] for name in bounds)
    covered = (lower <= found) & (found <= upper)
    return table.assign(truth=found, covered=covered.astype(object).where(found.notna() & (lower < upper), None))


def with_truth(
    table: pd.DataFrame,
    truth: pd.DataFrame | None,
    quantity: str,
    level: str,
    *,
    key: str = "id",
    bounds: tuple[str, str] = ("ci_lower", "ci_upper"),
) -> pd.DataFrame:
    """Add the true value to each row, and whether the row's interval covers it.

    Parameters
    ----------
    table : DataFrame
        Estimates.
    truth : DataFrame or None
        Columns quantity, level, value, id, truth; None for real data, which leaves the table as it is.
    quantity : str
        Which truths belong to the table, such as 'gap'; 'score' for the overall scores.
    level : str
        statement, dimension, overall, or segment (the table then has columns segment and value).
    key : str
        Column of the table that names the thing estimated.
    bounds : (str, str)
        Columns of the interval.

    Returns
    -------
    DataFrame
        With columns truth and covered added.
    """
    if truth is None:
        return table
    rows = truth[truth["quantity"] == quantity]
    known = dict(zip(zip(rows["level"], rows["value"], rows["id"], strict=True), rows["truth"], strict=True))
    levels = table["segment"] if level == "segment" else [level] * len(table)
    values = table["value"] if level == "segment" else [""] * len(table)
    places = zip(levels, values, table[key], strict=True)
    return beside(table, [known.get(place) for place in places], bounds)


def coverage(*tables: pd.DataFrame | None) -> dict[str, int] | None:
    """Count, over tables from `with_truth`, how many intervals cover the truth.

    Parameters
    ----------
    *tables : DataFrame or None
        With or without a `covered` column.

    Returns
    -------
    dict or None
        covered and intervals; None where no truth is known.
    """
    flags = [bool(f) for t in tables if t is not None and "covered" in t for f in t["covered"].dropna()]
    return {"covered": sum(flags), "intervals": len(flags)} if flags else None
