"""Load the survey that a params file names: a file, a known data set or a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from xmresearch.data.codebook import Codebook
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import DatasetSource, DataSource, FileSource, ScenarioSource, Screening
from xmresearch.data.readers import read_survey
from xmresearch.data.survey import Survey, prepare_survey


def load_survey(
    data: DataSource,
    *,
    codebook: str = "servqual",
    base: Path | None = None,
    screening: Screening | None = None,
    id_column: str | None = None,
    weight_column: str | None = None,
    duration_column: str | None = None,
    segments: Sequence[str] = (),
) -> Survey:
    """Read, check and screen the survey that a params file names.

    Parameters
    ----------
    data : ScenarioSource, DatasetSource or FileSource
        Where the rows come from.
    codebook : str
        A shipped instrument, or the path of a codebook.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    screening, id_column, weight_column, duration_column, segments
        As for `prepare_survey`.

    Returns
    -------
    Survey

    Raises
    ------
    DataError, CodebookError, InsufficientData
        See `read_survey`, `load_codebook` and `prepare_survey`.
    """
    book = load_codebook(codebook, base)
    truth: pd.DataFrame | None = None
    population: tuple[pd.Series, pd.DataFrame] | None = None
    source: str
    if isinstance(data, ScenarioSource):
        from xmresearch.data.scenarios.service_hall import ServiceHall

        hall = ServiceHall(data.n, data.seed, missing=data.missing, careless=data.careless)
        raw, truth, source = hall.survey(), hall.truth(weighted=weight_column is not None), data.name
        population = hall.population(weighted=weight_column is not None)
    elif isinstance(data, DatasetSource):
        from xmresearch.data.datasets import load_dataset

        raw, source = load_dataset(data.name), data.name
    else:
        raw, source = read_file(data, base), Path(data.path).name
        if raw.attrs.get("encoding", "utf-8-sig") not in ("utf-8-sig", "utf-8"):
            source = f"{source} ({raw.attrs['encoding']})"
    book, absent = _present(book, list(map(str, raw.columns)))
    return prepare_survey(
        raw, book, screening=screening, id_column=id_column, weight_column=weight_column,
        duration_column=duration_column, segments=segments, source=source, truth=truth, population=population, notes=absent,
    )  # fmt: skip


def read_file(data: FileSource, base: Path | None) -> pd.DataFrame:
    """Read the file that a params file names; a relative path starts from `base`."""
    return read_survey(
        (base or Path()) / data.path, format=data.format, delimiter=data.delimiter, encoding=data.encoding,
        sheet=data.sheet,
    )  # fmt: skip


def _present(codebook: Codebook, available: Sequence[str]) -> tuple[Codebook, tuple[str, ...]]:
    """Drop what an instrument offers but the survey did not ask: importance as a whole, single outcomes."""
    absent = [c for c in codebook.columns if c.name in codebook.optional and c.name not in available]
    if any(c.name in available for c in codebook.select("importance")):
        absent = [c for c in absent if c.kind != "importance"]
    if not absent:
        return codebook, ()
    kept = tuple(c for c in codebook.columns if c not in absent)
    return replace(codebook, columns=kept), tuple(c.name for c in absent)
