"""Changes of shares and sample sizes against R's figures and statsmodels."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from xmresearch.errors import DataError
from xmresearch.metrics.sample_sizes import mean_sample_size, net_sample_size, share_sample_size
from xmresearch.metrics.share_changes import paired_change, share_difference, share_test

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "metrics"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs R's figures in XMRESEARCH_DATA")


@needs_reference
def test_differences_of_shares_are_those_of_r():
    r = pd.read_csv(REFERENCE / "proportion_difference.csv")
    counts = [r[c] for c in ("x1", "n1", "x2", "n2")]
    for method in ("newcombe", "wald", "agresti_caffo"):
        found = np.stack(share_difference(*counts, method=method), axis=1)
        want = r[["difference", f"{method}_lower", f"{method}_upper"]]
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-11, err_msg=method)
    for row in r.itertuples():
        found = share_test(row.x1, row.n1, row.x2, row.n2)
        np.testing.assert_allclose(
            list(found.values()), [row.z_pooled, row.p_pooled, row.fisher_p], rtol=1e-8, atol=1e-11
        )


def test_differences_of_shares_agree_with_statsmodels():
    for x1, n1, x2, n2 in ((56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 5, 40)):
        low, high = confint_proportions_2indep(x1, n1, x2, n2, method="newcomb")
        np.testing.assert_allclose(share_difference(x1, n1, x2, n2)[1:], [low, high], rtol=1e-8)


@needs_reference
def test_paired_changes_are_those_of_r():
    for row in pd.read_csv(REFERENCE / "mcnemar.csv").itertuples():
        found = paired_change(row.yes_yes, row.yes_no, row.no_yes, row.no_no)
        want = [
            row.change,
            row.se,
            row.wald_lower,
            row.wald_upper,
            row.chisq,
            row.p,
            row.chisq_cc,
            row.p_cc,
            row.p_exact,
            row.p_midp,
        ]
        np.testing.assert_allclose(list(found.values()), want, rtol=1e-9, atol=1e-11, err_msg=row.table)


@needs_reference
def test_sample_sizes_are_those_of_r():
    for row in pd.read_csv(REFERENCE / "nps_sample_size.csv").itertuples():
        found = net_sample_size(row.pro, row.det, row.change, power=row.power)
        assert found["per_wave"] == pytest.approx(row.n_per_wave, rel=1e-9)
        assert found["half_width"] == row.n_one_wave_halfwidth
    for row in pd.read_csv(REFERENCE / "proportion_sample_size.csv").itertuples():
        found = share_sample_size(row.p1, row.p2, power=row.power)
        assert found["per_group"] == pytest.approx(row.n_power_prop_test, rel=1e-5)  # R's own root has that precision
        assert found["unpooled"] == pytest.approx(row.n_unpooled, rel=1e-9)
        assert mean_sample_size(0.5, 1, power=row.power) == pytest.approx(row.n_t_d05, rel=1e-5)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: net_sample_size(0.7, 0.4, 3),
        lambda: net_sample_size(0.5, 0.2, 0),
        lambda: net_sample_size(0.5, 0.2, 3, power=1),
        lambda: share_sample_size(0.5, 0.5),
        lambda: mean_sample_size(0, 1),
        lambda: paired_change(0, 0, 0, 0),
        lambda: share_difference(3, 2, 1, 2),
    ],
)
def test_what_has_no_answer_is_refused(ask):
    with pytest.raises(DataError):
        ask()
