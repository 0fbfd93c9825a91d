"""Could the way of asking explain the answers? Harman's test, a common method factor, and marker items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from xmresearch.display import Shown
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.factor_analysis import extract
from xmresearch.psychometrics.marker_models import adjusted_loadings, fit_markers
from xmresearch.psychometrics.method_models import MethodStudy, method_shares
from xmresearch.psychometrics.shares_explained import constructs
from xmresearch.sem.estimation import minimise
from xmresearch.sem.fitting import fit, objective_of
from xmresearch.sem.measurement import measurement_model, write_model
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import Estimator
from xmresearch.sem.samples import Missing
from xmresearch.sem.syntax import Term, parse_model

Array = NDArray[np.float64]
HARMAN_BOUND, SHARE_BOUND, SHARE_MOST, ALPHA = 0.5, 0.25, 0.5, 0.05
_FINE, _FAR = 1e-3, 1e6


@dataclass(frozen=True, repr=False)
class CommonMethodResult(Shown):
    """How much of the answers a common method may explain.

    Attributes
    ----------
    table : DataFrame
        One row per model: model (one_factor, measurement, method_factor, and with marker items marker_cfa, marker_baseline,
        marker_constrained, marker_unconstrained), chisq, df, cfi, rmsea, against (the model it is tested against),
        chisq_diff, df_diff, p_diff, share (of the items' variance that the method explains, averaged over items),
        share_lower, share_upper. NaN where a model could not be estimated.
    loadings : DataFrame
        One row per loading: construct, item, loading, loading_method (both standardised; without and with the method
        factor), change, method_share (of the item's variance).
    correlations : DataFrame
        With marker items, one row per pair of constructs: first, second, correlation (of sums of items), adjusted (less the
        marker's), pvalue (of the adjusted one). Otherwise empty.
    component_share, factor_share : float
        Harman's test: share of all items' standardised variance that the first principal component explains, and that one
        common factor explains.
    marker_correlation : float
        The correlation that Lindell and Whitney's adjustment takes out; NaN without marker items.
    n : int
        Respondents of the measurement model.
    confidence : float
        Level of the intervals.
    warnings : tuple of str
        What could not be estimated, and why.
    """

    table: pd.DataFrame
    loadings: pd.DataFrame
    correlations: pd.DataFrame
    component_share: float
    factor_share: float
    marker_correlation: float
    n: int
    confidence: float
    warnings: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per model."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the shares and their bounds, and the p value of one factor against the measurement model."""
        figures = self.table.set_index("model")[["p_diff", "share", "share_lower", "share_upper"]]
        one, method, marker = figures.reindex(["one_factor", "method_factor", "marker_constrained"]).to_numpy().tolist()
        facts: dict[str, Any] = {
            "harman": self.component_share, "harman_factor": self.factor_share, "harman_bound": HARMAN_BOUND,
            "share_bound": SHARE_BOUND, "n": self.n, "one_factor_p": one[0],
            "largest_change": float(self.loadings["change"].abs().max()),
        }  # fmt: skip
        for name, row in (("method", method), ("marker", marker)):
            facts |= dict(zip((f"{name}_{k}" for k in ("p", "share", "share_lower", "share_upper")), row, strict=True))
        return facts

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status; a share that could not be estimated is a warning."""
        facts = self.summary()
        harman = facts["harman"]
        rows = [("harman", harman, HARMAN_BOUND, "pass" if harman < HARMAN_BOUND else "warn")]
        for name in ("method_share", "marker_share"):
            if name == "method_share" or "marker_constrained" in set(self.table["model"]):
                share = facts[name]
                status = "pass" if share < SHARE_BOUND else "fail" if share >= SHARE_MOST else "warn"
                rows.append((name, share, SHARE_BOUND, status))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def common_method(
    model_text: str, data: pd.DataFrame, *, marker: Sequence[str] | None = None, estimator: Estimator = "ML",
    missing: Missing = "listwise", confidence: float = 0.95, sampling_weights: str | None = None, cluster: str | None = None,
) -> CommonMethodResult:  # fmt: skip
    """Look for variance that the method of asking shares among all items.

    Parameters
    ----------
    model_text : str
        A model in lavaan's syntax, of which the measurement part is used.
    data : DataFrame
        Rows.
    marker : sequence of str, optional
        Items, keyed in one direction, of something unrelated in theory to what the model is about, asked in the same way.
    estimator : {'ML', 'MLM', 'MLMV', 'MLR'}
        As for `xmresearch.sem.fitting.fit`.
    missing : {'listwise', 'fiml'}
        As for `fit`.
    confidence : float
        Level of the intervals.
    sampling_weights, cluster : str, optional
        Columns, as for `fit`.

    Returns
    -------
    CommonMethodResult

    Raises
    ------
    ModelError
        The measurement model cannot be estimated, or a marker item is part of it.
    DataError
        A marker item is not in the data.

    Notes
    -----
    One factor: all items load on one factor, or one minimum-residual factor explains them. Method factor: uncorrelated with
    all constructs, with the same unstandardised loading on all items (of one answer scale), so that one parameter is added;
    its variance, if estimated below zero, counts as zero. What identifies it is that loadings differ within constructs: where
    they hardly do, its share is vague, as its likelihood interval shows. The test of a variance at its bound is conservative.

    Marker items (Williams et al.): a CFA with the marker as a further construct gives the marker's loadings and variances,
    which are then fixed; in the baseline the marker is unrelated to the constructs, and is then let load on all their items,
    with the same unstandardised loading (constrained) or different ones (unconstrained, whose share has no interval and
    tends to be too high). Lindell and Whitney's adjustment takes the smallest absolute correlation of the marker's with a
    construct's sum score, r, out of all correlations of sum scores: (correlation - r) / (1 - r), which takes the method to act
    on the marker as it does on the constructs. Items that load negatively count negatively in the sums.

    References
    ----------
    Harman, H. H. (1976). Modern Factor Analysis. University of Chicago Press.
    Podsakoff, P. M., MacKenzie, S. B., Lee, J.-Y. & Podsakoff, N. P. (2003). Journal of Applied Psychology, 88, 879-903.
    Williams, L. J., Hartman, N. & Cavazotte, F. (2010). Organizational Research Methods, 13, 477-514.
    Lindell, M. K. & Whitney, D. J. (2001). Journal of Applied Psychology, 86, 114-121.
    """
    settings = {"estimator": estimator, "missing": missing, "sampling_weights": sampling_weights, "cluster": cluster}
    study = MethodStudy(tuple(parse_model(measurement_model(model_text))), data, settings, [])
    study.check_marker(marker or ())
    measured = fit(write_model(study.terms), data, **study.settings)
    constructs(measured)  # refuses a model that did not converge
    one = study.attempt("one_factor", study.one_factor(), proper=False)
    rows = [study.row("one_factor", one, "measurement", measured), study.row("measurement", measured)]
    method, loadings = _method_factor(study, measured, confidence)
    rows.append(method)
    correlations, taken = pd.DataFrame(columns=["first", "second", "correlation", "adjusted", "pvalue"]), np.nan
    if marker:
        rows += fit_markers(study, marker, confidence)
        correlations, taken = adjusted_loadings(study, measured, marker)
    return CommonMethodResult(
        pd.DataFrame(rows), loadings, correlations, *_harman(measured), taken, measured.n, confidence,
        tuple(study.problems),
    )  # fmt: skip


def _harman(measured: SemFit) -> tuple[float, float]:
    """Return the shares of variance that the first principal component and one common factor explain."""
    cov = measured.samples[0].cov
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    loadings, _ = extract(r, 1, "minres")
    return float(np.linalg.eigvalsh(r)[-1] / len(r)), float((loadings**2).sum() / len(r))


def _method_factor(study: MethodStudy, measured: SemFit, confidence: float) -> tuple[dict[str, Any], pd.DataFrame]:
    """Add a factor behind all items, and compare the loadings."""
    name, items = study.name("method"), study.items
    table = measured.estimates.query("op == '=~'")[["lhs", "rhs", "std_all"]].reset_index(drop=True)
    table.columns = pd.Index(["construct", "item", "loading"])
    unknown = table.assign(loading_method=np.nan, change=np.nan, method_share=np.nan)
    if len(constructs(measured)) == 1:
        study.problems.append("method_factor: with one construct, a common method cannot be told from it.")
        return study.row("method_factor", None, "measurement"), unknown
    added = [Term(name, "=~", v, 0, fixed=1.0) for v in items] + study.orthogonal(name)
    fitted = study.attempt("method_factor", [*study.terms, *added], spared=name)
    if fitted is None:
        return study.row("method_factor", None, "measurement"), unknown

    shares = method_shares(fitted, name, items, fitted.solution.theta)
    loadings = fitted.estimates.query("op == '=~'").iloc[: len(table)]["std_all"].to_numpy()
    row = study.row("method_factor", fitted, "measurement", measured)
    variance, low, high = _profiled(fitted, measured, name, row["chisq_diff"], confidence)
    if variance < 0:
        study.problems.append("method_factor: its variance is estimated below zero, which counts as zero.")
        row = study.row("method_factor", measured, "measurement") | {"chisq_diff": 0.0, "df_diff": 1, "p_diff": 1.0}
        loadings = table["loading"].to_numpy()
    unit = shares / variance
    shares = unit * max(variance, 0.0)
    row |= {"share": shares.mean(), "share_lower": low * unit.mean(), "share_upper": min(high * unit.mean(), 1.0)}
    table["loading_method"], table["change"] = loadings, loadings - table["loading"]
    return row, table.assign(method_share=table["item"].map(dict(zip(items, shares, strict=True))))


def _profiled(
    fitted: SemFit, measured: SemFit, name: str, difference: float, confidence: float
) -> tuple[float, float, float]:
    """Return the method factor's variance and its likelihood interval, which agrees with the chi-square difference."""
    model, theta = fitted.model, fitted.solution.theta
    k = next(q.free for q in model.parameters if q.op == "~~" and q.lhs == q.rhs == name)
    best, least = float(theta[k]), float(fitted.measures["chisq"])
    gain = float(measured.measures["chisq"]) - least
    bound = special.chdtri(1, 1 - confidence) * (gain / difference if difference > 0 else 1.0)
    start = np.delete(theta, k)
    if best < 0:
        start, least = measured.solution.theta, least + gain
    others = [replace(q, free=q.free - (q.free > k)) for q in model.parameters]

    def excess(variance: float) -> float:
        fixed = [
            replace(q, free=-1, value=variance) if p.free == k else q
            for p, q in zip(model.parameters, others, strict=True)
        ]
        objective: Any = objective_of(replace(model, parameters=tuple(fixed)), fitted.samples)
        found = minimise(objective, start)
        return fitted.n * found.discrepancy - least - bound if found.converged else _FAR

    at, most = max(best, 0.0), float(np.diag(fitted.samples[0].cov).max())
    reach = float(np.sqrt(fitted.covariance[k, k]))
    while at + reach < most and excess(at + reach) < 0:
        reach *= 2
    high = optimize.brentq(excess, at, at + reach, rtol=_FINE) if excess(at + reach) > 0 else most
    low = optimize.brentq(excess, 0.0, at, rtol=_FINE) if best > 0 and gain > bound else 0.0
    return best, float(low), float(high)
