"""What a kernel that runs a study says of outputs that are no blocks: of a researcher's figures, and of rows."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from xmresearch.report.blocks import MIME

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = "import xmresearch.report.kernel as _; _.install(); del _"
_FIGURE = ("matplotlib.figure", "Figure")
_ROWS = (
    ("pandas", "DataFrame"), ("pandas", "Series"), ("pandas.core.frame", "DataFrame"), ("pandas.core.series", "Series"),
    ("pandas.io.formats.style", "Styler"), ("polars.dataframe.frame", "DataFrame"), ("polars.series.series", "Series"),
    ("polars.lazyframe.frame", "LazyFrame"), ("pyarrow.lib", "Table"), ("numpy", "ndarray"),
)  # fmt: skip


def install() -> None:
    """Tell frames and figures from other outputs, by type, show figures sharp, and seed what draws without a seed.

    Notes
    -----
    Seaborn's intervals, among others, are drawn by generators without a seed: the same run is to give the same figure.
    """
    from IPython.core.getipython import get_ipython

    _seed()
    shell: Any = get_ipython()
    shell.config.InlineBackend.figure_formats = {"retina"}
    bundles = shell.display_formatter.mimebundle_formatter
    bundles.for_type_by_name(*_FIGURE, _figure)
    for module, name in _ROWS:
        bundles.for_type_by_name(module, name, _rows)
    # comes before pyplot's own, which draws
    shell.events.register("post_execute", _add_glyphs_to_all)


def _seed() -> None:
    """Let what is drawn without a seed be the same in every run: by Python, by numpy's old and by its new generators."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    seeds, unseeded = np.random.SeedSequence(0), np.random.default_rng

    def default_rng(seed: Any = None) -> np.random.Generator:
        return unseeded(seeds.spawn(1)[0] if seed is None else seed)

    np.random.default_rng = default_rng


def described(figure: Figure) -> tuple[str, str]:
    """Return a figure's title, and what a reader who does not see it is told: titles and names of the axes.

    Parameters
    ----------
    figure : Figure
        Of matplotlib.

    Returns
    -------
    title, alt : str
        '' where the figure says nothing.
    """
    whole = figure.get_suptitle()
    titles = [t for a in figure.axes if (t := a.get_title() or a.get_title("left") or a.get_title("right"))]
    axes = [" × ".join(names) for a in figure.axes if (names := [n for n in (a.get_xlabel(), a.get_ylabel()) if n])]
    title = " ".join((whole or (titles[0] if len(titles) == 1 else "")).split())
    return title, " ".join("; ".join(dict.fromkeys(t for t in (whole, *titles, *axes) if t)).split())


def add_glyphs(figure: Figure) -> None:
    """Let a figure's texts take from the report's font what their own one lacks, such as Chinese."""
    from matplotlib.text import Text

    from xmresearch.report.fonts import register

    family = register()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure.draw_without_rendering()  # makes the texts of the ticks
    for text in figure.findobj(Text):
        if family not in text.get_fontfamily():
            text.set_fontfamily([*text.get_fontfamily(), family])


def _add_glyphs_to_all() -> None:
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    for number in pyplot.get_fignums() if pyplot else []:
        add_glyphs(pyplot.figure(number))


def _figure(figure: Figure, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    add_glyphs(figure)
    title, alt = described(figure)
    return {MIME: {"kind": "drawing", "title": title, "alt": alt}}


def _rows(frame: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    return {MIME: {"kind": "rows", "type": type(frame).__name__}}
