"""What may be said of the model beside others: its rivals, partial least squares, a simulated survey's truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim, cases
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import log_share
from xmresearch.sem.comparison import same_design
from xmresearch.sem.pls_fit import PlsResult
from xmresearch.sem.result import SemFit
from xmresearch.sem.row_design import RowDesign
from xmresearch.studies.sem.evidence import Array

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "best_model": tuple(c for c in cases("first") if c not in ("only", "conditional")),
    "pls_closer": cases("share"),
    "covered": cases("share"),
}


def pls_claim(composites: PlsResult | None, paths: pd.DataFrame) -> Claim | None:
    """Count the paths that are closer to zero by partial least squares than in the model; None where there are none."""
    if composites is None:
        return None
    own = composites.paths.rename(columns={"lhs": "outcome", "rhs": "cause"})[["outcome", "cause", "est"]]
    both = own.merge(paths[["outcome", "cause", "std_all"]], on=["outcome", "cause"])
    closer = int((both["est"].abs() < both["std_all"].abs()).sum())
    return log_share("pls_closer", closer, len(both), further=len(both) - closer) if len(both) else None


def truth_claim(found: Mapping[str, int] | None, confidence: float) -> Claim | None:
    """Count the intervals that hold what a simulated survey's whole population would give; None for real data."""
    return log_share("covered", found["covered"], found["intervals"], nominal=confidence) if found else None


def rivals_claim(fitted: SemFit, rivals: Mapping[str, SemFit], name: str) -> Claim | None:
    """Claim which of several models of the same answers describes them best.

    Parameters
    ----------
    fitted : SemFit
        The study's model.
    rivals : mapping of str to SemFit
        By name; those of other items or respondents, or that did not converge, cannot be compared and are left out.
    name : str
        What the study's own model is called among them.

    Returns
    -------
    Claim or None
        None where no rival can be compared.

    Notes
    -----
    Vuong's test: the models' casewise log-likelihoods, each with the penalty of BIC, are compared in pairs [1]_ [2]_.
    Of nested models that both hold the smaller leads. With weights or clusters, means and covariances of the log-likelihoods are
    weighted and linearised by cluster.

    References
    ----------
    .. [1] Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica, 57,
       307-333.
    .. [2] Merkle, E. C., You, D. & Preacher, K. J. (2016). Testing nonnested structural equation models. Psychological
       Methods, 21, 151-163.
    """
    models = {name: fitted} | {k: v for k, v in rivals.items() if _comparable(v, fitted)}
    if len(models) == 1 or not _comparable(fitted, fitted):
        return None
    values = np.column_stack([casewise_likelihood(f) for f in models.values()])
    n = fitted.n
    penalty = np.array([f.model.n_free for f in models.values()]) * np.log(n) / 2 / n
    mean, covariance, df = _drawn_means(values, fitted.samples[0].design)
    joint = Joint(mean - penalty, covariance=covariance, df=df)
    made = first_of("best_model", joint, list(models), confidence=fitted.confidence)
    return made.about(left_out=len(rivals) + 1 - len(models))


def _drawn_means(values: Array, design: RowDesign) -> tuple[Array, Array, int]:
    """Return the means of rows (n, k), their covariances (k, k), and the degrees of freedom of these."""
    if design.plain:
        return values.mean(axis=0), np.cov(values, rowvar=False) / len(values), len(values) - 1
    mean = np.average(values, axis=0, weights=design.weights)
    total = len(values) if design.weights is None else float(design.weights.sum())
    drawn = design.units((values - mean) / total)
    g = len(drawn)
    return mean, g / (g - 1) * drawn.T @ drawn, g - 1


def _comparable(other: SemFit, fitted: SemFit) -> bool:
    same = (
        other.n == fitted.n
        and same_design(other, fitted)
        and sorted(other.model.observed) == sorted(fitted.model.observed)
    )
    return same and other.converged and other.estimator != "WLSMV" and bool(other.rows) and len(other.rows) == 1


def casewise_likelihood(fitted: SemFit) -> Array:
    """Return the log-likelihood of each respondent's answers, shape (n,), blanks left out.

    Parameters
    ----------
    fitted : SemFit
        A converged model of one group and of continuous answers, fitted to rows.

    Returns
    -------
    ndarray
    """
    rows, implied = fitted.rows[0], fitted.solution.implied[0]
    mean = implied.mean if fitted.model.means else np.average(rows, axis=0, weights=fitted.samples[0].design.weights)
    answered, pattern = np.unique(~np.isnan(rows), axis=0, return_inverse=True)
    found = np.empty(len(rows))
    for k, there in enumerate(answered):
        mine = pattern == k
        cov = implied.cov[np.ix_(there, there)]
        gaps = rows[np.ix_(mine, there)] - mean[there]
        distance = (gaps * np.linalg.solve(cov, gaps.T).T).sum(axis=1)
        found[mine] = -(distance + np.linalg.slogdet(cov)[1] + there.sum() * np.log(2 * np.pi)) / 2
    return found
