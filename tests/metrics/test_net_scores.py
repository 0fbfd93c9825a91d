"""Net scores against R's figures, and against what their definition says."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.metrics.net_scores import net_counts, net_difference, net_score
from xmresearch.metrics.share_intervals import share_interval

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "metrics"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs R's figures in XMRESEARCH_DATA")


@needs_reference
def test_intervals_of_net_scores_are_those_of_r():
    r = pd.read_csv(REFERENCE / "nps_intervals.csv")
    for method, names in {
        "wald": ("nps", "se_wald", "wald_lower", "wald_upper"),
        "t": ("nps", "se_nminus1", "t_lower", "t_upper"),
        "add_one": ("aw_add1each_nps", "aw_add1each_se", "aw_add1each_lower", "aw_add1each_upper"),
        "adjusted_wald": ("aw_rocks_nps", "aw_rocks_se", "aw_rocks_lower", "aw_rocks_upper"),
    }.items():
        found = net_score(r["det"], r["pas"], r["pro"], method=method).tidy()
        want = r[list(names)].to_numpy()
        want[:, 2:] = want[:, 2:].clip(-100, 100)
        np.testing.assert_allclose(
            found[["estimate", "se", "lower", "upper"]], want, rtol=1e-10, atol=1e-9, err_msg=method
        )
    found = net_score(r["det"], r["pas"], r["pro"], method="dirichlet").tidy()
    np.testing.assert_allclose(
        found[["estimate", "se"]], r[["dirichlet_half_mean", "dirichlet_half_sd"]], rtol=1e-10, atol=1e-9
    )


@needs_reference
def test_changes_of_net_scores_are_those_of_r():
    counts = pd.read_csv(REFERENCE / "nps_intervals.csv").set_index("table")[["det", "pas", "pro"]]
    for row in pd.read_csv(REFERENCE / "nps_difference.csv").itertuples():
        found = net_difference(tuple(counts.loc[row[1]]), tuple(counts.loc[row.to]))
        want = [
            row.change,
            row.se,
            row.wald_lower,
            row.wald_upper,
            row.z,
            row.p_two_sided,
            row.welch_t,
            row.welch_df,
            row.welch_p,
        ]
        np.testing.assert_allclose(list(found.values()), want, rtol=1e-9, atol=1e-12)


@needs_reference
def test_intervals_of_shares_are_those_of_r():
    r = pd.read_csv(REFERENCE / "proportion_intervals.csv")
    for method in ("wilson", "wilson_cc", "clopper", "agresti_coull", "jeffreys", "wald"):
        lower, upper = share_interval(r["x"], r["n"], method="clopper_pearson" if method == "clopper" else method)
        np.testing.assert_allclose(lower, r[f"{method}_lower"], rtol=1e-8, atol=1e-10, err_msg=method)
        np.testing.assert_allclose(upper, r[f"{method}_upper"], rtol=1e-8, atol=1e-10, err_msg=method)


def test_published_net_scores():
    # Rocks (2016), The American Statistician 70, 365-372: shares 1/2, 1/3, 1/6 of 324; 431 detractors and 238 promoters of 1065
    half = net_score(54, 108, 162).summary()
    assert (round(half["nps"], 2), round(half["lower"], 2), round(half["upper"], 2)) == (33.33, 24.95, 41.11)
    wald = net_score(54, 108, 162, method="wald").summary()
    assert (round(wald["se"], 2), round(wald["lower"], 2), round(wald["upper"], 2)) == (4.14, 25.22, 41.45)
    other = net_score(431, 396, 238).summary()
    assert (round(other["nps"], 2), round(other["lower"], 2), round(other["upper"], 2)) == (-18.12, -22.70, -13.44)
    posterior = net_score(431, 396, 238, method="dirichlet").summary()
    assert (round(posterior["estimate"], 2), round(posterior["se"], 2)) == (-18.10, 2.36)


def test_published_intervals_of_shares():
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (x, n), ends in published.items():
        assert tuple(round(float(e), 4) for e in share_interval(x, n)) == ends


def test_answers_are_counted_by_kind():
    assert net_counts([0, 6, 7, 8, 9, 10, np.nan]) == (2, 2, 2)
    low, middle, high = net_counts([0, 8, 10], [1, 1, 2])
    assert low + middle + high == pytest.approx(16 / 6)
    assert high / (low + middle + high) == pytest.approx(0.5)


def test_a_scale_coded_one_too_high_is_refused_with_the_remedy():
    with pytest.raises(DataError, match="from 1 to 11.*Take 1 from every answer"):
        net_counts([1, 5, 11])
    for wrong in ([0, 11], [-1, 5], [5.5]):
        with pytest.raises(DataError, match="no whole number from 0 to 10"):
            net_counts(wrong)


def test_groups_without_answers_have_no_score():
    table = net_score([0, 1], [0, 2], [0, 3]).tidy()
    assert table.loc[0, ["nps", "estimate", "lower", "upper"]].isna().all()
    assert np.isfinite(table.loc[1, "nps"])
    assert all(np.isnan(e) for e in share_interval(0, 0))
