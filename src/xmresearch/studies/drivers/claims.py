"""The claims of a study of drivers: what to fix first, what matters most, where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.display import Shown
from xmresearch.drivers.by_group import GroupDrivers
from xmresearch.drivers.collinearity_check import CollinearityResult
from xmresearch.drivers.contrasts import FACTORS, ContrastResult
from xmresearch.drivers.expected_gains import GainResult
from xmresearch.drivers.kano_model import KanoResult
from xmresearch.drivers.quadrants import ImportanceResult
from xmresearch.drivers.result import DriverResult
from xmresearch.studies.drivers.evidence import Evidence

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "fix": cases("first"),
    "strongest": cases("first"),
    "matter": cases("count"),
    "bring": cases("count"),
    "focus": cases("count"),
    "factors": cases("count"),
    "kano": cases("count"),
    "differ": cases("count"),
}


@dataclass(frozen=True, repr=False)
class DriverClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    fix : Claim or None
        Which driver to fix first: whose improvement brings most, for its cost where costs are given.
    strongest : Claim or None
        Which driver has the largest share in what all explain.
    matter : Claim or None
        How many drivers bring more than what does not matter, by Holm; named `bring` where no smallest gain is set, and any gain counts.
    focus : Claim or None
        What is important and performed below the rest, importance being derived from the outcome.
    factors : Claim or None
        How many drivers are shown to be basic, performance or excitement factors, by Holm.
    kano : Claim or None
        Of how many features the category is settled, by Holm.
    differ : Claim or None
        In how many comparisons a driver matters more in one group than in another, by Holm.
    """

    fix: Claim | None
    strongest: Claim | None
    matter: Claim | None
    focus: Claim | None
    factors: Claim | None
    kano: Claim | None
    differ: Claim | None


def driver_claims(
    found: Evidence, *, confidence: float, smallest_gain: float = 0.0, min_cell: int = 10
) -> DriverClaims:
    """Settle what a study of drivers may say.

    Parameters
    ----------
    found : Evidence
        What was estimated.
    confidence : float
        Level, two-sided.
    smallest_gain : float
        Smallest gain that matters, in units of the target.
    min_cell : int
        Smallest group that is shown.

    Returns
    -------
    DriverClaims
    """
    apart = _apart(found.told_apart)
    driven, gain = found.driven, found.gain
    explains = driven is not None and driven.p < 1 - confidence
    matter = None if gain is None or driven is None else bring_more(gain, driven, smallest_gain).given(apart)
    kept = None if matter is None else matter if explains else matter.withhold("explains_nothing")
    return DriverClaims(
        fix=None if gain is None or kept is None or driven is None else fix_first(gain, driven, kept).given(apart),
        strongest=None if driven is None else strongest(driven).given(apart),
        matter=kept,
        focus=None if found.derived is None else concentrate(found.derived, confidence).given(apart),
        factors=None if found.contrasts is None else factors(found.contrasts).given(apart),
        kano=None if found.kano is None else categories(found.kano),
        differ=None if found.groups is None else groups_differ(found.groups, min_cell),
    )


def _apart(told: CollinearityResult | None) -> Condition:
    """Return the condition that drivers can be told apart."""
    return Condition("told_apart", None if told is None else told.summary()["case"] != "severe")


def bring_more(gain: GainResult, driven: DriverResult, smallest: float) -> Claim:
    """Claim how many drivers, raised by a point, bring more than what does not matter, by Holm; one-sided tails doubled."""
    rows = gain.of("one_point").set_index("construct").loc[gain.names]
    spread = gain.draws["one_point"].std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.minimum(2 * stats.norm.sf((rows["gain"].to_numpy() - smallest) / spread), 1.0)
    made = count_of("matter" if smallest else "bring", gain.names, p, confidence=gain.level)
    return made.about(
        outcome=driven.outcome, smallest_gain=smallest, unit=f"target_{gain.target}", n=gain.n, p_explained=driven.p
    )


def fix_first(gain: GainResult, driven: DriverResult, matter: Claim) -> Claim:
    """Claim which driver to fix first: whose improvement by a point brings most, for its cost where every driver has one.

    Withheld where none is shown to bring anything that matters.
    """
    rows = gain.of("one_point").set_index("construct").loc[gain.names]
    draws, point, by = gain.draws["one_point"], rows["gain"].to_numpy(), gain.basis()["case"]
    if by == "by_value":
        spent = rows["cost"].to_numpy()
        draws, point = draws / spent, point / spent
    made = first_of("fix", Joint(point, draws=draws), gain.names, confidence=gain.level)
    lead = rows.loc[made.facts["leader"]]
    made = made.about(
        by=by, outcome=driven.outcome, unit=f"target_{gain.target}", n=gain.n, gain=lead["gain"], gain_lower=lead["gain_lower"],
        gain_upper=lead["gain_upper"], shift=lead["shift"],
    )  # fmt: skip
    if matter.withheld:
        return made.withhold(matter.withheld)
    return made.withhold("nothing_gained") if matter.verdict == UNSETTLED else made


def strongest(driven: DriverResult) -> Claim:
    """Claim which driver has the largest share in what all explain; withheld where they explain nothing."""
    table = driven.table
    joint = Joint(table["share"].to_numpy(), draws=driven.replicates)
    made = first_of("strongest", joint, list(table["construct"]), confidence=driven.level)
    made = made.about(**driven.summary())
    return made if driven.p < 1 - driven.level else made.withhold("explains_nothing")


def concentrate(grid: ImportanceResult, confidence: float) -> Claim:
    """Claim what is important and performed below the rest, by Benjamini and Hochberg over all drivers."""
    table = grid.table.sort_values("p_concentrate", ascending=False, kind="stable")
    inside = table["quadrant"] == "concentrate_here"
    p = np.where(inside, np.minimum(2 * (1 - table["p_concentrate"]), 1.0), 1.0)
    made = count_of("focus", list(table["id"]), p, confidence=confidence, method="bh")
    return made.about(cross=f"cross_{grid.cross}", candidates=list(table.loc[inside, "id"]))


def factors(contrasts: ContrastResult) -> Claim:
    """Claim how many drivers are basic, performance or excitement factors; the tests are Holm's over all contrasts."""
    named = contrasts.summary()
    names = list(contrasts.table["construct"])
    shown = [n for n in names if n not in named["unsettled"]]
    verdict = "all" if len(shown) == len(names) else "some" if shown else UNSETTLED
    made = Claim("factors", "count", verdict, "holm", 1 - contrasts.level, contrasts.level)
    return made.about(
        count=len(shown), total=len(names), shown=shown, not_shown=named["unsettled"], n=contrasts.n,
        **{f: named[f] for f in FACTORS if f != "unsettled"},
    )  # fmt: skip


def categories(found: KanoResult) -> Claim:
    """Claim of how many features the most frequent category is ahead of every other, by exact tests and Holm."""
    table = found.table
    made = count_of("kano", list(table["id"]), table["p_ahead"].to_numpy(), confidence=found.level)
    of = dict(zip(table["id"], table["category"], strict=True))
    sorted_by = {f"kano_{c}": [n for n in made.facts["shown"] if of[n] == c] for c in "MOAI"}
    return made.about(**sorted_by)


def groups_differ(found: GroupDrivers, min_cell: int) -> Claim:
    """Claim in how many comparisons a driver matters differently in the groups of a segment, by Holm over all."""
    tests = found.tests
    names = [str(k) for k in range(len(tests))]
    made = count_of("differ", names, tests["p"].to_numpy(), confidence=found.level)
    differing = tests.iloc[[int(k) for k in made.facts["shown"]]]
    return made.about(
        by=list(dict.fromkeys(differing["segment"])),
        where=list(dict.fromkeys(differing["construct"])),
        min_cell=min_cell,
    )
