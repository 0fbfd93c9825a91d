"""What a scorecard finds: scores, changes, groups, benchmarks, an index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.survey import Survey
from xmresearch.display import Shown
from xmresearch.metrics.banner_tables import BannerTable
from xmresearch.metrics.expert_judgements import CONSISTENT
from xmresearch.report.wording import labels
from xmresearch.studies.scorecard.asked import Asked, asked_metrics, facts_of
from xmresearch.studies.scorecard.banners import banner_rows, columns_tested, nested_names
from xmresearch.studies.scorecard.breakdown import Breakdown, breakdown
from xmresearch.studies.scorecard.combined import IndexOfGroups, index_of_groups, links
from xmresearch.studies.scorecard.distributions import answer_shares, five_grades, odds_of_waves
from xmresearch.studies.scorecard.marks import benchmarks_of
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.raters import RatersFound, raters_found
from xmresearch.studies.scorecard.rows import PERSON, Rows, rows_of_waves
from xmresearch.studies.scorecard.same_scale import on_other_scales
from xmresearch.studies.scorecard.scoring import changes_between, over_time
from xmresearch.studies.scorecard.several_answers import option_names
from xmresearch.studies.scorecard.side_by_side import pair_of, side_by_side
from xmresearch.studies.scorecard.tree import TreeOfMetrics, tree_of_metrics

WORDS = Path(__file__).parent / "words"
DECIMALS = {"net": 1, "share": 1, "mean": 2}
"""Decimals that points, per cent and means are told with."""
FEW_IN_WAVE = 30
"""Answers in a wave below which intervals are wide and settle little."""


@dataclass(frozen=True, repr=False)
class Scorecard(Shown):
    """A scorecard.

    Attributes
    ----------
    asked : tuple of Asked
        The metrics, the headline first.
    rows : Rows
        Answers in waves.
    scores : DataFrame
        Of the later wave: metric, n, n_eff, estimate with ci_lower and ci_upper.
    over_time : DataFrame
        The same of every wave that may be shown, with wave, and reported (whether it is the later wave).
    changes : DataFrame or None
        One row per metric; see `change_row`; None where there is one wave.
    groups : Breakdown or None
        The headline by group.
    benchmarks : DataFrame or None
        One row per benchmark; see `benchmarks_of`.
    answers : DataFrame
        Share of each answer in the later wave: metric, answer, n_all, share, side.
    banner : BannerTable or None
        Nets and means by group, with tests between columns.
    odds : DataFrame or None
        Ordinal models of metrics that are means: metric, odds_ratio with ci_lower and ci_upper, p.
    grades : DataFrame or None
        Good rates with and without the system's praise.
    index : IndexOfGroups or None
        Composite index of the first segment's groups.
    links : DataFrame or None
        Correlation of the headline with each other metric.
    beside : DataFrame or None
        A net score and another metric side by side by group.
    raters : RatersFound or None
        How far raters agree.
    other_scales : frozenset of str or None
        Metrics one of whose two waves looks like a shorter scale; None where none can be judged.
    tree : TreeOfMetrics or None
        Indicators with their targets.
    confidence : float
        Level.
    """

    asked: tuple[Asked, ...]
    rows: Rows
    scores: pd.DataFrame
    over_time: pd.DataFrame
    changes: pd.DataFrame | None
    groups: Breakdown | None
    benchmarks: pd.DataFrame | None
    answers: pd.DataFrame
    banner: BannerTable | None
    odds: pd.DataFrame | None
    grades: pd.DataFrame | None
    index: IndexOfGroups | None
    links: pd.DataFrame | None
    beside: pd.DataFrame | None
    raters: RatersFound | None
    other_scales: frozenset[str] | None
    tree: TreeOfMetrics | None
    confidence: float

    @property
    def headline(self) -> Asked:
        """The first metric."""
        return self.asked[0]

    @property
    def decimals(self) -> int:
        """Decimals of the headline."""
        return DECIMALS[self.headline.measure.kind]

    def tidy(self) -> pd.DataFrame:
        """Return the scores of the later wave."""
        return self.scores

    def digits(self, table: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return a table with the decimals that each row's metric is told with and, where it has several metrics, their units."""
        if table is None:
            return None
        if "metric" not in table:
            return table.assign(decimals=self.decimals)
        of = {m.item: m for m in self.asked}
        decimals = [DECIMALS[of[m].measure.kind] for m in table["metric"]]
        return table.assign(decimals=decimals, unit=[of[m].unit for m in table["metric"]])

    def headline_over_time(self) -> pd.DataFrame | None:
        """Return the waves of the headline; None where there is one."""
        return self.over_time[self.over_time["metric"] == self.headline.item] if len(self.rows.waves) > 1 else None

    def group_changes(self) -> pd.DataFrame | None:
        """Return the changes of groups, by a name that says the segment as well; None where there are none."""
        if self.groups is None or "change" not in self.groups.table:
            return None
        table = self.groups.table.dropna(subset=["change"])
        names = [f"{s}={v}" for s, v in zip(table["segment"], table["value"], strict=True)]
        return table.assign(name=names) if len(table) else None

    def banner_told(self) -> pd.DataFrame | None:
        """Return the nets and means by group, as reports show them."""
        table = banner_rows(self.banner, weighted=self.rows.weighted)
        return (
            None
            if table is None
            else table.assign(decimals=np.where(table["kind"] == "mean", DECIMALS["mean"], DECIMALS["share"]))
        )

    def banner_facts(self) -> dict[str, Any] | None:
        """Return how the banner table was tested; None where there is none."""
        facts = None if self.banner is None else self.banner.summary()
        return facts and {**facts, "family": f"family_{facts['family']}", "method": f"adjust_{facts['method']}"}

    def names(self, survey: Survey, params: ScorecardParams) -> dict[str, str]:
        """Return the survey's names in the report's language with those that the params give, and those of shares, options and nested columns."""
        names, words = (
            survey.names[params.lang],
            labels(params.lang, WORDS / f"{params.lang}.yml"),
        )
        shares = {
            m.called: words["style"]["share_of"].format(m.counted) for m in self.asked if m.measure.kind == "share"
        }
        return {
            **names,
            **shares,
            **option_names(params, survey),
            **params.own_names,
            **nested_names(self.banner, names),
        }

    def beside_told(self) -> dict[str, Any] | None:
        """Return which two metrics stand side by side; None where none do."""
        pair = pair_of(self.asked) if self.beside is not None else None
        return pair and {
            "first": pair[0].item,
            "second": pair[1].item,
            "kind": pair[0].called,
            "second_kind": pair[1].called,
        }

    def explained(self, measure: str) -> dict[str, Any] | None:
        """Return an empty set of facts where a metric has a measure that must be told from others; None otherwise."""
        return {} if any(m.measure.name == measure for m in self.asked) else None

    def has(self, part: str) -> dict[str, Any] | None:
        """Return an empty set of facts where a part of the scorecard is there to tell of; None otherwise."""
        apart = self.answers if (self.answers["side"] == "apart").any() else None
        tables = {"apart": apart, "odds": self.odds, "links": self.links, "grades": self.grades}
        there = tables.get(part, self.groups.told_parts() if self.groups is not None else None)
        return None if there is None else {}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks: enough answers in the waves that are compared, and experts who do not contradict themselves."""
        sizes = self.over_time[self.over_time["metric"] == self.headline.item].set_index("wave")["n"]
        fewest = float(sizes.reindex([w for w in (self.rows.before, self.rows.after) if w]).min())
        checks = [("wave_n", fewest, float(FEW_IN_WAVE), "pass" if fewest >= FEW_IN_WAVE else "warn")]
        if self.other_scales is not None:
            count = len(self.other_scales)
            checks.append(("same_scale", float(count), 0.0, "fail" if count else "pass"))
        if self.index is not None and self.index.experts is not None:
            ratio = self.index.experts.consistency_ratio
            checks.append(("consistency_ratio", ratio, CONSISTENT, "pass" if ratio <= CONSISTENT else "fail"))
        own = pd.DataFrame(checks, columns=["check", "value", "threshold", "status"])
        return own if self.raters is None else pd.concat([own, self.raters.diagnostics()], ignore_index=True)

    def summary(self) -> dict[str, Any]:
        """Return the headline with what it is compared with."""
        row = self.scores.iloc[0]
        case = "several" if self.rows.before else "one"
        return {
            **facts_of(self.headline), "kind": self.headline.called, "case": case, "n_answers": int(row["n"]), "estimate": row["estimate"], "lower": row["ci_lower"],
            "upper": row["ci_upper"], "before": self.rows.before, "after": self.rows.after, "waves": len(self.rows.waves),
            "metrics": len(self.asked),
        }  # fmt: skip

    def _head(self) -> dict[str, Any]:
        return self.summary()

    def overlap(self) -> dict[str, Any] | None:
        """Return how many people answered in both waves; None where nobody may answer twice."""
        if not self.rows.repeated:
            return None
        waves = [self.rows.of(w)[PERSON] for w in (self.rows.before, self.rows.after) if w]
        people = [set(given) for given in waves]
        facts = {"people": len(set().union(*people)), "answers": sum(map(len, waves))}
        if len(people) == 1:
            return {"case": "one", **facts}
        return {"case": "several", **facts, "both": len(people[0] & people[1])}

    def unwaved(self) -> dict[str, int] | None:
        """Return how many rows have no wave, and how many waves are hidden; None where neither is any."""
        if not self.rows.left_out and not self.rows.hidden_waves:
            return None
        return {"left_out": self.rows.left_out, "hidden_waves": self.rows.hidden_waves}


def scorecard(survey: Survey, params: ScorecardParams) -> Scorecard:
    """Score a survey.

    Parameters
    ----------
    survey : Survey
        Screened.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    Scorecard

    Raises
    ------
    DataError, CodebookError, InsufficientData
        See `asked_metrics` and `rows_of_waves`.

    References
    ----------
    ISO 10004:2018. Quality management: customer satisfaction, guidelines for monitoring and measuring.
    """
    asked = tuple(asked_metrics(params, survey.codebook))
    rows = rows_of_waves(survey, params, asked[0])
    level = params.confidence
    over = [over_time(rows, a, params) for a in asked]
    now = [t[t["wave"] == rows.after] for t in over]
    found = breakdown(rows, asked[0], params)
    return Scorecard(
        asked=asked, rows=rows, scores=pd.concat(now, ignore_index=True), over_time=pd.concat(over, ignore_index=True),
        changes=changes_between(rows, asked, over, level), groups=found, benchmarks=benchmarks_of(asked, now, level),
        answers=answer_shares(rows, asked, params.min_cell), banner=columns_tested(rows, asked, params, survey),
        odds=odds_of_waves(rows, asked, params), grades=five_grades(rows, asked, params),
        index=index_of_groups(rows, asked, found, params), links=links(rows, asked, params),
        beside=side_by_side(rows, asked, params), raters=raters_found(rows, asked, params, survey), other_scales=on_other_scales(rows, asked),
        tree=tree_of_metrics(rows, asked, params), confidence=level,
    )  # fmt: skip
