"""All ways of sharing credit side by side."""

from __future__ import annotations

import pandas as pd

from xmresearch.attribution.result import AttributionResult
from xmresearch.attribution.rules_of_thumb import RULES, HeuristicCredits
from xmresearch.attribution.shapley_values import ShapleyResult
from xmresearch.errors import DataError


def side_by_side(
    result: AttributionResult, rules: HeuristicCredits | None = None, players: ShapleyResult | None = None
) -> pd.DataFrame:
    """Put the shares of credit by every method into one table.

    Parameters
    ----------
    result : AttributionResult
        Of the Markov chain.
    rules : HeuristicCredits, optional
        Rules of thumb.
    players : ShapleyResult, optional
        Shapley values.

    Returns
    -------
    DataFrame
        One row per channel in the order of `result`: channel, markov, markov_lower, markov_upper, shapley, first, last,
        linear, position, time_decay, last_non_direct (shares of all conversions), and outside: how many of the others lie
        outside the interval of the chain.

    Raises
    ------
    DataError
        The methods are about other channels.
    """
    table = result.table[["channel", "share", "share_lower", "share_upper"]].set_axis(
        ["channel", "markov", "markov_lower", "markov_upper"], axis=1
    )
    others = {}
    if players is not None:
        others["shapley"] = players.table.set_index("channel")["share"]
    if rules is not None:
        shares = rules.conversions.set_index("channel")
        others |= {rule: shares[rule] / shares[rule].sum() for rule in RULES}
    for name, share in others.items():
        if set(share.index) != set(table["channel"]):
            raise DataError(f"'{name}' is about other channels than the chain.", "Give results of the same journeys.")
        table[name] = share.reindex(table["channel"]).to_numpy()
    outside = [(table[n] < table["markov_lower"]) | (table[n] > table["markov_upper"]) for n in others]
    return table.assign(outside=sum(outside) if outside else 0)
