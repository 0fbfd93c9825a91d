"""Calibrated weights and their standard errors are those of R's package survey (4.1.1)."""

import numpy as np
import pandas as pd
import pytest
from survey_reference import reference

from xmresearch.errors import DataError
from xmresearch.sampling.calibration import calibrate
from xmresearch.sampling.estimates import mean, total
from xmresearch.sampling.margins import margins_of
from xmresearch.sampling.raking import post_stratify, rake
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.trimming import trim

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
        "rake_trim_20_60_strict": trim(raked, 20, 60).design,
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
    found = trim(raked, 25, 50)
    assert (found.raised, found.lowered) == (int((raked.weights < 25).sum()), int((raked.weights > 50).sum()))
    assert found.lowered > 0
    assert found.design.weights.sum() == pytest.approx(raked.weights.sum())
    assert (found.design.weights >= 25).all()
    assert (found.design.weights <= 50).all()
    assert found.summary()["n_eff"] > found.summary()["n_eff_before"]
    middle = raked.weights.mean()
    again = trim(raked, 25 / middle, 50 / middle, relative=True).design.weights
    np.testing.assert_allclose(again, found.design.weights)
    with pytest.raises(DataError, match="cannot add up to"):
        trim(raked, 40, 50)


def test_weights_below_zero_are_told(designs):
    sample = designs["clus1"]
    found = calibrate(sample, {"api99": float(sample.weights @ sample.frame["api99"]) * 1.6}, size=6194)
    below = int((found.design.weights <= 0).sum())
    assert below > 0
    assert found.warnings == (f"{below} weights are 0 or below: give bounds, or use method = raking.",)
    assert calibrate(sample, {"stype": STYPE}).warnings == ()


def test_categories_that_are_whole_numbers_match_their_names():
    frame = pd.DataFrame({"band": [1.0, 1.0, 2.0, 2.0, 3.0], "x": range(5)})
    found = post_stratify(design(frame), "band", {1: 10, "2": 20, "3": 30}).design.weights
    np.testing.assert_allclose(found, [5, 5, 10, 10, 30])
    assert margins_of(frame, ["band"]) == {"band": {"1": 0.4, "2": 0.4, "3": 0.2}}


def test_the_distribution_of_weights_is_told_before_and_after(designs):
    found = rake(designs["weighted_only"], {"sch.wide": WIDE})
    before, after = found.weights.loc["before"], found.weights.loc["after"]
    w = found.design.weights / found.design.weights.mean()
    np.testing.assert_allclose(
        after[["lowest", "q25", "median", "q95", "highest"]], np.quantile(w, [0, 0.25, 0.5, 0.95, 1])
    )
    assert after["cv"] == pytest.approx(w.std())
    assert after["deff"] == pytest.approx(1 + w.var())
    assert before["n_eff"] == pytest.approx(168.581331281)
