"""Shifts as people see them, and the report of one: what happened, and who has what now."""

from datetime import datetime
from typing import Final

import msgspec

from ioc.api.calls import CallItem, call_item
from ioc.api.shift_log import ShiftEntry, entry_items
from ioc.flow.incident_desk import Desk
from ioc.flow.incident_shifts import span
from ioc.live.wire import AlertItem, IncidentRef, UnitRef
from ioc.model import Severity, Text
from ioc.store import calls, shift_log, shifts
from ioc.store.pool import ReadPool
from ioc.store.shift_log import ShownAlert
from ioc.store.shifts import ShiftRow

MOST_ALERTS: Final = 500
MOST_CALLS: Final = 1_000
"""Rows of a report; its counts are those of all."""


class ShiftItem(msgspec.Struct, kw_only=True):
    """A shift; one that runs has no end."""

    id: str
    began_at: datetime
    began_by: str
    on_duty: list[str]
    note: str
    ended_at: datetime | None
    ended_by: str | None
    summary: str


class ShiftList(msgspec.Struct):
    """Shifts, the newest first."""

    items: list[ShiftItem]
    next: str | None


class ShiftIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with which something was done in the shift; `entries` are all of its changes."""

    id: str
    code: str
    title: str
    category: Text
    lead: UnitRef
    exercise: bool
    state: str
    result: str | None
    opened: bool
    resolved: bool
    closed: bool
    entries: int


class ShiftAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with which something happened in the shift, as it stood last in it."""

    id: str
    severity: Severity
    title: Text
    place: str
    unit: UnitRef | None
    since: datetime
    cleared_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    incident: IncidentRef | None
    exercise: bool
    raised: bool


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that was not closed at the end, as it stood, and who took it over."""

    id: str
    code: str
    title: str
    state: str
    due_at: datetime
    to: str
    note: str


class ShiftReport(msgspec.Struct, kw_only=True):
    """The report of a shift (báo cáo ca trực); drills are listed, and not counted.

    `alerts` are at most 500, those that came in it first.
    """

    shift: ShiftItem
    until: datetime
    opened: int
    resolved: int
    closed: int
    false_reports: int
    alerts_raised: int
    alerts_acknowledged: int
    alerts: list[ShiftAlert]
    incidents: list[ShiftIncident]
    entries: list[ShiftEntry]
    calls: list[CallItem]
    handed_over: list[HandedOver]


def shift_item(row: ShiftRow) -> ShiftItem:
    """A shift as it is listed."""
    return ShiftItem(
        id=str(row.shift_id), began_at=row.began_at, began_by=row.began_by,
        on_duty=list(row.on_duty), note=row.note, ended_at=row.ended_at, ended_by=row.ended_by,
        summary=row.summary,
    )  # fmt: skip


async def shift_report(reads: ReadPool, desk: Desk, row: ShiftRow, now: datetime) -> ShiftReport:
    """The report of a shift, up to now while it runs."""
    since, until = span(row, now)
    done = await shifts.activity(reads, since, until)
    real = [one for one in done if not one.exercise]
    tally = await shifts.alerts(reads, since, until)
    seen = await shift_log.alerts(reads, since, until, limit=MOST_ALERTS)
    called = await calls.between(reads, since, until, limit=MOST_CALLS)
    return ShiftReport(
        shift=shift_item(row),
        until=until,
        opened=sum(one.opened for one in real),
        resolved=sum(one.resolved for one in real),
        closed=sum(one.closed for one in real),
        false_reports=sum(one.resolved and one.result == "false_alarm" for one in real),
        alerts_raised=tally.raised,
        alerts_acknowledged=tally.acknowledged,
        alerts=[_alert(one) for one in seen],
        entries=await entry_items(reads, row.shift_id),
        calls=[call_item(one) for one in reversed(called)],
        incidents=[
            ShiftIncident(
                id=str(one.incident_id), code=one.code, title=one.title,
                category=desk.category(one.category).name, lead=desk.unit(one.lead),
                exercise=one.exercise, state=one.state, result=one.result, opened=one.opened,
                resolved=one.resolved, closed=one.closed, entries=one.entries,
            )
            for one in done
        ],
        handed_over=[
            HandedOver(
                id=str(one.incident_id), code=one.code, title=one.title, state=one.state,
                due_at=one.due_at, to=one.keeper, note=one.note,
            )
            for one in await shifts.handovers(reads, row.shift_id)
        ],
    )  # fmt: skip


def _alert(shown: ShownAlert) -> ShiftAlert:
    item = _decoder.decode(shown.item)
    return ShiftAlert(
        id=item.id, severity=item.severity, title=item.title, place=item.place.name,
        unit=item.unit, since=item.since, cleared_at=item.cleared_at,
        acknowledged_by=item.acknowledged_by, acknowledged_at=item.acknowledged_at,
        incident=item.incident, exercise=item.exercise, raised=shown.raised,
    )  # fmt: skip


_decoder = msgspec.json.Decoder(AlertItem)
