"""The duty directory: who is on call for which unit, from when until when, by which number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from alerts.roster import Duty, Person
from ioc.api.cursors import aware
from ioc.api.deps import Facts, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.live.wire import UnitRef
from ioc.store import roster

router = APIRouter(tags=["shifts"])

Reader = Annotated[Subject, Depends(requires(Permission.SHIFT_READ))]


class DutyPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be called; `hours` are those of a shift of theirs that runs, if any."""

    id: str
    name: str
    phone: str | None
    email: str | None
    hours: str | None


class DutyUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit, and its people: those on call first."""

    unit: UnitRef
    people: list[DutyPerson]


class DutyList(msgspec.Struct):
    """Who can be called at an instant."""

    at: datetime
    items: list[DutyUnit]
    next: str | None = None


@router.get("/duty", responses=shape(DutyList))
async def get_duty(
    _: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    unit: Annotated[
        str | None, Query(max_length=80, description="this unit, else the nearest above it")
    ] = None,
    at: datetime | None = None,
) -> Response:
    """Who is on call, now unless told when: of all units, or for one of them."""
    when = aware("at", at) or now
    day = when.astimezone(ZoneInfo(facts.zone)).date()
    people = (await roster.read(reads))[1]
    duty = Duty(people, facts.city.calendar, ZoneInfo(facts.zone))
    known = dict.fromkeys(
        [*(shift.unit for shift in people.shifts), *(person.unit for person in people.persons)]
    )
    if unit is not None:
        asked = facts.city.organisation.resolve(unit, day)
        above = facts.city.organisation.ancestors(asked, day)
        chain = [asked, *(version.unit for version in above)]
        known = dict.fromkeys([one for one in chain if duty.on_call([one], when)][:1])
    hours = {
        person: f"{shift.begins:%H:%M}–{shift.ends:%H:%M}"
        for one in dict.fromkeys(shift.unit for shift in people.shifts)
        for shift in duty.running(one, when)
        for person in shift.persons
    }
    units = [_unit(one, duty, people.persons, hours, facts, when) for one in known]
    return answer(DutyList(when, units))


def _unit(
    unit: str,
    duty: Duty,
    persons: tuple[Person, ...],
    hours: Mapping[str, str],
    facts: Facts,
    when: datetime,
) -> DutyUnit:
    answering = duty.on_call([unit], when)
    own = [person.id for person in persons if person.unit == unit]
    version = facts.city.organisation.find(unit, when.astimezone(duty.zone).date())
    return DutyUnit(
        unit=UnitRef(unit, version.short_name if version else unit),
        people=[
            DutyPerson(
                id=person.id, name=person.name, phone=person.phone, email=person.email,
                hours=hours.get(person.id),
            )
            for id in dict.fromkeys([*answering, *own])
            if (person := duty.person(id, when)) is not None
        ],
    )  # fmt: skip
