"""What may be said of groups: whether they are measured alike, and whether their means differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from xmresearch.claims.claim import Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.claims.rules import alike
from xmresearch.display import Shown
from xmresearch.sem.invariance_ladder import InvarianceResult
from xmresearch.sem.measures import NOT_CLOSE
from xmresearch.studies.sem.evidence import depending
from xmresearch.studies.sem.measurement import fit_claim

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "configural": cases("assumption"),
    "loadings_alike": cases("alike"),
    "intercepts_alike": cases("alike"),
    "residuals_alike": cases("alike"),
    "means_differ": cases("count"),
}
LEVEL_OF = {"loadings_alike": "metric", "intercepts_alike": "scalar", "residuals_alike": "strict"}


@dataclass(frozen=True, repr=False)
class GroupClaims(Shown):
    """What may be said of groups; None for what was not asked.

    Attributes
    ----------
    configural : Claim or None
        Whether the model fits all groups at once with nothing held equal.
    loadings_alike, intercepts_alike, residuals_alike : Claim or None
        Whether these are equal in all groups, or nearly.
    means_differ : Claim or None
        In how many constructs a group's latent mean differs from the reference.
    """

    configural: Claim | None = None
    loadings_alike: Claim | None = None
    intercepts_alike: Claim | None = None
    residuals_alike: Claim | None = None
    means_differ: Claim | None = None


def group_claims(ladder: InvarianceResult | None) -> GroupClaims:
    """Claim what may be said of groups.

    Parameters
    ----------
    ladder : InvarianceResult or None
        Of the measurement model.

    Returns
    -------
    GroupClaims
        Equality needs a model that fits the groups with nothing held equal (configural): where it does not fit, the cause
        is the model, not the groups. Equal intercepts need loadings that do not differ, and so on; means need both.
    """
    if ladder is None:
        return GroupClaims()
    free = ladder.fits["configural"]
    fits = bool(ladder.table["holds"].iloc[0])
    conditions = [Condition("converged", free.converged), Condition("configural", fits)]
    steps = ladder.table.set_index("level")
    about = {"group": ladder.segment, "groups": len(ladder.groups)}
    found: dict[str, Claim | None] = {"configural": fit_claim(free, "configural").about(**about)}
    for name, level in LEVEL_OF.items():
        if level not in steps.index:
            continue
        made = _equal(name, ladder, steps.loc[level]).about(**about)
        found[name] = depending(made, conditions)
        conditions.append(Condition(name, made.verdict != "differs"))
    needed = [c for c in conditions if c.check != "residuals_alike"]
    means = _means(ladder)
    return GroupClaims(**found, means_differ=means and depending(means, needed))


def difference_bound(chisq: float, df: float, n: float, groups: int, level: float) -> float:
    """Return the upper bound of the RMSEA of the equalities that a step adds.

    Parameters
    ----------
    chisq, df : float
        Of the test of the step against the one below.
    n : float
        Respondents of all groups.
    groups : int
        How many.
    level : float
        How often the bound is too low.

    Returns
    -------
    float
        NaN where there was no test.

    References
    ----------
    Yuan, K.-H. & Chan, W. (2016). Measurement invariance via multigroup SEM: issues and solutions with chi-square-difference
    tests. Psychological Methods, 21, 405-426. Savalei, V., Brace, J. C. & Fouladi, R. T. (2023). We need to change how we
    compute RMSEA for nested model comparisons in structural equation modeling. Psychological Methods.
    """
    if not (np.isfinite(chisq) and df > 0):
        return np.nan
    statistic = max(chisq, 0.0)

    def excess(x: float) -> float:
        return float(special.chndtr(statistic, df, x)) - level

    top = max(statistic, 1.0)
    while excess(top) > 0:
        top *= 2
    shift = 0.0 if excess(0.0) <= 0 else float(optimize.brentq(excess, 0.0, top))
    return float(np.sqrt(groups * shift / (n * df)))


def _equal(name: str, ladder: InvarianceResult, step: pd.Series) -> Claim:
    fitted = next(iter(ladder.fits.values()))
    p, chisq, df = (float(step[k]) for k in ("p_diff", "chisq_diff", "df_diff"))
    upper = difference_bound(chisq, df, fitted.n, len(ladder.groups), 1 - fitted.confidence)
    bounds = [upper] if np.isfinite(upper) else []
    made = alike(name, [0.0] * len(bounds), bounds, margin=NOT_CLOSE, p=p, confidence=fitted.confidence)
    shown = {k: float(step[k]) for k in ("delta_cfi", "delta_rmsea", "chisq_diff", "df_diff")}
    return made.about(
        **shown, bound=upper, found=f"found_{made.verdict}", reference=f"{ladder.segment}={ladder.groups[0]}"
    )


def _means(ladder: InvarianceResult) -> Claim | None:
    """Claim in how many constructs means differ: Bonferroni over the groups of a construct, Holm over constructs."""
    if ladder.means.empty:
        return None
    rows = ladder.means.groupby("construct", sort=False)["pvalue"]
    p = np.minimum(rows.min() * rows.size(), 1.0)
    confidence = ladder.fits["scalar"].confidence
    made = count_of("means_differ", list(p.index), p.to_numpy(), confidence=confidence)
    return made.about(group=ladder.segment, reference=f"{ladder.segment}={ladder.groups[0]}")
