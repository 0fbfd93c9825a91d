"""How often what an attribution study says is false, and how much of what is true it says."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from attribution_worlds import journeys
from scipy import stats

from xmresearch.attribution.across_channels import ConsistencyResult
from xmresearch.attribution.comparison import side_by_side
from xmresearch.attribution.exits import ExitCounts
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.order import choose_order
from xmresearch.attribution.returns import add_cost
from xmresearch.attribution.rules_of_thumb import heuristics
from xmresearch.attribution.scores import mean_scores
from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.studies.attribution import carriers, experience, losses, money
from xmresearch.sufficient.customer_groups import group_of
from xmresearch.sufficient.journeys import Journeys
from xmresearch.sufficient.transition_table import transitions

pytestmark = pytest.mark.benchmark
SAMPLES, LEVEL = 1000, 0.95
Z = stats.norm.ppf((1 + LEVEL) / 2)
# shares of touches; touchpoints with equal shares have equal credit
MIXES = {
    "two equal": (3, 3, 1, 1), "two equal, rest near": (6, 6, 5, 5), "three equal": (3, 3, 3, 1), "all equal": (1, 1, 1, 1),
    "strong": (3, 1.5, 1.5, 1.5),
}  # fmt: skip
COST = {"app": 5.0, "desk": 5.0, "phone": 5.0, "post": 5.0}


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")


def credited(source, **options):
    return markov(transitions(source, 1), draws=1000, **options)


def costing(credits, cost):
    """Return the credits with other costs, in the order of `COST`."""
    table = credits.table.drop(columns=[c for c in credits.table if c.startswith(("cost", "budget", "roi"))])
    add_cost(table, pd.Series(cost, list(COST)).reindex(table["channel"]).to_numpy())
    return replace(credits, table=table)


def leads(figures):
    """Say of each sample whether a z test that knows the sampling variance settles that the first column exceeds the others."""
    gap = figures[:, :1] - figures[:, 1:]
    return (gap > Z * gap.std(axis=0)).all(axis=1)


def measured(mix, n, seed):
    """Return what experiments with an error of a tenth find of touchpoints whose credits are their shares."""
    rng = np.random.default_rng(seed)
    truth = n / 2 * np.array(mix) / sum(mix)
    error = 0.1 * truth
    at = truth + error * rng.standard_normal(len(truth))
    return {c: (a, a - Z * e, a + Z * e) for c, a, e in zip(COST, at, error, strict=True)}


def every_claim(n, world, k):
    """Return the claims that rest on credits, of one sample, and the shares."""
    mix = MIXES[world]
    source = journeys(n, mix, 0.5, [21, n, k, len(world)], value=2.0)
    equal = world == "all equal"
    lift = measured(mix, n, [22, n, k]) if equal else None
    credits = credited(source, seed=k, cost=COST, lift=lift)
    found = {
        "carrier": carriers.carries_most(credits), "fund_return": money.fund_first(credits),
        "under": money.under_funded(credits), "fits": carriers.chain_fits(credits),
        "share": credits.table.set_index("channel")["share"].reindex(list(COST)).to_numpy(),
    }  # fmt: skip
    if equal:
        # a quarter of the credit, and of the value of this log, is of each touchpoint
        quarter = credits.facts["value"] / 4
        half = costing(credits, quarter * np.array([2.0, 0.5, 0.5, 0.5]))
        found |= {
            "over": money.over_funded(credits), "lifts": money.lifts_differ(credits),
            "losing": money.no_return(costing(credits, np.full(4, quarter))),
            "methods": carriers.methods_agree(credits, side_by_side(credits, heuristics(source, half_life=2))),
            "half": money.no_return(half), "roi": half.table.set_index("channel").loc["app", "roi"],
        }  # fmt: skip
    return found


def test_claims_of_credit():
    """Carriers, returns, budgets, experiments, methods and fit, from the same journeys."""
    cells, pages = [], {}
    for n in (100, 500):
        for world in MIXES:
            found = [every_claim(n, world, k) for k in range(SAMPLES)]
            label, wrong = f"{world}, n = {n}: ", {"fits": np.array([f["fits"].verdict == "failed" for f in found])}
            if world == "strong":
                oracle = leads(np.array([f["share"] for f in found]))
                for name in ("carrier", "fund_return", "under"):
                    cells.append(power(f"{label}power of {name}", [f[name].settled for f in found], oracle))
            else:
                wrong |= {name: np.array([f[name].settled for f in found]) for name in ("carrier", "fund_return")}
                tied = set(list(COST)[: {"three equal": 3, "all equal": 4}.get(world, 2)])
                missed = sum(not tied <= set(f["carrier"].facts["possible"]) for f in found)
                print(f"{label}not all of the equal ones among the possible carriers: {missed / SAMPLES:.3f}")
            if world == "all equal":
                for name in ("over", "under", "lifts", "losing"):
                    wrong[name] = np.array([f[name].settled for f in found])
                wrong["methods"] = np.array([f["methods"].verdict == "differs" for f in found])
                roi = np.array([f["roi"] for f in found])
                oracle = roi < -stats.norm.ppf(1 - (1 - LEVEL) / 2 / 4) * roi.std()
                cells.append(
                    power(
                        f"{label}power of losing, half the cost earned",
                        ["app" in f["half"].facts["shown"] for f in found],
                        oracle,
                    )
                )
            cells += [Cell(label + name, int(w.sum()), SAMPLES, at_most=1 - LEVEL) for name, w in wrong.items()]
            pages[label.rstrip(": ")] = np.any(list(wrong.values()), axis=0).mean()
    table = judge(cells)
    show("Attribution: credit, money, experiments", table)
    print("pages with any false claim of these: " + ", ".join(f"{k} {v:.3f}" for k, v in pages.items()))
    assert table["kept"].all()


def test_claims_of_losses():
    """Where most are lost, and what to fix: counts alone, and with scores."""
    cells = []
    for n in (60, 600):
        for world, mix in MIXES.items():
            leak, fix, counts, priority = [], [], [], []
            for k in range(SAMPLES):
                exits = ExitCounts(journeys(n, mix, 0.5, [24, n, k, len(world)]))
                shown = rated(exits, (5.0, 7.0, 7.0, 7.0) if world == "strong" else (6.0,) * 4, [25, n, k])
                leak.append(losses.most_lost(shown, exits, confidence=LEVEL, seed=k).settled)
                fix.append(losses.fix_first(shown, exits, (1.0, 10.0), confidence=LEVEL, seed=k).settled)
                counts.append(exits.count)
                priority.append(shown.touchpoints["priority"].to_numpy())
            label = f"{world}, n = {n}: "
            if world == "strong":
                cells.append(power(f"{label}power of leak", leak, leads(np.array(counts))))
                cells.append(power(f"{label}power of fix", fix, leads(np.array(priority))))
            else:
                cells.append(Cell(f"{label}leak", sum(leak), SAMPLES, at_most=1 - LEVEL))
                cells.append(Cell(f"{label}fix", sum(fix), SAMPLES, at_most=1 - LEVEL))
    for n in (60, 400):
        shown = [several(n, 5, [31, n, k]) for k in range(SAMPLES)]
        leak = sum(losses.most_lost(rated(e, (6.0,) * 4, 1), e, confidence=LEVEL, seed=1).settled for e in shown)
        cells.append(Cell(f"all equal, {n} customers of 5 journeys: leak", leak, SAMPLES, at_most=1 - LEVEL))
    table = judge(cells)
    show("Attribution: where people are lost", table)
    assert table["kept"].all()


def several(customers, each, seed):
    """Return exits of customers who keep to touchpoints of their own, so that their journeys are no independent ones."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), each)
    limits = rng.dirichlet(np.ones(4), customers).cumsum(axis=1)[owner]
    codes = (rng.random(len(owner))[:, None] > limits).sum(axis=1).clip(max=3)
    won = (rng.random(len(owner)) < 0.5).astype(float)
    return ExitCounts(Journeys(
        tuple(COST), codes.astype(np.int32), np.arange(len(owner) + 1), won, 1 - won, won, won, won, group=group_of(owner),
        customers=customers,
    ))  # fmt: skip


def rated(exits, means, seed):
    """Return touchpoints with these exits and mean scores of 40 answers each, whose true SD is 2, as a survey would give."""
    rng = np.random.default_rng(seed)
    answers = np.array(means)[:, None] + 2 * rng.standard_normal((len(means), 40))
    table = pd.DataFrame({
        "touchpoint": exits.channels, "exits": exits.count, "lost": exits.count / exits.count.sum(), "exit_rate": 0.25,
        "touches": 4 * exits.count, "scores": 40.0, "score": answers.mean(axis=1), "score_sd": answers.std(axis=1, ddof=1),
    })  # fmt: skip
    raw = table["exits"] * (10 - table["score"])
    return SimpleNamespace(touchpoints=table.assign(priority=raw / raw.sum()))


def test_claims_of_consistency():
    """Three media: equal (never 'differs'), exactly the tolerance apart (never 'alike'), far apart, and equal and many."""
    cells = []
    for n in (15, 150):
        for media, sds in (
            ((0, 0, 0), (2, 2, 2)),
            ((0, 0, 0), (3, 1, 1)),
            ((0, 0, 0.5), (2, 2, 2)),
            ((0, 0, 1.5), (2, 2, 2)),
        ):
            found, gaps = [], []
            for k in range(SAMPLES):
                rng = np.random.default_rng([26, n, k])
                sizes = (n, 2 * n, 4 * n)
                score = np.concatenate(
                    [m + s * rng.standard_normal(z) for m, s, z in zip(media, sds, sizes, strict=True)]
                )
                frame = pd.DataFrame({"channel": np.repeat(["a", "b", "c"], sizes), "score": score})
                found.append(claimed(frame))
                gaps.append(frame.groupby("channel")["score"].mean().to_numpy())
            label = f"media {media}, sd {sds}, n = {n}: "
            if media[2] == 0:
                cells.append(
                    Cell(label + "differs", sum(c.verdict == "differs" for c in found), SAMPLES, at_most=1 - LEVEL)
                )
            if media[2] >= 0.5:
                cells.append(
                    Cell(label + "alike", sum(c.verdict == "alike" for c in found), SAMPLES, at_most=1 - LEVEL)
                )
            if media[2] > 1:
                means = np.array(gaps)
                between = np.stack([means[:, 2] - means[:, 0], means[:, 2] - means[:, 1]], axis=1)
                bound = stats.norm.ppf(1 - (1 - LEVEL) / 2 / 3)
                oracle = (between > bound * between.std(axis=0)).any(axis=1)
                cells.append(power(label + "power of differs", [c.verdict == "differs" for c in found], oracle))
    alike = []
    for k in range(SAMPLES):
        rng = np.random.default_rng([27, k])
        alike.append(
            claimed(pd.DataFrame({"channel": np.repeat(["a", "b", "c"], 900), "score": 2 * rng.standard_normal(2700)}))
        )
    cells.append(power("equal, n = 900: power of alike", [c.verdict == "alike" for c in alike], [True] * SAMPLES))
    table = judge(cells)
    show("Attribution: the same experience in every channel", table)
    assert table["kept"].all()


def claimed(frame):
    table = mean_scores(frame.assign(experience="all"), ["experience", "channel"], "score")
    return experience.same_everywhere(ConsistencyResult(table, table, (), 0.5, LEVEL))


def higher(n, k):
    """Whether an order above the true one, 1, is called the one that the journeys call for."""
    claim = carriers.order_chosen(choose_order(journeys(n, (3, 1, 1, 1), 0.5, [32, n, k]), 2, seed=k), 1, LEVEL)
    return claim.verdict == "first" and claim.facts["leader"] > 1


def test_claims_of_methods_and_spread():
    """The last touch five points off the chain; and journeys that the chain describes (200 samples: each has a bootstrap)."""
    cells, alike = [], 0
    for n in (100, 500):
        wider = 0
        for k in range(200):
            source = journeys(n, (1, 1, 1, 1), 0.5, [29, n, k])
            credits = markov(transitions(source, 1), journeys=source, draws=1000, bootstrap=200, seed=k)
            wider += carriers.spread_holds(credits).verdict == "failed"
        cells.append(Cell(f"chain true, n = {n}: spread called wider", wider, 200, at_most=1 - LEVEL))
    for k in range(SAMPLES):
        source = journeys(4000, (1, 1, 1, 1), 0.5, [30, k])
        credits = credited(source, seed=k)
        compared = side_by_side(credits, heuristics(source, half_life=2))
        shift = compared["channel"].map(dict(zip(COST, (0.05, -0.05, 0.0, 0.0), strict=True)))
        alike += carriers.methods_agree(credits, compared.assign(last=compared["last"] + shift)).verdict == "alike"
    for n in (100, 500):
        order = sum(higher(n, k) for k in range(200))
        cells.append(Cell(f"order 1, n = {n}: a higher one (200 samples)", order, 200, at_most=1 - LEVEL))
    cells.append(Cell("five points apart, n = 4000: methods alike", alike, SAMPLES, at_most=1 - LEVEL))
    table = judge(cells)
    show("Attribution: methods and spread", table)
    assert table["kept"].all()
