"""The same things asked twice: which batteries, and which of their items, belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xmresearch.data.profile.batteries import Battery
from xmresearch.data.profile.guess import Guess
from xmresearch.display import Shown

FEWEST_PAIRS, LONG_LIST = 3, 10
_FIRST, _SECOND = "expectation", "perception"


@dataclass(frozen=True, repr=False)
class Pairing(Shown):
    """Batteries that ask of the same things.

    Attributes
    ----------
    expected, perceived : Battery
        What was expected and what was experienced.
    others : tuple of Battery
        Minimum, importance and satisfaction of the same things.
    rows : tuple of str
        The things asked in both, in the order of the file.
    ground : Guess
        What put them together.
    """

    expected: Battery
    perceived: Battery
    others: tuple[Battery, ...]
    rows: tuple[str, ...]
    ground: Guess


def find_pairing(batteries: Sequence[Battery]) -> Pairing | None:
    """Find an expectation and a perception of the same things.

    Parameters
    ----------
    batteries : sequence of Battery
        Of the file.

    Returns
    -------
    Pairing or None
        None where nothing was asked twice in this way.
    """
    expected = [b for b in batteries if b.asks.what == _FIRST]
    perceived = [b for b in batteries if b.asks.what == _SECOND]
    best: Pairing | None = None
    for e in expected:
        for p in perceived:
            shared = tuple(r for r in e.rows if r in p.rows)
            if len(shared) < FEWEST_PAIRS or (best and len(shared) <= len(best.rows)):
                continue
            others = tuple(
                b
                for b in batteries
                if b not in (e, p)
                and set(shared) <= set(b.rows)
                and b.asks.what in ("minimum", "importance", "satisfaction")
            )
            doubts = [b.asks.doubt for b in (e, p) if b.asks.doubt]
            lost = len(set(e.rows) ^ set(p.rows))
            if lost:
                doubts.append(f"{lost} item(s) have no counterpart and are left out")
            if len(shared) >= LONG_LIST and not lost:
                doubts = []  # two stems that stand for the words, over the same long list, are no chance
            why = f"the same {len(shared)} rows under '{e.stem}' ({e.asks.why}) and '{p.stem}' ({p.asks.why})"
            best = Pairing(e, p, others, shared, Guess(f"{len(shared)} pairs", why, "; ".join(dict.fromkeys(doubts))))
    return best


def split_battery(battery: Battery, names: Sequence[str]) -> Battery:
    """Return a battery with some of its items only.

    Parameters
    ----------
    battery : Battery
        The whole.
    names : sequence of str
        Columns to keep.

    Returns
    -------
    Battery
    """
    kept = [k for k, c in enumerate(battery.columns) if c in set(names)]
    return replace(battery, columns=tuple(battery.columns[k] for k in kept), rows=tuple(battery.rows[k] for k in kept))
