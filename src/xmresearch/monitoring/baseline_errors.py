"""How far a chart may be from the process it was estimated from: where points truly fall between its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.monitoring.chart_scores import MOST_NET, law_of, parameter_of, possible, scores, tails
from xmresearch.monitoring.control_chart import D2, ControlChart

Array = NDArray[np.float64]
PRIOR = 0.5
"""Answers of each kind that Jeffreys' prior adds to those of the baseline."""
SIZES = 20
"""Different numbers of answers per period that stand for all of them, where what the baseline leaves open is drawn."""


class Process(Protocol):
    """Where points fall on a chart, for each of the ways in which its estimates may be off."""

    def below(self, edges: Array) -> Array:
        """Return the probability of a point below each edge, shape (charts, edges)."""
        ...


@dataclass(frozen=True, repr=False)
class NormalProcess(Shown):
    """Points that are normal on each chart, with an offset and a spread that the chart does not know.

    Attributes
    ----------
    offset : ndarray
        Mean of a standardised point, shape (charts, sizes or seasons).
    spread : ndarray
        Its standard deviation, shape (charts, 1) or that of offset.
    weight : ndarray
        Share of periods of each size or season, shape (sizes or seasons,).
    """

    offset: Array
    spread: Array
    weight: Array

    def below(self, edges: Array) -> Array:
        """Return the probability of a point below each edge, shape (charts, edges)."""
        z = (edges - self.offset[..., None]) / np.broadcast_to(self.spread, self.offset.shape)[..., None]
        return np.asarray(np.einsum("cse,s->ce", stats.norm.cdf(z), self.weight))


@dataclass(frozen=True, repr=False)
class LatticeProcess(Shown):
    """Points that are counts: scores in order, and the probability of all up to each, one pair per chart."""

    points: tuple[tuple[Array, Array], ...]

    def below(self, edges: Array) -> Array:
        """Return the probability of a point below each edge, shape (charts, edges)."""
        return np.stack([
            np.concatenate([[0.0], total])[np.searchsorted(score, edges, side="right")] for score, total in self.points
        ])  # fmt: skip


def process_of(chart: ControlChart, *, draws: int = 0, seed: int = 0) -> Process:
    """Return where points of the last phase fall on its chart, if its estimates were the truth or as the baseline leaves that open.

    Parameters
    ----------
    chart : ControlChart
        With its baseline.
    draws : int
        Of what centre and spread may truly be. Of figures that are normal the baseline is drawn anew and charted (parametric bootstrap), which
        is pivotal; of counts the share or rate is drawn from its posterior under Jeffreys' prior, so that the limits in use, which lie between
        whole counts, are those that are judged. 0 is the chart as if its estimates were the truth.
    seed : int
        Of the draws.

    Returns
    -------
    Process

    Raises
    ------
    DataError
        A chart whose points have no direction (chi_square).

    References
    ----------
    Gandy, A. & Kvaloy, J. T. (2013). Guaranteed conditional performance of control charts via bootstrap methods. Scandinavian Journal of
    Statistics, 40, 647-668.
    """
    if chart.kind == "chi_square":
        raise DataError("A chart of all shares at once has no run length here.", "Chart ridits, or take its p values.")
    rng = np.random.default_rng(seed)
    last = chart.table[chart.table["phase"] == chart.table["phase"].iloc[-1]]
    last = last[last["value"].notna()]
    base = last[last["baseline"]]
    law = law_of(chart)
    draws = 0 if chart.known else draws
    sizes, weight = _sizes(last["n"].to_numpy(dtype="float64"), SIZES if draws else len(last))
    if law != "normal" and not (law == "net" and sizes.max() > MOST_NET):
        return _counted(chart, law, base["n"].to_numpy(dtype="float64"), sizes, weight, draws, rng)
    if draws == 0:
        return NormalProcess(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1))
    return _normal(chart, base["n"].to_numpy(dtype="float64"), sizes, weight, draws, rng)


def _sizes(n: Array, most: int) -> tuple[Array, Array]:
    """Return a few numbers of answers that stand for all periods, and the share of periods of each."""
    found, counts = np.unique(n, return_counts=True)
    if len(found) <= most:
        return found, counts / counts.sum()
    picked = np.quantile(n, (np.arange(most) + 0.5) / most, method="nearest")
    found, counts = np.unique(picked, return_counts=True)
    return found, counts / counts.sum()


def _counted(
    chart: ControlChart, law: str, base: Array, sizes: Array, weight: Array, draws: int, rng: np.random.Generator
) -> LatticeProcess:  # fmt: skip
    """Return where counts fall on the chart in use, if the share or rate is as estimated or as the baseline leaves it open."""
    own, total = parameter_of(chart), float(base.sum())
    if draws == 0:
        truths = [own]
    elif law == "net":
        truths = list(rng.dirichlet(own * total + PRIOR, size=draws))
    elif law == "binomial":
        truths = list(rng.beta(own[0] * total + PRIOR, (1 - own[0]) * total + PRIOR, size=(draws, 1)))
    else:
        truths = list(rng.gamma(own[0] * total + PRIOR, size=(draws, 1)) / total)
    counts = [possible(law, n, own, *truths) for n in sizes]
    n = np.repeat(sizes, [len(x) for x in counts])
    share = np.repeat(weight, [len(x) for x in counts])
    x = np.concatenate(counts)
    score = scores(*tails(law, x, n, own))
    order = np.argsort(score, kind="stable")
    x, n, share, score = x[order], n[order], share[order], score[order]
    return LatticeProcess(tuple((score, np.cumsum(tails(law, x, n, truth)[1] * share)) for truth in truths))


def _normal(
    chart: ControlChart, base: Array, sizes: Array, weight: Array, draws: int, rng: np.random.Generator
) -> NormalProcess:  # fmt: skip
    """Draw offsets and spreads of charts whose points are normal with a variance that falls with the answers."""
    m, total = len(base), float(base.sum())
    root = np.sqrt(base)
    if chart.kind == "ridit" and not chart.overdispersed and chart.shares is not None:
        truth = chart.shares[-1]
        seen = rng.multinomial(int(total), truth, size=draws) / total
        ridits = np.cumsum(seen, axis=1) - seen / 2
        mean = ridits @ truth
        own = np.sqrt(np.maximum((seen * (ridits - 0.5) ** 2).sum(axis=1), 1e-12))
        true = np.sqrt((ridits - mean[:, None]) ** 2 @ truth)
        return NormalProcess(((mean - 0.5) / own)[:, None] * np.sqrt(sizes), (true / own)[:, None], weight)
    z = rng.standard_normal((draws, m))
    error = (z * root).sum(axis=1) / total
    if chart.kind == "xmr" or chart.overdispersed:
        spread = np.abs(np.diff(z - error[:, None] * root, axis=1)).mean(axis=1) / D2
    else:
        df = max(total - m, 1.0)
        spread = np.sqrt(rng.chisquare(df, size=draws) / df)
    return NormalProcess(-error[:, None] * np.sqrt(sizes) / spread[:, None], 1 / spread[:, None], weight)
