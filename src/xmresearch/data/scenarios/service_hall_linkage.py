"""Simulated customers, staff and results of a city's service halls: links within and between halls that differ, and a chain, with declared truth."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.scenarios.rounded_normal import Array, expected_answer
from xmresearch.data.scenarios.service_hall_feedback import BRANCHES
from xmresearch.data.scenarios.service_hall_feedback import LABELS as HALLS

MORE = {
    "bay": ("Bay", "海湾"), "bridge": ("Bridge", "大桥"), "canal": ("Canal", "运河"), "hillside": ("Hillside", "山前"),
    "lakeside": ("Lakeside", "湖滨"), "meadow": ("Meadow", "草坪"), "mill": ("Mill", "水磨"), "orchard": ("Orchard", "果园"),
    "park": ("Park", "公园"), "riverside": ("Riverside", "滨江"), "spring": ("Spring", "清泉"), "station": ("Station", "车站"),
}  # fmt: skip
LABELS = {
    **{k: v for k, v in HALLS.items() if k in BRANCHES}, **MORE,
    "branch": ("Branch", "网点"), "customer": ("Customer", "客户"), "wave": ("Wave", "波次"), "satisfaction": ("Experience score", "体验得分"),
    "spend": ("Spend", "消费额"), "channel": ("Channel", "渠道"), "counter": ("Counter", "窗口"), "machine": ("Machine", "自助机"),
    "online": ("Online", "网上"), "role": ("Role", "岗位"), "front": ("Front desk", "前台"), "back": ("Back office", "后台"),
    "tenure": ("Tenure", "司龄"), "short": ("Up to 3 years", "三年以下"), "long": ("Over 3 years", "三年以上"),
    "support": ("Support by the manager", "主管支持"), "tools": ("Tools to serve well", "服务所需的工具"), "voice": ("Say in the work", "工作中的话语权"),
    "pride": ("Pride in the hall", "对网点的自豪感"), "recommend_employer": ("Would recommend as employer", "推荐作为雇主"), "revenue": ("Revenue index", "收入指数"),
}  # fmt: skip
"""Names of halls and columns in English and Chinese."""

NAMES = (*BRANCHES, *MORE)
WAVES = ("2025Q1", "2025Q2", "2025Q3", "2025Q4")
CHANNELS, CHANNEL_SHARE = ("counter", "machine", "online"), (0.5, 0.3, 0.2)
ITEMS, SCALE = ("support", "tools", "voice", "pride"), (1, 7)
STAFF, STAFF_SD, CLIMATE_SD, CLIMATE = 16, 1.1, 0.5, 4.7
ATTENDS, STAYS = 0.9, 0.93
UNLINKED = {"counter": 0.12, "machine": 0.06, "online": 0.0}
"""Share of customers of each channel whose spend could not be linked."""
LASTING_SD, MOVING_SD = 7.0, 7.0
SPEND_LASTING_SD, SPEND_MOVING_SD = 9.0, 8.0
LEVEL_SD, SPEND_LEVEL_SD, RESULT_SD = 3.0, 3.5, 4.0
CARRIED, LEADS = 0.3, 0.5
"""What of a deviation is carried to the next wave, and what of the link within customers goes from one wave to the next."""
STAFF_TO_CUSTOMERS, CUSTOMERS_TO_RESULTS, STAFF_TO_RESULTS = 5.0, 1.2, 3.0


class ServiceHallLinkage:
    """Customers of halls over four waves with what they spend, staff of the same halls, and the halls' results.

    Parameters
    ----------
    n : int
        Customers.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    branches : int
        Halls; the first has ten times the customers of an ordinary one.
    within, between : float
        Spend per point of experience: among customers of one hall, and among halls; 0 for none.
    chained : bool
        Whether staff, customers and results hang together.
    wrong_links : float
        Share of customers to whom another one's spend was linked.
    """

    def __init__(
        self, n: int, seed: int, *, branches: int = 24, within: float = 0.5, between: float = 1.0, chained: bool = True,
        wrong_links: float = 0.0,
    ) -> None:  # fmt: skip
        self.n, self.seed, self.branches, self.within, self.between = n, seed, branches, within, between
        self.chain = np.array([STAFF_TO_CUSTOMERS, CUSTOMERS_TO_RESULTS, STAFF_TO_RESULTS]) * chained
        self.wrong_links = wrong_links
        self.names = np.array(
            [*NAMES, *(f"hall_{k}" for k in range(len(NAMES) + 1, branches + 1))][:branches], dtype=object
        )

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def _climate(self) -> tuple[Array, Array]:
        """Latent climate of each hall, and the mean answer of its staff that is to be expected, each of shape (halls,)."""
        latent = CLIMATE + CLIMATE_SD * self._stream("climate").standard_normal(self.branches)
        return latent, expected_answer(latent, STAFF_SD, *SCALE)

    @cached_property
    def _levels(self) -> Array:
        """How far the experience of each hall is from that of all, shape (halls,)."""
        fresh = LEVEL_SD * self._stream("levels").standard_normal(self.branches)
        return np.asarray(self.chain[0] * (self._climate[1] - CLIMATE) + fresh)

    @cached_property
    def _branch(self) -> NDArray[np.int64]:
        """The hall of each customer, shape (n,)."""
        weight = self._stream("sizes").uniform(0.7, 1.4, self.branches)
        weight[0] = 10.0 if self.branches > 12 else 3.0
        return np.sort(self._stream("customers").choice(self.branches, self.n, p=weight / weight.sum()))

    @cached_property
    def _there(self) -> NDArray[np.bool_]:
        """Who answers in which wave, shape (n, waves): some miss one, some do not come back; everybody answers in one."""
        rng = self._stream("attendance")
        stays = np.cumprod(rng.random((self.n, len(WAVES))) < STAYS, axis=1).astype(bool)
        there = stays & (rng.random((self.n, len(WAVES))) < ATTENDS)
        there[:, 0] |= ~there.any(axis=1)
        return there

    @cached_property
    def _linked(self) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
        """Channel of each customer, and whether the customer's spend is known, each of shape (n,)."""
        channel = self._stream("channels").choice(CHANNELS, size=self.n, p=CHANNEL_SHARE)
        unlinked = np.select([channel == c for c in CHANNELS], [UNLINKED[c] for c in CHANNELS])
        return channel.astype(object), self._stream("unlinked").random(self.n) >= unlinked

    @cached_property
    def _lags(self) -> tuple[Array, Array, Array]:
        """Transition, innovations and stationary covariance of what moves within customers, each of shape (2, 2)."""
        step = np.array([[CARRIED, 0.0], [LEADS * self.within, CARRIED]])
        fresh = np.diag([MOVING_SD**2, SPEND_MOVING_SD**2]) * (1 - CARRIED**2)
        whole = np.linalg.solve(np.eye(4) - np.kron(step, step), fresh.ravel()).reshape(2, 2)
        return step, fresh, whole

    def customers(self) -> pd.DataFrame:
        """Return what customers said and spent.

        Returns
        -------
        DataFrame
            Columns customer, branch, wave, channel, satisfaction (about 0 to 100) and spend (blank where it could not be linked); one row per answer.
        """
        rng = self._stream("lasting")
        lasting = LASTING_SD * rng.standard_normal(self.n)
        own = SPEND_LASTING_SD * rng.standard_normal(self.n)
        step, fresh, whole = self._lags
        rng = self._stream("moving")
        moving = np.empty((len(WAVES), self.n, 2))
        moving[0] = rng.standard_normal((self.n, 2)) @ np.linalg.cholesky(whole).T
        for t in range(1, len(WAVES)):
            moving[t] = moving[t - 1] @ step.T + rng.standard_normal((self.n, 2)) * np.sqrt(np.diag(fresh))
        level = self._levels
        halls = self.between * level + SPEND_LEVEL_SD * self._stream("spend").standard_normal(self.branches)
        x = 70 + (level[self._branch] + lasting)[:, None] + moving[:, :, 0].T
        y = 120 + (halls[self._branch] + self.within * lasting + own)[:, None] + moving[:, :, 1].T
        rng = self._stream("links")
        wrong = rng.permutation(np.flatnonzero(rng.random(self.n) < self.wrong_links))
        y[wrong] = y[np.roll(wrong, 1)]
        channel, linked = self._linked
        y[~linked] = np.nan
        who, wave = np.nonzero(self._there)
        return pd.DataFrame({
            "customer": np.array([f"c{k:07d}" for k in range(self.n)], dtype=object)[who], "branch": self.names[self._branch[who]],
            "wave": np.array(WAVES, dtype=object)[wave], "channel": channel[who],
            "satisfaction": x[who, wave].round(2), "spend": y[who, wave].round(2),
        })  # fmt: skip

    def staff(self) -> pd.DataFrame:
        """Return what staff said: branch, role, tenure, four items from 1 to 7, and recommend_employer from 0 to 10; one row per person."""
        rng = self._stream("staff")
        each = rng.integers(STAFF - 4, STAFF + 9, self.branches)
        branch = np.repeat(np.arange(self.branches), each)
        person = 0.7 * STAFF_SD * rng.standard_normal(len(branch))
        own = np.sqrt(1 - 0.7**2) * STAFF_SD * rng.standard_normal((len(branch), len(ITEMS)))
        latent = self._climate[0][branch, None] + person[:, None] + own
        answers = np.clip(np.rint(latent), *SCALE).astype(np.int64)
        recommend = np.clip(
            np.rint(7 + 1.2 * (self._climate[0][branch] - CLIMATE) + 2.2 * rng.standard_normal(len(branch))), 0, 10
        )
        return pd.DataFrame({
            "branch": self.names[branch], "role": rng.choice(["front", "back"], len(branch), p=[0.7, 0.3]).astype(object),
            "tenure": rng.choice(["short", "long"], len(branch), p=[0.45, 0.55]).astype(object),
            **{item: answers[:, k] for k, item in enumerate(ITEMS)}, "recommend_employer": recommend.astype(np.int64),
        })  # fmt: skip

    def results(self) -> pd.DataFrame:
        """Return the halls' results: branch, wave and revenue; one row per hall and wave."""
        level, climate = self._levels, self._climate[1] - CLIMATE
        lasting = 100 + self.chain[1] * level + self.chain[2] * climate
        lasting = lasting + RESULT_SD * self._stream("results").standard_normal(self.branches)
        noise = self._stream("quarters").standard_normal((self.branches, len(WAVES)))
        revenue = lasting[:, None] + noise
        branch, wave = (a.ravel() for a in np.indices(revenue.shape))
        return pd.DataFrame(
            {
                "branch": self.names[branch],
                "wave": np.array(WAVES, dtype=object)[wave],
                "revenue": revenue.ravel().round(2),
            }
        )

    def truth(self) -> pd.DataFrame:
        """Return the declared links.

        Returns
        -------
        DataFrame
            Columns effect and truth: within (of customers' means over the waves in which they answered), between, contextual; x_to_y,
            y_to_x; staff_customers, customers_results, staff_results, indirect.
        """
        step, _, whole = self._lags
        lagged = np.empty((len(WAVES), len(WAVES), 2, 2))
        for s in range(len(WAVES)):
            for t in range(len(WAVES)):
                ahead = np.linalg.matrix_power(step, abs(s - t)) @ whole
                lagged[s, t] = ahead if s >= t else ahead.T
        there = self._there[self._linked[1]]
        share = there / there.sum(axis=1, keepdims=True)
        moved = np.einsum("is,it,stab->ab", share, share, lagged) / len(share)
        within = (self.within * LASTING_SD**2 + moved[0, 1]) / (LASTING_SD**2 + moved[0, 0])
        a, b, d = self.chain
        rows = {
            "within": within, "between": self.between, "contextual": self.between - within, "x_to_y": LEADS * self.within, "y_to_x": 0.0,
            "staff_customers": a, "customers_results": b, "staff_results": d, "indirect": a * b,
        }  # fmt: skip
        return pd.DataFrame({"effect": list(rows), "truth": [float(v) for v in rows.values()]})
