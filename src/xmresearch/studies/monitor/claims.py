"""The claims of a monitoring study: whether the figure has moved, since when, and in which branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xmresearch.claims.claim import UNSETTLED, Claim, cases
from xmresearch.claims.families import count_of
from xmresearch.display import Shown
from xmresearch.monitoring.branches import ManyCharts
from xmresearch.monitoring.change_points import LevelChanges
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.standing import factor_of
from xmresearch.studies.monitor.watching import Watched

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "alarm": cases("sign"),
    "branches": cases("count"),
    "level": cases("sign"),
    "sources": cases("count"),
    "kept": cases("sign"),
    "slower": cases("count"),
    "slow_pages": cases("sign"),
}


@dataclass(frozen=True, repr=False)
class MonitorClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    alarm : Claim
        Whether the figure is above or below what its season lets expect, by the rules of the chart.
    branches : Claim or None
        In how many branches the newest periods differ from their baseline, with the share of false ones held.
    level : Claim
        Whether the level of the whole series, its season taken out, has changed for good, and when last.
    """

    alarm: Claim
    branches: Claim | None
    level: Claim


def monitor_claims(
    params: MonitorParams, found: Watched, branches: ManyCharts | None, levels: LevelChanges
) -> MonitorClaims:  # fmt: skip
    """Settle what a monitoring study may say.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    found : Watched
        The series under watch.
    branches : ManyCharts or None
        Its branches.
    levels : LevelChanges
        Of the series without its season.

    Returns
    -------
    MonitorClaims
    """
    level = levels.claim("level", changes=len(levels.table))
    alarm = _alarm(params, found).about(besides="level_moved" if level.settled else "level_steady")
    return MonitorClaims(alarm, None if branches is None else _branches(params, branches), level)


def _alarm(params: MonitorParams, found: Watched) -> Claim:
    """Claim an alarm that goes on at the end of the series; it is settled by the chart's rules, and dated and sized by its episode."""
    facts: dict[str, Any] = found.summary() | {"past": int(found.episodes["over"].sum())}
    row = found.current()
    steady = found.steady()
    if row is None:
        made = Claim("alarm", "sign", UNSETTLED, "run_rules", found.promised, params.confidence)
        return made.given(steady).about(**facts, **_nothing())
    scale = factor_of(params.kpi)
    verdict = "above" if row["side"] > 0 else "below"
    good = (verdict == "above") == (params.better == "higher")
    change, low, high = (scale * float(row[k]) for k in ("change", "change_lower", "change_upper"))
    told = {k: str(row[k]) for k in ("began", "began_from", "began_to", "first_alarm")}
    # an alarm is about what each period lets expect of the next; the season is another yardstick, which a trend leaves far behind
    off = low > 0 if verdict == "above" else high < 0
    made = Claim("alarm", "sign", verdict, "run_rules", found.promised, params.confidence, change, low, high)
    return made.given(steady).about(
        **facts, **told, alarms=int(row["alarms"]), change=change, size=abs(change), change_lower=low, change_upper=high,
        turn="to_the_good" if good else "to_the_bad", season="off_season" if off else "near_season",
    )  # fmt: skip


def _nothing() -> dict[str, Any]:
    """Return the facts of an alarm that there is none of."""
    nan = float("nan")
    return {"began": "", "began_from": "", "began_to": "", "first_alarm": "", "alarms": 0, "change": nan, "size": nan,
            "change_lower": nan, "change_upper": nan, "turn": "", "season": ""}  # fmt: skip


def _branches(params: MonitorParams, branches: ManyCharts) -> Claim:
    table = branches.table
    made = count_of(
        "branches", [str(b) for b in table["branch"]], table["p"], confidence=params.confidence, method="bh",
        judged=branches.judged, newest=params.newest,
    )  # fmt: skip
    moved = table[table["branch"].isin(made.facts["shown"])]
    low = moved.loc[moved["difference"] < 0].sort_values("difference", kind="stable")["branch"].tolist()
    high = (
        moved.loc[moved["difference"] > 0].sort_values("difference", kind="stable", ascending=False)["branch"].tolist()
    )
    return made.about(fell=low, rose=high, fallen=len(low), risen=len(high))
