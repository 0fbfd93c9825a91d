"""Shapley values of channels as players who bring conversions about together."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import bars
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Array, Index, Journeys, require_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXACT_CHANNELS, MOST_CHANNELS = 15, 62
MOST_SAMPLING_ERROR = 0.02
WORTHS = ("conversions", "rate")


@dataclass(frozen=True, repr=False)
class ShapleyResult(Shown):
    """Shapley credits.

    Attributes
    ----------
    table : DataFrame
        One row per channel, by credit: channel, shapley (in units of the worth), se (0 where exact), share, credit (conversions).
    worth : str
        What a set of channels is worth: conversions or rate.
    exact : bool
        All subsets were summed; otherwise orders of arrival were sampled.
    facts : dict
        channels, sets, samples, total.
    """

    table: pd.DataFrame
    worth: str
    exact: bool
    facts: dict[str, Any]

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the figures of an answer in one sentence, with its case: exact or sampled."""
        top = self.table.iloc[0]
        return {"case": "exact" if self.exact else "sampled", "channel": top["channel"], "share": float(top["share"]),
                "worth": self.worth, **self.facts}  # fmt: skip

    def plot(self) -> Figure:
        """Draw the shares of credit."""
        return bars(list(self.table["channel"]), {"share": self.table["share"]}, axis="share of the credit")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        top = float(self.table["shapley"].abs().max())
        largest = float(self.table["se"].max()) / top if top else 0.0
        row = (
            "largest_se_over_top",
            largest,
            MOST_SAMPLING_ERROR,
            "pass" if largest <= MOST_SAMPLING_ERROR else "warn",
        )
        return pd.DataFrame([row], columns=["check", "value", "threshold", "status"])


@on_one_thread
def shapley(
    source: Journeys | EventLog, *, worth: str = "conversions", samples: int = 2000, seed: int = 0
) -> ShapleyResult:
    """Share conversions by the average marginal contribution of each channel.

    Parameters
    ----------
    source : Journeys or EventLog
        The order of touches does not matter, only which channels a journey touched.
    worth : str
        Of a set of channels: the 'conversions' of journeys that touched no other channel, or their conversion 'rate'.
    samples : int
        Orders of arrival sampled for worth 'rate' above 15 channels.
    seed : int
        Of the samples.

    Returns
    -------
    ShapleyResult

    Raises
    ------
    ParamsError
        There is no such worth, or fewer than 2 samples.
    InsufficientData
        No journey converted, or there are more than 62 channels.

    Notes
    -----
    With worth 'conversions' the Shapley value has a closed form for any number of channels: each journey's conversions are
    divided equally among the channels it touched. With 'rate', all subsets are summed up to 15 channels; above, orders
    of arrival are drawn in antithetic pairs, and the standard error is that of the mean of pairs.

    References
    ----------
    Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games, 2, 307-317.
    Castro, J., Gomez, D. & Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling. Computers &
    Operations Research, 36(5), 1726-1730.
    """
    if worth not in WORTHS:
        raise ParamsError(f"There is no worth '{worth}'.", nearest(worth, WORTHS))
    if samples < 2:
        raise ParamsError(f"{samples} samples show no standard error.", "Give at least 2.")
    require_kind(source, Journeys, EventLog, hint="Transitions no longer know which touches made a journey.")
    journeys = source.journeys() if isinstance(source, EventLog) else source
    total = float(journeys.conversions.sum())
    if not total > 0:
        raise InsufficientData("No journey converted, so there is nothing to share.")
    size = len(journeys.channels)
    if size > MOST_CHANNELS:
        raise InsufficientData(
            f"Shapley values are for up to {MOST_CHANNELS} channels; here are {size}.",
            "Map touchpoints to fewer channels.",
        )
    masks, won, lost = _sets(journeys)
    exact = worth == "conversions" or size <= EXACT_CHANNELS
    se = np.zeros(size)
    if worth == "conversions":
        member = (masks[:, None] >> np.arange(size)) & 1
        value = (member * (won / member.sum(axis=1))[:, None]).sum(axis=0)
    elif exact:
        value = subset_shapley(_rates(masks, won, lost, size), size)
    else:
        value, se = _sampled(masks, won, lost, size, samples, np.random.default_rng(seed))
    share = value / value.sum()
    table = pd.DataFrame(
        {"channel": journeys.channels, "shapley": value, "se": se, "share": share, "credit": total * share}
    ).sort_values("credit", ascending=False, kind="stable", ignore_index=True)
    facts = {"channels": size, "sets": len(masks), "samples": 0 if exact else samples, "total": total}
    return ShapleyResult(table, worth, exact, facts)


def _sets(journeys: Journeys) -> tuple[Index, Array, Array]:
    """Return the distinct sets of channels as bits, with conversions and other ends."""
    bits = np.int64(1) << journeys.codes.astype(np.int64)
    masks, at = np.unique(np.bitwise_or.reduceat(bits, journeys.starts[:-1]), return_inverse=True)
    return masks, np.bincount(at, journeys.conversions), np.bincount(at, journeys.nulls)


def _rates(masks: Index, won: Array, lost: Array, size: int) -> Array:
    """Return the conversion rate of journeys within each subset, shape (2**size,)."""
    sums = np.zeros((2, 1 << size))
    sums[0, masks], sums[1, masks] = won, won + lost
    for bit in range(size):
        view = sums.reshape(2, -1, 2, 1 << bit)
        view[:, :, 1] += view[:, :, 0]
    rate: Array = np.divide(sums[0], sums[1], out=np.zeros(1 << size), where=sums[1] > 0)
    return rate


def subset_shapley(worth: Array, size: int) -> Array:
    """Return Shapley values from the worth of every subset.

    Parameters
    ----------
    worth : ndarray
        Shape (2**size,), bit c of the position standing for player c.
    size : int
        Players.

    Returns
    -------
    ndarray
        Shape (size,).
    """
    subsets = np.arange(1 << size)
    members = np.bitwise_count(subsets).astype(np.int64)
    weight = np.exp([lgamma(k + 1) + lgamma(size - k) - lgamma(size + 1) for k in range(size)])
    out = np.empty(size)
    for c in range(size):
        without = subsets[(subsets >> c) & 1 == 0]
        out[c] = weight[members[without]] @ (worth[without | (1 << c)] - worth[without])
    return out


def _sampled(
    masks: Index, won: Array, lost: Array, size: int, samples: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    pairs = np.empty((-(-samples // 2), size))
    member = ((masks[:, None] >> np.arange(size)) & 1).astype(bool)
    for k in range(len(pairs)):
        order = rng.permutation(size)
        pairs[k] = (_marginal(member, won, lost, order) + _marginal(member, won, lost, order[::-1])) / 2
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))


def _marginal(member: NDArray[np.bool_], won: Array, lost: Array, order: Index) -> Array:
    """Return what each channel adds to the rate when channels arrive in this order."""
    size = len(order)
    arrival = np.empty(size, np.int64)
    arrival[order] = np.arange(size)
    complete = np.where(member, arrival, -1).max(axis=1)
    sums = np.cumsum([np.bincount(complete, w, size) for w in (won, won + lost)], axis=1)
    rate = np.divide(sums[0], sums[1], out=np.zeros(size), where=sums[1] > 0)
    added: Array = np.diff(rate, prepend=0.0)[arrival]
    return added
