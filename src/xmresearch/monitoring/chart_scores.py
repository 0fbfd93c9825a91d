"""Normal scores of a chart's points: exact distributions of counts and net scores, so that few answers mean what they should."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from xmresearch.monitoring.control_chart import ControlChart

Array = NDArray[np.float64]
EXACT = {"p": "binomial", "np": "binomial", "u": "poisson", "c": "poisson", "nps": "net"}
MOST_NET = 1000
"""Answers beyond which a net score is taken to be normal: its exact distribution is then within 1e-3 of it."""
WINDOW = 9.0
"""Standard deviations from the centre within which the values of a count are looked at."""
LEAST = 1e-15
"""Smallest tail that is told apart from 0."""


def law_of(chart: ControlChart) -> str:
    """Return the distribution of a chart's points: binomial, poisson, net, or normal.

    Parameters
    ----------
    chart : ControlChart
        Any.

    Returns
    -------
    str
        normal too where sigma rests on moving ranges, or where counts are weighted and not whole.
    """
    law = EXACT.get(chart.kind, "normal")
    if law == "normal" or chart.overdispersed:
        return "normal"
    counts = counts_of(chart)
    return law if np.allclose(counts, np.round(counts), atol=1e-6, equal_nan=True) else "normal"


def counts_of(chart: ControlChart) -> Array:
    """Return the counts behind a chart's values, shape (periods,)."""
    table = chart.table
    value, n = table["value"].to_numpy(dtype="float64"), table["n"].to_numpy(dtype="float64")
    return np.asarray({"p": value * n, "u": value * n, "nps": value * n / 100}.get(chart.kind, value))


def parameter_of(chart: ControlChart, phase: int = -1) -> Array:
    """Return what the distribution of a phase depends on: a share or rate, shape (1,), or shares of kinds, shape (3,)."""
    if chart.kind == "nps" and chart.shares is not None:
        return np.asarray(chart.shares[phase])
    names = chart.table["phase"].unique()
    rows = chart.table[chart.table["phase"] == names[phase]]
    per = rows["n"].to_numpy(dtype="float64") if chart.kind == "np" else np.ones(len(rows))
    return np.array([float(np.nanmax(rows["centre"].to_numpy(dtype="float64") / np.where(per > 0, per, np.nan)))])


def possible(law: str, n: float, *thetas: Array) -> Array:
    """Return the counts that a period of n answers or units can have.

    Parameters
    ----------
    law : {'binomial', 'poisson', 'net'}
        Their distribution.
    n : float
        Answers or units.
    *thetas : ndarray
        What shares or rates may be; see `parameter_of`.

    Returns
    -------
    ndarray
        In order, without those that are farther from every mean than chance ever is.
    """
    if law == "net":
        return np.arange(-n, n + 1)
    means = n * np.array([float(theta[0]) for theta in thetas])
    reach = WINDOW * np.sqrt(means) + WINDOW**2 / 2
    low, high = max(0.0, np.floor((means - reach).min())), np.ceil((means + reach).max())
    return np.arange(low, (min(high, n) if law == "binomial" else high) + 1)


def tails(law: str, counts: Array, n: Array, theta: Array) -> tuple[Array, Array, Array]:
    """Return the probabilities of less than each count, of it, and of more.

    Parameters
    ----------
    law : {'binomial', 'poisson', 'net'}
        Their distribution.
    counts : ndarray
        Whole numbers, shape (K,); of a net score promoters less detractors.
    n : ndarray
        Answers or units of each, shape (K,).
    theta : ndarray
        Share or rate, shape (1,), or shares of detractors, passives and promoters, shape (3,).

    Returns
    -------
    below, at, above : ndarray
        Shape (K,).
    """
    if law == "net":
        below, at, above = (np.empty(len(counts)) for _ in range(3))
        for size in np.unique(n):
            here = n == size
            own, k = _net(int(size), theta), (counts[here] + size).astype(int)
            at[here], below[here] = own[k], (np.cumsum(own) - own)[k]
            above[here] = (np.cumsum(own[::-1])[::-1] - own)[k]
        return below, at, above
    return _tails(law, counts, n, float(theta[0]))


def _tails(law: str, values: Array, n: Array, theta: float) -> tuple[Array, Array, Array]:
    """Return the probabilities of less than each value, of it, and of more."""
    if law == "binomial":
        free = np.maximum(n - values, 0)
        log = special.gammaln(n + 1) - special.gammaln(values + 1) - special.gammaln(free + 1)
        at = np.exp(log + special.xlogy(values, theta) + special.xlog1py(free, -theta))
        above = np.where(values >= n, 0.0, special.betainc(values + 1, np.maximum(free, 1), theta))
        below = np.where(values <= 0, 0.0, special.betaincc(np.maximum(values, 1), free + 1, theta))
        return below, at, above
    mean = n * theta
    at = np.exp(special.xlogy(values, mean) - mean - special.gammaln(values + 1))
    below = np.where(values <= 0, 0.0, special.gammaincc(np.maximum(values, 1), mean))
    return below, at, special.gammainc(values + 1, mean)


def _net(n: int, shares: Array) -> Array:
    """Return the probability of promoters less detractors, from -n to n, by the Fourier transform of one answer's."""
    angle = 2 * np.pi * np.arange(2 * n + 1) / (2 * n + 1)
    one = shares[0] * np.exp(1j * angle) + shares[1] + shares[2] * np.exp(-1j * angle)
    found = np.fft.ifft(one**n).real
    chance = np.clip(np.concatenate([found[n + 1 :], found[: n + 1]]), 0, None)
    return np.asarray(chance / chance.sum())


def scores(below: Array, at: Array, above: Array) -> Array:
    """Return the normal deviates of mid-p values, each from its own tail."""
    low, high = np.clip(below + at / 2, LEAST, 1), np.clip(above + at / 2, LEAST, 1)
    return np.asarray(np.where(low < high, stats.norm.ppf(low), stats.norm.isf(high)))


def normal_scores(chart: ControlChart) -> Array:
    """Return the standardised points that run rules look at.

    Parameters
    ----------
    chart : ControlChart
        Any.

    Returns
    -------
    ndarray
        Shape (periods,). Of counts and net scores without overdispersion the normal deviate of the mid-p value under the exact
        distribution, so that limits are as rare as they say for few answers and shares near 0 or 1; otherwise (value - centre) / sigma.

    References
    ----------
    Lancaster, H. O. (1961). Significance tests in discrete distributions. Journal of the American Statistical Association, 56, 223-234.
    Quesenberry, C. P. (1991). SPC Q charts for a binomial parameter. Journal of Quality Technology, 23, 239-246.
    """
    z: Array = chart.table["z"].to_numpy(dtype="float64").copy()
    law = law_of(chart)
    if law == "normal":
        return z
    n = chart.table["n"].to_numpy(dtype="float64")
    counts = np.round(counts_of(chart))
    phases = chart.table["phase"].to_numpy()
    for k, name in enumerate(chart.table["phase"].unique()):
        theta = parameter_of(chart, k)
        here = np.flatnonzero((phases == name) & np.isfinite(z))
        here = here[n[here] <= MOST_NET] if law == "net" else here
        z[here] = scores(*tails(law, counts[here], n[here], theta))
    return z
