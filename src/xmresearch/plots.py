"""The plain pictures of results: estimates with intervals, curves, bars and quadrants.

A figure is a matplotlib Figure of its own: Jupyter shows it when a cell ends with it, and `savefig` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 60
_INK, _GREY, _BLUE, _ORANGE = "#1f2933", "#8a949e", "#1d5b8f", "#c8611a"


def forest(
    table: pd.DataFrame, label: str | Sequence[str], estimate: str, bounds: str, *, axis: str = "", zero: float | None = 0.0
) -> Figure:  # fmt: skip
    """Draw estimates with their intervals, one below the other.

    Parameters
    ----------
    table : DataFrame
        One row per estimate, the first on top; beyond 60 rows those nearest to the ends are kept and the figure says so.
    label : str or sequence of str
        Columns that name a row.
    estimate : str
        Column of the points.
    bounds : str
        Columns `{bounds}_lower` and `{bounds}_upper` are the intervals; points without stay points.
    axis : str
        What is measured; the estimate's column if empty.
    zero : float, optional
        Where a dashed line stands.

    Returns
    -------
    Figure
    """
    names = [label] if isinstance(label, str) else list(label)
    shown = table.dropna(subset=[estimate])
    if len(shown) > MOST:
        ranked = shown.sort_values(estimate, kind="stable")
        shown = shown.loc[sorted([*ranked.index[: MOST // 2], *ranked.index[-MOST // 2 :]])]
    with _axes(height=1.1 + 0.26 * len(shown)) as (figure, axes):
        place = np.arange(len(shown))[::-1]
        point = shown[estimate].to_numpy(dtype=np.float64)
        low, high = (shown[f"{bounds}_{end}"].to_numpy(dtype=np.float64) for end in ("lower", "upper"))
        if zero is not None:
            axes.axvline(zero, color=_GREY, linewidth=1, linestyle="--")
        axes.hlines(place, low, high, color=_BLUE, linewidth=2)
        axes.plot(point, place, "o", color=_BLUE, markersize=5)
        axes.set_yticks(
            place,
            [" ".join(str(v) for v in row if v not in ("", None)) for row in shown[names].itertuples(index=False)],
        )
        axes.set_xlabel(axis or estimate)
        if len(table.dropna(subset=[estimate])) > MOST:
            axes.set_title(f"The {MOST // 2} lowest and the {MOST // 2} highest of {len(table)}", fontsize=9)
    return figure


def curve(
    x: ArrayLike, estimate: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, across: str, axis: str, start: float | None = None,
    joined: bool = False, zero: float | None = 0.0,
) -> Figure:  # fmt: skip
    """Draw estimates with their intervals along time or a bound.

    Parameters
    ----------
    x, estimate, lower, upper : array_like
        Shape (points,).
    across, axis : str
        What the axes measure.
    start : float, optional
        Where a dotted line stands, such as the first treated period.
    joined : bool
        A line with a band instead of points with bars.
    zero : float, optional
        Where a dashed line stands.

    Returns
    -------
    Figure
    """
    at, point, low, high = (np.asarray(v, dtype=np.float64) for v in (x, estimate, lower, upper))
    with _axes() as (figure, axes):
        if zero is not None:
            axes.axhline(zero, color=_GREY, linewidth=1, linestyle="--")
        if start is not None:
            axes.axvline(start, color=_GREY, linewidth=1, linestyle=":")
        if joined:
            axes.fill_between(at, low, high, color=_BLUE, alpha=0.2, linewidth=0)
            axes.plot(at, point, color=_BLUE)
        else:
            axes.vlines(at, low, high, color=_BLUE, linewidth=2)
            axes.plot(at, point, "o", color=_BLUE, markersize=5)
        axes.set_xlabel(across)
        axes.set_ylabel(axis)
    return figure


def lines(
    x: Sequence[Any], drawn: Mapping[str, ArrayLike], *, across: str, axis: str, start: float | None = None
) -> Figure:
    """Draw several series over the same periods.

    Parameters
    ----------
    x : sequence
        Periods, shape (points,); names are evenly spaced.
    drawn : mapping of str to array_like
        Series by name, each of shape (points,).
    across, axis : str
        What the axes measure.
    start : float, optional
        Position among the periods where a dotted line stands.

    Returns
    -------
    Figure
    """
    with _axes() as (figure, axes):
        place = np.arange(len(x))
        if start is not None:
            axes.axvline(start, color=_GREY, linewidth=1, linestyle=":")
        for (name, values), colour in zip(drawn.items(), (_BLUE, _ORANGE, _GREY, _INK), strict=False):
            axes.plot(place, np.asarray(values, dtype=np.float64), label=name, color=colour)
        step = max(1, len(x) // 8)
        axes.set_xticks(place[::step], [str(label) for label in x][::step])
        axes.set_xlabel(across)
        axes.set_ylabel(axis)
        axes.legend(frameon=False)
    return figure


def bars(labels: Sequence[Any], drawn: Mapping[str, ArrayLike], *, axis: str) -> Figure:
    """Draw bars, the first label on top.

    Parameters
    ----------
    labels : sequence
        Shape (bars,).
    drawn : mapping of str to array_like
        Lengths by name, each of shape (bars,), side by side.
    axis : str
        What the lengths measure.

    Returns
    -------
    Figure
    """
    with _axes(height=1.1 + len(labels) * (0.16 + 0.14 * len(drawn))) as (figure, axes):
        place, thick = np.arange(len(labels))[::-1], 0.8 / len(drawn)
        for k, (name, values) in enumerate(drawn.items()):
            middle = place + 0.4 - thick * (k + 0.5)
            axes.barh(middle, np.asarray(values, dtype=np.float64), thick, label=name)
        axes.set_yticks(place, [str(label) for label in labels])
        axes.set_xlabel(axis)
        if len(drawn) > 1:
            axes.legend(frameon=False)
    return figure


def points(
    table: pd.DataFrame, x: str, y: str, label: str, *, cross: tuple[float, float] | None = None, kind: str | None = None
) -> Figure:  # fmt: skip
    """Draw named points on two axes.

    Parameters
    ----------
    table : DataFrame
        One row per point.
    x, y, label : str
        Columns of the places and the names.
    cross : tuple of float, optional
        Where a vertical and a horizontal line part the quadrants.
    kind : str, optional
        Column that colours the points; names then stand in a legend alone.

    Returns
    -------
    Figure
    """
    with _axes(height=4.0) as (figure, axes):
        if cross is not None:
            axes.axvline(cross[0], color=_GREY, linewidth=1)
            axes.axhline(cross[1], color=_GREY, linewidth=1)
        for name, rows in table.groupby(kind, sort=False) if kind else [("", table)]:
            axes.plot(rows[x], rows[y], "o", label=str(name), color=None if kind else _BLUE)
        if kind:
            axes.legend(frameon=False)
        else:
            for _, row in table.iterrows():
                axes.annotate(str(row[label]), (row[x], row[y]), xytext=(4, 4), textcoords="offset points", fontsize=9)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
    return figure


@contextmanager
def _axes(height: float = 3.2) -> Iterator[tuple[Figure, Axes]]:
    """Give axes to draw on, in one style, and lay out what was drawn."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import matplotlib.rcsetup

    style: dict[Any, Any] = {
        "font.family": _families(), "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False,
        "axes.prop_cycle": mpl.rcsetup.cycler("color", [_BLUE, _ORANGE, "#3a7d44", _GREY, "#7a4f9a", "#b3952f"]),
    }  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = plt.subplots(figsize=(6.0, min(height, 18.0)), layout="constrained")
        plt.close(figure)  # otherwise a notebook shows it twice: as the cell's value and as an open figure
        yield figure, axes
        figure.draw_without_rendering()


@cache
def _families() -> list[str]:
    """Return fonts for Latin and Chinese names, the second where the first lacks a character."""
    from matplotlib import font_manager
    from pylopdf_fonts_zh_cn import sans_path

    path = str(sans_path())
    font_manager.fontManager.addfont(path)
    return ["DejaVu Sans", font_manager.FontProperties(fname=path).get_name()]
