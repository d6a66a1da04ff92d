"""What keeps the store in order beside the flow: partitions made ahead, old data out."""

import logging
from datetime import datetime
from typing import Final

import psycopg
from psycopg import AsyncConnection

from ioc.store import incident_contacts, partitions, refresh, retention, ticket_contacts

log = logging.getLogger(__name__)

_LOCK: Final = 0x10C_0003
"""Key of the advisory lock, so that one process at a time keeps house."""

_SETTINGS: Final = "-c timezone=UTC -c lock_timeout=2s -c application_name=ioc-housekeeping"
"""A table that somebody uses for long must not be waited for: everybody else would wait behind."""


async def keep_house(url: str, now: datetime) -> int:
    """Make partitions ahead and delete what is too old; returns how much went.

    A database that is away is for the next time; so is the work while another process does it.
    """
    try:
        async with await AsyncConnection.connect(url, autocommit=True, options=_SETTINGS) as conn:
            row = await (await conn.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
            if row is None or not row[0]:
                return 0
            await partitions.make_ahead(conn, now)
            await refresh.take_up(conn)
            forgotten = await ticket_contacts.expire(conn, now)
            forgotten += await incident_contacts.expire(conn, now)
            return forgotten + await retention.apply(conn, now)
    except psycopg.OperationalError as error:
        # A lock that was not to be had is one of these as well.
        log.warning("the store was not put in order, that is tried again later: %s", error)
        return 0
