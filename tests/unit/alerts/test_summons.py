"""Whom an incident calls, and when: its lead unit once, again when it rises, in a drill nobody."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.channel import Mail, Template
from alerts.roster import Duty, Person, Roster, Shift
from alerts.route import Plan
from alerts.summons import Stand, summoned
from ioc.procedures.calendar import Calendar

NIGHT = datetime(2026, 11, 27, 19, tzinfo=UTC)
PLAN = Plan(
    channels=(
        Mail(id="email", host="x", port=25, sender="ioc@x.example", enabled=True),
        Template(id="sms", url="http://x", address="phone", body={}, enabled=True),
        Template(id="zalo", url="http://x", address="zalo", body={}, enabled=True),
    ),
    incidents=("email", "sms"),
)
PERSONS = (
    Person(id="an", name="An", unit="xa-a", email="an@x.example", zalo="1"),
    Person(id="binh", name="Bình", unit="tinh", email="b@x.example", phone="+8490000001"),
)
SHIFTS = tuple(
    Shift(unit=unit, persons=(person,), begins=time(0), ends=time(0))
    for unit, person in (("xa-a", "an"), ("tinh", "binh"))
)
DUTY = Duty(Roster(persons=PERSONS, shifts=SHIFTS), Calendar(), ZoneInfo("UTC"))


def a_stand(*units: str, level: int = 0, **more: Any) -> Stand:
    return Stand(units=units or ("xa-a", "tinh"), level=level, exercise=more.get("exercise", False))


def called(before: Stand | None, after: Stand) -> list[tuple[str, str, str]]:
    notices = summoned(before, after, PLAN, DUTY, NIGHT)
    return [(notice.person, notice.channel, notice.reason.value) for notice in notices]


def test_who_is_on_call_for_the_lead_is_called_at_once_by_what_reaches_them() -> None:
    assert called(None, a_stand()) == [("an", "email", "incident")]


def test_where_nobody_is_on_call_those_of_the_unit_above_are_called() -> None:
    assert called(None, a_stand("xa-b", "tinh")) == [
        ("binh", "email", "incident"),
        ("binh", "sms", "incident"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (a_stand(), a_stand(), []),
        (a_stand(), a_stand(level=1), ["incident_risen"]),
        (a_stand(level=1), a_stand(), []),
        (a_stand("xa-b", "tinh"), a_stand(level=1), ["incident"]),
    ],
)
def test_the_lead_is_called_when_it_changes_and_when_the_incident_rises(
    before: Stand, after: Stand, reasons: list[str]
) -> None:
    assert [reason for _, _, reason in called(before, after)] == reasons


def test_an_exercise_calls_nobody() -> None:
    assert called(None, a_stand(exercise=True)) == []
