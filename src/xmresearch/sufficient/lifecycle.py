"""Logs that hold several rows of one activity: when it was scheduled, started and completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmresearch.errors import DataError
from xmresearch.sufficient.sources import require_columns

if TYPE_CHECKING:
    import polars as pl

COLUMNS = frozenset({"lifecycle:transition", "lifecycle.transition", "lifecycle_transition", "lifecycle"})
TRANSITIONS = frozenset({
    "schedule", "assign", "withdraw", "reassign", "start", "suspend", "resume", "pi_abort", "ate_abort", "complete", "autoskip",
    "manualskip", "unknown",
})  # fmt: skip
COMPLETE = "complete"


def completed(source: pl.LazyFrame, column: str | None) -> pl.Expr | None:
    """Return which rows complete an activity; None where every row counts.

    Parameters
    ----------
    source : polars.LazyFrame
        The events.
    column : str or None
        Of the transitions; 'auto' looks for a column that is named as in XES and holds its standard transitions; None for none.

    Raises
    ------
    DataError
        There is no such column, or none of its rows is 'complete'.

    Notes
    -----
    A row without a transition counts.

    References
    ----------
    IEEE Standard for eXtensible Event Stream (XES), IEEE 1849-2016, lifecycle extension.
    """
    import polars as pl

    if column is None:
        return None
    schema = source.collect_schema()
    found = [column]
    if column == "auto":
        texts = (pl.String, pl.Categorical, pl.Enum)
        found = [n for n in schema.names() if n.casefold() in COLUMNS and isinstance(schema[n], texts)]
    for name in found:
        require_columns((name,), schema.names())
        text = pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()
        seen = set(source.select(text.unique()).collect(engine="streaming").to_series().to_list()) - {None, ""}
        if COMPLETE in seen and (column != "auto" or seen <= TRANSITIONS):
            return (text == COMPLETE).fill_null(value=True) | (text == "")
        if column != "auto":
            raise DataError(
                f"Column '{name}' never says '{COMPLETE}', so no event would count.",
                "Name the column of lifecycle transitions, or leave it out (lifecycle: null).",
            )
    return None
