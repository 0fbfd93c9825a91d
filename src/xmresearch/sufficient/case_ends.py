"""What becomes of touches after a conversion, and how often people who converted also have a journey that did not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AFTER_CONVERSION = ("if_converting", "ignore", "new_journey")
Flags = NDArray[np.bool_]


class CaseEnds:
    """Judges journeys in the order in which they are cut.

    Parameters
    ----------
    rule : str
        Of a journey that follows a conversion of the same customer without a pause between: 'if_converting' keeps it where it
        converts as well, 'ignore' leaves it out, 'new_journey' keeps it.
    """

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self._ended, self._won, self._open = False, False, 0

    def kept(self, anew: Flags, converted: Flags) -> Flags:
        """Return which journeys count.

        Parameters
        ----------
        anew : ndarray
            Whether each journey is the first of its customer, or comes after a pause, shape (J,).
        converted : ndarray
            Whether each converted, shape (J,).
        """
        if self.rule == "new_journey" or not len(anew):
            return np.ones(len(anew), dtype=bool)
        before = np.cumsum(converted) - converted
        at = np.arange(len(anew))
        begin = np.maximum.accumulate(np.where(anew, at, -1))
        ended = before > before[np.maximum(begin, 0)]
        if self._ended:
            ended |= begin < 0
        self._ended = bool(ended[-1] or converted[-1])
        return ~ended if self.rule == "ignore" else ~ended | converted

    def tally(self, first: Flags, converted: Flags, used: Flags) -> int:
        """Count the unconverted journeys of customers of whom another journey converted, as far as is known by now.

        Parameters
        ----------
        first : ndarray
            Whether each journey is of another customer than the one before, shape (J,).
        converted : ndarray
            Whether each converted, shape (J,).
        used : ndarray
            Whether each counts, shape (J,).

        Returns
        -------
        int
            Found since the last call; the latest customer counts as if nothing more came.
        """
        if not len(first):
            return 0
        who = np.cumsum(first)
        won, lost = (np.bincount(who, flags, who[-1] + 1) for flags in (converted & used, ~converted & used))
        before = self._open if self._won else 0
        won[0] += self._won
        lost[0] += self._open
        found = int(lost[won > 0].sum()) - before
        self._won, self._open = bool(won[-1] > 0), int(lost[-1])
        return found
