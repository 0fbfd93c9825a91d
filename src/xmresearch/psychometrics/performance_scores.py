"""SERVPERF: scores of perceptions alone, against a level that is aimed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.data.codebook import Codebook
from xmresearch.data.delimited import require_unique_columns
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError
from xmresearch.inference.estimates import Means, estimate_means, mean_covariance
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.gap_scores import FEW_ANSWERS
from xmresearch.psychometrics.single_batteries import Battery
from xmresearch.sampling.designs import Design
from xmresearch.sufficient.available_moments import scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PerformanceResult(Shown):
    """Scores of perceptions, held against a target.

    Attributes
    ----------
    table : DataFrame
        One row per statement and per dimension: level, id, construct, n, perception (mean), sd, se, df, ci_lower, ci_upper (t interval),
        aimed (what is aimed at), difference (perception less that), difference_lower, difference_upper, t, p, p_adjusted (Holm over dimensions,
        Benjamini-Hochberg over statements), family (its size); of a design also deff and worth.
    overall : Series
        The same of the mean over dimensions of those who have all of them.
    confidence : float
        Level of the intervals.
    covariance : ndarray
        Of the dimensions' scores, shape (dimensions, dimensions).
    basis : str
        What the target is: middle (of the scale) or target (as given).
    """

    table: pd.DataFrame
    overall: pd.Series
    confidence: float
    covariance: Array
    basis: str

    def tidy(self, level: str | None = None) -> pd.DataFrame:
        """Return the rows of one level ('statement' or 'dimension'), or all."""
        return self.table if level is None else self.table[self.table["level"] == level].reset_index(drop=True)

    def design_effects(self) -> pd.DataFrame | None:
        """Return what the design does to the scores of dimensions, one row each; None without a design."""
        columns = ["construct", "n", "perception", "se", "df", "deff", "worth"]
        return self.tidy("dimension")[columns] if "deff" in self.table else None

    def summary(self) -> dict[str, Any]:
        """Return the overall score with its target, and how many respondents, dimensions and statements there are."""
        dims, row = self.tidy("dimension"), self.overall
        return {
            "case": self.basis, "n": int(dims["n"].max()), "dimensions": len(dims), "statements": len(self.table) - len(dims),
            "score": row["perception"], "score_lower": row["ci_lower"], "score_upper": row["ci_upper"], "target": row["aimed"],
        }  # fmt: skip

    def less_aimed(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return a table of scores by construct (column gap) less what is aimed at in each."""
        aims = self.tidy("dimension").set_index("construct")["aimed"]
        return cells.assign(gap=cells["gap"] - cells["construct"].map(aims).astype(float))

    def plot(self) -> Figure:
        """Draw the scores of the dimensions with their intervals."""
        return forest(
            self.tidy("dimension"), "construct", "perception", "ci", axis="score, in points of the answer scale"
        )

    def _head(self) -> Mapping[str, Any]:
        return {**self.summary(), "level": self.confidence}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        smallest = int(self.table["n"].min())
        status = "pass" if smallest >= FEW_ANSWERS else "warn"
        return pd.DataFrame(
            [("score_n", smallest, FEW_ANSWERS, status)], columns=["check", "value", "threshold", "status"]
        )


@on_one_thread
def performance(
    frame: pd.DataFrame,
    codebook: Codebook,
    *,
    target: float | None = None,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
) -> PerformanceResult:
    """Score perceptions by statement, by dimension and overall.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent; reverse-keyed items recoded so that high is good.
    codebook : Codebook
        With items of kind perception.
    target : float, optional
        Mean answer that is aimed at; the middle of each item's scale if absent.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the t intervals.
    min_answered : float
        Share of a dimension's statements that a respondent must answer to count there.

    Returns
    -------
    PerformanceResult

    Raises
    ------
    CodebookError
        The codebook has no perception items.
    DataError
        The target is no level of the answer scale, or scales differ, so that one target cannot be meant for all.

    References
    ----------
    Cronin, J. J. & Taylor, S. A. (1992). Measuring service quality: a reexamination and extension. Journal of Marketing, 56(3), 55-68.
    """
    require_target(codebook, target)
    require_unique_columns(frame)
    battery = Battery.of(codebook, "perception")
    wide = (battery.table["level"] == "dimension").to_numpy()

    def score(rows: pd.DataFrame) -> Array:
        own = battery.scores(rows[list(battery.columns)].to_numpy(dtype=float), min_answered)
        return np.column_stack([own, own[:, wide].mean(axis=1)])

    every = scored(frame, score)
    scores, mean = every[:, :-1], every[:, [-1]]
    aims = battery.middles() if target is None else np.full(scores.shape[1], target)
    table = _score_table(battery.table, estimate_means(scores, weights), aims, confidence)
    for level, method in (("dimension", "holm"), ("statement", "bh")):
        at = table["level"] == level
        table.loc[at, "p_adjusted"] = adjusted(table.loc[at, "p"].to_numpy(), "holm" if method == "holm" else "bh")
        table.loc[at, "family"] = int(table.loc[at, "p"].notna().sum())
    if isinstance(weights, Design):
        with np.errstate(invalid="ignore", divide="ignore"):
            table["deff"] = table["se"] ** 2 * table["n"] / table["sd"] ** 2
            table["worth"] = table["n"] / table["deff"]
    head = pd.DataFrame({"level": ["overall"], "id": [""], "construct": [""]})
    overall = _score_table(head, estimate_means(mean, weights), aims[wide].mean(keepdims=True), confidence).iloc[0]
    covariance = mean_covariance(scores[:, wide], weights)
    return PerformanceResult(table, overall, confidence, covariance, "middle" if target is None else "target")


def require_target(codebook: Codebook, target: float | None) -> None:
    """Raise unless perceptions were asked, on a scale that has the target; see `performance`."""
    items = codebook.select("perception")
    if not items:
        raise CodebookError(
            f"Codebook '{codebook.name}' has no perception items.", "Give the rated statements the kind 'perception'."
        )
    if target is None:
        return
    scales = {(c.scale.minimum, c.scale.maximum) for c in items}
    if len(scales) > 1:
        raise DataError(
            "target: perceptions are asked on different scales, which no one target fits.",
            "Leave it out: each scale's middle is taken.",
        )
    low, high = next(iter(scales))
    if not low <= target <= high:
        raise DataError(
            f"target: {target:g} is no level of the answer scale {low:g}-{high:g}.", "Give a mean answer on that scale."
        )


def _score_table(rows: pd.DataFrame, found: Means, aims: Array, confidence: float) -> pd.DataFrame:
    low, high = found.interval(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (found.mean - aims) / found.se
    return rows.assign(
        n=found.n, perception=found.mean, sd=found.sd, se=found.se, df=found.df, ci_lower=low, ci_upper=high, aimed=aims,
        difference=found.mean - aims, difference_lower=low - aims, difference_upper=high - aims, t=t,
        p=2 * stats.t.sf(np.abs(t), np.maximum(found.df, 1)), p_adjusted=np.nan, family=0,
    )  # fmt: skip
