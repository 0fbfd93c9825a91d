"""Params of the study of verbatims."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from xmresearch.data.config import VerbatimSource, VoiceSource
from xmresearch.data.names import Labels
from xmresearch.errors import DataError, Problems
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

SHIPPED = Path(__file__).parent / "codeframes"
_OF_COLUMNS = ("date", "rating", "touchpoint", "customer", "sentiment", "themes", "themes_again")


class VoiceParams(StudyParams):
    """A study of verbatims; the defaults run the simulated service hall, and for data of one's own ask for nothing optional."""

    of_own_data: ClassVar[Mapping[str, Any]] = {**dict.fromkeys(_OF_COLUMNS), "change": None}
    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {"data", "text", "customer", "shortest"}
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {
        "labels",
        "confidence",
        "seed",
        "bootstrap",
        "min_cell",
        "quotes",
    }
    study: Literal["voice"] = "voice"
    name: str = Field(
        "voice", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: VerbatimSource = Field(VoiceSource(), description="where the rows come from")
    text: str = Field("text", min_length=1, description="column of what people wrote, in Chinese, English or both")
    codeframe: str = Field(
        "service_hall",
        min_length=1,
        description="themes by their terms: a shipped codeframe, or the path of your own (YAML)",
    )
    date: str | None = Field("date", min_length=1, description="column: when it was written")
    rating: str | None = Field(
        "rating", min_length=1, description="numeric column: satisfaction, recommendation, ..., or leaving as 0 and 1"
    )
    touchpoint: str | None = Field(
        "touchpoint", min_length=1, description="column: where it was said, such as a channel"
    )
    customer: str | None = Field("customer", min_length=1, description="column that says who wrote it; never shown")
    sentiment: str | None = Field(
        "sentiment",
        min_length=1,
        description="column: what people say of some texts, negative, neutral or positive (or -1, 0, 1); blank for others",
    )
    themes: str | None = Field(
        "themes",
        min_length=1,
        description="column: themes that people gave some texts, parted by ';' ('none' for none); blank for others",
    )
    themes_again: str | None = Field(
        "themes_again", min_length=1, description="column: the same of a second person, for how far people agree"
    )
    change: str | None = Field(
        "2025-07-01", description="day of a change, such as 2025-07-01; texts before and from then on are compared"
    )
    same_errors: bool = Field(
        False,
        description="whether the model is known to err alike in every month: months with fewer than 30 texts whose sentiment people told are then corrected by the errors on all of them, where tests do not speak against it; else they are withheld",
    )
    shortest: int = Field(2, ge=1, le=50, description="texts of fewer letters or Chinese characters are set aside")
    topics: int | None = Field(
        None, ge=2, le=40, description="topics of each language; as many as are stable if absent"
    )
    quotes: int = Field(2, ge=0, le=10, description="quotes of each theme; 0 for none")
    least_f1: float = Field(0.6, ge=0, le=1, description="mean F1 of themes from which on claims rest on them")
    least_auc: float = Field(0.75, ge=0.5, le=1, description="AUC of sentiment from which on claims rest on it")
    bootstrap: int = Field(2000, ge=200, le=100_000, description="joint draws over people")
    min_cell: int = Field(10, ge=10, description="groups with fewer people are suppressed")
    labels: dict[str, Labels] = Field({}, description="names of touchpoints in the report")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    seed: int = Field(20260101, ge=0, description="seed of every draw")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.change is not None:
            try:
                datetime.date.fromisoformat(self.change)
            except ValueError:
                raise ValueError(f"change is '{self.change}', which is no day: write it as 2025-07-01") from None
            if self.date is None:
                raise ValueError("change needs the day of each text: name the column as date")
        if self.themes_again is not None and self.themes is None:
            raise ValueError("themes_again is the second person's codes: name the first one's as themes")
        named = [self.text, *(c for c in (getattr(self, key) for key in _OF_COLUMNS) if c is not None)]
        twice = next((c for c in named if named.count(c) > 1), None)
        if twice is not None:
            raise ValueError(f"column '{twice}' is named twice: each column has one use")
        return self

    def columns(self) -> dict[str, str]:
        """Return the columns that are read, by their use."""
        given = {key: getattr(self, key) for key in _OF_COLUMNS}
        return {"text": self.text, **{key: c for key, c in given.items() if c is not None}}

    def row_settings(self) -> dict[str, Any]:
        """Return what `load_verbatims` needs of the params."""
        return {
            "data": self.data, "columns": list(self.columns().values()), "dates": [self.date] if self.date else [],
            "numbers": [self.rating] if self.rating else [],
        }  # fmt: skip

    def names(self) -> dict[str, dict[str, str]]:
        """Return labels by language."""
        return {lang: {key: getattr(label, lang) for key, label in self.labels.items()} for lang in ("en", "zh")}

    def codeframe_path(self, base: Path | None = None) -> Path:
        """Return the path of the codeframe.

        Raises
        ------
        DataError
            There is no such file.
        """
        shipped = {p.stem: p for p in sorted(SHIPPED.glob("*.yml"))}
        if self.codeframe in shipped:
            return shipped[self.codeframe]
        path = (base or Path()) / self.codeframe
        if not path.is_file():
            raise DataError(
                f"codeframe: there is no file '{path.name}'.",
                f"Name a file, or a shipped one: {', '.join(shipped)}.",
            )
        return path

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data file and the codeframe, as far as they are files."""
        files: dict[str, Path] = {}
        problems = Problems()
        with problems.step():
            files |= source_files(self.data, base, folders=False)
        with problems.step():
            path = self.codeframe_path(base)
            if path.parent != SHIPPED:
                files["codeframe"] = path
        problems.settle()
        return files
