"""Exploratory factor analysis: extraction, rotation, and how many factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
Method = Literal["minres", "ml"]
Rotation = Literal["oblimin", "promax", "varimax", "none"]
LOWEST = 0.005
KMO_BOUND, KMO_LEAST, BARTLETT_LEVEL = 0.6, 0.5, 0.05  # Kaiser (1974); Bartlett (1950)


@dataclass(frozen=True, repr=False)
class EfaResult(Shown):
    """An exploratory factor solution.

    Attributes
    ----------
    loadings : DataFrame
        Pattern loadings, shape (items, factors), factors by the variance that they explain, each mostly positive.
    phi : DataFrame
        Correlations of the factors, shape (factors, factors).
    communality : Series
        Explained share of each item's variance.
    heywood : bool
        Whether an item's unique variance ended at its lower bound.
    kmo : float
        Kaiser-Meyer-Olkin measure of sampling adequacy.
    bartlett_chisq, bartlett_df, bartlett_p : float
        Bartlett's test that all correlations are zero.
    n : int
        Complete rows.
    """

    loadings: pd.DataFrame
    phi: pd.DataFrame
    communality: pd.Series
    heywood: bool
    kmo: float
    bartlett_chisq: float
    bartlett_df: float
    bartlett_p: float
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per item: its loadings and communality."""
        return self.loadings.assign(communality=self.communality).rename_axis("id").reset_index()

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        rows = [
            (
                "kmo",
                self.kmo,
                KMO_BOUND,
                "pass" if self.kmo >= KMO_BOUND else "fail" if self.kmo < KMO_LEAST else "warn",
            ),
            ("bartlett_p", p := self.bartlett_p, BARTLETT_LEVEL, "pass" if p < BARTLETT_LEVEL else "fail"),
            ("heywood", int(self.heywood), 0, "warn" if self.heywood else "pass"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def summary(self) -> dict[str, Any]:
        """Return the number of factors and what they explain."""
        return {"factors": self.loadings.shape[1], "explained": float(self.communality.mean()), "n": self.n}


@on_one_thread
def efa(data: pd.DataFrame, factors: int, *, method: Method = "minres", rotation: Rotation = "oblimin") -> EfaResult:
    """Explore the factors behind a set of items.

    Parameters
    ----------
    data : DataFrame
        Items in columns; complete rows are used.
    factors : int
        How many; see `parallel_analysis`.
    method : {'minres', 'ml'}
        Minimum residuals (unweighted least squares) or maximum likelihood.
    rotation : {'oblimin', 'promax', 'varimax', 'none'}
        Oblimin is quartimin (gamma 0); promax has power 4 with Kaiser normalisation, as in R's psych.

    Returns
    -------
    EfaResult

    Raises
    ------
    InsufficientData
        Too many factors for the items, a constant item, or a singular correlation matrix.

    References
    ----------
    Harman, H. H. & Jones, W. H. (1966). Psychometrika, 31, 351-368. Jennrich, R. I. (2002). Psychometrika, 67, 7-19.
    """
    names = [str(c) for c in data.columns]
    values = data.dropna().to_numpy(dtype=np.float64)
    r = _correlations(values, names)
    p = len(names)
    if factors < 1 or (p - factors) ** 2 < p + factors:
        raise InsufficientData(f"{factors} factor(s) of {p} items are not identified.", "Ask for fewer factors.")
    unrotated, unique = extract(r, factors, method)
    pattern, phi = _rotate(unrotated, rotation)
    order = np.argsort(-np.diag(phi @ pattern.T @ pattern), kind="stable")
    sign = np.sign(pattern.sum(axis=0)[order])
    pattern, phi = pattern[:, order] * sign, phi[np.ix_(order, order)] * np.outer(sign, sign)
    labels = [f"F{k + 1}" for k in range(factors)]
    kmo, (chisq, df, pvalue) = _kmo(r), _bartlett(r, len(values))
    return EfaResult(
        pd.DataFrame(pattern, names, labels), pd.DataFrame(phi, labels, labels),
        pd.Series(((pattern @ phi) * pattern).sum(axis=1), names), is_heywood(unique), kmo, chisq, df, pvalue, len(values),
    )  # fmt: skip


@on_one_thread
def parallel_analysis(data: pd.DataFrame, *, draws: int = 200, quantile: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Compare the eigenvalues of the correlation matrix with those of random data of the same size.

    Parameters
    ----------
    data : DataFrame
        Items in columns; complete rows are used.
    draws : int
        Random data sets, normal.
    quantile : float
        Of the random eigenvalues that an observed one must exceed.
    seed : int
        Of the random data.

    Returns
    -------
    DataFrame
        component, eigenvalue, random (the quantile), keep (True up to the first that does not exceed it).

    Raises
    ------
    InsufficientData
        Too few complete rows, a constant item, or an item that is a combination of others.

    References
    ----------
    Horn, J. L. (1965). Psychometrika, 30, 179-185. Glorfeld, L. W. (1995). Educational and Psychological Measurement, 55.
    """
    values = data.dropna().to_numpy(dtype=np.float64)
    own = np.linalg.eigvalsh(_correlations(values, [str(c) for c in data.columns]))[::-1]
    rng = np.random.default_rng(seed)
    noise = np.stack([np.linalg.eigvalsh(np.corrcoef(rng.standard_normal(values.shape).T))[::-1] for _ in range(draws)])
    bound = np.quantile(noise, quantile, axis=0)
    keep = np.cumprod(own > bound).astype(bool)
    return pd.DataFrame({"component": np.arange(1, len(own) + 1), "eigenvalue": own, "random": bound, "keep": keep})


def _correlations(values: Array, names: list[str]) -> Array:
    if len(values) <= len(names):
        raise InsufficientData(f"{len(values)} complete row(s) are too few for {len(names)} items.")
    constant = [n for n, s in zip(names, values.std(axis=0), strict=True) if s < 1e-12]
    if constant:
        raise InsufficientData(f"Item '{constant[0]}' is constant.", "Remove it.")
    r = np.corrcoef(values, rowvar=False)
    if np.linalg.eigvalsh(r)[0] < 1e-10:
        raise InsufficientData("The correlation matrix is singular: an item is a combination of others.")
    return np.asarray(r)


def extract(r: Array, m: int, method: Method) -> tuple[Array, Array]:
    """Extract common factors from a correlation matrix.

    Parameters
    ----------
    r : ndarray
        Correlations, shape (p, p), positive definite.
    m : int
        Number of factors.
    method : {'minres', 'ml'}
        As for `efa`.

    Returns
    -------
    loadings : ndarray
        Unrotated, shape (p, m).
    unique : ndarray
        Unique variances, shape (p,); one at `LOWEST` is a Heywood case.

    References
    ----------
    Lawley, D. N. & Maxwell, A. E. (1971). Factor Analysis as a Statistical Method. Butterworths.
    """

    def solve(unique: Array) -> tuple[float, Array, Array]:
        if method == "minres":
            values, vectors = np.linalg.eigh(r - np.diag(unique))
            rest, others = values[:-m], vectors[:, :-m]
            loadings = vectors[:, -m:] * np.sqrt(np.maximum(values[-m:], 0.0))
            return float(0.5 * (rest**2).sum()), -(others**2 @ rest), loadings
        root = np.sqrt(unique)
        values, vectors = np.linalg.eigh(r / np.outer(root, root))
        loadings = root[:, None] * vectors[:, -m:] * np.sqrt(np.maximum(values[-m:] - 1.0, 0.0))
        rest = values[:-m]
        gradient = (np.diag(loadings @ loadings.T - r) + unique) / unique**2
        return float((rest - np.log(rest) - 1.0).sum()), gradient, loadings

    start = np.clip((1 - 0.5 * m / len(r)) / np.diag(np.linalg.inv(r)), LOWEST, 1.0)
    found = optimize.minimize(
        lambda x: solve(x)[:2], start, jac=True, method="L-BFGS-B", bounds=[(LOWEST, 1.0)] * len(r),
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2000},
    )  # fmt: skip
    return solve(found.x)[2], np.asarray(found.x)


def is_heywood(unique: Array) -> bool:
    """Whether a unique variance ended at its lower bound."""
    return bool((unique <= LOWEST * 1.001).any())


def _rotate(loadings: Array, rotation: Rotation) -> tuple[Array, Array]:
    m = loadings.shape[1]
    if rotation == "none" or m == 1:
        return loadings, np.eye(m)
    if rotation == "oblimin":
        return _oblimin(loadings)
    scale = np.sqrt((loadings**2).sum(axis=1))[:, None]
    normed = _varimax(loadings / scale)
    if rotation == "varimax":
        return normed * scale, np.eye(m)
    target = normed * np.abs(normed) ** 3
    u = np.linalg.lstsq(normed, target, rcond=None)[0]
    u = u * np.sqrt(np.diag(np.linalg.inv(u.T @ u)))
    inverse = np.linalg.inv(u)
    return normed @ u * scale, inverse @ inverse.T


def _varimax(loadings: Array) -> Array:
    m = loadings.shape[1]
    turn, before = np.eye(m), 0.0
    for _ in range(1000):
        z = loadings @ turn
        u, s, vt = np.linalg.svd(loadings.T @ (z**3 - z * (z**2).mean(axis=0)))
        turn = u @ vt
        if s.sum() < before * (1 + 1e-12):
            break
        before = s.sum()
    return np.asarray(loadings @ turn)


def _oblimin(loadings: Array) -> tuple[Array, Array]:
    """Gradient projection for the quartimin criterion."""
    m = loadings.shape[1]
    others = np.ones((m, m)) - np.eye(m)

    def criterion(turn: Array) -> tuple[float, Array, Array]:
        inverse = np.linalg.inv(turn)
        pattern = loadings @ inverse.T
        squares = pattern**2
        value = float((squares * (squares @ others)).sum() / 4)
        slope = -(pattern.T @ (pattern * (squares @ others)) @ inverse).T
        return value, slope, pattern

    turn, step = np.eye(m), 1.0
    value, slope, pattern = criterion(turn)
    for _ in range(5000):
        projected = slope - turn * (turn * slope).sum(axis=0)
        size = float((projected**2).sum())
        if np.sqrt(size) < 1e-9:
            break
        step *= 2
        for _ in range(30):
            trial = turn - step * projected
            trial = trial / np.sqrt((trial**2).sum(axis=0))
            trial_value, trial_slope, trial_pattern = criterion(trial)
            if trial_value < value - 0.5 * size * step:
                break
            step /= 2
        turn, value, slope, pattern = trial, trial_value, trial_slope, trial_pattern
    return pattern, turn.T @ turn


def _kmo(r: Array) -> float:
    inverse = np.linalg.inv(r)
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = ~np.eye(len(r), dtype=bool)
    return float((r[off] ** 2).sum() / ((r[off] ** 2).sum() + (partial[off] ** 2).sum()))


def _bartlett(r: Array, n: int) -> tuple[float, float, float]:
    p = len(r)
    chisq = -(n - 1 - (2 * p + 5) / 6) * np.linalg.slogdet(r)[1]
    df = p * (p - 1) / 2
    return float(chisq), df, float(special.chdtrc(df, chisq))
