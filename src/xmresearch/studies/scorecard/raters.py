"""Agreement of raters, such as mystery shoppers, and what it leaves of differences between what they rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim, Condition
from xmresearch.data.survey import Survey
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, InsufficientData, nearest
from xmresearch.metrics.rater_agreement import cohen_kappa, fleiss_kappa, intraclass
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import Rows

ICC_BOUNDS = (0.5, 0.75)
"""Intraclass correlation of the raters' mean below which agreement is poor, and from which on it is good (Koo & Li 2016)."""
KAPPA_BOUNDS = (0.4, 0.6)
"""Kappa up to which agreement is no more than fair, and beyond which it is substantial (Landis & Koch 1977)."""
_ORDER = ("fail", "warn", "pass")


@dataclass(frozen=True, repr=False)
class RatersFound(Shown):
    """How far raters agree.

    Attributes
    ----------
    table : DataFrame
        One row per item: item, statistic (agreement_icc or agreement_kappa), subjects (rated by every rater), raters, agreement of single
        ratings with agreement_lower and agreement_upper (absolute agreement; kappa), averaged (of the raters' mean, likewise; NaN of kappa),
        between_share and rater_share (of the variance of single ratings), status (pass, warn, fail; empty where nothing could be
        estimated).
    left : DataFrame
        One row per item that is a number: item, spread (standard deviation of subjects' mean ratings), spread_left (without what raters and
        chance add), gap (from the lowest subject to the highest, as observed), left with left_lower and left_upper (share of an observed
        difference that is to be expected to be there), gap_left.
    metrics : frozenset of str
        The items among the scorecard's metrics.
    headline : str
        The headline.
    """

    table: pd.DataFrame
    left: pd.DataFrame
    metrics: frozenset[str]
    headline: str

    def tidy(self) -> pd.DataFrame:
        """Return one row per item."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many items, and on how many agreement could be estimated, with the bounds."""
        known = int((self.table["status"] != "").sum())
        case = "none" if not known else "all" if known == len(self.table) else "some"
        return {
            "case": case, "items": len(self.table), "known": known, "icc_poor": ICC_BOUNDS[0], "icc_good": ICC_BOUNDS[1],
            "kappa_poor": KAPPA_BOUNDS[0], "kappa_good": KAPPA_BOUNDS[1],
        }  # fmt: skip

    def left_facts(self) -> dict[str, Any] | None:
        """Return an empty set of facts where something can be said of differences that are left; None otherwise."""
        return {} if len(self.left) else None

    def left_told(self) -> pd.DataFrame | None:
        """Return what agreement leaves of differences; None where no item is a number."""
        return self.left if len(self.left) else None

    def _judged(self, *, headline: bool) -> pd.DataFrame:
        rows = self.table[(self.table["status"] != "") & ((self.table["item"] == self.headline) == headline)]
        return rows.assign(at=rows["status"].map(_ORDER.index), below=rows["value"] - rows["bound"]).sort_values(
            ["at", "below"]
        )

    def diagnostics(self) -> pd.DataFrame:
        """Return the check of the headline's ratings, and that of the worst of the other items."""
        checks = []
        for name, headline in (("raters_agree", True), ("raters_agree_others", False)):
            rows = self._judged(headline=headline)
            checks += [(name, row.value, row.bound, row.status) for row in rows.head(1).itertuples()]
        return pd.DataFrame(checks, columns=["check", "value", "threshold", "status"])

    def on(self, claim: Claim | None, *metrics: str) -> Claim | None:
        """Let a claim of differences between groups depend on the raters, where any of its metrics was rated by them."""
        if claim is None:
            return None
        for name, rated in (("raters_agree", self.headline), ("raters_agree_others", "")):
            concerned = [m for m in metrics if m in self.metrics and (m == rated) == bool(rated)]
            rows = self.table[self.table["item"].isin(concerned) & (self.table["status"] != "")]
            if concerned:
                claim = claim.given(Condition(name, None if rows.empty else not (rows["status"] == "fail").any()))
        return claim


def raters_found(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams, survey: Survey) -> RatersFound | None:
    """Estimate how far the raters agree in the later wave.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    params : ScorecardParams
        Of the study; `raters` says who rated what.
    survey : Survey
        Its codebook.

    Returns
    -------
    RatersFound or None
        None where the params name no raters. Repeated ratings of a subject by one rater are averaged (of kinds the first counts); subjects
        that not every rater rated are left out.

    Raises
    ------
    CodebookError, DataError
        An item or column is not there.

    References
    ----------
    McGraw, K. O. & Wong, S. P. (1996). Psychological Methods, 1, 30-46. Koo, T. K. & Li, M. Y. (2016). Journal of Chiropractic Medicine, 15,
    155-163. Landis, J. R. & Koch, G. G. (1977). Biometrics, 33, 159-174.
    """
    given = params.raters
    if given is None:
        return None
    part = rows.of(rows.after)
    carried = rows.carried.loc[part.index]
    for key, name in (("rater", given.rater), ("subject", given.subject)):
        if name not in carried:
            raise DataError(
                f"raters.{key}: the data have no column '{name}'.", nearest(name, map(str, survey.carried.columns))
            )
    names = [c.name for c in survey.codebook.columns]
    found, left = [], []
    for item in given.items:
        if item not in names:
            raise CodebookError(
                f"raters: codebook '{survey.codebook.name}' has no item '{item}'.", nearest(item, names)
            )
        scale = survey.codebook.column(item).scale
        ratings = pd.DataFrame(
            {"rater": carried[given.rater], "subject": carried[given.subject], "rating": part[item]}
        ).dropna()
        kinds = item in given.categories or scale.maximum - scale.minimum == 1
        row, more = _kappa(item, ratings, params.confidence) if kinds else _icc(item, ratings, params.confidence)
        found.append(row)
        left += more
    metrics = frozenset(m.item for m in asked) & set(given.items)
    return RatersFound(pd.DataFrame(found), pd.DataFrame(left), metrics, asked[0].item)


def _crossed(ratings: pd.DataFrame, how: str) -> pd.DataFrame:
    """Return ratings by subject and rater, of the subjects that every rater rated."""
    cells = ratings.groupby(["subject", "rater"], observed=True)["rating"].agg(how)
    return cells.unstack().dropna()


def _blank(item: str, statistic: str, wide: pd.DataFrame) -> dict[str, Any]:
    names = (
        "agreement",
        "agreement_lower",
        "agreement_upper",
        "averaged",
        "averaged_lower",
        "averaged_upper",
        "between_share",
        "rater_share",
    )
    return {
        "item": item, "statistic": statistic, "subjects": len(wide), "raters": wide.shape[1], **dict.fromkeys(names, np.nan), "value": np.nan,
        "bound": np.nan, "status": "",
    }  # fmt: skip


def _status(value: float, bounds: tuple[float, float]) -> dict[str, Any]:
    if not np.isfinite(value):
        return {}
    status = "fail" if value < bounds[0] else "warn" if value < bounds[1] else "pass"
    return {"value": value, "bound": bounds[1], "status": status}


def _icc(item: str, ratings: pd.DataFrame, confidence: float) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    wide = _crossed(ratings, "mean")
    row = _blank(item, "agreement_icc", wide)
    try:
        long = wide.rename_axis("subject").reset_index().melt("subject", var_name="rater", value_name="rating")
        found = intraclass(long, target="subject", rater="rater", rating="rating", confidence=confidence)
    except InsufficientData:  # a row of dashes
        return row, []
    forms, facts = found.table.set_index("type"), found.summary()
    for name, form in (("agreement", "ICC2"), ("averaged", "ICC2k")):
        values = forms.loc[form, ["icc", "lower", "upper"]]
        row |= dict(zip((name, f"{name}_lower", f"{name}_upper"), values, strict=True))
    row |= {"between_share": facts["between_share"], "rater_share": facts["rater_share"]}
    row |= _status(row["averaged"], ICC_BOUNDS)
    means = wide.mean(axis=1)
    kept, low, high = (float(np.clip(v, 0, 1)) for v in forms.loc["ICC3k", ["icc", "lower", "upper"]])
    gap = float(means.max() - means.min())
    return row, [{
        "item": item, "spread": float(means.std()), "spread_left": float(np.sqrt(found.between)), "gap": gap, "left": kept, "left_lower": low,
        "left_upper": high, "gap_left": gap * kept,
    }]  # fmt: skip


def _kappa(item: str, ratings: pd.DataFrame, confidence: float) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    wide = _crossed(ratings, "first")
    row = _blank(item, "agreement_kappa", wide)
    try:
        if wide.empty:
            return row, []
        if wide.shape[1] == 2:
            found = cohen_kappa(wide.iloc[:, 0], wide.iloc[:, 1], confidence=confidence)
        else:
            levels = np.unique(wide.to_numpy())
            found = fleiss_kappa(np.stack([(wide == v).sum(axis=1) for v in levels], axis=1), confidence=confidence)
    except InsufficientData:  # a row of dashes
        return row, []
    return row | {
        "agreement": found["kappa"], "agreement_lower": found["lower"], "agreement_upper": found["upper"], **_status(found["kappa"], KAPPA_BOUNDS),
    }, []  # fmt: skip
