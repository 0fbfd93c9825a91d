"""Small cohorts lean on the others: effects of one event time vary about their mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import AttPosterior
from xmresearch.errors import ParamsError

Array = NDArray[np.float64]
PRIOR_SPREAD, GRID, DRAWS_PER_EFFECT = 0.25, 60, 4


def shrink_att(post: AttPosterior, outcome_sd: float, rng: np.random.Generator) -> AttPosterior:
    """Shrink the effects after treatment towards the mean of their event time.

    Parameters
    ----------
    post : AttPosterior
        Of unrelated effects.
    outcome_sd : float
        SD of the outcome, which scales the prior.
    rng : Generator
        Source of randomness.

    Returns
    -------
    AttPosterior
        The same effects; those before treatment are unchanged.

    Raises
    ------
    ParamsError
        There are too few draws for the covariance of so many effects.

    Notes
    -----
    tau(g,t) ~ N(tau_e, omega^2), tau_e flat, omega ~ half-normal(0.25 outcome_sd) on a grid; the estimates are normal about
    tau(g,t) with their posterior covariance, so each draw is exact given omega.

    References
    ----------
    Gelman, A. et al. (2013). Bayesian Data Analysis (3rd ed.), section 5.4. CRC Press.
    """
    after = np.flatnonzero(post.pairs.after)
    count, draws = len(after), len(post.draws)
    if draws < DRAWS_PER_EFFECT * count:
        raise ParamsError(
            f"Shrinking {count} effects needs {DRAWS_PER_EFFECT * count} draws; there are {draws}.", "Raise draws."
        )
    values, vectors = np.linalg.eigh(np.cov(post.draws[:, after], rowvar=False).reshape(count, count))
    values = np.maximum(values, values.max() * 1e-10)
    event = post.pairs.event_time[after]
    member = (event[:, None] == np.unique(event)).astype(float)
    turned, design = vectors.T @ post.estimate[after], vectors.T @ member
    omegas = PRIOR_SPREAD * outcome_sd * np.linspace(0.01, 4.0, GRID)
    fits = [_given(omega, values, turned, design) for omega in omegas]
    weight = np.array([f[0] for f in fits]) - 0.5 * (omegas / (PRIOR_SPREAD * outcome_sd)) ** 2
    chance = np.exp(weight - weight.max())
    picks = rng.choice(GRID, draws, p=chance / chance.sum())
    sample = np.empty((draws, count))
    for k in np.unique(picks):
        rows = np.flatnonzero(picks == k)
        _, centre, root = fits[k]
        total = values + omegas[k] ** 2
        means = centre + rng.standard_normal((len(rows), len(centre))) @ root.T
        expected = (omegas[k] ** 2 * turned + values * (means @ design.T)) / total
        spread = np.sqrt(values * omegas[k] ** 2 / total)
        sample[rows] = (expected + rng.standard_normal((len(rows), count)) * spread) @ vectors.T
    estimate, shrunk = post.estimate.copy(), post.draws.copy()
    estimate[after], shrunk[:, after] = sample.mean(axis=0), sample
    return replace(post, estimate=estimate, draws=shrunk)


def _given(omega: float, values: Array, turned: Array, design: Array) -> tuple[float, Array, Array]:
    """Return log marginal likelihood of omega, and mean and covariance root of the event times' means."""
    precision = 1 / (values + omega**2)
    gram = design.T @ (design * precision[:, None])
    centre = np.linalg.solve(gram, design.T @ (precision * turned))
    residual = turned - design @ centre
    log = 0.5 * np.log(precision).sum() - 0.5 * np.linalg.slogdet(gram)[1] - 0.5 * float(precision @ residual**2)
    return float(log), centre, np.linalg.cholesky(np.linalg.inv(gram))
