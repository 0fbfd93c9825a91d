"""Quantiles and their intervals are those of svyquantile (survey 4.1.1)."""

import numpy as np
import pytest
from survey_reference import reference

from xmresearch.errors import DataError
from xmresearch.sampling.designs import subset
from xmresearch.sampling.quantiles import quantile, weighted_quantile


def hair_above(row):
    """Exactly a tenth of the weights of this sample lies at or below 479; rounding takes R to the next value."""
    return row.p + 1e-9 if row.design == "srs" and row.p in (0.1, 0.9) else row.p


@pytest.mark.parametrize("interval", ["mean", "beta", "xlogit"])
def test_quantiles(designs, interval):
    rows = reference("quantiles").query("interval == @interval")
    for row in rows.itertuples():
        share = row.p if row.qrule == "hf7" else hair_above(row)
        found = quantile(designs[row.design], "api00", [share], interval=interval, rule=row.qrule).tidy().iloc[0]
        np.testing.assert_allclose(
            found[["quantile", "lower", "upper", "se"]].astype(float), [row.quantile, row.lower, row.upper, row.se], rtol=1e-9,
            err_msg=f"{row.design} {row.qrule} {row.p}",
        )  # fmt: skip
    assert quantile(designs["srs"], "api00", [0.1], interval=interval).table["quantile"][0] == 479


def test_values_that_are_not_rejected(designs):
    rows = reference("quantiles").query("interval == 'score' and qrule == 'math'")
    for row in rows.itertuples():
        sample = designs[row.design]
        x = sample.frame["api00"].to_numpy(float)
        found = quantile(sample, "api00", [hair_above(row)], interval="score").table.iloc[0]
        assert found["quantile"] == row.quantile
        values = np.unique(x)
        for end in ("lower", "upper"):
            # R takes the unweighted share of rows at or below the end back to a quantile; where it stops searching, the end itself
            # may be left out of them, or rounding add the next
            shares = np.array([(x <= found[end]).mean(), (x <= found[end]).mean() + 1e-9, (x < found[end]).mean()])
            theirs = weighted_quantile(x, sample.weights, shares)
            assert np.abs(np.searchsorted(values, theirs) - np.searchsorted(values, getattr(row, end))).min() == 0


def test_arcsine_intervals_lie_by_the_others(designs):
    ends = {
        kind: quantile(designs["strat"], "api00", [0.5], interval=kind).table[["lower", "upper"]].to_numpy()
        for kind in ("asin", "xlogit", "mean")
    }
    assert np.abs(ends["asin"] - ends["xlogit"]).max() <= 4
    assert np.abs(ends["asin"] - ends["mean"]).max() <= 4


def test_medians_of_groups(designs):
    sample = designs["strat"]
    for row in reference("quantiles_by_stype").itertuples():
        found = quantile(subset(sample, sample.frame["stype"] == row.stype), "api00", [0.5]).summary()
        assert found["quantile"] == row.api00
        assert found["se"] == pytest.approx(row[3], rel=1e-9)


def test_equal_weights_have_the_usual_quantiles():
    x = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    share = np.array([0.1, 0.25, 0.5, 0.9])
    np.testing.assert_allclose(weighted_quantile(x, np.ones(6), share, "hf7"), np.quantile(x, share))
    np.testing.assert_allclose(weighted_quantile(x, np.ones(6), share), np.quantile(x, share, method="inverted_cdf"))


def test_what_has_no_quantiles_is_named(designs):
    with pytest.raises(DataError, match="'stype' holds no numbers"):
        quantile(designs["strat"], "stype")
    with pytest.raises(DataError, match="between 0 and 1"):
        quantile(designs["strat"], "api00", [1.0])
