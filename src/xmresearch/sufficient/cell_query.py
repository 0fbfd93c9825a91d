"""The one streamed group-by that turns rows into cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from xmresearch.errors import DataError, InsufficientData, nearest

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Query:
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
    """

    outcome: str
    unit: str | None
    time: str
    arm: str | None
    covariates: tuple[str, ...]
    counted: bool

    @property
    def columns(self) -> list[str]:
        """Every column that is read, once."""
        return list(
            dict.fromkeys(c for c in (self.outcome, self.unit, self.time, self.arm, *self.covariates) if c is not None)
        )

    def run(self, data: pd.DataFrame | pl.LazyFrame) -> tuple[pd.DataFrame, float, str, list[str]]:
        """Group the rows.

        Parameters
        ----------
        data : DataFrame or polars.LazyFrame
            The rows.

        Returns
        -------
        table : DataFrame
            One row per cell (and outcome, if counted): unit, time, arm, n, missing, s1, s2 (sums about the centre) with
            low, high and fraction, or value; x0, x1, ... (sums of covariates).
        centre : float
            What the sums are about.
        kind : str
            Of time: number, date, text or category.
        order : list of str
            Of an ordered category.

        Raises
        ------
        DataError
            A column is missing or of the wrong type.
        InsufficientData
            The data have no rows.
        """
        import polars as pl

        if isinstance(data, pd.DataFrame):
            self._require(data.columns)
            source = _source(data[self.columns], self.time)
        elif isinstance(data, pl.DataFrame):
            source = data.lazy()
        elif isinstance(data, pl.LazyFrame):
            source = data
        else:
            raise DataError(f"Data of type {type(data).__name__} cannot be read.", "Give a DataFrame or a LazyFrame.")
        schema = source.collect_schema()
        self._require(schema.names())
        self._require_numeric(schema)
        kind, order = self._time_kind(schema[self.time])
        value = pl.col(self.outcome).cast(pl.Float64).fill_nan(None)
        covariates = [pl.col(c).cast(pl.Float64).fill_nan(None) for c in self.covariates]
        keys = self._keys(kind)
        rows = source.select(*keys, value.alias("v"), *(c.alias(f"x{j}") for j, c in enumerate(covariates)))
        if covariates:
            complete = pl.all_horizontal(pl.col(f"x{j}").is_not_null() for j in range(len(covariates)))
            rows = rows.with_columns(pl.when(complete).then(pl.col("v")).alias("v"))
        sums = [pl.col("v").count().alias("n"), pl.col("v").null_count().alias("missing")]
        sums += [pl.col(f"x{j}").filter(pl.col("v").is_not_null()).sum() for j in range(len(covariates))]
        by = ["unit", "time", "arm"]
        if self.counted:
            by.append("v")
        else:
            sums += [pl.col("v").mean().alias("s1"), pl.col("v").var().alias("s2")]
            sums += [pl.col("v").min().alias("low"), pl.col("v").max().alias("high")]
        found: pd.DataFrame = rows.group_by(by).agg(sums).collect(engine="streaming").to_pandas()
        total = found["n"].sum()
        if not total:
            raise InsufficientData(f"No row has an outcome '{self.outcome}'.")
        if self.counted:
            centre = float((found["n"] * found["v"].fillna(0.0)).sum() / total)
            return found.rename(columns={"v": "value"}), centre, kind, order
        centre = float((found["n"] * found["s1"].fillna(0.0)).sum() / total)
        step = (found["s1"] - centre).fillna(0.0)
        return found.assign(
            s1=found["n"] * step, s2=found["s2"].fillna(0.0) * (found["n"] - 1).clip(lower=0) + found["n"] * step**2,
            fraction=self._has_fractions(found, rows, not (schema[self.outcome].is_integer() or schema[self.outcome] == pl.Boolean)),
        ), centre, kind, order  # fmt: skip

    @staticmethod
    def _has_fractions(found: pd.DataFrame, rows: pl.LazyFrame, can: bool) -> bool:
        """Tell whether any outcome has a fraction; the cells' extremes mostly do, and only whole ones need another pass."""
        import polars as pl

        ends = found[["low", "high"]]
        if not can or not (ends == ends.round()).where(ends.notna(), True).all(axis=None):
            return can
        value = pl.col("v")
        return bool(rows.select((value != value.floor()).any()).collect(engine="streaming").item())

    def _keys(self, kind: str) -> list[Any]:
        import polars as pl

        time = pl.col(self.time)
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


def _source(frame: pd.DataFrame, time: str) -> pl.LazyFrame:
    """Return a frame whose categories and periods polars reads as what they mean."""
    import polars as pl

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
    source = pl.from_pandas(frame.assign(**changed)).lazy()
    return source if order is None else source.with_columns(pl.col(time).cast(pl.Enum(order)))
