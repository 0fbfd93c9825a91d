"""Changes of a score between waves: of different people or the same, and against a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.claims.change import difference
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
ADDED_STEP = 0.25
"""Rises and falls added to the interval of a change among the same people."""


@dataclass(frozen=True, repr=False)
class Change(Shown):
    """A difference of two scores.

    Attributes
    ----------
    before, after : float
        The two.
    estimate, lower, upper : float
        The second less the first, with its interval.
    se : float
        Standard error that p values and probabilities use.
    df : float
        Degrees of freedom; infinite for normal ones.
    p : float
        Two-sided, of no change.
    n_before, n_after : float
        Answers; 0 where one is a fixed number.
    level : float
        Of the interval.
    """

    before: float
    after: float
    estimate: float
    lower: float
    upper: float
    se: float
    df: float
    p: float
    n_before: float
    n_after: float
    level: float

    def chance_above(self, threshold: float = 0.0) -> float:
        """Return the probability that the change is more than a threshold, under a flat prior."""
        if not self.se > 0:
            return float(self.estimate > threshold) if self.se == 0 else float("nan")
        return float(stats.t.sf((threshold - self.estimate) / self.se, self.df))

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        return {f: getattr(self, f) for f in self.__dataclass_fields__}

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([self.summary()])

    def _head(self) -> dict[str, Any]:
        return self.summary()


def unpaired_change(
    before: dict[str, Any], after: dict[str, Any], *, correlation: float = 0.0, confidence: float = 0.95
) -> Change:
    """Estimate a change between samples of different people.

    Parameters
    ----------
    before, after : dict
        Rows of `GroupScores`: estimate, se, lower, upper and n, of intervals at the same level.
    correlation : float
        Of the two estimates, where some people are in both.
    confidence : float
        Level of those intervals and of this one.

    Returns
    -------
    Change
        The interval is made from the two intervals (square-and-add), so that it holds for few answers as they do; of two Wilson
        intervals it is Newcombe's. p is that of the level at which the interval reaches 0, by its nearer half.

    Raises
    ------
    InsufficientData
        One of the two has no interval.

    References
    ----------
    Zou, G. Y. & Donner, A. (2008). Construction of confidence limits about effect measures: a general approach. Statistics in Medicine,
    27, 1693-1702. Newcombe, R. G. (1998). Statistics in Medicine, 17, 873-890.
    """
    ends = [float(row[k]) for row in (before, after) for k in ("estimate", "lower", "upper")]
    if not np.isfinite(ends).all():
        raise InsufficientData("One of the two waves has no interval.", "A change needs two answers or more in both.")
    b, a, z = ends[0], ends[3], quantile(confidence)
    gap, low, high, p = (
        float(v) for v in difference(ends[:3], ends[3:], correlation=correlation, confidence=confidence)
    )
    # probabilities use the half on the side of the claim's threshold; both agree in large samples
    return Change(
        b,
        a,
        gap,
        low,
        high,
        (high - low) / 2 / z,
        np.inf,
        p,
        float(before["n"]),
        float(after["n"]),
        confidence,
    )


def correlation_of_waves(
    before: tuple[ArrayLike, ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> float:
    """Return the correlation of two waves' estimates that comes from people who are in both.

    Parameters
    ----------
    before, after : tuple of array_like
        Of each wave the scores, the weights and who gave them, shapes (n,) and (m,); blank scores are NaN.

    Returns
    -------
    float
        0 where nobody is in both.

    References
    ----------
    Tam, S. M. (1984). On covariances from overlapping samples. The American Statistician, 38, 288-289.
    """
    parts = []
    for scores, weights, people in (before, after):
        y, w = np.asarray(scores, dtype="float64"), np.asarray(weights, dtype="float64")
        there = np.isfinite(y)
        y, w = y[there], w[there]
        influence = w * (y - w @ y / w.sum()) / w.sum()
        parts.append(pd.Series(influence).groupby(np.asarray(people)[there]).sum())
    both = pd.concat(parts, axis=1, join="inner")
    spread = float(np.sqrt((parts[0] ** 2).sum() * (parts[1] ** 2).sum()))
    return float((both[0] * both[1]).sum()) / spread if spread > 0 and len(both) else 0.0


def matched_change(
    before: ArrayLike, after: ArrayLike, *, weights: ArrayLike | None = None, step: float | None = None,
    confidence: float = 0.95,
) -> Change:  # fmt: skip
    """Estimate a change among people who were asked twice.

    Parameters
    ----------
    before, after : array_like
        Scores of the same people (such as -100, 0 and 100), shape (n,); those with a blank in either are left out.
    weights : array_like, optional
        Shape (n,), above 0.
    step : float, optional
        Of a share 1, of a net score 100: a quarter of a rise and of a fall by a step are added to the interval, which then holds where few
        change, and exists where nobody does.
    confidence : float
        Level.

    Returns
    -------
    Change
        By Student's t of the differences, linearised where there are weights. Where nobody changed there is no interval without a step.

    Raises
    ------
    DataError, InsufficientData
        The two are not as long, or a weight is not above 0; fewer than two people answered twice.

    References
    ----------
    Bonett, D. G. & Price, R. M. (2012). Adjusted Wald confidence interval for a difference of binomial proportions based on paired data.
    Journal of Educational and Behavioral Statistics, 37, 479-488. Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted
    survey sampling. Springer, section 5.7.
    """
    x, y = np.asarray(before, dtype="float64"), np.asarray(after, dtype="float64")
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype="float64")
    if not len(x) == len(y) == len(w):
        raise DataError("The two answers of each person must stand in the same row.")
    there = np.isfinite(x) & np.isfinite(y)
    x, y, w = x[there], y[there], w[there]
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError("A weight is not a positive number.", "Every respondent needs a weight above zero.")
    n = len(x)
    if n < 2:
        raise InsufficientData(f"{n} people answered twice.", "A change among the same people needs two at least.")
    d, gap = y - x, float(w @ (y - x) / w.sum())
    unit = float((w**2).sum() / w.sum())  # weighs as an effective answer does
    added, steps = (0.0, np.zeros(2)) if step is None else (ADDED_STEP, np.array([step, -step]))
    total = float(w.sum()) + 2 * added * unit
    centre = float(w @ d) / total
    squares = float(w**2 @ (d - centre) ** 2) + added * unit**2 * float(((steps - centre) ** 2).sum())
    se = float(np.sqrt(n / (n - 1) * squares)) / total
    reach = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * se if se > 0 else float("nan")
    p = float(2 * stats.t.sf(abs(centre) / se, n - 1)) if se > 0 else float("nan")
    means = float(w @ x / w.sum()), float(w @ y / w.sum())
    return Change(*means, gap, centre - reach, centre + reach, se, n - 1, p, n, n, confidence)


def against_benchmark(
    score: dict[str, Any], value: float, *, se: float | None = None, n: float | None = None, sd: float | None = None,
    lower: float | None = None, upper: float | None = None, confidence: float = 0.95,
) -> Change:  # fmt: skip
    """Compare a score with a target or with what somebody else measured.

    Parameters
    ----------
    score : dict
        Row of `GroupScores`, at the same level.
    value : float
        The benchmark, in the same units.
    se : float, optional
        Its standard error;
    n, sd : float, optional
        or its answers and their standard deviation;
    lower, upper : float, optional
        or its interval at the same level. Without any of them the benchmark is a fixed target.
    confidence : float
        Level.

    Returns
    -------
    Change
        The score less the benchmark; `before` is the benchmark.

    Raises
    ------
    DataError
        The uncertainty is stated by halves or twice, or is negative.
    InsufficientData
        The score has no interval.

    References
    ----------
    Zou, G. Y. & Donner, A. (2008). Statistics in Medicine, 27, 1693-1702.
    """
    ways = [(se,), (n, sd), (lower, upper)]
    halves = [way for way in ways if any(v is None for v in way) and any(v is not None for v in way)]
    full = [way for way in ways if all(v is not None for v in way)]
    if halves or len(full) > 1:
        raise DataError(
            f"The uncertainty of the benchmark {value:g} is stated by halves or more than once.",
            "Give se, or n with sd, or lower with upper, or none for a fixed target.",
        )
    if lower is not None and upper is not None:
        ends = (lower, upper)
    else:
        error = se if se is not None else sd / np.sqrt(n) if n is not None and sd is not None and n > 0 else 0.0
        ends = (value - quantile(confidence) * error, value + quantile(confidence) * error)
    if not ends[0] <= value <= ends[1]:
        raise DataError(f"The interval of the benchmark {value:g} does not hold it.", "Correct its uncertainty.")
    mark = {"estimate": value, "lower": ends[0], "upper": ends[1], "n": 0 if n is None else n}
    return unpaired_change(mark, score, confidence=confidence)
