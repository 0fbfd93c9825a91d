"""Counts: how often each answer was given, by group and with weights. They add up, and hold no respondent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.sufficient.partitions import Partition, over_partitions, partitions_of
from xmresearch.sufficient.sources import blocks_of

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Counts(Shown):
    """Answers to one question, by group and answer.

    Attributes
    ----------
    answer : str
        Name of the question.
    groups : DataFrame
        One row per group, one column per name that the answers were counted by; a single row without columns where by none.
    levels : ndarray
        Distinct answers, or those declared, in order, shape (K,).
    n, weight, square : ndarray
        Rows, sum of weights and sum of squared weights, shape (groups, K).
    blank : ndarray
        Rows without an answer, shape (groups,).

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give. The squares are what variances of weighted figures need.
    """

    answer: str
    groups: pd.DataFrame
    levels: Array
    n: Array
    weight: Array
    square: Array
    blank: Array

    @classmethod
    def of(
        cls, frame: pd.DataFrame, answer: str, *, by: Sequence[str] = (), weights: str | None = None,
        levels: Sequence[float] | None = None,
    ) -> Counts:  # fmt: skip
        """Count the answers of a table.

        Parameters
        ----------
        frame : DataFrame
            One row per respondent.
        answer : str
            Column of numbers; blanks are NaN.
        by : sequence of str
            Columns of groups; a row with a blank in one of them is left out.
        weights : str, optional
            Column of weights above 0; without them every row weighs 1.
        levels : sequence of float, optional
            All answers that there can be.

        Returns
        -------
        Counts

        Raises
        ------
        DataError
            A column is not there or is no number; a weight is not above 0; an answer is not among the levels.
        """
        import polars as pl

        names = [answer, *by, *([] if weights is None else [weights])]
        for name in names:
            if name not in frame.columns:
                raise DataError(f"The data have no column '{name}'.", nearest(name, map(str, frame.columns)))
        keys = {k: frame[k].astype("object").where(frame[k].notna(), None) for k in by}
        numbers = {k: _numbers(frame[k], k) for k in names if k not in by}
        columns = {k: pl.Series(k, v.to_list(), strict=False) for k, v in keys.items()}
        columns |= {k: pl.Series(k, v).fill_nan(None) for k, v in numbers.items()}
        # streamed, sums of weights would be taken in the order in which threads are done, and differ in their last digits
        return cls._counted(pl.DataFrame(columns).lazy(), answer, by, weights, levels, engine="in-memory")

    @classmethod
    def scan(
        cls, source: pl.LazyFrame | str | Path, answer: str, *, by: Sequence[str] = (), weights: str | None = None,
        levels: Sequence[float] | None = None, scheduler: str | None = None,
    ) -> Counts:  # fmt: skip
        """Count the answers of a table of any size in one streamed pass, or a partition at a time.

        Parameters
        ----------
        source : polars.LazyFrame, str or Path
            One row per respondent; a path is that of a Parquet file, or a folder of them, and is reduced by partitions.
        answer, by, weights, levels
            As for `of`.
        scheduler : str, optional
            Address of a Dask scheduler whose workers count the partitions; see `xmresearch.sufficient.partitions.over_partitions`.

        Returns
        -------
        Counts
            Of a path, the same bits with and without a scheduler.

        Raises
        ------
        DataError
            As for `of`.
        InsufficientData
            The table has no rows with groups.
        """
        if not isinstance(source, str | Path):
            if scheduler is not None:
                raise DataError("A LazyFrame has no partitions to send to a scheduler.", "Give the path of its files.")
            if weights is None:
                return cls._counted(source, answer, by, weights, levels, engine="streaming")
            cls._require(source, answer, by, weights)
            blocks = blocks_of(source.select(*dict.fromkeys([answer, *by, weights])))
            parts = [part for block in blocks if (part := _of_rows(block.lazy(), answer, by, weights)) is not None]
            found = reduce(add, parts) if parts else None
        else:
            count = partial(_of_part, answer=answer, by=tuple(by), weights=weights)
            found = over_partitions(count, partitions_of(source), scheduler=scheduler)
        if found is None:
            raise InsufficientData("The data have no rows.", "Counts need answers.")
        return found if levels is None else cls._spread(found._long(), answer, list(by), levels)

    @classmethod
    def _counted(
        cls, source: pl.LazyFrame, answer: str, by: Sequence[str], weights: str | None, levels: Sequence[float] | None, *,
        engine: Literal["in-memory", "streaming"],
    ) -> Counts:  # fmt: skip
        import polars as pl

        cls._require(source, answer, by, weights)
        sums = [pl.len().alias("_n")]
        if weights is not None:
            w = pl.col(weights).cast(pl.Float64)
            wrong = (w.is_null() | ~(w > 0) | ~w.is_finite()).sum().alias("_wrong")
            sums += [w.sum().alias("_w"), (w**2).sum().alias("_s"), wrong]
        kept = source.filter(*[pl.col(k).is_not_null() for k in by]) if by else source
        grouped = kept.group_by([*by, answer], maintain_order=engine == "in-memory")
        found = grouped.agg(sums).collect(engine=engine).to_pandas()
        if found.empty:
            raise InsufficientData("The data have no rows.", "Counts need answers.")
        if weights is not None and found["_wrong"].sum():
            raise DataError(
                f"Weight column '{weights}': {int(found['_wrong'].sum())} row(s) have no weight above zero.",
                "Every respondent needs a weight above zero.",
            )
        if weights is None:
            found = found.assign(_w=found["_n"], _s=found["_n"])
        return cls._spread(found, answer, list(by), levels)

    @staticmethod
    def _require(source: pl.LazyFrame, answer: str, by: Sequence[str], weights: str | None) -> None:
        """Raise DataError for a column that is not there, or is no number where it must be one."""
        import polars as pl

        schema = source.collect_schema()
        for name in (answer, *by, *([] if weights is None else [weights])):
            if name not in schema:
                raise DataError(f"The data have no column '{name}'.", nearest(name, schema.names()))
            if name not in by and not schema[name].is_numeric() and schema[name] != pl.Null:
                raise DataError(f"Column '{name}' is of type {schema[name]}, not numeric.")

    @classmethod
    def _spread(cls, found: pd.DataFrame, answer: str, by: list[str], levels: Sequence[float] | None) -> Counts:
        values = found[answer].astype("float64").to_numpy()
        there = np.isfinite(values)
        seen = np.unique(values[there])
        scale = seen if levels is None else np.unique(np.asarray(levels, dtype="float64"))
        strange = seen[~np.isin(seen, scale)]
        if strange.size:
            raise DataError(
                f"'{answer}' has the answer {brief(strange[0])}, which is not on its scale ({brief(scale[0])} to "
                f"{brief(scale[-1])}).",
                "Declare the scale as it was asked, or name the code as missing.",
            )
        if by:
            groups = found[by].drop_duplicates().sort_values(by, key=_in_order, ignore_index=True)
            at = pd.MultiIndex.from_frame(groups).get_indexer(pd.MultiIndex.from_frame(found[by]))
        else:
            groups, at = pd.DataFrame(index=[0]), np.zeros(len(found), dtype=int)
        g, k = len(groups), len(scale)
        tables = []
        for column in ("_n", "_w", "_s"):
            table = np.zeros((g, k))
            np.add.at(table, (at[there], np.searchsorted(scale, values[there])), found[column].to_numpy()[there])
            tables.append(table)
        blank = np.bincount(at[~there], weights=found["_n"].to_numpy(dtype="float64")[~there], minlength=g)
        return cls(answer, groups, scale, tables[0], tables[1], tables[2], blank)

    def __add__(self, other: Counts) -> Counts:
        """Pool two sets of rows of the same question and groups."""
        by = list(self.groups.columns)
        if self.answer != other.answer or by != list(other.groups.columns):
            raise ValueError(f"counts of different things do not add: {self.answer} by {by}")
        scale = np.union1d(self.levels, other.levels)
        long = pd.concat([part._long() for part in (self, other)], ignore_index=True)
        return self._spread(long, self.answer, by, list(scale))

    def _long(self) -> pd.DataFrame:
        g, k = self.n.shape
        at = np.repeat(np.arange(g), k + 1)
        values = np.tile([*self.levels, np.nan], g)
        tables = {"_n": self.n, "_w": self.weight, "_s": self.square}
        columns = {c: np.concatenate([t, self.blank[:, None]], axis=1).ravel() for c, t in tables.items()}
        return self.groups.iloc[at].reset_index(drop=True).assign(**{self.answer: values, **columns})

    def over(self, *names: str) -> Counts:
        """Return the counts by fewer columns: what counting by those alone would give."""
        missing = [n for n in names if n not in self.groups.columns]
        if missing:
            raise DataError(
                f"The answers were not counted by '{missing[0]}'.",
                nearest(missing[0], map(str, self.groups.columns)),
            )
        long = self._long().drop(columns=[c for c in self.groups.columns if c not in names])
        return self._spread(long, self.answer, list(names), list(self.levels))

    def where(self, **values: object) -> Counts:
        """Return the groups that have given values, such as `wave=2`."""
        keep = np.ones(len(self.groups), dtype=bool)
        for name, value in values.items():
            keep &= (self.groups[name] == value).to_numpy()
        at = np.flatnonzero(keep)
        groups = self.groups.iloc[at].reset_index(drop=True)
        return Counts(
            self.answer, groups, self.levels, *(t[at] for t in (self.n, self.weight, self.square, self.blank))
        )

    @property
    def effective(self) -> Array:
        """Kish's effective number of answers of each group, shape (groups,)."""
        total = self.weight.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(total > 0, total**2 / self.square.sum(axis=1), 0.0)

    def tidy(self) -> pd.DataFrame:
        """Return one row per group: its names, answers, blanks and effective answers."""
        return self.groups.assign(n=self.n.sum(axis=1), blank=self.blank, n_eff=self.effective)


def _numbers(column: pd.Series, name: str) -> Array:
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.isna() & column.notna()).any():
        raise DataError(f"Column '{name}' has answers that are no numbers.", "Give it in numbers, or a codebook.")
    return np.asarray(numbers.to_numpy(dtype="float64", na_value=np.nan))


def _in_order(column: pd.Series) -> pd.Series:
    """Order numbers as numbers, everything else by its text."""
    return column if pd.api.types.is_numeric_dtype(column) else column.astype("str")


def _of_part(part: Partition, answer: str, by: tuple[str, ...], weights: str | None) -> Counts | None:
    return _of_rows(part.scan(), answer, by, weights)


def _of_rows(rows: pl.LazyFrame, answer: str, by: Sequence[str], weights: str | None) -> Counts | None:
    """Count rows that memory holds; None where no row has groups."""
    try:
        return Counts._counted(rows, answer, by, weights, None, engine="in-memory")
    except InsufficientData:
        return None
