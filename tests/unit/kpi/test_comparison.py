"""What a period is compared with, also while it runs and where agencies cut time otherwise."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.comparison import compared, cycle_of, in_cycle
from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.period import parse_period
from ioc.model import Text

LATER = date(2030, 1, 1)
MONTH_15 = Cycle(id="month-15", name=Text("", ""), length="month", first_day=15, months_before=1)


@pytest.mark.parametrize(
    ("text", "cumulative", "previous", "last_year"),
    [
        ("2026", "2026-01-01/2027-01-01", "2025", "2025"),
        ("2026-Q2", "2026-01-01/2026-07-01", "2026-Q1", "2025-Q2"),
        ("2026-01", "2026-01-01/2026-02-01", "2025-12", "2025-01"),
        ("2026-03-10", "2026-01-01/2026-03-11", "2026-03-09", "2025-03-10"),
        ("2022-06-01/2022-08-07", "2022-01-01/2022-08-07", "2022-03-26/2022-06-01",
         "2021-06-01/2021-08-07"),
    ],
)  # fmt: skip
def test_a_period_is_compared_with_its_neighbours(
    text: str, cumulative: str, previous: str, last_year: str
) -> None:
    found = compared(parse_period(text), LATER)
    assert [found.cumulative.text, found.previous.text, found.same_last_year.text] == [
        cumulative, previous, last_year,
    ]  # fmt: skip


def test_a_running_period_is_compared_with_as_many_days() -> None:
    found = compared(parse_period("2026-03"), date(2026, 3, 10))
    assert found.previous.text == "2026-02-01/2026-02-11"
    assert found.same_last_year.text == "2025-03-01/2025-03-11"


def test_a_short_month_before_is_compared_as_a_whole() -> None:
    assert compared(parse_period("2026-03"), date(2026, 3, 30)).previous.text == "2026-02"


def test_a_period_on_its_last_day_is_compared_whole() -> None:
    assert compared(parse_period("2026-03"), date(2026, 3, 31)).previous.text == "2026-02"


def test_a_period_means_other_days_where_reports_are_cut_from_the_15th() -> None:
    assert in_cycle(parse_period("2026-07"), MONTH_15).start == date(2026, 6, 15)
    quarter = in_cycle(parse_period("2026-Q3"), MONTH_15)
    assert (quarter.start, quarter.end) == (date(2026, 6, 15), date(2026, 9, 15))


def test_days_that_are_no_periods_of_a_cycle_stay_what_they_are() -> None:
    period = parse_period("2026-07-02/2026-07-09")
    assert in_cycle(period, MONTH_15) == period
    assert in_cycle(period, CALENDAR["month"]) == period


@given(st.dates(date(1950, 1, 1), date(2800, 1, 1)), st.sampled_from(["year", "quarter", "month"]))
def test_a_named_period_is_known_by_its_text(day: date, name: str) -> None:
    assert cycle_of(CALENDAR[name].of(day)).id == name
