"""Surveys with planted gaps, drivers and segments: the worlds in which claims of the SERVQUAL study are tried."""

from dataclasses import replace

import numpy as np
import pandas as pd

from xmresearch.data.codebook_file import load_codebook

POINTS = load_codebook("servqual")
"""With points of importance."""
BOOK = replace(
    POINTS,
    columns=tuple(c for c in POINTS.columns if c.kind != "importance" and (c.kind != "outcome" or c.name == "quality")),
)
"""What `survey` asks."""
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
    return as_answers(frame) if answers else frame


def as_answers(frame):
    """Round what was felt to whole answers from 1 to 7."""
    asked = [*BOOK.names("expectation"), *BOOK.names("perception"), "quality"]
    return frame.assign(**frame[asked].round().clip(1, 7))


def clustered(clusters, size, gaps, seed, *, icc=0.1, answers=False, **settings):
    """Simulate a survey of clusters, such as branches, whose people are alike.

    Parameters
    ----------
    clusters, size : int
        How many, and respondents in each.
    gaps, seed, answers, **settings
        As for `survey`.
    icc : float
        Correlation of the gaps of two people of one cluster, in each dimension, and of what else there is to their outcome.
    """
    settings = {"spread": 1.0, **settings}
    frame = survey(clusters * size, gaps, seed, **settings)
    rng = np.random.default_rng([*np.atleast_1d(seed), 1])
    frame["branch"] = np.repeat(np.arange(clusters), size).astype(str)
    for items in ITEMS.values():
        among = settings["spread"] ** 2 + 0.36 + 2 * 0.36 / len(items)
        level = rng.normal(0, np.sqrt(among * icc / (1 - icc)), clusters)
        frame[[f"p{k}" for k in items]] += np.repeat(level, size)[:, None]
    frame["quality"] += np.repeat(rng.normal(0, np.sqrt(icc / (1 - icc)), clusters), size)
    return as_answers(frame) if answers else frame
