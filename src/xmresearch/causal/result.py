"""What a difference-in-differences analysis found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.concerns import Concern
from xmresearch.causal.synthetic import CLOSE_FIT
from xmresearch.display import Shown, short
from xmresearch.errors import DataError, ParamsError, nearest
from xmresearch.inference.nuts import ESS, RHAT
from xmresearch.plots import curve, forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataTree

    from xmresearch.causal.panel import Panel

Array = NDArray[np.float64]
PRETREND_LEVEL, FEW_UNITS, ENOUGH_DRAWS = 0.05, 10, 1000
COLUMNS = (
    "level", "measure", "cohort", "unit", "time", "event_time", "estimate", "sd", "ci_lower", "ci_upper", "band_lower",
    "band_upper", "p_positive", "n",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class DidResult(Shown):
    """Posterior of a treatment effect under parallel trends.

    Attributes
    ----------
    kind : str
        two_by_two, event_study, staggered, hierarchical or synthetic_control.
    family : str
        gaussian, bernoulli, ordinal, nps or count.
    outcome : str
        Name of the outcome.
    estimand : str
        What the overall effect is a change in, and over whom: such as 'mean', 'probability', 'nps', 'rate'.
    effect : dict
        estimate, sd, ci_lower, ci_upper, p_positive of the overall effect in units of the outcome; standardised,
        standardised_lower, standardised_upper (divided by outcome_sd, the SD of the outcome before treatment);
        smallest, p_above, p_within, p_below (see `decision`).
    table : DataFrame
        One row per effect: level (overall, group, dynamic, calendar, att_gt, twfe, unit, next_unit, parameter), measure, cohort (first treated
        period), unit, time, event_time (periods since treatment, 0 is the first; of unevenly spaced
        periods steps of the smallest distance between two), estimate, sd, ci_lower, ci_upper, band_lower,
        band_upper (simultaneous within the level), p_positive, n (treated units; rows where the interval is not clustered).
    draws : ndarray
        Posterior draws of the overall effect, shape (S,).
    event_draws : ndarray
        Draws of the dynamic effects, shape (S, E), without the reference period; E = 0 for two_by_two.
    event_times : tuple of int
        Event time of each column of `event_draws`.
    clustered : str
        How the intervals account for clustering.
    chosen : str
        Why this kind.
    concerns : tuple of Concern
        What a careful reviewer would ask about.
    facts : dict
        units, treated_units, control_units, rows, periods, first_period, last_period, control, base, pretrend_p, df; compared,
        compared_why, complete_units, incomplete_units (see `Layout`); where units lack periods, also effect_within,
        effect_balanced, effect_cross_sections, composition_p and attrition_p (see `Composition`).
    confidence : float
        Level of the intervals.
    panel : Panel or None
        What was analysed, and
    settings : dict
        with which settings of its kind, for `xmresearch.causal.designs.refit`.
    prior_draws : ndarray
        Draws of the overall effect from the prior, shape (S,); empty where the prior is flat.
    tree : DataTree or None
        Posterior, prior and sampler statistics, of kinds that are sampled by NUTS; see `posterior`.
    """

    kind: str
    family: str
    outcome: str
    estimand: str
    effect: dict[str, float]
    table: pd.DataFrame
    draws: Array
    event_draws: Array
    event_times: tuple[int, ...]
    clustered: str
    chosen: str
    concerns: tuple[Concern, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    confidence: float = 0.95
    panel: Panel | None = field(default=None, repr=False, compare=False)
    settings: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    prior_draws: Array = field(default_factory=lambda: np.empty(0), repr=False)
    tree: DataTree | None = field(default=None, repr=False, compare=False)

    @cached_property
    def covariance(self) -> Array:
        """Posterior covariance of the dynamic effects, shape (E, E), in the order of `event_times`."""
        return np.cov(self.event_draws, rowvar=False).reshape(len(self.event_times), len(self.event_times))

    @cached_property
    def posterior(self) -> DataTree:
        """The draws as an arviz DataTree: effect, standardised_effect and dynamic, or what NUTS sampled."""
        if self.tree is not None:
            return self.tree
        import arviz as az  # type: ignore[import-untyped]

        spread = self.effect["outcome_sd"]
        given = {"effect": self.draws[None], "standardised_effect": self.draws[None] / spread}
        coords: dict[str, Any] = {}
        dims: dict[str, list[str]] = {}
        if self.event_times:
            given["dynamic"] = self.event_draws[None]
            coords, dims = {"event_time": list(self.event_times)}, {"dynamic": ["event_time"]}
        tree: DataTree = az.from_dict({"posterior": given}, coords=coords, dims=dims)
        return tree

    @property
    def warnings(self) -> tuple[str, ...]:
        """The concerns as English sentences."""
        return tuple(str(c) for c in self.concerns)

    def tidy(self, level: str | None = None) -> pd.DataFrame:
        """Return the rows of one level, or all.

        Parameters
        ----------
        level : str, optional
            overall, group, dynamic, calendar, att_gt, twfe, unit, next_unit or parameter.

        Returns
        -------
        DataFrame
            Columns as in `table`.

        Raises
        ------
        DataError
            This kind has no such level.
        """
        if level is None:
            return self.table
        known = list(dict.fromkeys(self.table["level"]))
        if level not in known:
            raise DataError(f"A {self.kind} result has no level '{level}'.", nearest(level, known))
        return self.table[self.table["level"] == level].reset_index(drop=True)

    def decision(self, smallest: float | None = None) -> dict[str, Any]:
        """Compare the effect with the smallest one worth acting on.

        Parameters
        ----------
        smallest : float, optional
            In units of the outcome, not negative; what `did` was given if left out.

        Returns
        -------
        dict
            smallest; p_above = P(effect > smallest), p_within = P(-smallest <= effect <= smallest), p_below = P(effect <
            -smallest); verdict, by the two-sided interval at the confidence level: 'gain' where it lies above smallest, 'loss'
            below -smallest, 'negligible' between the two, otherwise 'unclear'; expected_gain = E[effect]; regret_of_acting = E[max(smallest - effect, 0)] and regret_of_waiting =
            E[max(effect - smallest, 0)], the expected losses of either choice against knowing the effect.

        Raises
        ------
        ParamsError
            `smallest` is negative.

        References
        ----------
        Kruschke, J. K. (2018). Rejecting or accepting parameter values in Bayesian estimation. Advances in Methods and
        Practices in Psychological Science, 1(2), 270-280.
        """
        bound = self.effect["smallest"] if smallest is None else float(smallest)
        if not bound >= 0:
            raise ParamsError(f"The smallest effect worth acting on is {bound:g}.", "Give a number of at least 0.")
        chances = rope(self.draws, bound)
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail])
        verdict = (
            "gain" if low > bound
            else "loss" if high < -bound
            else "negligible" if -bound < low and high < bound
            else "unclear"
        )  # fmt: skip
        return chances | {
            "smallest": bound, "verdict": verdict, "expected_gain": float(self.draws.mean()),
            "regret_of_acting": float(np.maximum(bound - self.draws, 0).mean()),
            "regret_of_waiting": float(np.maximum(self.draws - bound, 0).mean()),
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return the figures of an answer in one sentence, with its case: gain, loss, negligible or unclear."""
        return {
            "case": self.decision()["verdict"], "kind": self.kind, "family": self.family, "outcome": self.outcome,
            "estimand": self.estimand, "clustered": self.clustered, "level": self.confidence, **self.effect,
        }  # fmt: skip

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        levels = dict.fromkeys(self.table["level"])
        shown = [name for name in ("overall", "group", "dynamic", "unit", "next_unit") if name in levels] or list(
            levels
        )
        return {level: self.tidy(level).drop(columns="level") for level in shown}

    def plot(self) -> Figure:
        """Draw the effects over time with their simultaneous bands, or the overall effects where there are none."""
        path = self.table[self.table["level"] == "dynamic"]
        if not len(path):
            return forest(
                self.table[self.table["level"] == "overall"],
                "measure",
                "estimate",
                "ci",
                axis=f"effect on {self.outcome}",
            )
        wide = ["band_lower", "band_upper"] if path["band_lower"].notna().all() else ["ci_lower", "ci_upper"]
        return curve(
            path["event_time"], path["estimate"], *(path[end] for end in wide), across="periods since treatment",
            axis=f"effect on {self.outcome}", start=-0.5,
        )  # fmt: skip

    def _head(self) -> Mapping[str, Any]:
        e = self.effect
        effect = f"{short(e['estimate'])} [{short(e['ci_lower'])}, {short(e['ci_upper'])}]"
        names = ("units", "treated_units", "periods", "rows")
        return {
            "outcome": self.outcome, "kind": self.kind, "family": self.family, "effect": effect, "level": self.confidence,
            **{name: self.facts.get(name) for name in names},
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        facts = self.facts
        synthetic = self.kind == "synthetic_control"
        fewest = facts["control_units"] if synthetic else min(facts["treated_units"], facts["control_units"])
        rows: list[tuple[str, float, float, str]] = [
            ("units_per_arm", fewest, FEW_UNITS, "pass" if fewest >= FEW_UNITS else "warn" if fewest > 1 else "fail"),
            ("posterior_draws", len(self.draws), ENOUGH_DRAWS, "pass" if len(self.draws) >= ENOUGH_DRAWS else "warn"),
        ]
        if synthetic:
            rows.append(
                ("relative_rmspe", (fit := facts["relative_rmspe"]), CLOSE_FIT, "pass" if fit <= CLOSE_FIT else "warn")
            )
        p = facts.get("pretrend_p", np.nan)
        if np.isfinite(p):
            rows.append(("pretrend_p", p, PRETREND_LEVEL, "pass" if p >= PRETREND_LEVEL else "fail"))
        for name in ("composition_p", "attrition_p"):
            if np.isfinite(p := facts.get(name, np.nan)):
                worse = "fail" if name == "composition_p" and facts["compared"] == "cross_sections" else "warn"
                rows.append((name, p, PRETREND_LEVEL, "pass" if p >= PRETREND_LEVEL else worse))
        if "rhat" in facts:
            rows.append(("rhat", facts["rhat"], RHAT, "pass" if facts["rhat"] <= RHAT else "fail"))
            for name in ("ess_bulk", "ess_tail"):
                rows.append((name, facts[name], ESS, "pass" if facts[name] >= ESS else "fail"))
            rows.append(("divergences", facts["divergences"], 0, "pass" if facts["divergences"] == 0 else "fail"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def rope(draws: Array, smallest: float) -> dict[str, float]:
    """Return the probabilities that an effect is above, within and below a region of no importance."""
    within = np.abs(draws) <= smallest
    return {
        "p_above": float(np.mean(draws > smallest)), "p_within": float(np.mean(within)),
        "p_below": float(np.mean(draws < -smallest)),
    }  # fmt: skip
