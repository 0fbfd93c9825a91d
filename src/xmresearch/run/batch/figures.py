"""A headline figure over the runs of a batch, what may be said of it, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.claims.between_samples import Heterogeneity, differ, extreme, heterogeneity, off_mean, off_value
from xmresearch.claims.change import at_level
from xmresearch.claims.claim import Claim, Condition
from xmresearch.claims.families import adjusted
from xmresearch.claims.partial_pooling import FEWEST, MOST, Pooled, pooled
from xmresearch.display import Shown
from xmresearch.params.study import Study
from xmresearch.run.batch.finished import Finished
from xmresearch.run.batch.rows import any_shared
from xmresearch.run.compare.figures import ENDS
from xmresearch.run.compare.settings import settings_changed

Array = NDArray[np.float64]
MOST_FIGURES = 6
"""Headline figures of a study that are shown over the runs."""


@dataclass(frozen=True, repr=False)
class OverRuns(Shown):
    """A headline figure over the runs that have it.

    Attributes
    ----------
    study : Study
    key, label, unit, format : str
        Of the figure; see `headline_figures`.
    signed : bool
        Whether zero parts what it means.
    table : DataFrame
        One row per run: run (what it is called), n, estimate, ci_lower, ci_upper, report, and compared: False where the run itself
        claims the figure on a condition that has failed, or where its interval has no width.
    level : float
        Of the intervals.
    meaning : tuple of str
        Settings that give it another meaning in some of the runs.
    one_codebook : bool
        Whether all runs read the same codebook, or none.
    shared : tuple of str or None
        Two runs that may have read the same rows; None where all read other ones.
    """

    study: Study
    key: str
    label: str
    unit: str
    format: str
    signed: bool
    table: pd.DataFrame
    level: float
    meaning: tuple[str, ...]
    one_codebook: bool
    shared: tuple[str, str] | None

    @property
    def ends(self) -> Array:
        """Estimate, lower and upper end in the runs that are compared, shape (3, K)."""
        return np.transpose(
            self.table.loc[self.table["compared"], ["estimate", "ci_lower", "ci_upper"]].to_numpy(float)
        )

    @property
    def names(self) -> list[str]:
        """The runs that are compared."""
        return list(self.table.loc[self.table["compared"], "run"])

    @property
    def left_out(self) -> list[str]:
        """The runs that are not."""
        return list(self.table.loc[~self.table["compared"], "run"])

    @property
    def conditions(self) -> tuple[Condition, Condition]:
        """What claims that set runs beside one another depend on."""
        return Condition("same_settings", not self.meaning), Condition(
            "same_codebook", True if self.one_codebook else None
        )


@dataclass(frozen=True, repr=False)
class SaidOver(Shown):
    """What is said of a figure over the runs.

    Attributes
    ----------
    figure : OverRuns
    found : Heterogeneity or None
        How much the runs differ; None where they are not independent, or there is one.
    pooled : Pooled or None
        The figure pooled in part; None where it is not to be.
    claims : tuple of Claim
        In the order in which they are shown.
    table : DataFrame
        Of the figure, with p_zero (Holm) where zero parts what it means and, where it is pooled, pooled, pooled_lower, pooled_upper,
        rank_lower, rank_upper, p_highest, p_lowest and p_mean (Holm).
    """

    figure: OverRuns
    found: Heterogeneity | None
    pooled: Pooled | None
    claims: tuple[Claim, ...]
    table: pd.DataFrame


def figures_over(runs: Sequence[Finished], level: float, lang: str) -> tuple[list[OverRuns], list[str]]:
    """Collect the leading headline figures of the runs of one study.

    Parameters
    ----------
    runs : sequence of Finished
        Of one study.
    level : float
        Of the intervals; those of runs with another are stretched as normal ones would be.
    lang : {'en', 'zh'}
        Language of the labels, where a run has it.

    Returns
    -------
    figures : list of OverRuns
        Those that lead, or of a study without such those of its first table; `MOST_FIGURES` at most.
    left : list of str
        Labels of the others of these.
    """
    parts = [run.figures.assign(place=k) for k, run in enumerate(runs) if len(run.figures)]
    if not parts:
        return [], []
    every = pd.concat(parts, ignore_index=True)
    every[list(ENDS)] = every[list(ENDS)].astype(float)
    leading = every["leads"].astype(bool)
    chosen = every[leading if leading.any() else every["group"] == every["group"].iloc[0]]
    keys = list(dict.fromkeys(chosen["figure"]))
    found = [_over(chosen[chosen["figure"] == key], runs, level, lang) for key in keys]
    return found[:MOST_FIGURES], [figure.label for figure in found[MOST_FIGURES:]]


def _over(rows: pd.DataFrame, runs: Sequence[Finished], level: float, lang: str) -> OverRuns:
    having = [runs[k] for k in rows["place"]]
    told = next((r for r, run in zip(rows.to_dict("records"), having, strict=True) if run.lang == lang), rows.iloc[0])
    ends = [
        at_level(row.estimate, row.lower, row.upper, run.level, level)
        for row, run in zip(rows.itertuples(), having, strict=True)
    ]
    table = pd.DataFrame({
        "run": [run.name for run in having], "n": pd.array([None if pd.isna(n) else round(float(n)) for n in rows["n"]], "Int64"),
        **dict(zip(("estimate", "ci_lower", "ci_upper"), np.transpose(ends), strict=True)), "report": [run.report for run in having],
        "compared": [row.upper > row.lower and _stands(row.estimate, run) for row, run in zip(rows.itertuples(), having, strict=True)],
    })  # fmt: skip
    first, key = having[0], str(told["figure"])
    headline = next(h for h in first.study.headline if h.table == told["group"])
    changed = [settings_changed(first.params, run.params, first.study.params) for run in having[1:]]
    meaning = {s: None for c in changed for s in c.loc[c["effect"] == "effect_meaning", "setting"] if s != "codebook"}
    pair = any_shared([run.rows for run in having])
    return OverRuns(
        first.study, key, str(told["label"]), str(told["unit"]), str(told["format"]), headline.parts_at_zero(key), table, level,
        tuple(meaning), len({run.codebook for run in having}) == 1, None if pair is None else (having[pair[0]].name, having[pair[1]].name),
    )  # fmt: skip


def _stands(estimate: float, run: Finished) -> bool:
    """Whether no claim of the run that is about this very figure needs a check that has failed."""
    about = [said for said in run.claims.values() if said.record.get("estimate") is not None]
    return not any(
        said.state == "conditional" and np.isclose(float(said.record["estimate"]), estimate, rtol=1e-9, atol=0)
        for said in about
    )


def said_over(figure: OverRuns, *, exchangeable: bool, family: int) -> SaidOver:
    """Claim what may be said of a figure over the runs.

    Parameters
    ----------
    figure : OverRuns
        From `figures_over`.
    exchangeable : bool
        Whether the runs are declared to be of one kind, such as branches: without that nothing is pooled or ranked.
    family : int
        Figures of which as much is claimed: each claim is made at a level corrected for their number (Bonferroni).

    Returns
    -------
    SaidOver
        Runs of the same rows are not set against one another; declared exchangeable all the same, the claim about their differences is
        withheld. Where settings that give the figure its meaning differ, it is conditional. Neither are pooled or ranked.
    """
    level, table = 1 - (1 - figure.level) / family, figure.table
    ends, names = figure.ends, figure.names
    told: dict[str, Any] = {"figure": figure.label}
    claims: list[Claim] = []
    found = pool = None
    if figure.shared is None and len(names) > 1:
        found = heterogeneity(ends, confidence=figure.level)
        claims.append(differ("differ", found, confidence=level, **told))
    if exchangeable and (figure.shared is not None or len(names) < 2):
        reason = "no_interval" if figure.shared is None else "same_rows"
        nothing = Heterogeneity(np.nan, len(names) - 1, *[np.nan] * 4)
        claims.append(differ("differ", nothing, confidence=level, **told).withhold(reason))
    if exchangeable and found is not None and not figure.meaning and FEWEST <= len(names) <= MOST:
        pool = pooled(ends, names, confidence=figure.level)
        for name in ("highest", "lowest"):
            claims.append(
                extreme(name, ends, names, confidence=level, level=figure.level, lowest=name == "lowest", **told)
            )
        claim, p = off_mean("off_mean", ends, names, confidence=level, level=figure.level, **told)
        claims.append(claim)
        table = table.merge(pool.tidy().rename(columns={"name": "run"}).assign(p_mean=adjusted(p)), "left", "run")
    claims = [claim.given(*figure.conditions) for claim in claims]
    if figure.signed and names:
        claim, p = off_value("off_zero", ends, names, confidence=level, level=figure.level, **told)
        claims.append(claim)
        table = table.merge(pd.DataFrame({"run": names, "p_zero": adjusted(p)}), "left", "run")
    return SaidOver(figure, found, pool, tuple(claims), table)
