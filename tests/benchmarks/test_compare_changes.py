"""Two runs compared: whether intervals of the change of headline figures cover, and how often a change is claimed where there is none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from driver_worlds import World, truth
from once_worlds import book
from once_worlds import survey as pairs_of
from scipy import stats

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.claims.change import changes_of, figures_changed
from xmresearch.claims.families import adjusted
from xmresearch.data.codebook_file import parse_codebook
from xmresearch.data.survey import prepare_survey
from xmresearch.drivers.expected_gains import gains
from xmresearch.drivers.importance_fit import relative_importance
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.psychometrics.overall import overall_scores
from xmresearch.run.compare.pairing import correlated
from xmresearch.studies.drivers.influence import influences as of_drivers
from xmresearch.studies.drivers.params import DriversParams
from xmresearch.studies.scorecard.asked import asked_metrics
from xmresearch.studies.scorecard.influence import influences as of_scores
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import rows_of_waves
from xmresearch.studies.scorecard.scoring import over_time
from xmresearch.studies.servqual.influence import influences as of_gaps
from xmresearch.studies.servqual.params import ServqualParams

pytestmark = pytest.mark.benchmark
LEVEL = 0.95
SAMPLES, DRIVER_SAMPLES = 1000, 400
WORLDS = {
    "equal waves, different people": (False, 0.0),
    "equal waves, the same people": (False, 1.0),
    "changed waves, different people": (True, 0.0),
    "changed waves, half in both": (True, 0.5),
}
SIZES = {"scorecard": 150, "servqual": 100, "drivers": 200}
STAYS = 0.6
"""Correlation of what people bring along from wave to wave."""
DATA = {"data": {"path": "x.csv"}, "codebook": "x.yml"}


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")


def people(n, overlap, seed, width):
    """Who is in each of two waves, and what each brings along, shape (n, width), normal."""
    rng = np.random.default_rng(seed)
    stay = round(overlap * n)
    first, second = rng.standard_normal((2, n, width))
    second[:stay] = STAYS * first[:stay] + np.sqrt(1 - STAYS**2) * second[:stay]
    who = np.arange(2 * n)
    return (who[:n], first), (np.concatenate([who[:stay], who[n : 2 * n - stay]]), second)


def changes(waves):
    """Compare two waves as `xmresearch compare` does: figures with their intervals, and influences by person."""
    (then, told_then), (now, told_now) = waves
    parts = [then.add_prefix("before_"), now.add_prefix("after_")]
    names = {"before_estimate": "before", "after_estimate": "after"}
    table = pd.concat(parts, axis=1).rename(columns=names)
    r = [correlated(told_then[c], told_now[c]) for c in told_then]
    return changes_of(table.assign(correlation=r), confidence=LEVEL)


def told(study, world, found, true):
    """Cells of coverage by figure and, where nothing changed, of any change claimed; where something did, of its being found."""
    names = list(found[0].index)
    estimates = np.array([f["change"] for f in found])
    claims = [figures_changed("changed", f, names, confidence=LEVEL) for f in found]
    cells = [
        Cell(f"{study}, {world}: {name}", sum(f["change_lower"].iloc[k] <= true[k] <= f["change_upper"].iloc[k] for f in found),
             len(found), at_least=0.93, at_most=0.97)
        for k, name in enumerate(names)
    ]  # fmt: skip
    none = np.abs(true) < 1e-12
    false = [any(none[names.index(n)] for n in c.facts["shown"]) for c in claims]
    if none.any():
        cells.append(Cell(f"{study}, {world}: any false change claimed", sum(false), len(found), at_most=1 - LEVEL))
    if not none.all():
        least = int(np.flatnonzero(~none)[np.abs(true[~none]).argmax()])
        p = 2 * stats.norm.sf(np.abs(estimates) / estimates.std(axis=0, ddof=1))
        oracle = [adjusted(row)[least] < 1 - LEVEL for row in p]
        cells.append(
            power(
                f"{study}, {world}: found of what the oracle finds",
                [names[least] in c.facts["shown"] for c in claims],
                oracle,
            )
        )
    return cells


# ----------------------------------------------------------------------------------------------------------------- scorecard
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
BOOK = parse_codebook(yaml.safe_load("""
name: panel
labels: {en: Panel, zh: 调查}
scale: {minimum: 0, maximum: 10}
constructs: {loyalty: {en: Loyalty, zh: 忠诚度}}
items:
  nps: {kind: outcome, labels: {en: Recommendation, zh: 推荐}}
  csat: {kind: outcome, scale: {minimum: 1, maximum: 5}, labels: {en: Satisfaction, zh: 满意}}
  ces: {kind: outcome, scale: {minimum: 1, maximum: 7}, labels: {en: Ease, zh: 省力}}
"""), "panel")  # fmt: skip
CARD = ScorecardParams.model_validate(DATA | {"metrics": [
    {"item": "nps", "measure": "nps"}, {"item": "csat", "measure": "top_boxes", "boxes": 1}, {"item": "ces", "measure": "mean"},
]})  # fmt: skip
CARD_SURVEY = prepare_survey(
    pd.DataFrame({m: [float(low), float(high)] * 10 for m, (low, high) in SCALES.items()}), BOOK
)
CHANCES = {
    "nps": np.array([0.02, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.15, 0.2]),
    "csat": np.array([0.02, 0.05, 0.13, 0.3, 0.5]), "ces": np.array([0.04, 0.06, 0.1, 0.15, 0.25, 0.25, 0.15]),
}  # fmt: skip


def moved(chances, by):
    """Answers with a share moved from the lowest to the highest one."""
    out = chances.copy()
    out[:2] -= by / 2 * out[:2] / out[:2].mean() / 2
    out[-1] += chances.sum() - out.sum()
    return out


NOW = CHANCES | {"csat": moved(CHANCES["csat"], 0.06), "ces": moved(CHANCES["ces"], 0.09)}


def scores_of(chances):
    """True net score, share of the best answer in per cent, and mean."""
    nps, csat, ces = chances["nps"], chances["csat"], chances["ces"]
    return np.array([100 * (nps[9:].sum() - nps[:7].sum()), 100 * csat[-1], ces @ np.arange(1, 8)])


def card(chances, who, brought):
    u = stats.norm.cdf(brought)
    answers = {
        m: np.searchsorted(np.cumsum(c)[:-1], u[:, k]) + float(SCALES[m][0]) for k, (m, c) in enumerate(chances.items())
    }
    survey = replace(CARD_SURVEY, frame=pd.DataFrame(answers))
    asked = asked_metrics(CARD, BOOK)
    rows = rows_of_waves(survey, CARD, asked[0])
    table = pd.concat([over_time(rows, a, CARD) for a in asked]).set_index("metric")[
        ["estimate", "ci_lower", "ci_upper"]
    ]
    return table.set_axis(["estimate", "lower", "upper"], axis=1), of_scores(CARD, survey).set_index(who)


def test_scorecard():
    cells, n = [], SIZES["scorecard"]
    for world, (differs, overlap) in WORLDS.items():
        after, found = NOW if differs else CHANCES, []
        for k in range(SAMPLES):
            first, second = people(n, overlap, [31, n, k], 3)
            found.append(changes((card(CHANCES, *first), card(after, *second))))
        cells += told("scorecard", world, found, scores_of(after) - scores_of(CHANCES))
    table = judge(cells)
    show(f"Scorecards compared, n = {n}", table)
    assert table["kept"].all()


# ------------------------------------------------------------------------------------------------------------------ servqual
PAIRS = book("pairs")
PAIRS_SURVEY = prepare_survey(pairs_of(50, (4.0,) * 3, 1, form="pairs"), PAIRS)
QUALITY = ServqualParams.model_validate(DATA | {"outcome": None, "weight_column": None, "segments": []})


def quality(n, levels, who, brought, seed):
    frame = pairs_of(n, levels, seed, form="pairs", person=brought, answers=False)
    survey = replace(PAIRS_SURVEY, frame=frame)
    overall = overall_scores(frame, PAIRS).table.set_index("measure").loc[["servqual_unweighted"]]
    dimensions = (
        gaps(frame, PAIRS, bootstrap=0).tidy("dimension").set_index("construct").rename(columns={"gap": "estimate"})
    )
    both = pd.concat([t[["estimate", "ci_lower", "ci_upper"]] for t in (overall, dimensions)])
    return both.set_axis(["estimate", "lower", "upper"], axis=1), of_gaps(QUALITY, survey).set_index(who)


def test_servqual():
    cells, n, start = [], SIZES["servqual"], np.array([3.5, 4.0, 4.5])
    for world, (differs, overlap) in WORLDS.items():
        rise, found = np.array([0.0, 0.0, 0.6]) * differs, []
        for k in range(SAMPLES):
            first, second = people(n, overlap, [41, n, k], 2)
            found.append(changes((quality(n, start, *first, [n, k, 1]), quality(n, start + rise, *second, [n, k, 2]))))
        cells += told("servqual", world, found, np.concatenate([[rise.mean()], rise]))
    table = judge(cells)
    show(f"Gaps compared, n = {n}", table)
    assert table["kept"].all()


# ------------------------------------------------------------------------------------------------------------------- drivers
BEFORE, AFTER = World((0.5, 0.3, 0.2, 0.1), 0.3, 0.8), World((0.2, 0.3, 0.2, 0.1), 0.3, 0.8)
NAMES = [f"d{k}" for k in range(4)]
ASPECTS = parse_codebook(yaml.safe_load(f"""
name: aspects
labels: {{en: Aspects, zh: 方面}}
scale: {{minimum: -100, maximum: 100}}
constructs: {{{", ".join(f"{d}: {{en: {d}, zh: {d}}}" for d in NAMES)}}}
statements: {{{", ".join(f"{k}: {{construct: {d}, labels: {{en: {d}, zh: {d}}}}}" for k, d in enumerate(NAMES, 1))}}}
batteries: {{perception: {{pattern: "p{{id}}"}}}}
items: {{y: {{kind: outcome, labels: {{en: y, zh: y}}}}}}
"""), "aspects")  # fmt: skip
ASPECTS_SURVEY = prepare_survey(
    pd.DataFrame(np.random.default_rng(1).normal(size=(30, 5)), columns=["p1", "p2", "p3", "p4", "y"]), ASPECTS
)
DRIVEN = DriversParams.model_validate(DATA | {"outcome": "y", "weight_column": None, "segments": [], "branches": None})


def driven(world, who, brought, seed):
    k = len(world.slopes)
    x = np.sqrt(world.rho) * brought[:, :1] + np.sqrt(1 - world.rho) * brought[:, 1 : k + 1]
    y = x @ np.array(world.slopes) + world.noise * brought[:, k + 1]
    frame = pd.DataFrame({**{f"p{j + 1}": x[:, j] for j in range(k)}, "y": y})
    survey = replace(ASPECTS_SURVEY, frame=frame)
    drivers = pd.DataFrame(x, columns=NAMES)
    shares = relative_importance(drivers, frame["y"], bootstrap=500, seed=seed).table.set_index("construct")
    gain = (
        gains(drivers, frame["y"], most=dict.fromkeys(NAMES, 100.0), bootstrap=500, seed=seed)
        .of("one_point")
        .set_index("construct")
    )
    parts = [
        t.loc[NAMES, [name, f"{name}_lower", f"{name}_upper"]].set_axis(["estimate", "lower", "upper"], axis=1).rename(
            index=lambda d, name=name: f"{name} {d}")
        for t, name in ((shares, "share"), (gain, "gain"))
    ]  # fmt: skip
    return pd.concat(parts), of_drivers(DRIVEN, survey).set_index(who)


def test_drivers():
    cells, n = [], SIZES["drivers"]
    for world, (differs, overlap) in WORLDS.items():
        after, found = AFTER if differs else BEFORE, []
        for k in range(DRIVER_SAMPLES):
            first, second = people(n, overlap, [51, n, k], 6)
            found.append(changes((driven(BEFORE, *first, 2 * k), driven(after, *second, 2 * k + 1))))
        true = np.concatenate(
            [truth(after)["share"] - truth(BEFORE)["share"], np.subtract(after.slopes, BEFORE.slopes)]
        )
        cells += told("drivers", world, found, true)
    table = judge(cells)
    show(f"Drivers compared, n = {n}", table)
    assert table["kept"].all()
