"""When a situation of DATEX II is in force: its status, its overall period, recurring periods."""

from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from ingest.decoders.elements import Element
from ingest.rows import read_time

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_WEEKS: Final = ("first", "second", "third", "fourth", "fifth")

_READ: Final = frozenset(
    {
        "startOfPeriod", "endOfPeriod", "periodName", "recurringTimePeriodOfDay",
        "recurringDayWeekMonthPeriod", "applicableDay", "applicableWeek", "applicableMonth",
    }
)  # fmt: skip
"""What a period is told by; without anything else it would seem longer than it is."""


class Unread(Exception):
    """A period that is told in a way that is not read, and the cure."""


def in_force(record: Element, now: datetime, zone: tzinfo) -> bool:
    """Whether the situation of a record is in force at an instant; raises `Unread`.

    The status `active` holds whatever the times say, as do `suspended` and `planned`.
    """
    validity = record.child("validity") or record
    status = validity.said("validityStatus")
    if status in ("suspended", "planned") or _ended(record):
        return False
    if status == "active":
        return True
    overall = validity.child("validityTimeSpecification") or validity
    starts = _instant(overall, "overallStartTime", zone)
    ends = _instant(overall, "overallEndTime", zone)
    # What overruns lasts longer than was planned.
    over = ends is not None and ends <= now and not _true(validity, "overrunning")
    if over or (starts is not None and starts > now):
        return False
    valid = [each for each in overall.children if each.name == "validPeriod"]
    excepted = [each for each in overall.children if each.name == "exceptionPeriod"]
    return (not valid or any(_within(each, now, zone) for each in valid)) and not any(
        _within(each, now, zone) for each in excepted
    )


def _ended(record: Element) -> bool:
    management = record.child("management")
    life = None if management is None else management.child("lifeCycleManagement")
    return life is not None and (_true(life, "end") or _true(life, "cancel"))


def _true(element: Element, name: str) -> bool:
    return element.said(name) in ("true", "1")


def _within(period: Element, now: datetime, zone: tzinfo) -> bool:
    """Whether an instant lies in a period: between its ends, at its hours, on its days."""
    starts = _instant(period, "startOfPeriod", zone)
    ends = _instant(period, "endOfPeriod", zone)
    hours = [each for each in period.children if each.name == "recurringTimePeriodOfDay"]
    days = [each for each in period.children if each.name == "recurringDayWeekMonthPeriod"]
    for element in (period, *days):
        for each in element.children:
            if each.name not in _READ and not each.name.endswith("Extension"):
                raise Unread(f"a period by `{each.name}` is not read; send its days as periods")
    return (
        (starts is None or starts <= now)
        and (ends is None or now < ends)
        and (not hours or any(_at_hours(each, now, zone) for each in hours))
        and (not days or any(_on_days(each, now.astimezone(zone)) for each in days))
    )


def _at_hours(hours: Element, now: datetime, zone: tzinfo) -> bool:
    begin, end = _clock(hours, "startTimeOfPeriod"), _clock(hours, "endTimeOfPeriod")
    at = now.astimezone(begin.tzinfo or zone).time()
    begin, end = begin.replace(tzinfo=None), end.replace(tzinfo=None)
    # From 22:00 to 05:00 is a night; to the same hour is a whole day.
    return begin <= at < end if begin < end else at >= begin or at < end


def _on_days(days: Element, local: datetime) -> bool:
    week = {f"{_WEEKS[(local.day - 1) // 7]}WeekOfMonth"}
    if (local + timedelta(days=7)).month != local.month:
        week.add("lastWeekOfMonth")
    return all(
        not told or told & meant
        for told, meant in (
            (_said(days, "applicableDay"), {_DAYS[local.weekday()]}),
            (_said(days, "applicableWeek"), week),
            (_said(days, "applicableMonth"), {_MONTHS[local.month - 1]}),
        )
    )


def _said(element: Element, name: str) -> set[str]:
    return {each.text.strip() for each in element.children if each.name == name}


def _clock(element: Element, name: str) -> time:
    written = element.said(name)
    try:
        return time.fromisoformat(written.replace("24:00", "00:00", 1))
    except ValueError:
        raise Unread(f"`{name}` is {written[:40]!r}; send an hour such as 22:00:00") from None


def _instant(element: Element, name: str, zone: tzinfo) -> datetime | None:
    written = element.said(name)
    if not written:
        return None
    instant = read_time(written)
    if instant is None:
        raise Unread(f"`{name}` is {written[:40]!r}; send a time such as 2026-11-22T09:00:00+07:00")
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)
