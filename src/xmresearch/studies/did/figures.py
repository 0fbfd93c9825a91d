"""The figures of a difference-in-differences study. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    figure_style,
    label_axes,
    legend_above,
    new_figure,
    scale_bar,
    to_svg,
)  # fmt: skip
from xmresearch.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_EVENTS, NOTED_PERIODS, MOST_ROWS = 30, 8, 16
_BAND = "#b9cfe2"


def trends(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw raw means by group over time, with what the treated would have had without the change.

    Parameters
    ----------
    table : DataFrame
        series (treated, control, counterfactual), time, position, mean and after.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    looks: dict[str, dict[str, Any]] = {
        "control": {"color": GREY, "linewidth": 1.8}, "counterfactual": {"color": BLUE, "linewidth": 1.4, "linestyle": "--"},
        "treated": {"color": BLUE, "linewidth": 2.2},
    }  # fmt: skip
    with figure_style():
        figure, axes = new_figure(3.5)
        few = table["position"].nunique() <= MANY_EVENTS
        for name, look in looks.items():
            part = table[(table["series"] == name) & table["mean"].notna()]
            if len(part):
                mark: dict[str, Any] = {"marker": "o", "markersize": 4} if few and name != "counterfactual" else {}
                axes.plot(part["position"], part["mean"], label=wording.name(name), **look, **mark)
        start = table.loc[table["after"], "position"].min()
        axes.axvline(start - 0.5, color=INK, linewidth=0.9, linestyle=":")
        times = table.drop_duplicates("position")
        _period_ticks(axes, times["position"].tolist(), [wording.name(t) for t in times["time"]])
        axes.grid(axis="y", linewidth=0.7)
        legend_above(axes, 3)
        label_axes(axes, wording, key)
        return to_svg(figure)


def event_study(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw effects by time since the change, with intervals and a simultaneous band.

    Parameters
    ----------
    table : DataFrame
        event_time, estimate, ci_lower, ci_upper, band_lower, band_upper; a `truth` column is drawn as diamonds.
    wording, key
        As for `trends`.
    """
    with figure_style():
        from matplotlib.ticker import MaxNLocator

        figure, axes = new_figure(3.5)
        x, y = table["event_time"].to_numpy(dtype=float), table["estimate"].to_numpy(dtype=float)
        axes.fill_between(
            x, table["band_lower"].astype(float), table["band_upper"].astype(float), color=_BAND, alpha=0.55, linewidth=0,
            label=wording.name("band"),
        )  # fmt: skip
        tint = [ORANGE if t < 0 else BLUE for t in x]
        if len(table) <= MANY_EVENTS:
            axes.vlines(x, table["ci_lower"], table["ci_upper"], colors=tint, linewidth=2.2)
            axes.scatter(x, y, c=tint, s=22, zorder=3)
        else:
            axes.plot(x, y, color=BLUE, linewidth=1.4)
        if "truth" in table:
            after = table["event_time"] >= 0
            axes.scatter(table.loc[after, "event_time"], table.loc[after, "truth"], marker="D", s=20, facecolors="none",
                         edgecolors=INK, zorder=4, label=wording.name("truth"))  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.9)
        axes.axvline(-0.5, color=INK, linewidth=0.9, linestyle=":")
        _keep_in_view(axes, table)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", linewidth=0.7)
        legend_above(axes, 2)
        label_axes(axes, wording, key)
        return to_svg(figure)


def att_grid(table: pd.DataFrame, wording: Wording, key: str, *, better: str = "higher") -> str:
    """Draw effects by cohort and period as a grid; a dot marks those whose interval leaves out zero.

    Parameters
    ----------
    table : DataFrame
        cohort, time, position (of the period), event_time, estimate, ci_lower, ci_upper.
    wording, key
        As for `trends`.
    better : str
        'higher' or 'lower': which side of zero is green.
    """
    import seaborn

    with figure_style():
        cohorts = list(dict.fromkeys(table["cohort"]))
        times = table.sort_values("position", kind="stable")["time"].drop_duplicates().tolist()
        grid = np.full((len(cohorts), len(times)), np.nan)
        sure = np.zeros(grid.shape, dtype=bool)
        at = ([cohorts.index(c) for c in table["cohort"]], [times.index(t) for t in table["time"]])
        grid[at] = table["estimate"]
        sure[at] = (table["band_lower"].astype(float) > 0) | (table["band_upper"].astype(float) < 0)
        figure, axes = new_figure(1.5 + min(0.34 * len(cohorts), 4.6))
        reach = float(np.nanquantile(np.abs(grid), 0.98)) or 1.0
        hues = (35, 145) if better == "higher" else (145, 35)
        palette = seaborn.diverging_palette(*hues, s=75, l=62, as_cmap=True)
        drawn = axes.pcolormesh(
            np.ma.masked_invalid(grid), cmap=palette, vmin=-reach, vmax=reach, edgecolors="white",
            linewidth=1.2 if len(cohorts) <= MOST_ROWS else 0,
        )  # fmt: skip
        axes.set_facecolor("#e9edf0")
        noted = len(times) <= NOTED_PERIODS and len(cohorts) <= MOST_ROWS
        for r, c in zip(*np.nonzero(np.isfinite(grid) & noted), strict=True):
            text = wording.number(grid[r, c], "+scale")
            axes.text(c + 0.5, r + 0.5, text, ha="center", va="center")
        row, column = np.nonzero(sure)
        size = 9.0 if len(cohorts) <= MOST_ROWS else 1.0
        axes.scatter(column + 0.5, row + (0.84 if noted else 0.5), s=size, color=INK, linewidth=0)
        for r, cohort in enumerate(cohorts):
            since = table.loc[(table["cohort"] == cohort) & (table["event_time"] >= 0), "time"]
            start = min((times.index(t) for t in since), default=len(times))
            axes.plot([start, start], [r, r + 1], color=INK, linewidth=1.6)
        _period_ticks(axes, [k + 0.5 for k in range(len(times))], [wording.name(t) for t in times])
        step = max(1, int(np.ceil(len(cohorts) / MOST_ROWS)))
        axes.set_yticks([k + 0.5 for k in range(0, len(cohorts), step)], [wording.name(c) for c in cohorts[::step]])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        scale_bar(figure, axes, drawn, wording.get("figures", key)["scale"])
        label_axes(axes, wording, key)
        return to_svg(figure)


def sensitivity_curve(table: pd.DataFrame, wording: Wording, key: str, *, breakdown: float = float("nan")) -> str:
    """Draw the effect's interval by how far parallel trends may be breached, with the breakdown value.

    Parameters
    ----------
    table : DataFrame
        bound, ci_lower, ci_upper, set_lower, set_upper, distinguishable.
    wording, key
        As for `trends`.
    breakdown : float
        Bound from which on the interval takes in zero; drawn where it lies within the figure.
    """
    with figure_style():
        figure, axes = new_figure(3.2)
        x = table["bound"].to_numpy(dtype=float)
        middle = (table["set_lower"] + table["set_upper"]).to_numpy(dtype=float) / 2
        tints = [BLUE if d else GREY for d in table["distinguishable"]]
        axes.vlines(x, table["ci_lower"], table["ci_upper"], colors=tints, linewidth=3)
        axes.scatter(x, middle, c=tints, s=26, zorder=3)
        axes.axhline(0, color=INK, linewidth=0.9)
        if np.isfinite(breakdown) and 0 < breakdown <= x.max():
            axes.axvline(breakdown, color=ORANGE, linewidth=1.4, linestyle="--")
            text = f"{wording.name('breakdown_value')} {wording.number(breakdown, '.2f')}"
            right = breakdown > x.max() / 2
            axes.annotate(
                text, (breakdown, 1), xycoords=("data", "axes fraction"), xytext=(-5 if right else 5, -4), color=ORANGE,
                textcoords="offset points", va="top", ha="right" if right else "left",
            )  # fmt: skip
        axes.set_xticks(x, [wording.number(v, ".3g") for v in x])
        axes.margins(x=0.06, y=0.12)
        axes.grid(axis="y", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


def densities(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw what was believed of the effect before the data and what is after.

    Parameters
    ----------
    table : DataFrame
        effect, prior, posterior.
    wording, key
        As for `trends`.
    """
    with figure_style():
        figure, axes = new_figure(2.9)
        for name, color in (("prior", GREY), ("posterior", BLUE)):
            axes.plot(table["effect"], table[name], color=color, linewidth=1.8, label=wording.name(name))
            axes.fill_between(table["effect"], table[name], color=color, alpha=0.15, linewidth=0)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(bottom=0)
        legend_above(axes, 2)
        label_axes(axes, wording, key)
        return to_svg(figure)


def _period_ticks(axes: Axes, positions: Sequence[float], times: Sequence[str]) -> None:
    """Write as many periods below the axis as fit."""
    width = max(len(t) for t in times)
    step = max(1, int(np.ceil(len(times) * (width + 2) / 58)))
    axes.set_xticks(list(positions)[::step], list(times)[::step])


def _keep_in_view(axes: Axes, table: pd.DataFrame) -> None:
    """Cut bands that are many times as wide as most, so that the rest can be read."""
    low, high = table["ci_lower"].astype(float), table["ci_upper"].astype(float)
    band_low, band_high = table["band_lower"].astype(float), table["band_upper"].astype(float)
    wide = 3 * float((band_high - band_low).median())
    bottom = max(float(band_low.min()), float(low.min()) - wide / 2)
    top = min(float(band_high.max()), float(high.max()) + wide / 2)
    if np.isfinite([bottom, top]).all() and top > bottom:
        pad = 0.05 * (top - bottom)
        axes.set_ylim(bottom - pad, top + pad)


KINDS: Mapping[str, Callable[..., Any]] = {
    "trends": trends, "event_study": event_study, "att_grid": att_grid, "sensitivity_curve": sensitivity_curve,
    "densities": densities,
}  # fmt: skip
