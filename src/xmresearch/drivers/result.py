"""What drives an outcome, and how that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Kind = Literal["numeric", "binary", "ordinal"]
Measure = Literal["r2", "mcfadden", "nagelkerke", "cox_snell"]
CASES_PER_DRIVER = 20
"""Complete respondents per driver below which shares are little more than noise."""
METHODS = {"shapley": "lmg", "johnson": "johnson", "slope": "beta", "alone": "first", "last": "last"}
"""Ways to rank drivers, with the column that each goes by."""


@dataclass(frozen=True, repr=False)
class DriverResult(Shown):
    """Drivers of one outcome.

    Attributes
    ----------
    table : DataFrame
        One row per driver: construct, beta (standardised; for grades, of the variable behind them), beta_lower, beta_upper,
        share (of what all explain, sums to 1), share_lower, share_upper, p_top (posterior probability that it has the
        largest share, drivers being exchangeable beforehand), rank_lower, rank_upper (where its rank lies by that posterior), lmg (its Shapley value, in units of `measure`) and
        johnson (its relative weight) with lower and upper, johnson_share, first (what it explains alone), last (what it adds
        to all others), pratt (beta times correlation; NaN for grades) and vif.
    r2, r2_lower, r2_upper : float
        What the drivers explain together, in units of `measure`, with percentile interval of the Bayesian bootstrap.
    n : int
        Respondents that the figures rest on.
    outcome : str
        Column name.
    p : float
        Of the test that the drivers explain nothing: F (with design weights at the effective n), of grades likelihood ratio;
        Wald by the draws with clusters, and of grades with weights or blanks; Wald by the design of the sample where it is given.
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
    kind : str
        numeric, binary or ordinal.
    measure : str
        r2, or the pseudo R squared: mcfadden, nagelkerke or cox_snell.
    concentration : float
        Of the Dirichlet weights of the draws: below 1, as residuals are smaller than errors and few degrees of freedom are left.
    sampling_error : float
        Largest standard error of a share from sampling orders of entry; 0 where all orders count.
    values, values_drawn : ndarray or None
        What every subset of drivers explains, shape (2**K,), and in each usable replicate; None where there are too many.
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
    kind: Kind = "numeric"
    measure: Measure = "r2"
    concentration: float = 1.0
    sampling_error: float = 0.0
    values: Array | None = None
    values_drawn: Array | None = None

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver."""
        return self.table

    def ranks(self) -> pd.DataFrame:
        """Return the probability of every rank, one row per driver: construct, rank_1 (largest share), rank_2, ..."""
        place = (-self.replicates).argsort(axis=1).argsort(axis=1)
        k = place.shape[1]
        chance = {f"rank_{r + 1}": (place == r).mean(axis=0) for r in range(k)}
        return pd.DataFrame({"construct": self.table["construct"].to_numpy(), **chance})

    def leaders(self) -> dict[str, str]:
        """Return which driver comes first by each of `METHODS`."""
        named = self.table["construct"]
        return {m: str(named.iloc[int(self.table[c].abs().to_numpy().argmax())]) for m, c in METHODS.items()}

    def summary(self) -> dict[str, Any]:
        """Return the strongest driver, which way it goes with the outcome, and the explained variance."""
        top = self.table.loc[self.table["share"].idxmax()]
        way = "goes_along" if top["beta_lower"] > 0 else "goes_against" if top["beta_upper"] < 0 else "goes_either_way"
        return {
            "direction": way,
            "driver": top["construct"], "share": top["share"],
            "share_lower": top["share_lower"], "share_upper": top["share_upper"], "p_top": top["p_top"], "r2": self.r2,
            "r2_lower": self.r2_lower, "r2_upper": self.r2_upper, "outcome": self.outcome, "outcome_n": self.n, "p": self.p,
            "r2_adjusted": 1 - (1 - self.r2) * (self.n - 1) / (self.n - len(self.table) - 1), "measure": self.measure,
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
        """Draw the shares of what is explained with their intervals."""
        return forest(self.table, "construct", "share", "share", axis="share of the explained variance")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        per = (self.n - self.filled) / len(self.table)
        rows = [("cases_per_driver", per, CASES_PER_DRIVER, "pass" if per >= CASES_PER_DRIVER else "warn")]
        negative = int((self.table["beta_upper"] < 0).sum())
        rows.append(("negative_drivers", negative, 0, "pass" if negative == 0 else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])
