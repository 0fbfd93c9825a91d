"""Weights that reproduce what is known of the population: post-stratification, raking and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, brief, nearest
from xmresearch.sampling.designs import Design, reweighted, weight_distribution

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
        Distribution of the weights before and after: lowest, median, highest, cv, deff, n_eff.
    rounds : int
        How many it took.
    """

    design: Design
    margins: pd.DataFrame
    weights: pd.DataFrame
    rounds: int

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


def _targets(
    design: Design, name: str, counts: Mapping[Any, float], size: float | None
) -> tuple[Array, list[str], Array]:
    """Return the dummies of a column, its levels and their population counts."""
    if name not in design.frame.columns:
        raise DataError(f"margins: the sample has no column '{name}'.", nearest(name, map(str, design.frame.columns)))
    column = design.frame[name]
    if column.isna().any():
        raise DataError(
            f"margins: column '{name}' is blank in {int(column.isna().sum())} row(s), which then have no margin.",
            "Fill it, or give the blanks a category of their own.",
        )
    texts = column.astype("string").str.strip()
    wanted = {str(k).strip(): float(v) for k, v in counts.items()}
    bad = [k for k, v in wanted.items() if not (np.isfinite(v) and v > 0)]
    if bad:
        raise DataError(
            f"margins: '{name}', '{brief(bad[0])}' is not above 0.", "Leave out categories without anybody."
        )
    unknown = sorted(set(texts.unique()) - set(wanted))
    empty = sorted(set(wanted) - set(texts.unique()))
    if unknown:
        raise DataError(
            f"margins: '{name}' names no target for {len(unknown)} categories of the data: "
            f"{', '.join(repr(brief(u)) for u in unknown[:5])}.",
            f"Named are {', '.join(repr(brief(k)) for k in list(wanted)[:8])}.",
        )
    if empty:
        raise DataError(
            f"margins: nobody in the data is in {', '.join(repr(brief(e)) for e in empty[:5])} of '{name}'.",
            "No weight can stand for people of whom there is none: put that category together with another.",
        )
    levels = list(wanted)
    given = np.array([wanted[v] for v in levels])
    if size is not None and given.sum() <= 1 + 1e-6:
        if abs(given.sum() - 1) > 1e-3:
            raise DataError(f"margins: the shares of '{name}' add up to {given.sum():g}, not 1.", "Correct the shares.")
        given = given / given.sum() * size
    dummies = np.stack([(texts == v).to_numpy(dtype="float64") for v in levels], axis=1)
    return dummies, levels, given


def _result(
    design: Design, weights: Array, margins: Array, rows: list[dict[str, Any]], targets: Array, rounds: int,
    regression: Array | None = None,
) -> Calibrated:  # fmt: skip
    before, after = design.weights @ margins, weights @ margins
    table = pd.DataFrame(rows).assign(target=targets, before=before, after=after)
    spread = pd.DataFrame(
        [weight_distribution(design.weights), weight_distribution(weights)], index=["before", "after"]
    )
    alike = np.ones(len(design)) if regression is None else regression
    return Calibrated(reweighted(design, weights, margins, alike), table, spread, rounds)


def post_stratify(design: Design, name: str, counts: Mapping[Any, float], *, size: float | None = None) -> Calibrated:
    """Scale the weights so that the categories of one column have the counts of the population.

    Parameters
    ----------
    design : Design
        Of the sample; its weights are the start, and stay in the variances.
    name : str
        Column.
    counts : mapping
        People in each category; shares, where their sum is 1.
    size : float, optional
        Size of the population, for shares; the sum of the weights if absent.

    Returns
    -------
    Calibrated

    Raises
    ------
    DataError
        A category of the data has no count, or one of the population has nobody in the data; a blank; shares that do not add up.

    References
    ----------
    Holt, D. & Smith, T. M. F. (1979). Journal of the Royal Statistical Society A, 142, 33-46.
    """
    whole = float(design.weights.sum()) if size is None else size
    dummies, levels, target = _targets(design, name, counts, whole)
    factor = target / (design.weights @ dummies)
    rows = [{"variable": name, "level": v} for v in levels]
    return _result(design, design.weights * (dummies @ factor), dummies, rows, target, 1)


def rake(
    design: Design,
    margins: Mapping[str, Mapping[Any, float]],
    *,
    size: float | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Calibrated:
    """Scale the weights in turn until several columns have the counts of the population.

    Parameters
    ----------
    design : Design
        Of the sample; its weights are the start, and stay in the variances.
    margins : mapping of str to mapping
        By column: people in each category; shares, where their sum is 1.
    size : float, optional
        Size of the population, for shares; the sum of the weights if absent.
    max_rounds : int
        After which it gives up.

    Returns
    -------
    Calibrated

    Raises
    ------
    DataError
        As for `post_stratify`; the totals of two columns differ; no weights have all margins.

    Notes
    -----
    Variances are those of the residuals on the margins from a regression in which rows count alike, as in R's `rake`; `calibrate`
    with the raking distance gives the same weights, and weighs that regression by the weights before, as R's `calibrate` does.

    References
    ----------
    Deming, W. E. & Stephan, F. F. (1940). Annals of Mathematical Statistics, 11, 427-444. Deville, J.-C., Särndal, C.-E. & Sautory, O.
    (1993). JASA, 88, 1013-1020 (its variance is that of the residuals on the margins).
    """
    if not margins:
        raise DataError("margins: there is no column to rake to.")
    whole = float(design.weights.sum()) if size is None else size
    parts = {name: _targets(design, name, counts, whole) for name, counts in margins.items()}
    totals = {name: float(target.sum()) for name, (_, _, target) in parts.items()}
    first = next(iter(totals.values()))
    for name, found in totals.items():
        if abs(found - first) > 1e-6 * first:
            raise DataError(
                f"margins: '{next(iter(totals))}' adds up to {first:g} people and '{name}' to {found:g}.",
                "All margins must be of the same population.",
            )
    w = design.weights.copy()
    rounds, off = 0, np.inf
    while off > _CLOSE and rounds < max_rounds:
        rounds += 1
        for dummies, _, target in parts.values():
            w = w * (dummies @ (target / (w @ dummies)))
        off = max(float(np.abs(w @ d / t - 1).max()) for d, _, t in parts.values())
    if off > 1e-6:
        raise DataError(
            f"margins: after {rounds} rounds the weights still miss a target by {100 * off:.2g} %.",
            "Some combination of categories has nobody in it: put categories together, or leave out a margin.",
        )
    dummies = np.concatenate([d for d, _, _ in parts.values()], axis=1)
    rows = [{"variable": name, "level": v} for name, (_, levels, _) in parts.items() for v in levels]
    return _result(design, w, dummies, rows, np.concatenate([t for _, _, t in parts.values()]), rounds)


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
    targets: list[Array] = []
    rows: list[dict[str, Any]] = []
    whole = float(design.weights.sum()) if size is None else size
    if size is not None and not any(isinstance(v, Mapping) for v in totals.values()):
        parts.append(np.ones((len(design), 1)))
        targets.append(np.array([size]))
        rows.append({"variable": "", "level": ""})
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            dummies, levels, counts = _targets(design, name, wanted, whole)
            parts.append(dummies)
            targets.append(counts)
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
        targets.append(np.array([float(wanted)]))
        rows.append({"variable": name, "level": ""})
    x, target = np.concatenate(parts, axis=1), np.concatenate(targets)
    factors, rounds = _factors(x, design.weights, target, method, bounds)
    return _result(design, design.weights * factors, x, rows, target, rounds, design.weights)


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


def trim(design: Design, lower: float, upper: float) -> tuple[Design, int]:
    """Cut weights off at bounds and share what is lost or gained among the others, until all lie within.

    Parameters
    ----------
    design : Design
        Of the sample.
    lower, upper : float
        Bounds of the weights.

    Returns
    -------
    design : Design
        The sum of the weights is as before; its margins are met no longer exactly.
    trimmed : int
        How many weights were cut off.

    Raises
    ------
    DataError
        The bounds leave no room for the sum of the weights.

    References
    ----------
    Lumley, T. (2010). Complex surveys: a guide to analysis using R. Wiley, section 7.5. Potter, F. J. (1990). Proceedings of the
    Section on Survey Research Methods, American Statistical Association, 225-230.
    """
    w, n = design.weights.copy(), len(design)
    whole = float(w.sum())
    if not (n * lower <= whole <= n * upper):
        raise DataError(
            f"Weights between {lower:g} and {upper:g} cannot add up to {whole:g} over {n} rows.", "Widen the bounds."
        )
    held = np.zeros(n, dtype=bool)
    for _ in range(MAX_ROUNDS):
        out = (w < lower) | (w > upper)
        if not out.any():
            break
        held |= out
        cut = np.clip(w, lower, upper)
        rest = ~held
        w = cut
        if rest.any():
            w = np.where(rest, cut + (whole - cut.sum()) / rest.sum(), cut)
    return replace(design, weights=w), int(held.sum())


def margins_of(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the shares of the categories of a table, as margins are given.

    Parameters
    ----------
    frame : DataFrame
        Such as a census extract with one row per person.
    names : sequence of str
        Its columns.

    Returns
    -------
    dict of str to dict
        Shares by column and category.

    References
    ----------
    Deming, W. E. & Stephan, F. F. (1940). Annals of Mathematical Statistics, 11, 427-444.
    """
    return {name: frame[name].astype("string").value_counts(normalize=True).sort_index().to_dict() for name in names}
