"""Periods: half-open days, whole months, and where a month begins."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.kpi.period import Period, current_month, instants, month_of, months, parse_period

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("text", "start", "end", "count"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1), 12),
        ("2026-Q1", date(2026, 1, 1), date(2026, 4, 1), 3),
        ("2026-Q4", date(2026, 10, 1), date(2027, 1, 1), 3),
        ("2026-H1", date(2026, 1, 1), date(2026, 7, 1), 6),
        ("2026-H2", date(2026, 7, 1), date(2027, 1, 1), 6),
        ("2026-07", date(2026, 7, 1), date(2026, 8, 1), 1),
        ("2026-07-31", date(2026, 7, 31), date(2026, 8, 1), 1),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1), 1),
        ("2022-06-01/2022-08-07", date(2022, 6, 1), date(2022, 8, 7), 3),
        ("2022-06-01/2022-08-01", date(2022, 6, 1), date(2022, 8, 1), 2),
        ("2024-02-29/2024-03-01", date(2024, 2, 29), date(2024, 3, 1), 1),
    ],
)
def test_a_period_ends_before_its_last_day(text: str, start: date, end: date, count: int) -> None:
    period = parse_period(text)
    assert period == Period(text, start, end)
    assert len(months(period)) == count
    assert months(period)[0] == start.replace(day=1)
    assert period.whole_months is (start.day == 1 and end.day == 1)


def test_the_seven_months_of_the_article_are_212_days() -> None:
    period = parse_period("2022-01-01/2022-08-01")
    assert (period.end - period.start).days == 212


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-Q5",
        "2026-q1",
        "2026-13",
        "2026-00",
        "2026-7",
        "2026-7-01",
        "2026-H3",
        "2026-07\n",
        "٢٠٢٦",
        "2022-06-01/2022-06-01",
        "2022-08-07/2022-06-01",
        "2022-02-30/2022-03-01",
        "2022-06-01/",
        "2022-06/2022-08",
        "0000",
        "9999",
        "9999-12",
        "x" * 5000,
    ],
)
def test_what_is_no_period_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(text)
    assert "2026-Q1" in refused.value.message or "earlier day first" in refused.value.message
    assert len(refused.value.message) < 200


@given(st.text(max_size=25))
def test_a_text_is_a_period_or_is_refused(text: str) -> None:
    try:
        period = parse_period(text)
    except Invalid:
        return
    assert period.start < period.end


def test_a_month_begins_at_midnight_in_vietnam() -> None:
    before = datetime(2026, 6, 30, 16, 59, 59, tzinfo=UTC)
    assert current_month(before, VIETNAM) == parse_period("2026-06")
    assert current_month(before + timedelta(seconds=1), VIETNAM) == parse_period("2026-07")
    assert instants(parse_period("2026-07"), VIETNAM) == (
        datetime(2026, 6, 30, 17, tzinfo=UTC),
        datetime(2026, 7, 31, 17, tzinfo=UTC),
    )


@given(st.dates(date(1900, 1, 1), date(2900, 1, 1)))
def test_every_day_lies_in_its_month(day: date) -> None:
    month = month_of(day)
    assert month.start <= day < month.end
    assert parse_period(month.text) == month
    assert months(month) == [month.start]
