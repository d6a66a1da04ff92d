"""Items of the quarantine as people see, choose, repair and discard them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from psycopg.rows import class_row

from ioc.store import ledger, quarantine
from ioc.store.pool import Connection, ReadPool

State = Literal["open", "replayed", "dropped"]

_ITEMS: Final = """
    SELECT quarantine_id AS id, received_at, channel, content_type, kind, topic_key,
           source, item_index AS index, reason, detail,
           substring(payload FROM 1 FOR COALESCE(%(cut)s::int, 2147483647)) AS payload,
           bytes AS size, digest, original IS NOT NULL AS repaired, edition, repaired_at,
           repaired_by, attempts, replayed_at, dropped_at, dropped_by
      FROM quarantine
     WHERE feed_key = %(feed)s
"""
_SOME: Final = (
    _ITEMS
    + """
       AND quarantine_id < %(before)s
       AND (%(reason)s::text IS NULL OR reason = %(reason)s)
       AND CASE %(state)s::text
               WHEN 'open' THEN replayed_at IS NULL AND dropped_at IS NULL
               WHEN 'replayed' THEN replayed_at IS NOT NULL
               WHEN 'dropped' THEN dropped_at IS NOT NULL
               ELSE true
           END
     ORDER BY quarantine_id DESC LIMIT %(limit)s
"""
)
_ONE: Final = _ITEMS + "AND quarantine_id = %(id)s"
_ONE_LOCKED: Final = _ONE + " FOR UPDATE"
_LISTED: Final = _ITEMS + "AND quarantine_id = ANY(%(ids)s) ORDER BY quarantine_id"

_CHOSEN: Final = """
    SELECT quarantine_id
      FROM (SELECT quarantine_id, size, sum(size) OVER (ORDER BY quarantine_id) AS until
              FROM (SELECT quarantine_id, octet_length(payload) AS size
                      FROM quarantine
                     WHERE feed_key = %(feed)s AND quarantine_id > %(after)s
                       AND (%(ids)s::bigint[] IS NULL OR quarantine_id = ANY(%(ids)s))
                       AND (%(reason)s::text IS NULL OR reason = %(reason)s)
                       AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
                       AND (%(until)s::timestamptz IS NULL OR received_at < %(until)s)
                       AND replayed_at IS NULL AND dropped_at IS NULL AND digest IS NULL
                     ORDER BY quarantine_id LIMIT %(limit)s) AS oldest) AS summed
     WHERE until - size < %(most_bytes)s
"""

_STATES: Final = """
    SELECT quarantine_id,
           CASE WHEN replayed_at IS NOT NULL THEN 'replayed'
                WHEN dropped_at IS NOT NULL THEN 'dropped' ELSE 'open' END
      FROM quarantine WHERE feed_key = %(feed)s AND quarantine_id = ANY(%(ids)s)
"""

_ORIGINAL: Final = """
    SELECT COALESCE(original, payload) FROM quarantine
     WHERE feed_key = %(feed)s AND quarantine_id = %(id)s
"""

_HELD: Final = """
    SELECT COALESCE(h.items, 0), COALESCE(h.bytes, 0), f.quarantine_bytes, f.quarantine_age_s
      FROM feed f LEFT JOIN quarantine_held h USING (feed_key) WHERE f.feed_key = %(feed)s
"""

_REPAIR: Final = """
    UPDATE quarantine
       SET original = COALESCE(original, payload), payload = %(payload)s,
           content_type = %(type)s,
           edition = edition + 1, repaired_at = %(now)s, repaired_by = %(actor)s
     WHERE quarantine_id = %(id)s
"""

_DISCARD: Final = """
    UPDATE quarantine
       SET dropped_at = %(now)s, dropped_by = %(actor)s, payload = '', original = NULL
     WHERE quarantine_id = %(id)s
"""


Kind = Literal["observations", "dossiers", "reports", "tickets", "warnings"]
"""What the door was that something came to."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing in quarantine; `payload` is what a replay takes, `size` is in bytes, as sent."""

    id: int
    received_at: datetime
    channel: str
    content_type: str
    kind: Kind
    topic_key: str | None
    source: str | None
    index: int
    reason: str
    detail: str
    payload: bytes
    size: int
    digest: bytes | None
    repaired: bool
    edition: int
    repaired_at: datetime | None
    repaired_by: str | None
    attempts: int
    replayed_at: datetime | None
    dropped_at: datetime | None
    dropped_by: str | None

    @property
    def state(self) -> State:
        """What became of it."""
        if self.replayed_at is not None:
            return "replayed"
        return "open" if self.dropped_at is None else "dropped"

    @property
    def replayable(self) -> bool:
        """Whether it can be repaired and replayed."""
        return self.state == "open" and self.digest is None


@dataclass(frozen=True, slots=True)
class Held:
    """How much the quarantine of a feed holds, and its bounds; the age is in seconds."""

    items: int
    bytes: int
    most_bytes: int
    most_age: float


async def listed(
    pool: ReadPool,
    feed: int,
    *,
    before: int,
    limit: int,
    state: str | None,
    reason: str | None,
    cut: int,
) -> list[Kept]:
    """What is in quarantine of a feed, newest first, below the id `before`; payloads cut off."""
    given = {
        "feed": feed, "before": before, "limit": limit, "state": state, "reason": reason,
        "cut": cut,
    }  # fmt: skip
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Kept)) as cur:
        await cur.execute(_SOME, given)
        return await cur.fetchall()


async def held(pool: ReadPool, feed: int) -> Held:
    """How much the quarantine of a feed holds, and may hold."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_HELD, {"feed": feed})).fetchone()
    assert row is not None
    return Held(*row)


async def one(pool: ReadPool, feed: int, id: int) -> Kept | None:
    """One item of a feed."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Kept)) as cur:
        await cur.execute(_ONE, {"feed": feed, "id": id, "cut": None})
        return await cur.fetchone()


async def original(pool: ReadPool, feed: int, id: int) -> bytes | None:
    """The bytes of an item as they were sent."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_ORIGINAL, {"feed": feed, "id": id})).fetchone()
    return None if row is None else bytes(row[0])


async def chosen(
    pool: ReadPool,
    feed: int,
    *,
    ids: Sequence[int] | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    after: int,
    limit: int,
    most_bytes: int,
) -> list[Kept]:
    """Items that can be replayed, oldest first, above the id `after`; None chooses all.

    At least one, and no more than hold `most_bytes` together.
    """
    given: dict[str, Any] = {
        "feed": feed, "ids": None if ids is None else list(ids), "reason": reason,
        "since": since, "until": until, "after": after, "limit": limit, "most_bytes": most_bytes,
    }  # fmt: skip
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Kept)) as cur:
        wanted = await (await conn.execute(_CHOSEN, given)).fetchall()
        found = {"feed": feed, "ids": [row[0] for row in wanted], "cut": None}
        await cur.execute(_LISTED, found)
        return await cur.fetchall()


async def states(pool: ReadPool, feed: int, ids: Sequence[int]) -> dict[int, str]:
    """What became of items: open, replayed or dropped; those that are gone are absent."""
    async with pool.connection() as conn:
        cur = await conn.execute(_STATES, {"feed": feed, "ids": list(ids)})
        return dict(await cur.fetchall())


async def locked(conn: Connection, feed: int, id: int) -> Kept | None:
    """One item of a feed, locked until the end of the transaction."""
    await quarantine.hold(conn, {feed: (0, 0)})
    async with conn.cursor(row_factory=class_row(Kept)) as cur:
        await cur.execute(_ONE_LOCKED, {"feed": feed, "id": id, "cut": None})
        return await cur.fetchone()


async def repair(
    conn: Connection,
    feed: int,
    item: Kept,
    payload: bytes,
    content_type: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """Put other bytes in the place of a `locked` item's; those that were sent stay beside them."""
    grown = len(payload) - (len(item.payload) if item.repaired else 0)
    full = await quarantine.hold(conn, {feed: (0, grown)})
    given = {"id": item.id, "payload": payload, "type": content_type, "actor": by, "now": now}
    await conn.execute(_REPAIR, given)
    for key, size, bound in full:
        await quarantine.trim(conn, key, excess=size - bound, until=None, now=now)


async def discard(conn: Connection, feed: int, item: Kept, *, by: str, now: datetime) -> None:
    """Let a `locked` item go on its agency's word; that it was there stays to be seen."""
    sent = item.size if item.repaired else 0
    await quarantine.hold(conn, {feed: (0, -(len(item.payload) + sent))})
    await conn.execute(_DISCARD, {"id": item.id, "actor": by, "now": now})
    await ledger.drop(conn, feed, 1, now)
