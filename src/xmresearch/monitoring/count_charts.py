"""Charts of counts: shares and numbers of answers of one kind (p, np), events per unit and events (u, c), and Laney's p' and u'."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import counted
from xmresearch.monitoring.control_chart import ControlChart, Frame, assemble, frame_of

Array = NDArray[np.float64]


def p_chart(
    successes: ArrayLike, n: ArrayLike, *, centre: float | None = None, periods: ArrayLike | None = None,
    phases: ArrayLike | None = None, baseline: ArrayLike | None = None, overdispersed: bool = False,
) -> ControlChart:  # fmt: skip
    """Chart a share: a satisfaction rate, top boxes, first contacts that settled a case.

    Parameters
    ----------
    successes, n : array_like
        Answers of the kind and all answers, shape (periods,); n of 0 is a period without data.
    centre : float, optional
        The share that is known, between 0 and 1; estimated from the baseline if absent.
    periods : array_like, optional
        Their names, in the order of time, shape (periods,).
    phases : array_like, optional
        Phase of each period, shape (periods,): each has its own centre. Without them there is one: nothing is rebased by itself.
    baseline : array_like of bool, optional
        Periods that tell the centre (phase I), shape (periods,); all if absent.
    overdispersed : bool
        Laney's p' chart: moving ranges of the standardised shares tell how much more they vary than answers drawn at random, as shares of
        thousands of answers a day do.

    Returns
    -------
    ControlChart
        Of kind p.

    Raises
    ------
    DataError
        Counts that cannot be, a centre that is no share, or phases that are torn apart.
    InsufficientData
        A phase with fewer than two periods in its baseline.

    References
    ----------
    Montgomery, D. C. (2009). Introduction to Statistical Quality Control (6th ed.), chapter 7. Wiley. Laney, D. B. (2002). Improved
    control charts for attributes. Quality Engineering, 14, 531-537.
    """
    x, total, frame, known = _opened(successes, n, centre, periods, phases, baseline, share=True)
    middle = _centre(x, total, frame, centre, share=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, sigma = x / total, np.sqrt(middle * (1 - middle) / total)
    return assemble(
        frame, "p", total, value, middle, sigma, known=known, overdispersed=overdispersed, bounds=(0.0, 1.0)
    )


def np_chart(
    successes: ArrayLike, n: ArrayLike, *, centre: float | None = None, periods: ArrayLike | None = None,
    phases: ArrayLike | None = None, baseline: ArrayLike | None = None,
) -> ControlChart:  # fmt: skip
    """Chart the number of answers of one kind among a fixed number of answers.

    Parameters
    ----------
    successes, n, centre, periods, phases, baseline
        As for `p_chart`; the centre is a share.

    Returns
    -------
    ControlChart
        Of kind np: values are counts.

    Raises
    ------
    DataError, InsufficientData
        As for `p_chart`.

    References
    ----------
    Montgomery, D. C. (2009). Introduction to Statistical Quality Control (6th ed.), chapter 7. Wiley.
    """
    x, total, frame, known = _opened(successes, n, centre, periods, phases, baseline, share=True)
    middle = _centre(x, total, frame, centre, share=True)
    sigma = np.sqrt(total * middle * (1 - middle))
    return assemble(frame, "np", total, x, total * middle, sigma, known=known, bounds=(0.0, np.asarray(total)))


def u_chart(
    events: ArrayLike, units: ArrayLike, *, centre: float | None = None, periods: ArrayLike | None = None,
    phases: ArrayLike | None = None, baseline: ArrayLike | None = None, overdispersed: bool = False,
) -> ControlChart:  # fmt: skip
    """Chart events per unit: complaints per thousand visits, calls per case.

    Parameters
    ----------
    events, units : array_like
        Events, and what they are counted on (visits, cases, days), shape (periods,); units of 0 are a period without data.
    centre : float, optional
        Events per unit that are known.
    periods, phases, baseline, overdispersed
        As for `p_chart`; an overdispersed chart is Laney's u'.

    Returns
    -------
    ControlChart
        Of kind u.

    Raises
    ------
    DataError, InsufficientData
        As for `p_chart`.

    References
    ----------
    Montgomery, D. C. (2009). Introduction to Statistical Quality Control (6th ed.), chapter 7. Wiley. Laney, D. B. (2002). Improved
    control charts for attributes. Quality Engineering, 14, 531-537.
    """
    x, total, frame, known = _opened(events, units, centre, periods, phases, baseline, share=False)
    middle = _centre(x, total, frame, centre, share=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, sigma = x / total, np.sqrt(middle / total)
    return assemble(
        frame, "u", total, value, middle, sigma, known=known, overdispersed=overdispersed, bounds=(0.0, np.inf)
    )


def c_chart(
    events: ArrayLike, *, centre: float | None = None, periods: ArrayLike | None = None, phases: ArrayLike | None = None,
    baseline: ArrayLike | None = None,
) -> ControlChart:  # fmt: skip
    """Chart the number of events of periods that are alike.

    Parameters
    ----------
    events : array_like
        Shape (periods,); NaN is a period without data.
    centre : float, optional
        Events per period that are known.
    periods, phases, baseline
        As for `p_chart`.

    Returns
    -------
    ControlChart
        Of kind c.

    Raises
    ------
    DataError, InsufficientData
        As for `p_chart`.

    References
    ----------
    Montgomery, D. C. (2009). Introduction to Statistical Quality Control (6th ed.), chapter 7. Wiley.
    """
    given = np.asarray(events, dtype="float64")
    units = np.isfinite(given).astype("float64")
    x, total, frame, known = _opened(np.nan_to_num(given), units, centre, periods, phases, baseline, share=False)
    middle = _centre(x, total, frame, centre, share=False)
    return assemble(frame, "c", total, x, middle, np.sqrt(middle), known=known, bounds=(0.0, np.inf))


def _opened(
    successes: ArrayLike, n: ArrayLike, centre: float | None, periods: ArrayLike | None, phases: ArrayLike | None,
    baseline: ArrayLike | None, *, share: bool,
) -> tuple[Array, Array, Frame, bool]:  # fmt: skip
    x, total = counted(successes, n)
    if x.ndim != 1 or not x.size:
        raise DataError("A chart needs one count per period.", "Give one-dimensional counts.")
    if share and (x > total).any():
        raise DataError(
            "There are more answers of the kind than answers.", "Give the successes first, then all answers."
        )
    if not share and (x[total == 0] > 0).any():
        raise DataError("A period has events, but no units that they could fall on.", "Give the units of every period.")
    known = centre is not None
    if centre is not None and not (centre > 0 and (centre < 1 or not share)):
        raise DataError(f"The centre is {centre:g}.", "A share lies between 0 and 1, a rate above 0.")
    return x, total, frame_of(total > 0, periods=periods, phases=phases, baseline=baseline, known=known), known


def _centre(x: Array, total: Array, frame: Frame, centre: float | None, *, share: bool) -> Array:
    if centre is not None:
        return np.full(x.shape, float(centre))
    out = np.empty(x.shape)
    for phase in range(len(frame.names)):
        at = frame.within(phase)
        found = float(x[at].sum() / total[at].sum())
        if found == 0 or (share and found == 1):
            raise InsufficientData(
                "All answers of a baseline are of one kind: they do not tell how much a share varies." if share
                else "A baseline has no event: it does not tell how many are ordinary.",
                "Give a longer baseline, or the centre that is known.",
            )  # fmt: skip
        out[frame.phases == phase] = found
    return out
