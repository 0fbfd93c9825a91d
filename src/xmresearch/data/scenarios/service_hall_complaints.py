"""Simulated complaints to a city's service halls: when they come, how long they stay open, and the pages on which they are made.

Times to a response and to a resolution are exponential, so that the share handled within a promise is known exactly.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from xmresearch.data.scenarios.service_hall_feedback import (
    BRANCHES,
    CHANNEL_SHARE,
    CHANNELS,
    DAYS,
    FIRST,
    SHIFTED,
    VISITS,
)
from xmresearch.data.scenarios.service_hall_feedback import LABELS as HALLS

LABELS = HALLS | {
    "opened": ("Opened", "受理时间"), "responded": ("Responded", "首次回应时间"), "resolved": ("Resolved", "办结时间"),
    "contacts": ("Contacts", "联系次数"), "reopened": ("Reopened", "重新打开"), "customer": ("Customer", "客户"),
    "load_time": ("Load time", "加载时间"), "failed": ("Failed", "出错"), "left": ("Left", "放弃"),
}  # fmt: skip
"""Names of halls and columns in English and Chinese."""

HOURS = np.array([0.6, 1.0, 1.3, 0.9, 0.8, 1.2, 1.1, 0.7])
"""How many come in each hour from nine to five, against the mean."""
FIRST_HOUR = 9
RESPONSE, RESOLUTION = 8.0, 36.0
"""Mean hours to a response, and to a resolution in halls that are not slow."""
PROMISED, PROMISE = 72.0, "within_72"
AGAIN, EXTRA_CONTACTS, CUSTOMERS = 0.08, 0.5, 0.8
LOAD_MEDIAN, LOAD_SD, FAILED = 1.8, 0.6, 0.03
LEFT_LEVEL, LEFT_SLOPE = -2.2, 0.9
"""Log odds that a page is left: at a load time of one second, and for each unit of log load time."""
END = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(days=DAYS)


class ServiceHallComplaints:
    """Complaints to 12 halls on 181 days; three halls are slow.

    Parameters
    ----------
    n : int
        Complaints.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    slow : float
        Log hazard ratio of a resolution in the slow halls; 0 for none.
    """

    def __init__(self, n: int, seed: int, *, slow: float = -0.9) -> None:
        self.n, self.seed, self.slow = n, seed, slow

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def rows(self) -> pd.DataFrame:
        """Return the complaints as a data supplier would send them.

        Returns
        -------
        DataFrame
            Columns opened, responded, resolved ('2025-01-01 09:12:00'; blank where open at the end of the data), branch, channel,
            customer, contacts, reopened (0 or 1), load_time (seconds) and failed, left (0 or 1), the last three of complaints made
            online alone; one row per complaint, in the order of their opening.
        """
        rng = self._stream("opened")
        weekday = np.array([(FIRST + timedelta(days=k)).weekday() for k in range(DAYS)])
        expected = np.outer(VISITS[weekday], HOURS)
        at = rng.choice(expected.size, self.n, p=(expected / expected.sum()).ravel())
        day, hour = np.divmod(at, len(HOURS))
        hours = 24.0 * day + FIRST_HOUR + hour + rng.random(self.n)
        order = np.argsort(hours, kind="stable")
        hours = hours[order]
        branch = self._stream("branches").integers(0, len(BRANCHES), self.n)
        halls = np.array(BRANCHES, dtype=object)[branch]
        slow = np.isin(halls.astype(str), SHIFTED)
        times = self._stream("times").exponential(size=(self.n, 2))
        responded = hours + RESPONSE * times[:, 0]
        resolved = np.maximum(responded, hours + RESOLUTION * times[:, 1] / np.exp(self.slow * slow))
        channel = self._stream("channels").choice(CHANNELS, size=self.n, p=CHANNEL_SHARE).astype(object)
        online = channel == "online"
        pages = self._stream("pages")
        load = LOAD_MEDIAN * np.exp(LOAD_SD * pages.standard_normal(self.n))
        left = pages.random(self.n) < 1 / (1 + np.exp(-(LEFT_LEVEL + LEFT_SLOPE * np.log(load))))
        failed = pages.random(self.n) < FAILED
        more = self._stream("contacts")
        return pd.DataFrame({
            "opened": _written(hours), "responded": _written(responded), "resolved": _written(resolved), "branch": halls, "channel": channel,
            "customer": self._stream("customers").integers(0, max(int(CUSTOMERS * self.n), 1), self.n),
            "contacts": 1 + more.poisson(EXTRA_CONTACTS, self.n), "reopened": (more.random(self.n) < AGAIN).astype(np.int64),
            "load_time": np.where(online, np.round(load, 3), np.nan), "failed": np.where(online, failed, np.nan),
            "left": np.where(online, left, np.nan),
        })  # fmt: skip

    def truth(self) -> pd.DataFrame:
        """Return what was declared.

        Returns
        -------
        DataFrame
            Columns outcome, measure, unit (a hall; '' for all of them), since (the first day) and truth: of outcome resolved the share of
            complaints that are resolved within 72 hours.
        """
        own = {hall: self._within(hall) for hall in BRANCHES}
        rows = [
            ("resolved", PROMISE, unit, FIRST.isoformat(), value)
            for unit, value in {"": float(np.mean(list(own.values()))), **own}.items()
        ]
        return pd.DataFrame(rows, columns=["outcome", "measure", "unit", "since", "truth"])

    def _within(self, hall: str) -> float:
        """Return the share of a hall's complaints that are resolved within what was promised: both times are within it."""
        hazard = np.exp(self.slow * (hall in SHIFTED)) / RESOLUTION
        return float((1 - np.exp(-PROMISED / RESPONSE)) * (1 - np.exp(-PROMISED * hazard)))


def _written(hours: np.ndarray) -> np.ndarray:
    """Return moments as text, blank after the end of the data."""
    start = np.datetime64(FIRST.isoformat(), "s")
    moments = start + np.round(hours * 3600).astype("timedelta64[s]")
    text = np.char.replace(np.datetime_as_string(moments, unit="s"), "T", " ").astype(object)
    text[moments >= np.datetime64(END, "s")] = None
    return text
