"""Field reports that are open and have a place: what the map shows of each, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.store.pool import ReadPool

# What is open is few, and an index of its own leads to it, however much was closed before.
_OPEN: Final = """
    SELECT t.ticket_id, t.category, t.state, u.id AS unit, l.id AS lead, t.due_at, t.changed_at,
           t.longitude, t.latitude
      FROM ticket t JOIN unit l ON l.unit_key = t.lead_key
           LEFT JOIN unit u ON u.unit_key = t.unit_key
     WHERE t.ended_at IS NULL AND t.kind = 'field_report' AND t.longitude IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class PlacedReport:
    """An open field report; neither its words nor who reported."""

    ticket_id: UUID
    category: str
    state: str
    unit: str | None
    lead: str
    due_at: datetime
    changed_at: datetime
    longitude: float
    latitude: float


async def open_reports(pool: ReadPool) -> list[PlacedReport]:
    """Every open field report that has a place."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(PlacedReport)) as cur:
        await cur.execute(_OPEN)
        return await cur.fetchall()
