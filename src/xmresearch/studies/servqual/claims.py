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
from xmresearch.psychometrics.composite import AVE_BOUND
from xmresearch.psychometrics.construct_validity import HTMT_BOUND, ValidityResult
from xmresearch.psychometrics.gap_scores import GapResult
from xmresearch.psychometrics.instrument import SegmentInvariance
from xmresearch.psychometrics.internal_consistency import ACCEPTABLE, ReliabilityResult
from xmresearch.psychometrics.overall import ScoreResult
from xmresearch.psychometrics.priority import PriorityResult
from xmresearch.psychometrics.segments import SegmentResult
from xmresearch.psychometrics.tolerance import ToleranceResult
from xmresearch.sem.concerns import Concern
from xmresearch.sem.result import SemFit
from xmresearch.sem.tables import side_by_side

_IMPROPER = ("not_converged", "heywood", "same_factors", "reversed_item")

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
}


@dataclass(frozen=True, repr=False)
class ServqualClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    score : Claim
        Overall, perceptions exceed, meet or fall short of expectations by what matters.
    short, items : Claim
        How many dimensions (Holm) and statements (Benjamini-Hochberg) fall short by more than what does not matter.
    first, widest : Claim
        Which dimension takes most from the overall score, and which has the widest shortfall.
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
    """

    score: Claim
    short: Claim
    items: Claim
    first: Claim
    widest: Claim
    driver: Claim | None
    segments: Claim | None
    focus: Claim | None
    inadequate: Claim | None
    reliable: Claim
    instrument: Claim | None
    distinct: Claim | None
    comparable: Claim | None


def servqual_claims(
    *,
    gap: GapResult,
    priority: PriorityResult,
    scores: ScoreResult,
    trust: ReliabilityResult,
    driven: DriverResult | None = None,
    importance: ImportanceResult | None = None,
    segment: SegmentResult | None = None,
    tolerance: ToleranceResult | None = None,
    cfa: SemFit | None = None,
    valid: ValidityResult | None = None,
    alike: SegmentInvariance | None = None,
    smallest_gap: float = 0.0,
) -> ServqualClaims:
    """Settle what a SERVQUAL study may say.

    Parameters
    ----------
    gap, priority, scores, trust, driven, importance, segment, tolerance, cfa, valid, alike
        What was estimated; None where it was not.
    smallest_gap : float
        Smallest gap that matters, in points of the answer scale.

    Returns
    -------
    ServqualClaims
    """
    level, keyed = gap.confidence, keyed_alike(trust, cfa)
    short = falls_short(gap, smallest_gap).given(keyed)
    distinct = None if valid is None else pairs_distinct(valid, level).given(keyed)
    return ServqualClaims(
        score=overall(scores, smallest_gap, level).given(keyed),
        short=short,
        items=items_short(gap, smallest_gap).given(keyed),
        first=improve_first(priority, short, level).given(keyed),
        widest=widest(gap, level).given(keyed),
        driver=None if driven is None else strongest(driven).given(keyed),
        segments=None if segment is None else segments_differ(segment).given(keyed),
        focus=None if importance is None else concentrate(importance, level).given(keyed),
        inadequate=None if tolerance is None else below_minimum(tolerance, level).given(keyed),
        reliable=reach_alpha(trust, level).given(keyed),
        instrument=None if cfa is None else measures(cfa, distinct, level),
        distinct=distinct,
        comparable=None if alike is None else comparable(alike, level),
    )


def keyed_alike(trust: ReliabilityResult, cfa: SemFit | None) -> Condition:
    """Return the condition that no item is keyed the other way."""
    loads = any(c.kind == "reversed_item" for c in (cfa.concerns if cfa else ()))
    return Condition("keyed_alike", not loads and trust.reversed_items.empty)


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


def segments_differ(segment: SegmentResult) -> Claim:
    """Claim in how many comparisons the groups of a segment differ, by Benjamini and Hochberg."""
    tests = segment.tests
    names = [str(k) for k in range(len(tests))]
    made = count_of("segments", names, tests["p"].to_numpy(), confidence=segment.confidence, method="bh")
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


def reach_alpha(trust: ReliabilityResult, confidence: float) -> Claim:
    """Claim how many sets of scores have an alpha beyond the usual bound, by Holm over Feldt's tests or those of the design."""
    known = trust.table.dropna(subset=["alpha"])
    names = [f"{row.construct} ({row.kind})" for row in known.itertuples()]
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (1 - ACCEPTABLE) / np.maximum(1 - known["alpha"].to_numpy(), 0.0)
        if "alpha_error" in known:
            tail = stats.t.sf(np.log(f) / known["alpha_error"], np.maximum(known["df"], 1))
        else:
            df = known["n"].to_numpy() - 1
            tail = stats.f.sf(f, df, df * (known["items"].to_numpy() - 1))
    p = np.minimum(2 * tail, 1.0)
    made = count_of("reliable", names, p, confidence=confidence)
    made = made.about(
        threshold=ACCEPTABLE, reached=int((known["alpha"] >= ACCEPTABLE).sum()),
        difference_lowest=trust.differences["difference_reliability"].min(),
    )  # fmt: skip
    return made if len(known) else made.withhold("undefined")


def measures(cfa: SemFit, distinct: Claim | None, confidence: float) -> Claim:
    """Claim that no departure from the instrument's dimensions was seen, or that there is one, by the usual bounds of fit.

    A good fit of dimensions that cannot all be told apart leaves it open.
    """
    fit = side_by_side({"measurement": cfa})
    improper = sorted({c.kind for c in cfa.concerns if c.kind in _IMPROPER})
    poor = fit.verdict in ("none", "poor") or bool(improper)
    tested = cfa.model.df > 0
    apart = distinct is None or distinct.verdict == "all"
    verdict = "failed" if poor else "no_departure" if fit.verdict == "good" and apart else UNSETTLED
    row = fit.table.iloc[0]
    made = Claim("instrument", "assumption", verdict, "bounds_of_fit", np.nan, confidence)
    made = made.about(
        improper=[f"concern_{kind}" for kind in improper],
        **{k: row[k] for k in ("chisq", "df", "pvalue", "cfi", "rmsea", "srmr")},
    )
    return made if tested or poor else made.withhold("untested")


def pairs_distinct(valid: ValidityResult, confidence: float) -> Claim:
    """Claim how many pairs of dimensions are distinct: the whole interval of their HTMT2 lies below the bound."""
    known = valid.pairs.dropna(subset=["htmt2_upper"])
    distinct = known["htmt2_upper"] < HTMT_BOUND
    names = [f"{row.first} – {row.second}" for row in known.itertuples()]
    shown = [name for name, kept in zip(names, distinct, strict=True) if kept]
    verdict = "all" if shown and len(shown) == len(names) else "some" if shown else UNSETTLED
    made = Claim("distinct", "count", verdict, "upper_bound_below", (1 - confidence) / 2, confidence)
    made = made.about(
        count=len(shown), total=len(names), shown=shown, not_shown=[n for n in names if n not in shown], bound=HTMT_BOUND,
        convergent=int((valid.table["ave"] >= AVE_BOUND).sum()), constructs=len(valid.table),
    )  # fmt: skip
    return made if names else made.withhold("no_interval")


def comparable(alike: SegmentInvariance, confidence: float) -> Claim:
    """Claim for which segments the instrument is used alike, given that its model fits there at all."""
    named, ladders = list(alike.ladders), alike.ladders
    unfit = [s for s in named if not ladders[s].level]
    held = [s for s in named if ladders[s].level == "scalar"]
    broken = [s for s in named if s not in held and s not in unfit]
    verdict = "differs" if broken else "alike" if held and not unfit else UNSETTLED
    made = Claim("comparable", "alike", verdict, "invariance_cutoffs", np.nan, confidence)
    made = made.given(Condition("configural_fits", not unfit if named else None))
    made = made.about(alike=held, unlike=broken, unfit=unfit, least=alike.least)
    return made if named else made.withhold("groups_too_small")


def concerns(trust: ReliabilityResult, cfa: SemFit | None) -> list[tuple[str, Concern]]:
    """Return what a careful reviewer would ask about the instrument, by model; each item that is keyed the other way once."""
    found = [("measurement", c) for c in (cfa.concerns if cfa else ())]
    known = {c.facts.get("item") for _, c in found}
    for row in trust.reversed_items.itertuples():
        if row.item not in known:
            facts = {"item": row.item, "construct": row.construct, "value": row.item_rest}
            found.append((str(row.kind), Concern("against_rest", facts)))
    return found
