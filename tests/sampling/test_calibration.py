"""Calibrated weights and their standard errors are those of R's package survey (4.1.1)."""

import numpy as np
import pytest
from survey_reference import reference

from xmresearch.errors import DataError
from xmresearch.sampling.calibration import calibrate, post_stratify, rake, trim
from xmresearch.sampling.designs import design
from xmresearch.sampling.estimates import mean, total

STYPE = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}
API99 = 3914069


def calibrated(sample):
    margins = {"stype": STYPE, "sch.wide": WIDE}
    raked = rake(sample, margins).design
    return {
        "none": sample, "poststratify_stype": post_stratify(sample, "stype", STYPE).design, "rake_stype_schwide": raked,
        "linear_calibration": calibrate(sample, margins).design,
        "raking_calibration": calibrate(sample, margins, method="raking").design,
        "linear_api99": calibrate(sample, {"stype": STYPE, "api99": API99}).design,
        "rake_trim_20_60_strict": trim(raked, 20, 60)[0],
    }  # fmt: skip


def estimates(sample):
    sample.frame["high"] = (sample.frame["rec"] >= 9).astype(float)
    return {
        "mean api00": mean(sample, "api00"), "mean enroll": mean(sample, "enroll"), "total enroll": total(sample, "enroll"),
        "prop rec>=9": mean(sample, "high"),
    }  # fmt: skip


def test_estimates_with_calibrated_weights(designs):
    want = reference("calibration")
    for name, rows in want.groupby("design"):
        found = calibrated(designs[name])
        for row in rows.itertuples():
            got = estimates(found[row.method])[row.term].table.iloc[0]
            where = f"{name} {row.method} {row.term}"
            np.testing.assert_allclose([got["estimate"], got["se"]], [row.estimate, row.se], rtol=1e-6, err_msg=where)


def test_calibrated_weights(designs):
    want = reference("calibration_weights_clus1")
    for method, sample in calibrated(designs["clus1"]).items():
        np.testing.assert_allclose(sample.weights, want[method], rtol=1e-6, err_msg=method)


def test_margins_are_met_and_told(designs):
    found = rake(designs["clus1"], {"stype": STYPE, "sch.wide": WIDE})
    np.testing.assert_allclose(found.margins["after"], found.margins["target"])
    assert found.margins.loc[0, "before"] == pytest.approx(4873.967468)
    assert found.summary()["n_eff"] < found.summary()["n_eff_before"]


def test_design_weights_are_the_start(designs):
    sample = designs["weighted_only"]
    found = rake(sample, {"sch.wide": WIDE}).design
    factor = found.weights / sample.weights
    assert len(np.unique(factor.round(9))) == 2
    assert len(np.unique(found.weights.round(6))) > 2


def test_shares_are_counts_of_the_population(designs):
    shares = {"E": 0.7137552, "H": 0.1218922, "M": 0.1643526}
    found = post_stratify(designs["clus1"], "stype", shares, size=6194).margins["target"]
    np.testing.assert_allclose(found, [4421, 755, 1018], rtol=1e-6)


@pytest.mark.parametrize(
    ("margins", "told"),
    [
        ({"stype": {"E": 1, "H": 2}}, "no target for 1 categories of the data: 'M'"),
        ({"stype": {**STYPE, "X": 5}}, "nobody in the data is in 'X'"),
        ({"stype": {"E": 0.5, "H": 0.1, "M": 0.1}}, "add up to 0.7, not 1"),
        ({"stype": {**STYPE, "H": 0}}, "'H' is not above 0"),
        ({"stype": STYPE, "sch.wide": {"No": 1000, "Yes": 5000}}, "adds up to 6194 people and 'sch.wide' to 6000"),
        ({"nothing": {"a": 1}}, "no column 'nothing'"),
        ({"acs.k3": {"1": 1}}, "is blank in"),
        ({}, "no column to rake to"),
    ],
)
def test_margins_that_cannot_be_met_are_named(designs, margins, told):
    with pytest.raises(DataError, match=told):
        rake(designs["clus1"], margins)


def test_margins_without_a_solution_end(designs):
    frame = designs["clus1"].frame.assign(a=["x", "y"] * 91 + ["x"], b=["x", "y"] * 91 + ["x"])
    with pytest.raises(DataError, match="after 200 rounds the weights still miss a target"):
        rake(design(frame), {"a": {"x": 100, "y": 83}, "b": {"x": 83, "y": 100}})


def test_bounds_hold_or_are_named(designs):
    sample = designs["clus1"]
    found = calibrate(sample, {"stype": STYPE}, bounds=(0.5, 1.8))
    factor = found.design.weights / sample.weights
    assert factor.min() >= 0.5 - 1e-9
    assert factor.max() <= 1.8 + 1e-9
    with pytest.raises(DataError, match="no weights have all of these totals with factors from 0.9 to 1.1"):
        calibrate(sample, {"stype": STYPE}, bounds=(0.9, 1.1))


def test_trimming_is_counted_and_keeps_the_sum(designs):
    raked = rake(designs["clus1"], {"stype": STYPE, "sch.wide": WIDE}).design
    found, trimmed = trim(raked, 25, 50)
    assert trimmed == int(((raked.weights < 25) | (raked.weights > 50)).sum())
    assert found.weights.sum() == pytest.approx(raked.weights.sum())
    assert (found.weights >= 25).all()
    assert (found.weights <= 50).all()
    with pytest.raises(DataError, match="cannot add up to"):
        trim(raked, 40, 50)
