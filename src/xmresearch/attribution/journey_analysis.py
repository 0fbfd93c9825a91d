"""The journey itself: where it goes, where people are lost, and what to fix first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.attribution.concerns import Concern, left_out_concerns
from xmresearch.attribution.scores import FEW_SCORES, require_on_scale, touch_scores
from xmresearch.attribution.steps import StepSums
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import bars
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import DistinctJourneys, Journeys, require_kind
from xmresearch.sufficient.label_forms import CONVERTED, LEFT, START

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATHS = ["path", "chain", "journeys", "share", "conversion_rate"]


@dataclass(frozen=True, repr=False)
class JourneyResult(Shown):
    """What journeys look like.

    Attributes
    ----------
    touchpoints : DataFrame
        One row per touchpoint, by what is lost there: touchpoint, touches, journeys, reach (share of journeys), firsts, exits,
        exit_rate (touches after which a journey ends unconverted), lost (share of all that are lost), conversions, repeats,
        returns, median_wait (seconds until the next touch); with a survey scores, score, score_lower, score_upper,
        shortfall (0 at the top of the scale, 1 at its foot) and priority (touches x exit rate x shortfall, as a share of
        the sum).
    edges : DataFrame
        One row per step, most frequent first: source, target ('(start)', '(converted)', '(left)' are the ends), count, share
        (of what leaves the source), mean_seconds, median_seconds (to within 5 %).
    loops : DataFrame
        touchpoint, via, count: there and straight back.
    funnel : DataFrame
        One row per stage: stage, journeys, share, converted and lost (of journeys that got no further); empty without stages.
    paths : DataFrame
        Most common sequences: path, chain (its touchpoints one by one), journeys, share, conversion_rate.
    lengths : DataFrame
        touches, journeys.
    facts : dict
        journeys, conversions, nulls, rate, touches, mean_touches.
    concerns : tuple of Concern
        What was left out, and what is uncertain.
    """

    touchpoints: pd.DataFrame
    edges: pd.DataFrame
    loops: pd.DataFrame
    funnel: pd.DataFrame
    paths: pd.DataFrame
    lengths: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    concerns: tuple[Concern, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The concerns as English sentences."""
        return tuple(str(c) for c in self.concerns)

    def tidy(self) -> pd.DataFrame:
        """Return the table of touchpoints."""
        return self.touchpoints

    def plot(self) -> Figure:
        """Draw how many journeys reach each stage and are lost there, or how many end at each touchpoint where there are no stages."""
        if len(self.funnel):
            return bars(
                list(self.funnel["stage"]),
                {"reached": self.funnel["journeys"], "lost": self.funnel["lost"]},
                axis="journeys",
            )
        rows = self.touchpoints
        return bars(list(rows["touchpoint"]), {"journeys": rows["journeys"], "ended": rows["exits"]}, axis="journeys")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        lost = float(self.touchpoints["exits"].sum())
        gap = abs(lost - self.facts["nulls"])
        rows = [("exits_miss_total", gap, 0.0, "pass" if gap == 0 else "fail")]
        if "scores" in self.touchpoints:
            fewest = float(self.touchpoints["scores"].min())
            rows.append(("fewest_scores", fewest, FEW_SCORES, "pass" if fewest >= FEW_SCORES else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def journey(
    source: Journeys | EventLog,
    *,
    stages: Mapping[str, Sequence[str]] | None = None,
    survey: pd.DataFrame | None = None,
    score: str | None = None,
    rated: str | None = None,
    scale: tuple[float, float] | None = None,
    top_paths: int = 20,
    confidence: float = 0.95,
) -> JourneyResult:
    """Describe journeys: visits, exits, steps, loops, stages, and scores of touchpoints.

    Parameters
    ----------
    source : Journeys or EventLog
        An event log is streamed, and gives times.
    stages : mapping of str to sequence of str, optional
        Touchpoints of each stage of a funnel, first stage first.
    survey : DataFrame, optional
        Scores of touches, see `touch_scores`; needs an event log.
    score, rated : str, optional
        Columns of `survey`: the score, and the touchpoint it is about.
    scale : (lowest, highest), optional
        Of the score; the lowest and highest seen if left out.
    top_paths : int
        Most common sequences kept; 0 saves the memory that they take.
    confidence : float
        Of the intervals of scores.

    Returns
    -------
    JourneyResult

    Raises
    ------
    ParamsError
        A stage names no touchpoint, or one touchpoint is in two; or a survey comes without a score column or an event log.
    DataError
        A score lies outside its scale.
    InsufficientData
        There is no journey.

    References
    ----------
    van der Aalst, W. (2016). Process Mining: Data Science in Action (2nd ed.). Springer.
    """
    require_kind(source, Journeys, EventLog, hint="Transitions no longer know which touches made a journey.")
    sums, last, common = _reduced(source, stages, top_paths > 0)
    if not sums.total.sum() > 0:
        raise InsufficientData("There is no journey with a touchpoint.")
    for name in sums.stages:
        if name not in sums.channels:
            raise ParamsError(
                f"A stage has the touchpoint '{name}', which no journey has.", nearest(name, sums.channels)
            )
    table = _touchpoints(sums)
    concerns = [Concern("descriptive"), *left_out_concerns(dict(last.left_out))]
    if survey is not None:
        if score is None or not isinstance(source, EventLog):
            raise ParamsError("A survey is joined to an event log by a score column.", "Give an EventLog and 'score'.")
        if scale is not None and scale[0] < scale[1]:
            require_on_scale(survey, score, scale)
        found, unmatched, blank = touch_scores(source, survey, score=score, touchpoint=rated, confidence=confidence)
        table = _with_scores(table, found, scale or (float(survey[score].min()), float(survey[score].max())))
        concerns += [Concern("unmatched_scores", {"count": unmatched})] if unmatched else []
        concerns += [Concern("blank_scores", {"count": blank})] if blank else []
        few = table[table["scores"] < FEW_SCORES]
        concerns += [Concern("few_scores", {"touchpoint": t, "least": FEW_SCORES}) for t in few["touchpoint"]]
    total = float(sums.total.sum())
    touches = float(sums.by_channel["touches"].sum())
    facts = {
        "journeys": total, "conversions": float(sums.total[0]), "nulls": float(sums.total[1]),
        "rate": float(sums.total[0]) / total, "touches": touches, "mean_touches": touches / total,
    }  # fmt: skip
    counts = np.arange(len(sums.lengths))[1:]
    lengths = (
        pd.DataFrame({"touches": counts, "journeys": sums.lengths[1:]}).query("journeys > 0").reset_index(drop=True)
    )
    paths = _paths(common, top_paths) if common is not None else pd.DataFrame(columns=PATHS)
    return JourneyResult(table, _edges(sums, isinstance(source, EventLog)), _loops(sums), _funnel(sums, stages, total), paths, lengths, facts, tuple(concerns))  # fmt: skip


class _Both:
    """Feeds two sinks."""

    def __init__(self, stages: Mapping[str, Sequence[str]] | None, paths: bool) -> None:
        self.sums, self.common = StepSums(stages), DistinctJourneys(apart=False) if paths else None

    def add(self, block: Journeys) -> None:
        """Pass a block on."""
        self.sums.add(block)
        if self.common is not None:
            self.common.add(block)


def _reduced(
    source: Journeys | EventLog, stages: Mapping[str, Sequence[str]] | None, paths: bool
) -> tuple[StepSums, Journeys, Journeys | None]:
    if isinstance(source, Journeys):
        sums = StepSums(stages)
        sums.add(source)
        return sums, source, source.merged() if paths else None
    both, last = source.reduce(lambda: _Both(stages, paths), times=True)
    if not both.sums.total.sum() > 0:
        return both.sums, last, None
    return both.sums, last, None if both.common is None else both.common.result()


def _touchpoints(sums: StepSums) -> pd.DataFrame:
    table = pd.DataFrame({"touchpoint": sums.channels} | sums.by_channel)
    table.insert(3, "reach", table["journeys"] / sums.total.sum())
    exits = table["exits"]
    table["exit_rate"] = exits / table["touches"]
    table["lost"] = exits / exits.sum() if exits.sum() > 0 else 0.0
    table["median_wait"] = sums.median_wait()
    return table.sort_values(["exits", "touchpoint"], ascending=[False, True], ignore_index=True)


def _with_scores(table: pd.DataFrame, found: pd.DataFrame, scale: tuple[float, float]) -> pd.DataFrame:
    low, high = scale
    if not low < high:
        raise ParamsError(f"The scale of the scores is {low:g} to {high:g}.", "Give (lowest, highest).")
    joined = table.merge(found.rename(columns={"channel": "touchpoint"}), on="touchpoint", how="left")
    joined["scores"] = joined["scores"].fillna(0).astype(int)
    joined["shortfall"] = (high - joined["score"]) / (high - low)
    raw = joined["touches"] * joined["exit_rate"] * joined["shortfall"]
    return joined.assign(priority=raw / raw.sum() if raw.sum() > 0 else raw)


def _edges(sums: StepSums, timed: bool) -> pd.DataFrame:
    names, per = np.array(sums.channels, dtype=object), sums.by_channel
    a, b, count, seconds = sums.pairs()
    parts = [pd.DataFrame({"source": names[a], "target": names[b], "count": count, "mean_seconds": seconds / count if timed else np.nan, "median_seconds": sums.median_waits()})]  # fmt: skip
    parts.append(
        pd.DataFrame(
            {"source": START, "target": names, "count": per["firsts"], "mean_seconds": np.nan, "median_seconds": np.nan}
        )
    )
    for end, what in ((CONVERTED, "conversions"), (LEFT, "exits")):
        parts.append(
            pd.DataFrame(
                {"source": names, "target": end, "count": per[what], "mean_seconds": np.nan, "median_seconds": np.nan}
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table = table[table["count"] > 0]
    table.insert(3, "share", table["count"] / table.groupby("source")["count"].transform("sum"))
    return table.sort_values(["count", "source", "target"], ascending=[False, True, True], ignore_index=True)


def _loops(sums: StepSums) -> pd.DataFrame:
    names = np.array(sums.channels, dtype=object)
    a, b, count = sums.loops()
    table = pd.DataFrame({"touchpoint": names[a], "via": names[b], "count": count})
    return table.sort_values(["count", "touchpoint", "via"], ascending=[False, True, True], ignore_index=True)


def _funnel(sums: StepSums, stages: Mapping[str, Sequence[str]] | None, total: float) -> pd.DataFrame:
    columns = {"journeys": sums.reached, "share": sums.reached / total, "converted": sums.converted, "lost": sums.ended}
    return pd.DataFrame({"stage": list(stages or {})} | columns)


def _paths(journeys: Journeys, top: int) -> pd.DataFrame:
    weight = journeys.weight
    order = np.argsort(-weight, kind="stable")[:top]
    order = order[weight[order] > 0]
    rows = []
    for k in order.tolist():
        codes = journeys.codes[journeys.starts[k] : journeys.starts[k + 1]]
        chain = [journeys.channels[c] for c in codes.tolist()]
        rows.append(
            (" > ".join(chain), chain, weight[k], weight[k] / weight.sum(), journeys.conversions[k] / weight[k])
        )
    return pd.DataFrame(rows, columns=PATHS)
