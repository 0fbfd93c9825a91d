"""A change shared among segments, the steps of a journey, and the drivers of a KPI: where to look first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.change_parts import mix_and_score
from xmresearch.metrics.share_intervals import counted
from xmresearch.monitoring.change_shares import ChangeShares, shapley_change, shared_change

Array = NDArray[np.float64]
STEP_PRIOR = 0.5


def segment_shares(before: pd.DataFrame, after: pd.DataFrame, *, confidence: float = 0.95) -> ChangeShares:
    """Share the change of a KPI among segments: each one's mix (how many of them there are) and score (what they say).

    Parameters
    ----------
    before, after : DataFrame
        As for `xmresearch.metrics.change_parts.mix_and_score`: segment, share, n_eff, estimate, spread.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        Two rows per segment; a segment that grows adds by its mix only where it scores unlike the rest. The sums over segments are the mix
        and the score of `mix_and_score`.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. JASA, 50, 1168-1194.
    """
    whole = mix_and_score(before, after, confidence=confidence)
    a, b = (t.set_index("segment") for t in (before, after))
    b = b.loc[a.index]
    shares = [t["share"].to_numpy(dtype="float64") for t in (a, b)]
    scores = [np.where(np.isfinite(t["spread"]), t["estimate"], np.nan).astype("float64") for t in (a, b)]
    lone = ~(np.isfinite(scores[0]) & np.isfinite(scores[1]))
    known = [np.nan_to_num(np.where(np.isfinite(m), m, o)) for m, o in (scores, scores[::-1])]
    many = len(a)

    def parts(both: Array) -> Array:
        w0, m0, w1, m1 = both.reshape(4, many)
        m0, m1 = np.where(lone & np.isnan(scores[0]), m1, m0), np.where(lone & np.isnan(scores[1]), m0, m1)
        usual = (w0 @ m0 + w1 @ m1) / 2
        return np.concatenate([(w1 - w0) * ((m0 + m1) / 2 - usual), (m1 - m0) * (w0 + w1) / 2])

    sides = []
    for t, w, m in zip((a, b), shares, scores, strict=True):
        v = np.where(np.isfinite(m), t["spread"].to_numpy(dtype="float64"), 0.0) ** 2
        multinomial = (np.diag(w) - np.outer(w, w)) / float(t["n_eff"].sum())
        sides.append(np.block([[multinomial, np.zeros((many, many))], [np.zeros((many, many)), np.diag(v)]]))
    x = np.concatenate([shares[0], known[0], shares[1], known[1]])
    names = [(str(s), part) for part in ("mix", "score") for s in a.index]
    values = [*zip(*shares, strict=True), *zip(*scores, strict=True)]
    ends = tuple(float(w @ m) for w, m in zip(shares, known, strict=True))
    found = shared_change(parts, x, sides, names, values, (ends[0], ends[1]), confidence)
    total = whole.table.set_index("part").loc["total"]
    return ChangeShares(
        found.table, {**found.total, **{k: float(total[k]) for k in ("se", "lower", "upper", "p")}}, confidence
    )


def step_shares(
    steps: Sequence[str], before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike], *,
    confidence: float = 0.95,
) -> ChangeShares:  # fmt: skip
    """Share the change of a completion rate among the steps that lead there.

    Parameters
    ----------
    steps : sequence of str
        In order.
    before, after : tuple of array_like
        Of each period how many passed each step, and how many came to it, shape (steps,) each.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        Of the product of the steps' rates. A rate of 0 or 1 has the standard error of half a passage and half a failure more.

    Raises
    ------
    DataError, InsufficientData
        More passed than came; nobody came to a step.

    References
    ----------
    Shorrocks, A. F. (2013). Decomposition procedures for distributional analysis: a unified framework based on the Shapley value. Journal of
    Economic Inequality, 11, 99-126.
    """
    rates, sides = [], []
    for passed, came in (before, after):
        x, n = counted(passed, came)
        if x.shape != (len(steps),) or (x > n).any():
            raise DataError("More passed a step than came to it, or a step has no counts.", "Give passed, then came.")
        if (n == 0).any():
            raise InsufficientData(f"Nobody came to step '{steps[int((n == 0).argmax())]}'.", "Leave it out.")
        rates.append(x / n)
        smooth = (x + STEP_PRIOR) / (n + 2 * STEP_PRIOR)
        sides.append(np.diag(smooth * (1 - smooth) / n))
    return shapley_change(
        lambda v: float(np.prod(v)), rates[0], rates[1], covariances=(sides[0], sides[1]),
        factors=[[k] for k in range(len(steps))], names=[(s, "rate") for s in steps], confidence=confidence,
    )  # fmt: skip


def driver_shares(
    drivers: Sequence[str], before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike], *,
    covariances: tuple[ArrayLike, ArrayLike], intercepts: tuple[float, float] = (0.0, 0.0), confidence: float = 0.95,
) -> ChangeShares:  # fmt: skip
    """Share the change of a KPI among its drivers, by how each is rated, and what lies outside their ratings.

    Parameters
    ----------
    drivers : sequence of str
        Names.
    before, after : tuple of array_like
        Of each period the drivers' means and their weights in a regression of the KPI on them, shape (drivers,) each.
    covariances : tuple of array_like
        Of means then weights then intercept, shape (2 drivers + 1, 2 drivers + 1), of each period.
    intercepts : tuple of float
        Of both regressions: what moves besides the drivers.
    confidence : float
        Level.

    Returns
    -------
    ChangeShares
        A row for the level of each driver, and one for what lies outside: what customers with the same ratings, those between both periods,
        answer otherwise. What a weight adds alone would hang on the zero of the driver's scale, and is therefore part of that. Shapley's
        values of sums of products, which are those of Oaxaca and Blinder with mean weights.

    Raises
    ------
    DataError
        There is not one mean and one weight for each driver.

    References
    ----------
    Oaxaca, R. (1973). International Economic Review, 14, 693-709. Blinder, A. S. (1973). Journal of Human Resources, 8, 436-455. Jann, B.
    (2008). The Blinder-Oaxaca decomposition for linear regression models. Stata Journal, 8, 453-479.
    """
    many = len(drivers)
    (m0, b0), (m1, b1) = ([np.asarray(v, dtype="float64") for v in side] for side in (before, after))
    if any(v.shape != (many,) for v in (m0, b0, m1, b1)):
        raise DataError("There must be one mean and one weight for each driver, in both periods.")

    def parts(both: Array) -> Array:
        means0, weights0, means1, weights1 = (both[k : k + many] for k in (0, many, 2 * many + 1, 3 * many + 1))
        middle = (means0 + means1) / 2
        level = (means1 - means0) * (weights0 + weights1) / 2
        outside = both[-1] - both[2 * many] + (weights1 - weights0) @ middle
        return np.concatenate([level, [outside]])

    x = np.concatenate([m0, b0, [intercepts[0]], m1, b1, [intercepts[1]]])
    ends = [float(m @ b + i) for m, b, i in ((m0, b0, intercepts[0]), (m1, b1, intercepts[1]))]
    names = [(d, "level") for d in drivers] + [("", "outside")]
    values = [*((float(p), float(q)) for p, q in zip(m0, m1, strict=True)), (np.nan, np.nan)]
    sides = [np.asarray(c, dtype="float64") for c in covariances]
    return shared_change(parts, x, sides, names, values, (ends[0], ends[1]), confidence)
