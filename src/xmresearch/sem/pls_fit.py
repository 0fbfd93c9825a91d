"""Partial least squares path modelling, plain and consistent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.sem.inputs import check_frame, check_text
from xmresearch.sem.pls_algorithm import MAX_ITERATIONS, Scheme, correlate, estimate
from xmresearch.sem.pls_model import read_model
from xmresearch.sem.pls_quality import fornell_larcker, predict_items, reliability_table, srmr
from xmresearch.sem.pls_rows import check_options, unusable, usable_rows
from xmresearch.sem.pls_tables import VIF_BOUND, Tables, concerns, improper, quantities, replicate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
RELIABLE, AVE_BOUND, HTMT_BOUND, SRMR_BOUND, MOST_BETTER = 0.7, 0.5, 0.85, 0.08, 0.5
_PREDICTION = ("construct", "item", "q2_predict", "rmse", "mae", "lm_rmse", "lm_mae")


@dataclass(frozen=True, repr=False)
class PlsResult(Shown):
    """An estimated PLS path model. Without bootstrap, all standard errors and limits are NaN.

    Attributes
    ----------
    paths : DataFrame
        One row per path, as written: lhs, op, rhs, est (standardised), se, z, pvalue (normal), ci_lower, ci_upper
        (percentiles), f2 (Cohen's effect size, scores held fixed), vif (of the cause among the causes of this effect).
    effects : DataFrame
        One row per pair that paths connect: lhs (effect), rhs (cause), direct, indirect, total, and of the last two
        each _se, _lower, _upper.
    outer : DataFrame
        One row per item: construct, item, mode ('A', 'B' or 'single'), loading and weight with _se, _lower, _upper, vif
        (among the items of the construct).
    r2 : DataFrame
        One row per explained construct: construct, r2, r2_adjusted.
    reliability : DataFrame
        One row per construct: construct, items, mode, alpha, rho_a, rho_c, ave (NaN unless reflective with two items).
    htmt : DataFrame
        One row per pair of reflective constructs of two items or more: first, second, htmt, htmt_se, htmt_lower, htmt_upper.
    fornell_larcker : DataFrame
        Correlations of the constructs, the root of the AVE on the diagonal.
    cross_loadings : DataFrame
        Correlations of items (rows) and constructs (columns).
    correlations : DataFrame
        Of the constructs; corrected for unreliability if consistent.
    scores : DataFrame
        Standardised scores, index as the data's, NaN for incomplete rows.
    prediction : DataFrame
        One row per item of an explained construct: construct, item, q2_predict, rmse, mae, lm_rmse, lm_mae; no row unless
        asked for.
    srmr : float
        Of the estimated model; see `xmresearch.sem.pls_quality.srmr`. Plain loadings overstate correlations within
        constructs, so `diagnostics` judges it only if consistent.
    n, dropped : int
        Complete rows, which were used, and incomplete ones, which were not.
    iterations : int
        Until no weight changed by 1e-10.
    converged : bool
        Whether that happened.
    admissible : bool
        Whether rho_a and loadings are at most one and the constructs' correlations positive definite.
    scheme : str
        Inner weighting scheme.
    consistent : bool
        Whether reflective constructs are corrected for unreliability.
    bootstrap, failed : int
        Replicates asked for, and those that could not be estimated and were left out.
    warnings : tuple of str
        What a careful reviewer would ask about.
    """

    paths: pd.DataFrame
    effects: pd.DataFrame
    outer: pd.DataFrame
    r2: pd.DataFrame
    reliability: pd.DataFrame
    htmt: pd.DataFrame
    fornell_larcker: pd.DataFrame
    cross_loadings: pd.DataFrame
    correlations: pd.DataFrame
    scores: pd.DataFrame
    prediction: pd.DataFrame
    srmr: float
    n: int
    dropped: int
    iterations: int
    converged: bool
    admissible: bool
    scheme: str
    consistent: bool
    bootstrap: int
    failed: int
    warnings: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per path."""
        return self.paths

    def summary(self) -> dict[str, Any]:
        """Return the figures that reports quote."""
        return {
            "n": self.n, "dropped": self.dropped, "converged": self.converged, "iterations": self.iterations,
            "scheme": self.scheme, "consistent": self.consistent, "constructs": len(self.reliability),
            "paths": len(self.paths), "bootstrap": self.bootstrap - self.failed,
            "r2": dict(zip(self.r2["construct"], self.r2["r2"], strict=True)), "srmr": self.srmr,
        }  # fmt: skip

    def explains(self, outcome: str) -> dict[str, Any] | None:
        """Return how much of one outcome is explained; None for a construct that nothing explains."""
        share = dict(zip(self.r2["construct"], self.r2["r2"], strict=True)).get(outcome)
        return None if share is None else {"outcome": outcome, "r2": float(share), "iterations": self.iterations}

    def beside(self, paths: pd.DataFrame) -> dict[str, Any]:
        """Hold the paths against those of a covariance-based model.

        Parameters
        ----------
        paths : DataFrame
            From `xmresearch.sem.tables.paths`: outcome, cause, std_all.

        Returns
        -------
        dict
            paths (that both have), closer (to zero by PLS than by the other model), and case: all, some or none of them.
        """
        other = dict(zip(zip(paths["outcome"], paths["cause"], strict=True), paths["std_all"].abs(), strict=True))
        mine = zip(self.paths["lhs"], self.paths["rhs"], self.paths["est"].abs(), strict=True)
        closer = [size < other[lhs, rhs] for lhs, rhs, size in mine if (lhs, rhs) in other]
        count = sum(closer)
        case = "none" if not count else "all" if count == len(closer) else "some"
        return {"case": case, "paths": len(closer), "closer": count}

    def plot(self) -> Figure:
        """Draw the paths with their intervals."""
        return forest(self.paths, ["lhs", "op", "rhs"], "est", "ci", axis="path coefficient")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        negative = int((self.outer["weight"] < 0).sum())
        rows = [
            ("converged", self.iterations, MAX_ITERATIONS, "pass" if self.converged else "fail"),
            ("admissible", int(self.admissible), 1, "pass" if self.admissible else "fail"),
            ("incomplete_rows", self.dropped, 0, "warn" if self.dropped else "pass"),
            ("negative_weights", negative, 0, "warn" if negative else "pass"),
            ("vif", top := float(self.paths["vif"].max()), VIF_BOUND, "pass" if top < VIF_BOUND else "warn"),
        ]
        if self.reliability["rho_a"].notna().any():
            low, ave = float(self.reliability["rho_a"].min()), float(self.reliability["ave"].min())
            rows += [
                ("rho_a", low, RELIABLE, "pass" if low >= RELIABLE else "warn"),
                ("ave", ave, AVE_BOUND, "pass" if ave >= AVE_BOUND else "warn"),
            ]
        if len(self.htmt):
            rows.append(
                ("htmt", top := float(self.htmt["htmt"].max()), HTMT_BOUND, "pass" if top < HTMT_BOUND else "warn")
            )
        if self.consistent:
            rows.append(("srmr", self.srmr, SRMR_BOUND, "pass" if self.srmr < SRMR_BOUND else "warn"))
        if self.bootstrap:
            rows.append(("failed_replicates", self.failed, 0, "warn" if self.failed else "pass"))
        if len(self.prediction):
            q2 = float(self.prediction["q2_predict"].min())
            better = float((self.prediction["rmse"] < self.prediction["lm_rmse"]).mean())
            rows += [("q2_predict", q2, 0.0, "pass" if q2 > 0 else "warn"),
                     ("better_than_lm", better, MOST_BETTER, "pass" if better > MOST_BETTER else "warn")]  # fmt: skip
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def pls(
    model: str, data: pd.DataFrame, *, scheme: Scheme = "path", consistent: bool = False, bootstrap: int = 0,
    confidence: float = 0.95, seed: int = 0, predict: bool = False, folds: int = 10, repeats: int = 10,
    formative: Sequence[str] = (),
) -> PlsResult:  # fmt: skip
    """Estimate a path model between constructs by partial least squares.

    Parameters
    ----------
    model : str
        In lavaan's syntax: =~ gives constructs their items, ~ draws paths. A column in a path is a construct of one item.
    data : DataFrame
        Rows; complete ones are used, and their items standardised.
    scheme : {'path', 'factor', 'centroid'}
        How a construct's neighbours enter its proxy: causes by regression and effects by correlation, all by correlation,
        or all by the correlation's sign.
    consistent : bool
        Whether to correct reflective constructs of two items or more for the unreliability of their scores (PLSc). Scores
        and prediction stay those of plain PLS.
    bootstrap : int
        Replicates; 0 for none. Each construct of a replicate is given the sign that agrees with the full sample's loadings.
    confidence : float
        Level of the intervals.
    seed : int
        Of the bootstrap and of the folds.
    predict : bool
        Whether to predict respondents left out; see `xmresearch.sem.pls_quality.predict_items`.
    folds, repeats : int
        Of that cross-validation.
    formative : sequence of str
        Constructs that their items form (Mode B); the others are reflective (Mode A).

    Returns
    -------
    PlsResult

    Raises
    ------
    ModelError
        A syntax error, an unknown name, another operator than =~ and ~, a cycle, an item of two constructs, a construct
        without items or paths, collinear items or constructs, no positive rho_a to correct with; a wrong option.
    DataError
        A column is not numeric, not finite or there twice.
    InsufficientData
        Too few complete rows, a constant column, or most replicates cannot be estimated.

    Notes
    -----
    Weights, loadings and paths follow from the items' correlations alone, so replicates are estimated from resampled
    correlation matrices, many at once.

    References
    ----------
    Wold, H. (1982). Soft modelling. In Joreskog & Wold, Systems under Indirect Observation II. North-Holland.
    Tenenhaus, M. et al. (2005). Computational Statistics & Data Analysis, 48, 159-205.
    Dijkstra, T. K. & Henseler, J. (2015). MIS Quarterly, 39, 297-316 (PLSc).
    """
    check_options(scheme, bootstrap, confidence)
    names = (formative,) if isinstance(formative, str) else tuple(formative)
    check_text(model)
    built = read_model(model, [str(c) for c in check_frame(data).columns], names)
    values, complete = usable_rows(built, data)
    r = correlate(values)
    found = estimate(built, r[None], scheme, consistent=consistent)
    if not np.isfinite(found.paths).all():
        raise unusable(built, r, found, consistent)
    draws = replicate(built, values, found, scheme, consistent=consistent, draws=bootstrap, seed=seed)
    failed = bootstrap - len(draws["path"])
    if failed > bootstrap / 2:
        raise InsufficientData(
            f"{failed} of {bootstrap} bootstrap replicates cannot be estimated.", "Use more rows, or a simpler model."
        )
    tables = Tables(built, r, found, quantities(built, r[None], found), draws, confidence, len(values))
    reliability = reliability_table(built, r, found)
    prediction = pd.DataFrame(columns=list(_PREDICTION))
    if predict:
        prediction = predict_items(built, values, scheme, folds=folds, repeats=repeats, seed=seed)
    scores = np.full((len(data), len(built.constructs)), np.nan)
    weights = built.membership * found.weights[0][:, None]
    scores[complete] = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1) @ weights
    items, constructs, dropped = list(built.items), list(built.constructs), len(data) - len(values)
    paths, outer = tables.paths(), tables.outer()
    notes = [
        *([f"{dropped} of {len(data)} rows are incomplete and were left out."] if dropped else []),
        *([f"{failed} of {bootstrap} bootstrap replicates could not be estimated."] if failed else []),
        *concerns(built, found, paths, outer, consistent=consistent),
        *(inadmissible := improper(built, found)),
    ]
    return PlsResult(
        paths, tables.effects(), outer, tables.r2(), reliability, tables.htmt(),
        fornell_larcker(built, found, reliability), pd.DataFrame(found.cross[0], items, constructs),
        pd.DataFrame(found.correlations[0], constructs, constructs), pd.DataFrame(scores, data.index, constructs),
        prediction, srmr(built, r, found), len(values), dropped, int(found.iterations[0]), bool(found.converged[0]),
        not inadmissible, scheme, consistent, bootstrap, failed, tuple(notes),
    )  # fmt: skip
