"""The order of a chain by evidence and on journeys that it did not see."""

import numpy as np
import pytest
from scipy import special

from xmresearch.attribution.hierarchy import concentration, row_evidence
from xmresearch.attribution.order import choose_order
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import ModelError, ParamsError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.transitions import transitions


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_planted_order_is_found(drawn, order):
    found = choose_order(drawn(4, order, 20_000), 4)
    assert (found.order, found.by_log_loss) == (order, order)
    assert found.summary()["case"] == "agreed"
    assert (found.diagnostics()["status"] == "pass").all()
    assert found.table["probability"].sum() == pytest.approx(1)


def test_two_rows_that_differ_are_enough():
    log = EventLog(TouchpointLog(20_000, 1).events(), conversion="settled")
    assert choose_order(transitions(log, 3)).order == 2


def test_the_evidence_is_the_product_of_predictions():
    rng = np.random.default_rng(0)
    base, c = rng.dirichlet(np.ones(4)), 3.7
    steps = rng.integers(0, 4, 30)
    seen, total = np.zeros(4), 0.0
    for s in steps:
        total += np.log((c * base[s] + seen[s]) / (c + seen.sum()))
        seen[s] += 1
    assert row_evidence(c, np.zeros(4, int), base, seen) == pytest.approx(total, abs=1e-10)


def test_the_concentration_maximises_the_evidence():
    rng = np.random.default_rng(1)
    base = rng.dirichlet(np.ones(6))
    row = np.repeat(np.arange(300), 6)
    count = np.concatenate([rng.multinomial(80, rng.dirichlet(20 * base)) for _ in range(300)]).astype(float)
    found = concentration(row, np.tile(base, 300), count)
    assert found == pytest.approx(20, rel=0.15)
    best = row_evidence(found, row, np.tile(base, 300), count)
    assert all(best >= row_evidence(found * k, row, np.tile(base, 300), count) for k in (0.9, 1.1))
    assert special.gammaln(found) < np.inf


def test_log_loss_on_given_journeys(drawn):
    train, test = (transitions(drawn(4, 2, 5000, seed=1), 3) for _ in range(2))
    found = choose_order(train, 3, held_out=test)
    assert found.loss == "given"
    rows = test.lower(1)
    total = np.bincount(rows.row, rows.count)[rows.row]
    # of the same journeys and many of them, the loss of order 1 is nearly the entropy of its rows
    entropy = -(rows.count * np.log(rows.count / total)).sum() / rows.count.sum()
    assert found.table["log_loss"].iloc[0] == pytest.approx(entropy, abs=1e-4)
    alone = choose_order(train, 3)
    assert alone.loss == "none"
    assert alone.by_log_loss == 0
    assert alone.table["log_loss"].isna().all()


def test_orders_that_cannot_be_compared(drawn):
    with pytest.raises(ModelError, match="need transitions of order 3"):
        choose_order(transitions(drawn(3, 1, 100), 2), 3)
    with pytest.raises(ParamsError, match="highest order is 0"):
        choose_order(transitions(drawn(3, 1, 100), 2), 0)
