"""Tables in full: semTools' and lavaan's matrices (reference/sem2), pandas' and scipy's moments, estimates of lavaan (reference/sem)."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, ModelError
from xmresearch.psychometrics.answer_moments import answer_shapes, shape_of
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.psychometrics.dimension_matrix import score_matrix
from xmresearch.psychometrics.internal_consistency import ReliabilityResult
from xmresearch.psychometrics.items_of_model import model_items
from xmresearch.sem.fitting import fit
from xmresearch.sem.tables import parameters, side_by_side

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.fixture(scope="module")
def pupils():
    try:
        return load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def fitted(pupils):
    return fit(HS, pupils, estimator="MLR")


def read(reference, name):
    return pd.read_csv(reference / f"{name}.csv", index_col=0)


def test_matrices_are_semtools(fitted, reference):
    found = validity(fitted)
    square, ratios = found.fornell_larcker(), found.ratios()
    names = square["construct"].tolist()
    lower = np.tril_indices(3, -1)
    expected = read(reference, "sem2/hs_fornell_larcker").loc[names, names].to_numpy()
    shown = square[names].to_numpy()
    np.testing.assert_allclose(shown[np.tril_indices(3)], expected[np.tril_indices(3)], atol=1e-5)
    assert np.isnan(shown[np.triu_indices(3, 1)]).all()
    both = ratios[names].to_numpy()
    np.testing.assert_allclose(
        both[lower], read(reference, "sem2/hs_htmt2").loc[names, names].to_numpy()[lower], atol=1e-8
    )
    np.testing.assert_allclose(
        both.T[lower], read(reference, "sem2/hs_htmt").loc[names, names].to_numpy()[lower], atol=1e-8
    )


def test_estimates_and_measures_are_lavaans(fitted, reference):
    expected = pd.read_csv(reference / "sem" / "hs_MLR_par.csv").set_index(["lhs", "op", "rhs"])
    found = parameters(fitted, ("=~", "~~", "var")).set_index(["lhs", "op", "rhs"])
    assert set(found.index) <= set(expected.index)
    assert len(found) == 21 + 3
    there = expected.loc[found.index]
    for ours, theirs in (("est", "est"), ("se", "se"), ("z", "z"), ("std_all", "std.all")):
        seen = found[ours].notna().to_numpy()
        np.testing.assert_allclose(found[ours][seen], there[theirs][seen], atol=2e-4, err_msg=ours)
    fixed = found.loc[("visual", "=~", "x1")]
    assert fixed[["se", "z", "pvalue", "ci_lower"]].isna().all()
    measures = pd.read_csv(reference / "sem" / "hs_MLR_fit.csv").set_index("measure")["value"]
    row = side_by_side({"hs": fitted}).table.iloc[0]
    for ours, theirs in (
        ("chisq_plain", "chisq"),
        ("scaling", "chisq.scaling.factor"),
        ("aic", "aic"),
        ("bic", "bic"),
        ("logl", "logl"),
    ):
        assert row[ours] == pytest.approx(measures[theirs], rel=1e-5), ours


def test_shapes_are_those_of_pandas_and_scipy():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.gamma(2, size=90), "b": rng.integers(1, 8, 90).astype(float)})
    frame.loc[:4, "a"] = np.nan
    found = answer_shapes(frame, ["a", "b"]).set_index("item")
    for name in frame:
        assert found.loc[name, "skew"] == pytest.approx(stats.skew(frame[name].dropna(), bias=False))
        assert found.loc[name, "kurtosis"] == pytest.approx(frame[name].kurt())
        assert found.loc[name, "sd"] == pytest.approx(frame[name].std())
    assert found["n"].tolist() == [85, 90]
    assert found.loc["a", "blank_share"] == pytest.approx(5 / 90)
    even = answer_shapes(frame, ["b"], weights=np.full(90, 3.0)).set_index("item")
    pd.testing.assert_series_equal(even.loc["b"], found.loc["b"])


@pytest.mark.parametrize(("n", "defined"), [(2, (False, False)), (3, (True, False)), (4, (True, True))])
def test_few_answers_have_no_shape(n, defined):
    _, _, skew, kurtosis = shape_of(np.array([1.0, 2.0, 4.0, 7.0])[:n], np.ones(n))
    assert (np.isfinite(skew), np.isfinite(kurtosis)) == defined
    assert np.isnan(shape_of(np.full(n, 0.1), np.ones(n))[2])


def test_wrong_rows_are_refused():
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(DataError, match="no column 'b'"):
        answer_shapes(frame, ["b"])
    with pytest.raises(DataError, match="2 rows and weights"):
        answer_shapes(frame, ["a"], weights=np.ones(3))
    with pytest.raises(DataError, match="2 rows and weights"):
        score_matrix(
            frame,
            ReliabilityResult(pd.DataFrame({"kind": []}), pd.DataFrame(), pd.DataFrame()),
            "gap",
            weights=np.ones(3),
        )


def test_correlations_of_items_are_those_of_the_rows(fitted, pupils):
    found = model_items(fitted, pupils)
    assert found["item"].tolist() == list(fitted.model.observed)
    r = np.corrcoef(pupils[found["item"]].to_numpy(), rowvar=False)
    square = found.filter(regex="^r_").to_numpy()
    np.testing.assert_allclose(square[np.tril_indices(9)], r[np.tril_indices(9)], atol=1e-12)
    two = fit(HS, pupils, group="school")
    with pytest.raises(ModelError, match="one group"):
        model_items(two, pupils)


def test_scores_stand_with_their_reliability():
    rng = np.random.default_rng(4)
    scores = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "c"])
    scores.iloc[0, 0] = np.nan
    table = pd.DataFrame({"construct": ["b", "a"], "kind": "gap", "alpha": [0.8, 0.7], "omega": [0.81, 0.72]})
    trust = ReliabilityResult(
        pd.concat([table, table.assign(kind="perception", alpha=0.1)]), pd.DataFrame(), pd.DataFrame()
    )
    found = score_matrix(scores, trust, "gap")
    whole = scores.dropna()
    assert found["n"].tolist() == [59] * 3
    assert found.loc[1, "a"] == pytest.approx(whole["a"].corr(whole["b"]))
    assert found.loc[0, "a"] == 0.7
    assert np.isnan(found.loc[2, "c"])
    assert np.isnan(found.loc[0, "b"])
    assert found["sd"].to_numpy() == pytest.approx(whole.std().to_numpy())
    w = rng.integers(1, 4, 60)
    weighted = score_matrix(scores, trust, "gap", weights=w.astype(float))
    repeated = whole.loc[whole.index.repeat(w[1:])]
    assert weighted.loc[2, "b"] == pytest.approx(repeated["b"].corr(repeated["c"]))
    assert score_matrix(scores[["a"]], trust, "gap") is None
    assert score_matrix(scores.head(3), trust, "gap") is None
