"""Which encoding a text file was saved with, as far as its bytes settle it."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from itertools import islice
from pathlib import Path

from xmresearch.errors import DataError, brief

CANDIDATES = ("gb18030", "big5", "euc-kr", "shift_jis", "cp1252", "cp1250", "cp1251")
_PART = 1 << 20
_CLEAR = 0.9
_ENOUGH = 10
REPEATED = 3
"""A word below the header that occurs so often is shown; others may be names of persons."""
_FOREIGN, _WORDS = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*"), 100_000


def is_utf8(path: Path) -> bool:
    """Whether a file is UTF-8 throughout, without NUL bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while part := file.read(_PART):
                if b"\x00" in part:
                    return False
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def is_chinese(text: str) -> bool:
    """Judge whether text that was decoded as GB 18030 is Chinese, and not another encoding misread.

    Parameters
    ----------
    text : str
        As decoded.

    Returns
    -------
    bool
        Whether nine in ten of its different non-ASCII characters are punctuation or among the 3 755 most used ones (level 1 of GB
        2312), with some beyond the part of that level in which Korean syllables lie too. What was Western, Cyrillic, Big5
        or Shift JIS decodes to rare characters for the most part.

    References
    ----------
    GB 2312-80, rows 16 to 55 (level 1); KS X 1001, rows 16 to 40 (Hangul); Lunde, K. (2009). CJKV Information Processing,
    2nd ed. O'Reilly, chapter 3.
    """
    found = [c.encode("gb18030") for c in set(text) if not c.isascii()]
    level_1 = [b for b in found if len(b) == 2 and 0xB0 <= b[0] <= 0xD7 and b[1] >= 0xA1]
    marks = [b for b in found if len(b) == 2 and b[0] in (0xA1, 0xA2, 0xA3) and b[1] >= 0xA1]
    beyond_hangul = sum(b[0] >= 0xC9 for b in level_1)
    clear = len(level_1) + len(marks) >= _CLEAR * len(found)
    return clear and beyond_hangul >= max(1, (1 - _CLEAR) * min(len(level_1), _ENOUGH))


def decode(raw: bytes, name: str, encoding: str | None) -> tuple[str, str]:
    """Decode the bytes of a text file.

    Parameters
    ----------
    raw : bytes
        The whole file.
    name : str
        Of the file, for messages.
    encoding : str, optional
        The one it was saved with; if absent UTF-8, or GB 18030 where its text is clearly Chinese.

    Returns
    -------
    text, encoding : str

    Raises
    ------
    DataError
        The file is empty, is no text or cannot be decoded, or its bytes leave open which encoding it has: the message shows
        how a word of it would read in each.
    """
    if not raw.strip():
        raise DataError(f"'{name}' is empty.")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding is None:
        encoding = "utf-16"
    if encoding is not None and encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    if b"\x00" in raw[:4096] and encoding is None:
        raise DataError(f"'{name}' is not a text file.", "Set data.format if its ending is wrong.")
    if b"\x00" in raw and encoding is None:
        line = raw[: raw.index(b"\x00")].count(b"\n") + 1
        raise DataError(
            f"'{name}' has a NUL byte in line {line}, which no text holds.",
            "The file is damaged: get it again; or set data.encoding, if it is UTF-16 or UTF-32.",
        )
    tried = (encoding,) if encoding else ("utf-8-sig", "gb18030")
    line = 0
    for each in tried:
        try:
            text = raw.decode(each)
        except LookupError:
            raise DataError(
                f"There is no encoding '{each}'.", f"Common ones: utf-8, {', '.join(CANDIDATES)}."
            ) from None
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            continue
        if encoding or each == "utf-8-sig" or is_chinese(text):
            return text, each
    if encoding:
        raise DataError(
            f"'{name}' cannot be decoded as {encoding} (line {line}).",
            "Set data.encoding to the one it was saved with.",
        )
    number, word = _first_word(raw)
    readings = _readings(word)
    shown = ", ".join(f"'{brief(read)}' in {' and '.join(where)}" for read, where in readings.items())
    raise DataError(
        f"'{name}' is not UTF-8, and its bytes do not settle what it is: a word in line {number} reads {shown}."
        if readings
        else f"'{name}' cannot be decoded as UTF-8 or GB 18030 (line {line}).",
        "Set data.encoding to the one it was saved with, or save it as UTF-8.",
    )


def _first_word(raw: bytes) -> tuple[int, bytes]:
    """Return a word that is not ASCII, and its line: one that repeats or is in the header, or else two bytes of one."""
    found = [*islice(_FOREIGN.finditer(raw), _WORDS)]
    counts = Counter(m.group() for m in found)
    if not found:
        return 0, b""
    line = raw.find(b"\n") % (len(raw) + 1)
    common = next((m for m in found if m.start() < line or counts[m.group()] >= REPEATED), None)
    if common is not None:
        return raw[: common.start()].count(b"\n") + 1, common.group()[:16]
    two = next(m for m in re.finditer(rb"[\x80-\xff][A-Za-z\x80-\xff]?", raw))
    return raw[: two.start()].count(b"\n") + 1, two.group()


def _readings(word: bytes) -> dict[str, list[str]]:
    """Return what a word would be, by the encodings that give it so."""
    readings: dict[str, list[str]] = {}
    for each in CANDIDATES:
        try:
            text = word.decode(each)
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            readings.setdefault(text, []).append(each)
    return readings
