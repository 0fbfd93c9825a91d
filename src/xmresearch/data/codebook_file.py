"""Codebooks as YAML files: shipped instruments and those of the user's own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from xmresearch.data.codebook import OPTIONAL, RATED, STRICT, Codebook, Column, Kind, Scale, Segment
from xmresearch.data.names import Labels, Text
from xmresearch.data.strict_yaml import parse_yaml, read_yaml
from xmresearch.errors import CodebookError, nearest


class Statement(BaseModel):
    """One statement that respondents rate in several batteries (expected, perceived, ...)."""

    model_config = STRICT
    of: Text = Field(alias="construct")
    labels: Labels
    reverse: bool = False


class Battery(BaseModel):
    """One block of the questionnaire: every statement asked in one way."""

    model_config = STRICT
    pattern: Annotated[str, StringConstraints(pattern=r"\{id\}")]
    scale: Scale | None = None


class Item(BaseModel):
    """One column of the survey."""

    model_config = STRICT
    kind: Kind
    of: str | None = Field(default=None, alias="construct")
    statement: str | None = None
    reverse: bool = False
    scale: Scale | None = None
    labels: Labels | None = None


class CodebookFile(BaseModel):
    """The YAML form of a codebook."""

    model_config = STRICT
    extends: str | None = None
    name: Text
    labels: Labels
    scale: Scale = Scale(minimum=1, maximum=7)
    constructs: dict[Text, Labels] = Field(min_length=1)
    statements: dict[Text, Statement] = Field(default_factory=dict)
    batteries: dict[Kind, Battery] = Field(default_factory=dict)
    items: dict[Text, Item] = Field(default_factory=dict)
    segments: dict[Text, Segment] = Field(default_factory=dict)


def _resolve(raw: CodebookFile) -> Codebook:
    columns: dict[str, Column] = {}

    def add(column: Column) -> None:
        if column.name in columns:
            raise CodebookError(
                f"Codebook '{raw.name}': column '{column.name}' is described twice.",
                "Give each column one battery or one entry under 'items'.",
            )
        same = [
            c for c in columns.values() if column.statement and (c.kind, c.statement) == (column.kind, column.statement)
        ]
        if same:
            raise CodebookError(
                f"Codebook '{raw.name}': '{same[0].name}' and '{column.name}' both ask statement '{column.statement}' as "
                f"{column.kind}.",
                "Give each statement one item of a kind.",
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
        base = raw.statements.get(item.statement or "")
        construct = item.of or (base.of if base else None)
        labels = item.labels or (base.labels if base else None) or raw.constructs.get(construct or "")
        labels = labels or Labels(en=name, zh=name)
        if item.kind in RATED:
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
        raise CodebookError(
            f"Codebook '{raw.name}' describes no column.", "Add 'statements' with 'batteries', or 'items'."
        )
    return Codebook(raw.name, raw.labels, dict(raw.constructs), tuple(columns.values()), dict(raw.segments))


def _valid_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand where an unknown one was found."""
    owners: dict[str, type[BaseModel]] = {"items": Item, "statements": Statement, "batteries": Battery}
    if len(location) == 1:
        owner: type[BaseModel] = CodebookFile
    elif "scale" in location:
        owner = Scale
    elif location[0] == "segments" and len(location) == 3:
        owner = Segment
    elif "labels" in location or "values" in location or location[0] in ("constructs", "labels"):
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
    base = _extended(parse_yaml(_shipped_text(parent)).value, f"instrument '{parent}'")
    merged = {**base, **content}
    for key in ("constructs", "statements", "batteries", "items", "segments"):
        if isinstance(content.get(key, {}), dict):
            merged[key] = {**base.get(key, {}), **content.get(key, {})}
    return merged


def _named_by_text(content: dict[str, Any]) -> dict[str, Any]:
    """Let statement and segment values be written as numbers: 1 means the text '1'."""

    def texts(mapping: Any) -> Any:
        return {str(k): v for k, v in mapping.items()} if isinstance(mapping, dict) else mapping

    found = {**content, "statements": texts(content.get("statements", {}))}
    if isinstance(content.get("segments"), dict):
        found["segments"] = {
            name: {**body, "values": texts(body["values"])} if isinstance(body, dict) and "values" in body else body
            for name, body in content["segments"].items()
        }
    return found


def _shipped_text(name: str) -> str:
    return (files("xmresearch.data") / "instruments" / f"{name}.yml").read_text("utf-8")


def parse_codebook(content: Any, where: str) -> Codebook:
    """Build a codebook from the content of its YAML.

    Parameters
    ----------
    content : mapping
        Plain Python.
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
    own = content.get("items", {})
    content = _named_by_text(_extended(content, where))
    try:
        raw = CodebookFile.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        hint = ""
        if first["type"] == "extra_forbidden":
            hint = nearest(first["loc"][-1], _valid_keys(first["loc"]))
        raise CodebookError(f"{where}: {place}: {first['msg']}.", hint) from None
    book = _resolve(raw)
    inherited = {c.name for c in book.columns if c.kind in OPTIONAL and c.name not in own} if raw.extends else set()
    return replace(book, optional=frozenset(inherited))


@cache
def _shipped() -> tuple[str, ...]:
    folder = files("xmresearch.data") / "instruments"
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".yml")))


def instrument_names() -> tuple[str, ...]:
    """Return the names of the instruments that the package ships, in alphabetical order."""
    return _shipped()


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
        book = parse_codebook(parse_yaml(_shipped_text(reference)).value, f"instrument '{reference}'")
        return replace(book, optional=frozenset(c.name for c in book.columns if c.kind in OPTIONAL))
    path = codebook_path(reference, base)
    return parse_codebook(read_yaml(path, path.name, CodebookError).value, path.name)


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
