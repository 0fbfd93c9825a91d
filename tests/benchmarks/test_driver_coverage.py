"""How often intervals of drivers hold the truth, how probable ranks are, and how fast shares are found."""

import time

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from driver_worlds import WORLDS, draw, truth
from said_and_true import by_bins

from xmresearch.claims.calibration import Cell, judge
from xmresearch.drivers.expected_gains import gains
from xmresearch.drivers.explained import standardised_slopes
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.subsets import explained_by_subsets, lmg, shapley_values, subset_masks

pytestmark = pytest.mark.benchmark
SAMPLES = {50: 1000, 300: 1000, 5000: 200}
LOW, HIGH = 0.93, 0.97
QUANTITIES = ("lmg", "share", "johnson", "beta")


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")


def test_intervals_of_importance():
    """Each driver's interval is a cell; the band is 93 to 97 %."""
    cells = []
    for name, world in WORLDS.items():
        known = truth(world)
        for n, samples in SAMPLES.items():
            held = {q: np.zeros(len(world.slopes), dtype=int) for q in QUANTITIES}
            for k in range(samples):
                table = relative_importance(*draw(world, n, [21, k]), bootstrap=500, seed=k).table
                for q in QUANTITIES:
                    held[q] += (table[f"{q}_lower"] <= known[q]) & (known[q] <= table[f"{q}_upper"])
            for q in QUANTITIES:
                for j, count in enumerate(held[q]):
                    cells.append(Cell(f"{name}, n = {n}: {q} {j + 1}", int(count), samples, LOW, HIGH))
    table = judge(cells)
    show("Drivers: coverage", table)
    by = table.assign(
        quantity=table["world"].str.extract(r": (\w+) ")[0], n=table["world"].str.extract(r"n = (\d+)")[0]
    )
    show(
        "Drivers: mean and lowest coverage",
        by.groupby(["n", "quantity"])["rate"].agg(["mean", "min", "max"]).reset_index(),
    )
    assert table["kept"].all()


MIXED = {"equal": 0.0, "near ties": 0.06, "clear": 0.25}
"""Standard deviation of slopes of mean .3 in a third of the worlds each."""


def said_and_true(n, spreads, k_drivers, worlds, seed):
    """The largest probability of being first that each world is said, and whether it is: of importance, and of gains."""
    said, true = {"importance": [], "gain": []}, {"importance": [], "gain": []}
    inner = np.full((k_drivers, k_drivers), 0.4) + 0.6 * np.eye(k_drivers)
    for k in range(worlds):
        rng = np.random.default_rng([seed, n, k])
        spread = spreads[k % len(spreads)]
        slopes = 0.3 + spread * rng.standard_normal(k_drivers)
        x = np.sqrt(0.4) * rng.standard_normal((n, 1)) + np.sqrt(0.6) * rng.standard_normal((n, k_drivers))
        frame, y = pd.DataFrame(x), pd.Series(x @ slopes + rng.standard_normal(n), name="y")
        outer = np.block([[inner, (inner @ slopes)[:, None]], [slopes @ inner, slopes @ inner @ slopes + 1]])
        # of equal drivers any may be called the first
        first = {"importance": lmg(outer).argmax(), "gain": slopes.argmax()}
        first = first if spread else dict.fromkeys(first, rng.integers(k_drivers))
        found = relative_importance(frame, y, bootstrap=400, seed=k).table["p_top"].to_numpy()
        moved = gains(frame, y, most=dict.fromkeys(map(str, frame), 99.0), bootstrap=400, seed=k).table
        for what, p in (
            ("importance", found),
            ("gain", moved.set_index("construct")["p_first"][list(map(str, frame))]),
        ):
            p = np.asarray(p)
            said[what].append(p.max())
            true[what].append(p.argmax() == first[what])
    return {w: (np.array(said[w]), np.array(true[w])) for w in said}


def test_ranks_are_as_probable_as_they_are_said_to_be():
    """Of the drivers said to be first with a probability, that share is, in every bin: equal drivers, near ties and clear worlds."""
    cells = []
    for n in (60, 300, 1000):
        for what, (said, true) in said_and_true(n, list(MIXED.values()), 5, 1500, 73).items():
            cells += by_bins(f"{what}, n = {n}", said, true)
    table = judge(cells)
    show("Drivers: probability of being first", table)
    assert table["kept"].all()


def test_ranks_are_not_said_to_be_surer_than_they_are_in_other_worlds():
    """Drivers that are never equal, fewer and more of them than above."""
    cells = []
    for n, k_drivers, spread in ((200, 4, 0.12), (200, 8, 0.12), (300, 3, 0.05)):
        for what, (said, true) in said_and_true(n, [spread], k_drivers, 1000, 72).items():
            cells += by_bins(f"{what}, {k_drivers} drivers, spread {spread}, n = {n}", said, true, exact=False)
    table = judge(cells)
    show("Drivers: probability of being first, other worlds", table)
    assert table["kept"].all()


def test_intervals_of_gains():
    cells = []
    for n, samples in {50: 1000, 300: 1000}.items():
        held = np.zeros(4, dtype=int)
        for k in range(samples):
            x, y = draw(WORLDS["clear"], n, [23, k])
            rows = (
                gains(x, y, most=dict.fromkeys(x, 99.0), bootstrap=500, seed=k).of("one_point").set_index("construct")
            )
            known = np.array(WORLDS["clear"].slopes)
            rows = rows.loc[list(x)]
            held += ((rows["gain_lower"] <= known) & (known <= rows["gain_upper"])).to_numpy()
        cells += [
            Cell(f"gain of one point, n = {n}: driver {j + 1}", int(c), samples, LOW, HIGH) for j, c in enumerate(held)
        ]
    table = judge(cells)
    show("Drivers: coverage of gains", table)
    assert table["kept"].all()


def test_all_subsets_against_statsmodels():
    """Shapley values of ten drivers: once over 1 024 regressions of statsmodels, and 2 000 draws here; and 256 logits."""
    rng = np.random.default_rng(24)
    x = rng.standard_normal((1000, 10)) + rng.standard_normal((1000, 1))
    y = x @ rng.uniform(0, 1, 10) + 3 * rng.standard_normal(1000)
    start = time.perf_counter()
    theirs = np.array(
        [sm.OLS(y, sm.add_constant(x[:, m])).fit().rsquared if m.any() else 0.0 for m in subset_masks(10)]
    )
    peer = time.perf_counter() - start
    cov = np.cov(np.column_stack([x, y]), rowvar=False)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        ours = explained_by_subsets(cov)
        times.append(time.perf_counter() - start)
    mine = min(times)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)
    start = time.perf_counter()
    found = relative_importance(pd.DataFrame(x), pd.Series(y, name="y"), bootstrap=2000)
    whole = time.perf_counter() - start
    np.testing.assert_allclose(found.table["lmg"], shapley_values(theirs), atol=1e-10)
    np.testing.assert_allclose(found.table["beta"], standardised_slopes(cov), atol=1e-10)
    grade = (y > 0).astype(float)
    start = time.perf_counter()
    for m in subset_masks(8)[1:]:
        sm.Logit(grade, sm.add_constant(x[:, :8][:, m])).fit(disp=False)
    logits = time.perf_counter() - start
    start = time.perf_counter()
    relative_importance(pd.DataFrame(x[:, :8]), pd.Series(grade, name="y"), kind="binary", bootstrap=200)
    graded = time.perf_counter() - start
    start = time.perf_counter()
    lmg(np.cov(np.column_stack([rng.standard_normal((500, 15)), rng.standard_normal(500)]), rowvar=False))
    fifteen = time.perf_counter() - start
    print(
        f"\n1 024 regressions of 1 000 rows: statsmodels {peer:.2f} s, here {mine * 1e3:.1f} ms; with 2 000 draws {whole:.2f} s\n"
        f"255 logits: statsmodels {logits:.2f} s, here with 200 draws of each {graded:.2f} s\n"
        f"fifteen drivers, 32 768 subsets: {fifteen:.2f} s"
    )
    assert mine < peer / 50
    assert whole < 10 * peer
    assert graded < 10 * logits
