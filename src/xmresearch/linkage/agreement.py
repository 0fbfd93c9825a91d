"""Whether answers of a branch agree and its mean is reliable: rwg, rwg(j), ICC(1), ICC(2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.linkage.link_levels import FEWEST_BRANCHES, RELIABLE, UNRELIABLE

Array = NDArray[np.float64]
AGREED = 0.7
"""Agreement that is held to be strong (LeBreton & Senter 2008)."""


@dataclass(frozen=True, repr=False)
class Climate(Shown):
    """Answers of branches to one scale: their means, agreement and reliability.

    Attributes
    ----------
    table : DataFrame
        One row per branch in the order of names: branch, n (people with every item), mean (of the items' mean), sd, rwg (rwg(j); NaN of
        fewer than two people).
    icc1, icc1_lower, icc1_upper : float
        Share of variance that lies between branches; may be negative.
    icc2, icc2_lower, icc2_upper : float
        Reliability of the mean of a branch of average size.
    f, df1, df2, p : float
        Test that branches do not differ.
    size : float
        Average size of a branch as unequal sizes have it.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    icc1: float
    icc1_lower: float
    icc1_upper: float
    icc2: float
    icc2_lower: float
    icc2_upper: float
    f: float
    df1: float
    df2: float
    p: float
    size: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per branch."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return reliability, and agreement over branches."""
        rwg = self.table["rwg"].dropna()
        return {
            "branches": len(self.table), "people": int(self.table["n"].sum()), "icc1": self.icc1, "icc1_lower": self.icc1_lower,
            "icc1_upper": self.icc1_upper, "icc2": self.icc2, "icc2_lower": self.icc2_lower, "icc2_upper": self.icc2_upper, "p": self.p,
            "rwg_median": float(rwg.median()) if len(rwg) else np.nan, "agreed": int((rwg >= AGREED).sum()), "with_rwg": len(rwg), "agreement_from": AGREED,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return whether means of branches may stand for them: reliability and agreement."""
        rwg = float(self.table["rwg"].median())
        icc2 = "pass" if self.icc2 >= RELIABLE else "warn" if self.icc2 >= UNRELIABLE else "fail"
        agreed = "pass" if rwg >= AGREED else "warn"
        rows = [("staff_reliable", self.icc2, RELIABLE, icc2), ("staff_agree", rwg, AGREED, agreed)]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def rwg(answers: ArrayLike, points: int) -> float:
    """Return the agreement of raters on one or several items, against answers spread evenly over the scale.

    Parameters
    ----------
    answers : array_like
        Of one branch, shape (people,) or (people, items), without blanks.
    points : int
        Points of the scale, at least 2.

    Returns
    -------
    float
        rwg of one item, rwg(j) of several; 0 where they agree no more than even answers would; NaN of fewer than two people.

    Raises
    ------
    DataError
        The scale has fewer than two points.

    References
    ----------
    James, L. R., Demaree, R. G. & Wolf, G. (1984). Estimating within-group interrater reliability with and without response bias. Journal
    of Applied Psychology, 69, 85-98.
    """
    if points < 2:
        raise DataError(f"A scale of {points} point(s) leaves nothing to agree on.", "Give the number of answers.")
    given = np.asarray(answers, dtype="float64")
    given = given[:, None] if given.ndim == 1 else given
    if len(given) < 2:
        return float("nan")
    return _rwg(float(given.var(axis=0, ddof=1).mean()), given.shape[1], points)


def _rwg(variance: float, items: int, points: int) -> float:
    even = (points**2 - 1) / 12
    share = variance / even
    if share >= 1:
        return 0.0
    return items * (1 - share) / (items * (1 - share) + share)


def intraclass(n: ArrayLike, mean: ArrayLike, within: ArrayLike, *, confidence: float = 0.95) -> dict[str, float]:
    """Return ICC(1) and ICC(2) of one-way analysis of variance, from sizes, means and sums of squares of branches.

    Parameters
    ----------
    n, mean, within : array_like
        Size, mean and sum of squares about it of each branch, shape (branches,).
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        icc1, icc2 with _lower and _upper; f, df1, df2, p; size.

    Raises
    ------
    InsufficientData
        Fewer than two branches, or nobody differs from the branch.

    Notes
    -----
    With the average size n0 = (N - sum n^2 / N) / (J - 1) for n, ICC(2) = (MSB - MSW) / MSB; intervals from the F distribution.

    References
    ----------
    Bliese, P. D. (2000). Within-group agreement, non-independence, and reliability. In K. J. Klein & S. W. J. Kozlowski (Eds.), Multilevel
    theory, research, and methods in organizations (pp. 349-381). Shrout, P. E. & Fleiss, J. L. (1979). Psychological Bulletin, 86, 420-428.
    """
    size, means, ss = (np.asarray(v, dtype="float64") for v in (n, mean, within))
    j, total = len(size), float(size.sum())
    if j < 2 or total <= j:
        raise InsufficientData("Reliability of branch means takes two branches, and branches of several people.")
    msb = float(size @ (means - size @ means / total) ** 2) / (j - 1)
    msw = float(ss.sum()) / (total - j)
    if not msw > 0:
        raise InsufficientData("Within branches nobody differs: reliability is not defined.")
    k = float((total - (size**2).sum() / total) / (j - 1))
    f = msb / msw
    tail = (1 - confidence) / 2
    ends = f / stats.f.ppf([1 - tail, tail], j - 1, total - j)
    found: dict[str, float] = {
        "f": f,
        "df1": j - 1.0,
        "df2": total - j,
        "p": float(stats.f.sf(f, j - 1, total - j)),
        "size": k,
    }
    for name, ratio in (("", f), ("_lower", float(ends[0])), ("_upper", float(ends[1]))):
        found[f"icc1{name}"] = (ratio - 1) / (ratio + k - 1)
        found[f"icc2{name}"] = 1 - 1 / ratio if ratio > 0 else -np.inf
    return found


def climate(
    rows: pd.DataFrame, branch: str, items: Sequence[str], *, scale: tuple[int, int] = (1, 5), confidence: float = 0.95
) -> Climate:
    """Describe how people of a branch see it: mean, agreement and reliability of a scale of several items.

    Parameters
    ----------
    rows : DataFrame
        One row per person; people without branch or any item are left out.
    branch : str
        Column.
    items : sequence of str
        Columns of answers, of one scale and keyed alike.
    scale : (int, int)
        Lowest and highest answer.
    confidence : float
        Level.

    Returns
    -------
    Climate

    Raises
    ------
    DataError, InsufficientData
        A column is not there or holds answers outside the scale; fewer than five branches.

    References
    ----------
    Bliese (2000), as for `intraclass`. LeBreton, J. M. & Senter, J. L. (2008). Answers to 20 questions about interrater reliability and
    interrater agreement. Organizational Research Methods, 11, 815-852.
    """
    names = list(items)
    for column in (branch, *names):
        if column not in rows.columns:
            raise DataError(f"The rows have no column '{brief(column)}'.", nearest(column, map(str, rows.columns)))
    frame = rows.loc[rows[[branch, *names]].notna().all(axis=1), [branch, *names]]
    answers = frame[names].to_numpy(dtype="float64")
    outside = (answers < scale[0]) | (answers > scale[1])
    if outside.any():
        column = names[int(outside.any(axis=0).argmax())]
        raise DataError(
            f"Column '{brief(column)}' has answers outside {scale[0]} to {scale[1]}.",
            "Give the scale, or the codes for no answer.",
        )
    codes, labels = pd.factorize(frame[branch].astype(str), sort=True)
    if len(labels) < FEWEST_BRANCHES:
        raise InsufficientData(
            f"{len(labels)} branch(es) have people; {FEWEST_BRANCHES} are needed.", "Give more branches."
        )
    n = np.bincount(codes).astype("float64")
    mean = np.stack([np.bincount(codes, weights=a) / n for a in answers.T], axis=1)
    squares = np.stack([np.bincount(codes, weights=a) for a in ((answers - mean[codes]) ** 2).T], axis=1)
    score = answers.mean(axis=1)
    centre = np.bincount(codes, weights=score) / n
    within = np.bincount(codes, weights=(score - centre[codes]) ** 2)
    points = scale[1] - scale[0] + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(n > 1, squares.mean(axis=1) / (n - 1), np.nan)
        sd = np.where(n > 1, np.sqrt(within / (n - 1)), np.nan)
    agreed = [_rwg(v, len(names), points) if np.isfinite(v) else np.nan for v in variance]
    found = intraclass(n, centre, within, confidence=confidence)
    table = pd.DataFrame(
        {"branch": [str(b) for b in labels], "n": n.astype(int), "mean": centre, "sd": sd, "rwg": agreed}
    )
    return Climate(table=table, level=confidence, **found)
