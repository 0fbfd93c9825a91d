import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from xmresearch.data.codebook_file import load_codebook
from xmresearch.errors import CodebookError, DataError
from xmresearch.inference.estimates import estimate_means, replicate_covariances, replicate_means, resample
from xmresearch.psychometrics.batteries import person_mean
from xmresearch.psychometrics.gap_scores import gaps


def test_kiosk_gaps_equal_the_reference(kiosk_frame, same_as_kiosk_reference, root):
    book = load_codebook("kiosk_codebook.yml", root / "params" / "servqual")
    same_as_kiosk_reference(gaps(kiosk_frame, book, bootstrap=0).tidy("dimension"))


def test_statement_gap_is_the_paired_t_test(hall):
    found = gaps(hall.frame, hall.codebook, bootstrap=0).tidy("statement").set_index("id")
    for statement in ("1", "11", "22"):
        pair = hall.frame[[f"p{statement}", f"e{statement}"]].dropna()
        test = stats.ttest_rel(pair.iloc[:, 0], pair.iloc[:, 1])
        row = found.loc[statement]
        assert row["n"] == len(pair)
        assert row["t"] == pytest.approx(test.statistic, rel=1e-10)
        assert row["p"] == pytest.approx(test.pvalue, rel=1e-8)
        assert row[["ci_lower", "ci_upper"]].tolist() == pytest.approx(list(test.confidence_interval(0.95)))


def test_adjusted_p_and_family_size(hall):
    result = gaps(hall.frame, hall.codebook, bootstrap=0)
    for level, method, family in (("dimension", "holm", 5), ("statement", "fdr_bh", 22)):
        table = result.tidy(level)
        np.testing.assert_allclose(table["p_adjusted"], multipletests(table["p"], method=method)[1])
        assert (table["family"] == family).all()


def test_equal_weights_change_nothing(hall):
    plain = gaps(hall.frame, hall.codebook, bootstrap=0).table
    weighted = gaps(hall.frame, hall.codebook, bootstrap=0, weights=np.full(len(hall), 3.0)).table
    np.testing.assert_allclose(plain[["gap", "sd", "se"]], weighted[["gap", "sd", "se"]])


def test_weighted_standard_error_is_the_bootstraps(hall):
    values = (hall.frame["p1"] - hall.frame["e1"]).to_numpy()[:, None]
    found = estimate_means(values, hall.weights)
    replicates = replicate_means(values, hall.weights, 4000, 5)
    assert replicates.std() == pytest.approx(found.se[0], rel=0.05)
    shown = ~np.isnan(values[:, 0])
    assert found.mean[0] == pytest.approx(np.average(values[shown, 0], weights=hall.weights[shown]))


def test_weighted_standard_error_is_the_survey_packages():
    """svymean of R's survey package: ratio linearisation, here from its definition on a small case."""
    x, w = np.array([1.0, 4.0, 2.0, 7.0]), np.array([2.0, 1.0, 3.0, 1.5])
    mean = (w * x).sum() / w.sum()
    z = w * (x - mean) / w.sum()
    variance = 4 / 3 * ((z - z.mean()) ** 2).sum()
    assert estimate_means(x[:, None], w).se[0] == pytest.approx(np.sqrt(variance))


def test_bootstrap_interval_is_near_the_t_interval(hall):
    table = gaps(hall.frame, hall.codebook, weights=hall.weights, bootstrap=4000, seed=2).tidy("dimension")
    width = table["ci_upper"] - table["ci_lower"]
    assert (np.abs(table["boot_lower"] - table["ci_lower"]) < 0.12 * width).all()
    assert (np.abs(table["boot_upper"] - table["ci_upper"]) < 0.12 * width).all()
    assert ((table["d_lower"] < table["d"]) & (table["d"] < table["d_upper"])).all()


def test_same_seed_same_replicates_and_other_seed_others():
    values = np.random.default_rng(0).normal(size=(40, 2))
    np.testing.assert_array_equal(replicate_means(values, None, 50, 1), replicate_means(values, None, 50, 1))
    assert not np.array_equal(replicate_means(values, None, 50, 1), replicate_means(values, None, 50, 2))


@pytest.mark.parametrize("kind", ["bootstrap", "bayesian"])
def test_resampling_weights_sum_to_n(kind):
    blocks = np.concatenate(list(resample(37, 100, 3, kind)))
    assert blocks.shape == (100, 37)
    np.testing.assert_allclose(blocks.sum(axis=1), 37)


def test_replicated_covariance_by_brute_force():
    values = np.random.default_rng(1).normal(size=(25, 3)) + 50
    weights = np.random.default_rng(2).uniform(0.5, 2, 25)
    found = replicate_covariances(values, weights, 20, 4)
    for r, cov in zip(np.concatenate(list(resample(25, 20, 4))), found, strict=True):
        np.testing.assert_allclose(cov, np.cov(values, rowvar=False, aweights=r * weights, ddof=0), atol=1e-10)


def test_streamed_gaps_equal_those_in_memory(hall, tmp_path):
    pl.from_pandas(hall.frame).write_parquet(tmp_path / "h.parquet", row_group_size=50)
    streamed = gaps(pl.scan_parquet(tmp_path / "h.parquet"), hall.codebook, bootstrap=0).table
    memory = gaps(hall.frame, hall.codebook, bootstrap=0).table
    pd.testing.assert_frame_equal(streamed, memory, rtol=1e-10)


def test_streamed_rows_have_no_bootstrap(hall):
    with pytest.raises(DataError, match="bootstrap=0"):
        gaps(pl.from_pandas(hall.frame).lazy(), hall.codebook)


def test_perceptions_alone_have_no_gaps(hall):
    with pytest.raises(CodebookError, match="no expectation items"):
        gaps(hall.frame, load_codebook("servperf"))


def test_person_mean_needs_enough_answers():
    values = np.array([[1.0, 3.0, np.nan, np.nan], [1.0, np.nan, np.nan, np.nan], [np.nan] * 4])
    assert person_mean(values, 0.5).tolist()[0] == 2
    assert np.isnan(person_mean(values, 0.5)[1:]).all()
    assert person_mean(values, 0.25).tolist()[1] == 1


def test_dimension_gap_compares_the_same_statements(hall):
    frame = hall.frame.copy()
    frame.loc[:, ["e1", "e2", "e3", "e4", "p1", "p2", "p3", "p4"]] = np.nan
    frame.loc[:19, ["e1", "e2", "p2", "p3"]] = [7.0, 6.0, 4.0, 1.0]
    table = gaps(frame, hall.codebook, bootstrap=0, min_answered=0.25).tidy("dimension").set_index("id")
    assert table.loc["tangibles", ["n", "gap"]].tolist() == [20, -2.0]


def test_streamed_reverse_items_are_recoded(hall):
    from dataclasses import replace

    columns = tuple(replace(c, reverse=c.statement == "1") for c in hall.codebook.columns)
    book = replace(hall.codebook, columns=columns)
    raw = hall.frame.assign(e1=8 - hall.frame["e1"], p1=8 - hall.frame["p1"])
    streamed = gaps(pl.from_pandas(raw).lazy(), book, bootstrap=0).table
    pd.testing.assert_frame_equal(streamed, gaps(hall.frame, hall.codebook, bootstrap=0).table, rtol=1e-10)


def test_streamed_answers_outside_the_scale_are_refused(hall):
    frame = hall.frame.assign(p3=hall.frame["p3"] + 5)
    with pytest.raises(DataError, match=r"'p3' holds answers from .* outside the scale 1-7"):
        gaps(pl.from_pandas(frame).lazy(), hall.codebook, bootstrap=0)


def test_constant_gap_has_no_test(hall):
    frame = hall.frame.copy()
    frame["p1"] = frame["e1"]
    row = gaps(frame, hall.codebook, bootstrap=0).tidy("statement").set_index("id").loc["1"]
    assert row["gap"] == 0
    assert np.isnan(row["p"])
    assert row["family"] == 21


def test_summary_and_diagnostics_follow_the_table(hall):
    result = gaps(hall.frame, hall.codebook, weights=hall.weights, seed=1)
    table = result.tidy("dimension").set_index("id")
    assert result.summary() == {"n": table["n"].max(), "dimensions": 5, "statements": 22}
    np.testing.assert_allclose(np.sqrt(np.diag(result.covariance)), table["se"])
    assert set(result.diagnostics()["status"]) <= {"pass", "warn", "fail"}
    assert "responsiveness" in result._repr_html_()
    assert "responsiveness" in result._repr_markdown_()
