"""Tables in full, as journals ask for them: what the report shows in part, and what a reader needs to fit the model again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.psychometrics.construct_validity import ValidityResult, square_of
from xmresearch.psychometrics.items_of_model import model_items
from xmresearch.sem.pls_fit import PlsResult
from xmresearch.sem.result import SemFit
from xmresearch.sem.tables import ModelsResult, parameters

ESTIMATES = ["lhs", "op", "rhs", "b", "se", "b_ci", "z", "pvalue", "beta"]
"""Columns of the tables of estimates, as `xmresearch.report.compose.Report.table` takes them."""


@dataclass(frozen=True, repr=False)
class Appendix(Shown):
    """Tables in full.

    Attributes
    ----------
    items : DataFrame
        As `xmresearch.psychometrics.items_of_model.model_items`.
    estimates : DataFrame
        Loadings, paths, covariances and defined quantities: lhs, op, rhs, b, se, b_lower, b_upper, z, pvalue, beta.
    rest : DataFrame
        Variances, intercepts and thresholds, the same columns.
    fit : DataFrame
        As `ModelsResult.table`, without what the estimator has not.
    correlations, ratios : DataFrame
        As `ValidityResult.fornell_larcker` and `ValidityResult.ratios`.
    pls : PlsTables or None
        None where the model was not estimated by partial least squares.
    """

    items: pd.DataFrame
    estimates: pd.DataFrame
    rest: pd.DataFrame
    fit: pd.DataFrame
    correlations: pd.DataFrame
    ratios: pd.DataFrame
    pls: PlsTables | None


@dataclass(frozen=True, repr=False)
class PlsTables(Shown):
    """Tables of partial least squares in full.

    Attributes
    ----------
    outer, reliability, explained : DataFrame
        As `PlsResult.outer`, `PlsResult.reliability` and `PlsResult.r2`.
    correlations : DataFrame
        construct, and one column per construct: correlations below the diagonal, root of the AVE on it, NaN above it.
    ratios : DataFrame
        construct, and one column per construct: HTMT below the diagonal, else NaN.
    effects : DataFrame
        As `PlsResult.effects`, with outcome and cause for lhs and rhs.
    """

    outer: pd.DataFrame
    reliability: pd.DataFrame
    explained: pd.DataFrame
    correlations: pd.DataFrame
    ratios: pd.DataFrame
    effects: pd.DataFrame


def appendix(
    fitted: SemFit, frame: pd.DataFrame, models: ModelsResult, valid: ValidityResult, composites: PlsResult | None
) -> Appendix:
    """Gather the tables of the appendix.

    Parameters
    ----------
    fitted : SemFit
        The model, of one group.
    frame : DataFrame
        The rows that it was fitted to.
    models : ModelsResult
        It, its measurement part and its rivals.
    valid : ValidityResult
        Validity of its constructs.
    composites : PlsResult or None
        The same model by partial least squares.

    Returns
    -------
    Appendix

    Raises
    ------
    ModelError
        The model did not converge.
    """
    return Appendix(
        model_items(fitted, frame), _named(parameters(fitted)), _rest(fitted),
        models.table.dropna(axis=1, how="all"), valid.fornell_larcker(), valid.ratios(),
        None if composites is None else _of_composites(composites),
    )  # fmt: skip


def _named(table: pd.DataFrame) -> pd.DataFrame:
    names = {"est": "b", "ci_lower": "b_lower", "ci_upper": "b_upper", "std_all": "beta"}
    return table.rename(columns=names)[["lhs", "op", "rhs", "b", "se", "b_lower", "b_upper", "z", "pvalue", "beta"]]


def _rest(fitted: SemFit) -> pd.DataFrame:
    table = _named(parameters(fitted, ("var", "~1", "|")))
    own = table["op"] == "~~"
    return table.assign(op=table["op"].mask(own, "variance"), rhs=table["rhs"].mask(own, ""))


def _of_composites(found: PlsResult) -> PlsTables:
    names = found.correlations.columns.tolist()
    correlations = found.fornell_larcker.to_numpy(dtype="float64").copy()
    correlations[np.triu_indices(len(names), 1)] = np.nan
    return PlsTables(
        found.outer, found.reliability, found.r2, _named_rows(pd.DataFrame(correlations, columns=names)), _named_rows(square_of(found.htmt, names, "htmt")),
        found.effects.rename(columns={"lhs": "outcome", "rhs": "cause"}),
    )  # fmt: skip


def _named_rows(square: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"construct": square.columns}), square], axis=1)
