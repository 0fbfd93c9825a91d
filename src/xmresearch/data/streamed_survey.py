"""Surveys that are larger than is read at once: prepared a block at a time by the rules of any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.apart_answers import apart_answers
from xmresearch.data.cell_values import cell_text
from xmresearch.data.codebook import Codebook
from xmresearch.data.column_names import new_names
from xmresearch.data.config import FileSource, OwnRows, SqlSource
from xmresearch.data.drawn import category_labels
from xmresearch.data.file_rules import by_settings, renamed_to
from xmresearch.data.formats.table import Table
from xmresearch.data.protected_scan import protect_scan
from xmresearch.data.readers import file_format, scan_parts, scan_survey
from xmresearch.data.remote.fetched import Located, called_in_reports
from xmresearch.data.screening import ScreeningLog, numeric_items, require_in_range, screen, screened_items
from xmresearch.data.screening_params import DuplicateRowRule, Screening
from xmresearch.data.survey import MAX_SEGMENT_LEVELS, Survey
from xmresearch.data.survey_checks import check_columns
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError, InsufficientData, Problems, XMError, brief

if TYPE_CHECKING:
    import polars as pl

LARGE_CSV = 200_000_000
"""Bytes from which on a CSV is streamed rather than read."""
LARGE_ROWS = 1_000_000
"""Rows of Parquet above which a survey is streamed rather than read."""
BLOCK_ROWS = 200_000
NEED_ROWS = ("duplicate_ids", "duplicate_rows")
"""Screening rules that hold respondents against one another, which needs all of them at once."""


def rows_of_parquet(path: Path) -> int:
    """Count the rows of a Parquet file, or of a folder of them, without reading them; 0 of anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    try:
        return sum(pq.read_metadata(file).num_rows for file in files)
    except (pa.ArrowException, OSError):
        return 0


def is_streamed(place: Located) -> bool:
    """Say whether a survey is larger than is read at once.

    Parameters
    ----------
    place : Located
        Where it is.

    Returns
    -------
    bool
        Of Parquet with more than `LARGE_ROWS` rows, of a CSV of at least `LARGE_CSV` bytes, and of a folder in an object store.
    """
    path = place.path
    if place.parts:
        return True
    if path.is_dir():
        return rows_of_parquet(path) > LARGE_ROWS
    if not path.is_file():
        return False
    if _is_parquet(path):
        return rows_of_parquet(path) > LARGE_ROWS
    return path.stat().st_size >= LARGE_CSV and file_format(path, place.settings) == "csv"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def read_folder(path: Path) -> Table:
    """Read a folder of Parquet that is no larger than is read at once.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        It holds no Parquet file, or files of other columns or types.
    """
    import polars as pl

    try:
        frame = scan_survey(path).collect().to_pandas()
    except pl.exceptions.PolarsError:
        raise _unlike(path) from None
    return Table(frame, "parquet", f"a folder of {len(list(path.glob('*.parquet')))} files")


def _unlike(path: Path) -> DataError:
    return DataError(
        f"The files of '{path.name}' cannot be read together.", "All need the same columns of the same types."
    )


def stream_survey(
    data: FileSource | SqlSource, place: Located, book: Codebook, base: Path | None = None, *, absent: tuple[str, ...] = (), screening: Screening | None = None,
    duration_column: str | None = None, segments: Sequence[str] = (), refused: Mapping[str, Any] | None = None,
) -> Survey:  # fmt: skip
    """Check and screen a survey a block at a time.

    Parameters
    ----------
    data : FileSource or SqlSource
        What the params say of its columns, rows and cells.
    place : Located
        Where it is.
    book : Codebook
        What its columns measure, of those that it has.
    base : Path, optional
        Folder that relative paths start from.
    absent : tuple of str
        Items of the instrument that it lacks.
    screening, duration_column, segments
        As for `xmresearch.data.survey.prepare_survey`.
    refused : mapping of str to object
        Settings that need all rows at once, by name; any that is given is refused.

    Returns
    -------
    Survey
        Its frame is `StreamedAnswers`; the screening log lacks the rules in `NEED_ROWS`.

    Raises
    ------
    DataError
        As for `prepare_survey`, of the first block in which something is wrong; a setting that needs all rows at once.
    InsufficientData
        Fewer than ten respondents are left, or an item has too few answers.
    """
    source, rules = place.name, screening or Screening()
    _require_possible(data, source, refused or {})
    rows = opened(place)
    rows, protected = protect_scan(rows, data.protect, base)
    names = [*(c.name for c in book.columns), *segments, *([duration_column] if duration_column else [])]
    work = _Blocks(data, book, rules, duration_column, tuple(segments), source)
    for first, block in _even(rows):
        try:
            work.add(block, names)
        except XMError as error:
            last = first + len(block)
            raise type(error)(f"Rows {first + 1:,} to {last:,} of '{source}': {error.problem}", error.hint) from None
    work.settle()
    _require_groups(protected, segments)
    form = "parquet" if place.is_folder or _is_parquet(place.path) else "csv"
    table = Table(
        pd.DataFrame(), form, "streamed, not read at once", left_out=work.left_out, coded_missing=work.coded,
        protected=protected, notes=tuple(work.notes),
    )  # fmt: skip
    made: Any = work.answers
    said = place.described(table)
    return Survey(
        made, book, None, tuple(segments), work.log(), called_in_reports(data), notes=absent, table=said
    )  # fmt: skip


def opened(place: Located) -> pl.LazyFrame:
    """Return the rows of a survey as they are, not read."""
    if place.parts:
        return scan_parts(place.parts)
    if place.path.is_dir() or _is_parquet(place.path):
        return scan_survey(place.path)
    return scan_survey(place.path, delimiter=place.settings.delimiter, encoding=place.settings.encoding)


def columns_of(data: OwnRows, place: Located) -> list[str]:
    """Return the names of a survey's columns, as the params have them renamed; nothing is read but the header."""
    found = list(opened(place).collect_schema())
    names = new_names(found, data.columns, lower=data.header_case == "lower", name=place.name)
    return [names.get(c, c) for c in found]


def _require_possible(data: OwnRows, source: str, refused: Mapping[str, Any]) -> None:
    problems = Problems()
    given = [
        *(k for k, v in refused.items() if v),
        *(f"data.{k}" for k in ("join", "decimal", "thousands") if getattr(data, k, None)),
    ]
    for name in given:
        problems.errors.append(
            DataError(
                f"{name}: '{source}' has more rows than are read at once, and this setting needs all of them.",
                f"Leave it out, or give at most {LARGE_ROWS:,} rows of Parquet (a sample, or a part of the survey).",
            )
        )
    problems.settle()


def _require_groups(protected: Sequence[Any], segments: Sequence[str]) -> None:
    for found in protected:
        if found.column in segments and found.done not in ("kept", "scrubbed"):
            raise DataError(
                f"segments: column '{found.column}' holds identifiers of persons ({found.kind}), which make no groups.",
                "Remove it from 'segments', or name it in data.protect.keep if it does not tell who somebody is.",
            )


def _even(rows: pl.LazyFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Give blocks of `BLOCK_ROWS` rows, whatever pieces they are read in, and the place of the first row of each."""
    import polars as pl

    first, held = 0, None
    try:
        for batch in rows.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True, engine="streaming"):
            held = batch if held is None else pl.concat([held, batch])
            while len(held) >= BLOCK_ROWS:
                yield first, held[:BLOCK_ROWS].to_pandas()
                first, held = first + BLOCK_ROWS, held[BLOCK_ROWS:]
    except pl.exceptions.PolarsError:
        raise DataError(
            "The data cannot be read to their end.",
            "All rows, and all files of a folder, need the same columns of the same types.",
        ) from None
    if held is not None and len(held):
        yield first, held.to_pandas()


class _Blocks:
    """Prepares blocks, and keeps what is said of all of them."""

    def __init__(
        self, data: OwnRows, book: Codebook, rules: Screening, duration_column: str | None, segments: tuple[str, ...], source: str
    ) -> None:  # fmt: skip
        self.rules = rules.model_copy(update={"duplicate_rows": DuplicateRowRule(action="off")})
        self.data, self.book, self.segments, self.source = data, book, segments, source
        self.duration_column = duration_column
        self.answers = StreamedAnswers([c.name for c in book.columns], segments)
        self.left_out: dict[str, int] = {}
        self.coded: dict[str, int] = {}
        self.notes: list[str] = []
        self._logs: list[ScreeningLog] = []
        self._met: dict[str, set[str]] = {name: set() for name in data.where}
        self._counts: dict[str, dict[float, int]] = {c.name: {} for c in book.columns}

    def add(self, frame: pd.DataFrame, names: Sequence[str]) -> None:
        """Prepare a block, and keep its answers."""
        table = by_settings(
            Table(frame, "parquet", ""), self.data.model_copy(update={"where": {}}), self.source, self._exempt()
        )
        table = renamed_to(table, [*names, *self.data.where])
        raw = self._where(table.frame)
        for name, count in table.coded_missing.items():
            self.coded[name] = self.coded.get(name, 0) + count
        problems = Problems()
        asked = {} if self.duration_column is None else {"duration_column": self.duration_column}
        check_columns(raw, self.book, asked, self.segments, problems)
        self._require_numbers(raw, problems)
        problems.settle()
        if not len(raw):
            return
        raw, _ = apart_answers(raw.reset_index(drop=True), self.book, None)
        items, _ = numeric_items(raw, self.book, problems)
        if self.rules.out_of_range.action == "error":
            items = require_in_range(items, self.book, problems)
        problems.settle()
        items, keep, log = screen(raw, items, self.book, self.rules, duration_column=self.duration_column)
        self._logs.append(log)
        kept = items.loc[keep].reset_index(drop=True)
        for column in self.book.columns:
            if column.reverse:
                kept[column.name] = column.scale.minimum + column.scale.maximum - kept[column.name]
            values, counts = np.unique(kept[column.name].dropna().to_numpy(), return_counts=True)
            seen = self._counts[column.name]
            for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                seen[value] = seen.get(value, 0) + count
        for name in self.segments:
            text = category_labels(raw.loc[keep, name])
            kept[name] = text.astype(object).where(text.notna(), None).to_numpy()
        self.answers.append(kept)

    def _exempt(self) -> list[str]:
        return [*self.segments, *([self.duration_column] if self.duration_column else [])]

    def _where(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Leave out the rows that the params do not ask for, and count them."""
        for column, allowed in self.data.where.items():
            if column not in frame.columns:
                raise DataError(f"data.where: the data have no column '{brief(column)}'.")
            codes, uniques = pd.factorize(frame[column], use_na_sentinel=True)
            texts, wanted = [cell_text(u) for u in uniques], {cell_text(a) for a in allowed}
            self._met[column] |= wanted & set(texts)
            keep = np.array([*(t in wanted for t in texts), False], dtype=bool)[codes]
            if out := int((~keep).sum()):
                rule = f"data.where ({brief(column)}: {', '.join(map(brief, allowed))})"
                self.left_out[rule] = self.left_out.get(rule, 0) + out
            frame = frame.loc[keep]
        return frame

    def _require_numbers(self, raw: pd.DataFrame, problems: Problems) -> None:
        """Refuse words whose meaning the codebook does not give: a block need not hold all words of a scale."""
        for column in self.book.columns:
            if column.name not in raw or pd.api.types.is_numeric_dtype(raw[column.name]) or column.scale.values:
                continue
            given = raw[column.name]
            if (pd.to_numeric(given, errors="coerce").isna() & given.notna()).any():
                problems.errors.append(
                    DataError(
                        f"Column '{column.name}' holds answers in words, and there are more rows than are read at once.",
                        "Say what the words mean in the codebook ('values' below the item's scale), or write numbers.",
                    )
                )

    def settle(self) -> None:
        """Raise what is wrong with all blocks together."""
        problems = Problems()
        for name, met in self._met.items():
            if not met:
                problems.errors.append(
                    DataError(f"data.where: column '{brief(name)}' of '{self.source}' has none of the values.")
                )
        problems.settle()
        kept = len(self.answers)
        if kept < MIN_CELL:
            received = sum(log.received for log in self._logs)
            raise InsufficientData(
                f"{kept} of {received} respondent(s) are left after screening; a report needs at least {MIN_CELL}.",
                "Groups that small are never published.",
            )
        judged = set(screened_items(self.book)[0])
        for column in self.book.columns:
            seen = self._counts[column.name]
            if sum(seen.values()) < MIN_CELL:
                problems.errors.append(
                    InsufficientData(
                        f"Column '{column.name}' holds fewer than {MIN_CELL} answers; so few are never published.",
                        "Remove the item from the codebook, or the column from the file.",
                    )
                )
            elif len(seen) == 1 and column.name in judged and self.rules.constant_items.action == "error":
                problems.errors.append(
                    InsufficientData(
                        f"Column '{column.name}' is constant: all answers are {next(iter(seen)):g}.",
                        "Remove the item from the codebook, or set screening.constant_items.action to flag.",
                    )
                )
        for name in self.segments:
            levels = self.answers.levels(name)
            if not levels:
                problems.errors.append(
                    DataError(f"Segment column '{name}' is empty.", "Remove it from 'segments', or fill it.")
                )
            if len(levels) > MAX_SEGMENT_LEVELS:
                problems.errors.append(
                    DataError(
                        f"Segment column '{name}' has {len(levels)} different values; at most {MAX_SEGMENT_LEVELS} can be reported.",
                        "Group them first (age into bands, dates into quarters).",
                    )
                )
        problems.settle()

    def log(self) -> ScreeningLog:
        """Return what screening did in all blocks."""
        rules = pd.concat([log.rules for log in self._logs], ignore_index=True)
        first = rules.drop_duplicates("rule").set_index("rule")
        sums = rules.groupby("rule", sort=False)[["flagged", "removed"]].sum()
        order = sorted(first.index, key=lambda rule: rule != "empty_row")
        table = first.loc[order, ["setting", "action"]].join(sums).reset_index()
        received, kept = sum(log.received for log in self._logs), sum(log.kept for log in self._logs)
        table["remaining"] = received - table["removed"].cumsum()
        shares = [(log.missing_share, log.kept) for log in self._logs if log.kept]
        missing = float(np.average([s for s, _ in shares], weights=[n for _, n in shares])) if shares else float("nan")
        return ScreeningLog(received, kept, table, missing)
