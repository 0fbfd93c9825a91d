"""Two arms, before and after, sampled by NUTS: the closed forms' models by a second method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import Convergence, convergence, draw

Array = NDArray[np.float64]
MODELS = ("normal", "binomial", "poisson", "multinomial")
TUNE, CHAINS = 500, 4
_SIGN = np.array([1.0, -1.0, -1.0, 1.0])


class ArmsProblem(NamedTuple):
    """Statistics of the four arms-by-times, in the order of `_SIGN`.

    Attributes
    ----------
    counts : ndarray
        Exponents of the shares (binomial, multinomial), shape (4, L); or exponent and exposure of the rate (poisson); or
        rows, standardised mean and scatter (normal).
    prior_scale : ndarray
        SD of the effect's prior in residual SDs (normal); inf for a flat one; shape ().
    """

    counts: Array
    prior_scale: Array


@dataclass(frozen=True)
class ArmsDensity:
    """Log posterior density of four means and one variance, four rates, or four sets of shares.

    Attributes
    ----------
    model : str
        One of `MODELS`.
    """

    model: str

    def __call__(self, x: Array, problem: ArmsProblem) -> tuple[float, Array]:
        """Return the log density at coordinates x, and its gradient."""
        c = problem.counts
        if self.model == "poisson":
            expected = c[:, 1] * np.exp(x)
            return float(c[:, 0] @ x - expected.sum()), c[:, 0] - expected
        if self.model != "normal":
            logits = np.hstack([np.zeros((4, 1)), x.reshape(4, -1)])
            top = logits.max(axis=1, keepdims=True)
            log_share = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
            slope = c - c.sum(axis=1, keepdims=True) * np.exp(log_share)
            return float((c * log_share).sum()), slope[:, 1:].ravel()
        n, mean, scatter = c.T
        precision = np.exp(-2 * x[4])
        square = float(precision * (scatter.sum() + n @ (mean - x[:4]) ** 2))
        value, log_sd = -float(n.sum()) * x[4] - 0.5 * square, square - float(n.sum())
        slope = precision * n * (mean - x[:4])
        if np.isfinite(problem.prior_scale):
            effect = float(_SIGN @ x[:4])
            pull = precision * effect / float(problem.prior_scale) ** 2
            value, log_sd, slope = value - x[4] - 0.5 * pull * effect, log_sd - 1 + pull * effect, slope - _SIGN * pull
        return float(value), np.append(slope, log_sd)


def sample_arms(
    model: str, counts: Array, levels: Array, *, prior_scale: float | None, draws: int, seed: int
) -> tuple[Array, Convergence]:
    """Sample the difference of the differences.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    counts : ndarray
        As in `ArmsProblem`, in units of the outcome.
    levels : ndarray
        What each share contributes (binomial, multinomial), shape (L,).
    prior_scale : float or None
        As in `ArmsProblem`; None is flat.
    draws, seed : int
        In all chains together; seed.

    Returns
    -------
    effect : ndarray
        Shape (draws,), chain by chain.
    quality : Convergence
    """
    centre, scale = 0.0, 1.0
    if model == "normal":
        n, mean, scatter = counts.T
        centre, scale = float(n @ mean / n.sum()), float(np.sqrt(scatter.sum() / n.sum()))
        counts = np.round(np.column_stack([n, (mean - centre) / scale, scatter / scale**2]), 12)
        start = np.append(counts[:, 1], 0.0)
    elif model == "poisson":
        start = np.log(counts[:, 0] / counts[:, 1])
    else:
        start = (np.log(counts[:, 1:]) - np.log(counts[:, :1])).ravel()
    problem = ArmsProblem(counts, np.array(np.inf if prior_scale is None else prior_scale))
    density = ArmsDensity(model)
    each = -(-draws // CHAINS)
    x, stats = draw(
        density, problem, *mode(density, problem, start), draws=each, tune=TUNE, chains=CHAINS, seed=seed
    )  # fmt: skip
    if model == "normal":
        effect = scale * x[..., :4] @ _SIGN
    elif model == "poisson":
        effect = np.exp(x) @ _SIGN
    else:
        logits = np.concatenate([np.zeros((*x.shape[:2], 4, 1)), x.reshape(*x.shape[:2], 4, -1)], axis=-1)
        share = np.exp(logits - logits.max(axis=-1, keepdims=True))
        effect = (share / share.sum(axis=-1, keepdims=True)) @ levels @ _SIGN
    return effect.reshape(-1)[:draws], convergence(np.concatenate([x, effect[..., None]], axis=2), stats)
