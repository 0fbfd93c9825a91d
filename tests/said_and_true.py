"""Probabilities that are said, held against how often it is so."""

import numpy as np

from xmresearch.claims.calibration import Cell

EDGES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0)


def by_bins(label, said, true, exact=True):
    """A cell for each bin of what is said; unless exact, saying too little is no fault."""
    band = np.digitize(said, EDGES[1:-1])
    cells = []
    for b in np.unique(band):
        mine, mean = band == b, float(min(said[band == b].mean(), 1 - 1e-9))
        name = f"{label}: said {EDGES[b]:g}-{EDGES[b + 1]:g}"
        cells.append(Cell(name, int(true[mine].sum()), int(mine.sum()), mean, mean if exact else 1.0))
    return cells
