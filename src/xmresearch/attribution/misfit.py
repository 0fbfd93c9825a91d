"""Whether the chain sends as many conversions through each touchpoint as the log does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

MISFIT, BAD_MISFIT = 0.02, 0.05


def excess(table: pd.DataFrame, conversions: float, confidence: float) -> pd.Series:
    """Return by how much removal effects miss logged shares beyond chance.

    Parameters
    ----------
    table : DataFrame
        removal_effect and pass_share (of converting journeys that pass the channel in the log).
    conversions : float
        Converting journeys.
    confidence : float
        Of all channels together that none exceeds 0 where the chain is true.

    Returns
    -------
    Series
        0 or more; NaN where the logged share is not known.

    Notes
    -----
    In a true chain the removal effect is the expected logged share, whose standard error is that of a share at most: the chain
    was fitted to the same journeys, which draws the two together. The margin is Bonferroni's.
    """
    chain = table["removal_effect"].clip(0, 1)
    reach = stats.norm.ppf(1 - (1 - confidence) / (2 * len(table))) * np.sqrt(chain * (1 - chain) / conversions)
    return (np.abs(table["removal_effect"] - table["pass_share"]) - reach).clip(lower=0)


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
