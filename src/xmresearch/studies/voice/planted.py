"""The declared truth of simulated texts beside what was found."""

from __future__ import annotations

import pandas as pd

from xmresearch.claims.truth import beside
from xmresearch.verbatims.pain_ranks import PainPoints


def with_declared(pains: PainPoints | None, truth: pd.DataFrame | None) -> pd.DataFrame | None:
    """Set the share of people who complain of each theme beside what is expected of the simulation.

    Parameters
    ----------
    pains : PainPoints or None
        As found.
    truth : DataFrame or None
        theme and truth; None for real data, of which the table stays as it is.

    Returns
    -------
    DataFrame or None
        With truth and covered added.
    """
    if pains is None or truth is None:
        return None if pains is None else pains.table
    known = truth.set_index("theme")["truth"].reindex(pains.table["theme"])
    return beside(pains.table, known.tolist(), ("frequency_lower", "frequency_upper"))
