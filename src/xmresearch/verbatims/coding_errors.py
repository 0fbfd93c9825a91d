"""How far codes given by rules or by a machine agree with those of people: precision, recall and F1, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.metrics.krippendorff import krippendorff_alpha
from xmresearch.metrics.share_intervals import share_interval

Array = NDArray[np.float64]
FEW_CODED = 10
"""Texts of a theme below which it is not counted in the mean over themes: neither can it be learned nor its errors be told."""


@dataclass(frozen=True, repr=False)
class CodeErrors(Shown):
    """Errors of codes.

    Attributes
    ----------
    table : DataFrame
        One row per theme: theme, coded (texts that people gave it), given (that the codes give it), hits, precision, recall and f1 each
        with lower and upper, and counted (whether it is in the mean).
    macro_f1, lower, upper : float
        Mean of F1 over the themes that count, with percentile interval over texts.
    micro_f1 : float
        F1 of all codes of all themes together.
    n : int
        Texts.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    macro_f1: float
    lower: float
    upper: float
    micro_f1: float
    n: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per theme."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the mean F1 with its interval, and of how many themes and texts."""
        return {
            "macro_f1": self.macro_f1, "lower": self.lower, "upper": self.upper, "micro_f1": self.micro_f1,
            "themes": int(self.table["counted"].sum()), "left_out": int((~self.table["counted"]).sum()), "n": self.n,
        }  # fmt: skip


def code_errors(
    given: pd.DataFrame, people: pd.DataFrame, *, confidence: float = 0.95, bootstrap: int = 1000, seed: int = 0
) -> CodeErrors:
    """Hold codes against those of people.

    Parameters
    ----------
    given, people : DataFrame of bool
        Whether each text has each theme, shape (n, themes), the same texts and themes.
    confidence : float
        Level of the intervals.
    bootstrap : int
        Samples of texts for the interval of the mean.
    seed : int
        Of the samples.

    Returns
    -------
    CodeErrors

    Raises
    ------
    DataError
        The two have other texts or themes.

    Notes
    -----
    Precision and recall have Wilson's interval. F1 is 2 J / (1 + J) of the share J of hits among all texts that either gives the theme,
    and so is its interval.

    References
    ----------
    Van Rijsbergen, C. J. (1979). Information retrieval, 2nd ed. Butterworths. Wilson, E. B. (1927). JASA, 22, 209-212.
    """
    if list(given.columns) != list(people.columns) or len(given) != len(people):
        raise DataError("The codes are not of the same texts and themes.", "Give both the same rows and columns.")
    ours, theirs = given.to_numpy(dtype=bool), people.to_numpy(dtype=bool)
    hit, either = ours & theirs, ours | theirs
    hits, of_ours, of_theirs = (m.sum(axis=0) for m in (hit, ours, theirs))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = hits / of_ours, hits / of_theirs
        share = hits / either.sum(axis=0)
    low, high = share_interval(hits, either.sum(axis=0), confidence=confidence)
    counted = of_theirs >= FEW_CODED
    table = pd.DataFrame({"theme": list(given.columns), "coded": of_theirs, "given": of_ours, "hits": hits})
    for name, value, total in (("precision", precision, of_ours), ("recall", recall, of_theirs)):
        ends = share_interval(hits, total, confidence=confidence)
        table = table.assign(**{name: value, f"{name}_lower": ends[0], f"{name}_upper": ends[1]})
    table = table.assign(f1=_f1(share), f1_lower=_f1(low), f1_upper=_f1(high), counted=counted)
    rng, n, tail = np.random.default_rng(seed), len(ours), (1 - confidence) / 2
    drawn = np.empty(bootstrap)
    columns = np.hstack([hit[:, counted], either[:, counted]]).astype("float64")
    for at in range(bootstrap if counted.any() else 0):
        sums = np.bincount(rng.integers(n, size=n), minlength=n) @ columns
        got, of = np.split(sums, 2)
        drawn[at] = _f1(np.divide(got, of, out=np.zeros_like(got), where=of > 0)).mean()
    span = np.quantile(drawn, [tail, 1 - tail]) if counted.any() else np.array([np.nan, np.nan])
    mean = float(_f1(np.nan_to_num(share[counted])).mean()) if counted.any() else np.nan
    whole = float(either.sum())
    return CodeErrors(
        table, mean, float(span[0]), float(span[1]), float(_f1(hits.sum() / whole)) if whole else np.nan, n, confidence
    )


def coder_ceiling(
    first: pd.DataFrame, second: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Tell how far two people agree who coded the same texts: more than that no machine can be shown to agree with people.

    Parameters
    ----------
    first, second : DataFrame of bool
        Whether each text has each theme by each coder, shape (n, themes).
    confidence : float
        Level of the intervals.
    seed : int
        Of the samples of texts.

    Returns
    -------
    DataFrame
        One row per theme: theme, alpha (Krippendorff's) with alpha_lower and alpha_upper, f1 (of one coder held against the other) with
        f1_lower and f1_upper, coded_first and coded_second (texts).

    Raises
    ------
    DataError
        The two have other texts or themes.
    InsufficientData
        Fewer than three texts.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania.
    """
    errors = code_errors(second, first, confidence=confidence, bootstrap=1, seed=seed).table
    rows = []
    for theme in first.columns:
        both = np.column_stack([first[theme], second[theme]]).astype("float64")
        found = krippendorff_alpha(both, confidence=confidence, seed=seed)
        rows.append(
            {"theme": theme, "alpha": found["alpha"], "alpha_lower": found["lower"], "alpha_upper": found["upper"]}
        )
    return pd.DataFrame(rows).assign(
        f1=errors["f1"], f1_lower=errors["f1_lower"], f1_upper=errors["f1_upper"], coded_first=errors["coded"],
        coded_second=errors["given"],
    )  # fmt: skip


def _f1(share: Array) -> Array:
    """Return F1 of the share of hits among what either side gives."""
    return np.asarray(2 * share / (1 + share))
