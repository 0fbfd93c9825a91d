"""Scores from outside are corrected by the error rates that are stated for them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.verbatims.outside_scores import corrected_flags, stated_rates


def row(flagged, n, *rates, cases=None, **given):
    return corrected_flags(flagged, n, stated_rates(*rates, cases=cases, **given)).table.iloc[0]


def test_published_examples_of_a_screening_test():
    """epiR's help of epi.prev: 23 of 150 cows, Se .96, Sp .89: 5.1 per 100 (0 to 13); 6 of 151 children, Se .964, Sp .927: 0."""
    cows = row(23, 150, 0.96, 0.89)
    assert round(100 * cows["estimate"], 1) == 5.1
    assert [round(100 * cows[k]) for k in ("lower", "upper")] == [0, 13]
    children = row(6, 151, 0.964, 0.927)
    assert (children["estimate"], children["lower"]) == (0, 0)


@pytest.mark.parametrize(
    ("flagged", "n", "se", "sp"), [(60, 150, 0.9, 0.8), (800, 1000, 0.95, 0.7), (30, 40, 1.0, 1.0)]
)
def test_exact_rates_leave_wilsons_interval_of_the_flags_rescaled(flagged, n, se, sp):
    """Reiczigel, Földi & Ózsvári (2010): limits of the flagged share, put through Rogan and Gladen's formula."""
    limits = [(float(e) + sp - 1) / (se + sp - 1) for e in share_interval(flagged, n)]
    found = row(flagged, n, se, sp)
    assert [found["lower"], found["upper"]] == pytest.approx(np.clip(limits, 0, 1))
    assert found["estimate"] == pytest.approx((flagged / n + sp - 1) / (se + sp - 1))


def test_rates_that_were_measured_on_few_cases_widen_the_interval():
    exact, many, few = (row(300, 1000, 0.9, 0.9, cases=c) for c in (None, (2000, 2000), (40, 40)))
    widths = [r["upper"] - r["lower"] for r in (exact, many, few)]
    assert widths[0] < widths[1] < widths[2]
    assert exact["estimate"] == many["estimate"] == few["estimate"] == pytest.approx(0.25)
    # a rate of 1 that was seen on ten cases is not certain
    assert row(300, 1000, 1.0, 1.0, cases=(10, 10))["upper"] > row(300, 1000, 1.0, 1.0)["upper"] + 0.01


@pytest.mark.parametrize(
    ("share", "se", "sp", "cases"),
    [(0.1, 0.8, 0.9, (60, 120)), (0.4, 0.9, 0.7, (100, 100)), (0.2, 0.95, 0.98, (50, 200))],
)
def test_intervals_cover_a_planted_truth(share, se, sp, cases):
    """1000 samples: rates estimated on so many cases, 800 calls flagged with them."""
    hits = 0
    for sample in range(1000):
        rng = np.random.default_rng([41, sample])
        rates = rng.binomial(cases[0], se) / cases[0], rng.binomial(cases[1], sp) / cases[1]
        found = row(rng.binomial(800, share * se + (1 - share) * (1 - sp)), 800, *rates, cases=cases)
        hits += found["lower"] <= share <= found["upper"]
    assert min(stats.binom.cdf(hits, 1000, 0.93), stats.binom.sf(hits - 1, 1000, 0.97)) > 0.01


def test_groups_and_changes():
    groups = pd.DataFrame({"month": ["2026-01", "2026-02", "2026-03"]})
    result = corrected_flags([30, 60, 0], [200, 200, 0], stated_rates(0.9, 0.9, cases=(50, 50)), groups=groups)
    assert result.table["month"].tolist() == groups["month"].tolist()
    assert result.table["method"].tolist() == ["error_rates", "error_rates", "withheld"]
    assert result.table["why"][2] == "few_texts"
    change = result.change(0, 1)
    assert change.estimate == pytest.approx((0.3 - 0.15) / 0.8)
    assert change.se < np.hypot(*result.table["se"][:2])
    assert result.summary()["withheld"] == 1


def test_a_change_by_hand():
    """The delta method: flags of both months, and the square of what the share moved for the rates that they have in common."""
    result = corrected_flags([30, 60], [200, 200], stated_rates(0.9, 0.8, cases=(20, 10)))
    q, slope = np.array([0.15, 0.3]), 1 / 0.7
    moved = 0.15 * slope
    assert result.change(0, 1).estimate == pytest.approx(0.3 * slope - 0.2 * slope)  # the first share is clipped at 0
    rates = (19 / 22 * 3 / 22 / 20, 9 / 12 * 3 / 12 / 10)
    variance = slope**2 * ((q * (1 - q) / 199).sum() + moved**2 * sum(rates))
    assert result.change(0, 1).se == pytest.approx(np.sqrt(variance))


def test_rates_that_tell_nothing_apart_withhold_the_share():
    assert row(50, 100, 0.5, 0.5)["why"] == "not_apart"
    assert row(50, 100, 0.6, 0.5, cases=(20, 20))["why"] == "not_apart"


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="specificity 1.2"):
        stated_rates(0.9, 1.2, cases=None)
    with pytest.raises(DataError, match="measured on 0 and 5 cases"):
        stated_rates(0.9, 0.9, cases=(0, 5))
    with pytest.raises(DataError, match="More cases are flagged"):
        row(3, 2, 0.9, 0.9)
    with pytest.raises(DataError, match="1 groups and 2 counts"):
        corrected_flags([1, 2], [3, 4], stated_rates(0.9, 0.9, cases=None), groups=pd.DataFrame({"a": [1]}))
