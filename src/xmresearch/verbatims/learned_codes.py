"""Codes learned from examples: one model per theme on n-grams, its threshold chosen on texts that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.inference.threads import on_one_thread
from xmresearch.verbatims.coding_errors import CodeErrors, code_errors

Array = NDArray[np.float64]
FOLDS = 5
FEWEST_EXAMPLES = 5
"""Texts with a theme, and without it, from which on it is learned."""
STRENGTH, PLAIN_STRENGTH = 10.0, 1.0
"""Inverse of the penalty, of the model and of the plain one that it is held against."""
PLAIN_THRESHOLD = 0.5
LEAST_F1 = 0.1
"""A threshold that does no better than this out of fold would give the theme to nearly every text; the highest chance is taken instead."""
_ONE_WORD = r"(?u)[\u3400-\u4dbf\u4e00-\u9fff]|[^\W\d_]+"


@dataclass(frozen=True, repr=False)
class LearnedCodes(Shown):
    """A codeframe by examples.

    Attributes
    ----------
    themes : list of str
        In the order of the examples.
    thresholds : ndarray
        Probability from which on a text has each theme, shape (themes,); infinite for one that could not be learned.
    examples : int
        Texts that it was learned from.
    """

    themes: list[str]
    thresholds: Array
    examples: int
    _grams: Any = field(repr=False, default=None)
    _models: tuple[Any, ...] = field(repr=False, default=())

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme: theme, threshold, learned."""
        return pd.DataFrame(
            {"theme": self.themes, "threshold": self.thresholds, "learned": np.isfinite(self.thresholds)}
        )

    def chances(self, texts: Sequence[str]) -> pd.DataFrame:
        """Return the probability that each text has each theme, shape (n, themes)."""
        return pd.DataFrame(_chances(self._models, self._grams.transform(texts)), columns=self.themes)

    def code(self, texts: Sequence[str]) -> pd.DataFrame:
        """Return whether each text has each theme, shape (n, themes)."""
        return self.chances(texts) >= self.thresholds


@on_one_thread
def learn_codes(texts: Sequence[str], examples: pd.DataFrame, *, seed: int = 0) -> LearnedCodes:
    """Learn a codeframe from texts that people coded.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    examples : DataFrame of bool
        Whether each has each theme, shape (n, themes).
    seed : int
        Of the folds in which thresholds are chosen.

    Returns
    -------
    LearnedCodes

    Raises
    ------
    DataError
        There are not as many codes as texts.
    InsufficientData
        No theme has enough examples.

    Notes
    -----
    Logistic regression on tf-idf of words, pairs of words and runs of two to four characters. The threshold is that of the largest F1
    in the folds that the model was not fitted to; where that is next to nothing, the highest probability (the heuristic FBR).

    References
    ----------
    Fan, R.-E. & Lin, C.-J. (2007). A study on threshold selection for multi-label classification. National Taiwan University. Lipton,
    Z. C., Elkan, C. & Narayanaswamy, B. (2014). Optimal thresholding of classifiers to maximize F1 measure. ECML PKDD, 225-239.
    """
    _check(texts, examples)
    codes = examples.to_numpy(dtype=bool)
    if not _learnable(codes).any():
        raise InsufficientData(
            f"No theme has {FEWEST_EXAMPLES} texts with it and as many without it.", "Code more texts, or use rules."
        )
    grams = _grams()
    matrix = grams.fit_transform(texts)
    models = _fit(matrix, codes, STRENGTH)
    return LearnedCodes([str(c) for c in examples.columns], _thresholds(texts, codes, seed), len(texts), grams, models)


@on_one_thread
def codes_out_of_fold(
    texts: Sequence[str],
    examples: pd.DataFrame,
    *,
    people: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[CodeErrors, CodeErrors]:
    """Measure the errors of learned codes on texts that they were not learned from, beside those of a plain model.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    examples : DataFrame of bool
        Whether each has each theme, shape (n, themes).
    people : array_like, optional
        Who wrote each, shape (n,); all texts of somebody are in one fold.
    confidence : float
        Level of the intervals.
    seed : int
        Of the folds.

    Returns
    -------
    learned, plain : CodeErrors
        Of five folds, in each of which thresholds are chosen anew from the others; the plain model is logistic regression on tf-idf of
        single words with a threshold of a half.

    Raises
    ------
    DataError
        There are not as many codes as texts.
    InsufficientData
        Fewer texts or people than folds.

    References
    ----------
    Varma, S. & Simon, R. (2006). Bias in error estimation when using cross-validation for model selection. BMC Bioinformatics, 7, 91.
    """
    _check(texts, examples)
    codes, n = examples.to_numpy(dtype=bool), len(texts)
    who = np.arange(n) if people is None else pd.factorize(np.asarray(people), use_na_sentinel=False)[0]
    fold = _folds(who, seed)
    learned, plain = np.zeros_like(codes), np.zeros_like(codes)
    for k in range(FOLDS):
        seen, out = np.flatnonzero(fold != k).tolist(), np.flatnonzero(fold == k).tolist()
        own, other = [texts[i] for i in seen], [texts[i] for i in out]
        for into, grams, strength in ((learned, _grams(), STRENGTH), (plain, _plain_grams(), PLAIN_STRENGTH)):
            models = _fit(grams.fit_transform(own), codes[seen], strength)
            bar = _thresholds(own, codes[seen], seed) if into is learned else PLAIN_THRESHOLD
            into[out] = _chances(models, grams.transform(other)) >= bar
    named = list(examples.columns)
    ours, theirs = (
        code_errors(pd.DataFrame(c, columns=named), examples.astype(bool), confidence=confidence, seed=seed)
        for c in (learned, plain)
    )
    return ours, theirs


def _check(texts: Sequence[str], examples: pd.DataFrame) -> None:
    if len(texts) != len(examples):
        raise DataError(f"There are {len(texts)} texts and {len(examples)} rows of codes.")
    if examples.isna().any(axis=None):
        raise DataError("A code is blank.", "Leave out texts that nobody coded, and say no where a theme is absent.")


def _folds(who: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    people = int(who.max()) + 1 if len(who) else 0
    if people < 2 * FOLDS:
        raise InsufficientData(f"{people} coded texts of different people: {2 * FOLDS} are needed to measure errors.")
    return np.asarray(np.random.default_rng([seed, 5]).permutation(people) % FOLDS)[who]


def _grams() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion([
        ("words", TfidfVectorizer(ngram_range=(1, 2), token_pattern=_ONE_WORD, sublinear_tf=True, min_df=2)),
        ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)),
    ])  # fmt: skip


def _plain_grams() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=_ONE_WORD)


def _learnable(codes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(np.minimum(codes.sum(axis=0), (~codes).sum(axis=0)) >= FEWEST_EXAMPLES)


def _fit(matrix: Any, codes: NDArray[np.bool_], strength: float) -> tuple[Any, ...]:
    from sklearn.linear_model import LogisticRegression

    return tuple(
        LogisticRegression(C=strength, solver="liblinear").fit(matrix, codes[:, j]) if can else None
        for j, can in enumerate(_learnable(codes))
    )


def _chances(models: Sequence[Any], matrix: Any) -> Array:
    return np.column_stack([np.zeros(matrix.shape[0]) if m is None else m.predict_proba(matrix)[:, 1] for m in models])


def _thresholds(texts: Sequence[str], codes: NDArray[np.bool_], seed: int) -> Array:
    """Choose for each theme the threshold of the largest F1 out of fold; a theme that cannot be learned has an infinite one."""
    fold = _folds(np.arange(len(texts)), seed + 1)
    chance = np.zeros(codes.shape)
    for k in range(FOLDS):
        seen, out = np.flatnonzero(fold != k).tolist(), np.flatnonzero(fold == k).tolist()
        grams = _grams()
        models = _fit(grams.fit_transform([texts[i] for i in seen]), codes[seen], STRENGTH)
        chance[out] = _chances(models, grams.transform([texts[i] for i in out]))
    return np.array([_best(chance[:, j], codes[:, j]) if can else np.inf for j, can in enumerate(_learnable(codes))])


def _best(chance: Array, code: NDArray[np.bool_]) -> float:
    """Return the threshold, midway between two chances, at which F1 is largest."""
    order = np.argsort(-chance, kind="stable")
    hits = np.cumsum(code[order])
    f1 = 2 * hits / (np.arange(1, len(code) + 1) + code.sum())
    falls = np.append(np.diff(chance[order]) < 0, True)
    at = int(np.where(falls, f1, -1.0).argmax())
    if f1[at] < LEAST_F1:
        return float(chance[order[0]])
    below = chance[order[at + 1]] if at + 1 < len(code) else 0.0
    return float((chance[order[at]] + below) / 2)
