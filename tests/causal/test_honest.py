"""Sensitivity to breaches of parallel trends."""

import numpy as np
import pytest
from scipy import optimize, stats

from xmresearch.causal.conditional_interval import MomentTests, conditional_interval
from xmresearch.causal.honest_interval import flci, second_differences
from xmresearch.causal.honest_trends import KINDS, honest
from xmresearch.errors import DataError, InsufficientData, ParamsError

# Event study of Benzarti & Carloni (2019), as Rambachan & Roth (2023) use it: four years before 2008, four after
BC_BETA = np.array(
    [0.006696352, 0.029345034, -0.006472972, 0.073014989, 0.195961118, 0.312063903, 0.239541546, 0.126042500]
)
BC_COV = np.array(
    [
        [8.428358e-04, 4.768687e-04, 2.618051e-04, 2.354220e-04, 1.676371e-04, 1.128708e-04, 1.992816e-05, -1.368265e-04],
        [4.768687e-04, 6.425420e-04, 3.987425e-04, 2.435515e-04, 2.201960e-04, 1.804591e-04, 3.843765e-05, -2.960422e-05],
        [2.618051e-04, 3.987425e-04, 5.229950e-04, 2.117686e-04, 1.840722e-04, 1.458528e-04, 7.005197e-05, 5.952995e-05],
        [2.354220e-04, 2.435515e-04, 2.117686e-04, 3.089595e-04, 1.197866e-04, 1.334081e-04, 1.016335e-04, 1.079052e-04],
        [1.676371e-04, 2.201960e-04, 1.840722e-04, 1.197866e-04, 3.599704e-04, 2.478819e-04, 1.749579e-04, 1.654257e-04],
        [1.128708e-04, 1.804591e-04, 1.458528e-04, 1.334081e-04, 2.478819e-04, 4.263950e-04, 2.171438e-04, 2.892748e-04],
        [1.992816e-05, 3.843765e-05, 7.005197e-05, 1.016335e-04, 1.749579e-04, 2.171438e-04, 4.886698e-04, 3.805322e-04],
        [-1.368265e-04, -2.960422e-05, 5.952995e-05, 1.079052e-04, 1.654257e-04, 2.892748e-04, 3.805322e-04, 7.617394e-04],
    ]
)  # fmt: skip
AR = 0.01 * 0.5 ** np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
PATH = np.array([1, 0, 1, 1.2, 1.2 + 1 / 6, 1.2 + 2 / 6, 1.7])


@pytest.mark.parametrize(
    ("cov", "target", "expected"),
    [
        (0.01 * np.eye(4), [1], [(0, 0.2028755, 1.4857), (0.05, 0.2504593, 1.52635), (0.1, 0.3134587, 1.67453),
                                 (0.2, 0.4312172, 2.03478), (0.5, 0.7326174, 2.2)]),
        (AR[:4, :4], [1], [(0, 0.1951195, 1.12854), (0.05, 0.2710138, 1.06873), (0.1, 0.3514762, 1.19413),
                           (0.2, 0.4842116, 2.00144), (0.5, 0.7848970, 2.2)]),
        (0.01 * np.eye(7), [0.25] * 4, [(0, 0.1635635, 2.16429), (0.05, 0.4765860, 2.20304), (0.1, 0.7933339, 2.26695),
                                        (0.2, 1.3690655, 2.65977), (0.5, 2.9193570, 3.95)]),
    ],
)  # fmt: skip
def test_fixed_length_intervals_are_those_of_honestdid(cov, target, expected):
    """HonestDiD 0.2.6 (R) with the exact folded normal quantile: M, half length, centre (golden file of diff-diff)."""
    for m, half, centre in expected:
        low, high = flci(PATH[: len(cov)], cov, n_pre=3, target=np.array(target, dtype=float), bound=m)
        assert (high - low) / 2 == pytest.approx(half, abs=1e-6), m
        assert (high + low) / 2 == pytest.approx(centre, abs=1e-4), m


def test_published_event_study():
    """diff-diff 3.13.0, `_flci_solve` on the same figures; the sets by hand."""
    found = honest(BC_BETA, BC_COV, n_pre=4, kind="smoothness", bounds=[0, 0.1, 0.2, 0.3])
    expected = [(0.1314596, 0.2161197), (0.1193979, 0.4185543), (0.0193979, 0.5185543), (-0.0806021, 0.6185543)]
    np.testing.assert_allclose(found.curve[["ci_lower", "ci_upper"]], expected, atol=2e-6)
    assert found.curve["set_lower"].isna().tolist() == [True, True, False, False]
    assert found.breakdown == pytest.approx(0.2 + 0.0193979, abs=1e-4)
    relative = honest(BC_BETA, BC_COV, n_pre=4)
    step = 0.073014989 + 0.006472972
    np.testing.assert_allclose(relative.curve["set_lower"], 0.195961118 - relative.curve["bound"] * step, atol=1e-12)
    assert 1.3 < relative.breakdown < 0.195961118 / step
    assert relative.diagnostics()["status"].tolist() == ["pass", "warn", "pass"]


def _by_programming(kind, pre, post, target, m):
    """Bounds of target' (post - delta), delta by linear programming."""
    n_pre, n_post = len(pre), len(post)
    first = np.delete(np.diff(np.eye(n_pre + n_post + 1), axis=0), n_pre, axis=1)
    bends = second_differences(n_pre, n_post)
    known = np.append(pre, np.zeros(n_post))
    if kind == "relative":
        rows, limit = first[n_pre:], m * np.abs(first[:n_pre] @ known).max()
    elif kind == "smoothness":
        rows, limit = bends, m
    else:
        rows, limit = bends[n_pre - 1 :], m * np.abs(bends[: n_pre - 1] @ known).max()
    ends = []
    for sign in (1, -1):
        found = optimize.linprog(
            sign * np.append(np.zeros(n_pre), target), A_ub=np.vstack([rows, -rows]), b_ub=np.full(2 * len(rows), limit),
            bounds=[(v, v) for v in pre] + [(None, None)] * n_post, method="highs",
        )  # fmt: skip
        if found.status == 2:
            return np.nan, np.nan
        ends.append(target @ post - sign * found.fun)
    return ends[1], ends[0]


@pytest.mark.parametrize("kind", KINDS)
def test_sets_are_those_of_linear_programming(kind):
    rng = np.random.default_rng(5)
    empty = 0
    for _ in range(12):
        n_pre, n_post = rng.integers(2, 5), rng.integers(1, 5)
        beta, target = rng.normal(size=n_pre + n_post), rng.normal(size=n_post)
        bounds = [0.3, 1.0, 4.0]
        found = honest(beta, np.eye(len(beta)), n_pre=n_pre, kind=kind, bounds=bounds, target=target, n_draws=50)
        for m, row in zip(bounds, found.curve.itertuples(), strict=True):
            expected = _by_programming(kind, beta[:n_pre], beta[n_pre:], target, m)
            np.testing.assert_allclose((row.set_lower, row.set_upper), expected, atol=1e-7)
            empty += np.isnan(expected[0])
    assert (empty > 0) == (kind == "smoothness")


def test_no_other_weights_give_a_shorter_interval():
    """Nelder-Mead over all estimators, the worst bias by linear programming."""
    cov, n_pre, m = AR[:5, :5], 3, 0.08
    bends, time = second_differences(3, 2), np.array([-3, -2, -1, 1, 2])
    target = np.array([0.5, 0.5])

    def half(free):
        last = -(free @ time[:2] + target @ time[3:]) / time[2]  # no linear trend moves the estimator
        v = np.concatenate([free, [last], target])
        found = optimize.linprog(-v, A_ub=np.vstack([bends, -bends]), b_ub=np.full(8, m), bounds=(None, None))
        sd = np.sqrt(v @ cov @ v)
        return sd * np.sqrt(stats.ncx2.ppf(0.95, 1, (found.fun / sd) ** 2))

    best = optimize.minimize(half, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).fun
    low, high = flci(np.zeros(5), cov, n_pre=n_pre, target=target, bound=m)
    assert (high - low) / 2 == pytest.approx(best, rel=1e-6)


def test_smooth_breaches_are_covered():
    """A bend of size M wherever the estimator is most open to it: 95 % or a little more."""
    rng = np.random.default_rng(8)
    m, target = 0.05, np.array([1.0, 0.0])
    cov = AR[:5, :5]
    low, high = flci(np.zeros(5), cov, n_pre=3, target=target, bound=m)
    weights = np.array([sum(flci(e, cov, n_pre=3, target=target, bound=m)) / 2 for e in np.eye(5)])
    bends = second_differences(3, 2)
    worst = optimize.linprog(-weights, A_ub=np.vstack([bends, -bends]), b_ub=np.full(8, m), bounds=(None, None)).x
    assert np.abs(bends @ worst).max() <= m + 1e-9
    for delta in (worst, -worst, np.zeros(5), 0.7 * np.array([-3, -2, -1, 1, 2])):
        beta = rng.multivariate_normal(delta, cov, size=20_000)
        covered = np.mean(np.abs(beta @ weights) <= (high - low) / 2)
        assert covered >= 0.946
    assert np.mean(np.abs(rng.multivariate_normal(worst, cov, size=20_000) @ weights) <= (high - low) / 2) < 0.956


@pytest.mark.parametrize("steps", [[0.1, 0.1, 0.1], [0.0, 0.0, 0.3]])
def test_relative_breaches_are_covered(steps):
    """Largest breach that Mbar = 1 allows: the interval errs on the safe side."""
    rng = np.random.default_rng(9)
    pre = -np.cumsum(np.array(steps)[::-1])[::-1]
    truth, n = 1.0, 150
    centre = np.append(pre, truth + max(steps))
    covered = 0
    for k in range(n):
        beta = rng.multivariate_normal(centre, AR[:4, :4])
        row = honest(beta, AR[:4, :4], n_pre=3, bounds=[1.0], n_draws=1000, seed=k).curve.iloc[0]
        covered += row["ci_lower"] <= truth <= row["ci_upper"]
    assert covered / n >= 0.93


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_the_outcome_do_not_matter(kind):
    one, thousand = (honest(k * BC_BETA, k**2 * BC_COV, n_pre=4, kind=kind) for k in (1, 1000))
    factor = 1000 if kind == "smoothness" else 1
    assert thousand.breakdown == pytest.approx(factor * one.breakdown, rel=1e-4)
    np.testing.assert_allclose(thousand.curve["ci_lower"], 1000 * one.curve["ci_lower"], rtol=1e-4)


def test_breakdown_is_where_the_interval_meets_zero():
    for kind in KINDS:
        edge = honest(BC_BETA, BC_COV, n_pre=4, kind=kind).breakdown
        found = honest(BC_BETA, BC_COV, n_pre=4, kind=kind, bounds=[0.999 * edge, 1.001 * edge])
        assert found.curve["distinguishable"].tolist() == [True, False], kind
    none = honest(0.0 * BC_BETA, BC_COV, n_pre=4)
    assert none.breakdown == 0.0


def test_draws_stand_in_for_the_covariance():
    draws = np.random.default_rng(1).multivariate_normal(BC_BETA, BC_COV, size=20_000)
    for kind in KINDS:
        one, other = honest(BC_BETA, BC_COV, n_pre=4, kind=kind), honest(n_pre=4, draws=draws, kind=kind)
        assert other.breakdown == pytest.approx(one.breakdown, rel=0.03)
        assert other.estimate == pytest.approx(one.estimate, abs=1e-3)
    assert other.tidy()["p_positive"].is_monotonic_decreasing
    assert "<table" in other._repr_html_()


def _with_least_eigenvalue(least):
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    return (axes * [1.0, 0.5, 0.2, least]) @ axes.T


@pytest.mark.parametrize("least", [0.0, -1e-12, -0.5e-10])
def test_coefficients_that_depend_on_one_another_are_taken(least):
    found = honest([0.1, 0.0, 0.3, 0.4], _with_least_eigenvalue(least), n_pre=2, n_draws=2000)
    near = honest([0.1, 0.0, 0.3, 0.4], _with_least_eigenvalue(1e-9), n_pre=2, n_draws=2000)
    assert found.tidy()["ci_lower"].to_numpy() == pytest.approx(near.tidy()["ci_lower"].to_numpy(), abs=0.15)


@pytest.mark.parametrize("least", [-2e-10, -1e-6])
def test_what_is_more_than_rounding_is_refused(least):
    with pytest.raises(DataError, match="not positive definite"):
        honest([0.1, 0.0, 0.3, 0.4], _with_least_eigenvalue(least), n_pre=2)


def test_bad_input_is_one_clear_error():
    with pytest.raises(ParamsError, match="no sensitivity set 'smooth'.*Did you mean 'smoothness'"):
        honest(BC_BETA, BC_COV, n_pre=4, kind="smooth")
    with pytest.raises(InsufficientData, match="1 coefficient.s. before and 1 after"):
        honest([0.0, 1.0], np.eye(2), n_pre=1, kind="relative_smoothness")
    with pytest.raises(InsufficientData, match="2 coefficient.s. before and 0 after"):
        honest([0.0, 1.0], np.eye(2), n_pre=2)
    with pytest.raises(DataError, match="not positive definite"):
        honest([0.0, 1.0], [[1.0, 2.0], [2.0, 1.0]], n_pre=1)
    with pytest.raises(DataError, match="cov has shape|beta has shape"):
        honest([0.0, 1.0], np.eye(3), n_pre=1)
    with pytest.raises(DataError, match="either beta and cov, or draws"):
        honest([0.0, 1.0], n_pre=1)
    with pytest.raises(DataError, match="target has to hold 4"):
        honest(BC_BETA, BC_COV, n_pre=4, target=[1.0])
    with pytest.raises(ParamsError, match="bounds are"):
        honest(BC_BETA, BC_COV, n_pre=4, bounds=[-1.0])
    with pytest.raises(InsufficientData, match="5 draws of 8"):
        honest(n_pre=4, draws=np.zeros((5, 8)))


def test_conditional_intervals_are_those_of_honestdid():
    """HonestDiD (R), C-LF on Benzarti & Carloni, as logged by the tests of its Stata port; on grids of .00076 and 2/99."""
    first = [
        (0.159, 0.233), (0.143, 0.248), (0.123, 0.266), (0.102, 0.287), (0.0786, 0.308), (0.0551, 0.329), (0.0315, 0.352),
        (0.00722, 0.376),
    ]  # fmt: skip
    bounds = np.linspace(0, 2, 10)
    for m, ends in zip(bounds[:8], first, strict=True):
        found = conditional_interval(BC_BETA, BC_COV, n_pre=4, target=np.eye(4)[0], bound=m)
        assert found == pytest.approx(ends, abs=1.2e-3)
    third = [(0.212, 0.273), (0.0707, 0.414), (-0.0909, 0.576), (-0.253, 0.737), (-0.434, 0.919)]
    grid = np.linspace(-1, 1, 100)
    for m, ends in zip((0, 0.5, 1, 1.5, 2), third, strict=True):
        low, high = conditional_interval(BC_BETA, BC_COV, n_pre=4, target=np.eye(4)[2], bound=m)
        inside = grid[(grid >= low) & (grid <= high)]
        assert (inside[0], inside[-1]) == pytest.approx(ends, abs=6e-4), m
    for m, ends in ((0, (0.0713, 0.181)), (0.5, (-0.0315, 0.306)), (1, (-0.151, 0.441))):
        found = conditional_interval(BC_BETA, BC_COV, n_pre=7, target=np.ones(1), bound=m)
        assert found == pytest.approx(ends, abs=1.2e-3)
    whole = honest(BC_BETA, BC_COV, n_pre=4, method="c-lf")
    assert whole.method == "conditional least-favourable interval"
    assert 1.5556 < whole.breakdown < 1.7778
    plain = honest(BC_BETA, BC_COV, n_pre=4)
    assert (
        np.diff(whole.curve[["ci_lower", "ci_upper"]])[1:] < np.diff(plain.curve[["ci_lower", "ci_upper"]])[1:]
    ).all()


def test_moments_are_the_linear_programme_with_the_other_effects_free():
    rng = np.random.default_rng(4)
    for target in (np.array([1.0, 0, 0]), np.array([0.2, -0.5, 0.7]), np.full(3, 1 / 3)):
        beta, root = rng.normal(size=6), rng.normal(size=(6, 6))
        cov, m = root @ root.T, 0.8
        steps = np.diff(np.delete(np.eye(7), 3, axis=1), axis=0)
        effect = np.append(np.zeros(3), target)
        for s, sign in ((0, 1), (2, -1)):
            step = sign * steps[s]
            test = MomentTests.of(step[None], steps[3:], effect, np.cumsum(effect[:2:-1])[::-1], cov, m, 0.05)
            rows = np.vstack([steps[3:], -steps[3:]]) - m * step
            sd = np.sqrt(np.einsum("ki,ij,kj->k", rows, cov, rows))
            for theta in (-1.0, 0.3, 2.0):
                found = optimize.linprog(
                    np.append(np.zeros(3), 1.0), A_ub=np.column_stack([-rows[:, 3:], -sd]), b_ub=-rows @ beta,
                    A_eq=[np.append(target, 0.0)], b_eq=[theta], bounds=[(None, None)] * 4,
                )  # fmt: skip
                assert (test.moments[0] @ beta + test.by_effect[0] * theta).max() == pytest.approx(found.fun, abs=1e-8)
            draws = rng.multivariate_normal(np.zeros(6), cov, 200_000) @ test.moments[0].T
            assert (draws.max(axis=1) > test.least_favourable[0]).mean() == pytest.approx(0.005, abs=5e-4)


def test_conditional_test_keeps_its_level():
    """At a difference in trends on the edge of the set, with one step before treatment far above the others or all alike."""
    rng, times = np.random.default_rng(9), 4000
    steps = np.diff(np.delete(np.eye(5), 2, axis=1), axis=0)
    effect = np.array([0.0, 0, 0.5, 0.5])
    cov = 0.04 * (0.5 * np.eye(4) + 0.5)
    for pre in (np.array([0.0, 0.5]), np.array([0.2, 0.0])):
        largest = np.abs(np.diff(np.append(pre, 0.0))).max()
        truth = np.concatenate([pre, largest * np.array([1.0, 2.0])])
        tail = np.cumsum(effect[:1:-1])[::-1]
        tests = MomentTests.of(np.vstack([steps[:2], -steps[:2]]), steps[2:], effect, tail, cov, 1.0, 0.1)
        sample = rng.multivariate_normal(truth, cov, times)
        kept = np.mean([tests.accept(b, np.zeros(1)).any() for b in sample])
        assert kept > 0.9 - 3 * np.sqrt(0.09 / times)


def test_conditional_method_is_for_relative_magnitudes():
    with pytest.raises(ParamsError, match="no method 'clf'"):
        honest(BC_BETA, BC_COV, n_pre=4, method="clf")
    with pytest.raises(ParamsError, match="for kind 'relative'"):
        honest(BC_BETA, BC_COV, n_pre=4, method="c-lf", kind="smoothness")


@pytest.mark.parametrize("bound", [0.0, 0.5])
def test_an_effect_that_repeats_the_one_before_leaves_an_interval(bound):
    """Late event times of the same units: the step between them has no variance, and rounding may leave less than none."""
    twice = [*range(8), 7]
    cov = BC_COV[np.ix_(twice, twice)].copy()
    cov[8, 8] -= 1e-18
    low, high = conditional_interval(BC_BETA[twice], cov, n_pre=4, target=np.eye(5)[0], bound=bound)
    plain = conditional_interval(BC_BETA, BC_COV, n_pre=4, target=np.eye(4)[0], bound=bound)
    assert low < BC_BETA[4] < high
    assert (low, high) == pytest.approx(plain, abs=0.02)
