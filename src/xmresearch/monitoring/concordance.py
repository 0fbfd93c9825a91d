"""How often the order in which cases end is the one that a score foretells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK, DECIMALS = 1000, 10


def concordance(t: Array, e: NDArray[np.bool_], score: Array) -> float:
    """Return the share of comparable pairs in which the one that ended first has the higher score.

    Parameters
    ----------
    t : ndarray
        Times, shape (n,).
    e : ndarray of bool
        Whether each ended then, shape (n,); one still open at a time has lasted longer than one that ended then.
    score : ndarray
        Shape (n,), such as log hazards; equal ones count half, as do those that only rounding tells apart.

    Returns
    -------
    float
        NaN where no pair is comparable.

    References
    ----------
    Harrell, F. E., Lee, K. L. & Mark, D. B. (1996). Statistics in Medicine, 15, 361-387.
    """
    # a product of a matrix and a vector may round equal rows differently, by where they stand
    score = np.round(score / (float(np.ptp(score)) or 1.0), DECIMALS)
    order = np.lexsort((e, -t))
    times, ended, scores = t[order], e[order], score[order]
    # of each end, how many lasted longer: those before it in this order, of its own time the ones that were still open
    k = np.flatnonzero(ended)
    longer = np.searchsorted(-times, -times[k], side="left")
    longer += np.bincount(np.unique(times, return_inverse=True)[1], weights=~ended).astype(int)[
        np.searchsorted(np.unique(times), times[k])
    ]
    agree = 0.0
    for block in range(0, len(t), BLOCK):
        inside = (longer >= block) & (longer < block + BLOCK)
        if not inside.any():
            continue
        own, upto = scores[k[inside]], longer[inside]
        before = np.sort(scores[:block])
        low, high = (np.searchsorted(before, own, side=side) for side in ("left", "right"))
        near = scores[block : block + BLOCK]
        there = np.arange(len(near)) < (upto - block)[:, None]
        agree += float((low + high).sum()) / 2
        agree += float((there & (near < own[:, None])).sum()) + 0.5 * float((there & (near == own[:, None])).sum())
    pairs = float(longer.sum())
    return agree / pairs if pairs else float("nan")
