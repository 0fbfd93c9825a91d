"""The claims of a linkage study: links within and between branches, what comes first, the chain, staff, and branches that stand out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy import stats

from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.rules import assumption, sign
from xmresearch.display import Shown
from xmresearch.linkage.branch_comparison import AdjustedBranches
from xmresearch.linkage.link_errors import linkage_bounds
from xmresearch.linkage.link_levels import RELIABLE, UNRELIABLE
from xmresearch.linkage.service_chain import LEAST_RELIABLE, ProfitChain
from xmresearch.studies.linkage.linking import Linked, stated_links
from xmresearch.studies.linkage.params import LinkageParams

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "within": cases("sign"), "between": cases("sign"), "contextual": cases("sign"), "means": cases("assumption"), "leads": cases("sign"),
    "follows": cases("sign"), "chain": cases("sign"), "staff_means": cases("assumption"), "staff_branches": cases("count"),
    "customer_branches": cases("count"),
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class LinkageClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    within, between : Claim
        Whether customers of a branch with a better experience do more, and whether branches with a better experience have customers who do.
    contextual : Claim
        Whether the two differ.
    means : Claim
        Whether means of branches may stand for the branches.
    leads, follows : Claim or None
        Whether experience goes before the outcome, and the outcome before experience.
    chain : Claim or None
        Whether staff go with results by way of customers.
    staff_means : Claim or None
        As `means`, of staff.
    staff_branches, customer_branches : Claim or None
        Which branches differ from the mean of all.
    """

    within: Claim
    between: Claim
    contextual: Claim
    means: Claim
    leads: Claim | None
    follows: Claim | None
    chain: Claim | None
    staff_means: Claim | None
    staff_branches: Claim | None
    customer_branches: Claim | None


def linkage_claims(params: LinkageParams, found: Linked, reliability: Mapping[str, float]) -> LinkageClaims:
    """Settle what a linkage study may say.

    Parameters
    ----------
    params : LinkageParams
        Of the study.
    found : Linked
        What was fitted.
    reliability : mapping of str to float
        Of branch means of customers; see `intraclass`.

    Returns
    -------
    LinkageClaims
    """
    level = params.confidence
    reliable = Condition("means_reliable", found.links.reliability >= UNRELIABLE)
    lags, chain, climate = found.lags, found.chain, found.climate
    fits = () if lags is None else (Condition("lags_fit", bool((lags.diagnostics()["status"] == "pass").all())),)
    told = {} if lags is None else {"waves": lags.waves, "followed": lags.followed}
    return LinkageClaims(
        within=_linked(params, found, "within").about(slope_sd=found.links.slope_sd),
        between=_linked(params, found, "between").given(reliable),
        contextual=_linked(params, found, "contextual").given(reliable),
        means=_means("means", reliability, level),
        leads=None
        if lags is None
        else sign("leads", **_ends(lags.link("x_to_y")), confidence=level).given(*fits).about(**told),
        follows=None
        if lags is None
        else sign("follows", **_ends(lags.link("y_to_x")), confidence=level).given(*fits).about(**told),
        chain=None if chain is None else _chain(chain, level),
        staff_means=None if climate is None else _means("staff_means", _reliability(climate), level),
        staff_branches=None
        if found.staff_branches is None
        else _branches("staff_branches", found.staff_branches, level),
        customer_branches=None
        if found.customer_branches is None
        else _branches("customer_branches", found.customer_branches, level),
    )


def _ends(figures: Mapping[str, float]) -> dict[str, float]:
    return {k: figures[k] for k in ("estimate", "lower", "upper")}


def _linked(params: LinkageParams, found: Linked, effect: str) -> Claim:
    """Claim the sign of a link, with what wrong links may hide of it."""
    figures = found.links.effect(effect)
    made = sign(effect, **_ends(figures), confidence=params.confidence, p=figures["p"], branches=found.links.branches)
    if made.withheld:
        return made
    how, share, most = stated_links(params)
    bounds = linkage_bounds(**_ends(figures), share=share, most=most)
    return made.about(links=f"links_{how}", **bounds.summary())


def _means(name: str, reliability: Mapping[str, float], level: float) -> Claim:
    """Claim that means of branches may be used: that they are shown to be reliable, or shown not to be."""
    f, df1, df2 = (reliability[k] for k in ("f", "df1", "df2"))
    p = float(stats.f.cdf(f * (1 - UNRELIABLE), df1, df2))
    away = 1 - reliability["icc2_lower"]
    made = assumption(name, p=p, confidence=level, lower=[0.0], upper=[away], margin=1 - RELIABLE)
    shown = {k: reliability[k] for k in ("icc1", "icc1_lower", "icc1_upper", "icc2", "icc2_lower", "icc2_upper")}
    return made.about(**shown, reliable=RELIABLE, unreliable=UNRELIABLE)


def _reliability(climate: Any) -> dict[str, float]:
    names = ("icc1", "icc1_lower", "icc1_upper", "icc2", "icc2_lower", "icc2_upper", "f", "df1", "df2")
    return {k: float(getattr(climate, k)) for k in names}


def _chain(chain: ProfitChain, level: float) -> Claim:
    """Claim the indirect link by joint significance: both of its steps, and their product, leave out zero."""
    figures = chain.step("indirect")
    verdict = UNSETTLED if not chain.both else "above" if figures["estimate"] > 0 else "below"
    made = Claim(
        "chain",
        "sign",
        verdict,
        "both_steps",
        1 - level,
        level,
        figures["estimate"],
        figures["lower"],
        figures["upper"],
    )
    steps = {
        f"{k}_{v}": chain.step(step)[v]
        for k, step in (("a", "staff_customers"), ("b", "customers_results"))
        for v in ("estimate", "p")
    }
    holds = Condition("chain_reliable", min(chain.reliability) >= LEAST_RELIABLE)
    return made.given(holds).about(**steps, branches=chain.branches)


def _branches(name: str, compared: AdjustedBranches, level: float) -> Claim:
    table = compared.table
    made = count_of(name, [str(b) for b in table["branch"]], table["p"], confidence=level, method="bh")
    moved = table[table["branch"].isin(made.facts["shown"])]
    low = moved.loc[moved["difference"] < 0, "branch"].tolist()
    high = moved.loc[moved["difference"] > 0, "branch"].tolist()[::-1]
    return made.about(low=low, high=high, lower_count=len(low), higher_count=len(high))
