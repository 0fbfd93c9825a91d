"""The beginning of a file, as far as it takes to tell which form it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from xmresearch.data.config import FileSource
from xmresearch.data.delimited import check_header, opened, read_delimited
from xmresearch.data.formats.delimiters import CANDIDATES, find_delimiter, split_records
from xmresearch.data.formats.signature import ENDINGS, WORKBOOKS, signature
from xmresearch.data.numerals import Marks, as_numbers, find_numerals
from xmresearch.data.workbook import first_rows, read_sheet
from xmresearch.display import Shown
from xmresearch.errors import DataError

PEEKED = 40
_PART = 1 << 18
_TEXT = (".csv", ".tsv", ".txt", ".tab", ".dat")
_BOOKS = (".xlsx", ".xlsm", ".xls")


@dataclass(frozen=True, repr=False)
class Opening(Shown):
    """What is known of a file before it is read.

    Attributes
    ----------
    path : Path
        The file; it exists.
    settings : FileSource
        What the params say of it.
    said : list of str
        What a reader must know of the file, as far as it has been read.
    doubts : dict of str to str
        Columns that can be read in two ways, for `Table.doubts`.
    """

    path: Path
    settings: FileSource
    said: list[str] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)

    @property
    def top(self) -> int:
        """How many records at the top the params pass over."""
        return self.settings.passed_over

    @cached_property
    def kind(self) -> str:
        """What its first bytes say that it is; see `signature`."""
        return signature(self.path)

    @property
    def ending(self) -> str:
        """What its name ends in, in small letters."""
        return self.path.suffix.lower()

    @cached_property
    def is_text(self) -> bool:
        """Whether cells are separated by marks in text, as a file may be that is named as a workbook."""
        if self.kind or self.settings.format == "excel":
            return False
        return self.settings.format == "csv" or self.ending in _TEXT or (self.ending in _BOOKS and self._has_columns)

    @cached_property
    def is_workbook(self) -> bool:
        """Whether it is a workbook of Excel, or something that is named as one and is no text."""
        if self.kind in WORKBOOKS:
            return True
        named = self.settings.format == "excel" or self.ending in _BOOKS
        return named and self.kind in ("", "zip") and not self.is_text

    @property
    def _has_columns(self) -> bool:
        """Whether there are lines of text with marks between cells."""
        try:
            lines = self.beginning.splitlines()
        except DataError:
            return False
        return (
            len(lines) > 1
            and lines[0].replace("\t", " ").isprintable()
            and any(mark in lines[0] for mark in CANDIDATES)
        )

    def misnamed(self) -> str:
        """Say what it is where its ending says otherwise; '' where it does not."""
        what, endings = ENDINGS.get(self.kind, ("", ()))
        if self.is_text and self.ending in _BOOKS:
            what, endings = "text", _TEXT
        return (
            f"The file is {what}, though its name ends in '{self.ending}'."
            if what and self.ending not in endings
            else ""
        )

    @cached_property
    def _source(self) -> tuple[Path | bytes, str]:
        return opened(self.path, self.settings.encoding)

    @property
    def encoding(self) -> str:
        """How text is decoded; raises DataError where that is not settled."""
        return self._source[1]

    def text(self, most: int) -> str:
        """Return the first part of a text, in whole lines.

        Parameters
        ----------
        most : int
            Bytes at most.

        Returns
        -------
        str

        Raises
        ------
        DataError
            It is empty or cannot be decoded.
        """
        source, _ = self._source
        if isinstance(source, Path):
            with source.open("rb") as file:
                raw = file.read(most)
        else:
            raw = source[:most]
        found = raw.decode("utf-8-sig", errors="ignore")
        return found[: found.rfind("\n") + 1] or found if len(raw) == most else found

    @cached_property
    def beginning(self) -> str:
        """The first 256 kB of a text, in whole lines; raises DataError as `text` does."""
        return self.text(_PART)

    @property
    def _below_top(self) -> str:
        return "".join(self.beginning.splitlines(keepends=True)[self.top :]) or self.beginning

    @cached_property
    def delimiter(self) -> str:
        """What separates cells: as given, otherwise a tab for .tsv and what the first records show for the rest.

        Raises
        ------
        DataError
            What is given cannot separate columns; or see `find_delimiter`.
        """
        given = self.settings.delimiter
        if given is not None:
            if given in '\r\n"':
                raise DataError(
                    f"{given!r} cannot separate columns.", "Set data.delimiter to a comma, semicolon or tab."
                )
            return given
        return "\t" if self.path.suffix.lower() == ".tsv" else find_delimiter(self._below_top, self.path.name)

    @cached_property
    def rows(self) -> list[list[str]]:
        """The first records as texts, with blank cells as ''; none where it is neither text nor a workbook.

        Those that the params pass over are not among them.

        Raises
        ------
        DataError
            It cannot be decoded, is no workbook, or has no more records than are passed over.
        """
        if self.is_workbook:
            cells = first_rows(self.path, self.settings.sheet, self.top + PEEKED, self.settings.encoding)
            found = [["" if v is None else str(v) for v in row] for row in cells]
        else:
            found = split_records(self.beginning, self.delimiter, self.top + PEEKED) if self.is_text else []
        if self.top >= len(found) and self.top and (self.is_text or self.is_workbook):
            raise DataError(
                f"'{self.path.name}' has no record below the first {self.top} that are passed over.",
                "Correct data.skip_rows or data.header_row.",
            )
        return found[self.top :]

    def body(self, names: Sequence[str] | None = None, first: int = 1) -> tuple[pd.DataFrame, str]:
        """Read the rows.

        Parameters
        ----------
        names : sequence of str, optional
            Of the columns; those of the record above the first row if absent.
        first : int
            How many records come before the first row, without those that the params pass over.

        Returns
        -------
        frame : DataFrame
            By the rules of `scan_delimited` and `read_sheet`, with numbers by the marks of the file.
        encoding : str
            How text was decoded; '' of a workbook.

        Raises
        ------
        DataError
            See there.
        """
        if self.top:
            names = check_header(self.rows[first - 1], self.path.name) if names is None else names
            first += self.top
            self.said.append(f"{self.top} record(s) at the top were passed over, as the params say.")
        if self.is_workbook:
            frame = read_sheet(
                self.path, self.settings.sheet, names=names, first=first, encoding=self.settings.encoding
            )
            self.said.extend(frame.attrs.pop("notes", ()))
            return self._by_marks(frame), ""

        def read(*, as_text: bool = False) -> pd.DataFrame:
            return read_delimited(
                self.path, None, self.delimiter, self.settings.encoding, names=names, first=first, as_text=as_text,
                source=self._source,
            )  # fmt: skip

        return self._by_marks(read(), lambda: read(as_text=True)), self.encoding

    def _by_marks(self, frame: pd.DataFrame, as_text: Callable[[], pd.DataFrame] | None = None) -> pd.DataFrame:
        """Read numbers in text by the marks of the file, and note what is doubtful."""
        marks = (self.settings.decimal, self.settings.thousands)
        lists = self.is_workbook or self.delimiter == ","
        found = find_numerals(frame, *marks, lists=lists)
        points = [c for c in frame.columns if pd.api.types.is_float_dtype(frame[c])]
        if as_text is not None and points and (found.doubts or found.columns or found.marks.decimal == ","):
            # a point read as a decimal mark may be one between thousands here
            written = as_text()
            frame = frame.assign(**{c: written[c] for c in points})
            found = find_numerals(frame, *marks, points, lists=lists)
        if found.columns:
            frame = frame.assign(**{c: as_numbers(frame[c], found.marks) for c in found.columns})
        plain = [c for c in points if c in frame and c not in found.columns and c not in found.doubts]
        frame = frame.assign(
            **{c: pd.to_numeric(frame[c]) for c in plain if not pd.api.types.is_numeric_dtype(frame[c])}
        )
        commas = [c for c in found.columns if c not in points or found.marks != Marks()]
        if commas and (found.marks.decimal == "," or found.marks.thousands):
            between = f", '{found.marks.thousands}' between thousands" if found.marks.thousands else ""
            self.said.append(
                f"Numbers of {len(commas)} column(s) have the decimal mark '{found.marks.decimal}'{between} ({found.why})."
            )
        self.doubts.update(found.doubts)
        return frame
