"""Do intervals of scores, changes and indices hold the truth in 93 to 97 % of samples? Run with 'make bench'.

Cells, seeds and sample numbers are fixed; a cell fails where its exact binomial interval, Holm-corrected over all cells, excludes the
band. Shares of 2 and 98 % are judged by the mean over shares, as few answers of a kind make any one share jump (Wilson's interval at
n = 50 and p = .02 covers in exactly 92.2 %).
"""

import numpy as np
import pandas as pd
import pytest
from said_and_true import by_bins

from xmresearch.claims.calibration import Cell, judge
from xmresearch.metrics.change_parts import gap_change, mix_and_score
from xmresearch.metrics.composite_indices import composite_index, indicator_scores
from xmresearch.metrics.cumulative_links import cumulative_link
from xmresearch.metrics.league_tables import draws_of_groups, rank_chances
from xmresearch.metrics.many_groups import pool_means, pool_shares
from xmresearch.metrics.measures import answers_in, mean_score, net_promoter_measure, net_recommendation_measure
from xmresearch.metrics.rater_agreement import _FORMS, _interval_ends, _squares
from xmresearch.metrics.scores_by_group import group_scores
from xmresearch.metrics.wave_changes import against_benchmark, matched_change, unpaired_change
from xmresearch.sufficient.counts import Counts

pytestmark = pytest.mark.benchmark
SAMPLES, BAND, SIZES = 4000, (0.93, 0.97), (50, 300, 5000)
NPS = net_promoter_measure()
MIXES = {
    "NPS +10": (0.3, 0.3, 0.4),
    "NPS +70": (0.05, 0.2, 0.75),
    "NPS -40": (0.6, 0.2, 0.2),
    "2 % detractors": (0.02, 0.48, 0.5),
}
EFFORT = np.array([0.04, 0.06, 0.1, 0.15, 0.25, 0.25, 0.15])
SHARES = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98])


def counted(rng, n, chances, levels, samples=SAMPLES, spread=0.0):
    """Counts of many samples at once; with a spread, weights that are log-normal and unrelated to the answers."""
    rows = rng.multinomial(n, chances, size=samples).astype(float)
    if not spread:
        return Counts(
            "a", pd.DataFrame(index=range(samples)), np.asarray(levels, float), rows, rows, rows, np.zeros(samples)
        )
    at = rng.choice(len(chances), size=(samples, n), p=chances)
    w = np.exp(rng.normal(0, spread, (samples, n)))
    tables = [
        np.stack([(x * (at == k)).sum(axis=1) for k in range(len(chances))], axis=1) for x in (np.ones_like(w), w, w**2)
    ]
    return Counts("a", pd.DataFrame(index=range(samples)), np.asarray(levels, float), *tables, np.zeros(samples))


def hits(table, truth):
    return int(((table["lower"] <= truth) & (truth <= table["upper"])).sum())


def show(title, table):
    print(f"\n{title}\n{table.to_string(index=False, float_format='{:.3f}'.format)}")
    assert table["kept"].all()


def cell(label, count, samples=SAMPLES):
    return Cell(label, int(count), samples, *BAND)


def test_scores_and_their_changes():
    cells = []
    for n in SIZES:
        rng = np.random.default_rng([1, n])
        for name, mix in MIXES.items():
            truth = 100 * (mix[2] - mix[0])
            first, second = (group_scores(counted(rng, n, mix, (3, 7, 10)), NPS).table for _ in range(2))
            cells.append(cell(f"{name}, n = {n}", hits(first, truth)))
            cells.append(cell(f"change of {name}, n = {n}", changed(first, second, 0)))
        measure = mean_score(range(1, 8))
        first, second = (group_scores(counted(rng, n, EFFORT, range(1, 8)), measure).table for _ in range(2))
        truth = float(EFFORT @ np.arange(1, 8))
        cells += [
            cell(f"CES mean, n = {n}", hits(first, truth)),
            cell(f"change of CES, n = {n}", changed(first, second, 0)),
        ]
        if n < 5000:
            weighed = group_scores(counted(rng, n, MIXES["NPS +10"], (3, 7, 10), spread=0.6), NPS).table
            cells.append(cell(f"weighted NPS, n = {n}", hits(weighed, 10)))
            weighed = group_scores(counted(rng, n, EFFORT, range(1, 8), spread=0.6), measure).table
            cells.append(cell(f"weighted CES, n = {n}", hits(weighed, truth)))
    show("Scorecard: scores and changes", judge(cells))


def changed(first, second, truth):
    inside = 0
    for a, b in zip(first.to_dict("records"), second.to_dict("records"), strict=True):
        found = unpaired_change(a, b)
        inside += found.lower <= truth <= found.upper
    return inside


def test_shares_over_the_whole_scale():
    """Mean coverage over shares from 2 to 98 %, the smallest printed."""
    measure, cells = answers_in((0, 1), [1]), []
    for n in SIZES:
        rng = np.random.default_rng([2, n])
        one, two = [], []
        for p in SHARES:
            tables = [group_scores(counted(rng, n, (1 - p, p), (0, 1)), measure).table for _ in range(2)]
            one.append(hits(tables[0], p))
            two.append(changed(tables[0].head(1000), tables[1].head(1000), 0))
        print(f"n = {n}: smallest coverage of a share {min(one) / SAMPLES:.3f}, of a change {min(two) / 1000:.3f}")
        cells.append(cell(f"CSAT, mean over shares, n = {n}", sum(one), SAMPLES * len(SHARES)))
        cells.append(cell(f"change of CSAT, mean over shares, n = {n}", sum(two), 1000 * len(SHARES)))
    show("Scorecard: shares", judge(cells))


def test_paired_changes_benchmarks_and_parts():
    cells = []
    for n in SIZES:
        rng = np.random.default_rng([3, n])
        paired = gap = parts = mark = 0
        samples = 1000
        for _ in range(samples):
            before = rng.choice([-100.0, 0, 100], n, p=MIXES["NPS +10"])
            after = np.where(rng.random(n) < 0.85, before, rng.choice([-100.0, 0, 100], n, p=MIXES["NPS +10"]))
            found = matched_change(before, after, step=100)
            paired += found.lower <= 0 <= found.upper
            trait = rng.normal(0, 1, (2, n))
            e, p = (
                [m + 0.5 * trait[k] + rng.normal(0, 0.7, n) for k, m in enumerate(ms)]
                for ms in ((6.0, 5.6), (5.0, 5.1))
            )
            row = gap_change(tuple(e), tuple(p)).table.set_index("part").loc["total"]
            gap += row["lower"] <= 0.5 <= row["upper"]
            parts += mixed(rng, n)
            own = group_scores(counted(rng, n, MIXES["NPS +10"], (3, 7, 10), samples=1), NPS).table.iloc[0].to_dict()
            theirs = group_scores(counted(rng, n, MIXES["NPS +70"], (3, 7, 10), samples=1), NPS).table.iloc[0]
            found = against_benchmark(own, theirs["estimate"], lower=theirs["lower"], upper=theirs["upper"])
            mark += found.lower <= -60 <= found.upper
        named = {
            "paired change of NPS": paired,
            "change of a gap": gap,
            "score part of a change": parts,
            "against a benchmark": mark,
        }
        cells += [cell(f"{k}, n = {n}", v, samples) for k, v in named.items()]
    show("Scorecard: paired changes, parts, benchmarks", judge(cells))


def mixed(rng, n):
    """Whether the interval of the score part holds 8 points: scores rise by 8 in every segment, and the mix moves."""
    sd, means = 40.0, np.array([10.0, 30, 50])
    waves = []
    for shares, shift in (([0.5, 0.3, 0.2], 0.0), ([0.3, 0.3, 0.4], 8.0)):
        size = np.maximum(rng.multinomial(n, shares), 2)
        y = [rng.normal(m + shift, sd, k) for m, k in zip(means, size, strict=True)]
        spread = [v.std(ddof=1) / np.sqrt(len(v)) for v in y]
        waves.append(pd.DataFrame({
            "segment": list("xyz"), "share": size / size.sum(), "n_eff": size, "estimate": [v.mean() for v in y], "spread": spread,
        }))  # fmt: skip
    row = mix_and_score(*waves).table.set_index("part").loc["score"]
    return row["lower"] <= 8 <= row["upper"]


def test_index_and_ordinal_effects():
    cells = []
    for n in SIZES:
        rng = np.random.default_rng([4, n])
        index = effect = 0
        samples = 1000 if n < 5000 else 400
        cuts = np.log(np.cumsum(EFFORT)[:-1] / (1 - np.cumsum(EFFORT)[:-1]))
        for _ in range(samples):
            trait = rng.normal(0, 1, n)
            nps = np.where(
                trait + rng.normal(0, 1, n) > 0.5, 100.0, np.where(trait + rng.normal(0, 1, n) > -0.5, 0.0, -100.0)
            )
            frame = pd.DataFrame({"nps": nps, "csat": (rng.random(n) < 0.9).astype(float)})
            frame = pd.concat([frame, frame], ignore_index=True)
            scores, cov, sizes = indicator_scores(frame, pd.Series(np.repeat(["a", "b"], n)))
            found = composite_index(
                scores,
                {"nps": (-100, 100), "csat": (0, 1)},
                {"equal": {"nps": 1, "csat": 1}},
                covariances=cov,
                n=sizes,
                draws=10,
            )
            index += found.lower.loc["a", "equal"] <= TRUE_INDEX <= found.upper.loc["a", "equal"]
            x = np.repeat([0.0, 1.0], [n // 2, n - n // 2])
            y = (rng.logistic(size=n)[:, None] + 0.5 * x[:, None] > cuts).sum(axis=1)
            table = pd.crosstab(x, y).stack()
            fitted = cumulative_link(
                table.index.get_level_values(1),
                pd.DataFrame({"x": table.index.get_level_values(0)}),
                frequencies=table.to_numpy(),
            )
            row = fitted.table.iloc[-1]
            effect += row["lower"] <= 0.5 <= row["upper"]
        cells += [cell(f"index, n = {n}", index, samples), cell(f"ordinal effect on CES, n = {n}", effect, samples)]
    show("Scorecard: index and ordinal model", judge(cells))


def _true_index():
    rng = np.random.default_rng(0)
    t, a, b = rng.normal(size=(3, 4_000_000))
    high, low = t + a > 0.5, t + b > -0.5
    return 25 + np.where(high, 100.0, np.where(low, 0.0, -100.0)).mean() / 4 + 45.0


TRUE_INDEX = _true_index()


def test_pooled_branches_and_their_ranks():
    """Branches that come from the model: intervals hold them, and the probability of the first rank is as often right as it says.

    Over spreads between branches that are drawn as the prior has them, calibration is exact but for chance; at one small spread the
    probabilities may be cautious, and must not be bold.
    """
    cells, rows = [], []
    for between in (5.0, 10.0, 20.0, None):
        rng = np.random.default_rng([5, int(between or 0)])
        inside, said, right, samples, branches = 0, [], [], 1000, 20
        for k in range(samples):
            truth = rng.normal(20, between or rng.uniform(0, 40), branches)
            se = 80 / np.sqrt(rng.integers(15, 400, branches))
            found = pool_means(truth + rng.normal(0, se), se, draws=1000, seed=k)
            inside += int(((found.table["lower"] <= truth) & (truth <= found.table["upper"])).sum())
            chance = rank_chances(found.draws)[:, 0]
            said.append(chance.max())
            right.append(chance.argmax() == truth.argmax())
        name = "drawn" if between is None else f"{between:g}"
        cells.append(Cell(f"pooled NPS, between {name}", inside, samples * branches, *BAND))
        cells.append(
            Cell(
                f"first rank, between {name}: lower", int(np.sum(right)), samples, at_least=max(np.mean(said) - 0.02, 0)
            )
        )
        if between is None:
            cells.append(
                Cell("first rank, between drawn: upper", int(np.sum(right)), samples, at_most=np.mean(said) + 0.02)
            )
        rows.append((name, np.mean(said), np.mean(right)))
    for p in (0.02, 0.5, 0.98):
        rng = np.random.default_rng([6, int(100 * p)])
        inside = 0
        for k in range(200):
            truth = rng.beta(p * 60, (1 - p) * 60, 40)
            n = rng.integers(15, 400, 40)
            found = pool_shares(rng.binomial(n, truth), n, draws=2000, seed=k)
            inside += int(((found.table["lower"] <= truth) & (truth <= found.table["upper"])).sum())
        cells.append(Cell(f"pooled share {p:g}", inside, 8000, *BAND))
    print(pd.DataFrame(rows, columns=["between", "said to be first", "was the first"]).to_string(index=False))
    show("Scorecard: pooled branches", judge(cells))


PAIRS = {"+20, few say both": (0.35, 0.45, 0.2), "+2, hardly any": (0.01, 0.96, 0.03), "-50": (0.6, 0.3, 0.1)}
"""Shares who would advise against, who would do neither or say both, and who would recommend."""


FEW_OF_EITHER = 5
"""Answers of either kind that are expected, below which an interval is only held not to cover too seldom."""


def test_net_recommendations_and_their_changes():
    measure, cells = net_recommendation_measure(), []
    for n in SIZES:
        rng = np.random.default_rng([11, n])
        for name, (against, neither, would) in PAIRS.items():
            tables = [
                group_scores(counted(rng, n, (against, neither, would), (-1, 0, 1)), measure).table for _ in range(2)
            ]
            found = (hits(tables[0], 100 * (would - against)), changed(*tables, 0))
            if n * (1 - neither) < FEW_OF_EITHER:  # so few of either kind come in steps: more than the level, not less
                print(f"n = {n}, {name}: covered {found[0] / SAMPLES:.3f}, change {found[1] / SAMPLES:.3f}")
                assert min(found) >= BAND[0] * SAMPLES
                continue
            cells += [
                cell(f"{what} {name}, n = {n}", count)
                for what, count in zip(("net recommendation", "change of"), found, strict=True)
            ]
    show("Scorecard: net recommendation", judge(cells))


@pytest.mark.parametrize(("subjects", "raters"), [(12, 2), (30, 4)])
def test_agreement_of_raters(subjects, raters):
    """Intraclass correlations of subjects and raters drawn anew: single, of the mean, and what is left of differences."""
    samples, cells = 1000, []
    for between, rater in ((1.0, 0.1), (0.3, 0.3), (3.0, 0.0)):
        rng = np.random.default_rng([12, subjects, raters, int(10 * between)])
        true = {
            "ICC2": between / (between + rater + 1), "ICC2k": between / (between + (rater + 1) / raters), "ICC3k": between / (between + 1 / raters),
        }  # fmt: skip
        inside = dict.fromkeys(true, 0)
        for _ in range(samples):
            marks = (
                np.sqrt(between) * rng.normal(size=(subjects, 1)) + np.sqrt(rater) * rng.normal(size=raters) + rng.normal(size=(subjects, raters))
            )  # fmt: skip
            ends = dict(zip(_FORMS, _interval_ends(*_squares(marks), *marks.shape, 0.95), strict=True))
            for form, value in true.items():
                inside[form] += ends[form][0] <= value <= ends[form][1]
        cells += [
            cell(f"{form}, {between:g} between and {rater:g} of raters", count, samples)
            for form, count in inside.items()
        ]
    show(f"Raters: {subjects} subjects, {raters} raters", judge(cells))


@pytest.mark.parametrize("groups", [5, 20])
def test_ranks_are_not_said_to_be_surer_than_they_are(groups):
    """Net promoter scores of groups that are equal, near one another and far apart, a third of the worlds each: no bin is bold."""
    cells = []
    for n in (20, 60, 300, 1000):
        said, true = [], []
        for k in range(1500):
            rng = np.random.default_rng([92, groups, n, k])
            spread = (0.0, 0.05, 0.15)[k % 3]
            net = spread * rng.standard_normal(groups)
            better, worse = np.clip(0.4 + net / 2, 0.02, 0.7), np.clip(0.25 - net / 2, 0.02, 0.28)
            sizes = np.maximum(np.round(n * rng.lognormal(0, 0.5, groups)), 10).astype(int)
            got = np.array(
                [rng.multinomial(m, [w, 1 - w - b, b]) for m, w, b in zip(sizes, worse, better, strict=True)]
            )
            score = (got[:, 2] - got[:, 0]) / sizes
            se = np.sqrt(
                ((got[:, 2] + got[:, 0] + 1.5) / (sizes + 3) - score**2 * (sizes / (sizes + 3)) ** 2) / (sizes + 3)
            )
            chance = rank_chances(draws_of_groups(score, se, sizes, seed=k))[:, 0]
            truth = better - worse
            said.append(chance.max())
            true.append(chance.argmax() == (truth.argmax() if spread else rng.integers(groups)))
        cells += by_bins(f"{groups} groups, n = {n}", np.array(said), np.array(true), exact=False)
    table = judge(cells)
    show("Scorecard: probability of being first", table)
    assert table["kept"].all()
