"""Read params files: safe YAML, strict validation, one clear line for each mistake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xmresearch.data.strict_yaml import Invalid, Refused, parse_yaml, read_yaml
from xmresearch.errors import ParamsError, Problems, brief, combined, nearest
from xmresearch.params.base import StudyParams
from xmresearch.params.messages import by_place, describe
from xmresearch.params.registry import find_study

MOST_TOLD = 20


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
    written = read_yaml(path, str(path), ParamsError)
    content = written.value
    if not isinstance(content, dict):
        raise ParamsError(f"{path} is not a mapping of 'key: value' lines.")
    for text_override in overrides:
        _override(content, text_override)
    if lang is not None:
        content["lang"] = lang
    study = find_study(content.get("study"), path.parent)
    try:
        return study.params.model_validate(content)
    except ValidationError as error:
        problems = Problems()
        wrong = by_place(error)
        for each in wrong[:MOST_TOLD]:
            line = written.line_of(each["loc"])
            problem, hint = describe(study.params, each)
            problems.errors.append(ParamsError(f"{path}{f', line {line}' if line else ''}: {problem}", hint))
        if len(wrong) > MOST_TOLD:
            problems.errors.append(ParamsError(f"{path}: {len(wrong) - MOST_TOLD:,d} more mistakes."))
        raise combined(problems.errors) from None


def _override(content: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ParamsError(f"-p {brief(text)}: not of the form key=value.")
    try:
        parsed = parse_yaml(value).value
    except Invalid:
        raise ParamsError(f"-p {brief(text)}: the value is not valid YAML.", "Quote it.") from None
    except Refused as refused:
        raise ParamsError(f"-p {brief(text)}: {refused}") from None
    at = content
    *sections, last = key.split(".")
    for section in sections:
        inner = at.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ParamsError(f"-p {brief(text)}: '{section}' is not a section.")
        at = inner
    at[last] = parsed
