"""The one group-by that turns rows into cells, with the same bits in every run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sufficient.cell_times import rows_of
from xmresearch.sufficient.exact_sums import LARGEST, summed
from xmresearch.sufficient.grouped_rows import Grouped
from xmresearch.sufficient.partitions import Partition

if TYPE_CHECKING:
    import polars as pl

FIRST_ROWS, MARGIN = 1000, 64
"""Rows whose median streamed sums are about, and how many times as far as they others may lie from it before they are summed anew."""
_MOMENT = r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2})[ T]"


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
    weight : str or None
        Column of what each row counts.
    """

    outcome: str
    unit: str | None
    time: str
    arm: str | None
    covariates: tuple[str, ...]
    counted: bool
    codes: tuple[float, ...] = ()
    by_day: bool = False
    weight: str | None = None

    @property
    def columns(self) -> list[str]:
        """Every column that is read, once."""
        return list(
            dict.fromkeys(
                c
                for c in (self.outcome, self.unit, self.time, self.arm, *self.covariates, self.weight)
                if c is not None
            )
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
            return self.require_outcomes(self._grouped(*self._rows(rows_of(data[self.columns], self.time))))
        if isinstance(data, pl.DataFrame):
            return self.require_outcomes(self._grouped(*self._rows(data.lazy())))
        if isinstance(data, pl.LazyFrame):
            return self.require_outcomes(self._streamed(data))
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
        """Return unit, time, arm, v, coded, covariates and weights w of rows, not read, the kind of time and the order of its categories.

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
            *(c.alias(f"x{j}") for j, c in enumerate(covariates)), *([] if self.weight is None else [self._weights().alias("w")]),
        )  # fmt: skip
        if covariates:
            complete = pl.all_horizontal(pl.col(f"x{j}").is_not_null() for j in range(len(covariates)))
            rows = rows.with_columns(pl.when(complete).then(pl.col("v")).alias("v"))
        return rows, kind, order

    def _weights(self) -> Any:
        """Return what rows with an outcome count."""
        import polars as pl

        return pl.col(self.weight or "").cast(pl.Float64).fill_nan(None)

    def _rows(self, source: pl.LazyFrame) -> tuple[pl.LazyFrame, _Kinds]:
        """Return the rows as they are grouped, and of what kind they are."""
        import polars as pl

        rows, kind, order = self.prepared(source)
        schema = source.collect_schema()
        floats = {"v": self.outcome} | {f"x{j}": c for j, c in enumerate(self.covariates)}
        floats = {k: c for k, c in floats.items() if schema[c].is_float()}
        fractions = not (schema[self.outcome].is_integer() or schema[self.outcome] == pl.Boolean)
        return rows, _Kinds(kind, order, floats, fractions)

    def _streamed(self, source: pl.LazyFrame) -> Grouped:
        """Group rows that may be larger than memory; threads take them in an order of their own, which exact sums do not show."""
        import polars as pl

        rows, kinds = self._rows(source)
        covariates = [f"x{j}" for j in range(len(self.covariates))]
        measured = [*([] if self.counted else ["v"]), *covariates, *self._weighing]
        known = [*covariates, *self._weighing]
        of = {name: pl.when(pl.col("v").is_not_null()).then(pl.col(name)) for name in known} | {"v": pl.col("v")}
        first = self._first(rows, FIRST_ROWS if measured else 0)
        about = {name: _middle(first) if name == "v" else 0.0 for name in measured}
        values = {name: of[name] - about[name] for name in covariates}
        others = [pl.col("v").count().alias("n"), pl.col("v").null_count().alias("missing")]
        others += [pl.col("coded").sum()] if self.codes else []
        for name in measured:
            others += [of[name].min().alias(f"{name} low"), of[name].max().alias(f"{name} high")]
        by, given = ["unit", "time", "arm"], rows
        if self.counted:
            by, given = [*by, "value"], rows.with_columns(pl.col("v").alias("value"))
        values |= self._sums(about.get("v", 0.0))
        others += [self._unweighed.alias("unweighed")] if self.weight else []
        top = {name: MARGIN * float(np.abs(first[name].to_numpy() - about[name]).max(initial=0.0)) for name in measured}
        table = summed(given, by, values, _with_products(top), others)
        self._require_weights(table)
        reached = {name: self._largest(table, name, about[name], rows) for name in measured}
        if any(reached[name] > top[name] for name in measured):
            table = summed(given, by, values, _with_products(reached), others)
        table = table.rename(columns={"v low": "low", "v high": "high"})
        table = table.drop(columns=[f"{name} {end}" for name in known for end in ("low", "high")])
        table = table if self.codes else table.assign(coded=0)
        if self.counted:
            centre = float((table["n"] * table["value"].fillna(0.0)).sum() / max(table["n"].sum(), 1))
            return Grouped(table, centre, kinds.time, kinds.order, rows)
        table["fraction"] = self._has_fractions(table, rows, kinds.fractions)
        return Grouped(table, about["v"], kinds.time, kinds.order, rows)

    def _largest(self, table: pd.DataFrame, name: str, about: float, rows: pl.LazyFrame) -> float:
        """Return the largest distance of a column's values from a number."""
        import polars as pl

        column = {"v": self.outcome, "w": self.weight or ""}.get(name) or self.covariates[int(name[1:])]
        ends = table[[f"{name} low", f"{name} high"]].to_numpy(dtype=float)
        if np.isinf(ends).any():
            infinite = (pl.col(name).is_infinite() & pl.col("v").is_not_null()).sum().alias(f"{name} infinite")
            _require_finite(rows.select(infinite).collect(engine="streaming").to_pandas(), {name: column})
        top = float(np.abs(ends[~np.isnan(ends)] - about).max(initial=0.0))
        if top > LARGEST:
            raise DataError(f"Column '{column}' reaches {top:.0e}.", "Give it in larger units.")
        return top

    def _grouped(self, rows: pl.LazyFrame, kinds: _Kinds) -> Grouped:
        import polars as pl

        sums = [pl.col("v").count().alias("n"), pl.col("v").null_count().alias("missing"), pl.col("coded").sum()]
        sums += [pl.col(f"x{j}").filter(pl.col("v").is_not_null()).sum() for j in range(len(self.covariates))]
        sums += [
            (pl.col(k).is_infinite() & pl.col("v").is_not_null()).sum().alias(f"{k} infinite") for k in kinds.floats
        ]
        by, given = ["unit", "time", "arm"], rows
        about = 0.0 if self.weight is None or self.counted else _middle(self._first(rows))
        if self.weight is not None:
            sums += [value.sum().alias(name) for name, value in self._sums(about).items()]
            sums.append(self._unweighed.alias("unweighed"))
        elif not self.counted:
            sums += [pl.col("v").mean().alias("s1"), pl.col("v").var().alias("s2")]
        if self.counted:
            given = rows.with_columns(pl.col("v").alias("value"))
            by.append("value")
        else:
            sums += [pl.col("v").min().alias("low"), pl.col("v").max().alias("high")]
        # sums over groups depend on their order
        found: pd.DataFrame = given.group_by(by, maintain_order=True).agg(sums).collect(engine="in-memory").to_pandas()
        _require_finite(found, kinds.floats)
        self._require_weights(found)
        found = found.drop(columns=[f"{k} infinite" for k in kinds.floats])
        total = max(found["n"].sum(), 1)
        if self.counted:
            centre = float((found["n"] * found["value"].fillna(0.0)).sum() / total)
            return Grouped(found, centre, kinds.time, kinds.order, given)
        if self.weight is not None:
            table = found.assign(fraction=self._has_fractions(found, given, kinds.fractions))
            return Grouped(table, about, kinds.time, kinds.order, given)
        centre = float((found["n"] * found["s1"].fillna(0.0)).sum() / total)
        step = (found["s1"] - centre).fillna(0.0)
        table = found.assign(
            s1=found["n"] * step, s2=found["s2"].fillna(0.0) * (found["n"] - 1).clip(lower=0) + found["n"] * step**2,
            fraction=self._has_fractions(found, given, kinds.fractions),
        )  # fmt: skip
        return Grouped(table, centre, kinds.time, kinds.order, given)

    @property
    def _weighing(self) -> list[str]:
        return [] if self.weight is None else ["w"]

    @property
    def _unweighed(self) -> pl.Expr:
        """Rows with an outcome whose weight is no number above zero."""
        import polars as pl

        w = pl.col("w")
        right = (w.is_finite() & (w > 0)).fill_null(False)
        return (pl.col("v").is_not_null() & ~right).sum()

    def _sums(self, about: float) -> dict[str, pl.Expr]:
        """Return what is summed of weights, and of weighted outcomes where they are not counted."""
        import polars as pl

        w: pl.Expr = pl.when(pl.col("v").is_not_null()).then(pl.col("w") if self.weight else pl.lit(1.0))
        step = pl.col("v") - about
        outcomes = (
            {}
            if self.counted
            else {"s1": step * w, "s2": step * step * w}
            if self.weight
            else {"s1": step, "s2": step * step}
        )
        return ({"w": w, "ww": w * w} if self.weight else {}) | outcomes

    def _first(self, rows: pl.LazyFrame, count: int = FIRST_ROWS) -> pl.DataFrame:
        """Return outcome, covariates and weight of the first rows that have them."""
        import polars as pl

        names = ["v", *(f"x{j}" for j in range(len(self.covariates))), *self._weighing]
        return rows.select(names).filter(pl.all_horizontal(pl.col(names).is_finite())).head(count).collect()

    def _require_weights(self, found: pd.DataFrame) -> None:
        """Raise DataError where a row with an outcome has no weight above zero."""
        if self.weight is not None and (rows := int(found.pop("unweighed").sum())):
            raise DataError(
                f"Weight column '{self.weight}': {rows} row(s) have no weight above zero.",
                "Every row needs a weight above zero.",
            )

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

        roles = {self.outcome: "Outcome"} | dict.fromkeys(self.covariates, "Covariate")
        roles |= {} if self.weight is None else {self.weight: "Weight"}
        for name, what in roles.items():
            if not (schema[name].is_numeric() or schema[name] == pl.Boolean):
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


def _middle(first: pl.DataFrame) -> float:
    """Return the median outcome of some rows, 0 where there are none."""
    return float(np.median(first["v"].to_numpy())) if len(first) else 0.0


def _with_products(top: dict[str, float]) -> dict[str, float]:
    """Return the largest values of what is summed, of the outcome, its square and weights among them."""
    heaviest = top.get("w", 1.0)
    outcomes = {"s1": top["v"] * heaviest, "s2": top["v"] ** 2 * heaviest} if "v" in top else {}
    return top | outcomes | ({"ww": heaviest**2} if "w" in top else {})


def _require_finite(found: pd.DataFrame, read: dict[str, str]) -> None:
    for key, column in read.items():
        if rows := int(found[f"{key} infinite"].sum()):
            raise DataError(
                f"Column '{column}' is infinite in {rows} row(s).", "Leave those rows out, or make their cells blank."
            )
