"""Intervals and claims of the SERVQUAL study in clustered samples, with the design and without it."""

import numpy as np
import pandas as pd
import pytest
from servqual_worlds import BOOK, DIMENSIONS, clustered

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.psychometrics.overall_drivers import outcome_drivers
from xmresearch.psychometrics.priority import priorities
from xmresearch.psychometrics.segments import segment_gaps
from xmresearch.sampling.raking import rake
from xmresearch.sampling.sampling_stages import design
from xmresearch.studies.servqual import claims as say

pytestmark = pytest.mark.benchmark
SAMPLES, SMALLEST, LEVEL = 1000, 0.1, 0.95
CLUSTERS, SIZE = 30, 20
BAND = {"at_least": 0.93, "at_most": 0.97}
TRUTH = np.array((-0.5, -0.4, -0.3, -0.2, -0.1))
SEXES = 0.3
"""What men's gaps lie above the mean of both, and women's below it."""


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")


def unequal(frame, seed):
    """Let women answer twice as often as men, whose gaps are narrower; each sex is half of the population."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], len(frame), p=[2 / 3, 1 / 3])
    asked = BOOK.names("perception")
    return frame.assign(sex=sex, **{c: frame[c] + np.where(sex == "m", SEXES, -SEXES) for c in asked})


def held(table, truth, low="ci_lower", high="ci_upper"):
    return ((table[low] <= truth) & (table[high] >= truth)).to_numpy()


def test_intervals_of_clustered_samples():
    """Each dimension's gap and the overall score, of 30 and of 12 branches; raked ones of a sample with too many women."""
    cells, naive, unraked = [], [], []
    for clusters in (CLUSTERS, 12):
        hits, score = [], []
        for k in range(SAMPLES):
            frame = clustered(clusters, SIZE, TRUTH, [61, clusters, k])
            drawn = design(frame, clusters="branch")
            hits.append(held(gaps(frame, BOOK, weights=drawn, bootstrap=0).tidy("dimension"), TRUTH))
            score.append(held(overall_scores(frame, BOOK, weights=drawn).table.head(1), TRUTH.mean())[0])
            if clusters == CLUSTERS:
                naive.append(held(gaps(frame, BOOK, bootstrap=0).tidy("dimension"), TRUTH))
        label = f"{clusters} branches of {SIZE}: "
        counts = np.sum(hits, axis=0)
        cells += [Cell(label + d, int(c), SAMPLES, **BAND) for d, c in zip(DIMENSIONS, counts, strict=True)]
        cells.append(Cell(label + "overall score", int(np.sum(score)), SAMPLES, **BAND))
    hits = []
    for k in range(SAMPLES):
        frame = unequal(clustered(CLUSTERS, SIZE, TRUTH, [62, k]), [63, k])
        drawn = design(frame, clusters="branch")
        raked = rake(drawn, {"sex": {"f": 0.5, "m": 0.5}}).design
        hits.append(held(gaps(frame, BOOK, weights=raked, bootstrap=0).tidy("dimension"), TRUTH))
        unraked.append(held(gaps(frame, BOOK, weights=drawn, bootstrap=0).tidy("dimension"), TRUTH))
    cells += [
        Cell(f"raked: {d}", int(c), SAMPLES, **BAND) for d, c in zip(DIMENSIONS, np.sum(hits, axis=0), strict=True)
    ]
    table = judge(cells)
    show("SERVQUAL: coverage of 95 % intervals in clustered samples (ICC .1)", table)
    print(f"without the design: {np.mean(naive):.3f}; not raked: {np.mean(unraked):.3f}")
    assert table["kept"].all()
    assert np.mean(naive) < 0.85
    assert np.mean(unraked) < 0.9


def page(frame, weights, smallest=SMALLEST):
    gap = gaps(frame, BOOK, weights=weights, bootstrap=0)
    priority = priorities(frame, BOOK, weights=weights, bootstrap=20)
    short = say.falls_short(gap, smallest)
    return {
        "score": say.overall(overall_scores(frame, BOOK, weights=weights), smallest, LEVEL), "short": short,
        "items": say.items_short(gap, smallest), "first": say.improve_first(priority, short, LEVEL), "widest": say.widest(gap, LEVEL),
        "gap": gap,
    }  # fmt: skip


def test_claims_of_clustered_samples():
    """False ones at most as promised; without the design far more."""
    worlds = {"no gap beyond what matters": (-SMALLEST,) * 5, "two equal worst": (-0.9, -0.9, -0.2, -0.2, -0.2),
              "strong": (-1.4, -0.5, -0.5, -0.5, -0.5)}  # fmt: skip
    cells, without = [], {}
    for world, truth in worlds.items():
        found = []
        for k in range(SAMPLES):
            frame = clustered(CLUSTERS, SIZE, truth, [64, k])
            found.append(page(frame, design(frame, clusters="branch")))
            if world == "two equal worst":
                plain = page(frame, None)
                without.setdefault("first", []).append(plain["first"].settled)
        if world == "no gap beyond what matters":
            for name, bound in (("score", 0.025), ("short", 0.05), ("items", 0.05)):
                wrong = sum(f[name].settled and f[name].verdict != "within" for f in found)
                cells.append(Cell(f"{world}: {name}", wrong, SAMPLES, at_most=bound))
        if world == "two equal worst":
            for name in ("first", "widest"):
                cells.append(Cell(f"{world}: {name}", sum(f[name].settled for f in found), SAMPLES, at_most=0.05))
        if world == "strong":
            dims = np.array([f["gap"].tidy("dimension")["gap"] for f in found])
            between = dims[:, 1:] - dims[:, :1]
            oracle = (between > 1.96 * between.std(axis=0)).all(axis=1)
            cells.append(power("strong: power of first", [f["first"].settled for f in found], oracle))
    table = judge(cells)
    show("SERVQUAL: claims of clustered samples", table)
    print(f"false first dimensions without the design: {np.mean(without['first']):.3f}")
    assert table["kept"].all()
    assert np.mean(without["first"]) > 0.1


def test_claims_of_segments_of_clustered_samples():
    """Sexes within branches, and regions of ten branches each, that do not differ."""
    counts = dict.fromkeys(["sex", "region", "region without the design"], 0)
    for k in range(SAMPLES):
        frame = clustered(CLUSTERS, SIZE, TRUTH, [65, k])
        frame["sex"] = np.random.default_rng([66, k]).choice(["f", "m"], len(frame))
        frame["region"] = (frame["branch"].astype(int) % 3).astype(str)
        drawn = design(frame, clusters="branch")
        for name in ("sex", "region"):
            counts[name] += say.segments_differ(segment_gaps(frame, BOOK, [name], weights=drawn)).settled
        counts["region without the design"] += say.segments_differ(segment_gaps(frame, BOOK, ["region"])).settled
    cells = [Cell(f"no difference: {name}", counts[name], SAMPLES, at_most=0.05) for name in ("sex", "region")]
    table = judge(cells)
    show("SERVQUAL: segments of clustered samples", table)
    print(f"regions without the design: {counts['region without the design'] / SAMPLES:.3f}")
    assert table["kept"].all()
    assert counts["region without the design"] / SAMPLES > 0.2


def test_claims_of_drivers_of_clustered_samples():
    worlds = {"none drives": (0.0,) * 5, "two equal": (0.5, 0.5, 0.0, 0.0, 0.0)}
    cells, rows = [], []
    for world, drives in worlds.items():
        made = []
        for k in range(SAMPLES):
            frame = clustered(CLUSTERS, SIZE, TRUTH, [67, k], drives=drives)
            driven, _ = outcome_drivers(frame, BOOK, weights=design(frame, clusters="branch"), bootstrap=400, seed=k)
            made.append((say.strongest(driven).settled, driven.p < 0.05))
        cells.append(Cell(f"{world}: driver", sum(m[0] for m in made), SAMPLES, at_most=0.05))
        rows.append({"world": world, "explains something": np.mean([m[1] for m in made])})
        if world == "none drives":
            cells.append(Cell(f"{world}: explains something", sum(m[1] for m in made), SAMPLES, at_most=0.05))
    table = judge(cells)
    show("SERVQUAL: drivers of clustered samples", table)
    show("p of the Wald test below .05", pd.DataFrame(rows))
    assert table["kept"].all()
