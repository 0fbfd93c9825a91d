"""Cells laid out by unit and period, weighted ones with what they tell in terms of rows that weigh the same."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from xmresearch.sufficient.cells import Cells

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Laid(TypedDict):
    """Rows, sums of weights, effective rows, mean, scatter and counts, as `Panel` has them."""

    n: Array
    size: Array | None
    effective: Array | None
    value: Array
    scatter: Array
    counts: Array | None


def laid_out(cells: Cells, at: tuple[Index, Index], shape: tuple[int, int], categories: Array) -> Laid:
    """Lay cells out by unit and period.

    Parameters
    ----------
    cells : Cells
        The outcome.
    at : tuple of ndarray
        Unit and period of each cell, each of shape (cells,); a cell whose unit is negative is left out.
    shape : tuple of int
        Units and periods.
    categories : ndarray
        All answers, shape (K,).

    Returns
    -------
    Laid
        Scatter and counts of weighted rows are those of the effective rows, so that their sums over effective rows are
        variances and shares.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """
    kept = at[0] >= 0
    place = at[0][kept], at[1][kept]
    n, value, scatter = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape)
    n[place], value[place], scatter[place] = cells.n[kept], cells.mean[kept], cells.scatter[kept]
    counts = None
    if cells.counts is not None:
        counts = np.zeros((*shape, len(categories)))
        counts[place[0][:, None], place[1][:, None], np.searchsorted(categories, cells.categories)] = cells.counts[kept]
    found = Laid(n=n, size=None, effective=None, value=value, scatter=scatter, counts=counts)
    if cells.size is None or cells.squares is None:
        return found
    size, effective, share = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    size[place] = cells.size[kept]
    effective[place] = cells.size[kept] ** 2 / cells.squares[kept]
    share[place] = cells.size[kept] / cells.squares[kept]
    return Laid(
        n=n, size=size, effective=effective, value=value, scatter=scatter * share,
        counts=None if counts is None else counts * share[..., None],
    )  # fmt: skip
