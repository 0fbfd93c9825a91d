"""Answers with planted changes between waves and planted differences between branches: worlds for the claims of the scorecard."""

import numpy as np
import pandas as pd

from xmresearch.data.codebook import Codebook
from xmresearch.data.codebook_file import parse_codebook
from xmresearch.data.survey import prepare_survey
from xmresearch.studies.scorecard.params import ScorecardParams

BOOK_TEXT = """
name: panel
labels: {en: Panel, zh: 调查}
scale: {minimum: 0, maximum: 10}
constructs: {loyalty: {en: Loyalty, zh: 忠诚度}}
items:
  nps: {kind: outcome, labels: {en: Likelihood to recommend, zh: 推荐意愿}}
  csat: {kind: outcome, scale: {minimum: 1, maximum: 5}, labels: {en: Satisfaction, zh: 满意度}}
  ces: {kind: outcome, scale: {minimum: 1, maximum: 7}, labels: {en: Ease, zh: 省力程度}}
"""
METRICS = [
    {"item": "nps", "measure": "nps"}, {"item": "csat", "measure": "top_boxes"}, {"item": "ces", "measure": "mean"},
]  # fmt: skip
ANSWERS = np.array([[2.0, 6], [7, 8], [9, 10]])
"""Of detractors, passives and promoters."""


def book() -> Codebook:
    import yaml

    return parse_codebook(yaml.safe_load(BOOK_TEXT), "panel")


def answers(
    n,
    seed,
    *,
    base=(0.3, 0.3, 0.4),
    change=0.0,
    branches=(0.0,) * 5,
    moved=None,
    mix=None,
    waves=("2025-H1", "2025-H2"),
):
    """Simulate answers.

    Parameters
    ----------
    n : int
        Answers of each wave.
    seed : int or sequence of int
    base : sequence of float
        Shares of detractors, passives and promoters.
    change : float
        Points by which the net score of the last wave differs.
    branches : sequence of float
        Points by which each branch's net score differs from the base.
    moved : sequence of float, optional
        Points by which each branch's net score differs in the last wave, besides `change`.
    mix : tuple of sequences, optional
        Shares of the branches in the first and in the last wave; alike without.
    waves : sequence of str
    """
    rng = np.random.default_rng(seed)
    parts = []
    for k, wave in enumerate(waves):
        last = k == len(waves) - 1
        shares = np.full(len(branches), 1 / len(branches)) if mix is None else np.array(mix[int(last)])
        branch = rng.choice(len(branches), n, p=shares)
        shift = np.array(branches, dtype=float)[branch] + (change if last and len(waves) > 1 else 0.0)
        if moved is not None and last:
            shift = shift + np.array(moved, dtype=float)[branch]
        low, high = base[0] - shift / 200, base[2] + shift / 200
        u = rng.random(n)
        kind = np.where(u < low, 0, np.where(u < 1 - high, 1, 2))
        parts.append(pd.DataFrame({
            "nps": ANSWERS[kind, rng.integers(0, ANSWERS.shape[1], n)],
            "csat": np.clip(np.rint(3.4 + 0.5 * (kind - 1) + rng.normal(0, 1, n)), 1, 5),
            "ces": np.clip(np.rint(4.8 + 0.4 * (kind - 1) + rng.normal(0, 1.4, n)), 1, 7),
            "branch": np.array([f"b{b + 1}" for b in branch], dtype=object), "wave": wave,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def loaded(frame, **params):
    """The survey and the params of a scorecard of simulated answers."""
    given = {
        "data": {"path": "x.csv"}, "codebook": "x.yml", "metrics": METRICS, "wave_column": "wave", "segments": ["branch"],
        **params,
    }  # fmt: skip
    made = ScorecardParams.model_validate(given)
    segments = [s for s in (*made.segments, made.wave_column) if s]
    weights = "w" if "w" in frame else None
    survey = prepare_survey(frame, book(), segments=segments, weight_column=weights, cluster_column=made.person_column)
    return survey, made
