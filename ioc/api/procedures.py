"""The catalogue of procedures: listed and counted on any day, and imported from tables."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.bodies import whole
from ioc.api.deps import Now, ServerFacts, Writes, requires
from ioc.api.encode import answer, cached, shape
from ioc.auth.policy import Permission, Subject
from ioc.city.decode import slug
from ioc.city.procedure_import import Planned, plan_import
from ioc.city.procedures import ALIASES, COLUMNS, NEEDED
from ioc.documents.tables import CSV, read_table
from ioc.documents.workbook import XLSX
from ioc.procedures.catalogue import ProcedureVersion
from ioc.procedures.tally import STATES, competent, on_day
from ioc.store import audit, procedures
from ioc.store.registry import announce

router = APIRouter(tags=["procedures"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]
Keeper = Annotated[Subject, Depends(requires(Permission.CITY_MANAGE))]

On = Annotated[date | None, Query(description="the day, today unless told")]


class ProcedureItem(msgspec.Struct, kw_only=True):
    """A procedure as it was on a day; `unit_name` is that of the day, null for a tier."""

    version: ProcedureVersion
    unit_name: str | None


class ProcedureList(msgspec.Struct):
    """Procedures of a day in order of their codes; with `next`, ask with it as `after`."""

    on: date
    items: list[ProcedureItem]
    next: str | None = None


class ProcedureHistory(msgspec.Struct):
    """All versions of a procedure."""

    code: str
    items: list[ProcedureVersion]


class ProcedureCount(msgspec.Struct):
    """How many procedures there were on a day, whole and by level, field and competent unit."""

    on: date
    counts: dict[str, int]
    by_level: dict[str, int]
    by_field: dict[str, int]
    by_unit: dict[str, int]


@router.get("/procedures", responses=shape(ProcedureList))
async def get_procedures(
    request: Request,
    _: Reader,
    facts: ServerFacts,
    now: Now,
    on: On = None,
    unit: str | None = None,
    field: str | None = None,
    level: str | None = None,
    q: Annotated[str | None, Query(max_length=80, description="part of a name or code")] = None,
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1_000,
) -> Response:
    """The procedures of a day."""
    day = on or _today(facts.zone, now)
    part = None if q is None else slug(q)
    wanted = [
        version
        for version in facts.city.procedures.on(day)
        if version.code > after
        and (unit is None or version.unit == unit)
        and (field is None or version.field == field)
        and (level is None or version.level == level)
        and (part is None or part in slug(version.name) or part in slug(version.code))
    ]
    wanted.sort(key=lambda version: version.code)
    page = wanted[:limit]
    names = facts.city.organisation
    items = [
        ProcedureItem(version=v, unit_name=_name(names.find(v.unit, day) if v.unit else None))
        for v in page
    ]
    following = page[-1].code if len(wanted) > limit else None
    return cached(request, msgspec.json.encode(ProcedureList(day, items, following)))


@router.get("/procedures/counts", responses=shape(ProcedureCount))
async def get_counts(_: Reader, facts: ServerFacts, now: Now, on: On = None) -> Response:
    """How many procedures there were on a day."""
    day = on or _today(facts.zone, now)
    province = facts.identity.province or ""
    versions = facts.city.procedures.on(day)
    table = on_day(versions, day, province)
    sums = [sum(column) for column in zip(*table.values(), strict=True)] or [0] * len(STATES)
    return answer(
        ProcedureCount(
            on=day,
            counts=dict(zip(STATES, sums, strict=True)),
            by_level=Counter(v.level or "none" for v in versions),
            by_field=Counter(v.field for v in versions),
            by_unit=Counter(competent(v, province) for v in versions),
        )
    )


@router.get("/procedures/{code}", responses=shape(ProcedureHistory))
async def get_procedure(code: str, _: Reader, facts: ServerFacts) -> Response:
    """One procedure with its versions."""
    return answer(ProcedureHistory(code, list(facts.city.procedures.versions(code))))


@router.post(
    "/procedures/import",
    responses=shape(Planned, "What the table did, or would do with `dry_run`"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A table, CSV or XLSX, with a row for each version: "
            + ", ".join(COLUMNS),
            "content": {CSV: {}, XLSX: {}},
        }
    },
)
async def import_procedures(
    request: Request,
    subject: Keeper,
    facts: ServerFacts,
    writes: Writes,
    now: Now,
    dry_run: bool = False,
) -> Response:
    """Take a table of procedures; the rows of a code are all its versions, other codes stay."""
    body = await whole(request, cure="send the table in parts")
    kind = request.headers.get("content-type", "")
    rows = read_table(body, kind, COLUMNS, needed=NEEDED, aliases=ALIASES)
    planned = plan_import(rows, facts.city.procedures, _finder(facts.city.organisation.resolve))
    if not dry_run and planned.versions:
        async with writes.connection() as conn:
            await procedures.put(conn, planned.versions, by=subject.name)
            await audit.record(
                conn, now=now, actor=subject.name, source="api", action="procedures.import",
                subject="procedures", after=planned.told(),
            )  # fmt: skip
            await announce(conn)
    return answer(planned)


def _finder(
    resolve: Callable[[str, date], str],
) -> Callable[[ProcedureVersion], str | None]:
    """Units by id or code as they were when the version began."""
    return lambda v: None if v.unit is None else resolve(v.unit, v.valid_from)


def _name(version: Any) -> str | None:
    return None if version is None else version.name


def _today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()
