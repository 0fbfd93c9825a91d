"""How far a corrected share would move if the classifier had moved, as far as its scores do not rule out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import DataError
from xmresearch.verbatims.error_rates import error_rates
from xmresearch.verbatims.error_stability import mixture_p
from xmresearch.verbatims.prevalence import STABLE_LEVEL
from xmresearch.verbatims.probabilities import logistic
from xmresearch.verbatims.score_counts import CELLS, LabelledScores, ScoreCounts, cell_of

Array = NDArray[np.float64]
MOST_SHIFT, STEP = 2.0, 0.1
_NEAR = 1e-6


def shift_limits(counts: ScoreCounts, labelled: LabelledScores, *, confidence: float = 0.95) -> pd.DataFrame:
    """Widen corrected shares by all shifts of the classifier that the scores of a group do not rule out.

    Parameters
    ----------
    counts, labelled
        As for `corrected_shares`; of one score and two kinds.
    confidence : float
        Level.

    Returns
    -------
    DataFrame
        One row per group: least and most (shifts of all logits, from -2 to 2, with which the group is a mixture of the labelled kinds by
        `mixture_p` at .05), lower and upper (from the lowest to the highest limit of the corrected share at any of these shifts). Without a
        shift that suits, or with one at the end of the range, the limits are those of the values themselves. They hold for classifiers that
        moved as a whole, and are as wide as not knowing costs: labels of the group are what makes them narrow.

    Raises
    ------
    DataError
        There are two scores or three kinds, or the two are of different scores.
    InsufficientData
        Fewer than five labels of a kind.

    References
    ----------
    Lipton, Z. C., Wang, Y.-X. & Smola, A. (2018). Detecting and correcting for label shift with black box predictors. ICML, 3122-3130.
    Berger, R. L. & Boos, D. D. (1994). P values maximized over a confidence set for the nuisance parameter. JASA, 89, 1012-1016.
    """
    if len(labelled.scores) > 1 or len(labelled.values) > 2 or counts.scores != labelled.scores:
        raise DataError("Limits under a shift need one score, the same on both sides, and two kinds.")
    low, high = float(labelled.values[0]), float(labelled.values[-1])
    kept = np.clip(labelled.f, _NEAR, 1 - _NEAR)
    logits = np.log(kept / (1 - kept))
    shifts = np.round(np.arange(-MOST_SHIFT, MOST_SHIFT + STEP / 2, STEP), 10)
    kinds = [labelled.y == v for v in labelled.values]
    worlds = []
    for shift in shifts:
        f = logistic(logits + shift)
        cells = np.stack([np.bincount(cell_of(f[k]), minlength=CELLS) for k in kinds]).astype("float64")
        worlds.append((error_rates(f, labelled.y, confidence=confidence), cells))
    rows = []
    for i, n in enumerate(counts.n):
        suits, ends = [], []
        for shift, (rates, cells) in zip(shifts, worlds, strict=True):
            p = mixture_p(counts.cells[i], cells)
            if p < STABLE_LEVEL:  # without enough texts for a test every shift suits
                continue
            found = rates.shares(counts.total[i] / n, np.zeros((1, 1)), float(n))
            suits.append(float(shift))
            ends.append((low, high) if found.why else (found.lower, found.upper))
        open_ended = not suits or suits[0] == shifts[0] or suits[-1] == shifts[-1]
        limits = (low, high) if open_ended else (min(e[0] for e in ends), max(e[1] for e in ends))
        rows.append(
            {
                "least": min(suits, default=np.nan),
                "most": max(suits, default=np.nan),
                "lower": limits[0],
                "upper": limits[1],
            }
        )
    return pd.concat([counts.groups.reset_index(drop=True), pd.DataFrame(rows)], axis=1)
