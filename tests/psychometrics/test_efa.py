"""Exploratory factor analysis against R's psych: reference/sem/hs_efa_*.csv."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable, InsufficientData
from xmresearch.psychometrics.factor_analysis import efa, parallel_analysis

ITEMS = [f"x{k}" for k in range(1, 10)]


@pytest.fixture(scope="module")
def schools():
    try:
        return load_dataset("holzinger_swineford")[ITEMS]
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def aligned(found, expected):
    """Match factors by congruence: their order is arbitrary."""
    closeness = np.abs(found.T @ expected)
    rows, columns = linear_sum_assignment(-closeness)
    order = rows[np.argsort(columns)]
    return found[:, order] * np.sign((found[:, order] * expected).sum(axis=0)), order


@pytest.mark.parametrize(("method", "rotation"), [("minres", "oblimin"), ("ml", "promax")])
def test_loadings_are_psychs(schools, reference, method, rotation):
    expected = pd.read_csv(reference / "sem" / f"hs_efa_{method}_{rotation}.csv").set_index("item")
    result = efa(schools, 3, method=method, rotation=rotation)
    found, order = aligned(result.loadings.to_numpy(), expected.drop(columns="h2").to_numpy())
    np.testing.assert_allclose(found, expected.drop(columns="h2"), atol=1e-3)
    np.testing.assert_allclose(result.communality, expected["h2"], atol=1e-3)
    if rotation == "oblimin":
        phi = pd.read_csv(reference / "sem" / "hs_efa_minres_oblimin_phi.csv").to_numpy()
        np.testing.assert_allclose(result.phi.to_numpy()[np.ix_(order, order)], phi, atol=1e-3)


def test_adequacy_is_psychs(schools, reference):
    expected = pd.read_csv(reference / "sem" / "hs_efa_adequacy.csv").iloc[0]
    result = efa(schools, 3)
    assert result.kmo == pytest.approx(expected["kmo"], abs=1e-8)
    assert result.bartlett_chisq == pytest.approx(expected["bartlett_chisq"], rel=1e-8)
    assert result.bartlett_df == expected["bartlett_df"]


def test_rotation_changes_the_factors_not_the_fit(schools):
    fits = []
    for rotation in ("none", "varimax", "promax", "oblimin"):
        result = efa(schools, 3, method="ml", rotation=rotation)
        pattern, phi = result.loadings.to_numpy(), result.phi.to_numpy()
        np.testing.assert_allclose(np.diag(phi), 1)
        fits.append(pattern @ phi @ pattern.T)
    for other in fits[1:]:
        np.testing.assert_allclose(other, fits[0], atol=1e-7)


@pytest.mark.parametrize("method", ["minres", "ml"])
@pytest.mark.parametrize("rotation", ["oblimin", "promax"])
def test_planted_factors_are_recovered(method, rotation):
    rng = np.random.default_rng(5)
    f = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], 20_000)
    planted = np.zeros((8, 2))
    planted[:4, 0], planted[4:, 1] = [0.8, 0.7, 0.6, 0.5], [0.75, 0.65, 0.7, 0.55]
    unique = np.sqrt(1 - (planted**2).sum(axis=1))
    frame = pd.DataFrame(f @ planted.T + rng.normal(size=(20_000, 8)) * unique)
    result = efa(frame, 2, method=method, rotation=rotation)
    found, _ = aligned(result.loadings.to_numpy(), planted)
    np.testing.assert_allclose(found, planted, atol=0.04)
    assert result.phi.to_numpy()[0, 1] == pytest.approx(0.4, abs=0.05)


def test_parallel_analysis_finds_the_number_of_factors(schools):
    assert parallel_analysis(schools, seed=1)["keep"].sum() == 3
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 8)))
    assert parallel_analysis(noise, seed=1)["keep"].sum() <= 1


def test_what_cannot_be_explored_is_named(schools):
    with pytest.raises(InsufficientData, match=r"7 factor\(s\) of 9 items are not identified"):
        efa(schools, 7)
    with pytest.raises(InsufficientData, match="'x1' is constant"):
        efa(schools.assign(x1=1.0), 2)
    with pytest.raises(InsufficientData, match="singular"):
        efa(schools.assign(z=schools["x1"] + schools["x2"]), 2)
    with pytest.raises(InsufficientData, match="too few"):
        efa(schools.head(5), 2)


def test_checks(schools):
    table = efa(schools, 3).diagnostics().set_index("check")
    assert table.loc["kmo", "status"] == "pass"
    assert set(efa(schools, 3).tidy().columns) == {"id", "F1", "F2", "F3", "communality"}
