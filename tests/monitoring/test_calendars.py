"""Kinds of days against a second calendar and against what was announced."""

from datetime import date, timedelta

import chinese_calendar
import numpy as np
import pytest

from xmresearch.errors import DataError
from xmresearch.monitoring.calendars import calendar_shares, day_kinds
from xmresearch.sufficient.calendar import span


def test_chinese_days_are_those_of_a_second_calendar():
    days = [date(2018, 1, 1) + timedelta(days=k) for k in range((date(2027, 1, 1) - date(2018, 1, 1)).days)]
    kinds = day_kinds(days).tidy()
    worked = kinds["kind"].isin(["workday", "make_up"])
    assert worked.tolist() == [chinese_calendar.is_workday(d) for d in days]
    assert (kinds["kind"] == "make_up").tolist() == [chinese_calendar.is_workday(d) and d.weekday() >= 5 for d in days]
    # weekends before a Monday that is free, "joined with the weekend" in the notices, are no holidays there
    joined = {
        date(2018, 6, 16),
        date(2018, 6, 17),
        date(2018, 9, 22),
        date(2018, 9, 23),
        date(2024, 6, 8),
        date(2024, 6, 9),
    }
    named = [all(chinese_calendar.get_holiday_detail(d)) or d in joined for d in days]
    assert (kinds["kind"] == "holiday").tolist() == named
    assert day_kinds(days).unannounced == ()


def test_moved_rest_days_bear_the_name_of_their_holiday():
    """2018: 15 and 21 February were free for 11 and 24 February, 6 April for the 8th."""
    found = day_kinds(["2018-02-15", "2018-02-21", "2018-04-06", "2018-02-11", "2018-02-12"]).tidy()
    assert found["holiday"].str[:2].tolist() == ["春节", "春节", "清明", "", ""]
    assert found["kind"].tolist() == ["holiday"] * 3 + ["make_up", "workday"]


def test_years_without_an_announcement_are_named():
    assert day_kinds(["2026-05-01", "2027-02-08"]).unannounced == (2027,)
    assert "2027" in day_kinds(["2027-02-08"]).warnings[0]
    assert day_kinds(["2027-07-04"], country="US").unannounced == ()


def test_other_countries_and_none():
    assert day_kinds(["2024-07-04"], country="US-CA").tidy()["kind"].tolist() == ["holiday"]
    assert day_kinds(["2024-10-01", "2024-10-05"], country="").tidy()["kind"].tolist() == ["workday", "weekend"]
    # Friday and Saturday are the weekend of Egypt
    assert day_kinds(["2024-03-01", "2024-03-03"], country="EG").tidy()["kind"].tolist() == ["weekend", "workday"]
    for country, language in (("XX", None), ("US-ZZ", None), ("CN", "fr")):
        with pytest.raises(DataError):
            day_kinds(["2024-01-01"], country=country, language=language)
    with pytest.raises(DataError, match="2024-01"):
        day_kinds(["2024-01"])


def test_shares_of_a_month_are_its_days():
    """October 2024: seven days off, two weekends worked for them (29 September and 12 October, one in October), 23 days left."""
    shares, _ = calendar_shares([span("2024-10"), span("2024-W40")])
    np.testing.assert_allclose(shares["holiday"] * [31, 7], [7, 6])
    np.testing.assert_allclose(shares["make_up"] * [31, 7], [1, 0])
    np.testing.assert_allclose(shares["weekend"] * [31, 7], [5, 0])
