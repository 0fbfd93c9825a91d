"""The declared chances of answers are those that the simulated hall gives, and dates fall into their periods."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.scenarios.service_hall import OUTCOMES, ServiceHall
from xmresearch.data.scenarios.service_hall_answers import answer_chances
from xmresearch.data.waves import waves_of
from xmresearch.errors import DataError


@pytest.mark.parametrize("item", OUTCOMES)
def test_answers_are_given_as_often_as_declared(item):
    frame = ServiceHall(200_000, 3).survey()
    chances = answer_chances(item)
    levels = [c for c in chances if isinstance(c, float)]
    np.testing.assert_allclose(chances[levels].sum(axis=1), 1)
    whole = chances[levels].T @ chances["share"]
    seen = frame[item].value_counts(normalize=True).reindex(levels, fill_value=0)
    np.testing.assert_allclose(seen, whole, atol=0.004)
    web = chances[(chances["channel"] == "web") & (chances["branch"] == "west")][levels].iloc[0]
    own = frame.loc[(frame["channel"] == "web") & (frame["branch"] == "west"), item]
    np.testing.assert_allclose(own.value_counts(normalize=True).reindex(levels, fill_value=0), web, atol=0.025)


def test_weights_restore_the_visitors():
    frame = ServiceHall(200_000, 3).survey()
    chances = answer_chances("recommend", weighted=True)
    top = chances[[9.0, 10.0]].sum(axis=1) @ chances["share"]
    assert np.average(frame["recommend"] >= 9, weights=frame["weight"]) == pytest.approx(top, abs=0.005)


@pytest.mark.parametrize(
    ("period", "want"),
    [("month", ["2023-01", "2023-06"]), ("quarter", ["2023-Q1", "2023-Q2"]), ("half_year", ["2023-H1", "2023-H1"]), ("year", ["2023", "2023"])],
)  # fmt: skip
def test_dates_fall_into_periods(period, want):
    days = pd.Series(["12/01/2023", "30/06/2023"], name="day")
    assert waves_of(days, period, order="dmy").tolist() == want
    assert waves_of(pd.Series(["2023-01", "2023-06"], name="month"), period).tolist() == want
    assert waves_of(pd.to_datetime(pd.Series(["2023-01-12", "2023-06-30"], name="day")), period).tolist() == want


def test_what_is_no_date_is_named():
    with pytest.raises(DataError, match="data row 2: 'wave two' is no date"):
        waves_of(pd.Series(["2023-01-12", "wave two"], name="day"), "month")
    assert waves_of(pd.Series(["2023-01-12", None], name="day"), "month").isna().tolist() == [False, True]
