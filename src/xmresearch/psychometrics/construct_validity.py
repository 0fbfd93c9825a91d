"""Do scales measure what they claim, and different things: convergent and discriminant validity from a fitted CFA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError
from xmresearch.inference.estimates import percentile_interval, replicate_covariances
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.composite import AVE_BOUND
from xmresearch.psychometrics.shares_explained import constructs, explained_shares
from xmresearch.sem.missing_sample import MissingSample
from xmresearch.sem.ordinal import OrdinalSample
from xmresearch.sem.pls_quality import htmt_of_pair
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import moment_errors

Array = NDArray[np.float64]
HTMT_BOUND, HTMT_MOST = 0.85, 0.90
"""Of clearly different constructs, and of kindred ones: Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). Journal of the
Academy of Marketing Science, 43, 115-135."""


@dataclass(frozen=True, repr=False)
class ValidityResult(Shown):
    """Validity of the constructs of a measurement model.

    Attributes
    ----------
    table : DataFrame
        One row per construct: construct, items, omega (composite reliability, Bollen), omega_bentler (implied variance
        of the sum in the denominator), omega_mcdonald (its sample variance), ave (average variance extracted),
        max_correlation (largest with another construct), fornell_larcker (whether sqrt(ave) exceeds it; missing where
        there is no ave). See `xmresearch.psychometrics.shares_explained.explained_shares`.
    pairs : DataFrame
        One row per pair of constructs: first, second, correlation, htmt2, htmt2_lower, htmt2_upper (percentile bootstrap;
        NaN without it), htmt (of arithmetic means); NaN for single items and constructs that share items.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return one row per construct."""
        return self.table

    def fornell_larcker(self) -> pd.DataFrame:
        """Return the constructs' correlations below the diagonal, and the root of the AVE on it.

        Returns
        -------
        DataFrame
            construct, omega, ave, and one column per construct, in their order; NaN above the diagonal, and on it where there is no AVE.
        """
        found = self.table[["construct", "omega", "ave"]].copy()
        square = square_of(self.pairs, found["construct"].tolist(), "correlation", np.sqrt(found["ave"].to_numpy()))
        return pd.concat([found, square], axis=1)

    def ratios(self) -> pd.DataFrame:
        """Return HTMT2 below the diagonal and HTMT above it: construct, and one column per construct."""
        names = self.table["construct"].tolist()
        below, above = (square_of(self.pairs, names, name).to_numpy() for name in ("htmt2", "htmt"))
        square = np.where(np.tri(len(below), k=-1, dtype=bool), below, above.T)
        return pd.concat([self.table[["construct"]], pd.DataFrame(square, columns=names)], axis=1)

    def summary(self) -> dict[str, Any]:
        """Return how many constructs and pairs pass the usual bounds.

        A pair passes where the interval of its HTMT2 lies below the bound, or, without an interval, HTMT2 itself.
        """
        judged = self.pairs["htmt2_upper"].fillna(self.pairs["htmt2"]).dropna()
        return {
            "constructs": len(self.table), "convergent": int((self.table["ave"] >= AVE_BOUND).sum()),
            "fornell_larcker": int(self.table["fornell_larcker"].sum()), "pairs": len(judged),
            "htmt2_below": int((judged < HTMT_BOUND).sum()), "bound": HTMT_BOUND,
        }  # fmt: skip

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"Constructs": self.table, "Pairs": self.pairs}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status; AVE is checked by `composite_reliability`."""
        htmt = float(self.pairs["htmt2"].max())
        rows = [("htmt2", htmt, HTMT_BOUND, "pass" if htmt < HTMT_BOUND else "warn")] if np.isfinite(htmt) else []
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def validity(
    fitted: SemFit, data: pd.DataFrame | None = None, *, bootstrap: int = 0, confidence: float = 0.95, seed: int = 0
) -> ValidityResult:
    """Assess convergent and discriminant validity.

    Parameters
    ----------
    fitted : SemFit
        A converged model of one group, with any estimator. Ordered items are assessed by their underlying responses.
    data : DataFrame or StreamedAnswers, optional
        Rows for HTMT2, of which those complete in the items are used; without them, the rows of the fit. A fit of ordered
        items, by full information, or with weights or clusters uses its own polychoric correlations or saturated covariances.
    bootstrap : int
        Replicates for the intervals of HTMT2; 0 for none. Where a fit uses its own moments, these are drawn from their normal
        sampling distribution, which allows for weights and clusters and spares estimating them anew.
    confidence : float
        Level of the intervals of HTMT2.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ValidityResult

    Raises
    ------
    InsufficientData
        The model has no construct with items.
    ModelError
        The model has several groups, or did not converge.
    DataError
        The bootstrap is asked for, but there are only moments.

    References
    ----------
    Fornell, C. & Larcker, D. F. (1981). Journal of Marketing Research, 18, 39-50.
    Roemer, E., Schuberth, F. & Henseler, J. (2021). Industrial Management & Data Systems, 121, 2637-2650 (HTMT2).
    """
    owned = constructs(fitted)
    if len(fitted.model.groups) > 1:
        raise ModelError(
            "Validity is assessed in one group, and the model has several.",
            "Fit one group at a time; composite_reliability takes them all.",
        )
    theta = fitted.solution.theta
    total, _ = fitted.readout.matrices[0].total(theta)
    sd = np.sqrt(np.diag(total))
    latent = [fitted.model.variables.index(f) for f in owned]
    between = (total / np.outer(sd, sd))[np.ix_(latent, latent)]
    shares = explained_shares(fitted, theta)
    table = pd.DataFrame({
        "construct": list(owned), "items": [len(items) for items in owned.values()], "omega": shares.omega,
        "omega_bentler": shares.omega_bentler, "omega_mcdonald": shares.omega_mcdonald, "ave": shares.ave,
    })  # fmt: skip
    largest = np.abs(between - np.eye(len(latent))).max(axis=1)
    table["max_correlation"] = largest if len(owned) > 1 else np.nan
    distinct = pd.Series(np.sqrt(shares.ave) > largest, dtype="boolean")
    table["fornell_larcker"] = distinct.mask(table["ave"].isna())
    return ValidityResult(table, _pairs(fitted, owned, between, data, bootstrap, confidence, seed))


def square_of(pairs: pd.DataFrame, names: list[str], column: str, diagonal: ArrayLike = np.nan) -> pd.DataFrame:
    """Return figures of pairs as a matrix.

    Parameters
    ----------
    pairs : DataFrame
        One row per pair: first, second and the column; first stands before second in the names.
    names : list of str
        Of rows and columns, in order.
    column : str
        Of the figures.
    diagonal : array_like
        Shape (names,), or a number.

    Returns
    -------
    DataFrame
        Shape (names, names): the figures below the diagonal, NaN above it and for pairs that are not there.
    """
    square = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(square, diagonal)
    at = {name: k for k, name in enumerate(names)}
    rows, columns = ([at[name] for name in pairs[end]] for end in ("second", "first"))
    square[rows, columns] = pairs[column]
    return pd.DataFrame(square, columns=names)


def htmt(correlations: Array, first: list[int], second: list[int]) -> Array:
    """Return the heterotrait-monotrait ratio of arithmetic means of absolute correlations.

    Parameters
    ----------
    correlations : ndarray
        Shape (..., p, p); of standardised items.
    first, second : list of int
        Positions of the two constructs' items, at least two each.

    Returns
    -------
    ndarray
        Shape (...).

    References
    ----------
    Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). Journal of the Academy of Marketing Science, 43, 115-135.
    """
    return htmt_of_pair(correlations, first, second)


def htmt2(correlations: Array, first: list[int], second: list[int]) -> Array:
    """Return the heterotrait-monotrait ratio of geometric means of absolute correlations.

    Parameters
    ----------
    correlations : ndarray
        Shape (..., p, p); covariances give the same, as variances cancel.
    first, second : list of int
        Positions of the two constructs' items, at least two each.

    Returns
    -------
    ndarray
        Shape (...); NaN where correlations are exactly zero both within and across, as in resamples of few answers.

    References
    ----------
    Roemer, E., Schuberth, F. & Henseler, J. (2021). HTMT2: an improved criterion for assessing discriminant validity. Industrial
    Management & Data Systems, 121(12), 2637-2650.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(correlations))

    def within(items: list[int]) -> Array:
        rows, columns = (np.array(items)[k] for k in np.triu_indices(len(items), 1))
        return np.asarray(logs[..., rows, columns].mean(axis=-1))

    across = logs[..., np.array(first)[:, None], np.array(second)].mean(axis=(-2, -1))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.exp(across - (within(first) + within(second)) / 2))


def _pairs(
    fitted: SemFit, owned: dict[str, list[str]], between: Array, data: pd.DataFrame | None, bootstrap: int,
    confidence: float, seed: int,
) -> pd.DataFrame:  # fmt: skip
    items = list(fitted.model.observed)
    sample = fitted.samples[0]
    draws: Array | None = None
    designed = fitted.sampling_weights is not None or fitted.cluster is not None
    if designed or isinstance(sample, OrdinalSample | MissingSample):
        moments, draws = _estimated(fitted, bootstrap, seed)
    elif isinstance(data, StreamedAnswers):
        moments = sample.cov
        draws = _normal_draws(moments, fitted.n, bootstrap, seed) if bootstrap else None
    elif data is None and not fitted.rows:
        moments = sample.cov
        if bootstrap:
            raise DataError("The bootstrap needs rows; the model was fitted to moments.", "Give the rows in `data`.")
    else:
        items = [v for v in items if any(v in names for names in owned.values())]
        columns = [fitted.model.observed.index(v) for v in items]
        values = fitted.rows[0][:, columns] if data is None else data[items].dropna().to_numpy(dtype=np.float64)
        moments = np.cov(values, rowvar=False)
        draws = replicate_covariances(values, None, bootstrap, seed) if bootstrap else None
    at = {f: [items.index(v) for v in names] for f, names in owned.items()}
    sd = np.sqrt(np.diag(moments))
    r = moments / np.outer(sd, sd)
    rows = []
    for (i, first), (j, second) in combinations(enumerate(owned), 2):
        value = low = high = plain = np.nan
        if min(len(at[first]), len(at[second])) > 1 and not set(at[first]) & set(at[second]):
            value, plain = float(htmt2(moments, at[first], at[second])), float(htmt(r, at[first], at[second]))
            if draws is not None:
                bounds = _ends(htmt2(draws, at[first], at[second]), confidence)
                low, high = float(bounds[0][0]), float(bounds[1][0])
        rows.append((first, second, between[i, j], value, low, high, plain))
    names_of = ["first", "second", "correlation", "htmt2", "htmt2_lower", "htmt2_upper", "htmt"]
    return pd.DataFrame(rows, columns=names_of)


def _normal_draws(cov: Array, n: int, draws: int, seed: int) -> Array:
    """Return draws from the distribution of a covariance matrix of normal rows, shape (draws, p, p)."""
    drawn: Array = stats.wishart(n - 1, cov / (n - 1), seed=np.random.default_rng(seed)).rvs(draws)
    return drawn


def _estimated(fitted: SemFit, draws: int, seed: int) -> tuple[Array, Array | None]:
    """Return estimated moments (p, p), and draws from their sampling distribution (draws, p, p)."""
    sample: Any = fitted.samples[0]
    columns, rows = np.triu_indices(len(fitted.model.observed))
    off = np.flatnonzero(rows != columns)
    moments = sample.correlations if isinstance(sample, OrdinalSample) else sample.cov
    if not draws:
        return moments, None
    if isinstance(sample, OrdinalSample):
        spread = sample.gamma[-len(off) :, -len(off) :] / sample.n
    else:
        spread = moment_errors(sample, fitted.rows[0])[np.ix_(off, off)]
    columns, rows = columns[off], rows[off]
    drawn = np.broadcast_to(moments, (draws, *moments.shape)).copy()
    rng = np.random.default_rng(seed)
    drawn[:, rows, columns] = rng.multivariate_normal(moments[rows, columns], spread, draws, "ignore", method="eigh")
    drawn[:, columns, rows] = drawn[:, rows, columns]
    return moments, drawn


def _ends(ratios: Array, confidence: float) -> tuple[Array, Array]:
    """Return the percentile interval of ratios, of which some may be infinite: correlations within are zero in resamples of few answers."""
    largest = np.finfo(np.float64).max
    ends = percentile_interval(np.where(np.isposinf(ratios), largest, ratios)[:, None], confidence)
    low, high = (np.where(end >= largest / 2, np.inf, end) for end in ends)
    return low, high
