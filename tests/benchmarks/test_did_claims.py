"""How often what a difference-in-differences study says is false, and how much of what is true it says."""

import numpy as np
import pytest
from did_worlds import panel
from scipy import stats

from xmresearch.causal.designs import did
from xmresearch.causal.pretrend import event_path
from xmresearch.causal.robustness import sensitivity
from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.claims.checks import run_checks
from xmresearch.studies.did import claims as say
from xmresearch.studies.did.publishing import published

pytestmark = pytest.mark.benchmark
SAMPLES, SMALLEST, LEVEL = 1000, 0.1, 0.95
KEYS = {"outcome": "score", "unit": "branch", "time": "month", "cohort": "rollout", "family": "gaussian"}
WORLD = {"rows": 3, "shock": 0.2}
DESIGNS = {
    "two by two": ({"periods": 2, "first": 1}, {}),
    "event study": ({}, {}),
    "staggered": ({"cohorts": 3}, {}),
    "event study, 10 units": ({"units": 10}, {}),
    "two by two, rows": ({"periods": 2, "first": 1, "units": 30, "shock": 0.0}, {"cluster": "none"}),
}


def fits(world, more, label, samples=SAMPLES, **settings):
    for k in range(samples):
        yield did(panel([21, sum(map(ord, label)), k], **(WORLD | world)), **KEYS | more | settings, seed=k, draws=1000)


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


def test_effects():
    """No effect (either sign is false), an effect as large as what matters (larger or within is false), advice at break-even."""
    cells = []
    for design, (world, more) in DESIGNS.items():
        found = list(fits(world, more, design))
        settled = sum(say.changed(f, 1.0, 0.0).settled for f in found)
        cells.append(Cell(f"{design}, no effect: effect", settled, SAMPLES, at_most=0.05))
        advised = sum(say.pays(f, 1.0, 0.0, say.changed(f, 1.0, 0.0)).settled for f in found)
        cells.append(Cell(f"{design}, at break-even: pays", advised, SAMPLES, at_most=0.05))
    for design in ("event study", "staggered"):
        world, more = DESIGNS[design]
        found = [say.changed(f, 1.0, SMALLEST) for f in fits(world | {"effect": SMALLEST}, more, design + " edge")]
        for verdict in ("larger", "within"):
            wrong = sum(c.verdict == verdict for c in found)
            cells.append(Cell(f"{design}, as large as matters: {verdict}", wrong, SAMPLES, at_most=0.025))
    show("Difference-in-differences: effects", judge(cells))


def test_cohorts_and_parallel_trends():
    cells = []
    found = list(fits({"cohorts": 3}, {}, "cohorts"))
    wrong = sum(say.by_cohort(f.tidy("group"), 1.0, f).settled for f in found)
    cells.append(Cell("staggered, no effect: cohorts", wrong, SAMPLES, at_most=0.05))
    failed = sum(f.facts["pretrend_p"] < 1 - LEVEL for f in found)
    cells.append(Cell("staggered, parallel: departure claimed", failed, SAMPLES, at_most=0.05))
    found = list(fits({}, {}, "parallel"))
    failed = sum(f.facts["pretrend_p"] < 1 - LEVEL for f in found)
    cells.append(Cell("event study, parallel: departure claimed", failed, SAMPLES, at_most=0.05))
    show("Difference-in-differences: cohorts and trends", judge(cells))


def test_breaches_as_large_as_before():
    """No effect, but trends that part as far in each period after the change as before it (200 samples: slow intervals)."""
    cells, n, small = [], 200, {"periods": 5, "first": 3}
    for drift in (0.05, 0.3):
        wrong = 0
        for found in fits(small | {"drift": drift}, {}, f"breach {drift}", n):
            path = event_path(found.kind, found.panel, found.settings)
            wrong += path.honest("relative", LEVEL, 1000, 0, method="c-lf").breakdown >= say.WHOLE_BREACH
        cells.append(Cell(f"event study, drift {drift}: robust", int(wrong), n, at_most=0.05))
    show("Difference-in-differences: breaches", judge(cells))


def test_units():
    """No unit gains, or all gain alike (200 samples a world: each is sampled by NUTS)."""
    cells, n = [], 200
    for name, effect in (("no effect", 0.0), ("all alike", 0.5)):
        gained, best = 0, 0
        for k in range(n):
            rows = panel([22, int(10 * effect), k], units=16, periods=4, first=2, effect=effect, **WORLD)
            found = did(rows, **KEYS, kind="hierarchical", seed=k, draws=800, chains=2, tune=250)
            units = say.Units.of(found, published(found, min_cell=1), 1.0)
            claim = units.gained(LEVEL)
            gained += claim.facts["harmed"] > 0 or (effect == 0 and claim.facts["count"] > 0)
            best += units.first("best", LEVEL).settled or units.first("worst", LEVEL).settled
        cells.append(Cell(f"{name}: gained", gained, n, at_most=0.05))
        cells.append(Cell(f"{name}: best or worst", best, n, at_most=0.1))
    show("Difference-in-differences: units", judge(cells))


def test_whole_pages():
    """With every check that the claims need (200 samples a world: each refits its data many times)."""
    cells, n = [], 200
    z = stats.norm.ppf((1 + LEVEL) / 2)
    for design in ("event study", "staggered"):
        world, more = DESIGNS[design]
        for name, effect in (("no effect", 0.0), ("strong", 0.6)):
            pages, estimates = [], []
            for found in fits(world | {"effect": effect}, more, f"{design} {name} page", n):
                doubt = sensitivity(found, placebo_units=0)
                made = say.did_claims(
                    found, doubt, checks=run_checks(found, doubt), better="higher", smallest=0.0, break_even=0.0
                )
                pages.append(made)
                estimates.append(found.effect["estimate"])
            label = f"{design}, {name}: "
            if effect:
                oracle = np.array(estimates) > z * np.std(estimates)
                cells.append(power(label + "power of effect", [p.effect.settled for p in pages], oracle))
                cells.append(power(label + "power of advice", [p.pays.settled for p in pages], oracle))
                for check in say.NEEDED:
                    print(label, check, np.mean([check in p.effect.failed for p in pages]))
            else:
                bold = [
                    p.effect.settled or p.pays.settled or (p.robust is not None and p.robust.settled) for p in pages
                ]
                print(f"{label}pages with any false settled claim: {np.mean(bold):.3f}")
                cells.append(Cell(label + "effect", sum(p.effect.settled for p in pages), n, at_most=0.05))
    show("Difference-in-differences: pages", judge(cells))
