"""Whether the chain sends as many conversions through each touchpoint as the log does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

MISFIT, BAD_MISFIT = 0.02, 0.05


def departures(table: pd.DataFrame, conversions: float, confidence: float) -> pd.DataFrame:
    """Return by how much removal effects miss logged shares, with bounds that hold for all channels together.

    Parameters
    ----------
    table : DataFrame
        removal_effect and pass_share (of converting journeys that pass the channel in the log).
    conversions : float
        Converting journeys.
    confidence : float
        Of all bounds together where the chain is true.

    Returns
    -------
    DataFrame
        In the order of `table`: gap, lower, upper, and p, of the hypothesis that it misses by no more than `MISFIT`, adjusted for
        the number of channels. NaN where the logged share is not known.

    Notes
    -----
    In a true chain the removal effect is the expected logged share, whose standard error is that of a share at most: the chain
    was fitted to the same journeys, which draws the two together. The bounds are Bonferroni's.
    """
    chain = table["removal_effect"].clip(0, 1)
    error = np.sqrt(chain * (1 - chain) / conversions)
    reach = stats.norm.ppf(1 - (1 - confidence) / (2 * len(table))) * error
    gap = table["removal_effect"] - table["pass_share"]
    beyond = (gap.abs() - MISFIT) / error.clip(lower=np.finfo(float).tiny)
    p = np.minimum(2 * len(table) * stats.norm.sf(beyond), 1.0)
    return pd.DataFrame({"gap": gap, "lower": gap - reach, "upper": gap + reach, "p": p}, index=table.index)


def excess(table: pd.DataFrame, conversions: float, confidence: float) -> pd.Series:
    """Return by how much removal effects miss logged shares beyond chance, see `departures`: 0 or more."""
    apart = departures(table, conversions, confidence)
    return pd.Series(np.maximum(apart["lower"], -apart["upper"]).clip(lower=0))


def status(found: float) -> str:
    """Return pass, warn or fail for the largest excess."""
    return "pass" if found <= MISFIT else "warn" if found <= BAD_MISFIT else "fail"


def worst(table: pd.DataFrame, conversions: float, confidence: float) -> dict[str, Any] | None:
    """Return the figures of a warning about the touchpoint that the chain misses most; None where it fits.

    Returns
    -------
    dict or None
        channel, chain and logged (shares of converting journeys), passed, conversions, outside (how many logged shares lie
        outside the interval of the removal effect), channels.
    """
    over = excess(table, conversions, confidence)
    if not over.max() > MISFIT:
        return None
    row = table.loc[over.idxmax()]
    apart = (table["pass_share"] < table["removal_lower"]) | (table["pass_share"] > table["removal_upper"])
    return {
        "channel": row["channel"], "chain": float(row["removal_effect"]), "logged": float(row["pass_share"]),
        "passed": float(row["passed"]), "conversions": conversions, "outside": int(apart.sum()), "channels": len(table),
    }  # fmt: skip
