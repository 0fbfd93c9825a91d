"""Do structural equation models' intervals cover, and do their tests reject, as often as they say? Run with 'make bench'."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from xmresearch.sem.fitting import fit
from xmresearch.sufficient.moments import Moments

MODEL = """
A =~ a1 + a2 + a3
B =~ b1 + b2 + b3
M =~ m1 + m2 + m3
Y =~ y1 + y2 + y3
M ~ p*A + q*B
Y ~ r*M + s*A
through_A := p*r
through_B := q*r
"""
ITEMS = [f"{factor}{k}" for factor in "abmy" for k in (1, 2, 3)]
WITH_MEANS = MODEL + "\n".join(f"{item} ~ 1" for item in ITEMS)
SMALL = "A =~ a1 + a2 + a3\nM =~ m1 + m2 + m3\nY =~ y1 + y2 + y3\nM ~ A\nY ~ M + A"
SOURCES = 4 + len(ITEMS)  # independent: of two causes, of two disturbances, of the errors
MEANS = np.linspace(3, 4, len(ITEMS))
CUTS = np.array([-0.4, 0.3, 0.9, 1.5])
KINDS = {"=~": "loadings", "~": "paths", "~1": "means", "|": "thresholds", ":=": "indirect"}
JUDGED = ("loadings", "paths", "factor (co)variances", "means")
LEVEL = 0.001  # at which the most extreme of all parameters' rates would be called wrong


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """More threads only slow down matrices as small as these."""
    with threadpool_limits(1):
        yield


def items(sources):
    """Return items about their means, shape (n, 12), from independent sources of variance one, shape (n, 16)."""
    a = sources[:, 0]
    b = 0.4 * a + np.sqrt(1 - 0.4**2) * sources[:, 1]
    m = 0.4 * a + 0.3 * b + 0.8 * sources[:, 2]
    y = 0.4 * m + 0.3 * a + 0.8 * sources[:, 3]
    factors = np.repeat(np.column_stack([a, b, m, y]), 3, axis=1)
    return factors * np.tile([1.0, 0.8, 1.2], 4) + 0.8 * sources[:, 4:]


def population():
    mix = items(np.eye(SOURCES))
    return mix.T @ mix


def normal(rng, n):
    return pd.DataFrame(MEANS + items(rng.normal(size=(n, SOURCES))), columns=ITEMS)


def skewed(df, shape):
    """Chi-square factors and errors, times a spread of each row's own, without which ML's test would stay right."""

    def draw(rng, n):
        own = np.sqrt(rng.gamma(shape, 1 / shape, (n, 1)))
        sources = (rng.chisquare(df, (n, SOURCES)) - df) / np.sqrt(2 * df)
        return pd.DataFrame(MEANS + items(sources * own), columns=ITEMS)

    return draw


def with_blanks(rng, n):
    """Blank 28 % of the mediator's and the outcome's items at random: the higher a1, which all answer, the more."""
    frame = normal(rng, n)
    chance = 1 / (1 + np.exp(1.2 - (frame["a1"] - MEANS[0]).to_numpy()))
    late = ITEMS[6:]
    frame[late] = frame[late].mask(rng.random((n, len(late))) < chance[:, None])
    return frame


def five_point(rng, n):
    """Cut normal items into five points, far from the middle."""
    values = items(rng.normal(size=(n, SOURCES))) / np.sqrt(np.diag(population()))
    return pd.DataFrame(np.digitize(values, CUTS) + 1.0, columns=ITEMS)


def truth(ordered=False):
    """Return the parameters, and standardised ones, from the population's covariances or, ordered, correlations."""
    cov = population()
    sd = np.sqrt(np.diag(cov)) if ordered else np.ones(len(cov))
    exact = fit(MODEL, Moments(tuple(ITEMS), 10**6, MEANS, 10**6 * cov / np.outer(sd, sd)))
    assert exact.measures["chisq"] < 1e-6
    values = {}
    for what, table in (("", exact.estimates), ("standardised ", exact.standardized)):
        values |= {(what, row.lhs, row.op, row.rhs): row.est for row in table.itertuples()}
    if ordered:
        return values | {("", v, "|", f"t{k}"): cut for v in ITEMS for k, cut in enumerate(CUTS, 1)}
    declared = {("M", "~", "A"): 0.4, ("M", "~", "B"): 0.3, ("Y", "~", "M"): 0.4, ("Y", "~", "A"): 0.3,
                ("A", "~~", "B"): 0.4, ("Y", "=~", "y2"): 0.8, ("Y", "~~", "Y"): 0.64, ("y1", "~~", "y1"): 0.64}  # fmt: skip
    assert all(values["", *key] == pytest.approx(value, abs=1e-6) for key, value in declared.items())
    return values | {("", v, "~1", ""): mean for v, mean in zip(ITEMS, MEANS, strict=True)}


def covered(table, values, what=""):
    """Return, by kind and name of the parameter, whether its interval holds the true value."""
    flags = {}
    for row in table.itertuples():
        key = (what, row.lhs, row.op, row.rhs)
        if row.se > 0 and key in values:
            kind = KINDS.get(row.op) or ("factor (co)variances" if row.lhs in "ABMY" else "residual variances")
            flags[what + kind, f"{row.lhs} {row.op} {row.rhs}"] = row.ci_lower <= values[key] <= row.ci_upper
    return flags


def show(title, flags):
    """Print and return the rates of coverage by kind and name."""
    rates = pd.DataFrame(flags).mean()
    rates.index = pd.MultiIndex.from_tuples(rates.index, names=["kind", "name"])
    print(f"\n{title}: coverage of nominal 95 % intervals, {len(flags)} samples")
    print(f"  {'':40}{'mean':>5}  lowest                     highest")
    for kind, own in rates.groupby("kind", sort=False):
        own = 100 * own.droplevel("kind")
        ends = (f"{own[name]:5.1f} {name:20}" for name in (own.idxmin(), own.idxmax()))
        print(f"  {f'{kind} ({len(own)})':40}{own.mean():5.1f}  {' '.join(ends)}")
    return rates


def judged(rates):
    """Return the rates of loadings, paths, factor (co)variances and means, and of the standardised ones."""
    kinds = rates.index.get_level_values("kind")
    return [rates[kinds.isin([what + kind for kind in JUDGED])] for what in ("", "standardised ")]


def assert_calibrated(rates, samples):
    """Averages are 93 to 97 %, and no rate is further from 95 % than the furthest of all would be by chance."""
    parts = [part for part in judged(rates) if len(part)]
    assert all(0.93 <= part.mean() <= 0.97 for part in parts)
    every = pd.concat(parts)
    reach = stats.norm.isf(LEVEL / 2 / len(every)) * np.sqrt(0.95 * 0.05 / samples)
    outside = every[(every - 0.95).abs() > reach]
    assert outside.empty, outside


CONDITIONS = {
    "ML, normal, n = 300": (MODEL, normal, 300, 1000, {}),
    "MLR, skewed, n = 500": (MODEL, skewed(3, 6), 500, 600, {"estimator": "MLR"}),
    "MLR, very skewed, n = 5000": (MODEL, skewed(2, 4), 5000, 500, {"estimator": "MLR"}),
    "FIML, 28 % missing at random, n = 400": (MODEL, with_blanks, 400, 500, {"missing": "fiml"}),
    "WLSMV, five points, n = 500": (MODEL, five_point, 500, 500, {"ordered": True}),
}
CONTRASTS = {
    "ML in place of MLR, skewed, n = 500": (MODEL, skewed(3, 6), 500, 500, {}),
    "complete rows in place of FIML, n = 400": (WITH_MEANS, with_blanks, 400, 500, {}),
}


def rates_of(title, model, draw, n, samples, settings):
    values = truth(ordered="ordered" in settings)
    flags = []
    for seed in range(samples):
        found = fit(model, draw(np.random.default_rng((1, seed)), n), **settings)
        if found.converged:
            flags.append(covered(found.estimates, values) | covered(found.standardized, values, "standardised "))
    assert len(flags) >= 0.99 * samples
    return show(title, flags), len(flags)


@pytest.mark.benchmark
@pytest.mark.parametrize("title", CONDITIONS)
def test_intervals_cover(title):
    assert_calibrated(*rates_of(title, *CONDITIONS[title]))


@pytest.mark.benchmark
@pytest.mark.parametrize("title", CONTRASTS)
def test_the_wrong_method_would_be_found_out(title):
    rates, _ = rates_of(title, *CONTRASTS[title])
    assert judged(rates)[0].mean() < 0.93


@pytest.mark.benchmark
def test_bootstrap_intervals_cover():
    values = truth()
    flags = {"percentile": [], "BCa": []}
    for seed in range(200):
        found = fit(MODEL, normal(np.random.default_rng((2, seed)), 300), bootstrap=500, interval="bca", seed=seed)
        low, high = np.quantile(found.readout.read(found.replicates)[0], [0.025, 0.975], axis=0)
        flags["BCa"].append(covered(found.estimates, values))
        flags["percentile"].append(covered(found.estimates.assign(ci_lower=low, ci_upper=high), values))
    for kind, own in flags.items():
        rates = show(f"bootstrap, {kind}, 500 draws, normal, n = 300", own)
        assert_calibrated(rates, len(own))
        reach = stats.norm.isf(LEVEL / 2 / 2) * np.sqrt(0.95 * 0.05 / len(own))
        assert ((rates["indirect"] - 0.95).abs() < reach).all()


@pytest.mark.benchmark
def test_true_models_are_rejected_as_often_as_they_should_be():
    print("\nrejections of the true model at .05, nine items, df = 24, n = 500")
    found = {}
    for name, draw, samples, settings in (
        ("ML, normal", normal, 4000, {}),
        ("ML, skewed (for contrast)", skewed(3, 6), 1000, {}),
        ("MLM, skewed", skewed(3, 6), 1000, {"estimator": "MLM"}),
        ("MLR, skewed", skewed(3, 6), 1000, {"estimator": "MLR"}),
        ("MLMV, skewed", skewed(3, 6), 1000, {"estimator": "MLMV"}),
        ("WLSMV, five points", five_point, 1000, {"ordered": True}),
    ):
        fits = (fit(SMALL, draw(np.random.default_rng((3, seed)), 500), **settings) for seed in range(samples))
        p = np.array([f.measures["pvalue.scaled" if settings else "pvalue"] for f in fits if f.converged])
        found[name] = rate = (p < 0.05).mean()
        error = np.sqrt(rate * (1 - rate) / len(p))
        print(f"  {name:28}{100 * rate:5.1f} %  (Monte Carlo error {100 * error:.1f}; {len(p)} samples)")
    assert 0.04 <= found["ML, normal"] <= 0.06
