"""How often what a study of drivers says is false, and how much of what is true it says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.drivers.by_group import drivers_by_group
from xmresearch.drivers.contrasts import penalty_reward
from xmresearch.drivers.expected_gains import gains
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.drivers.kano_model import TABLE, kano
from xmresearch.drivers.quadrants import derived_grid
from xmresearch.errors import InsufficientData
from xmresearch.studies.drivers import claims as say

pytestmark = pytest.mark.benchmark
SAMPLES, LEVEL, DRAWS = 1000, 0.95, 500
SIZES = (60, 300)


CUTS = {"ordinal": [-1.2, -0.3, 0.5, 1.4], "binary": [0.0]}


def world(n, slopes, seed, halo=0.5, kind="numeric"):
    rng = np.random.default_rng(seed)
    k = len(slopes)
    x = 4.5 + np.sqrt(halo) * rng.standard_normal((n, 1)) + np.sqrt(1 - halo) * rng.standard_normal((n, k))
    y = x @ np.array(slopes) + rng.standard_normal(n)
    if kind != "numeric":
        y = 1.0 + np.digitize(y - y.mean(), CUTS[kind])
    return pd.DataFrame(x, columns=list("abcdefgh")[:k]), pd.Series(y, name="y")


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")


def page(x, y, seed, kind="numeric"):
    """What a study says of the first driver; None where it refuses to estimate anything."""
    try:
        driven = relative_importance(x, y, kind=kind, bootstrap=DRAWS, seed=seed)
        gain = gains(x, y, kind=kind, most=dict.fromkeys(x, 99.0), bootstrap=DRAWS, seed=seed)
    except InsufficientData:
        return None
    matter = say.bring_more(gain, driven, 0.0)
    matter = matter if driven.p < 1 - LEVEL else matter.withhold("explains_nothing")
    return {
        "fix": say.fix_first(gain, driven, matter), "strongest": say.strongest(driven), "matter": matter,
        "share": driven.table["share"].to_numpy(), "gain": gain.of("one_point").set_index("construct").loc[list(x), "gain"].to_numpy(),
    }  # fmt: skip


FIRST = {
    "none drives": (0.0,) * 5, "two equal": (0.5, 0.5, 0.0, 0.0, 0.0), "three equal": (0.4, 0.4, 0.4, 0.0, 0.0),
    "two equal, all weak": (0.2, 0.2, 0.1, 0.1, 0.1), "strong": (0.9, 0.2, 0.2, 0.2, 0.2),
}  # fmt: skip
STRONG = 0.5
"""A world is strong where the test that knows the sampling variance settles at least so many samples."""
OF_GRADES = ("none drives", "two equal", "strong")


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", ["numeric", "ordinal", "binary"])
def test_claims_of_the_first_driver(kind, n):
    """Outcomes from 1 to 5, and of two answers, in three worlds of 300 samples: each has 32 cumulative logits and their draws."""
    samples = SAMPLES if kind == "numeric" else 300
    cells, pages = [], {}
    for name, slopes in FIRST.items():
        if kind != "numeric" and name not in OF_GRADES:
            continue
        every = [page(*world(n, slopes, [31, n, k], kind=kind), k, kind) for k in range(samples)]
        found = [f for f in every if f is not None]
        label = f"{kind}, {name}, n = {n}: "
        if len(found) < samples:
            print(f"{label}refused in {samples - len(found)} of {samples}")
        if name == "strong":
            for claim, figure in (("fix", "gain"), ("strongest", "share")):
                values = np.array([f[figure] for f in found])
                between = values[:, :1] - values[:, 1:]
                oracle = (between > stats.norm.ppf((1 + LEVEL) / 2) * between.std(axis=0)).all(axis=1)
                cell = power(f"{label}power of {claim}", [f[claim].settled for f in found], oracle)
                print(
                    f"{cell.label}: the oracle settles {oracle.mean():.2f}, the rule {cell.events / max(cell.samples, 1):.2f} of that"
                )
                cells += [cell] if oracle.mean() >= STRONG else []
            continue
        names = ("fix", "strongest", "matter") if name == "none drives" else ("fix", "strongest")
        wrong = {claim: np.array([f[claim].settled for f in found]) for claim in names}
        cells += [Cell(label + claim, int(w.sum()), len(found), at_most=0.05) for claim, w in wrong.items()]
        pages[label] = np.any(list(wrong.values()), axis=0).mean()
        if "equal" in name and "weak" not in name:
            tied = set("abc"[: 3 if "three" in name else 2])
            missed = sum(not tied <= set(f["fix"].facts["possible"]) for f in found)
            print(f"{label}not all of the equal ones among the possible firsts: {missed / len(found):.3f}")
    table = judge(cells)
    show("Drivers: first", table)
    print("pages with any false settled claim: " + ", ".join(f"{k}{v:.3f}" for k, v in pages.items()))
    assert table["kept"].all()


def test_claims_of_factors_groups_grids_and_kano():
    cells = []
    cumulative = {"O": (1, 5), "A": (1, 3), "M": (3, 5), "I": (3, 3)}
    assert all(TABLE[f - 1][d - 1] == c for c, (f, d) in cumulative.items())
    for n in (90, 300):
        factors, differ, focus, sorted_out, graded = 0, 0, 0, 0, dict.fromkeys(CUTS, 0)
        for k in range(SAMPLES):
            rng = np.random.default_rng([32, n, k])
            x, y = world(n, (0.0,) * 5, [33, n, k])
            factors += say.factors(penalty_reward(x, y)).settled
            x, y = world(n, (0.4, 0.3, 0.2, 0.2, 0.1), [34, n, k])
            groups = drivers_by_group(x, y, pd.DataFrame({"s": rng.choice(["a", "b", "c"], n, p=[0.34, 0.33, 0.33])}))
            differ += groups is not None and say.groups_differ(groups, 10).settled
            for kind in graded:
                x, y = world(n, (0.4, 0.3, 0.2, 0.2, 0.1), [37, n, k], kind=kind)
                groups = drivers_by_group(x, y, pd.DataFrame({"s": rng.choice(["a", "b", "c"], n)}))
                graded[kind] += groups is not None and say.groups_differ(groups, 10).settled
            x, y = world(n, (0.3,) * 5, [35, n, k])
            focus += say.concentrate(derived_grid(x, y, derived="share", bootstrap=DRAWS, seed=k), LEVEL).settled
            chosen = rng.choice(["M", "O"], (n, 5))
            pairs = [pd.DataFrame(np.vectorize(lambda c, i=i: float(cumulative[c][i]))(chosen)) for i in (0, 1)]
            sorted_out += say.categories(kano(*pairs, bootstrap=DRAWS, seed=k)).settled
        cells += [
            Cell(f"none drives, n = {n}: factors", factors, SAMPLES, at_most=0.05),
            Cell(f"same slopes everywhere, n = {n}: differ", differ, SAMPLES, at_most=0.05),
            *(
                Cell(f"{kind}, same slopes everywhere, n = {n}: differ", c, SAMPLES, at_most=0.05)
                for kind, c in graded.items()
            ),
            Cell(f"all alike, n = {n}: focus", focus, SAMPLES, at_most=0.05),
            Cell(f"must-be and one-dimensional equal, n = {n}: kano", sorted_out, SAMPLES, at_most=0.05),
        ]
    found = []
    for k in range(200):
        x, y = world(400, (0.3,) * 5, [36, k])
        group = pd.Series(["a", "b"] * 200)
        y = y + np.where(group == "a", 1.0, 0.0) * (x["a"] - 4.5)
        claim = say.groups_differ(drivers_by_group(x, y, pd.DataFrame({"s": group})), 10)
        found.append("a" in claim.facts["where"])
    cells.append(power("a slope of one more in a group, n = 400: power of differ", found, [True] * 200))
    table = judge(cells)
    show("Drivers: factors, groups, grids and Kano", table)
    assert table["kept"].all()
