"""Colours that a client gives: legible on white and on dark, and put in the place of the house's own where a figure has one only."""

from __future__ import annotations

import colorsys
import re

HOUSE = "#1d5b8f"
LEAST_CONTRAST = 4.5
"""Contrast of text to its ground that WCAG 2.2 asks for at level AA."""
COLOURED = 0.15
"""Difference between the strongest and the weakest of red, green and blue from which on a colour is no grey."""
_DARK = "#1f272e"
_STEP = 0.01
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours.

    Parameters
    ----------
    first, second : str
        As #rrggbb.

    Returns
    -------
    float
        From 1 (the same) to 21 (black on white).

    References
    ----------
    W3C (2023). Web Content Accessibility Guidelines 2.2, success criterion 1.4.3.
    """
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def legible(colour: str, ground: str = "#ffffff") -> str:
    """Return a colour, darker or lighter by as little as makes it legible on its ground.

    Parameters
    ----------
    colour, ground : str
        As #rrggbb.

    Returns
    -------
    str
        Of the same hue, with a contrast of at least `LEAST_CONTRAST`.
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    found, step = colour.lower(), -_STEP if _luminance(ground) > 0.5 else _STEP
    while contrast(found, ground) < LEAST_CONTRAST:
        lightness = min(1.0, max(0.0, lightness + step))
        found = "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return found


def on_dark(colour: str) -> str:
    """Return a colour as it is legible where pages are dark: on the lightest of the grounds that report.css has there."""
    return legible(colour, _DARK)


def recoloured(svg: str, accent: str) -> str:
    """Put a colour in the place of the house's own in a figure that has no other.

    Parameters
    ----------
    svg : str
        A figure.
    accent : str
        As #rrggbb.

    Returns
    -------
    str
        The same where other colours tell things apart: those are chosen to be told apart by all.
    """
    used = {match.lower() for match in _HEX.findall(svg)}
    if HOUSE not in used or any(_is_coloured(colour) for colour in used - {HOUSE}):
        return svg
    return re.sub(HOUSE, accent, svg, flags=re.IGNORECASE)


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _is_coloured(colour: str) -> bool:
    parts = _parts(colour)
    return max(parts) - min(parts) > COLOURED
