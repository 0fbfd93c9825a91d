"""What reading a file gives: its rows, and what the file itself says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd

from xmresearch.data.join_record import Join
from xmresearch.data.protected import Protected
from xmresearch.display import Shown

Role = Literal[
    "id", "duration", "started", "submitted", "status", "finished", "progress", "language", "weight", "channel", "preview",
    "ip", "email", "name", "phone", "location", "device", "external_id", "comment",
]  # fmt: skip
"""What a tool's convention says of a column; `ip` to `external_id` tell who somebody is, or may."""


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """Rows as read, with what their file says of them.

    Attributes
    ----------
    frame : DataFrame
        One row per respondent (or event), in file order; blank cells are missing.
    format : str
        By which form it was read, such as qualtrics.
    why : str
        What the form was recognised by, or that it was given.
    encoding : str
        How text was decoded; '' where the form has no choice.
    questions : mapping of str to str
        Wording of the question, by column.
    values : mapping of str to mapping
        Labels of coded answers, by column: code to label.
    roles : mapping of str to str
        What the tool's convention says the column is; see `Role`.
    several : mapping of str to tuple of str
        Questions with several answers: the columns of their options, or the one column that joins them.
    left_out : mapping of str to int
        Rows left out by the form's rules (previews, totals, notes), by rule.
    declared_missing : mapping of str to int
        Answers that the file declares as missing and that were blanked, by column.
    coded_missing : mapping of str to int
        Answers that the params name as codes for none and that were blanked, by column.
    apart : mapping of str to Series
        What those answers said, by column: label or text, under the row that it was blanked in.
    doubts : mapping of str to str
        Columns whose numbers can be read in two ways, with both; refused where such a column is used.
    joins : tuple of Join
        What joins with other files found.
    protected : tuple of Protected
        What became of columns with identifiers of persons.
    notes : tuple of str
        What a reader must know, in plain words; no value of a respondent is in them.
    """

    frame: pd.DataFrame
    format: str
    why: str
    encoding: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    declared_missing: Mapping[str, int] = field(default_factory=dict)
    coded_missing: Mapping[str, int] = field(default_factory=dict)
    apart: Mapping[str, pd.Series] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    protected: tuple[Protected, ...] = ()
    notes: tuple[str, ...] = ()

    def with_names(self, names: Mapping[str, str]) -> Table:
        """Return it with other names of columns, wherever it speaks of them.

        Parameters
        ----------
        names : mapping of str to str
            Name now to new name.

        Returns
        -------
        Table
        """
        if not names:
            return self

        def by_column(given: Mapping[str, Any]) -> dict[str, Any]:
            return {names.get(c, c): v for c, v in given.items()}

        return replace(
            self, frame=self.frame.rename(columns=dict(names)), questions=by_column(self.questions), values=by_column(self.values),
            roles=by_column(self.roles), declared_missing=by_column(self.declared_missing), doubts=by_column(self.doubts),
            coded_missing=by_column(self.coded_missing), apart=by_column(self.apart),
            several={names.get(q, q): tuple(names.get(c, c) for c in columns) for q, columns in self.several.items()},
        )  # fmt: skip

    def without_rows(self) -> Table:
        """Return what the file says of its rows, without them."""
        return replace(self, frame=self.frame.iloc[:0], apart={})

    def _head(self) -> Mapping[str, Any]:
        rows, columns = self.frame.shape
        return {"format": self.format, "rows": rows, "columns": columns, "left_out": sum(self.left_out.values())}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {}
