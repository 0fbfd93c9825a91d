"""Claims of several samples settled anew: no more than the samples say, and corrected for their number."""

import numpy as np
import pytest

from xmresearch.claims.claim import Condition
from xmresearch.claims.repeated import corrected, p_of
from xmresearch.claims.rules import assumption, larger, sign

Z = 1.959963984540054


def about(z, threshold=None, **more):
    """A claim whose estimate is so many standard errors of 1 away from zero."""
    if threshold is None:
        return sign("c", z, z - Z, z + Z, confidence=0.95, **more)
    return larger("c", z, z - Z, z + Z, threshold, confidence=0.95, **more)


@pytest.mark.parametrize("threshold", [None, 0.0, 4.0])
def test_alone_a_claim_is_settled_where_p_is_below_its_level(threshold):
    for z in np.arange(-12.05, 12.05, 0.1):
        made = about(float(z), threshold)
        assert (p_of(made.record()) < 0.05) == made.settled, z


def test_within_is_settled_by_the_nearer_bound():
    record = about(0.5, 4.0).record()
    assert record["verdict"] == "within"
    assert p_of(record) == pytest.approx(0.000465, rel=0.01)
    assert p_of(about(-0.5, 4.0).record()) == pytest.approx(p_of(record))


def test_many_are_corrected():
    records = [about(z).record() for z in (2.2, 4.0, 0.1, -2.1, 0.3)]
    p, kept = corrected(records, confidence=0.95)
    assert kept == [False, True, False, False, False]
    assert p[1] == pytest.approx(5 * p_of(records[1]))
    assert corrected(records[:1], confidence=0.95)[1] == [True]


def test_no_more_is_said_than_the_sample_said():
    failed = about(9.0).given(Condition("trends", False)).record()
    nothing = about(9.0, span=3.0).record()
    stricter = about(9.0).record() | {"state": "unsettled", "verdict": "unsettled"}
    other = assumption("c", p=0.001, confidence=0.95).record()
    old = {
        k: v
        for k, v in about(9.0).record().items()
        if k not in ("estimate", "lower", "upper", "confidence", "threshold")
    }
    p, kept = corrected([failed, nothing, stricter, other, old], confidence=0.95)
    assert kept == [False] * 5
    assert np.isnan(p).tolist() == [False, True, False, True, True]


def test_records_are_json_and_say_nothing_of_a_figure_that_means_nothing():
    record = about(9.0, 4.0).record()
    assert (record["estimate"], record["threshold"], record["confidence"]) == (9.0, 4.0, 0.95)
    nothing = about(9.0, 4.0, span=3.0).record()
    assert [nothing[k] for k in ("estimate", "lower", "upper", "threshold")] == [None] * 4
    assert about(9.0).record()["threshold"] is None
