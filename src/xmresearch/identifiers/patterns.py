"""Structured identifiers in text: e-mail addresses, telephone and identity numbers, cards, plates, places on the net and on the map."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

PLACEHOLDERS = {
    "email": "[e-mail]", "phone": "[phone]", "id_number": "[ID number]", "card": "[card number]", "ip": "[IP address]",
    "location": "[coordinates]", "plate": "[number plate]", "account": "[account]",
}  # fmt: skip
"""What stands in the place of each kind."""
_MAY = re.compile(
    r"@|\d{3}|\d\.\d+\.\d|[:：]\s*\w{5}|[一-鿿][A-HJ-NP-Z][·• ]?[A-Z0-9]|[0-9a-f]:[0-9a-f:]", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![A-Za-z])", re.ASCII)
_MOBILE = re.compile(r"(?<![\d.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\d]|\.\d)", re.ASCII)
_LANDLINE = re.compile(r"(?<![\d-])(?:0\d{2,3}[- ]\d{7,8}|\(0\d{2,3}\)\s?\d{7,8})(?![\d-])")
_NORTH_AMERICAN = re.compile(
    r"(?<![\d-])(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\)\s?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\d-])"
)
_ABROAD = re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ ().-]{0,2}\d){6,14}(?!\d)", re.ASCII)
_ID18 = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"
)
_ID15 = re.compile(r"(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
_CARD = re.compile(r"(?<![\d.])[3-6]\d{3}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,3})?(?![\d]|\.\d)")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w.])(?<![0-9a-fA-F:]:)(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)[0-9a-fA-F:]{6,39}(?![\w:])", re.ASCII)
_PLACE = re.compile(r"(?<![\d.])(-?\d{1,3}\.\d{4,})\s*[°NSEWnsew]?\s*[,，;；/ ]\s*(-?\d{1,3}\.\d{4,})(?![\d.])")
_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•\\s]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Z0-9])"
)
_ACCOUNT = re.compile(
    r"(?:微信号?|加?[vV]信|[wW]e[cC]hat(?:\s*ID)?|\bWX\b|\bwx\b|QQ号?|\bqq\b)\s*(?:是|为|:|：|\s)\s*([A-Za-z][A-Za-z0-9_-]{5,19}|\d{5,11})(?![A-Za-z0-9_-])"
)
_VERSION = re.compile(r"(?:\bv(?:er(?:sion)?)?\.?|版本号?)\s*[:：]?\s*$", re.IGNORECASE)
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True)
class Found:
    """One identifier in a text.

    Attributes
    ----------
    kind : str
        A key of `PLACEHOLDERS`.
    start, end : int
        Where it stands.
    """

    kind: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """Find the structured identifiers of a text.

    Parameters
    ----------
    text : str
        Full-width letters and digits count as the usual ones, and marks without width as nothing.

    Returns
    -------
    list of Found
        In order, without overlaps.

    References
    ----------
    GB 11643-1999 (identity numbers and their check digit); ISO/IEC 7812-1 (card numbers, Luhn's check); RFC 5322 and 4291.
    """
    plain, at = _plain(text)
    if not _MAY.search(plain):
        return []
    taken: list[Found] = []
    for kind, start, end in _candidates(plain):
        if all(end <= f.start or start >= f.end for f in taken):
            taken.append(Found(kind, start, end))
    return sorted(
        (Found(f.kind, at[f.start], at[f.end - 1] + 1) if at is not None else f for f in taken), key=lambda f: f.start
    )


def scrub(text: str) -> str:
    """Put a word for its kind in the place of each structured identifier of a text.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        The same text where there is none.
    """
    found = find(text)
    for one in reversed(found):
        text = f"{text[: one.start]}{PLACEHOLDERS[one.kind]}{text[one.end :]}"
    return text


def scrub_all(content: Any) -> Any:
    """Scrub every text of a nested content, keys included; all else stays as it is.

    Parameters
    ----------
    content : object
        As of JSON: texts, numbers, lists and mappings.

    Returns
    -------
    object
        Of the same shape; keys that become alike are told apart by a number.
    """
    if isinstance(content, str):
        return scrub(content)
    if isinstance(content, Mapping):
        found: dict[Any, Any] = {}
        for key, value in content.items():
            name = plain = scrub(key) if isinstance(key, str) else key
            again = 2
            while name in found:
                name, again = f"{plain} {again}", again + 1
            found[name] = scrub_all(value)
        return found
    return [scrub_all(v) for v in content] if isinstance(content, list | tuple) else content


def kind_of(text: str) -> str:
    """Return the kind of identifier that a whole cell is; '' where it is none.

    Parameters
    ----------
    text : str
        Of the cell.

    Returns
    -------
    str
    """
    stripped = text.strip()
    found = find(stripped)
    if len(found) == 1 and found[0].end - found[0].start >= 0.8 * len(stripped):
        return found[0].kind
    return ""


def _plain(text: str) -> tuple[str, list[int] | None]:
    """Return a text with usual letters and digits, and where each character stood; None where that has not changed."""
    if text.isascii():
        return text, None
    out, at = [], []
    for k, c in enumerate(text):
        if ord(c) in _ZERO_WIDTH:
            continue
        usual = unicodedata.normalize("NFKC", c)
        out.append(usual if len(usual) == 1 else c)
        at.append(k)
    return "".join(out), at


def _candidates(text: str) -> Iterator[tuple[str, int, int]]:
    for m in _EMAIL.finditer(text):
        yield "email", m.start(), m.end()
    for m in _ID18.finditer(text):
        if _identity_check(m.group()):
            yield "id_number", m.start(), m.end()
    for m in _CARD.finditer(text):
        if end := _shortened(m, _card):
            yield "card", m.start(), end
    for m in _ID15.finditer(text):
        yield "id_number", m.start(), m.end()
    for pattern in (_MOBILE, _LANDLINE, _NORTH_AMERICAN):
        for m in pattern.finditer(text):
            yield "phone", m.start(), m.end()
    for m in _ABROAD.finditer(text):
        if end := _shortened(m, _possible_number):
            yield "phone", m.start(), end
    for m in _IPV4.finditer(text):
        if not _VERSION.search(text[: m.start()]) and _is_address(m.group()):
            yield "ip", m.start(), m.end()
    for m in _IPV6.finditer(text):
        if _is_address(m.group()):
            yield "ip", m.start(), m.end()
    for m in _PLACE.finditer(text):
        if abs(float(m[1])) <= 180 and abs(float(m[2])) <= 180:
            yield "location", m.start(), m.end()
    for m in _PLATE.finditer(text):
        yield "plate", m.start(), m.end()
    for m in _ACCOUNT.finditer(text):
        yield "account", m.start(1), m.end(1)


def _identity_check(number: str) -> bool:
    from stdnum.cn import ric

    return bool(ric.calc_check_digit(number) == number[17].upper())


def _shortened(found: re.Match[str], valid: Callable[[str], bool]) -> int:
    """Return where the longest valid beginning ends: digits after a space may belong to what follows; 0 where there is none."""
    text = found.group()
    while not valid(text):
        shorter = re.sub(r"[ .()-]+\d+$", "", text)
        if shorter == text:
            return 0
        text = shorter
    return found.start() + len(text)


def _card(text: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", text)
    return 13 <= len(digits) <= 19 and bool(luhn.is_valid(digits))


def _possible_number(text: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(re.sub(r"^00", "+", text), None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(parsed))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
