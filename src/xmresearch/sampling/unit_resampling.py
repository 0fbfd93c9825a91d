"""Replicates of a design's weights: sampling units drawn anew within strata, with margins met again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from xmresearch.sampling.designs import Design
from xmresearch.sampling.stage_variance import Stage

Array = NDArray[np.float64]
_BLOCK_CELLS = 4_000_000


def resampled_units(design: Design, draws: int, seed: int) -> Iterator[Array]:
    """Yield blocks of factors of the weights: in every stratum one unit fewer than there are is drawn, with replacement.

    Parameters
    ----------
    design : Design
        Of the sample.
    draws : int
        Replicates in all.
    seed : int
        The same seed and design give the same replicates, so that analyses of one sample are coordinated.

    Yields
    ------
    ndarray
        Shape (replicates in the block, n). Finite populations shrink the factors towards 1. Calibrated weights meet their margins in
        every replicate again, by one step of linear calibration, so that replicates vary as the residuals on the margins do.

    Notes
    -----
    Strata with a single unit are drawn from together; one alone, together with the stratum of most units.

    References
    ----------
    Rao, J. N. K. & Wu, C. F. J. (1988). Resampling inference with complex survey data. JASA, 83, 231-241. Deville, J.-C. &
    Särndal, C.-E. (1992). JASA, 87, 376-382.
    """
    stage = design.stages[0]
    groups = _groups(stage)
    shares = [stage.share[stage.stratum_of_units()[g]].mean() for g in groups]
    rng = np.random.default_rng([seed, stage.n_units])
    size = max(1, _BLOCK_CELLS // max(len(design), stage.n_units))
    margins = _independent(design)
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        factor = np.ones((rows, stage.n_units))
        for members, share in zip(groups, shares, strict=True):
            m = len(members)
            if m < 2:
                continue
            drawn = rng.integers(0, m, (rows, m - 1)) + np.arange(rows)[:, None] * m
            counts = np.bincount(drawn.ravel(), minlength=rows * m).reshape(rows, m)
            factor[:, members] = 1 + np.sqrt(1 - share) * (counts * m / (m - 1) - 1)
        yield _calibrated(factor[:, stage.units], design.weights, margins)


def _groups(stage: Stage) -> list[NDArray[np.int64]]:
    """Return the units of every stratum, those of single units put together."""
    stratum = stage.stratum_of_units()
    members = [np.flatnonzero(stratum == h) for h in range(stage.n_strata)]
    alone = [m for m in members if len(m) == 1 and stage.share[stratum[m[0]]] < 1]
    if not alone:
        return members
    rest = sorted((m for m in members if not any(m is a for a in alone)), key=len)
    if len(alone) == 1 and rest:
        alone.append(rest.pop())
    return [*rest, np.concatenate(alone)]


def _independent(design: Design) -> Array | None:
    """Return margins that are no combinations of one another, shape (n, k); None where weights are not calibrated."""
    if not design.calibrations:
        return None
    every = np.concatenate([step.margins for step in design.calibrations], axis=1)
    _, r, order = linalg.qr(every, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    return np.asarray(every[:, np.sort(order[: int((size > 1e-10 * size[0]).sum())])])


def _calibrated(factor: Array, weights: Array, margins: Array | None) -> Array:
    """Move the replicates' weights so that the margins are those of the weights themselves."""
    if margins is None:
        return factor
    k = margins.shape[1]
    replicate = factor * weights
    short = weights @ margins - replicate @ margins
    products = (margins[:, :, None] * margins[:, None, :]).reshape(len(margins), k * k)
    inner = (replicate @ products).reshape(-1, k, k)
    slopes = np.linalg.pinv(inner, hermitian=True) @ short[:, :, None]
    return np.asarray(factor * np.maximum(1 + slopes[:, :, 0] @ margins.T, 0.0))
