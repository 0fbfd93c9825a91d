import hashlib
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.scenarios.rounded_normal import rounded_moments
from xmresearch.data.scenarios.service_hall import (
    BRANCH_SAMPLED,
    BRANCH_SHARE,
    BRANCH_SHIFT,
    CHANNEL_SHARE,
    CHANNEL_SHIFT,
    DIMENSIONS,
    FACTOR_CORRELATION,
    ITEM_OFFSET,
    LOADING,
    PERCEIVED_MEAN,
    PERCEIVED_SD,
    QUALITY_PATH,
    ServiceHall,
)
from xmresearch.data.survey import prepare_survey

N = 200_000
JUDGED = ["s1", "s2", "s3", "l1", "l2", "l3"]


@pytest.fixture(scope="module")
def big():
    return ServiceHall(N, 3, missing=0, careless=0)


def truths(hall, quantity, level, **kwargs):
    table = hall.truth(**kwargs)
    rows = table[(table["quantity"] == quantity) & (table["level"] == level)]
    return rows.set_index("id")["truth"]


def test_same_seed_same_rows_and_other_seed_other_rows():
    pd.testing.assert_frame_equal(ServiceHall(50, 1).survey(), ServiceHall(50, 1).survey())
    assert not ServiceHall(50, 1).survey().equals(ServiceHall(50, 2).survey())


def test_adding_blanks_does_not_change_the_answers():
    full, blanked = ServiceHall(200, 1, missing=0).survey(), ServiceHall(200, 1, missing=0.2).survey()
    shown = blanked["p1"].notna()
    assert (full["p1"][shown] == blanked["p1"][shown]).all()
    assert 0.1 < 1 - shown.mean() < 0.3


def test_columns_and_scales():
    frame = ServiceHall(500, 1).survey()
    assert frame[[f"p{k}" for k in range(1, 23)]].stack().dropna().between(1, 7).all()
    assert (frame[[f"points_{d}" for d in DIMENSIONS]].sum(axis=1) == 100).all()
    assert frame["recommend"].between(0, 10).all()
    assert frame["satisfaction"].between(1, 5).all()
    assert frame[JUDGED].stack().dropna().between(1, 10).all()


def test_satisfaction_and_loyalty_items_left_every_other_column_as_it_was():
    frame = ServiceHall(60, 7, missing=0.05, careless=0.1).survey()
    assert list(frame.columns[-6:]) == JUDGED
    digest = hashlib.sha256(frame.drop(columns=JUDGED).to_csv(index=False).encode()).hexdigest()
    assert digest == "97f225459393487ed9f6db5b89acce3321afba1d442cf6f29230fae895825cd8"


def test_satisfaction_and_loyalty_items_have_blanks_and_careless_answers():
    frame = ServiceHall(2000, 1, missing=0.1, careless=0.2).survey()
    assert frame[JUDGED].isna().to_numpy().mean() == pytest.approx(0.1, abs=0.01)
    careless = frame[frame["duration"] <= 90]
    given = careless[["p1", "e1", *JUDGED]].to_numpy()
    assert len(careless) > 300
    np.testing.assert_array_equal(np.nanmin(given, axis=1), np.nanmax(given, axis=1))


@pytest.mark.parametrize("weighted", [False, True])
def test_declared_truth_is_what_a_large_sample_shows(big, weighted):
    frame = big.survey()
    weights = frame["weight"].to_numpy() if weighted else np.ones(N)
    for quantity, prefix in (("expectation", "e"), ("perception", "p"), ("minimum", "m")):
        declared = truths(big, quantity, "statement", weighted=weighted)
        shown = np.average(frame[[f"{prefix}{s}" for s in declared.index]], axis=0, weights=weights)
        assert np.abs(shown - declared.to_numpy()).max() < 5 * 1.4 / np.sqrt(N)
    points = frame[[f"points_{d}" for d in DIMENSIONS]].mean().to_numpy()
    assert np.abs(points - truths(big, "importance", "dimension").to_numpy()).max() < 5 * 14 / np.sqrt(N)


def test_segment_truth_is_what_a_large_sample_shows(big):
    frame = big.survey()
    table = big.truth()
    for channel, rows in table[(table["quantity"] == "gap") & (table["level"] == "channel")].groupby("value"):
        part = frame[frame["channel"] == channel]
        reliability = (
            part[[f"p{k}" for k in range(5, 10)]].mean().mean() - part[[f"e{k}" for k in range(5, 10)]].mean().mean()
        )
        declared = rows.set_index("id").loc["reliability", "truth"]
        assert abs(reliability - declared) < 5 * 1.1 / np.sqrt(len(part))


def test_weights_restore_the_population(big):
    assert BRANCH_SHARE.sum() == pytest.approx(1)
    assert BRANCH_SAMPLED.sum() == pytest.approx(1)
    frame = big.survey()
    share = frame.groupby("branch")["weight"].sum() / frame["weight"].sum()
    assert share["hillside"] == pytest.approx(0.03, abs=0.003)


def test_weighted_score_truth_adds_up(big):
    gap, importance = truths(big, "gap", "dimension"), truths(big, "importance", "dimension")
    score = truths(big, "score", "overall")
    assert score["servqual_weighted"] == pytest.approx((gap * importance).sum() / 100)
    assert score["servqual_unweighted"] == pytest.approx(gap.mean())


@pytest.fixture(scope="module")
def simulated():
    """400 000 complete and careful respondents, in parts."""
    frames = (ServiceHall(100_000, 40 + k, missing=0, careless=0).survey() for k in range(4))
    columns = ServiceHall(1, 1).population()[0].index
    return [(frame[columns].to_numpy(), frame["weight"].to_numpy()) for frame in frames]


@pytest.mark.parametrize("weighted", [False, True])
def test_population_moments_are_what_a_large_sample_shows(simulated, weighted):
    mean, cov = (part.to_numpy() for part in ServiceHall(1, 1).population(weighted=weighted))
    total, squares = 0.0, 0.0
    first, second, spread, cross, fourth = 0.0, 0.0, 0.0, 0.0, 0.0
    for answers, weight in simulated:
        w = weight[:, None] if weighted else np.ones((len(answers), 1))
        d = answers - mean
        total, squares = total + w.sum(), squares + (w**2).sum()
        first, spread = first + (w * d).sum(axis=0), spread + (w**2 * d**2).sum(axis=0)
        second, cross, fourth = second + d.T @ (w * d), cross + d.T @ (w**2 * d), fourth + (d**2).T @ (w**2 * d**2)
    z_mean = first / np.sqrt(spread)
    z_cov = (second - total * cov) / np.sqrt(fourth - 2 * cov * cross + cov**2 * squares)
    assert np.abs(z_mean).max() < 4.5
    assert np.abs(z_cov).max() < 5
    assert (z_cov**2).mean() == pytest.approx(1, abs=0.6)


@pytest.mark.parametrize("weighted", [False, True])
def test_population_means_are_the_declared_truth(weighted):
    hall = ServiceHall(1, 1)
    mean, cov = hall.population(weighted=weighted)
    for quantity, prefix in (("expectation", "e"), ("perception", "p"), ("minimum", "m")):
        declared = truths(hall, quantity, "statement", weighted=weighted)
        np.testing.assert_allclose(mean[[f"{prefix}{s}" for s in declared.index]], declared, atol=1e-12)
    assert list(cov.index) == list(cov.columns) == list(mean.index)
    assert np.linalg.eigvalsh(cov).min() > 0.1


def exceeding(first_cut, second_cut, rho):
    """P(X > a, Y > b) of standard normals, summed over the last axes of both cuts."""
    a, b = np.broadcast_arrays(first_cut[..., :, None], second_cut[..., None, :])
    joint = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(-np.stack([a, b], axis=-1))
    return joint.sum(axis=(-1, -2))


def test_population_covariance_of_an_item_with_quality_is_that_of_the_bivariate_normal():
    shift = (BRANCH_SHIFT[:, None] + CHANNEL_SHIFT).reshape(-1, 5)
    share = np.outer(BRANCH_SAMPLED, CHANNEL_SHARE).ravel()
    factor = FACTOR_CORRELATION + (1 - FACTOR_CORRELATION) * np.eye(5)
    quality_sd = np.sqrt(QUALITY_PATH @ factor @ QUALITY_PATH + 0.45**2)
    rho = LOADING[4] * (factor @ QUALITY_PATH)[1] / quality_sd
    cuts = np.arange(1, 7) + 0.5
    item = (cuts - (PERCEIVED_MEAN[1] + ITEM_OFFSET[4] + shift[:, [1]])) / PERCEIVED_SD
    quality = (cuts - (5 + 1.1 * shift @ QUALITY_PATH / PERCEIVED_SD)[:, None]) / (1.1 * quality_sd)
    mean, cov = ServiceHall(1, 1).population()
    expected = share @ exceeding(item, quality, rho) - (mean["p5"] - 1) * (mean["quality"] - 1)
    assert cov.loc["p5", "quality"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.5, 0.88])
def test_rounded_moments_are_those_of_the_bivariate_normal(rho):
    low, high, mean, sd = np.array([1, 0]), np.array([5, 10]), np.array([[3.9, 8.0]]), np.array([0.8, 2.5])
    cut = [(np.arange(low[k], high[k]) + 0.5 - mean[0, k]) / sd[k] for k in range(2)]
    centre, cov = rounded_moments(mean, sd, low, high, np.array([[1, rho], [rho, 1]]), np.ones(1))
    expected = exceeding(*cut, rho) - np.prod(centre - low)
    assert cov[0, 1] == pytest.approx(expected, abs=1e-9)
    below = np.concatenate([[0], multivariate_normal(0, 1).cdf(cut[0]), [1]])
    assert cov[0, 0] == pytest.approx(np.diff(below) @ (np.arange(1, 6) - centre[0]) ** 2, abs=1e-12)


def test_a_simulated_survey_carries_its_population(hall):
    mean, cov = hall.population
    expected = ServiceHall(1, 1).population(weighted=True)
    pd.testing.assert_series_equal(mean, expected[0])
    pd.testing.assert_frame_equal(cov, expected[1])
    asked = {c.name for c in hall.codebook.columns if c.kind != "importance"}
    assert asked == set(mean.index)


def test_other_surveys_have_no_population():
    assert prepare_survey(ServiceHall(60, 1).survey(), load_codebook("service_hall")).population is None


def test_population_is_quick():
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        ServiceHall(1, 1).population()
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.3
