"""Tests of several coefficients of a regression together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from xmresearch.errors import DataError, brief
from xmresearch.sampling.designs import Design, Mask
from xmresearch.sampling.reference_distributions import DesignTest, f_mixture
from xmresearch.sampling.regressions import Family, SurveyRegression, regression


def positions(fitted: SurveyRegression, terms: Sequence[str]) -> list[int]:
    """Return which coefficients belong to some terms.

    Parameters
    ----------
    fitted : SurveyRegression
        The regression.
    terms : sequence of str
        Names of coefficients, or columns of categories.

    Returns
    -------
    list of int

    Raises
    ------
    DataError
        A term has no coefficient.
    """
    names = list(fitted.table["term"])
    for term in terms:
        if not any(term in (name, name.partition("=")[0]) for name in names):
            raise DataError(
                f"The regression has no term '{brief(term)}'.",
                f"It has {', '.join(repr(brief(n)) for n in names[:8])}.",
            )
    return [k for k, name in enumerate(names) if name in terms or name.partition("=")[0] in terms]


def wald_test(fitted: SurveyRegression, terms: Sequence[str]) -> DesignTest:
    """Test whether several coefficients are 0 together.

    Parameters
    ----------
    fitted : SurveyRegression
        The regression.
    terms : sequence of str
        Their terms, or the column of a category.

    Returns
    -------
    DesignTest
        F.

    Raises
    ------
    DataError
        No coefficient has such a name.

    References
    ----------
    Lumley, T. & Scott, A. (2014). Tests for regression models fitted to survey data. Australian & New Zealand Journal of Statistics, 56,
    1-14.
    """
    at = positions(fitted, terms)
    b = fitted.table["estimate"].to_numpy()[at]
    statistic = float(b @ np.linalg.solve(fitted.covariance[np.ix_(at, at)], b)) / len(at)
    return DesignTest("Wald", statistic, len(at), fitted.df, float(stats.f.sf(statistic, len(at), fitted.df)))


def likelihood_ratio_test(
    design: Design, outcome: str, predictors: Sequence[str], terms: Sequence[str], *, family: Family = "gaussian",
    domain: Mask | None = None,
) -> DesignTest:  # fmt: skip
    """Test whether predictors add nothing, by Rao and Scott's likelihood ratio.

    Parameters
    ----------
    design : Design
        Of the sample.
    outcome : str
        Column.
    predictors : sequence of str
        Columns of the whole model.
    terms : sequence of str
        Those of them that are tested.
    family, domain
        As for `regression`.

    Returns
    -------
    DesignTest
        The difference of the deviances; its `scales` are those of the chi-square variables that it is a sum of.

    Raises
    ------
    DataError
        A term is none of the predictors; see `regression` too.

    References
    ----------
    Lumley, T. & Scott, A. (2014). Tests for regression models fitted to survey data. Australian & New Zealand Journal of Statistics, 56,
    1-14.
    """
    unknown = [t for t in terms if t not in predictors]
    if unknown or not terms:
        raise DataError(
            f"terms: '{brief(unknown[0])}' is none of the predictors."
            if unknown
            else "terms: there is nothing to test.",
            "Name columns of the model.",
        )
    whole = regression(design, outcome, predictors, family=family, domain=domain)
    complete = design.frame[[outcome, *predictors]].notna().all(axis=1).to_numpy() & design.rows(domain)
    kept = [p for p in predictors if p not in terms]
    rest = regression(design, outcome, kept, family=family, domain=complete)
    at = positions(whole, terms)
    simple = np.linalg.inv(whole.information)[np.ix_(at, at)]
    scales = np.linalg.eigvals(np.linalg.solve(simple, whole.covariance[np.ix_(at, at)])).real
    statistic = rest.deviance - whole.deviance
    return DesignTest(
        "likelihood ratio",
        statistic,
        len(at),
        whole.df,
        f_mixture(statistic, scales, whole.df),
        scales=tuple(map(float, scales)),
    )
