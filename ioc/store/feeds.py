"""Feeds and their keys: making them, listing them, letting them in."""

from datetime import datetime
from typing import Any, Final

from ioc import feed_defaults
from ioc.auth.tokens import (
    hash_mosquitto_password,
    hash_mqtt_password,
    hash_secret,
    new_secret,
)
from ioc.errors import Conflict, NotFound
from ioc.store.pool import Connection

_FIND_UNIT: Final = "SELECT unit_key FROM unit WHERE id = %s"

_ADD_UNIT: Final = "INSERT INTO unit (id) VALUES (%s) RETURNING unit_key"

_ADD_VERSION: Final = """
    INSERT INTO unit_version (unit_key, validity, name, short_name, level, parent_key)
    VALUES (%(key)s, daterange(%(day)s, NULL), %(name)s, %(name)s, 'department',
            (SELECT unit_key FROM unit WHERE id = (SELECT province FROM identity)))
"""

_ADD: Final = """
    INSERT INTO feed (id, agency_key, name, domain, format, auto_series, interval_s, freshness_s,
                      late_limit_s, time_zone, time_source, simulated, created_at, number_format,
                      charset, most_series, quarantine_bytes, quarantine_age_s, changed_by)
    VALUES (%(id)s, %(agency)s, %(name)s, %(domain)s, %(format)s, %(auto_series)s, %(interval)s,
            %(freshness)s, %(late_limit)s, %(time_zone)s, %(time_source)s, %(simulated)s, %(now)s,
            %(number_format)s, %(charset)s, %(most_series)s, %(quarantine_bytes)s,
            %(quarantine_age)s, %(by)s)
    ON CONFLICT (id) DO NOTHING
    RETURNING feed_key
"""

_FIND: Final = "SELECT feed_key, agency_key FROM feed WHERE id = %s AND retired_at IS NULL"

_ADD_KEY: Final = """
    INSERT INTO feed_credential (feed_key, hash, hint, created_at) VALUES (%s, %s, %s, %s)
"""

_KEYS: Final = """
    SELECT c.credential_id, c.hint, c.created_at, c.revoked_at, c.last_used_at
      FROM feed_credential c JOIN feed f USING (feed_key) WHERE f.id = %s ORDER BY 1
"""

_REVOKE: Final = """
    UPDATE feed_credential SET revoked_at = %(now)s
     WHERE revoked_at IS NULL AND credential_id = %(id)s
       AND feed_key = (SELECT feed_key FROM feed WHERE id = %(feed)s)
    RETURNING 1
"""

_SET_MQTT: Final = """
    INSERT INTO mqtt_credential (agency_key, bcrypt, pbkdf2, created_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (agency_key) DO UPDATE
       SET bcrypt = excluded.bcrypt, pbkdf2 = excluded.pbkdf2, created_at = excluded.created_at
"""

_MQTT: Final = """
    SELECT u.id, m.bcrypt, m.pbkdf2 FROM mqtt_credential m JOIN unit u ON u.unit_key = m.agency_key
"""

_FORBIDDEN: Final = """
    INSERT INTO agency_ledger AS l (agency_key, minute, forbidden)
    SELECT unit_key, %(minute)s, %(count)s FROM unit WHERE id = %(agency)s
    ON CONFLICT (agency_key, minute) DO UPDATE SET forbidden = l.forbidden + excluded.forbidden
"""


_LIST: Final = """
    SELECT f.id, u.id, f.domain, f.format, count(s.series_id)
      FROM feed f JOIN unit u ON u.unit_key = f.agency_key LEFT JOIN series s USING (feed_key)
     WHERE f.retired_at IS NULL
     GROUP BY f.id, u.id, f.domain, f.format ORDER BY f.id
"""


async def listed(conn: Connection) -> list[tuple[Any, ...]]:
    """Id, agency, domain, format and number of series of each feed."""
    return await (await conn.execute(_LIST)).fetchall()


async def agency_key(conn: Connection, agency: str, now: datetime) -> tuple[int, bool]:
    """The internal key of an agency, and whether it had to be made as a department of that name."""
    row = await (await conn.execute(_FIND_UNIT, [agency])).fetchone()
    if row is not None:
        return row[0], False
    row = await (await conn.execute(_ADD_UNIT, [agency])).fetchone()
    assert row is not None
    await conn.execute(_ADD_VERSION, {"key": row[0], "day": now.date(), "name": agency})
    return row[0], True


async def add(
    conn: Connection,
    *,
    id: str,
    agency: int,
    name: str,
    domain: str,
    format: str,
    auto_series: bool,
    now: datetime,
    interval: float | None = None,
    freshness: float | None = None,
    late_limit: float | None = feed_defaults.LATE_LIMIT.total_seconds(),
    time_zone: str = feed_defaults.TIME_ZONE,
    time_source: str = "payload",
    simulated: bool = False,
    number_format: str = "plain",
    charset: str = "utf-8",
    most_series: int = feed_defaults.MOST_SERIES,
    quarantine_bytes: int = feed_defaults.QUARANTINE_BYTES,
    quarantine_age: float = feed_defaults.QUARANTINE_AGE.total_seconds(),
    by: str = "city",
) -> int:
    """Make a feed; returns its internal key. Raises `Conflict` where the id is taken."""
    row = await (
        await conn.execute(
            _ADD,
            {
                "id": id, "agency": agency, "name": name, "domain": domain, "format": format,
                "auto_series": auto_series, "interval": interval, "freshness": freshness,
                "late_limit": late_limit, "time_zone": time_zone, "time_source": time_source,
                "simulated": simulated, "now": now, "number_format": number_format,
                "charset": charset, "most_series": most_series,
                "quarantine_bytes": quarantine_bytes, "quarantine_age": quarantine_age, "by": by,
            },
        )
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict(f"a feed `{id}` exists already; feed ids are never used twice")
    return row[0]


async def find(conn: Connection, feed: str) -> int:
    """The internal key of a feed, or `NotFound`."""
    row = await (await conn.execute(_FIND, [feed])).fetchone()
    if row is None:
        raise NotFound(f"there is no feed `{feed}`; see `ioc feed list`")
    return row[0]


async def add_key(conn: Connection, feed: str, now: datetime) -> str:
    """Make a further key of a feed; returned once, stored as a hash, older ones stay valid."""
    key = await find(conn, feed)
    secret = new_secret()
    await conn.execute(_ADD_KEY, [key, hash_secret(secret), secret[:6], now])
    return secret


async def keys(conn: Connection, feed: str) -> list[tuple[Any, ...]]:
    """Number, first characters, made, revoked and last used of each key of a feed."""
    await find(conn, feed)
    return await (await conn.execute(_KEYS, [feed])).fetchall()


async def revoke_key(conn: Connection, feed: str, number: int, now: datetime) -> None:
    """End a key of a feed."""
    cur = await conn.execute(_REVOKE, {"now": now, "id": number, "feed": feed})
    if await cur.fetchone() is None:
        raise NotFound(f"feed `{feed}` has no valid key number {number}")


async def set_mqtt_password(conn: Connection, agency: str, now: datetime) -> str:
    """Make the password with which an agency signs in to the broker; an older one ends."""
    row = await (await conn.execute(_FIND_UNIT, [agency])).fetchone()
    if row is None:
        raise NotFound(f"there is no agency `{agency}`; make a feed of it first")
    password = new_secret()
    hashes = (hash_mqtt_password(password), hash_mosquitto_password(password))
    await conn.execute(_SET_MQTT, [row[0], *hashes, now])
    return password


async def mqtt_passwords(conn: Connection) -> dict[str, tuple[str, str]]:
    """Hashes by agency: bcrypt for the embedded broker, PBKDF2 for mosquitto."""
    return {row[0]: (row[1], row[2]) for row in await (await conn.execute(_MQTT)).fetchall()}


async def count_forbidden(conn: Connection, agency: str, count: int, minute: datetime) -> None:
    """Count publishes of an agency outside of its own topics."""
    await conn.execute(_FORBIDDEN, {"minute": minute, "count": count, "agency": agency})
