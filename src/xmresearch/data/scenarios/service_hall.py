"""A simulated government service hall (a city's 政务服务中心) whose true values are declared.

Answers are latent normal variables cut to the scale, so every expected value below is exact and needs no simulation.
"""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

DIMENSIONS = ("tangibles", "reliability", "responsiveness", "assurance", "empathy")
ITEMS_PER_DIMENSION = (4, 5, 4, 4, 5)
BRANCHES = ("central", "north", "south", "east", "west", "riverside", "airport", "hillside")
CHANNELS = ("counter", "machine", "phone", "web")
MONTHS = tuple(f"2025-{m:02d}" for m in range(1, 13))

DIMENSION_OF_ITEM = np.repeat(np.arange(5), ITEMS_PER_DIMENSION)
STATEMENTS = tuple(str(k + 1) for k in range(DIMENSION_OF_ITEM.size))

# Means of the latent answers on the 1-7 scale: by dimension, with an offset for each item.
EXPECTED_MEAN = np.array([5.35, 6.05, 6.00, 5.85, 5.45])
PERCEIVED_MEAN = np.array([5.30, 5.35, 4.75, 5.50, 4.95])
ITEM_OFFSET = np.array([
    0.2, -0.2, 0.1, -0.1, -0.1, 0.1, -0.2, 0.0, 0.2, 0.0, -0.3, 0.1,
    0.2, 0.1, 0.1, 0.2, -0.4, -0.1, -0.2, 0.0, 0.1, 0.2,
])  # fmt: skip
TOLERANCE = 1.3
EXPECTED_SD, PERCEIVED_SD = 0.9, 1.2
LOADING = np.array([
    0.72, 0.68, 0.75, 0.70, 0.80, 0.78, 0.74, 0.82, 0.70, 0.76, 0.80, 0.72,
    0.68, 0.78, 0.80, 0.74, 0.70, 0.72, 0.66, 0.78, 0.80, 0.76,
])  # fmt: skip
FACTOR_CORRELATION = 0.55
EXPECTATION_PERCEPTION_CORRELATION = 0.25

# Shifts of the latent perceptions (rows: branches or channels; columns: dimensions).
BRANCH_SHIFT = np.array([
    [0.1, 0.1, -0.2, 0.1, 0.0], [0.0, 0.1, 0.2, 0.0, 0.1], [0.1, 0.0, 0.0, 0.1, 0.0], [-0.2, 0.0, -0.4, 0.0, -0.1],
    [0.0, 0.2, 0.2, 0.1, 0.2], [0.3, 0.0, 0.1, 0.0, 0.0], [0.2, -0.2, 0.0, -0.1, -0.2], [-0.4, -0.1, 0.1, 0.0, 0.3],
])  # fmt: skip
CHANNEL_SHIFT = np.array([
    [0.1, 0.0, -0.2, 0.2, 0.2], [0.0, 0.2, 0.4, -0.1, -0.3], [-0.1, -0.2, -0.3, 0.0, 0.1], [0.0, 0.1, 0.3, 0.0, -0.2],
])  # fmt: skip
BRANCH_SHARE = np.array([0.24, 0.17, 0.15, 0.14, 0.12, 0.09, 0.06, 0.03])
BRANCH_SAMPLED = np.array([0.18, 0.15, 0.15, 0.15, 0.14, 0.12, 0.10, 0.01])
CHANNEL_SHARE = np.array([0.42, 0.25, 0.13, 0.20])

IMPORTANCE = np.array([11.0, 32.0, 24.0, 18.0, 15.0])
IMPORTANCE_PRECISION = 12.0

# Paths from the five perception factors to overall quality, and on to satisfaction and recommendation.
QUALITY_PATH = np.array([0.10, 0.35, 0.30, 0.12, 0.08])
SATISFACTION_PATH, RECOMMEND_PATH = 0.75, 0.70


def _expected_answer(mean: Array, sd: float, low: int = 1, high: int = 7) -> Array:
    """Expected value of a normal variable rounded to low..high."""
    cuts = np.arange(low, high) + 0.5
    expected: Array = low + ndtr((mean[..., None] - cuts) / sd).sum(axis=-1)
    return expected


class ServiceHall:
    """A survey of the hall's visitors, with declared truth.

    Parameters
    ----------
    n : int
        Respondents.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    missing : float
        Share of item answers left blank completely at random.
    careless : float
        Share of respondents who rush through and give one answer throughout.
    """

    def __init__(self, n: int, seed: int, *, missing: float = 0.01, careless: float = 0.02) -> None:
        self.n, self.seed, self.missing, self.careless = n, seed, missing, careless

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def _visits(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        rng = self._stream("visits")
        branch = rng.choice(len(BRANCHES), self.n, p=BRANCH_SAMPLED)
        channel = rng.choice(len(CHANNELS), self.n, p=CHANNEL_SHARE)
        return branch, channel, rng.integers(0, len(MONTHS), self.n)

    @cached_property
    def _factors(self) -> tuple[Array, Array]:
        """Standardised expectation and perception factors, each of shape (n, 5)."""
        block = np.full((5, 5), FACTOR_CORRELATION) + (1 - FACTOR_CORRELATION) * np.eye(5)
        cross = EXPECTATION_PERCEPTION_CORRELATION * block
        cov = np.block([[block, cross], [cross, block]])
        z = self._stream("factors").standard_normal((self.n, 10)) @ np.linalg.cholesky(cov).T
        return z[:, :5], z[:, 5:]

    def _items(self, name: str, mean: Array, sd: float, factors: Array) -> Array:
        unique = self._stream(name).standard_normal((self.n, mean.shape[-1]))
        latent = mean + sd * (LOADING * factors[:, DIMENSION_OF_ITEM] + np.sqrt(1 - LOADING**2) * unique)
        return np.clip(np.rint(latent), 1, 7)

    def _perceived_mean(self, branch: NDArray[np.int64], channel: NDArray[np.int64]) -> Array:
        shift = BRANCH_SHIFT[branch] + CHANNEL_SHIFT[channel]
        mean: Array = (PERCEIVED_MEAN + shift)[..., DIMENSION_OF_ITEM] + ITEM_OFFSET
        return mean

    def survey(self) -> pd.DataFrame:
        """Return the survey as a data supplier would send it.

        Returns
        -------
        DataFrame
            Columns respondent, branch, channel, visit_month, duration (s), weight, e1-e22, m1-m22, p1-p22 (1-7),
            points_* (0-100, summing to 100), quality (1-7), satisfaction (1-5), recommend (0-10).
        """
        branch, channel, month = self._visits
        f_exp, f_perc = self._factors
        expected_mean = EXPECTED_MEAN[DIMENSION_OF_ITEM]
        expected = self._items("expectation", expected_mean, EXPECTED_SD, f_exp)
        minimum = self._items("minimum", expected_mean - TOLERANCE, EXPECTED_SD, f_exp)
        perceived = self._items("perception", self._perceived_mean(branch, channel), PERCEIVED_SD, f_perc)
        points = self._points()
        quality, satisfaction, recommend = self._outcomes(f_perc, branch, channel)
        rng = self._stream("conduct")
        duration = np.exp(rng.normal(np.log(420), 0.25, self.n))
        careless = rng.random(self.n) < self.careless
        duration[careless] = rng.uniform(35, 90, int(careless.sum()))
        answer = rng.integers(3, 6, self.n)[:, None]
        blank = rng.random((self.n, 3 * len(STATEMENTS))) < self.missing
        ratings = np.where(careless[:, None], answer, np.hstack([expected, minimum, perceived]))
        ratings = np.where(blank, np.nan, ratings)
        columns: dict[str, object] = {
            "respondent": np.arange(1, self.n + 1),
            "branch": np.array(BRANCHES, dtype=object)[branch],
            "channel": np.array(CHANNELS, dtype=object)[channel],
            "visit_month": np.array(MONTHS, dtype=object)[month],
            "duration": np.rint(duration),
            "weight": (BRANCH_SHARE / BRANCH_SAMPLED)[branch],
        }
        for j, prefix in enumerate("emp"):
            block = ratings[:, j * len(STATEMENTS) : (j + 1) * len(STATEMENTS)]
            columns |= {f"{prefix}{s}": block[:, k] for k, s in enumerate(STATEMENTS)}
        columns |= {f"points_{d}": points[:, k] for k, d in enumerate(DIMENSIONS)}
        return pd.DataFrame(columns | {"quality": quality, "satisfaction": satisfaction, "recommend": recommend})

    def _points(self) -> Array:
        """100 importance points in steps of five; their expectation is exactly IMPORTANCE."""
        rng = self._stream("points")
        shares = rng.dirichlet(IMPORTANCE_PRECISION * IMPORTANCE / 100, self.n)
        return np.asarray(5.0 * rng.multinomial(20, shares), dtype=np.float64)

    def _outcomes(
        self, factors: Array, branch: NDArray[np.int64], channel: NDArray[np.int64]
    ) -> tuple[Array, Array, Array]:
        rng = self._stream("outcomes")
        standing = factors + (BRANCH_SHIFT[branch] + CHANNEL_SHIFT[channel]) / PERCEIVED_SD
        quality = standing @ QUALITY_PATH + 0.45 * rng.standard_normal(self.n)
        satisfaction = SATISFACTION_PATH * quality + 0.5 * rng.standard_normal(self.n)
        recommend = RECOMMEND_PATH * satisfaction + 0.6 * rng.standard_normal(self.n)
        return (
            np.clip(np.rint(5.0 + 1.1 * quality), 1, 7),
            np.clip(np.rint(3.8 + satisfaction), 1, 5),
            np.clip(np.rint(7.4 + 2.0 * recommend), 0, 10),
        )

    def truth(self, *, weighted: bool = False) -> pd.DataFrame:
        """Return the declared expected values that the survey estimates.

        Parameters
        ----------
        weighted : bool
            True: of the city's visitors (what the design weights restore); False: of the sampled mix of branches.

        Returns
        -------
        DataFrame
            Columns quantity (expectation, minimum, perception, gap, adequacy, importance, score), level (statement, dimension,
            overall or a segment column), value (of the segment; else empty), id and truth.
        """
        branch_share = BRANCH_SHARE if weighted else BRANCH_SAMPLED
        cells = np.indices((len(BRANCHES), len(CHANNELS))).reshape(2, -1)
        perceived = _expected_answer(self._perceived_mean(cells[0], cells[1]), PERCEIVED_SD)
        expected_mean = EXPECTED_MEAN[DIMENSION_OF_ITEM]
        fixed = {
            "expectation": _expected_answer(expected_mean, EXPECTED_SD),
            "minimum": _expected_answer(expected_mean - TOLERANCE, EXPECTED_SD),
        }
        share = branch_share[cells[0]] * CHANNEL_SHARE[cells[1]]
        rows: list[tuple[str, str, str, str, float]] = []

        def add(level: str, value: str, weights: Array) -> None:
            means = fixed | {"perception": weights @ perceived / weights.sum()}
            means["gap"] = means["perception"] - means["expectation"]
            means["adequacy"] = means["perception"] - means["minimum"]
            for quantity, by_item in means.items():
                if level == "overall":
                    rows.extend((quantity, "statement", "", s, v) for s, v in zip(STATEMENTS, by_item, strict=True))
                by_dimension = [by_item[d == DIMENSION_OF_ITEM].mean() for d in range(5)]
                name = "dimension" if level == "overall" else level
                rows.extend((quantity, name, value, d, v) for d, v in zip(DIMENSIONS, by_dimension, strict=True))

        add("overall", "", share)
        for b, name in enumerate(BRANCHES):
            add("branch", name, np.where(cells[0] == b, share, 0.0))
        for c, name in enumerate(CHANNELS):
            add("channel", name, np.where(cells[1] == c, share, 0.0))
        rows.extend(("importance", "dimension", "", d, v) for d, v in zip(DIMENSIONS, IMPORTANCE, strict=True))
        table = pd.DataFrame(rows, columns=["quantity", "level", "value", "id", "truth"])
        dims = (
            table[table["level"] == "dimension"]
            .pivot(index="id", columns="quantity", values="truth")
            .loc[[*DIMENSIONS]]
        )
        overall = {
            "servqual_unweighted": dims["gap"].mean(),
            "servqual_weighted": (dims["gap"] * dims["importance"]).sum() / 100,
            "servperf_unweighted": dims["perception"].mean(),
            "servperf_weighted": (dims["perception"] * dims["importance"]).sum() / 100,
        }
        extra = pd.DataFrame([("score", "overall", "", q, v) for q, v in overall.items()], columns=table.columns)
        return pd.concat([table, extra], ignore_index=True)
