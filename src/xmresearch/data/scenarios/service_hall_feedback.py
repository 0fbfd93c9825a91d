"""Simulated feedback of a city's service halls, day by day: weekdays, holidays, days that have something in common, and one shift.

Answers are latent normal variables cut to their scale, so that what a hall's figure would be with and without the shift is an exact
expectation over visitors and days.
"""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from xmresearch.data.scenarios.rounded_normal import Array, expected_answer

LABELS = {
    "airport": ("Airport", "机场"), "central": ("Central", "中心"), "college": ("College", "学院路"), "dockside": ("Dockside", "码头"),
    "east": ("East", "城东"), "garden": ("Garden", "花园"), "harbour": ("Harbour", "港口"), "market": ("Market", "集市"),
    "north": ("North", "城北"), "old_town": ("Old Town", "老城"), "south": ("South", "城南"), "west": ("West", "城西"),
    "branch": ("branches", "网点"), "date": ("Date", "日期"), "satisfaction": ("Satisfaction", "满意度"),
    "recommend": ("Recommendation", "推荐意愿"), "channel": ("Channel", "渠道"), "counter": ("Counter", "窗口"),
    "machine": ("Machine", "自助机"), "online": ("Online", "网上"),
}  # fmt: skip
"""Names of halls and columns in English and Chinese."""

BRANCHES = tuple(LABELS)[:12]
CHANNELS, CHANNEL_SHARE = ("counter", "machine", "online"), (0.5, 0.3, 0.2)
FIRST, DAYS = date(2025, 1, 1), 181
SHIFTED, SHIFT_FROM = ("harbour", "market", "old_town"), date(2025, 5, 19)
"""Halls whose counters fall behind, and since when."""

HOLIDAYS = (
    (date(2025, 1, 1), 1), (date(2025, 1, 28), 8), (date(2025, 4, 4), 3), (date(2025, 5, 1), 5), (date(2025, 5, 31), 3),
)  # fmt: skip
"""First day and number of days, as the State Council's notice of 12 November 2024 has them."""
MADE_UP = (date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27))
WEEKDAY = np.array([-0.15, -0.03, 0.02, 0.04, -0.06, 0.12, 0.10])
VISITS = np.array([1.25, 1.05, 1.0, 1.0, 1.1, 0.7, 0.6])
ON_HOLIDAY, ON_MADE_UP, HOLIDAY_VISITS = -0.20, -0.12, 0.5
DAY_SD, DAY_CORRELATION, LEVEL_SD = 0.05, 0.3, 0.25
MEAN = {"satisfaction": 3.6, "recommend": 7.2}
SD = {"satisfaction": 1.0, "recommend": 2.1}
SCALE = {"satisfaction": (1, 5), "recommend": (0, 10)}
REACH = {"satisfaction": 1.0, "recommend": 1.7}
ANSWER_CORRELATION = 0.6
PROMOTER, DETRACTOR = 9, 6


class ServiceHallFeedback:
    """Answers of visitors of 12 halls on 181 days, with a declared shift in three of them.

    Parameters
    ----------
    n : int
        Answers.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    shift : float
        What the shift adds to latent satisfaction in the halls that it reaches; 0 for none.
    """

    def __init__(self, n: int, seed: int, *, shift: float = -0.9) -> None:
        self.n, self.seed, self.shift = n, seed, shift

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def days(self) -> list[date]:
        """Every day, in order."""
        return [FIRST + timedelta(days=k) for k in range(DAYS)]

    @cached_property
    def _season(self) -> tuple[Array, Array]:
        """Latent shift of each day by weekday and holiday, and its visits, each of shape (181,)."""
        free = {first + timedelta(days=k) for first, length in HOLIDAYS for k in range(length)}
        weekday = np.array([day.weekday() for day in self.days])
        moved, visits = WEEKDAY[weekday].copy(), VISITS[weekday].copy()
        for k, day in enumerate(self.days):
            if day in free:
                moved[k], visits[k] = ON_HOLIDAY, HOLIDAY_VISITS
            elif day in MADE_UP:
                moved[k], visits[k] = ON_MADE_UP, 1.0
        return moved, visits

    @cached_property
    def _days_in_common(self) -> Array:
        """What all visitors of a day share, shape (181,): an autoregressive series."""
        fresh = self._stream("days").standard_normal(DAYS) * np.sqrt(1 - DAY_CORRELATION**2)
        shared = np.empty(DAYS)
        shared[0] = fresh[0] / np.sqrt(1 - DAY_CORRELATION**2)
        for t in range(1, DAYS):
            shared[t] = DAY_CORRELATION * shared[t - 1] + fresh[t]
        return DAY_SD * shared

    @cached_property
    def _branches(self) -> tuple[Array, NDArray[np.bool_], Array]:
        """Latent level of each hall, whether the shift reaches it, and its share of visits, each of shape (12,)."""
        level = self._stream("levels").normal(0, LEVEL_SD, len(BRANCHES))
        visits = self._stream("visits").uniform(0.8, 1.25, len(BRANCHES))
        return level, np.isin(BRANCHES, SHIFTED), visits / visits.sum()

    def rows(self) -> pd.DataFrame:
        """Return the answers as a data supplier would send them.

        Returns
        -------
        DataFrame
            Columns date ('2025-01-01'), branch, channel, satisfaction (1-5) and recommend (0-10); one row per answer, in the order of days.
        """
        season, visits = self._season
        level, reached, share = self._branches
        expected = np.outer(visits / visits.sum(), share)
        size = self._stream("sample").multinomial(self.n, expected.ravel())
        day, branch = (np.repeat(a.ravel(), size) for a in np.indices(expected.shape))
        since = np.array([d >= SHIFT_FROM for d in self.days])
        moved = (season + self._days_in_common)[day] + level[branch] + self.shift * (since[day] & reached[branch])
        noise = self._stream("visitors").standard_normal((self.n, 2))
        second = ANSWER_CORRELATION * noise[:, 0] + np.sqrt(1 - ANSWER_CORRELATION**2) * noise[:, 1]
        answers = {
            name: np.clip(np.rint(MEAN[name] + REACH[name] * moved + SD[name] * z), *SCALE[name]).astype(np.int64)
            for name, z in (("satisfaction", noise[:, 0]), ("recommend", second))
        }
        channel = self._stream("channels").choice(CHANNELS, size=self.n, p=CHANNEL_SHARE)
        return pd.DataFrame({
            "date": np.array([d.isoformat() for d in self.days], dtype=object)[day],
            "branch": np.array(BRANCHES, dtype=object)[branch], "channel": channel.astype(object), **answers,
        })  # fmt: skip

    def truth(self) -> pd.DataFrame:
        """Return the declared shift of every figure, over visitors and days since it came.

        Returns
        -------
        DataFrame
            Columns outcome, measure (mean, nps, and top_2 and so on: the share of answers from that one up), unit (a hall; '' for all of
            them), since (the first day) and truth: the expected figure with the shift less that without.
        """
        season, visits = self._season
        level, reached, share = self._branches
        since = np.array([d >= SHIFT_FROM for d in self.days])
        weight = visits[since] / visits[since].sum()
        rows = []
        for outcome, (low, high) in SCALE.items():
            sd = float(np.hypot(SD[outcome], REACH[outcome] * DAY_SD))
            before = MEAN[outcome] + REACH[outcome] * (season[since][:, None] + level)
            after = before + REACH[outcome] * self.shift * reached
            gains = {"mean": expected_answer(after, sd, low, high) - expected_answer(before, sd, low, high)}
            gains |= {f"top_{k}": _above(after, sd, k) - _above(before, sd, k) for k in range(low + 1, high + 1)}
            if outcome == "recommend":
                gains["nps"] = 100 * (gains[f"top_{PROMOTER}"] + gains[f"top_{DETRACTOR + 1}"])
            for measure, gain in gains.items():
                own = weight @ gain
                units = [("", float(own @ share)), *zip(BRANCHES, own.tolist(), strict=True)]
                rows += [(outcome, measure, unit, SHIFT_FROM.isoformat(), value) for unit, value in units]
        return pd.DataFrame(rows, columns=["outcome", "measure", "unit", "since", "truth"])


def _above(mean: Array, sd: float, answer: int) -> Array:
    """Return the probability of an answer of at least `answer`."""
    return np.asarray(ndtr((mean - answer + 0.5) / sd), dtype=np.float64)
