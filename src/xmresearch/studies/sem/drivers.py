"""What may be said of drivers: which matters most, what a gain in one would bring, which effects are there at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.display import Shown
from xmresearch.sem.total_effects import EffectsResult, MediationResult
from xmresearch.sem.what_if import GainsResult, IndexResult
from xmresearch.studies.sem.evidence import Array, against_zero, depending

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "drives_first": cases("first"),
    "drives_last": cases("first"),
    "drivers": cases("count"),
    "gain_first": cases("first"),
    "gains": cases("count"),
    "chains": cases("count"),
}
INDEX_SPAN = 100.0
NOTHING = "no_driver"


@dataclass(frozen=True, repr=False)
class DriverClaims(Shown):
    """What may be said of drivers.

    Attributes
    ----------
    drives_first, drives_last : Claim or None
        Whose standardised total effect on the first, and on the last of several outcomes, is largest in size.
    drivers : Claim or None
        How many effects on the first outcome are distinguishable from zero.
    gain_first : Claim or None
        Whose gain would raise the first outcome's index most.
    gains : Claim or None
        How many gains would raise it.
    chains : Claim or None
        How many indirect effects are distinguishable from zero.
    """

    drives_first: Claim | None = None
    drives_last: Claim | None = None
    drivers: Claim | None = None
    gain_first: Claim | None = None
    gains: Claim | None = None
    chains: Claim | None = None


def driver_claims(
    outcomes: Sequence[str],
    effect: EffectsResult | None,
    gain: GainsResult | None,
    index: IndexResult | None,
    chains: MediationResult | None,
    conditions: Sequence[Condition],
    confidence: float,
) -> DriverClaims:
    """Claim what may be said of drivers.

    Parameters
    ----------
    outcomes : sequence of str
        What is to be explained, first the construct of the index.
    effect, gain, index, chains
        Estimates; None where there are none.
    conditions : sequence of Condition
        What all of it needs.
    confidence : float
        Of every interval.

    Returns
    -------
    DriverClaims
    """
    if effect is None:
        return DriverClaims()
    first, last = outcomes[0], outcomes[-1]
    made: dict[str, Claim | None] = {
        "drives_first": drives_most("drives_first", effect, first, confidence),
        "drives_last": drives_most("drives_last", effect, last, confidence) if last != first else None,
        "drivers": distinguishable(effect, first, confidence),
        "gain_first": improves_most(gain, first, confidence, index=index) if gain else None,
        "gains": raising(gain, first, confidence) if gain else None,
        "chains": carrying(chains, confidence) if chains else None,
    }
    return DriverClaims(**{k: None if c is None else depending(c, conditions) for k, c in made.items()})


def drives_most(name: str, effect: EffectsResult, outcome: str, confidence: float) -> Claim | None:
    """Claim which cause's standardised total effect on an outcome is the largest in size; None where nothing causes it.

    Withheld where all act through one construct: then that one leads by the form of the model, whatever the answers.
    """
    table = effect.table
    rows = np.flatnonzero(table["outcome"] == outcome)
    if not len(rows):
        return None
    told = table.iloc[rows]
    joint = _turned(_part(effect.totals, rows), np.sign(effect.totals.estimate[rows]))
    made = _first(name, joint, list(told["cause"]), confidence)
    top = told.set_index("cause").loc[made.facts["leader"]]
    facts = {k: float(top[f"total{k}"]) for k in ("", "_lower", "_upper")}
    made = made.about(
        outcome=outcome, total=facts[""], total_lower=facts["_lower"], total_upper=facts["_upper"],
        r2=effect.r2.get(outcome, np.nan),
    )  # fmt: skip
    through_one = len(told) > 1 and int((told["direct"].fillna(0.0) != 0).sum()) == 1
    return made.withhold("through_one") if through_one else made


def distinguishable(effect: EffectsResult, outcome: str, confidence: float) -> Claim | None:
    """Claim how many total effects on an outcome are distinguishable from zero (Holm); None where nothing causes it."""
    rows = np.flatnonzero(effect.table["outcome"] == outcome)
    if not len(rows):
        return None
    p = _two_sided(_part(effect.totals, rows))
    r2 = effect.r2.get(outcome, np.nan)
    return count_of("drivers", list(effect.table["cause"].iloc[rows]), p, confidence=confidence, outcome=outcome, r2=r2)


def improves_most(
    gain: GainsResult, outcome: str, confidence: float, *, index: IndexResult | None = None
) -> Claim | None:
    """Claim whose gain would raise an outcome's index most; None where there is no gain.

    Withheld where the interval of the leader's change is as wide as the index.
    """
    rows = np.flatnonzero(gain.table["outcome"] == outcome)
    if not len(rows):
        return None
    told = gain.table.iloc[rows]
    made = _first("gain_first", _part(gain.changes, rows), list(told["driver"]), confidence)
    top = told.set_index("driver").loc[made.facts["leader"]]
    stands = (index.of(outcome) if index else None) or {}
    facts: dict[str, Any] = {k: float(top[k]) for k in ("gain", "change", "index_change")}
    facts |= {k: float(top[k]) for k in ("index_change_lower", "index_change_upper")}
    made = made.about(outcome=outcome, index=stands.get("index", np.nan), **facts)
    wide = facts["index_change_upper"] - facts["index_change_lower"] >= INDEX_SPAN
    return made.withhold("as_wide_as_scale") if wide else made


def raising(gain: GainsResult, outcome: str, confidence: float) -> Claim | None:
    """Claim how many drivers' gains would raise an outcome's index (Holm); None where there is no gain."""
    rows = np.flatnonzero(gain.table["outcome"] == outcome)
    if not len(rows):
        return None
    above, _ = against_zero(_part(gain.changes, rows))
    told = gain.table.iloc[rows]
    widest = float((told["index_change_upper"] - told["index_change_lower"]).min())
    p = np.minimum(1.0, 2 * above)
    made = count_of("gains", list(told["driver"]), p, confidence=confidence, outcome=outcome)
    return made.withhold("as_wide_as_scale") if widest >= INDEX_SPAN else made


def carrying(chains: MediationResult, confidence: float) -> Claim:
    """Claim how many indirect effects are distinguishable from zero (Holm over the chains)."""
    names = [" > ".join(c) for c in chains.table["chain"]]
    return count_of("chains", names, _two_sided(chains.indirect), confidence=confidence)


def marked(table: pd.DataFrame, claim: Claim | None, column: str) -> pd.DataFrame:
    """Say in a table which of its rows a claim of a count shows.

    Parameters
    ----------
    table : DataFrame
        One row per figure of the claim's family, in its order; rows of other outcomes get no mark.
    claim : Claim or None
        A count; None leaves the table as it is.
    column : str
        Whose values are the claim's names.

    Returns
    -------
    DataFrame
        With column shown: shown, not_shown or, for what is not of the family, missing.
    """
    if claim is None:
        return table
    names = [" > ".join(v) if isinstance(v, list) else v for v in table[column]]
    of = table["outcome"] == claim.facts["outcome"] if "outcome" in claim.facts else np.ones(len(table), dtype=bool)
    state = ["shown" if n in claim.facts["shown"] else "not_shown" for n in names]
    return table.assign(shown=pd.Series(state, index=table.index, dtype=object).where(of & claim.settled, None))


def _first(name: str, joint: Joint, names: Sequence[str], confidence: float) -> Claim:
    """Claim a first that exceeds its rivals and zero; where it may be none, `possible` says so."""
    made = first_of(name, joint, names, confidence=confidence)
    leader = names.index(made.facts["leader"])
    above, _ = against_zero(_part(joint, np.array([leader])))
    if above[0] < (1 - confidence) / 2 or np.isnan(above[0]):
        return made
    possible = made.facts["possible"]
    if made.settled:
        possible = [names[leader]]
    return replace(made, verdict=UNSETTLED).about(possible=[*possible, NOTHING])


def _part(joint: Joint, rows: NDArray[np.intp]) -> Joint:
    draws = None if joint.draws is None else joint.draws[:, rows]
    covariance = None if joint.covariance is None else joint.covariance[np.ix_(rows, rows)]
    return Joint(joint.estimate[rows], draws, covariance, joint.df)


def _turned(joint: Joint, signs: Array) -> Joint:
    """Return the figures in the direction in which they are estimated: sizes, with the uncertainty of their differences."""
    draws = None if joint.draws is None else joint.draws * signs
    covariance = None if joint.covariance is None else joint.covariance * np.outer(signs, signs)
    return Joint(joint.estimate * signs, draws, covariance, joint.df)


def _two_sided(joint: Joint) -> Array:
    above, below = against_zero(joint)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(above, below)))
