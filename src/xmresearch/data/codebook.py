"""Codebooks: what each column of a survey measures, and on which scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from xmresearch.errors import CodebookError, nearest

Kind = Literal["expectation", "minimum", "perception", "importance", "outcome"]
KINDS: tuple[str, ...] = get_args(Kind)
PAIRED: tuple[str, ...] = ("expectation", "minimum", "perception", "importance")

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)
Text = Annotated[str, StringConstraints(min_length=1)]


class Labels(BaseModel):
    """A name in each report language."""

    model_config = _Strict
    en: Text
    zh: Text


class Scale(BaseModel):
    """The lowest and the highest answer that can be given."""

    model_config = _Strict
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if not self.minimum < self.maximum:
            raise ValueError(f"scale minimum {self.minimum:g} is not below its maximum {self.maximum:g}")
        return self

    @property
    def middle(self) -> float:
        """The middle of the scale."""
        return (self.minimum + self.maximum) / 2


class Statement(BaseModel):
    """One statement that respondents rate in several batteries (expected, perceived, ...)."""

    model_config = _Strict
    of: Text = Field(alias="construct")
    labels: Labels
    reverse: bool = False


class Battery(BaseModel):
    """One block of the questionnaire: every statement asked in one way."""

    model_config = _Strict
    pattern: Annotated[str, StringConstraints(pattern=r"\{id\}")]
    scale: Scale | None = None


class Item(BaseModel):
    """One column of the survey."""

    model_config = _Strict
    kind: Kind
    of: str | None = Field(default=None, alias="construct")
    statement: str | None = None
    reverse: bool = False
    scale: Scale | None = None
    labels: Labels | None = None


class Segment(BaseModel):
    """A column to report by, with names for its values."""

    model_config = _Strict
    labels: Labels
    values: dict[Text, Labels] = Field(default_factory=dict)


class CodebookFile(BaseModel):
    """The YAML form of a codebook."""

    model_config = _Strict
    extends: str | None = None
    name: Text
    labels: Labels
    scale: Scale = Scale(minimum=1, maximum=7)
    constructs: dict[Text, Labels] = Field(min_length=1)
    statements: dict[Text, Statement] = Field(default_factory=dict)
    batteries: dict[Kind, Battery] = Field(default_factory=dict)
    items: dict[Text, Item] = Field(default_factory=dict)
    segments: dict[Text, Segment] = Field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A survey column with everything resolved: what it measures and on which scale.

    Attributes
    ----------
    name : str
        Column name in the data.
    kind : str
        expectation, minimum, perception, importance or outcome.
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


@dataclass(frozen=True)
class Codebook:
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
    """

    name: str
    labels: Labels
    constructs: dict[str, Labels]
    columns: tuple[Column, ...]
    segments: dict[str, Segment] = field(default_factory=dict)

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

    def label_map(self, lang: str) -> dict[str, str]:
        """Map the identifiers of constructs, statements and columns to their labels in one language."""
        out = {self.name: getattr(self.labels, lang)}
        out |= {c.name: getattr(c.labels, lang) for c in self.columns}
        out |= {c.statement: getattr(c.labels, lang) for c in self.columns if c.statement is not None}
        for name, segment in self.segments.items():
            out[name] = getattr(segment.labels, lang)
            out |= {f"{name}={value}": getattr(label, lang) for value, label in segment.values.items()}
        return out | {k: getattr(v, lang) for k, v in self.constructs.items()}


def _resolve(raw: CodebookFile) -> Codebook:
    columns: dict[str, Column] = {}

    def add(column: Column) -> None:
        if column.name in columns:
            raise CodebookError(
                f"Codebook '{raw.name}': column '{column.name}' is described twice.",
                "Give each column one battery or one entry under 'items'.",
            )
        if column.construct is not None and column.construct not in raw.constructs:
            raise CodebookError(
                f"Codebook '{raw.name}': item '{column.name}' belongs to unknown construct '{column.construct}'.",
                nearest(column.construct, raw.constructs),
            )
        columns[column.name] = column

    for kind, battery in raw.batteries.items():
        for sid, statement in raw.statements.items():
            add(
                Column(
                    name=battery.pattern.replace("{id}", sid),
                    kind=kind,
                    construct=statement.of,
                    statement=sid,
                    reverse=statement.reverse,
                    scale=battery.scale or raw.scale,
                    labels=statement.labels,
                )
            )
    for name, item in raw.items.items():
        if item.statement is not None and item.statement in raw.statements:
            base = raw.statements[item.statement]
            construct, labels = item.of or base.of, item.labels or base.labels
        else:
            construct, labels = item.of, item.labels
        if labels is None:
            labels = raw.constructs.get(construct or "") or Labels(en=name, zh=name)
        if item.kind in ("expectation", "minimum", "perception"):
            if construct is None:
                raise CodebookError(
                    f"Codebook '{raw.name}': item '{name}' ({item.kind}) names no construct.",
                    "Add 'construct: <one of the constructs>'.",
                )
            if item.statement is None:
                raise CodebookError(
                    f"Codebook '{raw.name}': item '{name}' ({item.kind}) names no statement.",
                    "Add 'statement: <id>', the same for the expectation and the perception of one thing.",
                )
        add(Column(name, item.kind, construct, item.statement, item.reverse, item.scale or raw.scale, labels))
    if not columns:
        raise CodebookError(f"Codebook '{raw.name}' describes no column.", "Add 'statements' with 'batteries', or 'items'.")
    return Codebook(raw.name, raw.labels, dict(raw.constructs), tuple(columns.values()), dict(raw.segments))


def _valid_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand where an unknown one was found."""
    owners: dict[str, type[BaseModel]] = {"items": Item, "statements": Statement, "batteries": Battery}
    if len(location) == 1:
        owner: type[BaseModel] = CodebookFile
    elif "scale" in location:
        owner = Scale
    elif "labels" in location or location[0] == "constructs":
        owner = Labels
    else:
        owner = owners[str(location[0])]
    return [field.alias or name for name, field in owner.model_fields.items()]


def _extended(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Merge a codebook over the shipped instrument that it extends."""
    parent = content.get("extends")
    if parent is None:
        return content
    if parent not in _shipped():
        raise CodebookError(f"{where}: extends unknown instrument '{parent}'.", nearest(parent, _shipped()))
    base = _extended(yaml.safe_load(_shipped_text(parent)), f"instrument '{parent}'")
    merged = {**base, **content}
    for key in ("constructs", "statements", "batteries", "items", "segments"):
        if isinstance(content.get(key, {}), dict):
            merged[key] = {**base.get(key, {}), **content.get(key, {})}
    return merged


def _shipped_text(name: str) -> str:
    return (files("xmresearch.data") / "instruments" / f"{name}.yml").read_text("utf-8")


def parse_codebook(content: Any, where: str) -> Codebook:
    """Build a codebook from the content of its YAML.

    Parameters
    ----------
    content : mapping
        As `yaml.safe_load` gives it.
    where : str
        The file's name, for messages.

    Returns
    -------
    Codebook

    Raises
    ------
    CodebookError
        Unknown key, wrong type, an item without construct or statement, a column described twice.
    """
    if not isinstance(content, dict):
        raise CodebookError(f"{where}: a codebook is a mapping with 'name', 'labels', 'constructs', ...")
    content = _extended(content, where)
    statements = content.get("statements")
    if isinstance(statements, dict):
        content = {**content, "statements": {str(k): v for k, v in statements.items()}}
    try:
        raw = CodebookFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        hint = ""
        if first["type"] == "extra_forbidden":
            hint = nearest(first["loc"][-1], _valid_keys(first["loc"]))
        raise CodebookError(f"{where}: {place}: {first['msg']}.", hint) from None
    return _resolve(raw)


@cache
def _shipped() -> tuple[str, ...]:
    folder = files("xmresearch.data") / "instruments"
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".yml")))


def load_codebook(reference: str, base: Path | None = None) -> Codebook:
    """Load a shipped instrument by name, or a codebook of your own by path.

    Parameters
    ----------
    reference : str
        'servqual', 'servperf', or a path that ends in .yml or .yaml.
    base : Path, optional
        Folder that a relative path starts from; the working directory if absent.

    Returns
    -------
    Codebook

    Raises
    ------
    CodebookError
        The file is missing, is not YAML, or is wrong in itself.
    """
    if reference in _shipped():
        text = _shipped_text(reference)
        where = f"instrument '{reference}'"
    else:
        path = codebook_path(reference, base)
        where = path.name
        text = path.read_text("utf-8-sig")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CodebookError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
    return parse_codebook(content, where)


def codebook_path(reference: str, base: Path | None = None) -> Path:
    """Resolve a codebook of the user's own to an existing path, or raise CodebookError."""
    if not reference.endswith((".yml", ".yaml")):
        raise CodebookError(
            f"There is no instrument '{reference}'.",
            f"{nearest(reference, _shipped())} A codebook of your own is given as a path ending in .yml.",
        )
    path = (base or Path()) / reference
    if not path.is_file():
        raise CodebookError(
            f"Codebook file '{reference}' does not exist in '{path.parent}'.",
            "Relative paths start from the folder of the params file.",
        )
    return path


def is_shipped(reference: str) -> bool:
    """Whether a codebook reference names an instrument that the package ships."""
    return reference in _shipped()
