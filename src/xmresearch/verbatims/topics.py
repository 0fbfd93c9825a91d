"""Topics of verbatims, found in the texts themselves: by language, as many as are stable, named by their own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.inference.threads import on_one_thread
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.verbatims.segmentation import TopicLanguage, main_languages
from xmresearch.verbatims.texts import as_texts, simplified
from xmresearch.verbatims.topic_stability import (
    STABLE,
    TEXTS_PER_TOPIC,
    Mixture,
    candidates,
    number_of_topics,
    stability,
    topic_of,
    topics_of_matrix,
)
from xmresearch.verbatims.vocabulary import telling_words, word_counts

Names = NDArray[np.object_]
MOST_TOPICS = 12
"""Topics that are tried at most, in each language."""
MOST_FITTED = 6_000
"""Texts of a language from which topics are found; further ones are sorted by them."""
MOST_WORDS, COMMON = 5000, 0.5
"""Words that count at most, and the share of texts from which on a word is too common to tell topics apart."""
RELEVANCE = 0.6
"""How much a word's weight in a topic counts beside how far it is the topic's own; Sievert and Shirley's figure."""
TERMS = 6
_LANGUAGES: tuple[TopicLanguage, ...] = ("en", "zh")


@dataclass(frozen=True)
class LanguageTopics:
    """Topics of one language, by which further texts can be sorted.

    Attributes
    ----------
    terms : dict of str to int
        Column of each word.
    mixture : Mixture
        The topics.
    names : list of str
        Of the topics, shape (K,); empty for one that too few people speak of.
    """

    terms: dict[str, int]
    mixture: Mixture
    names: list[str]


@dataclass(frozen=True, repr=False)
class TopicResult(Shown):
    """Topics, and the topic of each text.

    Attributes
    ----------
    table : DataFrame
        One row per topic: topic (such as en1), language, terms (the words that tell it from the others), texts, people, share (of
        the people who wrote) with lower and upper (Wilson), and stability (similarity to its partner in a half of the texts).
    tried : DataFrame
        One row per language and number of topics: language, topics, reseeded and reseeded_ari (similarity of topics and agreement of
        sorted texts over random starts), halved and halved_ari (between halves of the texts), bits (what
        the sorting by one half tells of that by the other), chosen.
    topic : ndarray of object
        Name of the topic of each text, shape (n,); '' where it has none.
    weight : ndarray
        How far the text is of its topic alone, 0 to 1, shape (n,).
    people : int
        Who wrote.
    level : float
        Of the intervals.
    by_language : dict
        What further texts are sorted by: `LanguageTopics` of each language.
    """

    table: pd.DataFrame
    tried: pd.DataFrame
    topic: Names
    weight: NDArray[np.float64]
    people: int
    level: float
    by_language: dict[TopicLanguage, LanguageTopics] = field(repr=False, default_factory=dict)

    def tidy(self) -> pd.DataFrame:
        """Return one row per topic."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many topics there are, how many texts have one, and how stable they are in the least stable language."""
        chosen = self.tried[self.tried["chosen"]]
        return {
            "topics": len(self.table), "texts": len(self.topic), "sorted": int((self.topic != "").sum()), "people": self.people,
            "reseeded": float(chosen["reseeded"].min()), "reseeded_ari": float(chosen["reseeded_ari"].min()),
            "halved": float(chosen["halved"].min()), "halved_ari": float(chosen["halved_ari"].min()),
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status: how far halves of the texts agree, by language."""
        rows = [
            (f"topics_agree_{row.language}", row.halved_ari, STABLE, "pass" if row.halved_ari >= STABLE else "warn")
            for row in self.tried[self.tried["chosen"]].itertuples()
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def sort(self, texts: Sequence[str]) -> Names:
        """Return the topic of further texts, shape (n,); '' where they have none."""
        texts = simplified(as_texts(texts))
        found = np.full(len(texts), "", dtype=object)
        languages = main_languages(texts)
        for language, of in self.by_language.items():
            at = np.flatnonzero(languages == language)
            if len(at):
                counts = word_counts([texts[i] for i in at.tolist()], of.terms)
                found[at] = np.array([*of.names, ""], dtype=object)[topic_of(of.mixture, counts)[0]]
        return found


@on_one_thread
def find_topics(
    texts: Sequence[str],
    *,
    people: ArrayLike | None = None,
    number: int | None = None,
    min_cell: int = MIN_CELL,
    confidence: float = 0.95,
    seed: int = 0,
) -> TopicResult:
    """Find the topics of texts in English and Chinese, each language by itself.

    Parameters
    ----------
    texts : sequence of str
        One per verbatim, shape (n,); Chinese is read in simplified characters.
    people : array_like, optional
        Who wrote each, shape (n,); somebody else each if absent.
    number : int, optional
        Topics of each language; as many as are most stable if absent.
    min_cell : int
        Fewest people of a topic, and of a word that names one.
    confidence : float
        Level of the intervals.
    seed : int
        Of starts, of halves, and of the texts from which topics of a large corpus are found.

    Returns
    -------
    TopicResult

    Raises
    ------
    DataError
        There are not as many people as texts.
    InsufficientData
        No language has enough texts for two topics.

    Notes
    -----
    A non-negative factorisation of tf-idf begins, and a mixture of multinomials, by which each text is of one topic, refines it: the
    factorisation alone sorts short texts less well.

    References
    ----------
    Lee, D. D. & Seung, H. S. (1999). Nature, 401, 788-791. Nigam, K. et al. (2000). Machine Learning, 39, 103-134. Lange, T. et al. (2004). Neural Computation, 16, 1299-1323. Sievert, C. &
    Shirley, K. (2014). LDAvis: a method for visualizing and interpreting topics. ACL workshop on interactive language learning.
    """
    texts = simplified(as_texts(texts))
    n = len(texts)
    who = np.arange(n) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    if len(who) != n:
        raise DataError(f"There are {n} texts and {len(who)} people.", "Name who wrote each text.")
    languages = main_languages(texts)
    topic, weight = np.full(n, "", dtype=object), np.zeros(n)
    rows: list[dict[str, Any]] = []
    tried: list[pd.DataFrame] = []
    by_language: dict[TopicLanguage, LanguageTopics] = {}
    writers = len(np.unique(who))
    for language in _LANGUAGES:
        at = np.flatnonzero(languages == language)
        if len(at) < 2 * TEXTS_PER_TOPIC:
            continue
        own, found = [texts[i] for i in at.tolist()], who[at]
        counts = word_counts(own, None)
        terms = telling_words(counts, found, min_cell, common=COMMON, most=MOST_WORDS)
        if len(terms) < 2:
            continue
        counted = counts[0][:, terms].tocsr()
        matrix = _tf_idf(counted)
        names = [counts[1][t] for t in terms]
        filled = np.flatnonzero(np.diff(matrix.indptr) > 0)
        if len(filled) < 2 * TEXTS_PER_TOPIC:
            continue
        fitted = np.sort(np.random.default_rng([seed, 3]).permutation(filled)[:MOST_FITTED])
        some, some_counts = matrix[fitted], counted[fitted]
        numbers = [number] if number else [k for k in candidates(len(fitted), MOST_TOPICS) if k <= len(terms)]
        models = {k: topics_of_matrix(some, some_counts, k, seed=seed) for k in numbers}
        held = {k: stability(some, some_counts, model, seed=seed) for k, model in models.items()}
        table = pd.DataFrame(
            [
                {"language": language, "topics": k} | {c: v for c, v in s.items() if c != "of_topic"}
                for k, s in held.items()
            ]
        )
        k = number_of_topics(table)
        tried.append(table.assign(chosen=table["topics"] == k))
        sorted_, share = topic_of(models[k], counted)
        order = np.argsort(-np.bincount(sorted_[sorted_ >= 0], minlength=k), kind="stable")
        called = [""] * k
        for old in order.tolist():
            mine = sorted_ == old
            heads = len(np.unique(found[mine]))
            if heads < min_cell:
                continue
            called[old] = f"{language}{1 + sum(bool(c) for c in called)}"
            rows.append(
                {"topic": called[old], "language": language, "terms": _named(models[k], names, old), "texts": int(mine.sum()),
                 "people": heads, "stability": float(held[k]["of_topic"][old])}
            )  # fmt: skip
        topic[at] = np.array([*called, ""], dtype=object)[sorted_]
        weight[at] = np.where(topic[at] != "", share, 0.0)
        by_language[language] = LanguageTopics({w: i for i, w in enumerate(names)}, models[k], called)
    if not rows:
        raise InsufficientData(
            f"{n} texts have no topics that could be told apart: each language needs {2 * TEXTS_PER_TOPIC} texts with words that "
            f"{min_cell} people use.",
            "Use a codeframe instead, or add texts.",
        )
    shown = pd.DataFrame(rows)
    low, high = share_interval(shown["people"], writers, confidence=confidence)
    shown = shown.assign(share=shown["people"] / writers, share_lower=low, share_upper=high)
    return TopicResult(shown, pd.concat(tried, ignore_index=True), topic, weight, writers, confidence, by_language)


def _tf_idf(counts: Any) -> Any:
    """Weigh counts: one and the logarithm of a count, times how rare the word is; rows of unit length."""
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer(sublinear_tf=True).fit_transform(counts).tocsr()


def _named(mixture: Mixture, names: Sequence[str], topic: int) -> list[str]:
    """Name a topic by the words that are most relevant to it."""
    mine, everywhere = mixture.words[topic], np.log(np.exp(mixture.size) @ np.exp(mixture.words))
    own = RELEVANCE * mine + (1 - RELEVANCE) * (mine - everywhere)
    order = np.argsort(-np.where(mine > everywhere, own, -np.inf), kind="stable")
    return [str(names[i]) for i in order[:TERMS] if mine[i] > everywhere[i]]
