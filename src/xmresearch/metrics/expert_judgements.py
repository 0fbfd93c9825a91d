"""Weights by experts: the analytic hierarchy process, with the consistency of what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, brief

Array = NDArray[np.float64]
CONSISTENT = 0.10
"""Largest consistency ratio of judgements that weights may be taken from (Saaty, 1980)."""
RANDOM_INDEX = {1: 0.0, 2: 0.0, 3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45, 10: 1.49}
"""Mean consistency index of random judgements, by the number of criteria (Saaty, 1980)."""


@dataclass(frozen=True, repr=False)
class ExpertWeights(Shown):
    """Weights from pairwise judgements.

    Attributes
    ----------
    table : DataFrame
        One row per criterion: criterion, weight (principal eigenvector), geometric (row geometric means).
    judgements : ndarray
        Shape (k, k): how much more important the row is than the column.
    lambda_max, consistency_index, random_index, consistency_ratio : float
        Saaty's; the ratio is 0 for two criteria, which cannot contradict each other.
    geometric_index : float
        Geometric consistency index of the geometric weights; NaN for two criteria.
    """

    table: pd.DataFrame
    judgements: Array
    lambda_max: float
    consistency_index: float
    random_index: float
    consistency_ratio: float
    geometric_index: float

    @property
    def consistent(self) -> bool:
        """Whether the judgements are consistent enough to take weights from."""
        return self.consistency_ratio <= CONSISTENT

    def tidy(self) -> pd.DataFrame:
        """Return one row per criterion."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the consistency of the judgements."""
        return {
            "criteria": len(self.table), "lambda_max": self.lambda_max, "consistency_index": self.consistency_index,
            "random_index": self.random_index, "consistency_ratio": self.consistency_ratio,
            "geometric_index": self.geometric_index, "consistent": self.consistent,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def worst(self, count: int = 3) -> pd.DataFrame:
        """Return the judgements that contradict the weights most: first, second, judged, implied."""
        w = self.table["weight"].to_numpy()
        implied = w[:, None] / w[None, :]
        off = np.triu(np.abs(np.log(self.judgements / implied)), 1)
        names = self.table["criterion"].to_numpy()
        rows, cols = np.unravel_index(np.argsort(-off, axis=None)[:count], off.shape)
        return pd.DataFrame(
            {
                "first": names[rows],
                "second": names[cols],
                "judged": self.judgements[rows, cols],
                "implied": implied[rows, cols],
            }
        )


def expert_weights(judgements: ArrayLike | Sequence[ArrayLike], criteria: Sequence[str]) -> ExpertWeights:
    """Derive weights from pairwise judgements of one expert or several.

    Parameters
    ----------
    judgements : array_like
        Shape (k, k), or (experts, k, k): how much more important the row is than the column, 1/9 to 9; those of several are put
        together by geometric means.
    criteria : sequence of str
        Names, k from 2 to 10.

    Returns
    -------
    ExpertWeights

    Raises
    ------
    DataError
        The judgements are not square, not positive or not reciprocal, or there are too few or too many criteria.

    References
    ----------
    Saaty, T. L. (1980). The analytic hierarchy process. McGraw-Hill. Aczél, J. & Saaty, T. L. (1983). Journal of Mathematical
    Psychology, 27, 93-102. Aguarón, J. & Moreno-Jiménez, J. M. (2003). The geometric consistency index. European Journal of
    Operational Research, 147, 137-145.
    """
    given = np.asarray(judgements, dtype="float64")
    several = given[None] if given.ndim == 2 else given
    k = len(criteria)
    if k not in RANDOM_INDEX or k < 2:
        raise DataError(
            f"There are {k} criteria; expert weights take 2 to 10.", "Group criteria, and weigh within groups."
        )
    if several.ndim != 3 or several.shape[1:] != (k, k):
        raise DataError(f"Judgements of {k} criteria need a table of {k} rows and columns.")
    for a in several:
        wrong = ~(np.isfinite(a) & (a > 0))
        wrong |= ~np.isclose(a * a.T, 1, rtol=1e-3)
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            raise DataError(
                f"Judgement of '{brief(criteria[i])}' against '{brief(criteria[j])}' is {a[i, j]:g} and the reverse {a[j, i]:g}: "
                "they must be positive, and each the inverse of the other.",
                "Correct one of the two.",
            )
    a = np.exp(np.log(several).mean(axis=0))
    values, vectors = np.linalg.eig(a)
    top = int(values.real.argmax())
    weight = np.abs(vectors[:, top].real)
    weight = weight / weight.sum()
    geometric = np.exp(np.log(a).mean(axis=1))
    geometric = geometric / geometric.sum()
    largest, random = float(values.real[top]), RANDOM_INDEX[k]
    index = (largest - k) / (k - 1)
    errors = np.triu(np.log(a * geometric[None, :] / geometric[:, None]) ** 2, 1).sum()
    gci = float(2 * errors / ((k - 1) * (k - 2))) if k > 2 else float("nan")
    table = pd.DataFrame({"criterion": list(criteria), "weight": weight, "geometric": geometric})
    return ExpertWeights(table, a, largest, index, random, index / random if random else 0.0, gci)
