"""Pydantic's errors in the user's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from xmresearch.errors import brief, nearest


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def _holds(annotation: Any) -> bool:
    """Say whether values of this type have parts of their own: keys or positions."""
    return get_origin(annotation) in (list, dict, tuple) or any(_holds(a) for a in get_args(annotation))


def most_telling(error: ValidationError) -> Mapping[str, Any]:
    """Return the first mistake worth telling: an unknown key before what may only follow from it, then what is said in our words."""
    return _first(error.errors())


def _first(errors: Sequence[Any]) -> Mapping[str, Any]:
    rank = {"extra_forbidden": 0, "value_error": 1}
    return dict(min(errors, key=lambda e: rank.get(e["type"], 2)))


def by_place(error: ValidationError) -> list[Mapping[str, Any]]:
    """Return every mistake worth telling: of what one section or one choice of types has wrong, the most telling."""
    places: dict[tuple[int | str, ...], list[Any]] = {}
    for each in error.errors():
        at = each["loc"] if len(each["loc"]) < 2 or each["type"] == "extra_forbidden" else each["loc"][:-1]
        places.setdefault(at, []).append(each)
    unknown = {at[:-1] for at, errors in places.items() if errors[0]["type"] == "extra_forbidden" and len(at) > 1}
    return [_first(errors) for at, errors in places.items() if at not in unknown]


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
        if tagged and tagged != owners:
            owners = tagged
            continue
        place.append(part)
        if position < len(parts) - 1 or error["type"] != "extra_forbidden":
            fields = [m.model_fields[part] for m in owners if part in m.model_fields]
            inner = [m for f in fields for m in _models(f.annotation)]
            if fields and not inner and not any(_holds(f.annotation) for f in fields):
                break  # what follows says which branch of a union was tried
            owners = inner or owners
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        valid = list(dict.fromkeys(name for m in owners for name in m.model_fields))
        return f"unknown key '{key}'.", nearest(place[-1], valid)
    if error["type"] == "literal_error":
        return f"{key} is {brief(repr(error['input']))}; it must be {error['ctx']['expected']}.", ""
    if error["type"].startswith("union_tag"):
        kinds = [str(get_args(m.model_fields["source"].annotation)[0]) for m in owners if "source" in m.model_fields]
        return f"{key}.source must be one of {', '.join(kinds)}.", ""
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}." if key else f"{error['ctx']['error']}.", ""
    given = error["input"]
    shown = f" (given: {brief(repr(given))})" if not isinstance(given, dict) else ""
    return f"{key}: {str(error['msg'])[0].lower()}{str(error['msg'])[1:]}{shown}.", ""
