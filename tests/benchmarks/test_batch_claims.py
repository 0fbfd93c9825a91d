"""How often what the summary of a batch says is false, how much of what is true it says, and what its pooled intervals cover.

Worlds are those of estimates with known errors. Sizes, seeds and sample numbers are fixed; a cell fails where its exact interval,
Holm-corrected over all cells, excludes its promise.
"""

import numpy as np
import pytest
from scipy import stats

from xmresearch.claims import partial_pooling as pool
from xmresearch.claims.between_samples import differ, errors, extreme, heterogeneity, off_mean, off_value
from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.claims.partial_pooling import pooled
from xmresearch.claims.repeated import corrected
from xmresearch.claims.rules import larger, sign

pytestmark = pytest.mark.benchmark
SAMPLES, LEVEL = 1000, 0.95
LEVELS = {"confidence": LEVEL, "level": LEVEL}
TAILS = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
Z = stats.norm.ppf((1 + LEVEL) / 2)
RUNS = (3, 8, 30)
ERRORS = ("even", "uneven", "one tiny")
"""Of each run: all alike, between about a third and three times as large, and one twenty times as large."""
SPREADS = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Standard deviations of the true figures, in errors."""


def spread_of_errors(kind, k, rng):
    s = np.ones(k)
    if kind == "uneven":
        s = np.exp(rng.normal(0, 0.5, k))
    if kind == "one tiny":
        s[0] = 20.0
    return s


def figures(truth, s, rng):
    y = truth + s * rng.normal(size=len(s))
    return np.stack([y, y - Z * s, y + Z * s])


def drawn(truth, kind, seed):
    """Yield samples of a world: figures with their intervals, and the true ones, which `truth` makes with a generator."""
    for i in range(SAMPLES):
        rng = np.random.default_rng([*seed, i])
        true = np.asarray(truth(rng), dtype=float)
        yield figures(true, spread_of_errors(kind, len(true), rng), rng), true


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """A tenth of the draws that a summary takes: rates over samples do not hang on them."""
    monkeypatch.setattr(pool, "DRAWS", 2000)


def told(cells, title):
    table = judge(cells)
    print(f"\nBatch: {title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


@pytest.mark.parametrize("k", RUNS)
def test_equal_runs(k):
    cells = []
    for kind in ERRORS:
        names = [str(j) for j in range(k)]
        hits = dict.fromkeys(("differ", "highest", "lowest", "off the mean", "off zero", "any"), 0)
        for ends, _ in drawn(lambda rng: np.zeros(k), kind, [1, k, ERRORS.index(kind)]):
            said = {
                "differ": differ("c", heterogeneity(ends, confidence=LEVEL), confidence=LEVEL).settled,
                "highest": extreme("c", ends, names, **LEVELS).settled,
                "lowest": extreme("c", ends, names, **LEVELS, lowest=True).settled,
                "off the mean": off_mean("c", ends, names, **LEVELS)[0].settled,
                "off zero": off_value("c", ends, names, **LEVELS)[0].settled,
            }
            hits = {c: n + (any(said.values()) if c == "any" else said[c]) for c, n in hits.items()}
        print(f"any false claim, {k} equal runs, errors {kind}: {hits.pop('any') / SAMPLES:.3f}")
        cells += [Cell(f"{k} equal runs, errors {kind}: {c}", n, SAMPLES, at_most=1 - LEVEL) for c, n in hits.items()]
    told(cells, f"false claims of {k} equal runs")


WORLDS = {
    "two equal first": lambda k: [8.0, 8.0] + [0.0] * (k - 2),
    "one off, both ways": lambda k: [8.0, -8.0] + [0.0] * (k - 2),
    "close to one another": lambda k: [1.0, 1.0] + [0.0] * (k - 2),
}


@pytest.mark.parametrize("name", WORLDS)
def test_equal_leaders_and_runs_at_the_mean(name):
    cells = []
    for k in RUNS:
        truth, names = WORLDS[name](k), [str(j) for j in range(k)]
        lead = off = missed = 0
        for ends, true in drawn(lambda rng, truth=truth: truth, "even", [2, k, list(WORLDS).index(name)]):
            first = extreme("c", ends, names, **LEVELS)
            lead += first.settled and int(first.facts["leader"]) > (0 if name == "one off, both ways" else -1)
            tied = [str(j) for j in np.flatnonzero(true == true.max())]
            missed += any(t not in first.facts["possible"] for t in tied)
            claim, _ = off_mean("c", ends, names, **LEVELS)
            mean = true.mean()
            off += any(true[int(j)] <= mean for j in claim.facts["above"]) or any(
                true[int(j)] >= mean for j in claim.facts["below"]
            )
        cells += [
            Cell(f"{name}, {k} runs: highest", lead, SAMPLES, at_most=1 - LEVEL),
            Cell(f"{name}, {k} runs: a highest one is missed", missed, SAMPLES, at_most=1 - LEVEL),
            Cell(f"{name}, {k} runs: off the mean", off, SAMPLES, at_most=1 - LEVEL),
        ]
    told(cells, name)


@pytest.mark.parametrize("k", RUNS)
def test_pooled_intervals_cover(k):
    """One run of each sample, each in its turn, so that cells are of independent intervals: the average over runs."""
    cells = []
    for kind in ERRORS:
        for spread in SPREADS:
            hit, width, raw = 0, 0.0, 0.0
            samples = drawn(
                lambda rng, sd=spread: sd * rng.normal(size=k), kind, [3, k, ERRORS.index(kind), int(10 * spread)]
            )
            for i, (ends, true) in enumerate(samples):
                at = i % k
                low, high = np.quantile(pooled(ends, range(k), confidence=LEVEL).draws[:, at], TAILS)
                hit += low <= true[at] <= high
                width, raw = width + high - low, raw + ends[2, at] - ends[1, at]
            # runs that are exactly equal are covered more often: nothing tells for certain that they are
            most = 0.97 if spread else 1.0
            label = f"{k} runs, errors {kind}, spread {spread:g}: covered (width {width / raw:.2f} of their own)"
            cells.append(Cell(label, hit, SAMPLES, at_least=0.93, at_most=most))
    told(cells, f"coverage of pooled intervals, {k} runs")


@pytest.mark.parametrize("k", RUNS)
def test_what_is_true_is_said(k):
    names = [str(j) for j in range(k)]
    first, known, off, apart = [], [], [], []
    for ends, true in drawn(lambda rng: [5.0] + [0.0] * (k - 1), "even", [4, k]):
        y, claim = ends[0], extreme("c", ends, names, **LEVELS)
        first.append(claim.settled and claim.facts["leader"] == "0")
        known.append(bool((y[0] - y[1:] > Z * np.sqrt(2)).all()))
        off.append("0" in off_mean("c", ends, names, **LEVELS)[0].facts["above"])
        bound = stats.norm.isf((1 - LEVEL) / 2 / k)
        apart.append(bool(y[0] - y.mean() > bound * np.sqrt(1 - 1 / k)))
        assert true[0] == 5.0
    told([power(f"{k} runs, one far off: highest", first, known), power(f"{k} runs, one far off: off the mean", off, apart)], "power")  # fmt: skip


@pytest.mark.parametrize("k", RUNS)
def test_claims_of_runs_settled_anew(k):
    """Signs of zero, and sizes at the very bound; alone they go wrong in some run nearly always where there are many."""
    cells = []
    for label, truth in (("no effect", 0.0), ("an effect as large as matters", 3.0)):
        alone = kept = 0
        for ends, _ in drawn(lambda rng, truth=truth: np.full(k, truth), "uneven", [5, k, int(truth)]):
            make = [
                (sign("c", *e, confidence=LEVEL) if truth == 0 else larger("c", *e, truth, confidence=LEVEL)).record()
                for e in ends.T
            ]
            alone += any(r["state"] == "settled" for r in make)
            kept += any(corrected(make, confidence=LEVEL)[1])
        print(f"{label}, {k} runs: any false claim of a run alone {alone / SAMPLES:.3f}")
        cells.append(Cell(f"{label}, {k} runs: any kept", kept, SAMPLES, at_most=1 - LEVEL))
    told(cells, "claims settled anew")


def test_spread_is_covered():
    cells = []
    for k in RUNS:
        for spread in SPREADS:
            hit = 0
            for ends, _ in drawn(
                lambda rng, k=k, sd=spread: sd * rng.normal(size=k), "uneven", [6, k, int(10 * spread)]
            ):
                found = heterogeneity(ends, confidence=LEVEL)
                hit += found.lower <= spread <= found.upper
            cells.append(Cell(f"{k} runs, spread {spread:g}: interval of the spread", hit, SAMPLES, at_least=0.93))
    told(cells, "spread between runs")
    assert errors(np.array([[0.0], [-Z], [Z]]), LEVEL)[0] == pytest.approx(1)
