"""PLS path models against SmartPLS 2, seminr, brute force and planted truth."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import sem_worlds

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData, ModelError
from xmresearch.sem.pls_fit import pls

MEASURES = """Image =~ IMAG1 + IMAG2 + IMAG3 + IMAG4 + IMAG5
Expectation =~ CUEX1 + CUEX2 + CUEX3
Quality =~ PERQ1 + PERQ2 + PERQ3 + PERQ4 + PERQ5 + PERQ6 + PERQ7
Value =~ PERV1 + PERV2
Satisfaction =~ CUSA1 + CUSA2 + CUSA3
Loyalty =~ CUSL1 + CUSL2 + CUSL3"""
PATHS = """Expectation ~ Image
Quality ~ Expectation
Value ~ Expectation + Quality
Satisfaction ~ Image + Expectation + Quality + Value
Complaints ~ Satisfaction
Loyalty ~ Image + Satisfaction + Complaints"""
ECSI = f"{MEASURES}\nComplaints =~ CUSCO\n{PATHS}"
SMALL = """Image =~ IMAG1 + IMAG2 + IMAG3 + IMAG4 + IMAG5
Expectation =~ CUEX1 + CUEX2 + CUEX3
Value =~ PERV1 + PERV2
Satisfaction =~ CUSA1 + CUSA2 + CUSA3
Satisfaction ~ Image + Expectation + Value"""
FACTORS = "a =~ a1 + a2 + a3\nb =~ b1 + b2 + b3\nc =~ c1 + c2 + c3\nb ~ a\nc ~ a + b"
LOADINGS = {"a": (0.8, 0.7, 0.6), "b": (0.9, 0.6, 0.7), "c": (0.75, 0.8, 0.65)}


@pytest.fixture(scope="module")
def mobi():
    try:
        return load_dataset("mobi")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def ecsi(mobi):
    return pls(ECSI, mobi)


def smartpls(reference, name):
    """Read a matrix that SmartPLS 2 exported: decimal commas, tabs, and a tab too many at the end of rows."""
    text = (reference / "smartpls" / f"ecsi_mobi_pathWeighting_{name}.txt").read_text()
    header, *rows = ([cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip())
    values = [[float(cell.replace(",", ".")) for cell in row[1 : len(header)]] for row in rows]
    return pd.DataFrame(values, [row[0] for row in rows], header[1:])


def factor_truth():
    """Population correlations of the nine items of FACTORS, with paths a -> b 0.5, a -> c 0.3, b -> c 0.4."""
    ab, bc = 0.5, 0.4 + 0.3 * 0.5
    ac = 0.3 + 0.4 * 0.5
    phi = np.array([[1, ab, ac], [ab, 1, bc], [ac, bc, 1]])
    spread = np.zeros((9, 3))
    for k, loadings in enumerate(LOADINGS.values()):
        spread[3 * k : 3 * k + 3, k] = loadings
    r = spread @ phi @ spread.T
    np.fill_diagonal(r, 1)
    return r


def exactly(r, names, n=200, seed=0):
    """Rows whose sample correlations are exactly `r`."""
    z = np.random.default_rng(seed).normal(size=(n, len(r)))
    z = z - z.mean(axis=0)
    white = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    return pd.DataFrame(white @ np.linalg.cholesky(r).T, columns=names)


ITEMS = [f"{c}{k}" for c in "abc" for k in (1, 2, 3)]


@pytest.fixture(scope="module")
def factors():
    return exactly(factor_truth(), ITEMS)


# ---- against other software ----------------------------------------------------------------------------------------


def test_paths_are_smartpls(ecsi, reference):
    """reference/smartpls/ecsi_mobi_pathWeighting_pathCoefficients.txt"""
    theirs = smartpls(reference, "pathCoefficients")
    ours = pd.DataFrame(0.0, theirs.index, theirs.columns)
    for row in ecsi.paths.itertuples():
        ours.loc[row.rhs, row.lhs] = row.est
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    assert len(ecsi.paths) == 12
    assert ecsi.converged


def test_total_effects_are_smartpls(ecsi, reference):
    """reference/smartpls/ecsi_mobi_pathWeighting_totalEffects.txt"""
    theirs = smartpls(reference, "totalEffects")
    ours = pd.DataFrame(0.0, theirs.index, theirs.columns)
    for row in ecsi.effects.itertuples():
        ours.loc[row.rhs, row.lhs] = row.total
        assert row.total == pytest.approx(row.direct + row.indirect, abs=1e-12)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)


def test_outer_weights_are_smartpls(ecsi, reference):
    """reference/smartpls/ecsi_mobi_pathWeighting_outerWeights.txt"""
    theirs = smartpls(reference, "outerWeights")
    ours = pd.DataFrame(0.0, theirs.index, theirs.columns)
    for row in ecsi.outer.itertuples():
        ours.loc[row.item, row.construct] = row.weight
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)


def test_cross_loadings_are_smartpls(ecsi, reference):
    """reference/smartpls/ecsi_mobi_pathWeighting_crossLoadings.txt"""
    theirs = smartpls(reference, "crossLoadings")
    np.testing.assert_allclose(ecsi.cross_loadings.loc[theirs.index, theirs.columns], theirs, rtol=0, atol=1e-7)
    own = [ecsi.cross_loadings.loc[row.item, row.construct] for row in ecsi.outer.itertuples()]
    np.testing.assert_allclose(ecsi.outer["loading"], own, rtol=1e-12)


def test_quality_criteria_are_seminrs(mobi):
    """Figures that seminr's tests expect of this model (github.com/sem-in-r/seminr, tests/fixtures)."""
    found = pls(SMALL, mobi)
    table = found.reliability.set_index("construct")
    expected = {
        "Image": (0.7228346, 0.7452916, 0.8183258, 0.4779798),
        "Value": (0.8236320, 0.8575270, 0.9178973, 0.8483107),
    }
    for construct, figures in expected.items():
        np.testing.assert_allclose(
            table.loc[construct, ["alpha", "rho_a", "rho_c", "ave"]].astype(float), figures, atol=1e-6
        )
    np.testing.assert_allclose(found.paths["est"], [0.4470039, 0.1718301, 0.3164253], atol=1e-6)
    np.testing.assert_allclose(found.paths["vif"], [1.6139499, 1.3684966, 1.3780186], atol=1e-6)
    theirs = [0.8880304, 0.6516594, 0.9101009, 0.5886290, 0.8651082, 0.7408089]
    np.testing.assert_allclose(found.htmt["htmt"], theirs, atol=1e-6)


def test_consistent_pls_is_seminrs(mobi):
    """Figures that seminr's tests expect of PLSc with the factor scheme (tests/fixtures/V_3_6_0)."""
    found = pls(SMALL, mobi, scheme="factor", consistent=True)
    np.testing.assert_allclose(found.paths["est"], [0.5377047, 0.2409677, 0.2582799], atol=1e-6)
    np.testing.assert_allclose(found.r2[["r2", "r2_adjusted"]].iloc[0], [0.8857071, 0.8843133], atol=1e-6)
    np.testing.assert_allclose(found.reliability["rho_a"], [0.7452590, 0.4615488, 0.8575785, 0.7825587], atol=1e-6)
    loadings = found.outer.set_index("item")["loading"]
    np.testing.assert_allclose(loadings[["IMAG1", "CUEX3", "PERV2", "CUSA1"]], [0.6813300, 0.4267797, 0.9437326, 0.7194589],
                               atol=1e-6)  # fmt: skip


# ---- against a second method ---------------------------------------------------------------------------------------


def by_scores(blocks, paths, frame, scheme, formative):
    """Wold's algorithm on scores: what the module does with correlations alone."""
    z = {c: ((frame[v] - frame[v].mean()) / frame[v].std()).to_numpy() for c, v in blocks.items()}
    y = {c: x.sum(axis=1) / x.sum(axis=1).std(ddof=1) for c, x in z.items()}
    for _ in range(100):
        proxy, weights = {}, {}
        for c in blocks:
            causes, effects = [i for i, j in paths if j == c], [j for i, j in paths if i == c]
            inner = {k: np.corrcoef(y[c], y[k])[0, 1] for k in causes + effects}
            if scheme == "centroid":
                inner = {k: np.sign(v) for k, v in inner.items()}
            if scheme == "path" and causes:
                b = np.linalg.lstsq(np.column_stack([y[k] for k in causes]), y[c], rcond=None)[0]
                inner |= dict(zip(causes, b, strict=True))
            proxy[c] = sum(v * y[k] for k, v in inner.items())
        for c, x in z.items():
            w = np.linalg.lstsq(x, proxy[c], rcond=None)[0] if c in formative else x.T @ proxy[c]
            weights[c] = w / (x @ w).std(ddof=1)
            y[c] = x @ weights[c]
    return weights, y


@pytest.mark.parametrize("formative", [(), ("Image", "Value"), ("Image", "Expectation", "Quality", "Satisfaction")])
@pytest.mark.parametrize("scheme", ["path", "factor", "centroid"])
def test_correlations_give_what_scores_give(mobi, scheme, formative):
    found = pls(ECSI, mobi, scheme=scheme, formative=formative)
    blocks = {c: list(g["item"]) for c, g in found.outer.groupby("construct", sort=False)}
    paths = list(zip(found.paths["rhs"], found.paths["lhs"], strict=True))
    weights, scores = by_scores(blocks, paths, mobi, scheme, formative)
    for c in blocks:
        sign = np.sign(np.corrcoef(scores[c], found.scores[c])[0, 1])
        ours = found.outer.loc[found.outer["construct"] == c, "weight"]
        np.testing.assert_allclose(ours, sign * weights[c], atol=1e-8)
        np.testing.assert_allclose(found.scores[c], sign * scores[c], atol=1e-8)
    modes = found.outer.drop_duplicates("construct").set_index("construct")["mode"]
    assert [c for c, mode in modes.items() if mode == "B"] == [c for c in blocks if c in formative]


def r_squared(y, x):
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0] if x.shape[1] else y
    return 1 - (residual**2).sum() / (y**2).sum()


def test_inner_model_is_regression_of_scores(ecsi):
    y = ecsi.scores
    for effect, rows in ecsi.paths.groupby("lhs"):
        causes = list(rows["rhs"])
        full = r_squared(y[effect].to_numpy(), y[causes].to_numpy())
        stated = ecsi.r2.set_index("construct").loc[effect]
        assert stated["r2"] == pytest.approx(full, abs=1e-10)
        assert stated["r2_adjusted"] == pytest.approx(1 - (1 - full) * 249 / (249 - len(causes)), abs=1e-10)
        for row in rows.itertuples():
            others = [c for c in causes if c != row.rhs]
            without = r_squared(y[effect].to_numpy(), y[others].to_numpy())
            assert row.f2 == pytest.approx((full - without) / (1 - full), abs=1e-9)
            assert row.vif == pytest.approx(1 / (1 - r_squared(y[row.rhs].to_numpy(), y[others].to_numpy())), abs=1e-9)


def test_item_vif_and_score_moments(ecsi, mobi):
    items = [f"PERQ{k}" for k in range(1, 8)]
    z = (mobi[items] - mobi[items].mean()) / mobi[items].std()
    vif = [1 / (1 - r_squared(z[v].to_numpy(), z.drop(columns=v).to_numpy())) for v in items]
    np.testing.assert_allclose(ecsi.outer.loc[ecsi.outer["construct"] == "Quality", "vif"], vif, rtol=1e-9)
    np.testing.assert_allclose(ecsi.scores.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(ecsi.scores.std(), 1, rtol=1e-12)
    np.testing.assert_allclose(ecsi.correlations, ecsi.scores.corr(), atol=1e-12)


def test_htmt_is_its_definition(mobi):
    """Negative correlations count by their size."""
    frame = mobi.assign(IMAG2=-mobi["IMAG2"])
    found = pls(ECSI, frame).htmt
    r = frame.corr().abs()
    blocks = {line.split(" =~ ")[0]: line.split(" =~ ")[1].split(" + ") for line in MEASURES.splitlines()}
    assert list(zip(found["first"], found["second"], strict=True)) == list(combinations(blocks, 2))
    for row in found.itertuples():
        first, second = blocks[row.first], blocks[row.second]
        within = [np.mean([r.loc[a, b] for a, b in combinations(items, 2)]) for items in (first, second)]
        across = np.mean([r.loc[a, b] for a in first for b in second])
        assert row.htmt == pytest.approx(across / np.sqrt(within[0] * within[1]), abs=1e-12)


def test_rho_a_and_alpha_are_their_definitions(ecsi, mobi):
    table = ecsi.reliability.set_index("construct")
    for construct, rows in ecsi.outer.groupby("construct"):
        w, s = rows["weight"].to_numpy(), mobi[list(rows["item"])].corr().to_numpy()
        if len(w) == 1:
            assert table.loc[construct, ["alpha", "rho_a", "rho_c", "ave"]].isna().all()
            continue
        ww = np.outer(w, w)
        rho = (w @ w) ** 2 * (w @ (s - np.diag(np.diag(s))) @ w) / (w @ (ww - np.diag(np.diag(ww))) @ w)
        mean = s[np.triu_indices(len(w), 1)].mean()
        assert table.loc[construct, "rho_a"] == pytest.approx(rho, abs=1e-12)
        assert table.loc[construct, "alpha"] == pytest.approx(len(w) * mean / (1 + (len(w) - 1) * mean), abs=1e-12)
        root = ecsi.fornell_larcker.loc[construct, construct]
        assert root**2 == pytest.approx((rows["loading"] ** 2).mean(), abs=1e-12)


@pytest.mark.parametrize("formative", [(), ("Image",)])
def test_prediction_is_leave_one_out(mobi, formative):
    """Folds of one row are the same for any seed, so the loop can be written out."""
    frame = mobi.iloc[:40]
    model = "Image =~ IMAG1 + IMAG2 + IMAG3\nValue =~ PERV1 + PERV2\nSatisfaction =~ CUSA1 + CUSA2\nValue ~ Image\n" \
            "Satisfaction ~ Image + Value"  # fmt: skip
    options = {"formative": formative, "predict": True, "folds": 40}
    found = pls(model, frame, **options, repeats=1, seed=3).prediction
    given, wanted = ["IMAG1", "IMAG2", "IMAG3"], ["PERV1", "PERV2", "CUSA1", "CUSA2"]
    error = {"pls": [], "lm": [], "mean": []}
    for i in range(40):
        train, row = frame.drop(index=frame.index[i]), frame.iloc[i]
        fit = pls(model, train, formative=formative)
        outer = fit.outer.set_index("item")
        z = (row - train.mean()) / train.std()
        image = sum(outer.loc[v, "weight"] * z[v] for v in given)
        total = fit.effects.set_index(["rhs", "lhs"])["total"]
        guess = [
            train[v].mean()
            + train[v].std()
            * outer.loc[v, "loading"]
            * total["Image", "Value" if v.startswith("PERV") else "Satisfaction"]
            * image
            for v in wanted
        ]
        x = np.column_stack([np.ones(39), train[given]])
        linear = np.array([1, *row[given]]) @ np.linalg.lstsq(x, train[wanted].to_numpy(dtype=float), rcond=None)[0]
        for name, values in (("pls", guess), ("lm", linear), ("mean", train[wanted].mean())):
            error[name].append(row[wanted].to_numpy(dtype=float) - np.asarray(values))
    squared = {k: (np.array(v) ** 2).mean(axis=0) for k, v in error.items()}
    assert list(found["item"]) == wanted
    np.testing.assert_allclose(found["rmse"], np.sqrt(squared["pls"]), atol=1e-9)
    np.testing.assert_allclose(found["mae"], np.abs(error["pls"]).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found["lm_rmse"], np.sqrt(squared["lm"]), atol=1e-9)
    np.testing.assert_allclose(found["lm_mae"], np.abs(error["lm"]).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found["q2_predict"], 1 - squared["pls"] / squared["mean"], atol=1e-9)
    pd.testing.assert_frame_equal(found, pls(model, frame, **options, repeats=2, seed=8).prediction, rtol=1e-9)


# ---- planted truth -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["path", "factor", "centroid"])
def test_consistent_pls_recovers_a_factor_model(factors, scheme):
    """Dijkstra & Henseler: with the population's correlations, PLSc gives the population's parameters."""
    found = pls(FACTORS, factors, consistent=True, scheme=scheme)
    np.testing.assert_allclose(found.paths["est"], [0.5, 0.3, 0.4], atol=1e-7)
    np.testing.assert_allclose(found.outer["loading"], np.concatenate(list(LOADINGS.values())), atol=1e-7)
    np.testing.assert_allclose(found.correlations.loc["a", ["b", "c"]], [0.5, 0.5], atol=1e-7)
    np.testing.assert_allclose(found.reliability["ave"], [np.mean(np.square(v)) for v in LOADINGS.values()], atol=1e-7)
    cross = found.cross_loadings.loc["b2"]
    np.testing.assert_allclose(cross[["a", "b", "c"]], [0.6 * 0.5, 0.6, 0.6 * 0.55], atol=1e-7)
    assert found.srmr < 1e-7
    assert found.admissible


def test_plain_pls_attenuates_as_reliability_says(factors):
    """Scores correlate by the true correlation times the roots of their true reliabilities, (w'loadings)^2."""
    found = pls(FACTORS, factors)
    root = {c: found.outer.loc[found.outer["construct"] == c, "weight"] @ np.array(v) for c, v in LOADINGS.items()}
    assert found.paths["est"].iloc[0] == pytest.approx(0.5 * root["a"] * root["b"], abs=1e-9)
    assert found.paths["est"].iloc[0] < 0.42
    np.testing.assert_allclose(found.reliability["rho_a"], [v**2 for v in root.values()], atol=1e-7)
    assert found.srmr > 0.05


def test_srmr_sees_a_missing_path(factors):
    """Without a -> c the paths imply 0.5 * 0.55 for their correlation, which is 0.5; the rest fits."""
    found = pls(FACTORS.replace("c ~ a + b", "c ~ b"), factors, consistent=True)
    wrong = np.outer(LOADINGS["a"], LOADINGS["c"]) * (0.5 - 0.5 * 0.55)
    assert found.srmr == pytest.approx(np.sqrt((wrong**2).sum() / 45), abs=1e-7)


def test_a_composite_is_recovered_by_mode_b():
    """y depends on items of x only through 0.6 x1 + 0.8 x2 (scaled), plus noise."""
    rx = np.array([[1, 0.3], [0.3, 1]])
    w = np.array([0.6, 0.8]) / np.sqrt(np.array([0.6, 0.8]) @ rx @ np.array([0.6, 0.8]))
    r = np.eye(3)
    r[:2, :2] = rx
    r[:2, 2] = r[2, :2] = 0.7 * rx @ w
    frame = exactly(r, ["x1", "x2", "y"], n=60)
    found = pls("x =~ x1 + x2\ny ~ x", frame, formative=["x"])
    np.testing.assert_allclose(found.outer["weight"], [*w, 1.0], atol=1e-9)
    assert found.paths["est"].item() == pytest.approx(0.7, abs=1e-9)
    assert found.srmr == pytest.approx(0, abs=1e-9)
    assert found.reliability["rho_a"].isna().all()
    assert pls("x =~ x1 + x2\ny ~ x", frame, formative="x").paths.equals(found.paths)


# ---- bootstrap -----------------------------------------------------------------------------------------------------


def test_bootstrap_error_is_that_of_a_correlation():
    """For normal variables the standard error of r is near (1 - r^2) / sqrt(n)."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=800)
    frame = pd.DataFrame({"x": x, "y": 0.6 * x + 0.8 * rng.normal(size=800)})
    row = pls("y ~ x", frame, bootstrap=2000, seed=1).paths.iloc[0]
    r = frame.corr().iloc[0, 1]
    assert row["est"] == pytest.approx(r, abs=1e-12)
    assert row["se"] == pytest.approx((1 - r**2) / np.sqrt(800), rel=0.1)
    assert row["ci_lower"] == pytest.approx(r - 1.96 * row["se"], abs=0.01)
    assert row["ci_upper"] == pytest.approx(r + 1.96 * row["se"], abs=0.01)
    assert row["z"] == pytest.approx(row["est"] / row["se"])


def test_bootstrap_replicates_are_refits(mobi):
    """Rows drawn by hand and refitted give the same standard errors as the vectorised bootstrap."""
    found = pls(SMALL, mobi, bootstrap=20, seed=5)
    rng = np.random.default_rng([5, len(mobi)])
    fits = [pls(SMALL, mobi.iloc[rng.integers(0, len(mobi), len(mobi))]) for _ in range(20)]
    np.testing.assert_allclose(found.paths["se"], np.std([f.paths["est"] for f in fits], axis=0, ddof=1), atol=1e-8)
    np.testing.assert_allclose(
        found.outer["weight_se"], np.std([f.outer["weight"] for f in fits], axis=0, ddof=1), atol=1e-8
    )
    np.testing.assert_allclose(found.outer["loading_lower"], np.quantile([f.outer["loading"] for f in fits], 0.025, axis=0),
                               atol=1e-8)  # fmt: skip
    np.testing.assert_allclose(
        found.htmt["htmt_upper"], np.quantile([f.htmt["htmt"] for f in fits], 0.975, axis=0), atol=1e-8
    )
    np.testing.assert_allclose(
        found.effects["total_se"], np.std([f.effects["total"] for f in fits], axis=0, ddof=1), atol=1e-8
    )


def test_bootstrap_agrees_with_seminrs(mobi):
    """seminr's 500 replicates of this model gave these standard deviations; both have Monte Carlo error near 3 %."""
    found = pls(SMALL, mobi, bootstrap=2000, seed=2)
    np.testing.assert_allclose(found.paths["se"], [0.0569, 0.0620, 0.0717], rtol=0.12)
    np.testing.assert_allclose(found.htmt["htmt_se"], [0.1044, 0.0701, 0.0348, 0.1188, 0.0956, 0.0747], rtol=0.15)


def test_bootstrap_follows_its_seed(mobi):
    first, again, other = (pls(SMALL, mobi, bootstrap=50, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first.paths, again.paths)
    pd.testing.assert_frame_equal(first.outer, again.outer)
    assert (first.paths["se"] != other.paths["se"]).all()
    assert first.paths["est"].equals(other.paths["est"])
    wide = pls(SMALL, mobi, bootstrap=50, seed=1, confidence=0.5).paths
    assert (wide["ci_upper"] - wide["ci_lower"] < first.paths["ci_upper"] - first.paths["ci_lower"]).all()


def test_replicates_keep_the_sign_of_the_full_sample():
    """One item runs against the other, about as strongly, so replicates disagree on which of them leads."""
    rng = np.random.default_rng(0)
    f = rng.normal(size=300)
    frame = pd.DataFrame({
        "x1": f + rng.normal(size=300), "x2": -f + rng.normal(size=300),
        "y": 0.8 * f + 0.6 * rng.normal(size=300),
    })  # fmt: skip
    found = pls("x =~ x1 + x2\ny ~ x", frame, bootstrap=300)
    assert found.paths["se"].item() < 0.1
    assert found.outer["loading_lower"].iloc[0] * found.outer["loading_upper"].iloc[0] > 0


def test_replicates_without_estimates_are_counted():
    rng = np.random.default_rng(1)
    rare = np.zeros(30)
    rare[:2] = 1
    frame = pd.DataFrame({"x": rare, "y": rng.normal(size=30)})
    found = pls("y ~ x", frame, bootstrap=400, seed=1)
    assert found.failed == pytest.approx(400 * (28 / 30) ** 30, rel=0.4)
    assert f"{found.failed} of 400 bootstrap replicates could not be estimated." in found.warnings
    assert found.diagnostics().set_index("check").loc["failed_replicates", "status"] == "warn"
    assert np.isfinite(found.paths["se"]).all()
    assert found.summary()["bootstrap"] == 400 - found.failed


def test_too_many_lost_replicates_are_an_error():
    """With items this unreliable most replicates have no positive rho_A; the full sample just has."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        frame = pd.DataFrame(rng.normal(size=(12, 4)), columns=["a1", "a2", "b1", "b2"])
        try:
            pls("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a", frame, consistent=True)
        except ModelError:
            continue
        try:
            pls("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a", frame, consistent=True, bootstrap=100)
        except InsufficientData as error:
            assert "bootstrap replicates cannot be estimated" in error.problem
            return
    pytest.fail("no sample lost most of its replicates")


# ---- what must not matter ------------------------------------------------------------------------------------------


def test_order_of_columns_and_scale_do_not_matter(mobi, ecsi):
    other = (mobi[mobi.columns[::-1]] * 10 + 3).astype(float)
    again = pls(ECSI, other, bootstrap=20)
    np.testing.assert_allclose(again.paths["est"], ecsi.paths["est"], atol=1e-9)
    pd.testing.assert_frame_equal(again.paths, pls(ECSI, mobi, bootstrap=20).paths, rtol=1e-7, atol=1e-9)


def test_order_of_the_model_changes_only_the_order_of_rows(mobi, ecsi):
    turned = "\n".join(reversed(ECSI.splitlines()))
    again = pls(turned, mobi).paths
    assert list(again["lhs"].unique()) == ["Loyalty", "Complaints", "Satisfaction", "Value", "Quality", "Expectation"]
    ours, theirs = (t.set_index(["lhs", "rhs"])["est"] for t in (again, ecsi.paths))
    np.testing.assert_allclose(ours[theirs.index], theirs, atol=1e-9)


def test_a_column_in_a_path_is_a_construct_of_one_item(mobi, ecsi):
    direct = pls(f"{MEASURES}\n{PATHS}".replace("Complaints", "CUSCO"), mobi)
    np.testing.assert_allclose(direct.paths["est"], ecsi.paths["est"], atol=1e-12)
    row = direct.outer.set_index("item").loc["CUSCO"]
    assert (row["construct"], row["mode"], row["loading"], row["weight"]) == ("CUSCO", "single", 1.0, 1.0)


def test_most_loadings_of_a_construct_are_positive(mobi, ecsi):
    """Turning all items of a construct turns its paths, not its loadings."""
    items = [c for c in mobi.columns if c.startswith("IMAG")]
    turned = pls(ECSI, mobi.assign(**{v: 11 - mobi[v] for v in items}))
    np.testing.assert_allclose(turned.outer["loading"], ecsi.outer["loading"], atol=1e-9)
    sign = np.where(ecsi.paths["rhs"] == "Image", -1, 1)
    np.testing.assert_allclose(turned.paths["est"], sign * ecsi.paths["est"], atol=1e-9)


def test_incomplete_rows_are_left_out_and_said_so(mobi):
    holes = mobi.astype(float)
    holes.loc[[3, 17], "IMAG1"] = np.nan
    holes.loc[40, "CUSA2"] = np.nan
    found, complete = pls(SMALL, holes), pls(SMALL, mobi.drop(index=[3, 17, 40]))
    pd.testing.assert_frame_equal(found.paths, complete.paths)
    assert (found.n, found.dropped) == (247, 3)
    assert found.scores.index.equals(mobi.index)
    assert list(found.scores.index[found.scores.isna().any(axis=1)]) == [3, 17, 40]
    pd.testing.assert_frame_equal(found.scores.dropna(), complete.scores)
    assert found.warnings == ("3 of 250 rows are incomplete and were left out.",)
    nullable = holes.astype({"IMAG1": "Int64"})
    pd.testing.assert_frame_equal(pls(SMALL, nullable).paths, found.paths)


# ---- the result ----------------------------------------------------------------------------------------------------


def test_without_bootstrap_there_are_no_intervals(ecsi):
    assert ecsi.tidy().equals(ecsi.paths)
    assert list(ecsi.paths.columns) == [
        "lhs",
        "op",
        "rhs",
        "est",
        "se",
        "z",
        "pvalue",
        "ci_lower",
        "ci_upper",
        "f2",
        "vif",
    ]
    assert ecsi.paths[["se", "z", "pvalue", "ci_lower", "ci_upper"]].isna().all(axis=None)
    assert ecsi.prediction.empty
    assert "Satisfaction" in ecsi._repr_html_()


def test_summary_and_diagnostics(mobi):
    found = pls(ECSI, mobi, predict=True, repeats=2, bootstrap=20)
    told = found.summary()
    assert (told["n"], told["paths"], told["constructs"], told["bootstrap"]) == (250, 12, 7, 20)
    assert told["r2"]["Satisfaction"] == pytest.approx(0.681, abs=1e-3)
    checks = found.diagnostics().set_index("check")
    status = {"converged": "pass", "admissible": "pass", "vif": "pass", "rho_a": "warn", "ave": "warn", "htmt": "warn",
              "failed_replicates": "pass", "q2_predict": "pass", "better_than_lm": "warn", "incomplete_rows": "pass",
              "negative_weights": "pass"}  # fmt: skip
    assert checks["status"].to_dict() == status
    assert checks.loc["vif", "value"] == found.paths["vif"].max()


def test_inadmissible_corrections_are_reported(mobi):
    """ECSI constructs correlate so highly that their corrected correlations are not positive definite."""
    found = pls(ECSI, mobi, consistent=True)
    assert not found.admissible
    assert (
        "The correlations of the constructs are not positive definite. The solution is not admissible."
        in found.warnings
    )
    assert "'Complaints' has one item, which is taken to be free of error." in found.warnings
    checks = found.diagnostics().set_index("check")["status"]
    assert (checks["admissible"], checks["srmr"], checks["vif"]) == ("fail", "pass", "warn")


def test_rho_a_above_one_is_reported():
    r = np.eye(4)
    for i, j, value in ((0, 1, 0.6), (0, 2, 0.5), (0, 3, 0.5), (1, 2, 0.2), (1, 3, 0.2), (2, 3, 0.4)):
        r[i, j] = r[j, i] = value
    found = pls("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a", exactly(r, ["a1", "a2", "b1", "b2"]), consistent=True)
    assert found.reliability["rho_a"].iloc[0] > 1
    assert not found.admissible
    assert any(w.startswith("rho_A above 1: a.") for w in found.warnings)
    assert any(w.startswith("Loadings above 1: a1.") for w in found.warnings)


def test_collinearity_and_negative_weights_are_reported():
    r = np.array([[1, 0.95, 0.6, 0.3], [0.95, 1, 0.5, 0.3], [0.6, 0.5, 1, 0.4], [0.3, 0.3, 0.4, 1]])
    frame = exactly(r, ["x1", "x2", "y", "u"])
    formed = pls("x =~ x1 + x2\ny ~ x", frame, formative=["x"])
    assert "Negative weights: x2." in formed.warnings
    assert "The items of 'x' are collinear: 'x1' has a VIF of 10.3." in formed.warnings
    assert formed.diagnostics().set_index("check").loc["negative_weights", "status"] == "warn"
    assert "The causes of 'y' are collinear: 'x2' has a VIF of 10.3." in pls("y ~ x1 + x2", frame).warnings


def test_weights_that_do_not_converge_are_reported(mobi, monkeypatch):
    monkeypatch.setattr("xmresearch.sem.pls_algorithm.MAX_ITERATIONS", 2)
    found = pls(SMALL, mobi)
    assert not found.converged
    assert "The weights did not converge in 2 iterations." in found.warnings
    assert found.diagnostics().set_index("check").loc["converged", "status"] == "fail"
    with pytest.raises(InsufficientData, match="20 of 20 bootstrap replicates cannot be estimated"):
        pls(SMALL, mobi, bootstrap=20)


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "problem", "hint"),
    [
        ("a =~ a1 + a9\nb =~ b1\nb ~ a", "Model line 1: the data have no column 'a9'", "Did you mean 'a"),
        ("a =~ a1\nb =~ b1\nbb ~ a", "Model line 3: 'bb' has no items", "'b'"),
        ("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a\na1 ~~ a2", "Model line 4: 'a1 ~~ a2' has no meaning in PLS", "=~"),
        ("a =~ a1 + a2\nb =~ b1\nb ~ a\nx := a*2", "Model line 4: 'x := a*2' has no meaning", "=~"),
        ("a =~ a1 + a2\nb =~ b1\nb ~ a\nb ~ 1", "Model line 4: 'b ~1 ' has no meaning", "=~"),
        ("a =~ a1 + a2\nb =~ b1\nb ~ p*a", "Model line 3: 'b ~ a' has a modifier", "label"),
        ("a =~ 1*a1 + a2\nb =~ b1\nb ~ a", "Model line 1: 'a =~ a1' has a modifier", "number"),
        ("a =~ a1 + a2\nb =~ b1 + a2\nb ~ a", "Model line 2: 'a2' already belongs to 'a'", "one construct"),
        ("a =~ a1 + a1\nb =~ b1\nb ~ a", "Model line 1: 'a =~ a1' is given twice", "Remove"),
        ("a =~ a1 + a2\nb =~ b1\ng =~ a + b\ng ~ a", "Model line 3: 'a' is a construct", "scores"),
        ("c1 =~ a1 + a2\nb =~ b1\nb ~ c1", "Model line 1: 'c1' is defined by =~ but is also a column", "Rename"),
        ("a =~ a1 + a2\nb =~ b1\na1 ~ b", "Model line 3: 'a1' is an item of 'a'", "'a'"),
        ("a =~ a1 + a2\nb =~ b1\nb ~ a\nb ~ a", "Model line 4: the path 'b ~ a' is given twice", "Remove"),
        ("a =~ a1\nb =~ b1\nc =~ c2\nb ~ a", "Construct 'c' has no path", "~"),
        ("a =~ a1 + a2\nb =~ b1", "The model has no path", "~"),
        ("a =~ a1\nb =~ b1\nc =~ c2\nb ~ a + c\nc ~ b\na3 ~ c", "The paths form a cycle: b -> c -> b", "recursive"),
        ("b =~ b1 + b2\nb ~ b + a1", "The paths form a cycle: b -> b", "recursive"),
    ],
)  # fmt: skip
def test_models_that_are_refused(factors, model, problem, hint):
    with pytest.raises(ModelError) as caught:
        pls(model, factors)
    assert problem in caught.value.problem
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"formative": ["aa"]}, ModelError, "There is no construct 'aa' to be formative"),
        ({"scheme": "paths"}, ModelError, "There is no weighting scheme 'paths'"),
        ({"bootstrap": 5}, ModelError, "bootstrap is 5"),
        ({"bootstrap": -1}, ModelError, "bootstrap is -1"),
        ({"confidence": 95}, ModelError, "confidence is 95"),
        ({"predict": True, "folds": 1}, InsufficientData, "cannot be split"),
        ({"predict": True, "repeats": 0}, InsufficientData, "cannot be split"),
    ],
)
def test_options_that_are_refused(factors, options, error, problem):
    with pytest.raises(error) as caught:
        pls(FACTORS, factors, **options)
    assert problem in caught.value.problem
    assert caught.value.hint


def test_data_that_are_refused(factors):
    with pytest.raises(DataError, match="Column 'b2' is not numeric"):
        pls(FACTORS, factors.assign(b2="7"))
    with pytest.raises(DataError, match="column 'a1' twice"):
        pls(FACTORS, pd.concat([factors, factors[["a1"]]], axis=1))
    with pytest.raises(DataError, match=r"Column 'c3' has infinite values \(1, the first in row 5\)"):
        pls(FACTORS, factors.assign(c3=factors["c3"].where(factors.index != 4, np.inf)))
    with pytest.raises(InsufficientData, match="Column 'b2' is constant"):
        pls(FACTORS, factors.assign(b2=0.1))
    with pytest.raises(InsufficientData, match="9 complete row.s. are too few; this model needs at least 10"):
        pls(FACTORS, factors.iloc[:9])
    with pytest.raises(InsufficientData, match="needs at least 11"):
        pls(
            "a =~ a1 + a2 + a3 + b1 + b2 + b3 + c1 + c2 + c3\ny ~ a",
            factors.iloc[:10].assign(y=range(10)),
            formative="a",
        )
    with pytest.raises(InsufficientData, match="6 coefficients, but only 5 rows"):
        pls("a =~ a1 + a2 + a3 + b1 + b2\nc1 ~ a", factors.iloc[:10], predict=True, folds=2)


def test_items_that_give_no_scores_are_refused(factors):
    twice = factors.assign(a2=factors["a1"])
    with pytest.raises(ModelError, match="The items of 'a' are collinear"):
        pls(FACTORS, twice, formative=["a"])
    with pytest.raises(ModelError, match="The items of 'a' cancel each other. Reverse-code"):
        pls("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a", factors.assign(a2=-factors["a1"]))
    with pytest.raises(ModelError, match="Constructs that explain the same construct are collinear"):
        pls("b =~ b1 + b2\nb ~ a1 + a2", twice)


def test_corrections_that_do_not_exist_are_refused(factors):
    r = np.eye(4)
    for i, j, value in ((0, 1, -0.2), (0, 2, 0.4), (0, 3, 0.4), (1, 2, 0.3), (1, 3, 0.3), (2, 3, 0.5)):
        r[i, j] = r[j, i] = value
    with pytest.raises(ModelError, match="rho_A of 'a' is -0"):
        pls("a =~ a1 + a2\nb =~ b1 + b2\nb ~ a", exactly(r, ["a1", "a2", "b1", "b2"]), consistent=True)
    spread = np.array([0.6, 0.7, 0.5, 0.8])
    r = np.outer(spread, spread)
    r = np.block([[r, 0.5 * spread[:, None]], [0.5 * spread[None, :], np.ones((1, 1))]])
    np.fill_diagonal(r, 1)
    same = exactly(r, ["a1", "a2", "b1", "b2", "y"])
    with pytest.raises(ModelError, match="corrected correlations of the causes of 'y' are not positive definite"):
        pls("a =~ a1 + a2\nb =~ b1 + b2\ny ~ a + b", same, consistent=True)


def test_a_repeat_that_cannot_be_estimated_is_left_out():
    """Unrelated constructs: in one of a hundred training sets the weights lead nowhere."""
    unrelated = sem_worlds.survey(np.random.default_rng(0), 300, (0, 0, 0))
    assert pls(sem_worlds.MODEL, unrelated, predict=True).prediction["q2_predict"].between(-0.1, 0.2).all()


def test_a_fold_without_variance_is_refused(factors):
    once = factors.iloc[:40].assign(a1=[5.0] + [1.0] * 39)
    with pytest.raises(InsufficientData, match="an item has no variance of its own"):
        pls(FACTORS, once, predict=True, repeats=1)
