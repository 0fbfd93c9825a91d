"""Changes of a share: between samples of different people, and among the same people asked twice."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import counted, quantile, share_interval

Array = NDArray[np.float64]
DifferenceMethod = Literal["newcombe", "agresti_caffo", "wald"]


def share_difference(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, *, method: DifferenceMethod = "newcombe",
    confidence: float = 0.95,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Estimate the difference of two independent shares, the first less the second.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Answers of the kind, and all answers, in each sample; of one shape, or shapes that broadcast.
    method : {'newcombe', 'agresti_caffo', 'wald'}
        Newcombe's hybrid of two Wilson intervals by default.
    confidence : float
        Level.

    Returns
    -------
    difference, lower, upper : ndarray
        NaN where a sample has no answers.

    Raises
    ------
    DataError
        A count is negative, or there are more answers of the kind than answers.

    References
    ----------
    Newcombe, R. G. (1998). Statistics in Medicine, 17, 873-890 (method 10). Agresti, A. & Caffo, B. (2000). The American
    Statistician, 54, 280-288.
    """
    a, n, b, m = counted(x1, n1, x2, n2)
    lower_a, upper_a = share_interval(a, n, confidence=confidence)
    lower_b, upper_b = share_interval(b, m, confidence=confidence)
    z = quantile(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = a / n, b / m
        observed = p - q
        if method == "newcombe":
            low = observed - np.sqrt((p - lower_a) ** 2 + (upper_b - q) ** 2)
            high = observed + np.sqrt((upper_a - p) ** 2 + (q - lower_b) ** 2)
            return observed, low, high
        if method == "agresti_caffo":
            a, n, b, m = a + 1, n + 2, b + 1, m + 2
            p, q = a / n, b / m
        half = z * np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
        return observed, p - q - half, p - q + half


def share_test(x1: float, n1: float, x2: float, n2: float) -> dict[str, float]:
    """Test whether two independent shares are equal.

    Parameters
    ----------
    x1, n1, x2, n2 : float
        Answers of the kind, and all answers, in each sample.

    Returns
    -------
    dict of str to float
        z and p of the pooled test, p_fisher of the exact one (NaN where counts are not whole).

    Raises
    ------
    DataError
        A count is negative, or there are more answers of the kind than answers.

    References
    ----------
    Fisher, R. A. (1935). The logic of inductive inference. Journal of the Royal Statistical Society, 98, 39-54.
    """
    share_interval([x1, x2], [n1, n2])
    pooled = (x1 + x2) / (n1 + n2) if n1 + n2 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(pooled * (1 - pooled) * (np.divide(1, n1) + np.divide(1, n2)))
        z = float(np.divide(x1, n1) - np.divide(x2, n2)) / se if se else np.nan
    counts = np.array([[x1, n1 - x1], [x2, n2 - x2]])
    exact = stats.fisher_exact(counts.astype(int)).pvalue if (counts % 1 == 0).all() else np.nan
    return {"z": float(z), "p": float(2 * stats.norm.sf(abs(z))), "p_fisher": float(exact)}


def paired_change(
    yes_yes: float, yes_no: float, no_yes: float, no_no: float, *, confidence: float = 0.95
) -> dict[str, float]:
    """Estimate and test the change of a share among people who were asked twice.

    Parameters
    ----------
    yes_yes, yes_no, no_yes, no_no : float
        People by their first and their second answer.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        change (second share less the first), se, lower, upper (Wald); chisq and p (McNemar), chisq_corrected and p_corrected, p_exact
        (binomial) and p_mid; NaN where nobody changed, but the exact p, which is 1.

    Raises
    ------
    DataError
        A count is negative, or there is nobody.

    References
    ----------
    McNemar, Q. (1947). Psychometrika, 12, 153-157. Fagerland, M. W., Lydersen, S. & Laake, P. (2013). BMC Medical Research
    Methodology, 13, 91.
    """
    b, c = (float(v) for v in counted(yes_no, no_yes))
    n = float(sum(map(float, counted(yes_yes, yes_no, no_yes, no_no))))
    if n == 0:
        raise DataError("There is nobody who was asked twice.", "A paired change needs people with both answers.")
    change = (c - b) / n
    se = float(np.sqrt((b + c) / n - change**2) / np.sqrt(n))
    moved, half = b + c, quantile(confidence) * se
    plain = (b - c) ** 2 / moved if moved else np.nan
    corrected = max(abs(b - c) - 1, 0) ** 2 / moved if moved else np.nan
    least = min(b, c)
    exact = min(1.0, 2 * float(stats.binom.cdf(least, moved, 0.5))) if moved else 1.0
    mid = exact - float(stats.binom.pmf(least, moved, 0.5)) if moved else np.nan
    return {
        "change": change, "se": se, "lower": change - half, "upper": change + half, "chisq": plain,
        "p": float(stats.chi2.sf(plain, 1)), "chisq_corrected": corrected, "p_corrected": float(stats.chi2.sf(corrected, 1)),
        "p_exact": exact, "p_mid": mid,
    }  # fmt: skip
