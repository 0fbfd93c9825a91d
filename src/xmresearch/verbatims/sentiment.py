"""Sentiment of texts: how likely each is negative or positive, by a model of terms and valence words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.verbatims.probabilities import Calibration
from xmresearch.verbatims.text_terms import terms_of
from xmresearch.verbatims.texts import as_texts, simplified
from xmresearch.verbatims.valence import FEATURES, valence_features

Array = NDArray[np.float64]
CHUNK = 20_000
LEXICON_WEIGHTS = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5])
"""Of valence features: the whole, and half of the weak words."""
STEEP = 4.0
"""Logits of the lexicon's model by its score: one plain word of praise, with nothing else known, is worth 4 x .45."""


@dataclass(frozen=True, repr=False)
class Cut(Shown):
    """One yes-or-no question about a text, as a logistic model.

    Attributes
    ----------
    label : int
        -1: is it negative? 1: is it positive?
    terms, valence : ndarray
        Weights of terms and of valence features, shapes (terms,) and (7,).
    intercept : float
        Of the logit.
    calibration : Calibration
        From logits to probabilities.
    """

    label: int
    terms: Array
    valence: Array
    intercept: float
    calibration: Calibration


@dataclass(frozen=True, repr=False)
class FoldModel(Shown):
    """A model that did not learn from the labelled texts of one fold.

    Attributes
    ----------
    cuts : tuple of Cut
        Its questions; terms that it does not know weigh nothing.
    idf : ndarray
        Inverse document frequencies, 0 of terms that it does not know, shape (terms,).
    """

    cuts: tuple[Cut, ...]
    idf: Array


@dataclass(frozen=True, repr=False)
class SentimentModel(Shown):
    """A model that tells how likely a text is negative or positive.

    Attributes
    ----------
    cuts : tuple of Cut
        One, or two where there are neutral texts.
    vocabulary : dict of str to int
        Terms.
    idf : ndarray
        Their inverse document frequencies, shape (terms,).
    kinds : tuple of int
        Labels that it knows: of -1 (negative), 0 (neutral) and 1 (positive).
    labelled : int
        Texts that it learned from; 0 for the lexicon's model, whose probabilities are not calibrated.
    folds : tuple of FoldModel
        Models that each learned from the labelled texts of all folds but one; none for the lexicon's model.
    fold_of : dict of int to int
        The fold of each labelled text, by its digest.
    """

    cuts: tuple[Cut, ...]
    vocabulary: dict[str, int]
    idf: Array
    kinds: tuple[int, ...]
    labelled: int
    folds: tuple[FoldModel, ...] = ()
    fold_of: dict[int, int] = field(default_factory=dict)

    def _head(self) -> dict[str, Any]:
        return {"kinds": list(self.kinds), "labelled": self.labelled, "vocabulary_size": len(self.vocabulary)}

    @cached_property
    def _counter(self) -> Any:
        return vectoriser(vocabulary=self.vocabulary) if self.vocabulary else None

    def strongest_terms(self, n: int = 20) -> pd.DataFrame:
        """Return the terms that tell most, so that a reader can see what the model goes by.

        Parameters
        ----------
        n : int
            Terms of each question and side.

        Returns
        -------
        DataFrame
            One row per term: question (-1 negative, 1 positive), term, weight (of a text that is this term alone, on the logit scale; above 0
            speaks for the question's kind), strongest first. Parts of English words are left out; so are all words of the lexicon's model.
        """
        words = [(t.strip(), i) for t, i in self.vocabulary.items() if not t.startswith("~")]
        rows = []
        for cut in self.cuts:
            ranked = sorted(((float(cut.terms[i]), t) for t, i in words), key=lambda pair: (-pair[0], pair[1]))
            ends = [*ranked[:n], *ranked[max(len(ranked) - n, n) :]]
            rows += [{"question": cut.label, "term": t, "weight": w} for w, t in ends]
        return pd.DataFrame(rows, columns=["question", "term", "weight"])

    def predict(self, texts: Iterable[object], *, held_out: bool = False) -> pd.DataFrame:
        """Tell how likely each text is negative or positive.

        Parameters
        ----------
        texts : iterable
            Of texts; a blank one is as good as unknown (see `known`).
        held_out : bool
            Each text by one of the models of folds: a labelled one by that which did not learn from it, as in the table that
            `train_sentiment` returns, another by one that its digest chooses. Scores of all texts then err as those of labelled ones do,
            which corrected shares take for granted.

        Returns
        -------
        DataFrame
            One row per text: negative, positive (probabilities; the rest is neutral), index (positive less negative, -1 to 1), kind
            (the likeliest label) and known (whether a word or term of it is known to the model; where not, the probabilities are what
            it says of no words at all).

        Raises
        ------
        DataError
            One of them is no text.
        """
        return self.predict_simplified(simplified(as_texts(texts)), held_out=held_out)

    def predict_simplified(self, texts: list[str], *, held_out: bool = False) -> pd.DataFrame:
        """Do as `predict` does, with texts that `simplified` has written.

        Parameters
        ----------
        texts : list of str
            Normalised, in simplified characters.
        held_out : bool
            See `predict`.

        Returns
        -------
        DataFrame
            See `predict`.
        """
        chunks = [texts[k : k + CHUNK] for k in range(0, len(texts), CHUNK)] or [[]]
        parts = [self._chunk(chunk, held_out=held_out) for chunk in chunks]
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def _chunk(self, texts: list[str], *, held_out: bool) -> pd.DataFrame:
        valence = features_of(texts).valence
        counts = None if self._counter is None else self._counter.transform(texts)
        known = (valence != 0).any(axis=1)
        if counts is not None:
            known |= np.diff(counts.indptr) > 0
        chances = {cut.label: np.zeros(len(texts)) for cut in self.cuts}
        if held_out and self.folds:
            digests = [digest(t) for t in texts]
            chosen = np.array([self.fold_of.get(d, d % len(self.folds)) for d in digests], dtype="int64")
            shares = [(fold.cuts, fold.idf, np.flatnonzero(chosen == k)) for k, fold in enumerate(self.folds)]
        else:
            shares = [(self.cuts, self.idf, np.arange(len(texts)))]
        for cuts, idf, rows in shares:
            terms = None if counts is None else weighted(counts[rows], idf)
            for cut in cuts:
                chances[cut.label][rows] = cut.calibration.probability(logits_of(cut, terms, valence[rows]))
        return probability_table(chances, self.kinds, known)


@dataclass(frozen=True, repr=False)
class TextFeatures(Shown):
    """Texts in simplified characters with their valence features.

    Attributes
    ----------
    texts : list of str
        Normalised.
    valence : ndarray
        Shape (n, 7).
    """

    texts: list[str]
    valence: Array


def features_of(texts: list[str]) -> TextFeatures:
    """Return what models read of texts that are normalised and simplified.

    Parameters
    ----------
    texts : list of str
        See `simplified`.

    Returns
    -------
    TextFeatures
    """
    return TextFeatures(
        texts, np.array([valence_features(t) for t in texts], dtype="float64").reshape(len(texts), FEATURES)
    )


def lexicon_model() -> SentimentModel:
    """Return the model of this project's own lexicon, for clients who have no labels.

    Returns
    -------
    SentimentModel
        It knows no neutral texts, its weights are written and not learned, and its probabilities are not calibrated. Shares from it need
        the correction of `corrected_shares` with labels. Measured on texts that it never saw: AUC .91 on Chinese takeaway reviews, .83 on
        English sentences about goods, .84 on comments of patients.

    References
    ----------
    Taboada, M., Brooke, J., Tofiloski, M., Voll, K. & Stede, M. (2011). Lexicon-based methods for sentiment analysis. Computational
    Linguistics, 37, 267-307.
    """
    cut = Cut(-1, np.zeros(0), -STEEP * LEXICON_WEIGHTS, 0.0, Calibration(1.0, 0.0))
    return SentimentModel((cut,), {}, np.zeros(0), (-1, 1), 0)


def digest(text: str) -> int:
    """Return a number that stands for a text, the same on every machine."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def vectoriser(**settings: Any) -> Any:
    """Return scikit-learn's counter of terms."""
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=terms_of, dtype=np.float64, **settings)


def weighted(counts: Any, idf: Array) -> Any:
    """Return tf-idf weights of term counts: logarithms of counts, rows of length 1; changes the counts in place."""
    from sklearn.preprocessing import normalize

    counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
    return normalize(counts, copy=False) if counts.shape[0] else counts


def logits_of(cut: Cut, terms: Any | None, valence: Array) -> Array:
    """Return the logits of texts by their weighted terms and their valence features."""
    found = valence @ cut.valence + cut.intercept
    return np.asarray(found if terms is None else found + terms @ cut.terms, dtype="float64")


def probability_table(chances: dict[int, Array], kinds: tuple[int, ...], known: NDArray[np.bool_]) -> pd.DataFrame:
    """Return one row per text of the probabilities that the questions' answers make.

    Parameters
    ----------
    chances : dict of int to ndarray
        Probability of the label, for each question that was asked, shape (n,).
    kinds : tuple of int
        Labels that there are.
    known : ndarray
        Whether something of the text is known, shape (n,).

    Returns
    -------
    DataFrame
        See `SentimentModel.predict`.
    """
    nothing = np.zeros(len(known))
    negative, positive = chances.get(-1, nothing), chances.get(1, nothing)
    if kinds == (-1, 1):
        positive = 1 - negative
    above = np.maximum(negative + positive, 1.0)  # two questions are answered apart from each other
    negative, positive = negative / above, positive / above
    each = {-1: negative, 0: 1 - negative - positive, 1: positive}
    likeliest = np.stack([each[k] for k in kinds]).argmax(axis=0)
    return pd.DataFrame(
        {"negative": negative, "positive": positive, "index": positive - negative,
         "kind": np.asarray(kinds, dtype="int64")[likeliest], "known": known}
    )  # fmt: skip
