"""Welch's test against pingouin and by simulation, and where nothing can be tested."""

import numpy as np
import pandas as pd
import pingouin
import pytest

from xmresearch.inference.equal_means import welch_test


def test_it_is_pingouins():
    rng = np.random.default_rng(4)
    parts = [rng.normal(m, s, n) for m, s, n in ((0, 1, 12), (0.4, 3, 30), (0.1, 2, 7))]
    long = pd.DataFrame({"y": np.concatenate(parts), "g": np.repeat(list("abc"), [len(p) for p in parts])})
    theirs = pingouin.welch_anova(data=long, dv="y", between="g")[["F", "ddof1", "ddof2", "p_unc"]].to_numpy()[0]
    n = np.array([len(p) for p in parts])
    found = welch_test([p.mean() for p in parts], [p.std(ddof=1) / np.sqrt(len(p)) for p in parts], n - 1)
    assert found == pytest.approx(theirs, rel=1e-9)


def test_few_answers_do_not_reject_more_often():
    """Groups of 8 and 20 with other variances, all means equal: 5 % (4 000 samples, within four standard errors)."""
    rng = np.random.default_rng(9)
    hits = 0
    for _ in range(4000):
        parts = [rng.normal(0, s, n) for s, n in ((1, 8), (3, 20), (2, 8))]
        n = np.array([len(p) for p in parts])
        hits += welch_test([p.mean() for p in parts], [p.std(ddof=1) / len(p) ** 0.5 for p in parts], n - 1)[3] < 0.05
    assert hits / 4000 == pytest.approx(0.05, abs=0.014)


@pytest.mark.parametrize(("se", "df"), [([1.0, 0.0], [5, 5]), ([1.0, np.nan], [5, 5]), ([1.0, 1.0], [5, 0])])
def test_without_an_error_there_is_no_test(se, df):
    f, df1, df2, p = welch_test([0.0, 1.0], se, df)
    assert df1 == 1
    assert np.isnan([f, df2, p]).all()
