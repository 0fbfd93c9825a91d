"""Other values in the place of those that tell who somebody is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from xmresearch.identifiers.patterns import scrub

Done = Literal["dropped", "replaced", "hashed", "kept", "scrubbed"]
_DIGITS = 16


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and does not give it away: the first digits of a hash of its hash."""
    return hashlib.sha256(hashlib.sha256(b"xmresearch" + key).digest()).hexdigest()[:12]


def pseudonym(value: object, key: bytes) -> str:
    """Return the pseudonym of a value: the same for the same key, and not to be had without it.

    Parameters
    ----------
    value : object
        Spaces around it, letter case and width do not count.
    key : bytes
        Of at least 16 bytes.

    Returns
    -------
    str
        16 hexadecimal digits.

    References
    ----------
    RFC 2104 (HMAC). GDPR, Article 4(5).
    """
    plain = " ".join(str(value).split()).casefold()
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def apart(
    values: Sequence[Any], by: Callable[[str], str] = scrub, taken: Collection[str] = ()
) -> tuple[dict[Any, str], int]:
    """Scrub different texts, and keep them different: a number tells those apart that have become alike.

    Parameters
    ----------
    values : sequence
        Different ones; only texts are scrubbed.
    by : callable
        Takes a text and returns it without what tells who somebody is.
    taken : collection of str
        Texts that none may become.

    Returns
    -------
    changed : dict
        Text to what stands for it; those that stay as they are are not in it.
    alike : int
        How many had become alike with another one.
    """
    new = {v: s for v in values if isinstance(v, str) and (s := by(v)) != v}
    used = {*taken, *(v for v in values if isinstance(v, str) and v not in new)}
    counts: dict[str, int] = {}
    found: dict[Any, str] = {}
    for value, plain in new.items():
        name = plain
        while name in used:
            counts[plain] = counts.get(plain, 1) + 1
            name = f"{plain} {counts[plain]}"
        used.add(name)
        found[value] = name
    return found, sum(found[v] != new[v] for v in found) + len(counts)


def replaced(cells: pd.Series, kind: str, key: bytes | None) -> tuple[pd.Series, Done]:
    """Put pseudonyms in the place of values: keyed ones, or running numbers in order of first appearance.

    Parameters
    ----------
    cells : Series
        Of identifiers.
    kind : str
        Stands before running numbers.
    key : bytes or None
        Of keyed ones.

    Returns
    -------
    cells : Series
        Blank where they were.
    done : str
        replaced or hashed.
    """
    codes, values = pd.factorize(cells, use_na_sentinel=True)
    if key is None:
        names: list[Any] = [f"{kind} {k + 1}" for k in range(len(values))]
    else:
        names = [pseudonym(v, key) for v in values]
    out = pd.Series([names[c] if c >= 0 else None for c in codes], index=cells.index, dtype=object, name=cells.name)
    return out.astype("string").astype(object).where(out.notna(), None), "replaced" if key is None else "hashed"


def scrubbed(cells: pd.Series, new: Mapping[Any, str]) -> tuple[pd.Series, int]:
    """Put scrubbed texts in the place of others.

    Parameters
    ----------
    cells : Series
        Of texts.
    new : mapping
        Text to what stands for it; others stay.

    Returns
    -------
    cells : Series
    changed : int
        How many cells have.
    """
    if not new:
        return cells, 0
    codes, values = pd.factorize(cells, use_na_sentinel=True)
    names = [new.get(v, v) if isinstance(v, str) else v for v in values]
    out = pd.Series([names[c] if c >= 0 else None for c in codes], index=cells.index, dtype=object, name=cells.name)
    hit = [k for k, v in enumerate(values) if isinstance(v, str) and v in new]
    return out, int(pd.Series(codes).isin(hit).sum())
