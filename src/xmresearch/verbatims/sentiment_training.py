"""Training of a sentiment model on labelled texts, with what it says of texts that it did not see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.probabilities import Calibration, calibrated
from xmresearch.verbatims.sentiment import (
    LEXICON_WEIGHTS,
    Cut,
    FoldModel,
    SentimentModel,
    digest,
    features_of,
    logits_of,
    probability_table,
    vectoriser,
    weighted,
)
from xmresearch.verbatims.texts import as_texts, simplified
from xmresearch.verbatims.valence import lexicon

Array = NDArray[np.float64]
INVERSE_PENALTY = 4.0
VALENCE_SCALE, LEXICON_SCALE = 0.5, 8.0
"""Features are multiplied by these: the penalty hardly shrinks the lexicon's own score, so that few labels begin from it."""
FOLDS, FEWEST_OF_A_KIND, FEWEST_TEXTS_OF_A_TERM, SEED = 5, 5, 2, 20_260


def label_values(labels: ArrayLike | Sequence[object]) -> NDArray[np.int64]:
    """Return labels as -1, 0 and 1.

    Parameters
    ----------
    labels : array_like
        Of -1, 0 and 1, or of the words negative, neutral and positive, shape (n,).

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        A label is something else.
    """
    named = {"negative": -1, "neutral": 0, "positive": 1, -1: -1, 0: 0, 1: 1}
    found = []
    for row, label in enumerate(np.asarray(labels, dtype="object").ravel()):
        key = label.strip().lower() if isinstance(label, str) else label
        if isinstance(key, bool) or key != key or key not in named:
            raise DataError(
                f"Row {row} has the label {label!r}.", "Labels are -1, 0 and 1, or negative, neutral and positive."
            )
        found.append(named[key])
    return np.array(found, dtype="int64")


def train_sentiment(
    texts: Iterable[object], labels: ArrayLike | Sequence[object], *, customers: Sequence[object] | None = None
) -> tuple[SentimentModel, pd.DataFrame]:
    """Train a model on labelled texts.

    Parameters
    ----------
    texts : iterable
        Of texts, as people wrote them.
    labels : array_like
        Of -1 (negative), 0 (neutral) and 1 (positive), or these words, shape (n,).
    customers : sequence, optional
        Who wrote each, shape (n,): texts of one customer stay in one fold, as equal texts do in any case.

    Returns
    -------
    model : SentimentModel
        Logistic regression on terms (tf-idf) and valence features, with Platt's calibration on predictions out of fold. With neutral texts
        it asks two questions, is it negative and is it positive.
    held_out : DataFrame
        What models that did not see a text say of it, as `SentimentModel.predict` has it, with `label`: for error tables, and for
        correcting shares. Each text's calibration is from the other folds.

    Raises
    ------
    DataError
        Labels and texts are not as many, or a label is unknown.
    InsufficientData
        Only one kind of label, or fewer than five distinct texts of a kind.

    References
    ----------
    Wang, S. & Manning, C. D. (2012). Baselines and bigrams: simple, good sentiment and topic classification. ACL, 90-94. Platt, J. (1999).
    Probabilistic outputs for support vector machines. Frank, E. & Hall, M. (2001). A simple approach to ordinal classification. ECML,
    145-156.
    """
    y = label_values(labels)
    features = features_of(simplified(as_texts(texts)))
    n = len(features.texts)
    if n != len(y):
        raise DataError(f"{n} texts and {len(y)} labels.", "Every text needs one label.")
    kinds = tuple(int(k) for k in np.unique(y))
    fold = _folds(y, kinds, _together(features.texts, customers))
    asked = (-1,) if kinds == (-1, 1) else tuple(k for k in kinds if k)
    # every model learns the lexicon's seeds too; no error is measured on them
    seeds = lexicon().seeds
    sown = features_of(list(seeds))
    counter = vectoriser()
    counts = counter.fit_transform([*features.texts, *sown.texts]).tocsr()
    valence = np.vstack([features.valence, sown.valence])
    label = np.concatenate([y, np.array(list(seeds.values()), dtype="int64")])
    learns = np.concatenate([fold, np.full(len(seeds), FOLDS)])
    logits = {kind: np.zeros(n) for kind in asked}
    parts = []
    for k in range(FOLDS):
        held, seen = np.flatnonzero(fold == k), learns != k
        cuts, kept, idf = _fitted(counts[seen], valence[seen], label[seen], asked)
        terms = weighted(counts[held][:, kept], idf)
        for cut in cuts:
            logits[cut.label][held] = logits_of(cut, terms, valence[held])
        parts.append((cuts, kept, idf))
    # each fold's probabilities are calibrated on the others
    maps = [{q: calibrated(z[fold != k], y[fold != k] == q) for q, z in logits.items()} for k in range(FOLDS)]
    held_out = {q: np.zeros(n) for q in asked}
    for k in range(FOLDS):
        for q, z in logits.items():
            held_out[q][fold == k] = maps[k][q].probability(z[fold == k])
    cuts, kept, idf = _fitted(counts, valence, label, asked)
    cuts = [replace(c, calibration=calibrated(logits[c.label], y == c.label)) for c in cuts]
    vocabulary = {str(term): i for i, term in enumerate(counter.get_feature_names_out()[kept])}
    folds = tuple(_on_all_terms(*part, all_kept=kept, maps=maps[k]) for k, part in enumerate(parts))
    fold_of = {digest(t): int(k) for t, k in zip(features.texts, fold, strict=True)}
    model = SentimentModel(tuple(cuts), vocabulary, idf, kinds, n, folds, fold_of)
    known = (features.valence != 0).any(axis=1) | (np.diff(counts[:n][:, kept].indptr) > 0)
    return model, probability_table(held_out, kinds, known).assign(label=y)


def _on_all_terms(
    cuts: list[Cut], kept: NDArray[np.int64], idf: Array, *, all_kept: NDArray[np.int64], maps: dict[int, Calibration]
) -> FoldModel:
    """Return a fold's model with a place for every term that the whole model knows."""
    at = np.searchsorted(all_kept, kept)  # whatever a fold keeps, the whole keeps too

    def spread(values: Array) -> Array:
        found = np.zeros(len(all_kept))
        found[at] = values
        return found

    wide = tuple(replace(c, terms=spread(c.terms), calibration=maps[c.label]) for c in cuts)
    return FoldModel(wide, spread(idf))


def _together(texts: list[str], customers: Sequence[object] | None) -> NDArray[np.int64]:
    """Return which rows stay in one fold: those that share a text or a customer, directly or by others."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if customers is not None and len(customers) != len(texts):
        raise DataError(f"{len(texts)} texts and {len(customers)} customers.", "Every text needs one customer.")
    n = len(texts)
    keys = [pd.factorize(np.array(texts, dtype="object"))[0]]
    if customers is not None:
        keys.append(pd.factorize(pd.Series(list(customers), dtype="object"))[0])
    links, size = [], n
    for codes in keys:
        rows = np.flatnonzero(codes >= 0)  # a customer who is not named is nobody else
        links.append((rows, codes[rows] + size))
        size += int(codes.max(initial=-1)) + 1
    start, end = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    graph = coo_matrix((np.ones(len(start)), (start, end)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:n], dtype="int64")


def _folds(y: NDArray[np.int64], kinds: tuple[int, ...], together: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row's fold, every kind spread over all of them as evenly as rows that stay together allow."""
    if len(kinds) < 2:
        raise InsufficientData(f"The {len(y)} labels are of {len(kinds)} kind(s).", "A model needs texts of two kinds.")
    for kind in kinds:
        if (found := len(np.unique(together[y == kind]))) < FEWEST_OF_A_KIND:
            raise InsufficientData(
                f"There are {found} distinct texts with the label {kind}.",
                f"Label {FEWEST_OF_A_KIND} of each kind at least.",
            )
    # rows that stay together go first, largest first, to the fold that has least of their kinds; single rows level the folds
    rng = np.random.default_rng(SEED)
    kind_of = np.searchsorted(kinds, y)
    fold, had = np.full(len(y), -1), np.zeros((FOLDS, len(kinds)))
    sizes = np.bincount(together)
    large = np.flatnonzero(sizes > 1)
    order = np.argsort(together, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for group in large[np.argsort(-sizes[large], kind="stable")]:
        rows = order[starts[group] : starts[group + 1]]
        has = np.bincount(kind_of[rows], minlength=len(kinds))
        to = int(np.argmin(had @ has))
        fold[rows] = to
        had[to] += has
    for k in range(len(kinds)):
        rows = rng.permutation(np.flatnonzero((fold < 0) & (kind_of == k)))
        heights = had[:, k][:, None] + np.arange(len(rows))
        fold[rows] = np.argsort(heights.T.ravel(), kind="stable")[: len(rows)] % FOLDS
    return fold


def _fitted(
    counts: Any, valence: Array, y: NDArray[np.int64], asked: tuple[int, ...]
) -> tuple[list[Cut], NDArray[np.int64], Array]:
    """Return a model's questions, not calibrated, with the terms that it kept of all and their inverse document frequencies."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero(documents >= FEWEST_TEXTS_OF_A_TERM)
    idf = np.log((1 + len(y)) / (1 + documents[kept])) + 1
    dense = np.column_stack([valence * VALENCE_SCALE, valence @ LEXICON_WEIGHTS * LEXICON_SCALE])
    design = hstack([weighted(counts[:, kept], idf), csr_matrix(dense)]).tocsr()
    cuts = []
    for label in asked:
        fit = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", random_state=SEED).fit(design, y == label)
        weights = np.asarray(fit.coef_[0], dtype="float64")
        by_valence = weights[len(kept) : -1] * VALENCE_SCALE + weights[-1] * LEXICON_SCALE * LEXICON_WEIGHTS
        cuts.append(Cut(label, weights[: len(kept)], by_valence, float(fit.intercept_[0]), Calibration(1.0, 0.0)))
    return cuts, kept, np.asarray(idf, dtype="float64")
