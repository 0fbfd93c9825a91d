"""Design weights and clusters: lavaan's figures, a second method, planted truth, and every function that reads such a fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.psychometrics.method_variance import common_method
from xmresearch.sampling import design
from xmresearch.sampling import mean as sample_mean
from xmresearch.sem import (
    compare,
    difference_test,
    effects,
    factor_scores,
    fit,
    gains,
    indices,
    invariance,
    mediation,
    modification_indices,
)
from xmresearch.sem.concerns import ENOUGH_CLUSTERS
from xmresearch.sem.fitting import objective_of
from xmresearch.studies.sem.others import _drawn_means, casewise_likelihood, rivals_claim
from xmresearch.sufficient.moments import Moments

MIMIC = "visual =~ x1 + x2 + x3\nspeed =~ x7 + x8 + x9\nvisual ~ ageyr + sex\nspeed ~ visual + ageyr"
SEM2 = {
    "hs_weights_MLR": {"sampling_weights": "w"}, "hs_weights_mimic_MLR": {"sampling_weights": "w"},
    "pd_weights_MLR": {"sampling_weights": "w"}, "hs_cluster10_MLR": {"cluster": "cl"},
    "hs_cluster30_MLR": {"cluster": "cl2"}, "hs_cluster30_school_MLR": {"cluster": "cl2", "group": "school"},
}  # fmt: skip
BOTH = {"sampling_weights": "w", "cluster": "cl2", "estimator": "MLR"}
LAVAAN = {
    "cluster_mlr": {"cluster": "cl2", "estimator": "MLR"}, "both": BOTH, "both_mimic": BOTH,
    "both_school": {**BOTH, "group": "school"},
    "both_school_scalar": {**BOTH, "group": "school", "group_equal": ["loadings", "intercepts"]},
    "fiml_weights": {"sampling_weights": "w", "missing": "fiml"}, "fiml_both": {**BOTH, "missing": "fiml"},
    "fiml_both_school": {**BOTH, "missing": "fiml", "group": "school"}, "fiml_both_mimic": {**BOTH, "missing": "fiml"},
}  # fmt: skip


def sampled(frame):
    """Add the weights and clusters of the references: w = .5 + (row % 5) / 4, cl = row // 10, cl2 = row % 30."""
    row = np.arange(len(frame))
    return frame.assign(w=0.5 + (row % 5) / 4, cl=row // 10, cl2=row % 30)


@pytest.fixture(scope="module")
def pupils(schools):
    return sampled(schools)


def apart(found, wanted):
    return abs(found - wanted) / max(1.0, abs(wanted))


@pytest.mark.parametrize("name", SEM2)
def test_estimates_errors_and_fit_are_lavaans(name, reference):
    """reference/sem2/NAME_par.csv and NAME_fit.csv, by lavaan 0.6-14; models.csv beside them has the models."""
    models = pd.read_csv(reference / "sem2/models.csv", header=None).set_index(0)
    data = "political_democracy" if name.startswith("pd") else "holzinger_swineford"
    found = fit(models.loc[name, 3], sampled(pd.read_csv(reference.parent / f"sem/{data}.csv")), **SEM2[name])
    table = pd.read_csv(reference / f"sem2/{name}_par.csv", keep_default_na=False)
    group = table["group"].astype(int) if "group" in table else pd.Series(1, table.index)
    theirs = {(r.lhs, r.op, r.rhs, g): r for r, g in zip(table.itertuples(), group, strict=True)}
    for row in found.estimates.itertuples():
        g = found.groups.index(row.group) + 1
        one = theirs.get((row.lhs, row.op, row.rhs, g)) or theirs[row.rhs, row.op, row.lhs, g]
        assert apart(row.est, float(one.est)) < 1e-6, row
        assert apart(row.se, float(one.se)) < 1e-6, row
    for ours, column in (("std_lv", "std.lv"), ("std_all", "std.all")):
        values = dict(zip(theirs, table[column].astype(float), strict=True))
        for row in found.estimates.itertuples():
            g = found.groups.index(row.group) + 1
            key = (
                (row.lhs, row.op, row.rhs, g)
                if (row.lhs, row.op, row.rhs, g) in values
                else (row.rhs, row.op, row.lhs, g)
            )
            assert apart(getattr(row, ours), values[key]) < 1e-6
    known = pd.read_csv(reference / f"sem2/{name}_fit.csv").set_index("measure")["value"].dropna()
    shared = [m for m in found.measures.index if m in known.index]
    assert len(shared) >= 70
    assert max(apart(found.measures[m], known[m]) for m in shared) < 1e-6


@pytest.mark.parametrize("name", LAVAAN)
def test_weights_clusters_groups_and_blanks_together_are_lavaans(name, pupils, hs, reference):
    """lavaan_weights_clusters.csv: lavaan 0.6-14, sem(estimator = 'MLR', sampling.weights = 'w', cluster = 'cl2', ...).

    The robust measures of `fiml_both_school` are left out: lavaan refits its saturated moments with the groups' sums of weights
    cut to whole numbers (155 and 145 for 155.76 and 145.24), which moves its robust CFI by .0003.
    """
    known = pd.read_csv(Path(__file__).parent / "lavaan_weights_clusters.csv")
    known = known[known["fit"] == name]
    blanks = sampled(pd.read_csv(reference / "sem2/hs_missing15_data.csv")) if "fiml" in name else pupils
    found = fit(MIMIC if "mimic" in name else hs, blanks, **LAVAAN[name])
    tables = {"est": (found.estimates, "est"), "se": (found.estimates, "se"), "std_se": (found.standardized, "se")}
    ours = {("fit", m): v for m, v in found.measures.items()}
    for kind, (table, column) in tables.items():
        for row in table.to_dict("records"):
            g = found.groups.index(row["group"]) + 1
            for a, b in ((row["lhs"], row["rhs"]), (row["rhs"], row["lhs"])):
                ours[kind, f"{a} {row['op']} {b} {g}"] = row[column]
    checked = 0
    for row in known.itertuples():
        if row.kind in ("mi", "epc", "lrt") or (name == "fiml_both_school" and ".robust" in row.key):
            continue
        assert apart(ours[row.kind, row.key], row.value) < 5e-5, row
        checked += 1
    assert checked > 60


def test_weights_over_the_whole_file_not_within_groups(pupils, hs):
    """reference/README.md: a group's n is its sum of weights rescaled over the file, 155.76 and 145.24 of 156 and 145 rows."""
    found = fit(hs, pupils, sampling_weights="w", group="school")
    assert [round(s.n, 2) for s in found.samples] == [155.76, 145.24]
    assert found.group_sizes == (156, 145)


def test_difference_tests_of_the_ladder_are_lavaans(pupils, hs):
    """lavTestLRT, lavaan 0.6-14 (satorra.bentler.2001): 7.0942 and 43.4777 with six degrees of freedom."""
    ladder = invariance(hs, pupils, "school", levels=["scalar"], **BOTH)
    assert ladder.table["chisq_diff"].iloc[1:].tolist() == pytest.approx([7.094222, 43.477738], abs=2e-4)
    free = ladder.fits["configural"]
    with pytest.raises(ModelError, match="same weights and clusters"):
        difference_test(ladder.fits["metric"], fit(hs, pupils, group="school", estimator="MLR", cluster="cl2"))
    with pytest.raises(ModelError, match="same weights and clusters"):
        compare({"a": free, "b": fit(hs, pupils, group="school", estimator="MLR", group_equal=["loadings"])})


@pytest.mark.parametrize("blanks", [False, True])
def test_sandwich_by_numerical_scores(pupils, hs, blanks):
    """Slopes of each row's weighted log-likelihood by differences, summed by cluster."""
    frame = pupils.copy()
    if blanks:
        rng = np.random.default_rng(4)
        for item in ("x1", "x4", "x8"):
            frame[item] = frame[item].mask(rng.random(len(frame)) < 0.15)
    found = fit(hs, frame, missing="fiml" if blanks else "listwise", **BOTH)
    x, theta = frame[list(found.model.observed)].to_numpy(), found.solution.theta
    w = (frame["w"] / frame["w"].mean()).to_numpy()
    matrices = objective_of(found.model, found.samples).matrices[0]

    def casewise(at):
        moments = matrices.implied(at)
        value = np.zeros(len(x))
        for k, row in enumerate(x):
            there = ~np.isnan(row)
            cov, gap = moments.cov[np.ix_(there, there)], row[there] - moments.mean[there]
            value[k] = -(np.linalg.slogdet(cov)[1] + gap @ np.linalg.solve(cov, gap)) / 2
        return w * value

    step, q = 1e-4, len(theta)
    slopes = np.array([(casewise(theta + e) - casewise(theta - e)) / (2 * step) for e in step * np.eye(q)]).T
    hessian = np.empty((q, q))
    unit = 1e-3 * np.eye(q)
    total = {}

    def summed(at):
        key = at.tobytes()
        if key not in total:
            total[key] = casewise(at).sum()
        return total[key]

    for i in range(0, q, 10):  # every tenth row of the information is enough to tell
        for j in range(q):
            hessian[i, j] = -(
                summed(theta + unit[i] + unit[j]) - summed(theta + unit[i] - unit[j])
                - summed(theta - unit[i] + unit[j]) + summed(theta - unit[i] - unit[j])
            ) / 4e-6  # fmt: skip
    information = found.n * objective_of(found.model, found.samples).hessian(theta, found.solution.implied)
    np.testing.assert_allclose(hessian[::10], information[::10], rtol=2e-3, atol=2e-2)
    sums = np.array([slopes[frame["cl2"] == c].sum(axis=0) for c in range(30)])
    bread = np.linalg.inv(information)
    np.testing.assert_allclose(found.covariance, bread @ sums.T @ sums @ bread * 30 / 29, rtol=1e-4, atol=1e-7)


def test_equal_weights_and_lone_rows_change_nothing(pupils, hs):
    plain = fit(hs, pupils, estimator="MLR", missing="fiml")
    frame = pupils.assign(w=7.0, own=np.arange(len(pupils)))
    even = fit(hs, frame, sampling_weights="w", missing="fiml")
    pd.testing.assert_frame_equal(even.estimates, plain.estimates, rtol=1e-6)
    alone = fit(hs, frame, cluster="own", missing="fiml", estimator="MLR")
    np.testing.assert_allclose(alone.covariance, plain.covariance * 301 / 300, rtol=1e-6)
    assert even.estimator == alone.estimator == "MLR"


def repeated(seed=1, n=260, blanks=0.0):
    """Rows with whole weights, and the same rows as often as their weights say, clustered by where they come from."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=n)
    joy = 0.6 * image + rng.normal(size=n) * 0.8
    frame = pd.DataFrame({f"i{k}": 5 + image + rng.normal(size=n) for k in range(3)})
    for k in range(3):
        frame[f"j{k}"] = 5 + joy + rng.normal(size=n)
        frame[f"l{k}"] = 5 + 0.7 * joy + 0.2 * image + rng.normal(size=n)
    for k in range(2):
        frame[f"m{k}"] = 5 + rng.normal(size=n) + 0.2 * frame["i0"]
    if blanks:
        frame = frame.mask(rng.random(frame.shape) < blanks)
    frame["w"], frame["person"] = rng.integers(1, 4, n), np.arange(n)
    frame["half"] = np.where(np.arange(n) % 2, "a", "b")
    return frame, frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)


MODEL = "image =~ i0 + i1 + i2\njoy =~ j0 + j1 + j2\nloyal =~ l0 + l1 + l2\njoy ~ image\nloyal ~ joy + image"
SCALES = {f"{c}{k}": (0.0, 10.0) for c in "ijl" for k in range(3)}
WEIGHTED, SPREAD = {"sampling_weights": "w", "cluster": "person"}, {"cluster": "person"}


@pytest.fixture(scope="module", params=[0.0, 0.08], ids=["complete", "blanks"])
def pair(request):
    """A weighted fit, and the fit to rows repeated by their weights, with the data of both."""
    few, many = repeated(blanks=request.param)
    how = {"missing": "fiml" if request.param else "listwise", "estimator": "MLR"}
    return fit(MODEL, few, **WEIGHTED, **how), fit(MODEL, many, **SPREAD, **how), few, many, how


def same(a, b, *, rtol=2e-5):
    numbers = [c for c in a.columns if pd.api.types.is_float_dtype(a[c])]
    assert numbers
    np.testing.assert_allclose(a[numbers].to_numpy(), b[numbers].to_numpy(), rtol=rtol, atol=1e-6)


def test_a_weight_is_worth_as_many_rows_of_one_person(pair):
    """Estimates, errors, scaled tests, effects, gains, mediation, standardised figures, indices of misfit and factor scores."""
    one, other, few, many, _ = pair
    same(one.estimates, other.estimates)
    same(one.standardized, other.standardized)
    for measure in ("chisq.scaled", "baseline.chisq.scaled", "cfi.robust", "tli.robust", "srmr", "cfi.scaled"):
        assert one.measures[measure] == pytest.approx(other.measures[measure], rel=2e-5, abs=1e-6)
    same(effects(one).table, effects(other).table)
    np.testing.assert_allclose(effects(one).totals.covariance, effects(other).totals.covariance, rtol=1e-4, atol=1e-9)
    same(mediation(one, [["image", "joy", "loyal"]]).table, mediation(other, [["image", "joy", "loyal"]]).table)
    a, b = (modification_indices(f).sort_values(["lhs", "op", "rhs"]) for f in (one, other))
    same(a, b, rtol=2e-3)
    same(gains(one, few, ["loyal"], SCALES).table, gains(other, many, ["loyal"], SCALES).table)
    scores = factor_scores(one, few), factor_scores(other, many)
    np.testing.assert_allclose(scores[0].mul(few["w"], axis=0).sum(), scores[1].sum(), atol=1e-3)


def test_reliability_and_validity_allow_for_the_design(pair):
    one, other, few, many, _ = pair
    a, b = (composite_reliability(f).table.drop(columns="n") for f in (one, other))
    same(a, b)
    a, b = (validity(f, d, bootstrap=50, seed=3).pairs for f, d in ((one, few), (other, many)))
    same(a, b, rtol=1e-3)
    naive = fit(MODEL, many, estimator="MLR", missing="fiml")
    wide, narrow = (composite_reliability(f).table.iloc[0] for f in (other, naive))
    assert wide["alpha_upper"] - wide["alpha_lower"] > 1.2 * (narrow["alpha_upper"] - narrow["alpha_lower"])
    wide, narrow = (validity(f, bootstrap=400, seed=3).pairs.iloc[0] for f in (other, naive))
    assert wide["htmt2_upper"] - wide["htmt2_lower"] > 1.2 * (narrow["htmt2_upper"] - narrow["htmt2_lower"])


def test_common_method_and_rivals_allow_for_the_design(pair):
    one, other, few, many, how = pair
    a, b = (common_method(MODEL, d, marker=["m0", "m1"], **s, **how) for d, s in ((few, WEIGHTED), (many, SPREAD)))
    same(a.table[["cfi", "share", "share_lower", "share_upper", "p_diff", "chisq_diff"]],
         b.table[["cfi", "share", "share_lower", "share_upper", "p_diff", "chisq_diff"]], rtol=5e-3)  # fmt: skip
    assert a.component_share == pytest.approx(b.component_share, rel=1e-5)
    same(a.correlations, b.correlations, rtol=1e-4)
    rival = "image =~ i0 + i1 + i2\njoy =~ j0 + j1 + j2 + l0 + l1 + l2\njoy ~ image"
    means = []
    for own, rows, settings in ((one, few, WEIGHTED), (other, many, SPREAD)):
        against = fit(rival, rows, **settings, **how)
        assert rivals_claim(own, {"rival": against}, "own") is not None
        values = np.column_stack([casewise_likelihood(f) for f in (own, against)])
        means.append(_drawn_means(values, own.samples[0].design))
    np.testing.assert_allclose(means[0][0], means[1][0], rtol=1e-6)
    np.testing.assert_allclose(means[0][1], means[1][1], rtol=1e-4)
    assert means[0][2] == means[1][2] == len(few) - 1
    plain = fit(rival, few, **how)
    assert rivals_claim(one, {"rival": plain}, "own") is None  # fits of other weights cannot be compared


def test_alpha_error_is_that_of_the_clusters(pair):
    """Against resampled clusters: the interval on the scale of log(1 - alpha)."""
    one, _, few, _, how = pair
    if how["missing"] == "fiml":
        pytest.skip("resampled alphas need complete rows")
    rng = np.random.default_rng(5)
    items = few[["i0", "i1", "i2"]].to_numpy()

    def alpha(w):
        c = np.cov(items, rowvar=False, aweights=w)
        return 1.5 * (1 - np.trace(c) / c.sum())

    drawn = [
        np.log(1 - alpha(few["w"].to_numpy() * rng.multinomial(len(few), np.full(len(few), 1 / len(few))) + 1e-12))
        for _ in range(1500)
    ]
    row = composite_reliability(one).table.iloc[0]
    reach = (np.log(1 - row["alpha_lower"]) - np.log(1 - row["alpha_upper"])) / 2 / 1.959964
    assert reach == pytest.approx(np.std(drawn), rel=0.08)


def test_indices_are_the_surveys_means(pupils, hs):
    """Held against `xmresearch.sampling.mean`, which is held against R's survey."""
    found = fit(hs, pupils, **BOTH)
    row = indices(found, pupils, ["visual"], {f"x{k}": (0.0, 10.0) for k in range(1, 10)}).table.iloc[0]
    each = pupils.assign(each=10 * pupils[["x1", "x2", "x3"]].mean(axis=1))
    known = sample_mean(design(each, weights="w", clusters="cl2"), "each").table.iloc[0]
    assert row["estimate"] == pytest.approx(known["estimate"], rel=1e-12)
    assert row["ci_lower"] == pytest.approx(known["lower"], rel=1e-9)
    with pytest.raises(DataError, match="no column 'w'"):
        indices(found, pupils.drop(columns="w"), ["visual"], {f"x{k}": (0.0, 10.0) for k in range(1, 10)})


def test_modification_indices_with_clusters_keep_their_level():
    """With doubled rows the naive index doubles; the generalised one keeps a mean of one where nothing is left out."""
    robust, naive = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        f = rng.normal(size=150)
        frame = pd.DataFrame({f"x{k}": f + rng.normal(size=150) for k in range(5)})
        frame = pd.concat([frame.assign(c=np.arange(150))] * 2)
        model = "f =~ x0 + x1 + x2 + x3 + x4"
        robust.append(modification_indices(fit(model, frame, cluster="c"))["mi"].mean())
        naive.append(modification_indices(fit(model, frame))["mi"].mean())
    assert np.mean(robust) == pytest.approx(1.0, abs=0.25)
    assert np.mean(naive) > 1.7


def test_expected_changes_are_lavaans(pupils, hs):
    """lavaan_weights_clusters.csv: modificationIndices of the weighted and clustered fit; its mi takes no account of clusters."""
    known = pd.read_csv(Path(__file__).parent / "lavaan_weights_clusters.csv").query("fit == 'both'")
    table = modification_indices(fit(hs, pupils, **BOTH))
    ours = {f"{r.lhs} {r.op} {r.rhs} 1": r.epc for r in table.itertuples()}
    epc = known[known["kind"] == "epc"]
    assert len(epc) >= 10
    for row in epc.itertuples():
        assert ours[row.key] == pytest.approx(row.value, abs=1e-4)


def test_the_bootstrap_draws_whole_clusters_and_keeps_weights():
    few, many = repeated(seed=3)
    a = fit(MODEL, few, **WEIGHTED, bootstrap=400, seed=2, interval="bca")
    b = fit(MODEL, many, **SPREAD, bootstrap=400, seed=2, interval="bca")
    np.testing.assert_allclose(a.replicates, b.replicates, atol=2e-4)  # the same clusters are drawn
    same(a.estimates, b.estimates, rtol=2e-3)
    free = a.estimates["se"] > 0
    exact = fit(MODEL, few, **WEIGHTED).estimates["se"]
    assert (a.estimates["se"][free] / exact[free]).median() == pytest.approx(1.0, abs=0.08)


def test_clusters_in_several_groups_are_drawn_together(pupils, hs):
    from xmresearch.sem.bootstrap import _drawn

    found = fit(hs, pupils, group="school", cluster="cl2")
    designs = [s.design for s in found.samples]
    drawn = _drawn(designs, found.group_sizes, 5, np.random.default_rng(0))
    for code in (0, 11, 29):
        values = [d[:, s.clusters == code] for d, s in zip(drawn, designs, strict=True)]
        assert (values[0] == values[0][:, :1]).all()
        assert (values[1] == values[0][:, :1]).all()
    assert any(c.kind == "clusters_span" for c in found.concerns)
    nested = fit(
        hs, pupils.assign(cl=pupils["school"] + (np.arange(301) % 12).astype(str)), group="school", cluster="cl"
    )
    assert not any(c.kind == "clusters_span" for c in nested.concerns)


def test_informative_weights_undo_the_bias_of_the_draw():
    """People with good outcomes answer more often: the weighted path is right, the unweighted one is not."""
    plain, weighted, held = [], [], 0
    for seed in range(120):
        rng = np.random.default_rng(1000 + seed)
        x = rng.normal(size=3000)
        y = 0.5 * x + rng.normal(size=3000)
        chance = np.clip(0.03 + 0.25 * (y > 0.6) + 0.12 * (x < -0.5), 0, 1)
        keep = rng.random(3000) < chance
        frame = pd.DataFrame({"x": x, "y": y, "w": 1 / chance})[keep]
        plain.append(fit("y ~ x", frame, estimator="MLR").estimates["est"].iloc[0])
        row = fit("y ~ x", frame, sampling_weights="w").estimates.iloc[0]
        weighted.append(row["est"])
        held += row["ci_lower"] < 0.5 < row["ci_upper"]
    assert abs(np.mean(plain) - 0.5) > 0.08
    assert np.mean(weighted) == pytest.approx(0.5, abs=0.02)
    assert 0.87 <= held / 120 <= 0.99


def test_clustered_intervals_cover_and_naive_ones_do_not():
    """60 branches of 8 whose causes and outcomes go together: naive intervals miss, clustered ones hold."""
    naive = clustered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        branch = np.repeat(np.arange(60), 8)
        x = 0.8 * rng.normal(size=60)[branch] + 0.6 * rng.normal(size=480)
        y = 0.4 * x + 0.8 * rng.normal(size=60)[branch] + 0.6 * rng.normal(size=480)
        frame = pd.DataFrame({"x": x, "y": y, "branch": branch})
        for kind, settings in (("naive", {"estimator": "MLR"}), ("clustered", {"cluster": "branch"})):
            row = fit("y ~ x", frame, **settings).estimates.iloc[0]
            inside = row["ci_lower"] < 0.4 < row["ci_upper"]
            naive, clustered = naive + (inside and kind == "naive"), clustered + (inside and kind == "clustered")
    assert naive / 200 < 0.8
    assert 0.90 <= clustered / 200 <= 0.98


@pytest.mark.parametrize(("settings", "said"), [
    ({"sampling_weights": "w", "estimator": "MLM"}, "Estimator MLM knows no weights and clusters"),
    ({"cluster": "cl", "estimator": "MLMV"}, "Estimator MLMV knows no weights"),
    ({"sampling_weights": "w", "ordered": True, "estimator": "WLSMV"}, "Ordered variables cannot have weights"),
    ({"cluster": "cl", "ordered": True}, "Ordered variables cannot have weights"),
    ({"sampling_weights": "w", "cluster": "w"}, "given as the weights and as the clusters"),
])  # fmt: skip
def test_what_weights_and_clusters_do_not_go_with_is_refused(pupils, hs, settings, said):
    with pytest.raises(ModelError, match=said):
        fit(hs, pupils, **settings)


def test_columns_that_are_no_design_are_refused(pupils, hs):
    with pytest.raises(DataError, match="no column 'weigth'"):
        fit(hs, pupils, sampling_weights="weigth")
    for bad in (0.0, -1.0, np.nan, np.inf):
        frame = pupils.copy()
        frame.loc[7, "w"] = bad
        with pytest.raises(DataError, match=r"Weight column 'w', data row 8: .* is not a positive number \(1 such"):
            fit(hs, frame, sampling_weights="w")
    frame = pupils.assign(cl=pupils["cl"].astype(float))
    frame.loc[[3, 5], "cl"] = np.nan
    with pytest.raises(DataError, match=r"'cl' is blank in 2 row\(s\), the first of them row 4"):
        fit(hs, frame, cluster="cl")
    with pytest.raises(InsufficientData, match="'one' has a single cluster"):
        fit(hs, pupils.assign(one="x"), cluster="one")
    with pytest.raises(InsufficientData, match=r"Group '.*' has 1 cluster\(s\) of 'school'"):
        fit(hs, pupils, group="school", cluster="school")
    moments = Moments.of(pupils[[f"x{k}" for k in range(1, 10)]].to_numpy(), [f"x{k}" for k in range(1, 10)])
    with pytest.raises(DataError, match="Weights and clusters need rows"):
        fit(hs, moments, sampling_weights="w")


def test_two_clusters_are_enough_to_start_and_one_is_not(pupils):
    model = "y =~ x1 + x2 + x3"
    assert fit(model, pupils.assign(c=np.arange(301) % 2), cluster="c").converged
    with pytest.raises(InsufficientData):
        fit(model, pupils.assign(c=0), cluster="c")


@pytest.mark.parametrize(("clusters", "said"), [(ENOUGH_CLUSTERS - 1, True), (ENOUGH_CLUSTERS, False)])
def test_few_clusters_are_said(pupils, hs, clusters, said):
    found = fit(hs, pupils.assign(c=np.arange(301) % clusters), cluster="c")
    assert any(c.kind == "few_clusters" for c in found.concerns) == said


def test_fewer_clusters_than_parameters_are_said(pupils, hs):
    kinds = [[c.kind for c in fit(hs, pupils.assign(c=np.arange(301) % k), cluster="c").concerns] for k in (30, 31)]
    assert "clusters_below_parameters" in kinds[0]  # thirty parameters
    assert "clusters_below_parameters" not in kinds[1]


def test_few_effective_respondents_are_said(pupils, hs):
    heavy = pupils.assign(w=np.where(np.arange(301) < 20, 100.0, 1.0))
    found = fit(hs, heavy, sampling_weights="w")
    assert found.effective_n == pytest.approx((20 * 100 + 281) ** 2 / (20 * 100**2 + 281))
    assert any(c.kind == "few_effective" for c in found.concerns)
    assert not any(c.kind == "few_effective" for c in fit(hs, pupils, sampling_weights="w").concerns)


def test_a_fit_says_what_it_was_drawn_by(pupils, hs):
    found = fit(hs, pupils, **BOTH)
    text = str(found.summary())
    assert "Number of clusters [cl2]" in text
    assert "Robust.cluster" in text
    assert "Sampling weights variable" in text
    assert "30 (cl2)" in repr(found)
    assert "effective n" in repr(found)
    assert "cluster" not in repr(fit(hs, pupils))
