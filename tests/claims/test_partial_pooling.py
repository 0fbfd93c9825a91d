"""Figures pooled in part, against quadrature; how much samples differ, against published figures; and what may be claimed of them."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from xmresearch.claims import partial_pooling
from xmresearch.claims.between_samples import differ, errors, extreme, heterogeneity, off_mean, off_value
from xmresearch.claims.partial_pooling import pooled

LEVEL = 0.95
Z = stats.norm.ppf(0.975)
Y, S = np.array([0.2, 1.0, 2.6, 0.4, 1.5]), np.array([0.3, 0.5, 0.4, 1.5, 0.2])
NAMES = list("abcde")
LEVELS = {"confidence": LEVEL, "level": LEVEL}


def with_ends(y, s):
    return np.stack([y, y - Z * s, y + Z * s])


def by_quadrature(y, s, scale, tails=(0.025, 0.5, 0.975)):
    """Quantiles of each figure's posterior: over the spread by quadrature, given it by the normal that the figure has."""

    def given(tau):
        weight = 1 / (s**2 + tau**2)
        mean = weight @ y / weight.sum()
        log = 0.5 * (np.log(weight).sum() - np.log(weight.sum()) - weight @ (y - mean) ** 2)
        kept = tau**2 * weight
        centre = kept * y + (1 - kept) * mean
        return np.exp(log), centre, np.sqrt(kept * s**2 + (1 - kept) ** 2 / weight.sum())

    def over(f):
        # the prior by its quantiles, so that its long tail is inside
        return integrate.quad_vec(lambda u: f(scale * np.tan(np.pi / 2 * u)), 0, 1 - 1e-9, epsrel=1e-8)[0]

    whole = over(lambda t: given(t)[0])
    out = np.empty((len(tails), len(y)))
    for i in range(len(y)):
        for j, tail in enumerate(tails):

            def below(x, i=i):
                def weighed(t):
                    chance, centre, sd = given(t)
                    return chance * stats.norm.cdf(x, centre[i], max(sd[i], 1e-12))

                return over(weighed) / whole

            out[j, i] = optimize.brentq(lambda x, tail=tail: below(x) - tail, y.min() - 5, y.max() + 5, xtol=1e-4)
    return out


def scale_of(s, spread=4.0):
    return spread / np.sqrt((s**-2).mean())


def test_intervals_are_those_of_quadrature():
    found = pooled(with_ends(Y, S), NAMES, confidence=LEVEL)
    low, middle, high = by_quadrature(Y, S, scale_of(S))
    table = found.tidy()
    # a normal quantile of 20 000 draws has a standard error of 0.019 of its standard deviation
    sd = (high - low) / 2 / Z
    assert (np.abs(table["pooled_lower"] - low) < 0.08 * sd).all()
    assert (np.abs(table["pooled_upper"] - high) < 0.08 * sd).all()
    assert (np.abs(np.median(found.draws, axis=0) - middle) < 0.05 * sd).all()


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_scale_bears_on_intervals(factor, monkeypatch):
    """Or the test above would pass with any."""
    y, s = np.array([0.0, 0.6, -0.5]), np.full(3, 0.5)
    usual = pooled(with_ends(y, s), "abc", confidence=LEVEL).tidy()
    monkeypatch.setattr(partial_pooling, "SPREAD", partial_pooling.SPREAD * factor)
    other = pooled(with_ends(y, s), "abc", confidence=LEVEL).tidy()
    low, _, high = by_quadrature(y, s, scale_of(s))
    off = np.abs(other[["pooled_lower", "pooled_upper"]].to_numpy() - np.transpose([low, high])).max()
    assert np.abs(usual[["pooled_lower", "pooled_upper"]].to_numpy() - np.transpose([low, high])).max() < 0.03 < off


def test_units_and_level_bear_on_nothing():
    one = pooled(with_ends(Y, S), NAMES, confidence=LEVEL).tidy()
    other = pooled(with_ends(100 * Y + 7, 100 * S), NAMES, confidence=LEVEL).tidy()
    for column in ("pooled", "pooled_lower", "pooled_upper"):
        np.testing.assert_allclose(other[column], 100 * one[column] + 7, rtol=1e-6)
    assert (other["p_highest"] == one["p_highest"]).all()
    wide = np.stack([Y, Y - stats.norm.ppf(0.95) * S, Y + stats.norm.ppf(0.95) * S])
    np.testing.assert_allclose(errors(wide, 0.9), S)
    narrow = pooled(wide, NAMES, confidence=0.9).tidy()
    assert (narrow["pooled_upper"] - narrow["pooled_lower"] < one["pooled_upper"] - one["pooled_lower"]).all()


def test_what_little_is_known_of_is_pulled_most_and_does_not_lead():
    y, s = np.array([0.0, 0.3, 0.1, 9.0]), np.array([0.1, 0.1, 0.1, 8.0])
    table = pooled(with_ends(y, s), "abcd", confidence=LEVEL).tidy().set_index("name")
    assert table.loc["d", "pooled"] < 0.6
    assert table.loc["d", "p_highest"] < 0.5 < table.loc["b", "p_highest"] + table.loc["d", "p_highest"]
    assert table.loc["d", ["rank_lower", "rank_upper"]].tolist() == [1, 4]
    assert table["p_highest"].sum() == pytest.approx(1)


def test_too_few_too_many_and_certain_figures_are_not_pooled():
    for y, s in ((Y[:2], S[:2]), (Y, np.zeros(5)), (np.r_[Y[:4], np.nan], S), (np.zeros(2001), np.ones(2001))):
        with pytest.raises(ValueError, match="are pooled"):
            pooled(with_ends(y, s), [""] * len(y), confidence=LEVEL)
    assert pooled(with_ends(Y[:3], S[:3]), "abc", confidence=LEVEL).draws.shape == (20_000, 3)


TRIALS = (
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761), (180, 1361, 372, 1079),
    (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
)  # fmt: skip


def test_heterogeneity_is_that_of_metafor():
    """The BCG trials, dat.bcg of R's metafor: rma(method = "PM") and its confint."""
    a, b, c, d = np.array(TRIALS, dtype=float).T
    y, s = np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    found = heterogeneity(with_ends(y, s), confidence=LEVEL)
    assert (round(found.q, 4), found.df) == (152.233, 12)
    assert [round(v**2, 4) for v in (found.sd, found.lower, found.upper)] == [0.3181, 0.1197, 1.1115]
    assert found.p == pytest.approx(stats.chi2.sf(152.2330, 12), rel=1e-4)


def test_figures_that_are_equal_by_luck_may_differ_all_the_same():
    s = np.full(6, 0.5)
    bounds = [heterogeneity(with_ends(k * np.arange(6.0), s), confidence=LEVEL).upper for k in (0.0, 0.01, 0.1)]
    assert min(bounds) > 0.5
    assert heterogeneity(with_ends(Y[:1], S[:1]), confidence=LEVEL).df == 0


def test_claims_of_equal_and_of_distant_figures():
    s = np.full(6, 0.3)
    names = list("abcdef")
    near, far = with_ends(np.array([0.1, 0.2, 0.0, -0.1, 0.1, 0.0]), s), with_ends(np.array([0.1, 0, 0, 3, 0.2, 0]), s)
    assert differ("differ", heterogeneity(near, confidence=LEVEL), confidence=LEVEL).state == "unsettled"
    made = differ("differ", heterogeneity(far, confidence=LEVEL), confidence=LEVEL)
    assert (made.case, made.facts["count"]) == ("differs", 6)
    assert differ("differ", heterogeneity(far[:, :1], confidence=LEVEL), confidence=LEVEL).state == "withheld"
    assert extreme("highest", near, names, **LEVELS).state == "unsettled"
    assert extreme("highest", far, names, **LEVELS).facts["leader"] == "d"
    assert extreme("lowest", far, names, **LEVELS, lowest=True).state == "unsettled"
    assert off_mean("off", near, names, **LEVELS)[0].state == "unsettled"
    assert off_value("zero", far, names, **LEVELS)[0].facts["above"] == ["d"]
    assert off_value("zero", far, names, value=4.0, **LEVELS)[0].facts["below"] == names


def test_distances_from_the_mean_are_those_of_the_text_book_where_errors_are_equal():
    y, s = np.array([0.1, 0.0, 1.2, 0.3]), np.full(4, 0.3)
    claim, p = off_mean("off", with_ends(y, s), "abcd", **LEVELS)
    np.testing.assert_allclose(p, 2 * stats.norm.sf(np.abs(y - y.mean()) / (0.3 * np.sqrt(1 - 1 / 4))))
    assert claim.facts["above"] == ["c"]
    assert claim.facts["mean"] == pytest.approx(0.4)
    assert claim.facts["mean_upper"] - claim.facts["mean"] == pytest.approx(Z * 0.3 / 2)


def test_a_figure_of_which_nothing_is_known_does_not_blur_the_mean():
    y, s = np.array([0.0, 0.1, 0.0, 2.0, 50.0]), np.array([0.2, 0.2, 0.2, 0.2, 40.0])
    claim, _ = off_mean("off", with_ends(y, s), NAMES, **LEVELS)
    assert claim.facts["above"] == ["d"]
    assert claim.facts["mean"] < 1


def test_levels_of_the_family_count():
    """A claim at a level corrected for several figures asks for more."""
    ends = with_ends(np.array([0.0, 0.0, 0.0, 1.05]), np.full(4, 0.3))
    loose, strict = (off_mean("off", ends, "abcd", confidence=c, level=LEVEL)[0] for c in (LEVEL, 0.999))
    assert (loose.facts["count"], strict.facts["count"]) == (1, 0)
