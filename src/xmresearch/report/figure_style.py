"""How every figure looks, and how it becomes SVG that is the same on every machine."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xmresearch.report.colours import HOUSE
from xmresearch.report.fonts import fallbacks, families, lacking, mark
from xmresearch.report.typesetting import typeset
from xmresearch.report.wording import Wording, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2933", "#66717d", "#dde3e8"
BLUE, ORANGE, GREEN, GREY = HOUSE, "#c8611a", "#3a7d44", "#8a949e"
WIDTH = 5.4
TYPE = 10.0
"""Points of a figure's words; on a phone, which shows it at two thirds, they are 9 pixels high."""
MOST_LINES = 4
"""Lines that a label of a figure may have: tables have it whole."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the house style, whatever a researcher has set; `to_svg` sees to characters that the fonts lack."""
    import matplotlib
    import matplotlib.style
    import seaborn

    settings: dict[Any, Any] = {
        "font.family": families(), "font.size": TYPE, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.edgecolor": GREY, "axes.unicode_minus": True, "svg.fonttype": "path",
        "svg.hashsalt": "xmresearch", "text.parse_math": False, "figure.constrained_layout.use": True, "axes.spines.top": False,
        "axes.spines.right": False, "grid.color": GRID, "axes.axisbelow": True,
    }  # fmt: skip
    lasting = matplotlib.is_interactive()
    try:
        with (
            matplotlib.style.context("default"), seaborn.axes_style("ticks"), matplotlib.rc_context(settings),
            warnings.catch_warnings(),
        ):  # fmt: skip
            warnings.filterwarnings("ignore", message="Glyph")
            warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module="seaborn")
            try:
                yield
            finally:
                lasting = matplotlib.is_interactive()
    finally:
        # the first figure turns JupyterLab's display of figures on, and it is to stay on
        matplotlib.interactive(lasting)


def wrap(text: str, width: int, lang: str) -> str:
    """Break a label into lines, between words or in Chinese anywhere; what does not fit in `MOST_LINES` is cut, with a mark."""
    if lang == "zh":
        lines = [text[i : i + width] for i in range(0, len(text), width)]
    else:
        lines = textwrap.wrap(text, width) or [text]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][: width - 1] + "…"]
    return "\n".join(lines)


def text_width(text: str, size: float) -> float:
    """Return how wide a text is at a size, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return float(
        text_to_path.get_text_width_height_descent(text, FontProperties(family=families(), size=size), False)[0]
    )


def legend_above(axes: Axes, columns: int, *, right: bool = False) -> None:
    """Write the legend above the axes, from their left end, or up to their right end where names stand beside them."""
    side = 1.0 if right else 0.0
    axes.legend(
        frameon=False, loc="lower right" if right else "lower left", bbox_to_anchor=(side, 1.0), ncols=columns,
        borderaxespad=0.2, handlelength=1.6, columnspacing=1.2, handletextpad=0.4 if right else 0.8,
    )  # fmt: skip


def to_svg(figure: Figure) -> str:
    """Write a figure as SVG without date or version, and close it.

    Characters that the fonts of all figures lack are drawn with a font of the machine; where none has them a mark is drawn
    (see `fonts.marks`).
    """
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    buffer = io.StringIO()

    def draw() -> None:
        buffer.seek(0)
        buffer.truncate()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})

    if missing := lacking(draw):
        if more := fallbacks(missing):
            for text in figure.findobj(Text):
                text.set_fontfamily([*families(), *more])
            missing = lacking(draw)
        mark(missing)
    plt.close(figure)
    return buffer.getvalue()


def new_figure(height: float) -> tuple[Figure, Axes]:
    """Begin a figure of the standard width and a height in inches."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(WIDTH, height))
    return figure, axes


def percent_axis(axis: Axis, wording: Wording, *, two_sided: bool = False) -> None:
    """Write shares along an axis in per cent, set as the language has it; without a sign where they go to either side of a line."""
    axis.set_major_formatter(lambda value, _: typeset(number(abs(value) if two_sided else value, "pct"), wording.lang))


def count_axis(axis: Axis) -> None:
    """Write whole numbers along an axis, with separators of thousands, and no two marks alike."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(lambda value, _: number(value, ",d"))


def scale_bar(figure: Figure, axes: Axes, drawn: Any, label: str) -> Any:
    """Put the scale of a heat map's colours below it, and return the bar."""
    bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", aspect=42, shrink=0.8, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label)
    return bar


def label_axes(axes: Axes, wording: Wording, key: str) -> None:
    """Write the axis labels that the labels file gives for a figure."""
    texts = wording.get("figures", key)
    axes.set_xlabel(texts.get("x", ""))
    axes.set_ylabel(texts.get("y", ""))
