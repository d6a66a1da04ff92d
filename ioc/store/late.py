"""The dossiers that are overdue longest, without anything about a person."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ioc.store.pool import ReadPool

MOST: Final = 10

_OLDEST: Final = """
    SELECT d.code, d.procedure_code, d.received_day, u.id, d.office, d.due_effective,
           d.paused_since
      FROM dossier d JOIN unit u ON u.unit_key = d.handling_unit
     WHERE d.resolved_at IS NULL AND d.due_effective < LEAST(%(now)s, d.paused_since)
     ORDER BY d.due_effective, d.code LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Late:
    """A dossier in hand whose due time has passed, and the office of the unit that holds it."""

    code: str
    procedure: str
    received_day: date
    unit: str
    office: str | None
    due_at: datetime
    paused_since: datetime | None


async def oldest(pool: ReadPool, now: datetime, most: int = MOST) -> list[Late]:
    """Those overdue longest, longest first."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_OLDEST, {"now": now, "most": most})).fetchall()
    return [Late(*row) for row in rows]
