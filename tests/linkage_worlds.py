"""Branches and customers whose links within and between branches are known."""

import numpy as np

from xmresearch.linkage.moments_by_branch import BranchMoments

ORDINARY = 30


def sizes(branches, kind):
    """Return numbers of customers: alike, uneven, or uneven with one branch ten times an ordinary one."""
    if kind == "alike":
        return np.full(branches, ORDINARY)
    n = np.random.default_rng(branches).integers(ORDINARY // 2, 2 * ORDINARY, branches)
    if kind == "one_large":
        n[0] = 10 * ORDINARY
    return n


def moments(rng, n, within, between, *, icc=0.2, level_sd=0.25, slope_sd=0.0, wrong=0.0):
    """Draw branches with a link within and one between the true means; x has variance 1, of which `icc` lies between branches."""
    branches = len(n)
    at = np.repeat(np.arange(branches), n)
    level = np.sqrt(icc) * rng.standard_normal(branches)
    own = np.sqrt(1 - icc) * rng.standard_normal(len(at))
    slope = within + slope_sd * rng.standard_normal(branches)
    y = (
        between * level[at]
        + slope[at] * own
        + (level_sd * rng.standard_normal(branches))[at]
        + rng.standard_normal(len(at))
    )
    lost = rng.permutation(np.flatnonzero(rng.random(len(at)) < wrong))
    y[lost] = y[np.roll(lost, 1)]
    return of_rows(at, level[at] + own, y)


def of_rows(at, x, y):
    n = np.bincount(at).astype(float)
    mx, my = np.bincount(at, x) / n, np.bincount(at, y) / n
    u, v = x - mx[at], y - my[at]
    return BranchMoments(
        tuple(map(str, range(len(n)))),
        n,
        mx,
        my,
        np.bincount(at, u * u),
        np.bincount(at, u * v),
        np.bincount(at, v * v),
    )
