"""Targets: which there are, who assigns them, who has yet to cascade, and how units stand."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.boards import Reader, chosen_period
from ioc.api.bodies import whole
from ioc.api.deps import KpiBoards, Now, ServerFacts, UnitStandings, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Role, Subject
from ioc.documents.tables import read_table
from ioc.errors import Invalid, IocError, NotPermitted
from ioc.flow.boards import Boards
from ioc.flow.standing import Standing
from ioc.kpi.indicator import Indicator
from ioc.kpi.period import Period
from ioc.live.wire import UnitRef
from ioc.org import Answerable, Level, Organisation, answers_for
from ioc.store import audit, targets
from ioc.store.registry import announce
from ioc.store.targets import Replaced, Target

router = APIRouter(tags=["targets"])

Assigner = Annotated[Subject, Depends(requires(Permission.TARGET_ASSIGN))]

COLUMNS: Final = (
    "indicator", "unit", "from", "until", "value", "document", "decided_on", "decided_by",
    "must_cascade_by", "reason",
)  # fmt: skip
NEEDED: Final = ("indicator", "unit", "from", "value", "document")
ALIASES: Final = {
    "Chỉ tiêu": "indicator", "Đơn vị": "unit", "Từ ngày": "from", "Đến ngày": "until",
    "Mức giao": "value", "Văn bản giao": "document", "Ngày văn bản": "decided_on",
    "Đơn vị giao": "decided_by", "Hạn giao tiếp": "must_cascade_by", "Lý do": "reason",
}  # fmt: skip

MOST_SHARE: Final = 100.0


class Assignment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True,
                 rename={"valid_from": "from", "valid_until": "until"}):  # fmt: skip
    """A target as it is assigned by a document; `reason` is needed where it reaches back."""

    indicator: str
    unit: str
    valid_from: date
    value: float
    document: str
    valid_until: date | None = None
    decided_on: date | None = None
    decided_by: str | None = None
    must_cascade_by: date | None = None
    reason: str = ""


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


class TargetList(msgspec.Struct):
    """Targets of a day, or of all times."""

    items: list[TargetItem]
    next: str | None = None


class Assigned(msgspec.Struct):
    """What was assigned, and what it ended or replaced."""

    target: TargetItem
    replaced: list[Replaced]


class RefusedTarget(msgspec.Struct):
    """A row that was not taken."""

    row: int
    detail: str


class ImportedTargets(msgspec.Struct):
    """What a table assigned, or would assign, and the rows that were refused."""

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
    now: Now,
    indicator: str | None = None,
    unit: str | None = None,
    on: Annotated[date | None, Query(description="targets of that day; all unless told")] = None,
) -> Response:
    """Targets with the documents that assigned them."""
    found = [
        _item(target, facts.city.organisation)
        for target in facts.city.targets
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
    subject: Assigner,
    facts: ServerFacts,
    boards: KpiBoards,
    writes: Writes,
    now: Now,
) -> Response:
    """Assign a target; a later decision ends an earlier one on its first day."""
    try:
        wanted = msgspec.json.decode(await whole(request), type=Assignment)
    except msgspec.DecodeError as fault:
        raise Invalid(f"{fault}; days are written 2026-07-01") from fault
    desk = _Desk(subject, facts.city.organisation, boards, now.astimezone(ZoneInfo(facts.zone)))
    target = desk.checked(wanted)
    async with writes.connection() as conn:
        made = await _assign(conn, desk, target, wanted.reason, now)
        await announce(conn)
    return answer(made)


@router.post("/targets/import", responses=shape(ImportedTargets))
async def import_targets(
    request: Request,
    subject: Assigner,
    facts: ServerFacts,
    boards: KpiBoards,
    writes: Writes,
    now: Now,
    dry_run: bool = False,
) -> Response:
    """Assign the targets of a table, CSV or XLSX; a row that is wrong costs no other."""
    body = await whole(request, cure="send the table in parts")
    kind = request.headers.get("content-type", "")
    rows = read_table(body, kind, COLUMNS, needed=NEEDED, aliases=ALIASES)
    desk = _Desk(subject, facts.city.organisation, boards, now.astimezone(ZoneInfo(facts.zone)))
    found = ImportedTargets([], [])
    good: list[tuple[Target, str]] = []
    for number, row in rows:
        try:
            wanted = _written(row)
            good.append((desk.checked(wanted), wanted.reason))
        except IocError as fault:
            found.refused.append(RefusedTarget(number, fault.message))
    if dry_run:
        found.assigned = [Assigned(_item(t, facts.city.organisation), []) for t, _ in good]
        return answer(found)
    async with writes.connection() as conn:
        for target, reason in good:
            found.assigned.append(await _assign(conn, desk, target, reason, now))
        await announce(conn)
    return answer(found)


@router.get("/targets/uncascaded", responses=shape(UncascadedList))
async def get_uncascaded(
    _: Reader, facts: ServerFacts, now: Now, on: date | None = None
) -> Response:
    """Units that had to assign targets to those below them by a day and have not."""
    day = on or now.astimezone(ZoneInfo(facts.zone)).date()
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
) -> Response:
    """Each unit's figure, target, gap, pace, forecast and course with the reason, in one document.

    Forecasts are made in the background; of a period that nobody looked at yet they follow within
    seconds.
    """
    wanted = chosen_period(period, boards, now)
    return answer(await standings.of(indicator, wanted, now, level))


class _Desk:
    """Checks assignments of one person."""

    def __init__(
        self, subject: Subject, organisation: Organisation, boards: Boards, now: datetime
    ) -> None:
        self.subject = subject
        self.organisation = organisation
        self._boards = boards
        self._today = now.date()

    def checked(self, wanted: Assignment) -> Target:
        """The target that is meant; raises with the cure."""
        unit = self.organisation.resolve(wanted.unit, wanted.valid_from)
        by = None
        if wanted.decided_by is not None:
            by = self.organisation.resolve(wanted.decided_by, wanted.valid_from)
        self._check_scope(unit, wanted.valid_from)
        indicator = self._boards.figures.defined(
            wanted.indicator, Period(str(wanted.valid_from), wanted.valid_from,
                                     wanted.valid_from + timedelta(days=1)),
        )  # fmt: skip
        self._check_value(indicator, wanted)
        if wanted.valid_until is not None and wanted.valid_until <= wanted.valid_from:
            raise Invalid(f"the target ends on {wanted.valid_until}, before it begins")
        if not wanted.document.strip():
            raise Invalid("a target needs the document that assigns it")
        if wanted.valid_from < self._today and not wanted.reason.strip():
            raise Invalid(
                f"the target reaches back to {wanted.valid_from}, and figures shown since would "
                "stand against another one; say the `reason`"
            )
        return Target(
            indicator=indicator.id, unit=unit, valid_from=wanted.valid_from,
            valid_until=wanted.valid_until, value=wanted.value, direction=indicator.direction,
            document=wanted.document.strip(), decided_on=wanted.decided_on, decided_by=by,
            must_cascade_by=wanted.must_cascade_by,
        )  # fmt: skip

    def _check_scope(self, unit: str, on: date) -> None:
        """A unit assigns to those below it only."""
        if self.subject.role is not Role.AGENCY:
            return
        below = {
            v.unit for own in self.subject.units for v in self.organisation.descendants(own, on)
        }
        if unit not in below:
            raise NotPermitted("a unit assigns targets only to the units below it")

    def _check_value(self, indicator: Indicator, wanted: Assignment) -> None:
        limited = indicator.kind == "share"
        if limited and not 0 <= wanted.value <= MOST_SHARE:
            raise Invalid(
                f"{indicator.id} is a share: its target lies from 0 to 100, not {wanted.value:g}"
            )


async def _assign(conn: Any, desk: _Desk, target: Target, reason: str, now: datetime) -> Assigned:
    replaced = await targets.assign(conn, target, by=desk.subject.name)
    item = _item(target, desk.organisation)
    await audit.record(
        conn, now=now, actor=desk.subject.name, source="api", action="target.assign",
        subject=f"{target.indicator} of {target.unit}",
        before={"replaced": msgspec.to_builtins(replaced)},
        after=msgspec.to_builtins(item) | {"reason": reason},
    )  # fmt: skip
    return Assigned(item, replaced)


def _written(row: dict[str, str]) -> Assignment:
    given: dict[str, Any] = {name: text for name, text in row.items() if text}
    try:
        return msgspec.convert(given, Assignment, strict=False)
    except msgspec.ValidationError as fault:
        raise Invalid(f"{fault}; days are written 2026-07-01 and numbers 51.5") from fault


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
    )


def _ref(organisation: Organisation, unit: str, on: date) -> UnitRef:
    version = organisation.find(unit, on)
    return UnitRef(unit, unit if version is None else version.short_name)
