"""The declared truth of simulated drivers: what an infinite sample of the simulated survey would give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.data.survey import Survey
from xmresearch.drivers.explained import standardised_slopes
from xmresearch.drivers.subsets import lmg
from xmresearch.studies.drivers.asked import driver_names, outcome_of
from xmresearch.studies.drivers.params import DriversParams


def declared(params: DriversParams, survey: Survey) -> pd.DataFrame | None:
    """Return the true importance of the drivers.

    Parameters
    ----------
    params : DriversParams
        Of the study.
    survey : Survey
        Of a scenario, for the true values to be known.

    Returns
    -------
    DataFrame or None
        construct, beta (standardised), share (Shapley, of what all explain), slope; None for real data, and for outcomes in
        grades, whose shares are of another measure.
    """
    if survey.population is None or params.outcome_kind != "numeric":
        return None
    _, cov = survey.population
    book, names, outcome = survey.codebook, driver_names(params, survey.codebook), outcome_of(params, survey.codebook)
    items = [
        [book.item("perception", n).name] if params.drivers == "statement" else book.names("perception", n)
        for n in names
    ]
    used = [*(c for part in items for c in part), outcome]
    weight = np.zeros((len(names) + 1, len(used)))
    for row, part in enumerate(items):
        weight[row, [used.index(c) for c in part]] = 1 / len(part)
    weight[-1, -1] = 1.0
    scores = weight @ cov.loc[used, used].to_numpy(dtype=float) @ weight.T
    gains, k = lmg(scores), len(names)
    slope = np.linalg.solve(scores[:k, :k], scores[:k, k])
    return pd.DataFrame({
        "construct": names, "beta": standardised_slopes(scores), "share": gains / gains.sum(), "slope": slope,
    })  # fmt: skip


def with_declared(
    table: pd.DataFrame | None, truth: pd.DataFrame | None, quantity: str, bounds: tuple[str, str]
) -> pd.DataFrame | None:
    """Set estimates by driver beside the truth; tables of real data stay as they are.

    Parameters
    ----------
    table : DataFrame or None
        One row per driver, with `construct`.
    truth : DataFrame or None
        As `declared` returns.
    quantity : str
        Column of the truth; of slopes, times the shift of the row, where the table has shifts.
    bounds : (str, str)
        Columns of the interval.

    Returns
    -------
    DataFrame or None
        With truth and covered added.
    """
    if table is None or truth is None:
        return table
    known = truth.set_index("construct")[quantity].reindex(table["construct"]).to_numpy()
    if "shift" in table:
        known = known * table["shift"].to_numpy()
    return beside(table, list(known), bounds)
