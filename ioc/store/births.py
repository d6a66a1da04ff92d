"""Birth certificates of Sparkplug nodes, kept over restarts and shared by several processes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ingest.decoders.births import Birth, Births, Change, Tag
from ioc.store.pool import Connection, ReadPool, WritePool

MOST_LOADED: Final = 20_000
"""Certificates that are read at the start, the newest; others are read when their node speaks."""

MOST_OF_A_FEED: Final = 10_000
"""Certificates that are kept of a feed, the newest."""

_NEWEST: Final = """
    SELECT b.feed_key, b.node, b.below, b.edition, b.bd_seq, b.document
      FROM birth b JOIN feed f USING (feed_key)
     WHERE f.retired_at IS NULL
     ORDER BY b.edition DESC LIMIT %s
"""

# What is in memory already is not read again.
_OF_NODES: Final = """
    SELECT b.feed_key, b.node, b.below, b.edition, b.bd_seq,
           CASE WHEN b.edition <> ALL(%(known)s::bigint[]) THEN b.document END
      FROM unnest(%(feeds)s::int[], %(nodes)s::text[]) AS n(feed_key, node)
           JOIN birth b USING (feed_key, node)
"""

_END: Final = """
    DELETE FROM birth
     WHERE feed_key = %(feed)s AND node = %(node)s
       AND (%(below)s::text IS NULL OR below = %(below)s)
"""

_PUT: Final = """
    INSERT INTO birth (feed_key, node, below, bd_seq, document, born_at)
    VALUES (%(feed)s, %(node)s, %(below)s, %(bd_seq)s, %(document)s, %(now)s)
    ON CONFLICT (feed_key, node, below) DO UPDATE
       SET bd_seq = excluded.bd_seq, document = excluded.document, born_at = excluded.born_at,
           edition = DEFAULT
    RETURNING edition
"""

_TRIM: Final = """
    DELETE FROM birth
     WHERE feed_key = %(feed)s
       AND edition <= (SELECT edition FROM birth WHERE feed_key = %(feed)s
                        ORDER BY edition DESC OFFSET %(most)s LIMIT 1)
"""

_tags = msgspec.json.Decoder(tuple[Tag, ...])


class KeptBirths:
    """Keeps the certificates that the decoders know in step with the database."""

    def __init__(self, reads: ReadPool, writes: WritePool, *, shared: bool = False) -> None:
        """Begin with none; with `shared` other processes hear of births that this one does not."""
        self.known = Births(sequenced=not shared)
        self._reads = reads
        self._writes = writes
        self._shared = shared

    async def load(self) -> None:
        """Read the newest, so that nodes go on speaking by alias after a restart."""
        async with self._reads.connection() as conn:
            rows = await (await conn.execute(_NEWEST, [MOST_LOADED])).fetchall()
        for row in reversed(rows):
            self._take(row)

    async def look_up(self, nodes: Collection[tuple[int, str]]) -> None:
        """Read what the database knows of nodes (feed, node) that are about to be decoded.

        One process alone has heard of all births, and looks up those that it has no room for.
        """
        held = {node: self.known.editions(*node) for node in nodes}
        wanted = sorted(node for node, found in held.items() if self._shared or found is None)
        if not wanted:
            return
        known = [edition for node in wanted for edition in (held[node] or {}).values()]
        given = {
            "feeds": [feed for feed, _ in wanted], "nodes": [node for _, node in wanted],
            "known": [edition for edition in known if edition is not None],
        }  # fmt: skip
        async with self._reads.connection() as conn:
            rows = await (await conn.execute(_OF_NODES, given)).fetchall()
        there = {(feed, node, below) for feed, node, below, *_ in rows}
        for feed, node in wanted:
            below = held[feed, node] or {}
            self.known.drop(feed, node, [b for b in below if (feed, node, b) not in there])
        for row in rows:
            if row[5] is not None:
                self._take(row)

    async def keep(self, changes: Sequence[Change], now: datetime) -> None:
        """Write births and deaths down, in their order, before their payloads are answered."""
        async with self._writes.connection() as conn:
            editions = [await _write(conn, change, now) for change in changes]
            for feed in sorted({change.feed for change in changes}):
                await conn.execute(_TRIM, {"feed": feed, "most": MOST_OF_A_FEED})
        for change, edition in zip(changes, editions, strict=True):
            if change.below is not None and edition is not None:
                self.known.written(change.feed, change.node, change.below, edition)

    def _take(self, row: Sequence[Any]) -> None:
        feed, node, below, edition, bd_seq, document = row
        birth = Birth(_tags.decode(document), None if bd_seq is None else int(bd_seq))
        self.known.read(feed, node, below, birth, edition)


async def _write(conn: Connection, change: Change, now: datetime) -> int | None:
    """Write one change; returns the edition of what was born."""
    place = {"feed": change.feed, "node": change.node, "below": change.below}
    if change.birth is None:
        await conn.execute(_END, place)
        return None
    born = {
        "bd_seq": change.birth.bd_seq, "document": msgspec.json.encode(change.birth.tags),
        "now": now,
    }  # fmt: skip
    row = await (await conn.execute(_PUT, place | born)).fetchone()
    assert row is not None
    return row[0]
