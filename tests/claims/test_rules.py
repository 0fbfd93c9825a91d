import numpy as np
import pytest
from scipy import stats

from xmresearch.claims.calibration import Cell, exact_interval, judge, power
from xmresearch.claims.claim import VERDICTS, Claim, Condition, cases
from xmresearch.claims.families import adjusted, count_of
from xmresearch.claims.ranking import Joint, first_of
from xmresearch.claims.rules import alike, assumption, decision, larger, log_share, sign

LEVEL = {"confidence": 0.95}


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 1, "above"), (-1, -0.01, "below"), (-1, 1, "unsettled"), (0, 1, "unsettled")]
)
def test_sign(low, high, verdict):
    assert sign("x", 0.5, low, high, **LEVEL).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "threshold", "verdict"),
    [
        (0.3, 0.6, 0.2, "larger"),
        (0.1, 0.6, 0.2, "unsettled"),
        (-0.6, -0.3, 0.2, "smaller"),
        (-0.1, 0.19, 0.2, "within"),
        (-0.1, 0.21, 0.2, "unsettled"),
        (0.01, 0.19, 0.2, "within"),
        (-0.04, 1.10, 0.0, "unsettled"),
        (0.04, 1.10, 0.0, "larger"),
    ],
)
def test_larger_never_contradicts_its_interval(low, high, threshold, verdict):
    claim = larger("x", (low + high) / 2, low, high, threshold, **LEVEL)
    assert claim.verdict == verdict
    assert claim.promised == pytest.approx(0.025 if threshold else 0.05)


def test_an_interval_as_wide_as_the_scale_is_withheld():
    assert sign("x", 40, 1, 102, span=100, **LEVEL).case == "withheld"
    assert sign("x", 40, 1, 100, span=100, **LEVEL).case == "above"
    assert sign("x", 40, np.nan, np.nan, **LEVEL).withheld == "no_interval"


def test_states():
    claim = sign("x", 1, 0.5, 1.5, **LEVEL)
    assert (claim.state, claim.case) == ("settled", "above")
    assert claim.given(Condition("a", True), Condition("b", None)).case == "above"
    doubted = claim.given(Condition("a", True), Condition("b", False))
    assert (doubted.state, doubted.case, doubted.failed, doubted.verdict) == (
        "conditional",
        "conditional",
        ["b"],
        "above",
    )
    assert doubted.withhold("why").case == "withheld"
    assert sign("x", 1, -1, 2, **LEVEL).given(Condition("b", None)).case == "unsettled"
    assert sign("x", 1, -1, 2, **LEVEL).given(Condition("b", False)).case == "conditional"
    assert doubted.summary()["failed"] == ["b"]
    with pytest.raises(ValueError, match="cannot be 'first'"):
        Claim("x", "sign", "first", "interval_excludes_zero", 0.05, 0.95)


def test_every_kind_has_cases():
    for kind, verdicts in VERDICTS.items():
        assert set(verdicts) < set(cases(kind)) or kind == "share"


def test_first_by_covariance_is_the_paired_t_test():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((40, 2)) + [0.0, 0.35]
    test = stats.ttest_rel(values[:, 1], values[:, 0])
    joint = Joint(values.mean(axis=0), covariance=np.cov(values, rowvar=False) / 40, df=39)
    assert 2 * joint.tail(1, 0) == pytest.approx(test.pvalue)
    claim = first_of("x", joint, ["a", "b"], **LEVEL)
    assert (claim.verdict == "first") == (test.pvalue < 0.05)
    low, high = test.confidence_interval()
    assert claim.facts["margin_lower"] == pytest.approx(low)
    assert claim.facts["margin_upper"] == pytest.approx(high)


def test_first_of_many_and_the_possible_firsts():
    draws = np.random.default_rng(3).normal([0, 5, 5.1, 20], 1, (4000, 4))
    joint = Joint(draws.mean(axis=0), draws)
    assert first_of("x", joint, list("abcd"), **LEVEL).case == "first"
    lowest = first_of("x", joint, list("abcd"), lowest=True, **LEVEL)
    assert (lowest.case, lowest.facts["leader"]) == ("first", "a")
    three = Joint(joint.estimate[:3], draws[:, :3])
    tied = first_of("x", three, list("abc"), **LEVEL)
    assert tied.case == "unsettled"
    assert set(tied.facts["possible"]) == {"b", "c"}
    assert tied.facts["others"] == [n for n in tied.facts["possible"] if n != tied.facts["leader"]]
    assert first_of("x", Joint(joint.estimate[:1], draws[:, :1]), ["a"], **LEVEL).case == "only"


@pytest.mark.parametrize("as_draws", [True, False])
def test_equal_figures_without_spread_are_a_tie(as_draws):
    value = np.array([30.0, 30.0, 30.0])
    joint = Joint(value, np.tile(value, (500, 1))) if as_draws else Joint(value, covariance=np.zeros((3, 3)))
    claim = first_of("x", joint, list("abc"), **LEVEL)
    assert claim.case == "unsettled"
    assert sorted(claim.facts["possible"]) == ["a", "b", "c"]
    above = Joint(value + [1, 0, 0], None if not as_draws else np.tile(value + [1, 0, 0], (500, 1)), joint.covariance)
    assert first_of("x", above, list("abc"), **LEVEL).case == "first"


@pytest.mark.parametrize("equal", [2, 3, 6])
def test_a_false_first_is_settled_at_the_promised_rate(equal):
    """Two, three and six equal leaders among eight; 4 000 samples of known covariance."""
    rng = np.random.default_rng(4)
    truth = np.r_[np.zeros(equal), np.full(8 - equal, -9.0)]
    names = [str(k) for k in range(8)]
    found = [
        first_of("x", Joint(x, covariance=np.eye(8)), names, **LEVEL)
        for x in rng.standard_normal((4000, 8)) + truth
    ]  # fmt: skip
    settled = sum(c.settled for c in found)
    assert judge([Cell("first", settled, 4000, at_most=0.05)])["kept"].all()
    assert settled > 0
    missed = sum("0" not in c.facts["possible"] for c in found)
    assert judge([Cell("possible", missed, 4000, at_most=0.05)])["kept"].all()


def test_the_rule_of_the_rival_s_estimate_would_be_caught():
    """A lower bound compared with the rival's point estimate is wrong in 31 % of equal worlds."""
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (2000, 2)) / np.sqrt(2)
    wrong = int((np.abs(x[:, 0] - x[:, 1]) > 1.96 / np.sqrt(2)).sum())
    assert wrong / 2000 == pytest.approx(0.166, abs=0.03)
    assert not judge([Cell("first", wrong, 2000, at_most=0.05)])["kept"].all()


def test_adjusted_p_values():
    """Against statsmodels' documented definitions by hand: Holm (1979), Benjamini & Hochberg (1995)."""
    p = [0.01, 0.04, 0.03, np.nan]
    np.testing.assert_allclose(adjusted(p), [0.03, 0.06, 0.06, np.nan])
    np.testing.assert_allclose(adjusted(p, "bh"), [0.03, 0.04, 0.04, np.nan])
    np.testing.assert_allclose(adjusted(p[:3], "bh"), stats.false_discovery_control(p[:3]))


def test_count_of():
    assert count_of("x", list("abc"), [0.001, 0.002, 0.04], **LEVEL).case == "all"
    some = count_of("x", list("abc"), [0.001, 0.03, 0.04], **LEVEL)
    assert (some.case, some.facts["shown"], some.facts["not_shown"], some.facts["count"]) == (
        "some",
        ["a"],
        ["b", "c"],
        1,
    )
    assert count_of("x", list("abc"), [0.001, 0.03, 0.04], method="bh", **LEVEL).case == "all"
    assert count_of("x", list("abc"), [0.2, 0.02, 0.4], **LEVEL).case == "unsettled"
    assert count_of("x", list("ab"), [np.nan, np.nan], **LEVEL).case == "withheld"


def test_alike_needs_a_margin():
    narrow = {"lower": [-0.05, -0.02], "upper": [0.04, 0.06]}
    assert alike("x", **narrow, margin=0.1, p=0.3, **LEVEL).case == "alike"
    assert alike("x", **narrow, margin=0.1, p=0.01, **LEVEL).case == "alike"
    assert alike("x", **narrow, margin=0.05, p=0.3, **LEVEL).case == "unsettled"
    assert alike("x", **narrow, margin=None, p=0.3, **LEVEL).case == "unsettled"
    assert alike("x", **narrow, margin=None, p=0.04, **LEVEL).case == "differs"
    assert alike("x", **narrow, margin=None, p=np.nan, **LEVEL).case == "withheld"


def test_an_assumption_is_never_proved():
    assert assumption("x", p=0.9, **LEVEL).case == "unsettled"
    assert assumption("x", p=0.9, lower=[-0.1], upper=[0.1], margin=0.2, **LEVEL).case == "no_departure"
    assert assumption("x", p=0.04, lower=[0.05], upper=[0.3], margin=0.2, **LEVEL).case == "failed"
    assert assumption("x", p=np.nan, **LEVEL).case == "withheld"


def test_a_count_of_the_log_has_no_interval():
    claim = log_share("x", 5991, 6000)
    assert (claim.case, claim.facts["share"], claim.promised) == ("counted", 5991 / 6000, 0.0)


def test_decisions_lean_on_break_even_and_on_what_they_rest_on():
    gain = np.random.default_rng(6).normal(1, 0.2, 4000)
    under = sign("effect", 1, 0.6, 1.4, **LEVEL)
    assert decision("x", gain, 0.5, under=[under], **LEVEL).case == "act"
    assert decision("x", gain, 1.6, under=[under], **LEVEL).case == "wait"
    open_ = decision("x", gain, 0.9, under=[under], **LEVEL)
    assert (open_.case, open_.facts["leaning"]) == ("unsettled", "act")
    assert decision("x", gain, 0.9, tolerable=0.05, under=[under], **LEVEL).case == "act"
    assert decision("x", gain, 0.9, tolerable=0.01, under=[under], **LEVEL).case == "unsettled"
    doubted = decision("x", gain, 0.5, under=[under.given(Condition("pretrend", False))], **LEVEL)
    assert (doubted.case, doubted.failed) == ("conditional", ["pretrend"])
    assert decision("x", gain, 0.5, under=[under.withhold("no_interval")], **LEVEL).case == "withheld"


def test_exact_intervals_are_scipy_s():
    for events, samples in ((0, 200), (7, 200), (200, 200)):
        low, high = stats.binomtest(events, samples).proportion_ci()
        assert exact_interval(events, samples) == pytest.approx((low, high))


def test_a_rate_is_judged_with_all_others():
    """One cell of .075 with 1 000 samples breaks a promise of .05 by itself; among forty it may be chance."""
    alone = judge([Cell("a", 72, 1000, at_most=0.05)])
    assert not alone["kept"].any()
    among = judge([Cell("a", 72, 1000, at_most=0.05), *(Cell(str(k), 50, 1000, at_most=0.05) for k in range(39))])
    assert among["kept"].all()
    assert not judge([Cell("a", 880, 1000, 0.93, 0.97)])["kept"].any()
    assert judge([Cell("a", 950, 1000, 0.93, 0.97)])["kept"].all()


def test_power_is_a_share_of_what_the_oracle_settles():
    cell = power("a", [True, False, True, True], [True, True, True, False])
    assert (cell.events, cell.samples) == (2, 3)
    assert not judge([power("a", [False] * 200, [True] * 200)])["kept"].any()
