"""Changes of figures between two samples: against known answers, and families."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.claims.change import CHANGE_COLUMNS, at_level, changes_of, difference, figure_changed, figures_changed
from xmresearch.metrics.share_intervals import share_interval


def table(*rows, correlation=0.0):
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS)).assign(correlation=correlation)


def test_newcombes_example():
    """56/70 against 48/80: Newcombe (1998), method 10: 0.2 with 0.0524 to 0.3339."""
    low, high = share_interval([48, 56], [80, 70], confidence=0.95)[:2]
    gap, lower, upper, p = difference((0.6, low[0], high[0]), (0.8, low[1], high[1]), confidence=0.95)
    assert float(gap) == pytest.approx(0.2)
    assert (float(lower), float(upper)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert 0 < p < 0.05


def test_pairs_of_symmetric_intervals_give_the_paired_interval():
    rng = np.random.default_rng(1)
    x = rng.normal(size=5000)
    y = 0.6 * x + rng.normal(size=5000) + 0.1
    z = stats.norm.ppf(0.975)

    def ends(v):
        reach = z * v.std(ddof=1) / np.sqrt(len(v))
        return v.mean(), v.mean() - reach, v.mean() + reach

    gap, lower, upper, p = difference(ends(x), ends(y), correlation=np.corrcoef(x, y)[0, 1], confidence=0.95)
    np.testing.assert_allclose([gap, lower, upper], ends(y - x), rtol=1e-10)
    assert p == pytest.approx(2 * stats.norm.sf(abs((y - x).mean()) / ((y - x).std(ddof=1) / np.sqrt(5000))), rel=1e-9)


def test_p_is_the_level_at_which_a_leaning_interval_reaches_zero():
    before, after = np.array([0.10, 0.08, 0.14]), np.array([0.16, 0.13, 0.22])
    p = float(difference(before, after, confidence=0.95)[3])
    wide = [at_level(*v, 0.95, 1 - p).ravel() for v in (before, after)]
    assert float(difference(*wide, confidence=1 - p)[1]) == pytest.approx(0.0, abs=1e-12)


def test_families_are_corrected_and_counts_have_no_test():
    found = changes_of(
        table((1, 0.9, 1.1, 1.15, 1.05, 1.25), (1, 0.9, 1.1, 1.0, 0.9, 1.1), (5, 5, 5, 7, 7, 7)), confidence=0.95
    )
    assert found["p"].iloc[0] < 0.05 < found["p_adjusted"].iloc[0]
    assert np.isnan(found[["p", "change_lower"]].iloc[2]).all()
    assert found["change"].iloc[2] == 2
    claim = figures_changed("changed", found, ["a", "b", "c"], confidence=0.95)
    assert claim.case == "unsettled"
    assert figure_changed("lead", found.iloc[0], 2, confidence=0.95).case == "unsettled"
    assert figure_changed("lead", found.iloc[2], 2, confidence=0.95).case == "withheld"


def test_risen_and_fallen():
    found = changes_of(table((1, 0.9, 1.1, 2, 1.9, 2.1), (1, 0.9, 1.1, 0.2, 0.1, 0.3)), confidence=0.95)
    claim = figures_changed("changed", found, ["a", "b"], confidence=0.95)
    assert (claim.case, claim.facts["risen"], claim.facts["fallen"]) == ("all", ["a"], ["b"])
    assert figure_changed("lead", found.iloc[1], 2, confidence=0.95).case == "below"
    assert figures_changed(
        "changed", changes_of(table((1, 1, 1, 2, 2, 2)), confidence=0.95), ["a"], confidence=0.95
    ).withheld
