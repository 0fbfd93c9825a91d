"""Models with a method factor beside the constructs, each tried and set in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.display import Shown
from xmresearch.errors import DataError, ModelError, nearest
from xmresearch.sem.comparison import difference_test
from xmresearch.sem.fitting import fit
from xmresearch.sem.measurement import write_model
from xmresearch.sem.result import SemFit
from xmresearch.sem.syntax import Term

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class MethodStudy(Shown):
    """A measurement model whose variants are fitted.

    Attributes
    ----------
    terms : tuple of Term
        Of the measurement model.
    data : DataFrame
        Rows, shape (n, any).
    settings : dict
        Of `xmresearch.sem.fitting.fit`.
    problems : list of str
        Which variants failed, and why; `attempt` and `row` add to it.
    """

    terms: tuple[Term, ...]
    data: pd.DataFrame
    settings: dict[str, Any]
    problems: list[str]

    @property
    def latent(self) -> list[str]:
        """The constructs, in order of appearance."""
        return list(dict.fromkeys(t.lhs for t in self.terms if t.op == "=~"))

    @property
    def items(self) -> list[str]:
        """The items, in order of appearance."""
        measured = dict.fromkeys(t.rhs for t in self.terms if t.op == "=~")
        return [v for v in measured if v not in self.latent]

    def check_marker(self, marker: Sequence[str]) -> None:
        """Refuse a marker item that is part of the model, or not in the data."""
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
        if fitted.converged and proper and improper(fitted, spared):
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


def improper(fitted: SemFit, spared: str) -> bool:
    """Whether the (co)variances of residuals and factors, without those of one factor, are impossible."""
    variables = fitted.model.variables
    keep = [k for k, v in enumerate(variables) if v != spared]
    s = fitted.readout.matrices[0].fill(fitted.solution.theta)[1][np.ix_(keep, keep)]
    values = np.linalg.eigvalsh(s)
    return bool(values[0] < -1e-8 * values[-1])


def method_shares(fitted: SemFit, factor: str, items: Sequence[str], theta: Array) -> Array:
    """Return the shares of the items' variances that a factor explains, shape (..., items)."""
    matrices, at = fitted.readout.matrices[0], fitted.model.variables.index
    i, f = np.array([at(v) for v in items]), at(factor)
    loadings, (total, _) = matrices.fill(theta)[0][..., i, f], matrices.total(theta)
    return np.asarray(loadings**2 * total[..., f, f, None] / total[..., i, i])


def with_interval(fitted: SemFit, read: Callable[[Array], Array], confidence: float) -> tuple[float, float, float]:
    """Return a figure that is read off the parameters, shape (..., 1), with its symmetric delta-method interval."""
    theta = fitted.solution.theta
    value = float(read(theta)[0])
    reach = special.ndtri((1 + confidence) / 2) * float(fitted.readout.errors(theta, fitted.covariance, read)[0])
    return value, value - reach, value + reach
