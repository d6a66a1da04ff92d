"""The quarantine as the flow fills it: bounded, the oldest out first, each item replayed once.

Whoever changes the quarantine of a feed first locks its row in `quarantine_held` (see `hold`), so
that the sums there are right and two changes never wait for each other crosswise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.store import ledger
from ioc.store.pool import Connection, WritePool

TRIMMED_AT_ONCE: Final = 10_000
"""Items that one statement lets go at most."""

OVERHEAD: Final = 500
"""Bytes that stand for what an item costs beside its payload."""

LONGEST_DETAIL: Final = 1_000

SLACK: Final = 0.1
"""Share of the bound that is freed beyond what is needed, so that not every flush has to trim."""

_COPY: Final = """
    COPY quarantine (feed_key, received_at, channel, content_type, kind, topic_key, source,
                     item_index, payload, bytes, digest, reason, detail) FROM STDIN
"""

_HOLD: Final = """
    WITH given AS (
        SELECT * FROM unnest(%(feed)s::int[], %(items)s::bigint[], %(bytes)s::bigint[])
                 AS n(feed_key, items, bytes)
         ORDER BY feed_key
    ), changed AS (
        INSERT INTO quarantine_held AS h (feed_key, items, bytes)
        SELECT feed_key, items, bytes FROM given
        ON CONFLICT (feed_key) DO UPDATE
           SET items = h.items + excluded.items, bytes = h.bytes + excluded.bytes
        RETURNING feed_key, bytes
    )
    SELECT feed_key, c.bytes, f.quarantine_bytes FROM changed c JOIN feed f USING (feed_key)
     WHERE c.bytes > f.quarantine_bytes
"""

_TRIM: Final = """
    WITH oldest AS (
        SELECT quarantine_id, received_at, replayed_at IS NULL AND dropped_at IS NULL AS open,
               octet_length(payload) + COALESCE(octet_length(original), 0) + %(overhead)s AS held
          FROM quarantine WHERE feed_key = %(feed)s ORDER BY quarantine_id LIMIT %(most)s
    ), summed AS (
        SELECT *, sum(held) OVER (ORDER BY quarantine_id) - held AS before FROM oldest
    ), chosen AS (
        SELECT * FROM summed WHERE before < %(excess)s OR received_at < %(until)s
    ), gone AS (
        DELETE FROM quarantine q USING chosen c WHERE q.quarantine_id = c.quarantine_id
    )
    SELECT count(*), COALESCE(sum(held), 0)::bigint, count(*) FILTER (WHERE open) FROM chosen
"""

_TOO_MUCH: Final = """
    SELECT h.feed_key, %(now)s::timestamptz - f.quarantine_age_s * INTERVAL '1 s' AS until
      FROM quarantine_held h JOIN feed f USING (feed_key)
     WHERE h.bytes > f.quarantine_bytes
        OR (SELECT q.received_at FROM quarantine q
             WHERE q.feed_key = h.feed_key ORDER BY q.quarantine_id LIMIT 1)
           < %(now)s::timestamptz - f.quarantine_age_s * INTERVAL '1 s'
"""

_CLAIM: Final = """
    SELECT q.quarantine_id
      FROM quarantine q
           JOIN unnest(%(id)s::bigint[], %(edition)s::int[]) AS n(quarantine_id, edition)
                USING (quarantine_id, edition)
     WHERE q.replayed_at IS NULL AND q.dropped_at IS NULL AND q.digest IS NULL
     ORDER BY q.quarantine_id
       FOR UPDATE OF q
"""

_REPLAYED: Final = """
    UPDATE quarantine SET replayed_at = %(now)s, attempts = attempts + 1
     WHERE quarantine_id = ANY(%(ids)s)
"""

_FAILED: Final = """
    UPDATE quarantine q SET reason = n.reason, detail = n.detail, attempts = q.attempts + 1
      FROM unnest(%(id)s::bigint[], %(reason)s::text[], %(detail)s::text[])
             AS n(quarantine_id, reason, detail)
     WHERE q.quarantine_id = n.quarantine_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to be kept; without `payload` only its `digest`, because of what may be in it."""

    feed: int
    received_at: datetime
    channel: str
    content_type: str
    index: int
    reason: str
    detail: str
    payload: bytes
    size: int
    digest: bytes | None = None
    topic_key: str | None = None
    source: str | None = None
    kind: str = "observations"


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be taken once more, and why."""

    id: int
    reason: str
    detail: str


async def hold(
    conn: Connection, changes: Mapping[int, tuple[int, int]]
) -> list[tuple[int, int, int]]:
    """Lock the quarantine of feeds, adding items and bytes to what they hold.

    Returns feed, bytes and bound of those that hold too much now.
    """
    feeds = sorted(changes)
    cur = await conn.execute(
        _HOLD,
        {
            "feed": feeds,
            "items": [changes[feed][0] for feed in feeds],
            "bytes": [changes[feed][1] for feed in feeds],
        },
    )
    return [(row[0], row[1], row[2]) for row in await cur.fetchall()]


async def keep(conn: Connection, items: Sequence[Item], now: datetime) -> None:
    """Keep items, and let the oldest go where a feed holds too much; the ledger counts them."""
    if not items:
        return
    changes: dict[int, tuple[int, int]] = {}
    for item in items:
        count, size = changes.get(item.feed, (0, 0))
        changes[item.feed] = (count + 1, size + len(item.payload) + OVERHEAD)
    full = await hold(conn, changes)
    async with conn.cursor() as cur, cur.copy(_COPY) as copy:
        for item in items:
            await copy.write_row(
                (
                    item.feed, item.received_at, item.channel,
                    item.content_type.replace("\x00", ""), item.kind, item.topic_key,
                    None if item.source is None else _text(item.source), item.index,
                    item.payload, item.size, item.digest, item.reason, _text(item.detail),
                )
            )  # fmt: skip
    for feed, size, bound in full:
        await trim(conn, feed, excess=size - bound + int(SLACK * bound), until=None, now=now)


def _text(detail: str) -> str:
    return detail[:LONGEST_DETAIL].replace("\x00", "\\0")


async def trim(
    conn: Connection, feed: int, *, excess: int, until: datetime | None, now: datetime
) -> int:
    """Let the oldest go: `excess` bytes, and all received before `until`; the lock is held."""
    dropped = 0
    while True:
        cur = await conn.execute(
            _TRIM,
            {
                "feed": feed,
                "excess": excess,
                "until": until,
                "most": TRIMMED_AT_ONCE,
                "overhead": OVERHEAD,
            },
        )
        row = await cur.fetchone()
        assert row is not None
        count, size, still_open = row
        dropped += still_open
        excess -= size
        await hold(conn, {feed: (-count, -size)})
        if count < TRIMMED_AT_ONCE:
            break
    await ledger.drop(conn, feed, dropped, now)
    return dropped


async def tidy(pool: WritePool, now: datetime) -> int:
    """Let go what is older or larger than its feed allows now; returns how many were still open."""
    async with pool.connection() as conn:
        found = await (await conn.execute(_TOO_MUCH, {"now": now})).fetchall()
    dropped = 0
    for feed, until in found:
        async with pool.connection() as conn:
            full = await hold(conn, {feed: (0, 0)})
            excess = sum(size - bound for _, size, bound in full)
            dropped += await trim(conn, feed, excess=excess, until=until, now=now)
    return dropped


async def claim(
    conn: Connection, feeds: Iterable[int], wanted: Sequence[tuple[int, int]]
) -> set[int]:
    """Lock items for a replay in this transaction: id and edition as they were read.

    Returns those that are still open and unchanged; the others are somebody else's by now.
    """
    await hold(conn, dict.fromkeys(feeds, (0, 0)))
    cur = await conn.execute(
        _CLAIM, {"id": [id for id, _ in wanted], "edition": [number for _, number in wanted]}
    )
    return {row[0] for row in await cur.fetchall()}


async def settle(
    conn: Connection, *, replayed: Sequence[int], failed: Sequence[Failure], now: datetime
) -> None:
    """Note what became of claimed items: taken, or still not and why."""
    if replayed:
        await conn.execute(_REPLAYED, {"ids": list(replayed), "now": now})
    if failed:
        await conn.execute(
            _FAILED,
            {
                "id": [item.id for item in failed],
                "reason": [item.reason for item in failed],
                "detail": [_text(item.detail) for item in failed],
            },
        )
