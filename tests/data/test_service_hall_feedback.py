"""The simulated feedback: rows and declared shifts belong together."""

import numpy as np
import pytest

from xmresearch.data.config import FeedbackSource
from xmresearch.data.panel import load_panel
from xmresearch.data.scenarios import service_hall_feedback
from xmresearch.data.scenarios.service_hall_feedback import (
    BRANCHES,
    DAYS,
    LABELS,
    SHIFT_FROM,
    SHIFTED,
    ServiceHallFeedback,
)


def test_rows_are_what_a_supplier_would_send():
    halls = load_panel(FeedbackSource(n=20_000, seed=7))
    rows = halls.rows
    assert len(rows) == 20_000
    assert rows["date"].nunique() == DAYS
    assert rows["date"].is_monotonic_increasing
    assert set(rows["branch"]) == set(BRANCHES)
    assert rows["satisfaction"].between(1, 5).all()
    assert rows["recommend"].between(0, 10).all()
    assert {*BRANCHES, *rows.columns, *rows["channel"]} <= set(LABELS)
    assert halls.simulated
    assert halls.rows.equals(load_panel(FeedbackSource(n=20_000, seed=7)).rows)
    assert not halls.rows.equals(load_panel(FeedbackSource(n=20_000, seed=8)).rows)


def test_without_a_shift_the_truth_is_zero_and_only_three_halls_ever_move():
    assert (ServiceHallFeedback(1000, 1, shift=0.0).truth()["truth"] == 0).all()
    truth = ServiceHallFeedback(1000, 1).truth()
    moved = truth[(truth["truth"] != 0) & (truth["unit"] != "")]
    assert set(moved["unit"]) == set(SHIFTED)


@pytest.mark.parametrize("outcome", ["satisfaction", "recommend"])
def test_declared_shifts_are_what_many_answers_show(monkeypatch, outcome):
    """Two large simulations that differ only in the shift, without what days have in common: held to their sampling error."""
    monkeypatch.setattr(service_hall_feedback, "DAY_SD", 1e-9)
    n = 1_500_000
    with_, without = (ServiceHallFeedback(n, 3, shift=s).rows() for s in (-0.9, 0.0))
    since = with_["date"] >= SHIFT_FROM.isoformat()
    truth = ServiceHallFeedback(n, 3, shift=-0.9).truth()
    truth = truth[truth["outcome"] == outcome].set_index(["measure", "unit"])["truth"]
    scores = {"mean": lambda y: y, "top_4": lambda y: (y >= 4).astype(float)}
    if outcome == "recommend":
        scores["nps"] = lambda y: 100.0 * ((y >= 9).astype(float) - (y <= 6))
    for measure, score in scores.items():
        gain = (score(with_[outcome]) - score(without[outcome]))[since]
        for unit in ("", *SHIFTED):
            part = gain if not unit else gain[with_.loc[since, "branch"] == unit]
            assert abs(part.mean() - truth[measure, unit]) < 4.5 * part.std() / np.sqrt(len(part)), (measure, unit)
