"""What channels cost, and what experiments say of them, beside their credit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xmresearch.attribution.chain import Array
from xmresearch.errors import DataError, ParamsError, nearest

Lift = tuple[float, float, float]


def add_cost(table: pd.DataFrame, cost: Array) -> None:
    """Add cost, share of the budget, cost per conversion and return to a table of credits.

    Parameters
    ----------
    table : DataFrame
        One row per channel: credit, value_credit and their intervals; gains columns in place.
    cost : ndarray
        Shape (K,). Without cost there is no return: NaN.
    """
    spent = np.where(cost > 0, cost, np.nan)
    table["cost"] = cost
    table["budget_share"] = cost / cost.sum() if cost.sum() > 0 else np.nan
    ends = {"": "credit", "_lower": "credit_upper", "_upper": "credit_lower"}
    for name, credit in ends.items():
        table[f"cost_per_conversion{name}"] = spent / table[credit].where(table[credit] > 0)
    if "value_credit" in table:
        for name, credit in {"": "value_credit", "_lower": "value_lower", "_upper": "value_upper"}.items():
            table[f"roi{name}"] = table[credit] / spent - 1


def lift_table(lift: Mapping[str, Lift], channels: tuple[str, ...]) -> pd.DataFrame:
    """Return lift, lift_lower and lift_upper by channel, NaN where none was measured.

    Raises
    ------
    DataError
        A lift is of no channel.
    ParamsError
        A lift is not an estimate within its interval.
    """
    table = pd.DataFrame(np.nan, range(len(channels)), ["lift", "lift_lower", "lift_upper"])
    for name, figures in lift.items():
        if name not in channels:
            raise DataError(f"A lift is given for '{name}', which is no channel here.", nearest(name, channels))
        try:
            estimate, low, high = map(float, figures)
        except (TypeError, ValueError):
            raise ParamsError(f"The lift of '{name}' is {figures!r}.", "Give [estimate, lower, upper].") from None
        if not low <= estimate <= high:
            raise ParamsError(
                f"The lift of '{name}' is {estimate:g}, not within {low:g} to {high:g}.",
                "Give [estimate, lower, upper].",
            )
        table.loc[channels.index(name)] = [estimate, low, high]
    return table
