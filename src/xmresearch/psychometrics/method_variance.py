"""Could the way of asking explain the answers? Harman's test, a common method factor, and marker items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from xmresearch.errors import DataError, ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.composite import constructs
from xmresearch.psychometrics.factor_analysis import extract
from xmresearch.sem.comparison import difference_test
from xmresearch.sem.estimation import minimise
from xmresearch.sem.fitting import fit, objective_of
from xmresearch.sem.measurement import measurement_model, write_model
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import Estimator
from xmresearch.sem.samples import Missing, continuous_samples, split
from xmresearch.sem.syntax import Term, parse_model

Array = NDArray[np.float64]
HARMAN_BOUND, SHARE_BOUND, SHARE_MOST, ALPHA = 0.5, 0.25, 0.5, 0.05
_FINE, _FAR = 1e-3, 1e6


@dataclass(frozen=True)
class CommonMethodResult:
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
    missing: Missing = "listwise", confidence: float = 0.95,
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
    study = _Study(
        tuple(parse_model(measurement_model(model_text))), data, {"estimator": estimator, "missing": missing}, []
    )
    study.check_marker(marker or ())
    measured = fit(write_model(study.terms), data, **study.settings)
    constructs(measured)  # refuses a model that did not converge
    one = study.attempt("one_factor", study.one_factor(), proper=False)
    rows = [study.row("one_factor", one, "measurement", measured), study.row("measurement", measured)]
    method, loadings = _method_factor(study, measured, confidence)
    rows.append(method)
    correlations, taken = pd.DataFrame(columns=["first", "second", "correlation", "adjusted", "pvalue"]), np.nan
    if marker:
        rows += _marker_models(study, marker, confidence)
        correlations, taken = _adjusted(study, measured, marker)
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


@dataclass(frozen=True)
class _Study:
    """The terms of a measurement model, what its variants are fitted to and how, and which of them failed."""

    terms: tuple[Term, ...]
    data: pd.DataFrame
    settings: dict[str, Any]
    problems: list[str]

    @property
    def latent(self) -> list[str]:
        return list(dict.fromkeys(t.lhs for t in self.terms if t.op == "=~"))

    @property
    def items(self) -> list[str]:
        measured = dict.fromkeys(t.rhs for t in self.terms if t.op == "=~")
        return [v for v in measured if v not in self.latent]

    def check_marker(self, marker: Sequence[str]) -> None:
        columns = [str(c) for c in self.data.columns]
        for item in marker:
            if item in self.items:
                raise ModelError(f"Marker item '{item}' is part of the model.", "A marker is unrelated to the model.")
            if item not in columns:
                raise DataError(f"The data have no variable '{item}' to be a marker.", nearest(item, columns))

    def name(self, wanted: str) -> str:
        """Return a name for a new factor that nothing else has."""
        while wanted in self.latent or wanted in self.data.columns:
            wanted += "_"
        return wanted

    def orthogonal(self, factor: str) -> list[Term]:
        """Return the terms that make a new factor uncorrelated with the constructs."""
        parts = {t.rhs for t in self.terms if t.op == "=~"}
        return [Term(factor, "~~", f, 0, fixed=0.0) for f in self.latent if f not in parts]

    def one_factor(self) -> list[Term]:
        """Return the model in which one factor replaces all constructs; covariances of items' residuals stay."""
        common = self.name("common")
        pairs = [t for t in self.terms if t.op == "~~" and t.lhs != t.rhs and {t.lhs, t.rhs} <= set(self.items)]
        return [Term(common, "=~", v, 0) for v in self.items] + pairs

    def attempt(self, name: str, terms: Sequence[Term], *, proper: bool = True, spared: str = "") -> SemFit | None:
        """Fit a variant; None, with a note, where there is no proper solution (of others than a factor that is spared)."""
        try:
            fitted = fit(write_model(terms), self.data, **self.settings)
        except ModelError as error:
            self.problems.append(f"{name}: {error.problem}")
            return None
        reason = "" if fitted.converged else f"estimation did not converge ({fitted.reason})"
        if fitted.converged and proper and _improper(fitted, spared):
            reason = "the solution is improper: variances are negative, or covariances impossible"
        if reason:
            self.problems.append(f"{name}: {reason}.")
        return None if reason else fitted

    def row(
        self, name: str, fitted: SemFit | None, against: str = "", other: SemFit | None = None,
        share: tuple[float, float, float] = (np.nan, np.nan, np.nan),
    ) -> dict[str, Any]:  # fmt: skip
        """Return a row of the table of models, with a test against another one."""
        facts = fitted.summary() if fitted else {}
        row = {"model": name} | {k: facts.get(k, np.nan) for k in ("chisq", "df", "cfi", "rmsea")}
        row |= {"against": against, "chisq_diff": np.nan, "df_diff": np.nan, "p_diff": np.nan}
        if fitted and other:
            try:
                test = difference_test(*sorted((fitted, other), key=lambda f: -f.model.df))
            except ModelError as error:
                self.problems.append(f"{name}: no test against {against}. {error.problem}")
            else:
                row |= {"chisq_diff": test.chisq, "df_diff": test.df, "p_diff": test.pvalue}
        return row | dict(zip(("share", "share_lower", "share_upper"), share, strict=True))


def _improper(fitted: SemFit, spared: str) -> bool:
    """Whether the (co)variances of residuals and factors, without those of one factor, are impossible."""
    variables = fitted.model.variables
    keep = [k for k, v in enumerate(variables) if v != spared]
    s = fitted.readout.matrices[0].fill(fitted.solution.theta)[1][np.ix_(keep, keep)]
    values = np.linalg.eigvalsh(s)
    return bool(values[0] < -1e-8 * values[-1])


def _shares(fitted: SemFit, factor: str, items: Sequence[str], theta: Array) -> Array:
    """Return the shares of the items' variances that a factor explains, shape (..., items)."""
    matrices, at = fitted.readout.matrices[0], fitted.model.variables.index
    i, f = np.array([at(v) for v in items]), at(factor)
    loadings, (total, _) = matrices.fill(theta)[0][..., i, f], matrices.total(theta)
    return np.asarray(loadings**2 * total[..., f, f, None] / total[..., i, i])


def _bounds(fitted: SemFit, read: Callable[[Array], Array], confidence: float) -> tuple[float, float, float]:
    """Return a figure that is read off the parameters, shape (..., 1), with its symmetric delta-method interval."""
    theta = fitted.solution.theta
    value = float(read(theta)[0])
    reach = special.ndtri((1 + confidence) / 2) * float(fitted.readout.errors(theta, fitted.covariance, read)[0])
    return value, value - reach, value + reach


def _method_factor(study: _Study, measured: SemFit, confidence: float) -> tuple[dict[str, Any], pd.DataFrame]:
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

    shares = _shares(fitted, name, items, fitted.solution.theta)
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


def _marker_models(study: _Study, marker: Sequence[str], confidence: float) -> list[dict[str, Any]]:
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
        free_share = (float(_shares(unconstrained, name, items, theta).mean()), np.nan, np.nan)
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
        size = np.sqrt(_shares(fitted, name, items, theta).mean(axis=-1, keepdims=True))
        return np.asarray(size * np.sign(fitted.readout.matrices[0].fill(theta)[0][cell])[..., None])

    value, low, high = _bounds(fitted, root, confidence)
    return value**2, 0.0 if low < 0 < high else min(low**2, high**2), min(max(low**2, high**2), 1.0)


def _adjusted(study: _Study, measured: SemFit, marker: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Take the marker's correlation out of those of the constructs' sum scores (Lindell & Whitney)."""
    names, owned = [*study.items, *marker], constructs(measured)
    missing: Missing = study.settings["missing"]
    samples, _ = continuous_samples(split(study.data, None), names, (), missing, means=missing == "fiml")
    sign = measured.estimates.query("op == '=~'").set_index(["lhs", "rhs"])["est"]
    weights = np.zeros((len(owned) + 1, len(names)))
    for k, (construct, items) in enumerate(owned.items()):
        for v in items:
            weights[k, names.index(v)] = np.sign(sign[construct, v])
    weights[-1, len(study.items) :] = 1.0
    cov = weights @ samples[0].cov @ weights.T
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    taken, df = float(np.abs(r[-1, :-1]).min()), samples[0].n - 3
    rows = []
    for (i, a), (j, b) in combinations(enumerate(owned), 2):
        adjusted = (r[i, j] - taken) / (1 - taken)
        t = adjusted / np.sqrt((1 - adjusted**2) / df)
        rows.append((a, b, r[i, j], adjusted, 2 * special.stdtr(df, -abs(t))))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "adjusted", "pvalue"]), taken
