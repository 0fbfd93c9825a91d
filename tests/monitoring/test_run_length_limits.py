"""Rules of alarm: the run length that is printed is the one that is had, for counts and for estimated centres; beginnings are dated."""

import numpy as np
import pytest
from scipy import stats

from xmresearch.errors import DataError
from xmresearch.monitoring.baseline_errors import process_of
from xmresearch.monitoring.chart_scores import normal_scores
from xmresearch.monitoring.count_charts import c_chart, np_chart, p_chart, u_chart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length
from xmresearch.monitoring.episodes import alarm_episodes
from xmresearch.monitoring.individuals_chart import xmr_chart
from xmresearch.monitoring.run_length_limits import SHIFTS, alarm_rules, alarms
from xmresearch.monitoring.run_lengths import average_run_length
from xmresearch.monitoring.run_rules import RunRules, rule_hits
from xmresearch.monitoring.score_charts import mean_chart, nps_chart, ordinal_chart

RNG = np.random.default_rng(11)
SIZES = RNG.integers(15, 60, 40)
CHARTS = {
    "p": p_chart(RNG.binomial(SIZES, 0.1), SIZES), "np": np_chart(RNG.binomial(30, 0.1, 40), [30] * 40),
    "u": u_chart(RNG.poisson(SIZES * 0.1), SIZES), "c": c_chart(RNG.poisson(5, 40)),
    "nps": nps_chart(*RNG.multinomial(25, [0.2, 0.3, 0.5], 40).T), "p_prime": p_chart(RNG.binomial(SIZES, 0.1), SIZES, overdispersed=True),
    "ridit": ordinal_chart(RNG.multinomial(25, [0.2, 0.3, 0.5], 40)), "xmr": xmr_chart(RNG.normal(size=40)),
    "mean": mean_chart([10] * 40, (a := RNG.normal(size=(40, 10))).sum(axis=1), (a**2).sum(axis=1)),
}  # fmt: skip


def test_scores_of_counts_are_deviates_of_exact_mid_p_values():
    table, score = CHARTS["p"].tidy(), normal_scores(CHARTS["p"])
    share = table["centre"].iloc[0]
    x = np.round(table["value"] * table["n"])
    mid = stats.binom.cdf(x - 1, table["n"], share) + stats.binom.pmf(x, table["n"], share) / 2
    np.testing.assert_allclose(stats.norm.cdf(score), mid, rtol=1e-9)
    c = CHARTS["c"].tidy()
    mid = stats.poisson.cdf(c["value"] - 1, c["centre"]) + stats.poisson.pmf(c["value"], c["centre"]) / 2
    np.testing.assert_allclose(stats.norm.cdf(normal_scores(CHARTS["c"])), mid, rtol=1e-9)


def test_scores_of_a_net_chart_are_those_of_all_ways_to_answer():
    chart = nps_chart([1, 1, 0], [1, 0, 1], [1, 2, 2], shares=(0.2, 0.3, 0.5))
    ways = dict.fromkeys(range(-3, 4), 0.0)
    for a in range(4):
        for b in range(4 - a):
            ways[3 - a - b - a] += stats.multinomial.pmf([a, b, 3 - a - b], 3, [0.2, 0.3, 0.5])
    want = [sum(p for d, p in ways.items() if d < net) + ways[net] / 2 for net in (0, 1, 2)]
    np.testing.assert_allclose(stats.norm.cdf(normal_scores(chart)), want, rtol=1e-9)


def test_scores_of_weighted_counts_are_standardised_values():
    chart = p_chart([2.5, 3.1, 4.2], [10, 11, 12])
    np.testing.assert_allclose(normal_scores(chart), chart.tidy()["z"])


@pytest.mark.parametrize(("shape", "rules"), [(1, RunRules(3)), (2, RunRules(3, 2)), (3, RunRules(3, 2, 1))])
def test_the_run_length_printed_is_that_of_counts_with_a_known_centre(shape, rules):
    """Binomial counts of 30 with share .1 known: simulated alarms within 10 % of what is printed, where the normal law is off by more."""
    rng = np.random.default_rng(shape)
    chart = np_chart(rng.binomial(30, 0.1, 200_000), np.full(200_000, 30), centre=0.1)
    set_rules = alarm_rules(chart, rules, run_length=100)
    assert set_rules.guarantee is None
    assert set_rules.expected == set_rules.guaranteed >= 100
    hits = rule_hits(normal_scores(chart), set_rules.rules).any(axis=1).to_numpy()
    lengths, start = [], 0
    for stop in np.flatnonzero(hits):
        # every alarm begins the chart anew: patterns that reach back over one are no alarm of their own
        if stop >= start and rule_hits(normal_scores_of(chart, start, stop), set_rules.rules).iloc[-1].any():
            lengths.append(stop - start + 1)
            start = stop + 1
        if len(lengths) == 600:
            break
    assert abs(np.mean(lengths) / set_rules.expected - 1) < 0.1


def normal_scores_of(chart, start, stop):
    if not hasattr(normal_scores_of, "kept") or normal_scores_of.kept[0] is not chart:
        normal_scores_of.kept = (chart, normal_scores(chart))
    return normal_scores_of.kept[1][max(start, stop - 5) : stop + 1]


@pytest.mark.parametrize("kind", CHARTS)
def test_limits_of_estimated_centres_are_wider(kind):
    chart = CHARTS[kind]
    sure, plain = alarm_rules(chart, run_length=200, draws=200), alarm_rules(chart, run_length=200, guarantee=None)
    assert sure.factor >= plain.factor
    assert sure.expected >= sure.guaranteed >= 200
    assert plain.guarantee is None


def test_the_run_length_is_reached_in_nine_baselines_of_ten():
    """Individual values, baselines of 40: the run length each chart truly has, from its own centre and spread (200 baselines)."""
    rng = np.random.default_rng(7)
    process = process_of(CHARTS["xmr"], draws=500)
    rules = alarm_rules(CHARTS["xmr"], run_length=200, process=process)
    plain = alarm_rules(CHARTS["xmr"], run_length=200, guarantee=None)
    charts = [xmr_chart(rng.normal(size=40)).tidy() for _ in range(200)]
    centre, sigma = (np.array([c[k].iloc[0] for c in charts]) for k in ("centre", "sigma"))
    reached = [
        (average_run_length(r.rules, shift=-centre / sigma, scale=1 / sigma) >= 200).sum() for r in (rules, plain)
    ]
    assert stats.binomtest(int(reached[0]), 200, 0.9).pvalue > 0.01
    assert reached[1] < 130


def test_delays_stand_beside_the_optimum():
    rules = alarm_rules(CHARTS["xmr"], RunRules(3, 2), run_length=370, guarantee=None)
    table = rules.tidy()
    assert table["shift"].tolist() == list(SHIFTS)
    assert (table["delay"] >= table["optimum"] * 0.999).all()
    one = table[table["shift"] == 1.0].iloc[0]
    np.testing.assert_allclose(one["delay"], average_run_length(rules.rules, shift=1.0))
    np.testing.assert_allclose(one["optimum"], cusum_run_length(0.5, cusum_limit(rules.expected), shift=1.0))


def test_limits_are_told_in_the_figures_own_units():
    for kind in ("p", "nps", "xmr", "c"):
        rules = alarm_rules(CHARTS[kind], run_length=20, guarantee=None)
        table, value = alarms(CHARTS[kind], rules), CHARTS[kind].tidy()["value"]
        outside = (value < table["lower"] - 1e-9) | (value > table["upper"] + 1e-9)
        assert outside.tolist() == table["alarm"].tolist()
    many = alarms(CHARTS["c"], alarm_rules(CHARTS["c"], RunRules(None, 2), run_length=20, guarantee=None))
    assert many["upper"].isna().all()


def test_what_rules_cannot_reach_is_refused():
    with pytest.raises(DataError, match="longer than 8"):
        alarm_rules(CHARTS["xmr"], RunRules(3, run=8), run_length=370)
    with pytest.raises(DataError, match="run length of 2"):
        alarm_rules(CHARTS["xmr"], run_length=2)
    with pytest.raises(DataError, match="guarantee"):
        alarm_rules(CHARTS["xmr"], guarantee=1.0)
    with pytest.raises(DataError, match="Chart ridits"):
        alarm_rules(ordinal_chart([[5, 5], [6, 4]], statistic="chi_square"))


def test_episodes_have_a_side_a_beginning_and_an_end():
    z = np.zeros(60)
    z[20:30], z[45:] = 2.0, -2.0
    flagged = np.zeros(60, dtype=bool)
    flagged[[22, 25, 47, 50]] = True
    table = alarm_episodes(z, flagged)
    assert table["side"].tolist() == [1, -1]
    assert table["began"].tolist() == [20, 45]
    assert table["first_alarm"].tolist() == [22, 47]
    assert table["over"].tolist() == [True, False]
    assert table["alarms"].tolist() == [2, 2]
    assert table["last"].iloc[0] < 45
    assert alarm_episodes(z, flagged, start=48)["first_alarm"].tolist() == [50]
    assert alarm_episodes(z, np.zeros(60, dtype=bool)).empty
    with pytest.raises(DataError):
        alarm_episodes(z, flagged[:3])


@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_the_true_beginning_is_among_the_possible_ones(shift):
    """300 series, a lasting shift after 100 periods, looked at five periods after the first alarm: 95 % or more, and not all periods."""
    rng = np.random.default_rng(int(shift))
    held, wide = [], []
    while len(held) < 300:
        z = rng.normal(size=200)
        z[100:] += shift
        flagged = rule_hits(z, RunRules(3.3, 2.2)).any(axis=1).to_numpy().copy()
        flagged[:60] = False
        if flagged[:100].any() or not flagged.any():
            continue
        stop = min(int(np.flatnonzero(flagged)[0]) + 5, 200)
        row = alarm_episodes(z[:stop], flagged[:stop], start=60).iloc[0]
        held.append(row["began_from"] <= 100 <= row["began_to"])
        wide.append(row["began_to"] - row["began_from"])
    assert stats.binomtest(int(np.sum(held)), 300, 0.95, alternative="less").pvalue > 0.01
    assert np.mean(wide) < {1.0: 30, 2.0: 8}[shift]
