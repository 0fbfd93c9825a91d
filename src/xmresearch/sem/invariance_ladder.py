"""Does an instrument measure the same in several groups? The ladder of invariance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special
from scipy.stats import false_discovery_control

from xmresearch.display import Shown
from xmresearch.errors import ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.comparison import compare
from xmresearch.sem.concerns import Concern
from xmresearch.sem.fitting import fit
from xmresearch.sem.followup import score_tests
from xmresearch.sem.measures import FAIR_FIT, reaches
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import Estimator
from xmresearch.sem.samples import Data, Missing

LEVELS = ("configural", "metric", "scalar", "strict")
CFI_DROP, RMSEA_RISE = -0.010, 0.015
_EQUAL = ((), ("loadings",), ("loadings", "intercepts"), ("loadings", "intercepts", "residuals"))
_KIND = {"metric": ("=~",), "scalar": ("~1",), "strict": ("~~",)}


@dataclass(frozen=True, repr=False)
class InvarianceResult(Shown):
    """The ladder of measurement invariance.

    Attributes
    ----------
    table : DataFrame
        One row per level: as `xmresearch.sem.comparison.compare` (column level instead of model), and within: whether
        CFI falls by no more than .010 and RMSEA rises by no more than .015 against the level below (Chen 2007), or, for the
        first level, CFI is at least .90 or RMSEA at most .08; and holds: whether that is so of all levels up to it.
    means : DataFrame
        Differences of latent means from the first group, at the scalar level: construct, segment, group, est, se, z, pvalue,
        p_adjusted (Benjamini and Hochberg), ci_lower, ci_upper, d (in pooled latent SDs). Empty without a scalar level.
    suggestions : DataFrame
        For each level that is not within these bounds, the equalities whose release would lower chi-square most: level, lhs, op, rhs,
        segment, group, mi, pvalue, epc. Give them to `group_partial`.
    fits : dict of str to SemFit
        By level.
    segment : str
        The column that makes the groups.
    groups : tuple of str
        The first is the reference.
    warnings : tuple of str
        What a careful reviewer would ask about.
    """

    table: pd.DataFrame
    means: pd.DataFrame
    suggestions: pd.DataFrame
    fits: dict[str, SemFit]
    segment: str
    groups: tuple[str, ...]
    warnings: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per level."""
        return self.table

    @property
    def level(self) -> str:
        """The highest level that holds; empty if the first does not fit."""
        held = self.table.loc[self.table["holds"], "level"]
        return str(held.iloc[-1]) if len(held) else ""

    @property
    def concerns(self) -> tuple[tuple[str, Concern], ...]:
        """What a careful reviewer would ask about the groups' models, each once, with the first level that it is of."""
        first: dict[str, tuple[str, Concern]] = {}
        for level, fitted in self.fits.items():
            for concern in fitted.concerns:
                first.setdefault(str(concern), (level, concern))
        return tuple(first.values())

    def summary(self) -> dict[str, Any]:
        """Return the highest level that holds, and the first that does not."""
        failed = self.table.loc[~self.table["holds"], "level"]
        first = str(failed.iloc[0]) if len(failed) else ""
        row = self.table.set_index("level").loc[first] if first else None
        return {
            "level": self.level, "failed": first, "groups": len(self.groups),
            "reference": f"{self.segment}={self.groups[0]}", "delta_cfi": np.nan if row is None else row["delta_cfi"],
            "delta_rmsea": np.nan if row is None else row["delta_rmsea"], "cfi_fall": -CFI_DROP, "rmsea_rise": RMSEA_RISE,
            "fair_cfi": FAIR_FIT["cfi"], "fair_rmsea": FAIR_FIT["rmsea"],
        }  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        levels = "none" if not self.level else f"up to {self.level}"
        return {"segment": self.segment, "groups": len(self.groups), "levels": len(self.table), "holds": levels}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        first, *steps = self.table.itertuples()
        rows = [("configural", float(first.cfi), FAIR_FIT["cfi"], "pass" if first.within else "fail")]
        for row in steps:
            rows.append((f"invariance_{row.level}", float(row.delta_cfi), CFI_DROP, "pass" if row.within else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def invariance(
    model: str, data: Data, group: str, *, levels: Sequence[str] = LEVELS, estimator: Estimator = "ML",
    missing: Missing = "listwise", ordered: Sequence[str] | bool = (), group_partial: Sequence[str] = (),
    confidence: float = 0.95, sampling_weights: str | None = None, cluster: str | None = None,
) -> InvarianceResult:  # fmt: skip
    """Climb the ladder of measurement invariance.

    Parameters
    ----------
    model : str
        Measurement model in lavaan's syntax.
    data : DataFrame, StreamedAnswers, or mapping of str to Moments
        Rows, or the moments of each group.
    group : str
        Column whose values split the rows; of moments what their groups are values of.
    levels : sequence of str
        Of configural (same model), metric (equal loadings), scalar (and intercepts; latent means are free), strict (and
        residual variances). For ordered items (Wu & Estabrook 2016): metric ties thresholds and loadings, scalar also the
        intercepts of the responses underneath, strict their residual variances.
    estimator, missing, ordered, group_partial, confidence, sampling_weights, cluster
        As for `xmresearch.sem.fitting.fit`.

    Returns
    -------
    InvarianceResult

    Raises
    ------
    ModelError
        An unknown level, a model that is not identified in a group.
    InsufficientData
        Fewer than two groups, or too few rows in one.

    Notes
    -----
    Binary items cannot tell metric from scalar invariance, so the metric level is left out for them.

    References
    ----------
    Chen, F. F. (2007). Structural Equation Modeling, 14, 464-504.
    Wu, H. & Estabrook, R. (2016). Psychometrika, 81, 1014-1045.
    """
    for level in levels:
        if level not in LEVELS:
            raise ModelError(f"There is no invariance level '{level}'.", nearest(level, LEVELS))
    if not levels:
        raise ModelError("No invariance level is asked for.", f"Levels: {', '.join(LEVELS)}.")
    wanted = LEVELS[: 1 + max(LEVELS.index(level) for level in levels)]
    settings: dict[str, Any] = {
        "group": None if isinstance(data, Mapping) else group, "estimator": estimator, "missing": missing, "ordered": ordered, "confidence": confidence,
        "sampling_weights": sampling_weights, "cluster": cluster,
    }  # fmt: skip
    fits: dict[str, SemFit] = {}
    warnings: list[str] = []
    for level in wanted:
        equal: tuple[str, ...] = _EQUAL[LEVELS.index(level)]
        if ordered and equal:
            equal = ("thresholds", *equal)
        binary = bool(fits) and 1 in next(iter(fits.values())).model.categories
        if binary and level == "metric":
            warnings.append("Binary items cannot tell metric from scalar invariance: the metric level is left out.")
            continue
        used = group_partial if equal else ()
        fits[level] = fit(model, data, group_equal=equal, group_partial=used, **settings)
        warnings += [f"{level}: {w}" for w in fits[level].warnings]
    table = compare(fits).rename(columns={"model": "level"})
    steps = (table["delta_cfi"] >= CFI_DROP) & (table["delta_rmsea"] <= RMSEA_RISE)
    fair = any(reaches(name, table[name].iloc[0], FAIR_FIT) for name in ("cfi", "rmsea"))
    steps.iloc[0] = bool(fair or fits["configural"].model.df == 0)
    table["within"], table["holds"] = steps, steps.cummin()
    groups = next(iter(fits.values())).model.groups
    suggested = [_suggestions(level, fits[level]) for level in table.loc[~table["within"], "level"] if level in _KIND]
    columns = ["level", "lhs", "op", "rhs", "group", "mi", "pvalue", "epc"]
    found = pd.concat(suggested, ignore_index=True) if suggested else pd.DataFrame(columns=columns)
    means = _means(fits["scalar"]) if "scalar" in fits and fits["scalar"].converged else pd.DataFrame(columns=_MEANS)
    means, found = (t.assign(segment=group) for t in (means, found))
    return InvarianceResult(table, means, found, fits, group, groups, tuple(dict.fromkeys(warnings)))


_MEANS = ["construct", "group", "est", "se", "z", "pvalue", "p_adjusted", "ci_lower", "ci_upper", "d"]


def _means(fitted: SemFit) -> pd.DataFrame:
    """Return differences of latent means, also in pooled latent SDs."""
    estimates = fitted.estimates
    latent = estimates["lhs"].isin(fitted.model.latent)
    free = latent & (estimates["op"] == "~1") & (estimates["se"] > 0)
    moved = estimates[free & (estimates["group"] != fitted.model.groups[0])]
    variances = estimates[latent & (estimates["op"] == "~~") & (estimates["lhs"] == estimates["rhs"])]
    spread = {(r.lhs, r.group): r.est for r in variances.itertuples()}
    size = dict(zip(fitted.model.groups, (s.n for s in fitted.samples), strict=True))
    first = fitted.model.groups[0]
    pooled = [
        (size[first] * spread[r.lhs, first] + size[r.group] * spread[r.lhs, r.group]) / (size[first] + size[r.group])
        for r in moved.itertuples()
    ]
    adjusted = false_discovery_control(moved["pvalue"]) if len(moved) else moved["pvalue"]
    table = moved.rename(columns={"lhs": "construct"}).assign(
        p_adjusted=adjusted, d=moved["est"] / np.sqrt(np.maximum(pooled, 0))
    )
    return table[_MEANS].reset_index(drop=True)


def _suggestions(level: str, fitted: SemFit, most: int = 5) -> pd.DataFrame:
    """Return the equalities of a level whose release would lower chi-square most."""
    model = fitted.model
    shared = {q.free for q in model.in_group(0) if q.free >= 0}
    kinds = _KIND[level] + (("|",) if model.categories and level == "metric" else ())
    tied = [
        q for q in model.parameters
        if q.group and q.free in shared and q.op in kinds and (q.op != "~~" or (q.lhs == q.rhs and q.lhs in model.observed))
    ]  # fmt: skip
    columns = ["level", "lhs", "op", "rhs", "group", "mi", "pvalue", "epc"]
    if not fitted.converged or not tied or any(q.op == "|" for q in tied):
        return pd.DataFrame(columns=columns)
    added = [replace(q, free=model.n_free + k) for k, q in enumerate(tied)]
    mi, epc = score_tests(fitted, added, [float(fitted.solution.theta[q.free]) for q in tied])
    rows = [
        (level, q.lhs, q.op, q.rhs, model.groups[q.group], m, float(special.chdtrc(1, m)), e)
        for q, m, e in zip(tied, mi, epc, strict=True)
        if np.isfinite(m)
    ]
    table = pd.DataFrame(rows, columns=columns).sort_values("mi", ascending=False, kind="stable")
    return table.head(most).reset_index(drop=True)
