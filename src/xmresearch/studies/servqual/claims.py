"""The claims of a SERVQUAL study: what falls short, what to improve first, what drives, where it differs, what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import larger
from xmresearch.display import Shown
from xmresearch.drivers.quadrants import ImportanceResult
from xmresearch.drivers.result import DriverResult
from xmresearch.psychometrics.construct_validity import ValidityResult
from xmresearch.psychometrics.gap_scores import GapResult
from xmresearch.psychometrics.instrument import SegmentInvariance
from xmresearch.psychometrics.internal_consistency import ReliabilityResult
from xmresearch.psychometrics.overall import ScoreResult
from xmresearch.psychometrics.performance_scores import PerformanceResult
from xmresearch.psychometrics.priority import PriorityResult
from xmresearch.psychometrics.segments import SegmentResult
from xmresearch.psychometrics.tolerance import ToleranceResult
from xmresearch.psychometrics.wave_gaps import GapChanges
from xmresearch.sem.result import SemFit
from xmresearch.studies.servqual.change_claims import (
    CHANGE_CLAIMS,
    closed_by_expectations,
    dimensions_changed,
    made_by,
    moved,
)
from xmresearch.studies.servqual.instrument_claims import comparable, keyed_alike, measures, pairs_distinct, reach_alpha
from xmresearch.studies.servqual.score_claims import (
    SCORE_CLAIMS,
    dimensions_under,
    items_under,
    level_reached,
    weakest,
)

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "score": cases("larger"),
    "short": cases("count"),
    "first": cases("first"),
    "driver": cases("first"),
    "widest": cases("first"),
    "items": cases("count"),
    "segments": cases("count"),
    "focus": cases("count"),
    "inadequate": cases("count"),
    "reliable": cases("count"),
    "instrument": cases("assumption"),
    "distinct": cases("count"),
    "comparable": cases("alike"),
    **SCORE_CLAIMS,
    **CHANGE_CLAIMS,
}


@dataclass(frozen=True, repr=False)
class ServqualClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    score : Claim or None
        Overall, perceptions exceed, meet or fall short of expectations by what matters.
    short, items : Claim or None
        How many dimensions (Holm) and statements (Benjamini-Hochberg) fall short by more than what does not matter.
    first, widest : Claim or None
        Which dimension takes most from the overall score, and which has the widest shortfall.
    level : Claim or None
        Of perceptions alone: overall, they lie above, at or below what is aimed at.
    under, items_under : Claim or None
        Of perceptions alone: how many dimensions (Holm) and statements (Benjamini-Hochberg) lie below it by more than what does not matter.
    weakest : Claim or None
        Of perceptions alone: which dimension has the lowest score.
    driver : Claim or None
        Which dimension has the largest share in explaining the outcome.
    segments, focus, inadequate : Claim or None
        In how many comparisons segments differ; what is important and performed below the rest; what lies below the minimum.
    reliable : Claim
        How many sets of scores reach the usual bound of alpha.
    distinct : Claim or None
        How many pairs of dimensions are distinct.
    instrument : Claim or None
        Whether the instrument measures its dimensions.
    comparable : Claim or None
        Whether segments use the instrument alike.
    moved, changed : Claim or None
        Between two waves: the overall gap or score rose or fell, and in how many dimensions it did (Holm).
    why, hollow : Claim or None
        Whether perceptions or expectations made the overall gap change, and in how many dimensions it closed by expectations alone (Holm).
    """

    score: Claim | None
    short: Claim | None
    items: Claim | None
    first: Claim | None
    widest: Claim | None
    level: Claim | None
    under: Claim | None
    items_under: Claim | None
    weakest: Claim | None
    driver: Claim | None
    segments: Claim | None
    focus: Claim | None
    inadequate: Claim | None
    reliable: Claim
    instrument: Claim | None
    distinct: Claim | None
    comparable: Claim | None
    moved: Claim | None
    changed: Claim | None
    why: Claim | None
    hollow: Claim | None


def servqual_claims(
    *,
    trust: ReliabilityResult,
    confidence: float,
    gap: GapResult | None = None,
    priority: PriorityResult | None = None,
    scores: ScoreResult | None = None,
    performed: PerformanceResult | None = None,
    driven: DriverResult | None = None,
    importance: ImportanceResult | None = None,
    segment: SegmentResult | None = None,
    tolerance: ToleranceResult | None = None,
    cfa: SemFit | None = None,
    valid: ValidityResult | None = None,
    alike: SegmentInvariance | None = None,
    changes: GapChanges | None = None,
    waves: Mapping[str, Any] | None = None,
    smallest_gap: float = 0.0,
) -> ServqualClaims:
    """Settle what a SERVQUAL study may say.

    Parameters
    ----------
    trust, gap, priority, scores, performed, driven, importance, segment, tolerance, cfa, valid, alike
        What was estimated; None where it was not: of perceptions alone `performed`, otherwise `gap`, `priority` and `scores`.
    confidence : float
        Of the report.
    changes : GapChanges, optional
        Between two waves.
    waves : mapping, optional
        The names of these waves: before and after.
    smallest_gap : float
        Smallest gap that matters, in points of the answer scale.

    Returns
    -------
    ServqualClaims
    """
    keyed, level = keyed_alike(trust, cfa), confidence
    short = None if gap is None else falls_short(gap, smallest_gap).given(keyed)
    distinct = None if valid is None else pairs_distinct(valid, level).given(keyed)
    gaps = gap is not None
    return ServqualClaims(
        score=overall(scores, smallest_gap, level).given(keyed) if gaps and scores is not None else None,
        short=short,
        items=None if gap is None else items_short(gap, smallest_gap).given(keyed),
        first=None if priority is None or short is None else improve_first(priority, short, level).given(keyed),
        widest=None if gap is None else widest(gap, level).given(keyed),
        level=None if performed is None else level_reached(performed, smallest_gap).given(keyed),
        under=None if performed is None else dimensions_under(performed, smallest_gap).given(keyed),
        items_under=None if performed is None else items_under(performed, smallest_gap).given(keyed),
        weakest=None if performed is None else weakest(performed).given(keyed),
        driver=None if driven is None else strongest(driven).given(keyed),
        segments=None
        if segment is None
        else segments_differ(segment, "segments" if gaps else "segment_scores").given(keyed),
        focus=None if importance is None else concentrate(importance, level).given(keyed),
        inadequate=None if tolerance is None else below_minimum(tolerance, level).given(keyed),
        reliable=reach_alpha(trust, level).given(keyed),
        instrument=None if cfa is None else measures(cfa, distinct, level),
        distinct=distinct,
        comparable=None if alike is None else comparable(alike, level),
        **_of_change(changes, smallest_gap, waves or {}, keyed),
    )


def _of_change(
    changes: GapChanges | None, smallest: float, waves: Mapping[str, Any], keyed: Condition
) -> dict[str, Claim | None]:
    """Settle what may be said of a change between waves; nothing where there is none."""
    if changes is None:
        return dict.fromkeys(("moved", "changed", "why", "hollow"))
    found = {
        "moved": moved(changes, waves), "changed": dimensions_changed(changes, waves), "why": made_by(changes, smallest, waves),
        "hollow": closed_by_expectations(changes, smallest, waves),
    }  # fmt: skip
    return {name: None if claim is None else claim.given(keyed) for name, claim in found.items()}


def overall(scores: ScoreResult, smallest_gap: float, confidence: float) -> Claim:
    """Claim how the overall score stands to expectations."""
    row = scores.summary()
    return larger(
        "score", row["score"], row["score_lower"], row["score_upper"], smallest_gap, confidence=confidence,
        score=row["score"], measure=row["measure"],
    )  # fmt: skip


def falls_short(gap: GapResult, smallest_gap: float) -> Claim:
    """Claim how many dimensions fall short by more than what does not matter, by Holm."""
    table = gap.tidy("dimension")
    return _shortfalls("short", table, smallest_gap, gap.confidence, "holm").about(n=int(table["n"].max()))


def items_short(gap: GapResult, smallest_gap: float) -> Claim:
    """Claim how many statements fall short by more than what does not matter, by Benjamini and Hochberg."""
    return _shortfalls("items", gap.tidy("statement"), smallest_gap, gap.confidence, "bh")


def _shortfalls(name: str, table: pd.DataFrame, smallest: float, confidence: float, method: Any) -> Claim:
    """Test each gap against the threshold; widest shortfalls are named first."""
    table = table.sort_values("gap", kind="stable")
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (table["gap"] + smallest) / table["se"]
    p = np.minimum(2 * stats.t.cdf(t, np.maximum(table["df"], 1)), 1.0)
    made = count_of(name, list(table["id"]), p, confidence=confidence, method=method)
    return made.about(smallest_gap=smallest, three=made.facts["shown"][:3])


def improve_first(priority: PriorityResult, short: Claim, confidence: float) -> Claim:
    """Claim which dimension takes most from the overall score; withheld where none is shown to fall short."""
    table = priority.table
    joint = Joint(table["contribution"].to_numpy(), covariance=priority.covariance, df=max(priority.df, 1))
    made = first_of("first", joint, list(table["construct"]), confidence=confidence, lowest=True)
    lead = table.iloc[0]
    made = made.about(
        taken=-lead["contribution"],
    )  # fmt: skip
    return made.withhold("nothing_short") if short.verdict == UNSETTLED else made


def widest(gap: GapResult, confidence: float) -> Claim:
    """Claim which dimension has the widest shortfall."""
    table = gap.tidy("dimension")
    joint = Joint(table["gap"].to_numpy(), covariance=gap.covariance, df=max(int(table["df"].min()), 1))
    made = first_of("widest", joint, list(table["id"]), confidence=confidence, lowest=True)
    lead = table.loc[table["gap"].idxmin()]
    return made.about(gap=lead["gap"], gap_lower=lead["ci_lower"], gap_upper=lead["ci_upper"])


def strongest(driven: DriverResult) -> Claim:
    """Claim which dimension has the largest share of what they explain; withheld where they explain nothing."""
    table = driven.table
    joint = Joint(table["share"].to_numpy(), draws=driven.replicates)
    made = first_of("driver", joint, list(table["construct"]), confidence=driven.level)
    made = made.about(**driven.summary())
    return made if driven.p < 1 - driven.level else made.withhold("explains_nothing")


def segments_differ(segment: SegmentResult, name: str = "segments") -> Claim:
    """Claim in how many comparisons the groups of a segment differ, by Benjamini and Hochberg."""
    tests = segment.tests
    numbers = [str(k) for k in range(len(tests))]
    made = count_of(name, numbers, tests["p"].to_numpy(), confidence=segment.confidence, method="bh")
    differing = tests.iloc[[int(k) for k in made.facts["shown"]]]
    return made.about(
        by=list(dict.fromkeys(differing["segment"])), where=list(dict.fromkeys(differing["construct"])),
        min_cell=segment.min_cell, enough="enough_units" if segment.designed else "enough_people",
    )  # fmt: skip


def concentrate(importance: ImportanceResult, confidence: float) -> Claim:
    """Claim what is important and performed below the rest, by Benjamini and Hochberg over all that is rated."""
    table = importance.table.sort_values("p_quadrant", ascending=False, kind="stable")
    inside = table["quadrant"] == "concentrate_here"
    p = np.where(inside, np.minimum(2 * (1 - table["p_quadrant"]), 1.0), 1.0)
    made = count_of("focus", list(table["id"]), p, confidence=confidence, method="bh")
    return made.about(cross=f"cross_{importance.cross}", candidates=list(table.loc[inside, "id"]))


def below_minimum(tolerance: ToleranceResult, confidence: float) -> Claim:
    """Claim in how many dimensions perceptions lie below the minimum, by Holm."""
    table = tolerance.table.sort_values("adequacy", kind="stable")
    df = np.maximum(table["df"].to_numpy(), 1)
    reach = stats.t.ppf((1 + confidence) / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = table["adequacy"] / ((table["adequacy_upper"] - table["adequacy_lower"]) / 2 / reach)
    p = np.minimum(2 * stats.t.cdf(t, df), 1.0)
    return count_of("inadequate", list(table["construct"]), p, confidence=confidence)
