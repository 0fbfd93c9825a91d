"""How a sample was drawn, from the columns that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xmresearch.data.weights import positive_weights
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import DataError, brief, nearest
from xmresearch.sampling.designs import Design, stratum_name
from xmresearch.sampling.stage_variance import Array, Codes, Lonely, Stage

_SHOWN = 5


def design(
    frame: pd.DataFrame, *, weights: str | None = None, strata: str | Sequence[str] | None = None,
    clusters: str | Sequence[str] | None = None, population: str | Sequence[str] | None = None, nest: bool = False,
    lonely: Lonely = "fail",
) -> Design:  # fmt: skip
    """Describe how a sample was drawn.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    weights : str, optional
        Column of design weights, above 0; from the population where that is given, otherwise all alike.
    strata : str or sequence of str, optional
        Column of strata, one for each stage that has them; none if absent.
    clusters : str or sequence of str, optional
        Column of primary sampling units, then of those within them; every row its own if absent.
    population : str or sequence of str, optional
        Columns with the number of units in each stratum (or the sampled share, where all are at most 1), one for each stage.
    nest : bool
        Whether the same name in two strata means two clusters; otherwise that is an error.
    lonely : {'fail', 'remove', 'adjust', 'average'}
        What a stratum with a single unit contributes to variances.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        A column is not there or has blanks; a weight is not above 0; a cluster lies in two strata; a stratum has fewer units than the
        sample, or several sizes; the rows are none.

    References
    ----------
    Lumley, T. (2010). Complex surveys: a guide to analysis using R. Wiley.
    """
    if len(frame) == 0:
        raise DataError("The sample has no rows.")
    by_strata, by_cluster, sizes = _listed(strata), _listed(clusters), _listed(population)
    for name in (*by_strata, *by_cluster, *sizes, *_listed(weights)):
        if name not in frame.columns:
            raise DataError(f"The sample has no column '{name}'.", nearest(name, map(str, frame.columns)))
        if frame[name].isna().any():
            row = int(frame[name].isna().to_numpy().argmax()) + 1
            raise DataError(f"Column '{name}' is blank in data row {row}.", "The design must be known of every row.")
    n_stages = max(1, len(by_cluster))
    for what, given in (("strata", by_strata), ("population", sizes)):
        if len(given) > n_stages:
            raise DataError(
                f"{what} names {len(given)} columns, but the design has {n_stages} stage(s).",
                "Name one column for each stage; clusters says how many there are.",
            )
    whole = frame.reset_index(drop=True)
    stages: list[Stage] = []
    inside = np.zeros(len(whole), dtype=np.int64)
    for k in range(n_stages):
        columns = (*by_cluster[:k], *by_strata[k : k + 1])
        strata_at = _codes([pd.Series(inside), whole[by_strata[k]]]) if k < len(by_strata) else inside
        named = whole[by_cluster[k]] if by_cluster else pd.Series(np.arange(len(whole)))
        if k == 0 and not nest and by_strata and by_cluster:
            _require_nested(named, whole[by_strata[0]], by_cluster[0], by_strata[0])
        units = _codes([pd.Series(strata_at), named])
        stages.append(Stage(strata_at, units, np.zeros(int(strata_at.max()) + 1), columns))
        inside = units
        if k < len(sizes):
            stages[k] = replace(stages[k], share=_shares(whole, sizes[k], stages[k]))
    if weights is not None:
        w = positive_weights(whole[weights], weights)
    elif sizes:
        w = np.ones(len(whole))
        for stage in stages:
            known = stage.share > 0
            w = w / np.where(known, stage.share, 1.0)[stage.strata]
    else:
        w = np.ones(len(whole))
    return Design(whole, w, tuple(stages), lonely, (), float(w.sum()))


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _codes(columns: Sequence[pd.Series]) -> Codes:
    """Number the combinations of columns in order of first appearance."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own, found = pd.factorize(column)
        codes = codes * len(found) + own
    return np.asarray(pd.factorize(codes)[0], dtype=np.int64)


def _require_nested(units: pd.Series, strata: pd.Series, cluster: str, stratum: str) -> None:
    spread = strata.groupby(units).nunique()
    across = spread[spread > 1]
    if len(across):
        row = int(units.isin(across.index).to_numpy().argmax())
        large = [name for name in across.index if (units == name).sum() >= MIN_CELL]
        which = ", ".join(f"'{brief(name)}'" for name in large[:_SHOWN]) or f"that of data row {row + 1}"
        raise DataError(
            f"{len(across)} cluster(s) of column '{cluster}' lie in more than one stratum of '{stratum}', such as {which}.",
            "If the same name means another cluster in another stratum, say nest = true.",
        )


def _shares(frame: pd.DataFrame, column: str, stage: Stage) -> Array:
    """Return the sampled share of each stratum."""
    sizes = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    wrong = ~(np.isfinite(sizes) & (sizes > 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"Population column '{column}', data row {at + 1}: '{brief(frame[column].iloc[at])}' is not above 0.",
            "Give the number of units in each stratum, or the share of them in the sample.",
        )
    by = pd.Series(sizes).groupby(stage.strata)
    several = (by.nunique() > 1).to_numpy()
    if several.any():
        raise DataError(
            f"Population column '{column}' has several values in {stratum_name(frame, stage, several)}.",
            "A stratum has one size.",
        )
    given = by.first().to_numpy()
    drawn = np.bincount(stage.stratum_of_units(), minlength=len(given))
    if (given <= 1).all():
        return np.asarray(given, dtype="float64")
    if (drawn > given).any():
        at = int((drawn > given).argmax())
        raise DataError(
            f"Population column '{column}': {stratum_name(frame, stage, drawn > given)} has {given[at]:g} units, and {drawn[at]} of them are in "
            "the sample.",
            "The population must be at least as large as the sample.",
        )
    return np.asarray(drawn / given, dtype="float64")
