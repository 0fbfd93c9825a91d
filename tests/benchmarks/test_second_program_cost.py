"""What the second program costs: CPU seconds of its process the first time, and of ours. Run with 'make bench'."""

import resource
import time

import numpy as np
import pandas as pd
import pytest

from xmresearch.kept_fits import VARIABLE
from xmresearch.sem.agreement import second_program
from xmresearch.sem.fitting import fit

pytestmark = pytest.mark.benchmark
MOST_CHILD, MOST_OURS = 10.0, 0.5


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_first_comparison_costs_one_import_and_later_ones_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    rng = np.random.default_rng(1)
    names = [f"x{k}" for k in range(22)]
    frame = pd.DataFrame(rng.normal(size=(500, 22)) + np.repeat(rng.normal(size=(500, 2)), 11, axis=1), columns=names)
    model = "\n".join(f"f{j} =~ " + " + ".join(names[11 * j : 11 * j + 11]) for j in range(2))
    fitted = fit(model, frame)
    found = {}
    for when in ("first", "again"):
        ours, child, wall = time.process_time(), cpu_of_children(), time.perf_counter()
        agreement = second_program(model, frame).compare(fitted)
        found[when] = (time.process_time() - ours, cpu_of_children() - child, time.perf_counter() - wall)
        assert agreement.case == "agrees"
    for when, (ours, child, wall) in found.items():
        print(f"{when}: {ours:.2f} s CPU of ours, {child:.2f} s of the second program, {wall:.2f} s waited")
    assert found["first"][1] < MOST_CHILD
    assert found["again"][1] == 0
    assert max(ours for ours, _, _ in found.values()) < MOST_OURS
