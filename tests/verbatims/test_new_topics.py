"""New topics: planted ones are flagged, and none is under no change."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import InsufficientData
from xmresearch.verbatims.new_topics import topics_since

NAMES = ["a", "b", "c", "d"]


def test_a_topic_that_came_up_is_new_and_one_that_grew_is_not():
    rng = np.random.default_rng(1)
    before = rng.choice(NAMES, 2000, p=[0.6, 0.15, 0.24, 0.01])
    after = rng.choice(NAMES, 2000, p=[0.4, 0.3, 0.23, 0.07])
    found = topics_since([*before, *after], [False] * 2000 + [True] * 2000, names=NAMES).set_index("topic")
    assert found["change"].to_dict() == {"a": "receded", "b": "grew", "c": "", "d": "new"}
    assert found.loc["d", "p"] == pytest.approx(
        stats.fisher_exact([[found.loc["d", "n_after"], 2000 - found.loc["d", "n_after"]],
                            [found.loc["d", "n_before"], 2000 - found.loc["d", "n_before"]]]).pvalue
    )  # fmt: skip
    assert (found["p_adjusted"] >= found["p"]).all()


@pytest.mark.parametrize(("before", "change"), [(49, "new"), (51, "grew")])
def test_a_topic_is_new_below_a_quarter_of_its_later_share(before, change):
    topic = ["a"] * before + ["b"] * (1000 - before) + ["a"] * 200 + ["b"] * 800
    found = topics_since(topic, [False] * 1000 + [True] * 1000, names=["a", "b"])
    assert found["change"].iloc[0] == change


def test_without_a_change_topics_are_flagged_at_most_at_the_level():
    """400 corpora: at most 5 % with any flag; the exact interval of the count must reach below that."""
    rng = np.random.default_rng(2)
    flagged = 0
    for _ in range(400):
        topic = rng.choice(NAMES, 600, p=[0.4, 0.3, 0.25, 0.05])
        later = rng.permutation(600) < 250
        flagged += (topics_since(topic, later, names=NAMES)["change"] != "").any()
    assert stats.binomtest(int(flagged), 400, 0.05, alternative="greater").pvalue > 0.05


def test_somebody_counts_once_in_each_period():
    topic = ["a"] * 20 + ["b"] * 20
    people = [1] * 20 + list(range(20))
    found = topics_since(topic, [False] * 20 + [True] * 20, names=["a", "b"], people=people)
    assert found["n_before"].tolist() == [1, 0]
    assert found["n_after"].tolist() == [0, 20]


def test_a_period_without_texts_is_refused():
    with pytest.raises(InsufficientData, match="no texts"):
        topics_since(["a", "b"], [True, True], names=["a", "b"])
