"""Agreement of raters such as mystery shoppers, and what it leaves of differences between branches."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import quantile

Array = NDArray[np.float64]
KappaWeights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, repr=False)
class RaterAgreement(Shown):
    """Intraclass correlations of ratings.

    Attributes
    ----------
    table : DataFrame
        One row per form: type (ICC1 to ICC3k), icc, F, df1, df2, p, lower, upper.
    targets, raters : int
        Rated things (such as branches), and raters.
    between, rater, residual : float
        Variance of single ratings between targets, between raters, and left over.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    targets: int
    raters: int
    between: float
    rater: float
    residual: float
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per form of the intraclass correlation."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the agreement of single ratings and of the raters' mean, and how much of the variance lies between targets."""
        icc = self.table.set_index("type")["icc"]
        total = self.between + self.rater + self.residual
        return {
            "targets": self.targets, "raters": self.raters, "single": float(icc["ICC2"]), "averaged": float(icc["ICC2k"]),
            "between_share": self.between / total if total else float("nan"),
            "rater_share": self.rater / total if total else float("nan"), "level": self.level,
        }  # fmt: skip

    def raters_for(self, reliability: float) -> float:
        """Return how many raters' mean reaches a reliability (Spearman and Brown); infinite where targets do not differ."""
        single = self.summary()["single"]
        return float(np.ceil(reliability * (1 - single) / (single * (1 - reliability)))) if single > 0 else float("inf")


def intraclass(
    ratings: pd.DataFrame, *, target: str, rater: str, rating: str, confidence: float = 0.95
) -> RaterAgreement:
    """Estimate how far raters agree on numbers.

    Parameters
    ----------
    ratings : DataFrame
        One row per rating; every rater rates every target once.
    target, rater, rating : str
        Its columns: what is rated, who rates, and the number.
    confidence : float
        Level.

    Returns
    -------
    RaterAgreement

    Raises
    ------
    DataError
        A column is not there; a rating is blank or given twice; not every rater rated every target.
    InsufficientData
        Fewer than two raters, or fewer than three targets.

    References
    ----------
    Shrout, P. E. & Fleiss, J. L. (1979). Intraclass correlations. Psychological Bulletin, 86, 420-428. McGraw, K. O. & Wong, S. P.
    (1996). Psychological Methods, 1, 30-46.
    """
    missing = [c for c in (target, rater, rating) if c not in ratings.columns]
    if missing:
        raise DataError(f"The ratings have no column '{missing[0]}'.")
    if ratings.duplicated([target, rater]).any():
        raise DataError("A rater rated a target twice.", "Average repeated visits first, or number them as raters.")
    wide = ratings.pivot(index=target, columns=rater, values=rating).astype("float64")
    if wide.isna().any(axis=None):
        raise DataError("Not every rater rated every target.", "Keep the targets that all of them rated.")
    n, k = wide.shape
    if k < 2 or n < 3:
        raise InsufficientData(f"{n} target(s) and {k} rater(s): agreement takes three and two.")
    import pingouin

    long = wide.reset_index(names="target").melt("target", var_name="rater", value_name="rating")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pingouin's own, of pandas 3
        found = pingouin.intraclass_corr(long, targets="target", raters="rater", ratings="rating")
    ms_r, ms_c, ms_e = _squares(wide.to_numpy())
    ends = _interval_ends(ms_r, ms_c, ms_e, n, k, confidence)
    table = pd.DataFrame(
        {"type": _FORMS, "icc": found["ICC"].to_numpy(), "F": found["F"].to_numpy(), "df1": found["df1"].to_numpy(),
         "df2": found["df2"].to_numpy(), "p": found["pval"].to_numpy(), "lower": ends[:, 0], "upper": ends[:, 1]}
    )  # fmt: skip
    return RaterAgreement(table, n, k, max((ms_r - ms_e) / k, 0.0), max((ms_c - ms_e) / n, 0.0), ms_e, confidence)


def _squares(x: Array) -> tuple[float, float, float]:
    """Return the mean squares between targets, between raters and left over."""
    n, k = x.shape
    centre = x.mean()
    rows, columns = x.mean(axis=1) - centre, x.mean(axis=0) - centre
    rest = x - centre - rows[:, None] - columns[None, :]
    ms_e = float((rest**2).sum() / ((n - 1) * (k - 1)))
    return float(k * (rows**2).sum() / (n - 1)), float(n * (columns**2).sum() / (k - 1)), ms_e


def _interval_ends(ms_r: float, ms_c: float, ms_e: float, n: int, k: int, confidence: float) -> Array:
    """Return the exact intervals of the six forms (of ICC2 an approximation), shape (6, 2), in the order of `_FORMS`."""
    tail, rest = (1 + confidence) / 2, (n - 1) * (k - 1)
    ms_w = (ms_c * (k - 1) + ms_e * rest) / (n * (k - 1))

    def reach(a: float, b: float) -> float:
        return float(stats.f.ppf(tail, a, b))

    with np.errstate(divide="ignore", invalid="ignore"):
        f1, f3, fj = (float(np.divide(a, b)) for a, b in ((ms_r, ms_w), (ms_r, ms_e), (ms_c, ms_e)))
        one = np.array([f1 / reach(n - 1, n * (k - 1)), f1 * reach(n * (k - 1), n - 1)])
        three = np.array([f3 / reach(n - 1, rest), f3 * reach(rest, n - 1)])
        icc = float(np.divide(ms_r - ms_e, ms_r + (k - 1) * ms_e + k * (ms_c - ms_e) / n))
        a, b = k * icc, n * (1 + (k - 1) * icc) - k * icc
        df = rest * (a * fj + b) ** 2 / ((n - 1) * (a * fj) ** 2 + b**2)
        spread, low, high = k * ms_c + (k * n - k - n) * ms_e, reach(n - 1, df), reach(df, n - 1)
        two = np.array(
            [n * (ms_r - low * ms_e) / (low * spread + n * ms_r), n * (high * ms_r - ms_e) / (spread + n * high * ms_r)]
        )
        single = [(one - 1) / (one + k - 1), two, (three - 1) / (three + k - 1)]
        return np.array([*single, 1 - 1 / one, two * k / (1 + two * (k - 1)), 1 - 1 / three])


_FORMS = ["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, *, weights: KappaWeights = "none", confidence: float = 0.95
) -> dict[str, float]:
    """Estimate how far two raters agree on categories, beyond chance.

    Parameters
    ----------
    first, second : array_like
        Ratings of the same targets, shape (n,); ordered categories as numbers where weights are linear or quadratic.
    weights : {'none', 'linear', 'quadratic'}
        How much of a disagreement counts.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        n, agreement (share alike, weighted), kappa, se, lower, upper.

    Raises
    ------
    DataError, InsufficientData
        The two are not as long or have blanks; both raters use one category only.

    References
    ----------
    Cohen, J. (1968). Weighted kappa. Psychological Bulletin, 70, 213-220. Fleiss, J. L., Cohen, J. & Everitt, B. S. (1969).
    Psychological Bulletin, 72, 323-327.
    """
    a, b = pd.Series(np.asarray(first)), pd.Series(np.asarray(second))
    if len(a) != len(b) or a.isna().any() or b.isna().any():
        raise DataError("Both raters must have rated every target.", "Leave out targets with a blank.")
    levels = sorted(set(a) | set(b))
    k, n = len(levels), len(a)
    if k < 2:
        raise InsufficientData("Both raters use one category only: kappa is not defined.")
    at = {v: i for i, v in enumerate(levels)}
    p = np.zeros((k, k))
    np.add.at(p, (a.map(at).to_numpy(), b.map(at).to_numpy()), 1 / n)
    far = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    w = np.eye(k) if weights == "none" else 1 - (far if weights == "linear" else far**2)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float((w * p).sum()), float((w * np.outer(rows, columns)).sum())
    kappa = (observed - chance) / (1 - chance)
    mean_r, mean_c = w @ columns, w.T @ rows
    inner = w - (mean_r[:, None] + mean_c[None, :]) * (1 - kappa)
    variance = ((p * inner**2).sum() - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    se = float(np.sqrt(max(variance, 0.0)))
    reach = quantile(confidence) * se
    return {
        "n": float(n), "agreement": observed, "kappa": kappa, "se": se, "lower": max(kappa - reach, -1.0), "upper": min(kappa + reach, 1.0)
    }  # fmt: skip


def fleiss_kappa(counts: ArrayLike, *, confidence: float = 0.95) -> dict[str, float]:
    """Estimate how far several raters agree on categories, beyond chance.

    Parameters
    ----------
    counts : array_like
        Shape (targets, categories): how many raters put the target there; as many for every target.
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        targets, raters, kappa, se (jackknife over targets), lower, upper.

    Raises
    ------
    DataError, InsufficientData
        Not as many ratings of every target; fewer than three targets or two raters; a single category.

    References
    ----------
    Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychological Bulletin, 76, 378-382.
    """
    x = np.asarray(counts, dtype="float64")
    if x.ndim != 2 or (x < 0).any() or np.ptp(x.sum(axis=1)) > 0:
        raise DataError("Every target needs as many ratings.", "Leave out targets that not all raters rated.")
    n, m = len(x), float(x[0].sum()) if len(x) else 0.0
    if n < 3 or m < 2 or (x.sum(axis=0) > 0).sum() < 2:
        raise InsufficientData("Kappa takes three targets, two raters and two categories.")

    def value(part: Array) -> float:
        share = part.sum(axis=0) / part.sum()
        chance = float((share**2).sum())
        alike = float(((part**2).sum(axis=1) - m).mean() / (m * (m - 1)))
        return (alike - chance) / (1 - chance) if chance < 1 else float("nan")

    kappa = value(x)
    left = np.array([value(np.delete(x, i, axis=0)) for i in range(n)])
    se = float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))
    reach = quantile(confidence) * se
    return {
        "targets": float(n),
        "raters": m,
        "kappa": kappa,
        "se": se,
        "lower": kappa - reach,
        "upper": min(kappa + reach, 1.0),
    }
