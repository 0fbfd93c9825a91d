"""A simulated roll-out: self-service machines come to a city's service halls, branch by branch, with declared truth.

Answers are latent normal variables cut to their scale. What a branch's answers would be with and without machines is
therefore an exact expectation over visitors and over the shocks that a branch has in a month.
"""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from xmresearch.data.scenarios.rounded_normal import Array, expected_answer

LABELS = {
    "airport": ("Airport", "机场"), "bridge": ("Bridge", "大桥"), "canal": ("Canal", "运河"), "central": ("Central", "中心"),
    "college": ("College", "学院路"), "dockside": ("Dockside", "码头"), "east": ("East", "城东"),
    "eastgate": ("Eastgate", "东门"), "garden": ("Garden", "花园"), "harbour": ("Harbour", "港口"),
    "hillside": ("Hillside", "山麓"), "lakeside": ("Lakeside", "湖滨"), "market": ("Market", "集市"),
    "meadow": ("Meadow", "草场"), "north": ("North", "城北"), "northgate": ("Northgate", "北门"),
    "old_town": ("Old Town", "老城"), "park": ("Park", "公园"), "riverside": ("Riverside", "河滨"), "south": ("South", "城南"),
    "station": ("Station", "车站"), "university": ("University", "大学城"), "west": ("West", "城西"),
    "westgate": ("Westgate", "西门"), "branch": ("branches", "网点"), "month": ("Month", "月份"),
    "satisfaction": ("Satisfaction", "满意度"), "recommend": ("Recommendation", "推荐意愿"),
}  # fmt: skip
"""Names of branches and columns in English and Chinese."""

BRANCHES = tuple(LABELS)[:24]
MONTHS = tuple(f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13))[:18]
ROLLOUT = {"2024-07": 6, "2024-11": 6, "2025-02": 6}
"""Branches that get machines, by first month; the others get none."""

LEVEL_SD, SHOCK_SD = 0.30, 0.06
MONTH_SHIFT = 0.10 * np.sin(2 * np.pi * np.arange(len(MONTHS)) / 12) + 0.01 * np.arange(len(MONTHS))
GROWTH = np.array([0.4, 0.7, 0.9, 1.0])
"""Share of a branch's full effect in the first months with machines; the whole of it from then on."""

# Latent mean, SD and ends of the scale of each answer; a latent point of satisfaction moves recommendation by 1.7 points.
MEAN = {"satisfaction": 3.45, "recommend": 6.9}
SD = {"satisfaction": 1.0, "recommend": 2.1}
SCALE = {"satisfaction": (1, 5), "recommend": (0, 10)}
REACH = {"satisfaction": 1.0, "recommend": 1.7}
ANSWER_CORRELATION = 0.6
PROMOTER, DETRACTOR = 9, 6


class ServiceHallRollout:
    """Answers of visitors of 24 branches in 18 months, with declared effects of the machines.

    Parameters
    ----------
    n : int
        Answers.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    effect : float
        Mean over branches of the full effect on latent satisfaction.
    spread : float
        Its standard deviation between branches; the branches' effects have exactly this mean and SD.
    """

    def __init__(self, n: int, seed: int, *, effect: float = 0.35, spread: float = 0.2) -> None:
        self.n, self.seed, self.effect, self.spread = n, seed, effect, spread

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def start(self) -> NDArray[np.int64]:
        """Position of each branch's first month with machines, shape (24,); 18 where it gets none."""
        dates = [MONTHS.index(month) for month, count in ROLLOUT.items() for _ in range(count)]
        start = np.array(dates + [len(MONTHS)] * (len(BRANCHES) - len(dates)))
        return np.asarray(self._stream("order").permutation(start))

    @cached_property
    def _branches(self) -> tuple[Array, Array]:
        """Latent level of each branch, and the full effect of machines where it gets them (else 0), each of shape (24,)."""
        level = self._stream("levels").normal(0, LEVEL_SD, len(BRANCHES))
        given = self.start < len(MONTHS)
        own = self._stream("effects").standard_normal(int(given.sum()))
        full = np.zeros(len(BRANCHES))
        full[given] = self.effect + self.spread * (own - own.mean()) / own.std()
        return level, full

    @cached_property
    def _latent(self) -> tuple[Array, Array]:
        """Latent satisfaction without machines, less its mean, and what machines add, each of shape (24, 18)."""
        level, full = self._branches
        since = np.arange(len(MONTHS)) - self.start[:, None]
        grown = np.where(since < 0, 0.0, GROWTH[np.clip(since, 0, len(GROWTH) - 1)])
        return level[:, None] + MONTH_SHIFT, full[:, None] * grown

    def rows(self) -> pd.DataFrame:
        """Return the answers as a data supplier would send them.

        Returns
        -------
        DataFrame
            Columns branch, month ('2024-01'), rollout (first month with machines; blank for none), satisfaction (1-5) and
            recommend (0-10); one row per answer, in the order of branches and months.
        """
        without, added = self._latent
        visits = self._stream("visits").uniform(0.8, 1.25, len(BRANCHES))[:, None] * np.ones(len(MONTHS))
        size = self._stream("sample").multinomial(self.n, (visits / visits.sum()).ravel())
        branch, month = (np.repeat(a.ravel(), size) for a in np.indices(visits.shape))
        shock = self._stream("shocks").normal(0, SHOCK_SD, visits.shape)
        common = self._stream("visitors").standard_normal((self.n, 2))
        second = ANSWER_CORRELATION * common[:, 0] + np.sqrt(1 - ANSWER_CORRELATION**2) * common[:, 1]
        shift = (without + added + shock)[branch, month]
        answers = {}
        for name, noise in (("satisfaction", common[:, 0]), ("recommend", second)):
            latent = MEAN[name] + REACH[name] * shift + SD[name] * noise
            answers[name] = np.clip(np.rint(latent), *SCALE[name]).astype(np.int64)
        first = np.array([*MONTHS, None], dtype=object)[self.start]
        return pd.DataFrame({
            "branch": np.array(BRANCHES, dtype=object)[branch], "month": np.array(MONTHS, dtype=object)[month],
            "rollout": first[branch], **answers,
        })  # fmt: skip

    def truth(self) -> pd.DataFrame:
        """Return the declared effect of the machines in every branch and month that has them.

        Returns
        -------
        DataFrame
            Columns outcome (satisfaction, recommend), measure (mean, top_box, nps), unit, cohort, time, event_time and truth:
            the expected answer with machines minus that without, over visitors and monthly shocks.
        """
        without, added = self._latent
        branch, month = np.nonzero(np.arange(len(MONTHS)) >= self.start[:, None])
        keys = pd.DataFrame({
            "unit": np.array(BRANCHES, dtype=object)[branch],
            "cohort": np.array([*MONTHS, None], dtype=object)[self.start[branch]],
            "time": np.array(MONTHS, dtype=object)[month], "event_time": month - self.start[branch],
        })  # fmt: skip
        parts = []
        for outcome in MEAN:
            sd = float(np.hypot(SD[outcome], REACH[outcome] * SHOCK_SD))
            before = (MEAN[outcome] + REACH[outcome] * without)[branch, month]
            after = before + REACH[outcome] * added[branch, month]
            low, high = SCALE[outcome]
            gains = {
                "mean": expected_answer(after, sd, low, high) - expected_answer(before, sd, low, high),
                "top_box": _above(after, sd, high) - _above(before, sd, high),
            }
            if outcome == "recommend":
                gains["nps"] = 100 * (_balance(after, sd) - _balance(before, sd))
            parts += [keys.assign(outcome=outcome, measure=m, truth=v) for m, v in gains.items()]
        table = pd.concat(parts, ignore_index=True)
        return table[["outcome", "measure", *keys.columns, "truth"]]


def _above(mean: Array, sd: float, answer: int) -> Array:
    """Return the probability of an answer of at least `answer`."""
    return np.asarray(ndtr((mean - answer + 0.5) / sd), dtype=np.float64)


def _balance(mean: Array, sd: float) -> Array:
    """Return the share of promoters less that of detractors."""
    return _above(mean, sd, PROMOTER) - (1 - _above(mean, sd, DETRACTOR + 1))
