"""Run lengths of control charts: printed and had, with known and with estimated parameters; a thousand charts; delays.

Cells, seeds and numbers of baselines are fixed here. A cell fails when its exact binomial interval, Holm-corrected over the cells,
excludes the guarantee from above.
"""

import time

import numpy as np
import pytest
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.monitoring.branches import many_charts
from xmresearch.monitoring.chart_scores import normal_scores
from xmresearch.monitoring.count_charts import c_chart, np_chart, p_chart, u_chart
from xmresearch.monitoring.cumulated_run_lengths import cusum_limit, cusum_run_length
from xmresearch.monitoring.individuals_chart import xmr_chart
from xmresearch.monitoring.residuals import residual_chart
from xmresearch.monitoring.run_length_limits import alarm_rules, alarms
from xmresearch.monitoring.run_lengths import average_run_length
from xmresearch.monitoring.run_rules import RunRules, rule_hits
from xmresearch.monitoring.score_charts import nps_chart, ordinal_chart

pytestmark = pytest.mark.benchmark
GUARANTEE, ASKED, PERIODS = 0.9, 100, 200_000
BASELINES = 400
RULES = {"one": RunRules(3.0), "two_of_three": RunRules(3.0, 2.0)}


def mean_gap(hits):
    """Return the mean number of periods between alarms, after each of which the chart begins anew."""
    return len(hits) / max(hits.sum(), 0.5)


def restarted(score, rules):
    """Mark alarms of a chart that begins anew after each: hits of patterns that reach back over an alarm are none."""
    hits = rule_hits(score, rules)
    out, last = np.zeros(len(score), dtype=bool), -10
    single = hits["beyond"].to_numpy()
    double = hits["two_of_three"].to_numpy() if "two_of_three" in hits else np.zeros(len(score), dtype=bool)
    far = np.abs(score) > (rules.two_of_three or np.inf)
    for t in np.flatnonzero(single | double):
        own = [k for k in (t - 2, t - 1) if k > last and k >= 0 and far[k] and np.sign(score[k]) == np.sign(score[t])]
        if single[t] or (far[t] and own):
            out[t], last = True, t
    return out


KNOWN = {
    "binomial 30, .1": lambda rng, n: np_chart(rng.binomial(30, 0.1, n), np.full(n, 30), centre=0.1),
    "binomial 20-60, .85": lambda rng, n: p_chart(rng.binomial(s := rng.integers(20, 61, n), 0.85), s, centre=0.85),
    "poisson 4": lambda rng, n: c_chart(rng.poisson(4, n), centre=4.0),
    "poisson rate": lambda rng, n: u_chart(rng.poisson(0.3 * (s := rng.integers(10, 40, n))), s, centre=0.3),
    "nps 25": lambda rng, n: nps_chart(*rng.multinomial(25, [0.2, 0.3, 0.5], n).T, shares=(0.2, 0.3, 0.5)),
    "ridits 40": lambda rng, n: ordinal_chart(rng.multinomial(40, [0.1, 0.2, 0.3, 0.4], n), shares=[0.1, 0.2, 0.3, 0.4]),
    "normal": lambda rng, n: xmr_chart(rng.normal(size=n), centre=0.0, sigma=1.0),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KNOWN)
def test_with_known_parameters_alarms_are_as_rare_as_printed(kind, rule):
    """200 000 periods each: within 10 % of what is printed."""
    chart = KNOWN[kind](np.random.default_rng(1), 200_000)
    rules = alarm_rules(chart, RULES[rule], run_length=ASKED, shifts=())
    found = mean_gap(restarted(normal_scores(chart), rules.rules))
    print(f"\nknown {kind} {rule}: printed {rules.expected:.1f}, had {found:.1f} ({found / rules.expected - 1:+.1%})")
    assert abs(found / rules.expected - 1) < 0.1


def autoregressive(rng, length, phi):
    from scipy.signal import lfilter

    z = rng.standard_normal(length)
    z[0] /= np.sqrt(1 - phi**2)
    return lfilter([np.sqrt(1 - phi**2)], [1.0, -phi], z)


def of_counts(rng, size, share):
    base = rng.binomial(size, share, 60)
    chart = p_chart(base, np.full(60, size))
    rules = alarm_rules(chart, run_length=ASKED, draws=200, shifts=())
    # the run length that this chart truly has, exactly
    every = p_chart(np.arange(size + 1), np.full(size + 1, size), centre=float(base.sum() / (60 * size)))
    far = np.abs(normal_scores(every)) > rules.rules.beyond
    return 1 / max(stats.binom.pmf(np.arange(size + 1), size, share)[far].sum(), 1e-12)


def of_values(rng, m):
    told = xmr_chart(rng.normal(size=m))
    rules = alarm_rules(told, run_length=ASKED, draws=300, shifts=())
    line, sigma = told.tidy()[["centre", "sigma"]].iloc[0]
    return float(average_run_length(rules.rules, shift=-line / sigma, scale=1 / sigma))


def of_season(rng, weeks, phi):
    days = 7 * weeks
    season = np.array([0.0, 0.5, 1.0, 0.2, -0.4, 0.8, -1.0])
    made = residual_chart(season[np.arange(days) % 7] + autoregressive(rng, days, phi), season=np.arange(days) % 7)
    rules = alarm_rules(made.chart, run_length=ASKED, process=made.process(draws=200), shifts=())
    later = np.arange(PERIODS) % 7
    away = season[later] + autoregressive(rng, PERIODS, phi) - made.seasons["level"].to_numpy()[later]
    z = (away[1:] - made.autocorrelation * away[:-1]) / made.tidy()["sigma"].iloc[-1]
    return mean_gap(np.abs(z) > rules.rules.beyond)


ESTIMATED = {
    "shares, 60 x 40 at .2": lambda rng: of_counts(rng, 40, 0.2), "shares, 60 x 100 at .9": lambda rng: of_counts(rng, 100, 0.9),
    "values, 30": lambda rng: of_values(rng, 30), "values, 100": lambda rng: of_values(rng, 100),
    "weekdays, 12 weeks, phi 0": lambda rng: of_season(rng, 12, 0.0), "weekdays, 12 weeks, phi .3": lambda rng: of_season(rng, 12, 0.3),
    "weekdays, 26 weeks, phi .6": lambda rng: of_season(rng, 26, 0.6),
}  # fmt: skip


def test_the_run_length_is_reached_in_nine_baselines_of_ten():
    """400 baselines a cell: run lengths that are exact or, with season and autocorrelation, those of 200 000 periods (to some 2 %)."""
    reached, p = {}, []
    for k, (cell, had) in enumerate(ESTIMATED.items()):
        rng = np.random.default_rng([9, k])
        lengths = np.array([had(rng) for _ in range(BASELINES)])
        short = int((lengths < ASKED).sum())
        reached[cell] = 1 - short / BASELINES
        p.append(stats.binomtest(BASELINES - short, BASELINES, GUARANTEE, alternative="less").pvalue)
        print(f"\nestimated {cell}: reached in {reached[cell]:.1%}, median {np.median(lengths):.0f}")
    assert (adjusted(p, "holm") > 0.05).all(), reached


def test_a_thousand_charts_take_less_than_twenty_seconds():
    rng = np.random.default_rng(3)
    n = rng.integers(20, 60, (1000, 90))
    x = rng.binomial(n, 0.8)
    begun = time.process_time()
    base = np.arange(90) < 76
    for k in range(1000):
        p_chart(x[k], n[k], baseline=base, overdispersed=True)
    made = many_charts(n, x, baseline=base, shares=True)
    spent = time.process_time() - begun
    print(f"\na thousand charts of 90 periods, judged together: {spent:.1f} s of CPU; {made.summary()}")
    assert spent < 20


def test_delays_are_those_of_simulated_shifts_and_no_sooner_than_the_optimum():
    rng = np.random.default_rng(4)
    chart = xmr_chart(rng.normal(size=50), centre=0.0, sigma=1.0)
    rules = alarm_rules(chart, RULES["two_of_three"], run_length=370)
    for row in rules.delays.itertuples():
        found = []
        for _ in range(1500):
            z = row.shift + rng.standard_normal(2000)
            hits = rule_hits(z, rules.rules).any(axis=1).to_numpy()
            found.append(int(np.argmax(hits)) + 1)
        print(f"\nshift {row.shift}: printed {row.delay:.2f}, had {np.mean(found):.2f}, optimum {row.optimum:.2f}")
        assert abs(np.mean(found) - row.delay) < 4 * np.std(found) / np.sqrt(1500)
        assert row.optimum <= row.delay
    assert cusum_run_length(0.5, cusum_limit(rules.expected)) == pytest.approx(rules.expected)
    assert alarms(chart, rules)["alarm"].sum() <= 3
