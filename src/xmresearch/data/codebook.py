"""Codebooks: what each column of a survey measures, and on which scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xmresearch.data.names import Labels, Text
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, nearest

Kind = Literal["expectation", "minimum", "perception", "gap", "importance", "outcome", "functional", "dysfunctional"]
RATED: tuple[str, ...] = ("expectation", "minimum", "perception", "gap")
OPTIONAL: tuple[str, ...] = ("importance", "outcome")

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


def _texts(given: Any) -> Any:
    """Let codes be written as numbers: 98 means the text '98'."""
    return {str(k): v for k, v in given.items()} if isinstance(given, dict) else given


class Scale(BaseModel):
    """The lowest and the highest answer that can be given, what answers in words mean, and what says that there is no answer."""

    model_config = STRICT
    minimum: float
    maximum: float
    values: dict[Text, float] = Field(default_factory=dict)
    as_expected: float | None = None
    apart: Annotated[dict[Text, Labels], BeforeValidator(_texts)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if not self.minimum < self.maximum:
            raise ValueError(f"scale minimum {self.minimum:g} is not below its maximum {self.maximum:g}")
        outside = [w for w, v in self.values.items() if not self.minimum <= v <= self.maximum]
        if outside:
            raise ValueError(f"the value of '{outside[0]}' lies outside the scale {self.minimum:g}-{self.maximum:g}")
        if self.as_expected is not None and not self.minimum < self.as_expected < self.maximum:
            raise ValueError(
                f"as_expected is {self.as_expected:g}, which does not lie within the scale {self.minimum:g}-{self.maximum:g}"
            )
        answers = [c for c in self.apart if c in self.values or self.minimum <= _as_number(c) <= self.maximum]
        if answers:
            raise ValueError(
                f"'{answers[0]}' stands apart, but is an answer of the scale {self.minimum:g}-{self.maximum:g}"
            )
        return self

    @property
    def middle(self) -> float:
        """The middle of the scale."""
        return (self.minimum + self.maximum) / 2


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


class Segment(BaseModel):
    """A column to report by, with names for its values."""

    model_config = STRICT
    labels: Labels
    values: dict[Text, Labels] = Field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Column(Shown):
    """A survey column with everything resolved: what it measures and on which scale.

    Attributes
    ----------
    name : str
        Column name in the data.
    kind : str
        expectation, minimum, perception, gap (the answer itself says how far below or above expectations), importance or outcome;
        functional or dysfunctional, of a Kano pair.
    construct : str or None
        The construct (dimension) it belongs to; None for outcomes.
    statement : str or None
        The statement it rates, which pairs it with its other batteries.
    reverse : bool
        Whether a high answer means a low standing.
    scale : Scale
        Lowest and highest valid answer.
    labels : Labels
        Its name in each language.
    """

    name: str
    kind: str
    construct: str | None
    statement: str | None
    reverse: bool
    scale: Scale
    labels: Labels

    @property
    def neutral(self) -> float:
        """The answer that says 'as expected', by the scale as recoded: where none is declared, the middle."""
        if self.scale.as_expected is None:
            return self.scale.middle
        return (
            self.scale.minimum + self.scale.maximum - self.scale.as_expected if self.reverse else self.scale.as_expected
        )


@dataclass(frozen=True, repr=False)
class Codebook(Shown):
    """What the columns of a survey measure.

    Attributes
    ----------
    name : str
        Short name of the instrument.
    labels : Labels
        Its name in each language.
    constructs : dict of str to Labels
        Constructs (dimensions), in reporting order.
    columns : tuple of Column
        Every item column that the study reads.
    segments : dict of str to Segment
        Names of the columns to report by, and of their values.
    optional : frozenset of str
        Columns that a survey need not have asked: importance and outcomes that come from a shipped instrument.
    """

    name: str
    labels: Labels
    constructs: dict[str, Labels]
    columns: tuple[Column, ...]
    segments: dict[str, Segment] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    def select(self, kind: str, construct: str | None = None) -> tuple[Column, ...]:
        """Return the columns of one kind, optionally of one construct only."""
        return tuple(c for c in self.columns if c.kind == kind and construct in (None, c.construct))

    def names(self, kind: str, construct: str | None = None) -> list[str]:
        """Return the column names of one kind, optionally of one construct only."""
        return [c.name for c in self.select(kind, construct)]

    def column(self, name: str) -> Column:
        """Return one column by name, or raise CodebookError with the nearest name."""
        for c in self.columns:
            if c.name == name:
                return c
        raise CodebookError(
            f"Codebook '{self.name}' has no item '{name}'.", nearest(name, (c.name for c in self.columns))
        )

    def statements(self, *kinds: str) -> list[str]:
        """Return, in order, the statements that are asked in every one of the given kinds."""
        asked = [{c.statement for c in self.select(k)} for k in kinds]
        order = dict.fromkeys(c.statement for c in self.columns if c.statement is not None)
        return [s for s in order if all(s in a for a in asked)]

    def item(self, kind: str, statement: str) -> Column:
        """Return the column that asks one statement in one kind."""
        return next(c for c in self.select(kind) if c.statement == statement)

    def scales(self) -> dict[str, tuple[float, float]]:
        """Return the lowest and the highest answer of every item."""
        return {c.name: (c.scale.minimum, c.scale.maximum) for c in self.columns}

    def label_map(self, lang: str) -> dict[str, str]:
        """Map the identifiers of constructs, statements and columns to their labels in one language."""
        out = {self.name: getattr(self.labels, lang)}
        out |= {c.name: getattr(c.labels, lang) for c in self.columns}
        out |= {c.statement: getattr(c.labels, lang) for c in self.columns if c.statement is not None}
        out |= {f"{c.name}={said}": getattr(label, lang) for c in self.columns for said, label in c.scale.apart.items()}
        for name, segment in self.segments.items():
            out[name] = getattr(segment.labels, lang)
            out |= {f"{name}={value}": getattr(label, lang) for value, label in segment.values.items()}
        return out | {k: getattr(v, lang) for k, v in self.constructs.items()}
