"""Sums of an experiment's arms: all that comparing them needs of rows, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
FEWEST_GROUPS = 2


@dataclass(frozen=True, repr=False)
class ArmMoments(Shown):
    """Sums and products by arm of outcome, covariate and denominator, over what was assigned; no row is in them.

    Attributes
    ----------
    arms : tuple of str
        Names, in order.
    assigned : ndarray
        Rows (clusters) of each arm, with an outcome or without, shape (A,).
    rows, groups : ndarray
        Rows with all measures, and what was assigned of these (rows or clusters), shape (A,).
    sums : ndarray
        Of outcome and covariate, less `centre` times the denominator, and of the denominator, shape (A, 3).
    products : ndarray
        Sums over groups of products of the group's three sums, shape (A, 3, 3).
    centre : ndarray
        What outcome and covariate are taken from, shape (2,).
    covariate, clustered : bool
        Whether there is a covariate; whether groups are clusters.
    """

    arms: tuple[str, ...]
    assigned: Array
    rows: Array
    groups: Array
    sums: Array
    products: Array
    centre: Array
    covariate: bool
    clustered: bool

    def __add__(self, other: ArmMoments) -> ArmMoments:
        """Pool two sets of rows with the same arms; clusters may lie in both, so their moments do not add."""
        if self.clustered or other.clustered or self.arms != other.arms or self.covariate != other.covariate:
            raise DataError("These moments do not add.", "They take the same arms and measures, and no clusters.")
        turn = np.eye(3)
        turn[:2, 2] = other.centre - self.centre
        return ArmMoments(
            self.arms, self.assigned + other.assigned, self.rows + other.rows, self.groups + other.groups,
            self.sums + other.sums @ turn.T, self.products + turn @ other.products @ turn.T, self.centre, self.covariate, False,
        )  # fmt: skip

    def tidy(self) -> pd.DataFrame:
        """Return one row per arm: arm, assigned, rows, groups, and mean (of the outcome, by the denominator)."""
        mean = self.sums[:, 0] / self.sums[:, 2] + self.centre[0]
        return pd.DataFrame(
            {"arm": self.arms, "assigned": self.assigned, "rows": self.rows, "groups": self.groups, "mean": mean}
        )

    def _head(self) -> dict[str, Any]:
        return {"arms": len(self.arms), "rows": float(self.rows.sum())}


def arm_moments(
    rows: pd.DataFrame | pl.LazyFrame,
    arm: str,
    outcome: str,
    *,
    covariate: str | None = None,
    denominator: str | None = None,
    cluster: str | None = None,
) -> ArmMoments:
    """Reduce the rows of an experiment to the moments of its arms.

    Parameters
    ----------
    rows : DataFrame or polars.LazyFrame
        One row per respondent; a lazy frame is streamed. Rows without an arm are left out; rows without a measure count as
        assigned alone.
    arm, outcome : str
        Columns; outcomes are numbers, 0 and 1 for shares.
    covariate : str, optional
        Column measured before assignment (CUPED).
    denominator : str, optional
        Column that the outcome is a ratio to, such as visits: the figure is the sum of one over the sum of the other.
    cluster : str, optional
        Column of what was assigned where that is more than one row, such as a branch.

    Returns
    -------
    ArmMoments
        Arms in the order of their names as text.

    Raises
    ------
    DataError
        A column is missing or does not hold numbers, a cluster is in several arms, or a denominator is not above 0 in an arm.
    InsufficientData
        There are fewer than two arms, or an arm has fewer than two rows (clusters) with all measures.

    References
    ----------
    Deng, A., Knoblich, U. & Lu, J. (2018). Applying the delta method in metric analytics. KDD, 233-242.
    """
    import polars as pl

    measures = [c for c in (outcome, covariate, denominator) if c is not None]
    named = list(dict.fromkeys([arm, *measures, *([cluster] if cluster else [])]))
    there = [str(c) for c in rows.columns] if isinstance(rows, pd.DataFrame) else rows.collect_schema().names()
    for column in named:
        if column not in there:
            raise DataError(f"There is no column '{brief(column)}'.", nearest(column, there))
    lazy = pl.from_pandas(rows[named]).lazy() if isinstance(rows, pd.DataFrame) else rows
    schema = lazy.collect_schema()
    for column in measures:
        if not (schema[column].is_numeric() or schema[column] == pl.Boolean):
            raise DataError(f"Column '{brief(column)}' does not hold numbers.", "Code it as numbers.")

    def number(column: str | None, without: float) -> pl.Expr:
        return pl.lit(without) if column is None else pl.col(column).cast(pl.Float64).fill_nan(None)

    y, x, d = number(outcome, 0.0), number(covariate, 0.0), number(denominator, 1.0)
    whole = y.is_not_null() & x.is_not_null() & d.is_not_null()
    groups = [pl.col(arm)] if cluster is None else [pl.col(arm), pl.col(cluster)]
    given = lazy.filter(pl.all_horizontal(g.is_not_null() for g in groups))
    # a mean of the first rows is near enough to keep sums of squares exact, and costs no pass of its own
    start = given.filter(whole).select(y.alias("y"), x.alias("x"), d.alias("d")).head(10_000).collect()
    if start.is_empty() or start["d"].to_numpy().sum() <= 0:
        raise InsufficientData(
            f"No row has '{brief(arm)}' and all measures, or the denominators are 0.", "Check the columns."
        )
    cy, cx = (float(start[k].to_numpy().sum() / start["d"].to_numpy().sum()) for k in ("y", "x"))
    u, v = y - cy * d, x - cx * d
    kept = given.select(
        *(g.alias(k) for g, k in zip(groups, ("arm", "cluster"), strict=False)),
        u.alias("u"),
        v.alias("v"),
        d.alias("d"),
        whole.alias("whole"),
    )
    if cluster is None:
        # of clusters alone do denominators vary where none is given: their sums are counts here
        plain = denominator is None
        sized = pl.col("whole").sum()
        table = (
            _masked(kept, measures)
            .group_by("arm")
            .agg(
                pl.len().alias("assigned"),
                sized.alias("rows"),
                sized.alias("groups"),
                *_sums(pl, plain, covariate is None),
            )
            .collect(engine="streaming")
        )
    else:
        inside = kept.with_columns(pl.when("whole").then(c).alias(c) for c in ("u", "v", "d")).group_by("arm", "cluster").agg(
            pl.col("whole").sum().alias("size"), pl.col("u").sum(), pl.col("v").sum(), pl.col("d").sum()
        ).collect(engine="streaming")  # fmt: skip
        if inside["cluster"].n_unique() < len(inside):
            raise DataError(f"A cluster of '{brief(cluster)}' is in several arms.", "A cluster is assigned as a whole.")
        table = inside.group_by("arm").agg(
            pl.len().alias("assigned"), pl.col("size").sum().alias("rows"), (pl.col("size") > 0).sum().alias("groups"), *_sums(pl)
        )  # fmt: skip
    table = table.with_columns(pl.col("arm").cast(pl.String)).sort("arm")
    numbers = {k: table[k].to_numpy().astype("float64") for k in table.columns if k != "arm"}
    names = tuple(table["arm"].to_list())
    if len(names) < 2:
        raise InsufficientData("There is one arm alone.", "An experiment takes two.")
    for name, size, total in zip(names, numbers["groups"], numbers["d"], strict=True):
        if size < FEWEST_GROUPS:
            raise InsufficientData(f"Arm '{brief(name)}' has {size:.0f} row(s) or cluster(s).", "A variance needs two.")
        if not total > 0:
            raise DataError(f"The denominators of arm '{brief(name)}' sum to {total:g}.", "They sum to more than 0.")
    if not all(np.isfinite(v).all() for v in numbers.values()):
        raise DataError("A measure is infinite in a row.", "Leave such rows out.")
    products = np.empty((len(names), 3, 3))
    for i, a in enumerate("uvd"):
        for j, b in enumerate("uvd"):
            products[:, i, j] = numbers["".join(sorted(a + b, key="uvd".index))]
    return ArmMoments(
        names, numbers["assigned"], numbers["rows"], numbers["groups"], np.column_stack([numbers[k] for k in "uvd"]), products,
        np.array([cy, cx]), covariate is not None, cluster is not None,
    )  # fmt: skip


def _masked(kept: Any, measures: list[str]) -> Any:
    """Blank the sums of rows that lack another measure; one measure alone has none to lack."""
    import polars as pl

    return kept if len(measures) == 1 else kept.with_columns(pl.when("whole").then(c).alias(c) for c in ("u", "v", "d"))


def _sums(pl: Any, plain: bool = False, alone: bool = False) -> list[Any]:
    """Return sums and products; with denominators of 1 (plain) and no covariate (alone), those that need no pass are filled in."""
    u, v, d = (pl.col(c) for c in "uvd")
    count, none = pl.col("whole").sum() if plain else None, pl.lit(0.0)
    sums = {"u": u.sum(), "v": none if alone else v.sum(), "d": count if plain else d.sum(), "uu": (u * u).sum()}
    sums |= {"uv": none, "vv": none} if alone else {"uv": (u * v).sum(), "vv": (v * v).sum()}
    sums |= (
        {"ud": sums["u"], "vd": sums["v"], "dd": count}
        if plain
        else {"ud": (u * d).sum(), "vd": (v * d).sum(), "dd": (d * d).sum()}
    )
    return [expression.alias(name) for name, expression in sums.items()]
