"""How often claims about structural equation models are false, and how often true ones are settled. Run with 'make bench'."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from threadpoolctl import threadpool_limits

from xmresearch.claims.calibration import Cell, judge, power
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.psychometrics.method_variance import common_method
from xmresearch.sem.fitting import fit
from xmresearch.sem.invariance_ladder import invariance
from xmresearch.sem.total_effects import effects, mediation
from xmresearch.sem.what_if import gains
from xmresearch.studies.sem.drivers import carrying, distinguishable, drives_most, improves_most, raising
from xmresearch.studies.sem.groups import group_claims
from xmresearch.studies.sem.measurement import fit_claim, measurement_claims, method_claim
from xmresearch.studies.sem.others import rivals_claim
from xmresearch.sufficient.moments import Moments

pytestmark = pytest.mark.benchmark

SAMPLES, SLOW = 1000, 200  # the second where a fit and its bootstrap, or the models of a common method, take a second
ALPHA = 0.05
LEVEL = 0.95
ITEMS = [f"{c}{k}" for c in "abcy" for k in (1, 2, 3)]
PARTS = "\n".join(f"{c} =~ {c}1 + {c}2 + {c}3" for c in "abc")
MODEL = f"{PARTS}\ny =~ y1 + y2 + y3\ny ~ a + b + c"
CHAIN = MODEL.replace("y ~ a + b + c", "c ~ a + b\ny ~ c")
SCALES = dict.fromkeys(ITEMS, (1.0, 7.0))
# paths of a, b, c to y, correlation of the drivers, respondents; which drivers are the first, and which have an effect
WORLDS = {
    "null": ((0.0, 0.0, 0.0), 0.4, 300),
    "two equal": ((0.35, 0.35, 0.0), 0.4, 300),
    "two equal, alike": ((0.3, 0.3, 0.0), 0.7, 300),
    "two equal, small": ((0.35, 0.35, 0.0), 0.4, 120),
    "three equal": ((0.3, 0.3, 0.3), 0.4, 300),
    "near": ((0.25, 0.2, 0.15), 0.4, 300),
    "strong": ((0.6, 0.15, 0.0), 0.4, 300),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def answers(rng, latent, loading=0.8):
    """Return answers on a scale from 1 to 7, three to a construct."""
    wide = np.repeat(latent, 3, axis=1)
    items = loading * wide + np.sqrt(1 - loading**2) * rng.normal(size=wide.shape)
    return pd.DataFrame(np.clip(np.rint(4 + 1.2 * items), 1, 7), columns=ITEMS)


def driven(rng, paths, between, n):
    corr = np.full((3, 3), between) + (1 - between) * np.eye(3)
    drivers = rng.normal(size=(n, 3)) @ np.linalg.cholesky(corr).T
    paths = np.asarray(paths)
    y = drivers @ paths + np.sqrt(1 - paths @ corr @ paths) * rng.normal(size=n)
    return answers(rng, np.column_stack([drivers, y]))


def oracle(values, leader=0):
    """Return by sample whether the leader is told from every rival by a test that knows the errors of the differences."""
    gaps = values[:, [leader]] - np.delete(values, leader, axis=1)
    return (gaps / gaps.std(axis=0) > 1.96).all(axis=1)


def driver_cells(name, **settings):
    paths, between, n = WORLDS[name]
    rng = np.random.default_rng([7, list(WORLDS).index(name)])
    top = [c for c, p in zip("abc", paths, strict=True) if p == max(paths)]
    real = [c for c, p in zip("abc", paths, strict=True) if p > 0]
    samples = SLOW if settings else SAMPLES
    wrong = dict.fromkeys(("most", "improve", "effects", "gains"), 0)
    first, improve, totals, changes, any_wrong = [], [], [], [], 0
    for _ in range(samples):
        data = driven(rng, paths, between, n)
        fitted = fit(MODEL, data, **({"estimator": "MLR"} | settings))
        effect, gain = effects(fitted), gains(fitted, data, ["y"], SCALES)
        claims = [
            drives_most("drives_first", effect, "y", LEVEL), improves_most(gain, "y", LEVEL),
            distinguishable(effect, "y", LEVEL), raising(gain, "y", LEVEL),
        ]  # fmt: skip
        false = [c.settled and (len(top) > 1 or c.facts["leader"] not in top) for c in claims[:2]]
        false += [bool(set(c.facts["shown"]) - set(real)) for c in claims[2:]]
        for key, value in zip(wrong, false, strict=True):
            wrong[key] += value
        any_wrong += any(false)
        first.append(claims[0].settled)
        improve.append(claims[1].settled)
        totals.append(effect.totals.estimate)
        changes.append(gain.changes.estimate)
    label = name + "".join(f", {k} {v}" for k, v in settings.items())
    found = [Cell(f"{label}: {k}", v, samples, at_most=ALPHA) for k, v in wrong.items()]
    if len(top) == 1 and name == "strong":
        found.append(power(f"{label}: most settled", first, oracle(np.array(totals))))
        found.append(power(f"{label}: improve settled", improve, oracle(np.array(changes))))
    print(
        f"{label}: pages with any false bold claim {any_wrong / samples:.3f}; settled {np.mean(first):.3f}, {np.mean(improve):.3f}"
    )
    return found


def chain_cells():
    """Chains a > c > y and b > c > y: neither step, the second alone, one whole chain."""
    found = []
    for at, (name, (on, by)) in enumerate({"none": ((0, 0), 0), "half": ((0, 0), 0.5), "one": ((0.4, 0), 0.5)}.items()):
        rng, wrong, settled, values = np.random.default_rng([8, at]), 0, [], []
        for _ in range(SAMPLES):
            a, b, e, f = rng.normal(size=(4, 300))
            c = on[0] * a + on[1] * b + np.sqrt(1 - on[0] ** 2 - on[1] ** 2) * e
            data = answers(rng, np.column_stack([a, b, c, by * c + np.sqrt(1 - by**2) * f]))
            chains = mediation(fit(CHAIN, data), [["a", "c", "y"], ["b", "c", "y"]])
            shown = carrying(chains, LEVEL).facts["shown"]
            wrong += "b > c > y" in shown or (not on[0] and bool(shown))
            settled.append("a > c > y" in shown)
            values.append(chains.indirect.estimate[0])
        found.append(Cell(f"chains, {name}", wrong, SAMPLES, at_most=ALPHA))
        if on[0]:
            found.append(power("chains, one settled", settled, np.array(values) / np.std(values) > 2.24))
    return found


def factors(rng, n, loading=0.8, between=0.5, spread=None):
    """Return nine answers to three factors."""
    corr = np.full((3, 3), between) + (1 - between) * np.eye(3)
    f = np.repeat(rng.normal(size=(n, 3)) @ np.linalg.cholesky(corr).T, 3, axis=1)
    size = np.full(9, loading) if spread is None else spread
    return pd.DataFrame(size * f + np.sqrt(1 - size**2) * rng.normal(size=(n, 9)), columns=ITEMS[:9])


def population(loading=0.8, between=0.5, extra=0.0):
    """Return covariances of nine items; `extra` is what the residuals of a1 and b1, b2 and c2, a3 and c3 share."""
    size = np.full(9, loading)
    corr = np.full((3, 3), between) + (1 - between) * np.eye(3)
    cov = np.outer(size, size) * np.kron(corr, np.ones((3, 3)))
    np.fill_diagonal(cov, 1.0)
    for i, j in ((0, 3), (4, 7), (2, 8)):
        cov[i, j] = cov[j, i] = cov[i, j] + extra
    return cov


def misfit(cov, n=10**7):
    return fit(PARTS, Moments(tuple(ITEMS[:9]), n, np.zeros(9), cov * n)).measures["rmsea"]


def with_misfit(rmsea):
    return population(extra=optimize.brentq(lambda x: misfit(population(extra=x)) - rmsea, 0.0, 0.3, xtol=1e-4))


def fit_cells():
    found = []
    for at, (label, rmsea, n) in enumerate([("true", 0, 100), ("at the margin", 0.08, 200), ("bad", 0.16, 200)]):
        root = np.linalg.cholesky(with_misfit(rmsea) if rmsea else population())
        rng, cases, values = np.random.default_rng([9, at]), [], []
        for _ in range(SAMPLES):
            data = pd.DataFrame(rng.normal(size=(n, 9)) @ root.T, columns=ITEMS[:9])
            fitted = fit(PARTS, data, estimator="MLR")
            cases.append(fit_claim(fitted).case)
            values.append(fitted.measures["rmsea.notclose.pvalue"])
        count = {case: cases.count(case) for case in ("no_departure", "failed")}
        if rmsea <= 0.08:
            found.append(Cell(f"fit, {label}, {n}: failed", count["failed"], SAMPLES, at_most=ALPHA))
        if rmsea >= 0.08:
            found.append(Cell(f"fit, {label}, {n}: fits", count["no_departure"], SAMPLES, at_most=ALPHA))
        if rmsea == 0:
            found.append(
                power(f"fit, {label}, {n}: settled", [c == "no_departure" for c in cases], np.array(values) < ALPHA)
            )
        if rmsea > 0.08:
            found.append(
                power(f"fit, {label}, {n}: settled", [c == "failed" for c in cases], np.array(values) > 1 - ALPHA)
            )
    return found


def instrument_cells():
    """Constructs exactly at the bounds: every count and the whole instrument."""
    at_omega, at_low, at_ave = np.sqrt(0.4375), np.sqrt(1 / 3), np.sqrt(0.5)
    worlds = {
        "good": {}, "one at omega .7": {"spread": np.repeat([0.85, 0.85, at_omega], 3)}, "all at omega .7": {"loading": at_omega},
        "all at AVE .5": {"loading": at_ave}, "all at HTMT .85": {"between": 0.85}, "all at HTMT .9": {"between": 0.9},
        "all at omega .6": {"loading": at_low},
    }  # fmt: skip
    found = []
    for at, (name, world) in enumerate(worlds.items()):
        rng, seen = np.random.default_rng([10, at]), []
        for k in range(SAMPLES):
            data = factors(rng, 300, **world)
            fitted = fit(PARTS, data, estimator="MLR")
            seen.append(
                measurement_claims(fitted, composite_reliability(fitted), validity(fitted, bootstrap=200, seed=k))
            )
        holds = [c.instrument.case == "no_departure" for c in seen]
        failed = sum(c.instrument.case == "failed" for c in seen)
        if name == "good":
            found.append(power("instrument, good: settled", holds, [True] * SAMPLES))
        if name != "good" and "AVE" not in name:
            found.append(Cell(f"instrument, {name}: holds", sum(holds), SAMPLES, at_most=ALPHA))
        found.append(Cell(f"instrument, {name}: failed", failed, SAMPLES, at_most=ALPHA))
        for bound, key in (
            ("all at omega .7", "reliable"),
            ("all at AVE .5", "convergent"),
            ("all at HTMT .85", "distinct"),
        ):
            if name == bound:
                shown = sum(bool(getattr(c, key).facts["shown"]) for c in seen)
                found.append(Cell(f"{key}, {name}", shown, SAMPLES, at_most=ALPHA))
    return found


def group_cells():
    """Two groups of 200: alike, at the margin of RMSEA .08 in loadings, far apart; equal and unequal means."""

    def loadings(shift):
        return np.r_[0.8 - shift, 0.8, 0.8, 0.8, 0.8 - shift, 0.8, 0.8, 0.8, 0.8 - shift]

    def distance(shift):
        n = 10**6
        given = {}
        for g, size in (("x", np.full(9, 0.8)), ("y", loadings(shift))):
            cov = np.outer(size, size) * np.kron(np.full((3, 3), 0.5) + 0.5 * np.eye(3), np.ones((3, 3)))
            np.fill_diagonal(cov, 1.0)
            given[g] = Moments(tuple(ITEMS[:9]), n, np.zeros(9), cov * n)
        apart, tied = fit(PARTS, given), fit(PARTS, given, group_equal=["loadings"])
        df = tied.model.df - apart.model.df
        return np.sqrt(2 * (tied.measures["chisq"] - apart.measures["chisq"]) / (2 * n * df))

    margin = optimize.brentq(lambda x: distance(x) - 0.08, 0.0, 0.6, xtol=1e-3)
    found = []
    for at, (name, shift, mean) in enumerate(
        [("alike", 0.0, 0.0), ("at the margin", margin, 0.0), ("far apart", 0.5, 0.0), ("other means", 0.0, 0.5)]
    ):
        rng, seen = np.random.default_rng([11, at]), []
        for _ in range(SAMPLES):
            two = [factors(rng, 200, spread=s) for s in (np.full(9, 0.8), loadings(shift))]
            two[1][["a1", "a2", "a3"]] += 0.8 * mean
            data = pd.concat(two, ignore_index=True).assign(g=np.repeat(["x", "y"], 200))
            ladder = invariance(PARTS, data, "g", levels=["scalar"], estimator="ML")
            seen.append((group_claims(ladder), float(ladder.table["p_diff"].iloc[1])))
        cases = [c.loadings_alike.case for c, _ in seen]
        if not shift:
            found.append(Cell(f"loadings, {name}: differ", cases.count("differs"), SAMPLES, at_most=ALPHA))
            differ = sum(c.intercepts_alike.case == "differs" for c, _ in seen)
            found.append(Cell(f"intercepts, {name}: differ", differ, SAMPLES, at_most=ALPHA))
            wrong = sum(bool(set(c.means_differ.facts["shown"]) - ({"a"} if mean else set())) for c, _ in seen)
            found.append(Cell(f"means, {name}", wrong, SAMPLES, at_most=ALPHA))
        else:
            found.append(Cell(f"loadings, {name}: alike", cases.count("alike"), SAMPLES, at_most=ALPHA))
        if name == "far apart":
            found.append(
                power(f"loadings, {name}: settled", [c == "differs" for c in cases], [p < ALPHA for _, p in seen])
            )
    return found


def method_cells():
    """A method factor that takes nothing, and one that takes exactly a quarter of the items' variance."""
    loading = np.tile([0.5, 0.7, 0.85], 3)
    found = []
    for at, share in enumerate((0.0, 0.25)):
        rng, cases = np.random.default_rng([12, at]), []
        for _ in range(SLOW):
            data = factors(rng, 500, spread=loading, between=0.3)
            data = np.sqrt(1 - share) * data + np.sqrt(share) * rng.normal(size=(500, 1))
            cases.append(method_claim(common_method(PARTS, data)).case)
        found.append(Cell(f"method, {share}: failed", cases.count("failed"), SLOW, at_most=ALPHA))
        if share:
            found.append(Cell(f"method, {share}: no departure", cases.count("no_departure"), SLOW, at_most=ALPHA))
        print(f"method, {share}: " + ", ".join(f"{c} {cases.count(c)}" for c in sorted(set(cases))))
    return found


def rival_cells():
    """Two models that leave out one of two equal paths are equally wrong; then only one of the paths is there."""
    texts = {"one": f"{PARTS}\nc ~ a\na ~~ b", "other": f"{PARTS}\nc ~ b\na ~~ b"}
    found = []
    for at, (name, paths) in enumerate({"equal": (0.4, 0.4), "one": (0.5, 0.0)}.items()):
        rng, settled, wrong, values = np.random.default_rng([13, at]), [], 0, []
        for _ in range(SAMPLES):
            a, b, e = rng.normal(size=(3, 300))
            b = 0.3 * a + np.sqrt(1 - 0.09) * b
            c = paths[0] * a + paths[1] * b
            c = c + np.sqrt(1 - paths[0] ** 2 - paths[1] ** 2 - 0.6 * paths[0] * paths[1]) * e
            data = answers(rng, np.column_stack([a, b, c, e]))[ITEMS[:9]]
            one, other = (fit(t, data) for t in texts.values())
            claim = rivals_claim(one, {"other": other}, "one")
            settled.append(claim.settled and claim.facts["leader"] == "one")
            wrong += claim.settled and (name == "equal" or claim.facts["leader"] == "other")
            values.append(one.measures["logl"] - other.measures["logl"])
        found.append(Cell(f"rivals, {name}", wrong, SAMPLES, at_most=ALPHA))
        if name == "one":
            found.append(power("rivals, one: settled", settled, np.array(values) / np.std(values) > 1.96))
    return found


def test_claims_keep_their_promise():
    cells = [c for name in WORLDS for c in driver_cells(name)]
    cells += driver_cells("two equal", bootstrap=300, estimator="ML")
    cells += chain_cells() + fit_cells() + instrument_cells() + group_cells() + method_cells() + rival_cells()
    table = judge(cells)
    print(table.to_string(index=False))
    assert table["kept"].all()
