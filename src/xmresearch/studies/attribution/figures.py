"""The figures of an attribution study. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    TYPE,
    count_axis,
    figure_style,
    label_axes,
    legend_above,
    new_figure,
    percent_axis,
    scale_bar,
    to_svg,
    wrap,
)  # fmt: skip
from xmresearch.report.process_map import process_map
from xmresearch.report.typesetting import typeset
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = {
    "shapley": ("D", "#7a4fa3"), "first": ("<", ORANGE), "last": (">", ORANGE), "linear": ("|", GREEN),
    "position": ("s", GREEN), "time_decay": ("^", GREEN), "last_non_direct": ("v", ORANGE),
}  # fmt: skip
_PALE = "#b9cfe2"


def methods(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw the share of credit of each channel by every method, the chain's with its interval.

    Parameters
    ----------
    table : DataFrame
        channel, method (markov and others), share, share_lower, share_upper; channels in the order of the rows of markov.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        chain = table[table["method"] == "markov"]
        place = {c: k for k, c in enumerate(chain["channel"])}
        figure, axes = new_figure(1.5 + 0.34 * len(chain))
        y = np.arange(len(chain))
        axes.hlines(
            y, 0, table.groupby("channel")["share"].max().reindex(chain["channel"]), colors="#e9edf0", linewidth=7
        )
        axes.hlines(y, chain["share_lower"], chain["share_upper"], colors=BLUE, linewidth=3)
        axes.scatter(chain["share"], y, color=BLUE, s=40, zorder=4, label=wording.name("markov"))
        for name, (mark, color) in MARKS.items():
            part = table[table["method"] == name]
            if len(part):
                rows = [place[c] for c in part["channel"]]
                open_: dict[str, Any] = {"color": color} if mark == "|" else {"facecolors": "none", "edgecolors": color}
                axes.scatter(
                    part["share"], rows, marker=mark, s=34, linewidth=1.2, zorder=3, label=wording.name(name), **open_
                )
        _channel_axis(axes, chain["channel"].tolist(), wording)
        _percent_axis(axes, wording)
        legend_above(axes, 4, right=True)
        label_axes(axes, wording, key)
        return to_svg(figure)


def budget(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw each channel's share of the budget beside its share of the credit, with the interval of the latter.

    Parameters
    ----------
    table : DataFrame
        channel, share, share_lower, share_upper, budget_share.
    wording, key
        As for `methods`.
    """
    with figure_style():
        y = np.arange(len(table))
        figure, axes = new_figure(1.4 + 0.34 * len(table))
        axes.hlines(y, table["budget_share"], table["share"], colors=_PALE, linewidth=4)
        axes.hlines(y, table["share_lower"], table["share_upper"], colors=BLUE, linewidth=2.4, zorder=3)
        axes.scatter(table["share"], y, color=BLUE, s=38, zorder=4, label=wording.name("credit_share"))
        axes.scatter(table["budget_share"], y, marker="s", s=32, facecolors="white", edgecolors=INK, zorder=4,
                     label=wording.name("budget_share"))  # fmt: skip
        _channel_axis(axes, table["channel"].tolist(), wording)
        _percent_axis(axes, wording)
        legend_above(axes, 2, right=True)
        label_axes(axes, wording, key)
        return to_svg(figure)


def funnel(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw how many journeys reach each stage, and where those that get no further are lost.

    Parameters
    ----------
    table : DataFrame
        stage, journeys, part (of all journeys), lost_here (blank where suppressed); first stage first.
    wording, key
        As for `methods`.
    """
    with figure_style():
        y = np.arange(len(table))
        figure, axes = new_figure(1.3 + 0.5 * len(table))
        reached, lost = table["journeys"].to_numpy(dtype=float), table["lost_here"].fillna(0).to_numpy(dtype=float)
        axes.barh(y, reached, color=_PALE, height=0.62, label=wording.name("stage_reached"))
        axes.barh(y, lost, color=ORANGE, alpha=0.75, height=0.3, label=wording.name("stage_lost"))
        for k, (count, share) in enumerate(zip(reached, table["part"], strict=True)):
            text = typeset(f"{number(count, ',d')} · {number(share, 'pct')}", wording.lang)
            axes.annotate(text, (count, k), xytext=(4, 0), textcoords="offset points", va="center", color=MUTED)
        axes.set_xlim(0, 1.28 * float(reached.max()))
        _channel_axis(axes, table["stage"].tolist(), wording)
        count_axis(axes.xaxis)
        legend_above(axes, 2, right=True)
        label_axes(axes, wording, key)
        return to_svg(figure)


def rated_map(table: pd.DataFrame, wording: Wording, key: str, *, columns: Mapping[str, str]) -> str:
    """Draw touchpoints against several figures as a heat map, each column coloured from its best to its worst value.

    Parameters
    ----------
    table : DataFrame
        touchpoint and the columns.
    wording, key
        As for `methods`.
    columns : mapping of str to str
        Formats of the columns, in their order; a high score is good, other figures are the worse the higher.
    """
    import seaborn

    with figure_style():
        names = list(columns)
        values = table[names].to_numpy(dtype=float)
        spread = np.ptp(values, axis=0)
        place = (values - values.min(axis=0)) / np.where(spread > 0, spread, 1.0)
        badness = np.where([c == "score" for c in names], 1 - place, place)
        texts = np.array(
            [[typeset(number(v, columns[c]), wording.lang) for c, v in zip(names, row, strict=True)] for row in values]
        )
        figure, axes = new_figure(1.5 + 0.34 * len(table))
        seaborn.heatmap(
            badness, ax=axes, cmap=seaborn.light_palette("#d98a54", as_cmap=True), vmin=0, vmax=1.15, annot=texts, fmt="",
            linewidths=1.2, cbar=False, annot_kws={"fontsize": TYPE, "color": INK},
        )  # fmt: skip
        width = 15 if wording.lang == "zh" else 24
        labels = [wrap(wording.name(t), width, wording.lang) for t in table["touchpoint"]]
        axes.set_yticks(np.arange(len(table)) + 0.5, labels, rotation=0)
        heads = [wrap(str(wording.get("columns", c)), 14 if wording.lang == "en" else 7, wording.lang) for c in names]
        axes.set_xticks(np.arange(len(names)) + 0.5, heads)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        scale_bar(figure, axes, axes.collections[0], "").set_ticks([0, 1], labels=wording.get("figures", key)["ends"])
        label_axes(axes, wording, key)
        return to_svg(figure)


def _channel_axis(axes: Axes, names: list[str], wording: Wording) -> None:
    """Write names down the left side, the first at the top."""
    width = 15 if wording.lang == "zh" else 26
    axes.set_yticks(np.arange(len(names)), [wrap(wording.name(n), width, wording.lang) for n in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", linewidth=0.7)


def _percent_axis(axes: Axes, wording: Wording) -> None:
    percent_axis(axes.xaxis, wording)
    axes.set_xlim(left=0)


KINDS: Mapping[str, Callable[..., Any]] = {
    "methods": methods, "budget": budget, "funnel": funnel, "rated_map": rated_map, "process_map": process_map,
}  # fmt: skip
