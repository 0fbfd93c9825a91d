"""The figures of a journeys study. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    count_axis,
    figure_style,
    label_axes,
    legend_above,
    new_figure,
    to_svg,
    wrap,
)
from xmresearch.report.process_map import process_map
from xmresearch.report.typesetting import typeset
from xmresearch.report.wording import Wording, number

_PALE = "#b9cfe2"
NARROW = 270.0


def value_stream(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw the hours of work and of waiting by activity.

    Parameters
    ----------
    table : DataFrame
        activity, working and waiting (hours), working_part.
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
        y = np.arange(len(table))
        figure, axes = new_figure(1.3 + 0.36 * len(table))
        working, waiting = (table[c].to_numpy(dtype=float) for c in ("working", "waiting"))
        axes.barh(y, waiting, color=_PALE, height=0.6, label=wording.name("waiting"))
        axes.barh(y, working, left=waiting, color=BLUE, height=0.6, label=wording.name("working"))
        for k, (total, part) in enumerate(zip(working + waiting, table["working_part"], strict=True)):
            axes.annotate(
                typeset(number(part, "pct"), wording.lang),
                (total, k),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
            )
        width = 15 if wording.lang == "zh" else 26
        axes.set_yticks(y, [wrap(wording.name(n), width, wording.lang) for n in table["activity"]])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * float((working + waiting).max()))
        axes.tick_params(axis="y", length=0)
        count_axis(axes.xaxis)
        legend_above(axes, 2, right=True)
        label_axes(axes, wording, key)
        return to_svg(figure)


def emotion(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw the mean score of each stage with its interval, in the order of the stages, and the share of pain points below.

    Parameters
    ----------
    table : DataFrame
        stage, score, score_lower, score_upper, pain; blank where suppressed.
    wording, key
        As for `value_stream`.
    """
    with figure_style():
        figure, axes = new_figure(2.9)
        x, score = np.arange(len(table)), table["score"].to_numpy(dtype=float)
        low, high = (table[c].to_numpy(dtype=float) for c in ("score_lower", "score_upper"))
        known = np.isfinite(score)
        axes.plot(x[known], score[known], color=BLUE, linewidth=1.6, zorder=3)
        axes.vlines(x[known], low[known], high[known], color=BLUE, linewidth=2.4, zorder=3)
        best, worst = (int(f(np.where(known, score, b))) for f, b in ((np.argmax, -np.inf), (np.argmin, np.inf)))
        for k in np.flatnonzero(known).tolist():
            color = GREEN if k == best else ORANGE if k == worst else BLUE
            axes.scatter([k], [score[k]], s=52, color=color, zorder=4)
            told = f"{number(score[k], '.2f')}"
            axes.annotate(
                typeset(told, wording.lang),
                (k, high[k]),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                color=MUTED,
            )
        width = max(8, 60 // max(len(table), 1)) if wording.lang == "en" else max(4, 32 // max(len(table), 1))
        axes.set_xticks(x, [wrap(wording.name(s), width, wording.lang) for s in table["stage"]])
        axes.set_xlim(-0.4, len(table) - 0.6)
        span = float(np.nanmax(high) - np.nanmin(low)) or 1.0
        axes.set_ylim(float(np.nanmin(low)) - 0.12 * span, float(np.nanmax(high)) + 0.28 * span)
        axes.grid(axis="y", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


def step_map(table: pd.DataFrame, wording: Wording, key: str, **given: Any) -> str:
    """Draw a process map that can be read on a telephone.

    Parameters
    ----------
    table, wording, key
        As for `value_stream`.
    **given
        As of `xmresearch.report.process_map.process_map`.
    """
    return process_map(table, wording, key, page=NARROW, **given)


KINDS: Mapping[str, Callable[..., Any]] = {"value_stream": value_stream, "emotion": emotion, "step_map": step_map}
