"""How wide the columns of a table are on a page: figures stay whole, words share what is left."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SIZES = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
"""Points that a table may be set in, the largest that fits first."""
PER_EM = 0.64
"""Width of a digit in the widest common face, in ems; a Chinese one is as wide as high."""
WIDE_SIGNS = "%‰@WM—…"
"""Signs about as wide as high."""
PADDING = 8.0
_WORDS_AT_LEAST, _BOLD = 14.0, 0.6


def text_ems(text: str) -> float:
    """Return about how wide a line is, in ems."""
    return sum(1.0 if c in WIDE_SIGNS or unicodedata.east_asian_width(c) in "WF" else PER_EM for c in text)


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
        body = max((text_ems(str(row[j])) for row in rows), default=0.0)
        longest = max(map(text_ems, name.split()), default=0.0) + _BOLD
        title = min(text_ems(name), max(longest, 5.0))
        whole.append(max(body, title))
        needed.append(whole[-1] if align[j] == "right" else max(min(whole[-1], _WORDS_AT_LEAST), min(title, 7.0)))
    inner = room - PADDING * len(head)
    size = next((s for s in SIZES if sum(needed) * s <= inner), SIZES[-1])
    spare, wanted = inner - sum(needed) * size, (sum(whole) - sum(needed)) * size
    if spare < 0:
        share = inner / (sum(needed) * size)
        return size, [n * size * share + PADDING for n in needed]
    part = min(1.0, spare / wanted) if wanted > 0 else 0.0
    return size, [(n + (w - n) * part) * size + PADDING for n, w in zip(needed, whole, strict=True)]
