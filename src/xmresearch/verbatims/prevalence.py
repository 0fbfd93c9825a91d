"""Shares of negative texts and emotion indices over time, corrected for the classifier's errors, with honest intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.net_scores import net_score
from xmresearch.metrics.share_intervals import quantile, share_interval
from xmresearch.metrics.wave_changes import Change
from xmresearch.verbatims.error_rates import ErrorRates, error_rates
from xmresearch.verbatims.error_stability import equal_errors_p, mixture_p
from xmresearch.verbatims.score_counts import CELLS, LabelledScores, ScoreCounts, cell_of

Array = NDArray[np.float64]
STABLE_LEVEL = 0.05
FEWEST_LABELS = 30
"""Labels of a period from which it stands on them alone."""
FEWEST_TO_HELP = 10
"""Labels of the lowest and the highest kind in a period from which scores help its labels."""
HALF_WIDTH = 0.05
"""Half of the interval that `labels_needed` would bring."""


@dataclass(frozen=True, repr=False)
class CorrectedShares(Shown):
    """Shares or indices of groups, corrected for a classifier's errors.

    Attributes
    ----------
    table : DataFrame
        One row per group, with its columns: n (texts), labels (of that group), counted (what the scores say as they are), estimate, se, lower,
        upper, method (`labels`: by labels of the group, whatever the classifier does there; `error_rates`: by the errors on all labelled
        texts, which the group is taken to share; `withheld`), p_stable (of a test that it does share them), why (it is withheld: `no_labels`, `errors_moved`, `errors_differ`, `not_apart`, `few_texts`) and labels_needed (of the group, for an interval of five points to either side).
    target : tuple of float
        Lowest and highest value: 0 and 1 of a share, -1 and 1 of an index.
    p_between : float
        Of equal errors in all labelled groups; NaN where labels say nothing of it.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    target: tuple[float, float]
    p_between: float
    level: float
    _shares: Array
    _sampling: Array
    _rates: ErrorRates

    def tidy(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return how many groups stand on labels, on error rates, or are withheld."""
        ways = self.table["method"].value_counts()
        return {
            "groups": len(self.table), "texts": float(self.table["n"].sum()),
            **{way: int(ways.get(way, 0)) for way in ("labels", "error_rates", "withheld")},
            "p_between": self.p_between, "level": self.level,
        }  # fmt: skip

    def change(self, before: int, after: int) -> Change:
        """Estimate the change between two groups, given by their rows.

        Parameters
        ----------
        before, after : int
            Rows of the table.

        Returns
        -------
        Change
            Errors that both share count once: where nothing changed, they do not make the interval wider.

        Raises
        ------
        InsufficientData
            One of the two is withheld.
        """
        rows = [self.table.iloc[i] for i in (before, after)]
        if any(row["method"] == "withheld" for row in rows):
            raise InsufficientData("One of the two is withheld.", "Label texts of that period: see labels_needed.")
        gap = float(rows[1]["estimate"] - rows[0]["estimate"])
        if all(row["method"] == "error_rates" for row in rows):
            moved = self._shares[after] - self._shares[before]
            variance = float(self._sampling[before] + self._sampling[after] + moved**2 @ self._rates.weight())
        else:
            variance = float(sum(row["se"] ** 2 for row in rows))
        se = float(np.sqrt(variance))
        z = quantile(self.level)
        p = float(2 * stats.norm.sf(abs(gap) / se)) if se > 0 else float("nan")
        return Change(
            float(rows[0]["estimate"]), float(rows[1]["estimate"]), gap, gap - z * se, gap + z * se, se, np.inf, p,
            float(rows[0]["n"]), float(rows[1]["n"]), self.level,
        )  # fmt: skip


def corrected_shares(
    counts: ScoreCounts, labelled: LabelledScores, *, without_labels: Literal["tested", "withheld"] = "tested",
    confidence: float = 0.95,
) -> CorrectedShares:  # fmt: skip
    """Correct shares of texts, or indices, for the errors of the classifier that told them.

    Parameters
    ----------
    counts : ScoreCounts
        Scores of all texts by group, the labelled ones among them.
    labelled : LabelledScores
        Labelled texts, with scores by a model that did not learn from them. Those with a group are a random sample of that group's texts.
    without_labels : {'tested', 'withheld'}
        What becomes of groups with fewer than 30 labels of their own: they take the errors of all labelled texts where tests do not speak
        against it, or are all withheld.
    confidence : float
        Level.

    Returns
    -------
    CorrectedShares
        A group with 30 labels of its own stands on them: its labels, helped by the scores of its other texts (a regression estimator, which
        holds whatever the classifier's errors are there). Another group takes the errors on all labelled texts to be its own, which holds
        when shares shift and errors do not. It is withheld where its scores are no mixture of those of the labelled kinds (p < .05), or where
        labelled groups show that errors move. A shift that neither shows is not seen, and of three kinds many are not: a classifier that tells
        less apart looks like more neutral texts. Only labels of the group rule that out; `shift_limits` says how far a
        share may be off without them.

    Raises
    ------
    DataError
        Groups or scores of the two differ, or there are more labels than texts.
    InsufficientData
        Fewer than five labels of a kind.

    References
    ----------
    Rogan, W. J. & Gladen, B. (1978). Estimating prevalence from the results of a screening test. American Journal of Epidemiology, 107,
    71-76. Angelopoulos, A. N., Duchi, J. C. & Zrnic, T. (2023). PPI++: efficient prediction-powered inference. arXiv:2311.01453. Cochran, W.
    G. (1977). Sampling techniques, 3rd ed., chapters 7 and 12. Bella, A. et al. (2010). Quantification via probability estimators. ICDM.
    """
    if counts.scores != labelled.scores:
        raise DataError(
            f"Texts are scored by {', '.join(counts.scores)}, labelled ones by {', '.join(labelled.scores)}.",
            f"Count the scores {labelled.scores}.",
        )
    group = _group_of(counts.groups, labelled.groups)
    rates = error_rates(labelled.f, labelled.y, confidence=confidence)
    kind = np.searchsorted(labelled.values, labelled.y)
    by_kind = np.stack(
        [np.bincount(cell_of(labelled.f[kind == k]), minlength=CELLS) for k in range(len(labelled.values))]
    ).astype("float64")
    between = equal_errors_p(labelled.f, kind, group)
    slope = _pooled_slope(labelled)
    needed = _labels_needed(labelled.y - labelled.f @ slope, confidence)
    rows, shares, sampling = [], [], []
    for i in range(len(counts.n)):
        n, own = float(counts.n[i]), group == i
        if own.sum() > n:
            raise DataError(
                f"Group {i} has {int(own.sum())} labels and {n:g} texts.", "Count the scores of labelled texts too."
            )
        mean, cov = _moments(counts, i)
        found = rates.shares(mean, cov, n)
        p = mixture_p(counts.cells[i], by_kind)
        row: dict[str, Any] = {
            "n": n, "labels": int(own.sum()), "counted": labelled.plain[0] + float(labelled.plain[1] @ mean),
            "p_stable": p, "why": "", "labels_needed": 0,
        }  # fmt: skip
        if own.sum() >= FEWEST_LABELS:
            estimate = _by_labels(labelled, own, mean, cov, n, slope, confidence)
            row |= dict(zip(("estimate", "se", "lower", "upper"), estimate, strict=True)) | {"method": "labels"}
        else:
            why = "no_labels" if without_labels == "withheld" else ""
            why = (
                why
                or found.why
                or ("errors_moved" if p < STABLE_LEVEL else "errors_differ" if between < STABLE_LEVEL else "")
            )
            limits = (np.nan,) * 4 if why else (found.estimate, found.se, found.lower, found.upper)
            row |= dict(zip(("estimate", "se", "lower", "upper"), limits, strict=True))
            row |= {"method": "withheld" if why else "error_rates", "why": why, "labels_needed": needed if why else 0}
        rows.append(row)
        shares.append(found.shares)
        sampling.append(found.sampling)
    columns = [
        "n",
        "labels",
        "counted",
        "estimate",
        "se",
        "lower",
        "upper",
        "method",
        "p_stable",
        "why",
        "labels_needed",
    ]
    table = pd.concat([counts.groups.reset_index(drop=True), pd.DataFrame(rows)[columns]], axis=1)
    ends = (float(labelled.values[0]), float(labelled.values[-1]))
    return CorrectedShares(table, ends, between, confidence, np.array(shares), np.array(sampling), rates)


def _group_of(groups: pd.DataFrame, labelled: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of each labelled text's group; -1 where it is not known, or is none of them."""
    if not len(labelled.columns):
        return np.full(len(labelled), 0 if not len(groups.columns) else -1)
    if list(groups.columns) != list(labelled.columns):
        raise DataError(
            f"Texts are counted by {', '.join(map(str, groups))}, labels by {', '.join(map(str, labelled))}.",
            "Count both by the same columns.",
        )
    names = list(groups.columns)
    # blanks match nothing: neither side keeps them as keys
    at = groups.assign(_row=np.arange(len(groups)))
    known = labelled.reset_index(drop=True).assign(_text=np.arange(len(labelled))).dropna(subset=names)
    found = known.merge(at, on=names, how="inner")
    rows = np.full(len(labelled), -1)
    rows[found["_text"].to_numpy()] = found["_row"].to_numpy()
    return rows


def _moments(counts: ScoreCounts, i: int) -> tuple[Array, Array]:
    n = counts.n[i]
    if n < 1:
        m = counts.total.shape[1]
        return np.full(m, np.nan), np.full((m, m), np.nan)
    mean = counts.total[i] / n
    return mean, (counts.cross[i] - n * np.outer(mean, mean)) / max(n - 1, 1)


def _pooled_slope(labelled: LabelledScores) -> Array:
    centred = labelled.f - labelled.f.mean(axis=0)
    return np.asarray(np.linalg.lstsq(centred, labelled.y - labelled.y.mean(), rcond=None)[0], dtype="float64")


def _labels_needed(residual: Array, confidence: float) -> int:
    return max(FEWEST_LABELS, int(np.ceil((quantile(confidence) / HALF_WIDTH) ** 2 * residual.var(ddof=1))))


def _by_labels(
    labelled: LabelledScores, own: NDArray[np.bool_], mean: Array, cov: Array, n: float, slope: Array, confidence: float
) -> tuple[float, float, float, float]:
    """Return estimate, se and limits by the labels of a group, with its scores where they have enough of each kind to help."""
    y, f = labelled.y[own], labelled.f[own]
    size = len(y)
    each = [int((y == v).sum()) for v in (labelled.values[0], labelled.values[-1])]
    low, high = labelled.values[0], labelled.values[-1]
    if min(each) >= FEWEST_TO_HELP:
        left = y - f @ slope
        estimate = float(left.mean() + slope @ mean)
        both = np.cov(f.T, left).reshape(len(slope) + 1, -1)[:-1, -1]
        variance = float(left.var(ddof=1) / size + (slope @ cov @ slope + 2 * slope @ both) / n)
        if low < estimate < high and variance > 0:
            se = float(np.sqrt(variance))
            if len(labelled.values) == 2:  # Wilson's interval of as many labels as would have this variance
                part = (estimate - low) / (high - low)
                alike = part * (1 - part) * (high - low) ** 2 / variance
                ends = [
                    low + (high - low) * float(e) for e in share_interval(part * alike, alike, confidence=confidence)
                ]
                return estimate, se, ends[0], ends[1]
            reach = float(stats.t.ppf(0.5 + confidence / 2, size - 1)) * se
            return estimate, se, max(estimate - reach, low), min(estimate + reach, high)
    estimate, se = float(y.mean()), float(y.std(ddof=1) / np.sqrt(size))
    if len(labelled.values) == 2:
        ends = [low + (high - low) * float(e) for e in share_interval(each[1], size, confidence=confidence)]
        return estimate, se, ends[0], ends[1]
    row = net_score(each[0], size - sum(each), each[1], confidence=confidence).table.iloc[0]
    return estimate, se, float(row["lower"]) / 100, float(row["upper"]) / 100
