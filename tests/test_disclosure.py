"""One rule for what is too small to show."""

import numpy as np
import pytest

from xmresearch.disclosure import MIN_CELL, hidden_counts, hidden_groups, telling


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 40, 30], []),
        ([50, 40, 3], [40, 3]),
        ([50, 6, 7], [6, 7]),
        ([30, 20, 3, 4], [20, 3, 4]),
        ([187, 3, 2, 2], [187, 3, 2, 2]),
        ([9, 10, 11], [9, 10]),
        ([10, 11], []),
        ([0, 3, 40, 50], [3, 40]),
        ([3], [3]),
    ],
)
def test_a_total_gives_no_small_count_away(counts, hidden):
    """At least two are hidden, and those together are no small group either; nobody at all may be told."""
    counts = np.array(counts)
    assert counts[hidden_counts(counts, 10)].tolist() == hidden


def test_what_is_hidden_for_another_reason_is_completed():
    assert hidden_counts(np.array([50, 40, 30]), 10, np.array([True, False, False])).tolist() == [True, False, True]


@pytest.mark.parametrize("seed", range(40))
def test_no_small_group_follows_from_what_is_shown(seed):
    """Of two columns, whatever is published: no difference of a published group and the published ones within it is small."""
    rng = np.random.default_rng(seed)
    site = rng.choice(8, 120, p=rng.dirichlet(np.full(8, 0.7)))
    groups = {"site": [site == k for k in range(8)], "region": [np.isin(site, [2 * k, 2 * k + 1]) for k in range(4)]}
    hidden = hidden_groups(groups, 10)
    for column, members in groups.items():
        open_ = sum(int(g.sum()) for g, h in zip(members, hidden[column], strict=True) if not h)
        assert 120 - open_ == 0 or 120 - open_ >= 10
        assert all(h or g.sum() >= 10 or not g.any() for g, h in zip(members, hidden[column], strict=True))
    for whole, mark in zip(groups["region"], hidden["region"], strict=True):
        if not mark:
            inside = [
                g for g, h in zip(groups["site"], hidden["site"], strict=True) if not h and not (g & ~whole).any()
            ]
            rest = int(whole.sum()) - sum(int(g.sum()) for g in inside)
            assert not inside or rest == 0 or rest >= 10


def test_an_error_names_no_small_group():
    assert telling({"north": 12, "hill": 3, "dale": 9}) == f"'north' (12) and 2 others of fewer than {MIN_CELL}"
    assert telling({"hill": 3}) == "1 group of fewer than 10"
    assert telling({"a": 10, "b": 11}) == "'a' (10), 'b' (11)"
