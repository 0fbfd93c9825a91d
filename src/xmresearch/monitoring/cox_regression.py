"""What makes cases take longer: Cox's proportional hazards with ties, robust errors and a test of proportionality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError
from xmresearch.metrics.share_intervals import quantile
from xmresearch.monitoring.concordance import concordance
from xmresearch.monitoring.survival_curves import survival_curve, times_given

Array = NDArray[np.float64]
Ties = Literal["efron", "breslow", "exact"]
MAX_ITERATIONS = 50
TOLERANCE = 1e-11
FARTHEST = 15.0
"""Log hazard ratios beyond this mean that a group had all events first, or none."""


@dataclass(frozen=True, repr=False)
class CoxFit(Shown):
    """A fitted regression of hazards: how much sooner (above 1) or later (below 1) cases end.

    Attributes
    ----------
    table : DataFrame
        One row per column: term, coef, hazard_ratio, se, lower, upper (of the ratio), z, p, robust_se (NaN where not asked for, or exact).
        Interval and p use the robust standard error where there is one.
    proportionality : DataFrame
        One row per term and one, GLOBAL, for all: term, chi2, df, p of a ratio that does not change with time; empty where ties are exact.
    loglikelihood, null_loglikelihood : float
        Partial, with and without the columns.
    tests : dict
        likelihood_ratio, wald, score.
    concordance : float
        Share of pairs whose order the fit foretells.
    n, events : int
        Cases and ends.
    ties : str
        efron, breslow or exact.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    proportionality: pd.DataFrame
    loglikelihood: float
    null_loglikelihood: float
    tests: dict[str, float]
    concordance: float
    n: int
    events: int
    ties: Ties
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per column."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return n, events, p of the likelihood ratio test, concordance and p of proportionality."""
        chi2, df = self.tests["likelihood_ratio"], len(self.table)
        both = self.proportionality
        return {
            "n": self.n, "events": self.events, "p": float(stats.chi2.sf(chi2, df)), "concordance": self.concordance,
            "p_proportional": float(both["p"].iloc[-1]) if len(both) else float("nan"), "ties": self.ties,
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()


def cox(
    time: ArrayLike, ended: ArrayLike, x: pd.DataFrame, *, ties: Ties = "efron", clusters: ArrayLike | None = None,
    robust: bool = False, terms: dict[str, list[str]] | None = None, confidence: float = 0.95,
) -> CoxFit:  # fmt: skip
    """Fit Cox's regression.

    Parameters
    ----------
    time, ended : array_like
        As for `xmresearch.monitoring.survival_curves.survival_curve`, shape (n,).
    x : DataFrame
        Numeric columns without blanks, shape (n, columns); groups as columns of 0 and 1, one fewer than groups.
    ties : {'efron', 'breslow', 'exact'}
        How cases that end at the same time are ordered: Efron's average, Breslow's sum, or as times that are discrete.
    clusters : array_like, optional
        Of customers with several cases, shape (n,): standard errors are robust by customer.
    robust : bool
        Robust standard errors by case, which hold where hazards are not proportional.
    terms : dict, optional
        Columns that are tested together for proportionality, by name; each column alone by default.
    confidence : float
        Level.

    Returns
    -------
    CoxFit

    Raises
    ------
    DataError, ModelError
        Shapes do not fit, a cell is blank; nothing ended, columns cannot be told apart, or a group had no or only ends.

    References
    ----------
    Cox, D. R. (1972). JRSS B, 34, 187-220. Efron, B. (1977). JASA, 72, 557-565. Gail, M. H., Lubin, J. H. & Rubinstein, L. V. (1981). Biometrika,
    68, 703-707 (exact). Lin, D. Y. & Wei, L. J. (1989). JASA, 84, 1074-1078. Grambsch, P. M. & Therneau, T. M. (1994). Biometrika, 81, 515-526.
    """
    t, e = times_given(time, ended)
    z = x.to_numpy(dtype="float64")
    if z.shape[0] != len(t) or not np.isfinite(z).all():
        raise DataError("Columns must have one number for each case.", "Leave out cases with blanks.")
    if not e.any():
        raise ModelError("No case has ended.", "Wait, or describe the open ones.")
    if (clusters is not None or robust) and ties == "exact":
        raise DataError("Robust standard errors need Efron's or Breslow's ties.")
    centred = z - z.mean(axis=0)
    scale = centred.std(axis=0)
    if (scale == 0).any() or np.linalg.matrix_rank(centred) < z.shape[1]:
        raise ModelError("Columns cannot be told apart, or one does not vary.", "Leave out one group of each question.")
    centred /= scale
    risks = _Risks(t, e, centred, ties)
    null, u0, i0 = risks.at(np.zeros(z.shape[1]))
    b, found = np.zeros(z.shape[1]), (null, u0, i0)
    for _ in range(MAX_ITERATIONS):
        step = np.linalg.solve(found[2], found[1])
        new = risks.at(b + step)
        while new[0] < found[0] - 1e-9 * abs(found[0]) and np.abs(step).max() > TOLERANCE:
            step /= 2
            new = risks.at(b + step)
        b, found = b + step, new
        if np.abs(b).max() > FARTHEST:
            raise ModelError("A group had all its ends first, or none.", "Put it together with another.")
        if np.abs(step).max() < TOLERANCE * (1 + np.abs(b).max()):
            break
    else:
        raise ModelError("The regression does not settle.", "Leave out a column.")
    inverse = np.linalg.inv(found[2])
    sandwich = np.full(len(b), np.nan)
    if clusters is not None or robust:
        pulls = risks.residuals(b)
        if clusters is not None:
            _, of = np.unique(np.asarray(clusters), return_inverse=True)
            pulls = np.stack([np.bincount(of, weights=column) for column in pulls.T], axis=1)
        sandwich = np.sqrt(np.diag(inverse @ pulls.T @ pulls @ inverse)) / scale
    coef, se = b / scale, np.sqrt(np.diag(inverse)) / scale
    used = np.where(np.isfinite(sandwich), sandwich, se)
    reach = quantile(confidence) * used
    table = pd.DataFrame(
        {"term": list(x.columns), "coef": coef, "hazard_ratio": np.exp(coef), "se": se, "lower": np.exp(coef - reach),
         "upper": np.exp(coef + reach), "z": coef / used, "p": 2 * stats.norm.sf(np.abs(coef / used)), "robust_se": sandwich}
    )  # fmt: skip
    tests = {
        "likelihood_ratio": 2 * (found[0] - null), "wald": float(b @ found[2] @ b),
        "score": float(u0 @ np.linalg.solve(i0, u0)),
    }  # fmt: skip
    blocks = terms or {str(c): [str(c)] for c in x.columns}
    place = {str(c): k for k, c in enumerate(x.columns)}
    checks = pd.DataFrame(columns=["term", "chi2", "df", "p"])
    if ties != "exact":
        checks = risks.proportionality(b, {name: [place[c] for c in columns] for name, columns in blocks.items()})
    agree = concordance(t, e, centred @ b)
    return CoxFit(table, checks, found[0], null, tests, agree, len(t), int(e.sum()), ties, confidence)


class _Risks:
    """Sums over those at risk at each time at which a case ended."""

    def __init__(self, t: Array, e: NDArray[np.bool_], x: Array, ties: Ties) -> None:
        self.order = np.argsort(-t, kind="stable")
        self.t, self.e, self.x, self.ties = t[self.order], e[self.order], x[self.order], ties
        self.at_times = np.unique(self.t[self.e])
        # those at risk at a time are the first of the descending order
        self.upto = np.searchsorted(-self.t, -self.at_times, side="right")
        self.of = np.searchsorted(self.at_times, self.t)
        self.many = np.bincount(self.of[self.e], minlength=len(self.at_times))
        # one row per step of a tie: event time, and how much of those who end then is already gone
        self.row = np.repeat(np.arange(len(self.at_times)), self.many)
        gone = np.arange(len(self.row)) - np.repeat(np.cumsum(self.many) - self.many, self.many)
        self.gone = gone / self.many[self.row] if ties == "efron" else np.zeros(len(self.row))

    def sums(self, b: Array) -> tuple[Array, Array, Array, Array]:
        """Return hazards, and for each step of a tie the sum of hazards, its mean of x and of x x'."""
        r = np.exp(self.x @ b)
        xx = self.x[:, :, None] * self.x[:, None, :]
        totals = []
        for part in (r, r[:, None] * self.x, r[:, None, None] * xx):
            risk = np.cumsum(part, axis=0)[self.upto - 1]
            dying = np.zeros_like(risk)
            np.add.at(dying, self.of[self.e], part[self.e])
            gone = self.gone.reshape(-1, *[1] * (part.ndim - 1))
            totals.append(risk[self.row] - gone * dying[self.row])
        s0, s1, s2 = totals
        return r, s0, s1 / s0[:, None], s2 / s0[:, None, None]

    def at(self, b: Array) -> tuple[float, Array, Array]:
        """Return the partial log-likelihood, its slope and the information."""
        if self.ties == "exact":
            return self._exact(b)
        _, s0, mean, square = self.sums(b)
        x = self.x[self.e]
        return (
            float((x @ b).sum() - np.log(s0).sum()), x.sum(axis=0) - mean.sum(axis=0),
            (square - mean[:, :, None] * mean[:, None, :]).sum(axis=0),
        )  # fmt: skip

    def _exact(self, b: Array) -> tuple[float, Array, Array]:
        """Sum hazards over all sets of as many cases as ended, one case after the other."""
        p = len(b)
        value, slope, information = 0.0, np.zeros(p), np.zeros((p, p))
        for k, d in enumerate(self.many):
            inside = self.x[: self.upto[k]]
            scores = inside @ b
            shift = scores.max()
            r = np.exp(scores - shift)
            dying = inside[(self.of[: self.upto[k]] == k) & self.e[: self.upto[k]]]
            c0, c1, c2 = np.zeros(d + 1), np.zeros((d + 1, p)), np.zeros((d + 1, p, p))
            c0[0] = 1.0
            for hazard, row in zip(r, inside, strict=True):
                # sets with this case: those of one fewer without it
                n2 = (
                    c2[:-1]
                    + c1[:-1, :, None] * row
                    + row[:, None] * c1[:-1, None, :]
                    + c0[:-1, None, None] * np.outer(row, row)
                )
                n1 = c1[:-1] + c0[:-1, None] * row
                c2[1:], c1[1:], c0[1:] = c2[1:] + hazard * n2, c1[1:] + hazard * n1, c0[1:] + hazard * c0[:-1]
                top = c0.max()
                if top > 1e200:
                    raise ModelError("Too many cases end at the same time for exact ties.", "Use ties='efron'.")
            mean = c1[d] / c0[d]
            value += float(dying.sum(axis=0) @ b) - float(np.log(c0[d]) + d * shift)
            slope += dying.sum(axis=0) - mean
            information += c2[d] / c0[d] - np.outer(mean, mean)
        return value, slope, information

    def residuals(self, b: Array) -> Array:
        """Return what each case pulls the slope by, in the order of the descending times."""
        r, s0, mean, _ = self.sums(b)
        k = len(self.at_times)

        def per_time(values: Array) -> Array:
            found = np.zeros((k, *values.shape[1:]))
            np.add.at(found, self.row, values)
            return found

        average = per_time(mean) / self.many[:, None]
        own = np.where(self.e[:, None], self.x - average[np.minimum(self.of, k - 1)], 0.0)
        h, hm = per_time(1 / s0), per_time(mean / s0[:, None])
        # at risk at every event time up to the own one
        last = np.searchsorted(self.at_times, self.t, side="right")
        h0 = np.concatenate([[0.0], np.cumsum(h)])[last]
        h1 = np.concatenate([np.zeros((1, len(b))), np.cumsum(hm, axis=0)])[last]
        expected = r[:, None] * (self.x * h0[:, None] - h1)
        # of those who end, a part is already gone in the later steps of their tie
        g, gm = per_time(self.gone / s0), per_time((self.gone / s0)[:, None] * mean)
        at = np.minimum(self.of, k - 1)
        spared = np.where(self.e[:, None], r[:, None] * (self.x * g[at][:, None] - gm[at]), 0.0)
        back = np.empty_like(own)
        back[self.order] = own - expected + spared
        return back

    def proportionality(self, b: Array, blocks: dict[str, list[int]]) -> pd.DataFrame:
        """Test coefficients that change with the share of cases that has ended, by a score test."""
        _, _, mean, square = self.sums(b)
        curve = survival_curve(self.t, self.e).table
        before = np.concatenate([[1.0], curve["survival"].to_numpy()[:-1]])
        g = 1 - before[np.searchsorted(curve["time"].to_numpy(), self.at_times)]
        v = square - mean[:, :, None] * mean[:, None, :]
        steps = g[self.row]
        u = (g[self.of[self.e]][:, None] * self.x[self.e]).sum(axis=0) - (steps[:, None] * mean).sum(axis=0)
        i11, i12 = v.sum(axis=0), (steps[:, None, None] * v).sum(axis=0)
        i22 = ((steps**2)[:, None, None] * v).sum(axis=0)
        rows = []
        for name, columns in [*blocks.items(), ("GLOBAL", list(range(len(b))))]:
            left = i22[np.ix_(columns, columns)] - i12[columns] @ np.linalg.solve(i11, i12[:, columns])
            chi2 = float(u[columns] @ np.linalg.solve(left, u[columns]))
            rows.append((name, chi2, len(columns), float(stats.chi2.sf(chi2, len(columns)))))
        return pd.DataFrame(rows, columns=["term", "chi2", "df", "p"])
