"""How far topics stay the same when seeds and texts change: the evidence that they are of the texts and not of chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
ITERATIONS = 50
"""Of the factorisation, and of the mixture that refines it, at most."""
TOLERANCE = 1e-4
STARTS = 2
"""Starts of which the likeliest topics are taken: a singular value decomposition, and random ones."""
SEEDS = 3
"""Times topics are looked for again from other starts."""
HALVINGS = 4
"""Times the texts are parted into halves."""
TEXTS_PER_TOPIC = 30
"""Fewest texts for each topic that is looked for."""
STABLE = 0.6
"""Adjusted Rand index of two halves of the texts below which topics are told as unstable."""
NEARLY = 0.02
"""Part of the information that chance alone moves: a topic more must bring as much."""
SMOOTHING = 0.1
"""Added to the count of each word in each topic, so that none is impossible."""


@dataclass(frozen=True)
class Mixture:
    """Topics as a mixture: a text is of one topic, which draws its words.

    Attributes
    ----------
    words : ndarray
        Logarithm of the probability of each word in each topic, shape (K, words).
    size : ndarray
        Logarithm of the share of texts, shape (K,).
    likelihood : float
        Of the texts that it was found in, per text.
    """

    words: Array
    size: Array
    likelihood: float

    def profile(self) -> Array:
        """Return each topic's words relative to what all topics share, rows of unit length, shape (K, words)."""
        chance = np.exp(self.words)
        own = np.maximum(chance - chance.mean(axis=0), 0.0)
        return np.asarray(own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-300))


def topics_of_matrix(matrix: Any, counts: Any, k: int, *, seed: int) -> Mixture:
    """Find topics: a non-negative factorisation begins, a mixture of multinomials refines it.

    Parameters
    ----------
    matrix, counts : sparse matrix
        tf-idf and counts of words, shape (n, words).
    k : int
        Topics.
    seed : int
        Of random starts.

    Returns
    -------
    Mixture
        The likeliest of those from `STARTS` starts.

    References
    ----------
    Lee, D. D. & Seung, H. S. (1999). Learning the parts of objects by non-negative matrix factorization. Nature, 401, 788-791.
    Boutsidis, C. & Gallopoulos, E. (2008). SVD based initialization. Pattern Recognition, 41, 1350-1362. Nigam, K., McCallum, A.,
    Thrun, S. & Mitchell, T. (2000). Text classification from labeled and unlabeled documents using EM. Machine Learning, 39, 103-134.
    """
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    found = []
    for start in range(STARTS):
        way = "random" if start or min(matrix.shape) < k else "nndsvda"
        model = NMF(k, init=way, random_state=(seed + start) % 2**31, max_iter=ITERATIONS, tol=TOLERANCE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it only begins, and stability is measured
            weight = model.fit_transform(matrix) * np.linalg.norm(model.components_, axis=1)
        found.append(_refined(counts, weight.argmax(axis=1), k))
    return max(found, key=lambda m: m.likelihood)


def _refined(counts: Any, start: Labels, k: int) -> Mixture:
    """Fit a mixture of multinomials by EM, from a sorting of the texts."""
    member = np.eye(k)[start]
    before = -np.inf
    for _ in range(ITERATIONS):
        words = (counts.T @ member).T + SMOOTHING
        words = np.log(words / words.sum(axis=1, keepdims=True))
        size = np.log((member.sum(axis=0) + 1) / (len(member) + k))
        log = counts @ words.T + size
        top = log.max(axis=1, keepdims=True)
        member = np.exp(log - top)
        whole = member.sum(axis=1, keepdims=True)
        likelihood = float((top + np.log(whole)).mean())
        member /= whole
        if likelihood - before < TOLERANCE:
            break
        before = likelihood
    return Mixture(words, size, likelihood)


def topic_of(mixture: Mixture, counts: Any) -> tuple[Labels, Array]:
    """Put each text to its likeliest topic.

    Parameters
    ----------
    mixture : Mixture
        The topics.
    counts : sparse matrix
        Of the same words, shape (n, words).

    Returns
    -------
    topic : ndarray of int
        Shape (n,); -1 for texts without any of the words.
    share : ndarray
        How much likelier the topic is than others by the text's average word, as a probability, shape (n,); 0 where there is none.
    """
    length = np.asarray(counts.sum(axis=1)).ravel()
    log = counts @ mixture.words.T + mixture.size
    topic = np.where(length > 0, log.argmax(axis=1), -1)
    average = (log - log.max(axis=1, keepdims=True)) / np.maximum(length, 1)[:, None]
    return topic.astype(np.int64), np.where(length > 0, 1 / np.exp(average).sum(axis=1), 0.0)


def matched(first: Array, second: Array) -> Array:
    """Return the similarity of each topic of the first to its partner in the second, the pairs being matched best as a whole.

    Parameters
    ----------
    first, second : ndarray
        Shape (K, words), rows of unit length.

    Returns
    -------
    ndarray
        Cosines, shape (K,).

    References
    ----------
    Greene, D., O'Callaghan, D. & Cunningham, P. (2014). How many topics? Stability analysis for topic models. ECML PKDD, 498-513.
    """
    alike = first @ second.T
    row, column = linear_sum_assignment(-alike)
    out = np.zeros(len(first))
    out[row] = alike[row, column]
    return out


def agreement(first: Labels, second: Labels) -> float:
    """Return the adjusted Rand index of two ways to sort texts; texts that either leaves out are not counted.

    References
    ----------
    Hubert, L. & Arabie, P. (1985). Comparing partitions. Journal of Classification, 2, 193-218.
    """
    from sklearn.metrics import adjusted_rand_score

    both = (first >= 0) & (second >= 0)
    return float(adjusted_rand_score(first[both], second[both])) if both.any() else float("nan")


def shared_information(first: Labels, second: Labels) -> float:
    """Return how much two ways to sort texts tell of one another beyond chance, in bits; texts that either leaves out are not counted.

    References
    ----------
    Vinh, N. X., Epps, J. & Bailey, J. (2010). Information theoretic measures for clusterings comparison. JMLR, 11, 2837-2854.
    """
    from sklearn.metrics import mutual_info_score
    from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

    both = (first >= 0) & (second >= 0)
    if not both.any():
        return 0.0
    table = contingency_matrix(first[both], second[both], sparse=True).astype(np.int64)
    found = mutual_info_score(None, None, contingency=table) - expected_mutual_information(table, int(both.sum()))
    return float(found / np.log(2))


def stability(matrix: Any, counts: Any, mixture: Mixture, *, seed: int) -> dict[str, Any]:
    """Measure how far topics stay the same when the start and when the texts change.

    Parameters
    ----------
    matrix, counts : sparse matrix
        tf-idf and counts, shape (n, words).
    mixture : Mixture
        Topics of all texts.
    seed : int
        Of starts and of halves.

    Returns
    -------
    dict
        reseeded and halved, the mean similarity of topics to their partners from other starts and between halves of the texts;
        reseeded_ari and halved_ari, the agreement of how texts are sorted; bits, what the sorting by one half tells of that by the other;
        of_topic, the similarity of each topic to its partner in a
        half, shape (K,).
    """
    rng = np.random.default_rng([seed, 7])
    k, n = len(mixture.size), matrix.shape[0]
    own, profile = topic_of(mixture, counts)[0], mixture.profile()
    seeds, seeds_ari = [], []
    for start in rng.integers(0, 2**30, SEEDS).tolist():
        other = topics_of_matrix(matrix, counts, k, seed=start)
        seeds.append(float(matched(profile, other.profile()).mean()))
        seeds_ari.append(agreement(own, topic_of(other, counts)[0]))
    halves, halves_ari, bits, of_topic = [], [], [], np.zeros(k)
    for _ in range(HALVINGS):
        order = rng.permutation(n)
        parts = [np.sort(order[: n // 2]), np.sort(order[n // 2 :])]
        one, two = (topics_of_matrix(matrix[part], counts[part], k, seed=seed) for part in parts)
        halves.append(float(matched(one.profile(), two.profile()).mean()))
        sorted_ = [topic_of(half, counts)[0] for half in (one, two)]
        halves_ari.append(agreement(*sorted_))
        bits.append(shared_information(*sorted_))
        of_topic += sum(matched(profile, half.profile()) for half in (one, two)) / (2 * HALVINGS)
    return {
        "reseeded": float(np.mean(seeds)), "reseeded_ari": float(np.mean(seeds_ari)), "halved": float(np.mean(halves)),
        "halved_ari": float(np.mean(halves_ari)), "bits": float(np.mean(bits)), "of_topic": of_topic,
    }  # fmt: skip


def number_of_topics(tried: pd.DataFrame) -> int:
    """Choose the number of topics: of those that are stable, the smallest by which halves of the texts tell nearly most of one another.

    Parameters
    ----------
    tried : DataFrame
        One row per number, rising: topics, halved_ari and bits.

    Returns
    -------
    int
        Of two topics or three agreement alone is easy, and tells little; where none is stable, the one with most agreement.

    References
    ----------
    Lange, T., Roth, V., Braun, M. L. & Buhmann, J. M. (2004). Stability-based validation of clustering solutions. Neural Computation,
    16, 1299-1323.
    """
    agree, bits = (tried[c].fillna(-1.0).to_numpy() for c in ("halved_ari", "bits"))
    steady = agree >= STABLE
    if not steady.any():
        return int(tried["topics"].to_numpy()[int(agree.argmax())])
    told = np.where(steady, bits, -np.inf)
    return int(tried["topics"].to_numpy()[int((told >= (1 - NEARLY) * told.max()).argmax())])


def candidates(n: int, most: int) -> Sequence[int]:
    """Return numbers of topics worth trying for n texts: from 2, at least 30 texts for each."""
    return range(2, max(2, min(most, n // TEXTS_PER_TOPIC)) + 1)
