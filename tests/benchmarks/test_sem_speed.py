"""CPU time of a fit with standard errors, as a ratio to semopy's in one run. Run with 'make bench'."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest
import semopy

from xmresearch.sem.fitting import fit


def simulated(p, factors, n):
    """Items of a simple-structure model, and its text."""
    rng = np.random.default_rng(p)
    f = rng.multivariate_normal(np.zeros(factors), 0.4 + 0.6 * np.eye(factors), n)
    owner = np.sort(np.arange(p) % factors)
    frame = pd.DataFrame(0.8 * f[:, owner] + 0.6 * rng.normal(size=(n, p)), columns=[f"x{k}" for k in range(p)])
    model = "\n".join(f"f{j} =~ " + " + ".join(f"x{k}" for k in np.flatnonzero(owner == j)) for j in range(factors))
    return frame, model


def cpu(run, repeats):
    start = time.process_time()
    for _ in range(repeats):
        run()
    return (time.process_time() - start) / repeats


@pytest.mark.benchmark
@pytest.mark.parametrize(("p", "factors", "n", "repeats"), [(9, 3, 301, 20), (22, 5, 500, 20), (60, 6, 5000, 3)])
def test_fit_against_semopy(p, factors, n, repeats):
    frame, model = simulated(p, factors, n)

    def theirs():
        fitted = semopy.Model(model)
        fitted.fit(frame)
        fitted.inspect()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(model, frame), theirs()
        ours, peer = cpu(lambda: fit(model, frame), repeats), cpu(theirs, repeats)
    print(
        f"\np = {p}, n = {n}: semopy / xmresearch = {peer / ours:.1f} ({1000 * peer:.0f} / {1000 * ours:.0f} ms of CPU)"
    )
    assert peer / ours > 1
