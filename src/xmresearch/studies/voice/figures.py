"""The figures of a study of verbatims. Each takes a tidy table and returns SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.report.figure_style import BLUE, INK, figure_style, label_axes, new_figure, percent_axis, to_svg, wrap
from xmresearch.report.fonts import cjk_font_path
from xmresearch.report.wording import Wording, number
from xmresearch.verbatims.word_clouds import word_cloud

MARKED = 10
"""Words of a cloud that are coloured, the most used."""
MOST_MONTHS = 6
"""Months that are named below a figure."""


def words(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw words as large as the number of people who use them.

    Parameters
    ----------
    table : DataFrame
        word and people.
    wording : Wording
        Of the report.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    face = FontProperties(fname=str(cjk_font_path()))
    found = word_cloud(dict(zip(table["word"], table["people"].astype(float), strict=True)), cjk_font_path())
    with figure_style():
        figure, axes = new_figure(3.4)
        axes.set_axis_off()
        axes.set_xlim(0, found.width)
        axes.set_ylim(found.height, 0)
        axes.set_aspect("equal")
        for row in found.table.itertuples():
            letters = TextPath((0, 0), row.word, size=row.size, prop=face)
            box = letters.get_extents()
            # the cloud's places are those of the upper left corner of the ink, with y downwards
            place = Affine2D().translate(-box.x0, -box.y1).scale(1, -1).translate(row.x, row.y)
            axes.add_patch(
                PathPatch(place.transform_path(letters), color=BLUE if row.Index < MARKED else INK, linewidth=0)
            )
        return to_svg(figure)


def grid(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw shares by theme and touchpoint; hidden cells stay empty.

    Parameters
    ----------
    table : DataFrame
        theme, touchpoint, share and stands, of `ThemeTouchpoints`.
    wording : Wording
        Names.
    key : str
        Of the figure, in the labels.

    Returns
    -------
    str
        SVG.
    """
    themes, places = list(dict.fromkeys(table["theme"])), list(dict.fromkeys(table["touchpoint"]))
    wide = table.pivot(index="theme", columns="touchpoint", values="share").loc[themes, places].to_numpy(dtype=float)
    stands = table.pivot(index="theme", columns="touchpoint", values="stands").loc[themes, places].to_numpy()
    with figure_style():
        figure, axes = new_figure(1.4 + 0.34 * len(themes))
        top = float(np.nanmax(wide)) if np.isfinite(wide).any() else 1.0
        axes.imshow(wide, cmap="Blues", vmin=0.0, vmax=max(top, 1e-9) * 1.4, aspect="auto")
        axes.set_facecolor("#e9edf0")
        for i in range(len(themes)):
            for j in range(len(places)):
                if np.isfinite(wide[i, j]):
                    mark = {"above": " ▲", "below": " ▼"}.get(str(stands[i, j]), "")
                    axes.text(j, i, number(wide[i, j], "pct") + mark, ha="center", va="center", color=INK)
        width = 6 if wording.lang == "zh" else 14
        axes.set_xticks(range(len(places)), [wrap(wording.name(p), width, wording.lang) for p in places])
        axes.set_yticks(range(len(themes)), [wording.name(t) for t in themes])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        return to_svg(figure)


def months(table: pd.DataFrame, wording: Wording, key: str) -> str:
    """Draw the share of negative texts by month, with intervals; what is withheld is left out."""
    with figure_style():
        figure, axes = new_figure(2.9)
        x = np.arange(len(table))
        axes.vlines(x, table["share_lower"], table["share_upper"], color=BLUE, linewidth=2)
        axes.plot(x, table["share"], "o-", color=BLUE, markersize=4, linewidth=1)
        step = -(-len(table) // MOST_MONTHS)
        axes.set_xticks(x[::step], table["month"].tolist()[::step])
        axes.set_ylim(bottom=0)
        percent_axis(axes.yaxis, wording)
        axes.grid(axis="y", linewidth=0.7)
        label_axes(axes, wording, key)
        return to_svg(figure)


KINDS: Mapping[str, Callable[..., Any]] = {"words": words, "grid": grid, "months": months}
