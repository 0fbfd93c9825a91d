"""What an attribution found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.misfit import MISFIT, excess, status
from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError, nearest
from xmresearch.plots import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FEW_CONVERSIONS, FEW_CUSTOMERS, ENOUGH_DRAWS, WIDER = 100, 40, 1000, 1.25
_TOTALS = ("journeys", "customers", "conversions", "rate", "rate_lower", "rate_upper", "value", "cost")


@dataclass(frozen=True, repr=False)
class AttributionResult(Shown):
    """Credits of channels by the removal effects of a Markov chain.

    Attributes
    ----------
    order : int
        Touches that the chain remembers.
    channels : tuple of str
        Labels, length K.
    table : DataFrame
        One row per channel, by credit: channel, touches, removal_effect (share of the chain's conversions that pass the
        channel), removal_lower, removal_upper, passed and pass_share (converting journeys of the log that pass it), share (of the credit), sd, share_lower, share_upper, credit (conversions),
        credit_lower, credit_upper, rank, rank_lower, rank_upper, p_top, mandatory; with values value_removal_effect,
        value_share, value_credit, value_lower, value_upper; with costs cost, budget_share, cost_per_conversion, _lower,
        _upper, and with both roi, roi_lower, roi_upper ((value - cost) / cost); with lifts lift, lift_lower, lift_upper;
        with a bootstrap bootstrap_sd (of whole journeys), or where customers are units chain_sd (if every step were taken by
        itself).
    draws : ndarray
        Posterior draws of the shares of credit, shape (S, K), in the order of `channels`.
    effect_draws, value_draws : ndarray
        Of the removal effects, and of the shares of value (S or 0, K).
    rank_probability : DataFrame
        Probability of each rank (columns) by channel (index), in the order of `table`.
    facts : dict
        journeys, conversions, nulls, customers (0 where nobody knows), rate, rate_lower, rate_upper, value, cost, prior, concentration (see `StepPosterior`), states, transitions, draws, bootstrap, seed.
    concerns : tuple of Concern
        What a careful reviewer would ask about.
    confidence : float
        Level of the intervals.
    """

    order: int
    channels: tuple[str, ...]
    table: pd.DataFrame
    draws: Array
    effect_draws: Array
    value_draws: Array
    rank_probability: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    concerns: tuple[Concern, ...] = ()
    confidence: float = 0.95

    @property
    def warnings(self) -> tuple[str, ...]:
        """The concerns as English sentences."""
        return tuple(str(c) for c in self.concerns)

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def comparison(self, first: str, second: str) -> dict[str, float]:
        """Compare the credits of two channels.

        Returns
        -------
        dict
            difference (of shares), lower, upper, p_more (posterior probability that the first carries more).

        Raises
        ------
        DataError
            There is no such channel.
        ModelError
            Nothing was drawn.
        """
        if not len(self.draws):
            raise ModelError("Without posterior draws no two channels can be compared.", "Give draws=1000.")
        a, b = (self.channels.index(_known(name, self.channels)) for name in (first, second))
        step = self.draws[:, a] - self.draws[:, b]
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(step, [tail, 1 - tail])
        share = self.table.set_index("channel")["share"]
        return {
            "difference": float(share[first] - share[second]), "lower": float(low), "upper": float(high),
            "p_more": float((step > 0).mean()),
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return the figures of the leading touchpoint, the mandatory steps and the totals."""
        top, next_ = self.table.iloc[0], self.table.iloc[1]
        return {
            "channel": top["channel"],
            "share": float(top["share"]), "share_lower": float(top["share_lower"]),
            "share_upper": float(top["share_upper"]), "p_top": float(top["p_top"]), "next": next_["channel"],
            "next_share": float(next_["share"]), "order": self.order, "channels": len(self.channels),
            "mandatory": self.table.loc[self.table["mandatory"], "channel"].tolist(), "level": self.confidence,
            **{k: self.facts[k] for k in _TOTALS},
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the shares of credit with their intervals."""
        return forest(self.table, "channel", "share", "share", axis="share of the credit", zero=None)

    def _head(self) -> Mapping[str, Any]:
        names = ("journeys", "conversions", "rate", "customers", "draws")
        leads = f"{self.table['channel'].iloc[0]} ({self.table['share'].iloc[0]:.1%})"
        return {"order": self.order, "channels": len(self.channels), "most credit": leads} | {
            name: self.facts.get(name) for name in names
        }

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        facts, table = self.facts, self.table
        rows: list[tuple[str, float, float]] = [
            ("conversions", facts["conversions"], FEW_CONVERSIONS), ("posterior_draws", facts["draws"], ENOUGH_DRAWS),
        ]  # fmt: skip
        checks = [(name, value, limit, "pass" if value >= limit else "warn") for name, value, limit in rows]
        if facts["customers"]:
            few = facts["customers"] < FEW_CUSTOMERS
            checks.append(("customers", facts["customers"], FEW_CUSTOMERS, "warn" if few else "pass"))
        gap = abs(float(table["credit"].sum()) - facts["conversions"]) / facts["conversions"]
        checks.append(("credits_miss_total", gap, 1e-9, "pass" if gap <= 1e-9 else "fail"))
        if "bootstrap_sd" in table:
            ratio = float((table["bootstrap_sd"] / table["sd"]).max())
            checks.append(("bootstrap_over_posterior_sd", ratio, WIDER, "pass" if ratio <= WIDER else "warn"))
        over = float(excess(table, facts["conversions"], self.confidence).max())
        checks.append(("chain_misses_log", over, MISFIT, status(over)))
        return pd.DataFrame(checks, columns=["check", "value", "threshold", "status"])


def _known(name: str, channels: tuple[str, ...]) -> str:
    if name not in channels:
        raise DataError(f"There is no channel '{name}'.", nearest(name, channels))
    return name
