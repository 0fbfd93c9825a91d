"""Surveys with a small instrument of three dimensions, asked in pairs, once as perceived, or once as a gap, with planted truth."""

import numpy as np
import pandas as pd
import yaml

from xmresearch.data.codebook_file import parse_codebook

DIMENSIONS = ("calm", "speed", "trust")
ITEMS = {d: [f"{3 * k + j + 1}" for j in range(3)] for k, d in enumerate(DIMENSIONS)}
PATTERNS = {"pairs": {"expectation": "e{id}", "perception": "p{id}"}, "perceptions": {"perception": "p{id}"}, "direct": {"gap": "g{id}"},
            "three": {"minimum": "m{id}", "expectation": "e{id}", "perception": "p{id}"}}  # fmt: skip
NOISE, PERSON, HALO = 0.6, 0.8, 0.4


def content(form, **changes):
    """Return a codebook's YAML as Python; form is a key of PATTERNS."""
    return {
        "name": f"small_{form}", "labels": {"en": "Small", "zh": "小量表"}, "scale": {"minimum": 1, "maximum": 7},
        "constructs": {d: {"en": d.capitalize(), "zh": f"维度{k}"} for k, d in enumerate(DIMENSIONS, start=1)},
        "statements": {
            s: {"construct": d, "labels": {"en": f"Statement {s}", "zh": f"陈述{s}"}} for d, items in ITEMS.items() for s in items
        },
        "batteries": {kind: {"pattern": pattern} for kind, pattern in PATTERNS[form].items()},
        "items": {"quality": {"kind": "outcome", "labels": {"en": "Quality", "zh": "总体质量"}}},
    } | changes  # fmt: skip


def book(form, **changes):
    """Return the codebook itself."""
    return parse_codebook(content(form, **changes), "small.yml")


def write_book(folder, form, **changes):
    """Write the codebook, and return its file's name."""
    (folder / f"{form}.yml").write_text(yaml.safe_dump(content(form, **changes), allow_unicode=True), "utf-8")
    return f"{form}.yml"


def survey(n, levels, seed, *, form="perceptions", wishes=(5.0,) * 3, drives=(0.0,) * 3, answers=True, person=None):
    """Simulate a survey.

    Parameters
    ----------
    n : int
        Respondents.
    levels : sequence of float
        True mean of each dimension: of perceptions, of gaps for `direct`.
    seed : int
    form : str
        Key of PATTERNS.
    wishes : sequence of float
        True mean of each dimension's expectation.
    drives : sequence of float
        What a point of each dimension adds to the outcome.
    answers : bool
        Whole answers from 1 to 7; the true means are then those before rounding.
    person : ndarray, optional
        What people bring along, shape (n, 2): to perceptions and to expectations; drawn if absent.
    """
    rng = np.random.default_rng(seed)
    brought = rng.standard_normal((n, 2)) if person is None else person
    columns, felt = {}, []
    middle = 4.0 if form == "direct" else 0.0
    for level, wish, (_, items) in zip(levels, wishes, ITEMS.items(), strict=True):
        own = PERSON * (np.sqrt(HALO) * brought[:, 0] + np.sqrt(1 - HALO) * rng.standard_normal(n))
        hoped = PERSON * (np.sqrt(HALO) * brought[:, 1] + np.sqrt(1 - HALO) * rng.standard_normal(n))
        felt.append(own)
        for s in items:
            columns[f"{'g' if form == 'direct' else 'p'}{s}"] = middle + level + own + NOISE * rng.standard_normal(n)
            columns[f"e{s}"] = wish + hoped + NOISE * rng.standard_normal(n)
            columns[f"m{s}"] = wish - 1 + hoped + NOISE * rng.standard_normal(n)
    frame = pd.DataFrame(columns)
    frame["quality"] = 4 + np.array(felt).T @ np.array(drives) + rng.standard_normal(n)
    frame = frame[[c.name for c in book(form).columns]]
    return frame.round().clip(1, 7) if answers else frame
