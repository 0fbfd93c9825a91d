"""What every study's params have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from xmresearch.data.config import DatasetSource, OwnRows
from xmresearch.data.names import OfLanguage
from xmresearch.errors import ParamsError
from xmresearch.identifiers.patterns import find
from xmresearch.params.actions import Action
from xmresearch.params.messages import describe, most_telling
from xmresearch.params.style import Style

CodeShown = Literal["hide", "fold", "show"]
FormatName = Literal["html", "pdf", "docx", "xlsx", "pptx"]


class StudyParams(BaseModel):
    """Parameters of one run; each study extends them. Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)

    shown_only: ClassVar[frozenset[str]] = frozenset({"formats", "code", "charts", "actions", "actions_file"})
    """Params that no figure depends on: notebooks do not get them, and a run's key does not change with them; but the action register,
    which every format shows, counts among its inputs: another one makes another report of the same fit."""

    front_only: ClassVar[frozenset[str]] = frozenset({"author", "organisation", "data_date", "style"})
    """Params of a report's front and look: notebooks do not get them, but the bytes of a report, and so its key, change with them."""

    of_rows: ClassVar[frozenset[str]] = frozenset({"fieldwork"})
    """Params that say which rows are read and reported; each study adds its own."""
    of_showing: ClassVar[frozenset[str]] = frozenset({"name", "lang", "title", "client"}) | front_only
    """Params that change how figures are shown, or how finely intervals are computed, and not what the figures mean."""
    of_claims: ClassVar[frozenset[str]] = frozenset()
    """Params, and keys within them, that claims are held against; the figures stay what they are."""

    of_own_data: ClassVar[Mapping[str, Any]] = {}
    """Defaults that stand in for those of the simulated demo where the params name other data."""

    study: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -")
    lang: Literal["en", "zh"] = Field("en", description="language of the report")
    title: OfLanguage | None = Field(
        None, description="of the report, one or by language {en: ..., zh: ...}; the study's own if absent"
    )
    client: OfLanguage | None = Field(None, description="for whom the report is, as shown under its title")
    fieldwork: OfLanguage | None = Field(None, description="when and how the answers were collected")

    author: OfLanguage | None = Field(None, description="who wrote the report, for its citation: 'Chen, L.; Li, M.'")
    organisation: OfLanguage | None = Field(None, description="who published it, for its citation")
    data_date: OfLanguage | None = Field(
        None, description="when the data are from, such as '2025-05 to 2025-06', for the report's citation"
    )
    style: Style = Field(Style(), description="the client's look: logo, accent, css, reference_docx, reference_pptx")

    formats: list[FormatName] = Field(
        ["html"],
        description="what the report is written as, beside HTML: pdf, docx (Word), xlsx (tables), pptx (slides)",
    )
    charts: bool = Field(
        False, description="whether the workbook draws the figures of estimates as charts that can be changed"
    )
    code: CodeShown = Field("fold", description="the cells' code in the HTML report: hide, fold or show")

    actions: list[Action] = Field(
        [], description="what is done about what the report says: [{action, claim or about, owner, due, target}, ...]"
    )
    actions_file: str | None = Field(
        None,
        min_length=1,
        description="CSV, Excel or YAML file with more of them: columns or keys action, claim, about, owner, due, target",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_own_data(cls, given: Any) -> Any:
        """Let what the demo has by default be absent where other data do not name it."""
        if not isinstance(given, Mapping):
            return given
        data = given.get("data")
        own = isinstance(data, OwnRows | DatasetSource) or (
            isinstance(data, Mapping)
            and (data.get("source") in ("file", "sql", "dataset") or not data.keys().isdisjoint({"path", "sql", "url"}))
        )
        return {**cls.of_own_data, **given} if own else given

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

    def determining(self) -> dict[str, Any]:
        """Return the params that the result depends on, as JSON: all but `shown_only`."""
        return self.model_dump(mode="json", exclude=set(self.shown_only))

    def of_notebook(self) -> dict[str, Any]:
        """Return the params that a notebook gets, as JSON: all but `shown_only` and `front_only`."""
        return self.model_dump(mode="json", exclude={*self.shown_only, *self.front_only})

    def style_files(self, base: Path) -> dict[str, Path]:
        """Return the files of the client's style, by key."""
        return {key: base / path for key, path in self.style.files().items()}

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the files that the run reads, by the key that names them."""
        return {}
