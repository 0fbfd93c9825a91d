"""Scores by group, changes and benchmarks: what they must say in small worlds whose answer is known, and what they refuse."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.change_parts import gap_change, mix_and_score
from xmresearch.metrics.measures import answers_in, mean_score, net_promoter_measure, top_boxes
from xmresearch.metrics.net_scores import net_score
from xmresearch.metrics.public_service_grades import service_grades
from xmresearch.metrics.scores_by_group import BORROWED, group_scores
from xmresearch.metrics.share_changes import share_difference
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.metrics.wave_changes import against_benchmark, correlation_of_waves, matched_change, unpaired_change
from xmresearch.sufficient.counts import Counts

NPS = net_promoter_measure()


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "score": rng.integers(0, 11, 900).astype(float), "branch": rng.choice(["a", "b", "c"], 900), "wave": rng.integers(1, 3, 900),
        "w": rng.uniform(0.2, 3, 900),
    })  # fmt: skip
    frame.loc[:20, "score"] = np.nan
    frame.loc[21:24, "branch"] = None
    return frame


def test_counts_add_up_like_one_pass(answers):
    whole = Counts.of(answers, "score", by=["branch", "wave"], weights="w")
    parts = [
        Counts.of(p, "score", by=["branch", "wave"], weights="w") for p in (answers.iloc[:300], answers.iloc[300:])
    ]
    both = parts[0] + parts[1]
    assert both.groups.equals(whole.groups)
    for name in ("n", "weight", "square", "blank"):
        np.testing.assert_allclose(getattr(both, name), getattr(whole, name), rtol=1e-12)
    alone = Counts.of(answers.dropna(subset="branch"), "score", by=["wave"], weights="w")
    np.testing.assert_allclose(whole.over("wave").weight, alone.weight, rtol=1e-12)
    assert whole.n.sum() + whole.blank.sum() == answers["branch"].notna().sum()
    streamed = Counts.scan(pl.from_pandas(answers).lazy(), "score", by=["branch", "wave"], weights="w")
    assert (streamed.n == whole.n).all()
    assert (whole.where(wave=2).groups["wave"] == 2).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"w": 0.0}, "weight above zero"),
        ({"score": 12.0}, "not on its scale"),
        ({"score": "x"}, "no numbers"),
    ],
)
def test_wrong_columns_are_refused(answers, change, match):
    with pytest.raises(DataError, match=match):
        Counts.of(answers.assign(**change), "score", weights="w", levels=range(11))
    with pytest.raises(DataError, match=r"no column 'scroe'.*|Did you mean"):
        Counts.of(answers, "scroe")


def test_unweighted_scores_are_the_intervals_of_counts(answers):
    table = group_scores(Counts.of(answers, "score", by=["branch"]), NPS).table
    for row in table.itertuples():
        own = answers.loc[answers["branch"] == row.branch, "score"].dropna()
        net = net_score((own <= 6).sum(), own.between(7, 8).sum(), (own >= 9).sum()).tidy().iloc[0]
        np.testing.assert_allclose([row.estimate, row.lower, row.upper], net[["nps", "lower", "upper"]], rtol=1e-10)
    table = group_scores(Counts.of(answers, "score", by=["branch"]), top_boxes(range(11), 2)).table
    for row in table.itertuples():
        own = answers.loc[answers["branch"] == row.branch, "score"].dropna()
        np.testing.assert_allclose(
            [row.lower, row.upper], np.ravel(share_interval((own >= 9).sum(), len(own))), rtol=1e-10
        )


def test_weights_of_one_size_change_nothing_but_sums(answers):
    for measure in (NPS, top_boxes(range(11)), mean_score(range(11))):
        plain = group_scores(Counts.of(answers, "score", by=["branch"]), measure).table
        same = group_scores(Counts.of(answers.assign(w=7.0), "score", by=["branch"], weights="w"), measure).table
        np.testing.assert_allclose(plain.iloc[:, 1:], same.iloc[:, 1:], rtol=1e-9)


def test_no_promoters_all_promoters_and_no_answers_have_a_stated_interval():
    frame = pd.DataFrame(
        {"score": [9.0] * 12 + [3.0] * 12 + [np.nan] * 3, "g": ["all"] * 12 + ["none"] * 12 + ["blank"] * 3}
    )
    counts = Counts.of(frame, "score", by=["g"], levels=range(11))
    table = group_scores(counts, NPS).table.set_index("g")
    assert table.loc["all", ["estimate", "upper"]].tolist() == [100, 100]
    assert 40 < table.loc["all", "lower"] < 100
    assert table.loc["none", ["estimate", "lower"]].tolist() == [-100, -100]
    assert table.loc["blank", ["estimate", "lower", "upper"]].isna().all()
    mean = group_scores(counts, mean_score(range(11))).table.set_index("g")
    assert mean.loc["all", "estimate"] == 9
    assert mean[["lower", "upper"]].isna().all(axis=None)
    assert (table.loc[["all", "none"], "spread"] > 0).all()


def test_scales_are_recognised_or_refused_with_the_remedy():
    assert net_promoter_measure(1, 10).levels[0] == 1
    with pytest.raises(DataError, match="1 to 11") as refused:
        net_promoter_measure(1, 11)
    assert "Take 1 from every answer" in refused.value.hint
    for scale in ((0, 5), (1, 5), (2, 10), (0, 100)):
        with pytest.raises(DataError, match="0 to 10"):
            net_promoter_measure(*scale)
    counts = Counts.of(pd.DataFrame({"s": [1.0, 5, 11, 10]}), "s")
    with pytest.raises(DataError, match="not on the scale") as refused:
        group_scores(counts, NPS)
    assert "Take 1" in refused.value.hint or "take 1" in refused.value.hint
    with pytest.raises(DataError):
        top_boxes(range(5), 5)
    with pytest.raises(DataError):
        answers_in(range(5), [7])
    with pytest.raises(DataError):
        mean_score([3])


def test_five_grades_with_and_without_the_praise_of_the_system():
    """GB/T 39735: of 100 evaluations 60 are the system's; of the 40 given, 10 are bad, 6 of them called back."""
    grades = pd.Series(["非常满意"] * 60 + ["满意"] * 20 + ["基本满意"] * 10 + ["不满意"] * 6 + ["非常不满意"] * 4)
    default = pd.Series([True] * 60 + [False] * 40)
    called = pd.Series([False] * 90 + [True] * 6 + [False] * 4)
    found = service_grades(grades, by_default=default, called_back=called).set_index("rate")
    assert found["share"].to_dict() == pytest.approx(
        {"good": 0.9, "good_given": 0.75, "default": 0.6, "called_back": 0.6}
    )
    assert found["n"].tolist() == [100, 40, 100, 10]
    np.testing.assert_allclose(found.loc["good_given", ["lower", "upper"]].tolist(), np.ravel(share_interval(30, 40)))
    codes = grades.map({g: k + 1 for k, g in enumerate(dict.fromkeys(grades))})
    assert service_grades(codes.astype(float))["share"].iloc[0] == pytest.approx(0.9)
    with pytest.raises(DataError, match="five grades"):
        service_grades(pd.Series(["满意", "很好"]))
    with pytest.raises(DataError, match="No grade"):
        service_grades(pd.Series([None, None], dtype="object"))


def _share(x, n, levels=(0, 1)):
    frame = pd.DataFrame({"a": [1.0] * x + [0.0] * (n - x)})
    return group_scores(Counts.of(frame, "a", levels=levels), answers_in(levels, [1])).table.iloc[0].to_dict()


def test_a_change_of_shares_is_newcombes():
    for x1, n1, x2, n2 in ((56, 70, 48, 80), (0, 20, 5, 40), (29, 29, 20, 29)):
        found = unpaired_change(_share(x2, n2), _share(x1, n1))
        want = [float(v) for v in share_difference(x1, n1, x2, n2)]
        np.testing.assert_allclose([found.estimate, found.lower, found.upper], want, rtol=1e-9, atol=1e-12)
        assert (found.p < 0.05) == (found.lower > 0 or found.upper < 0)


def test_probability_of_a_rise_by_more_than_matters():
    found = unpaired_change(_share(400, 1000), _share(500, 1000))
    assert found.chance_above(0.1) == pytest.approx(0.5, abs=0.01)
    assert found.chance_above(0.0) > 0.9999
    assert found.chance_above(0.2) < 0.001


def test_matched_answers_are_sharper_and_nobody_who_changed_has_no_interval():
    rng = np.random.default_rng(3)
    first = rng.choice([-100.0, 0, 100], 400)
    second = np.where(rng.random(400) < 0.8, first, rng.choice([-100.0, 0, 100], 400))
    paired = matched_change(first, second, step=100)
    apart = matched_change(first, rng.permutation(second), step=100)
    assert paired.se < 0.6 * apart.se
    assert paired.estimate == pytest.approx(apart.estimate)
    same = matched_change(first, first)
    assert np.isnan([same.lower, same.upper, same.p]).all()
    held = matched_change(first, first, step=100)
    assert held.lower < 0 < held.upper
    weighed = matched_change(first, second, weights=np.full(400, 3.0), step=100)
    assert weighed.se == pytest.approx(paired.se)
    with pytest.raises(InsufficientData):
        matched_change([1.0], [2.0])
    with pytest.raises(DataError):
        matched_change([1.0, 2], [2.0, 3], weights=[1, 0])


def test_a_benchmark_brings_its_own_uncertainty():
    score = _share(60, 100)
    target = against_benchmark(score, 0.5)
    assert target.lower == pytest.approx(score["lower"] - 0.5)
    known = against_benchmark(score, 0.5, n=100, sd=0.5)
    loose = against_benchmark(score, 0.5, lower=0.3, upper=0.7)
    assert target.se < known.se < loose.se
    assert against_benchmark(score, 0.5, se=0.05).lower == pytest.approx(known.lower)
    for wrong in ({"n": 10}, {"se": 1, "n": 10, "sd": 1}, {"lower": 0.6, "upper": 0.7}):
        with pytest.raises(DataError):
            against_benchmark(score, 0.5, **wrong)


def _wave(shares, scores, n=1000):
    return pd.DataFrame({
        "segment": list("xyz"), "share": shares, "n_eff": np.array(shares) * n, "estimate": scores,
        "spread": [2.0 if s else np.nan for s in shares],
    })  # fmt: skip


def test_a_change_of_customers_is_mix_and_a_change_of_answers_is_score():
    moved = mix_and_score(_wave([0.5, 0.3, 0.2], [10.0, 20, 60]), _wave([0.2, 0.3, 0.5], [10.0, 20, 60]))
    assert moved.summary() == pytest.approx({"mix": 15.0, "score": 0.0, "total": 15.0})
    better = mix_and_score(_wave([0.5, 0.3, 0.2], [10.0, 20, 60]), _wave([0.5, 0.3, 0.2], [14.0, 24, 64]))
    assert better.summary() == pytest.approx({"mix": 0.0, "score": 4.0, "total": 4.0})
    assert moved.groups["mix"].sum() == pytest.approx(15)
    gone = mix_and_score(_wave([0.5, 0.3, 0.2], [10.0, 20, 60]), _wave([0.6, 0.4, 0.0], [10.0, 20, np.nan]))
    assert gone.summary()["score"] == pytest.approx(0)
    assert gone.summary()["total"] == pytest.approx(14 - 23)
    with pytest.raises(DataError):
        mix_and_score(_wave([0.5, 0.3, 0.1], [1, 2, 3]), _wave([0.5, 0.3, 0.2], [1, 2, 3]))


def test_parts_of_a_change_have_the_errors_that_simulation_gives():
    """1 000 pairs of waves of 3 segments: the standard errors of mix, score and total within 8 %."""
    rng = np.random.default_rng(8)
    means, sd = np.array([10.0, 30, 50]), 40.0
    found, said = [], []
    for _ in range(1000):
        waves = []
        for shares in ([0.5, 0.3, 0.2], [0.3, 0.3, 0.4]):
            n = rng.multinomial(600, shares)
            waves.append(
                _wave(n / 600, means + rng.normal(size=3) * sd / np.sqrt(n), 600).assign(spread=sd / np.sqrt(n))
            )
        parts = mix_and_score(*waves)
        found.append(parts.table["estimate"])
        said.append(parts.table["se"])
    np.testing.assert_allclose(np.mean(said, axis=0), np.std(found, axis=0), rtol=0.08)


def test_a_gap_may_close_because_expectations_fell():
    rng = np.random.default_rng(4)
    trait = rng.normal(0, 1, (2, 500))
    expected = tuple(6 - 0.5 * k + 0.3 * trait[k] + rng.normal(0, 0.5, 500) for k in (0, 1))
    perceived = tuple(5 + 0.3 * trait[k] + rng.normal(0, 0.5, 500) for k in (0, 1))
    parts = gap_change(expected, perceived).table.set_index("part")
    assert parts.loc["expectation", "lower"] > 0.3
    assert parts.loc["perception", "lower"] < 0 < parts.loc["perception", "upper"]
    assert parts.loc["total", "estimate"] == pytest.approx(parts["estimate"].iloc[:2].sum())
    both = gap_change(expected, perceived, matched=True).table.set_index("part")
    np.testing.assert_allclose(both["estimate"], parts["estimate"], rtol=1e-9)
    with pytest.raises(DataError):
        gap_change((expected[0], expected[1][:10]), (perceived[0], perceived[1][:10]), matched=True)


def test_intervals_hold_the_truth_at_fifty_answers():
    """A small bench of tests/benchmarks/test_scorecard_coverage.py: coverage .93 to .97, seeded."""
    rng = np.random.default_rng(1)
    shares = np.array([0.3, 0.3, 0.4])
    n = rng.multinomial(50, shares, size=2000)
    counts = Counts("a", pd.DataFrame(index=range(2000)), np.array([3.0, 7, 10]), n, n, n, np.zeros(2000))
    table = group_scores(counts, NPS).table
    assert 0.93 < ((table["lower"] < 10) & (table["upper"] > 10)).mean() < 0.97


def test_people_in_both_waves_make_a_change_sharper():
    """Two waves of 400 with 200 people in both: the interval holds no change in 93 to 97 % of 1 000 samples, and is narrower."""
    rng = np.random.default_rng(12)
    held = 0
    for _ in range(1000):
        first = rng.choice([3.0, 7, 10], 400, p=[0.3, 0.3, 0.4])
        kept = np.where(rng.random(200) < 0.85, first[:200], rng.choice([3.0, 7, 10], 200, p=[0.3, 0.3, 0.4]))
        second = np.append(kept, rng.choice([3.0, 7, 10], 200, p=[0.3, 0.3, 0.4]))
        rows = [
            group_scores(Counts.of(pd.DataFrame({"a": a}), "a"), NPS).table.iloc[0].to_dict() for a in (first, second)
        ]
        ones, people = np.ones(400), np.arange(400)
        shared = np.append(people[:200], people[:200] + 1000)
        r = correlation_of_waves((_net(first), ones, people), (_net(second), ones, shared))
        found = unpaired_change(*rows, correlation=r)
        held += found.lower <= 0 <= found.upper
    assert 0.3 < r < 0.6
    assert 930 <= held <= 970
    assert found.upper - found.lower < unpaired_change(*rows).upper - unpaired_change(*rows).lower
    assert correlation_of_waves((_net(first), ones, people), (_net(second), ones, people + 500)) == 0


def _net(answers):
    return 100.0 * ((answers >= 9).astype(float) - (answers <= 6))


def test_weighted_intervals_have_students_quantile_of_the_effective_answers():
    """By hand: Rocks' interval with added answers of the weight of an effective one, from t instead of z."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"score": rng.integers(0, 11, 40).astype(float), "w": rng.exponential(1, 40) + 0.1})
    row = group_scores(Counts.of(frame, "score", weights="w", levels=range(11)), NPS).table.iloc[0]
    y, w = 100.0 * ((frame["score"] >= 9).astype(float) - (frame["score"] <= 6)), frame["w"].to_numpy()
    unit, n_eff = (w**2).sum() / w.sum(), w.sum() ** 2 / (w**2).sum()
    total = w.sum() + 3 * unit
    centre = (w * y).sum() / total
    ends = np.array([100.0, -100.0])
    added = 0.75 * ((ends - centre) ** 2).sum() + 1.5 * centre**2
    squares = (w**2 * (y - centre) ** 2).sum() + unit**2 * added
    half = stats.t.ppf(0.975, n_eff - 1) * np.sqrt(squares) / total
    assert n_eff < 35
    assert [row["n_eff"], row["upper"] - row["lower"]] == pytest.approx([n_eff, 2 * half], rel=1e-9)


def test_a_group_that_agrees_borrows_its_spread_from_three_answers_of_all():
    frame = pd.DataFrame({"score": [9.0] * 20 + [9.0, 3.0] * 20, "g": ["agree"] * 20 + ["apart"] * 40})
    row = group_scores(Counts.of(frame, "score", by=["g"], levels=range(11)), NPS).table.set_index("g").loc["agree"]
    grand = (100 * 20 + 0 * 40) / 60
    common = (20 * 0 + 40 * 100.0**2 + (100 - grand) ** 2 + (-100 - grand) ** 2) / 62
    assert BORROWED == 3
    assert row["spread"] == pytest.approx(np.sqrt(3 * common / 22 / 20), rel=1e-9)


def test_a_quarter_of_a_rise_and_of_a_fall_is_added_where_nobody_changed():
    found = matched_change([1.0] * 10, [1.0] * 10, step=1.0)
    squares = 0.25 * (1.0**2 + 1.0**2)
    reach = stats.t.ppf(0.975, 9) * np.sqrt(10 / 9 * squares) / 10.5
    assert (found.lower, found.upper) == pytest.approx((-reach, reach), rel=1e-9)
