"""What a fit gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown, Summary
from xmresearch.plots import forest
from xmresearch.sem.concerns import Concern
from xmresearch.sem.estimation import Solution
from xmresearch.sem.measures import FAIR_FIT, GOOD_FIT, reaches
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.model import Model
from xmresearch.sem.printout import Heading, printout
from xmresearch.sem.readout import Readout
from xmresearch.sem.robust import Estimator, Sandwich
from xmresearch.sem.row_design import effective_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_HEAD = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr")


@dataclass(frozen=True, repr=False)
class SemFit(Shown):
    """A fitted model.

    Attributes
    ----------
    estimates : DataFrame
        One row per parameter and defined quantity: lhs, op, rhs, group, label, est, se, z, pvalue, ci_lower, ci_upper,
        std_lv, std_all (a covariance of residuals by their own SDs, as in lavaan). Fixed parameters have se 0.
    measures : Series
        Fit measures in lavaan's names.
    implied, residuals : DataFrame
        Implied covariances of the observed variables, and sample minus implied; correlations for ordered variables.
        With groups, rows carry (group, variable).
    r2 : Series
        Explained share of every endogenous variable's variance; with groups, by (group, variable).
    converged : bool
        Whether estimation reached a minimum.
    reason : str
        How it ended.
    concerns : tuple of Concern
        What a careful reviewer would ask about; `warnings` has them as sentences.
    model : Model
        What was fitted.
    n : int
        Respondents used.
    dropped : int
        Respondents left out because of blanks.
    estimator : {'ML', 'MLM', 'MLMV', 'MLR', 'WLSMV'}
        How.
    confidence : float
        Level of the intervals.
    solution : Solution
        Where estimation ended.
    covariance : ndarray
        Of the free parameters, shape (q, q).
    sandwich : Sandwich or None
        Of a robust estimator.
    samples, rows : sequence
        What was fitted to, by group; rows are empty where moments were given.
    readout : Readout
        From free parameters to the table of estimates.
    replicates : ndarray or None
        Bootstrapped free parameters, shape (B, q).
    acceleration : ndarray or None
        Of the bootstrapped intervals, one per row of the table.
    sampling_weights, cluster : str or None
        Columns of the data that hold weights and clusters; the samples' designs hold their values.
    """

    estimates: pd.DataFrame
    measures: pd.Series
    implied: pd.DataFrame
    residuals: pd.DataFrame
    r2: pd.Series
    converged: bool
    reason: str
    concerns: tuple[Concern, ...]
    model: Model
    n: int
    dropped: int
    estimator: Estimator
    confidence: float
    solution: Solution
    covariance: Array
    sandwich: Sandwich | None
    samples: Sequence[Any]
    rows: Sequence[Array]
    readout: Readout
    replicates: Array | None = None
    acceleration: Array | None = None
    sampling_weights: str | None = None
    cluster: str | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Labels of the groups, in the order of `c(..., ...)` and of the tables; one empty label where there are none."""
        return self.model.groups

    @property
    def group_sizes(self) -> tuple[int, ...]:
        """Respondents used, by group."""
        return tuple(map(len, self.rows)) if self.rows else tuple(round(s.n) for s in self.samples)

    @property
    def effective_n(self) -> float:
        """How many respondents of equal weight these are worth (Kish); clusters are not counted in."""
        designs = [s.design for s in self.samples] if self.sampling_weights else []
        return effective_rows(designs, self.n)

    @property
    def clusters(self) -> int:
        """Number of clusters, each counted once in every group that it has rows in; 0 where there are none."""
        return sum(s.design.count for s in self.samples) if self.cluster else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful reviewer would ask about, in sentences."""
        return tuple(str(c) for c in self.concerns)

    def tidy(self) -> pd.DataFrame:
        """Return one row per parameter."""
        return self.estimates

    def summary(self) -> Summary:
        """Return the figures of fit that reports quote; scaled and robust ones where the estimator gives them.

        Several groups of ordered variables are judged by scaled ones: the robust ones leave out the thresholds.

        Returns
        -------
        Summary
            A dict of figures that prints as lavaan's summary does: tests, fit measures, estimates and explained variances.
        """
        facts: dict[str, Any] = {
            "n": self.n, "dropped": self.dropped, "converged": self.converged, "estimator": self.estimator,
            "free": self.model.n_free, "groups": len(self.model.groups), "group_order": ", ".join(self.model.groups),
        }  # fmt: skip
        for name in _HEAD:
            facts[_plain(name)] = float(self.measures.get(name, np.nan))
        if "chisq.scaled" in self.measures:
            for name in ("chisq", "pvalue"):
                facts[name] = float(self.measures[f"{name}.scaled"])
            for name in ("cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper"):
                robust = float(self.measures.get(f"{name}.robust", np.nan))
                if self.model.categories and len(self.model.groups) > 1:
                    robust = np.nan
                chosen = robust if np.isfinite(robust) else float(self.measures[f"{name}.scaled"])
                facts[_plain(name)] = chosen
        return Summary(facts, self._printed)

    def sizes(self) -> dict[str, int]:
        """Return how large the model is: items (observed variables), constructs, parameters and respondents."""
        return {
            "items": len(self.model.observed), "constructs": len(self.model.latent), "free": self.model.n_free,
            "n_used": self.n, "n_dropped": self.dropped,
        }  # fmt: skip

    def plot(self) -> Figure:
        """Draw the standardised loadings and paths with their intervals."""
        table = self.standardized
        names = ["lhs", "op", "rhs"] + (["group"] if len(self.groups) > 1 else [])
        return forest(table[table["op"].isin(["=~", "~"])], names, "est", "ci", axis="standardised estimate")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        facts = self.summary()
        rows: list[tuple[str, float, float, str]] = [
            ("converged", int(self.converged), 1, "pass" if self.converged else "fail")
        ]
        for name, good in GOOD_FIT.items():
            value = facts[name]
            if np.isnan(value):
                continue
            fits = [reaches(name, value, bounds) for bounds in (GOOD_FIT, FAIR_FIT)]
            rows.append((name, value, good, "pass" if fits[0] else "warn" if fits[1] else "fail"))
        improper = sum(c.kind in ("heywood", "same_factors", "inflated") for c in self.concerns)
        rows.append(("improper", improper, 0, "warn" if improper else "pass"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _printed(self) -> str:
        observed = self.estimator == "MLR" or any(isinstance(s, MissingSample) for s in self.samples)
        heading = Heading(
            self.solution.steps, "" if self.converged else self.reason, self.estimator, self.model.n_free, self.n, self.dropped,
            self.group_sizes, self.groups, 0 if self.replicates is None else len(self.replicates), observed,
            self.sampling_weights or "", self.cluster or "", self.clusters,
        )  # fmt: skip
        return printout(heading, self.measures, self.estimates, self.r2)

    def _head(self) -> Mapping[str, Any]:
        m = self.summary()
        sizes = ", ".join(
            f"{k} {g} ({n})" for k, (g, n) in enumerate(zip(self.groups, self.group_sizes, strict=True), 1)
        )
        fit = {
            "chisq": f"{m['chisq']:.3f}",
            "df": self.model.df,
            "CFI": m["cfi"],
            "RMSEA": m["rmsea"],
            "SRMR": m["srmr"],
        }
        return {
            "estimator": self.estimator, "n": self.n, "groups in order": sizes if len(self.groups) > 1 else None,
            "weights": self.sampling_weights, "effective n": round(self.effective_n) if self.sampling_weights else None,
            "clusters": f"{self.clusters} ({self.cluster})" if self.cluster else None, **(fit if self.converged else {"not converged": self.reason}),
        }  # fmt: skip

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        m = self.summary()
        fit = {name: [m[name]] for name in (*map(_plain, _HEAD), "free", "n") if name in m}
        columns = ["lhs", "op", "rhs", *(["group"] if len(self.groups) > 1 else []), "est", "se", "pvalue", "ci_lower", "ci_upper",
                   "std_all"]  # fmt: skip
        return {"Fit measures": pd.DataFrame(fit), "Estimates": self.estimates[columns]}

    @cached_property
    def standardized(self) -> pd.DataFrame:
        """Completely standardised solution: lhs, op, rhs, group, label, est, se, z, pvalue, ci_lower, ci_upper.

        Standard errors are delta-method ones; intervals are percentiles where the fit was bootstrapped.
        """
        read = self.readout
        theta = self.solution.theta
        value = read.read(theta)[2]
        se = read.errors(theta, self.covariance, lambda t: read.read(t)[2])
        se = np.where(se < 1e-8, 0.0, se)
        table = coefficient_table(read, value, se, self.confidence)
        if self.replicates is not None:
            tail = (1 - self.confidence) / 2
            low, high = np.nanquantile(read.read(self.replicates)[2], [tail, 1 - tail], axis=0)
            table["ci_lower"], table["ci_upper"] = low, high
        return table


def _plain(name: str) -> str:
    return name.replace(".", "_")


def coefficient_table(read: Readout, value: Array, error: Array, confidence: float, **more: Array) -> pd.DataFrame:
    """Return estimates with standard errors, z, p and symmetric intervals.

    Parameters
    ----------
    read : Readout
        Names of the rows.
    value, error : ndarray
        Shape (rows,).
    confidence : float
        Level of the intervals.
    **more : ndarray
        Further columns, shape (rows,).

    Returns
    -------
    DataFrame
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(error == 0, np.nan, value / error)
    reach = special.ndtri((1 + confidence) / 2) * error
    return pd.DataFrame({
        "lhs": read.lhs, "op": read.op, "rhs": read.rhs, "group": read.group, "label": read.label, "est": value,
        "se": error, "z": z, "pvalue": 2 * special.ndtr(-np.abs(z)), "ci_lower": value - reach,
        "ci_upper": value + reach, **more,
    })  # fmt: skip


def explained(model: Model, read: Readout, theta: Array) -> pd.Series:
    """Return the explained variance of every endogenous variable, by group where there are several."""
    found: dict[Any, float] = {}
    for g, matrices in enumerate(read.matrices):
        (a, s, _), (total, _) = matrices.fill(theta), matrices.total(theta)
        for k in np.flatnonzero(a.any(axis=1)):
            v = model.variables[k]
            found[v if len(model.groups) == 1 else (model.groups[g], v)] = float(1 - s[k, k] / total[k, k])
    return pd.Series(found, dtype=float)
