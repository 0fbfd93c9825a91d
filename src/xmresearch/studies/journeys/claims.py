"""The claims of a journeys study: the worst step, whether a change helped, who is slower, what departs, which stage decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xmresearch.claims.claim import Claim, cases
from xmresearch.claims.rules import log_share
from xmresearch.display import Shown
from xmresearch.journeys.declared_paths import Conformance
from xmresearch.journeys.group_comparison import GroupComparison
from xmresearch.journeys.journey_stages import JourneyMap
from xmresearch.journeys.lost_time import Bottlenecks
from xmresearch.journeys.repeated_steps import Rework
from xmresearch.studies.journeys.reading import Cases

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "goal": cases("share"),
    "worst_step": cases("first"),
    "changed": cases("sign"),
    "rework": cases("sign"),
    "group_time": cases("count"),
    "group_goal": cases("count"),
    "group_score": cases("count"),
    "group_rework": cases("count"),
    "conformance": cases("sign"),
    "departing": cases("sign"),
    "moment": cases("first"),
    "lowest_stage": cases("first"),
}


@dataclass(frozen=True, repr=False)
class JourneyClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    goal : Claim or None
        Share of the closed cases of the log that reached the goal: a count.
    worst_step : Claim
        Before which activity most time is lost.
    changed : Claim or None
        Whether cases that began after the change take less or more time.
    rework : Claim or None
        Whether cases in which something is done again take longer.
    groups : tuple of Claim
        In which groups time, goal, judgement and rework differ; one family.
    conformance, departing : Claim or None
        Whether as many cases as promised follow the path, or most; whether those that depart take longer.
    moment, lowest : Claim or None
        Which stage weighs most in the overall judgement, and which is felt worst.
    """

    goal: Claim | None
    worst_step: Claim
    changed: Claim | None
    rework: Claim | None
    groups: tuple[Claim, ...]
    conformance: Claim | None
    departing: Claim | None
    moment: Claim | None
    lowest: Claim | None

    def time_of_groups(self) -> Claim | None:
        """Return the claim of the times of groups."""
        return next((c for c in self.groups if c.name == "group_time"), None)


def journey_claims(
    found: Cases,
    lost: Bottlenecks,
    again: Rework,
    change: Claim | None,
    compared: GroupComparison | None,
    fit: Conformance | None,
    felt: JourneyMap | None,
    min_cell: int,
) -> JourneyClaims:
    """Settle what a journeys study may say.

    Parameters
    ----------
    found : Cases
        The cases.
    lost, again, change, compared, fit, felt
        What was found of them.
    min_cell : int
        Fewest customers on either side of what is claimed.

    Returns
    -------
    JourneyClaims
    """
    log = found.log
    goal = None
    if log.reached is not None:
        count, total = int((log.reached & log.closed).sum()), int(log.closed.sum())
        if total and (count in (0, total) or min(count, total - count) >= min_cell):
            goal = log_share("goal", count, total, open=int((~log.closed).sum()))
    sides = (int(again.affected.sum()), int((~again.affected).sum()))
    rework = _enough(again.claim, sides, min_cell)
    if rework is not None:
        rework = rework.about(rework_cases=sides[0], rework_share=again.share[0])
    if change is not None:
        change = _enough(change, (change.facts["cases_before"], change.facts["cases_after"]), min_cell)
    conformance = departing = None
    if fit is not None:
        parts = (int(fit.fits.sum()), int((log.closed & ~fit.fits).sum()))
        conformance = fit.claim if min(parts) >= min_cell or 0 in parts else _without(fit.claim)
        departing = _enough(fit.cost, parts, min_cell)
    return JourneyClaims(
        goal, lost.claim, change, rework, tuple((compared.claims if compared is not None else {}).values()), conformance, departing,
        None if felt is None else felt.moment, None if felt is None else felt.lowest,
    )  # fmt: skip


def _enough(claim: Claim | None, sides: tuple[int, int], min_cell: int) -> Claim | None:
    """Withhold a claim that compares two sets of cases where either is too small to be shown."""
    if claim is None or min(sides) >= min_cell:
        return claim
    return _without(claim)


def _without(claim: Claim) -> Claim:
    """Withhold a claim and blank its figures, which would be of a few people."""
    nan = float("nan")
    blank = {k: nan for k, v in claim.facts.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return replace(claim, estimate=nan, lower=nan, upper=nan).about(**blank).withhold("few_cases")
