"""Why alerts tell nobody anew, as it was decided last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from ioc.store.pool import Connection, ReadPool

_PUT: Final = """
    INSERT INTO untold (alert_id, reason, at)
    SELECT alert_id, reason, %(at)s
      FROM unnest(%(alerts)s::uuid[], %(reasons)s::text[]) AS u(alert_id, reason)
    ON CONFLICT (alert_id) DO UPDATE SET reason = excluded.reason, at = excluded.at
"""

_FORGET: Final = "DELETE FROM untold WHERE alert_id = ANY(%s)"

_OPEN: Final = """
    SELECT u.alert_id, u.reason FROM untold u JOIN alert a USING (alert_id)
     WHERE a.closed_at IS NULL
"""

_OF_ALERT: Final = "SELECT reason, at FROM untold WHERE alert_id = %s"


async def put(conn: Connection, why: Mapping[UUID, str | None], at: datetime) -> None:
    """Keep it in the transaction of the cause; None of an alert that tells somebody."""
    silent = {alert: reason for alert, reason in why.items() if reason is not None}
    if silent:
        given = {"alerts": list(silent), "reasons": list(silent.values()), "at": at}
        await conn.execute(_PUT, given)
    if len(silent) < len(why):
        await conn.execute(_FORGET, [list(why.keys() - silent.keys())])


async def of_open(pool: ReadPool) -> dict[UUID, str]:
    """Why alerts that are open tell nobody."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_OPEN)).fetchall()
    return {row[0]: row[1] for row in rows}


async def of_alert(pool: ReadPool, alert: UUID) -> tuple[str, datetime] | None:
    """Why an alert tells nobody, and since when; None where it tells somebody."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_OF_ALERT, [alert])).fetchone()
    return None if row is None else (row[0], row[1])
