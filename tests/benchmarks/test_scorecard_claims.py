"""How often what a scorecard says is false, and how much of what is true it says.

Worlds, sizes, seeds and sample numbers are fixed; a cell fails where its exact interval, Holm-corrected over all cells, excludes its promise.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scorecard_worlds import METRICS, answers, loaded

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.studies.scorecard import claims as say
from xmresearch.studies.scorecard.asked import asked_metrics
from xmresearch.studies.scorecard.breakdown import breakdown
from xmresearch.studies.scorecard.result import Scorecard
from xmresearch.studies.scorecard.rows import rows_of_waves
from xmresearch.studies.scorecard.same_scale import on_other_scales
from xmresearch.studies.scorecard.scoring import changes_between, over_time

pytestmark = pytest.mark.benchmark
SAMPLES, LEVEL, SMALLEST = 1000, 0.95, 5.0
SIZES = {"null": (150, 600), "mix changed": (900,)}
"""Answers of each wave, in five branches; 300 in the other worlds."""
WORLDS = {
    "null": {},
    "change as large as matters": {"change": SMALLEST},
    "weighted null": {},
    "half the people in both waves": {},
    "two equal first": {"branches": (25, 25, -20, -20, -20)},
    "two equal last": {"branches": (20, 20, 20, -25, -25)},
    "one branch changed": {"moved": (45, 0, 0, 0, 0)},
    "mix changed": {"branches": (40, 0, 0, 0, -40), "mix": ((0.1, 0.2, 0.2, 0.2, 0.3), (0.3, 0.2, 0.2, 0.2, 0.1))},
    "strong": {"change": 30.0, "branches": (50, -15, -15, -15, -15)},
}


def page(frame, **params):
    """The parts of a scorecard that its claims are made of."""
    survey, made = loaded(frame, draws=500, **params)
    asked = tuple(asked_metrics(made, survey.codebook))
    rows = rows_of_waves(survey, made, asked[0])
    over = [over_time(rows, a, made) for a in asked]
    now = pd.concat([t[t["wave"] == rows.after] for t in over], ignore_index=True)
    blank = dict.fromkeys(("benchmarks", "banner", "odds", "grades", "index", "links", "beside", "raters", "tree"))
    return Scorecard(
        asked=asked, rows=rows, scores=now, over_time=pd.concat(over, ignore_index=True), changes=changes_between(rows, asked, over, LEVEL),
        groups=breakdown(rows, asked[0], made), answers=pd.DataFrame(), other_scales=on_other_scales(rows, asked), confidence=LEVEL, **blank,
    )  # fmt: skip


def world(name, n, k):
    frame = answers(n, [21, n, k], **WORLDS[name])
    more = {} if "null" in name else {"metrics": METRICS[:1]}
    rng = np.random.default_rng([22, n, k])
    if name == "weighted null":
        frame["w"], more["weight_column"] = np.exp(rng.normal(0, 0.5, len(frame))), "w"
    if name == "half the people in both waves":
        again = rng.random(n // 2) < 0.8
        first = frame.index[: n // 2]
        frame.loc[first[again] + n, ["nps", "csat", "ces", "branch"]] = frame.loc[
            first[again], ["nps", "csat", "ces", "branch"]
        ].to_numpy()
        people = np.arange(2 * n)
        people[n : n + n // 2] = np.arange(n // 2)
        frame["person"], more["person_column"] = people.astype(str), "person"
    return page(frame, **more)


@pytest.mark.parametrize("name", WORLDS)
def test_claims(name):
    cells, pages = [], {}
    for n in SIZES.get(name, (300,)):
        found = [world(name, n, k) for k in range(SAMPLES)]
        made = [say.scorecard_claims(f) for f in found]
        label = f"{name}, n = {n}: "

        def cell(claim, false, bound=0.05, made=made, label=label, cells=cells):
            """Count claims that are settled and false."""
            hit = np.array([(c := getattr(m, claim)) is not None and c.settled and false(c) for m in made])
            cells.append(Cell(label + claim, int(hit.sum()), SAMPLES, at_most=bound))
            return hit

        anything = lambda c: True  # noqa: E731
        wrong = []
        if "null" in name or "people" in name:
            wrong += [
                cell(c, anything) for c in ("moved", "whom", "others", "mix", "score_part", "best", "worst", "outlying")
            ]
            wrong += [
                cell("differ", lambda c: c.verdict == "differs"),
                cell("change", lambda c: c.verdict != "within", 0.025),
            ]
        if name == "change as large as matters":
            wrong += [
                cell("change", lambda c: c.verdict in ("larger", "within", "smaller"), 0.05),
                cell("moved", lambda c: c.verdict == "below", 0.025),
            ]
        if name == "two equal first":
            wrong += [cell("best", anything)]
            cells.append(missed(made, "best", {"branch=b1", "branch=b2"}, label))
        if name == "two equal last":
            wrong += [cell("worst", anything)]
            cells.append(missed(made, "worst", {"branch=b4", "branch=b5"}, label))
        if name == "one branch changed":
            wrong += [cell("whom", lambda c: bool(set(c.facts["shown"]) - {"branch=b1"}))]
        if name == "mix changed":
            wrong += [cell("score_part", anything)]
            mix = np.array([m.mix.estimate for m in made])
            known = mix > stats.norm.ppf((1 + LEVEL) / 2) * mix.std()
            cells.append(power(label + "power of mix", [m.mix.verdict == "above" for m in made], known))
        if name == "strong":
            wrong += [
                cell("moved", lambda c: c.verdict == "below"),
                cell("best", lambda c: c.facts["leader"] != "branch=b1"),
            ]
            cells += strong(found, made, label)
        pages[label.rstrip(": ")] = np.any(wrong, axis=0).mean()
    table = judge(cells)
    print(f"\nScorecard: claims, {name}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    print("pages with any false settled claim: " + ", ".join(f"{k} {v:.3f}" for k, v in pages.items()))
    assert table["kept"].all()


def missed(made, claim, equal, label):
    """Samples in which not all of the equal ones are among the possible ones."""
    count = sum(not equal <= set(getattr(m, claim).facts["possible"]) for m in made)
    return Cell(f"{label}{claim}: an equal one is missed", count, SAMPLES, at_most=0.05)


def strong(found, made, label):
    """Hold what is settled against z tests that know the sampling variance."""
    z = stats.norm.ppf((1 + LEVEL) / 2)
    change = np.array([f.changes["change"].iloc[0] for f in found])
    scores = np.array([f.groups.of_ranked()["estimate"] for f in found])
    ahead = scores[:, :1] - scores[:, 1:]
    return [
        power(label + "power of moved", [m.moved.verdict == "above" for m in made], change > z * change.std()),
        power(label + "power of best", [m.best.settled for m in made], (ahead > z * ahead.std(axis=0)).all(axis=1)),
    ]
