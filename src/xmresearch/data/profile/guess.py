"""A guess: what was taken, on which ground, and what to check where it is doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xmresearch.display import Shown


@dataclass(frozen=True, repr=False)
class Guess(Shown):
    """Something that a file does not say outright.

    Attributes
    ----------
    what : str
        What was taken.
    why : str
        On which ground.
    doubt : str
        What to check; '' where the ground leaves none.
    """

    what: str
    why: str
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether nothing is left to check."""
        return not self.doubt

    def comment(self) -> str:
        """Return it as the text of a comment: the doubt first, marked."""
        return f"DOUBTFUL: {self.doubt} ({self.why})" if self.doubt else self.why


@dataclass(frozen=True, repr=False)
class ScaleGuess(Guess):
    """The answers that items can be given.

    Attributes
    ----------
    minimum, maximum : float
        Lowest and highest possible answer.
    values : mapping of str to float
        What answers in words mean; empty where answers are numbers.
    whole : bool
        Whether answers are whole numbers, as those of a questionnaire are.
    """

    minimum: float = 0.0
    maximum: float = 1.0
    values: Mapping[str, float] = field(default_factory=dict)
    whole: bool = True

    @property
    def points(self) -> int:
        """How many answers there are."""
        return round(self.maximum - self.minimum) + 1
