"""Word clouds: words as large as they are frequent, Chinese too, as SVG or as places for a figure of one's own."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData

WIDTH, HEIGHT = 900, 450
MARGIN, LARGEST = 6, 84
"""Room about a word, and the height of the largest."""
SIDEWAYS = 0.0
"""Share of words that stand upright: none, so that all can be read."""

_FAMILY = re.compile(r"font-family:\s*('[^']*'|[^;}\"]+)")


@dataclass(frozen=True, repr=False)
class WordCloudResult(Shown):
    """Words and their places.

    Attributes
    ----------
    table : DataFrame
        One row per word: word, weight, size (height of its letters), x and y (its upper left corner) in parts of 900 by 450.
    width, height : int
        Of the picture.
    """

    table: pd.DataFrame
    width: int
    height: int
    _cloud: Any = field(repr=False, default=None)

    def tidy(self) -> pd.DataFrame:
        """Return one row per word."""
        return self.table

    def svg(self) -> str:
        """Return the cloud as SVG, the letters that it uses included, so that nothing is loaded from outside."""
        svg = str(self._cloud.to_svg(embed_font=False))
        family = _FAMILY.search(svg)
        letters = _subset(self._cloud.font_path, "".join(self.table["word"]))
        face = (
            f'@font-face{{font-family:{family[1] if family else "cloud"};src:url("data:font/woff;base64,{letters}")}}'
        )
        return svg.replace("<style>", f"<style>{face}", 1)


def word_cloud(weights: Mapping[str, float], font: Path | str, *, most: int = 80, seed: int = 0) -> WordCloudResult:
    """Place words so that they do not overlap, as large as they weigh.

    Parameters
    ----------
    weights : mapping of str to float
        Such as how many people use each word.
    font : Path or str
        Font file that has the words' characters.
    most : int
        Words at most, the heaviest.
    seed : int
        Of the places.

    Returns
    -------
    WordCloudResult

    Raises
    ------
    DataError
        A weight is not positive, or the font cannot be read.
    InsufficientData
        There is no word.

    Notes
    -----
    Size shows frequency alone; what a word is said of, and in which mind, it does not show.

    References
    ----------
    Viégas, F. B., Wattenberg, M. & Feinberg, J. (2009). Participatory visualization with Wordle. IEEE Transactions on Visualization and
    Computer Graphics, 15, 1137-1144.
    """
    if not weights:
        raise InsufficientData("There is no word to show.", "Words that fewer than ten people use are not shown.")
    if not all(w > 0 for w in weights.values()):
        raise DataError("The weight of a word is not positive.")
    if not Path(font).is_file():
        raise DataError(f"The font '{Path(font).name}' cannot be read.")
    from wordcloud import WordCloud

    cloud = WordCloud(
        font_path=str(font), width=WIDTH, height=HEIGHT, max_words=most, prefer_horizontal=1 - SIDEWAYS, random_state=seed,
        background_color=None, mode="RGBA", relative_scaling=0.5, margin=MARGIN, max_font_size=LARGEST, color_func=lambda *_, **__: "#1d5b8f",
    )  # fmt: skip
    cloud.generate_from_frequencies({str(w): float(v) for w, v in weights.items()})
    rows = [
        {"word": word, "weight": float(weights[word]), "size": int(size), "x": int(place[1]), "y": int(place[0])}
        for (word, _), size, place, _, _ in cloud.layout_
    ]
    return WordCloudResult(pd.DataFrame(rows), WIDTH, HEIGHT, cloud)


def _subset(font: str, letters: str) -> str:
    """Return a font with these letters alone, as WOFF in base 64."""
    from fontTools import subset

    options = subset.Options(flavor="woff", notdef_outline=True)
    with subset.load_font(font, options) as whole, BytesIO() as file:
        part = subset.Subsetter(options)
        part.populate(text=letters)
        part.subset(whole)
        subset.save_font(whole, file, options)
        return base64.b64encode(file.getvalue()).decode("ascii")
