"""What a change is made of: other customers or other answers; other expectations or other perceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ChangeParts(Shown):
    """A change and what adds up to it.

    Attributes
    ----------
    table : DataFrame
        One row per part and one for the total: part, estimate, se, lower, upper, p.
    groups : DataFrame
        By segment, what each contributes; empty where there are none.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per part."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the parts by name."""
        return dict(zip(self.table["part"], self.table["estimate"], strict=True))


def mix_and_score(before: pd.DataFrame, after: pd.DataFrame, *, confidence: float = 0.95) -> ChangeParts:
    """Split a change between two waves of different people into mix (other customers) and score (other answers).

    Parameters
    ----------
    before, after : DataFrame
        One row per segment: segment, share (of the customers, 0 for a segment that a wave has not), n_eff (effective answers), estimate and
        spread (standard error, above 0).
    confidence : float
        Level.

    Returns
    -------
    ChangeParts
        mix = sum of share differences times mean scores, score = sum of score differences times mean shares, total = their sum: the change
        as observed. A segment without answers in one wave has no score to compare: all of its change is mix, at its score in the other.

    Raises
    ------
    DataError, InsufficientData
        Shares of a wave do not add up to 1; the two tables are not of the same segments; a wave has no answers.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. JASA, 50, 1168-1194.
    """
    a, b = (t.set_index("segment") for t in (before, after))
    if set(a.index) != set(b.index) or a.index.has_duplicates or b.index.has_duplicates:
        raise DataError("The two waves must have one row for each of the same segments.")
    b = b.loc[a.index]
    w0, w1 = (t["share"].to_numpy(dtype="float64") for t in (a, b))
    n0, n1 = (float(t["n_eff"].sum()) for t in (a, b))
    if min(n0, n1) <= 0:
        raise InsufficientData("A wave has no answers.", "A change needs answers in both.")
    if abs(w0.sum() - 1) > 1e-6 or abs(w1.sum() - 1) > 1e-6:
        raise DataError("The shares of a wave do not add up to 1.")
    (m0, v0), (m1, v1) = (_scores(t) for t in (a, b))
    lone = ~(np.isfinite(m0) & np.isfinite(m1))
    m0, m1 = np.where(np.isfinite(m0), m0, m1), np.where(np.isfinite(m1), m1, m0)
    m0, m1 = np.nan_to_num(m0), np.nan_to_num(m1)
    middle, width = (m0 + m1) / 2, (w0 + w1) / 2
    mix, score = (w1 - w0) * middle, (m1 - m0) * width
    # slopes of both parts by each wave's shares and scores
    step_w, step_m = (w1 - w0) / 2, (m1 - m0) / 2
    by_share = {"mix": (-middle, middle), "score": (step_m, step_m)}
    by_score = {"mix": (step_w, step_w), "score": (-width, width)}
    by_score = {k: (np.where(lone, 0.0, x), np.where(lone, 0.0, y)) for k, (x, y) in by_score.items()}
    by_share["total"] = (-m0, m1)
    by_score["total"] = (-w0, w1)
    rows = []
    for part, value in (("mix", mix.sum()), ("score", score.sum()), ("total", mix.sum() + score.sum())):
        variance = sum(
            ((w * g**2).sum() - (w @ g) ** 2) / n for w, n, g in zip((w0, w1), (n0, n1), by_share[part], strict=True)
        )
        variance += sum((g**2 * v).sum() for g, v in zip(by_score[part], (v0, v1), strict=True))
        rows.append(_row(part, float(value), float(variance), np.inf, confidence))
    groups = pd.DataFrame({"segment": a.index, "mix": mix - (w1 - w0) * (w0 @ m0 + w1 @ m1) / 2, "score": score})
    return ChangeParts(pd.DataFrame(rows), groups, confidence)


def _scores(table: pd.DataFrame) -> tuple[Array, Array]:
    m, s = (table[k].to_numpy(dtype="float64") for k in ("estimate", "spread"))
    there = np.isfinite(m) & np.isfinite(s)
    return np.where(there, m, np.nan), np.where(there, s, 0.0) ** 2


def _row(part: str, value: float, variance: float, df: float, confidence: float) -> dict[str, Any]:
    se = float(np.sqrt(max(variance, 0.0)))
    reach = (quantile(confidence) if np.isinf(df) else float(stats.t.ppf(0.5 + confidence / 2, df))) * se
    p = float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else (0.0 if value else 1.0)
    return {"part": part, "estimate": value, "se": se, "lower": value - reach, "upper": value + reach, "p": p}


def gap_change(
    expected: tuple[ArrayLike, ArrayLike], perceived: tuple[ArrayLike, ArrayLike], *, matched: bool = False,
    weights: tuple[ArrayLike, ArrayLike] | None = None, confidence: float = 0.95,
) -> ChangeParts:  # fmt: skip
    """Split the change of a SERVQUAL gap (perception less expectation) into what was expected and what was perceived.

    Parameters
    ----------
    expected, perceived : tuple of array_like
        Answers of the first and of the second wave, shapes (n,) and (m,); those with a blank in either battery are left out.
    matched : bool
        Whether rows of both waves are the same people, in the same order.
    weights : tuple of array_like, optional
        Of both waves, shapes (n,) and (m,), above 0; the first wave's are used for matched people.
    confidence : float
        Level.

    Returns
    -------
    ChangeParts
        expectation (what its change did to the gap: a fall closes it), perception, and total, their sum. A gap may close because people
        expect less.

    Raises
    ------
    DataError, InsufficientData
        Rows that do not belong together; fewer than two complete ones in a wave.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. & Berry, L. L. (1988). SERVQUAL. Journal of Retailing, 64, 12-40. Brown, T. J., Churchill, G. A. &
    Peter, J. P. (1993). Journal of Retailing, 69, 127-139.
    """
    pairs = [
        np.stack([np.asarray(e, dtype="float64"), np.asarray(p, dtype="float64")], axis=1) * [-1.0, 1.0]
        for e, p in zip(expected, perceived, strict=True)
    ]
    given = weights or tuple(np.ones(len(x)) for x in pairs)
    w = [np.asarray(v, dtype="float64") for v in given]
    if matched:
        if len(pairs[0]) != len(pairs[1]):
            raise DataError("Matched waves need one row per person in both.")
        pairs, w = [pairs[1] - pairs[0]], [w[0]]
    means, parts, fewest = [], [], np.inf
    for x, v in zip(pairs, w, strict=True):
        there = np.isfinite(x).all(axis=1)
        y, u = x[there], v[there]
        n = len(y)
        if n < 2:
            raise InsufficientData("Fewer than two people answered both batteries.", "A gap's change needs more.")
        if not (np.isfinite(u).all() and (u > 0).all()):
            raise DataError("A weight is not a positive number.", "Every respondent needs a weight above zero.")
        mean = u @ y / u.sum()
        centred = (y - mean) * u[:, None] / u.sum()
        means.append(mean)
        parts.append(centred.T @ centred * n / (n - 1))
        fewest = min(fewest, n - 1)
    change = means[0] if matched else means[1] - means[0]
    v = sum(parts)
    rows = [
        _row("expectation", float(change[0]), float(v[0, 0]), fewest, confidence),
        _row("perception", float(change[1]), float(v[1, 1]), fewest, confidence),
        _row("total", float(change.sum()), float(v.sum()), fewest, confidence),
    ]
    return ChangeParts(pd.DataFrame(rows), pd.DataFrame(), confidence)
