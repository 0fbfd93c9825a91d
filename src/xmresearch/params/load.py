"""Read params files: safe YAML, strict validation, one clear line for each mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from xmresearch.errors import ParamsError, nearest
from xmresearch.params.base import StudyParams
from xmresearch.params.servqual import ServqualParams

STUDIES: Mapping[str, type[StudyParams]] = {"servqual": ServqualParams}


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe loading that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ParamsError(f"line {key.start_mark.line + 1}: a key must be plain text.")
            if key.value in seen:
                raise ParamsError(f"line {key.start_mark.line + 1}: the key '{key.value}' is given twice.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_params(path: str | Path, overrides: Sequence[str] = (), lang: str | None = None) -> StudyParams:
    """Read and validate a params file.

    Parameters
    ----------
    path : str or Path
        YAML, with the key 'study'.
    overrides : sequence of str
        `key=value`, the value in YAML; dots go into sections (`data.n=500`).
    lang : str, optional
        Overrides the report's language.

    Returns
    -------
    StudyParams

    Raises
    ------
    ParamsError
        The file is missing or no YAML mapping; a key is unknown; a value has the wrong type or is out of range.
    """
    path = Path(path)
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.glob("*.yml")]) if path.parent.is_dir() else ""
        raise ParamsError(f"The params file '{path}' does not exist.", near)
    try:
        text = path.read_text("utf-8-sig")
        content = yaml.load(text, _UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except ParamsError as error:
        raise ParamsError(f"{path}: {error.problem}", error.hint) from None
    except UnicodeDecodeError:
        raise ParamsError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ParamsError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path} is not a mapping of 'key: value' lines.")
    for text_override in overrides:
        _override(content, text_override)
    if lang is not None:
        content["lang"] = lang
    study = content.get("study")
    if not isinstance(study, str) or study not in STUDIES:
        raise ParamsError(f"{path}: study is {study!r}, which is no study.", nearest(study, STUDIES))
    model = STUDIES[study]
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = most_telling(error)
        line = _line_of(text, first["loc"])
        problem, hint = describe(model, first)
        raise ParamsError(f"{path}{f', line {line}' if line else ''}: {problem}", hint) from None


def _override(content: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ParamsError(f"-p {text}: not of the form key=value.")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ParamsError(f"-p {text}: the value is not valid YAML.", "Quote it.") from None
    at = content
    *sections, last = key.split(".")
    for section in sections:
        inner = at.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ParamsError(f"-p {text}: '{section}' is not a section.")
        at = inner
    at[last] = parsed


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def most_telling(error: ValidationError) -> Mapping[str, Any]:
    """Return the first mistake that is worth telling: an unknown key before what may only follow from it."""
    return dict(min(error.errors(), key=lambda e: e["type"] != "extra_forbidden"))


def describe(model: type[BaseModel], error: Mapping[str, Any]) -> tuple[str, str]:
    """Put one pydantic error into the user's words.

    Parameters
    ----------
    model : type
        The study's params model.
    error : mapping
        One entry of `ValidationError.errors()`.

    Returns
    -------
    problem, hint : str
    """
    parts = [str(p) for p in error["loc"]]
    owners: list[type[BaseModel]] = [model]
    place: list[str] = []
    for position, part in enumerate(parts):
        tagged = [m for m in owners if part in get_args(getattr(m.model_fields.get("source"), "annotation", None))]
        if tagged:
            owners = tagged
            continue
        place.append(part)
        if position < len(parts) - 1 or error["type"] != "extra_forbidden":
            fields = [m.model_fields[part] for m in owners if part in m.model_fields]
            owners = [inner for f in fields for inner in _models(f.annotation)] or owners
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        valid = list(dict.fromkeys(name for m in owners for name in m.model_fields))
        return f"unknown key '{key}'.", nearest(place[-1], valid)
    if error["type"] == "literal_error":
        return f"{key} is {error['input']!r}; it must be {error['ctx']['expected']}.", ""
    if error["type"].startswith("union_tag"):
        kinds = [str(get_args(m.model_fields["source"].annotation)[0]) for m in owners if "source" in m.model_fields]
        return f"{key}.source must be one of {', '.join(kinds)}.", ""
    given = error["input"]
    shown = f" (given: {given!r})" if not isinstance(given, dict) else ""
    return f"{key}: {str(error['msg'])[0].lower()}{str(error['msg'])[1:]}{shown}.", ""


def _line_of(text: str, location: Sequence[Any]) -> int | None:
    """Find the line of a key in YAML text; None if it is not written there."""
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    line: int | None = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
