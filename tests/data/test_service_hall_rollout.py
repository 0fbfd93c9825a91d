"""The simulated roll-out: rows and declared effects belong together."""

import numpy as np
import pytest

from xmresearch.data.scenarios import service_hall_rollout
from xmresearch.data.scenarios.service_hall_rollout import BRANCHES, LABELS, MONTHS, ROLLOUT, ServiceHallRollout


@pytest.fixture(scope="module")
def city():
    return ServiceHallRollout(20_000, 7)


def test_rows_are_what_a_supplier_would_send(city):
    rows = city.rows()
    assert len(rows) == 20_000
    assert set(rows["branch"]) == set(BRANCHES)
    assert set(rows["month"]) == set(MONTHS)
    assert rows["satisfaction"].between(1, 5).all()
    assert rows["recommend"].between(0, 10).all()
    starts = rows.groupby("branch")["rollout"].first().value_counts()
    assert starts.to_dict() == ROLLOUT
    assert rows.groupby("branch")["rollout"].nunique(dropna=False).max() == 1
    assert {*BRANCHES, "branch", "satisfaction", "recommend"} <= set(LABELS)


def test_same_seed_same_rows_and_more_rows_do_not_move_the_truth(city):
    again = ServiceHallRollout(20_000, 7)
    assert again.rows().equals(city.rows())
    assert not ServiceHallRollout(20_000, 8).rows().equals(city.rows())
    assert ServiceHallRollout(500, 7).truth().equals(city.truth())


def test_planted_effects_are_heterogeneous_and_grow(city):
    truth = city.truth()
    mean = truth[(truth["outcome"] == "satisfaction") & (truth["measure"] == "mean")]
    by_event = mean.groupby("event_time")["truth"].mean()
    assert by_event[0] < by_event[1] < by_event[2] < by_event[3]
    assert mean.groupby("unit")["truth"].mean().std() > 0.05
    assert len(mean) == sum((len(MONTHS) - MONTHS.index(m)) * n for m, n in ROLLOUT.items())
    none = ServiceHallRollout(500, 7, effect=0, spread=0).truth()
    assert (none["truth"] == 0).all()


@pytest.mark.parametrize("shock", [0.0, 0.06])
def test_declared_effects_are_what_many_answers_show(monkeypatch, shock):
    """Two large simulations that differ only in the effect. Without shocks every cell is held to its sampling error alone."""
    monkeypatch.setattr(service_hall_rollout, "SHOCK_SD", shock)
    n = 2_000_000
    with_, without = (ServiceHallRollout(n, 3, effect=e, spread=s).rows() for e, s in ((0.35, 0.2), (0.0, 0.0)))
    truth = ServiceHallRollout(n, 3).truth().set_index(["outcome", "measure", "unit", "time"]).sort_index()["truth"]
    scores = {
        ("satisfaction", "mean"): lambda y: y, ("satisfaction", "top_box"): lambda y: y == 5, ("recommend", "mean"): lambda y: y,
        ("recommend", "nps"): lambda y: 100.0 * ((y >= 9).astype(float) - (y <= 6).astype(float)),
    }  # fmt: skip
    for (outcome, measure), score in scores.items():
        gain = score(with_[outcome]).astype(float) - score(without[outcome]).astype(float)
        cells = gain.groupby([with_["branch"], with_["month"]]).agg(["mean", "std", "size"])
        declared = truth[outcome, measure]
        off = cells.loc[declared.index.to_list(), "mean"] - declared.to_numpy()
        if not shock:
            error = (cells["std"] / np.sqrt(cells["size"]))[off.index]
            assert np.abs(off / error).max() < 4.5, (outcome, measure)
        assert np.abs(off.mean()) < 4 * off.std() / np.sqrt(len(off)), (outcome, measure)
