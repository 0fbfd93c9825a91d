"""What an experiment found."""

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
SRM_LEVEL, ATTRITION_LEVEL = 0.001, 0.01
FEW_ROWS, FEW_CLUSTERS, OVERDISPERSED = 30, 10, 1.5


@dataclass(frozen=True, repr=False)
class ExperimentResult(Shown):
    """Posterior comparison of the arms of an experiment.

    Attributes
    ----------
    effects : DataFrame
        One row per arm other than the control and measure, the main measure first: arm, measure, estimate, sd, ci_lower,
        ci_upper (in units of the measure), standardised (divided by the control's standard deviation), relative (divided by
        the control's mean), p_positive, p_above, p_within, p_below (probability of an effect above `smallest`, within it
        on either side, below minus it), decision (better, worse, equivalent, undecided).
    arms : DataFrame
        One row per arm, the control first: arm, n, clusters, mean, sd (posterior mean and standard deviation of the main
        measure), p_best, expected_loss (what choosing this arm is expected to cost against the best, in units of the
        measure).
    draws : ndarray
        Posterior draws of the main measure, shape (S, arms), in the order of `arms`.
    family, measure : str
        Family of the outcome and its main measure.
    method : str
        'exact' (conjugate posterior) or 'means' (normal-theory posterior of clustered or adjusted means).
    clustered : str
        Whether and by what the intervals are clustered.
    control : object
        The arm compared with.
    srm_p : float
        Chi-square test that the arms have their planned shares; missing where none were given.
    attrition_p : float
        Chi-square test that outcomes are missing equally often in all arms; missing where all are there.
    variance_reduction : float
        Share of the effect's variance that the covariate removes; missing without one.
    dispersion : float
        Variance over mean of counts within arms; missing for other families.
    stages : int
        Stages compared; 1 without stages.
    rows, blank, alone : int
        Rows used, left out for want of an outcome or arm, and left out because their stage lacks an arm.
    smallest : float
        Smallest effect worth acting on, in units of the main measure.
    better : str
        higher or lower.
    confidence : float
        Level of intervals and decisions.
    """

    effects: pd.DataFrame
    arms: pd.DataFrame
    draws: Array
    family: str
    measure: str
    method: str
    clustered: str
    control: Any
    srm_p: float
    attrition_p: float
    variance_reduction: float
    dispersion: float
    stages: int
    rows: int
    blank: int
    alone: int
    smallest: float
    better: str
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the effects."""
        return self.effects

    def summary(self) -> dict[str, Any]:
        """Return the best arm and, of the arms compared with the control, the one most probably best."""
        ranked = self.arms.sort_values("p_best", ascending=False, kind="stable")
        main = self.effects[self.effects["measure"] == self.measure].set_index("arm")
        arm = next(a for a in ranked["arm"] if a != self.control)
        effect = main.loc[arm]
        return {
            "case": "mismatch" if self.srm_p < SRM_LEVEL else str(effect["decision"]), "best": ranked["arm"].iloc[0],
            "p_best": float(ranked["p_best"].iloc[0]), "arm": arm, "control": self.control, "measure": self.measure,
            "estimate": float(effect["estimate"]), "lower": float(effect["ci_lower"]), "upper": float(effect["ci_upper"]),
            "p_positive": float(effect["p_positive"]), "loss": float(ranked["expected_loss"].iloc[0]), "n": self.rows,
            "level": self.confidence,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the effects of the arms against the control, with their intervals."""
        main = self.effects[self.effects["measure"] == self.measure]
        return forest(main, "arm", "estimate", "ci", axis=f"effect against {self.control}")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        rows: list[tuple[str, float, float, str]] = []
        if not np.isnan(self.srm_p):
            rows.append(("srm_p", self.srm_p, SRM_LEVEL, "pass" if self.srm_p >= SRM_LEVEL else "fail"))
        if not np.isnan(self.attrition_p):
            status = "pass" if self.attrition_p >= ATTRITION_LEVEL else "warn"
            rows.append(("attrition_p", self.attrition_p, ATTRITION_LEVEL, status))
        what, fewest = ("n", FEW_ROWS) if self.clustered == "not clustered" else ("clusters", FEW_CLUSTERS)
        smallest = float(self.arms[what].min())
        rows.append((f"smallest_arm_{what}", smallest, fewest, "pass" if smallest >= fewest else "warn"))
        if self.family == "count" and self.method == "exact":
            status = "pass" if self.dispersion <= OVERDISPERSED else "warn"
            rows.append(("dispersion", self.dispersion, OVERDISPERSED, status))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])
