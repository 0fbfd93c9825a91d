"""The claims of a scorecard: did it change, for whom, against what; who is first; does the index stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.claim import Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import alike, larger, sign
from xmresearch.display import Shown
from xmresearch.inference.equal_means import welch_test
from xmresearch.studies.scorecard.asked import facts_of
from xmresearch.studies.scorecard.breakdown import Breakdown
from xmresearch.studies.scorecard.marks import against_first, marks_settled
from xmresearch.studies.scorecard.result import FEW_IN_WAVE, Scorecard
from xmresearch.studies.scorecard.same_scale import of_one_scale
from xmresearch.studies.scorecard.tree import targets_missed, targets_settled

Array = NDArray[np.float64]
CLAIMS: Mapping[str, tuple[str, ...]] = {
    "moved": cases("sign"),
    "change": cases("larger"),
    "whom": cases("count"),
    "others": cases("count"),
    "mix": cases("sign"),
    "score_part": cases("sign"),
    "benchmark": cases("sign"),
    "differ": cases("alike"),
    "best": cases("first"),
    "worst": cases("first"),
    "outlying": cases("count"),
    "index": cases("first"),
    "missed": cases("count"),
    "targets": cases("count"),
    "marks": cases("count"),
}


@dataclass(frozen=True, repr=False)
class ScorecardClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    moved, change : Claim or None
        Whether the headline rose or fell between the two waves, and whether by more than what matters; None where answers have no waves.
    whom : Claim or None
        In how many groups it did (Holm over all groups of all segments).
    others : Claim or None
        How many of the other metrics did (Holm).
    mix, score_part : Claim or None
        What other customers, and what other answers, did to the headline.
    benchmark : Claim or None
        How the headline stands to its first benchmark.
    differ, best, worst, outlying : Claim or None
        Whether the groups of the first segment differ; which is the first and which the last; how many lie off the mean of all.
    index : Claim or None
        Which group leads the composite index, given that this survives the choice of weights.
    missed : Claim or None
        Which indicators miss their targets (Holm); None where none is shown to.
    targets : Claim or None
        Of how many indicators it is settled on which side of their targets they lie (Holm).
    marks : Claim or None
        Of how many other benchmarks it is settled on which side of them metrics lie (Holm).
    """

    moved: Claim | None
    change: Claim | None
    whom: Claim | None
    others: Claim | None
    mix: Claim | None
    score_part: Claim | None
    benchmark: Claim | None
    differ: Claim | None
    best: Claim | None
    worst: Claim | None
    outlying: Claim | None
    index: Claim | None
    missed: Claim | None
    targets: Claim | None
    marks: Claim | None


def scorecard_claims(found: Scorecard) -> ScorecardClaims:
    """Settle what a scorecard may say.

    Parameters
    ----------
    found : Scorecard
        What was estimated.

    Returns
    -------
    ScorecardClaims
    """
    groups, level = found.groups, found.confidence
    targets = None if found.tree is None else targets_settled(found.tree, level)
    ranked = groups if groups is not None and groups.ranked else None
    made = ScorecardClaims(
        moved=headline_moved(found) if found.rows.timed else None, change=headline_changed(found) if found.rows.before else None, whom=groups_changed(found), others=others_changed(found),
        mix=part_of_change(found, "mix"), score_part=part_of_change(found, "score"), benchmark=against_first(found.benchmarks, found.headline, level),
        differ=None if ranked is None else groups_differ(ranked, found.headline.smallest, level),
        best=None if ranked is None else leader(ranked, level), worst=None if ranked is None else leader(ranked, level, lowest=True),
        outlying=None if ranked is None else off_the_mean(ranked, level), index=leads_index(found),
        missed=targets_missed(targets), targets=targets,
        marks=marks_settled(found.benchmarks, found.headline, level),
    )  # fmt: skip
    return replace(made, **_depending(made, found))


def _depending(made: ScorecardClaims, found: Scorecard) -> dict[str, Any]:
    """Return the claims that depend on one scale in both waves, and on raters who agree."""
    others = [m.item for m in found.asked[1:]]
    changed = {k: [found.headline.item] for k in ("moved", "change", "whom", "mix", "score_part")} | {"others": others}
    given: dict[str, Any] = {k: of_one_scale(getattr(made, k), found.other_scales, m) for k, m in changed.items()}
    if found.raters is not None:
        for k in ("differ", "best", "worst", "outlying"):
            given[k] = found.raters.on(getattr(made, k), found.headline.item)
        given["index"] = found.raters.on(made.index, found.headline.item, *others)
    return given


def _headline_row(found: Scorecard) -> Mapping[str, Any] | None:
    if found.changes is None:
        return None
    rows = found.changes[found.changes["metric"] == found.headline.item]
    return None if rows.empty else rows.iloc[0].to_dict()


def _span(found: Scorecard) -> float:
    return found.headline.measure.span * found.headline.factor


def headline_moved(found: Scorecard) -> Claim:
    """Claim that the headline rose or fell; withheld where there is one wave, or an answer too few for an interval."""
    size = {"larger": "matters_more", "smaller": "matters_more", "within": "matters_little"}
    facts, ends = _change_of(found)
    made = sign("moved", *ends, confidence=found.confidence, span=_span(found), **facts)
    made = made.about(matters=size.get(headline_changed(found).verdict, "matters_open"))
    return made if found.rows.before else made.withhold("one_wave")


def headline_changed(found: Scorecard) -> Claim:
    """Claim that the headline of two waves changed by more than matters, or by too little; withheld where there is no interval."""
    facts, ends = _change_of(found)
    return larger("change", *ends, found.headline.smallest, confidence=found.confidence, span=_span(found), **facts)


def _change_of(found: Scorecard) -> tuple[dict[str, Any], tuple[float, float, float]]:
    """Return the facts of the headline's change, and its estimate and interval; not numbers where there is none."""
    row = _headline_row(found) or {}
    told = {"score_before": "before", "score_after": "after"} | {k: k for k in ("p_above", "p_below", "answers_needed")}
    facts: dict[str, Any] = {
        **facts_of(found.headline), "kind": found.headline.called, "before": found.rows.before, "after": found.rows.after,
        "now": found.scores["estimate"].iloc[0], "now_lower": found.scores["ci_lower"].iloc[0], "now_upper": found.scores["ci_upper"].iloc[0],
        **{name: row.get(column, np.nan) for name, column in told.items()},
    }  # fmt: skip
    estimate, lower, upper = (float(row.get(k, np.nan)) for k in ("change", "ci_lower", "ci_upper"))
    return facts, (estimate, lower, upper)


def _named(table: pd.DataFrame) -> list[str]:
    return [f"{s}={v}" for s, v in zip(table["segment"], table["value"], strict=True)]


def groups_changed(found: Scorecard) -> Claim | None:
    """Claim in how many groups the headline rose or fell, by Holm; None without groups or a second wave."""
    if found.groups is None or "p" not in found.groups.table:
        return None
    table = found.groups.table.dropna(subset=["p"])
    names = _named(table)
    made = count_of("whom", names, table["p"].to_numpy(), confidence=found.confidence)
    shown, up = set(made.facts["shown"]), dict(zip(names, table["change"] > 0, strict=True))
    made = made.about(
        **facts_of(found.headline), before=found.rows.before, after=found.rows.after,
        risen=[n for n in names if n in shown and up[n]], fallen=[n for n in names if n in shown and not up[n]],
    )  # fmt: skip
    return made if names else made.withhold("groups_too_small")


def others_changed(found: Scorecard) -> Claim | None:
    """Claim how many of the other metrics rose or fell, by Holm; None where there is none, or one wave."""
    if found.changes is None:
        return None
    table = found.changes[found.changes["metric"] != found.headline.item]
    if table.empty:
        return None
    names = list(table["metric"])
    made = count_of("others", names, table["p"].to_numpy(), confidence=found.confidence)
    shown, up = set(made.facts["shown"]), dict(zip(names, table["change"] > 0, strict=True))
    return made.about(
        risen=[n for n in names if n in shown and up[n]], fallen=[n for n in names if n in shown and not up[n]]
    )  # fmt: skip


def part_of_change(found: Scorecard, part: str) -> Claim | None:
    """Claim what a part of the change did to the headline, by the first segment; None where there is none."""
    if found.groups is None or found.groups.parts.empty:
        return None
    table = found.groups.parts
    table = table[table["segment"] == table["segment"].iloc[0]]
    row = table.set_index("part").loc[part]
    name = "mix" if part == "mix" else "score_part"
    return sign(
        name, row["estimate"], row["ci_lower"], row["ci_upper"], confidence=found.confidence, span=_span(found),
        segment=str(row["segment"]), **facts_of(found.headline),
    )  # fmt: skip


def groups_differ(groups: Breakdown, margin: float, confidence: float) -> Claim:
    """Claim that the ranked groups differ, or are alike within what matters.

    Bounds of all differences are simultaneous (Bonferroni); the omnibus test is Welch's (1951).
    """
    table = groups.of_ranked()
    y, s = table["estimate"].to_numpy(), table["spread"].to_numpy()
    pairs = list(combinations(range(len(y)), 2))
    reach = stats.norm.ppf(1 - (1 - confidence) / 2 / len(pairs))
    gaps = np.array([y[i] - y[j] for i, j in pairs])
    wide = reach * np.array([np.hypot(s[i], s[j]) for i, j in pairs])
    p = welch_test(y, s, np.maximum(table["n_eff"].to_numpy() - 1, 1))[3]
    made = alike("differ", gaps - wide, gaps + wide, margin=margin or None, p=p, confidence=confidence, groups=len(y))
    return made.about(segment=groups.ranked, highest=float(y.max()), lowest=float(y.min()))


def _joint(groups: Breakdown) -> Joint:
    if groups.pooled is not None:
        return Joint(groups.pooled.table["estimate"].to_numpy(), draws=groups.pooled.draws)
    table = groups.of_ranked()
    return Joint(table["estimate"].to_numpy(), covariance=np.diag(table["spread"].to_numpy() ** 2))


def leader(groups: Breakdown, confidence: float, *, lowest: bool = False) -> Claim:
    """Claim which of the ranked groups is the first, or the last, by their pooled estimates."""
    name = "worst" if lowest else "best"
    made = first_of(name, _joint(groups), _named(groups.of_ranked()), confidence=confidence, lowest=lowest)
    return made.about(segment=groups.ranked, by=f"by_{groups.ranked_by()['case']}")


def off_the_mean(groups: Breakdown, confidence: float) -> Claim:
    """Claim how many of the ranked groups lie off the mean of all, by Benjamini and Hochberg."""
    table = groups.of_ranked()
    names = _named(table)
    made = count_of("outlying", names, table["p_outlying"].to_numpy(), confidence=confidence, method="bh")
    shown, up = set(made.facts["shown"]), dict(zip(names, table["estimate"] > groups.centre, strict=True))
    return made.about(
        segment=groups.ranked, centre=groups.centre, risen=[n for n in names if n in shown and up[n]],
        fallen=[n for n in names if n in shown and not up[n]],
    )  # fmt: skip


def leads_index(found: Scorecard) -> Claim | None:
    """Claim which group leads the index; conditional where another does under other weights, or experts contradict themselves."""
    if found.index is None:
        return None
    index, sets = found.index.index, list(found.index.index.table)
    estimate = index.table[sets[0]].to_numpy()
    segment = str(found.index.table["segment"].iloc[0])
    names = [f"{segment}={v}" for v in index.table.index]
    joint = Joint(estimate, covariance=index.covariances[sets[0]], df=max(float(found.index.table["n"].min()) - 1, 1))
    facts = index.summary()
    made = first_of("index", joint, names, confidence=found.confidence).about(
        segment=segment, sets=sets, leaders=[f"{segment}={v}" for v in facts["leaders"]], first_share=facts["first_share"], weights=sets[0],
    )  # fmt: skip
    made = made.given(Condition("ranking_survives", bool(facts["survives"])))
    experts = found.index.experts
    return made if experts is None else made.given(Condition("judgements_consistent", experts.consistent))


def few_answers(found: Scorecard) -> dict[str, Any] | None:
    """Return what must be said of few answers on the first screen; None where there are enough in both waves."""
    sizes = found.over_time[
        (found.over_time["metric"] == found.headline.item)
        & found.over_time["wave"].isin([found.rows.before, found.rows.after])
    ]["n"]
    fewest = int(sizes.min())
    return {"n": fewest, "few": FEW_IN_WAVE} if fewest < FEW_IN_WAVE else None
