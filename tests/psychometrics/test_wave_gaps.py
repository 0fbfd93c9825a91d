"""Changes between waves: held against scipy's tests, another implementation, and figures by hand."""

import numpy as np
import pytest
from once_worlds import DIMENSIONS, book, survey
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.inference.wave_means import changes_of_means
from xmresearch.metrics.change_parts import gap_change
from xmresearch.psychometrics.wave_gaps import gap_changes

BEFORE, AFTER = (survey(n, (4, 5, 6), seed, form="pairs", answers=False) for n, seed in ((40, 1), (55, 2)))


def mean_of(frame, letter, k):
    return frame[[f"{letter}{3 * k + j}" for j in (1, 2, 3)]].mean(axis=1)


def test_waves_of_different_people_are_compared_by_welchs_test():
    found = gap_changes(BEFORE, AFTER, book("pairs"))
    for k, row in found.dimensions().iterrows():
        y0, y1 = (mean_of(f, "p", k) - mean_of(f, "e", k) for f in (BEFORE, AFTER))
        test = stats.ttest_ind(y1, y0, equal_var=False)
        low, high = test.confidence_interval()
        assert (row["change"], row["p"], row["df"]) == tuple(
            pytest.approx(v) for v in (y1.mean() - y0.mean(), test.pvalue, test.df)
        )
        assert (row["change_lower"], row["change_upper"]) == (pytest.approx(low), pytest.approx(high))
        e = stats.ttest_ind(mean_of(AFTER, "e", k), mean_of(BEFORE, "e", k), equal_var=False).confidence_interval()
        assert (row["expectation_lower"], row["expectation_upper"]) == (pytest.approx(e.low), pytest.approx(e.high))
    dims = found.dimensions()
    np.testing.assert_allclose(dims["change"], dims["perception_change"] - dims["expectation_change"])
    np.testing.assert_allclose(dims["p_adjusted"], adjusted(dims["p"]))
    assert found.overall()["change"] == pytest.approx(dims["change"].mean())
    assert found.summary() == {"case": "apart", "n_before": 40, "n_after": 55, "shared": 0}


def test_the_same_people_are_compared_by_the_paired_test():
    rng = np.random.default_rng(3)
    later = BEFORE + 0.3 + 0.5 * rng.standard_normal(BEFORE.shape)
    who, order = np.array([f"r{k}" for k in range(40)], dtype=object), rng.permutation(40)
    found = gap_changes(BEFORE, later.iloc[order].reset_index(drop=True), book("perceptions"), people=(who, who[order]))
    assert found.shared == 40
    for k, row in found.dimensions().iterrows():
        test = stats.ttest_rel(mean_of(later, "p", k), mean_of(BEFORE, "p", k))
        assert (row["p"], row["df"]) == (pytest.approx(test.pvalue), 39)
    assert "perception_change" not in found.table


def test_some_in_both_by_hand():
    """Two people in the first wave only, one in the second only, two in both."""
    y0, y1 = np.array([[1.0], [3.0], [2.0], [6.0]]), np.array([[4.0], [5.0], [9.0]])
    found = changes_of_means(y0, y1, people=(np.array(list("abcd"), dtype=object), np.array(list("cde"), dtype=object)))
    u0, u1 = (y0[:, 0] - 3) / 4 * np.sqrt(4 / 3), (y1[:, 0] - 6) / 3 * np.sqrt(3 / 2)
    parts = [u0[0] ** 2 + u0[1] ** 2, u1[2] ** 2, (u1[0] - u0[2]) ** 2 + (u1[1] - u0[3]) ** 2]
    assert found.change[0] == pytest.approx(3.0)
    assert found.se[0] == pytest.approx(np.sqrt(sum(parts)))
    assert found.df[0] == pytest.approx(sum(parts) ** 2 / sum(p**2 for p in parts))


def test_weights_are_those_of_another_implementation():
    rng = np.random.default_rng(4)
    weights = tuple(rng.uniform(0.5, 2, len(f)) for f in (BEFORE, AFTER))
    found = gap_changes(BEFORE, AFTER, book("pairs"), weights=weights).dimensions()
    for k in range(3):
        other = gap_change(
            tuple(mean_of(f, "e", k) for f in (BEFORE, AFTER)),
            tuple(mean_of(f, "p", k) for f in (BEFORE, AFTER)),
            weights=weights,
        ).table.set_index("part")
        assert found["change"][k] == pytest.approx(other.loc["total", "estimate"])
        assert found["se"][k] == pytest.approx(other.loc["total", "se"])
        assert found["expectation_change"][k] == pytest.approx(-other.loc["expectation", "estimate"])


@pytest.mark.parametrize("form", ["direct", "perceptions"])
def test_what_is_asked_once_has_no_parts(form):
    level = (0, 0, 0) if form == "direct" else (4, 4, 4)
    frames = [survey(30, level, s, form=form) for s in (5, 6)]
    found = gap_changes(*frames, book(form))
    assert not [c for c in found.table if c.startswith(("perception", "expectation", "hollow"))]
    letter = "g" if form == "direct" else "p"
    assert found.dimensions()["change"][0] == pytest.approx(
        mean_of(frames[1], letter, 0).mean() - mean_of(frames[0], letter, 0).mean()
    )


@pytest.mark.parametrize(("answered", "shown"), [(10, True), (9, False)])
def test_a_dimension_with_few_answers_in_a_wave_is_blank(answered, shown):
    after = AFTER.copy()
    after.loc[answered:, [c for c in after if c[1:] in ("1", "2", "3")]] = np.nan
    found = gap_changes(BEFORE, after, book("pairs"))
    row = found.dimensions().iloc[0]
    assert np.isfinite([row["n_after"], row["change"], row["hollow_p"], row["expectation_upper"]]).all() == shown
    assert found.table["family"].iloc[0] == (3 if shown else 2)
    assert list(found.of_dimensions()["id"]) == [*(DIMENSIONS if shown else DIMENSIONS[1:])]


def test_the_largest_of_three_p_is_that_of_lower_expectations_alone():
    found = gap_changes(BEFORE, AFTER, book("pairs"), smallest=0.2)
    row = found.dimensions().iloc[0]
    e, p = (
        stats.ttest_ind(mean_of(AFTER, x, 0), mean_of(BEFORE, x, 0) + d, equal_var=False, alternative="less")
        for x, d in (("e", 0), ("p", 0.2))
    )
    gap = stats.ttest_ind(
        mean_of(AFTER, "p", 0) - mean_of(AFTER, "e", 0), mean_of(BEFORE, "p", 0) - mean_of(BEFORE, "e", 0), equal_var=False, alternative="greater",
    )  # fmt: skip
    assert row["hollow_p"] == pytest.approx(max(e.pvalue, p.pvalue, gap.pvalue))
