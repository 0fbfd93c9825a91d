"""Intervals of shares are those of svyciprop (survey 4.1.1)."""

import numpy as np
import pandas as pd
import pytest
from survey_reference import reference

from xmresearch.sampling.proportions import proportion
from xmresearch.sampling.sampling_stages import design

CONDITIONS = {
    "sch.wide == 'Yes'": lambda f: f["sch.wide"] == "Yes", "awards == 'Yes'": lambda f: f["awards"] == "Yes",
    "rec >= 9": lambda f: f["rec"] >= 9, "stype == 'H'": lambda f: f["stype"] == "H",
}  # fmt: skip


def test_intervals_of_shares(designs):
    for row in reference("svyciprop").itertuples():
        sample = designs[row.design]
        found = proportion(sample, CONDITIONS[row.variable](sample.frame), method=row.method).summary()
        where = f"{row.design} {row.variable} {row.method}"
        np.testing.assert_allclose(
            [found["estimate"], found["se"]], [row.estimate, row.se], rtol=1e-6, atol=1e-9, err_msg=where
        )
        if row.se == 0:  # a share of strata; R's beta gives .5 there
            assert found["lower"] == found["upper"] == found["estimate"]
            continue
        # R interpolates the profile of the likelihood
        close = {"rtol": 1e-3, "atol": 1e-4} if row.method == "likelihood" else {"rtol": 1e-6, "atol": 1e-9}
        np.testing.assert_allclose([found["lower"], found["upper"]], [row.lower, row.upper], err_msg=where, **close)


def test_one_success_has_an_interval_and_none_has_another():
    sample = design(pd.DataFrame({"w": 0.5 + (np.arange(30) % 5) / 4}), weights="w")
    edges = reference("svyciprop_edges").set_index(["case", "method"])
    first = np.arange(30) == 0
    for method in ("logit", "beta", "mean", "xlogit", "asin"):
        found = proportion(sample, first, method=method).summary()
        row = edges.loc[("one_success", method)]
        np.testing.assert_allclose(
            [found["estimate"], found["lower"], found["upper"]],
            row[["estimate", "lower", "upper"]].astype(float),
            rtol=1e-6,
            err_msg=method,
        )
        none = proportion(sample, np.zeros(30), method=method).summary()
        assert none["lower"] == 0
        assert none["upper"] == pytest.approx(1 - 0.025 ** (1 / (30 / sample.summary()["deff"])))
        assert "effective n" in none["method"]
        every = proportion(sample, np.ones(30), method=method).summary()
        assert (every["lower"], every["upper"]) == (pytest.approx(1 - none["upper"]), 1)


def test_blanks_are_no_part_of_the_domain(designs):
    sample = designs["clus1_nofpc"]
    blank = np.where(sample.frame["stype"] == "M", np.nan, (sample.frame["rec"] >= 9).astype(float))
    inside = (sample.frame["stype"] != "M").to_numpy()
    by_domain = proportion(sample, sample.frame["rec"] >= 9, domain=inside)
    pd.testing.assert_frame_equal(proportion(sample, blank).table, by_domain.table)
