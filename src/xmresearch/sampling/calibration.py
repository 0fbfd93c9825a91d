"""Weights that reproduce totals of the population and move as little as possible: calibration, or generalised regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.weights import weight_distribution
from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest
from xmresearch.sampling.designs import Design, reweighted
from xmresearch.sampling.margins import targets

Array = NDArray[np.float64]
MAX_ROUNDS = 200
_CLOSE = 1e-10


@dataclass(frozen=True, repr=False)
class Calibrated(Shown):
    """A design with calibrated weights.

    Attributes
    ----------
    design : Design
        Its variances are those of the residuals on the margins.
    margins : DataFrame
        One row per category or total: variable, level, target, before (as the weights gave it), after.
    weights : DataFrame
        Distribution of the weights before and after: see `weight_distribution`.
    rounds : int
        How many it took.
    warnings : tuple of str
        What a careful reviewer would ask about.
    """

    design: Design
    margins: pd.DataFrame
    weights: pd.DataFrame
    rounds: int
    warnings: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per category or total."""
        return self.margins

    def summary(self) -> dict[str, Any]:
        """Return the distribution of the weights before and after, and how many rounds it took."""
        before, after = self.weights.loc["before"], self.weights.loc["after"]
        return {
            "deff_before": before["deff"], "deff": after["deff"], "n_eff_before": before["n_eff"], "n_eff": after["n_eff"],
            "lowest": after["lowest"], "highest": after["highest"], "rounds": self.rounds,
        }  # fmt: skip


def calibrated(
    design: Design, weights: Array, margins: Array, rows: list[dict[str, Any]], targets: Array, rounds: int,
    regression: Array | None = None,
) -> Calibrated:  # fmt: skip
    """Put a calibration together.

    Parameters
    ----------
    design : Design
        Before it.
    weights : ndarray
        After it, shape (n,).
    margins : ndarray
        Variables calibrated on, shape (n, k).
    rows : list of dict
        What each of them is, for the table.
    targets : ndarray
        Their population totals, shape (k,).
    rounds : int
        How many it took.
    regression : ndarray, optional
        Weights of the regression on the margins, shape (n,); all alike if absent.

    Returns
    -------
    Calibrated
    """
    before, after = design.weights @ margins, weights @ margins
    table = pd.DataFrame(rows).assign(target=targets, before=before, after=after)
    spread = pd.DataFrame(
        [weight_distribution(design.weights), weight_distribution(weights)], index=["before", "after"]
    )
    alike = np.ones(len(design)) if regression is None else regression
    below = int((weights <= 0).sum())
    told = (f"{below} weights are 0 or below: give bounds, or use method = raking.",) if below else ()
    return Calibrated(reweighted(design, weights, margins, alike), table, spread, rounds, told)


def calibrate(
    design: Design, totals: Mapping[str, float | Mapping[Any, float]], *, size: float | None = None,
    method: Literal["linear", "raking"] = "linear", bounds: tuple[float, float] | None = None,
) -> Calibrated:  # fmt: skip
    """Move the weights as little as possible so that totals are those of the population.

    Parameters
    ----------
    design : Design
        Of the sample; its weights are the start, and stay in the variances.
    totals : mapping
        By column: the population total of a number, or the people in each category.
    size : float, optional
        Number of people, as a total of its own where no category gives it, and for shares.
    method : {'linear', 'raking'}
        Distance: the linear one (generalised regression) may give weights below 0 unless bounded.
    bounds : tuple of float, optional
        Lowest and highest factor by which a weight may change.

    Returns
    -------
    Calibrated

    Raises
    ------
    DataError
        As for `rake`; the totals cannot be had, or not within the bounds.

    References
    ----------
    Deville, J.-C. & Särndal, C.-E. (1992). Calibration estimators in survey sampling. JASA, 87, 376-382.
    """
    parts: list[Array] = []
    wanted_totals: list[Array] = []
    rows: list[dict[str, Any]] = []
    whole = float(design.weights.sum()) if size is None else size
    if size is not None and not any(isinstance(v, Mapping) for v in totals.values()):
        parts.append(np.ones((len(design), 1)))
        wanted_totals.append(np.array([size]))
        rows.append({"variable": "", "level": ""})
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            dummies, levels, counts = targets(design, name, wanted, whole)
            parts.append(dummies)
            wanted_totals.append(counts)
            rows += [{"variable": name, "level": v} for v in levels]
            continue
        if name not in design.frame.columns:
            raise DataError(
                f"totals: the sample has no column '{name}'.", nearest(name, map(str, design.frame.columns))
            )
        values = pd.to_numeric(design.frame[name], errors="coerce").to_numpy(dtype="float64")
        if not np.isfinite(values).all():
            raise DataError(f"totals: column '{name}' has a blank or a value that is no number.", "Fill it first.")
        parts.append(values[:, None])
        wanted_totals.append(np.array([float(wanted)]))
        rows.append({"variable": name, "level": ""})
    x, target = np.concatenate(parts, axis=1), np.concatenate(wanted_totals)
    factors, rounds = _factors(x, design.weights, target, method, bounds)
    return calibrated(design, design.weights * factors, x, rows, target, rounds, design.weights)


def _factors(
    x: Array, base: Array, target: Array, method: str, bounds: tuple[float, float] | None
) -> tuple[Array, int]:
    """Solve for the factors of the weights by Newton's method."""
    slopes = np.zeros(x.shape[1])
    scale = np.maximum(np.abs(target), 1.0)
    low, high = bounds if bounds is not None else (-np.inf, np.inf)
    g = np.ones(len(base))
    for step in range(1, MAX_ROUNDS + 1):
        short = target - (base * g) @ x
        if np.abs(short / scale).max() < _CLOSE:
            return g, step - 1
        free = (g > low) & (g < high) if bounds is not None else np.ones(len(g), dtype=bool)
        rate = (base * (g if method == "raking" else 1.0)) * (free if step > 1 else 1.0)
        slopes = slopes + np.linalg.lstsq(x.T @ (x * rate[:, None]), short, rcond=None)[0]
        linear = x @ slopes
        g = np.exp(np.clip(linear, -50, 50)) if method == "raking" else 1 + linear
        g = np.clip(g, low, high)
    raise DataError(
        "totals: no weights have all of these totals" + (f" with factors from {low:g} to {high:g}." if bounds else "."),
        "Widen the bounds, put categories together, or leave out a total.",
    )
