"""What a careful reviewer would ask about: one form for every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from xmresearch.display import Shown


@dataclass(frozen=True, repr=False)
class Concern(Shown):
    """One thing to ask about; each package of methods has its own kinds and their sentences.

    Attributes
    ----------
    kind : str
        A key of `sentences`.
    facts : dict
        Names and figures of the sentence that `str` gives; reports put it into their own language.
    """

    sentences: ClassVar[Mapping[str, str]] = {}
    """The sentence of each kind, with places for the facts."""

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentences[self.kind].format(**self.spoken())

    def spoken(self) -> dict[str, Any]:
        """Return the facts as the sentence takes them: lists of names as text."""
        return {
            k: ", ".join(f"'{v}'" for v in fact) if isinstance(fact, list) else fact for k, fact in self.facts.items()
        }
