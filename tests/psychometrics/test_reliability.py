import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.factor import Factor

from xmresearch.data.codebook_file import load_codebook
from xmresearch.errors import InsufficientData
from xmresearch.psychometrics.internal_consistency import _against, one_factor, reliability


def test_kiosk_alphas_equal_the_reference(kiosk_frame, reference, root):
    """reference/servqual/kiosk_gap.csv: alphas from R's psych."""
    expected = pd.read_csv(reference / "servqual" / "kiosk_gap.csv")
    book = load_codebook("kiosk_codebook.yml", root / "params" / "servqual")
    table = reliability(kiosk_frame, book).table
    for theirs, kind in (("alphaE", "expectation"), ("alphaP", "perception"), ("alphaGap", "gap")):
        np.testing.assert_allclose(table.loc[table["kind"] == kind, "alpha"], expected[theirs], atol=1e-8)


def test_omega_of_three_items_is_the_closed_form():
    """Three indicators are just identified: lambda_1^2 = s12 s13 / s23."""
    loading, unique = np.array([0.8, 1.1, 0.6]), np.array([0.5, 0.9, 0.4])
    cov = np.outer(loading, loading) + np.diag(unique)
    found = one_factor(cov)
    np.testing.assert_allclose(found.loadings, loading, atol=1e-5)
    assert found.omega == pytest.approx(loading.sum() ** 2 / cov.sum(), abs=1e-6)
    assert not found.heywood


def test_one_factor_equals_statsmodels_on_real_items(kiosk_frame):
    items = kiosk_frame[[f"p{k}" for k in (13, 14, 15, 16, 17)]]
    found = one_factor(np.cov(items, rowvar=False))
    theirs = Factor(items.to_numpy(dtype=float), n_factor=1, method="ml").fit()
    standardised = found.loadings / items.std().to_numpy()
    np.testing.assert_allclose(standardised, np.abs(theirs.loadings[:, 0]), atol=2e-4)


def test_planted_omega_is_recovered():
    rng = np.random.default_rng(4)
    loading = np.array([0.7, 0.8, 0.6, 0.9])
    x = rng.normal(size=(50_000, 1)) * loading + rng.normal(size=(50_000, 4)) * np.sqrt(1 - loading**2)
    true = loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())
    assert one_factor(np.cov(x, rowvar=False)).omega == pytest.approx(true, abs=0.005)


def test_heywood_case_is_flagged():
    r = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    assert one_factor(r).heywood


def test_what_cannot_be_fitted_is_named():
    with pytest.raises(InsufficientData, match="not identified"):
        one_factor(np.eye(2))
    with pytest.raises(InsufficientData, match="constant"):
        one_factor(np.diag([1.0, 0.0, 1.0]))
    with pytest.raises(InsufficientData, match="singular"):
        one_factor(np.ones((3, 3)))


def test_reliability_of_the_difference_by_hand(hall):
    result = reliability(hall.frame, hall.codebook)
    alpha = result.table.set_index(["construct", "kind"])["alpha"]
    items = [f"{p}{k}" for p in "ep" for k in (1, 2, 3, 4)]
    rows = hall.frame[items].dropna()
    e, p = rows.iloc[:, :4].mean(axis=1), rows.iloc[:, 4:].mean(axis=1)
    se, sp, r = e.std(), p.std(), e.corr(p)
    by_hand = (
        se**2 * alpha["tangibles", "expectation"] + sp**2 * alpha["tangibles", "perception"] - 2 * r * se * sp
    ) / (se**2 + sp**2 - 2 * r * se * sp)
    row = result.differences.set_index("construct").loc["tangibles"]
    assert row["difference_reliability"] == pytest.approx(by_hand)
    assert row["r_ep"] == pytest.approx(r)


def test_two_items_have_alpha_but_no_omega(kiosk_frame, root):
    book = load_codebook("kiosk_codebook.yml", root / "params" / "servqual")
    control = reliability(kiosk_frame, book).table.query("construct == 'control'")
    assert control["omega"].isna().all()
    assert control["alpha"].notna().all()
    assert (control["alpha_lower"] < control["alpha"]).all()


def test_diagnostics_name_the_lowest(hall):
    result = reliability(hall.frame, hall.codebook)
    lowest = result.diagnostics().set_index("check").loc["alpha", "value"]
    assert lowest == result.table["alpha"].min()
    assert result.tidy()["difference_reliability"].notna().sum() == 5


@pytest.mark.parametrize(("n", "r", "found"), [(400, -0.25, 1), (400, -0.15, 0), (60, -0.25, 0), (60, -0.5, 1)])
def test_an_item_goes_against_the_rest_clearly_and_by_more_than_chance(n, r, found):
    rng = np.random.default_rng(3)
    rest, noise = rng.standard_normal((2, n))
    rest, noise = rest - rest.mean(), noise - noise.mean()
    noise -= rest * (rest @ noise) / (rest @ rest)
    item = r * rest / rest.std() + np.sqrt(1 - r**2) * noise / noise.std()
    block = np.column_stack([item, rest, rest])
    assert len([i for i, _ in _against(["a", "b", "c"], block) if i == "a"]) == found
