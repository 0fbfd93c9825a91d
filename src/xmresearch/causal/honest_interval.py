"""The shortest fixed-length confidence interval under a smooth difference in trends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array = NDArray[np.float64]


def flci(
    beta: Array, cov: Array, *, n_pre: int, target: Array, bound: float, alpha: float = 0.05, gaps: Array | None = None
) -> tuple[float, float]:
    """Return the shortest fixed-length interval that covers under every difference in trends of Delta^SD.

    An estimator v'beta whose weights after treatment are `target` and that no linear trend moves is v = A'x, A taking
    second differences. Its worst bias is bound * sum |x|. The entries of x that touch periods after treatment are settled
    by `target`; the others trade bias for variance, and the half length, a quantile of |N(bias, sd^2)|, is minimised over
    them.

    Parameters
    ----------
    beta : ndarray
        Coefficients, shape (n_pre + n_post,).
    cov : ndarray
        Their covariance.
    n_pre : int
        Coefficients before treatment.
    target : ndarray
        Weights of the effects after treatment, shape (n_post,).
    bound : float
        M: largest change of slope between periods.
    alpha : float
        One minus the level.
    gaps : ndarray, optional
        As `second_differences` takes them.

    Returns
    -------
    lower, upper : float
    """
    differences = second_differences(n_pre, len(target), gaps)
    settled = np.linalg.solve(differences[n_pre - 1 :, n_pre:].T, target)
    fixed, free = differences[n_pre - 1 :].T @ settled, differences[: n_pre - 1].T
    quadratic, linear = free.T @ cov @ free, free.T @ cov @ fixed
    constant, rough = float(fixed @ cov @ fixed), float(np.abs(settled).sum())
    k = n_pre - 1
    steady = -np.linalg.solve(quadratic, linear) if k else np.zeros(0)

    def half(parts: Array) -> tuple[float, Array]:
        x = parts[:k] - parts[k:]
        sd = float(np.sqrt(x @ quadratic @ x + 2 * linear @ x + constant))
        t = bound * (parts.sum() + rough) / sd
        value = _folded_quantile(t, alpha)
        near, far = np.exp(-((value - t) ** 2) / 2), np.exp(-((value + t) ** 2) / 2)
        by_bias = (near - far) / (near + far)
        slope = (value - t * by_bias) * (quadratic @ x + linear) / sd
        return sd * value, np.concatenate([slope, -slope]) + bound * by_bias

    x = steady
    if bound > 0 and k:
        unit = float(np.sqrt(constant))
        starts = [np.concatenate([np.maximum(s, 0), np.maximum(-s, 0)]) for s in (steady, np.zeros(k))]
        found = [
            optimize.minimize(
                lambda p: tuple(part / unit for part in half(p)), start, jac=True, method="L-BFGS-B",
                bounds=[(0, None)] * (2 * k), options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
            )
            for start in starts
        ]  # fmt: skip
        best = min(found, key=lambda f: float(f.fun)).x
        x = best[:k] - best[k:]
    length, _ = half(np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)]))
    middle = float((free @ x + fixed) @ beta)
    return middle - length, middle + length


def second_differences(n_pre: int, n_post: int, gaps: Array | None = None) -> Array:
    """Return the matrix that takes changes of slope per unit of distance, shape (n_pre + n_post - 1, n_pre + n_post).

    The reference period, where delta is zero, stands between the coefficients before and those after treatment. Rows
    from n_pre - 1 on touch periods after treatment. `gaps` are the distances between the n_pre + n_post + 1 periods, one each
    if left out; a change of slope is divided by the distance between the middles of the two steps.
    """
    gaps = np.ones(n_pre + n_post) if gaps is None else gaps
    slopes = np.diff(np.eye(n_pre + n_post + 1), axis=0) / gaps[:, None]
    whole = np.diff(slopes, axis=0) / ((gaps[1:] + gaps[:-1]) / 2)[:, None]
    return np.delete(whole, n_pre, axis=1)


def _folded_quantile(t: float, alpha: float) -> float:
    """Return the 1 - alpha quantile of |N(t, 1)|."""
    low, high = t + stats.norm.isf(alpha), t + stats.norm.isf(alpha / 2)
    if t > 8:
        return float(low)
    found = optimize.brentq(
        lambda c: special.ndtr(c - t) - special.ndtr(-c - t) - 1 + alpha, low - 1e-9, high + 1e-9, xtol=1e-13
    )
    return float(found)
