"""Cycles: the calendar's periods, those from the 15th to the 14th, and own cut-offs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.kpi.cycle import CALENDAR, Cycle, Length, covered
from ioc.kpi.period import Period, days, parse_period
from ioc.model import Text

NAME = Text("Kỳ", "Cycle")
DAYS = st.dates(date(1950, 1, 1), date(2100, 12, 31))


def fifteenth(length: Length = "month") -> Cycle:
    """A cycle that begins on the 15th of the month before."""
    return Cycle(id=f"{length}-15", name=NAME, length=length, first_day=15, months_before=1)


CYCLES = st.sampled_from(
    [CALENDAR[name] for name in ("day", "month", "quarter", "half", "year")]
    + [fifteenth(length) for length in ("month", "quarter", "half", "year")]
    + [Cycle(id="month-20", name=NAME, length="month", first_day=20)]
)


@pytest.mark.parametrize(
    ("length", "text", "start", "end"),
    [
        ("month", "2026-07", date(2026, 6, 15), date(2026, 7, 15)),
        ("month", "2026-01", date(2025, 12, 15), date(2026, 1, 15)),
        ("quarter", "2026-Q1", date(2025, 12, 15), date(2026, 3, 15)),
        ("half", "2026-H2", date(2026, 6, 15), date(2026, 12, 15)),
        ("year", "2026", date(2025, 12, 15), date(2026, 12, 15)),
    ],
)
def test_a_period_from_the_fifteenth_carries_the_calendars_name(
    length: Length, text: str, start: date, end: date
) -> None:
    assert fifteenth(length).period(text) == Period(text, start, end)


@given(CYCLES, DAYS)
def test_every_day_lies_in_the_period_of_it(cycle: Cycle, day: date) -> None:
    period = cycle.of(day)
    assert period.start <= day < period.end
    assert cycle.of(period.start) == cycle.of(period.end - timedelta(days=1)) == period


@given(CYCLES, DAYS)
def test_the_period_before_ends_where_a_period_begins(cycle: Cycle, day: date) -> None:
    period = cycle.of(day)
    assert cycle.previous(period).end == period.start


@given(CYCLES, DAYS)
def test_a_period_is_read_back_by_its_name_and_by_its_days(cycle: Cycle, day: date) -> None:
    period = cycle.of(day)
    assert cycle.period(period.text) == period
    assert cycle.period(days(period.start, period.end).text) == period


@given(CYCLES, DAYS)
def test_the_sum_of_the_year_ends_with_the_period(cycle: Cycle, day: date) -> None:
    period = cycle.of(day)
    total = cycle.cumulative(period)
    assert total.start <= period.start
    assert total.end == period.end
    assert (total.end - total.start).days <= 366


@pytest.mark.parametrize(
    ("cycle", "text", "total"),
    [
        (CALENDAR["month"], "2026-07", "2026-01-01/2026-08-01"),
        (fifteenth(), "2026-07", "2025-12-15/2026-07-15"),
        (fifteenth("quarter"), "2026-Q1", "2025-12-15/2026-03-15"),
        (CALENDAR["day"], "2026-03-01", "2026-01-01/2026-03-02"),
    ],
)
def test_the_sum_of_the_year_begins_where_its_cycle_begins_the_year(
    cycle: Cycle, text: str, total: str
) -> None:
    assert cycle.cumulative(cycle.period(text)) == parse_period(total)


@pytest.mark.parametrize(
    ("cycle", "text", "before"),
    [
        (CALENDAR["month"], "2024-02", "2023-02"),
        (CALENDAR["day"], "2024-02-29", "2023-02-28"),
        (CALENDAR["quarter"], "2024-Q1", "2023-Q1"),
        (CALENDAR["any"], "2022-01-01/2022-08-01", "2021-01-01/2021-08-01"),
    ],
)
def test_a_year_earlier_the_period_has_the_same_name(cycle: Cycle, text: str, before: str) -> None:
    assert cycle.same_last_year(cycle.period(text)).text == before


@pytest.mark.parametrize(
    ("cycle", "text"),
    [
        (CALENDAR["month"], "2026-Q1"),
        (CALENDAR["month"], "2026"),
        (CALENDAR["month"], "2026-06-15/2026-07-15"),
        (CALENDAR["quarter"], "2026-07"),
        (CALENDAR["day"], "2026-07"),
        (fifteenth(), "2026-07-01/2026-08-01"),
        (CALENDAR["month"], "0001-01"),
    ],
)
def test_a_period_of_another_cycle_is_refused(cycle: Cycle, text: str) -> None:
    with pytest.raises(Invalid, match=r"write such as|lies outside"):
        cycle.period(text)


def test_own_cut_offs_are_found_by_their_name_and_by_their_days() -> None:
    seven = Period("2022-7M", date(2022, 1, 1), date(2022, 8, 1))
    cycle = Cycle(id="own", name=NAME, length="listed", listed=(seven,))
    assert cycle.period("2022-7M") == cycle.period("2022-01-01/2022-08-01") == seven
    assert cycle.of(date(2022, 7, 31)) == seven
    with pytest.raises(Invalid, match="it has 2022-7M"):
        cycle.period("2022-9M")
    with pytest.raises(Invalid, match="add it to the list"):
        cycle.of(date(2022, 8, 1))


def test_a_cycle_is_not_used_before_it_was_in_force() -> None:
    cycle = Cycle(id="late", name=NAME, length="month", valid_from=date(2026, 1, 1))
    assert cycle.period("2026-01").start == date(2026, 1, 1)
    with pytest.raises(Invalid, match="used for periods from 2026-01-01"):
        cycle.period("2025-12")


def test_parts_cover_a_period_by_the_days_that_lie_in_it() -> None:
    month = CALENDAR["month"]
    quarter = parse_period("2026-Q1")
    parts = [month.period(text) for text in ("2025-12", "2026-01", "2026-03")]
    assert covered(parts, quarter) == (62, 90)
