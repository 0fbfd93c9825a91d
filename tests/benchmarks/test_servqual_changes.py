"""Whether intervals of changes between waves cover what changed, and how often what is claimed of a change is false."""

import numpy as np
import pytest
from once_worlds import book, survey

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.psychometrics.wave_gaps import gap_changes
from xmresearch.studies.servqual import change_claims as say

pytestmark = pytest.mark.benchmark
SAMPLES, SMALLEST, LEVEL = 1000, 0.2, 0.95
SIZES = (50, 300)
BOOK = book("pairs")
NAMES = {"before": "w=1", "after": "w=2"}
OVERLAP = {"different people": 0.0, "half in both": 0.5, "the same people": 1.0}


def show(title, table, pages=None):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    if pages:
        print("pages with any false settled claim: " + ", ".join(f"{k} {v:.3f}" for k, v in pages.items()))


def two(n, rise, fall, seed, overlap=0.0, **settings):
    """Two waves in which perceptions rise and expectations fall, with a share of the people in both."""
    rng = np.random.default_rng([*seed, 7])
    first, second = rng.standard_normal((2, n, 2))
    stay = round(overlap * n)
    second[:stay] = first[:stay]
    who = np.arange(2 * n).astype(str).astype(object)
    people = who[:n], np.concatenate([who[:stay], who[n : 2 * n - stay]])
    start = np.array([3.5, 4.0, 4.5])
    before = survey(n, start, [*seed, 1], form="pairs", person=first, **settings)
    after = survey(
        n, start + rise, [*seed, 2], form="pairs", person=second, wishes=5.0 - np.broadcast_to(fall, 3), **settings
    )
    return gap_changes(before, after, BOOK, people=people if stay else None, smallest=SMALLEST)


def test_intervals_of_changes_cover():
    cells, rise, fall = [], 0.3, 0.5
    truth = {"change": rise + fall, "perception": rise, "expectation": -fall}
    for n in SIZES:
        for world, overlap in OVERLAP.items():
            found = [two(n, rise, fall, [91, n, k], overlap, answers=False).table for k in range(SAMPLES)]
            for figure, true in truth.items():
                for row, name in ((0, "overall"), (1, "a dimension")):
                    inside = sum(t[f"{figure}_lower"][row] <= true <= t[f"{figure}_upper"][row] for t in found)
                    cells.append(
                        Cell(f"{world}, n = {n}: {figure}, {name}", inside, SAMPLES, at_least=0.93, at_most=0.97)
                    )
    table = judge(cells)
    show("SERVQUAL: coverage of changes", table)
    assert table["kept"].all()


def test_claims_of_changes():
    worlds = {
        "nothing changed": (0.0, 0.0), "expectations fell": (0.0, 0.8), "service better": (0.8, 0.0), "at the edge": (SMALLEST, 0.8),
        "both": (0.6, 0.6),
    }  # fmt: skip
    right = {"expectations fell": "second_part", "service better": "first_part", "both": "both_parts"}
    cells, pages = [], {}
    for n in SIZES:
        for world, (rise, fall) in worlds.items():
            # answers are whole where nothing changed: truth is none then, too
            made = [two(n, rise, fall, [92, n, k], answers=world == "nothing changed") for k in range(SAMPLES)]
            found = [
                (
                    say.moved(m, NAMES),
                    say.made_by(m, SMALLEST, NAMES),
                    say.dimensions_changed(m, NAMES),
                    say.closed_by_expectations(m, SMALLEST, NAMES),
                )
                for m in made
            ]
            label, false = f"{world}, n = {n}: ", np.zeros(SAMPLES, dtype=bool)
            if world == "nothing changed":
                for j, name in enumerate(("moved", "why", "changed", "hollow")):
                    wrong = np.array([f[j].settled for f in found])
                    false |= wrong
                    cells.append(Cell(label + name, int(wrong.sum()), SAMPLES, at_most=0.05))
            else:
                true = right.get(world)
                wrong = np.array(
                    [
                        f[1].settled and f[1].verdict not in (true, "both_parts" if world == "at the edge" else true)
                        for f in found
                    ]
                )
                closed = np.array([f[3].settled and world != "expectations fell" for f in found])
                false = wrong | closed
                cells.append(Cell(label + "why", int(wrong.sum()), SAMPLES, at_most=0.05))
                if world != "expectations fell":
                    cells.append(Cell(label + "hollow", int(closed.sum()), SAMPLES, at_most=0.05))
            if world in right and n == max(SIZES):
                cells.append(
                    power(
                        label + "why, settled",
                        [f[1].verdict == right[world] for f in found],
                        np.ones(SAMPLES, dtype=bool),
                    )
                )
            pages[label.rstrip(": ")] = false.mean()
    table = judge(cells)
    show("SERVQUAL: claims of changes", table, pages)
    assert table["kept"].all()
