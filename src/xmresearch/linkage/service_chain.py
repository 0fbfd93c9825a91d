"""The service profit chain at branch level: staff, customers, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.linkage.variance_parts import variance_beyond

Array = NDArray[np.float64]
FEWEST_CHAINED = 10
"""Branches from which a chain of three is estimated."""
FEW_CHAINED = 30
"""Branches below which a chain is said to rest on few."""
LEAST_RELIABLE = 0.5
"""Reliability of the means of staff and of customers below which they cannot be told from noise."""


@dataclass(frozen=True, repr=False)
class ProfitChain(Shown):
    """Links from staff over customers to results, with branches as units.

    Attributes
    ----------
    table : DataFrame
        Rows staff_customers (a), customers_results (b, staff held equal), staff_results (what does not go over customers) and indirect
        (a b): step, estimate, se, lower, upper, p. The p of indirect is the larger one of a and b.
    branches : int
        With all three.
    reliability : (float, float)
        Of the means of staff and of customers, on average over branches.
    both : bool
        Whether the intervals of a, of b and of a b all leave out zero.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    branches: int
    reliability: tuple[float, float]
    both: bool
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per step."""
        return self.table

    def step(self, name: str) -> dict[str, float]:
        """Return the figures of a step: estimate, se, lower, upper, p."""
        row = self.table.set_index("step").loc[name]
        return {k: float(row[k]) for k in ("estimate", "se", "lower", "upper", "p")}

    def summary(self) -> dict[str, Any]:
        """Return what the chain rests on."""
        return {
            "branches": self.branches, "reliability_staff": self.reliability[0], "reliability_customers": self.reliability[1],
            "case": "few" if self.branches < FEW_CHAINED else "enough",
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return whether there are enough branches, and reliable means."""
        least = min(self.reliability)
        rows = [
            (
                "chain_branches",
                float(self.branches),
                float(FEW_CHAINED),
                "warn" if self.branches < FEW_CHAINED else "pass",
            ),
            ("chain_reliable", least, LEAST_RELIABLE, "pass" if least >= LEAST_RELIABLE else "fail"),
        ]
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _head(self) -> Mapping[str, Any]:
        return self.summary()


def profit_chain(
    staff: ArrayLike, customers: ArrayLike, results: ArrayLike, *, staff_error: ArrayLike | None = None,
    customers_error: ArrayLike | None = None, confidence: float = 0.95, draws: int = 20_000, seed: int = 0,
) -> ProfitChain:  # fmt: skip
    """Estimate the chain from staff over customers to results.

    Parameters
    ----------
    staff, customers, results : array_like
        Branch means of what staff and customers say, and the branch's result, shape (branches,).
    staff_error, customers_error : array_like, optional
        Sampling variance of each branch's mean, shape (branches,); 0 if absent. Means are then drawn towards what the others and all
        branches let expect, as noise in them would weaken a link and leak what is their own into that of the other.
    confidence : float
        Level.
    draws : int
        Of the interval of the indirect link.
    seed : int
        Of the draws.

    Returns
    -------
    ProfitChain

    Raises
    ------
    DataError, InsufficientData
        Shapes differ or a value is not finite; fewer than ten branches; staff or customers do not differ between branches beyond sampling.

    Notes
    -----
    Least squares on calibrated means with heteroscedasticity-consistent errors (HC3) and t distributions of J - 2 and J - 3 degrees of
    freedom; the interval of a b by the Monte Carlo method, from draws of such distributions. That both a and b leave out zero is the test of
    joint significance, whose error rate is at most that of one of them. A cross-section orders the three by theory, not by time.

    References
    ----------
    Heskett, J. L. et al. (1994). Putting the service-profit chain to work. Harvard Business Review, 72(2), 164-174. MacKinnon, D. P. et al.
    (2002). Psychological Methods, 7, 83-104. MacKinnon, D. P., Lockwood, C. M. & Williams, J. (2004). Multivariate Behavioral Research, 39,
    99-128. Carroll, R. J. et al. (2006). Measurement error in nonlinear models. MacKinnon, J. G. & White, H. (1985). J. Econometrics, 29.
    """
    s, c, r = (np.asarray(v, dtype="float64") for v in (staff, customers, results))
    j = len(s)
    noise = [np.zeros(j) if e is None else np.asarray(e, dtype="float64") for e in (staff_error, customers_error)]
    if not (len(c) == len(r) == len(noise[0]) == len(noise[1]) == j) or not np.isfinite([s, c, r, *noise]).all():
        raise DataError(
            "Staff, customers and results must be finite and of the same branches.",
            "Leave out branches without all three.",
        )
    if j < FEWEST_CHAINED:
        raise InsufficientData(f"{j} branch(es) have all three; a chain takes {FEWEST_CHAINED}.", "Give more branches.")
    parts = [variance_beyond(v, np.ones((j, 1)), e)[0] for v, e in zip((s, c), noise, strict=True)]
    if not (min(parts) > 0 and r.std() > 0):
        raise InsufficientData(
            "Branches do not differ in staff, customers or results beyond sampling.", "Give more people a branch."
        )
    alone, both = _calibrated(s, c, noise, parts)
    a, a_se = _robust(c, alone[:, None])
    b, b_se = _robust(r, both[:, ::-1])
    rng = np.random.default_rng(seed)
    drawn = (a[1] + a_se[1] * rng.standard_t(j - 2, draws)) * (b[1] + b_se[1] * rng.standard_t(j - 3, draws))
    tail = (1 - confidence) / 2
    rows = [
        _step("staff_customers", a[1], a_se[1], j - 2, confidence), _step("customers_results", b[1], b_se[1], j - 3, confidence),
        _step("staff_results", b[2], b_se[2], j - 3, confidence),
    ]  # fmt: skip
    low, high = np.quantile(drawn, [tail, 1 - tail])
    p = max(rows[0]["p"], rows[1]["p"])
    rows.append(
        {"step": "indirect", "estimate": a[1] * b[1], "se": float(drawn.std()), "lower": low, "upper": high, "p": p}
    )
    shares = tuple(float((v / (v + e)).mean()) for v, e in zip(parts, noise, strict=True))
    return ProfitChain(
        pd.DataFrame(rows), j, (shares[0], shares[1]), bool(p < 1 - confidence and (low > 0 or high < 0)), confidence
    )


def _step(step: str, estimate: float, se: float, df: int, confidence: float) -> dict[str, Any]:
    reach = float(stats.t.ppf(0.5 + confidence / 2, df)) * se
    p = float(2 * stats.t.sf(abs(estimate) / se, df))
    return {
        "step": step,
        "estimate": float(estimate),
        "se": float(se),
        "lower": estimate - reach,
        "upper": estimate + reach,
        "p": p,
    }


def _calibrated(s: Array, c: Array, noise: list[Array], parts: list[float]) -> tuple[Array, Array]:
    """Return the best prediction of the true mean of staff from its own, and of both means from both, shapes (J,) and (J, 2)."""
    whole = [v + e for v, e in zip(parts, noise, strict=True)]
    centre = [float((v / w).sum() / (1 / w).sum()) for v, w in zip((s, c), whole, strict=True)]
    away = np.column_stack([s - centre[0], c - centre[1]])
    weight = 1 / np.sqrt(whole[0] * whole[1])
    shared = float((weight * away[:, 0] * away[:, 1]).sum() / weight.sum()) * len(s) / (len(s) - 1)
    most = 0.999 * float(np.sqrt(parts[0] * parts[1]))
    shared = float(np.clip(shared, -most, most))
    true = np.array([[parts[0], shared], [shared, parts[1]]])
    observed = true[None] + np.stack([np.diag(pair) for pair in np.column_stack(noise)])
    both = np.einsum("ab,jb->ja", true, np.linalg.solve(observed, away[..., None])[..., 0])
    return parts[0] / whole[0] * away[:, 0], both


def _robust(y: Array, predictors: Array) -> tuple[Array, Array]:
    """Return coefficients, the intercept first, and their HC3 standard errors."""
    x = np.column_stack([np.ones(len(y)), predictors])
    bread = np.linalg.pinv(x.T @ x)
    b = bread @ (x.T @ y)
    leverage = np.clip(np.einsum("ij,jk,ik->i", x, bread, x), 0, 1 - 1e-9)
    meat = x * ((y - x @ b) / (1 - leverage))[:, None]
    return b, np.sqrt(np.diag(bread @ (meat.T @ meat) @ bread))
