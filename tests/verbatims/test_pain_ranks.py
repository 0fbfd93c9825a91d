"""Pain points: figures by hand, intervals and ranks that hold planted truth, and who hurts most claimed falsely at most at the level."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.claims.calibration import exact_interval
from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.pain_ranks import MOST_REDRAWN, joint_draws, pain_points, rank_sets

NAN = np.nan


def draw(seed, n, frequency, severity):
    """Return severities of n texts: each complains of a theme with its frequency, and is of Beta(4 s, 4 (1 - s))."""
    rng = np.random.default_rng(seed)
    frequency, severity = np.asarray(frequency), np.asarray(severity)
    bad = rng.beta(4 * severity, 4 * (1 - severity), (n, len(frequency)))
    return pd.DataFrame(
        np.where(rng.random(bad.shape) < frequency, bad, NAN), columns=list("abcdefgh")[: len(frequency)]
    )


def test_figures_by_hand():
    said = pd.DataFrame(
        {"few": [0.9] * 10 + [NAN] * 90, "many": [NAN] * 50 + [0.4] * 50, "rare": [1.0] * 9 + [NAN] * 91}
    )
    found = pain_points(said)
    table = found.table.set_index("theme")
    assert found.table["theme"].tolist() == ["many", "few"]
    assert found.hidden == 1
    assert table.loc["many", ["people", "frequency", "severity", "pain", "share", "rank"]].tolist() == pytest.approx(
        [50, 0.5, 0.4, 0.2, 0.2 / 0.29, 1]
    )
    assert table.loc["few", ["frequency", "severity", "pain"]].tolist() == pytest.approx([0.1, 0.9, 0.09])
    pareto = found.pareto()
    assert pareto["cumulative"].tolist() == pytest.approx([0.2 / 0.29, 1])
    assert pareto["cumulative_upper"].tolist()[-1] == pytest.approx(1)
    assert found.summary()["theme"] == "many"
    assert len(repr(found)) < 2000


def test_several_texts_of_somebody_count_as_one():
    said = pd.DataFrame({"a": [0.2, 0.6, NAN] * 20, "b": [NAN, NAN, 1.0] * 20})
    found = pain_points(said, people=np.repeat(np.arange(20), 3)).table.set_index("theme")
    assert found.loc["a", ["people", "frequency", "severity"]].tolist() == pytest.approx([20, 1, 0.4])
    assert found.loc["b", ["frequency", "severity"]].tolist() == pytest.approx([1, 1])


def test_intervals_hold_planted_figures():
    """Three themes of 400 people, 150 samples: frequency, severity and pain, each within its interval in 93-97 %."""
    frequency, severity = np.array([0.3, 0.15, 0.08]), np.array([0.5, 0.7, 0.3])
    truth = {"frequency": frequency, "severity": severity, "pain": frequency * severity}
    held = dict.fromkeys(truth, 0)
    for seed in range(150):
        table = pain_points(draw(seed, 400, frequency, severity), bootstrap=400, seed=seed).table.set_index("theme")
        for name, value in truth.items():
            ends = table.loc[list("abc"), [f"{name}_lower", f"{name}_upper"]].to_numpy()
            held[name] += int(((ends[:, 0] <= value) & (value <= ends[:, 1])).sum())
    for name, count in held.items():
        low, high = exact_interval(count, 450, 0.01)
        assert high > 0.93, (name, count / 450)
        assert low < 0.97, (name, count / 450)


def test_ranks_hold_together_at_the_level():
    """Six themes, two pairs of them equal; 120 samples: a true rank (any of those that equals share) outside its set in at most 5 %."""
    frequency = np.array([0.3, 0.3, 0.2, 0.12, 0.12, 0.05])
    lowest, highest = np.array([1, 1, 3, 4, 4, 6]), np.array([2, 2, 3, 5, 5, 6])
    missed, width = 0, []
    for seed in range(120):
        table = pain_points(draw(seed, 500, frequency, [0.5] * 6), bootstrap=400, seed=seed).table.set_index("theme")
        low, high = (table.loc[list("abcdef"), f"rank_{end}"].to_numpy() for end in ("lower", "upper"))
        missed += bool((low > lowest).any() or (high < highest).any())
        width.append((high - low + 1).mean())
    assert exact_interval(missed, 120, 0.05)[0] < 0.05
    assert np.mean(width) < 3


def test_the_worst_is_claimed_falsely_at_most_at_the_level():
    """Two equal worst themes of five, 200 samples: either is claimed in at most 5 %; a clear one is claimed in most samples."""
    false = sum(
        pain_points(draw(seed, 300, [0.25, 0.25, 0.1, 0.1, 0.1], [0.5] * 5), bootstrap=400, seed=seed).worst().settled
        for seed in range(200)
    )
    assert exact_interval(false, 200, 0.05)[0] < 0.05
    right = [
        pain_points(draw(seed, 300, [0.4, 0.2, 0.1, 0.1, 0.1], [0.5] * 5), bootstrap=400, seed=seed).worst()
        for seed in range(40)
    ]
    assert sum(c.settled and c.facts["leader"] == "a" for c in right) >= 32


def test_of_many_people_draws_are_normal_with_their_covariance():
    said = draw(1, MOST_REDRAWN + 1, [0.3, 0.2], [0.5, 0.5])
    values = said.fillna(0).to_numpy()
    for drawn in (joint_draws(values, 4000, 0), joint_draws(values[:-1], 2000, 0)):
        np.testing.assert_allclose(np.cov(drawn.T) * len(values), np.cov(values.T), atol=0.1 * values.var(axis=0).max())
        np.testing.assert_allclose(drawn.mean(axis=0), values.mean(axis=0), rtol=0.01)


def test_figures_without_spread_are_ranked_as_they_are():
    low, high = rank_sets(np.array([3.0, 1.0, 1.0]), np.tile([3.0, 1.0, 1.0], (50, 1)), 0.95)
    assert (low.tolist(), high.tolist()) == ([1, 2, 2], [1, 3, 3])
    assert [x.tolist() for x in rank_sets(np.array([1.0]), np.ones((9, 1)), 0.95)] == [[1], [1]]


def test_what_cannot_be_ranked_is_told():
    with pytest.raises(DataError, match="not between 0 and 1"):
        pain_points(pd.DataFrame({"a": [2.0] * 20}))
    with pytest.raises(InsufficientData, match="complained of by 10 people"):
        pain_points(pd.DataFrame({"a": [0.5] * 9 + [NAN] * 90}))
    with pytest.raises(DataError, match="20 texts and 3 people"):
        pain_points(pd.DataFrame({"a": [0.5] * 20}), people=[1, 2, 3])
