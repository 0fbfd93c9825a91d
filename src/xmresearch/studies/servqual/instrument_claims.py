"""What a SERVQUAL study claims of its instrument: that it is reliable, measures its dimensions, and does so alike in every group."""

from __future__ import annotations

import numpy as np
from scipy import stats

from xmresearch.claims.claim import UNSETTLED, Claim, Condition
from xmresearch.claims.families import count_of
from xmresearch.psychometrics.composite import AVE_BOUND
from xmresearch.psychometrics.construct_validity import HTMT_BOUND, ValidityResult
from xmresearch.psychometrics.instrument import SegmentInvariance
from xmresearch.psychometrics.internal_consistency import ACCEPTABLE, ReliabilityResult
from xmresearch.sem.concerns import Concern
from xmresearch.sem.result import SemFit
from xmresearch.sem.tables import side_by_side

_IMPROPER = ("not_converged", "heywood", "same_factors", "reversed_item")


def keyed_alike(trust: ReliabilityResult, cfa: SemFit | None) -> Condition:
    """Return the condition that no item is keyed the other way."""
    loads = any(c.kind == "reversed_item" for c in (cfa.concerns if cfa else ()))
    return Condition("keyed_alike", not loads and trust.reversed_items.empty)


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
    twice = not trust.differences.empty
    made = count_of("reliable" if twice else "consistent", names, p, confidence=confidence)
    made = made.about(threshold=ACCEPTABLE, reached=int((known["alpha"] >= ACCEPTABLE).sum()))
    if twice:
        made = made.about(difference_lowest=trust.differences["difference_reliability"].min())
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
