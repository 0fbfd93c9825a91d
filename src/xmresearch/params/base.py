"""What every study's params have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from xmresearch.data.names import OfLanguage
from xmresearch.errors import ParamsError
from xmresearch.identifiers.patterns import find
from xmresearch.params.messages import describe, most_telling


class StudyParams(BaseModel):
    """Parameters of one run; each study extends them. Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)

    study: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -")
    lang: Literal["en", "zh"] = Field("en", description="language of the report")
    title: OfLanguage | None = Field(
        None, description="of the report, one or by language {en: ..., zh: ...}; the study's own if absent"
    )
    client: OfLanguage | None = Field(None, description="for whom the report is, as shown under its title")
    fieldwork: OfLanguage | None = Field(None, description="when and how the answers were collected")

    @field_validator("name")
    @classmethod
    def _no_person(cls, name: str) -> str:
        if find(name):
            raise ValueError("the name stands in folders and reports, and tells who somebody is: choose another")
        return name

    @classmethod
    def from_namespace(cls, names: Mapping[str, Any]) -> Self:
        """Validate the variables of a notebook's parameters cell.

        Parameters
        ----------
        names : mapping
            Such as `globals()`; other names in it are ignored.

        Returns
        -------
        StudyParams

        Raises
        ------
        ParamsError
            A value is of the wrong type or out of range.
        """
        given = {field: names[field] for field in cls.model_fields if field in names}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ParamsError(*describe(cls, most_telling(error))) from None

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the files that the run reads, by the key that names them."""
        return {}
