"""Looking at an experiment at any time without losing its error rate: confidence sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FEWEST = 30


@dataclass(frozen=True, repr=False)
class ConfidenceSequence(Shown):
    """Intervals that hold at every look at once.

    Attributes
    ----------
    table : DataFrame
        One row per look: look, n (respondents so far; missing where only estimates were given), estimate, se, lower, upper,
        p (always valid, never rising), decided (zero has been left out by now).
    stopped : int or None
        First look whose interval leaves out zero.
    tau : float
        Standard deviation of the mixture over effects, in units of the outcome.
    smallest_n : float
        Respondents in the smaller arm at the first look; missing where only estimates were given.
    confidence : float
        Probability that no interval ever misses.
    """

    table: pd.DataFrame
    stopped: int | None
    tau: float
    smallest_n: float
    confidence: float

    def tidy(self) -> pd.DataFrame:
        """Return the looks."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the last look and where the sequence stopped."""
        last = self.table.iloc[-1]
        case = "undecided" if self.stopped is None else "higher" if last["estimate"] > 0 else "lower"
        return {
            "case": case, "looks": len(self.table), "stopped": self.stopped, "estimate": float(last["estimate"]),
            "lower": float(last["lower"]), "upper": float(last["upper"]), "p": float(last["p"]), "level": self.confidence,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the interval that holds at every look."""
        t = self.table
        return curve(t["n"], t["estimate"], t["lower"], t["upper"], across="respondents", axis="effect", joined=True)

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        enough = np.isnan(self.smallest_n) or self.smallest_n >= FEWEST
        rows = [("first_look_n", self.smallest_n, float(FEWEST), "pass" if enough else "warn")]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def confidence_sequence(
    estimates: ArrayLike, ses: ArrayLike, *, planned_se: float | None = None, confidence: float = 0.95
) -> ConfidenceSequence:
    """Return intervals for an effect that hold at all looks, whatever made one look.

    The intervals are those values that a normal mixture of likelihood ratios never rejects (mixture sequential probability
    ratio test); with means of many respondents they are the asymptotic confidence sequences of Waudby-Smith et al.

    Parameters
    ----------
    estimates, ses : array_like
        Estimate and standard error at each look, all data so far, shape (looks,).
    planned_se : float, optional
        Standard error at which the interval is to be narrowest, chosen before looking. Default: the last one, which is right
        only where the number of looks was planned.
    confidence : float
        Probability that no interval ever misses.

    Returns
    -------
    ConfidenceSequence

    Raises
    ------
    DataError
        Shapes do not agree, or an estimate or standard error is not usable.
    ParamsError
        The level or `planned_se` is wrong.

    References
    ----------
    Johari, R., Koomen, P., Pekelis, L. & Walsh, D. (2022). Always valid inference. Operations Research, 70(3), 1806-1821.

    Howard, S. R., Ramdas, A., McAuliffe, J. & Sekhon, J. (2021). Time-uniform, nonparametric, nonasymptotic confidence
    sequences. Annals of Statistics, 49(2), 1055-1080.

    Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. & Ramdas, A. (2024). Time-uniform central limit theory and
    asymptotic confidence sequences. Annals of Statistics, 52(6), 2613-2640.
    """
    return _sequence(estimates, ses, None, np.nan, planned_se, confidence)


@on_one_thread
def monitor(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Any,
    looks: Sequence[int] | int = 20,
    planned_n: int | None = None,
    confidence: float = 0.95,
) -> ConfidenceSequence:
    """Watch the difference in means between two arms as respondents arrive.

    Parameters
    ----------
    data : DataFrame
        One row per respondent in order of arrival; rows without an outcome are left out.
    outcome, arm : str
        Columns; `arm` has two values.
    control : object
        The arm to compare with.
    looks : sequence of int or int
        Respondents so far at each look, or how many looks, evenly spaced.
    planned_n : int, optional
        Respondents at which the interval is to be narrowest, fixed before looking. Default: all there are.
    confidence : float
        Probability that no interval ever misses.

    Returns
    -------
    ConfidenceSequence

    Raises
    ------
    DataError
        A column is missing, there are not two arms, or `looks` is wrong.
    InsufficientData
        At the first look an arm has fewer than two respondents or no variance.

    References
    ----------
    Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. & Ramdas, A. (2024). Time-uniform central limit theory and
    asymptotic confidence sequences. Annals of Statistics, 52(6), 2613-2640.
    """
    for name in (outcome, arm):
        if name not in data.columns:
            raise DataError(f"There is no column '{name}'.", nearest(name, data.columns))
    used = data[data[outcome].notna() & data[arm].notna()]
    arms = list(pd.unique(used[arm]))
    if control not in arms or len(arms) != 2:
        raise DataError(
            f"Column '{arm}' holds {arms}, the control is '{control}'.", "It takes two arms, one the control."
        )
    y, new = used[outcome].to_numpy(dtype=float), (used[arm] != control).to_numpy()
    at = np.linspace(0, len(y), looks + 1)[1:].astype(int) if isinstance(looks, int) else np.asarray(looks)
    if len(at) == 0 or (np.diff(at) <= 0).any() or at[0] < 1 or at[-1] > len(y):
        raise DataError(f"The looks are not rising counts up to {len(y)}.", "Give counts of respondents so far.")
    n, mean, variance = (np.array(v) for v in zip(*(_running(y, side, at) for side in (~new, new)), strict=True))
    if n[:, 0].min() < 2 or variance[:, 0].min() <= 0:
        raise InsufficientData(
            f"At the first look the arms have {n[:, 0].tolist()} respondents, or one of them does not vary.",
            f"Start later; {FEWEST} in each arm are advisable.",
        )
    ses = np.sqrt((variance / n).sum(axis=0))
    planned = None if planned_n is None else float(ses[-1] * np.sqrt(at[-1] / planned_n))
    return _sequence(mean[1] - mean[0], ses, at, float(n[:, 0].min()), planned, confidence)


def _running(y: Array, side: NDArray[np.bool_], at: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Return n, mean and variance of one arm at each look."""
    centre = float(y[side].mean()) if side.any() else 0.0
    n, total, square = (
        np.cumsum(np.where(side, v, 0.0))[at - 1] for v in (np.ones(len(y)), y - centre, (y - centre) ** 2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return n, total / n + centre, (square - total**2 / n) / (n - 1)


def _sequence(
    estimates: ArrayLike,
    ses: ArrayLike,
    n: NDArray[np.int64] | None,
    smallest: float,
    planned: float | None,
    level: float,
) -> ConfidenceSequence:
    estimate, se = np.asarray(estimates, dtype=float), np.asarray(ses, dtype=float)
    if estimate.ndim != 1 or estimate.shape != se.shape or not len(se):
        raise DataError(
            f"There are {estimate.shape} estimates and {se.shape} standard errors.", "One of each per look."
        )
    if not (np.isfinite(estimate).all() and np.isfinite(se).all() and (se > 0).all()):
        raise DataError("An estimate is not finite, or a standard error not above zero.", "Look later.")
    aim = float(se[-1]) if planned is None else planned
    if not 0 < level < 1 or not (np.isfinite(aim) and aim > 0):
        raise ParamsError(
            f"confidence is {level:g}, planned_se {aim:g}.", "One lies between 0 and 1, the other above 0."
        )
    evidence = -2 * np.log(1 - level)
    tau2 = aim**2 * (evidence + np.log(evidence) + 1)
    variance = se**2
    growth = np.log((variance + tau2) / variance)
    half = np.sqrt(variance * (variance + tau2) / tau2 * (growth + evidence))
    log_ratio = tau2 * estimate**2 / (2 * variance * (variance + tau2)) - growth / 2
    p = np.minimum.accumulate(np.exp(-np.maximum(log_ratio, 0.0)))
    decided = p <= 1 - level
    table = pd.DataFrame({
        "look": np.arange(1, len(se) + 1), "n": np.full(len(se), np.nan) if n is None else n, "estimate": estimate,
        "se": se, "lower": estimate - half, "upper": estimate + half, "p": p, "decided": decided,
    })  # fmt: skip
    stopped = int(np.argmax(decided)) + 1 if decided.any() else None
    return ConfidenceSequence(table, stopped, float(np.sqrt(tau2)), smallest, level)
