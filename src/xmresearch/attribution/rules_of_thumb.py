"""Rules of thumb: credit by the place of a touch in its journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import bars
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.event_rules import Span, seconds
from xmresearch.sufficient.journeys import Array, Journeys, in_order, placed, require_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES = ("first", "last", "linear", "position", "time_decay", "last_non_direct")
POSITION = (0.4, 0.2, 0.4)
HALF_LIFE_STEPS, HALF_LIFE = 2.0, "7d"


@dataclass(frozen=True, repr=False)
class HeuristicCredits(Shown):
    """Credits by rules of thumb.

    Attributes
    ----------
    conversions, value : DataFrame
        One row per channel: channel, then first, last, linear, position, time_decay, last_non_direct. Each column sums to the
        total.
    facts : dict
        half_life and its unit, position, direct.
    """

    conversions: pd.DataFrame
    value: pd.DataFrame
    facts: dict[str, Any]

    def tidy(self) -> pd.DataFrame:
        """Return one row per channel and rule: channel, rule, conversions, value."""
        long = self.conversions.melt("channel", var_name="rule", value_name="conversions")
        return long.assign(value=self.value.melt("channel")["value"])

    def summary(self) -> dict[str, Any]:
        """Return the channel with the most credit by each rule, with the case: agreed or differ."""
        names = {rule: str(self.conversions.loc[self.conversions[rule].idxmax(), "channel"]) for rule in RULES}
        return {"case": "agreed" if len(set(names.values())) == 1 else "differ", **names}

    def plot(self) -> Figure:
        """Draw the credits of each channel by rule."""
        rules = {name: self.conversions[name] for name in self.conversions.columns[1:]}
        return bars(list(self.conversions["channel"]), rules, axis="conversions")

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"Conversions": self.conversions}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status: every rule shares out the same total."""
        totals = self.conversions[list(RULES)].sum()
        gap = float((totals.max() - totals.min()) / totals.max())
        row = ("rules_differ_in_total", gap, 1e-9, "pass" if gap <= 1e-9 else "fail")
        return pd.DataFrame([row], columns=["check", "value", "threshold", "status"])


@on_one_thread
def heuristics(
    source: Journeys | EventLog,
    *,
    half_life: Span = None,
    position: tuple[float, float, float] = POSITION,
    direct: str | None = None,
) -> HeuristicCredits:
    """Credit channels by the usual rules.

    Parameters
    ----------
    source : Journeys or EventLog
        An event log is streamed.
    half_life : float, str or timedelta, optional
        Of time decay: a touch this long before the end counts half. Steps for journeys without times (2 if left out), a span of
        time for event logs ('7d').
    position : tuple of float
        Weights of the first touch, of those between together, and of the last.
    direct : str, optional
        Channel that `last_non_direct` passes over, unless there is no other.

    Returns
    -------
    HeuristicCredits

    Raises
    ------
    ParamsError
        An option is out of range, or `direct` is no channel.
    InsufficientData
        No journey converted.

    References
    ----------
    Kannan, P. K., Reinartz, W. & Verhoef, P. C. (2016). The path to purchase and attribution modeling. International Journal of
    Research in Marketing, 33(3), 449-456.
    """
    if min(position) < 0 or abs(sum(position) - 1) > 1e-9:
        raise ParamsError(f"The weights by position are {position}.", "Give three that are at least 0 and add up to 1.")
    require_kind(source, Journeys, EventLog, hint="Transitions no longer know which touches made a journey.")
    timed = isinstance(source, EventLog)
    given = half_life if half_life is not None else HALF_LIFE if timed else HALF_LIFE_STEPS
    life = seconds(given, "half_life") or HALF_LIFE_STEPS
    sums = _RuleSums(life, position, direct)
    if isinstance(source, EventLog):
        _, last = source.reduce(sums.reset, times=True)
    else:
        sums.add(source)
        last = source
    if direct is not None and direct not in last.channels:
        raise ParamsError(f"'{direct}' is no channel.", nearest(direct, last.channels))
    names, place = in_order(last.channels)
    if not sums.total.shape[1] or not sums.total[0].sum() > 0:
        raise InsufficientData("No journey converted, so there is nothing to share.")
    tables = []
    for which in (0, 1):
        columns = {r: placed(sums.total[k, :, which], place) for k, r in enumerate(RULES)}
        tables.append(pd.DataFrame({"channel": names} | columns))
    facts = {"half_life": life, "unit": "seconds" if timed else "steps", "position": position, "direct": direct}
    return HeuristicCredits(tables[0], tables[1], facts)


class _RuleSums:
    """Credit of conversions and value by rule and channel, shape (rules, K, 2)."""

    def __init__(self, half_life: float, position: tuple[float, float, float], direct: str | None) -> None:
        self.half_life, self.position, self.direct = half_life, position, direct
        self.total = np.zeros((len(RULES), 0, 2))

    def reset(self) -> _RuleSums:
        """Start again."""
        self.total = np.zeros((len(RULES), 0, 2))
        return self

    def add(self, block: Journeys) -> None:
        """Add a block of journeys."""
        size = len(block.channels)
        grown = np.zeros((len(RULES), size, 2))
        grown[:, : self.total.shape[1]] = self.total
        self.total = grown
        if len(block) == 0:
            return
        worth = np.stack([block.conversions, block.value], axis=1)
        for k, weights in enumerate(self._weights(block)):
            total = np.add.reduceat(weights, block.starts[:-1])
            share = weights / np.repeat(total, block.lengths)
            for which in (0, 1):
                credit = share * np.repeat(worth[:, which], block.lengths)
                self.total[k, :, which] += np.bincount(block.codes, credit, size)

    def _weights(self, block: Journeys) -> list[Array]:
        """Return the weight of each touch by rule, in the order of `RULES`."""
        n, lengths = len(block.codes), block.lengths
        first, last = np.zeros(n), np.zeros(n)
        first[block.starts[:-1]] = 1
        last[block.starts[1:] - 1] = 1
        long = np.repeat(lengths, lengths)
        begin, middle, end = self.position
        inner = middle / np.maximum(long - 2, 1)
        position = np.where(
            long > 2, first * begin + last * end + (1 - first - last) * inner, first * begin + last * end
        )
        if begin + end == 0:
            # a journey without touches between would share nothing
            position = np.where(long <= 2, 1.0, position)
        stop = np.repeat(block.starts[1:] - 1, lengths)
        age = stop - np.arange(n) if block.time is None else block.time[stop] - block.time
        return [first, last, np.ones(n), position, np.exp2(-age / self.half_life), self._last_other(block, last)]

    def _last_other(self, block: Journeys, last: Array) -> Array:
        if self.direct not in block.channels:
            return last
        other = block.codes != block.channels.index(str(self.direct))
        at = np.where(other, np.arange(len(other)), -1)
        latest = np.maximum.reduceat(at, block.starts[:-1])
        chosen = np.where(latest >= 0, latest, block.starts[1:] - 1)
        out = np.zeros(len(other))
        out[chosen] = 1
        return out
