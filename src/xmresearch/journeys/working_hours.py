"""Working time between two moments: opening hours of working days, holidays and make-up days left out or in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.journeys.case_log import CaseLog
from xmresearch.monitoring.calendars import day_kinds

Array = NDArray[np.float64]
DAY = 86400.0
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, repr=False)
class WorkingHours(Shown):
    """When a service is open.

    Attributes
    ----------
    opens, closes : float
        Hours of the day.
    country : str
        Whose holidays, as of `xmresearch.monitoring.day_kinds`; '' for weekends alone.
    weekends : bool
        Whether weekends are worked as well.
    """

    opens: float = 9.0
    closes: float = 17.0
    country: str = "CN"
    weekends: bool = False

    def __post_init__(self) -> None:
        """Refuse hours that are none."""
        if not 0 <= self.opens < self.closes <= 24:
            raise DataError(
                f"Opening hours from {self.opens:g} to {self.closes:g} are none.",
                "Give hours of the day, such as 9 and 17.",
            )

    def clock(self, moments: Array) -> Array:
        """Return how many seconds were worked from the first of the days on until each moment; differences are working time.

        Parameters
        ----------
        moments : ndarray
            Seconds since 1970 on the clock of the service, any shape; NaN stays.
        """
        known = np.isfinite(moments)
        if not known.any():
            return moments.copy()
        low, high = (int(np.floor(f(moments[known]) / DAY)) for f in (np.min, np.max))
        worked = self._days(low, high)
        before = np.concatenate([[0.0], np.cumsum(worked)])
        day = np.where(known, np.floor(moments / DAY), low).astype(np.int64) - low
        within = np.where(known, moments - (day + low) * DAY, 0.0)
        open_ = np.clip(within - self.opens * 3600, 0.0, (self.closes - self.opens) * 3600)
        found = before[day] + open_ * (worked[day] > 0)
        return np.asarray(np.where(known, found, np.nan))

    def _days(self, low: int, high: int) -> Array:
        """Return the seconds worked on each day."""
        days: Sequence[date] = [EPOCH + timedelta(days=k) for k in range(low, high + 1)]
        kinds = day_kinds(days, country=self.country).table["kind"].to_numpy()
        worked = ("workday", "make_up", "weekend") if self.weekends else ("workday", "make_up")
        return np.asarray(np.isin(kinds, worked) * ((self.closes - self.opens) * 3600.0), dtype=np.float64)


def in_working_time(log: CaseLog, hours: WorkingHours) -> CaseLog:
    """Return a log whose times are working time: of nights, weekends and holidays nothing is counted.

    Parameters
    ----------
    log : CaseLog
        The cases, on the clock of the service.
    hours : WorkingHours
        When it is open.
    """
    every = hours.clock(np.concatenate([log.ended, log.began, log.first, [log.last_moment]]))
    m, n = len(log.ended), len(log)
    return replace(
        log, ended=every[:m], began=every[m : 2 * m], first=every[2 * m : 2 * m + n], last_moment=float(every[-1])
    )
