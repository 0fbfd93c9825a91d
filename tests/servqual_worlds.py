"""Surveys with planted gaps, drivers and segments: the worlds in which claims of the SERVQUAL study are tried."""

import numpy as np
import pandas as pd

from xmresearch.data.codebook_file import load_codebook

BOOK = load_codebook("servqual")
DIMENSIONS = tuple(d for d in BOOK.constructs if BOOK.names("perception", d))
ITEMS = {d: [int(c[1:]) for c in BOOK.names("perception", d)] for d in DIMENSIONS}


def survey(n, gaps, seed, *, drives=(0.0,) * 5, spread=1.0, answers=False, halo=0.5):
    """Simulate a survey.

    Parameters
    ----------
    n : int
        Respondents.
    gaps : sequence of float
        True gap of each dimension.
    seed : int
    drives : sequence of float
        What a point of each dimension's perception adds to the outcome.
    spread : float
        Standard deviation of a respondent's perception of a dimension.
    answers : bool
        Whole answers from 1 to 7 rather than exact ones; the true gaps are then those before rounding.
    halo : float
        Correlation of the dimensions' perceptions.
    """
    rng = np.random.default_rng(seed)
    columns = {}
    common = rng.standard_normal(n)
    felt = []
    for gap, (_, items) in zip(gaps, ITEMS.items(), strict=True):
        person = spread * (np.sqrt(halo) * common + np.sqrt(1 - halo) * rng.standard_normal(n))
        felt.append(person)
        wish = 0.6 * rng.standard_normal(n)
        for k in items:
            columns[f"e{k}"] = 4.5 + wish + 0.6 * rng.standard_normal(n)
            columns[f"p{k}"] = 4.5 + gap + person + 0.6 * rng.standard_normal(n)
    frame = pd.DataFrame(columns)
    judged = np.array(drives) @ np.array(felt) + rng.standard_normal(n)
    frame["quality"] = 4 + judged
    if answers:
        asked = [c for c in frame if c[0] in "ep"]
        frame[asked] = frame[asked].round().clip(1, 7)
        frame["quality"] = frame["quality"].round().clip(1, 7)
    return frame
