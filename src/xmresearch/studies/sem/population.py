"""Set estimates beside what a model would give with the answers of a simulated survey's whole population."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.sem.fitting import fit
from xmresearch.sem.result import SemFit
from xmresearch.sufficient.moments import Moments

_POPULATION = 10_000_000


def population_fit(
    model: str, population: tuple[pd.Series, pd.DataFrame] | None, *, confidence: float = 0.95
) -> SemFit | None:
    """Return what a model gives with the answers of a simulated survey's whole population.

    Parameters
    ----------
    model : str
        In lavaan's syntax.
    population : (Series, DataFrame) or None
        Exact means and covariances of the answers; None for real data.
    confidence : float
        Level of the (very narrow) intervals.

    Returns
    -------
    SemFit or None
    """
    if population is None:
        return None
    mean, cov = population
    values = cov.to_numpy(dtype=float)
    moments = Moments(tuple(map(str, mean.index)), _POPULATION, mean.to_numpy(dtype=float), values * _POPULATION)
    return fit(model, moments, confidence=confidence)


def with_population(
    table: pd.DataFrame,
    truth: pd.DataFrame | None,
    keys: Sequence[str],
    estimate: str,
    bounds: tuple[str, str] = ("ci_lower", "ci_upper"),
) -> pd.DataFrame:
    """Set estimates beside what the model would give with the whole population's answers.

    Parameters
    ----------
    table : DataFrame
        Estimates.
    truth : DataFrame or None
        The same table from the population; None for real data, which leaves the table as it is.
    keys : sequence of str
        Columns that name a row.
    estimate : str
        Column of the estimate.
    bounds : (str, str)
        Columns of its interval.

    Returns
    -------
    DataFrame
        With columns truth and covered added.
    """
    if truth is None:
        return table
    known = dict(zip(zip(*(truth[k] for k in keys), strict=True), truth[estimate], strict=True))
    return beside(table, [known.get(row) for row in zip(*(table[k] for k in keys), strict=True)], bounds)
