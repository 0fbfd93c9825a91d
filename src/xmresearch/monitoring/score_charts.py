"""Charts of scores: means of answers, net scores, and all categories of an ordered scale."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import counted
from xmresearch.monitoring.control_chart import WIDTH, ControlChart, Frame, assemble, frame_of

Array = NDArray[np.float64]
OrdinalStatistic = Literal["ridit", "chi_square"]


def mean_chart(
    n: ArrayLike, sums: ArrayLike, squares: ArrayLike, *, centre: float | None = None, sd: float | None = None,
    periods: ArrayLike | None = None, phases: ArrayLike | None = None, baseline: ArrayLike | None = None,
    overdispersed: bool = False,
) -> ControlChart:  # fmt: skip
    """Chart means of answers, with limits from how answers of one period vary.

    Parameters
    ----------
    n, sums, squares : array_like
        Answers, their sum and the sum of their squares, shape (periods,).
    centre, sd : float, optional
        Mean and standard deviation of answers that are known; from the baseline if absent, the latter pooled within periods.
    periods, phases, baseline, overdispersed
        As for `p_chart`; moving ranges of standardised means then tell what changes from period to period beyond the answers drawn.

    Returns
    -------
    ControlChart
        Of kind mean; facts has the sd of answers.

    Raises
    ------
    DataError
        Sums that no answers can have, or a standard deviation that is not above 0.
    InsufficientData
        A baseline in which no period has two answers, or whose answers are all alike.

    References
    ----------
    Montgomery, D. C. (2009). Introduction to Statistical Quality Control (6th ed.), chapter 6. Wiley.
    """
    total, _ = counted(n, n)
    first, second = (np.asarray(v, dtype="float64") for v in (sums, squares))
    if total.ndim != 1 or not total.size or first.shape != total.shape or second.shape != total.shape:
        raise DataError("A chart of means needs n, sum and sum of squares of each period.")
    if sd is not None and not sd > 0:
        raise DataError(f"The standard deviation that is known is {sd:g}.", "It lies above 0.")
    there = total > 0
    if not (np.isfinite(first[there]).all() and np.isfinite(second[there]).all()):
        raise DataError("A sum is no number.")
    known = centre is not None and sd is not None
    frame = frame_of(there, periods=periods, phases=phases, baseline=baseline, known=known)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = first / total
        within = np.where(there, second - first * value, 0.0)
    if (within < -1e-9 * np.maximum(np.abs(second), 1)).any():
        raise DataError(
            "Sums of squares are smaller than any answers with these sums have.", "Give sum(x), then sum(x ** 2)."
        )
    line, spread = np.empty(total.shape), np.empty(total.shape)
    facts = {}
    for phase in range(len(frame.names)):
        at = frame.within(phase)
        df = (total[at] - 1).sum()
        facts["sd"] = float(np.sqrt(max(within[at].sum(), 0) / df)) if df > 0 else 0.0
        if sd is None and facts["sd"] <= 0:
            raise InsufficientData(
                "No period of a baseline has two different answers: they do not tell how answers vary.",
                "Chart single values by xmr_chart, or give the standard deviation that is known.",
            )
        facts["sd"] = facts["sd"] if sd is None else float(sd)
        here = frame.phases == phase
        line[here] = first[at].sum() / total[at].sum() if centre is None else centre
        spread[here] = facts["sd"]
    with np.errstate(divide="ignore"):
        sigma = spread / np.sqrt(total)
    return assemble(frame, "mean", total, value, line, sigma, known=known, overdispersed=overdispersed, facts=facts)


def nps_chart(
    detractors: ArrayLike, passives: ArrayLike, promoters: ArrayLike, *, shares: tuple[float, float, float] | None = None,
    periods: ArrayLike | None = None, phases: ArrayLike | None = None, baseline: ArrayLike | None = None,
    overdispersed: bool = False,
) -> ControlChart:  # fmt: skip
    """Chart a net score, in points from -100 to 100.

    Parameters
    ----------
    detractors, passives, promoters : array_like
        Answers of each kind, shape (periods,); see `xmresearch.metrics.net_counts`.
    shares : tuple of float, optional
        Shares of the three kinds that are known, which sum to 1.
    periods, phases, baseline, overdispersed
        As for `p_chart`.

    Returns
    -------
    ControlChart
        Of kind nps. Sigma is that of the baseline's shares, 100 sqrt((p + d - (p - d)^2) / n); `normal_scores` takes the exact
        distribution, which differs for few answers.

    Raises
    ------
    DataError, InsufficientData
        As for `p_chart`; also a baseline whose answers are all of one kind.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician, 70, 365-372.
    """
    low, middle, high = counted(detractors, passives, promoters)
    counts = np.stack([low, middle, high], axis=-1)
    frame, base = _categories(counts, shares, periods, phases, baseline)
    total = counts.sum(axis=1)
    d, p = base[frame.phases, 0], base[frame.phases, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 100 * (high - low) / total
        sigma = 100 * np.sqrt((p + d - (p - d) ** 2) / total)
    return assemble(
        frame, "nps", total, value, 100 * (p - d), sigma, known=shares is not None, overdispersed=overdispersed,
        bounds=(-100.0, 100.0), shares=base,
    )  # fmt: skip


def ordinal_chart(
    counts: ArrayLike, *, statistic: OrdinalStatistic = "ridit", shares: ArrayLike | None = None, periods: ArrayLike | None = None,
    phases: ArrayLike | None = None, baseline: ArrayLike | None = None, overdispersed: bool = False,
) -> ControlChart:  # fmt: skip
    """Chart all categories of an ordered scale at once.

    Parameters
    ----------
    counts : array_like
        Answers by period and category in order, shape (periods, categories).
    statistic : {'ridit', 'chi_square'}
        ridit: the probability that an answer of the period is higher than one of the baseline, ties counting half; it says where the
        scale as a whole goes. chi_square: Pearson's distance of all shares from the baseline's, which sees any change of them.
    shares : array_like, optional
        Shares of the categories that are known, shape (categories,).
    periods, phases, baseline
        As for `p_chart`.
    overdispersed : bool
        As for `p_chart`; of ridits alone.

    Returns
    -------
    ControlChart
        Of kind ridit, with centre 1/2; or of kind chi_square, with the degrees of freedom as centre, one upper limit with the tail
        of three standard deviations on one side, and as z the normal deviate of its p value.

    Raises
    ------
    DataError, InsufficientData
        As for `p_chart`; also a baseline whose answers are all in one category.

    References
    ----------
    Bross, I. D. J. (1958). How to use ridit analysis. Biometrics, 14, 18-38. Marcucci, M. (1985). Monitoring multinomial processes.
    Journal of Quality Technology, 17, 86-91.
    """
    (given,) = counted(counts)
    if given.ndim != 2 or given.shape[1] < 2:
        raise DataError("Categories are counted in a table of periods and at least two categories.")
    known = shares is not None
    frame, base = _categories(given, shares, periods, phases, baseline)
    total, share = given.sum(axis=1), base[frame.phases]
    with np.errstate(divide="ignore", invalid="ignore"):
        if statistic == "ridit":
            ridits = np.cumsum(share, axis=1) - share / 2
            value = (given * ridits).sum(axis=1) / total
            sigma: Array = np.sqrt((share * (ridits - 0.5) ** 2).sum(axis=1) / total)
            centre = np.full(len(total), 0.5)
            return assemble(
                frame, "ridit", total, value, centre, sigma, known=known, overdispersed=overdispersed,
                bounds=(0.0, 1.0), shares=base,
            )  # fmt: skip
        want = share * total[:, None]
        parts = np.where(want > 0, (given - want) ** 2 / want, np.where(given > 0, np.inf, 0.0))
    value, df = parts.sum(axis=1), np.asarray((share > 0).sum(axis=1) - 1, dtype="float64")
    tail = stats.chi2.sf(value, df)
    limits = np.zeros(total.shape), stats.chi2.isf(stats.norm.sf(WIDTH), df)
    return assemble(
        frame, "chi_square", total, value, df, np.sqrt(2 * df), known=known, bounds=(0.0, np.inf), shares=base,
        z=stats.norm.isf(tail), limits=limits,
    )  # fmt: skip


def _categories(
    counts: Array, shares: ArrayLike | None, periods: ArrayLike | None, phases: ArrayLike | None, baseline: ArrayLike | None
) -> tuple[Frame, Array]:  # fmt: skip
    """Return the periods, and the shares of the categories in the baseline of each phase."""
    if counts.ndim != 2 or not counts.size:
        raise DataError("A chart needs the answers of each kind in every period.")
    frame = frame_of(
        counts.sum(axis=1) > 0, periods=periods, phases=phases, baseline=baseline, known=shares is not None
    )
    size = (len(frame.names), counts.shape[1])
    if shares is not None:
        given = np.asarray(shares, dtype="float64")
        if given.shape != size[1:] or (given < 0).any() or abs(given.sum() - 1) > 1e-6:
            raise DataError("The shares that are known are not one per category, or do not sum to 1.")
        base = np.broadcast_to(given, size).copy()
    else:
        base = np.stack([counts[frame.within(k)].sum(axis=0) for k in range(size[0])])
        base = base / base.sum(axis=1, keepdims=True)
    if (base.max(axis=1) >= 1).any():
        raise InsufficientData(
            "All answers of a baseline are of one kind: they do not tell how much a score varies.",
            "Give a longer baseline.",
        )
    return frame, base
