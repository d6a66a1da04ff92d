"""Units: those of a day, and what became of one."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from ioc.api.deps import CurrentSubject, Now, ServerFacts
from ioc.api.encode import cached, shape
from ioc.city.decode import slug
from ioc.errors import Invalid
from ioc.org import (
    Answerable,
    Contact,
    EventKind,
    Level,
    Organisation,
    Passage,
    UnitEvent,
    UnitVersion,
    answers_for,
)

router = APIRouter(tags=["units"])

AsOf = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class UnitItem(msgspec.Struct, kw_only=True):
    """A unit as it was on a day; `valid_until` is the first day on which it no longer was."""

    id: str
    name: str
    short_name: str
    level: Level
    parent: str | None
    codes: dict[str, str]
    contact: Contact | None
    area_km2: float | None
    point: tuple[float, float] | None
    valid_from: date
    valid_until: date | None


class UnitList(msgspec.Struct):
    """Units of a day in order of their ids; with `next`, more follow: ask with it as `after`."""

    items: list[UnitItem]
    next: str | None = None


class EventItem(msgspec.Struct, kw_only=True):
    """A change of units on a day; `map` says how much went from which unit to which."""

    id: str
    kind: EventKind
    effective: date
    legal_reference: str
    units: tuple[str, ...]
    map: tuple[Passage, ...]


class SuccessorItem(msgspec.Struct):
    """A unit that holds a share of what another one was."""

    id: str
    name: str
    weight: float


class UnitHistory(msgspec.Struct, kw_only=True):
    """All versions of a unit, the events it had a part in, and who holds on a day what it was.

    `answers` is who answers for it on that day: itself or the nearest unit above with a contact.
    """

    id: str
    versions: list[UnitItem]
    events: list[EventItem]
    successors: list[SuccessorItem]
    answers: Answerable | None


@lru_cache(maxsize=1 << 16)
def _searched(text: str) -> str:
    """A name as it is searched: without marks and case."""
    return slug(text)


@router.get("/units", responses=shape(UnitList))
async def get_units(
    request: Request,
    _: CurrentSubject,
    facts: ServerFacts,
    now: Now,
    as_of: AsOf = None,
    level: Level | None = None,
    within: Annotated[str | None, Query(description="id or code: the units below it")] = None,
    q: Annotated[str | None, Query(max_length=80, description="part of a name, or a code")] = None,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1_000,
) -> Response:
    """The units as they were on a day, today unless told; feed keys may read them too."""
    organisation, day = facts.city.organisation, _day(as_of, facts, now)
    if within is None:
        found: Iterable[UnitVersion] = organisation.as_of(day).values()
    else:
        found = organisation.descendants(organisation.resolve(within, day), day)
    wanted = [
        version
        for version in found
        if version.unit > after
        and (level is None or version.level is level)
        and (q is None or matches(version, q.strip()))
    ]
    wanted.sort(key=lambda version: version.unit)
    page = wanted[:limit]
    following = page[-1].unit if len(wanted) > limit else None
    return cached(request, msgspec.json.encode(UnitList([_item(v) for v in page], following)))


@router.get("/units/{unit}", responses=shape(UnitHistory))
async def get_unit(
    request: Request,
    unit: Annotated[str, Path(max_length=200, description="id, or a code of the day")],
    _: CurrentSubject,
    facts: ServerFacts,
    now: Now,
    as_of: AsOf = None,
) -> Response:
    """One unit of any time: its versions, its events, and its successors on a day."""
    organisation, day = facts.city.organisation, _day(as_of, facts, now)
    id = unit if unit in organisation else organisation.resolve(unit, day)
    history = UnitHistory(
        id=id,
        versions=[_item(version) for version in organisation.versions(id)],
        events=[_event(event) for event in organisation.events_of(id)],
        successors=[
            SuccessorItem(s.unit, _name(organisation, s.unit, day), s.weight)
            for s in organisation.successors(id, day)
        ],
        answers=answers_for(organisation, id, day),
    )
    return cached(request, msgspec.json.encode(history))


def matches(version: UnitVersion, q: str) -> bool:
    """Whether a text is part of the unit's names, marks and case aside, or one of its codes."""
    if not q or q in version.codes.values() or q == version.unit:
        return True
    part = _searched(q)
    return bool(part) and (part in _searched(version.name) or part in _searched(version.short_name))


def _day(as_of: str | None, facts: ServerFacts, now: datetime) -> date:
    if as_of is None:
        return now.astimezone(ZoneInfo(facts.zone)).date()
    try:
        return date.fromisoformat(as_of)
    except ValueError as error:
        raise Invalid(f"as_of: {error}") from error


def _name(organisation: Organisation, unit: str, day: date) -> str:
    """What a unit is called on a day, or was called last."""
    found = organisation.find(unit, day)
    if found is None and unit in organisation:
        found = organisation.versions(unit)[-1]
    return unit if found is None else found.name


def _item(version: UnitVersion) -> UnitItem:
    return UnitItem(
        id=version.unit,
        name=version.name,
        short_name=version.short_name,
        level=version.level,
        parent=version.parent,
        codes=version.codes,
        contact=version.contact,
        area_km2=version.area_km2,
        point=version.point,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
    )


def _event(event: UnitEvent) -> EventItem:
    return EventItem(
        id=event.id,
        kind=event.kind,
        effective=event.effective,
        legal_reference=event.legal_reference,
        units=event.units,
        map=event.passages,
    )
