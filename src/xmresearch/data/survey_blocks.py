"""Blocks of a survey that is larger than is read at once, checked and screened by the rules of any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.apart_answers import apart_answers
from xmresearch.data.cell_values import cell_text
from xmresearch.data.codebook import Codebook
from xmresearch.data.config import OwnRows
from xmresearch.data.drawn import category_labels
from xmresearch.data.file_rules import by_settings, renamed_to
from xmresearch.data.formats.table import Table
from xmresearch.data.screening import ScreeningLog, numeric_items, require_in_range, screen, screened_items
from xmresearch.data.screening_params import DuplicateRowRule, Screening
from xmresearch.data.survey import MAX_SEGMENT_LEVELS
from xmresearch.data.survey_checks import check_columns
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError, InsufficientData, Problems, brief


class SurveyBlocks:
    """Prepares blocks of a survey one after the other, and keeps what is said of all of them.

    Parameters
    ----------
    data : FileSource or SqlSource
        What the params say of columns, rows and cells.
    book : Codebook
        What the columns measure.
    rules : Screening
        What each rule does; those that hold respondents against one another do nothing.
    duration_column : str or None
        Length of the interview in seconds.
    segments : tuple of str
        Columns to report by.
    source : str
        What messages call the survey.

    Attributes
    ----------
    answers : StreamedAnswers
        Of the respondents kept so far.
    left_out, coded : dict of str to int
        Rows that `where` leaves out, by rule; answers that are codes for none, by column.
    """

    def __init__(
        self, data: OwnRows, book: Codebook, rules: Screening, duration_column: str | None, segments: tuple[str, ...], source: str
    ) -> None:  # fmt: skip
        self.rules = rules.model_copy(update={"duplicate_rows": DuplicateRowRule(action="off")})
        self.data, self.book, self.segments, self.source = data, book, segments, source
        self.duration_column = duration_column
        self.answers = StreamedAnswers([c.name for c in book.columns], segments)
        self.left_out: dict[str, int] = {}
        self.coded: dict[str, int] = {}
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
