"""Which drivers matter most for an outcome: Shapley values, relative weights and slopes, with intervals and ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.data.weights import effective_n
from xmresearch.disclosure import MIN_CELL
from xmresearch.drivers.design_tests import nothing_explained_by_design
from xmresearch.drivers.explained import Draws, Explained, in_sample, of_grades, of_numbers
from xmresearch.drivers.obstacles import NotEstimable
from xmresearch.drivers.rank_posterior import chance_of_lead, pulled_together
from xmresearch.drivers.result import DriverResult, Kind, Measure
from xmresearch.inference.estimates import percentile_interval, tables_of_draws
from xmresearch.inference.sample_designs import Weights, heavier, row_weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.missing.completed_tables import completed_tables, pooled_draws
from xmresearch.missing.pooled_tests import pool_wald
from xmresearch.sampling.designs import Design, subset

Array = NDArray[np.float64]
MOST_GRADES = 20
"""An outcome with more distinct values than this is a number, not a grade."""
_COLLINEAR = 1e8


@on_one_thread
def relative_importance(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    *,
    kind: Kind = "numeric",
    measure: Measure | None = None,
    also: pd.DataFrame | None = None,
    weights: Weights = None,
    clusters: ArrayLike | None = None,
    confidence: float = 0.95,
    bootstrap: int = 2000,
    seed: int = 0,
) -> DriverResult:
    """Measure how much each driver matters for an outcome.

    Blanks are filled in several times over by chained equations, and results pooled by Rubin's rules, so that
    nobody is left out but who has neither an outcome nor a driver (of grades: who has no outcome).

    Parameters
    ----------
    drivers : DataFrame
        One column per driver, shape (n, K), such as ratings of aspects or scores of dimensions.
    outcome : Series
        Overall quality, satisfaction, intention, ...; shape (n,).
    kind : {'numeric', 'binary', 'ordinal'}
        numeric: linear regression; binary and ordinal: cumulative logit of its values in order.
    measure : {'r2', 'mcfadden', 'nagelkerke', 'cox_snell'}, optional
        What is shared out; r2 for numbers, for grades mcfadden if absent.
    also : DataFrame, optional
        Further scores of the same respondents that tell something of what is blank.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample, whose units are redrawn; of grades its weights and clusters count.
    clusters : array_like, optional
        What was drawn as a whole, such as branches, shape (n,): whole clusters are redrawn. A design has its own.
    confidence : float
        Level of the percentile intervals.
    bootstrap : int
        Draws of the Bayesian bootstrap, at least 200; completed tables share them equally.
    seed : int
        Of the bootstrap and of what is filled in.

    Returns
    -------
    DriverResult

    Raises
    ------
    InsufficientData
        Too few complete respondents or clusters, a constant column, collinear drivers, or an outcome that is no grade.

    Notes
    -----
    The draws' Dirichlet weights have concentration ((u - K - 1) / u)^2 (z / t)^2 for u respondents (effective) or clusters:
    residuals are smaller than errors, as in the HC3 variance, and t stands for the normal quantile. Probabilities of ranks are of a
    posterior in which drivers are alike until told apart, see `pulled_together`.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. & Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis. Scott, Foresman.
    Johnson, J. W. (2000). Multivariate Behavioral Research, 35, 1-19. Rubin, D. B. (1981). The Bayesian bootstrap. Annals of
    Statistics, 9(1), 130-134. Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley. MacKinnon, J. G. &
    White, H. (1985). Some heteroskedasticity-consistent covariance matrix estimators. Journal of Econometrics, 29, 305-325.
    """
    k, names = drivers.shape[1], [str(c) for c in drivers.columns]
    of = measure or ("r2" if kind == "numeric" else "mcfadden")
    values = np.column_stack([drivers.to_numpy(dtype=float), outcome.to_numpy(dtype=float)])
    used, blank = ~np.isnan(values).all(axis=1), np.isnan(values).any(axis=1)
    if kind != "numeric":
        used &= ~np.isnan(values[:, k])
        values[:, k] = _grades(values[:, k], kind, str(outcome.name))
    every = None if weights is None else np.asarray(row_weights(weights, len(values)), dtype=float)
    w = None if every is None else every[used]
    design = None
    if isinstance(weights, Design) and kind == "numeric":
        design = subset(weights, used)
    elif isinstance(weights, Design):
        clusters = weights.stages[0].units
    whole, least = int((~blank).sum()), max(3 * (k + 1), MIN_CELL)
    if whole < least or effective_n(None if every is None else every[~blank], whole) < k + 2:
        raise NotEstimable(
            "few_respondents",
            f"{whole} respondents have the outcome '{outcome.name}' and all {k} dimensions; "
            f"at least {least} are needed to tell what drives it.",
        )
    check_told_apart(np.cov(values[~blank], rowvar=False), [*names, str(outcome.name)])
    group = None if clusters is None else pd.factorize(np.asarray(clusters)[used], use_na_sentinel=False)[0]
    n = int(used.sum())
    units = effective_n(w, n) if group is None else float(group.max() + 1)
    if design is not None:
        units = float(design.df + 1)
    if units < k + 2:
        raise NotEstimable(
            "few_clusters", f"{units:.0f} clusters cannot tell {k} drivers apart; at least {k + 2} are needed."
        )
    tables = completed_tables(values[used], None if also is None else also[used], w, seed)
    draws = Draws(bootstrap, seed, concentration(units, k, confidence) if design is None else 1.0, group, design)
    covs = np.stack([np.cov(t, rowvar=False, aweights=w) for t in tables])
    found = of_numbers(tables, covs, w, draws) if kind == "numeric" else of_grades(tables, w, draws, of)
    of_table = tables_of_draws(len(tables), bootstrap)[found.usable]
    pooled = _pooled(found, of_table)
    if design is not None:
        pooled = _heavier(pooled, design.df, seed, found.usable)
    m = len(tables)
    relative = pooled["share"][1]
    shares = found.gains / found.gains.sum(axis=1, keepdims=True)
    due = (1 + 1 / m) * shares.var(axis=0, ddof=1) / relative.var(axis=0) if m > 1 else np.zeros(k)
    simple = group is None and (kind == "numeric" or (w is None and m == 1))
    if design is not None:
        p = nothing_explained_by_design(in_sample(tables, design), design)
    elif not simple:
        p = _wald(*pooled["beta"], units)
    else:
        p = _nothing_explained(covs, units) if kind == "numeric" else float(stats.chi2.sf(found.gain, k))
    r2, r2_drawn = pooled["r2"]
    r2_low, r2_high = percentile_interval(r2_drawn, confidence)
    return DriverResult(
        _table(names, found, pooled, covs, kind, confidence, seed), float(r2[0]), float(r2_low[0]), float(r2_high[0]), n,
        str(outcome.name), p, relative, found.usable, used, confidence, int((blank & used).sum()), m if m > 1 else 0,
        float(due.max()), kind, of, draws.concentration, float((found.error / r2[0]).max()), found.values, found.values_drawn,
    )  # fmt: skip


def concentration(units: float, k: int, confidence: float) -> float:
    """Return the concentration of Dirichlet weights that gives intervals their level with few degrees of freedom.

    Parameters
    ----------
    units : float
        Respondents (effective) or clusters.
    k : int
        Slopes.
    confidence : float
        Two-sided level.

    Returns
    -------
    float
        Below 1; near 1 where there are many units.
    """
    df = units - k - 1
    tail = (1 + confidence) / 2
    return float((df / units) ** 2 * (stats.norm.ppf(tail) / stats.t.ppf(tail, df)) ** 2)


def check_told_apart(cov: Array, names: list[str]) -> None:
    """Refuse columns that are constant, and drivers that determine one another.

    Parameters
    ----------
    cov : ndarray
        Shape (K + 1, K + 1), the outcome last.
    names : list of str
        Of the columns.

    Raises
    ------
    InsufficientData
    """
    if (np.diag(cov) <= 0).any():
        constant = names[int(np.argmin(np.diag(cov)))]
        raise NotEstimable("constant", f"'{constant}' is constant, so nothing can drive it or be driven by it.")
    sd = np.sqrt(np.diag(cov))
    if np.linalg.cond((cov / np.outer(sd, sd))[:-1, :-1]) > _COLLINEAR:
        raise NotEstimable("collinear", "The dimensions are collinear, so their effects cannot be told apart.")


def _grades(values: Array, kind: Kind, name: str) -> Array:
    """Number the grades of an outcome from 0; blanks stay blank."""
    distinct = np.unique(values[~np.isnan(values)])
    if kind == "binary" and len(distinct) > 2:
        raise NotEstimable(
            "not_binary", f"'{name}' has {len(distinct)} values, so it is not binary.", "Declare it ordinal."
        )
    if len(distinct) > MOST_GRADES:
        raise NotEstimable(
            "many_grades",
            f"'{name}' has {len(distinct)} values; an ordinal outcome has at most {MOST_GRADES}.",
            "Declare it numeric.",
        )
    return np.where(np.isnan(values), np.nan, np.searchsorted(distinct, values).astype(float))


def _pooled(found: Explained, of_table: NDArray[np.int64]) -> dict[str, tuple[Array, Array]]:
    """Pool figures and their draws over completed tables."""
    whole, whole_drawn = found.gains.sum(axis=1, keepdims=True), found.gains_drawn.sum(axis=1, keepdims=True)
    pairs: dict[str, tuple[Array, Array]] = {
        "beta": (found.beta, found.beta_drawn), "share": (found.gains / whole, found.gains_drawn / whole_drawn),
        "lmg": (found.gains, found.gains_drawn), "johnson": (found.johnson, found.johnson_drawn), "r2": (whole, whole_drawn),
    }  # fmt: skip
    return {name: pooled_draws(point, drawn, of_table) for name, (point, drawn) in pairs.items()}


def _heavier(
    pooled: dict[str, tuple[Array, Array]], df: int, seed: int, usable: NDArray[np.bool_]
) -> dict[str, tuple[Array, Array]]:
    """Give draws of sampling units the tails of a t distribution; what lies between 0 and 1 stays there."""
    told = {name: (point, heavier(drawn, point, df, seed, usable)) for name, (point, drawn) in pooled.items()}
    return {name: (p, d if name == "beta" else d.clip(0, 1)) for name, (p, d) in told.items()}


def _table(
    names: list[str],
    found: Explained,
    pooled: dict[str, tuple[Array, Array]],
    covs: Array,
    kind: Kind,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    k = len(names)
    columns: dict[str, Any] = {"construct": names}
    for name in ("beta", "share", "lmg", "johnson"):
        point, drawn = pooled[name]
        low, high = percentile_interval(drawn, confidence)
        columns |= {name: point, f"{name}_lower": low, f"{name}_upper": high}
    relative = pulled_together(*pooled["share"], seed)
    place = (-relative).argsort(axis=1).argsort(axis=1) + 1
    tail = (1 - confidence) / 2
    ends = np.quantile(place, [tail, 1 - tail], axis=0, method="inverted_cdf")
    mean = covs.mean(axis=0)
    sd = np.sqrt(np.diag(mean))
    r = mean / np.outer(sd, sd)
    columns |= {
        "p_top": chance_of_lead(relative), "rank_lower": ends[0], "rank_upper": ends[1],
        "johnson_share": columns["johnson"] / columns["johnson"].sum(), "first": found.first, "last": found.last,
        "pratt": columns["beta"] * r[:k, k] if kind == "numeric" else np.nan, "vif": np.diag(np.linalg.inv(r[:k, :k])),
    }  # fmt: skip
    return pd.DataFrame(columns)


def _wald(beta: Array, drawn: Array, units: float) -> float:
    """Return the p of the Wald test that all slopes are zero, by the covariance of their draws."""
    k = len(beta)
    statistic = float(beta @ np.linalg.solve(np.cov(drawn, rowvar=False).reshape(k, k), beta)) / k
    return float(stats.f.sf(statistic, k, units - k - 1))


def _nothing_explained(covs: Array, n: float) -> float:
    """Return the p of the F test that all slopes are zero: over completed tables D1, of a single one the usual test."""
    k = covs.shape[1] - 1
    inner, cross, df = covs[:, :k, :k], covs[:, :k, k], n - k - 1
    slope = np.linalg.solve(inner, cross[..., None])[..., 0]
    explained = (slope * cross).sum(axis=1)
    unexplained = np.maximum(covs[:, k, k] - explained, 1e-15 * covs[:, k, k])
    if len(covs) == 1:
        return float(stats.f.sf(explained[0] / k / (unexplained[0] / df), k, df))
    return pool_wald(slope, np.linalg.inv(inner) * (unexplained / df)[:, None, None], df=df).p
