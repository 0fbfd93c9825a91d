"""Boundaries for an experiment with planned looks: group-sequential tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special, stats

from xmresearch.display import Shown
from xmresearch.errors import ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
RULES = ("obrien_fleming", "pocock")
_CERTAIN = 12.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)


_START = (np.zeros(1), np.ones(1))


@dataclass(frozen=True, repr=False)
class GroupSequentialDesign(Shown):
    """Boundaries of a test with planned looks.

    Attributes
    ----------
    table : DataFrame
        One row per look: look, fraction (of the information), z (boundary for the absolute statistic), nominal_p, spent
        (error of this look), cumulative.
    alpha : float
        Two-sided error over all looks.
    rule : str
        How the error is distributed.
    """

    table: pd.DataFrame
    alpha: float
    rule: str

    def tidy(self) -> pd.DataFrame:
        """Return the boundaries."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first and the last boundary."""
        z = self.table["z"]
        return {"rule": self.rule, "looks": len(z), "first": z.iloc[0], "last": z.iloc[-1], "alpha": self.alpha}

    def plot(self) -> Figure:
        """Draw the boundaries of z at each look."""
        z = self.table["z"]
        return curve(self.table["fraction"], z * 0, -z, z, across="share of the information", axis="boundaries of z")

    def diagnostics(self) -> pd.DataFrame:
        """Return whether the error that is spent adds up."""
        spent = float(self.table["spent"].sum())
        status = "pass" if abs(spent - self.alpha) < 1e-6 else "fail"
        return pd.DataFrame([("spent", spent, self.alpha, status)], columns=["check", "value", "threshold", "status"])

    def power(self, drift: float) -> float:
        """Return the probability of crossing where the statistic's mean at full information is `drift`."""
        return float(sum(_crossings(self.table["fraction"].to_numpy(), self.table["z"].to_numpy(), drift)))


def alpha_spending(
    fractions: Sequence[float], *, alpha: float = 0.05, rule: str = "obrien_fleming"
) -> GroupSequentialDesign:
    """Return two-sided boundaries that spend the error as information comes in (Lan & DeMets).

    Parameters
    ----------
    fractions : sequence of float
        Share of the planned information at each look, rising, up to 1.
    alpha : float
        Two-sided error, half of it on each side.
    rule : {'obrien_fleming', 'pocock'}
        Spending function: 2 - 2 Phi(z / sqrt t), or a log(1 + (e - 1) t).

    Returns
    -------
    GroupSequentialDesign

    Raises
    ------
    ParamsError
        The fractions, the error or the rule is wrong.

    References
    ----------
    Lan, K. K. G. & DeMets, D. L. (1983). Discrete sequential boundaries for clinical trials. Biometrika, 70(3), 659-663.
    """
    times, side = _planned(fractions, alpha, rule), alpha / 2
    spend: Callable[[Array], Array] = (
        (lambda t: 2 * stats.norm.sf(stats.norm.isf(side / 2) / np.sqrt(t)))
        if rule == "obrien_fleming"
        else (lambda t: side * np.log1p((np.e - 1) * t))
    )
    each = 2 * np.diff(spend(np.append(0.0, times)[1:]), prepend=0.0)
    bounds, state, before = [], _START, 0.0
    for t, spent in zip(times.tolist(), each.tolist(), strict=True):
        z = _boundary(state, before, t, spent)
        state, before = _staying(state, before, t, z, 0.0), t
        bounds.append(z)
    return _design(times, np.array(bounds), alpha, f"spending_{rule}")


@on_one_thread
def group_sequential(looks: int, *, alpha: float = 0.05, shape: str = "obrien_fleming") -> GroupSequentialDesign:
    """Return the classical two-sided boundaries for evenly spaced looks.

    Parameters
    ----------
    looks : int
        How many.
    alpha : float
        Two-sided error.
    shape : {'obrien_fleming', 'pocock'}
        Boundaries c sqrt(looks / look), or c throughout.

    Returns
    -------
    GroupSequentialDesign

    Raises
    ------
    ParamsError
        The looks, the error or the shape is wrong.

    References
    ----------
    Jennison, C. & Turnbull, B. W. (2000). Group sequential methods with applications to clinical trials. Chapman & Hall,
    tables 2.1 and 2.3.
    """
    if looks < 1:
        raise ParamsError(f"{looks} looks are planned.", "Plan one or more.")
    times = _planned([(k + 1) / looks for k in range(looks)], alpha, shape)
    form = 1 / np.sqrt(times) if shape == "obrien_fleming" else np.ones(looks)
    c = optimize.brentq(lambda c: sum(_crossings(times, c * form, 0.0)) - alpha, 0.5, _CERTAIN, xtol=1e-10)
    return _design(times, float(c) * form, alpha, shape)


def _design(times: Array, bounds: Array, alpha: float, rule: str) -> GroupSequentialDesign:
    spent = np.array(_crossings(times, bounds, 0.0))
    table = pd.DataFrame({
        "look": np.arange(1, len(times) + 1), "fraction": times, "z": bounds, "nominal_p": 2 * stats.norm.sf(bounds),
        "spent": spent, "cumulative": np.cumsum(spent),
    })  # fmt: skip
    return GroupSequentialDesign(table, alpha, rule)


def _boundary(state: tuple[Array, Array], before: float, t: float, spent: float) -> float:
    return float(optimize.brentq(lambda z: _leaving(state, before, t, z, 0.0) - spent, 0.0, _CERTAIN, xtol=1e-10))


def _crossings(times: Array, bounds: Array, drift: float) -> list[float]:
    """Return the probability that the absolute statistic crosses first at each look."""
    state, before, crossed = _START, 0.0, []
    for t, z in zip(times.tolist(), bounds.tolist(), strict=True):
        crossed.append(_leaving(state, before, t, z, drift))
        state, before = _staying(state, before, t, z, drift), t
    return crossed


def _leaving(state: tuple[Array, Array], before: float, t: float, z: float, drift: float) -> float:
    """Return the probability of crossing z at t; `state` holds points inside the last boundary and their mass."""
    points, mass = state
    sd, edge, mean = np.sqrt(t - before), z * np.sqrt(t), points + drift * (t - before)
    return float(mass @ (special.ndtr((mean - edge) / sd) + special.ndtr((-edge - mean) / sd)))


def _staying(state: tuple[Array, Array], before: float, t: float, z: float, drift: float) -> tuple[Array, Array]:
    """Return points inside the boundary at t and their mass: one step of Armitage, McPherson & Rowe's recursion."""
    points, mass = state
    sd, mean = np.sqrt(t - before), points + drift * (t - before)
    reach = min(z * np.sqrt(t), abs(drift) * t + _CERTAIN * np.sqrt(t))
    inside = reach * _NODES
    density = np.exp(-0.5 * ((inside[:, None] - mean) / sd) ** 2) @ mass / (sd * np.sqrt(2 * np.pi))
    return inside, reach * _WEIGHTS * density


def _planned(fractions: Sequence[float], alpha: float, rule: str) -> Array:
    times = np.asarray(fractions, dtype=float)
    if rule not in RULES:
        raise ParamsError(f"There is no rule '{rule}'.", nearest(rule, RULES))
    if not 0 < alpha < 1:
        raise ParamsError(f"alpha is {alpha:g}.", "It lies between 0 and 1, such as 0.05.")
    if times.ndim != 1 or len(times) == 0 or times[0] <= 0 or (np.diff(times) <= 0).any() or abs(times[-1] - 1) > 1e-9:
        raise ParamsError(f"The looks come at {list(fractions)} of the information.", "They rise from above 0 to 1.")
    return times
