"""A control chart: a figure by period with the centre and the limits that chance alone explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
WIDTH = 3.0
"""Standard deviations from the centre to Shewhart's limits."""
D2 = 1.128
"""Mean range of two normal values in standard deviations, as the tables of the field round it; exactly 2 / sqrt(pi)."""


@dataclass(frozen=True, repr=False)
class ControlChart(Shown):
    """A figure by period, with centre and limits.

    Attributes
    ----------
    table : DataFrame
        One row per period: period, phase, baseline (whether it tells centre and spread), n, value, centre, sigma (of the value), lower,
        upper (within what the figure can be), z (distance from the centre in sigmas) and signal (beyond the limits). A period without
        data has NaN for value and all that follows from it.
    kind : str
        p, np, u, c, xmr, mean, nps, ridit or chi_square.
    known : bool
        Whether the centre was given, and not estimated.
    overdispersed : bool
        Whether sigma holds what moving ranges say of changes beyond those of the answers drawn (Laney).
    facts : mapping of str to float
        Of the last phase: what centre and spread were made of.
    shares : ndarray, optional
        Of kinds with several categories: those of the baseline, shape (phases, categories).
    """

    table: pd.DataFrame
    kind: str
    known: bool
    overdispersed: bool
    facts: Mapping[str, float]
    shares: Array | None = field(default=None, repr=False)

    def tidy(self) -> pd.DataFrame:
        """Return one row per period."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return kind, periods, those beyond the limits, and centre and spread of the last phase."""
        filled = self.table[self.table["value"].notna()]
        return {
            "kind": self.kind, "periods": len(self.table), "with_data": len(filled), "signals": int(self.table["signal"].sum()),
            "centre": float(filled["centre"].iloc[-1]), "known": self.known, **self.facts,
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


@dataclass(frozen=True, repr=False)
class Frame(Shown):
    """Periods of a chart with their phases, and those that tell its centre."""

    periods: NDArray[Any]
    phases: NDArray[np.int64]
    names: tuple[Any, ...]
    baseline: Flags
    filled: Flags

    def within(self, phase: int) -> NDArray[np.int64]:
        """Return the periods of a phase that tell its centre, in order."""
        return np.flatnonzero((self.phases == phase) & self.baseline & self.filled)


def frame_of(
    filled: Flags, *, periods: ArrayLike | None, phases: ArrayLike | None, baseline: ArrayLike | None, known: bool
) -> Frame:
    """Arrange periods and phases, or raise where a phase has too few periods to tell its centre.

    Parameters
    ----------
    filled : ndarray of bool
        Periods with data, shape (periods,).
    periods, phases, baseline : array_like or None
        As for the charts.
    known : bool
        Whether nothing is to be estimated.

    Returns
    -------
    Frame
    """
    size = len(filled)
    names = np.arange(size) if periods is None else np.asarray(periods)
    codes, found = (np.zeros(size, dtype="int64"), [1]) if phases is None else pd.factorize(np.asarray(phases))
    told = np.ones(size, dtype=bool) if baseline is None else np.asarray(baseline, dtype=bool)
    if names.shape != (size,) or codes.shape != (size,) or told.shape != (size,):
        raise DataError("Periods, phases, baseline and data differ in number.", "Give one of each per period.")
    if (codes < 0).any() or (np.diff(codes) < 0).any() or len(found) != len(np.unique(codes)):
        raise DataError(
            "A phase goes on after another has begun.", "Phases follow one another; give each period its own."
        )
    made = Frame(names, codes, tuple(found), told, filled)
    for phase, name in enumerate(found):
        if not known and len(made.within(phase)) < 2:
            raise InsufficientData(
                f"Phase '{name}' has fewer than two periods with data in its baseline." if phases is not None
                else "The baseline has fewer than two periods with data.",
                "Give a longer baseline, or the centre that is known.",
            )  # fmt: skip
    return made


def moving_range_sigma(z: Array) -> float:
    """Return the standard deviation that moving ranges of successive values tell: mean(|z[t] - z[t-1]|) / 1.128."""
    return float(np.abs(np.diff(z)).mean()) / D2


def assemble(
    frame: Frame, kind: str, n: Array, value: Array, centre: Array, sigma: Array, *, known: bool, overdispersed: bool = False,
    bounds: tuple[float | Array, float | Array] = (-np.inf, np.inf), facts: Mapping[str, float] | None = None, shares: Array | None = None,
    z: Array | None = None, limits: tuple[Array, Array] | None = None,
) -> ControlChart:  # fmt: skip
    """Make the chart of a figure with its centre and standard deviation by period.

    Parameters
    ----------
    frame : Frame
        Periods.
    kind : str
        Of the chart.
    n, value, centre, sigma : ndarray
        Shape (periods,).
    known, overdispersed, facts, shares
        As `ControlChart` has them; an overdispersed one multiplies sigma by what moving ranges of z tell, phase by phase.
    bounds : tuple
        What the figure can be.
    z, limits : ndarray
        Where they do not follow from centre and sigma.

    Returns
    -------
    ControlChart
    """
    told = dict(facts or {})
    wide = sigma.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        if overdispersed:
            for phase in range(len(frame.names)):
                at = frame.within(phase)
                plain = (value[at] - centre[at]) / sigma[at]
                if len(at) < 2 or not np.isfinite(plain).all():
                    raise InsufficientData(
                        "Moving ranges need two periods with data, and a spread above 0.",
                        "Give a longer baseline, or leave overdispersion out.",
                    )
                told["sigma_z"] = moving_range_sigma(plain)
                wide[frame.phases == phase] *= told["sigma_z"]
        away = value - centre
        scored = np.where(away == 0, 0.0, away / wide) if z is None else z
    low, high = (centre - WIDTH * wide, centre + WIDTH * wide) if limits is None else limits
    there = frame.filled
    scored = np.where(there, scored, np.nan)
    blank = np.where(there, 0.0, np.nan)
    table = pd.DataFrame({
        "period": frame.periods, "phase": np.asarray(frame.names, dtype=object)[frame.phases], "baseline": frame.baseline & there,
        "n": n, "value": value + blank, "centre": centre, "sigma": wide + blank,
        "lower": np.clip(low, *bounds) + blank, "upper": np.clip(high, *bounds) + blank, "z": scored,
        "signal": np.where(there, (value < low) | (value > high), False).astype(bool),
    })  # fmt: skip
    return ControlChart(table, kind, known, overdispersed, told, shares)
