"""How wide the columns of a table are on a page: figures stay whole, words share what is left."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SIZES = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
"""Points that a table may be set in, the largest that fits first."""
PER_EM = 0.64
"""Width of a digit in the widest common face of screens, in ems; a Chinese one is as wide as high."""
WIDE_SIGNS = "%‰@WM—…"
"""Signs about as wide as high."""
PRINTED = {
    0.28: " .,:;'|ijl", 0.39: "!/\\()[]{}-ftrI", 0.58: "0123456789+−–=<>~#$", 0.8: "ABCDEFGHKNOPQRSTUVXYZ&wωφψ",
    1.0: "mMW%‰@—…≥≤±×÷·→←",
}  # fmt: skip
"""Signs by the ems that they take at most in the faces of printed formats (Noto Sans SC, Arial)."""
OTHERS = 0.63
"""Ems of every other sign that is no Chinese one."""
PADDING = 8.0
_WORDS_AT_LEAST, _BOLD = 14.0, 0.6
_PRINTED = {sign: ems for ems, signs in PRINTED.items() for sign in signs}


def text_ems(text: str) -> float:
    """Return about how wide a line is on a screen, whose face is not known, in ems."""
    return sum(1.0 if c in WIDE_SIGNS or unicodedata.east_asian_width(c) in "WF" else PER_EM for c in text)


def printed_ems(text: str) -> float:
    """Return how wide a line is at most in print, in ems; bold ones are a little wider."""
    return sum(_PRINTED.get(c, 1.0 if unicodedata.east_asian_width(c) in "WF" else OTHERS) for c in text)


def column_widths(
    head: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], room: float
) -> tuple[float, list[float]]:
    """Share the width of a page among the columns of a table.

    Parameters
    ----------
    head : sequence of str
        Shape (columns,).
    rows : sequence of sequence of str
        Shape (rows, columns).
    align : sequence of str
        'right' for figures, which are not broken; words may be.
    room : float
        Points there are.

    Returns
    -------
    size : float
        Points to set it in.
    widths : list of float
        Points of each column, with padding; at most `room` in all.
    """
    whole, needed = [], []
    for j, name in enumerate(head):
        body = max((printed_ems(str(row[j])) for row in rows), default=0.0)
        longest = max(map(printed_ems, name.split()), default=0.0) + _BOLD
        title = min(printed_ems(name), max(longest, 5.0))
        whole.append(max(body, title))
        needed.append(
            max(body, min(title, longest))
            if align[j] == "right"
            else max(min(whole[-1], _WORDS_AT_LEAST), min(title, 7.0))
        )
    inner = room - PADDING * len(head)
    size = next((s for s in SIZES if sum(needed) * s <= inner), SIZES[-1])
    spare, wanted = inner - sum(needed) * size, (sum(whole) - sum(needed)) * size
    if spare < 0:
        share = inner / (sum(needed) * size)
        return size, [n * size * share + PADDING for n in needed]
    part = min(1.0, spare / wanted) if wanted > 0 else 0.0
    return size, [(n + (w - n) * part) * size + PADDING for n, w in zip(needed, whole, strict=True)]
