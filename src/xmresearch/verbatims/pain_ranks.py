"""Pain points: how many people a theme hurts, how badly, and which hurts most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.claims.claim import Claim
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MOST_REDRAWN = 4000
"""People up to whom whole people are redrawn; of more the draws are those of a normal distribution with their covariance."""
_AT_ONCE = 200


@dataclass(frozen=True, repr=False)
class PainPoints(Shown):
    """Themes by how much they hurt.

    Attributes
    ----------
    table : DataFrame
        One row per theme, the worst first: theme, people (who complain of it), frequency (their share) with lower and upper (Wilson),
        severity (how bad it is for them, 0 to 1), pain (frequency times severity, which is the mean over all people), each with
        lower and upper, share (of all pain), rank, rank_lower and rank_upper (a confidence set for all ranks together), p_first.
    draws : ndarray
        Of the pain of each theme in the table, shape (S, themes).
    people : int
        Everybody who wrote.
    hidden : int
        Themes that too few people complain of to be shown.
    level : float
        Of intervals and ranks.
    """

    table: pd.DataFrame
    draws: Array
    people: int
    hidden: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the worst theme with its figures, and of how many themes and people."""
        top = self.table.iloc[0]
        return {
            "theme": top["theme"], "pain": top["pain"], "frequency": top["frequency"], "severity": top["severity"],
            "share": top["share"], "p_first": top["p_first"], "themes": len(self.table), "hidden": self.hidden, "people": self.people,
        }  # fmt: skip

    def worst(self, name: str = "worst", **facts: Any) -> Claim:
        """Claim which theme hurts most.

        Parameters
        ----------
        name : str
            Of the claim.
        **facts
            Of its sentences.

        Returns
        -------
        Claim
            By `first_of`: its pain exceeds that of every other, or who may be the first.
        """
        joint = Joint(self.table["pain"].to_numpy(dtype=float), self.draws)
        return first_of(name, joint, self.table["theme"].tolist(), confidence=self.level, **facts)

    def pareto(self) -> pd.DataFrame:
        """Return what share of all pain the worst themes make up together.

        Returns
        -------
        DataFrame
            One row per theme, the worst first: theme, share and cumulative, each with lower and upper.
        """
        tail = (1 - self.level) / 2
        whole = np.maximum(self.draws.sum(axis=1, keepdims=True), 1e-300)
        single, together = self.draws / whole, self.draws.cumsum(axis=1) / whole
        pain = self.table["pain"].to_numpy(dtype=float)
        out = pd.DataFrame({"theme": self.table["theme"], "share": pain / pain.sum()})
        out["share_lower"], out["share_upper"] = np.quantile(single, [tail, 1 - tail], axis=0)
        out["cumulative"] = out["share"].cumsum()
        out["cumulative_lower"], out["cumulative_upper"] = np.quantile(together, [tail, 1 - tail], axis=0)
        return out

    def plot(self) -> Figure:
        """Draw the pain of each theme with its interval."""
        return forest(self.table, "theme", "pain", "pain", axis="people who complain x how badly")


def pain_points(
    severity: pd.DataFrame,
    *,
    people: ArrayLike | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> PainPoints:
    """Rank themes by how many people they hurt, times how badly.

    Parameters
    ----------
    severity : DataFrame
        How bad each text finds each theme, 0 to 1, shape (n, themes); NaN where it does not complain of it.
    people : array_like, optional
        Who wrote each text, shape (n,); somebody else each if absent. Several texts of somebody on a theme count as one, of their mean.
    min_cell : int
        Fewest people who complain of a theme that is shown.
    confidence : float
        Level of the intervals, of the ranks and of the claim.
    bootstrap : int
        Joint draws over people.
    seed : int
        Of the draws.

    Returns
    -------
    PainPoints

    Raises
    ------
    DataError
        A severity is not between 0 and 1, or there are not as many people as texts.
    InsufficientData
        No theme is complained of by enough people.

    Notes
    -----
    Somebody's pain is the severity of what they complain of, and nothing of what they do not. People are drawn with replacement, each
    with everything that they wrote, so that themes of the same texts keep their covariance. Ranks hold together at the level: a theme is
    behind those that exceed it by more than the largest studentised difference of any pair of the draws allows.

    References
    ----------
    Mogstad, M., Romano, J. P., Shaikh, A. M. & Wilhelm, D. (2024). Inference for ranks with applications to mobility across
    neighbourhoods and academic achievement across countries. Review of Economic Studies, 91, 476-518.
    """
    said = severity.to_numpy(dtype=float)
    seen = ~np.isnan(said)
    if (said[seen] < 0).any() or (said[seen] > 1).any():
        raise DataError(
            "A severity is not between 0 and 1.",
            "Give 0 for harmless, 1 for the worst, and a blank where nothing is said.",
        )
    hurt, mentioned = by_person(said, people)
    n = len(hurt)
    counts = mentioned.sum(axis=0)
    shown = np.flatnonzero(counts >= max(min_cell, 1))
    if not len(shown):
        raise InsufficientData(
            f"No theme is complained of by {min_cell} people.", "Use fewer, broader themes, or more texts."
        )
    pain = hurt[:, shown].mean(axis=0)
    shown = shown[np.argsort(-pain, kind="stable")]
    hurt, mentioned, counts = hurt[:, shown], mentioned[:, shown], counts[shown]
    both = joint_draws(np.hstack([hurt, mentioned.astype(float)]), bootstrap, seed)
    k = len(shown)
    draws, often = both[:, :k], both[:, k:]
    pain, share = hurt.mean(axis=0), counts / n
    bad = pain / share
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn_bad = np.where(often > 0, draws / often, np.nan)
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = share_interval(counts, n, confidence=confidence)
    table = pd.DataFrame(
        {"theme": [str(severity.columns[j]) for j in shown], "people": counts, "frequency": share, "frequency_lower": low,
         "frequency_upper": high, "severity": bad}
    )  # fmt: skip
    table["severity_lower"], table["severity_upper"] = np.clip(np.nanquantile(drawn_bad, tail, axis=0), 0, 1)
    table["pain"] = pain
    table["pain_lower"], table["pain_upper"] = np.clip(np.quantile(draws, tail, axis=0), 0, 1)
    table["share"] = pain / pain.sum() if pain.sum() > 0 else np.nan
    table["rank"] = np.arange(1, k + 1)
    table["rank_lower"], table["rank_upper"] = rank_sets(pain, draws, confidence)
    table["p_first"] = np.bincount(draws.argmax(axis=1), minlength=k) / len(draws)
    return PainPoints(table, draws, n, int((severity.shape[1]) - k), confidence)


def by_person(said: Array, people: ArrayLike | None) -> tuple[Array, NDArray[np.bool_]]:
    """Gather texts to people.

    Parameters
    ----------
    said : ndarray
        Shape (n, themes); NaN where a text says nothing of a theme.
    people : array_like or None
        Who wrote each, shape (n,).

    Returns
    -------
    mean : ndarray
        Over somebody's texts that speak of the theme, shape (people, themes); 0 where none does.
    mentioned : ndarray of bool
        Whether any does.

    Raises
    ------
    DataError
        There are not as many people as texts.
    """
    seen = ~np.isnan(said)
    value = np.where(seen, said, 0.0)
    if people is None:
        return value, seen
    who = pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    if len(who) != len(said):
        raise DataError(f"There are {len(said)} texts and {len(who)} people.", "Name who wrote each text.")
    n = int(who.max(initial=-1)) + 1
    sums, counts = np.zeros((n, said.shape[1])), np.zeros((n, said.shape[1]))
    np.add.at(sums, who, value)
    np.add.at(counts, who, seen)
    return sums / np.maximum(counts, 1), counts > 0


def joint_draws(values: Array, draws: int, seed: int) -> Array:
    """Draw the means of columns over people who are drawn with replacement.

    Parameters
    ----------
    values : ndarray
        Shape (people, columns).
    draws, seed : int
        How many, and their seed.

    Returns
    -------
    ndarray
        Shape (draws, columns).

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics, 7, 1-26.
    """
    n, k = values.shape
    rng = np.random.default_rng([seed, n, k])
    if n > MOST_REDRAWN:
        centre = values.mean(axis=0)
        covariance = (values.T @ values / n - np.outer(centre, centre)) / n
        return np.asarray(rng.multivariate_normal(centre, covariance, size=draws, method="eigh"))
    out = np.empty((draws, k))
    for begin in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - begin)
        out[begin : begin + size] = rng.multinomial(n, np.full(n, 1 / n), size=size) @ values / n
    return out


def rank_sets(estimate: Array, draws: Array, confidence: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ranks that each of K figures may have, for all of them together; rank 1 is the largest.

    Parameters
    ----------
    estimate : ndarray
        Shape (K,).
    draws : ndarray
        Joint draws, shape (S, K).
    confidence : float
        That all true ranks lie within.

    Returns
    -------
    lowest, highest : ndarray of int
        Shape (K,).

    References
    ----------
    Mogstad, M. et al. (2024). Review of Economic Studies, 91, 476-518 (two-sided differences of all pairs, in one step).
    """
    k = len(estimate)
    first, second = np.triu_indices(k, 1)
    if not len(first):
        return np.ones(k, dtype=np.int64), np.ones(k, dtype=np.int64)
    gap = estimate[first] - estimate[second]
    drawn = draws[:, first] - draws[:, second]
    se = drawn.std(axis=0, ddof=1)
    known = se > 1e-12
    if not known.any():
        reach = 0.0
    else:
        reach = float(np.quantile((np.abs(drawn - gap)[:, known] / se[known]).max(axis=1), confidence))
    ahead = np.where(np.abs(gap) > reach * se, np.sign(gap), 0)
    low, high = np.ones(k, dtype=np.int64), np.full(k, k, dtype=np.int64)
    np.add.at(low, second, ahead > 0)
    np.add.at(low, first, ahead < 0)
    np.subtract.at(high, first, ahead > 0)
    np.subtract.at(high, second, ahead < 0)
    return low, high
