"""Paths put into clusters by how much must be added or taken out to make one the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.journeys.case_log import Array, CaseLog, Index
from xmresearch.journeys.durations import HOUR
from xmresearch.journeys.path_variants import described_cases, variant_of

MOST_PATHS, LONGEST = 300, 200
"""Most paths compared, and most steps of one."""
STRUCTURE = 0.25
"""Mean silhouette from which on there is any structure (Kaufman & Rousseeuw, 1990)."""


@dataclass(frozen=True, repr=False)
class PathClusters(Shown):
    """Clusters of paths.

    Attributes
    ----------
    table : DataFrame
        One row per cluster, the largest first: cluster, chain (its most central path that enough customers went), cases, customers, part, median_hours with its interval,
        and as far as there are any goal_share and score with theirs.
    of_case : ndarray
        Cluster of each case, from 0, shape (n,); -1 of paths beyond the most frequent.
    silhouette : float
        Mean over cases; NaN where there are no clusters.
    clustered : float
        Share of the cases whose path was compared.
    """

    table: pd.DataFrame
    of_case: Index
    silhouette: float
    clustered: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per cluster."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many clusters there are, with the case: some or none."""
        found = int(self.of_case.max(initial=-1)) + 1
        return {
            "case": "some" if found > 1 else "none",
            "clusters": found,
            "silhouette": self.silhouette,
            "clustered": self.clustered,
        }


def path_distances(paths: Sequence[Sequence[Any]]) -> Array:
    """Return how far paths are apart: steps to add and to take out, as a share of the steps of both.

    Parameters
    ----------
    paths : sequence of sequence
        Steps of each path, at least one.

    Returns
    -------
    ndarray
        Shape (n, n): 0 for the same path, 1 for paths without a common step.

    References
    ----------
    Abbott, A. & Tsay, A. (2000). Sequence analysis and optimal matching methods in sociology: review and prospect. Sociological Methods &
    Research, 29, 3-33.
    """
    known: dict[Any, int] = {}
    coded = [np.array([known.setdefault(step, len(known)) for step in path]) for path in paths]
    lengths = np.array([len(p) for p in coded])
    padded = np.full((len(coded), int(lengths.max())), -1)
    for k, path in enumerate(coded):
        padded[k, : len(path)] = path
    found = np.zeros((len(coded), len(coded)))
    for k, path in enumerate(coded):
        # longest common subsequence with every other path at once
        row = np.zeros((len(coded), padded.shape[1] + 1), dtype=np.int64)
        for step in path:
            old = row.copy()
            for j in range(padded.shape[1]):
                row[:, j + 1] = np.where(padded[:, j] == step, old[:, j] + 1, np.maximum(old[:, j + 1], row[:, j]))
        common = row[:, -1]
        found[k] = (len(path) + lengths - 2 * common) / (len(path) + lengths)
    return found


def _medoids(distance: Array, weight: Array, count: int) -> Index:
    """Choose central paths: greedily, then by exchanging as long as that brings paths nearer."""
    chosen = [int((distance @ weight).argmin())]
    while len(chosen) < count:
        near = distance[:, chosen].min(axis=1)
        gain = (weight[:, None] * np.maximum(near[:, None] - distance, 0.0)).sum(axis=0)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
    cost = float(weight @ distance[:, chosen].min(axis=1))
    improved = True
    while improved:
        improved = False
        for place in range(count):
            others = [c for k, c in enumerate(chosen) if k != place]
            rest = distance[:, others].min(axis=1) if others else np.full(len(weight), np.inf)
            trial = weight @ np.minimum(rest[:, None], distance)
            best = int(trial.argmin())
            if trial[best] < cost - 1e-9 * max(cost, 1.0):
                chosen[place], cost, improved = best, float(trial[best]), True
    return np.array(chosen)


def _silhouette(distance: Array, weight: Array, label: Index) -> float:
    """Return the mean silhouette over cases; a path of a cluster of its own has none (0)."""
    size = int(label.max()) + 1
    member = np.eye(size)[label] * weight[:, None]
    total, mass = distance @ member, member.sum(axis=0)
    at = np.arange(len(label))
    # a case is not compared with itself
    own = total[at, label] / np.maximum(mass[label] - 1.0, 1e-12)
    mean = total / mass
    mean[at, label] = np.inf
    other = mean.min(axis=1)
    lone = mass[label] <= 1.0
    width = np.where(lone, 0.0, (other - own) / np.maximum(np.maximum(other, own), 1e-12))
    return float(weight @ width / weight.sum())


def path_clusters(
    log: CaseLog, judged: Array | None = None, *, most: int = 4, min_cell: int = 10, confidence: float = 0.95
) -> PathClusters:
    """Put the paths of cases into clusters.

    Parameters
    ----------
    log : CaseLog
        The cases.
    judged : ndarray, optional
        How each case was judged, shape (n,).
    most : int
        Most clusters; as many are made as have the best mean silhouette, none where it is too low to speak of structure.
    min_cell : int
        Clusters of fewer customers are not told.
    confidence : float
        Level of the intervals, whose units are customers.

    Returns
    -------
    PathClusters

    References
    ----------
    Kaufman, L. & Rousseeuw, P. J. (1990). Finding Groups in Data. Wiley.
    """
    of_case, example = variant_of(log)
    compared = np.flatnonzero(log.lengths[example] <= LONGEST)[:MOST_PATHS]
    used = len(compared)
    weight = np.bincount(of_case, minlength=len(example))[compared].astype(float)
    paths = [log.sequence(int(k)) for k in example[compared]]
    share = float(weight.sum() / len(log))
    best, label = np.nan, np.zeros(used, dtype=np.int64)
    central = np.zeros(1, dtype=np.int64)
    if used > 2:
        distance = path_distances(paths)
        for count in range(2, min(most, used - 1) + 1):
            chosen = _medoids(distance, weight, count)
            trial = distance[:, chosen].argmin(axis=1)
            width = _silhouette(distance, weight, trial)
            if width >= STRUCTURE and not width <= best:
                best, label, central = width, trial, chosen
    if np.isnan(best):
        return PathClusters(pd.DataFrame(), np.full(len(log), -1), np.nan, share)
    cluster = np.full(len(example), -1)
    cluster[compared] = label
    of = cluster[of_case]
    order = np.argsort([-int((of == k).sum()) for k in range(len(central))], kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    of = np.where(of >= 0, place[of], -1)
    hours = np.where(log.closed, log.throughput / HOUR, np.nan)
    rows = []
    for number, k in enumerate(order.tolist()):
        at = of == number
        members = np.flatnonzero(label == k)
        near = members[np.argsort(distance[members, central[k]], kind="stable")]
        told = next(
            (v for v in near.tolist() if len(np.unique(log.customer[of_case == compared[v]])) >= min_cell), None
        )
        if told is None:
            continue
        rows.append({
            "cluster": number + 1, "chain": paths[told], "cases": int(at.sum()), "customers": len(np.unique(log.customer[at])),
            "part": float(at.mean()), **described_cases(log, at, hours, judged, confidence),
        })  # fmt: skip
    return PathClusters(pd.DataFrame(rows), of, float(best), share)
