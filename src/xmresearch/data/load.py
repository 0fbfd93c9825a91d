"""Load the survey that a params file names: a file, a known data set or a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xmresearch.data.anonymity import anonymity_of
from xmresearch.data.codebook import Codebook
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import (
    DatasetSource,
    DataSource,
    FileSource,
    OwnRows,
    Protect,
    ScenarioSource,
    SqlSource,
    source_of,
)
from xmresearch.data.file_rules import renamed_to
from xmresearch.data.formats.table import Table
from xmresearch.data.numerals import require_settled
from xmresearch.data.one_file import read_file
from xmresearch.data.protection import protect
from xmresearch.data.remote.fetched import called_in_reports, located
from xmresearch.data.sampling_params import SamplingParams
from xmresearch.data.screening_params import Screening
from xmresearch.data.streamed_survey import columns_of, is_streamed, stream_survey
from xmresearch.data.survey import Survey, prepare_survey
from xmresearch.data.value_labels import hold_labels
from xmresearch.data.waves import Period, waves_of
from xmresearch.errors import DataError, Problems

if TYPE_CHECKING:
    pass

_Opened = tuple[Table | pd.DataFrame, str, pd.DataFrame | None, tuple[pd.Series, pd.DataFrame] | None]


def load_survey(
    data: DataSource | str | Path,
    *,
    codebook: str = "servqual",
    base: Path | None = None,
    screening: Screening | None = None,
    id_column: str | None = None,
    weight_column: str | None = None,
    duration_column: str | None = None,
    cluster_column: str | None = None,
    sampling: SamplingParams | None = None,
    segments: Sequence[str] = (),
    periods: Mapping[str, Period] | None = None,
    carried: Sequence[str] = (),
    keys: Sequence[str] = (),
    stream: bool = False,
) -> Survey:
    """Read, check and screen a survey.

    Parameters
    ----------
    data : ScenarioSource, DatasetSource, FileSource, str or Path
        Where the rows come from; a path is that of a file of any form that is known.
    codebook : str
        A shipped instrument, or the path of a codebook.
    base : Path, optional
        Folder that relative paths start from; the working directory if absent.
    screening, id_column, weight_column, duration_column, cluster_column, sampling, segments
        As for `prepare_survey`.
    periods : mapping, optional
        What the dates of a segment column are put into, by column: month, quarter, half_year or year.
    carried : sequence of str
        Further columns, or questions with several answers as the file's form knows them; those that are there are passed on to the survey.
    keys : sequence of str
        Those of them whose values tell rows apart, such as who rated; identifiers of persons in them are replaced.
    stream : bool
        Go through a survey that is larger than is read at once a block at a time; see `xmresearch.data.streamed_survey`.

    Returns
    -------
    Survey

    Raises
    ------
    DataError, CodebookError, InsufficientData
        See `read_survey`, `load_codebook` and `prepare_survey`.
    """
    problems = Problems()
    with problems.step():
        book = load_codebook(codebook, base)
    given = source_of(data)
    place = located(given, base or Path()) if stream and isinstance(given, FileSource | SqlSource) else None
    if place is not None and isinstance(given, FileSource | SqlSource) and is_streamed(place):
        problems.settle()
        book, absent = _present(book, columns_of(given, place))
        _require_no_answer(given, book)
        asked = {
            "weight_column": weight_column, "cluster_column": cluster_column, "sampling": sampling is not None and sampling.given,
            "periods": periods,
        }  # fmt: skip
        return stream_survey(
            given, place, book, base, absent=absent, screening=screening, duration_column=duration_column, segments=segments, refused=asked
        )  # fmt: skip
    with problems.step():
        plain = [c for c in (id_column, weight_column, duration_column, cluster_column) if c is not None]
        design = [*sampling.columns.values()] if sampling else []
        plain += [c for c in design if sampling and c not in sampling.margins]
        opened = _open_survey(source_of(data), base, weighted=weight_column is not None, exempt=plain)
    problems.settle()
    table, source, truth, population = opened
    if isinstance(table, Table):
        used = [*(c.name for c in book.columns), *plain, *design, *segments]
        table = renamed_to(table, [*used, *carried])
        used += _columns_of(table, carried)
        with problems.step():
            ids = [id_column, *keys, *([sampling.strata, sampling.clusters] if sampling else [])]
            table = protect(
                table, _protection(data), base, used=[*used, *_quasi(data)], ids=[c for c in ids if c is not None]
            )
            _require_groups(table, segments)
        problems.settle()
        with problems.step():
            require_settled(table.doubts, plain)
    with problems.step():
        table = _in_periods(table, periods or {}, source_of(data))
    book, absent = _present(book, list(map(str, _rows(table).columns)))
    with problems.step():
        _require_no_answer(source_of(data), book)
    if isinstance(table, Table):
        table = hold_labels(table, book, problems)
    prepared = []
    with problems.step():
        prepared.append(prepare_survey(
            _rows(table), book, screening=screening, id_column=id_column, weight_column=weight_column,
            duration_column=duration_column, cluster_column=cluster_column, sampling=sampling, segments=segments, source=source,
            truth=truth, population=population, notes=absent,
            texts=[p.column for p in table.protected if (p.kind, p.done) == ("open_text", "scrubbed")] if isinstance(table, Table) else (),
            apart=table.apart if isinstance(table, Table) else None, carried=_columns_of(table, carried),
            table=table.without_rows() if isinstance(table, Table) else None,
        ))  # fmt: skip
    problems.settle()
    survey = prepared[0]
    if not isinstance(table, Table):
        return survey
    quasi = [c for c in _protection(data).quasi_identifiers or segments if c in table.frame.columns]
    return replace(survey, anonymity=anonymity_of(table.frame, quasi, _protection(data).sensitive))


def _protection(data: DataSource | str | Path) -> Protect:
    return data.protect if isinstance(data, OwnRows) else Protect()


def _columns_of(table: Table | pd.DataFrame, carried: Sequence[str]) -> list[str]:
    """Return the columns that are carried: those named, and the options of questions that are."""
    there, several = set(map(str, _rows(table).columns)), table.several if isinstance(table, Table) else {}
    named = [c for name in carried for c in ((name,) if name in there else several.get(name, ()))]
    return [c for c in dict.fromkeys(named) if c in there]


def _quasi(data: DataSource | str | Path) -> list[str]:
    """Return the columns that are kept for the report on anonymity alone."""
    asked = _protection(data)
    return [*asked.quasi_identifiers, *([asked.sensitive] if asked.sensitive else [])]


def _require_groups(table: Table, segments: Sequence[str]) -> None:
    """Refuse segments that tell who somebody is."""
    for found in table.protected:
        if found.column in segments and found.done not in ("kept", "scrubbed"):
            raise DataError(
                f"segments: column '{found.column}' holds identifiers of persons ({found.kind}), which make no groups.",
                "Remove it from 'segments', or name it in data.protect.keep if it does not tell who somebody is.",
            )


def _in_periods(table: Table | pd.DataFrame, periods: Mapping[str, Period], data: DataSource) -> Table | pd.DataFrame:
    frame, order = _rows(table), data.dates if isinstance(data, OwnRows) else None
    put = {c: waves_of(frame[c], period, order=order) for c, period in periods.items() if c in frame.columns}
    frame = frame.assign(**put) if put else frame
    return replace(table, frame=frame) if isinstance(table, Table) else frame


def _rows(table: Table | pd.DataFrame) -> pd.DataFrame:
    return table.frame if isinstance(table, Table) else table


def _require_no_answer(data: DataSource, book: Codebook) -> None:
    """Refuse codes for no answer that are answers of an item's scale."""
    codes = data.missing_codes if isinstance(data, OwnRows) else []
    for column in book.columns:
        named = codes.get(column.name, []) if isinstance(codes, dict) else codes
        inside = [
            c
            for c in named
            if isinstance(c, int | float)
            and not isinstance(c, bool)
            and column.scale.minimum <= c <= column.scale.maximum
        ]
        if inside:
            raise DataError(
                f"data.missing_codes: {inside[0]:g} is an answer of '{column.name}', whose scale is "
                f"{column.scale.minimum:g}-{column.scale.maximum:g}.",
                "Name the columns in which it means no answer: missing_codes: {column: [code]}; or correct the scale.",
            )


def _open_survey(data: DataSource, base: Path | None, *, weighted: bool, exempt: Sequence[str]) -> _Opened:
    """Return rows and their source, and of a simulated survey truth and population."""
    if isinstance(data, ScenarioSource):
        from xmresearch.data.scenarios.service_hall import ServiceHall

        hall = ServiceHall(data.n, data.seed, missing=data.missing, careless=data.careless)
        return hall.survey(), data.name, hall.truth(weighted=weighted), hall.population(weighted=weighted)
    if isinstance(data, DatasetSource):
        from xmresearch.data.datasets import load_dataset

        return load_dataset(data.name), data.name, None, None
    table, source = read_file(data, base, exempt), called_in_reports(data)
    plain = table.encoding in ("", "utf-8-sig", "utf-8")
    return table, source if plain else f"{source} ({table.encoding})", None, None


def _present(codebook: Codebook, available: Sequence[str]) -> tuple[Codebook, tuple[str, ...]]:
    """Drop what an instrument offers but the survey did not ask: importance as a whole, single outcomes."""
    absent = [c for c in codebook.columns if c.name in codebook.optional and c.name not in available]
    if any(c.name in available for c in codebook.select("importance")):
        absent = [c for c in absent if c.kind != "importance"]
    if not absent:
        return codebook, ()
    kept = tuple(c for c in codebook.columns if c not in absent)
    return replace(codebook, columns=kept), tuple(c.name for c in absent)
