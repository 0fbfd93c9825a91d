"""Curves and regressions of times that are not over against R's survival."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData, ModelError
from xmresearch.monitoring.concordance import concordance
from xmresearch.monitoring.cox_regression import cox
from xmresearch.monitoring.survival_curves import compare_curves, survival_curve

REFERENCE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "reference" / "monitor"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="needs R's figures in XMRESEARCH_DATA")
TERMS = {"channel": ["channelbranch", "channelphone"], "priority": ["priority"]}


def r(name):
    return pd.read_csv(REFERENCE / f"{name}.csv")


def complaints():
    data = r("complaints_data")
    x = pd.DataFrame({f"channel{c}": (data["channel"] == c).astype(float) for c in ("branch", "phone")})
    return data["days"], data["resolved"], x.assign(priority=data["priority"]), data


def lung():
    data = r("lung_data")
    return data["time"], data["status"], data[["age", "sex", "ph.ecog"]].astype(float), data


DATA = {"complaints": complaints, "lung": lung}
# partial log-likelihoods, null, likelihood ratio, Wald, score and concordance, as the reference's README gives them
FIGURES = {
    ("lung", "efron"): (-729.230121375, -744.480455761, 30.50066877, 29.92925121, 30.4999227, 0.637135493),
    ("lung", "breslow"): (-729.488705177, -744.692819266, 30.40822818, 29.83900084, 30.40640692, 0.637135493),
    ("lung", "exact"): (-710.401051579, -725.647698851, 30.49329454, 29.90884013, 30.48776689, 0.637135493),
    ("complaints", "efron"): (-349.434953993, -353.453348887, 8.036789789, 7.48531211, 7.728402966, 0.5720385174),
    ("complaints", "breslow"): (-353.48089511, -357.181502559, 7.401214897, 6.907623528, 7.116199026, 0.5720385174),
    ("complaints", "exact"): (-276.942678395, -280.903718349, 7.922079907, 7.407784744, 7.619950113, 0.5720385174),
}  # fmt: skip


def test_curves_are_those_of_survfit():
    time, ended, _, _ = complaints()
    want = r("complaints_km")
    for interval, suffix in {"log": "log", "log_log": "loglog", "plain": "plain"}.items():
        found = survival_curve(time, ended, interval=interval).tidy()
        both = found.merge(want, on="time", suffixes=("", "_r"))
        assert len(both) == len(want) == len(found)
        for ours, theirs in {
            "at_risk": "at_risk_r", "events": "events_r", "censored": "censored_r", "survival": "survival_r",
            "se": "greenwood_se", "cumulative_hazard": "nelson_aalen", "lower": f"lower_{suffix}", "upper": f"upper_{suffix}",
        }.items():  # fmt: skip
            np.testing.assert_allclose(both[ours], both[theirs], rtol=1e-9, atol=1e-12, err_msg=ours)


@pytest.mark.parametrize("name", DATA)
def test_quantiles_are_those_of_survfit(name):
    time, ended, _, _ = DATA[name]()
    want = r(f"{name}_quantiles")
    found = survival_curve(time, ended, interval="log").quantiles(want["p"])
    np.testing.assert_allclose(found, want, rtol=1e-12)


def test_groups_are_compared_as_survdiff_and_survfit_do():
    time, ended, _, data = complaints()
    for row in r("complaints_logrank").itertuples():
        found = compare_curves(time, ended, data["channel"], early=row.rho == 1)
        np.testing.assert_allclose([found["chi2"], found["df"], found["p"]], [row.chisq, row.df, row.p], rtol=1e-9)
    for row in r("complaints_km_groups").itertuples():
        there = data["channel"] == row.group.removeprefix("channel=")
        curve = survival_curve(time[there], ended[there], interval="log")
        mean, se = curve.mean_until(float(time.max()))
        s = curve.summary()
        np.testing.assert_allclose(
            [s["n"], s["events"], mean, se, s["median"], s["lower"], s["upper"]],
            [row.records, row.events, row.rmean, row[7], row.median, row[9], row[10]], rtol=1e-9,
        )  # fmt: skip


@pytest.mark.parametrize(("name", "ties"), FIGURES)
def test_regressions_are_those_of_coxph(name, ties):
    time, ended, x, _ = DATA[name]()
    found = cox(time, ended, x, ties=ties)
    want = r(f"{name}_cox_{ties}")
    ours = found.tidy()
    np.testing.assert_allclose(
        ours[["coef", "hazard_ratio", "se", "z", "p", "lower", "upper"]], want.iloc[:, 1:], rtol=1e-6
    )
    got = [found.loglikelihood, found.null_loglikelihood, *found.tests.values(), found.concordance]
    np.testing.assert_allclose(got, FIGURES[name, ties], rtol=1e-8)


@pytest.mark.parametrize("name", DATA)
def test_robust_errors_and_proportionality_are_those_of_r(name):
    time, ended, x, _ = DATA[name]()
    found = cox(time, ended, x, robust=True, terms=TERMS if name == "complaints" else None)
    want = r(f"{name}_cox_robust")
    np.testing.assert_allclose(found.tidy()[["coef", "robust_se", "se"]], want.iloc[:, 1:], rtol=1e-6)
    checks = r(f"{name}_cox_zph")
    assert found.proportionality["term"].tolist() == checks["term"].tolist()
    np.testing.assert_allclose(found.proportionality[["chi2", "df", "p"]], checks[["chisq", "df", "p"]], rtol=1e-6)


def test_concordance_of_many_is_that_of_every_pair(monkeypatch):
    from xmresearch.monitoring import concordance

    rng = np.random.default_rng(8)
    t, e, score = rng.integers(1, 40, 300).astype(float), rng.random(300) < 0.6, np.round(rng.standard_normal(300), 1)
    agree = pairs = 0.0
    for k in np.flatnonzero(e):
        later = (t > t[k]) | ((t == t[k]) & ~e)
        pairs += later.sum()
        agree += (score[later] < score[k]).sum() + 0.5 * (score[later] == score[k]).sum()
    for block in (7, 1000):
        monkeypatch.setattr(concordance, "BLOCK", block)
        assert concordance.concordance(t, e, score) == pytest.approx(agree / pairs, rel=1e-12)


def test_clusters_of_one_are_rows_and_doubled_rows_are_not_twice_the_evidence():
    time, ended, x, _ = complaints()
    rows = cox(time, ended, x, robust=True, ties="breslow").tidy()
    alone = cox(time, ended, x, clusters=np.arange(len(x)), ties="breslow").tidy()
    np.testing.assert_allclose(rows["robust_se"], alone["robust_se"])
    twice = cox(
        np.tile(time, 2), np.tile(ended, 2), pd.concat([x, x]), clusters=np.tile(np.arange(len(x)), 2), ties="breslow"
    )
    np.testing.assert_allclose(twice.tidy()[["coef", "robust_se"]], rows[["coef", "robust_se"]], rtol=1e-8)


def test_intervals_of_a_curve_cover_in_small_samples():
    """1 000 samples of 25 exponential times, a third of them censored: at the median, log-log covers in 93 to 97 %."""
    rng, hits = np.random.default_rng(20266), 0
    for _ in range(1000):
        life, seen = rng.exponential(1, 25), rng.exponential(2, 25)
        at = survival_curve(np.minimum(life, seen), life <= seen).at([np.log(2)]).iloc[0]
        hits += bool(at["lower"] <= 0.5 <= at["upper"])
    low, high = stats.binomtest(hits, 1000).proportion_ci()
    assert low <= 0.97
    assert high >= 0.93


def test_curves_have_their_edges():
    whole = survival_curve([1.0, 2.0, 3.0], [1, 1, 1])
    assert whole.table["survival"].iloc[-1] == 0
    assert whole.quantiles([0.99])["quantile"].tolist() == [3.0]
    assert whole.at([0.0, 9.0])["survival"].isna().tolist() == [False, True]
    none = survival_curve([1.0, 2.0], [0, 0])
    assert none.summary()["events"] == 0
    assert np.isnan(none.summary()["median"])
    assert none.mean_until(2.0) == (2.0, 0.0)
    one = survival_curve([5.0], [True])
    assert one.summary()["median"] == 5
    for given, error in ((([], []), InsufficientData), (([-1.0], [1]), DataError), (([1.0, np.nan], [1, 1]), DataError),
                         (([1.0], [2]), DataError), (([1.0, 2.0], [1]), DataError)):  # fmt: skip
        with pytest.raises(error):
            survival_curve(*given)


def test_regressions_that_cannot_be_are_refused():
    time, ended, x, _ = complaints()
    for columns in (x.assign(same=x["priority"]), x.assign(flat=1.0)):
        with pytest.raises(ModelError):
            cox(time, ended, columns)
    with pytest.raises(ModelError, match="ended"):
        cox(time, np.zeros(len(time)), x)
    with pytest.raises(DataError):
        cox(time, ended, x.assign(priority=np.nan))
    never = (time > time.median()).astype(float)
    with pytest.raises(ModelError, match="group"):
        cox(time, ended * (1 - never), pd.DataFrame({"never": never}))
    with pytest.raises(DataError):
        cox(time, ended, x, ties="exact", robust=True)
    with pytest.raises(InsufficientData):
        compare_curves(time, ended, np.zeros(len(time)))


def test_scores_that_only_rounding_tells_apart_are_ties():
    time, ended = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, dtype=bool)
    score = np.array([0.3, 0.1 + 0.2, 1e-3, 0.0])
    assert score[0] != score[1]
    assert concordance(time, ended, score) == (5 + 0.5) / 6
    assert concordance(time, ended, np.zeros(4)) == 0.5
