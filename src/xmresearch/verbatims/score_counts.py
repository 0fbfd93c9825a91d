"""What corrected shares need to know of a classifier's scores: sums and cells by group, and the scores of labelled texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest

Array = NDArray[np.float64]
Target = Literal["negative", "positive", "index"]
CELLS = 50
"""Cells of equal width that scores are counted in."""


@dataclass(frozen=True, repr=False)
class ScoreCounts(Shown):
    """Scores of texts by group: they add up, and hold no text.

    Attributes
    ----------
    groups : DataFrame
        One row per group, one column per name that the scores were counted by; a single row without columns where by none.
    scores : tuple of str
        Names of the scores: probabilities of being negative, positive or both.
    n : ndarray
        Texts, shape (groups,).
    total : ndarray
        Sums of scores, shape (groups, scores).
    cross : ndarray
        Sums of their products, shape (groups, scores, scores).
    cells : ndarray
        Texts by cell of the score, or of the second less the first, shape (groups, 50).
    """

    groups: pd.DataFrame
    scores: tuple[str, ...]
    n: Array
    total: Array
    cross: Array
    cells: Array

    @classmethod
    def of(cls, scored: pd.DataFrame, scores: Sequence[str] = ("negative",), *, by: Sequence[str] = ()) -> ScoreCounts:
        """Count scores.

        Parameters
        ----------
        scored : DataFrame
            One row per text, as `SentimentModel.predict` has it, with columns of groups.
        scores : sequence of str
            One column of probabilities, or two.
        by : sequence of str
            Columns of groups, such as the period; rows with a blank in one of them are left out.

        Returns
        -------
        ScoreCounts

        Raises
        ------
        DataError
            A column is not there, or a score is no probability.
        """
        f = score_values(scored, scores)
        keys, code, there = _grouped(scored, by)
        f, size = f[there], len(keys)
        total = np.stack([np.bincount(code, weights=f[:, j], minlength=size) for j in range(f.shape[1])], axis=1)
        cross = np.stack(
            [[np.bincount(code, weights=f[:, i] * f[:, j], minlength=size) for j in range(f.shape[1])] for i in range(f.shape[1])]
        ).transpose(2, 0, 1)  # fmt: skip
        cells = np.bincount(code * CELLS + cell_of(f), minlength=size * CELLS).reshape(size, CELLS)
        n = np.bincount(code, minlength=size)
        return cls(keys, tuple(scores), n.astype("float64"), total, cross, cells.astype("float64"))

    def __add__(self, other: ScoreCounts) -> ScoreCounts:
        """Pool two sets of texts."""
        if self.scores != other.scores or list(self.groups) != list(other.groups):
            raise DataError("Scores that were counted in different ways do not add up.")
        both = pd.concat([self.groups, other.groups], ignore_index=True)
        keys, code, _ = (
            _grouped(both, list(both)) if len(both.columns) else (both.iloc[:1], np.zeros(len(both), "int64"), None)
        )

        def pooled(field: str) -> Array:
            parts = np.concatenate([getattr(self, field), getattr(other, field)])
            found = np.zeros((len(keys), *parts.shape[1:]))
            np.add.at(found, code, parts)
            return found

        return ScoreCounts(keys, self.scores, *(pooled(k) for k in ("n", "total", "cross", "cells")))

    def tidy(self) -> pd.DataFrame:
        """Return one row per group: n and the mean of each score."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = pd.DataFrame(self.total / self.n[:, None], columns=list(self.scores))
        return pd.concat([self.groups, pd.DataFrame({"n": self.n}), means], axis=1)

    def _head(self) -> dict[str, Any]:
        return {"groups": len(self.n), "texts": float(self.n.sum())}


@dataclass(frozen=True, repr=False)
class LabelledScores(Shown):
    """Scores of texts that people have labelled, given by a model that did not learn from them.

    Attributes
    ----------
    scores : tuple of str
        Names of the scores.
    f : ndarray
        Scores, shape (n, scores).
    y : ndarray
        The value of each label: 1 and 0 for a share, -1, 0 and 1 for an index, shape (n,).
    values : ndarray
        Distinct values, ascending, shape (K,).
    groups : DataFrame
        Period or group of each text, n rows; without columns where it is not known.
    plain : tuple
        Intercept and weights, shape (scores,), that turn mean scores into the share or index as it would be counted.
    """

    scores: tuple[str, ...]
    f: Array
    y: Array
    values: Array
    groups: pd.DataFrame
    plain: tuple[float, Array]

    @classmethod
    def of(cls, held_out: pd.DataFrame, target: Target = "negative", *, by: Sequence[str] = ()) -> LabelledScores:
        """Take what a correction needs of labelled texts.

        Parameters
        ----------
        held_out : DataFrame
            As `train_sentiment` returns it: negative, positive and label (-1, 0, 1), with columns of groups.
        target : {'negative', 'positive', 'index'}
            Share of texts with that label, or the share of positive less that of negative ones.
        by : sequence of str
            Columns of groups; a blank says that the group is not known.

        Returns
        -------
        LabelledScores

        Raises
        ------
        DataError
            A column is not there, a score is no probability, or a label is unknown.
        InsufficientData
            All labels are alike.
        """
        from xmresearch.verbatims.sentiment_training import label_values

        _require(held_out, ["label", *by])
        label = label_values(held_out["label"])
        kinds = np.unique(label)
        if target == "index":
            y = label.astype("float64")
            names = ("negative", "positive") if len(kinds) == 3 else (("negative",) if -1 in kinds else ("positive",))
            low, high = (float(kinds[0]), float(kinds[-1]))
            one = (high, np.array([low - high])) if names == ("negative",) else (low, np.array([high - low]))
            plain = (0.0, np.array([-1.0, 1.0])) if len(names) == 2 else one
        else:
            y = (label == (-1 if target == "negative" else 1)).astype("float64")
            names, plain = (target,), (0.0, np.ones(1))
        values = np.unique(y)
        if len(values) < 2:
            raise InsufficientData(
                "All labels are alike.", f"To correct a share of '{target}', label texts of both kinds."
            )
        groups = held_out[list(by)].reset_index(drop=True)
        return cls(names, score_values(held_out, names), y, values, groups, plain)

    def _head(self) -> dict[str, Any]:
        return {"scores": list(self.scores), "labels": len(self.y)}


def score_values(frame: pd.DataFrame, scores: Sequence[str]) -> Array:
    """Return columns of probabilities, shape (n, scores), or raise DataError where one is none."""
    _require(frame, scores)
    f: Array = frame[list(scores)].to_numpy(dtype="float64")
    if not ((f >= 0) & (f <= 1)).all():
        raise DataError(
            f"A score in {', '.join(scores)} is no number from 0 to 1.", "Scores are probabilities or 0 and 1."
        )
    return f


def cell_of(f: Array) -> NDArray[np.int64]:
    """Return the cell of each text's score, or of the second score less the first."""
    one = f[:, 0] if f.shape[1] == 1 else (f[:, 1] - f[:, 0] + 1) / 2
    return np.asarray(np.minimum((one * CELLS).astype("int64"), CELLS - 1), dtype="int64")


def _require(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise DataError(f"The table has no column '{name}'.", nearest(name, map(str, frame.columns)))


def _grouped(frame: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.bool_]]:
    """Return the groups in order, the group of each row that has one, and which rows have."""
    _require(frame, by)
    if not by:
        return pd.DataFrame(index=range(1)), np.zeros(len(frame), dtype="int64"), np.ones(len(frame), dtype=bool)
    there = frame[list(by)].notna().all(axis=1).to_numpy()
    grouped = frame.loc[there, list(by)].groupby(list(by), observed=True, sort=True)
    keys = grouped.size().index.to_frame(index=False)
    return keys, grouped.ngroup().to_numpy(dtype="int64"), there
