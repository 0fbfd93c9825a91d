"""Gaps by segment, with small cells suppressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pingouin
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.disclosure import hidden_groups
from xmresearch.display import Shown
from xmresearch.inference.equal_means import welch_test
from xmresearch.inference.estimates import Means, estimate_means, mean_covariance
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.single_batteries import dimension_figures, statement_figures
from xmresearch.sampling.designs import Design
from xmresearch.sufficient.available_moments import available

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
CELLS = ("segment", "value", "construct", "n", "gap", "sd", "ci_lower", "ci_upper", "suppressed")


@dataclass(frozen=True, repr=False)
class SegmentResult(Shown):
    """Gaps by segment, of dimensions or of statements.

    Attributes
    ----------
    table : DataFrame
        One row per segment value and dimension: segment, value, construct, n, gap (the score, of perceptions alone), sd, ci_lower,
        ci_upper, suppressed.
        Suppressed cells hold no figure: those with n below `min_cell`, and further ones without which a
        small group could be worked out (see `xmresearch.disclosure.hidden_groups`). Groups of which nothing may be shown are
        not named either.
    tests : DataFrame
        One row per segment and dimension: segment, construct, groups, f, df1, df2, p, p_adjusted (Benjamini-Hochberg
        over all of them), family. Welch's test; under a design see `by_design`.
    min_cell : int
        Smallest n that is published.
    confidence : float
        Level of the intervals and of the count of differences.
    hidden : int
        Groups that are not shown at all.
    designed : bool
        Whether the design of the sample entered; a group within one sampling unit then has no interval and no test.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    min_cell: int
    confidence: float
    hidden: int = 0
    designed: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return all cells of the groups of which any may be shown."""
        return self.table

    def hidden_summary(self) -> dict[str, Any] | None:
        """Return how many groups are not shown at all; None where none is."""
        return {"count": self.hidden, "min_cell": self.min_cell} if self.hidden else None

    def plot(self) -> Figure:
        """Draw the gaps of each group with their intervals; the groups too small to show are left out."""
        return forest(
            self.table,
            ["value", "construct" if "construct" in self.table else "id"],
            "gap",
            "ci",
            axis="gap, in points of the answer scale",
        )


@on_one_thread
def segment_gaps(
    frame: pd.DataFrame,
    codebook: Codebook,
    segments: Sequence[str],
    *,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    min_cell: int = 10,
    level: Literal["dimension", "statement"] = "dimension",
) -> SegmentResult | None:
    """Measure gaps within every segment; of perceptions alone, their scores.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows, with the segment columns as text; blanks belong to no segment.
    codebook : Codebook
        Which items form which dimension.
    segments : sequence of str
        Columns to split by, one at a time.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the t intervals.
    min_answered : float
        Share of a dimension's items that must be answered.
    min_cell : int
        Cells with fewer respondents are suppressed.
    level : {'dimension', 'statement'}
        What is measured; a statement's table has `level` and `id` for `construct`, and `statement` in its tests.

    Returns
    -------
    SegmentResult or None
        None where there are no segments.

    References
    ----------
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336.
    """
    if not segments:
        return None
    by_statement = level == "statement"
    figures = statement_figures if by_statement else dimension_figures
    if isinstance(frame, StreamedAnswers):
        sums = {s: available(frame, lambda rows: figures(rows, codebook, min_answered).to_numpy(), s) for s in segments}
        gap = figures(frame.empty(), codebook, min_answered)
        kinds, people = _counted(frame, lambda rows: figures(rows, codebook, min_answered).to_numpy(), segments)
        members = {segment: _members(kinds[segment], codebook, segment) for segment in segments}
        present = people > 0
    else:
        gap, people = figures(frame, codebook, min_answered), None
        members = {segment: _members(frame[segment], codebook, segment) for segment in segments}
        present = gap.notna().to_numpy()
    names, values = list(gap.columns), gap.to_numpy()
    hidden = {s: np.zeros((len(m), len(names)), dtype=bool) for s, m in members.items()}
    for k in range(len(names)):
        groups = {s: [(m & present[:, k]) for m in levels.values()] for s, levels in members.items()}
        for segment, marks in hidden_groups(groups, min_cell, None if people is None else people[:, k]).items():
            hidden[segment][:, k] = marks
    cells: list[pd.DataFrame] = []
    unseen = 0
    tests: list[tuple[Any, ...]] = []
    for segment, levels in members.items():
        shown = [name for name in levels if name]
        if isinstance(frame, StreamedAnswers):
            found = [estimate_means(sums[segment][v], weights) for v in shown]
        else:
            found = [_within(values, levels[v], weights) for v in shown]
        marks = hidden[segment][[list(levels).index(v) for v in shown]]
        for value, means, hide in zip(shown, found, marks, strict=True):
            if hide.all():
                unseen += 1
                continue
            low, high = means.interval(confidence)
            block = pd.DataFrame({
                "segment": segment, "value": value, "construct": names, "n": means.n.astype(float), "gap": means.mean,
                "sd": means.sd, "ci_lower": low, "ci_upper": high, "suppressed": hide,
            })  # fmt: skip
            block.loc[hide, ["n", "gap", "sd", "ci_lower", "ci_upper"]] = np.nan
            cells.append(block)
        for k, name in enumerate(names):
            compared = [(v, m) for v, m, hide in zip(shown, found, marks[:, k], strict=True) if not hide]
            if len(compared) < 2:
                continue
            if isinstance(weights, Design):
                masks = np.column_stack([levels[v] for v, _ in compared])
                told = by_design(np.where(masks, values[:, [k]], np.nan), weights)
                if np.isnan(told[3]):
                    continue
            else:
                told = _compared([m for _, m in compared], k)
            tests.append((segment, name, len(compared), *told))
    table = pd.concat(cells, ignore_index=True) if cells else pd.DataFrame(columns=CELLS)
    test = pd.DataFrame(tests, columns=["segment", "construct", "groups", "f", "df1", "df2", "p"])
    if by_statement:
        table = table.rename(columns={"construct": "id"}).assign(level="statement")
        test = test.rename(columns={"construct": "statement"})
    test["p_adjusted"] = np.nan
    tested = test["p"].notna()
    if tested.any():
        test.loc[tested, "p_adjusted"] = pingouin.multicomp(test.loc[tested, "p"].to_numpy(), method="fdr_bh")[1]
    whole = isinstance(weights, Design)
    return SegmentResult(table, test.assign(family=int(tested.sum())), min_cell, confidence, unseen, whole)


def _counted(
    answers: StreamedAnswers, score: Callable[[pd.DataFrame], Array], segments: Sequence[str]
) -> tuple[pd.DataFrame, Array]:
    """Return the combinations of segments' values that occur, and how many of each have each variable."""
    parts = []
    for block in answers.blocks():
        there = pd.DataFrame((~np.isnan(score(block))).astype(np.float64))
        parts.append(
            pd.concat([block[[*segments]], there], axis=1).groupby([*segments], dropna=False).sum().reset_index()
        )
    whole = pd.concat(parts, ignore_index=True).groupby([*segments], dropna=False).sum().reset_index()
    kinds = whole[[*segments]].astype(object)
    return kinds.where(kinds.notna(), None), whole.drop(columns=[*segments]).to_numpy()


def _within(values: Array, members: NDArray[np.bool_], weights: Weights) -> Means:
    """Estimate means of a group: under a design as a domain of the whole sample."""
    if isinstance(weights, Design):
        return estimate_means(np.where(members[:, None], values, np.nan), weights)
    return estimate_means(values[members], None if weights is None else weights[members])


def _members(column: pd.Series, codebook: Codebook, segment: str) -> dict[str, NDArray[np.bool_]]:
    """Mark the respondents of each value, in the codebook's order; those without a value come under ''."""
    named = codebook.segments[segment].values if segment in codebook.segments else {}
    levels = [v for v in named if (column == v).any()] + sorted(set(column.dropna()) - set(named))
    found = {level: (column == level).to_numpy() for level in levels}
    blank = column.isna().to_numpy()
    return {**found, "": blank} if blank.any() else found


def _compared(groups: Sequence[Means], k: int) -> tuple[float, float, float, float]:
    """Compare one variable's means by Welch's test."""
    return welch_test([g.mean[k] for g in groups], [g.se[k] for g in groups], [g.df[k] for g in groups])


def by_design(values: Array, design: Design) -> tuple[float, float, float, float]:
    """Test whether group means are equal under a design.

    Parameters
    ----------
    values : ndarray
        One column per group, shape (n, groups): NaN for who is not in it.
    design : Design
        Of the sample.

    Returns
    -------
    f, df1, df2, p : float
        Groups that share sampling units covary: a Wald test, its F scaled for the degrees of freedom of the group that has fewest.
        Groups without a unit in common: Welch's test with the degrees of freedom of each. NaN where a group has none.

    Notes
    -----
    A linearised variance divides by the units of whole strata less 1; the squared error of a group found in some of them only is
    raised by what dividing by its own units gives.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data: use of Bonferroni t
    statistics. The American Statistician, 44, 270-276. Welch, B. L. (1951). Biometrika, 38, 330-336.
    """
    inside = ~np.isnan(values)
    found, covariance = estimate_means(values, design), mean_covariance(values, design)
    if not np.isfinite(covariance).all():
        return (float("nan"),) * 4
    root = np.sqrt(_own_units(design, inside))
    covariance = covariance * np.outer(root, root)
    units = [set(np.unique(design.stages[0].units[column])) for column in inside.T]
    if sum(map(len, units)) == len(set.union(*units)):
        se = np.sqrt(np.diag(covariance))
        return welch_test(found.mean, se, found.df)
    q, df = len(units) - 1, int(found.df.min())
    contrast = np.column_stack([-np.ones(q), np.eye(q)])
    spread, difference = contrast @ covariance @ contrast.T, contrast @ found.mean
    if df - q + 1 < 1 or np.linalg.matrix_rank(spread) < q:
        return (float("nan"),) * 4
    f = float(difference @ np.linalg.solve(spread, difference)) * (df - q + 1) / (df * q)
    return f, float(q), float(df - q + 1), float(stats.f.sf(f, q, df - q + 1))


def _own_units(design: Design, inside: NDArray[np.bool_]) -> Array:
    """Return by how much dividing by a group's own sampling units raises its linearised variance, shape (groups,)."""
    stage = design.stages[0]
    every = np.bincount(stage.stratum_of_units(), minlength=stage.n_strata)
    raised = np.ones(inside.shape[1])
    for g, column in enumerate(inside.T):
        own, strata = len(np.unique(stage.units[column])), np.unique(stage.strata[column])
        whole = int(every[strata].sum())
        raised[g] = own / (own - len(strata)) * (whole - len(strata)) / whole
    return raised
