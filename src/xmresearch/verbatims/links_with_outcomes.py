"""What themes go with: satisfaction, recommendation or leaving of people who complain of a theme, against those who do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.result import DriverResult, Kind
from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ThemeLinks(Shown):
    """How themes go with an outcome.

    Attributes
    ----------
    table : DataFrame
        One row per theme: theme, people (who complain of it), n (who answered), with_it and without (mean outcome), difference with lower
        and upper (Welch), p, p_adjusted (Holm over the themes), share (of what all themes explain, sums to 1; Shapley) with lower and
        upper, beta (standardised, other themes held) with lower and upper.
    drivers : DriverResult or None
        The regression behind share and beta; None where themes cannot be told apart, and share and beta are blank.
    outcome : str
        Name of the outcome.
    n : int
        People with an outcome.
    hidden : int
        Themes that too few, or all but too few, complain of.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    drivers: DriverResult | None
    outcome: str
    n: int
    hidden: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the theme with the largest share of what is explained, and how much all explain."""
        top = self.table.loc[self.table["share"].fillna(self.table["difference"].abs()).idxmax()]
        return {
            "theme": top["theme"], "difference": top["difference"], "share": top["share"], "n": self.n, "outcome": self.outcome,
            "r2": np.nan if self.drivers is None else self.drivers.r2, "hidden": self.hidden,
        }  # fmt: skip


def theme_links(
    complaints: pd.DataFrame,
    outcome: pd.Series,
    *,
    kind: Kind = "numeric",
    people: ArrayLike | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> ThemeLinks:
    """Tell how complaints of each theme go with an outcome.

    Parameters
    ----------
    complaints : DataFrame of bool
        Whether each text complains of each theme, shape (n, themes).
    outcome : Series
        Rating, recommendation or leaving (0, 1) that goes with each text, shape (n,); blank where there is none.
    kind : {'numeric', 'binary', 'ordinal'}
        Of the outcome, for what all themes explain; means are compared whatever it is.
    people : array_like, optional
        Who wrote each text, shape (n,); somebody else each if absent. Of somebody's texts complaints add up and the last outcome counts.
    min_cell : int
        Fewest people who complain of a theme, and who do not.
    confidence : float
        Level of the intervals and tests.
    bootstrap, seed : int
        Of `relative_importance`.

    Returns
    -------
    ThemeLinks

    Raises
    ------
    DataError
        Lengths differ.
    InsufficientData
        No theme has enough people with an outcome on both sides.

    Notes
    -----
    A theme that goes with bad ratings need not be their cause: who is dissatisfied complains more.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. & Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis. Scott, Foresman. Welch,
    B. L. (1947). Biometrika, 34, 28-35. Holm, S. (1979). Scandinavian Journal of Statistics, 6, 65-70.
    """
    if len(complaints) != len(outcome):
        raise DataError(f"There are {len(complaints)} texts and {len(outcome)} outcomes.")
    y = pd.Series(outcome.to_numpy(dtype=float), name=outcome.name)
    said = complaints.astype(bool).reset_index(drop=True)
    if people is not None:
        who = pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
        if len(who) != len(y):
            raise DataError(f"There are {len(y)} texts and {len(who)} people.")
        said, y = said.groupby(who).any(), y.groupby(who).last()
    there = y.notna().to_numpy()
    x, values = said.to_numpy()[there], y.to_numpy()[there]
    n = len(values)
    each = x.sum(axis=0)
    shown = [j for j in range(x.shape[1]) if min(each[j], n - each[j]) >= max(min_cell, 2)]
    if not shown:
        raise InsufficientData(
            f"No theme has {min_cell} people with '{outcome.name}' who complain of it and as many who do not.",
            "Use fewer, broader themes.",
        )
    rows = []
    for j in shown:
        a, b = values[x[:, j]], values[~x[:, j]]
        if max(a.var(), b.var()) > 0:
            found = stats.ttest_ind(a, b, equal_var=False)
            ends = found.confidence_interval(confidence)
            p, low, high = float(found.pvalue), float(ends.low), float(ends.high)
        else:
            p, low, high = np.nan, np.nan, np.nan
        rows.append(
            {"theme": str(complaints.columns[j]), "people": int(each[j]), "n": n, "with_it": a.mean(), "without": b.mean(),
             "difference": a.mean() - b.mean(), "lower": low, "upper": high, "p": p}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table["p_adjusted"] = adjusted(table["p"])
    frame = pd.DataFrame(x[:, shown].astype(float), columns=table["theme"])
    columns = ["share", "share_lower", "share_upper", "beta", "beta_lower", "beta_upper"]
    drivers: DriverResult | None = None
    try:
        drivers = relative_importance(
            frame,
            pd.Series(values, name=outcome.name),
            kind=kind,
            confidence=confidence,
            bootstrap=bootstrap,
            seed=seed,
        )
        table[columns] = drivers.table[columns].to_numpy()
    except InsufficientData:
        table[columns] = np.nan
    return ThemeLinks(table, drivers, str(outcome.name), n, complaints.shape[1] - len(shown), confidence)
