"""Do scales measure what they claim, and different things: convergent and discriminant validity from a fitted CFA."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import InsufficientData
from xmresearch.psychometrics.estimates import percentile_interval, replicate_covariances
from xmresearch.sem.result import SemFit

Array = NDArray[np.float64]
AVE_BOUND, HTMT_BOUND = 0.5, 0.85


@dataclass(frozen=True)
class ValidityResult:
    """Validity of the constructs of a measurement model.

    Attributes
    ----------
    table : DataFrame
        One row per construct: construct, items, omega (composite reliability, Bollen), omega_bentler (implied variance
        of the sum in the denominator), omega_mcdonald (its observed variance), ave (average variance extracted),
        max_correlation (largest with another construct), fornell_larcker (whether sqrt(ave) exceeds it).
    pairs : DataFrame
        One row per pair of constructs: first, second, correlation, htmt2, htmt2_lower, htmt2_upper (percentile bootstrap;
        NaN without it).
    """

    table: pd.DataFrame
    pairs: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per construct."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many constructs and pairs pass the usual bounds."""
        return {
            "constructs": len(self.table), "convergent": int((self.table["ave"] >= AVE_BOUND).sum()),
            "fornell_larcker": int(self.table["fornell_larcker"].sum()), "pairs": len(self.pairs),
            "htmt2_below": int((self.pairs["htmt2"] < HTMT_BOUND).sum()), "bound": HTMT_BOUND,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        ave = float(self.table["ave"].min())
        rows = [("ave", ave, AVE_BOUND, "pass" if ave >= AVE_BOUND else "warn")]
        if len(self.pairs):
            htmt = float(self.pairs["htmt2"].max())
            rows.append(("htmt2", htmt, HTMT_BOUND, "pass" if htmt < HTMT_BOUND else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def validity(
    fitted: SemFit, data: pd.DataFrame, *, bootstrap: int = 0, confidence: float = 0.95, seed: int = 0
) -> ValidityResult:
    """Assess convergent and discriminant validity.

    Parameters
    ----------
    fitted : SemFit
        A converged model whose items load on one construct each.
    data : DataFrame
        The rows that it was fitted to; complete ones are used.
    bootstrap : int
        Replicates for the intervals of HTMT2; 0 for none.
    confidence : float
        Level of those intervals.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ValidityResult

    Raises
    ------
    InsufficientData
        The model has no construct with items.

    References
    ----------
    Fornell, C. & Larcker, D. F. (1981). Journal of Marketing Research, 18, 39-50.
    Roemer, E., Schuberth, F. & Henseler, J. (2021). Industrial Management & Data Systems, 121, 2637-2650 (HTMT2).
    Bollen, K. A. (1980). American Sociological Review, 45, 370-390. McDonald, R. P. (1999). Test Theory. Erlbaum.
    """
    model = fitted.model
    owned = {
        f: [p.rhs for p in model.parameters if p.op == "=~" and p.lhs == f and p.rhs in model.observed]
        for f in model.latent
    }
    owned = {f: items for f, items in owned.items() if items}
    if not owned:
        raise InsufficientData("The model has no construct with items, so there is no validity to assess.")
    matrices = fitted.readout.matrices[0]
    a, s, _ = matrices.fill(fitted.solution.theta)
    total, _ = matrices.total(fitted.solution.theta)
    at = {v: k for k, v in enumerate(model.variables)}
    sd = np.sqrt(np.diag(total))
    latent = [at[f] for f in owned]
    between = (total / np.outer(sd, sd))[np.ix_(latent, latent)]
    largest = np.abs(between - np.eye(len(latent))).max(axis=1)
    rows = []
    for k, (construct, items) in enumerate(owned.items()):
        i, f = [at[v] for v in items], at[construct]
        loadings, unique = a[i, f], np.diag(s)[i]
        common = loadings.sum() ** 2 * total[f, f]
        observed = (fitted.implied + fitted.residuals).loc[items, items].to_numpy().sum()
        shared = (loadings**2).sum() * total[f, f]
        ave = shared / (shared + unique.sum())
        rows.append({
            "construct": construct, "items": len(items), "omega": common / (common + s[np.ix_(i, i)].sum()),
            "omega_bentler": common / total[np.ix_(i, i)].sum(), "omega_mcdonald": common / observed, "ave": ave,
            "max_correlation": largest[k] if len(owned) > 1 else np.nan,
            "fornell_larcker": bool(np.sqrt(ave) > largest[k]) if len(owned) > 1 else True,
        })  # fmt: skip
    return ValidityResult(pd.DataFrame(rows), _pairs(owned, between, data, bootstrap, confidence, seed))


def htmt2(correlations: Array, first: list[int], second: list[int]) -> Array:
    """Return the heterotrait-monotrait ratio of geometric means of absolute correlations.

    Parameters
    ----------
    correlations : ndarray
        Shape (..., p, p).
    first, second : list of int
        Positions of the two constructs' items, at least two each.

    Returns
    -------
    ndarray
        Shape (...).
    """
    logs = np.log(np.abs(correlations))

    def within(items: list[int]) -> Array:
        rows, columns = (np.array(items)[k] for k in np.triu_indices(len(items), 1))
        return np.asarray(logs[..., rows, columns].mean(axis=-1))

    across = logs[..., np.array(first)[:, None], np.array(second)].mean(axis=(-2, -1))
    return np.asarray(np.exp(across - (within(first) + within(second)) / 2))


def _pairs(
    owned: dict[str, list[str]], between: Array, data: pd.DataFrame, bootstrap: int, confidence: float, seed: int
) -> pd.DataFrame:
    items = [v for names in owned.values() for v in names]
    values = data[items].dropna().to_numpy(dtype=np.float64)
    at = {f: [items.index(v) for v in names] for f, names in owned.items()}
    correlations = np.corrcoef(values, rowvar=False)
    draws = None
    if bootstrap:
        cov = replicate_covariances(values, None, bootstrap, seed)
        spread = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
        draws = cov / (spread[:, :, None] * spread[:, None, :])
    rows = []
    for (i, first), (j, second) in combinations(enumerate(owned), 2):
        enough = len(at[first]) > 1 and len(at[second]) > 1
        value = float(htmt2(correlations, at[first], at[second])) if enough else np.nan
        low = high = np.nan
        if draws is not None and enough:
            bounds = percentile_interval(htmt2(draws, at[first], at[second])[:, None], confidence)
            low, high = float(bounds[0][0]), float(bounds[1][0])
        rows.append((first, second, between[i, j], value, low, high))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "htmt2", "htmt2_lower", "htmt2_upper"])
