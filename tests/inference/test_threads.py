"""BLAS works on one thread inside fits, and on as many as before after them."""

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from xmresearch.errors import XMError
from xmresearch.inference import threads
from xmresearch.inference.threads import all_threads, on_one_thread, one_thread
from xmresearch.sem.fitting import fit

ENTRIES = {
    "sem": ("fitting.fit", "pls_fit.pls", "bayes.sample", "invariance_ladder.invariance", "total_effects.effects", "total_effects.mediation",
            "what_if.gains", "what_if.indices", "followup.factor_scores", "followup.modification_indices",
            "comparison.compare", "comparison.difference_test", "polychorics.polychoric"),
    "causal": ("designs.did", "designs.refit", "randomised.experiment", "hierarchical.hierarchical", "honest_trends.honest",
               "robustness.sensitivity", "synthetic.synthetic_control", "few_treated.few_treated", "sequential.monitor",
               "adjusted.adjusted_att", "goodman_bacon.bacon", "event_study.event_study",
               "staggered.staggered", "two_by_two.two_by_two", "interim_looks.group_sequential"),
    "attribution": ("markov_removal.markov", "shapley_values.shapley", "order.choose_order", "journey_analysis.journey", "rules_of_thumb.heuristics",
                    "across_channels.consistency"),
    "drivers": ("importance_fit.relative_importance", "subsets.lmg", "johnson_weights.relative_weights", "contrasts.penalty_reward",
                "dominance_analysis.dominance", "quadrants.importance_grid", "expected_gains.gains", "by_group.drivers_by_group"),
    "psychometrics": ("method_variance.common_method", "composite.composite_reliability", "overall_drivers.outcome_drivers", "factor_analysis.efa", "factor_analysis.parallel_analysis", "gap_scores.gaps",
                      "importance.importance_performance", "instrument.battery_cfa", "instrument.segment_invariance",
                      "overall.overall_scores", "priority.priorities", "internal_consistency.reliability",
                      "segments.segment_gaps", "tolerance.zone_of_tolerance", "construct_validity.validity"),
}  # fmt: skip


def counts() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def three():
    """Three threads, which no library would choose here by itself."""
    with threadpool_limits(3, user_api="blas"):
        yield


@pytest.fixture
def seen(monkeypatch):
    """Thread counts at every inverse and solve."""
    found = []
    for name in ("inv", "solve"):
        original = getattr(np.linalg, name)

        def spy(*args, original=original):
            found.append(counts())
            return original(*args)

        monkeypatch.setattr(np.linalg, name, spy)
    return found


@pytest.mark.parametrize("entry", [f"{package}.{name}" for package, names in ENTRIES.items() for name in names])
def test_every_entry_point_holds_one_thread(entry, monkeypatch):
    """The function underneath sees one thread; here it is called with nothing, which it refuses one way or another."""
    module, name = entry.rsplit(".", 1)
    function = getattr(import_module(f"xmresearch.{module}"), name)
    held = []
    monkeypatch.setattr(
        threads._POOLS, "release", lambda release=threads._POOLS.release: (held.append(counts()), release())
    )
    with pytest.raises((TypeError, XMError)):
        function()
    assert held == [{1}]
    assert counts() == {3}


def test_solves_of_a_model_and_of_a_chain_are_on_one_thread(seen):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 1)) + 0.7 * rng.normal(size=(200, 4)), columns=list("abcd"))
    fit("f =~ a + b + c + d", rows, bootstrap=20)
    assert len(seen) > 20
    assert all(s == {1} for s in seen)
    assert counts() == {3}


def test_counts_are_restored_after_an_error():
    @on_one_thread
    def fail():
        assert counts() == {1}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert counts() == {3}


def test_nested_holds_and_holds_of_several_threads():
    barrier, inside = threading.Barrier(4), []

    @on_one_thread
    def work(k):
        barrier.wait()
        with one_thread():
            inside.append(counts())
        if k:
            barrier.wait()
            inside.append(counts())
        else:
            inside.append(counts())
            barrier.wait()
        return k

    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(work, range(4))) == [0, 1, 2, 3]
        assert counts() == {3}
    assert all(s == {1} for s in inside)


def test_a_large_product_gets_its_threads_back():
    with one_thread():
        with all_threads(1e10):
            assert counts() == {3}
        with all_threads(1e3):
            assert counts() == {1}
        with one_thread(), all_threads(1e10):
            assert counts() == {3}
        assert counts() == {1}
        ready, done = threading.Event(), threading.Event()

        def other():
            with one_thread():
                ready.set()
                done.wait()

        holder = threading.Thread(target=other)
        holder.start()
        ready.wait()
        with all_threads(1e10):
            assert counts() == {1}
        done.set()
        holder.join()
        assert counts() == {1}
    with all_threads(1e10):
        assert counts() == {3}
    assert counts() == {3}


def test_the_signature_is_kept():
    """What is decorated documents itself as before."""

    @on_one_thread
    def f(a: int, *, b: int = 2) -> int:
        """Add."""
        return a + b

    assert f(1) == 3
    assert f.__doc__ == "Add."
    assert f.__kwdefaults__ == {"b": 2}
    assert f(1, b=5) == 6
    assert list(inspect.signature(f).parameters) == ["a", "b"]
    assert f.__wrapped__(1, b=1) == 2
