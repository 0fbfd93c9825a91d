"""Names of columns, matched as people write them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from xmresearch.errors import DataError, brief, nearest


def plain_name(name: object) -> str:
    """Return a name with full-width letters as the usual ones, and each run of spaces as one.

    Parameters
    ----------
    name : object
        As written; spaces that do not break count as spaces.

    Returns
    -------
    str
    """
    return " ".join(unicodedata.normalize("NFKC", str(name)).replace("\u200b", "").replace("\ufeff", "").split())


def matched(wanted: Iterable[str], present: Sequence[str]) -> dict[str, str]:
    """Find columns whose names differ only in spaces or width from those that are wanted.

    Parameters
    ----------
    wanted : iterable of str
        As params or a codebook name them.
    present : sequence of str
        Of the file.

    Returns
    -------
    dict of str to str
        Name in the file to name wanted; without names that are there as wanted, and without those that several columns match.
    """
    exact, counts = set(present), Counter(map(plain_name, present))
    by_plain = {plain_name(p): p for p in present}
    found = {}
    for name in dict.fromkeys(wanted):
        plain = plain_name(name)
        if name not in exact and counts[plain] == 1 and by_plain[plain] not in found:
            found[by_plain[plain]] = name
    return found


def new_names(present: Sequence[str], renamed: Mapping[str, str], *, lower: bool, name: str) -> dict[str, str]:
    """Return the names that columns get.

    Parameters
    ----------
    present : sequence of str
        As in the file.
    renamed : mapping of str to str
        Name in the file to name used.
    lower : bool
        Whether names are put into small letters; those in `renamed` may be given either way.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict of str to str
        Name in the file to new name, where it is another one.

    Raises
    ------
    DataError
        A column that is renamed is not there, or two columns get one name.
    """
    cased = {p: p.lower() if lower else p for p in present}
    spelled = matched(renamed, present) | matched(renamed, [*cased.values()])
    at = {**{c: p for p, c in cased.items()}, **{p: p for p in present}}
    at |= {wanted: at[p] for p, wanted in spelled.items()}
    lacking = [r for r in renamed if r not in at]
    if lacking:
        raise DataError(
            f"data.columns: '{name}' has no column '{brief(lacking[0])}'.", nearest(lacking[0], map(str, present))
        )
    given = {at[r]: to for r, to in renamed.items()}
    new = {p: given.get(p, c) for p, c in cased.items()}
    twice = [n for n, count in Counter(new.values()).items() if count > 1]
    if twice:
        which = ", ".join(f"'{brief(p)}'" for p, n in new.items() if n == twice[0])
        raise DataError(
            f"'{name}': columns {which} would all be named '{brief(twice[0])}'.",
            "Correct data.columns, or leave data.header_case out.",
        )
    return {p: n for p, n in new.items() if p != n}
