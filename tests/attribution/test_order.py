"""The order of a chain by evidence and on journeys that it did not see."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from xmresearch.attribution.hierarchy import concentration, row_evidence
from xmresearch.attribution.order import choose_order
from xmresearch.data.scenarios.touchpoints import TouchpointLog
from xmresearch.errors import ModelError, ParamsError
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import transitions


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_planted_order_is_found(drawn, order):
    found = choose_order(drawn(4, order, 20_000), 4)
    assert (found.order, found.by_log_loss) == (order, order)
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


def test_evidence_equals_products_of_predictions(drawn):
    given = transitions(drawn(3, 2, 60, seed=3), 2)
    found = choose_order(given, 2).table
    counts = [given.lower(1), given]
    base = np.bincount(counts[0].symbol, counts[0].count, 5) + 0.5
    below, total = {(): base / base.sum()}, 0.0
    for k, level in enumerate(counts):
        rows: dict[tuple[int, ...], np.ndarray] = {}
        for r, s, n in zip(level.row, level.symbol, level.count, strict=True):
            rows.setdefault(tuple(level.states[r].tolist()), np.zeros(5))[s] = n
        c = found["concentration"].iloc[k]
        step, plain, predicted = -0.5 * np.log(given.journeys), 0.0, {}
        for state, row in rows.items():
            mean = below[state[1:]]
            seen = row > 0
            step += special.gammaln(c) - special.gammaln(c + row.sum())
            step += (special.gammaln(c * mean[seen] + row[seen]) - special.gammaln(c * mean[seen])).sum()
            plain += row[seen] @ np.log(mean[seen])
            predicted[state] = (c * mean + row) / (c + row.sum())
        total += step - (plain if k else 0.0)
        assert found["log_evidence"].iloc[k] == pytest.approx(total, abs=1e-8)
        below = predicted


def test_the_lowest_order_whose_loss_is_within_chance_of_the_least(drawn):
    chosen = []
    for seed in range(10):
        found = choose_order(drawn(4, 2, 200, seed=seed, spread=3.0), 3, seed=seed)
        table = found.table
        near = table["log_loss_gap"] <= np.maximum(2 * table["gap_se"], 1e-5)
        assert found.by_log_loss == table.loc[near, "order"].iloc[0]
        assert table["log_loss_gap"].min() == 0
        chosen.append(table.set_index("order").loc[found.by_log_loss, "log_loss_gap"])
    assert max(chosen) > 1e-3


def test_few_journeys_and_shares_of_journeys():
    one = choose_order(read_paths(pd.DataFrame({"path": ["a > b"], "conversions": [1]})), 3)
    assert (one.order, one.loss, one.by_log_loss) == (1, "none", 0)
    rng = np.random.default_rng(0)
    frame = {
        "path": [" > ".join(rng.choice(list("abc"), 3)) for _ in range(300)],
        "conversions": rng.random(300),
        "nulls": rng.random(300),
    }
    found = choose_order(read_paths(pd.DataFrame(frame), nulls="nulls"), 2)
    assert np.isfinite(found.table["log_loss"]).all()


def test_an_event_log_is_counted():
    log = EventLog(TouchpointLog(2000, 1).events(), conversion="settled")
    assert (
        choose_order(log, 2).table["log_evidence"].tolist()
        == choose_order(transitions(log, 2), 2).table["log_evidence"].tolist()
    )
