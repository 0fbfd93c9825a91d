"""The kinds of figure that only a SERVQUAL report shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import INK, ORANGE, figure_style, label_axes, new_figure, to_svg
from xmresearch.report.wording import Wording


def zones(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw each dimension's zone of tolerance as a band, with the perceived level on it.

    Parameters
    ----------
    table : DataFrame
        As `ToleranceResult.table`.
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
        figure, axes = new_figure(1.25 + 0.4 * len(table))
        axes.barh(y, table["zone"], left=table["minimum"], color="#b9cfe2", height=0.5, label=wording.name("zone"))
        axes.hlines(y, table["perception_lower"], table["perception_upper"], colors=INK, linewidth=1.8)
        axes.scatter(table["perception"], y, color=ORANGE, s=36, zorder=3, label=wording.name("perception"))
        axes.set_yticks(y, [wording.name(v) for v in table["construct"]])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", linewidth=0.7)
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        label_axes(axes, wording, key)
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {"zones": zones}
