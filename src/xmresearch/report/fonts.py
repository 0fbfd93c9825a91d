"""The fonts of figures, registered explicitly so that they are the same on every machine.

Only for characters that those lack is a font of the machine taken, and a mark where there is none.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError

_MISSING = re.compile(r"Glyph (\d+) .*missing from font")
# joiners, directions and variants of emoji are not drawn themselves
_UNSEEN = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f")
_marked: ContextVar[set[str] | None] = ContextVar("marked", default=None)


def cjk_font_path() -> Path:
    """Return the path of the font that draws figures in every language.

    Returns
    -------
    Path
        Noto Sans SC, from the package pylopdf-fonts-zh-cn.

    Raises
    ------
    StudyError
        The font is not installed.
    """
    try:
        import pylopdf_fonts_zh_cn as fonts
    except ImportError:
        raise StudyError(
            "The font package pylopdf-fonts-zh-cn is not installed.", "Run 'make study' or 'uv sync'."
        ) from None
    path = Path(fonts.sans_path())
    if not path.is_file():
        raise StudyError(f"The font file '{path.name}' is missing.", "Reinstall pylopdf-fonts-zh-cn.")
    return path


def latin_font_path() -> Path:
    """Return the path of DejaVu Sans as it comes with matplotlib, for letters and narrow quotation marks that the font for Chinese lacks."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def register() -> str:
    """Make the font known to matplotlib and return its family name."""
    from matplotlib import font_manager

    path = cjk_font_path()
    font_manager.fontManager.addfont(str(path))
    return font_manager.FontProperties(fname=str(path)).get_name()


def families() -> list[str]:
    """Return the families that every figure is drawn with: the package's font, then the one that comes with matplotlib."""
    return [register(), "DejaVu Sans"]


@contextmanager
def marks() -> Iterator[set[str]]:
    """Collect the characters of figures drawn inside for which a mark stands, since no font has them."""
    found: set[str] = set()
    token = _marked.set(found)
    try:
        yield found
    finally:
        _marked.reset(token)


def lacking(draw: Callable[[], Any]) -> set[str]:
    """Draw, and return the characters that the fonts in use lack; other warnings pass."""
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.filterwarnings("always", message="Glyph")
        show = warnings.showwarning

        def note(message: Any, *rest: Any, **more: Any) -> None:
            if glyph := _MISSING.search(str(message)):
                found.add(chr(int(glyph[1])))
            else:
                show(message, *rest, **more)

        warnings.showwarning = note
        draw()
    return found - _UNSEEN


def mark(characters: Collection[str]) -> None:
    """Note that a mark stands for characters in the figure at hand."""
    if (found := _marked.get()) is not None:
        found.update(characters)


def fallbacks(characters: Collection[str]) -> list[str]:
    """Return installed families that together have as many of the characters as any have, in the order of their names."""
    from matplotlib import font_manager

    wanted, chosen = {ord(c) for c in characters}, []
    plain = [
        f for f in font_manager.fontManager.ttflist if f.style == "normal" and f.weight in (400, "normal", "regular")
    ]
    for name, path in sorted({(f.name, f.fname) for f in plain}):
        if wanted and "color" not in name.lower() and (has := characters_of(path) & wanted):
            chosen.append(name)
            wanted -= has
    return chosen


@cache
def characters_of(path: str) -> frozenset[int]:
    """Return the code points that a font has; none where the file is no outline font."""
    from matplotlib import ft2font

    try:
        font = ft2font.FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return (
        frozenset(font.get_charmap())
        if font.scalable and "LastResort" not in font.family_name.replace(" ", "")
        else frozenset()
    )
