"""Journeys through a simulated government service hall: a planted chain of touchpoints, its log, and a survey."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.scenarios.planted_chain import PlantedChain

TOUCHPOINTS = ("app", "appointment", "counter", "kiosk", "notice", "phone", "queue", "upload", "website")
STAGES = {
    "inform": ("app", "notice", "phone", "website"), "apply": ("appointment", "upload"),
    "attend": ("kiosk", "queue"), "settle": ("counter",),
}  # fmt: skip
LABELS = {
    "app": ("App", "手机应用"), "appointment": ("Appointment", "预约"), "counter": ("Counter", "服务窗口"),
    "kiosk": ("Self-service kiosk", "自助机"), "notice": ("Notice", "通知"), "phone": ("Phone line", "热线电话"),
    "queue": ("Queue", "排队等候"), "upload": ("Document upload", "材料上传"), "website": ("Website", "网站"),
    "inform": ("Find out", "了解"), "apply": ("Apply", "申请"), "attend": ("Attend", "到场"), "settle": ("Settle", "办理"),
    "web": ("Online", "线上"), "conversions": ("Settled cases", "案件办结"), "(converted)": ("Settled", "办结"),
}  # fmt: skip
"""Names of touchpoints, stages, media and of what a conversion is, in English and Chinese."""
# Probability of the next symbol in percent: TOUCHPOINTS, then settled, then given up. The last row is the start.
_STEPS = np.array([
    [6, 18, 2, 3, 3, 6, 4, 22, 8, 16, 12], [4, 2, 34, 10, 6, 4, 20, 4, 2, 2, 12], [2, 3, 4, 3, 8, 3, 4, 9, 2, 52, 10],
    [2, 3, 22, 6, 3, 3, 8, 3, 2, 36, 12], [10, 10, 6, 3, 2, 12, 8, 14, 9, 12, 14], [6, 20, 4, 2, 5, 6, 12, 6, 9, 8, 22],
    [1, 2, 62, 9, 1, 2, 2, 1, 1, 1, 18], [8, 8, 6, 3, 20, 6, 4, 6, 5, 22, 12], [12, 14, 2, 2, 2, 14, 6, 16, 8, 6, 18],
    [22, 4, 1, 4, 6, 14, 15, 2, 32, 0, 0],
], dtype=float) / 100  # fmt: skip
# Coming to the counter from the queue settles less than coming by appointment: the chain remembers two touches.
_COUNTER_AFTER_QUEUE = np.array([2, 3, 4, 4, 10, 4, 8, 13, 3, 33, 16], dtype=float) / 100
_COUNTER_AFTER_APPOINTMENT = np.array([1, 1, 3, 1, 5, 1, 1, 5, 1, 75, 6], dtype=float) / 100

COST = np.array([0.4, 1.2, 21.0, 2.5, 0.3, 7.5, 1.5, 0.8, 0.3])
VALUE_MEAN, VALUE_SHAPE = np.array([95, 90, 130, 80, 85, 70, 60, 105, 90.0]), 2.5
WAIT_HOURS = np.array([6, 40, 20, 0.4, 30, 10, 0.7, 24, 8.0])
WAIT_SIGMA = 0.8
SCORE_MEAN = np.array([7.6, 7.9, 8.1, 7.2, 6.9, 5.6, 4.8, 6.4, 7.3])
SCORE_SD, SCORE_LOW, SCORE_HIGH, ANSWERED = 1.8, 1, 10, 0.12
MEDIUM = {
    "app": "web", "website": "web", "upload": "web", "notice": "web", "appointment": "web", "phone": "phone",
    "counter": "counter", "queue": "counter", "kiosk": "counter",
}  # fmt: skip
FIRST_DAY, DAYS = pd.Timestamp("2025-01-01"), 330


class TouchpointLog:
    """Journeys of the hall's customers, with declared truth.

    Parameters
    ----------
    journeys : int
        One per customer.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    """

    def __init__(self, journeys: int, seed: int) -> None:
        self.journeys, self.seed = journeys, seed

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def chain(self) -> PlantedChain:
        """The planted chain, of order 2."""
        size = len(TOUCHPOINTS)
        probability = np.tile(_STEPS, (size + 1, 1, 1))
        counter = TOUCHPOINTS.index("counter")
        probability[TOUCHPOINTS.index("queue"), counter] = _COUNTER_AFTER_QUEUE
        probability[TOUCHPOINTS.index("appointment"), counter] = _COUNTER_AFTER_APPOINTMENT
        return PlantedChain(TOUCHPOINTS, probability)

    @cached_property
    def _paths(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        return self.chain.simulate(self.journeys, self._stream("paths"))

    def events(self) -> pd.DataFrame:
        """Return the log, sorted by customer and time.

        Returns
        -------
        DataFrame
            Columns customer, time (to the second), touchpoint, settled (the case was settled at this touch), value (of a settled
            case, yuan), cost (of the touch, yuan).
        """
        codes, starts, converted = self._paths
        rng = self._stream("times")
        begin = rng.uniform(0, DAYS * 86400, self.journeys)
        wait = np.exp(rng.normal(np.log(WAIT_HOURS[codes] * 3600), WAIT_SIGMA))
        # a touch is as long after the one before as that one takes
        passed = np.concatenate([[0.0], np.cumsum(wait)])
        lengths = np.diff(starts)
        since = passed[:-1] - np.repeat(passed[starts[:-1]], lengths)
        seconds = np.rint(np.repeat(begin, lengths) + since).astype(np.int64)
        last = starts[1:] - 1
        settled = np.zeros(len(codes), dtype=bool)
        settled[last] = converted
        worth = self._stream("value").gamma(VALUE_SHAPE, VALUE_MEAN[codes[last]] / VALUE_SHAPE)
        value = np.zeros(len(codes))
        value[last] = np.where(converted, np.round(worth, 2), 0)
        return pd.DataFrame(
            {
                "customer": np.repeat(np.arange(1, self.journeys + 1), lengths),
                "time": FIRST_DAY + pd.to_timedelta(seconds, unit="s"), "touchpoint": np.array(TOUCHPOINTS, object)[codes],
                "settled": settled, "value": value, "cost": COST[codes],
            }
        )  # fmt: skip

    def survey(self) -> pd.DataFrame:
        """Return satisfaction with single touches, of some of them.

        Returns
        -------
        DataFrame
            Columns customer, touchpoint, medium (web, phone, counter), score (1-10).
        """
        codes, starts, _ = self._paths
        rng = self._stream("survey")
        answered = rng.random(len(codes)) < ANSWERED
        who = np.repeat(np.arange(1, self.journeys + 1), np.diff(starts))[answered]
        what = codes[answered]
        score = np.clip(np.rint(rng.normal(SCORE_MEAN[what], SCORE_SD)), SCORE_LOW, SCORE_HIGH)
        names = np.array(TOUCHPOINTS, object)[what]
        return pd.DataFrame(
            {"customer": who, "touchpoint": names, "medium": [MEDIUM[n] for n in names], "score": score.astype(int)}
        )

    def truth(self) -> pd.DataFrame:
        """Return the exact removal effects and shares of credit of the planted chain; see `PlantedChain.truth`."""
        return self.chain.truth()
