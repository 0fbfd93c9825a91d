"""What the params of every study of a survey have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from xmresearch.data.codebook_file import codebook_path, is_shipped
from xmresearch.data.config import DataSource, ScenarioSource
from xmresearch.data.screening_params import Screening
from xmresearch.errors import Problems
from xmresearch.params.base import StudyParams
from xmresearch.params.files import source_files

if TYPE_CHECKING:
    from xmresearch.data.survey import Survey


class SurveyParams(StudyParams):
    """Parameters of a study that reads one survey."""

    of_rows: ClassVar[frozenset[str]] = StudyParams.of_rows | {
        "data", "invited", "id_column", "duration_column", "screening",
    }  # fmt: skip
    of_showing: ClassVar[frozenset[str]] = StudyParams.of_showing | {"confidence", "seed"}
    invited: int | None = Field(None, gt=0, description="people invited, for the response rate")
    data: DataSource = Field(ScenarioSource(), description="where the rows come from")
    codebook: str = Field(min_length=1, description="a shipped instrument or the path of your own")
    id_column: str | None = Field(None, description="respondent identifier, checked for duplicates")
    duration_column: str | None = Field(None, description="length of the interview in seconds")
    screening: Screening = Field(Screening(), description="what each screening rule does")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="level of every interval")
    seed: int = Field(20260101, ge=0, description="seed of every resampling")

    def survey_settings(self) -> dict[str, Any]:
        """Return what `load_survey` needs of the params."""
        return {
            "data": self.data, "codebook": self.codebook, "screening": self.screening, "id_column": self.id_column,
            "duration_column": self.duration_column,
        }  # fmt: skip

    def for_survey(self, survey: Survey) -> Self:
        """Return the params by which a survey is analysed: of one that is streamed, without what needs rows.

        Parameters
        ----------
        survey : Survey
            As these params open it.

        Returns
        -------
        SurveyParams
            These ones, unless the survey is streamed.

        Raises
        ------
        ParamsError
            What is asked for has no version on statistics.
        """
        return self.model_copy(update=self.on_statistics()) if survey.streamed else self

    def on_statistics(self) -> dict[str, Any]:
        """Return the settings that stand in where a survey is streamed; raises ParamsError for those that none can stand in for."""
        return {}

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
        problems = Problems()
        with problems.step():
            files |= source_files(self.data, base, folders=True)
        with problems.step():
            if not is_shipped(self.codebook):
                files["codebook"] = codebook_path(self.codebook, base)
        problems.settle()
        return files
