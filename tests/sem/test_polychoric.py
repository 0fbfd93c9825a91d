"""Polychoric correlations against lavaan 0.6-14 and against slower ways to the same numbers."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, special, stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.sem.polychorics import bivariate_normal_cdf, normal_density2, polychoric

ITEMS = (4, 5, 6, 22, 19, 20, 21, 10, 11, 18, 13, 14, 15, 16, 17, 1, 2, 3, 7, 8)


def sample(rng, correlations, cuts, n):
    """Draw rows of category numbers from normal variables cut at thresholds."""
    latent = rng.multivariate_normal(np.zeros(len(cuts)), correlations, n)
    return np.column_stack([np.digitize(x, c) for x, c in zip(latent.T, cuts, strict=True)]).astype(float)


def from_table(table):
    """One row per respondent of a table of counts."""
    rows, columns = np.indices(np.shape(table))
    counts = np.ravel(table)
    return np.column_stack([np.repeat(rows.ravel(), counts), np.repeat(columns.ravel(), counts)]).astype(float)


def rectangle(low_a, high_a, low_b, high_b, r):
    """Probability of a rectangle by integrating the conditional probability: nothing shared with the tested code."""

    def strip(x):
        s = np.sqrt(1 - r * r)
        return stats.norm.pdf(x) * (special.ndtr((high_b - r * x) / s) - special.ndtr((low_b - r * x) / s))

    return integrate.quad(strip, max(low_a, -9), min(high_a, 9), epsabs=1e-14, epsrel=1e-12, limit=200)[0]


@pytest.fixture(scope="module")
def mixed():
    """Three variables of 3, 2 and 4 categories."""
    rng = np.random.default_rng(7)
    correlations = np.array([[1, 0.5, -0.3], [0.5, 1, 0.2], [-0.3, 0.2, 1]])
    return sample(rng, correlations, [[-0.6, 0.7], [0.2], [-1.0, 0.1, 0.9]], 400)


def test_kiosk_correlations_are_lavaans(kiosk_frame, reference):
    """reference/sem/kiosk_polychoric.csv"""
    expected = pd.read_csv(reference / "sem" / "kiosk_polychoric.csv", index_col="item")
    items = kiosk_frame[[f"p{k}" for k in ITEMS]].clip(lower=3) - 2
    found = polychoric(items.to_numpy(dtype=float), [f"x{k}" for k in ITEMS])
    assert list(found.table.index) == list(expected.index)
    np.testing.assert_allclose(found.table, expected, atol=1e-6)
    assert found.positive_definite
    assert found.n == len(items)
    assert found.asymptotic is None


@pytest.mark.parametrize("r", [0.0, 0.3, -0.8, 0.93, -0.99, 0.9999])
def test_bivariate_normal_cdf_is_the_integral_of_the_conditional_probability(r):
    a, b = (x.ravel() for x in np.meshgrid([-2.5, -0.4, 0.0, 0.4, 3.1], [-3.0, -0.4, 0.0, 0.41, 1.5]))
    s = np.sqrt(1 - r * r)

    def conditional(x, limit):
        return stats.norm.pdf(x) * special.ndtr((limit - r * x) / s)

    def integral(upper, limit):
        step = [x for x in [limit / r if r else 0.0] if -9 < x < upper]
        return integrate.quad(conditional, -9, upper, args=(limit,), points=step, epsabs=1e-14, limit=500)[0]

    expected = [integral(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(bivariate_normal_cdf(a, b, r), expected, atol=1e-12)


def test_bivariate_normal_cdf_is_scipys():
    for a, b, r in [(0.3, -1.2, 0.6), (-0.5, 0.8, -0.95), (1.0, 1.0, 0.97)]:
        expected = stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([a, b])
        assert bivariate_normal_cdf(a, b, r) == pytest.approx(expected, abs=1e-10)


def test_bivariate_normal_cdf_at_the_limits():
    inf = np.inf
    a = np.array([inf, inf, -inf, 0.3, -0.3, 1.0, -1.0, 0.0])
    b = np.array([inf, 0.5, 1.0, 0.4, 0.3, 0.5, 0.2, 0.0])
    r = np.array([0.5, -0.5, 0.5, 1.0, -1.0, -1.0, 1.0, 0.6])
    upper = special.ndtr
    expected = [
        1,
        upper(0.5),
        0,
        upper(0.3),
        0,
        upper(1) + upper(0.5) - 1,
        upper(-1),
        0.25 + np.arcsin(0.6) / 2 / np.pi,
    ]
    np.testing.assert_allclose(bivariate_normal_cdf(a, b, r), expected, atol=1e-15)


def test_density_is_scipys_and_the_cdfs_derivative():
    expected = stats.multivariate_normal([0, 0], [[1, -0.7], [-0.7, 1]]).pdf([0.4, 1.1])
    assert normal_density2(0.4, 1.1, -0.7) == pytest.approx(expected, rel=1e-12)
    slope = (bivariate_normal_cdf(0.4, 1.1, -0.7 + 1e-5) - bivariate_normal_cdf(0.4, 1.1, -0.7 - 1e-5)) / 2e-5
    assert normal_density2(0.4, 1.1, -0.7) == pytest.approx(slope, rel=1e-8)
    assert normal_density2(np.inf, 1.1, 0.2) == 0


def test_thresholds_are_probits_of_cumulative_shares(mixed):
    found = polychoric(mixed, ["x", "y", "z"])
    for k, cuts in enumerate(found.thresholds):
        shares = [(mixed[:, k] <= c).mean() for c in found.categories[k][:-1]]
        np.testing.assert_allclose(cuts, stats.norm.ppf(shares), rtol=1e-12)
    assert [len(c) for c in found.categories] == [3, 2, 4]


def test_correlations_maximise_the_likelihood(mixed):
    found = polychoric(mixed, ["x", "y", "z"])
    edges = [np.concatenate([[-np.inf], t, [np.inf]]) for t in found.thresholds]
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        cells, counts = np.unique(mixed[:, [i, j]].astype(int), axis=0, return_counts=True)

        def loss(r, i=i, j=j, cells=cells, counts=counts):
            chances = [rectangle(edges[i][c], edges[i][c + 1], edges[j][d], edges[j][d + 1], r) for c, d in cells]
            return -counts @ np.log(chances)

        best = optimize.minimize_scalar(loss, bounds=(-0.9, 0.9), method="bounded", options={"xatol": 1e-8})
        assert found.correlations[i, j] == pytest.approx(best.x, abs=1e-6)
        assert found.correlations[j, i] == found.correlations[i, j]


def test_planted_correlations_are_recovered():
    rng = np.random.default_rng(1)
    loadings = np.array([0.9, 0.8, 0.7, -0.6, 0.99])
    planted = np.outer(loadings, loadings)
    np.fill_diagonal(planted, 1)
    cuts = [[-1, 0, 1], [0.5], [-0.3, 0.9], [-1.5, -0.5, 0.5, 1.5], [-1, 0, 1]]
    found = polychoric(sample(rng, planted, cuts, 40_000), list("abcde"))
    np.testing.assert_allclose(found.correlations, planted, atol=0.02)


def test_only_the_order_of_values_matters(mixed):
    plain = polychoric(mixed, ["x", "y", "z"], covariance=True)
    values = np.array([-2.5, 0.1, 7.0, 7.25])[mixed.astype(int)]
    other = polychoric(values, ["x", "y", "z"], covariance=True)
    assert other.categories[0] == (-2.5, 0.1, 7.0)
    np.testing.assert_array_equal(other.correlations, plain.correlations)
    np.testing.assert_array_equal(other.asymptotic, plain.asymptotic)


def test_gamma_is_the_sandwich_of_numerically_differentiated_scores(mixed):
    found = polychoric(mixed, ["x", "y", "z"], covariance=True)
    n, p = mixed.shape
    codes = mixed.astype(int)
    sizes = [len(t) for t in found.thresholds]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    pairs = [(0, 1), (0, 2), (1, 2)]
    kappa = np.concatenate([*found.thresholds, [found.correlations[i, j] for i, j in pairs]])

    def edges(theta, v):
        return np.concatenate([[-np.inf], theta[starts[v] : starts[v + 1]], [np.inf]])

    def single(theta, v):
        return np.log(np.diff(special.ndtr(edges(theta, v))))[codes[:, v]]

    def double(theta, k):
        a, b, r = edges(theta, pairs[k][0]), edges(theta, pairs[k][1]), theta[starts[-1] + k]
        table = np.array([[rectangle(*s, *t, r) for t in pairwise(b)] for s in pairwise(a)])
        return np.log(table)[codes[:, pairs[k][0]], codes[:, pairs[k][1]]]

    def score(function, which, q):
        step = np.eye(len(kappa))[q] * 1e-4
        return (function(kappa + step, which) - function(kappa - step, which)) / 2e-4

    owners = np.repeat(np.arange(p), sizes)
    m = len(kappa)
    scores, bread = np.empty((n, m)), np.zeros((m, m))
    for q, v in enumerate(owners):
        scores[:, q] = score(single, v, q)
    for k in range(len(pairs)):
        scores[:, starts[-1] + k] = score(double, k, starts[-1] + k)
    for q, v in enumerate(owners):
        same = owners == v
        bread[q, : starts[-1]][same] = scores[:, q] @ scores[:, : starts[-1]][:, same]
    for k, pair in enumerate(pairs):
        row = starts[-1] + k
        bread[row, row] = scores[:, row] @ scores[:, row]
        for q in np.flatnonzero(np.isin(owners, pair)):
            bread[row, q] = scores[:, row] @ score(double, k, q)
    inverse = np.linalg.inv(bread)
    np.testing.assert_allclose(found.asymptotic, n * inverse @ scores.T @ scores @ inverse.T, rtol=1e-5, atol=1e-5)


def test_gamma_predicts_the_sampling_covariance():
    rng = np.random.default_rng(11)
    planted = np.array([[1, 0.6, -0.4], [0.6, 1, 0.1], [-0.4, 0.1, 1]])
    cuts = [[-0.8, 0.5], [0.3], [-0.5, 0.4, 1.2]]
    n, statistics, gamma = 1000, [], 0.0
    for rows in sample(rng, planted, cuts, 2000 * n).reshape(2000, n, 3):
        found = polychoric(rows, list("abc"), covariance=True)
        statistics.append(np.concatenate([*found.thresholds, found.correlations[np.triu_indices(3, 1)]]))
        gamma = gamma + found.asymptotic / 2000
    observed = np.cov(np.array(statistics), rowvar=False) * n
    np.testing.assert_allclose(np.sqrt(np.diag(gamma)), np.sqrt(np.diag(observed)), rtol=0.05)
    scale = np.sqrt(np.outer(np.diag(gamma), np.diag(gamma)))
    np.testing.assert_allclose(gamma / scale, observed / scale, atol=0.1)


LAVAAN_FOURFOLD = [
    ([[30, 0], [12, 41]], 0.9558667112604,
     [1.6444798578668, 1.1947641616049, 0.0902293477047, 1.5709264930687, -0.0777567611151, 0.1817369844575]),
    ([[25, 14], [33, 0]], -0.796426988895,
     [1.577059750549, -0.816107231092, 0.256544622158, 2.067744760323, 0.348202724394, 1.915008655759]),
    ([[24, 14], [33, 19]], -0.005027319183218,
     [1.5929484155904, -0.005028181956774, -0.00042520807527, 1.638677510118006, 0.00075350296071, 2.60989887831273]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "r", "gamma"), LAVAAN_FOURFOLD)
def test_fourfold_tables_are_lavaans(table, r, gamma):
    """lavaan 0.6-14: sampstat and gamma of cfa('f =~ 1*a + 1*b', ordered = c('a', 'b'))."""
    found = polychoric(from_table(table), ["a", "b"], covariance=True)
    assert found.correlations[0, 1] == pytest.approx(r, abs=1e-7)
    np.testing.assert_allclose(found.asymptotic[np.triu_indices(3)], gamma, rtol=1e-5, atol=1e-8)
    empty = int((np.array(table) == 0).sum())
    assert found.sparse == ((("a", "b", empty),) if empty else ())


def test_two_empty_cells_of_a_fourfold_table_are_a_perfect_correlation():
    assert polychoric(from_table([[25, 0], [0, 17]]), ["a", "b"]).correlations[0, 1] == 1
    assert polychoric(from_table([[0, 25], [17, 0]]), ["a", "b"]).correlations[0, 1] == -1


def test_a_perfect_correlation_of_more_categories_ends_at_the_bound_without_gamma():
    rows = from_table(np.diag([10, 20, 20, 10]))
    found = polychoric(rows, ["a", "b"])
    assert found.correlations[0, 1] == pytest.approx(0.999, abs=1e-6)
    assert found.sparse == (("a", "b", 12),)
    with pytest.raises(InsufficientData, match="'a' and 'b' correlate perfectly") as error:
        polychoric(rows, ["a", "b"], covariance=True)
    assert error.value.hint


def test_a_discordant_respondent_counts():
    """One answer whose probability is far below lavaan's limit of 1.5e-8."""
    table = np.diag([30, 60, 90, 60, 30]) + np.diag([14] * 4, 1) + np.diag([14] * 4, -1)
    table[0, -1] = 1
    found = polychoric(from_table(table), ["a", "b"])
    a, b = (np.concatenate([[-np.inf], t, [np.inf]]) for t in found.thresholds)
    cells = np.argwhere(table)

    def loss(r):
        return -sum(table[c, d] * np.log(rectangle(a[c], a[c + 1], b[d], b[d + 1], r)) for c, d in cells)

    assert rectangle(a[0], a[1], b[-2], b[-1], found.correlations[0, 1]) < 1e-9
    best = optimize.minimize_scalar(loss, bounds=(0.7, 0.97), method="bounded", options={"xatol": 1e-7})
    assert found.correlations[0, 1] == pytest.approx(best.x, abs=1e-5)


def test_estimates_pair_by_pair_need_not_make_a_correlation_matrix():
    rng = np.random.default_rng(3)
    assert not polychoric(rng.integers(0, 3, (4, 6)).astype(float), list("abcdef")).positive_definite


def test_one_variable_has_thresholds_only():
    found = polychoric(np.array([[1.0], [2.0], [2.0], [3.0]]), ["a"], covariance=True)
    assert found.correlations.shape == (1, 1)
    assert found.asymptotic.shape == (2, 2)


@pytest.mark.parametrize(
    ("column", "kind", "problem"),
    [
        (np.ones(50), InsufficientData, "Variable 'x' is constant."),
        (np.arange(50.0), DataError, "Variable 'x' has 50 different values"),
        (np.where(np.arange(50) == 9, np.nan, np.arange(50) % 3), DataError, "Variable 'x' has blank"),
    ],
)
def test_variables_that_are_not_ordered_categories(column, kind, problem):
    with pytest.raises(kind, match=problem) as error:
        polychoric(np.column_stack([np.arange(50) % 4, column]), ["w", "x"])
    assert error.value.hint


def test_no_rows():
    with pytest.raises(InsufficientData, match="complete rows"):
        polychoric(np.empty((0, 2)), ["a", "b"])
