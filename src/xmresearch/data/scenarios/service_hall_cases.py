"""Cases of a simulated government service hall: starts and completions of their steps, with declared times."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ACTIVITIES = ("apply", "check", "correct", "review", "approve", "notify", "collect", "withdraw")
STAGES = {"hand_in": ("apply", "check", "correct"), "decide": ("review", "approve"), "receive": ("notify", "collect")}
LABELS = {
    "apply": ("Application", "提交申请"), "check": ("Completeness check", "材料初审"), "correct": ("Correction by the customer", "补正材料"),
    "review": ("Review", "审查"), "approve": ("Approval", "审批"), "notify": ("Notice", "通知领证"), "collect": ("Collection", "领取证照"),
    "withdraw": ("Withdrawal", "撤回申请"), "hand_in": ("Hand in", "申请受理"), "decide": ("Decide", "审查决定"), "receive": ("Receive", "送达领取"),
    "harbour": ("Harbour", "港湾"), "market": ("Market", "市场"), "old_town": ("Old Town", "老城"), "overall": ("Overall satisfaction", "总体满意度"),
    "intake_desk": ("Intake desk", "综合受理窗口"), "approval_office": ("Approval office", "行政审批科"), "delivery_desk": ("Delivery desk", "出件窗口"),
}  # fmt: skip
"""Names of activities, stages, halls and owners, in English and Chinese."""
WAIT_HOURS = {
    "check": 5.0,
    "correct": 30.0,
    "review": 70.0,
    "approve": 16.0,
    "notify": 3.0,
    "collect": 36.0,
    "withdraw": 24.0,
}
WORK_HOURS = {
    "apply": 0.4,
    "check": 0.5,
    "correct": 0.7,
    "review": 3.0,
    "approve": 1.0,
    "notify": 0.1,
    "collect": 0.3,
    "withdraw": 0.1,
}
"""Medians of the times before and of each activity, where nothing is planted."""
WAIT_SD, WORK_SD, CUSTOMER_SD = 0.6, 0.5, 0.35
CORRECTED, GIVEN_UP = 0.28, 0.05
HALLS, SHARES = ("harbour", "market", "old_town"), (0.5, 0.3, 0.2)
SLOW_HALL, SLOWER = "old_town", 2.2
CHANGE, FASTER = pd.Timestamp("2025-07-01"), 0.55
FIRST_DAY, DAYS, LAST_DAY = pd.Timestamp("2025-01-06"), 340, 350
SCORE_MEAN = {
    "apply": 7.9,
    "check": 7.0,
    "correct": 5.6,
    "review": 6.4,
    "approve": 7.2,
    "notify": 7.6,
    "collect": 8.1,
    "withdraw": 4.5,
}
SCORE_SD, PERSON_SD, RATED, JUDGED = 1.5, 0.9, 0.22, 0.5
WEIGHTS = {"hand_in": 0.2, "decide": 0.65, "receive": 0.15}
LOW, HIGH = 1, 10


class ServiceHallCases:
    """Cases of the hall's customers, some of whom come often, with declared times.

    Parameters
    ----------
    cases : int
        In all.
    seed : int
        The same seed gives the same rows.
    shift : float
        How much of what is planted (the slower hall, the faster review) there is: 1 as declared, 0 none.
    """

    def __init__(self, cases: int, seed: int, shift: float = 1.0) -> None:
        self.cases, self.seed, self.shift = cases, seed, shift

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def _customers(self) -> NDArray[np.int64]:
        """Customer of each case: most come once or twice, one in twenty up to a dozen times."""
        rng = self._stream("customers")
        often = np.where(rng.random(self.cases) < 0.05, rng.integers(4, 13, self.cases), rng.integers(1, 3, self.cases))
        return np.repeat(np.arange(self.cases), often)[: self.cases]

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rng, n, who = self._stream("paths"), self.cases, self._customers
        groups = int(who.max()) + 1
        pace = rng.normal(0, CUSTOMER_SD, groups)[who]
        hall = np.array(HALLS, object)[rng.choice(len(HALLS), groups, p=SHARES)][who]
        channel = np.where(rng.random(n) < 0.6, "online", "counter")
        begin = rng.uniform(0, DAYS * 24, n)
        mood = rng.normal(0, PERSON_SD, groups)[who]
        change = (CHANGE - FIRST_DAY).total_seconds() / 3600
        clock, alive = begin.copy(), np.ones(n, dtype=bool)
        parts: list[pd.DataFrame] = []
        felt = {stage: np.zeros(n) for stage in STAGES}
        place = {a: stage for stage, inside in STAGES.items() for a in inside}
        number = np.zeros(n, dtype=np.int64)

        def take(activity: str, at: NDArray[np.bool_]) -> None:
            nonlocal clock
            cases = np.flatnonzero(at)
            wait = np.zeros(len(cases))
            if activity in WAIT_HOURS:
                spread = rng.normal(0, WAIT_SD, len(cases)) + pace[cases]
                factor = np.ones(len(cases))
                if activity == "review":
                    factor[clock[cases] >= change] = FASTER**self.shift
                if activity == "approve":
                    factor[hall[cases] == SLOW_HALL] = SLOWER**self.shift
                wait = WAIT_HOURS[activity] * factor * np.exp(spread)
            work = WORK_HOURS[activity] * np.exp(rng.normal(0, WORK_SD, len(cases)))
            started = clock[cases] + wait
            clock[cases] = started + work
            own = rng.normal(0, SCORE_SD, len(cases))
            score = np.clip(np.rint(SCORE_MEAN[activity] + mood[cases] + own), LOW, HIGH)
            if activity in place:
                felt[place[activity]][cases] += own / 2
            number[cases] += 1
            parts.append(pd.DataFrame({"case": cases, "nth": number[cases], "activity": activity, "started": started, "completed": clock[cases],
                                       "score": np.where(rng.random(len(cases)) < RATED, score, np.nan)}))  # fmt: skip

        take("apply", alive)
        take("check", alive)
        for _ in range(3):
            again = alive & (rng.random(n) < CORRECTED) & (number % 2 == 0)
            take("correct", again)
            leaving = again & (rng.random(n) < GIVEN_UP * 4)
            take("withdraw", leaving)
            alive &= ~leaving
            back = again & alive
            take("check", back)
            if not back.any():
                break
            # who was not corrected this time goes on
            number[alive & ~again] += number[alive & ~again] % 2 == 0
        for activity in ("review", "approve", "notify", "collect"):
            take(activity, alive)
        rows = pd.concat(parts, ignore_index=True)
        rows = rows[rows["started"] < LAST_DAY * 24].sort_values(["case", "nth"], kind="stable", ignore_index=True)
        judged = np.clip(
            np.rint(7 + mood + 3.0 * sum(WEIGHTS[s] * felt[s] for s in STAGES) + rng.normal(0, 0.6, n)), LOW, HIGH
        )
        judged = np.where(rng.random(n) < JUDGED, judged, np.nan)
        case = rows["case"].to_numpy()
        return rows.assign(customer=who[case] + 1, hall=hall[case], channel=channel[case], overall=judged[case])

    def events(self) -> pd.DataFrame:
        """Return the log, sorted by case and time.

        Returns
        -------
        DataFrame
            Two rows per step (one for a step that is not over at the end): case, customer, activity, lifecycle (start, complete), time, hall, channel, score
            (1-10, of the step, on its completion), overall (1-10, of the case).
        """
        rows = self._rows
        common = rows[["case", "customer", "activity", "hall", "channel", "overall"]]
        starts = common.assign(lifecycle="start", hours=rows["started"], score=np.nan, nth=2 * rows["nth"])
        ends = common.assign(
            lifecycle="complete", hours=rows["completed"], score=rows["score"], nth=2 * rows["nth"] + 1
        )
        ends = ends[ends["hours"] < LAST_DAY * 24]
        log = pd.concat([starts, ends]).sort_values(["case", "nth"], kind="stable", ignore_index=True)
        log["time"] = FIRST_DAY + pd.to_timedelta(np.rint(log["hours"] * 3600).astype(np.int64), unit="s")
        log["case"] += 1
        return log[["case", "customer", "activity", "lifecycle", "time", "hall", "channel", "score", "overall"]]

    def truth(self) -> pd.DataFrame:
        """Return the exact medians of waits and of work, in hours, of the activities where nothing is planted.

        Returns
        -------
        DataFrame
            measure (wait, work), activity, truth.
        """
        planted = () if self.shift == 0 else ("review", "approve")
        rows: list[dict[str, Any]] = [
            {"measure": "wait", "activity": a, "truth": h} for a, h in WAIT_HOURS.items() if a not in planted
        ]
        rows += [{"measure": "work", "activity": a, "truth": h} for a, h in WORK_HOURS.items()]
        return pd.DataFrame(rows)
