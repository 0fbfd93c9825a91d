"""The figures of a monitoring study. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    to_svg,
)
from xmresearch.report.wording import Wording

_BAND, MARKED = "#dfe9f2", 90
CHARACTERS = 62
"""That fit below the axis."""


def control(table: pd.DataFrame, wording: Wording, key: str, *, began: str = "") -> str:
    """Draw a control chart: values, what was expected, the limits of one point, and alarms.

    Parameters
    ----------
    table : DataFrame
        One row per period: period, value, expected, lower, upper, baseline, watched, alarm.
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    began : str
        Period since which the figure is away from what was expected; none where empty.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        figure, axes = new_figure(3.6)
        x = np.arange(len(table))
        value = table["value"].to_numpy(dtype="float64")
        columns = {k: table[k].to_numpy(dtype="float64") for k in ("expected", "lower", "upper")}
        axes.fill_between(
            x, columns["lower"], columns["upper"], color=_BAND, linewidth=0, step="mid", label=wording.name("limits")
        )
        axes.plot(
            x, columns["expected"], color=GREY, linewidth=1.0, drawstyle="steps-mid", label=wording.name("expected")
        )
        mark: dict[str, Any] = (
            {"marker": "o", "markersize": 2.6} if len(table) <= MARKED else {"marker": ".", "markersize": 2.4}
        )
        axes.plot(x, value, color=BLUE, linewidth=1.0, label=wording.name("value"), **mark)
        alarm = table["alarm"].to_numpy() & table["watched"].to_numpy()
        if alarm.any():
            axes.scatter(x[alarm], value[alarm], color=ORANGE, s=34, zorder=4, label=wording.name("alarm"))
        watched = np.flatnonzero(table["watched"])
        if len(watched):
            axes.axvline(watched[0] - 0.5, color=INK, linewidth=0.9, linestyle=":")
        at = np.flatnonzero(table["period"] == began)
        if len(at):
            axes.axvline(at[0] - 0.5, color=ORANGE, linewidth=1.2, linestyle="--", label=wording.name("began"))
        names = [str(p) for p in table["period"]]
        step = max(1, int(np.ceil(len(names) * (len(names[0]) + 3) / CHARACTERS)))
        axes.set_xticks(x[::step], names[::step])
        axes.margins(x=0.01)
        axes.grid(axis="y", linewidth=0.7)
        legend_above(axes, 3)
        label_axes(axes, wording, key)
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {"control": control}
