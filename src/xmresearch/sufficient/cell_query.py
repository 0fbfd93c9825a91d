"""The one group-by that turns rows into cells, with the same bits in every run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sufficient.partitions import Partition
from xmresearch.sufficient.sources import blocks_of, from_pandas

if TYPE_CHECKING:
    import polars as pl

_MOMENT = r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2})[ T]"


@dataclass(frozen=True, repr=False)
class Grouped(Shown):
    """Rows by unit, time and arm.

    Attributes
    ----------
    table : DataFrame
        One row per cell (and outcome, if counted): unit, time, arm, n, missing, coded (rows with a missing code), s1, s2 (sums
        about the centre) with low, high and fraction, or value; x0, x1, ... (sums of covariates).
    centre : float
        What the sums are about.
    kind : str
        Of time: number, date, text or category.
    order : list of str
        Of an ordered category.
    rows : polars.LazyFrame
        The rows themselves: unit, time, arm and v, the outcome.

    Notes
    -----
    `a + b` is what one pass over both sets of rows would give, with the rows of `a`.
    """

    table: pd.DataFrame
    centre: float
    kind: str
    order: list[str]
    rows: pl.LazyFrame

    def __add__(self, other: Grouped) -> Grouped:
        """Pool two sets of rows."""
        by = [k for k in ("unit", "time", "arm", "value") if k in self.table]
        n = [int(part.table["n"].sum()) for part in (self, other)]
        centre = (n[0] * self.centre + n[1] * other.centre) / max(sum(n), 1)
        table = pd.concat([part._about(centre) for part in (self, other)], ignore_index=True)
        how = {"low": "min", "high": "max", "fraction": "any"}
        sums = {c: how.get(c, "sum") for c in table.columns if c not in by}
        return replace(self, table=table.groupby(by, sort=True, dropna=False, as_index=False).agg(sums), centre=centre)

    def _about(self, centre: float) -> pd.DataFrame:
        """Return the table with its sums about another centre."""
        if "s1" not in self.table:
            return self.table
        step, t = self.centre - centre, self.table
        return t.assign(s1=t["s1"] + t["n"] * step, s2=t["s2"] + step * (2 * t["s1"] + t["n"] * step))


class _Kinds(NamedTuple):
    """Of what kind rows are: their time with its order, which of outcome and covariates may be infinite, and whether outcomes may have fractions."""

    time: str
    order: list[str]
    floats: dict[str, str]
    fractions: bool


@dataclass(frozen=True, repr=False)
class Query(Shown):
    """Which columns make the cells.

    Attributes
    ----------
    outcome, time : str
        Columns.
    unit, arm : str or None
        Columns of the unit and of its cohort or treatment.
    covariates : tuple of str
        Columns.
    counted : bool
        Count the rows per distinct outcome.
    codes : tuple of float
        Outcomes that stand for no answer.
    by_day : bool
        Cut moments to their day.
    """

    outcome: str
    unit: str | None
    time: str
    arm: str | None
    covariates: tuple[str, ...]
    counted: bool
    codes: tuple[float, ...] = ()
    by_day: bool = False

    @property
    def columns(self) -> list[str]:
        """Every column that is read, once."""
        return list(
            dict.fromkeys(c for c in (self.outcome, self.unit, self.time, self.arm, *self.covariates) if c is not None)
        )

    def run(self, data: pd.DataFrame | pl.LazyFrame) -> Grouped:
        """Group the rows.

        Parameters
        ----------
        data : DataFrame or polars.LazyFrame
            The rows.

        Returns
        -------
        Grouped

        Raises
        ------
        DataError
            A column is missing, twice there, of the wrong type or of several, or an outcome or covariate is infinite.
        InsufficientData
            The data have no rows.
        """
        import polars as pl

        if isinstance(data, pd.DataFrame):
            self._require(data.columns)
            return self.require_outcomes(self._grouped(*self._rows(_source(data[self.columns], self.time))))
        if isinstance(data, pl.DataFrame):
            return self.require_outcomes(self._grouped(*self._rows(data.lazy())))
        if isinstance(data, pl.LazyFrame):
            return self.require_outcomes(self._by_blocks(data))
        raise DataError(f"Data of type {type(data).__name__} cannot be read.", "Give a DataFrame or a LazyFrame.")

    def of_part(self, part: Partition) -> Grouped:
        """Group the rows of a partition, which may lack outcomes, in an order that depends on the rows alone; without the rows."""
        import polars as pl

        return replace(self._grouped(*self._rows(part.scan())), rows=pl.LazyFrame())

    def require_outcomes(self, found: Grouped) -> Grouped:
        """Return rows of which some have an outcome, or raise InsufficientData."""
        if not found.table["n"].sum():
            raise InsufficientData(f"No row has an outcome '{self.outcome}'.")
        return found

    def prepared(self, source: pl.LazyFrame) -> tuple[pl.LazyFrame, str, list[str]]:
        """Return unit, time, arm, v, coded and covariates of rows, not read, the kind of time and the order of its categories.

        Raises
        ------
        DataError
            A column is missing or of the wrong type.
        """
        import polars as pl

        schema = source.collect_schema()
        self._require(schema.names())
        self._require_numeric(schema)
        kind, order = self._time_kind(schema[self.time])
        given = pl.col(self.outcome).cast(pl.Float64).fill_nan(None)
        value = pl.when(~given.is_in(self.codes)).then(given)
        covariates = [pl.col(c).cast(pl.Float64).fill_nan(None) for c in self.covariates]
        rows = source.select(
            *self._keys(schema[self.time], kind), value.alias("v"), given.is_in(self.codes).alias("coded"),
            *(c.alias(f"x{j}") for j, c in enumerate(covariates)),
        )  # fmt: skip
        if covariates:
            complete = pl.all_horizontal(pl.col(f"x{j}").is_not_null() for j in range(len(covariates)))
            rows = rows.with_columns(pl.when(complete).then(pl.col("v")).alias("v"))
        return rows, kind, order

    def _rows(self, source: pl.LazyFrame) -> tuple[pl.LazyFrame, _Kinds]:
        """Return the rows as they are grouped, and of what kind they are."""
        import polars as pl

        rows, kind, order = self.prepared(source)
        schema = source.collect_schema()
        floats = {"v": self.outcome} | {f"x{j}": c for j, c in enumerate(self.covariates)}
        floats = {k: c for k, c in floats.items() if schema[c].is_float()}
        fractions = not (schema[self.outcome].is_integer() or schema[self.outcome] == pl.Boolean)
        return rows, _Kinds(kind, order, floats, fractions)

    def _by_blocks(self, source: pl.LazyFrame) -> Grouped:
        """Group rows that may be larger than memory.

        What threads sum in the order in which they are done differs in its last digits from run to run, so that blocks of fixed size are
        summed in order; but counts are whole numbers, and only their order must be put right.
        """
        rows, kinds = self._rows(source)
        if self.counted and not self.covariates:
            return self._grouped(rows, kinds, engine="streaming")
        total: Grouped | None = None
        for block in blocks_of(rows):
            found = self._grouped(block.lazy(), kinds)
            total = found if total is None else total + found
        return replace(self._grouped(rows.head(0), kinds) if total is None else total, rows=rows)

    def _grouped(
        self, rows: pl.LazyFrame, kinds: _Kinds, engine: Literal["streaming", "in-memory"] = "in-memory"
    ) -> Grouped:
        import polars as pl

        sums = [pl.col("v").count().alias("n"), pl.col("v").null_count().alias("missing"), pl.col("coded").sum()]
        sums += [pl.col(f"x{j}").filter(pl.col("v").is_not_null()).sum() for j in range(len(self.covariates))]
        sums += [
            (pl.col(k).is_infinite() & pl.col("v").is_not_null()).sum().alias(f"{k} infinite") for k in kinds.floats
        ]
        by, given = ["unit", "time", "arm"], rows
        if self.counted:
            given = rows.with_columns(pl.col("v").alias("value"))
            by.append("value")
        else:
            sums += [pl.col("v").mean().alias("s1"), pl.col("v").var().alias("s2")]
            sums += [pl.col("v").min().alias("low"), pl.col("v").max().alias("high")]
        # sums over groups depend on their order
        grouped = given.group_by(by, maintain_order=engine == "in-memory").agg(sums)
        found: pd.DataFrame = (
            (grouped.sort(by) if engine == "streaming" else grouped).collect(engine=engine).to_pandas()
        )
        _require_finite(found, kinds.floats)
        found = found.drop(columns=[f"{k} infinite" for k in kinds.floats])
        total = max(found["n"].sum(), 1)
        if self.counted:
            centre = float((found["n"] * found["value"].fillna(0.0)).sum() / total)
            return Grouped(found, centre, kinds.time, kinds.order, given)
        centre = float((found["n"] * found["s1"].fillna(0.0)).sum() / total)
        step = (found["s1"] - centre).fillna(0.0)
        table = found.assign(
            s1=found["n"] * step, s2=found["s2"].fillna(0.0) * (found["n"] - 1).clip(lower=0) + found["n"] * step**2,
            fraction=self._has_fractions(found, given, kinds.fractions),
        )  # fmt: skip
        return Grouped(table, centre, kinds.time, kinds.order, given)

    @staticmethod
    def _has_fractions(found: pd.DataFrame, rows: pl.LazyFrame, can: bool) -> bool:
        """Tell whether any outcome has a fraction; the cells' extremes mostly do, and only whole ones need another pass."""
        import polars as pl

        ends = found[["low", "high"]]
        if not can or not (ends == ends.round()).where(ends.notna(), True).all(axis=None):
            return can
        value = pl.col("v")
        return bool(rows.select((value != value.floor()).any()).collect(engine="streaming").item())

    def _keys(self, dtype: Any, kind: str) -> list[Any]:
        import polars as pl

        time = pl.col(self.time)
        if self.by_day and dtype == pl.Datetime:
            time = time.dt.date()
        elif self.by_day and kind == "text":
            text = time.cast(pl.String).str.strip_chars()
            time = pl.coalesce(text.str.extract(_MOMENT), text)
        unit, arm = (pl.lit(0) if c is None else pl.col(c) for c in (self.unit or self.arm, self.arm))
        return [
            unit.alias("unit"),
            (time.cast(pl.String) if kind in ("text", "category") else time).alias("time"),
            arm.alias("arm"),
        ]

    def _require(self, columns: Any) -> None:
        for name in self.columns:
            if name not in columns:
                raise DataError(f"The data have no column '{name}'.", nearest(name, columns))

    def _require_numeric(self, schema: Any) -> None:
        import polars as pl

        for name in (self.outcome, *self.covariates):
            if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
                what = "Outcome" if name == self.outcome else "Covariate"
                raise DataError(
                    f"{what} '{name}' is of type {schema[name]}, not numeric.", "Code its answers as numbers first."
                )

    def _time_kind(self, dtype: Any) -> tuple[str, list[str]]:
        import polars as pl

        if isinstance(dtype, pl.Enum):
            return "category", dtype.categories.to_list()
        if dtype.is_numeric() or dtype == pl.Boolean:
            return "number", []
        if dtype.is_temporal():
            return "date", []
        return "text", []


def _require_finite(found: pd.DataFrame, read: dict[str, str]) -> None:
    for key, column in read.items():
        if rows := int(found[f"{key} infinite"].sum()):
            raise DataError(
                f"Column '{column}' is infinite in {rows} row(s).", "Leave those rows out, or make their cells blank."
            )


def _source(frame: pd.DataFrame, time: str) -> pl.LazyFrame:
    """Return a frame whose categories and periods polars reads as what they mean."""
    import polars as pl

    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        return from_pandas(frame)
    changed, order = {}, None
    for name in frame.columns:
        dtype = frame[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            if name == time and dtype.ordered:
                order = [str(c) for c in dtype.categories]
                changed[name] = frame[name].astype("string")
            else:
                changed[name] = frame[name].astype(dtype.categories.dtype)
        elif isinstance(dtype, pd.PeriodDtype):
            changed[name] = frame[name].dt.to_timestamp()
    source = from_pandas(frame.assign(**changed))
    return source if order is None else source.with_columns(pl.col(time).cast(pl.Enum(order)))
