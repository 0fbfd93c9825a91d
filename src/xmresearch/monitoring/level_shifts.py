"""Least squares of a level that shifts: every place of one shift at once, and the best places of several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xmresearch.monitoring.autoregressive_noise import Noise

Array = NDArray[np.float64]
Starts = tuple[int, ...]
MOST_ROUNDS = 20


def one_shift(y: Array, noise: Noise, fewest: int) -> tuple[Array, Array]:
    """Return the residual sum of squares without a shift, and with one at each place.

    Parameters
    ----------
    y : ndarray
        Values, shape (..., n).
    noise : Noise
        Of them.
    fewest : int
        Values on either side of a shift.

    Returns
    -------
    none : ndarray
        Shape (...,).
    one : ndarray
        Shape (..., n): at k, that of a level before and another from value k on; infinite where a side is too short.
    """
    target = noise.whitened(y)
    carried = np.broadcast_to(-noise.factor * noise.coupling, target.shape)[..., 1:]
    carried = carried * noise.root[:-1]
    own = np.broadcast_to(noise.factor * noise.root, target.shape)
    flat = own.copy()
    flat[..., 1:] += carried
    whole = (target**2).sum(axis=-1)
    xx, xy = (np.cumsum(v, axis=-1) for v in (flat**2, flat * target))
    none = whole - xy[..., -1] ** 2 / xx[..., -1]
    # row k of a shift at k carries the old level from the value before, and the new one itself
    k = np.arange(1, y.shape[-1])
    aa = xx[..., k - 1] + carried**2
    ay = xy[..., k - 1] + carried * target[..., 1:]
    bb = xx[..., -1:] - xx[..., k] + own[..., 1:] ** 2
    by = xy[..., -1:] - xy[..., k] + own[..., 1:] * target[..., 1:]
    ab = carried * own[..., 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = (ay**2 * bb - 2 * ay * by * ab + by**2 * aa) / (aa * bb - ab**2)
    one = np.full(target.shape, np.inf)
    one[..., 1:] = np.maximum(whole[..., None] - explained, 0.0)
    one[..., :fewest] = np.inf
    one[..., y.shape[-1] - fewest + 1 :] = np.inf
    return none, one


def levels_fit(y: Array, noise: Noise, starts: Starts) -> tuple[Array, Array, float, Array]:
    """Fit levels that begin at given values.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    noise : Noise
        Of one series.
    starts : tuple of int
        First value of each level after the first.

    Returns
    -------
    levels : ndarray
        Shape (shifts + 1,).
    fitted : ndarray
        Shape (n,).
    rss : float
        Of innovations.
    unscaled : ndarray
        Covariance of levels over the variance of innovations.
    """
    of = np.searchsorted(np.array(starts), np.arange(len(y)), side="right")
    steps = (of[:, None] == np.arange(len(starts) + 1)).astype("float64")
    x = noise.whitened(steps.T).T
    target = noise.whitened(y)
    unscaled = np.linalg.inv(x.T @ x)
    levels = unscaled @ (x.T @ target)
    return levels, levels[of], float(((target - x @ levels) ** 2).sum()), unscaled


def best_shifts(y: Array, noise: Noise, most: int, fewest: int) -> list[Starts]:
    """Return the places of 0 to `most` shifts that leave the smallest sum of squares.

    Parameters
    ----------
    y : ndarray
        Shape (n,).
    noise : Noise
        Of one series.
    most : int
        Shifts.
    fewest : int
        Values in a level.

    Returns
    -------
    list of tuple of int
        For each number of shifts that fits in. The best there are where neighbouring periods do not hang together; otherwise a start for
        `moved_to_best`.

    References
    ----------
    Bai, J. & Perron, P. (2003). Computation and analysis of multiple structural change models. Journal of Applied Econometrics, 18, 1-22.
    Chakar, S., Lebarbier, E., Lévy-Leduc, C. & Robin, S. (2017). A robust approach for estimating change-points in the mean of an AR(1)
    process. Bernoulli, 23, 1408-1447.
    """
    n = len(y)
    flat = noise.whitened(np.ones(n))
    target = noise.whitened(y)
    xx, xy, yy = (np.concatenate([[0.0], np.cumsum(v)]) for v in (flat**2, flat * target, target**2))

    def cost(first: NDArray[np.int64], end: int) -> Array:
        return np.asarray(yy[end] - yy[first] - (xy[end] - xy[first]) ** 2 / (xx[end] - xx[first]))

    least = np.full((most + 1, n + 1), np.inf)
    came = np.zeros((most + 1, n + 1), dtype=np.int64)
    for end in range(fewest, n + 1):
        least[0, end] = cost(np.array([0]), end)[0]
        first = np.arange(fewest, end - fewest + 1)
        if not len(first):
            continue
        last = cost(first, end)
        totals = least[:most, first] + last
        at = totals.argmin(axis=1)
        least[1:, end] = totals[np.arange(most), at]
        came[1:, end] = first[at]
    found: list[Starts] = []
    for m in range(most + 1):
        if not np.isfinite(least[m, n]):
            break
        starts, end = [], n
        for level in range(m, 0, -1):
            end = int(came[level, end])
            starts.append(end)
        found.append(tuple(starts[::-1]))
    return found


def moved_to_best(y: Array, noise: Noise, starts: Starts, fewest: int) -> Starts:
    """Return shifts moved one at a time, each to its best place between its neighbours, until none moves."""
    if not starts or not np.any(noise.phi):
        return starts
    now = list(starts)
    for _ in range(MOST_ROUNDS):
        before = list(now)
        for k in range(len(now)):
            _, one, first = between_neighbours(y, noise, tuple(now), k, fewest)
            if np.isfinite(one).any():
                now[k] = first + int(one.argmin())
        if now == before:
            break
    return tuple(now)


def between_neighbours(y: Array, noise: Noise, starts: Starts, k: int, fewest: int) -> tuple[float, Array, int]:
    """Return the sums of squares of shift k at each place between its neighbours, and where that stretch begins."""
    ends = [0, *starts, len(y)]
    first, end = ends[k], ends[k + 2]
    steps = noise.steps[first:end].copy()
    steps[0] = 0
    none, one = one_shift(y[first:end], Noise(noise.root[first:end], steps, noise.phi), fewest)
    return float(none), one, first
