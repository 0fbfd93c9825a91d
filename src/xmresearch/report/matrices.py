"""Matrices as the APA sets them: rows are numbered and named, columns have the numbers alone, and what says nothing is blank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.report.blocks import csv_text
from xmresearch.report.wording import DEFAULT_FORMAT

if TYPE_CHECKING:
    from xmresearch.report.wording import Wording

CELL_FORMAT = "r"


class Matrices:
    """What a report needs to show matrices; mixed into `xmresearch.report.compose.Report`."""

    wording: Wording
    _formats: Mapping[str, str]

    if TYPE_CHECKING:

        def _frame(self, data: Any) -> pd.DataFrame | None: ...
        def _show(self, kind: str, **content: Any) -> None: ...
        def _facts(self, results: Sequence[Any], more: Mapping[str, Any]) -> dict[str, Any]: ...
        def _head(self, column: str, statements: bool) -> str: ...
        def _word(self, column: str) -> str: ...

    def matrix(
        self, key: str, data: Any, lead: Sequence[str] = (), *, formats: Mapping[str, str] | None = None
    ) -> None:
        """Show a matrix of correlations, ratios or the like.

        Parameters
        ----------
        key : str
            Of its caption, and of its note where it has one, in the labels.
        data : DataFrame or None
            The first column names the rows; then those of `lead`; then one column per row, in the same order, named as the rows are. Its
            CSV file holds it so.
        lead : sequence of str
            Columns that stand before the matrix, such as mean and sd.
        formats : mapping, optional
            Formats of columns of `lead` where they differ from the usual.
        """
        frame = self._frame(data)
        if frame is None:
            return
        first, size = str(frame.columns[0]), len(frame)
        told, square = frame.iloc[:, :-size], frame.iloc[:, -size:].to_numpy(dtype="float64")
        specs, write = {**self._formats, **(formats or {})}, self.wording.number
        rows = []
        for k, row in enumerate(told.to_dict("records")):
            before = [write(row[c], specs.get(c, DEFAULT_FORMAT)) for c in lead]
            cells = ["" if j > k and pd.isna(r) else write(r, CELL_FORMAT) for j, r in enumerate(square[k])]
            rows.append([f"{k + 1}. {self.wording.name(row[first])}", *before, *cells])
        facts, plain = self._facts([], {}), self.wording.plain
        sheet = [[self._word(str(c)), specs.get(str(c), "")] for c in told.columns]
        sheet += [[self.wording.name(c), CELL_FORMAT] for c in frame.columns[-size:]]
        self._show(
            "table", key=key, caption=plain.text("tables", key, facts),
            note=plain.text("notes", key, facts) if self.wording.has("notes", key) else "",
            head=[self._head(first, False), *(self._head(c, False) for c in lead), *(str(k + 1) for k in range(size))],
            align=["left", *["right"] * (len(lead) + size)], rows=rows, csv=csv_text(frame), statements=False, sheet=sheet,
        )  # fmt: skip
