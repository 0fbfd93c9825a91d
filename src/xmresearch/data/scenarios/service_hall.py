"""A simulated government service hall (a city's 政务服务中心) whose true values are declared.

Answers are latent normal variables cut to the scale, so every expected value and covariance below is exact and needs no
simulation.
"""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.scenarios.rounded_normal import Array, expected_answer, rounded_moments

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

# Paths from the five perception factors to overall quality, and on to satisfaction and recommendation; what each adds of
# its own (SD); the answers to one question about each.
QUALITY_PATH = np.array([0.10, 0.35, 0.30, 0.12, 0.08])
SATISFACTION_PATH, RECOMMEND_PATH = 0.75, 0.70
OUTCOMES = ("quality", "satisfaction", "recommend")
OUTCOME_NOISE = np.array([0.45, 0.5, 0.6])
OUTCOME_MEAN, OUTCOME_SCALE = np.array([5.0, 3.8, 7.4]), np.array([1.1, 1.0, 2.0])
OUTCOME_LOW, OUTCOME_HIGH = np.array([1, 1, 0]), np.array([7, 5, 10])

# Three items for satisfaction (s1-s3) and three for loyalty (l1-l3, of the recommendation variable), on the 1-10 scale.
SATISFACTION_ITEMS, LOYALTY_ITEMS = ("s1", "s2", "s3"), ("l1", "l2", "l3")
SATISFACTION_LOADING, LOYALTY_LOADING = np.array([0.86, 0.80, 0.76]), np.array([0.82, 0.87, 0.78])
SATISFACTION_MEAN, LOYALTY_MEAN = np.array([7.3, 7.0, 6.8]), np.array([7.4, 7.1, 6.9])
SATISFACTION_SD, LOYALTY_SD = np.array([1.6, 1.7, 1.8]), np.array([1.8, 1.9, 1.7])

# Within a branch and channel, quality, satisfaction and recommendation are these combinations of the perception factors
# (columns: dimensions) and of their three noises, so their SD there is the same everywhere.
_CHAIN = np.array([
    [1, 0, 0], [SATISFACTION_PATH, 1, 0], [SATISFACTION_PATH * RECOMMEND_PATH, RECOMMEND_PATH, 1],
])  # fmt: skip
_FACTOR_BLOCK = np.full((5, 5), FACTOR_CORRELATION) + (1 - FACTOR_CORRELATION) * np.eye(5)
OUTCOME_PATH, OUTCOME_SHOCK = _CHAIN[:, :1] * QUALITY_PATH, _CHAIN * OUTCOME_NOISE
OUTCOME_SD = np.sqrt(np.diag(OUTCOME_PATH @ _FACTOR_BLOCK @ OUTCOME_PATH.T + OUTCOME_SHOCK @ OUTCOME_SHOCK.T))


def _factor_covariance() -> Array:
    """Covariance (10, 10) of the five expectation and the five perception factors."""
    cross = EXPECTATION_PERCEPTION_CORRELATION * _FACTOR_BLOCK
    return np.block([[_FACTOR_BLOCK, cross], [cross, _FACTOR_BLOCK]])


def _cells(*, weighted: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Branch, channel and share of every branch-by-channel cell."""
    branch, channel = np.indices((len(BRANCHES), len(CHANNELS))).reshape(2, -1)
    return branch, channel, (BRANCH_SHARE if weighted else BRANCH_SAMPLED)[branch] * CHANNEL_SHARE[channel]


def _shift(branch: NDArray[np.int64], channel: NDArray[np.int64]) -> Array:
    """Shift of the five latent perceptions in each branch and channel given."""
    shift: Array = BRANCH_SHIFT[branch] + CHANNEL_SHIFT[channel]
    return shift


def _perceived_mean(branch: NDArray[np.int64], channel: NDArray[np.int64]) -> Array:
    mean: Array = (PERCEIVED_MEAN + _shift(branch, channel))[..., DIMENSION_OF_ITEM] + ITEM_OFFSET
    return mean


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
        z = self._stream("factors").standard_normal((self.n, 10)) @ np.linalg.cholesky(_factor_covariance()).T
        return z[:, :5], z[:, 5:]

    def _items(self, name: str, mean: Array, sd: float | Array, factors: Array, loading: Array, high: int) -> Array:
        unique = self._stream(name).standard_normal((self.n, mean.shape[-1]))
        return np.clip(np.rint(mean + sd * (loading * factors + np.sqrt(1 - loading**2) * unique)), 1, high)

    def survey(self) -> pd.DataFrame:
        """Return the survey as a data supplier would send it.

        Returns
        -------
        DataFrame
            Columns respondent, branch, channel, visit_month, duration (s), weight, e1-e22, m1-m22, p1-p22 (1-7),
            points_* (0-100, summing to 100), quality (1-7), satisfaction (1-5), recommend (0-10), s1-s3, l1-l3 (1-10).
        """
        branch, channel, month = self._visits
        f_exp, f_perc = self._factors
        expected_mean = EXPECTED_MEAN[DIMENSION_OF_ITEM]
        f_exp, f_item = f_exp[:, DIMENSION_OF_ITEM], f_perc[:, DIMENSION_OF_ITEM]
        expected = self._items("expectation", expected_mean, EXPECTED_SD, f_exp, LOADING, 7)
        minimum = self._items("minimum", expected_mean - TOLERANCE, EXPECTED_SD, f_exp, LOADING, 7)
        perceived = self._items("perception", _perceived_mean(branch, channel), PERCEIVED_SD, f_item, LOADING, 7)
        points = self._points()
        outcomes = self._outcomes(f_perc, _shift(branch, channel))
        z = outcomes / OUTCOME_SD
        judged = np.hstack([
            self._items("satisfaction", SATISFACTION_MEAN, SATISFACTION_SD, z[:, [1]], SATISFACTION_LOADING, 10),
            self._items("loyalty", LOYALTY_MEAN, LOYALTY_SD, z[:, [2]], LOYALTY_LOADING, 10),
        ])  # fmt: skip
        rng = self._stream("conduct")
        duration = np.exp(rng.normal(np.log(420), 0.25, self.n))
        careless = rng.random(self.n) < self.careless
        duration[careless] = rng.uniform(35, 90, int(careless.sum()))
        answer = rng.integers(3, 6, self.n)[:, None]
        blank = rng.random((self.n, 3 * len(STATEMENTS))) < self.missing
        ratings = np.where(careless[:, None], answer, np.hstack([expected, minimum, perceived]))
        ratings = np.where(blank, np.nan, ratings)
        blank = self._stream("judgement blanks").random(judged.shape) < self.missing
        judged = np.where(blank, np.nan, np.where(careless[:, None], answer, judged))
        outcomes = np.clip(np.rint(OUTCOME_MEAN + OUTCOME_SCALE * outcomes), OUTCOME_LOW, OUTCOME_HIGH)
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
        columns |= {name: outcomes[:, k] for k, name in enumerate(OUTCOMES)}
        columns |= {name: judged[:, k] for k, name in enumerate(SATISFACTION_ITEMS + LOYALTY_ITEMS)}
        return pd.DataFrame(columns)

    def _points(self) -> Array:
        """100 importance points in steps of five; their expectation is exactly IMPORTANCE."""
        rng = self._stream("points")
        shares = rng.dirichlet(IMPORTANCE_PRECISION * IMPORTANCE / 100, self.n)
        return np.asarray(5.0 * rng.multinomial(20, shares), dtype=np.float64)

    def _outcomes(self, factors: Array, shift: Array) -> Array:
        """Latent quality, satisfaction and recommendation, shape (n, 3)."""
        noise = OUTCOME_NOISE * self._stream("outcomes").standard_normal((3, self.n)).T
        quality = (factors + shift / PERCEIVED_SD) @ QUALITY_PATH + noise[:, 0]
        satisfaction = SATISFACTION_PATH * quality + noise[:, 1]
        return np.column_stack([quality, satisfaction, RECOMMEND_PATH * satisfaction + noise[:, 2]])

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
        branch, channel, share = _cells(weighted=weighted)
        perceived = expected_answer(_perceived_mean(branch, channel), PERCEIVED_SD)
        expected_mean = EXPECTED_MEAN[DIMENSION_OF_ITEM]
        fixed = {
            "expectation": expected_answer(expected_mean, EXPECTED_SD),
            "minimum": expected_answer(expected_mean - TOLERANCE, EXPECTED_SD),
        }
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
            add("branch", name, np.where(branch == b, share, 0.0))
        for c, name in enumerate(CHANNELS):
            add("channel", name, np.where(channel == c, share, 0.0))
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

    def population(self, *, weighted: bool = False) -> tuple[pd.Series, pd.DataFrame]:
        """Return the exact mean and covariance of the answers, before blanks and careless respondents.

        Parameters
        ----------
        weighted : bool
            True: of the city's visitors (what the design weights restore); False: of the sampled mix of branches.

        Returns
        -------
        mean : Series
            Of e1-e22, m1-m22, p1-p22, quality, satisfaction, recommend, s1-s3 and l1-l3.
        covariance : DataFrame
            Of the same, in the same order; its error is below 1e-9.

        See Also
        --------
        xmresearch.data.scenarios.rounded_normal.rounded_moments : the method.
        """
        branch, channel, share = _cells(weighted=weighted)
        judged = len(SATISFACTION_ITEMS + LOYALTY_ITEMS)
        # Each answer is of one standardised latent variable: ten factors (expectation, perception), then three outcomes.
        of = np.concatenate([DIMENSION_OF_ITEM, DIMENSION_OF_ITEM, 5 + DIMENSION_OF_ITEM, [10, 11, 12],
                             np.repeat([11, 12], [len(SATISFACTION_ITEMS), len(LOYALTY_ITEMS)])])  # fmt: skip
        loading = np.concatenate([LOADING, LOADING, LOADING, np.ones(3), SATISFACTION_LOADING, LOYALTY_LOADING])
        latent = np.eye(13)
        latent[10:] = np.hstack([np.zeros((3, 5)), OUTCOME_PATH, OUTCOME_SHOCK]) / OUTCOME_SD[:, None]
        common = np.eye(13)
        common[:10, :10] = _factor_covariance()
        correlation = np.outer(loading, loading) * (latent @ common @ latent.T)[np.ix_(of, of)]

        items = np.ones(len(STATEMENTS), dtype=np.int64)
        low = np.concatenate([items, items, items, OUTCOME_LOW, np.ones(judged, dtype=np.int64)])
        high = np.concatenate([7 * items, 7 * items, 7 * items, OUTCOME_HIGH, np.full(judged, 10)])
        sd = np.concatenate([EXPECTED_SD * items, EXPECTED_SD * items, PERCEIVED_SD * items, OUTCOME_SCALE * OUTCOME_SD,
                             SATISFACTION_SD, LOYALTY_SD])  # fmt: skip
        expected = np.tile(EXPECTED_MEAN[DIMENSION_OF_ITEM], (share.size, 1))
        outcome = _shift(branch, channel) / PERCEIVED_SD @ OUTCOME_PATH.T / OUTCOME_SD
        last = slice(3 * items.size, None)
        outcome_mean = np.concatenate([OUTCOME_MEAN, SATISFACTION_MEAN, LOYALTY_MEAN])
        outcome_mean = outcome_mean + sd[last] * loading[last] * outcome[:, of[last] - 10]
        mean = np.hstack([expected, expected - TOLERANCE, _perceived_mean(branch, channel), outcome_mean])

        centre, spread = rounded_moments(mean, sd, low, high, correlation, share)
        names = [f"{prefix}{s}" for prefix in "emp" for s in STATEMENTS]
        names += [*OUTCOMES, *SATISFACTION_ITEMS, *LOYALTY_ITEMS]
        return pd.Series(centre, names), pd.DataFrame(spread, names, names)
