"""What metrics are held against: targets and benchmarks, given or read from a table, and lights that follow from claims."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.claims.families import adjusted, count_of
from xmresearch.claims.rules import sign
from xmresearch.data.datasets import load_dataset
from xmresearch.data.readers import read_survey
from xmresearch.display import Shown
from xmresearch.errors import DataError, Problems, brief, nearest
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.metrics.wave_changes import Change, against_benchmark
from xmresearch.studies.scorecard.asked import Asked, facts_of
from xmresearch.studies.scorecard.params import Benchmark, FromTable

EXACT, UNCERTAIN = "mark_exact", "mark_uncertain"


@dataclass(frozen=True, repr=False)
class Mark(Shown):
    """A target or benchmark with its figures.

    Attributes
    ----------
    name : str
        Whose it is.
    value : float
        In the metric's units.
    uncertainty : dict
        What `against_benchmark` takes beside it; empty where it is taken as exact.
    """

    name: str
    value: float
    uncertainty: dict[str, float]

    def against(self, score: dict[str, Any], confidence: float) -> Change:
        """Hold a score against it."""
        return against_benchmark(score, self.value, confidence=confidence, **self.uncertainty)


def marks_of(metric: Asked, confidence: float, base: Path | None = None) -> list[Mark]:
    """Return the targets and benchmarks of a metric, and read those that stand in a table.

    Parameters
    ----------
    metric : Asked
        With its benchmarks.
    confidence : float
        Level of intervals made of a table's shares and numbers of answers.
    base : Path, optional
        Folder that relative paths start from.

    Returns
    -------
    list of Mark

    Raises
    ------
    DataError
        A table has no such column, or not exactly one such row; its value is no number or outside the metric's scale; uncertainty is
        stated by halves or twice.
    DatasetUnavailable
        A data set cannot be had.
    """
    problems, found = Problems(), []
    low, high = (b * metric.factor for b in metric.measure.bounds)
    for given in metric.benchmarks:
        with problems.step():
            mark = _read(given, metric, confidence, base) if given.from_table else _given(given)
            if not low <= mark.value <= high:
                raise DataError(
                    f"metrics: the benchmark of '{metric.item}' is {mark.value:g}, and the metric runs from {low:g} to {high:g}.",
                    "Give it in the metric's units: points, per cent, or points of the scale.",
                )
            mark.against({"estimate": low, "lower": low, "upper": high, "n": 0}, confidence)
            found.append(mark)
    problems.settle()
    return found


def _given(given: Benchmark) -> Mark:
    names = ("se", "n", "sd", "lower", "upper")
    stated = {name: float(v) for name in names if (v := getattr(given, name)) is not None}
    return Mark(given.name, float(given.value if given.value is not None else np.nan), stated)


def _read(given: Benchmark, metric: Asked, confidence: float, base: Path | None) -> Mark:
    """Read a benchmark from the one row of a table that the params describe."""
    source = given.from_table
    assert source is not None  # noqa: S101
    table = load_dataset(source.dataset) if source.dataset else read_survey((base or Path()) / str(source.file))
    what = f"metrics: the benchmark '{brief(given.name)}'"
    columns = list(map(str, table.columns))
    for name in (*source.rows, source.value, *(c for c in (source.n, source.se) if c)):
        if name not in columns:
            raise DataError(f"{what}: its table has no column '{brief(name)}'.", nearest(name, columns))
    inside = np.ones(len(table), dtype=bool)
    for name, wanted in source.rows.items():
        inside &= (table[name].astype(str).str.strip() == str(wanted).strip()).to_numpy(dtype=bool)
    if inside.sum() != 1:
        raise DataError(
            f"{what}: {int(inside.sum())} rows of its table are as 'rows' says; it takes exactly one.",
            f"Columns: {', '.join(brief(c) for c in columns[:8])}.",
        )
    row = table[inside].iloc[0]
    return Mark(given.name, _number(row[source.value], what), _uncertainty(row, source, metric, what, confidence))


def _number(cell: Any, what: str) -> float:
    value = float(pd.to_numeric(pd.Series([cell]), errors="coerce").iloc[0])
    if not np.isfinite(value):
        raise DataError(f"{what}: '{brief(cell)}' is no number.", "Name the column of its value, and of n or se.")
    return value


def _uncertainty(row: pd.Series, source: FromTable, metric: Asked, what: str, confidence: float) -> dict[str, float]:
    if source.se:
        return {"se": _number(row[source.se], what)}
    if not source.n:
        return {}
    if metric.measure.kind != "share":
        raise DataError(
            f"{what}: answers alone give no uncertainty of a {metric.measure.kind} score.", "Name a column under 'se'."
        )
    n, share = _number(row[source.n], what), _number(row[source.value], what) / 100
    low, high = share_interval(share * n, n, confidence=confidence)
    return {"lower": 100 * float(low), "upper": 100 * float(high)}


def benchmarks_of(asked: tuple[Asked, ...], now: list[pd.DataFrame], confidence: float) -> pd.DataFrame | None:
    """Hold the scores of the later wave against every target and benchmark.

    Parameters
    ----------
    asked : tuple of Asked
        The metrics, the headline first.
    now : list of DataFrame
        The score of each, one row or none.
    confidence : float
        Level.

    Returns
    -------
    DataFrame or None
        metric, name, estimate, benchmark, taken (as exact, or with its own uncertainty), difference with ci_lower and ci_upper, p and
        p_adjusted (Holm over all but the headline's first, which is a claim of its own); None where there is none.
    """
    found = []
    for metric, table in zip(asked, now, strict=True):
        for mark in marks_of(metric, confidence) if len(table) else ():
            row = table.iloc[0]
            if not np.isfinite(row["ci_lower"]):
                continue
            score = {"estimate": row["estimate"], "lower": row["ci_lower"], "upper": row["ci_upper"], "n": row["n"]}
            change = mark.against(score, confidence)
            found.append({
                "metric": metric.item, "name": mark.name, "estimate": change.after, "benchmark": change.before,
                "taken": UNCERTAIN if mark.uncertainty else EXACT, "difference": change.estimate, "ci_lower": change.lower,
                "ci_upper": change.upper, "p": change.p,
            })  # fmt: skip
    if not found:
        return None
    table = pd.DataFrame(found)
    own = first_of_headline(table, asked[0])
    return table.assign(p_adjusted=np.where(own, table["p"], adjusted(table["p"].mask(own).to_numpy())))


def first_of_headline(table: pd.DataFrame, headline: Asked) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which row is the headline's first benchmark."""
    of_headline = (table["metric"] == headline.item).to_numpy()
    return np.asarray(of_headline & (np.cumsum(of_headline) == 1))


def against_first(table: pd.DataFrame | None, headline: Asked, confidence: float) -> Claim | None:
    """Claim on which side of its first benchmark the headline lies; None where it has none."""
    if table is None or not first_of_headline(table, headline).any():
        return None
    row = table[first_of_headline(table, headline)].iloc[0]
    return sign(
        "benchmark", row["difference"], row["ci_lower"], row["ci_upper"], confidence=confidence,
        span=headline.measure.span * headline.factor, benchmark=row["name"], mark=row["benchmark"], now=row["estimate"],
        **facts_of(headline),
    )  # fmt: skip


def marks_settled(table: pd.DataFrame | None, headline: Asked, confidence: float) -> Claim | None:
    """Claim on which side of the other benchmarks metrics lie, by Holm; None where there is at most the headline's first."""
    if table is None or first_of_headline(table, headline).all():
        return None
    rest = table[~first_of_headline(table, headline)]
    names = [str(k) for k in rest.index]
    made = count_of("marks", names, rest["p"].to_numpy(), confidence=confidence)
    up = set(rest.index[rest["difference"] > 0].astype(str))
    shown = list(made.facts["shown"])
    return made.about(above=sum(n in up for n in shown), below=sum(n not in up for n in shown))


def lit(table: pd.DataFrame | None, headline: Asked, first: Claim | None, others: Claim | None) -> pd.DataFrame | None:
    """Return the table of benchmarks with the light of each, as claims have settled it.

    Parameters
    ----------
    table : DataFrame or None
        Of `benchmarks_of`.
    headline : Asked
        The first metric.
    first, others : Claim or None
        On the headline's first benchmark, and of `marks_settled`.

    Returns
    -------
    DataFrame or None
        With light and family (how many benchmarks Holm's correction is over).
    """
    if table is None:
        return None
    own = first_of_headline(table, headline)
    shown = set(others.facts["shown"]) if others is not None and others.settled else set()
    lights = []
    for key, is_first, above in zip(table.index, own, table["difference"] > 0, strict=True):
        claim = first if is_first else others
        settled = claim is not None and claim.settled and (is_first or str(key) in shown)
        grey = claim is not None and claim.state == "withheld"
        lights.append(
            "light_withheld" if grey else "light_open" if not settled else "light_above" if above else "light_below"
        )
    return table.assign(light=lights, family=int((~own).sum()))
