"""Limits of a share that hold when the classifier has moved as a whole, at the price of their width."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from verbatim_scores import scored, world

from xmresearch.errors import DataError
from xmresearch.verbatims.classifier_shift import shift_limits
from xmresearch.verbatims.prevalence import corrected_shares
from xmresearch.verbatims.score_counts import LabelledScores, ScoreCounts


def limits(new, labelled, target="negative"):
    found = LabelledScores.of(labelled, target, by=["period"])
    counts = ScoreCounts.of(new, found.scores, by=["period"])
    return shift_limits(counts, found).iloc[0], corrected_shares(counts, found).table.iloc[0]


def test_limits_cover_the_truth_where_the_corrected_share_misses_it():
    """50 samples whose classifier moved by .4, which the test of a mixture often does not see."""
    wide = narrow = 0
    for sample in range(50):
        row, plain = limits(*world(np.random.default_rng([61, sample]), labels=400, moved=0.4, texts=3000))
        wide += row["lower"] <= 0.3 <= row["upper"]
        narrow += plain["lower"] <= 0.3 <= plain["upper"]
    assert stats.binom.cdf(wide, 50, 0.95) > 0.01
    assert narrow < 10


def test_limits_hold_the_corrected_interval_and_shrink_with_labels():
    widths = []
    for labels in (200, 2000):
        row, plain = limits(*world(np.random.default_rng(3), labels=labels, texts=5000))
        assert row["least"] <= 0 <= row["most"]
        assert row["lower"] <= plain["lower"]
        assert plain["upper"] <= row["upper"]
        widths.append(row["upper"] - row["lower"])
    assert widths[1] < 0.6 * widths[0]


def test_a_planted_shift_is_among_those_that_suit():
    row, _ = limits(*world(np.random.default_rng(4), labels=3000, moved=0.8, texts=20_000))
    # z of positive texts rises by .8, so that the logit of being negative falls by .8
    assert row["least"] <= -0.8 <= row["most"]
    assert row["most"] - row["least"] < 0.6


def test_too_few_texts_leave_everything_open():
    new, labelled = world(np.random.default_rng(5), texts=29)
    row, _ = limits(new, labelled)
    assert (row["lower"], row["upper"]) == (0, 1)
    assert (row["least"], row["most"]) == (-2, 2)
    index, _ = limits(new, labelled, "index")
    assert (index["lower"], index["upper"]) == (-1, 1)
    far = pd.DataFrame({"negative": [0.5] * 3000, "positive": 0.5, "period": "new"})
    row, _ = limits(far, labelled)
    assert np.isnan(row["least"])
    assert (row["lower"], row["upper"]) == (0, 1)


def test_three_kinds_are_refused():
    table = scored(np.random.default_rng(6), 200, (0.3, 0.3, 0.4)).assign(period="a")
    with pytest.raises(DataError, match="one score"):
        limits(table, table, "index")
