"""SERVQUAL gaps: perception minus expectation, by statement and by dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pingouin
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.answer_formats import answer_format
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.data.survey import require_pairs
from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.inference.estimates import Means, estimate_means, mean_covariance, percentile_interval, replicate_means
from xmresearch.inference.sample_designs import Weights
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.psychometrics.batteries import Units
from xmresearch.psychometrics.single_batteries import Battery, direct_scores
from xmresearch.sampling.designs import Design
from xmresearch.sufficient.available_moments import scored
from xmresearch.sufficient.moments import Moments, reduce_rows

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FEW_ANSWERS, INTERVALS_APART = 30, 0.15
ADJUSTMENT = {"dimension": "holm", "statement": "fdr_bh"}


@dataclass(frozen=True, repr=False)
class GapResult(Shown):
    """Gaps with tests and intervals.

    Attributes
    ----------
    table : DataFrame
        One row per statement and per dimension: level, id, construct, n, expectation, perception (neither where the answers themselves are
        gaps), gap, sd, se, t, df, p,
        p_adjusted (Holm over dimensions, Benjamini-Hochberg over statements), family (its size), ci_lower, ci_upper
        (t interval), boot_lower, boot_upper (percentile bootstrap), d (gap / sd), d_lower, d_upper (bootstrap); of a design also
        deff (variance over that of a simple random sample of as many respondents) and worth (n / deff).
    confidence : float
        Level of the intervals.
    draws : int
        Bootstrap replicates; 0 where the rows were streamed.
    covariance : ndarray or None
        Of the dimensions' gaps, shape (dimensions, dimensions); None where the rows were streamed.
    """

    table: pd.DataFrame
    confidence: float
    draws: int
    covariance: Array | None = None

    @property
    def designed(self) -> bool:
        """Whether the design of the sample entered."""
        return "deff" in self.table

    def design_effects(self) -> pd.DataFrame | None:
        """Return what the design does to the gaps of dimensions, one row each; None without a design."""
        return self.tidy("dimension")[["construct", "n", "gap", "se", "df", "deff", "worth"]] if self.designed else None

    def tidy(self, level: str | None = None) -> pd.DataFrame:
        """Return the rows of one level ('statement' or 'dimension'), or all."""
        return self.table if level is None else self.table[self.table["level"] == level].reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return how many dimensions and statements there are, and the most respondents behind one of them."""
        dims = self.tidy("dimension")
        return {"n": int(dims["n"].max()), "dimensions": len(dims), "statements": len(self.table) - len(dims)}

    def plot(self) -> Figure:
        """Draw the gaps of the dimensions with their intervals."""
        return forest(self.tidy("dimension"), "construct", "gap", "ci", axis="gap, in points of the answer scale")

    def _head(self) -> Mapping[str, Any]:
        return {**self.summary(), "level": self.confidence, "bootstrap": self.draws}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        wanted = ["id", "n", "expectation", "perception", "gap", "ci_lower", "ci_upper", "d", "p_adjusted"]
        columns = [c for c in wanted if c in self.table]
        return {level.capitalize(): self.tidy(level)[columns] for level in ("dimension", "statement")}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status (pass, warn, fail)."""
        smallest = int(self.table["n"].min())
        rows: list[tuple[str, float, float, str]] = [
            ("gap_n", smallest, FEW_ANSWERS, "pass" if smallest >= FEW_ANSWERS else "warn")
        ]
        if self.draws:
            dims = self.tidy("dimension")
            ratio = (dims["boot_upper"] - dims["boot_lower"]) / (dims["ci_upper"] - dims["ci_lower"])
            off = float((ratio - 1).abs().max())
            rows.append(("interval_agreement", off, INTERVALS_APART, "pass" if off <= INTERVALS_APART else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def gaps(
    data: pd.DataFrame | StreamedAnswers | pl.LazyFrame,
    codebook: Codebook,
    *,
    weights: Weights = None,
    confidence: float = 0.95,
    min_answered: float = 0.5,
    bootstrap: int = 2000,
    seed: int = 0,
) -> GapResult:
    """Measure the gaps between what was expected and what was perceived.

    Parameters
    ----------
    data : DataFrame, StreamedAnswers or polars.LazyFrame
        One row per respondent. Streamed answers have t intervals only. A LazyFrame is streamed once in bounded memory; it then has t intervals only, since the
        bootstrap and design weights need rows; reverse-keyed items are recoded on the way.
    codebook : Codebook
        Which columns are expectations and perceptions of which statement, or items that are themselves the gap. Reverse-keyed items must be recoded in a
        DataFrame already, as `prepare_survey` does.
    weights : ndarray or Design, optional
        Design weights, shape (n,), or the design of the sample.
    confidence : float
        Level of the intervals.
    min_answered : float
        Share of a dimension's statements that a respondent must answer twice to count there.
    bootstrap : int
        Replicates of the percentile bootstrap; 0 for none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    GapResult

    Raises
    ------
    CodebookError
        An expectation lacks its perception; perceptions alone were asked.
    DataError
        Streamed answers are themselves gaps; weights or a bootstrap were asked of streamed rows, or these hold answers outside their scale.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. & Berry, L. L. (1988). SERVQUAL. Journal of Retailing, 64(1), 12-40.
    """
    direct = answer_format(codebook) == "direct"
    if not direct:
        require_pairs(codebook)
    units = Units.of(codebook)
    if isinstance(data, pd.DataFrame | StreamedAnswers):
        bootstrap = 0 if isinstance(data, StreamedAnswers) else bootstrap
        if direct:
            gap = scored(data, lambda rows: direct_scores(rows, codebook, min_answered)[1])
            table = _gap_table(Battery.of(codebook, "gap").table, estimate_means(gap, weights), confidence)
        else:

            def score(rows: pd.DataFrame) -> Array:
                low, high = units.scores(rows[list(units.columns)].to_numpy(dtype=float), min_answered)
                return np.hstack([low, high, high - low])

            k = len(units.table)
            every = scored(data, score)
            gap, means = every[:, 2 * k :], estimate_means(every[:, : 2 * k], weights).mean
            table = _gap_table(
                units.table,
                estimate_means(gap, weights),
                confidence,
                {"expectation": means[:k], "perception": means[k:]},
            )
        if bootstrap:
            _add_bootstrap(table, gap, weights, confidence, bootstrap, seed)
        if isinstance(weights, Design):
            with np.errstate(invalid="ignore", divide="ignore"):
                table["deff"] = table["se"] ** 2 * table["n"] / table["sd"] ** 2
                table["worth"] = table["n"] / table["deff"]
        wide = (table["level"] == "dimension").to_numpy()
        return GapResult(table, confidence, bootstrap, mean_covariance(gap[:, wide], weights))
    if direct:
        raise DataError("Gaps that are themselves the answers cannot be streamed.", "Pass a DataFrame.")
    if weights is not None or bootstrap:
        raise DataError(
            "Streamed rows have neither design weights nor a bootstrap.", "Pass bootstrap=0, or a DataFrame."
        )
    _require_range(data, codebook, units)
    parts = reduce_rows(data, units.columns, units.pair_blocks(min_answered))
    moments = [parts[str(k)] for k in range(len(units.table))]
    expected, perceived = (np.array([m.mean[j] for m in moments]) for j in (0, 1))
    asked = {"expectation": expected, "perception": perceived}
    return GapResult(_gap_table(units.table, _difference(moments), confidence, asked), confidence, 0)


def _require_range(data: pl.LazyFrame, codebook: Codebook, units: Units) -> None:
    """Refuse streamed answers outside their scale, which nothing else has looked at."""
    import polars as pl

    schema = data.collect_schema()
    known = [c for c in units.columns if c in schema and schema[c].is_numeric()]
    if not known:
        return
    bounds = [pl.col(known).min().name.suffix(" min"), pl.col(known).max().name.suffix(" max")]
    found = data.select(*bounds).collect(engine="streaming").row(0, named=True)
    for name in known:
        scale = codebook.column(name).scale
        low, high = found[f"{name} min"], found[f"{name} max"]
        if low is not None and (low < scale.minimum or high > scale.maximum):
            raise DataError(
                f"Column '{name}' holds answers from {low:g} to {high:g}, outside the scale "
                f"{scale.minimum:g}-{scale.maximum:g}.",
                "Correct the codebook's scale, or the answers.",
            )


def _difference(moments: list[Moments]) -> Means:
    """Return the means of second minus first, from pairs of moments."""
    gap = [m.transform(np.array([[-1.0, 1.0]]), ["gap"]) for m in moments]
    n = np.array([m.n for m in gap])
    sd = np.array([np.sqrt(m.cov[0, 0]) if m.n > 1 else np.nan for m in gap])
    return Means(n, np.array([m.mean[0] for m in gap]), sd, sd / np.sqrt(n), n - 1)


def _gap_table(
    rows: pd.DataFrame, gap: Means, confidence: float, asked: Mapping[str, Array] | None = None
) -> pd.DataFrame:
    low, high = gap.interval(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = gap.mean / gap.se
        d = gap.mean / gap.sd
    p = 2 * stats.t.sf(np.abs(t), np.maximum(gap.df, 1))
    table = rows.assign(
        n=gap.n, **(asked or {}), gap=gap.mean, sd=gap.sd, se=gap.se, t=t, df=gap.df, p=p,
        p_adjusted=np.nan, family=0, ci_lower=low, ci_upper=high, boot_lower=np.nan, boot_upper=np.nan, d=d,
        d_lower=np.nan, d_upper=np.nan,
    )  # fmt: skip
    for level, method in ADJUSTMENT.items():
        at = table["level"] == level
        tested = at & table["p"].notna()
        if tested.any():
            table.loc[tested, "p_adjusted"] = pingouin.multicomp(table.loc[tested, "p"].to_numpy(), method=method)[1]
        table.loc[at, "family"] = int(tested.sum())
    return table


def _add_bootstrap(table: pd.DataFrame, gap: Array, weights: Weights, confidence: float, draws: int, seed: int) -> None:
    k = gap.shape[1]
    centre = np.nanmean(gap, axis=0)
    both = replicate_means(np.hstack([gap - centre, (gap - centre) ** 2]), weights, draws, seed)
    mean, square = both[:, :k], both[:, k:]
    table["boot_lower"], table["boot_upper"] = percentile_interval(mean + centre, confidence)
    n = table["n"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(np.maximum(square - mean**2, 0.0) * n / (n - 1))
        standardised = np.where(sd > 0, (mean + centre) / sd, np.nan)
    table["d_lower"], table["d_upper"] = percentile_interval(standardised, confidence)
