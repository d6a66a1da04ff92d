"""What an incident takes and lets go: alerts, which say so themselves, and tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from ioc.flow.alert_draft import shown
from ioc.live.wire import AlertItem, encoder
from ioc.store import alerts, incident_parts
from ioc.store.alerts import AlertRow, LogRow
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import Connection

Change = Literal["join", "leave"]

_LOGGED: Final = {"join": "incident_joined", "leave": "incident_left"}
"""What the log of an alert calls it."""


class AlertBoard(Protocol):
    """Who shows alerts."""

    def item(self, row: AlertRow) -> AlertItem:
        """The alert as it is shown."""
        ...

    async def follow(self) -> None:
        """Show what was stored since."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What is in an incident, or is to be."""

    alerts: Sequence[UUID] = ()
    tickets: Sequence[UUID] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.alerts or self.tickets)

    def told(self) -> dict[str, Any]:
        """The same for a log."""
        return {
            "alerts": [str(alert) for alert in self.alerts],
            "tickets": [str(ticket) for ticket in self.tickets],
        }


async def change_parts(
    conn: Connection,
    board: AlertBoard,
    row: IncidentRow,
    change: Change,
    wanted: Parts,
    *,
    who: str,
    at: datetime,
) -> Parts:
    """Take parts into a locked incident, or let them go; returns those that this has changed."""
    move_alert = partial(incident_parts.join_alert, now=at)
    move_ticket = partial(incident_parts.join_ticket, now=at)
    if change == "leave":
        move_alert, move_ticket = incident_parts.leave_alert, incident_parts.leave_ticket
    # In one order, so that two who take the same never wait for each other.
    done = Parts(
        [a for a in sorted(wanted.alerts) if await move_alert(conn, row.incident_id, a)],
        [t for t in sorted(wanted.tickets) if await move_ticket(conn, row.incident_id, t)],
    )

    def entry(alert: AlertRow) -> LogRow:
        is_shown = alert.closed_at is None and shown(alert)
        return LogRow(
            alert_id=alert.alert_id, at=at, change=_LOGGED[change], actor=who, comment=row.code,
            verb="update" if is_shown else "none",
            item=encoder.encode(board.item(alert)) if is_shown else b"",
        )  # fmt: skip

    if done.alerts:
        await alerts.touch(conn, done.alerts, entry)
    return done
