import numpy as np
import pytest

from xmresearch.claims.parts import part_of

UP, NONE, DOWN = (1.0, 0.5, 1.5), (0.0, -0.05, 0.05), (-1.0, -1.5, -0.5)
WIDE, LITTLE = (0.3, -0.2, 0.8), (0.05, 0.01, 0.09)


@pytest.mark.parametrize(
    ("whole", "first", "second", "verdict"),
    [
        (UP, UP, NONE, "first_part"), (UP, NONE, UP, "second_part"), (UP, UP, UP, "both_parts"), (UP, UP, WIDE, "unsettled"),
        (UP, LITTLE, UP, "second_part"), (UP, UP, LITTLE, "first_part"), (UP, LITTLE, LITTLE, "both_parts"), (UP, DOWN, UP, "second_part"),
        (DOWN, DOWN, NONE, "first_part"), (DOWN, NONE, DOWN, "second_part"), (DOWN, DOWN, DOWN, "both_parts"), (DOWN, UP, DOWN, "second_part"),
    ],
)  # fmt: skip
def test_which_part_made_a_change(whole, first, second, verdict):
    assert part_of("x", whole, first, second, threshold=0.1, confidence=0.95).verdict == verdict


def test_without_a_change_there_is_nothing_to_explain():
    for whole in (WIDE, (np.nan,) * 3, (0.5, 0.0, 1.0)):
        made = part_of("x", whole, UP, NONE, threshold=0.1, confidence=0.95)
        assert (made.withheld, made.verdict) == ("no_change_shown", "unsettled")


def test_at_no_threshold_a_part_is_out_of_it_only_where_it_goes_the_other_way():
    assert part_of("x", UP, NONE, UP, threshold=0.0, confidence=0.95).verdict == "unsettled"
    assert part_of("x", UP, DOWN, UP, threshold=0.0, confidence=0.95).verdict == "second_part"
    edge = part_of("x", UP, (0.0, -0.1, 0.1), UP, threshold=0.1, confidence=0.95)
    assert edge.verdict == "unsettled"
    with pytest.raises(ValueError, match="at least 0"):
        part_of("x", UP, UP, UP, threshold=-0.1, confidence=0.95)
