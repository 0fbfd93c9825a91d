import numpy as np
import pandas as pd
import pytest

from xmresearch.data.scenarios.service_hall import BRANCH_SAMPLED, BRANCH_SHARE, DIMENSIONS, ServiceHall

N = 200_000


@pytest.fixture(scope="module")
def big():
    return ServiceHall(N, 3, missing=0, careless=0)


def truths(hall, quantity, level, **kwargs):
    table = hall.truth(**kwargs)
    rows = table[(table["quantity"] == quantity) & (table["level"] == level)]
    return rows.set_index("id")["truth"]


def test_same_seed_same_rows_and_other_seed_other_rows():
    pd.testing.assert_frame_equal(ServiceHall(50, 1).survey(), ServiceHall(50, 1).survey())
    assert not ServiceHall(50, 1).survey().equals(ServiceHall(50, 2).survey())


def test_adding_blanks_does_not_change_the_answers():
    full, blanked = ServiceHall(200, 1, missing=0).survey(), ServiceHall(200, 1, missing=0.2).survey()
    shown = blanked["p1"].notna()
    assert (full["p1"][shown] == blanked["p1"][shown]).all()
    assert 0.1 < 1 - shown.mean() < 0.3


def test_columns_and_scales():
    frame = ServiceHall(500, 1).survey()
    assert frame[[f"p{k}" for k in range(1, 23)]].stack().dropna().between(1, 7).all()
    assert (frame[[f"points_{d}" for d in DIMENSIONS]].sum(axis=1) == 100).all()
    assert frame["recommend"].between(0, 10).all()
    assert frame["satisfaction"].between(1, 5).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_declared_truth_is_what_a_large_sample_shows(big, weighted):
    frame = big.survey()
    weights = frame["weight"].to_numpy() if weighted else np.ones(N)
    for quantity, prefix in (("expectation", "e"), ("perception", "p"), ("minimum", "m")):
        declared = truths(big, quantity, "statement", weighted=weighted)
        shown = np.average(frame[[f"{prefix}{s}" for s in declared.index]], axis=0, weights=weights)
        assert np.abs(shown - declared.to_numpy()).max() < 5 * 1.4 / np.sqrt(N)
    points = frame[[f"points_{d}" for d in DIMENSIONS]].mean().to_numpy()
    assert np.abs(points - truths(big, "importance", "dimension").to_numpy()).max() < 5 * 14 / np.sqrt(N)


def test_segment_truth_is_what_a_large_sample_shows(big):
    frame = big.survey()
    table = big.truth()
    for channel, rows in table[(table["quantity"] == "gap") & (table["level"] == "channel")].groupby("value"):
        part = frame[frame["channel"] == channel]
        reliability = (
            part[[f"p{k}" for k in range(5, 10)]].mean().mean() - part[[f"e{k}" for k in range(5, 10)]].mean().mean()
        )
        declared = rows.set_index("id").loc["reliability", "truth"]
        assert abs(reliability - declared) < 5 * 1.1 / np.sqrt(len(part))


def test_weights_restore_the_population(big):
    assert BRANCH_SHARE.sum() == pytest.approx(1)
    assert BRANCH_SAMPLED.sum() == pytest.approx(1)
    frame = big.survey()
    share = frame.groupby("branch")["weight"].sum() / frame["weight"].sum()
    assert share["hillside"] == pytest.approx(0.03, abs=0.003)


def test_weighted_score_truth_adds_up(big):
    gap, importance = truths(big, "gap", "dimension"), truths(big, "importance", "dimension")
    score = truths(big, "score", "overall")
    assert score["servqual_weighted"] == pytest.approx((gap * importance).sum() / 100)
    assert score["servqual_unweighted"] == pytest.approx(gap.mean())
