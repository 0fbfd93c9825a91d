"""Everything that a study of drivers estimates; what the data do not allow is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from xmresearch.data.survey import Survey
from xmresearch.display import Shown
from xmresearch.drivers.by_group import GroupDrivers, drivers_by_group
from xmresearch.drivers.collinearity_check import CollinearityResult, collinearity
from xmresearch.drivers.contrasts import ContrastResult, penalty_reward
from xmresearch.drivers.expected_gains import GainResult, gains
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.kano_model import KanoResult, kano
from xmresearch.drivers.opportunities import opportunity
from xmresearch.drivers.quadrants import ImportanceResult, derived_grid
from xmresearch.drivers.result import DriverResult
from xmresearch.drivers.subsets import MOST_EXACT
from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.importance import importance_performance
from xmresearch.studies.drivers.asked import Asked
from xmresearch.studies.drivers.params import DriversParams


@dataclass(frozen=True, repr=False)
class Evidence(Shown):
    """Results by method; None where it was not asked for or cannot be estimated.

    Attributes
    ----------
    driven : DriverResult or None
    obstacle : str or None
        Why the drivers cannot be estimated: an `Obstacle`, or other.
    told_apart : CollinearityResult or None
    gain : GainResult or None
    derived, stated : ImportanceResult or None
    contrasts : ContrastResult or None
    kano : KanoResult or None
    chances : DataFrame or None
        Opportunity scores.
    groups : GroupDrivers or None
    branches : str or None
        Column of the groups whose best level is a mark.
    lacking : tuple of (str, str)
        Parts that the data do not allow, and why, as `obstacle`.
    """

    driven: DriverResult | None
    obstacle: str | None
    told_apart: CollinearityResult | None
    gain: GainResult | None
    derived: ImportanceResult | None
    stated: ImportanceResult | None
    contrasts: ContrastResult | None
    kano: KanoResult | None
    chances: pd.DataFrame | None
    groups: GroupDrivers | None
    branches: str | None = None
    lacking: tuple[tuple[str, str], ...] = ()

    @property
    def exact(self) -> DriverResult | None:
        """The drivers where what every subset of them explains is known; None where there are too many."""
        return self.driven if self.driven is not None and self.driven.values is not None else None

    def missing(self) -> dict[str, Any] | None:
        """Return why the drivers cannot be estimated; None where they can."""
        return {"reason": f"reason_{self.obstacle}"} if self.obstacle else None

    def left_out(self) -> dict[str, Any] | None:
        """Return what the data do not allow, and the reasons; None where they allow everything."""
        if not self.lacking:
            return None
        return {
            "parts": [part for part, _ in self.lacking],
            "reasons": list(dict.fromkeys(f"reason_{r}" for _, r in self.lacking)),
        }

    def as_numbers(self) -> dict[str, Any] | None:
        """Return no figures where the grid of derived importance treats grades as numbers, and so has other shares; None elsewhere."""
        graded = self.driven is not None and self.driven.kind != "numeric"
        return {} if graded and self.derived is not None else None

    def mark(self) -> dict[str, Any] | None:
        """Return what the best groups' levels are a mark of; None where there are no groups."""
        return {"groups": len(set(self.gain.best.values()))} if self.gain is not None and self.gain.best else None

    def moved(self, move: str) -> pd.DataFrame | None:
        """Return the gains of one move, costs only where there are any; None where there are no gains."""
        rows = None if self.gain is None else self.gain.of(move)
        if rows is None or rows.empty:
            return None
        priced = rows["cost"].notna().any()
        rows = rows if priced else rows.drop(columns=[c for c in rows if "cost" in c or c == "p_value"])
        return rows.assign(best=f"{self.branches}=" + rows["best"]) if self.branches else rows


@on_one_thread
def estimate(params: DriversParams, survey: Survey, given: Asked) -> Evidence:
    """Estimate everything that the survey allows.

    Parameters
    ----------
    params : DriversParams
        Of the study.
    survey : Survey
        Checked and screened.
    given : Asked
        Its columns.

    Returns
    -------
    Evidence
    """
    x, y = given.drivers, given.outcome
    weighed: dict[str, Any] = {"weights": given.weights, "confidence": params.confidence}
    designed = weighed | ({} if given.design is None else {"weights": given.design})
    drawn: dict[str, Any] = {"bootstrap": params.bootstrap, "seed": params.seed}
    clustered: dict[str, Any] = {"clusters": given.clusters}
    driven, obstacle = _tried(
        lambda: relative_importance(x, y, kind=params.outcome_kind, also=given.also, **designed, **drawn, **clustered)
    )
    if driven is None:
        return Evidence(None, obstacle, None, None, None, None, None, None, None, None)
    branches = None if params.branches is None else survey.frame[params.branches]
    cross, middle = params.importance_cross, given.middle
    grid: dict[str, Any] = {"cross": cross, **designed, **drawn}
    segments = survey.frame[params.segments]
    derived: Literal["share", "correlation"] = "share" if x.shape[1] <= MOST_EXACT else "correlation"
    tried = {
        "told_apart": _tried(lambda: collinearity(x, weights=given.weights)),
        "gains": _tried(
            lambda: gains(
                x, y, kind=params.outcome_kind, target=params.target, top=params.top, most=given.most, groups=branches,
                costs=params.costs, min_cell=params.min_cell, **designed, **drawn, **clustered,
            )
        ),
        "derived": _tried(lambda: derived_grid(x, y, derived=derived, middle=middle, **grid)),
        "stated": _tried(
            lambda: importance_performance(
                survey.frame, survey.codebook, min_answered=params.min_answered, **grid
            )
        ),
        "factors": _tried(lambda: penalty_reward(x, y, low=params.low, high=params.high, **weighed, **clustered)),
        "groups": _tried(lambda: drivers_by_group(x, y, segments, min_cell=params.min_cell, **weighed, **clustered))
        if params.segments else (None, None),
    }  # fmt: skip
    got: dict[str, Any] = {part: found for part, (found, _) in tried.items()}
    chances = None if given.importance is None else opportunity(
        given.importance, x, important=given.important, satisfied=given.satisfied, **designed, **drawn
    )  # fmt: skip
    return Evidence(
        driven, None, got["told_apart"], got["gains"], got["derived"], got["stated"], got["factors"], _kano(params, given), chances, got["groups"],
        params.branches, tuple((f"part_{part}", reason) for part, (_, reason) in tried.items() if reason is not None),
    )  # fmt: skip


def _kano(params: DriversParams, given: Asked) -> KanoResult | None:
    if given.functional is None or given.dysfunctional is None:
        return None
    found = kano(
        given.functional, given.dysfunctional, weights=given.weights, confidence=params.confidence, bootstrap=params.bootstrap,
        seed=params.seed,
    )  # fmt: skip
    return None if found.table.empty else found


def _tried[T](estimate: Callable[[], T]) -> tuple[T | None, str | None]:
    """Return an estimate, or why the data do not allow it."""
    try:
        return estimate(), None
    except InsufficientData as error:
        return None, getattr(error, "obstacle", "other")
    except np.linalg.LinAlgError:
        return None, "collinear"
