"""The refits of a sensitivity analysis: without units, with placebo treatments, under sceptical priors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.closed_form import Design, StudentT
from xmresearch.causal.designs import refit
from xmresearch.causal.panel import Panel
from xmresearch.causal.placebo import earlier_dates, randomisation_p, reassigned
from xmresearch.causal.result import DidResult
from xmresearch.causal.synthetic import synthetic_effect
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, XMError

Array = NDArray[np.float64]
PRIORS = (0.05, 0.1, 0.2, 0.5, 1.0)
REFIT_DRAWS, POINT_DRAWS = 2000, 100
PERMUTED_CELLS, REFITTED_CELLS, FEWEST_PLACEBOS = 200_000_000, 1_000_000, 19
COLUMNS = ("check", "changed", "what", "estimate", "ci_lower", "ci_upper", "p_positive")
_GRID, _REACH = 4001, 60.0


@dataclass(frozen=True, repr=False)
class Checks(Shown):
    """A result of a kind that is cheap to fit again, at a level of confidence.

    Attributes
    ----------
    result : DidResult
        With panel and settings.
    confidence : float
        Of the intervals.
    """

    result: DidResult
    confidence: float

    @property
    def panel(self) -> Panel:
        """The data."""
        if self.result.panel is None:
            raise AssertionError("results without a panel are refused before")
        return self.result.panel

    def fit(self, panel: Panel) -> tuple[float, float, float, float]:
        """Return estimate, interval and P(> 0) of the overall effect on other data, without draws where there is a closed form."""
        if not panel.treated.any() or len(np.unique(panel.start)) < 2:
            raise InsufficientData("Without these units nothing can be compared.")
        design = Design.of(self.result.kind, panel, self.result.settings)
        if design is not None:
            return self._row(design.posterior())
        effect = refit(self.result, panel, draws=REFIT_DRAWS, confidence=self.confidence).effect
        return effect["estimate"], effect["ci_lower"], effect["ci_upper"], effect["p_positive"]

    def posterior(self) -> StudentT:
        """Return the overall effect under a flat prior; from quantiles of the draws where it has no closed form."""
        design = Design.of(self.result.kind, self.panel, self.result.settings)
        if design is not None:
            return design.posterior()
        df = float(self.result.facts.get("df", np.nan))
        df = df if df > 0 else np.inf
        low, high = np.quantile(self.result.draws, stats.norm.cdf([-1, 1]))
        reach = float(stats.t.ppf(stats.norm.cdf(1), df))
        return StudentT(self.result.effect["estimate"], float(high - low) / (2 * reach), df)

    def placebo_time(self) -> pd.DataFrame:
        """Move adoption to every feasible earlier date."""
        anticipation = self.result.settings.get("anticipation", 0)
        what = "date" if len(self.panel.cohorts) == 1 else "shift"
        return self._rows("placebo_time", what, earlier_dates(self.panel, anticipation), skip=True)

    def placebo_unit(self, most: int, seed: int) -> tuple[pd.DataFrame, float]:
        """Give the treatments to other units; return the estimates and the randomisation p value."""
        panel, settings, kind = self.panel, self.result.settings, self.result.kind
        if panel.clusters is not None:  # units of a cluster cannot be exchanged one by one
            return self._table("placebo_unit", "assignment", [], []), np.nan
        design = Design.of(kind, panel, settings)
        if design is not None:
            cells, start = (0 if design.linear else design.weight.size), design.start
            room = PERMUTED_CELLS
        else:
            cells, start, room = panel.n.size, panel.start, REFITTED_CELLS
        most = min(most, room // cells) if cells else most
        if len(start) < 3 or most < FEWEST_PLACEBOS:
            return self._table("placebo_unit", "assignment", [], []), np.nan
        starts, _ = reassigned(start, most, np.random.default_rng(seed))
        if design is not None:
            others, observed = design.estimates(starts), float(design.estimates(start[None])[0])
        else:
            others, observed = self._refitted(starts), self.result.effect["estimate"]
        once = np.unique(start, return_counts=True)[1].min() == 1 and len(np.unique(start)) == 2
        lone = np.unique(start)[0] if once and (start == start.min()).sum() == 1 else None
        labels = [self._unit(s, lone) if lone is not None else str(k + 1) for k, s in enumerate(starts)]
        rows = [(e, np.nan, np.nan, np.nan) for e in others.tolist()]
        return self._table("placebo_unit", "assignment", labels, rows), randomisation_p(observed, others)

    def leave_one_out(self, most: int) -> pd.DataFrame:
        """Leave out each unit, each cohort or the most influential units."""
        panel = self.panel
        units, arms = len(panel.units), len(np.unique(panel.start))
        if units <= arms or (units > most and arms > 2):
            if arms == 2:
                return self._table("leave_one_out", "unit", [], [])
            cohorts = panel.cohorts.tolist()
            labels = [panel.periods.labels[g] for g in cohorts]
            panels = (panel.only(panel.start != g) for g in cohorts)
            return self._rows("leave_one_out", "cohort", zip(labels, panels, strict=True))
        chosen = np.arange(units) if units <= most else np.sort(self._influential(most))
        every = np.arange(units)
        panels = (panel.only(every != u) for u in chosen.tolist())
        return self._rows("leave_one_out", "unit", zip(panel.units[chosen].tolist(), panels, strict=True))

    def priors(self) -> pd.DataFrame:
        """Put normal priors about zero on the overall effect."""
        spread, flat = self.result.effect["outcome_sd"], self.posterior()
        conjugate = self.result.kind == "two_by_two" and not self.result.settings.get("clustered")
        conjugate &= self.result.family == "gaussian" and self.result.settings.get("variance", "pooled") == "pooled"
        rows = []
        for scale in PRIORS:
            if conjugate:
                effect = refit(self.result, prior_scale=scale, confidence=self.confidence).effect
                rows.append((effect["estimate"], effect["ci_lower"], effect["ci_upper"], effect["p_positive"]))
            else:
                rows.append(with_normal_prior(flat, scale * spread, self.confidence))
        return self._table("prior", "outcome_sd", [f"{scale:g}" for scale in PRIORS], rows)

    def _refitted(self, starts: NDArray[np.int64]) -> Array:
        found = np.full(len(starts), np.nan)
        if self.result.kind == "synthetic_control":
            first, method = int(self.panel.cohorts[0]), self.result.facts["method"]
            return np.array([synthetic_effect(self.panel.value, start == first, first, method) for start in starts])
        for k, start in enumerate(starts):
            try:
                found[k] = refit(self.result, replace(self.panel, start=start), draws=POINT_DRAWS).effect["estimate"]
            except XMError:
                continue
        return found

    def _influential(self, most: int) -> NDArray[np.int64]:
        """Return the units that move the effect most; those with most rows where that takes a refit."""
        design = Design.of(self.result.kind, self.panel, self.result.settings)
        if design is None or len(design.start) < len(self.panel.units):
            pull = self.panel.n.sum(axis=1)
        else:
            pull = np.abs(design.without_each() - design.estimates(design.start[None])[0])
        return np.argsort(-pull, kind="stable")[:most]

    def _unit(self, start: NDArray[np.int64], first: int) -> str:
        return str(self.panel.units[int(np.argmax(start == first))])

    def _row(self, found: StudentT) -> tuple[float, float, float, float]:
        return found.estimate, *found.interval(self.confidence), found.p_positive

    def _rows(self, check: str, what: str, changes: Iterable[tuple[Any, Panel]], skip: bool = False) -> pd.DataFrame:
        """Fit other data; where they cannot be compared, the row is blank or left out."""
        labels, rows = [], []
        for label, panel in changes:
            try:
                row = self.fit(panel)
            except XMError:
                if skip:
                    continue
                row = (np.nan,) * 4
            labels.append(str(label))
            rows.append(row)
        return self._table(check, what, labels, rows)

    @staticmethod
    def _table(check: str, what: str, labels: list[str], rows: Sequence[tuple[float, ...]]) -> pd.DataFrame:
        table = pd.DataFrame(rows, columns=list(COLUMNS[3:]), dtype=float)
        return table.assign(check=check, changed=pd.Series(labels, dtype="str"), what=what)[list(COLUMNS)]


def with_normal_prior(flat: StudentT, prior_sd: float, confidence: float) -> tuple[float, float, float, float]:
    """Multiply a posterior under a flat prior by a normal prior about zero.

    Parameters
    ----------
    flat : StudentT
        Proportional to the likelihood.
    prior_sd : float
        In units of the effect.
    confidence : float
        Of the interval.

    Returns
    -------
    estimate, lower, upper, p_positive : float
        Conjugate where the likelihood is normal, otherwise by integration on a grid.
    """
    if np.isinf(flat.df):
        keep = prior_sd**2 / (prior_sd**2 + flat.scale**2)
        post = StudentT(keep * flat.estimate, float(np.sqrt(keep)) * flat.scale, np.inf)
        return post.estimate, *post.interval(confidence), post.p_positive
    steps = np.linspace(-1, 1, _GRID)
    grid = np.unique(np.concatenate([9 * prior_sd * steps, flat.estimate + _REACH * flat.scale * steps**3, [0.0]]))
    log = stats.t.logpdf((grid - flat.estimate) / flat.scale, flat.df) - 0.5 * (grid / prior_sd) ** 2
    density = np.exp(log - log.max())
    width, middle = np.diff(grid), (grid[1:] + grid[:-1]) / 2
    mass = width * (density[1:] + density[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    tail = (1 - confidence) / 2
    low, high = np.interp([tail, 1 - tail], below, grid)
    return float(middle @ mass / mass.sum()), float(low), float(high), float(1 - np.interp(0.0, grid, below))
