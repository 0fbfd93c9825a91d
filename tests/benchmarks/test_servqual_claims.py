"""How often what a SERVQUAL study says is false, and how much of what is true it says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from servqual_worlds import BOOK, DIMENSIONS, POINTS, survey

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.importance import importance_performance
from xmresearch.psychometrics.instrument import battery_cfa
from xmresearch.psychometrics.internal_consistency import reliability
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import segment_gaps
from xmresearch.studies.servqual import claims as say

pytestmark = pytest.mark.benchmark
SAMPLES, SMALLEST = 1000, 0.1
LEVEL = 0.95
SIZES = (40, 300)


def page(frame, smallest=SMALLEST):
    """Return the claims of means: score, short, items, first, widest."""
    gap = gaps(frame, BOOK, bootstrap=0)
    priority = priorities(frame, BOOK, bootstrap=200)
    scores = overall_scores(frame, BOOK)
    short = say.falls_short(gap, smallest)
    return {
        "score": say.overall(scores, smallest, LEVEL), "short": short, "items": say.items_short(gap, smallest),
        "first": say.improve_first(priority, short, LEVEL), "widest": say.widest(gap, LEVEL), "gap": gap,
    }  # fmt: skip


def show(title, table, pages=None):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    if pages:
        print("pages with any false settled claim: " + ", ".join(f"{k} {v:.3f}" for k, v in pages.items()))


def test_claims_of_means():
    worlds = {
        "no gap beyond what matters": (-SMALLEST,) * 5,
        "two equal worst": (-0.8, -0.8, -0.3, -0.3, -0.3),
        "three equal worst": (-0.8, -0.8, -0.8, -0.3, -0.3),
        "strong": (-1.0, -0.5, -0.5, -0.5, -0.5),
    }
    cells, pages = [], {}
    for n in SIZES:
        for world, truth in worlds.items():
            found = [page(survey(n, truth, [11, n, k])) for k in range(SAMPLES)]
            label = f"{world}, n = {n}: "
            false = np.zeros(SAMPLES, dtype=bool)
            if world == "no gap beyond what matters":
                for name, bound in (("score", 0.025), ("short", 0.05), ("items", 0.05)):
                    wrong = np.array([f[name].settled and f[name].verdict != "within" for f in found])
                    false |= wrong
                    cells.append(Cell(label + name, int(wrong.sum()), SAMPLES, at_most=bound))
            if "equal" in world:
                for name in ("first", "widest"):
                    wrong = np.array([f[name].settled for f in found])
                    false |= wrong
                    cells.append(Cell(label + name, int(wrong.sum()), SAMPLES, at_most=0.05))
                missed = sum(
                    not set(DIMENSIONS[: 2 + ("three" in world)]) <= set(f["first"].facts["possible"]) for f in found
                )
                print(f"{label}not all of the equal ones among the possible firsts: {missed / SAMPLES:.3f}")
            if world == "strong":
                cells += strong(found, n, label)
            pages[label.rstrip(": ")] = false.mean()
    table = judge(cells)
    show("SERVQUAL: claims about means", table, pages)
    assert table["kept"].all()


def strong(found, n, label):
    """Hold what is settled against z tests that know the sampling variance."""
    dims = np.array([f["gap"].tidy("dimension")["gap"] for f in found])
    z = stats.norm.ppf((1 + LEVEL) / 2)
    gaps_between = dims[:, 1:] - dims[:, :1]
    first = (gaps_between > z * gaps_between.std(axis=0)).all(axis=1)
    each = stats.norm.ppf(1 - (1 - LEVEL) / 2 / 5)
    shown = ((dims + SMALLEST) < -each * dims.std(axis=0)).all(axis=1)
    return [
        power(label + "power of first", [f["first"].settled for f in found], first),
        power(label + "power of widest", [f["widest"].settled for f in found], first),
        power(label + "power of short", [f["short"].verdict == "all" for f in found], shown),
    ]


def test_claims_of_signs_at_no_gap():
    """Without a threshold, and no gap at all: either sign is false."""
    cells = []
    for n in SIZES:
        found = [page(survey(n, (0.0,) * 5, [12, n, k]), smallest=0.0)["score"] for k in range(SAMPLES)]
        cells.append(Cell(f"no gap, n = {n}: score", sum(c.settled for c in found), SAMPLES, at_most=0.05))
    table = judge(cells)
    show("SERVQUAL: signs", table)
    assert table["kept"].all()


def test_claims_of_drivers():
    worlds = {
        "none drives": (0.0,) * 5,
        "two equal": (0.5, 0.5, 0.0, 0.0, 0.0),
        "three equal": (0.4, 0.4, 0.4, 0.0, 0.0),
        "two equal, all weak": (0.2, 0.2, 0.1, 0.1, 0.1),
        "strong": (0.9, 0.2, 0.2, 0.2, 0.2),
    }
    cells = []
    for n in (60, 300):
        for world, drives in worlds.items():
            made, shares = [], []
            for k in range(SAMPLES):
                frame = survey(n, (0.0,) * 5, [13, n, k], drives=drives)
                driven, _ = outcome_drivers(frame, BOOK, bootstrap=1000, seed=k)
                made.append(say.strongest(driven))
                shares.append(driven.table["share"].to_numpy())
            label = f"{world}, n = {n}: driver"
            if world == "strong":
                between = np.array(shares)[:, :1] - np.array(shares)[:, 1:]
                oracle = (between > stats.norm.ppf((1 + LEVEL) / 2) * between.std(axis=0)).all(axis=1)
                cells.append(power(f"{label}, power", [c.settled for c in made], oracle))
            else:
                cells.append(Cell(label, sum(c.settled for c in made), SAMPLES, at_most=0.05))
    table = judge(cells)
    show("SERVQUAL: drivers", table)
    assert table["kept"].all()


def test_claims_of_segments_and_quadrants():
    cells = []
    for n in (90, 300):
        differ, focus = 0, 0
        for k in range(SAMPLES):
            frame = survey(n, (-0.5,) * 5, [14, n, k])
            rng = np.random.default_rng([15, n, k])
            frame["branch"] = rng.choice(["a", "b", "c"], n, p=[0.2, 0.3, 0.5])
            segment = segment_gaps(frame, BOOK, ["branch"], min_cell=10)
            differ += say.segments_differ(segment).settled
            for d in DIMENSIONS:
                frame[f"points_{d}"] = 20 + 5 * rng.standard_normal(n)
            focus += say.concentrate(importance_performance(frame, POINTS, bootstrap=1000, seed=k), LEVEL).settled
        cells.append(Cell(f"no difference, n = {n}: segments", differ, SAMPLES, at_most=0.05))
        cells.append(Cell(f"all alike, n = {n}: focus", focus, SAMPLES, at_most=0.05))
    found = []
    for k in range(200):
        frame = survey(300, (-0.5,) * 5, [16, k])
        frame["branch"] = ["a", "b", "c"] * 100
        at = frame["branch"] == "a"
        frame.loc[at, [c for c in frame if c[0] == "p"]] -= 0.8
        found.append(say.segments_differ(segment_gaps(frame, BOOK, ["branch"], min_cell=10)).verdict == "all")
    cells.append(power("one branch .8 below, n = 300: power of segments", found, [True] * 200))
    table = judge(cells)
    show("SERVQUAL: segments and quadrants", table)
    assert table["kept"].all()


def test_claims_of_reliability_and_distinctness():
    """Two dimensions whose alpha is exactly .7, and two whose HTMT2 is .85 (200 samples: each has a bootstrap)."""
    cells = []
    for n in SIZES:
        reached = 0
        for k in range(SAMPLES):
            rng = np.random.default_rng([17, n, k])
            frame = pd.DataFrame({c: np.zeros(n) for c in BOOK.names("perception") + BOOK.names("expectation")})
            for d in DIMENSIONS:
                for kind in ("expectation", "perception"):
                    items = BOOK.names(kind, d)
                    r = 0.7 / (len(items) - 0.7 * (len(items) - 1))
                    person = rng.standard_normal(n) * np.sqrt(r)
                    for item in items:
                        frame[item] = person + rng.standard_normal(n) * np.sqrt(1 - r)
            trust = reliability(frame, BOOK)
            kept = trust.table["kind"] != "gap"
            claim = say.reach_alpha(replace(trust, table=trust.table[kept]), LEVEL)
            reached += claim.settled
        cells.append(Cell(f"alpha .7, n = {n}: reliable", reached, SAMPLES, at_most=0.05))
    loading = np.sqrt(0.6)
    settled = 0
    for k in range(200):
        rng = np.random.default_rng([18, k])
        factors = rng.multivariate_normal(np.zeros(5), np.full((5, 5), 0.85) + 0.15 * np.eye(5), 300)
        columns = {}
        for j, d in enumerate(DIMENSIONS):
            for item in BOOK.names("perception", d):
                columns[item] = loading * factors[:, j] + np.sqrt(0.4) * rng.standard_normal(300)
        frame = pd.DataFrame(columns)
        cfa, _ = battery_cfa(frame, BOOK, estimator="ML")
        claim = say.pairs_distinct(validity(cfa, frame, bootstrap=400, seed=k), LEVEL)
        settled += claim.facts["count"]
    cells.append(Cell("HTMT2 .85, n = 300: a pair distinct", settled, 2000, at_most=0.025))
    table = judge(cells)
    show("SERVQUAL: reliability and distinctness", table)
    assert table["kept"].all()
