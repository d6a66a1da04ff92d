"""What one process has stored, as the processes beside it follow it: packed columns by id."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from ioc.model import Columns, Receipt, to_micros
from ioc.quality.plausible import Judged
from ioc.store.flush import Part
from ioc.store.pool import Connection, ReadPool, WritePool

CHANNEL: Final = "ioc_batch"
"""The channel on which a commit says that there is a further batch."""

KEPT: Final = timedelta(minutes=10)
"""Who was away for longer reads the store anew."""

MOST_AT_ONCE: Final = 32

_ADD: Final = """
    WITH next AS (UPDATE batch_counter SET newest = newest + 1 RETURNING newest), added AS (
        INSERT INTO batch (batch_id, committed_at, content)
        SELECT newest, %(now)s, %(content)s FROM next
    )
    SELECT pg_notify(%(channel)s, '')
"""

_NEWEST: Final = "SELECT newest FROM batch_counter"

# One statement sees one state, so that a batch which comes meanwhile is not taken for a gap.
_AFTER: Final = """
    SELECT c.newest, b.batch_id, b.content
      FROM batch_counter c
           LEFT JOIN LATERAL (SELECT batch_id, content FROM batch WHERE batch_id > %s
                               ORDER BY batch_id LIMIT %s) AS b ON true
     ORDER BY b.batch_id
"""

_DROP: Final = "DELETE FROM batch WHERE committed_at < %s"


class FeedCount(msgspec.Struct, frozen=True, array_like=True):
    """What came of a feed in a flush; `rows` of the columns are of it. µs."""

    feed_key: int
    received_at: int
    receipt: Receipt
    rows: int


class _Content(msgspec.Struct, array_like=True):
    feeds: list[FeedCount]
    series: bytes
    time: bytes
    value: bytes
    flags: bytes
    since: bytes
    received: int


class Batch(msgspec.Struct, frozen=True, eq=False):
    """The rows that a flush changed, feed after feed, and when the last of them came in (µs)."""

    feeds: list[FeedCount]
    rows: Columns
    flags: NDArray[np.uint8]
    since: NDArray[np.int64]
    received: int


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Content)
_squeeze: Final = zstandard.ZstdCompressor(level=1)
_unfold: Final = zstandard.ZstdDecompressor()


def pack(batch: Batch) -> bytes:
    """The batch as it is stored; times take little room after one another."""
    return _squeeze.compress(
        _encoder.encode(
            _Content(
                batch.feeds,
                batch.rows.series.astype("<i4").tobytes(),
                batch.rows.time.astype("<i8").tobytes(),
                batch.rows.value.astype("<f8").tobytes(),
                batch.flags.tobytes(),
                batch.since.astype("<i8").tobytes(),
                batch.received,
            )
        )
    )


def unpack(content: bytes) -> Batch:
    """The batch as it was packed."""
    found = _decoder.decode(_unfold.decompress(content))
    return Batch(
        found.feeds,
        Columns(
            np.frombuffer(found.series, "<i4"),
            np.frombuffer(found.time, "<i8"),
            np.frombuffer(found.value, "<f8"),
        ),
        np.frombuffer(found.flags, np.uint8),
        np.frombuffer(found.since, "<i8"),
        found.received,
    )


async def add(conn: Connection, batch: Batch, now: datetime) -> None:
    """Keep a batch and tell of it, both at the commit of this transaction.

    To be the last statement before the commit: from here on other writers wait for it.
    """
    await conn.execute(_ADD, {"now": now, "content": pack(batch), "channel": CHANNEL})


async def newest(pool: ReadPool) -> int:
    """The id of the newest batch; all below are committed too."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_NEWEST)).fetchone()
    assert row is not None
    return row[0]


async def after(pool: ReadPool, position: int) -> Sequence[tuple[int, Batch]] | None:
    """The next batches after a position; None where some of them are gone."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_AFTER, [position, MOST_AT_ONCE])).fetchall()
    last, first, _ = rows[0]
    if first is None:
        return [] if last == position else None
    if first != position + 1:
        return None
    return [(row[1], unpack(row[2])) for row in rows]


async def drop_old(pool: WritePool, now: datetime) -> None:
    """Drop the batches that nobody waits for any more."""
    async with pool.connection() as conn:
        await conn.execute(_DROP, [now - KEPT])


def batch_of(
    parts: Sequence[Part],
    receipts: Sequence[Receipt],
    changed: Columns,
    owner: NDArray[np.int64],
    judged: Judged,
    received: NDArray[np.int64],
) -> Batch:
    """What a flush did, for the other processes: the rows feed after feed, counts by minute."""
    sums: dict[tuple[int, datetime], tuple[Receipt, list[int]]] = {}
    for place, (part, receipt) in enumerate(zip(parts, receipts, strict=True)):
        minute = part.received_at.replace(second=0, microsecond=0)
        total, members = sums.setdefault((part.feed_key, minute), (Receipt(), []))
        total.add(receipt, most_problems=0)
        members.append(place)
    group = np.empty(len(parts), np.int64)
    for number, (_, members) in enumerate(sums.values()):
        group[members] = number
    of_row = group[owner]
    rows = np.bincount(of_row, minlength=len(sums)).tolist()
    counts = [
        FeedCount(feed, max(to_micros(parts[place].received_at) for place in members), total, count)
        for ((feed, _), (total, members)), count in zip(sums.items(), rows, strict=True)
    ]
    order = np.argsort(of_row, kind="stable")
    return Batch(
        counts,
        changed.take(order),
        judged.flags[order],
        judged.since[order],
        int(received.max()) if len(received) else 0,
    )
