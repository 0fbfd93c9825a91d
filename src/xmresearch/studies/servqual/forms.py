"""In which form a SERVQUAL study's survey was asked, and what its report therefore has and has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xmresearch.data.answer_formats import AnswerFormat, answer_format
from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown

_LACKING = {
    "perceptions": "gaps, an order of improvement by shortfalls and a zone of tolerance",
    "direct": "expectations and perceptions apart, importance against performance and a zone of tolerance",
}


@dataclass(frozen=True, repr=False)
class Form(Shown):
    """The form, and sentences by form: each attribute holds facts for the sentences of that form, and is None in another.

    Attributes
    ----------
    case : str
        pairs, direct or perceptions.
    pairs, direct, perceptions, gaps, single : dict or None
        Asked in pairs; as gaps themselves; as perceptions alone; in either form that gives gaps; in one battery.
    quantity, battery : str
        What is measured by dimension; kind of the items that a factor analysis is of.
    """

    case: AnswerFormat

    def _when(self, *cases: str) -> dict[str, Any] | None:
        return {"case": self.case} if self.case in cases else None

    @property
    def pairs(self) -> dict[str, Any] | None:
        """Facts where each statement is asked twice."""
        return self._when("pairs")

    @property
    def direct(self) -> dict[str, Any] | None:
        """Facts where each answer is itself the gap."""
        return self._when("direct")

    @property
    def perceptions(self) -> dict[str, Any] | None:
        """Facts where perceptions alone were asked."""
        return self._when("perceptions")

    @property
    def gaps(self) -> dict[str, Any] | None:
        """Facts where there are gaps."""
        return self._when("pairs", "direct")

    @property
    def single(self) -> dict[str, Any] | None:
        """Facts where each statement is asked once."""
        return self._when("direct", "perceptions")

    @property
    def quantity(self) -> str:
        """What is measured by dimension."""
        return "perception" if self.case == "perceptions" else "gap"

    @property
    def battery(self) -> str:
        """Kind of the items that a factor analysis is of."""
        return "gap" if self.case == "direct" else "perception"

    def line(self) -> str | None:
        """Say what a study in this form will not have, as `xmresearch check` does; None in pairs."""
        if self.case == "pairs":
            return None
        what = "Perceptions only" if self.case == "perceptions" else "Answers are themselves gaps"
        return f"Note: {what}; the report will not have {_LACKING[self.case]}."


def form_of(codebook: Codebook) -> Form:
    """Say in which form a survey was asked; raises as `answer_format` does."""
    return Form(answer_format(codebook))
