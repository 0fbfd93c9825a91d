"""How gaps changed between two waves, and whether perceptions or expectations did it; of perceptions alone, how scores changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.claims.families import adjusted
from xmresearch.data.answer_formats import AnswerFormat, answer_format
from xmresearch.data.codebook import Codebook
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.inference.estimates import estimate_means
from xmresearch.inference.threads import on_one_thread
from xmresearch.inference.wave_means import People, Weighted, changes_of_means
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import paired_scores
from xmresearch.psychometrics.single_batteries import dimension_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
OVERALL = "overall"
PARTS = ("perception", "expectation")


@dataclass(frozen=True, repr=False)
class GapChanges(Shown):
    """Changes by dimension and of the mean over dimensions.

    Attributes
    ----------
    table : DataFrame
        The overall row and one per dimension: level (overall or dimension), id, construct, n_before, n_after, earlier, later, change (of the
        gap; of the score, of perceptions alone), se, df, change_lower, change_upper, p, p_adjusted (Holm over dimensions), family; of pairs
        also perception_change and expectation_change with lower and upper, which differ by the change of the gap, and hollow_p (that the
        gap did not rise, or expectations did not fall, or perceptions rose by what matters: the largest of three one-sided p). Figures of
        fewer respondents than `min_cell` in a wave are blank.
    short_in_both : ndarray
        Whether the gap lies below zero in both waves, with its whole interval; shape (rows of the table,).
    form : str
        pairs, direct or perceptions.
    confidence : float
        Level of the intervals.
    shared : int
        People in both waves.
    respondents : tuple of int
        In each wave.
    span : float
        Width of the answer scale.
    """

    table: pd.DataFrame
    short_in_both: NDArray[np.bool_]
    form: AnswerFormat
    confidence: float
    shared: int
    respondents: tuple[int, int]
    span: float

    def tidy(self) -> pd.DataFrame:
        """Return the overall row and one per dimension."""
        return self.table

    def dimensions(self) -> pd.DataFrame:
        """Return one row per dimension."""
        return self.table[self.table["level"] == "dimension"].reset_index(drop=True)

    def of_dimensions(self) -> pd.DataFrame:
        """Return the dimensions of which changes may be shown."""
        found = self.dimensions()
        return found[found["change"].notna()].reset_index(drop=True)

    def overall(self) -> dict[str, Any]:
        """Return the overall row."""
        return {str(k): v for k, v in self.table.iloc[0].to_dict().items()}

    def summary(self) -> dict[str, Any]:
        """Return how many respondents there are in each wave, and in both."""
        return {
            "case": "shared" if self.shared else "apart", "n_before": self.respondents[0], "n_after": self.respondents[1], "shared": self.shared,
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        row = self.overall()
        return {
            **self.summary(),
            "change": row["change"],
            "lower": row["change_lower"],
            "upper": row["change_upper"],
            "level": self.confidence,
        }

    def plot(self) -> Figure:
        """Draw the changes of the dimensions with their intervals."""
        return forest(
            self.of_dimensions(), "construct", "change", "change", axis="change, in points of the answer scale"
        )


@on_one_thread
def gap_changes(
    before: pd.DataFrame,
    after: pd.DataFrame,
    codebook: Codebook,
    *,
    weights: Weighted = (None, None),
    people: People | None = None,
    smallest: float = 0.0,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    min_cell: int = MIN_CELL,
) -> GapChanges:
    """Estimate how each dimension's gap changed between two waves, and by what.

    Parameters
    ----------
    before, after : DataFrame
        Rows of the two waves, one per respondent; reverse-keyed items recoded.
    codebook : Codebook
        Which items form which dimension: asked in pairs, once as a gap, or once as perceived (the change is then that of the score).
    weights : tuple of ndarray or None
        Design weights of each wave, shape (rows,) each, above 0.
    people : tuple of ndarray, optional
        Who answered, shape (rows,) for each wave; nobody twice in a wave. Without it nobody is taken to be in both.
    smallest : float
        Smallest rise of perceptions that matters, in points of the answer scale.
    confidence : float
        Level of the t intervals.
    min_answered : float
        Share of a dimension's statements that a respondent must answer.
    min_cell : int
        Changes of a dimension with fewer respondents in a wave are blank.

    Returns
    -------
    GapChanges

    Raises
    ------
    CodebookError
        As `answer_format`.

    Notes
    -----
    A gap is perceived less expected, so that its change is the change of perceptions less that of expectations, among those who answered
    both ways. The overall figure is the mean over dimensions of those who have all of them.

    References
    ----------
    Brown, T. J., Churchill, G. A. & Peter, J. P. (1993). Improving the measurement of service quality. Journal of Retailing, 69(1), 127-139.
    Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics, 24(4), 295-300 (the largest p).
    """
    form = answer_format(codebook)
    waves = [_figures(frame, codebook, form, min_answered) for frame in (before, after)]
    names = list(waves[0]["figure"].columns)
    of = {
        part: changes_of_means(waves[0][part].to_numpy(), waves[1][part].to_numpy(), weights=weights, people=people)
        for part in waves[0]
    }
    gap = of["figure"]
    low, high = gap.interval(confidence)
    table = pd.DataFrame({
        "level": [OVERALL] + ["dimension"] * (len(names) - 1), "id": names, "construct": names, "n_before": gap.n_before, "n_after": gap.n_after,
        "earlier": gap.before, "later": gap.after, "change": gap.change, "se": gap.se, "df": gap.df, "change_lower": low, "change_upper": high,
        "p": 2 * np.minimum(gap.above(), gap.below()), "p_adjusted": np.nan, "family": 0,
    })  # fmt: skip
    for part in PARTS if form == "pairs" else ():
        ends = of[part].interval(confidence)
        table = table.assign(**{f"{part}_change": of[part].change, f"{part}_lower": ends[0], f"{part}_upper": ends[1]})
    if form == "pairs":
        table["hollow_p"] = np.max([gap.above(), of["expectation"].below(), of["perception"].below(smallest)], axis=0)
    few = (np.minimum(gap.n_before, gap.n_after) < max(min_cell, MIN_CELL)) | ~np.isfinite(gap.se)
    figures = [c for c in table if c not in ("level", "id", "construct", "family")]
    table = table.astype(dict.fromkeys(("n_before", "n_after"), float))
    table.loc[few, figures] = np.nan
    at = table["level"] == "dimension"
    table.loc[at, "p_adjusted"] = adjusted(table.loc[at, "p"].to_numpy())
    table["family"] = int(table.loc[at, "p"].notna().sum())
    sides = [estimate_means(w["figure"].to_numpy(), v) for w, v in zip(waves, weights, strict=True)]
    short = np.all([s.interval(confidence)[1] < 0 for s in sides], axis=0)
    shared = 0 if people is None else len(set(people[0]) & set(people[1]))
    items = codebook.select("gap" if form == "direct" else "perception")
    span = max(c.scale.maximum - c.scale.minimum for c in items)
    return GapChanges(table, short, form, confidence, shared, (len(before), len(after)), span)


def _figures(
    frame: pd.DataFrame, codebook: Codebook, form: AnswerFormat, min_answered: float
) -> dict[str, pd.DataFrame]:
    """Return gaps or scores, overall first, and of pairs what they are made of."""
    if form == "pairs":
        expected, perceived = paired_scores(frame, codebook, min_answered)
        found = {"figure": perceived - expected, "perception": perceived, "expectation": expected}
    else:
        found = {"figure": dimension_figures(frame, codebook, min_answered)}
    return {part: pd.concat([f.mean(axis=1, skipna=False).rename(OVERALL), f], axis=1) for part, f in found.items()}
