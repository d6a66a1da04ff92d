"""A change of an incident: how one begins, what is noted of it, and how it is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ioc.errors import Conflict
from ioc.flow.incident_desk import Desk
from ioc.flow.incident_telling import tell
from ioc.ids import uuid7
from ioc.incidents.life import Life, State
from ioc.incidents.moves import Act
from ioc.live.wire import encoder
from ioc.store import audit, incident_log
from ioc.store.incident_log import LogRow
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import Connection

Check = Callable[[UUID, IncidentRow | None], IncidentRow]
"""Gives the incident to who may do something with it, and refuses all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does something, and from where; `check` refuses what is not theirs to do."""

    who: str
    source: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an incident begins with."""

    category: str
    title: str
    description: str
    origin: str
    exercise: bool
    lead: str
    support: tuple[str, ...]
    feature: str | None
    place_name: str
    place_unit: str | None
    longitude: float | None
    latitude: float | None
    caller: tuple[str, str] | None = None
    alerts: Sequence[UUID] = ()
    tickets: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done with an incident, for its log."""

    change: str
    who: str
    comment: str = ""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


async def save(
    conn: Connection,
    desk: Desk,
    before: IncidentRow | None,
    after: IncidentRow,
    done: Done,
    at: datetime,
) -> None:
    """Store an incident with what was done with it, in somebody's transaction."""
    entry = LogRow(
        at=at,
        change=done.change,
        actor=done.who,
        comment=done.comment,
        detail=done.detail,
        verb=_verb(before, after),
        units_before=[] if before is None else before.units,
        item=encoder.encode(desk.item(after)),
    )
    await tell(conn, desk, before, after, who=done.who, at=at)
    await incident_log.save(conn, [(after, entry)])


async def note_audit(
    conn: Connection,
    by: By,
    action: str,
    before: IncidentRow | None,
    after: IncidentRow,
    now: datetime,
    **more: Any,
) -> None:
    """Note in the audit trail what somebody did with an incident."""
    await audit.record(
        conn, now=now, actor=by.who, source=by.source, action=action,
        subject=str(after.incident_id),
        before=None if before is None else told(before), after={**told(after), **more},
    )  # fmt: skip


def told(row: IncidentRow) -> dict[str, Any]:
    """What the audit trail says of an incident: nothing that anybody wrote."""
    return {
        "state": row.state, "version": row.version, "category": row.category, "lead": row.lead,
        "result": row.result, "level": row.level, "due_at": row.due_at.isoformat(),
    }  # fmt: skip


def opened(opening: Opening, desk: Desk, code: str, who: str, now: datetime) -> IncidentRow:
    """A new incident by the deadlines of its category."""
    category = desk.asked(opening.category)
    deadlines = desk.deadlines(category)
    life = Life(
        category=category.id, exercise=opening.exercise, lead=opening.lead,
        support=tuple(dict.fromkeys(unit for unit in opening.support if unit != opening.lead)),
        keeper=who, level_at=now, opened_at=now, since=now, changed_at=now,
        acknowledge_due_at=deadlines.acknowledge(now), assign_due_at=deadlines.assign(now),
        due_at=deadlines.resolve(now),
    )  # fmt: skip
    return IncidentRow(
        incident_id=uuid7(now), code=code, title=opening.title,
        description=opening.description, origin=opening.origin, feature=opening.feature,
        place_name=opening.place_name, place_unit=opening.place_unit,
        longitude=opening.longitude, latitude=opening.latitude, opened_by=who,
        checklist_version=category.version, entries=0, **msgspec.structs.asdict(life),
    )  # fmt: skip


def moved_by(act: Act, before: IncidentRow, after: IncidentRow) -> Done:
    """What the log says of a move: its words, and what it changed."""
    names = ("state", "category", "result", "lead", "assignee", "keeper", "level")
    changed: dict[str, Any] = {
        name: getattr(after, name)
        for name in names
        if getattr(after, name) != getattr(before, name)
    }
    if list(after.support) != list(before.support):
        changed["support"] = list(after.support)
    if after.due_at != before.due_at:
        changed["due_at"] = after.due_at.isoformat()
    return Done(change=act.move.value, who=act.actor, comment=act.reason, detail=changed)


def _verb(before: IncidentRow | None, after: IncidentRow) -> str:
    """What clients are told, who see what is not closed."""
    if after.state == State.CLOSED:
        # Words added to a closed one: it is not there to be shown, and stays away.
        return "remove"
    return "add" if before is None or before.state == State.CLOSED else "update"


def check_open(row: IncidentRow) -> None:
    """Refuse to change what hangs on an incident that is closed."""
    if row.state == State.CLOSED:
        raise Conflict(
            f"{row.code} is closed; reopen it with a reason", state=row.state, version=row.version
        )
