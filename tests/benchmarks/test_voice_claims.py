"""How often what a study of verbatims says is false, how often its intervals hold, and how well planted topics are found."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from verbatim_worlds import corpus

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.verbatims.before_and_after import theme_changes
from xmresearch.verbatims.new_topics import topics_since
from xmresearch.verbatims.pain_ranks import pain_points
from xmresearch.verbatims.topics import find_topics
from xmresearch.verbatims.touchpoint_cells import theme_touchpoints

pytestmark = pytest.mark.benchmark
SAMPLES, DRAWS, LEVEL = 1000, 500, 0.95
THEMES = list("abcde")
EQUAL = {
    "two equal": [0.25, 0.25, 0.05, 0.05, 0.05],
    "all equal": [0.15] * 5,
    "two equal and rare": [0.08, 0.08, 0.01, 0.01, 0.01],
}
STRONG = [0.35, 0.2, 0.1, 0.1, 0.1]


def severities(n, frequency, seed, together=0.0):
    """Return how bad n texts find each theme; who complains of one complains of others with a common chance that varies by `together`."""
    rng = np.random.default_rng(seed)
    more = np.exp(together * rng.standard_normal((n, 1)) - together**2 / 2)
    says = rng.random((n, 5)) < np.minimum(np.asarray(frequency) * more, 1)
    return pd.DataFrame(np.where(says, rng.beta(2, 2, (n, 5)), np.nan), columns=THEMES)


def test_what_hurts_most_is_claimed_falsely_at_most_at_the_level():
    cells = []
    for n in (200, 800):
        for name, frequency in EQUAL.items():
            wrong = missed = used = 0
            for k in range(SAMPLES):
                said = severities(n, frequency, [51, n, k], together=0.5)
                if not (said.notna().sum() >= 10).any():
                    continue
                claim = pain_points(said, bootstrap=DRAWS, seed=k).worst()
                used += 1
                tied = {t for t, f in zip(THEMES, frequency, strict=True) if f == max(frequency)}
                shown = {*claim.facts["possible"]}
                wrong += claim.verdict == "first"
                missed += not tied & shown
            cells += [
                Cell(f"{name}, n = {n}: first", wrong, used, at_most=0.05),
                Cell(f"{name}, n = {n}: no equal one possible", missed, used, at_most=0.05),
            ]
    settled, oracle = [], []
    sd = np.std([_gap(severities(400, STRONG, [52, k])) for k in range(SAMPLES)])
    for k in range(SAMPLES):
        said = severities(400, STRONG, [52, k])
        settled.append(pain_points(said, bootstrap=DRAWS, seed=k).worst().settled)
        oracle.append(_gap(said) > 1.959964 * sd)
    cells.append(power("strong, n = 400: first", settled, oracle))
    table = judge(cells)
    print(f"\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


def _gap(said):
    means = said.fillna(0).mean().to_numpy()
    return means[0] - means[1:].max()


def test_intervals_and_ranks_hold_what_was_planted():
    frequency = np.array([0.3, 0.2, 0.2, 0.12, 0.06])
    lowest, highest = np.array([1, 2, 2, 4, 5]), np.array([1, 3, 3, 4, 5])
    cells = []
    for n in (200, 800):
        held, rows, outside = dict.fromkeys(("frequency", "severity", "pain"), 0), 0, 0
        truth = {"frequency": frequency, "severity": np.full(5, 0.5), "pain": frequency / 2}
        for k in range(SAMPLES):
            table = pain_points(severities(n, frequency, [53, n, k]), bootstrap=DRAWS, seed=k).table.set_index("theme")
            at = [THEMES.index(t) for t in table.index]
            rows += 1
            for name, value in truth.items():
                ends = table[[f"{name}_lower", f"{name}_upper"]].to_numpy()
                held[name] += bool(ends[0, 0] <= value[at[0]] <= ends[0, 1])
            if len(at) == 5:
                outside += bool((table["rank_lower"] > lowest[at]).any() or (table["rank_upper"] < highest[at]).any())
        cells += [Cell(f"n = {n}: {name} of the first row", h, rows, 0.92, 0.98) for name, h in held.items()]
        cells.append(Cell(f"n = {n}: any true rank outside", outside, rows, at_most=0.05))
    table = judge(cells)
    print(f"\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


def test_families_without_an_effect_are_claimed_at_most_at_the_level():
    counts = dict.fromkeys(("touchpoints", "changes", "changes of the same people", "topics"), 0)
    for k in range(SAMPLES):
        rng = np.random.default_rng([54, k])
        taste = rng.standard_normal((300, 5))
        said = pd.DataFrame(rng.standard_normal((600, 5)) + np.vstack([taste, taste]) > 1.6, columns=THEMES)
        place, late, twice = rng.choice(list("wxyz"), 600), np.arange(600) >= 300, np.tile(np.arange(300), 2)
        apart = pd.DataFrame(rng.random((600, 5)) < [0.3, 0.2, 0.1, 0.05, 0.02], columns=THEMES)
        counts["touchpoints"] += bool((theme_touchpoints(apart, place).table["stands"] != "").any())
        counts["changes"] += bool((theme_changes(apart, late)["verdict"] != "").any())
        counts["changes of the same people"] += bool((theme_changes(said, late, people=twice)["verdict"] != "").any())
        topic = rng.choice(THEMES, 600, p=[0.4, 0.3, 0.2, 0.06, 0.04])
        counts["topics"] += bool((topics_since(topic, late, names=THEMES)["change"] != "").any())
    table = judge([Cell(name, c, SAMPLES, at_most=0.05) for name, c in counts.items()])
    print(f"\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


def test_planted_topics_of_bilingual_corpora_are_found():
    """Ten corpora of 900 texts, topics sharing words with a neighbour and with all: the adjusted Rand index of each is .8 at least."""
    rows = []
    for seed in range(100, 110):
        texts, truth = corpus(seed, n=900)
        found = find_topics(texts, seed=seed)
        rows.append(
            (
                adjusted_rand_score(truth, found.topic),
                len(found.table),
                found.summary()["reseeded_ari"],
                found.summary()["halved_ari"],
            )
        )
    table = pd.DataFrame(rows, columns=["ari", "topics", "reseeded_ari", "halved_ari"])
    print(f"\n{table.describe().loc[['min', 'mean', 'max']].to_string(float_format='{:.3f}'.format)}")
    assert (table["ari"] >= 0.8).all()
