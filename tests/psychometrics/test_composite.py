"""Reliability of constructs against semTools 0.5-6, pingouin, defined parameters and planted truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import special

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData, ModelError
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.sem.fitting import fit
from xmresearch.sufficient.moments import Moments

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ITEMS = [f"x{k}" for k in range(1, 10)]
KIOSK = {"F1": (4, 5, 6, 22), "F2": (19, 20, 21), "F3": (10, 11, 18), "F4": (13, 14, 15, 16, 17), "F5": (1, 2, 3),
         "F6": (7, 8)}  # fmt: skip


@pytest.fixture(scope="module")
def schools():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def planted(n, seed, cuts=None):
    """Draw items of one factor, loadings .9, .8, .6, .5; cut into categories where cuts are given."""
    rng = np.random.default_rng(seed)
    loadings = np.array([0.9, 0.8, 0.6, 0.5])
    x = rng.normal(size=(n, 1)) * loadings + rng.normal(size=(n, 4)) * np.sqrt(1 - loadings**2)
    return pd.DataFrame(x if cuts is None else np.digitize(x, cuts), columns=list("abcd"))


def test_figures_are_semtools(schools, reference):
    """reference/sem/hs_reliability.csv"""
    expected = pd.read_csv(reference / "sem" / "hs_reliability.csv").set_index("coefficient")
    result = composite_reliability(fit(HS, schools))
    for ours, theirs in (("alpha", "alpha"), ("omega", "omega"), ("ave", "avevar")):
        np.testing.assert_allclose(result.table[ours], expected.loc[theirs], atol=1e-5, err_msg=ours)
    other = validity(fit(HS, schools), schools).table
    pd.testing.assert_frame_equal(result.table[["construct", "items", "omega", "ave"]], other[["construct", "items", "omega", "ave"]])  # fmt: skip
    facts = result.summary()
    assert (facts["case"], facts["worst"], facts["low"], facts["reliable"]) == ("some_low", "visual", 2, 1)
    assert result.diagnostics()["status"].tolist() == ["warn", "warn"]


def test_alphas_and_feldts_interval_are_pingouins(schools):
    row = composite_reliability(fit(HS, schools), confidence=0.9).table.iloc[0]
    items = schools[["x1", "x2", "x3"]]
    alpha, interval = pingouin.cronbach_alpha(items, ci=0.9)
    assert row["alpha"] == pytest.approx(alpha)
    assert [row["alpha_lower"], row["alpha_upper"]] == pytest.approx(interval.tolist(), abs=5e-4)
    standardised = (items - items.mean()) / items.std()
    assert row["alpha_std"] == pytest.approx(pingouin.cronbach_alpha(standardised)[0])


# semTools 0.5-6 on lavaan 0.6-14, reliability(cfa(..., group = "school")), and with FIML, run once for this test
GROUPS = {
    "Pasteur": ([0.6208873231, 0.8707310012, 0.6112138414], [0.6173550701, 0.8772121770, 0.6175032584],
                [0.3824077720, 0.7074420643, 0.3513946382]),
    "Grant-White": ([0.6612972890, 0.8780019552, 0.7587308438], [0.6631877999, 0.8781099925, 0.7640068682],
                    [0.3999806677, 0.7060521579, 0.5209349754]),
}  # fmt: skip
BLANKS = ([0.5964672720, 0.8781074390, 0.6686791781], [0.6097838213, 0.8804799403, 0.6371468987],
          [0.3655199361, 0.7116705485, 0.3825609572])  # fmt: skip


def test_every_group_has_its_rows(schools):
    table = composite_reliability(fit(HS, schools, group="school")).table
    assert table["group"].value_counts(sort=False).to_dict() == {"Grant-White": 3, "Pasteur": 3}
    for label, expected in GROUPS.items():
        mine = table[table["group"] == label]
        np.testing.assert_allclose(mine[["alpha", "omega", "ave"]].T, expected, atol=1e-5)
        assert mine["n"].tolist() == [(schools["school"] == label).sum()] * 3


def test_blanks_are_semtools(reference):
    gaps = pd.read_csv(reference.parent / "sem" / "holzinger_swineford_missing.csv")
    table = composite_reliability(fit(HS, gaps, missing="fiml", estimator="MLR")).table
    np.testing.assert_allclose(table[["alpha", "omega", "ave"]].T, BLANKS, atol=1e-5)


# semTools 0.5-6, reliability(cfa(k6, p, ordered = names(p), estimator = "WLSMV")) of shared/reference/lavaan_reference.R
ORDERED = {
    "alpha": [0.7656374433, 0.8276577754, 0.7594587035, 0.7242960556, 0.6605252550, 0.7436466745],
    "alpha_std": [0.8081650052, 0.8615856615, 0.7973562277, 0.7586734358, 0.7371758058, 0.7966488732],
    "omega_categorical": [0.8034065276, 0.8386144310, 0.8139750372, 0.7333925549, 0.7237945214, 0.7538049374],
    "ave": [0.5672118343, 0.6909645086, 0.6683358040, 0.4018728491, 0.5294246617, 0.6622154175],
}


def test_ordered_answers_are_semtools(kiosk_frame):
    model = "\n".join(f"{f} =~ " + " + ".join(f"x{k}" for k in items) for f, items in KIOSK.items())
    five = pd.DataFrame({f"x{k}": np.maximum(kiosk_frame[f"p{k}"], 3) - 2 for v in KIOSK.values() for k in v})
    fitted = fit(model, five, ordered=True)
    result = composite_reliability(fitted, five)
    for name, expected in ORDERED.items():
        np.testing.assert_allclose(result.table[name], expected, atol=1e-5, err_msg=name)
    assert set(result.table["scale"]) == {"underlying"}
    assert (result.table["omega"] > result.table["omega_categorical"]).all()
    assert result.summary()["worst_omega"] == pytest.approx(ORDERED["omega_categorical"][4], abs=1e-5)
    without = composite_reliability(fitted).table
    assert without["alpha"].isna().all()
    pd.testing.assert_series_equal(without["omega"], result.table["omega"])


# the same of items cut at their 30th and 60th percentile, cfa(..., group = "school", parameterization = "theta")
CUT = {"Pasteur": [0.5685587858, 0.8100576287, 0.5517394303], "Grant-White": [0.5978925938, 0.8139394338, 0.6846935732]}


def test_ordered_answers_of_groups_are_semtools(schools):
    cut = schools[ITEMS].apply(lambda c: np.digitize(c, np.quantile(c, [0.3, 0.6]), right=True))
    cut["school"] = schools["school"]
    fitted = fit(HS, cut, ordered=ITEMS, group="school")
    table = composite_reliability(fitted, cut, group="school").table
    for label, expected in CUT.items():
        np.testing.assert_allclose(table.loc[table["group"] == label, "omega_categorical"], expected, atol=1e-5)
        mine = cut.loc[cut["school"] == label, ["x1", "x2", "x3"]]
        assert table.loc[table["group"] == label, "alpha"].iloc[0] == pytest.approx(pingouin.cronbach_alpha(mine)[0])
    with pytest.raises(DataError, match="several groups"):
        composite_reliability(fitted, cut)
    with pytest.raises(DataError, match="'half' does not hold"):
        composite_reliability(fitted, cut.assign(half=np.arange(len(cut)) % 2), group="half")


def test_categorical_omega_is_the_correlation_of_parallel_sums():
    """Two sets of answers to the same items by the same people."""
    rng = np.random.default_rng(4)
    n, loadings, cuts = 400_000, np.array([0.9, 0.8, 0.6, 0.5]), [-1.0, 0.2, 1.1]
    f = rng.normal(size=(n, 1))
    sums = [
        np.digitize(f * loadings + rng.normal(size=(n, 4)) * np.sqrt(1 - loadings**2), cuts).sum(axis=1) for _ in "ab"
    ]
    truth = np.corrcoef(sums)[0, 1]
    rows = planted(10_000, 5, cuts)
    row = composite_reliability(fit("f =~ a + b + c + d", rows, ordered=True), rows).table.iloc[0]
    assert row["omega_categorical"] == pytest.approx(truth, abs=0.01)
    assert row["omega_categorical_lower"] < truth < row["omega_categorical_upper"]
    assert row["omega"] == pytest.approx(2.8**2 / (2.8**2 + 4 - 2.06), abs=0.01)


def test_delta_intervals_are_those_of_a_defined_parameter(schools):
    text = """f =~ l1*x4 + l2*x5 + l3*x6
f ~~ 1*f
x4 ~~ e1*x4
x5 ~~ e2*x5
x6 ~~ e3*x6
omega := (l1 + l2 + l3)^2 / ((l1 + l2 + l3)^2 + e1 + e2 + e3)
ave := (l1^2 + l2^2 + l3^2) / (l1^2 + l2^2 + l3^2 + e1 + e2 + e3)"""
    fitted = fit(text, schools, estimator="MLR")
    row = composite_reliability(fitted, confidence=0.9).table.iloc[0]
    for name in ("omega", "ave"):
        est, se = fitted.estimates.set_index("lhs").loc[name, ["est", "se"]]
        reach = special.ndtri(0.95) * se / (est * (1 - est))
        expected = [est, *special.expit(special.logit(est) + np.array([-reach, reach]))]
        assert row[[name, f"{name}_lower", f"{name}_upper"]].tolist() == pytest.approx(expected, abs=1e-6)


def test_bootstrap_percentiles_are_near_the_delta_interval(schools):
    delta = composite_reliability(fit(HS, schools))
    percentile = composite_reliability(fit(HS, schools, bootstrap=500, seed=1))
    assert (delta.interval, percentile.interval) == ("delta", "percentile")
    bounds = ["omega_lower", "omega_upper", "ave_lower", "ave_upper"]
    np.testing.assert_allclose(percentile.table[bounds], delta.table[bounds], atol=0.025)
    np.testing.assert_array_equal(percentile.table["omega"], delta.table["omega"])


def test_intervals_cover_the_planted_omega():
    truth = 2.8**2 / (2.8**2 + 4 - 2.06)
    tables = [composite_reliability(fit("f =~ a + b + c + d", planted(120, seed))).table.iloc[0] for seed in range(200)]
    share = np.mean([t["omega_lower"] <= truth <= t["omega_upper"] for t in tables])
    assert 0.91 <= share <= 0.99


def test_units_do_not_matter(schools):
    """Items in other units, all together, and moments instead of rows."""
    base = composite_reliability(fit(HS, schools)).table
    moments = Moments.of(1000 * schools[ITEMS].to_numpy(dtype=float), ITEMS)
    pd.testing.assert_frame_equal(composite_reliability(fit(HS, moments)).table, base, rtol=1e-6)


def test_single_items_shared_items_and_higher_orders(schools):
    text = "visual =~ x1 + x2 + x3 + x9\nspeed =~ x7 + x8 + x9\none =~ x4\nx4 ~~ 0*x4\nzero =~ x5 + x6 + 0*x1\ntop =~ visual + speed + zero"
    result = composite_reliability(fit(text, schools))
    table = result.table.set_index("construct")
    assert table["items"].to_dict() == {"visual": 4, "speed": 3, "one": 1, "zero": 2}
    assert table["ave"].notna().to_dict() == {"visual": False, "speed": False, "one": False, "zero": True}
    assert table["omega"].notna().to_dict() == {"visual": True, "speed": True, "one": False, "zero": True}
    assert np.isnan(table.loc["one", ["alpha", "alpha_std", "omega_lower"]].astype(float)).all()
    assert result.summary()["constructs"] == 4


# semTools 0.5-6 again: an item of two constructs, and correlated residuals
def test_residual_covariances_and_cross_loadings_are_semtools(schools):
    fitted = fit(f"{HS}\nx1 ~~ x2\nvisual =~ x9", schools)
    shares = validity(fitted).table
    np.testing.assert_allclose(shares["omega"], [0.7192962958, 0.8852274380, 0.6906453271], atol=1e-5)
    np.testing.assert_allclose(shares["omega_bentler"], [0.6565763466, 0.8852274380, 0.6342473750], atol=1e-5)
    np.testing.assert_allclose(shares["omega_mcdonald"], [0.6487286795, 0.8851360747, 0.6353875670], atol=1e-5)
    assert shares["ave"].notna().tolist() == [False, True, False]
    assert shares["fornell_larcker"].isna().tolist() == [True, False, True]


def test_reliability_decides_how_bad_a_low_ave_is():
    rng = np.random.default_rng(8)
    noisy = pd.DataFrame(rng.normal(size=(3000, 1)) * 0.5 + rng.normal(size=(3000, 3)), columns=list("abc"))
    checks = composite_reliability(fit("f =~ a + b + c", noisy)).diagnostics()
    assert checks["status"].tolist() == ["fail", "fail"]
    checks = composite_reliability(fit("f =~ a + b + c + d", planted(2000, 1))).diagnostics()
    assert checks["status"].tolist() == ["pass", "pass"]


def test_what_has_no_constructs_or_no_solution_is_refused(schools):
    with pytest.raises(InsufficientData, match="no construct"):
        composite_reliability(fit("x1 ~ x2", schools))
    failed = replace(fit(HS, schools), converged=False, reason="no minimum within 500 steps")
    with pytest.raises(ModelError, match="did not converge \\(no minimum"):
        composite_reliability(failed)


def test_alpha_is_that_of_psych(reference):
    """reference/sem/hs_visual_alpha.csv: raw and standardised alpha of the visual items, by R's psych."""
    expected = pd.read_csv(reference / "sem" / "hs_visual_alpha.csv").iloc[0]
    found = (
        composite_reliability(fit(HS, load_dataset("holzinger_swineford"))).table.set_index("construct").loc["visual"]
    )
    assert found["alpha"] == pytest.approx(expected["raw_alpha"], abs=1e-8)
    assert found["alpha_std"] == pytest.approx(expected["std.alpha"], abs=1e-8)
