"""Models with a marker: items of a construct that has nothing to do with the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.psychometrics.method_models import MethodStudy, method_shares, with_interval
from xmresearch.psychometrics.shares_explained import constructs
from xmresearch.sem.likelihood import Sample
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import moment_errors
from xmresearch.sem.samples import Missing, continuous_samples, split
from xmresearch.sem.syntax import Term

Array = NDArray[np.float64]


def fit_markers(study: MethodStudy, marker: Sequence[str], confidence: float) -> list[dict[str, Any]]:
    """Fit Williams, Hartman and Cavazotte's models of a marker."""
    name, items = study.name("marker"), study.items
    first, *others = marker
    scale = Term(name, "~~", name, 0, fixed=1.0)
    free = [Term(name, "=~", first, 0, free=True), *(Term(name, "=~", v, 0) for v in others), scale]
    if others:
        cfa = study.attempt("marker_cfa", [*study.terms, *free])
    else:
        cfa = None
        study.problems.append("marker_cfa: one marker item cannot tell its error from the method; name two or more.")
    if cfa is None:
        return [study.row(f"marker_{kind}", None) for kind in ("cfa", "baseline", "constrained", "unconstrained")]
    estimates = cfa.estimates.set_index(["lhs", "op", "rhs"])["est"]
    loadings = [Term(name, "=~", v, 0, fixed=float(estimates[name, "=~", v])) for v in marker]
    errors = [Term(v, "~~", v, 0, fixed=float(estimates[v, "~~", v])) for v in marker]
    known, rest = [*study.terms, *loadings], [scale, *errors, *study.orthogonal(name)]
    baseline = study.attempt("marker_baseline", [*known, *rest])
    equal = [Term(name, "=~", v, 0, label=f"{name}_loading") for v in items]
    constrained = study.attempt("marker_constrained", [*known, *equal, *rest])
    unconstrained = study.attempt("marker_unconstrained", [*known, *(Term(name, "=~", v, 0) for v in items), *rest])
    share = free_share = (np.nan, np.nan, np.nan)
    if constrained:
        share = _squared(constrained, name, items, confidence)
    if unconstrained:
        theta = unconstrained.solution.theta
        free_share = (float(method_shares(unconstrained, name, items, theta).mean()), np.nan, np.nan)
    return [
        study.row("marker_cfa", cfa), study.row("marker_baseline", baseline),
        study.row("marker_constrained", constrained, "marker_baseline", baseline, share),
        study.row("marker_unconstrained", unconstrained, "marker_constrained", constrained, free_share),
    ]  # fmt: skip


def _squared(fitted: SemFit, name: str, items: Sequence[str], confidence: float) -> tuple[float, float, float]:
    """Return the mean share of a factor with one loading, and the interval of its root with the loading's sign, squared."""
    at = fitted.model.variables.index
    cell = (..., at(items[0]), at(name))

    def root(theta: Array) -> Array:
        size = np.sqrt(method_shares(fitted, name, items, theta).mean(axis=-1, keepdims=True))
        return np.asarray(size * np.sign(fitted.readout.matrices[0].fill(theta)[0][cell])[..., None])

    value, low, high = with_interval(fitted, root, confidence)
    return value**2, 0.0 if low < 0 < high else min(low**2, high**2), min(max(low**2, high**2), 1.0)


def adjusted_loadings(study: MethodStudy, measured: SemFit, marker: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Take the marker's correlation out of those of the constructs' sum scores (Lindell & Whitney)."""
    names, owned = [*study.items, *marker], constructs(measured)
    missing: Missing = study.settings["missing"]
    sampled = (study.settings["sampling_weights"], study.settings["cluster"])
    samples, rows = continuous_samples(split(study.data, None), names, (), missing, missing == "fiml", sampled)
    sign = measured.estimates.query("op == '=~'").set_index(["lhs", "rhs"])["est"]
    weights = np.zeros((len(owned) + 1, len(names)))
    for k, (construct, items) in enumerate(owned.items()):
        for v in items:
            weights[k, names.index(v)] = np.sign(sign[construct, v])
    weights[-1, len(study.items) :] = 1.0
    cov = weights @ samples[0].cov @ weights.T
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    nearest = int(np.abs(r[-1, :-1]).argmin())
    taken, df = float(np.abs(r[-1, nearest])), len(rows[0]) - 3
    errors = None if sampled == (None, None) else _sums_errors(samples[0], rows[0], weights)
    found = []
    for (i, a), (j, b) in combinations(enumerate(owned), 2):
        adjusted = (r[i, j] - taken) / (1 - taken)
        t = adjusted / np.sqrt((1 - adjusted**2) / df)
        p = 2 * special.stdtr(df, -abs(t))
        if errors is not None:
            slope = _adjusted_slope(cov, (i, j), (len(owned), nearest), taken)
            p = 2 * special.ndtr(-abs(adjusted) / np.sqrt(slope @ errors @ slope))
        found.append((a, b, r[i, j], adjusted, float(p)))
    return pd.DataFrame(found, columns=["first", "second", "correlation", "adjusted", "pvalue"]), taken


def _sums_errors(sample: Sample, rows: Array, weights: Array) -> Array:
    """Return the covariances of the sums' covariances, which allow for weights and clusters, shape (k * k, k * k)."""
    columns, others = np.triu_indices(len(sample.cov))
    spread = weights[:, None, columns] * weights[None, :, others] + weights[:, None, others] * weights[None, :, columns]
    spread = spread * np.where(columns == others, 0.5, 1.0)
    flat = spread.reshape(-1, len(columns))
    return np.asarray(flat @ moment_errors(sample, rows) @ flat.T)


def _adjusted_slope(cov: Array, pair: tuple[int, int], marker: tuple[int, int], taken: float) -> Array:
    """Return the derivatives of an adjusted correlation by the sums' covariances, shape (k * k,)."""
    found = np.zeros_like(cov)
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    for (i, j), factor in (
        (pair, 1 / (1 - taken)), (marker, np.sign(r[marker]) * (r[pair] - 1) / (1 - taken) ** 2),
    ):  # fmt: skip
        found[i, j] += factor / (sd[i] * sd[j])
        for k in (i, j):
            found[k, k] -= factor * r[i, j] / (2 * cov[k, k])
    return found.reshape(-1)
