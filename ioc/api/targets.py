"""Targets: which there are, who assigns them, who has yet to cascade, and how units stand."""

from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.boards import Reader, chosen_period
from ioc.api.bodies import decoded, whole
from ioc.api.deps import Facts, KpiBoards, Now, Reads, ServerFacts, UnitStandings, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Role, Subject
from ioc.documents.tables import open_table
from ioc.flow.assigning import Assigner, Assignment, Desk
from ioc.flow.boards import Boards
from ioc.flow.standing import Standing
from ioc.flow.target_table import ALIASES, COLUMNS, NEEDED, RefusedTarget
from ioc.live.wire import UnitRef
from ioc.org import Answerable, Level, Organisation, answers_for
from ioc.store import targets
from ioc.store.registry import announce
from ioc.store.targets import Replaced, Target

router = APIRouter(tags=["targets"])

Author = Annotated[Subject, Depends(requires(Permission.TARGET_ASSIGN))]


class TargetItem(msgspec.Struct, kw_only=True):
    """A target that was or is assigned."""

    indicator: str
    unit: UnitRef
    valid_from: date
    valid_until: date | None
    value: float
    direction: str
    document: str
    decided_on: date | None
    decided_by: str | None
    must_cascade_by: date | None
    sample: bool
    replaced_at: datetime | None = None


class TargetList(msgspec.Struct):
    """Targets of a day, or of all times."""

    items: list[TargetItem]
    next: str | None = None


class Assigned(msgspec.Struct):
    """What was assigned, and what it ended or replaced."""

    target: TargetItem
    replaced: list[Replaced]


class ImportedTargets(msgspec.Struct):
    """What a table assigned, or would assign, and the rows that were refused."""

    dry_run: bool
    assigned: list[Assigned]
    refused: list[RefusedTarget]


class Uncascaded(msgspec.Struct):
    """A unit that had to assign targets below it and has not; `missing` are the units without."""

    indicator: str
    unit: UnitRef
    must_cascade_by: date
    document: str
    missing: list[UnitRef]
    of: int
    answers: Answerable | None


class UncascadedList(msgspec.Struct):
    """Who is late with assigning targets."""

    on: date
    items: list[Uncascaded]


@router.get("/targets", responses=shape(TargetList))
async def get_targets(
    _: Reader,
    facts: ServerFacts,
    reads: Reads,
    indicator: str | None = None,
    unit: str | None = None,
    on: Annotated[date | None, Query(description="targets of that day; all unless told")] = None,
    history: Annotated[
        bool, Query(description="also those that another decision of the same day replaced")
    ] = False,
) -> Response:
    """Targets with the documents that assigned them; that of a unit that ended ends with it."""
    held = facts.city.targets
    if history:
        async with reads.connection() as conn:
            held = await targets.read(conn, replaced=True)
    found = [
        _item(target, facts.city.organisation)
        for target in held
        if (indicator is None or target.indicator == indicator)
        and (unit is None or target.unit == unit)
        and (on is None or target.holds(on))
    ]
    return answer(TargetList(found))


@router.put(
    "/targets",
    responses=shape(Assigned),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Assignment"}}
            },
        }
    },
)
async def put_target(
    request: Request,
    subject: Author,
    facts: ServerFacts,
    boards: KpiBoards,
    writes: Writes,
    now: Now,
) -> Response:
    """Assign a target; a later decision ends an earlier one on its first day."""
    hint = "; days are written 2026-07-01"
    wanted = decoded(await whole(request), _assignment, "a target", hint)
    desk = _desk(subject, facts, boards, now)
    target = desk.checked(wanted)
    async with writes.connection() as conn:
        replaced = await desk.assign(conn, target, wanted.reason, now)
        await announce(conn)
    return answer(Assigned(_item(target, facts.city.organisation), replaced))


@router.post("/targets/import", responses=shape(ImportedTargets))
async def import_targets(
    request: Request,
    subject: Author,
    facts: ServerFacts,
    boards: KpiBoards,
    writes: Writes,
    now: Now,
    dry_run: bool = False,
) -> Response:
    """Assign the targets of a table, CSV or XLSX; a row that is wrong costs no other.

    Texts may be written as people here write them: 80,5 and 01/07/2026.
    """
    body = await whole(request, cure="send the table in parts")
    kind = request.headers.get("content-type", "")
    table = open_table(body, kind, COLUMNS, needed=NEEDED, aliases=ALIASES)
    desk = _desk(subject, facts, boards, now)
    async with writes.connection() as conn, conn.transaction(force_rollback=dry_run):
        taken = await desk.take(conn, table, now)
        await announce(conn)
    known = facts.city.organisation
    assigned = [Assigned(_item(one.target, known), one.replaced) for one in taken.made]
    return answer(ImportedTargets(dry_run, assigned, taken.refused))


@router.get("/targets/uncascaded", responses=shape(UncascadedList))
async def get_uncascaded(
    _: Reader, facts: ServerFacts, boards: KpiBoards, now: Now, on: date | None = None
) -> Response:
    """Units that had to assign targets to those below them by a day and have not."""
    day = on or boards.figures.today(now)
    known = facts.city.organisation
    wanted = {(t.indicator, t.unit) for t in facts.city.targets if t.holds(day)}
    found: list[Uncascaded] = []
    for target in facts.city.targets:
        by = target.must_cascade_by
        if by is None or by > day or not target.holds(day):
            continue
        below = known.children(target.unit, day)
        missing = [v for v in below if (target.indicator, v.unit) not in wanted]
        if missing:
            found.append(
                Uncascaded(
                    target.indicator,
                    _ref(known, target.unit, day),
                    by,
                    target.document,
                    [UnitRef(v.unit, v.short_name) for v in missing],
                    len(below),
                    answers_for(known, target.unit, day),
                )
            )
    return answer(UncascadedList(day, found))


@router.get("/targets/standing", responses=shape(Standing))
async def get_standing(
    indicator: str,
    _: Reader,
    boards: KpiBoards,
    standings: UnitStandings,
    now: Now,
    period: str | None = None,
    level: Level | None = None,
    unit: Annotated[str | None, Query(description="that unit alone")] = None,
) -> Response:
    """Each unit's figure, target, gap, pace, forecast and course with the reason, in one document.

    Forecasts are made in the background; of a period that nobody looked at yet they follow within
    seconds.
    """
    wanted = chosen_period(period, boards, now)
    found = await standings.of(indicator, wanted, now, level)
    if unit is not None:
        boards.figures.organisation.versions(unit)
        own = [one for one in found.items if one.figure.unit and one.figure.unit.id == unit]
        found = msgspec.structs.replace(found, items=own)
    return answer(found)


_assignment: Final = msgspec.json.Decoder(Assignment)


def _desk(subject: Subject, facts: Facts, boards: Boards, now: datetime) -> Desk:
    within = subject.units if subject.role is Role.AGENCY else None
    figures = boards.figures
    by = Assigner(subject.name, "api", within)
    return Desk(by, facts.city.organisation, figures.definitions, figures.today(now))


def _item(target: Target, organisation: Organisation) -> TargetItem:
    return TargetItem(
        indicator=target.indicator,
        unit=_ref(organisation, target.unit, target.valid_from),
        valid_from=target.valid_from,
        valid_until=target.valid_until,
        value=target.value,
        direction=target.direction,
        document=target.document,
        decided_on=target.decided_on,
        decided_by=target.decided_by,
        must_cascade_by=target.must_cascade_by,
        sample=target.sample,
        replaced_at=target.replaced_at,
    )


def _ref(organisation: Organisation, unit: str, on: date) -> UnitRef:
    version = organisation.find(unit, on)
    return UnitRef(unit, unit if version is None else version.short_name)
