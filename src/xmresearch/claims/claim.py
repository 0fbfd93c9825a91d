"""A claim: what may be said of a figure, by which rule, how often that rule is wrong, and on which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from xmresearch.display import Shown, short

State = Literal["settled", "unsettled", "conditional", "withheld"]
STATES: tuple[State, ...] = ("settled", "unsettled", "conditional", "withheld")
UNSETTLED = "unsettled"

# What the rule of each kind can find.
VERDICTS: Mapping[str, tuple[str, ...]] = {
    "sign": ("above", "below"),
    "larger": ("larger", "smaller", "within"),
    "first": ("first", "only"),
    "count": ("all", "some"),
    "part": ("first_part", "second_part", "both_parts"),
    "alike": ("alike", "differs"),
    "assumption": ("no_departure", "failed"),
    "share": ("counted",),
    "decision": ("act", "wait"),
}
# An assumption is itself what others depend on, and a count of a log depends on nothing.
_UNCONDITIONAL = ("assumption", "share")


def cases(kind: str) -> tuple[str, ...]:
    """Return every case that a claim of a kind can have: what words must be there for.

    Parameters
    ----------
    kind : str
        A key of `VERDICTS`.

    Returns
    -------
    tuple of str
        The verdicts of the kind, then its states.
    """
    if kind == "share":
        return VERDICTS[kind]
    states = ("unsettled", "withheld") if kind in _UNCONDITIONAL else ("unsettled", "conditional", "withheld")
    return VERDICTS[kind] + states


@dataclass(frozen=True)
class Condition:
    """Something that a claim depends on.

    Attributes
    ----------
    check : str
        Name of the check; the labels have its words among their values.
    holds : bool or None
        None where it could not be examined, which leaves the claim as it is.
    """

    check: str
    holds: bool | None


@dataclass(frozen=True, repr=False)
class Claim(Shown):
    """What a report may say of one figure; cards, sentences, figures and decisions are all worded from it.

    Attributes
    ----------
    name : str
        Of the claim within its study; the labels have its words.
    kind : str
        sign, larger, first, count, part, alike, assumption, share or decision.
    verdict : str
        What the rule found: one of `VERDICTS[kind]`, or 'unsettled'.
    rule : str
        How the claim is settled; the labels have its words.
    promised : float
        At most this share of settled claims of this kind is false.
    confidence : float
        Level of the interval, two-sided.
    estimate, lower, upper : float
        NaN where the claim is not about one figure.
    conditions : tuple of Condition
        Checks that it depends on.
    withheld : str
        Why the figure means nothing; empty where it does mean something.
    facts : mapping
        What its sentences are filled with.
    """

    name: str
    kind: str
    verdict: str
    rule: str
    promised: float
    confidence: float
    estimate: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    conditions: tuple[Condition, ...] = ()
    withheld: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in (*VERDICTS[self.kind], UNSETTLED):
            raise ValueError(f"a claim of kind '{self.kind}' cannot be '{self.verdict}'")

    @property
    def failed(self) -> list[str]:
        """Checks that the claim needs and that have failed."""
        return [c.check for c in self.conditions if c.holds is False]

    @property
    def state(self) -> State:
        """settled, unsettled, conditional (a check that it needs has failed) or withheld (the figure means nothing).

        A failed check comes before what the figures decide: they would be read as what they are not, decided or not.
        """
        if self.withheld:
            return "withheld"
        if self.failed:
            return "conditional"
        return "unsettled" if self.verdict == UNSETTLED else "settled"

    @property
    def settled(self) -> bool:
        """Whether it may be said without reserve."""
        return self.state == "settled"

    @property
    def case(self) -> str:
        """The verdict of a settled claim, otherwise its state: which variant of its words is used."""
        return self.verdict if self.settled else self.state

    def given(self, *conditions: Condition) -> Claim:
        """Return the claim with more conditions."""
        new = tuple(c for c in conditions if c not in self.conditions)
        return replace(self, conditions=self.conditions + new)

    def about(self, **facts: Any) -> Claim:
        """Return the claim with more facts."""
        return replace(self, facts={**self.facts, **facts})

    def withhold(self, reason: str) -> Claim:
        """Return the claim withheld: its figure means nothing."""
        return replace(self, withheld=reason)

    def _head(self) -> Mapping[str, Any]:
        about = {"name": self.name, "kind": self.kind, "state": self.state, "verdict": self.verdict, "rule": self.rule}
        ends = f"[{short(self.lower)}, {short(self.upper)}]" if np.isfinite(self.lower + self.upper) else None
        return about | {"estimate": self.estimate, "interval": ends, "level": self.confidence, "failed": self.failed,
                        "withheld": self.withheld}  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return the facts of its sentences, with case, state, failed checks and figures."""
        return {
            "estimate": self.estimate, "lower": self.lower, "upper": self.upper, "level": self.confidence, **self.facts,
            "failed": self.failed, "reason": self.withheld, "verdict": self.verdict, "state": self.state, "case": self.case,
        }  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Return what a reviewer must know of it, and what it takes to settle it at another level.

        Returns
        -------
        dict
            JSON: name, kind, state, verdict, rule, promised (None by convention), failed; confidence, and estimate, lower, upper and
            threshold, each None where there is none, and all where the figure means nothing.
        """
        told = not self.withheld
        figures = {k: getattr(self, k) if told else np.nan for k in ("estimate", "lower", "upper")}
        figures["threshold"] = float(self.facts.get("threshold", np.nan)) if told and self.kind == "larger" else np.nan
        return {
            "name": self.name, "kind": self.kind, "state": self.state, "verdict": self.verdict, "rule": self.rule,
            "promised": None if np.isnan(self.promised) else self.promised, "failed": self.failed,
            "confidence": self.confidence, **{k: float(v) if np.isfinite(v) else None for k, v in figures.items()},
        }  # fmt: skip
