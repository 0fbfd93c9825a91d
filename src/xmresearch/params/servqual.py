"""Params of the SERVQUAL study."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from xmresearch.data.codebook_file import codebook_path, is_shipped
from xmresearch.data.config import DatasetSource, DataSource, FileSource, ScenarioSource, Screening
from xmresearch.errors import DataError
from xmresearch.params.base import StudyParams


class ServqualParams(StudyParams):
    """A SERVQUAL study; the defaults run the simulated service hall."""

    notebook: ClassVar[str] = "servqual.ipynb"

    study: Literal["servqual"] = "servqual"
    name: str = Field(
        "servqual", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the output folder: a-z, 0-9, _ and -"
    )
    data: DataSource = Field(ScenarioSource(), description="where the rows come from")
    codebook: str = Field(
        "servqual", min_length=1, description="a shipped instrument (servqual, service_hall) or the path of your own"
    )
    id_column: str | None = Field(None, description="respondent identifier, checked for duplicates")
    weight_column: str | None = Field(None, description="design weight, above zero")
    duration_column: str | None = Field(None, description="length of the interview in seconds")
    segments: list[str] = Field([], max_length=8, description="columns to report by")
    screening: Screening = Field(Screening(), description="what each screening rule does")
    outcome: str | None = Field(
        None, description="outcome item whose drivers are sought; the codebook's first if absent"
    )
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    min_answered: float = Field(0.5, gt=0, le=1, description="share of a dimension's items a respondent must answer")
    bootstrap: int = Field(2000, ge=200, le=100_000, description="bootstrap replicates")
    importance_cross: Literal["mean", "median", "scale_middle"] = Field(
        "mean", description="where the importance-performance quadrants meet"
    )
    min_cell: int = Field(10, ge=10, description="segments with fewer respondents are suppressed")
    seed: int = Field(20260101, ge=0, description="seed of every resampling")

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        return {
            "data": self.data, "codebook": self.codebook, "screening": self.screening, "id_column": self.id_column,
            "weight_column": self.weight_column, "duration_column": self.duration_column, "segments": self.segments,
        }  # fmt: skip

    def input_files(self, base: Path) -> dict[str, Path]:
        """Return the data file and the codebook, as far as they are files.

        Parameters
        ----------
        base : Path
            Folder of the params file.

        Returns
        -------
        dict of str to Path
            By key: data, codebook.

        Raises
        ------
        DataError
            A file does not exist.
        """
        files: dict[str, Path] = {}
        if isinstance(self.data, FileSource):
            path = base / self.data.path
            if not path.is_file():
                raise DataError(
                    f"data.path: the file '{self.data.path}' does not exist in '{path.parent}'.",
                    "Relative paths start from the folder of the params file.",
                )
            files["data"] = path
        elif isinstance(self.data, DatasetSource):
            from xmresearch.data.datasets import local_path

            found = local_path(self.data.name)
            if found is not None:
                files["data"] = found
        if not is_shipped(self.codebook):
            files["codebook"] = codebook_path(self.codebook, base)
        return files
