"""Topics: planted ones are found again, are stable, are named by their own words, and small ones stay unnamed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from verbatim_worlds import EN, ZH, corpus

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.topic_stability import number_of_topics
from xmresearch.verbatims.topics import find_topics

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def found():
    texts, truth = corpus(1, n=1200)
    return texts, truth, find_topics(texts, seed=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_topics_with_shared_words_are_found_in_both_languages(found, seed):
    """The promise is an adjusted Rand index of .8 at least, in each language by itself too."""
    texts, truth = corpus(seed, n=1200)
    result = found[2] if seed == 1 else find_topics(texts, seed=seed)
    assert adjusted_rand_score(truth, result.topic) >= 0.8
    for language in ("en", "zh"):
        mine = np.array([t.startswith(language) for t in truth])
        assert adjusted_rand_score(truth[mine], result.topic[mine]) >= 0.8
    chosen = result.tried[result.tried["chosen"]]
    assert chosen["topics"].tolist() == [6, 6]


def test_topics_are_named_by_their_own_words(found):
    _, truth, result = found
    for row in result.table.itertuples():
        mine = truth[result.topic == row.topic]
        names, counts = np.unique(mine, return_counts=True)
        language, theme = names[counts.argmax()].split()
        own = (EN if language == "en" else ZH)[theme].split()
        assert row.language == language
        assert sum(t in own for t in row.terms) >= 5, row.terms


def test_the_same_texts_give_the_same_topics_whatever_the_seed(found):
    texts, _, result = found
    other = find_topics(texts, seed=99)
    assert adjusted_rand_score(result.topic, other.topic) > 0.99
    assert result.summary()["reseeded_ari"] > 0.95
    assert result.summary()["halved_ari"] > 0.8
    assert (result.diagnostics()["status"] == "pass").all()


def test_texts_without_topics_are_told_as_unstable():
    """One topic for all: words are drawn alike, so halves do not agree on how to sort the texts."""
    texts, _ = corpus(5, n=400, themes=["waiting"])
    result = find_topics(texts, seed=5)
    assert (result.diagnostics()["status"] == "warn").all()
    assert result.summary()["halved_ari"] < 0.6


@pytest.mark.parametrize(
    ("agree", "bits", "number"),
    [
        ((0.9, 0.8, 0.8, 0.59), (0.7, 1.0, 1.0, 2.0), 3),
        ((0.9, 0.8, 0.8, 0.60), (0.7, 1.0, 1.0, 2.0), 5),
        ((0.9, 0.8, 0.8, 0.8), (0.7, 0.981, 1.0, 0.9), 3),
        ((0.9, 0.8, 0.8, 0.8), (0.7, 0.979, 1.0, 0.9), 4),
        ((0.2, 0.5, 0.4, np.nan), (0.7, 0.8, 1.0, 2.0), 3),
    ],
)
def test_the_number_is_that_of_stable_topics_that_tell_most(agree, bits, number):
    assert number_of_topics(pd.DataFrame({"topics": range(2, 6), "halved_ari": agree, "bits": bits})) == number


def test_people_count_once_and_shares_are_of_people(found):
    texts, _, _ = found
    people = np.arange(len(texts)) // 4
    result = find_topics(texts, people=people, number=6, seed=1)
    for row in result.table.itertuples():
        mine = people[result.topic == row.topic]
        assert row.people == len(np.unique(mine))
        assert row.share == pytest.approx(row.people / 300)
        assert row.share_lower < row.share < row.share_upper


def test_a_topic_and_a_word_of_few_people_are_not_shown():
    texts, _ = corpus(3, n=600, chinese=0.0, themes=["waiting", "staff", "fees"])
    rare = ["helicopter landing helipad rotor"] * 60
    people = [*range(len(texts)), *[10_000 + i % 4 for i in range(60)]]
    result = find_topics([*texts, *rare], people=people, number=4, seed=3)
    assert not {"helicopter", "landing", "helipad", "rotor"} & {t for row in result.table["terms"] for t in row}
    assert (result.topic[-60:] == "").all()
    assert (result.table["people"] >= 10).all()


def test_names_of_persons_name_no_topic():
    texts, _ = corpus(4, n=600, chinese=0.0, themes=["waiting", "staff", "fees"])
    texts = [f"{t} jennifer" if "clerk" in t else t for t in texts]
    result = find_topics(texts, number=3, seed=4)
    assert "jennifer" not in {t for row in result.table["terms"] for t in row}


def test_further_texts_are_sorted_by_the_topics_found(found):
    texts, _, result = found
    assert (result.sort(texts) == result.topic).mean() > 0.99
    assert result.sort(["", "👍👍", "zzz"]).tolist() == ["", "", ""]
    more, truth = corpus(77, n=400)
    assert adjusted_rand_score(truth, result.sort(more)) >= 0.8


def test_what_cannot_have_topics_is_refused(found):
    with pytest.raises(InsufficientData, match="no topics"):
        find_topics(["too short", "好"] * 10)
    with pytest.raises(InsufficientData, match="no topics"):
        find_topics([""] * 500)
    with pytest.raises(DataError, match="2 texts and 3 people"):
        find_topics(["a", "b"], people=[1, 2, 3])
    assert len(repr(found[2])) < 2000
