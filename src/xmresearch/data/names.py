"""What things are called: in each language of reports, or in one for all."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationInfo, model_validator
from pydantic.json_schema import WithJsonSchema

LANGUAGES = ("en", "zh")
_TEXT = {"type": "string", "minLength": 1}
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": dict.fromkeys(LANGUAGES, _TEXT),
            "minProperties": 1,
            "additionalProperties": False,
        },
    ]
}
Text = Annotated[str, StringConstraints(min_length=1)]


class Labels(BaseModel):
    """A name in each report language; one text stands for all, and a language that is not given has the other's."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra=lambda schema: _either(schema)
    )
    en: Text
    zh: Text

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        if isinstance(given, str):
            return dict.fromkeys(LANGUAGES, given)
        if not isinstance(given, dict | Labels):
            raise ValueError("a name is a text, or texts by language {en: ..., zh: ...}")
        if isinstance(given, dict) and (known := [given[lang] for lang in LANGUAGES if lang in given]):
            return dict.fromkeys(LANGUAGES, known[0]) | given
        return given


def _either(schema: dict[str, Any]) -> None:
    """Replace the schema of the complete names by that of what may be written."""
    note = schema.get("description")
    schema.clear()
    schema.update(_SCHEMA | {"description": note})


def _of_language(given: Any, info: ValidationInfo) -> Any:
    """Choose the report's language, or another where it is not given."""
    if not isinstance(given, dict):
        return given
    unknown = [str(lang) for lang in given if lang not in LANGUAGES]
    if unknown or not given:
        raise ValueError(
            f"a text by language has the keys {' and '.join(LANGUAGES)}, not {', '.join(unknown) or 'none'}"
        )
    return given.get(info.data.get("lang"), next(iter(given.values())))


# a text of a model that has `lang` before it: as written, or chosen from those by language
OfLanguage = Annotated[str, StringConstraints(min_length=1), BeforeValidator(_of_language), WithJsonSchema(_SCHEMA)]
