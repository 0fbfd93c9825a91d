"""Claims about where people are lost, and where to look or what to fix first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.attribution.exits import ExitCounts, shortfall_draws
from xmresearch.claims.claim import Claim
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import log_share
from xmresearch.studies.attribution.publishing import ShownJourneys

DRAWS = 10_000


def lost_at(shown: ShownJourneys, nulls: float, journeys: float) -> Claim:
    """Claim where most journeys of this log end unconverted, and what share of those lost that is: a count.

    Equal counts are all named; where no count may be shown, only how many are lost is said.
    """
    table = shown.touchpoints[shown.touchpoints["exits"].fillna(0) > 0]
    if not len(table):
        return log_share("lost_nowhere", nulls, journeys)
    most = float(table["exits"].max())
    where = table.loc[table["exits"] == most, "touchpoint"].tolist()
    name = "lost" if len(where) == 1 else "lost_tied"
    return log_share(name, most, nulls, touchpoints=where, tied=len(where), nulls=nulls, journeys=journeys)


def most_lost(shown: ShownJourneys, exits: ExitCounts, *, confidence: float, seed: int) -> Claim | None:
    """Claim at which touchpoint most customers to come will be lost; None where nobody is, withheld where too few are."""
    if not exits.count.any():
        return None
    names = list(exits.channels)
    leader = int(exits.count.argmax())
    draws = exits.draw(DRAWS, np.random.default_rng([seed, 1]))
    made = first_of("leak", Joint(exits.count, draws=draws), names, confidence=confidence)
    row = shown.touchpoints.set_index("touchpoint").loc[names[leader]]
    made = made.about(exits=row["exits"], part=row["lost"], exit_rate=row["exit_rate"], touches_there=row["touches"])
    return made.withhold("few_lost") if np.isnan(row["exits"]) else made


def fix_first(
    shown: ShownJourneys, exits: ExitCounts, scale: tuple[float, float], *, confidence: float, seed: int
) -> Claim | None:
    """Claim where touches, exit rate and shortfall of the score multiply to most; None without scores.

    Touches times exit rate are the journeys lost there, so that draws are those of counts times those of shortfalls.
    """
    rated = rated_touchpoints(shown)
    if rated is None:
        return None
    names = rated["touchpoint"].tolist()
    at = [exits.channels.index(n) for n in names]
    rng = np.random.default_rng([seed, 2])
    leader = int(rated["priority"].to_numpy().argmax())
    drawn = exits.draw(DRAWS, rng)[:, at] * shortfall_draws(rated, scale, DRAWS, rng)
    made = first_of("fix", Joint(rated["priority"].to_numpy(), draws=drawn), names, confidence=confidence)
    row = rated.iloc[leader]
    return made.about(
        score=row["score"], exit_rate=row["exit_rate"], touches_there=row["touches"], part=row["priority"],
        rated=len(rated),
    )  # fmt: skip


def rated_touchpoints(shown: ShownJourneys) -> pd.DataFrame | None:
    """Return the touchpoints whose priority may be shown, where any is above zero."""
    table = shown.touchpoints
    if "priority" not in table or not (table["priority"].fillna(0) > 0).any():
        return None
    return table[table["priority"].notna()].reset_index(drop=True)
