"""Themes by touchpoint: where each theme is complained of, and where more than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.disclosure import MIN_CELL, hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ThemeTouchpoints(Shown):
    """Themes by touchpoint.

    Attributes
    ----------
    table : DataFrame
        One row per theme and touchpoint: theme, touchpoint, n (people at the touchpoint), people (who complain of the theme), share with
        lower and upper (Wilson), elsewhere (share at all other touchpoints), p (Fisher's exact test of the two), p_adjusted (Holm over
        all cells shown), stands (above, below or ''), hidden. Of hidden cells people and all that follows from it are blank.
    themes, touchpoints : list of str
        Rows and columns, the most frequent first.
    left_out : int
        Touchpoints of too few people to be named.
    level : float
        Of intervals and tests.
    """

    table: pd.DataFrame
    themes: list[str]
    touchpoints: list[str]
    left_out: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme and touchpoint."""
        return self.table

    def wide(self, value: str = "share") -> pd.DataFrame:
        """Return a column of the table with themes as rows and touchpoints as columns; hidden cells are blank."""
        return self.table.pivot(index="theme", columns="touchpoint", values=value).loc[self.themes, self.touchpoints]

    def summary(self) -> dict[str, Any]:
        """Return how many cells stand out, of how many that are shown, and the one that most does."""
        shown = self.table[~self.table["hidden"]]
        above = shown[shown["stands"] == "above"].sort_values("p")
        top = {"theme": "", "touchpoint": ""} if above.empty else above.iloc[0]
        return {
            "cells": len(shown), "hidden": int(self.table["hidden"].sum()), "above": len(above), "below": int((shown["stands"] == "below").sum()),
            "theme": top["theme"], "touchpoint": top["touchpoint"], "left_out": self.left_out,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the shares as a heat map; hidden cells are blank."""
        from matplotlib.figure import Figure as Drawing

        wide = self.wide()
        figure = Drawing(
            figsize=(1.5 + 0.9 * len(self.touchpoints), 1.2 + 0.4 * len(self.themes)), layout="constrained"
        )
        axes = figure.subplots()
        drawn = axes.imshow(wide.to_numpy(dtype=float), cmap="Blues", vmin=0.0, aspect="auto")
        axes.set_xticks(range(len(self.touchpoints)), self.touchpoints, rotation=30, ha="right")
        axes.set_yticks(range(len(self.themes)), self.themes)
        figure.colorbar(drawn, label="share of people who complain")
        return figure


def theme_touchpoints(
    complaints: pd.DataFrame,
    touchpoint: Sequence[Any] | pd.Series,
    *,
    people: ArrayLike | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
) -> ThemeTouchpoints:
    """Tell where each theme is complained of.

    Parameters
    ----------
    complaints : DataFrame of bool
        Whether each text complains of each theme, shape (n, themes).
    touchpoint : sequence
        Where each text is from, shape (n,); texts with a blank are not counted.
    people : array_like, optional
        Who wrote each text, shape (n,); somebody else each if absent. Somebody counts once at each touchpoint.
    min_cell : int
        Fewest people of a touchpoint that is named and of a cell that is shown, zero apart.
    confidence : float
        Level of intervals and tests.

    Returns
    -------
    ThemeTouchpoints

    Raises
    ------
    DataError
        Lengths differ.
    InsufficientData
        Fewer than two touchpoints have enough people.

    Notes
    -----
    How many complain of a theme in all is told elsewhere, so that where one touchpoint's count is hidden a second one is too.

    References
    ----------
    Fisher, R. A. (1935). Journal of the Royal Statistical Society, 98, 39-54. Holm, S. (1979). Scandinavian Journal of Statistics, 6,
    65-70. Hundepool, A. et al. (2012). Statistical disclosure control. Wiley, chapter 4.
    """
    where = pd.Series(np.asarray(touchpoint, dtype=object))
    if len(where) != len(complaints):
        raise DataError(f"There are {len(complaints)} texts and {len(where)} touchpoints.")
    who = np.arange(len(where)) if people is None else np.asarray(people)
    if len(who) != len(where):
        raise DataError(f"There are {len(where)} texts and {len(who)} people.")
    there = where.notna().to_numpy()
    rows = complaints[there].astype(bool).reset_index(drop=True)
    keys = pd.DataFrame(
        {"where": where[there].astype(str).to_numpy(), "who": pd.factorize(who[there], use_na_sentinel=False)[0]}
    )
    any_of = rows.groupby([keys["where"], keys["who"]], sort=True).any()
    places = any_of.index.get_level_values(0)
    sizes = places.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    open_ = ~hidden_counts(sizes.to_numpy(), min_cell)
    named = sizes.index[open_].tolist()
    if len(named) < 2:
        raise InsufficientData(f"Fewer than two touchpoints have {min_cell} people.", "Join small touchpoints.")
    counts = any_of.groupby(places).sum().loc[sizes.index]
    order = counts.sum().sort_values(ascending=False, kind="stable").index.tolist()
    total = int(sizes.sum())
    cells: list[dict[str, Any]] = []
    for theme in order:
        by_place = counts[theme].to_numpy()
        hidden = hidden_counts(by_place, min_cell, ~open_)
        every = int(by_place.sum())
        for place, x, n, dark in zip(sizes.index, by_place, sizes, hidden, strict=True):
            if place not in named:
                continue
            cell: dict[str, Any] = {"theme": str(theme), "touchpoint": place, "n": int(n), "hidden": bool(dark)}
            if not dark:
                low, high = share_interval(x, n, confidence=confidence)
                table = [[x, n - x], [every - x, total - n - (every - x)]]
                cell |= {"people": float(x), "share": x / n, "share_lower": float(low), "share_upper": float(high),
                         "elsewhere": (every - x) / (total - n), "p": float(stats.fisher_exact(table).pvalue)}  # fmt: skip
            cells.append(cell)
    columns = ["theme", "touchpoint", "n", "people", "share", "share_lower", "share_upper", "elsewhere", "p", "hidden"]
    found = pd.DataFrame(cells).reindex(columns=columns)
    found["p_adjusted"] = adjusted(found["p"])
    clear = (found["p_adjusted"] < 1 - confidence).to_numpy()
    found["stands"] = np.where(clear, np.where(found["share"] > found["elsewhere"], "above", "below"), "")
    return ThemeTouchpoints(found, [str(t) for t in order], named, len(sizes) - len(named), confidence)
