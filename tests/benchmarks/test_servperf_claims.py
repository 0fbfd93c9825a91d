"""How often what a study of perceptions alone claims is false. Run with 'make bench'; worlds, seeds and samples are fixed."""

import numpy as np
import pytest
from once_worlds import DIMENSIONS, ITEMS, book, survey

from xmresearch.claims.calibration import Cell, judge
from xmresearch.psychometrics.performance_scores import performance
from xmresearch.studies.servqual import score_claims as say

pytestmark = pytest.mark.benchmark
SAMPLES, SMALLEST, TARGET = 1000, 0.1, 4.0
SIZES = (40, 300)
BOOK = book("perceptions")
WORLDS = {
    "all as aimed": (4.0, 4.0, 4.0),
    "all at the edge of what matters": (3.9, 3.9, 3.9),
    "two equal weakest": (3.5, 3.5, 4.5),
    "one below": (3.2, 4.0, 4.0),
}


@pytest.mark.parametrize("name", WORLDS)
def test_claims_of_perceptions(name):
    levels = np.array(WORLDS[name])
    below = {d for d, level in zip(DIMENSIONS, levels, strict=True) if level < TARGET - SMALLEST}
    items = {s for d in below for s in ITEMS[d]}
    mean, cells = levels.mean(), []
    for n in SIZES:
        found = [performance(survey(n, levels, [61, n, k], answers=False), BOOK, target=TARGET) for k in range(SAMPLES)]
        label = f"{name}, n = {n}: "

        def cell(what, wrong, bound=0.05, label=label, cells=cells):
            cells.append(Cell(label + what, int(np.sum(wrong)), SAMPLES, at_most=bound))

        made = [say.level_reached(f, SMALLEST) for f in found]
        truth = {
            "larger": mean > TARGET + SMALLEST,
            "smaller": mean < TARGET - SMALLEST,
            "within": abs(mean - TARGET) <= SMALLEST,
        }
        cell("level", [c.settled and not truth[c.verdict] for c in made])
        cell("under", [c.settled and bool(set(c.facts["shown"]) - below) for c in (say.dimensions_under(f, SMALLEST) for f in found)])  # fmt: skip
        shares = [
            len(set(s) - items) / max(len(s), 1) for s in (say.items_under(f, SMALLEST).facts["shown"] for f in found)
        ]
        rate, error = np.mean(shares), np.std(shares) / np.sqrt(SAMPLES)
        print(f"{label}share of statements that are called below and are not: {rate:.3f} (standard error {error:.3f})")
        assert rate <= 0.05 + 2.6 * error
        first = [say.weakest(f) for f in found]
        lowest = {d for d, level in zip(DIMENSIONS, levels, strict=True) if level == levels.min()}
        cell("weakest", [c.settled and (len(lowest) > 1 or c.facts["leader"] not in lowest) for c in first])
        if name == "one below" and n == 300:
            assert np.mean([c.settled for c in first]) > 0.95
    table = judge(cells)
    print(f"\nPerceptions: claims, {name}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()
