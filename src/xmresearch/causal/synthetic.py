"""Synthetic control and synthetic difference-in-differences for a few units treated at one date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from xmresearch.causal.simplex import simplex_weights
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
METHODS = ("sdid", "sc", "did")
VARIANCES = ("placebo", "jackknife", "none")
CLOSE_FIT, EVEN_WEIGHTS = 0.1, 3.0
_TIME_RIDGE, _COUNTED = 1e-6, 1e-6


@dataclass(frozen=True, repr=False)
class SyntheticResult(Shown):
    """Effect on the treated units against a weighted mean of the untreated.

    Attributes
    ----------
    effect : float
        Mean effect on the treated units after treatment, in units of the outcome.
    se : float
        Its standard error; missing without a variance.
    ci_lower, ci_upper : float
        Normal interval.
    p_placebo : float
        Share of units whose ratio of the gap after treatment to the gap before is at least that of the treated, these
        included: the exact p value of a treatment assigned at random.
    path : DataFrame
        One row per period: period, treated (mean of the treated units), synthetic, gap, after, weight (of periods before
        treatment). With intercepts, synthetic is shifted to meet the treated in the weighted periods before.
    unit_weights : DataFrame
        unit and weight of the untreated, heaviest first.
    placebos : DataFrame
        One row per untreated unit treated as if it had been the only one: unit, effect, pre_rmspe, post_rmspe, ratio; the
        treated are its first row.
    leave_one_out : DataFrame
        One row per untreated unit with weight: unit, weight, effect without it.
    pre_rmspe : float
        Root mean squared gap before treatment.
    relative_rmspe : float
        The same, divided by the standard deviation of the untreated units' outcomes before treatment.
    method, variance : str
        sdid, sc or did; placebo, jackknife or none.
    n_treated, n_controls, n_before, n_after : int
        Units and periods.
    confidence : float
        Level of the interval.
    placebo_gaps : ndarray
        Gaps by placebo treatment and period that the placebo variance is of, shape (placebos, periods); none without it.
    """

    effect: float
    se: float
    ci_lower: float
    ci_upper: float
    p_placebo: float
    path: pd.DataFrame
    unit_weights: pd.DataFrame
    placebos: pd.DataFrame
    leave_one_out: pd.DataFrame
    pre_rmspe: float
    relative_rmspe: float
    method: str
    variance: str
    n_treated: int
    n_controls: int
    n_before: int
    n_after: int
    confidence: float
    placebo_gaps: Array = field(repr=False)

    def tidy(self) -> pd.DataFrame:
        """Return treated, synthetic and gap by period."""
        return self.path

    def summary(self) -> dict[str, Any]:
        """Return the effect, its interval, the placebo test and the heaviest unit."""
        without = self.leave_one_out["effect"]
        return {
            "method": self.method, "effect": self.effect, "se": self.se, "lower": self.ci_lower, "upper": self.ci_upper,
            "p_placebo": self.p_placebo, "pre_rmspe": self.pre_rmspe, "heaviest": self.unit_weights["unit"].iloc[0],
            "heaviest_weight": float(self.unit_weights["weight"].iloc[0]), "loo_lower": float(without.min()),
            "loo_upper": float(without.max()), "level": self.confidence,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the treated units and their synthetic control over time."""
        drawn = {"treated": self.path["treated"], "synthetic control": self.path["synthetic"]}
        start = float(np.flatnonzero(self.path["after"])[0]) - 0.5
        return lines(list(self.path["period"]), drawn, across="period", axis="outcome", start=start)

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        effective = float(1 / (self.unit_weights["weight"] ** 2).sum())
        reachable = 1 / (self.n_controls + 1)
        signs = np.sign(self.leave_one_out["effect"])
        kept = float((signs == np.sign(self.effect)).mean())
        rows: list[tuple[str, float, float, str]] = [
            ("relative_rmspe", self.relative_rmspe, CLOSE_FIT, "pass" if self.relative_rmspe <= CLOSE_FIT else "warn"),
            ("effective_controls", effective, EVEN_WEIGHTS, "pass" if effective >= EVEN_WEIGHTS else "warn"),
            ("smallest_p", reachable, 1 - self.confidence, "pass" if reachable <= 1 - self.confidence else "warn"),
            ("loo_same_sign", kept, 1.0, "pass" if kept == 1.0 else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def synthetic_control(
    outcome: ArrayLike,
    treated: ArrayLike,
    first: int,
    *,
    method: str = "sdid",
    variance: str = "placebo",
    units: Sequence[Any] | None = None,
    periods: Sequence[Any] | None = None,
    confidence: float = 0.95,
    replications: int = 200,
    seed: int = 0,
) -> SyntheticResult:
    """Estimate the effect on units that are all treated from one period on.

    `sc` weights the untreated so that their mean follows the treated before treatment, without intercept or penalty, and
    compares afterwards. `sdid` lets levels differ, shrinks the weights towards even ones by zeta^2 times the number of
    periods before, zeta = (treated units x periods after)^(1/4) times the standard deviation of the untreated units' changes
    before treatment, weights the periods before so that they foretell those after, and compares differences. `did` weights
    everything evenly.

    Parameters
    ----------
    outcome : array_like
        Shape (units, periods), complete.
    treated : array_like of bool
        Which units are treated, shape (units,).
    first : int
        Column of the first treated period.
    method : {'sdid', 'sc', 'did'}
        Estimator.
    variance : {'placebo', 'jackknife', 'none'}
        placebo treats as many untreated units at random (every one in turn where one unit is treated); it takes more
        untreated than treated units and equal variances. jackknife leaves out each unit with the weights held; it takes two
        treated units and is not meant for `sc`.
    units, periods : sequence, optional
        Names, by default their positions.
    confidence : float
        Level of the interval.
    replications : int
        Of the placebo variance where several units are treated.
    seed : int
        Of these.

    Returns
    -------
    SyntheticResult

    Raises
    ------
    DataError
        Shapes do not agree or outcomes are missing or constant.
    InsufficientData
        There are too few untreated units, treated units or periods before or after.
    ParamsError
        `method`, `variance` or the level is wrong.

    References
    ----------
    Abadie, A., Diamond, A. & Hainmueller, J. (2010). Synthetic control methods for comparative case studies. Journal of the
    American Statistical Association, 105(490), 493-505.

    Arkhangelsky, D., Athey, S., Hirshberg, D. A., Imbens, G. W. & Wager, S. (2021). Synthetic difference-in-differences.
    American Economic Review, 111(12), 4088-4118.
    """
    for name, valid in ((method, METHODS), (variance, VARIANCES)):
        if name not in valid:
            raise ParamsError(f"There is no method or variance '{name}'.", nearest(name, valid))
    if not 0 < confidence < 1:
        raise ParamsError(f"confidence is {confidence:g}.", "It lies between 0 and 1, such as 0.95.")
    y, mask = _panel(outcome, treated, first, 1 if method == "did" else 2)
    names, dates = _names(units, y.shape[0], "units"), _names(periods, y.shape[1], "periods")
    control, group = y[~mask], y[mask]
    n0, n1, t1 = len(control), len(group), y.shape[1] - first
    if (variance == "jackknife" and n1 < 2) or (variance == "placebo" and n0 <= n1):
        raise InsufficientData(
            f"The {variance} variance cannot be had from {n1} treated and {n0} untreated unit(s).",
            "placebo takes more untreated than treated units, jackknife two treated; or pass variance='none'.",
        )
    omega, lam = _weights(control, group, first, method)
    gap = _gap(control, group, omega, lam)
    effect = float(gap[first:].mean())
    own = [names[i] for i in np.flatnonzero(~mask)]
    trials = [gap, *(_trial(control, np.array([j]), first, method) for j in range(n0))]
    se, drawn = np.nan, []
    if variance == "placebo":
        rng = np.random.default_rng(seed)
        picks = [rng.permutation(n0)[:n1] for _ in range(replications)]
        drawn = trials[1:] if n1 == 1 else [_trial(control, chosen, first, method) for chosen in picks]
        se = np.std([g[first:].mean() for g in drawn])
    elif variance == "jackknife":
        se = _jackknife_se(control, group, first, omega, lam)
    before, after = (np.array([np.sqrt(np.mean(g[part] ** 2)) for g in trials]) for part in _parts(first))
    with np.errstate(divide="ignore"):
        ratio = after / before
    placebos = pd.DataFrame({
        "unit": ["treated", *own], "effect": [float(g[first:].mean()) for g in trials], "pre_rmspe": before,
        "post_rmspe": after, "ratio": ratio,
    })  # fmt: skip
    heavy = np.flatnonzero(omega > _COUNTED).tolist()
    without = [(own[j], omega[j], _without(control, group, j, first, method)) for j in heavy]
    z, spread = -float(special.ndtri((1 - confidence) / 2)), float(control[:, :first].std(ddof=1))
    level = group.mean(axis=0)
    path = pd.DataFrame({
        "period": dates, "treated": level, "synthetic": level - gap, "gap": gap, "after": np.arange(first + t1) >= first,
        "weight": np.append(lam, np.full(t1, np.nan)),
    })  # fmt: skip
    weights = pd.DataFrame({"unit": own, "weight": omega}).sort_values("weight", ascending=False, kind="stable")
    return SyntheticResult(
        effect, float(se), float(effect - z * se), float(effect + z * se),
        float(np.mean(ratio >= ratio[0] * (1 - 1e-12))), path, weights.reset_index(drop=True), placebos,
        pd.DataFrame(without, columns=["unit", "weight", "effect"]), float(before[0]), float(before[0] / spread), method,
        variance, n1, n0, first, t1, confidence, np.array(drawn).reshape(len(drawn), first + t1),
    )  # fmt: skip


def synthetic_effect(outcome: Array, treated: NDArray[np.bool_], first: int, method: str = "sdid") -> float:
    """Return the effect alone, of data that `synthetic_control` takes.

    Parameters
    ----------
    outcome, treated, first, method
        As in `synthetic_control`.

    Returns
    -------
    float
    """
    return float(_fitted_gap(outcome[~treated], outcome[treated], first, method)[first:].mean())


def _weights(control: Array, group: Array, first: int, method: str) -> tuple[Array, Array]:
    """Return unit weights, shape (controls,), and time weights, shape (before,), which are zero for sc."""
    n0, t0, t1 = len(control), first, control.shape[1] - first
    if method == "did":
        return np.full(n0, 1 / n0), np.full(t0, 1 / t0)
    target = group[:, :first].mean(axis=0)
    if method == "sc":
        return simplex_weights(control[:, :first].T, target), np.zeros(t0)
    noise = float(np.diff(control[:, :first], axis=1).std(ddof=1)) if t0 > 1 else 0.0
    zeta = (len(group) * t1) ** 0.25 * noise
    omega = simplex_weights(control[:, :first].T, target, ridge=zeta**2 * t0, intercept=True)
    late = control[:, first:].mean(axis=1)
    return omega, simplex_weights(control[:, :first], late, ridge=(_TIME_RIDGE * noise) ** 2 * n0, intercept=True)


def _gap(control: Array, group: Array, omega: Array, lam: Array) -> Array:
    """Return treated minus synthetic by period, less its weighted mean before treatment."""
    gap = group.mean(axis=0) - omega @ control
    return np.asarray(gap - lam @ gap[: len(lam)], dtype=np.float64)


def _trial(control: Array, chosen: NDArray[np.int64], first: int, method: str) -> Array:
    """Return the gap of untreated units treated in place of the treated."""
    return _fitted_gap(np.delete(control, chosen, axis=0), control[chosen], first, method)


def _fitted_gap(control: Array, group: Array, first: int, method: str) -> Array:
    return _gap(control, group, *_weights(control, group, first, method))


def _without(control: Array, group: Array, j: int, first: int, method: str) -> float:
    return float(_fitted_gap(np.delete(control, j, axis=0), group, first, method)[first:].mean())


def _jackknife_se(control: Array, group: Array, first: int, omega: Array, lam: Array) -> float:
    """Leave out each unit in turn with the weights held, scaled to one again."""
    effects = [_gap(control, np.delete(group, i, axis=0), omega, lam)[first:].mean() for i in range(len(group))]
    for j in range(len(control)):
        left = np.delete(omega, j)
        if left.sum() <= _COUNTED:
            raise InsufficientData("One untreated unit has all the weight.", "Use variance='placebo' or 'none'.")
        effects.append(_gap(np.delete(control, j, axis=0), group, left / left.sum(), lam)[first:].mean())
    n = len(effects)
    return float(np.sqrt((n - 1) / n * np.sum((np.array(effects) - np.mean(effects)) ** 2)))


def _parts(first: int) -> tuple[slice, slice]:
    return slice(None, first), slice(first, None)


def _names(given: Sequence[Any] | None, n: int, what: str) -> list[Any]:
    names = list(range(n)) if given is None else list(given)
    if len(names) != n:
        raise DataError(f"{len(names)} {what} are named, the outcomes have {n}.", "Name each once.")
    return names


def _panel(outcome: ArrayLike, treated: ArrayLike, first: int, before: int) -> tuple[Array, NDArray[np.bool_]]:
    y, mask = np.asarray(outcome, dtype=float), np.asarray(treated)
    if y.ndim != 2 or mask.dtype != bool or mask.shape != y.shape[:1]:
        raise DataError("The outcomes are not units x periods with one treated flag per unit.", "Reshape them.")
    if not np.isfinite(y).all():
        unit, period = np.argwhere(~np.isfinite(y))[0]
        raise DataError(f"The outcome of unit {unit} in period {period} is missing.", "Every unit needs every period.")
    if not mask.any() or (~mask).sum() < 2:
        raise InsufficientData(f"{mask.sum()} treated and {(~mask).sum()} untreated unit(s).", "It takes 1 and 2.")
    if not before <= first < y.shape[1]:
        raise InsufficientData(
            f"Treatment starts in column {first} of {y.shape[1]}, counted from 0.",
            f"It takes {before} period(s) before and one after.",
        )
    if float(np.ptp(y[~mask, :first])) == 0:
        raise DataError("The untreated units' outcomes are constant before treatment.", "There is nothing to weight.")
    return y, mask
