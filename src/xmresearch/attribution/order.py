"""How many touches the next one depends on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.hierarchy import concentration, row_evidence
from xmresearch.display import Shown
from xmresearch.errors import ModelError, ParamsError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import Array, Index, Journeys
from xmresearch.sufficient.transition_table import Transitions, transitions

HELD_OUT, NO_WORSE, NO_MATTER, TIED = 0.2, 2.0, 1e-5, 6
SURE_ORDER = 0.95
COLUMNS = (
    "order", "states", "transitions", "concentration", "log_evidence", "probability", "log_loss", "log_loss_gap", "gap_se",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class OrderChoice(Shown):
    """Orders compared.

    Attributes
    ----------
    table : DataFrame
        One row per order: order, states, transitions, concentration (prior transitions of a row), log_evidence, probability
        (posterior, orders being equally likely before), log_loss (nats per step of journeys that the chain did not see),
        log_loss_gap (to the least) and gap_se (with customers as units where they are known); NaN where no journey was held out.
    order : int
        The one with the highest evidence.
    by_log_loss : int
        The lowest whose log loss is within two standard errors (or 1e-5 nats) of the least; 0 where no journey was held out.
    loss : str
        'held out' (a fifth of the journeys, or of the customers), 'given' (other journeys) or 'none'.
    """

    table: pd.DataFrame
    order: int
    by_log_loss: int
    loss: str

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    @property
    def highest(self) -> int:
        """The highest order compared."""
        return int(self.table["order"].max())

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """That a chain of longer memory may fit better, where evidence chooses the highest order."""
        return (Concern("order_at_highest", {"order": self.order}),) if self.order == self.highest else ()

    def used(self, asked: int | str) -> int:
        """Return the order to use: the one asked for, or for 'auto' the one with the highest evidence."""
        return self.order if asked == "auto" else int(asked)

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        row = self.table.loc[self.table["order"] == self.order].iloc[0]
        rows = [
            (
                "probability_of_order",
                float(row["probability"]),
                SURE_ORDER,
                "pass" if row["probability"] >= SURE_ORDER else "warn",
            ),
            (
                "order_by_log_loss",
                self.by_log_loss,
                self.order,
                "pass" if self.by_log_loss in (0, self.order) else "warn",
            ),
            ("below_highest_order", self.order, self.highest, "pass" if self.order < self.highest else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def choose_order(
    source: Journeys | EventLog | Transitions, max_order: int = 3, *, held_out: Transitions | None = None, seed: int = 0
) -> OrderChoice:
    """Compare the orders of a chain by evidence, and by log loss on journeys that it did not see.

    Parameters
    ----------
    source : Journeys, EventLog or Transitions
        Transitions must be of order `max_order` at least.
    max_order : int
        Highest order compared.
    held_out : Transitions, optional
        Of other journeys, for the log loss. Left out, a fifth of the journeys is held out where `source` is Journeys.
    seed : int
        Of the split.

    Returns
    -------
    OrderChoice

    Raises
    ------
    ParamsError
        `max_order` is below 1.
    ModelError
        The transitions are of a lower order.

    Notes
    -----
    Each row of order j is Dirichlet about the prediction of order j - 1, with the concentration that maximises the evidence
    (Dirichlet-multinomial). Without bound that is the model of order j - 1, whose likelihood the evidence is compared with,
    less half the log number of journeys for the concentration. So an order is preferred only where its rows differ by
    more than chance, in however few of them that may be.

    References
    ----------
    Strelioff, C. C., Crutchfield, J. P. & Hubler, A. W. (2007). Inferring Markov chains: Bayesian estimation, model
    comparison, entropy rate, and out-of-class modeling. Physical Review E, 76, 011106.
    MacKay, D. J. C. & Peto, L. C. B. (1995). A hierarchical Dirichlet language model. Natural Language Engineering, 1(3),
    289-308.
    """
    if max_order < 1:
        raise ParamsError(f"The highest order is {max_order}.", "Give at least 1.")
    whole = source if isinstance(source, Transitions) else transitions(source, max_order)
    if whole.order < max_order or (held_out is not None and held_out.order < max_order):
        raise ModelError(
            f"Orders up to {max_order} need transitions of order {max_order}.", "Count them at that order."
        )
    train, test, loss = whole, held_out, "given" if held_out is not None else "none"
    if held_out is None and isinstance(source, Journeys):
        parts = _split(source, max_order, seed)
        if parts is not None:
            (train, test), loss = parts, "held out"
    found = _Ladder(whole, max_order)
    table = pd.DataFrame(found.rows, columns=list(COLUMNS[:5]))
    evidence = table["log_evidence"].to_numpy()
    table["probability"] = np.exp(evidence - np.logaddexp.reduce(evidence))
    table[["log_loss", "log_loss_gap", "gap_se"]] = np.nan
    by_loss = 0
    if test is not None and test.journeys > 0:
        names = tuple(sorted({*train.channels, *test.channels}))
        unseen = test.relabelled(names).lower(max_order)
        table[["log_loss", "log_loss_gap", "gap_se"]] = _losses(_Ladder(train.relabelled(names), max_order), unseen)
        near = table["log_loss_gap"] <= np.maximum(NO_WORSE * table["gap_se"], NO_MATTER)
        by_loss = int(table.loc[near, "order"].min())
    # the lowest of those that the evidence cannot tell apart
    best = int(evidence.round(TIED).argmax())
    return OrderChoice(table, int(table["order"].iloc[best]), by_loss, loss)


def _split(journeys: Journeys, order: int, seed: int) -> tuple[Transitions, Transitions] | None:
    """Hold out a fifth of the journeys, or of the customers where they are known; None where so few are no two groups."""
    rng = np.random.default_rng(seed)
    if journeys.group is not None:
        groups = rng.permutation(np.unique(journeys.group))
        # of two groups at least, one is held out
        many = max(round(HELD_OUT * len(groups)), int(len(groups) > 1))
        apart = np.isin(journeys.group, groups[:many]).astype(np.float64)
        parts = [journeys.reweighted(journeys.conversions * w, journeys.nulls * w) for w in (1 - apart, apart)]
        if any(part.weight.sum() == 0 for part in parts):
            return None
        return transitions(parts[0], order), transitions(parts[1], order)
    given = [np.round(journeys.conversions).astype(np.int64), np.round(journeys.nulls).astype(np.int64)]
    out = [rng.binomial(n, HELD_OUT).astype(np.float64) for n in given]
    left = [np.maximum(n - o, 0.0) for n, o in zip((journeys.conversions, journeys.nulls), out, strict=True)]
    if not sum(o.sum() for o in out) or not sum(n.sum() for n in left):
        return None
    return transitions(journeys.reweighted(*left), order), transitions(journeys.reweighted(*out), order)


class _Ladder:
    """Chains of every order, each shrunk towards the one below, with their evidence."""

    def __init__(self, given: Transitions, highest: int) -> None:
        self.levels = [given.lower(order) for order in range(1, highest + 1)]
        self.size = len(given.channels)
        first = self.levels[0]
        marginal = np.bincount(first.symbol, first.count, self.size + 2) + 0.5
        self.marginal = marginal / marginal.sum()
        self.found: list[float] = []
        self.rows: list[tuple[int, int, int, float, float]] = []
        base, total = self.marginal[first.symbol], 0.0
        for k, level in enumerate(self.levels):
            if k:
                base = self.predicted(level)[-1]
            c = concentration(level.row, base, level.count)
            step = row_evidence(c, level.row, base, level.count) - 0.5 * np.log(given.journeys)
            # what the order below says of the same steps has been counted already
            total += step - (float(level.count @ np.log(base)) if k else 0.0)
            self.found.append(c)
            self.rows.append((k + 1, len(level.states), len(level.count), c, total))

    def predicted(self, steps: Transitions) -> list[Array]:
        """Return the probability of each step of some transitions by every order so far, from order 0."""
        out = [self.marginal[steps.symbol]]
        for level, c in zip(self.levels, self.found, strict=False):
            base = (self.size + 1) ** np.arange(level.order - 1, -1, -1)
            keys = (level.states + 1) @ base
            row = (steps.states[:, steps.order - level.order :] + 1) @ base
            total = _looked_up(keys, np.bincount(level.row, level.count, len(keys)), row)[steps.row]
            pairs = keys[level.row] * (self.size + 2) + level.symbol
            seen = _looked_up(pairs, level.count, row[steps.row] * (self.size + 2) + steps.symbol)
            out.append((c * out[-1] + seen) / (c + total))
        return out


def _looked_up(keys: Index, values: Array, wanted: Index) -> Array:
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0.0)


def _losses(ladder: _Ladder, unseen: Transitions) -> Array:
    """Return mean log loss, gap to the least, and the standard error of the gap, shape (orders, 3)."""
    loss = -np.log(np.array(ladder.predicted(unseen)[1:]))
    count = unseen.count
    mean = loss @ count / count.sum()
    least = int(mean.argmin())
    apart = loss - loss[least]
    gap = apart @ count / count.sum()
    from_mean = apart - gap[:, None]
    if unseen.groups is None:
        spread = np.sqrt(from_mean**2 @ count) / count.sum()
    else:
        spread = np.sqrt(((unseen.groups.steps @ from_mean.T) ** 2).sum(axis=0)) / count.sum()
    return np.stack([mean, gap, spread], axis=1)
