"""From a change of an incident to letters in the outbox; nothing is sent here."""

from datetime import datetime
from typing import Any

import msgspec

from alerts.channel import Message
from alerts.roster import Duty
from alerts.summons import Stand, summoned
from ioc.flow.incident_desk import Desk
from ioc.model import Text
from ioc.store import outbox, roster
from ioc.store.incident_rows import IncidentRow
from ioc.store.outbox import Letter
from ioc.store.pool import Connection


async def tell(
    conn: Connection,
    desk: Desk,
    before: IncidentRow | None,
    after: IncidentRow,
    *,
    who: str,
    at: datetime,
) -> None:
    """Store whom a change calls, in its transaction."""
    if before is not None and (before.lead, before.level) == (after.lead, after.level):
        return
    plan, people = await roster.read_with(conn)
    duty = Duty(people, desk.calendar, desk.zone)
    was = None if before is None else _stand(desk, before)
    notices = summoned(was, _stand(desk, after), plan, duty, at)
    message = _message(desk, after)
    letters = [
        Letter(
            alert_id=None, incident_id=after.incident_id, stage=notice.stage,
            person=notice.person, channel=notice.channel, reason=notice.reason.value,
            message=message, due_at=notice.due, created_at=at, created_by=who,
        )
        for notice in notices
    ]  # fmt: skip
    await outbox.add(conn, letters)


def _stand(desk: Desk, row: IncidentRow) -> Stand:
    above = desk.organisation.ancestors(row.lead, desk.today)
    units = (row.lead, *(version.unit for version in above))
    return Stand(units=units, level=row.level, exercise=row.exercise)


def _message(desk: Desk, row: IncidentRow) -> dict[str, Any]:
    title = f"{row.code} {row.title}"
    message = Message(
        incident=str(row.incident_id), title=Text(title, title), place=row.place_name,
        unit=desk.unit(row.lead).name, since=row.opened_at,
    )  # fmt: skip
    return msgspec.json.decode(msgspec.json.encode(message), type=dict[str, Any])
