"""How far a batch is."""

from __future__ import annotations

from dataclasses import dataclass

from xmresearch.run.batch.job import Outcome


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    total, done, at_hand, failed : int
        Runs; done are those that were computed.
    left : float or None
        Seconds that the rest will take, as far as can be told; None while nothing is known.
    last : Outcome or None
        Of the run that has just ended.
    """

    total: int
    done: int = 0
    at_hand: int = 0
    failed: int = 0
    left: float | None = None
    last: Outcome | None = None

    @property
    def ended(self) -> int:
        """Runs that have ended, in whatever way."""
        return self.done + self.at_hand + self.failed
