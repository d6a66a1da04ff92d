"""Working days: those that differ from the week, and how one of them is set."""

from datetime import date
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.bodies import whole
from ioc.api.deps import Now, ServerFacts, Writes, requires
from ioc.api.encode import answer, cached, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.procedures.calendar import FIRST_YEAR, LAST_YEAR, Day
from ioc.store import audit, calendar
from ioc.store.registry import announce

router = APIRouter(tags=["calendar"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]
Keeper = Annotated[Subject, Depends(requires(Permission.CITY_MANAGE))]


class DayList(msgspec.Struct):
    """The days of a year that differ from what their weekday says, with the source of each."""

    year: int
    working_days: int
    items: list[Day]


class DaySetting(msgspec.Struct, forbid_unknown_fields=True):
    """What a day is to be, and the decision that says so."""

    working: bool
    name: str
    source: str


@router.get("/calendar", responses=shape(DayList))
async def get_calendar(
    request: Request,
    _: Reader,
    facts: ServerFacts,
    now: Now,
    year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR - 1)] = None,
) -> Response:
    """Days of rest and make-up days of a year, this one unless told."""
    wanted = year or now.year
    known = facts.city.calendar
    days = [day for on, day in sorted(known.days.items()) if on.year == wanted]
    working = known.count(date(wanted, 1, 1), date(wanted + 1, 1, 1))
    return cached(request, msgspec.json.encode(DayList(wanted, working, days)))


@router.put(
    "/calendar/{day}",
    responses=shape(Day),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/DaySetting"}}
            },
        }
    },
)
async def put_day(
    day: date, request: Request, subject: Keeper, facts: ServerFacts, writes: Writes, now: Now
) -> Response:
    """Set what a day is; dossiers that are stored are judged anew by it."""
    try:
        wanted = msgspec.json.decode(await whole(request), type=DaySetting)
    except msgspec.DecodeError as fault:
        raise Invalid(f"{fault}; send working, name and source") from fault
    if not wanted.source.strip() or not wanted.name.strip():
        raise Invalid("a day needs a name, and as its source the decision that says so")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Invalid(f"{day} lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    made = Day(day, wanted.working, wanted.name.strip(), wanted.source.strip())
    before = facts.city.calendar.days.get(day)
    async with writes.connection() as conn:
        await calendar.put(conn, [made])
        await audit.record(
            conn, now=now, actor=subject.name, source="api", action="calendar.set",
            subject=day.isoformat(),
            before=None if before is None else msgspec.to_builtins(before),
            after=msgspec.to_builtins(made),
        )  # fmt: skip
        await announce(conn)
    return answer(made)


@router.delete("/calendar/{day}", status_code=204)
async def drop_day(day: date, subject: Keeper, writes: Writes, now: Now) -> Response:
    """Let a day that was set be again what the public calendar says."""
    async with writes.connection() as conn:
        if not await calendar.drop(conn, day):
            raise NotFound(f"{day} was not set")
        await audit.record(
            conn, now=now, actor=subject.name, source="api", action="calendar.drop",
            subject=day.isoformat(),
        )  # fmt: skip
        await announce(conn)
    return Response(status_code=204)
