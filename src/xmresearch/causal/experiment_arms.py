"""Posterior of every arm's mean: conjugate closed forms, and means of clustered or adjusted scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.families import Measure
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
JEFFREYS, UNIFORM_TOTAL = 0.5, 1.0


@dataclass(frozen=True, repr=False)
class Rows(Shown):
    """Respondents of an experiment, in arms and stages that all arms share.

    Attributes
    ----------
    y : ndarray
        Outcomes, shape (n,).
    arm, stage : ndarray of int
        Codes, shape (n,).
    names : tuple of str
        Of the arms, the control first.
    weight : ndarray
        Share of the respondents in each stage, shape (stages,).
    cluster : ndarray of int, optional
        Codes of what was assigned, each within one arm.
    covariate : ndarray, optional
        Measured before assignment, shape (n,).
    """

    y: Array
    arm: Codes
    stage: Codes
    names: tuple[str, ...]
    weight: Array
    cluster: Codes | None = None
    covariate: Array | None = None

    @property
    def cell(self) -> Codes:
        """Arm and stage in one code, shape (n,)."""
        return self.arm * len(self.weight) + self.stage

    @property
    def shape(self) -> tuple[int, int]:
        """Arms and stages."""
        return len(self.names), len(self.weight)

    def clusters(self) -> Codes:
        """Return the number of clusters, or rows, in each arm, shape (arms,)."""
        if self.cluster is None:
            return np.bincount(self.arm, minlength=len(self.names))
        _, at = np.unique(self.cluster, return_index=True)
        return np.bincount(self.arm[at], minlength=len(self.names))


def exact_draws(
    rows: Rows, family: str, measures: list[Measure], categories: Array, draws: int, rng: np.random.Generator
) -> list[Array]:
    """Draw each measure's mean in every arm from its conjugate posterior.

    Stages count by their share of respondents. Family gaussian has one variance per arm and stage under the reference
    prior, the limit of the Normal-inverse-gamma, so that a mean has Student's t; bernoulli has a Beta posterior under
    Jeffreys' prior, count a Gamma one; the categories of ordinal and nps a Dirichlet one under a prior worth one answer.

    Parameters
    ----------
    rows : Rows
        Of the experiment.
    family : str
        Of the outcome.
    measures : list of Measure
        What to report.
    categories : ndarray
        Distinct outcomes, shape (K,).
    draws : int
        S.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    list of ndarray
        One per measure, shape (S, arms).
    """
    arms, stages = rows.shape
    size = arms * stages
    n = np.bincount(rows.cell, minlength=size).astype(float)
    total = np.bincount(rows.cell, rows.y, size)
    if family == "gaussian":
        _require_two(rows, n)
        mean = total / n
        sd = np.sqrt(np.bincount(rows.cell, (rows.y - mean[rows.cell]) ** 2, size) / (n - 1))
        cells = [mean + sd / np.sqrt(n) * rng.standard_t(n - 1, (draws, size))]
    elif family == "bernoulli":
        cells = [rng.beta(total + JEFFREYS, n - total + JEFFREYS, (draws, size))]
    elif family == "count":
        cells = [rng.gamma(total + JEFFREYS, 1 / n, (draws, size))]
    else:
        scores = np.array([m.score for m in measures])
        cells = [np.empty((draws, size)) for _ in measures]
        levels, answer = np.unique(scores, axis=1, return_inverse=True)
        code = answer[np.searchsorted(categories, rows.y)]
        counts = np.bincount(rows.cell * levels.shape[1] + code, minlength=size * levels.shape[1])
        for c, given in enumerate(counts.reshape(size, -1)):
            p = rng.dirichlet(given + UNIFORM_TOTAL / levels.shape[1], draws)
            for k, score in enumerate(levels):
                cells[k][:, c] = p @ score
    return [np.asarray(c.reshape(draws, arms, stages) @ rows.weight, dtype=np.float64) for c in cells]


def mean_draws(rows: Rows, score: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the arms' means of a score with clusters, or a covariate taken out, as independent Student t.

    Variances come from the sums of residuals by cluster (or row), with as many degrees of freedom as there are clusters less
    stages, and one less for a covariate.

    Parameters
    ----------
    rows : Rows
        Of the experiment.
    score : ndarray
        What the measure averages, shape (n,).
    draws : int
        S.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    sample : ndarray
        Shape (S, arms).
    reduction : ndarray
        Variance with and without the covariate, summed over arms, shape (2,).
    """
    raw = _means(rows, score)
    mean, variance, df = raw
    if rows.covariate is not None:
        x = rows.covariate - _cell_means(rows, rows.covariate)[rows.cell]
        slope = float(x @ (score - _cell_means(rows, score)[rows.cell]) / (x @ x))
        centre = np.bincount(rows.stage, rows.covariate) / np.bincount(rows.stage)
        mean, variance, df = _means(rows, score - slope * (rows.covariate - centre[rows.stage]))
        df = np.maximum(df - 1, 1)
    sample = mean + np.sqrt(variance) * rng.standard_t(df, (draws, len(mean)))
    return sample, np.array([variance.sum(), raw[1].sum()])


def _means(rows: Rows, score: Array) -> tuple[Array, Array, Array]:
    """Return mean, its variance and degrees of freedom in every arm."""
    arms, stages = rows.shape
    n = np.bincount(rows.cell, minlength=arms * stages).astype(float)
    inside = _cell_means(rows, score)
    pull = (score - inside[rows.cell]) * rows.weight[rows.stage] / n[rows.cell]
    arm = rows.arm
    if rows.cluster is not None:
        _, at, of = np.unique(rows.cluster, return_index=True, return_inverse=True)
        arm, pull = rows.arm[at], np.bincount(of, pull)
    squares = np.bincount(arm, pull**2, arms)
    groups = rows.clusters().astype(float)
    if (groups <= stages).any():
        few = int(np.argmin(groups))
        raise InsufficientData(
            f"Arm '{rows.names[few]}' has {groups[few]:.0f} cluster(s) or row(s) in {stages} stage(s).",
            "A variance needs more of them than stages; leave out the stages, or the arm.",
        )
    variance = squares * groups / (groups - stages)
    return inside.reshape(arms, stages) @ rows.weight, variance, groups - stages


def _cell_means(rows: Rows, values: Array) -> Array:
    size = int(np.prod(rows.shape))
    return np.bincount(rows.cell, values, size) / np.bincount(rows.cell, minlength=size)


def _require_two(rows: Rows, n: Array) -> None:
    if n.min() < 2:
        arm, stage = divmod(int(np.argmin(n)), len(rows.weight))
        raise InsufficientData(
            f"Arm '{rows.names[arm]}' has {n.min():.0f} row(s) in stage {stage + 1}.", "A variance needs two."
        )
