"""How cases are handled: by hand, with what is still open, and with customers who come back."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.monitoring.feedback_handling import handling_times, next_contacts

START = pd.Timestamp("2024-03-01")


def at(*hours):
    return [pd.NaT if h is None else START + pd.Timedelta(hours=h) for h in hours]


def cases():
    return pd.DataFrame(
        {"opened": at(0, 0, 10, 20, 30), "responded": at(2, 30, 11, 24, None), "resolved": at(5, 200, 20, None, None),
         "contacts": [1, 3, 1, 2, 1], "reopened": [0, 0, 1, 0, 0], "customer": ["a", "b", "a", None, None],
         "hall": ["x", "x", "y", "y", "y"]}
    )  # fmt: skip


def test_times_and_shares_are_those_counted_by_hand():
    found = handling_times(cases(), until=START + pd.Timedelta(days=20), by="hall")
    times = found.tidy().set_index(["group", "time"])
    # responses after 2, 30, 1 and 4 hours, one open for 450
    row = times.loc[("", "response")]
    assert (row["n"], row["open"], row["median"], row["within"]) == (5, 1, 4.0, pytest.approx(3 / 5))
    row = times.loc[("", "resolution")]
    # 5, 10, 200 hours; two open at the end: the curve comes to 2/5
    assert (row["open"], row["median"], row["within"]) == (2, 200.0, pytest.approx(2 / 5))
    assert np.isnan(row["p90"])
    assert times.loc[("x", "response"), "within"] == 0.5
    shares = found.shares.set_index(["group", "measure"])
    # of three resolved one took one contact and stayed closed, one was reopened
    assert shares.loc[("", "first_contact"), ["n", "share"]].tolist() == [3, pytest.approx(1 / 3)]
    assert shares.loc[("", "reopened"), "share"] == pytest.approx(1 / 3)
    assert shares.loc[("", "called_back"), ["n", "share"]].tolist() == [5, pytest.approx(1 / 5)]
    assert found.comparisons["time"].tolist() == ["response", "resolution"]
    assert found.summary()["n"] == 5
    narrow = handling_times(cases(), until=START + pd.Timedelta(days=20), window=0.4).shares.set_index("measure")
    assert narrow.loc["called_back", "share"] == 0


def test_contacts_not_yet_followed_for_the_window_do_not_count():
    found = handling_times(cases(), until=START + pd.Timedelta(hours=201), window=8.0)
    row = found.shares.set_index("measure").loc["called_back"]
    # opened at 0, 0 and 9 hours or earlier before 201 hours less eight days
    assert row["n"] == 2


def test_open_cases_are_censored_and_not_left_out():
    """Half of the slow cases are still open at the end: their median is held, that of closed ones is too short."""
    rng = np.random.default_rng(1)
    opened = rng.uniform(0, 100, 4000)
    over = opened + rng.exponential(50, 4000)
    data = pd.DataFrame({"opened": at(*opened), "resolved": at(*[v if v < 100 else None for v in over])})
    found = handling_times(data, until=START + pd.Timedelta(hours=100)).tidy().iloc[0]
    assert found["median_lower"] < 50 * np.log(2) < found["median_upper"]
    closed = (over - opened)[over < 100]
    assert np.median(closed) < 0.75 * 50 * np.log(2)


def test_intervals_of_call_backs_allow_for_customers_with_many_cases():
    """1 000 logs of 60 customers, a few of whom come again and again: the interval covers in 93 to 97 %."""
    rng, hits, naive, truth = np.random.default_rng(20267), 0, 0, []
    logs = []
    for _ in range(1000):
        habit = rng.beta(0.6, 1.4, 60)
        size = rng.integers(4, 12, 60)
        back = rng.binomial(size, habit)
        logs.append((size, back))
        truth.append(back.sum() / size.sum())
    share = 0.3
    from xmresearch.monitoring.feedback_handling import _share

    for size, back in logs:
        whose = np.repeat(np.arange(60), size)
        does = np.concatenate([np.arange(s) < b for s, b in zip(size, back, strict=True)])
        all_of = np.ones(len(does), dtype=bool)
        row = _share("called_back", all_of, does, whose, all_of, 0.95)
        hits += row["lower"] <= share <= row["upper"]
        low, high = share_interval(does.sum(), len(does))
        naive += bool(low <= share <= high)
    low, high = stats.binomtest(int(hits), 1000).proportion_ci()
    assert low <= 0.97
    assert high >= 0.93
    assert naive < 800


def test_next_contacts_are_those_of_the_same_customer():
    found = next_contacts(["a", "b", "a", None, None, "a"], [5.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(found, [0.0, np.nan, 3.0, np.nan, np.nan, np.nan])


def test_a_group_that_kept_every_promise_has_an_interval():
    data = pd.DataFrame({"opened": at(*[0] * 20), "responded": at(*range(1, 21))})
    row = handling_times(data, until=START + pd.Timedelta(days=9)).tidy().iloc[0]
    assert (row["within"], row["within_upper"]) == (1, 1)
    assert row["within_lower"] == pytest.approx(float(share_interval(20, 20)[0]))


def test_times_may_have_zones_and_wrong_ones_are_refused():
    data = pd.DataFrame({"opened": ["2024-03-01 08:00+08:00"], "responded": ["2024-03-01 01:00+00:00"]})
    found = handling_times(data, until=pd.Timestamp("2024-03-05", tz="Asia/Shanghai"))
    assert found.tidy()["median"].tolist() == [1.0]
    with pytest.raises(DataError, match="zone"):
        handling_times(data, until="2024-03-05")
    end = START + pd.Timedelta(days=20)
    for change, error in (
        ({"opened": at(0, 0, 10, 20, None)}, DataError), ({"responded": at(2, 30, 11, 24, 29)}, DataError),
        ({"resolved": ["soon"] * 5}, DataError), ({"resolved": at(9999, 200, 20, 21, 31)}, DataError),
    ):  # fmt: skip
        with pytest.raises(error):
            handling_times(cases().assign(**change), until=end)
    with pytest.raises(InsufficientData):
        handling_times(cases().iloc[:0], until=end)
    with pytest.raises(DataError, match="branch"):
        handling_times(cases(), until=end, by="branch")
    with pytest.raises(DataError, match="responded"):
        handling_times(cases()[["opened"]], until=end)
