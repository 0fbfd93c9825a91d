"""Errors of a sentiment model on texts that people have labelled, and what more labels would bring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.rater_agreement import cohen_kappa
from xmresearch.metrics.share_intervals import quantile, share_interval
from xmresearch.verbatims.probabilities import calibration_error
from xmresearch.verbatims.sentiment_training import label_values, train_sentiment
from xmresearch.verbatims.texts import as_texts

Array = NDArray[np.float64]
CURVE_SIZES = (50, 200, 1000)
KEPT_FOR_TEST, MOST_TESTED, REPEATS = 0.2, 5000, 5
"""Share of the labelled texts that the curve keeps for its test at least; the most that it tests on; samples of each size."""
NAMES = {-1: "negative", 0: "neutral", 1: "positive"}


@dataclass(frozen=True, repr=False)
class SentimentErrors(Shown):
    """How a model's sentiment compares with labels of people.

    Attributes
    ----------
    table : DataFrame
        One row per measure: measure (accuracy, kappa; of negative and of positive texts auc, recall, precision and calibration error),
        of (the kind), estimate, lower, upper, n (cases behind it). Calibration errors have no interval.
    confusion : DataFrame
        One row per label and kind told: label, told, n, share (of the label's texts), lower, upper.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    confusion: pd.DataFrame
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per measure."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return accuracy, kappa and the AUC of negative texts (or of positive ones where nobody was negative)."""
        rows = self.table.set_index(["measure", "of"])["estimate"]
        first = self.table.loc[self.table["measure"] == "auc"].iloc[0]
        return {
            "n": int(self.table["n"].max()), "accuracy": rows["accuracy", "all"], "kappa": rows["kappa", "all"],
            "auc": float(first["estimate"]), "auc_of": first["of"], "level": self.level,
        }  # fmt: skip

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {"Measures": self.table, "What was told of each label": self.confusion}


def sentiment_errors(held_out: pd.DataFrame, *, confidence: float = 0.95) -> SentimentErrors:
    """Measure a model's errors on labelled texts that it did not learn from.

    Parameters
    ----------
    held_out : DataFrame
        As `train_sentiment` returns it, or what `SentimentModel.predict` says of other labelled texts, with their `label`.
    confidence : float
        Level of the intervals.

    Returns
    -------
    SentimentErrors
        Shares with Wilson's interval, AUC with DeLong's on the logit scale, Cohen's kappa.

    Raises
    ------
    DataError
        A column is missing.
    InsufficientData
        All labels are alike.

    References
    ----------
    DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing the areas under two or more correlated receiver operating
    characteristic curves. Biometrics, 44, 837-845. Cohen, J. (1960). Educational and Psychological Measurement, 20, 37-46.
    """
    missing = [c for c in ("negative", "positive", "kind", "label") if c not in held_out.columns]
    if missing:
        raise DataError(f"The table has no column '{missing[0]}'.", "Give what the model says, with the labels.")
    label, told = label_values(held_out["label"]), held_out["kind"].to_numpy()
    kinds = np.unique(label)
    if len(kinds) < 2:
        raise InsufficientData("All labels are alike.", "Errors are measured on texts of two kinds at least.")
    rows = [_share("accuracy", "all", int((label == told).sum()), len(label), confidence)]
    kappa = cohen_kappa(label, told, confidence=confidence)
    rows.append(
        {
            "measure": "kappa",
            "of": "all",
            "n": len(label),
            "estimate": kappa["kappa"],
            **{k: kappa[k] for k in ("lower", "upper")},
        }
    )
    for kind in (-1, 1):
        is_kind, says = label == kind, told == kind
        if kind not in kinds:
            continue
        chance = held_out[NAMES[kind]].to_numpy(dtype="float64")
        area = auc(chance, is_kind, confidence=confidence)
        off = calibration_error(chance, is_kind)
        rows += [
            {"measure": "auc", "of": NAMES[kind], "n": len(label), **area},
            _share("recall", NAMES[kind], int((is_kind & says).sum()), int(is_kind.sum()), confidence),
            _share("precision", NAMES[kind], int((is_kind & says).sum()), int(says.sum()), confidence),
            {"measure": "calibration_error", "of": NAMES[kind], "n": len(label), "estimate": off, "lower": np.nan, "upper": np.nan},
        ]  # fmt: skip
    table = pd.DataFrame(rows)[["measure", "of", "estimate", "lower", "upper", "n"]]
    return SentimentErrors(table, _confusion(label, told, confidence), confidence)


def auc(scores: ArrayLike, outcomes: ArrayLike, *, confidence: float = 0.95) -> dict[str, float]:
    """Estimate the chance that a case of the kind has a higher score than another one; ties count half.

    Parameters
    ----------
    scores, outcomes : array_like
        Of each case, shape (n,).
    confidence : float
        Level.

    Returns
    -------
    dict of str to float
        estimate, lower, upper; the interval is NaN where a kind has one case, or the scores part the kinds fully.

    Raises
    ------
    InsufficientData
        All cases are of one kind.

    References
    ----------
    DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Biometrics, 44, 837-845.
    """
    from scipy.stats import rankdata

    x, kind = np.asarray(scores, dtype="float64"), np.asarray(outcomes, dtype=bool)
    of, others = int(kind.sum()), int((~kind).sum())
    if not of or not others:
        raise InsufficientData("All cases are of one kind.", "AUC compares two.")
    ranks = rankdata(x)
    above = (ranks[kind] - rankdata(x[kind])) / others  # placements: share of others that a case is above
    below = 1 - (ranks[~kind] - rankdata(x[~kind])) / of
    area = float(above.mean())
    found = {"estimate": area, "lower": float("nan"), "upper": float("nan")}
    if of > 1 and others > 1 and 0 < area < 1:
        se = float(np.sqrt(above.var(ddof=1) / of + below.var(ddof=1) / others))
        reach = quantile(confidence) * se / (area * (1 - area))
        logit = np.log(area / (1 - area))
        found |= {"lower": float(1 / (1 + np.exp(reach - logit))), "upper": float(1 / (1 + np.exp(-reach - logit)))}
    return found


def label_curve(
    texts: Iterable[object], labels: ArrayLike | Sequence[object], *, sizes: Sequence[int] = CURVE_SIZES,
    customers: Sequence[object] | None = None, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Measure what models that are trained on few of the labelled texts would bring.

    Parameters
    ----------
    texts, labels, customers
        As for `train_sentiment`.
    sizes : sequence of int
        Labels to train on.
    seed : int
        Of the samples.

    Returns
    -------
    DataFrame
        One row per size, and one for 0, which is the lexicon alone: labels, samples (five, fewer where some had too few texts of a kind),
        accuracy, auc, lowest_auc, highest_auc (among the samples), all on texts that were not trained on; a fifth of all is kept for
        that, and what is missing for it is `short` (NaN elsewhere).

    Raises
    ------
    DataError, InsufficientData
        As for `train_sentiment`; all labels are alike.

    References
    ----------
    Figueroa, R. L., Zeng-Treitler, Q., Kandula, S. & Ngo, L. H. (2012). Predicting sample size required for classification performance.
    BMC Medical Informatics and Decision Making, 12, 8.
    """
    from xmresearch.verbatims.sentiment import lexicon_model

    given, y = as_texts(texts), label_values(labels)
    if len(given) != len(y):
        raise DataError(f"{len(given)} texts and {len(y)} labels.", "Every text needs one label.")
    if len(np.unique(y)) < 2:
        raise InsufficientData("All labels are alike.", "The curve takes texts of two kinds.")
    target = -1 if (y == -1).any() else 1
    whose = None if customers is None else np.asarray(customers, dtype="object")
    rng, rows = np.random.default_rng(seed), []
    fewest = max(int(np.ceil(KEPT_FOR_TEST * len(y))), 1)
    for size in (0, *sizes):
        short = size + fewest - len(y)
        found: list[tuple[float, float]] = []
        for _ in range(REPEATS if short <= 0 else 0):
            order = rng.permutation(len(y))
            train, test = order[:size], order[size : size + MOST_TESTED]
            if whose is not None:
                test = test[~np.isin(whose[test], whose[train])]
            if len(np.unique(y[test] == target)) < 2:
                continue
            try:
                model = lexicon_model() if not size else train_sentiment(
                    [given[i] for i in train], y[train], customers=None if whose is None else list(whose[train])
                )[0]  # fmt: skip
            except InsufficientData:
                continue
            told = model.predict([given[i] for i in test])
            area = auc(told[NAMES[target]], y[test] == target)["estimate"]
            found.append((float((told["kind"].to_numpy() == y[test]).mean()), area))
        accuracy, areas = ([f[k] for f in found] for k in (0, 1))
        rows.append({
            "labels": size, "samples": len(found), "accuracy": np.mean(accuracy) if found else np.nan,
            "auc": np.mean(areas) if found else np.nan, "lowest_auc": min(areas, default=np.nan),
            "highest_auc": max(areas, default=np.nan), "short": float(short) if short > 0 else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _share(measure: str, of: str, successes: int, n: int, confidence: float) -> dict[str, Any]:
    lower, upper = share_interval(successes, n, confidence=confidence)
    share = successes / n if n else np.nan
    return {"measure": measure, "of": of, "estimate": share, "lower": float(lower), "upper": float(upper), "n": n}


def _confusion(label: NDArray[np.int64], told: NDArray[Any], confidence: float) -> pd.DataFrame:
    kinds = sorted({*label.tolist(), *told.tolist()})
    rows = []
    for true in kinds:
        n = int((label == true).sum())
        for said in kinds:
            row = _share("", "", int(((label == true) & (told == said)).sum()), n, confidence)
            count = int(((label == true) & (told == said)).sum())
            rows.append(
                {
                    "label": NAMES[true],
                    "told": NAMES[said],
                    "n": count,
                    "share": row["estimate"],
                    "lower": row["lower"],
                    "upper": row["upper"],
                }
            )
    return pd.DataFrame(rows)
