"""The log of alerts as messages are made from it: what was shown, when, newest alerts first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.store.pool import ReadPool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A change of an alert, and the alert after it as it was sent, JSON."""

    alert_id: UUID
    log_offset: int
    at: datetime
    item: bytes


_OF: Final = """
    SELECT alert_id, log_offset, at, item FROM alert_log
     WHERE alert_id = %s AND verb <> 'none' ORDER BY log_offset
"""

_NEWEST: Final = """
    SELECT l.alert_id, l.log_offset, l.at, l.item FROM alert_log l
     WHERE l.verb <> 'none' AND l.log_offset < %(before)s
       AND NOT EXISTS (SELECT 1 FROM alert_log o
                        WHERE o.alert_id = l.alert_id AND o.log_offset > l.log_offset
                          AND o.verb <> 'none')
     ORDER BY l.log_offset DESC LIMIT %(limit)s
"""


async def of_alert(pool: ReadPool, alert: UUID) -> list[ShownRow]:
    """Each time that an alert was shown anew, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ShownRow)) as cur:
        await cur.execute(_OF, [alert])
        return await cur.fetchall()


async def newest(pool: ReadPool, *, before: int, limit: int) -> list[ShownRow]:
    """How alerts were shown last, those that changed last first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ShownRow)) as cur:
        await cur.execute(_NEWEST, {"before": before, "limit": limit})
        return await cur.fetchall()
