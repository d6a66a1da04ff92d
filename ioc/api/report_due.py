"""Reports that are owed: expected, received, late or missing, with who answers for each."""

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Now, OwedReports, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.report_items import PeriodItem, unit_then
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.flow.reporting import end_of
from ioc.kpi.obligation import Due, DueState
from ioc.live.wire import UnitRef
from ioc.model import Text
from ioc.org import Answerable, answers_for

router = APIRouter(tags=["reports"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]


class DueItem(msgspec.Struct, kw_only=True):
    """A report that a unit owes; `answers` is who to call, None where nobody is named."""

    obligation: str
    name: Text
    group: str
    unit: UnitRef
    period: PeriodItem
    due_at: datetime
    received_at: datetime | None
    state: DueState
    missing: list[str]
    post: str | None
    answers: Answerable | None


class DueList(msgspec.Struct):
    """What is owed at a time, the missing ones first, and how many of each state."""

    as_of: datetime
    items: list[DueItem]
    counts: dict[str, int]
    next: str | None = None


ORDER: tuple[DueState, ...] = ("missing", "late", "expected", "received")


@router.get("/reports/due", responses=shape(DueList))
async def get_due(
    _: Reader,
    owed: OwedReports,
    facts: ServerFacts,
    now: Now,
    on: Annotated[str | None, Query(description="a day; today unless told")] = None,
    unit: str | None = None,
) -> Response:
    """Per unit and obligation the newest report that was due by a day, and those since."""
    zone = ZoneInfo(facts.zone)
    at = now
    if on is not None:
        try:
            at = min(now, end_of(date.fromisoformat(on), zone))
        except (ValueError, OverflowError) as error:
            raise Invalid(f"on: {error}; write a day such as 2026-07-31") from error
    found = [due for due in await owed.due(at) if unit in (None, due.unit)]
    found.sort(key=lambda due: (ORDER.index(due.state(at)), due.due_at))
    counts: dict[str, Any] = dict.fromkeys(ORDER, 0)
    for due in found:
        counts[due.state(at)] += 1
    organisation = facts.city.organisation

    def item(due: Due) -> DueItem:
        day = due.due_at.astimezone(zone).date()
        return DueItem(
            obligation=due.obligation.id,
            name=due.obligation.name,
            group=due.obligation.group,
            unit=unit_then(organisation, due.unit, day),
            period=PeriodItem(due.period.text, due.period.start, due.period.end),
            due_at=due.due_at,
            received_at=due.received_at,
            state=due.state(at),
            missing=list(due.missing),
            post=due.obligation.post,
            answers=answers_for(organisation, due.unit, day),
        )

    return answer(DueList(at, [item(due) for due in found], counts))
