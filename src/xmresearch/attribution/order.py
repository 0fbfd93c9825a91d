"""How many touches the next one depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.attribution.evidence import best_alpha
from xmresearch.errors import ModelError, ParamsError
from xmresearch.sufficient.journeys import Array, Index, Journeys
from xmresearch.sufficient.transitions import Transitions, transitions

HELD_OUT = 0.2
COLUMNS = ("order", "states", "transitions", "alpha", "log_evidence", "probability", "log_loss")


@dataclass(frozen=True)
class OrderChoice:
    """Orders compared.

    Attributes
    ----------
    table : DataFrame
        One row per order: order, states, transitions, alpha (prior count), log_evidence, probability (posterior, orders
        being equally likely before), log_loss (nats per step that the chain did not see).
    order : int
        The one with the highest evidence.
    by_log_loss : int
        The one with the lowest log loss.
    loss : str
        'held out' (a fifth of the journeys), 'given' (other journeys) or 'leave one out' (step by step).
    """

    table: pd.DataFrame
    order: int
    by_log_loss: int
    loss: str

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the figures of an answer in one sentence, with its case: agreed or differ."""
        row = self.table.loc[self.table["order"] == self.order].iloc[0]
        return {
            "case": "agreed" if self.order == self.by_log_loss else "differ", "order": self.order,
            "by_log_loss": self.by_log_loss, "probability": float(row["probability"]), "loss": self.loss,
            "orders": len(self.table),
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn)."""
        row = self.table.loc[self.table["order"] == self.order].iloc[0]
        highest = int(self.table["order"].max())
        rows = [
            ("probability_of_order", float(row["probability"]), 0.95, "pass" if row["probability"] >= 0.95 else "warn"),
            ("order_by_log_loss", self.by_log_loss, self.order, "pass" if self.by_log_loss == self.order else "warn"),
            ("below_highest_order", self.order, highest, "pass" if self.order < highest else "warn"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False, float_format="{:.6g}".format))

    def _repr_markdown_(self) -> str:
        return f"```\n{self.table.to_string(index=False, float_format='{:.6g}'.format)}\n```"


def choose_order(
    source: Journeys | Transitions, max_order: int = 3, *, held_out: Transitions | None = None, seed: int = 0
) -> OrderChoice:
    """Compare the orders of a chain by evidence and by log loss on steps that it did not see.

    Parameters
    ----------
    source : Journeys or Transitions
        Transitions must be of order `max_order` at least.
    max_order : int
        Highest order compared.
    held_out : Transitions, optional
        Of other journeys, for the log loss. Left out, a fifth of the journeys is held out, or, where only transitions are
        given, one step at a time.
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
    Every order may use the symbols that were seen after the latest touch, so that no order is told more than another about what
    is impossible. Rows are symmetric Dirichlet distributions whose prior count maximises the evidence of their order.

    References
    ----------
    Strelioff, C. C., Crutchfield, J. P. & Hubler, A. W. (2007). Inferring Markov chains: Bayesian estimation, model
    comparison, entropy rate, and out-of-class modeling. Physical Review E, 76, 011106.
    """
    if max_order < 1:
        raise ParamsError(f"The highest order is {max_order}.", "Give at least 1.")
    whole = transitions(source, max_order) if isinstance(source, Journeys) else source
    if whole.order < max_order or (held_out is not None and held_out.order < max_order):
        raise ModelError(f"Orders up to {max_order} need transitions of order {max_order}.", "Count them at that order.")
    if held_out is not None:
        train, test, loss = whole, held_out, "given"
    elif isinstance(source, Journeys):
        train, test = _split(source, max_order, seed)
        loss = "held out"
    else:
        train, test, loss = whole, None, "leave one out"
    rows = []
    for order in range(1, max_order + 1):
        at = whole.lower(order)
        total, width = _rows(at, whole)
        alpha, evidence = best_alpha(total, width, at.count)
        if test is None:
            value = _leave_one_out(at, total, width, alpha)
        else:
            value = _log_loss(train.lower(order), test.lower(order), train + test)
        rows.append((order, len(at.states), len(at.count), alpha, evidence, np.nan, value))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["probability"] = np.exp(table["log_evidence"] - np.logaddexp.reduce(table["log_evidence"].to_numpy()))
    best, least = (int(table["order"].iloc[int(k)]) for k in (table["log_evidence"].argmax(), table["log_loss"].argmin()))
    return OrderChoice(table, best, least, loss)


def _split(journeys: Journeys, order: int, seed: int) -> tuple[Transitions, Transitions]:
    rng = np.random.default_rng(seed)
    given = [np.round(journeys.conversions).astype(np.int64), np.round(journeys.nulls).astype(np.int64)]
    out = [rng.binomial(n, HELD_OUT).astype(np.float64) for n in given]
    rest = journeys.reweighted(journeys.conversions - out[0], journeys.nulls - out[1])
    return transitions(rest, order), transitions(journeys.reweighted(out[0], out[1]), order)


def _rows(given: Transitions, support: Transitions) -> tuple[Array, Array]:
    """Return transitions and allowed symbols of each state."""
    total = np.bincount(given.row, given.count, len(given.states))
    return total, _widths(support)[given.states[:, -1]].astype(np.float64)


def _widths(support: Transitions) -> Index:
    """Return how many symbols were seen after each latest touch, shape (K + 1,); the start is last."""
    size = len(support.channels)
    seen = np.zeros((size + 1, size + 2), dtype=bool)
    seen[support.states[support.row, -1], support.symbol] = True
    return seen.sum(axis=1)


def _leave_one_out(given: Transitions, total: Array, width: Array, alpha: float) -> float:
    left = (given.count - 1 + alpha) / (total - 1 + alpha * width)[given.row]
    return float(-(given.count * np.log(left)).sum() / given.count.sum())


def _log_loss(train: Transitions, test: Transitions, support: Transitions) -> float:
    """Return the mean negative log probability of the test's steps."""
    size = len(support.channels)
    parts = [part.relabelled(support.channels) for part in (train, test)]
    alpha, _ = best_alpha(*_rows(parts[0], support), train.count)
    base = (size + 1) ** np.arange(train.order - 1, -1, -1)
    keys = [(part.states + 1) @ base for part in parts]
    total = np.bincount(parts[0].row, parts[0].count, len(keys[0]))
    of = np.searchsorted(keys[0], keys[1]).clip(max=len(keys[0]) - 1)
    known = np.where(keys[0][of] == keys[1], total[of], 0.0)
    pairs = [keys[k][parts[k].row] * (size + 2) + parts[k].symbol for k in (0, 1)]
    at = np.searchsorted(pairs[0], pairs[1]).clip(max=len(pairs[0]) - 1)
    seen = np.where(pairs[0][at] == pairs[1], parts[0].count[at], 0.0)
    width = _widths(support)[parts[1].states[:, -1]]
    chance = (seen + alpha) / (known + alpha * width)[parts[1].row]
    return float(-(parts[1].count * np.log(chance)).sum() / parts[1].count.sum())

