"""The fonts of figures, registered explicitly so that they are the same on every machine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xmresearch.errors import StudyError


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


@cache
def register() -> str:
    """Make the font known to matplotlib and return its family name."""
    from matplotlib import font_manager

    path = cjk_font_path()
    font_manager.fontManager.addfont(str(path))
    return font_manager.FontProperties(fname=str(path)).get_name()
