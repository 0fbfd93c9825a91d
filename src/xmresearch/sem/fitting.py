"""Fit a structural equation model."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.sem.estimation import Solution, estimate_ml
from xmresearch.sem.measures import fit_measures
from xmresearch.sem.model import Matrices, Model, build_model
from xmresearch.sem.robust import Estimator, independence, sandwich, scaled_measures
from xmresearch.sem.syntax import parse_model
from xmresearch.sufficient.moments import Moments

Array = NDArray[np.float64]
_CLOSE_FACTORS = 0.95


@dataclass(frozen=True)
class SemFit:
    """A fitted model.

    Attributes
    ----------
    estimates : DataFrame
        One row per parameter and defined quantity: lhs, op, rhs, label, est, se, z, pvalue, ci_lower, ci_upper, std_lv,
        std_all (a covariance of residuals by their own SDs, as in lavaan). Fixed parameters have se 0.
    measures : Series
        Fit measures in lavaan's names.
    implied, residuals : DataFrame
        Implied covariances of the observed variables, and sample minus implied.
    r2 : Series
        Explained share of every endogenous variable's variance.
    converged : bool
        Whether estimation reached a minimum.
    reason : str
        How it ended.
    warnings : tuple of str
        What a careful reviewer would ask about.
    model : Model
        What was fitted.
    n : int
        Respondents.
    solution : Solution
        Where estimation ended.
    """

    estimates: pd.DataFrame
    measures: pd.Series
    implied: pd.DataFrame
    residuals: pd.DataFrame
    r2: pd.Series
    converged: bool
    reason: str
    warnings: tuple[str, ...]
    model: Model
    n: int
    solution: Solution

    def tidy(self) -> pd.DataFrame:
        """Return one row per parameter."""
        return self.estimates

    def summary(self) -> dict[str, Any]:
        """Return the figures of fit that reports quote."""
        names = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr")
        return {"n": self.n, "converged": self.converged, **{k.replace(".", "_"): self.measures[k] for k in names}}

    def _repr_html_(self) -> str:
        return str(self.estimates.to_html(index=False, float_format="{:.3f}".format))


def fit(model: str, data: pd.DataFrame | Moments, *, estimator: Estimator = "ML", confidence: float = 0.95) -> SemFit:
    """Fit a model by maximum likelihood.

    Parameters
    ----------
    model : str
        In lavaan's syntax: =~, ~, ~~, :=, labels, equal labels, fixed values, NA*, start().
    data : DataFrame or Moments
        Rows (complete cases are used), or their moments; MLM and MLR need rows.
    estimator : {'ML', 'MLM', 'MLR'}
        ML: standard errors from the expected information. MLM, MLR: robust standard errors and scaled test, see
        `sandwich`.
    confidence : float
        Level of the intervals.

    Returns
    -------
    SemFit

    Raises
    ------
    ModelError
        A syntax error, an unknown variable, a model that is not identified, singular covariances.
    DataError
        A variable is not numeric, or moments were given where rows are needed.
    InsufficientData
        A constant variable, or no more complete rows than variables.

    References
    ----------
    Joreskog, K. G. (1969). Psychometrika, 34, 183-202. Rosseel, Y. (2012). Journal of Statistical Software, 48(2).
    """
    terms = parse_model(model)
    built = build_model(terms, data.names if isinstance(data, Moments) else [str(c) for c in data.columns])
    if built.df < 0:
        raise ModelError(
            f"The model is not identified: {built.n_free} free parameters for {built.n_free + built.df} moments "
            f"(df = {built.df}).",
            "Fix or remove parameters, or add indicators.",
        )
    sample, n = _sample(built, data)
    solution = estimate_ml(built, sample)
    cov = _covariance(built, solution, n)
    measures = fit_measures(built, solution, sample, n)
    if estimator != "ML" and solution.converged:
        if isinstance(data, Moments):
            raise DataError(f"Estimator {estimator} needs rows; moments hold no fourth-order information.")
        rows = data[list(built.observed)].dropna().to_numpy(dtype=np.float64)
        robust = sandwich(built, solution, rows, estimator)
        baseline = sandwich(*independence(built, sample), rows, estimator)
        cov, measures = robust.covariance, scaled_measures(measures, robust.scaling, baseline.scaling)
    estimates = _table(built, solution, cov, sample, confidence)
    names = list(built.observed)
    implied = pd.DataFrame(solution.implied, names, names)
    explained, r2 = _explained(built, solution, sample)
    return SemFit(
        estimates, measures, implied, pd.DataFrame(sample, names, names) - implied,
        pd.Series(r2, explained, dtype=float), solution.converged, solution.reason,
        tuple(_warnings(built, solution, estimates, n)), built, n, solution,
    )  # fmt: skip


def _sample(model: Model, data: pd.DataFrame | Moments) -> tuple[Array, int]:
    names = list(model.observed)
    if isinstance(data, Moments):
        at = [data.names.index(v) for v in names]
        n, sample = data.n, data.scatter[np.ix_(at, at)] / max(data.n, 1)
    else:
        wrong = [v for v in names if not pd.api.types.is_numeric_dtype(data[v])]
        if wrong:
            raise DataError(f"Column '{wrong[0]}' is not numeric.", "Convert it to numbers.")
        moments = Moments.of(data[names].to_numpy(dtype=np.float64), names)
        n, sample = moments.n, moments.scatter / max(moments.n, 1)
    if n <= len(names):
        raise InsufficientData(f"{n} complete row(s) are too few for {len(names)} observed variables.")
    constant = [v for v, s in zip(names, np.diag(sample), strict=True) if s < 1e-12]
    if constant:
        raise InsufficientData(f"Variable '{constant[0]}' is constant.", "Remove it from the model.")
    return sample, n


def _covariance(model: Model, solution: Solution, n: int) -> Array:
    """Return the parameters' covariance matrix, or say which one the data cannot identify."""
    information = solution.information
    if not solution.converged:
        return np.full_like(information, np.nan)
    scale = np.sqrt(np.diag(information))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if not (scale > 0).all() or values[0] < 1e-9:
        worst = int(np.abs(vectors[:, 0]).argmax())
        q = next(p for p in model.parameters if p.free == worst)
        raise ModelError(
            f"The model is not identified: the data do not determine '{q.lhs} {q.op} {q.rhs}' apart from other parameters.",
            "Fix a loading or a variance, or remove a path.",
        )
    return np.asarray(np.linalg.inv(information) / n)


def _table(model: Model, solution: Solution, cov: Array, sample: Array, confidence: float) -> pd.DataFrame:
    matrices = Matrices(model, sample)
    at = {v: k for k, v in enumerate(model.variables)}
    sd = np.sqrt(np.diag(matrices.total(solution.theta)))
    is_latent = np.arange(len(sd)) >= len(model.observed)
    lv = np.where(is_latent, sd, 1.0)
    a, s = matrices.fill(solution.theta)
    with np.errstate(invalid="ignore"):
        own = np.sqrt(np.diag(s))
    rows = []
    for q in model.parameters:
        i, j = at[q.lhs], at[q.rhs]
        value = a[j, i] if q.op == "=~" else a[i, j] if q.op == "~" else s[i, j]
        if q.op == "~~" and i != j:
            factors = [1 / (r[i] * r[j]) for r in (np.where(is_latent, own, 1.0), own)]
        elif q.op == "~~":
            factors = [1 / x[i] ** 2 for x in (lv, sd)]
        else:
            factors = [x[i] / x[j] if q.op == "=~" else x[j] / x[i] for x in (lv, sd)]
        se = np.sqrt(cov[q.free, q.free]) if q.free >= 0 else 0.0
        rows.append((q.lhs, q.op, q.rhs, q.label, value, se, value * factors[0], value * factors[1]))
    values = {q.label: q for q in model.parameters if q.label}
    for term in model.defined:
        rows.append(
            (term.lhs, ":=", term.rhs, term.lhs, *_defined(term.rhs, term.line, values, rows, solution.theta, cov))
        )
    lhs, op, rhs, label, est, se, std_lv, std_all = (list(column) for column in zip(*rows, strict=True))
    value, error = np.array(est), np.array(se)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(error == 0, np.nan, value / error)
    reach = special.ndtri((1 + confidence) / 2) * error
    return pd.DataFrame({
        "lhs": lhs, "op": op, "rhs": rhs, "label": label, "est": value, "se": error, "z": z,
        "pvalue": 2 * special.ndtr(-np.abs(z)), "ci_lower": value - reach, "ci_upper": value + reach,
        "std_lv": np.array(std_lv), "std_all": np.array(std_all),
    })  # fmt: skip


_ALLOWED = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Constant, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
            ast.USub, ast.UAdd, ast.Load)  # fmt: skip


def _defined(
    expression: str, line: int, labels: dict[str, Any], rows: list[Any], theta: Array, cov: Array
) -> tuple[float, float, float, float]:
    """Evaluate a defined quantity, with its delta-method standard error, raw and standardised."""
    try:
        tree = ast.parse(expression.replace("^", "**"), mode="eval")
    except SyntaxError:
        raise ModelError(f"Model line {line}: '{expression}' is no expression.") from None
    if not all(isinstance(node, _ALLOWED) for node in ast.walk(tree)):
        raise ModelError(f"Model line {line}: '{expression}' may only use labels, numbers and + - * / ^.")
    known = {row[3]: row for row in rows if row[3]}
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for name in used:
        if name not in known:
            raise ModelError(f"Model line {line}: there is no label '{name}'.")
    code = compile(tree, "defined", "eval")

    def value(column: int, changed: dict[str, float] | None = None) -> float:
        names = {name: known[name][column] for name in used} | (changed or {})
        return float(eval(code, {"__builtins__": {}}, names))  # noqa: S307 (only arithmetic passes the check above)

    slope = np.zeros(len(theta))
    for name in set(used):
        if name not in labels:
            raise ModelError(f"Model line {line}: '{name}' is itself defined; write it out.")
        step = 1e-6 * max(1.0, abs(known[name][4]))
        change = (value(4, {name: known[name][4] + step}) - value(4, {name: known[name][4] - step})) / (2 * step)
        if labels[name].free >= 0:
            slope[labels[name].free] += change
    return value(4), float(np.sqrt(slope @ cov @ slope)), value(6), value(7)


def _explained(model: Model, solution: Solution, sample: Array) -> tuple[list[str], list[float]]:
    matrices = Matrices(model, sample)
    total, (a, s) = matrices.total(solution.theta), matrices.fill(solution.theta)
    names = [v for k, v in enumerate(model.variables) if (a[k] != 0).any()]
    at = [model.variables.index(v) for v in names]
    return names, [float(1 - s[k, k] / total[k, k]) for k in at]


def _warnings(model: Model, solution: Solution, estimates: pd.DataFrame, n: int) -> list[str]:
    found = []
    if not solution.converged:
        found.append(f"Estimation did not converge: {solution.reason}. The estimates mean nothing.")
    columns = (estimates[name].tolist() for name in ("lhs", "op", "rhs", "est", "std_all"))
    for lhs, op, rhs, value, standardised in zip(*columns, strict=True):
        if op == "~~" and lhs == rhs and value < 0:
            found.append(f"Heywood case: the variance of '{lhs}' is estimated as {value:.3f}.")
        if op == "~~" and lhs != rhs and lhs in model.latent and abs(standardised) > _CLOSE_FACTORS:
            found.append(f"'{lhs}' and '{rhs}' correlate {standardised:.2f}: they are hardly two things.")
    if n < 5 * model.n_free:
        found.append(f"{n} respondents for {model.n_free} free parameters are few for maximum likelihood.")
    return found
