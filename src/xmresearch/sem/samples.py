"""From rows or moments to what estimation needs, with checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sem.inputs import check_frame, column_of, numbers_of
from xmresearch.sem.likelihood import CompleteSample, Sample
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.ordinal import OrdinalSample
from xmresearch.sem.polychorics import MOST_CATEGORIES, polychoric
from xmresearch.sem.row_design import PLAIN, Columns, RowDesign, designs_of
from xmresearch.sufficient.moments import Moments

Array = NDArray[np.float64]
Missing = Literal["listwise", "fiml"]
type Data = pd.DataFrame | Moments | Mapping[str, Moments]
FEWEST_ROWS = 10


@dataclass(frozen=True, repr=False)
class Grouped(Shown):
    """Data by group.

    Attributes
    ----------
    groups : tuple of str
        Labels, in the order in which they first appear; one empty label where there are none.
    columns : tuple of str
        Variables that the data have.
    tables : tuple
        One DataFrame or Moments per group.
    """

    groups: tuple[str, ...]
    columns: tuple[str, ...]
    tables: tuple[pd.DataFrame | Moments, ...]

    def in_order(self, groups: Sequence[str]) -> Grouped:
        """Return the same groups in another order."""
        tables = dict(zip(self.groups, self.tables, strict=True))
        return Grouped(tuple(groups), self.columns, tuple(tables[g] for g in groups))

    @property
    def has_rows(self) -> bool:
        """Whether rows are given, not moments."""
        return isinstance(self.tables[0], pd.DataFrame)


def split(data: Data, group: str | None) -> Grouped:
    """Split data by the values of a column, in the order in which these first appear, as lavaan does.

    Parameters
    ----------
    data : DataFrame, Moments, or mapping of str to Moments
        A mapping holds one entry per group.
    group : str or None
        Column of a DataFrame; rows where it is blank belong to no group.

    Returns
    -------
    Grouped

    Raises
    ------
    DataError
        The column is not there, or moments were given with a group column.
    InsufficientData
        Fewer than two groups.
    """
    if isinstance(data, Moments):
        data = {"": data}
    if isinstance(data, Mapping):
        if not data or not all(isinstance(m, Moments) for m in data.values()):
            raise DataError(
                "A mapping of data holds something else than Moments, or nothing.",
                "Give a pandas DataFrame, Moments, or a mapping from group to Moments.",
            )
        if len({m.names for m in data.values()}) > 1:
            raise DataError("The groups' moments are not of the same variables in the same order.")
        if group is not None:
            raise DataError("Moments have no group column.", "Give a mapping from group to moments.")
        return Grouped(tuple(data), next(iter(data.values())).names, tuple(data.values()))
    data = check_frame(data)
    columns = tuple(str(c) for c in data.columns)
    if group is None:
        return Grouped(("",), columns, (data,))
    split_rows = list(data.groupby(column_of(data, group).to_numpy(), sort=False, observed=True))
    parts = {str(value): part for value, part in split_rows}
    if len(parts) < len(split_rows):
        raise DataError(
            f"Column '{group}' has values that differ in type only, such as 1 and '1'.", "Give them one type."
        )
    if len(parts) < 2:
        raise InsufficientData(f"Column '{group}' has {len(parts)} group(s); a comparison needs two.")
    return Grouped(tuple(parts), columns, tuple(parts.values()))


def rows_of(grouped: Grouped, names: Sequence[str], exogenous: Sequence[str], missing: Missing) -> list[Array]:
    """Return the usable rows of each group.

    Parameters
    ----------
    grouped : Grouped
        With rows.
    names : sequence of str
        The observed variables.
    exogenous : sequence of str
        Those of them that must be answered in any case.
    missing : {'listwise', 'fiml'}
        Whether rows must be complete, or only not all blank.

    Returns
    -------
    list of ndarray
        Shape (n, p) each.

    Raises
    ------
    DataError
        A variable is not numeric, or not finite.
    InsufficientData
        Too few rows for the number of variables.
    """
    return [rows for rows, _ in _usable(grouped, names, exogenous, missing)]


def _usable(
    grouped: Grouped, names: Sequence[str], exogenous: Sequence[str], missing: Missing
) -> list[tuple[Array, NDArray[np.bool_]]]:
    """Return the usable rows of each group, and which of its rows they are."""
    found = []
    for label, table in zip(grouped.groups, grouped.tables, strict=True):
        if isinstance(table, Moments):
            raise DataError("This analysis needs rows; moments are not enough for it.")
        values = numbers_of(table, names)
        blank = np.isnan(values)
        fixed = [k for k, v in enumerate(names) if v in exogenous]
        drop = blank.any(axis=1) if missing == "listwise" else blank.all(axis=1) | blank[:, fixed].any(axis=1)
        kept = values[~drop]
        _check_size(label, len(kept), len(names), "complete row(s)" if missing == "listwise" else "row(s)")
        silent = np.isnan(kept).all(axis=0)
        if silent.any():
            raise InsufficientData(f"{_where(label)}Variable '{names[int(silent.argmax())]}' has no answers.")
        low, high = np.nanmin(kept, axis=0), np.nanmax(kept, axis=0)
        _check_spread(label, names, high - low, np.maximum(np.abs(low), np.abs(high)))
        found.append((kept, ~drop))
    return found


def _where(label: str) -> str:
    return f"Group '{label}': " if label else ""


def _check_size(label: str, n: int, p: int, what: str) -> None:
    if n <= max(p, FEWEST_ROWS - 1):
        few = f"{_where(label)}{n}" if n >= MIN_CELL or not label else f"A group: fewer than {MIN_CELL}"
        raise InsufficientData(
            f"{few} {what} are too few for {p} observed variables.",
            "Join it with another group, or leave it out." if label else "",
        )


def _check_spread(label: str, names: Sequence[str], spread: Array, largest: Array) -> None:
    constant = [v for v, s, top in zip(names, spread, largest, strict=True) if not s > 1e-12 * top]
    if constant:
        raise InsufficientData(f"{_where(label)}Variable '{constant[0]}' is constant.", "Remove it from the model.")


def continuous_samples(
    grouped: Grouped, names: Sequence[str], exogenous: Sequence[str], missing: Missing, means: bool,
    sampled: Columns = (None, None),
) -> tuple[list[Sample], list[Array]]:  # fmt: skip
    """Reduce continuous data.

    Parameters
    ----------
    grouped, names, exogenous, missing
        As for `rows_of`.
    means : bool
        Whether means are modelled; otherwise they are set to zero.
    sampled : pair of str or None
        Columns of weights and of clusters.

    Returns
    -------
    samples : list of Sample
        By group.
    rows : list of ndarray
        Usable rows, about their means where means are not modelled; empty where moments were given.

    Raises
    ------
    ModelError
        Singular covariances; the message names the variables.
    """
    samples: list[Sample] = []
    usable = _usable(grouped, names, exogenous, missing) if grouped.has_rows else []
    rows, designs = [x for x, _ in usable], [PLAIN] * len(grouped.groups)
    if usable and sampled != (None, None):
        frames = [t for t in grouped.tables if isinstance(t, pd.DataFrame)]
        designs = designs_of(grouped.groups, frames, [k for _, k in usable], sampled)
    for k, (label, table) in enumerate(zip(grouped.groups, grouped.tables, strict=True)):
        if rows and np.isnan(rows[k]).any():
            _check_coverage(label, names, rows[k])
            samples.append(MissingSample.of(rows[k], designs[k]))
            continue
        if isinstance(table, Moments):
            at = [table.names.index(v) for v in names]
            n, mean, cov = float(table.n), table.mean[at], table.scatter[np.ix_(at, at)] / max(table.n, 1)
            _check_size(label, table.n, len(names), "complete row(s)")
            spread = np.sqrt(np.diag(cov))
            _check_spread(label, names, spread, np.maximum(np.abs(mean), spread))
        else:
            n, mean, cov = _reduced(rows[k], names, designs[k])
        if not means:
            if rows:
                rows[k] = rows[k] - mean
            mean = np.zeros(len(names))
        _check_singular(label, names, cov)
        samples.append(CompleteSample(n, mean, cov, design=designs[k]))
    return samples, rows


def _reduced(rows: Array, names: Sequence[str], design: RowDesign) -> tuple[float, Array, Array]:
    if design.weights is not None:
        return design.moments(rows)
    reduced = Moments.of(rows, list(names))
    return reduced.n, reduced.mean, reduced.scatter / reduced.n


def _check_coverage(label: str, names: Sequence[str], rows: Array) -> None:
    answered = (~np.isnan(rows)).astype(np.float64)
    first, second = np.nonzero(np.triu(answered.T @ answered == 0, 1))
    if len(first):
        raise InsufficientData(
            f"{_where(label)}'{names[first[0]]}' and '{names[second[0]]}' are never answered together, so their covariance "
            "cannot be estimated.",
            "Leave one of them out.",
        )


def _check_singular(label: str, names: Sequence[str], cov: Array) -> None:
    sd = np.sqrt(np.diag(cov))
    correlations = cov / np.outer(sd, sd)
    if np.linalg.eigvalsh(correlations)[0] < 1e-10:
        vectors = np.linalg.eigh(correlations)[1]
        guilty = [v for v, x in zip(names, np.abs(vectors[:, 0]), strict=True) if x > 0.1]
        raise ModelError(
            f"{_where(label)}The sample covariance matrix is singular: {', '.join(guilty)} determine one another.",
            "Remove one of them.",
        )


def category_counts(grouped: Grouped, names: Sequence[str]) -> dict[str, int]:
    """Return each ordered variable's number of thresholds.

    Raises
    ------
    DataError
        More categories than ordered methods serve.
    InsufficientData
        A category that one group lacks.
    """
    rows = rows_of(grouped, names, (), "listwise")
    found = {}
    for k, name in enumerate(names):
        seen = [np.unique(r[:, k]) for r in rows]
        every = np.unique(np.concatenate(seen))
        if len(every) > MOST_CATEGORIES:
            raise DataError(
                f"Variable '{name}' has {len(every)} values, which is too many for an ordered one.",
                "Treat it as continuous.",
            )
        for label, values in zip(grouped.groups, seen, strict=True):
            lacking = np.setdiff1d(every, values)
            if len(lacking):
                raise InsufficientData(
                    f"{_where(label)}nobody answered {lacking[0]:g} to '{name}', so its thresholds cannot be compared.",
                    "Merge sparse categories before the analysis.",
                )
        found[name] = len(every) - 1
    return found


def ordinal_samples(grouped: Grouped, names: Sequence[str]) -> tuple[list[OrdinalSample], int]:
    """Reduce ordered data to thresholds and polychoric correlations.

    Returns
    -------
    samples : list of OrdinalSample
        By group; gamma is divided by n - 1, as in lavaan.
    sparse : int
        Pairs of variables with an empty cell.
    """
    samples, sparse = [], 0
    for rows in rows_of(grouped, names, (), "listwise"):
        found = polychoric(rows, names, covariance=True)
        first, second = np.triu_indices(len(names), 1)
        statistics = np.concatenate([*found.thresholds, found.correlations[first, second]])
        samples.append(
            OrdinalSample(
                found.n, statistics, np.asarray(found.asymptotic) * found.n / (found.n - 1), found.correlations
            )
        )
        sparse += len(found.sparse)
    return samples, sparse
