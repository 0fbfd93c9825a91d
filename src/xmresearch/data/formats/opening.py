"""The beginning of a file, as far as it takes to tell which form it has."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import pandas as pd

from xmresearch.data.config import FileSource
from xmresearch.data.delimited import opened, read_delimited
from xmresearch.data.workbook import first_rows, read_sheet
from xmresearch.display import Shown

PEEKED = 40
_PART = 1 << 18
_TEXT = (".csv", ".tsv", ".txt", ".tab", ".dat")
_BOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True, repr=False)
class Opening(Shown):
    """What is known of a file before it is read.

    Attributes
    ----------
    path : Path
        The file; it exists.
    settings : FileSource
        What the params say of it.
    """

    path: Path
    settings: FileSource

    @cached_property
    def magic(self) -> bytes:
        """The first 16 bytes."""
        with self.path.open("rb") as file:
            return file.read(16)

    @property
    def is_text(self) -> bool:
        """Whether cells are separated by marks in text."""
        return self.settings.format == "csv" or self.path.suffix.lower() in _TEXT

    @property
    def is_workbook(self) -> bool:
        """Whether it is a workbook of the kind that openpyxl reads."""
        return self.settings.format == "excel" or self.path.suffix.lower() in _BOOKS

    @property
    def delimiter(self) -> str:
        """What separates cells: as given, otherwise a tab for .tsv and a comma for the rest."""
        return self.settings.delimiter or ("\t" if self.path.suffix.lower() == ".tsv" else ",")

    @cached_property
    def rows(self) -> list[list[str]]:
        """The first records as texts, with blank cells as ''; none where it is neither text nor a workbook.

        Raises
        ------
        DataError
            It cannot be decoded, or is no workbook.
        """
        if self.is_workbook:
            cells = first_rows(self.path, self.settings.sheet, PEEKED)
            return [["" if v is None else str(v) for v in row] for row in cells]
        if not self.is_text:
            return []
        source, _ = opened(self.path, self.settings.encoding)
        if isinstance(source, Path):
            with source.open("rb") as file:
                raw = file.read(_PART)
        else:
            raw = source[:_PART]
        text = io.StringIO(raw.decode("utf-8-sig", errors="ignore"), newline="")
        try:
            return [[c.strip() for c in row] for row in islice(csv.reader(text, delimiter=self.delimiter), PEEKED)]
        except csv.Error:
            return []

    def body(self, names: Sequence[str] | None = None, first: int = 1) -> tuple[pd.DataFrame, str]:
        """Read the rows.

        Parameters
        ----------
        names : sequence of str, optional
            Of the columns; those of the record above the first row if absent.
        first : int
            How many records come before the first row.

        Returns
        -------
        frame : DataFrame
            By the rules of `scan_delimited` and `read_sheet`.
        encoding : str
            How text was decoded; '' of a workbook.

        Raises
        ------
        DataError
            See there.
        """
        if self.is_workbook:
            return read_sheet(self.path, self.settings.sheet, names=names, first=first), ""
        frame = read_delimited(self.path, None, self.delimiter, self.settings.encoding, names=names, first=first)
        return frame, str(frame.attrs["encoding"])
