"""The process map for people: at most so many steps, every activity on a way from the start to an end."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.journeys.case_log import CaseLog
from xmresearch.journeys.durations import HOUR
from xmresearch.journeys.path_variants import variant_of
from xmresearch.sufficient.label_forms import CONVERTED, LEFT, START

KINDS = {START: "start", CONVERTED: "converted", LEFT: "left"}


@dataclass(frozen=True, repr=False)
class StepMap(Shown):
    """What of a log is drawn.

    Attributes
    ----------
    nodes : DataFrame
        node, kind (start, touchpoint, converted, left), volume (events; cases at the start and at the ends).
    edges : DataFrame
        source, target, count, share (of what leaves the source), median_hours (NaN at the start and at the ends), back (against the order in which activities
        usually come), loop.
    drawn : float
        Share of all steps that the edges stand for.
    activities : int
        Of the log, drawn or not.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    drawn: float
    activities: int

    def tidy(self) -> pd.DataFrame:
        """Return the edges."""
        return self.edges

    def summary(self) -> dict[str, Any]:
        """Return how much is drawn, with the case: whole, partial or nothing."""
        case = "nothing" if not len(self.edges) else "whole" if self.drawn > 1 - 1e-12 else "partial"
        inner = int((self.nodes["kind"] == "touchpoint").sum())
        return {
            "case": case,
            "drawn": self.drawn,
            "steps": len(self.edges),
            "shown_activities": inner,
            "activities": self.activities,
        }


def step_map(log: CaseLog, *, steps: int = 20, min_cases: int = 10) -> StepMap:
    """Choose the steps to draw.

    Parameters
    ----------
    log : CaseLog
        The cases. They end at the goal, or elsewhere; where no goal is declared all end alike. Cases that are still open have no end.
    steps : int
        Most steps drawn, those from the start and to the ends included.
    min_cases : int
        Steps of fewer customers are never drawn.

    Returns
    -------
    StepMap

    Raises
    ------
    InsufficientData
        There is no case.

    Notes
    -----
    Whole paths are added, the most frequent first, as long as their steps still fit in; so every activity drawn lies on a way that cases took from the start to an
    end. Then the most frequent steps between activities drawn. Where no path of enough customers fits in, the way of the most frequent steps from the start to an
    end is drawn.
    """
    if not len(log):
        raise InsufficientData("There is no case to draw.")
    table = _every_step(log)
    allowed = table[table["customers"] >= min_cases]
    known = set(zip(allowed["source"], allowed["target"], strict=True))
    over = log.part(log.closed) if log.closed.any() else log
    example = variant_of(over)[1]
    chosen: dict[tuple[str, str], None] = {}
    for case in example.tolist():
        path = _path(over, case)
        more = dict.fromkeys(s for s in itertools.pairwise(path) if s not in chosen)
        if len(chosen) + len(more) <= steps and known.issuperset(more):
            chosen |= more
    if not chosen:
        chosen = dict.fromkeys(_widest(allowed, steps))
    nodes = {n for step in chosen for n in step}
    for source, target in zip(allowed["source"], allowed["target"], strict=True):
        if len(chosen) >= steps:
            break
        if source in nodes and target in nodes:
            chosen.setdefault((source, target))
    kept = allowed[[s in chosen for s in zip(allowed["source"], allowed["target"], strict=True)]].reset_index(drop=True)
    early = _usual_place(log)
    loop = (kept["source"] == kept["target"]).to_numpy()
    back = [
        (early.get(a, 0.0), a) > (early.get(b, 0.0), b) for a, b in zip(kept["source"], kept["target"], strict=True)
    ]
    kept = kept.assign(back=np.array(back, dtype=bool) & ~loop, loop=loop)
    counts = np.bincount(log.code, minlength=len(log.activities))
    ends = table[table["target"].isin((CONVERTED, LEFT))].groupby("target")["count"].sum()
    volume = (
        dict(zip(log.activities, counts.tolist(), strict=True))
        | {START: len(log)}
        | {str(k): v for k, v in ends.items()}
    )
    order = sorted({*kept["source"], *kept["target"]}, key=lambda n: (early.get(n, -1.0 if n == START else 2.0), n))
    drawn = pd.DataFrame({
        "node": order, "kind": [KINDS.get(n, "touchpoint") for n in order], "volume": [float(volume[n]) for n in order],
    })  # fmt: skip
    share = float(kept["count"].sum() / table["count"].sum())
    return StepMap(drawn, kept, share, int((counts > 0).sum()))


def _end(log: CaseLog, case: int) -> str:
    return LEFT if log.reached is not None and not log.reached[case] else CONVERTED


def _path(log: CaseLog, case: int) -> tuple[str, ...]:
    return (START, *log.sequence(case), _end(log, case))


def _every_step(log: CaseLog) -> pd.DataFrame:
    """Return every step, ends included, most frequent first."""
    size, wait, case = len(log.activities), log.waited / HOUR, log.case_of
    last = log.starts[1:][log.closed] - 1
    left = np.zeros(len(last), dtype=bool) if log.reached is None else ~log.reached[log.closed]
    inner = np.flatnonzero(np.isfinite(log.waited))
    frame = pd.concat([
        pd.DataFrame({"a": size, "b": log.code[log.starts[:-1]], "who": log.customer, "hours": np.nan}),
        pd.DataFrame({"a": log.code[inner - 1], "b": log.code[inner], "who": log.customer[case[inner]], "hours": wait[inner]}),
        pd.DataFrame({"a": log.code[last], "b": np.where(left, size + 2, size + 1), "who": log.customer[log.closed], "hours": np.nan}),
    ])  # fmt: skip
    grouped = frame.groupby(["a", "b"], sort=True)
    found = grouped.agg(
        count=("who", "size"), customers=("who", "nunique"), median_hours=("hours", "median")
    ).reset_index()
    names = np.array([*log.activities, START, CONVERTED, LEFT], dtype=object)
    found.insert(0, "source", names[found.pop("a")])
    found.insert(1, "target", names[found.pop("b")])
    found.insert(3, "share", found["count"] / found.groupby("source")["count"].transform("sum"))
    return found.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _usual_place(log: CaseLog) -> dict[str, float]:
    """Return where in a case, from 0 to 1, each activity comes first, on average."""
    case, at = log.case_of, np.arange(len(log.code))
    place = (at - log.starts[:-1][case]) / np.maximum(log.lengths[case] - 1, 1)
    frame = pd.DataFrame({"case": case, "code": log.code, "place": place}).drop_duplicates(["case", "code"])
    mean = frame.groupby("code")["place"].mean()
    return {log.activities[int(k)]: float(v) for k, v in mean.items()} | {START: -1.0, CONVERTED: 2.0, LEFT: 2.0}


def _widest(table: pd.DataFrame, steps: int) -> list[tuple[str, str]]:
    """Return the way from the start to an end whose rarest step is the most frequent, if it has at most so many steps."""
    width: dict[str, float] = {START: np.inf}
    came: dict[str, str] = {}
    waiting = {START}
    done: set[str] = set()
    while waiting:
        here = max(sorted(waiting), key=lambda n: width[n])
        waiting.discard(here)
        done.add(here)
        if here in (CONVERTED, LEFT):
            way = [here]
            while way[-1] != START:
                way.append(came[way[-1]])
            found = list(zip(way[::-1][:-1], way[::-1][1:], strict=True))
            return found if len(found) <= steps else []
        for row in table[table["source"] == here].rename(columns={"count": "total"}).itertuples(index=False):
            reach = min(width[here], float(row.total))
            if row.target not in done and reach > width.get(row.target, 0.0):
                width[row.target], came[row.target] = reach, here
                waiting.add(row.target)
    return []
