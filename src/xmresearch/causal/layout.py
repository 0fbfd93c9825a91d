"""What is compared where units lack periods: changes of the same units, complete units, or the means of those present."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import comparisons
from xmresearch.causal.concerns import Concern
from xmresearch.causal.few_treated import require_complete
from xmresearch.causal.panel import Panel
from xmresearch.causal.staggered import with_base
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError, XMError, nearest

COMPARISONS = ("auto", "within", "balanced", "cross_sections")
CHOICE = ("two_by_two", "event_study", "staggered")
REPEATING = 0.5


@dataclass(frozen=True, repr=False)
class Layout(Shown):
    """Which units and cells an estimate rests on.

    Attributes
    ----------
    compared : str
        within (changes of the same units), balanced (units seen in every period) or cross_sections (means of the units present).
    why : str
        asked; complete (no unit lacks a period); gaps (units come back, and some lack periods); covariates or model (the kind has
        unit effects anyway); once (most units are seen in one period only); unpaired (too few units are seen in the periods that
        an effect compares); rows (rows are the observations or count equally); ratio (effects are ratios of means).
    panel : Panel
        The units that are used.
    every : Panel
        All units.
    """

    compared: str
    why: str
    panel: Panel
    every: Panel

    @property
    def facts(self) -> dict[str, Any]:
        """Return compared, compared_why, complete_units and incomplete_units."""
        complete = int((self.every.n > 0).all(axis=1).sum())
        return {
            "compared": self.compared, "compared_why": self.why, "complete_units": complete,
            "incomplete_units": len(self.every.units) - complete,
        }  # fmt: skip


def lay_out(panel: Panel, kind: str, asked: str, settings: dict[str, Any]) -> Layout:
    """Choose what is compared, by the design and before looking at outcomes.

    Parameters
    ----------
    panel : Panel
        All units.
    kind : str
        Of the analysis.
    asked : str
        'within', 'balanced', 'cross_sections', or 'auto': within wherever at least half of the units are seen more than once,
        some lack periods, and the units that are seen twice tell of most effects.
    settings : dict
        Of the kind.

    Returns
    -------
    Layout

    Raises
    ------
    ParamsError
        There is no such comparison, or the kind cannot make it.
    DataError
        A synthetic control needs units that lack no period.
    InsufficientData
        No unit is seen in every period, or the complete ones cannot be compared.

    References
    ----------
    Callaway, B. & Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time periods. Journal of Econometrics,
    225(2), 200-230.
    """
    if asked not in COMPARISONS:
        raise ParamsError(f"compare is '{asked}'.", nearest(asked, COMPARISONS))
    lacking = (panel.n == 0).any(axis=1)
    if not lacking.any():
        return Layout("balanced", "complete", panel, panel)
    if asked == "balanced":
        return Layout("balanced", "asked", _complete(panel, lacking), panel)
    if kind == "synthetic_control":
        require_complete(panel)
    anyway = "model" if kind == "hierarchical" else "covariates" if panel.covariates.shape[2] else ""
    if anyway and asked == "cross_sections":
        raise ParamsError(
            f"{'Kind hierarchical has unit effects' if anyway == 'model' else 'Covariates adjust changes of the same units'} "
            "in any case, so it cannot compare means of the units present.",
            "Leave compare out, or use compare='balanced'.",
        )
    cannot = "" if anyway else _cannot(panel, kind, settings)
    if asked == "within" and cannot:
        raise ParamsError(
            "Rows are the observations here, so units have no changes of their own." if cannot == "rows" else
            "Effects on a ratio scale compare means, which changes of single units do not give.",
            "Use compare='balanced' or 'cross_sections'.",
        )  # fmt: skip
    if asked == "auto" and not anyway:
        cannot = cannot or _unlike_a_panel(panel, kind, settings)
    if asked == "cross_sections" or cannot:
        return Layout("cross_sections", cannot if asked == "auto" else "asked", panel, panel)
    said = _said(panel, lacking, "within_units")
    return Layout("within", anyway or ("asked" if asked == "within" else "gaps"), said, panel)


def _said(panel: Panel, lacking: NDArray[np.bool_], kind: str) -> Panel:
    """Return a panel whose concern about missing periods says what is done about them."""
    facts = {"units": int(lacking.sum()), "total": len(lacking), "periods": len(panel.periods)}
    others = tuple(c for c in panel.concerns if c.kind != "missing_periods")
    return replace(panel, concerns=(*others, Concern(kind, facts)))


def _complete(panel: Panel, lacking: NDArray[np.bool_]) -> Panel:
    """Return the units that are seen in every period."""
    for who, arm in (("treated", panel.treated), ("untreated", ~panel.treated)):
        if arm.any() and lacking[arm].all():
            raise InsufficientData(f"No {who} unit is seen in every period.", "Use compare='within'.")
    return _said(panel, lacking, "balanced_units").only(~lacking)


def _cannot(panel: Panel, kind: str, settings: dict[str, Any]) -> str:
    """Return why changes of the same units are no choice: rows, ratio, or nothing."""
    most = max(int(panel.treated.sum()), int((~panel.treated).sum()))
    clustered = settings.get("clustered")
    if kind == "two_by_two" and not (most > 1 if clustered is None else clustered):
        return "rows"
    return "ratio" if settings.get("scale", "difference") == "ratio" else ""


def _unlike_a_panel(panel: Panel, kind: str, settings: dict[str, Any]) -> str:
    """Return why the rows are rather taken as repeated cross-sections: rows, once, unpaired, or nothing."""
    if settings.get("weight", "units") == "rows":
        return "rows"
    seen = panel.n > 0
    if (seen.sum(axis=1) > 1).mean() < REPEATING:
        return "once"
    late = np.arange(len(panel.periods)) >= panel.cohorts[0]
    if kind == "two_by_two":
        both = seen[:, late].any(axis=1) & seen[:, ~late].any(axis=1)
        return "" if all((both & arm).any() for arm in (panel.treated, ~panel.treated)) else "unpaired"
    together = {start: _together(seen[panel.start == start]) for start in np.unique(panel.start).tolist()}
    if kind == "event_study":
        reference = max(int(panel.cohorts[0]) - 1 - settings.get("anticipation", 0), 0)
        return "" if all((count[reference] > 0).all() for count in together.values()) else "unpaired"
    return "" if _mostly_paired(panel, together, settings) else "unpaired"


def _together(seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how many units are seen in both of two periods, shape (T, T)."""
    there = seen.astype(float)
    return np.asarray(there.T @ there)


def _mostly_paired(panel: Panel, together: dict[int, NDArray[np.float64]], settings: dict[str, Any]) -> bool:
    """Whether most effects after treatment have units of both arms that are seen in both periods."""
    anticipation = settings.get("anticipation", 0)
    try:
        panel = with_base(panel, anticipation)
        starts = np.unique(panel.start)
        size = np.array([np.diag(together[start]) for start in starts.tolist()])
        pairs = comparisons(
            size, starts, settings["control"], anticipation, settings.get("base", "varying"), panel.periods.when
        )
    except XMError:
        return False
    found = []
    for k in np.flatnonzero(pairs.after).tolist():
        at = int(pairs.time[k]), int(pairs.base[k])
        others = sum(together[start][at] for start in starts[pairs.controls(starts, k)].tolist())
        found.append(together[int(pairs.cohort[k])][at] > 0 and others > 0)
    return bool(np.mean(found) > 0.5)
