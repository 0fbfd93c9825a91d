"""Tables of fitted models: side by side, loadings, paths, all that a diagram draws, and the largest modification indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.concerns import Concern
from xmresearch.sem.followup import modification_indices
from xmresearch.sem.measures import FAIR_FIT, GOOD_FIT, RMSEA_LEVEL, reaches
from xmresearch.sem.result import SemFit
from xmresearch.sem.uncertainty import Fitted, check_fitted, uncertainty

Array = NDArray[np.float64]
_BOUNDS = {
    f"{how}_{name}": bound for how, bounds in (("good", GOOD_FIT), ("fair", FAIR_FIT)) for name, bound in bounds.items()
}
_BOUNDS["rmsea_level"] = RMSEA_LEVEL
NOTABLE_INDEX = 3.84  # p = .05 of a chi-square with one degree of freedom
_FULL = {
    "chisq_plain": "chisq", "scaling": "chisq.scaling.factor", "cfi_plain": "cfi", "cfi_robust": "cfi.robust", "tli_plain": "tli",
    "tli_robust": "tli.robust", "rmsea_plain": "rmsea", "rmsea_robust": "rmsea.robust", "logl": "logl", "aic": "aic", "bic": "bic",
}  # fmt: skip
_MEASURES = ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "rmsea_ci_lower", "rmsea_ci_upper", "srmr")


@dataclass(frozen=True, repr=False)
class ModelsResult(Shown):
    """Models of the same survey side by side.

    Attributes
    ----------
    table : DataFrame
        One row per model: model, n, npar, chisq, df, pvalue, cfi, tli, rmsea, rmsea_lower, rmsea_upper, srmr, scaled
        and robust where the estimator gives them; and of the test unscaled and of maximum likelihood chisq_plain, scaling (factor by which
        the test is divided), cfi_plain, cfi_robust, tli_plain, tli_robust, rmsea_plain, rmsea_robust, logl, aic, bic, NaN where the
        estimator has none.
    verdict : {'good', 'acceptable', 'poor', 'none'}
        Of the first model: CFI at least .95 and RMSEA at most .06 and SRMR at most .08 (Hu & Bentler 1999), or at least .90,
        at most .08 and at most .10; none where it did not converge.
    estimator : str
        Of the first model.
    concerns : tuple of (str, Concern)
        What a careful reviewer would ask about the models, with the model's name.
    """

    table: pd.DataFrame
    verdict: str
    estimator: str
    concerns: tuple[tuple[str, Concern], ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per model."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the first model's figures, with the bounds of fit (good_cfi, fair_cfi and so on) and the level of RMSEA's interval."""
        facts = {str(k): v for k, v in self.table.iloc[0].to_dict().items()}
        return {"case": self.verdict, "estimator": self.estimator, "models": len(self.table), **_BOUNDS, **facts}


def side_by_side(fits: Mapping[str, SemFit]) -> ModelsResult:
    """Set models side by side.

    Parameters
    ----------
    fits : mapping of str to SemFit
        By name; the first is the report's subject.

    Returns
    -------
    ModelsResult

    References
    ----------
    Hu, L. & Bentler, P. M. (1999). Structural Equation Modeling, 6, 1-55.
    """
    rows: list[dict[str, Any]] = []
    concerns: list[tuple[str, Concern]] = []
    for name, fitted in fits.items():
        facts = fitted.summary()
        row = {"model": name, "n": fitted.n, "npar": fitted.model.n_free} | {k: facts[k] for k in _MEASURES}
        row |= {k: float(fitted.measures.get(name_of, np.nan)) for k, name_of in _FULL.items()}
        rows.append(row)
        concerns += [(name, c) for c in fitted.concerns]
    table = pd.DataFrame(rows).rename(columns={"rmsea_ci_lower": "rmsea_lower", "rmsea_ci_upper": "rmsea_upper"})
    first = next(iter(fits.values()))
    return ModelsResult(table, _verdict(first), first.estimator, tuple(concerns))


def _verdict(fitted: SemFit) -> str:
    if not fitted.converged:
        return "none"
    m = fitted.summary()
    good, fair = (all(reaches(name, m[name], bounds) for name in bounds) for bounds in (GOOD_FIT, FAIR_FIT))
    return "good" if good else "acceptable" if fair else "poor"


@on_one_thread
def loadings(fitted: Fitted) -> pd.DataFrame:
    """Return the standardised loadings.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Of a model of one group.

    Returns
    -------
    DataFrame
        construct, item, est (raw), std_all, ci_lower, ci_upper (of std_all), r2 (of the item, where it has one loading).
    """
    table = _rows(fitted, "=~").rename(columns={"lhs": "construct", "rhs": "item"}).drop(columns="op")
    single = ~table["item"].duplicated(keep=False)
    return table.assign(r2=(table["std_all"] ** 2).where(single))


def parameters(fitted: SemFit, kinds: tuple[str, ...] = ("=~", "~", "~~", ":=")) -> pd.DataFrame:
    """Return the estimates of a model of one group as journals ask for them.

    Parameters
    ----------
    fitted : SemFit
        A converged fit.
    kinds : tuple of str
        Which, in lavaan's operators: '=~' loadings, '~' paths, '~~' covariances, ':=' defined quantities, 'var' variances,
        '~1' means and intercepts, '|' thresholds.

    Returns
    -------
    DataFrame
        In the order of `kinds`, then of the model: lhs, op, rhs, est (B), se, std_all (beta), z, pvalue, ci_lower, ci_upper (of B). se, z
        and pvalue are NaN where a parameter is fixed.
    """
    check_fitted(fitted)
    table = fitted.estimates
    kind = table["op"].where(~((table["op"] == "~~") & (table["lhs"] == table["rhs"])), "var")
    found = pd.concat([table[kind == k] for k in kinds], ignore_index=True)
    fixed = ~(found["se"] > 0)
    for column in ("se", "ci_lower", "ci_upper"):
        found[column] = found[column].mask(fixed)
    return found[["lhs", "op", "rhs", "est", "se", "std_all", "z", "pvalue", "ci_lower", "ci_upper"]]


@on_one_thread
def paths(fitted: Fitted) -> pd.DataFrame:
    """Return the standardised paths: outcome, cause, est (raw), std_all, ci_lower, ci_upper (of std_all)."""
    return _rows(fitted, "~").rename(columns={"lhs": "outcome", "rhs": "cause"}).drop(columns="op")


@on_one_thread
def diagram(fitted: Fitted) -> pd.DataFrame:
    """Return what a path diagram draws: lhs, op, rhs, est, std_all, ci_lower, ci_upper of loadings, paths, correlations."""
    return pd.concat([_rows(fitted, op) for op in ("=~", "~", "~~")], ignore_index=True)


def _rows(fitted: Fitted, op: str) -> pd.DataFrame:
    """Return the standardised parameters of one kind; variances, and moments fixed to the sample, are left out."""
    read = check_fitted(fitted).readout
    rows = [
        k for k, q in enumerate(read.model.parameters) if q.op == op and q.lhs != q.rhs and (q.free >= 0 or op == "=~")
    ]
    raw, _, _, _ = uncertainty(fitted, lambda theta: read.read(theta)[0][..., rows])
    value, _, low, high = uncertainty(fitted, lambda theta: read.read(theta)[2][..., rows])
    return pd.DataFrame({
        "lhs": [read.lhs[k] for k in rows], "op": op, "rhs": [read.rhs[k] for k in rows], "est": raw,
        "std_all": value, "ci_lower": low, "ci_upper": high,
    })  # fmt: skip


def largest_indices(fitted: SemFit, most: int = 10) -> pd.DataFrame:
    """Return the modification indices that exceed `NOTABLE_INDEX`, largest first.

    Parameters
    ----------
    fitted : SemFit
        A converged fit.
    most : int
        How many rows at most.

    Returns
    -------
    DataFrame
        As `xmresearch.sem.followup.modification_indices`.
    """
    table = modification_indices(fitted)
    return table[table["mi"] > NOTABLE_INDEX].head(most).reset_index(drop=True)
