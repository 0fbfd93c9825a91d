"""The figure of a linkage study. It takes a tidy table and returns SVG."""

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

LARGEST = 220.0
"""Area of the largest branch's mark."""


def branches_and_customers(
    table: pd.DataFrame,
    wording: Wording,
    key: str,
    *,
    within: float,
    between: float,
    settled: tuple[bool, bool] = (True, True),
) -> str:
    """Draw branch means, the line between branches, and through each branch a short line of its customers.

    Parameters
    ----------
    table : DataFrame
        One row per branch: n, x, y (means).
    wording : Wording
        Names and axis labels.
    key : str
        Of the figure, in the labels.
    within, between : float
        Links; the line of one that is NaN is not drawn.
    settled : (bool, bool)
        Whether each is settled; others are grey.

    Returns
    -------
    str
        SVG.
    """
    with figure_style():
        figure, axes = new_figure(3.8)
        x, y, n = (table[c].to_numpy(dtype="float64") for c in ("x", "y", "n"))
        centre = np.array([x.mean(), y.mean()])
        reach = 0.12 * max(float(np.ptp(x)), 1e-9)
        own = ORANGE if settled[0] else GREY
        axes.plot(
            np.stack([x - reach, x + reach]), np.stack([y - within * reach, y + within * reach]), color=own, linewidth=1.3, zorder=2,
            label=[wording.name("line_within"), *[""] * (len(x) - 1)],
        )  # fmt: skip
        axes.scatter(
            x,
            y,
            s=np.maximum(LARGEST * n / n.max(), 14),
            color=BLUE,
            alpha=0.55,
            linewidths=0.6,
            edgecolors=INK,
            zorder=3,
        )
        if np.isfinite(between):
            ends = np.array([x.min(), x.max()])
            axes.plot(
                ends, centre[1] + between * (ends - centre[0]), color=INK if settled[1] else GREY, linewidth=1.6,
                linestyle="-" if settled[1] else "--", label=wording.name("line_between"), zorder=1,
            )  # fmt: skip
        legend_above(axes, 2)
        label_axes(axes, wording, key)
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {"branches_and_customers": branches_and_customers}
