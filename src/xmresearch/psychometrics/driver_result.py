"""What drives an outcome, and how that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
CASES_PER_DRIVER = 20


@dataclass(frozen=True, repr=False)
class DriverResult(Shown):
    """Drivers of one outcome.

    Attributes
    ----------
    table : DataFrame
        One row per driver: construct, beta (standardised), beta_lower, beta_upper, share (of R squared, sums to 1),
        share_lower, share_upper, p_top (posterior probability that it has the largest share).
    r2, r2_lower, r2_upper : float
        Explained share of the outcome's variance, with percentile interval of the Bayesian bootstrap.
    n : int
        Respondents that the figures rest on.
    outcome : str
        Column name.
    p : float
        Of the F test that the drivers explain nothing (with design weights, at the effective n).
    replicates : ndarray
        Shares in each usable replicate, shape (number of True in `usable`, K).
    usable, used : ndarray of bool
        Replicates in which all drivers vary and can be told apart, shape (draws,); respondents used, shape (rows,).
    level : float
        Of the intervals.
    filled : int
        Respondents used who lack a driver or the outcome, filled in several times over.
    imputations : int
        How often; 0 where nothing was blank.
    fmi : float
        Largest share of the variance of a driver's share that is due to blanks.
    """

    table: pd.DataFrame
    r2: float
    r2_lower: float
    r2_upper: float
    n: int
    outcome: str
    p: float
    replicates: Array
    usable: NDArray[np.bool_]
    used: NDArray[np.bool_]
    level: float
    filled: int = 0
    imputations: int = 0
    fmi: float = 0.0

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the strongest driver and the explained variance."""
        top = self.table.loc[self.table["share"].idxmax()]
        return {
            "driver": top["construct"], "share": top["share"],
            "share_lower": top["share_lower"], "share_upper": top["share_upper"], "p_top": top["p_top"], "r2": self.r2,
            "r2_lower": self.r2_lower, "r2_upper": self.r2_upper, "outcome": self.outcome, "outcome_n": self.n, "p": self.p,
            "r2_adjusted": 1 - (1 - self.r2) * (self.n - 1) / (self.n - len(self.table) - 1),
        }  # fmt: skip

    def filled_in(self) -> dict[str, Any] | None:
        """Return how many respondents lack something, and how that was filled in; None where all are complete."""
        if not self.imputations:
            return None
        return {
            "filled": self.filled, "complete": self.n - self.filled, "imputations": self.imputations, "fmi": self.fmi,
            "left_out": int((~self.used).sum()), "outcome": self.outcome,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the shares of explained variance with their intervals."""
        return forest(self.table, "construct", "share", "share", axis="share of the explained variance")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        per = (self.n - self.filled) / len(self.table)
        rows = [("cases_per_driver", per, CASES_PER_DRIVER, "pass" if per >= CASES_PER_DRIVER else "warn")]
        negative = int((self.table["beta_upper"] < 0).sum())
        rows.append(("negative_drivers", negative, 0, "pass" if negative == 0 else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])
