"""What an interrupted time series gives: the effect of a change that came everywhere at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import ParamsError
from xmresearch.plots import lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FEW_BEFORE, FEW_AFTER = 24, 6
PERSISTENT, ENOUGH_IF_PERSISTENT = 0.65, 100
POWER = 0.8


@dataclass(frozen=True, repr=False)
class InterruptedResult(Shown):
    """Effect of a change everywhere at once, against what the series would have done by its own trend and season.

    Attributes
    ----------
    effects : DataFrame
        One row per effect: effect (first: in the first period with the change; mean: over the periods with it; last;
        cumulative: summed over these; shift: the mean on the scale of the trend, a logarithm where `logged`; relative: the sum
        over what would have been, missing for the NPS and where that may be zero), estimate, sd, ci_lower, ci_upper,
        p_positive.
    series : DataFrame
        One row per period: time, n (rows), observed, counterfactual, cf_lower, cf_upper, and from the change on effect,
        ci_lower, ci_upper (missing before).
    placebo : DataFrame
        Changes that were not there, one row per date before the change: time, estimate (as shift), ci_lower, ci_upper,
        beyond (zero is left out); the intervals hold for all dates at once. Empty where the time before is too short.
    autocorrelation : float
        Of the errors from one period to the next.
    before, after, missing : int
        Periods before the change, from it on, and without data.
    measure : str
        What a period's value is.
    controls : int
        Comparison series that the change could not reach.
    logged : bool
        The trend is of logarithms, and effects multiply.
    bend_seen : float
        How much the trend a period changed by itself from the first to the second half of the time before.
    distance : float
        Mean number of periods from the last one before the change, over the periods after.
    confidence : float
        Level of the intervals.
    """

    effects: pd.DataFrame
    series: pd.DataFrame
    placebo: pd.DataFrame
    autocorrelation: float
    before: int
    after: int
    missing: int
    measure: str
    controls: int
    logged: bool
    bend_seen: float
    distance: float
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the effects."""
        return self.effects

    def effect(self, name: str = "mean") -> dict[str, float]:
        """Return one effect: estimate, sd, lower, upper and p_positive."""
        row = self.effects.set_index("effect").loc[name]
        return {
            "estimate": float(row["estimate"]), "sd": float(row["sd"]), "lower": float(row["ci_lower"]),
            "upper": float(row["ci_upper"]), "p_positive": float(row["p_positive"]),
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return the mean effect, the relative one, and what would have been found."""
        relative = self.effect("relative")
        return {
            **self.effect("mean"), "relative": relative["estimate"], "relative_lower": relative["lower"],
            "relative_upper": relative["upper"], "detectable": self.detectable(), "before": self.before,
            "after": self.after, "autocorrelation": self.autocorrelation, "level": self.confidence,
        }  # fmt: skip

    def detectable(self, power: float = POWER) -> float:
        """Return the smallest shift that a series like this shows with the given power, two-sided at the level."""
        reach = float(stats.norm.ppf((1 + self.confidence) / 2) + stats.norm.ppf(power))
        return reach * self.effect("shift")["sd"]

    def bent(self, bends: tuple[float, ...] | None = None) -> pd.DataFrame:
        """Return the shift when the trend may have bent by itself at the change.

        Parameters
        ----------
        bends : tuple of float, optional
            Largest changes of the trend a period, in units of the series (of its logarithm where `logged`). Default: 0, and
            half, once and twice `bend_seen`.

        Returns
        -------
        DataFrame
            One row per bend: bend, ci_lower, ci_upper (of the shift, for the worst trend within the bend), beyond (zero
            is left out). The last row is the breakdown: the bend from which on zero is not left out; 0 if it never was.

        Raises
        ------
        ParamsError
            A bend is negative or not finite.

        References
        ----------
        Rambachan, A. & Roth, J. (2023). A more credible approach to parallel trends. Review of Economic Studies, 90, 2555-2591.
        """
        wanted = tuple(m * self.bend_seen for m in (0.0, 0.5, 1.0, 2.0)) if bends is None else bends
        if not all(np.isfinite(b) and b >= 0 for b in wanted):
            raise ParamsError(f"bends are {list(wanted)}.", "Give changes of the trend a period, 0 or more.")
        found = self.effect("shift")
        least = max(found["lower"], -found["upper"], 0.0)
        bend = np.array([*wanted, least / self.distance])
        low, high = found["lower"] - bend * self.distance, found["upper"] + bend * self.distance
        beyond = (low > 0) | (high < 0)
        beyond[-1] = False
        return pd.DataFrame({"bend": bend, "ci_lower": low, "ci_upper": high, "beyond": beyond})

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        short = self.autocorrelation > PERSISTENT and self.before < ENOUGH_IF_PERSISTENT
        beyond = int(self.placebo["beyond"].sum())
        dates = len(self.placebo)
        rows = [
            ("periods_before", self.before, FEW_BEFORE, "pass" if self.before >= FEW_BEFORE else "warn"),
            ("periods_after", self.after, FEW_AFTER, "pass" if self.after >= FEW_AFTER else "warn"),
            ("autocorrelation", self.autocorrelation, PERSISTENT, "warn" if short else "pass"),
            ("comparison_series", self.controls, 1, "pass" if self.controls >= 1 else "warn"),
        ]
        if dates:
            rows.append(("placebo_changes", beyond, 0, "pass" if beyond == 0 else "fail"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def plot(self) -> Figure:
        """Draw the series beside what it would have been."""
        t = self.series
        return lines(
            list(t["time"]),
            {
                "observed": t["observed"],
                "without the change": t["counterfactual"],
                "lower": t["cf_lower"],
                "upper": t["cf_upper"],
            },
            across="period",
            axis=self.measure,
            start=float(self.before) - 0.5,
        )

    def _head(self) -> dict[str, Any]:
        return {
            k: v
            for k, v in self.summary().items()
            if k in ("estimate", "lower", "upper", "relative", "before", "after")
        }
