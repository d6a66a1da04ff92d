"""The one writer of observations: COPY, ledger and quarantine in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray

from ingest.decoders.ioc import item_json
from ingest.payload import ITEM, Replay
from ioc.errors import Conflict, Unavailable
from ioc.live.latest import Latest
from ioc.model import NO_COLUMNS, Columns, Problem, Reason, Receipt, from_micros, to_micros
from ioc.quality.plausible import Judged, Limits, judge
from ioc.store import batches, ledger, partitions, plausibility, quarantine
from ioc.store.pool import Connection, connect

log = logging.getLogger(__name__)

WRITER_LOCK: Final = 0x10C_0002
"""Key of the advisory lock of who writes: one process alone, or several that know of each other."""

_TAKE: Final = "SELECT pg_try_advisory_lock(%s)"
_TAKE_SHARED: Final = "SELECT pg_try_advisory_lock_shared(%s)"

_FEED_LOCKS: Final = 0x10C4
_MOST_FEED_LOCKS: Final = 128
"""Feeds share locks, so that a flush of a thousand feeds does not fill the lock table."""

# In their order, so that two writers never wait for each other.
_LOCK_FEEDS: Final = "SELECT pg_advisory_xact_lock(%s, n) FROM unnest(%s::int[]) AS n"

PG_EPOCH_US: Final = 946_684_800_000_000
"""PostgreSQL counts µs from 2000-01-01."""

MOST_PROBLEMS: Final = 100
"""Problems that one receipt lists."""

STORED, DUPLICATE, CORRECTED = 0, 1, 2

_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"

_OBSERVATION_DTYPE: Final = np.dtype(
    [
        ("fields", ">i2"), ("l1", ">i4"), ("series", ">i4"), ("l2", ">i4"), ("time", ">i8"),
        ("l3", ">i4"), ("value", ">f8"), ("l4", ">i4"), ("received", ">i8"),
    ]
)  # fmt: skip
STAGING_DTYPE: Final = np.dtype(
    [("fields", ">i2"), ("l0", ">i4"), ("row", ">i4"), *_OBSERVATION_DTYPE.descr[1:]]
)

SETTINGS: Final = """
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
    SET plan_cache_mode = force_generic_plan;
    SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
    CREATE TEMP TABLE IF NOT EXISTS staging (
        row integer NOT NULL, series_id integer NOT NULL, phenomenon_time timestamptz NOT NULL,
        value double precision NOT NULL, received_at timestamptz NOT NULL
    ) ON COMMIT DELETE ROWS;
"""

_COPY_OBSERVATION: Final = """
    COPY observation (series_id, phenomenon_time, value, received_at) FROM STDIN (FORMAT BINARY)
"""

COPY_STAGING: Final = """
    COPY staging (row, series_id, phenomenon_time, value, received_at) FROM STDIN (FORMAT BINARY)
"""

# One statement sees one state of the table, so `held` is what stood there before the insert.
MERGE: Final = """
    WITH held AS (
        SELECT s.row, o.value, s.value AS offered, o.series_id IS NOT NULL AS known
          FROM staging s
               LEFT JOIN observation o
                      ON o.series_id = s.series_id AND o.phenomenon_time = s.phenomenon_time
    ), written AS (
        INSERT INTO observation AS o (series_id, phenomenon_time, value, received_at)
        SELECT series_id, phenomenon_time, value, received_at FROM staging
        ON CONFLICT (series_id, phenomenon_time) DO UPDATE
           SET value = excluded.value, received_at = excluded.received_at
         WHERE o.value IS DISTINCT FROM excluded.value
    )
    SELECT row, CASE WHEN NOT known THEN 0 WHEN value IS DISTINCT FROM offered THEN 2 ELSE 1 END
      FROM held
"""

_MERGE_TEXT: Final = """
    WITH offered AS (
        SELECT * FROM unnest(%(row)s::int[], %(series)s::int[], %(time)s::timestamptz[],
                             %(value)s::text[], %(received)s::timestamptz[])
                 AS n(row, series_id, phenomenon_time, value, received_at)
    ), held AS (
        SELECT n.row, o.value, n.value AS offered, o.series_id IS NOT NULL AS known
          FROM offered n
               LEFT JOIN observation_text o
                      ON o.series_id = n.series_id AND o.phenomenon_time = n.phenomenon_time
    ), written AS (
        INSERT INTO observation_text AS o (series_id, phenomenon_time, value, received_at)
        SELECT series_id, phenomenon_time, value, received_at FROM offered
        ON CONFLICT (series_id, phenomenon_time) DO UPDATE
           SET value = excluded.value, received_at = excluded.received_at
         WHERE o.value IS DISTINCT FROM excluded.value
    )
    SELECT row, CASE WHEN NOT known THEN 0 WHEN value IS DISTINCT FROM offered THEN 2 ELSE 1 END
      FROM held
"""

_CHECKPOINT: Final = """
    INSERT INTO series_latest AS l (series_id, phenomenon_time, value, received_at)
    SELECT * FROM unnest(%(series)s::int[], %(time)s::timestamptz[], %(value)s::float8[],
                         %(received)s::timestamptz[])
    ON CONFLICT (series_id) DO UPDATE
       SET phenomenon_time = excluded.phenomenon_time, value = excluded.value,
           received_at = excluded.received_at
     WHERE (excluded.phenomenon_time, excluded.received_at) >= (l.phenomenon_time, l.received_at)
"""


_KEYS: Final = "SELECT series_id, key FROM series WHERE series_id = ANY(%s)"

NO_INDEX: Final = np.empty(0, np.int32)


class Quarantined(msgspec.Struct, frozen=True):
    """An item that is kept aside with its own bytes and the reason."""

    problem: Problem
    raw: bytes
    content_type: str


class Part(msgspec.Struct, kw_only=True, eq=False):
    """What one payload brings to a flush: rows to store, and what was sorted out before.

    `index` is the place of each row in the payload; `stored_late` counts rows that are stored
    although they are late. `text` holds the rows of text series: series id, µs, text, index.
    `size` is in bytes of the payload, `replay` the item of the quarantine that comes again.
    """

    feed_key: int
    channel: str
    received_at: datetime
    rows: Columns
    index: NDArray[np.int32]
    text: list[tuple[int, int, str, int]] = msgspec.field(
        default_factory=list[tuple[int, int, str, int]]
    )
    late: list[Problem] = msgspec.field(default_factory=list[Problem])
    quarantined: list[Quarantined] = msgspec.field(default_factory=list[Quarantined])
    stored_late: int = 0
    redelivered: bool = False
    size: int = 0
    topic_key: str | None = None
    replay: Replay | None = None

    @property
    def received(self) -> int:
        """All that the payload held."""
        return len(self.rows) + len(self.text) + len(self.late) + len(self.quarantined)


class Flushed(msgspec.Struct, frozen=True):
    """What a flush did: a receipt per part, and the rows that are new or changed."""

    receipts: list[Receipt]
    changed: Columns
    advanced: NDArray[Any]
    """Series ids whose newest observation changed."""
    flags: NDArray[np.uint8]
    """Why a changed row is suspect (0: it is not); bits of `ioc.model.Flag`."""


def as_copy(
    dtype: np.dtype[Any], rows: Columns, received: NDArray[np.int64], row: Any = None
) -> bytes:
    """The rows as PostgreSQL's binary COPY format; made by numpy: 0.06 µs a row."""
    block = np.empty(len(rows), dtype)
    block["fields"] = 4 if row is None else 5
    if row is not None:
        block["l0"], block["row"] = 4, row
    block["l1"], block["series"] = 4, rows.series
    block["l2"], block["time"] = 8, rows.time - PG_EPOCH_US
    block["l3"], block["value"] = 8, rows.value
    block["l4"], block["received"] = 8, received - PG_EPOCH_US
    return _HEADER + block.tobytes() + _TRAILER


def _within(rows: Columns) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """Sort out keys that come more than once in a flush.

    Returns the rows that go to the database, the last of each key, and for each earlier row what
    it is to the one after it, duplicate or corrected (-1 for the rows that go).
    """
    count = len(rows)
    standing = np.full(count, -1, np.int8)
    order = np.lexsort((np.arange(count), rows.time, rows.series))
    series, time, value = rows.series[order], rows.time[order], rows.value[order]
    same = (series[1:] == series[:-1]) & (time[1:] == time[:-1])
    if not same.any():
        return np.arange(count), standing
    earlier = order[:-1][same]
    standing[earlier] = np.where(value[1:][same] == value[:-1][same], DUPLICATE, CORRECTED)
    return np.flatnonzero(standing == -1), standing


class BatchWriter:
    """Stores parts, one transaction a flush; alone, or one of several that take turns per feed."""

    def __init__(
        self, url: str, latest: Latest, limits: Limits | None = None, *, shared: bool = False
    ) -> None:
        """Write to the database at `url`, keeping `latest` in step with what is committed.

        Values beyond the `limits` of their series are stored and flagged. A `shared` writer is
        one of several: it keeps a batch of what each flush changed for those who follow.
        """
        self._url = url
        self._shared = shared
        self._careful = False
        self._latest = latest
        self._limits = limits or Limits()
        self._conn: Connection | None = None
        self._weeks: set[int] | None = None
        self._dirty: set[int] = set()
        self.commits = 0
        self.committed_at: datetime | None = None
        self.disk_full = False
        """Whether the database had no room for the last thing that it was asked to store."""

    async def open(self, *, patience: float = 15.0) -> None:
        """Connect and become the writer.

        Raises `Conflict` when another process still is after `patience` seconds.
        """
        tried = 0.0
        while True:
            conn = await connect(self._url)
            take = _TAKE_SHARED if self._shared else _TAKE
            row = await (await conn.execute(take, [WRITER_LOCK])).fetchone()
            if row is not None and row[0]:
                break
            await conn.close()
            if tried >= patience:
                raise Conflict(
                    "another IOC process already writes to this database, and `ioc up` shares it "
                    "with no other: stop it, or give this one another database "
                    "(IOC_DATABASE_URL) or data directory (IOC_DATA_DIR)"
                )
            await asyncio.sleep(0.5)
            tried += 0.5
        await conn.execute(SETTINGS)
        self._weeks = await partitions.existing(conn)
        await conn.commit()
        self._conn = conn

    async def close(self) -> None:
        """Give up the connection and with it the writer's lock."""
        if self._conn is not None:
            await self._conn.close()
            self._conn = None

    @property
    def healthy(self) -> bool:
        """Whether the database took the last thing that was asked of it."""
        return self._conn is not None and not self._conn.closed

    async def flush(self, parts: Sequence[Part], now: datetime) -> Flushed:
        """Store the parts in one transaction, trying until the database takes them.

        Returns only when all is committed. A part that the database itself refuses is put into
        quarantine as `store_refused`, alone.
        """
        pause = 0.05
        doubtful: ledger.Mark | None = None
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    await self.open()
                if doubtful is not None and (outcome := self._outcome) is not None:
                    assert self._conn is not None
                    if await ledger.stands(self._conn, doubtful):
                        return self._finish(outcome, now)
                    doubtful = None
                return await self._attempt(parts, now)
            except psycopg.errors.DeadlockDetected:
                await self._rollback()
            except (psycopg.OperationalError, Unavailable) as error:
                doubtful = self._mark
                self.disk_full |= isinstance(error, psycopg.errors.DiskFull)
                log.warning(
                    "the database's disk is full: free space on it; the flush is tried again"
                    if self.disk_full
                    else "the database is away; the flush waits and is tried again",
                    extra={"error": str(error).splitlines()[0] if str(error) else ""},
                )
                await self.close_quietly()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                await self._rollback()
                if await self._lost_partitions():
                    continue
                if self._shared and not self._careful:
                    # Another process has stored what seemed new to this one.
                    self._careful = isinstance(error, psycopg.errors.UniqueViolation)
                    if self._careful:
                        continue
                if len(parts) > 1:
                    return await self._one_by_one(parts, now)
                log.exception("the database refused a payload; it goes to quarantine")
                assert self._conn is not None
                parts = [await _refused(self._conn, parts[0], str(error).splitlines()[0])]

    _mark: ledger.Mark | None = None
    _outcome: "tuple[list[Receipt], Columns, NDArray[np.int64], Judged] | None" = None

    async def close_quietly(self) -> None:
        """Drop a connection that may be broken."""
        conn, self._conn = self._conn, None
        if conn is not None:
            try:
                await asyncio.wait_for(conn.close(), 2)
            except (psycopg.Error, TimeoutError):
                log.debug("a broken connection did not close cleanly")

    async def _rollback(self) -> None:
        if self._conn is not None and not self._conn.closed:
            await self._conn.rollback()

    async def _one_by_one(self, parts: Sequence[Part], now: datetime) -> Flushed:
        """One bad part must not cost its neighbours their place."""
        done = [await self.flush([part], now) for part in parts]
        return Flushed(
            [flushed.receipts[0] for flushed in done],
            _concatenate([flushed.changed for flushed in done]),
            np.unique(np.concatenate([flushed.advanced for flushed in done])),
            np.concatenate([flushed.flags for flushed in done]),
        )

    async def _attempt(self, parts: Sequence[Part], now: datetime) -> Flushed:
        assert self._conn is not None
        conn = self._conn
        self._mark, self._outcome = None, None
        # Partitions come first: to make them ends a transaction, and with it every lock.
        rows = _concatenate([part.rows for part in parts])
        await self._make_partitions(conn, rows)
        if self._shared:
            locks = sorted({part.feed_key % _MOST_FEED_LOCKS for part in parts})
            await conn.execute(_LOCK_FEEDS, [_FEED_LOCKS, locks])
        again = [part.replay for part in parts if part.replay is not None]
        if again:
            parts = await _claimed(conn, parts, again)
            rows = _concatenate([part.rows for part in parts])
        feeds = np.fromiter((part.feed_key for part in parts), np.int64, len(parts))
        sizes = np.fromiter((len(part.rows) for part in parts), np.int64, len(parts))
        owner = np.repeat(np.arange(len(parts)), sizes)
        arrived = np.fromiter((part.received_at.timestamp() for part in parts), float, len(parts))
        arrived_us = np.rint(arrived * 1e6).astype(np.int64)
        received = arrived_us[owner]
        kind, written = await self._store(conn, rows, received)
        receipts = [_receipt(part) for part in parts]
        tallies = np.bincount(owner * 3 + kind, minlength=3 * len(parts)).reshape(-1, 3)
        if len(rows):
            for receipt, tally in zip(receipts, tallies.tolist(), strict=True):
                receipt.stored, receipt.duplicate, receipt.corrected = tally
        if any(part.text for part in parts):
            await self._store_text(conn, parts, receipts)
        await _keep_aside(conn, parts, receipts, now)
        counted, lag_us = owner, received - rows.time
        text = [(n, row[1]) for n, part in enumerate(parts) if part.text for row in part.text]
        if text:
            places, times = np.array(text, np.int64).T
            counted = np.append(owner, places)
            lag_us = np.append(lag_us, arrived_us[places] - times)
        tally = ledger.gather(
            feeds, arrived_us, _counts(parts, receipts, tallies), owner=counted, lag_us=lag_us,
        )  # fmt: skip
        mark = await ledger.add(conn, tally)
        changed = rows if written.all() else rows.take(written)
        owner, received = owner[written], received[written]
        judged = judge(changed, self._latest, self._limits)
        await plausibility.keep_flags(
            conn, changed, feed=feeds[owner], received=received,
            flags=judged.flags, corrected=kind[written] == CORRECTED, now=now,
        )  # fmt: skip
        if self._shared:
            batch = _batch(parts, receipts, changed, owner, judged, received)
            await batches.add(conn, batch, now)
        self._mark, self._outcome = mark, (receipts, changed, received, judged)
        await conn.commit()
        return self._finish(self._outcome, now)

    def _finish(
        self, outcome: tuple[list[Receipt], Columns, NDArray[np.int64], Judged], now: datetime
    ) -> Flushed:
        """Bring what is kept in memory into step with what has been committed."""
        receipts, changed, received, judged = outcome
        self._mark, self._outcome = None, None
        self._careful = False
        advanced = self._latest.apply(
            changed, int(received.max()) if len(received) else 0, judged.flags, judged.since
        )
        self._dirty.update(advanced.tolist())
        self.commits += 1
        self.committed_at = now
        self.disk_full = False
        return Flushed(receipts, changed, advanced, judged.flags)

    async def _store(
        self, conn: Connection, rows: Columns, received: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """Write the rows; returns what each was, and which of them changed the table."""
        if not len(rows):
            return np.empty(0, np.int8), np.empty(0, np.bool_)
        offered, kind = _within(rows)
        self._latest.reserve(int(rows.series.max()))
        chosen = rows.take(offered)
        # A row newer than all of its series cannot be there yet: it goes straight into the
        # table, which is 1.6 times as fast as by way of the staging table.
        fresh = self._latest.newer(chosen) & (not self._careful)
        straight = offered[fresh]
        if len(straight):
            block = as_copy(_OBSERVATION_DTYPE, rows.take(straight), received[straight])
            async with conn.cursor() as cur, cur.copy(_COPY_OBSERVATION) as copy:
                await copy.write(block)
        kind[straight] = STORED
        staged = offered[~fresh]
        if len(staged):
            block = as_copy(STAGING_DTYPE, rows.take(staged), received[staged], staged)
            async with conn.cursor(binary=True) as cur:
                async with cur.copy(COPY_STAGING) as copy:
                    await copy.write(block)
                await cur.execute(MERGE)
                found = np.array(await cur.fetchall(), np.int64).reshape(-1, 2)
            kind[found[:, 0]] = found[:, 1]
        written = np.zeros(len(rows), np.bool_)
        written[offered] = kind[offered] != DUPLICATE
        return kind, written

    async def _store_text(
        self, conn: Connection, parts: Sequence[Part], receipts: list[Receipt]
    ) -> None:
        """Write the rows of text series; they are few, so the plain way is fast enough."""
        for part, receipt in zip(parts, receipts, strict=True):
            newest: dict[tuple[int, int], str] = {}
            for series, time, value, _ in part.text:
                before = newest.get((series, time))
                if before is not None:
                    receipt.duplicate += before == value
                    receipt.corrected += before != value
                newest[series, time] = value
            if not newest:
                continue
            cur = await conn.execute(
                _MERGE_TEXT,
                {
                    "row": list(range(len(newest))),
                    "series": [series for series, _ in newest],
                    "time": [from_micros(time) for _, time in newest],
                    "value": list(newest.values()),
                    "received": [part.received_at] * len(newest),
                },
            )
            for _, kind in await cur.fetchall():
                receipt.stored += kind == STORED
                receipt.duplicate += kind == DUPLICATE
                receipt.corrected += kind == CORRECTED

    async def _make_partitions(self, conn: Connection, rows: Columns) -> None:
        """Make the weekly partitions that the rows need, on a store that has none by itself."""
        if self._weeks is None or not len(rows):
            return
        if missing := partitions.weeks_of(rows.time) - self._weeks:
            await partitions.make(conn, missing)
            await conn.commit()
            self._weeks |= missing

    async def _lost_partitions(self) -> bool:
        """Whether a partition is gone that was there: what old data need is made anew."""
        if self._conn is None or self._weeks is None:
            return False
        before, self._weeks = self._weeks, await partitions.existing(self._conn)
        await self._conn.rollback()
        return self._weeks is not None and not before <= self._weeks

    async def checkpoint(self) -> None:
        """Keep the newest observations in the database, so that a start need not search them."""
        if not self._dirty or self._conn is None or self._conn.closed:
            return
        ids = np.array(sorted(self._dirty), np.int32)
        try:
            await self._conn.execute(
                _CHECKPOINT,
                {
                    "series": ids.tolist(),
                    "time": [from_micros(t) for t in self._latest.time[ids].tolist()],
                    "value": self._latest.value[ids].tolist(),
                    "received": [from_micros(t) for t in self._latest.received[ids].tolist()],
                },
            )
            await self._conn.commit()
        except psycopg.OperationalError:
            await self.close_quietly()
            return
        self._dirty.difference_update(ids.tolist())


def _concatenate(parts: list[Columns]) -> Columns:
    if not parts:
        return NO_COLUMNS
    if len(parts) == 1:
        return parts[0]
    return Columns(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def _batch(
    parts: Sequence[Part],
    receipts: Sequence[Receipt],
    changed: Columns,
    owner: NDArray[np.int64],
    judged: Judged,
    received: NDArray[np.int64],
) -> batches.Batch:
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
        batches.FeedCount(
            feed, max(to_micros(parts[place].received_at) for place in members), total, count
        )
        for ((feed, _), (total, members)), count in zip(sums.items(), rows, strict=True)
    ]
    order = np.argsort(of_row, kind="stable")
    return batches.Batch(
        counts,
        changed.take(order),
        judged.flags[order],
        judged.since[order],
        int(received.max()) if len(received) else 0,
    )


def _receipt(part: Part) -> Receipt:
    if not part.quarantined and not part.late:
        return Receipt(received=part.received)
    problems = [item.problem for item in part.quarantined] + part.late
    problems.sort(key=lambda problem: problem.index)
    return Receipt(
        received=part.received,
        late=len(part.late),
        quarantined=len(part.quarantined),
        problems=problems[:MOST_PROBLEMS],
    )


async def _refused(conn: Connection, part: Part, why: str) -> Part:
    """The part with its rows in quarantine, because the database would not have them."""
    rows = [
        *zip(part.rows.series.tolist(), part.rows.time.tolist(), part.rows.value.tolist(),
             part.index.tolist(), strict=True),
        *part.text,
    ]  # fmt: skip
    found = await conn.execute(_KEYS, [[series for series, *_ in rows]])
    keys: dict[int, str] = dict(await found.fetchall())
    await conn.rollback()
    kept = [
        Quarantined(
            Problem(index, Reason.STORE_REFUSED, why),
            item_json(keys.get(series, f"series {series}"), time, value),
            ITEM,
        )
        for series, time, value, index in rows
    ]
    return msgspec.structs.replace(
        part, rows=NO_COLUMNS, index=NO_INDEX, text=[], quarantined=[*part.quarantined, *kept]
    )


async def _claimed(
    conn: Connection, parts: Sequence[Part], again: Sequence[Replay]
) -> Sequence[Part]:
    """The parts with nothing in those whose item was replayed, repaired or let go meanwhile."""
    feeds = {part.feed_key for part in parts if part.replay is not None}
    open_items = await quarantine.claim(conn, feeds, [(r.item, r.edition) for r in again])
    taken: list[Part] = []
    for part in parts:
        if part.replay is not None and part.replay.item not in open_items:
            part = msgspec.structs.replace(
                part, rows=NO_COLUMNS, index=NO_INDEX, text=[], late=[], quarantined=[],
                stored_late=0, size=0, replay=None,
            )  # fmt: skip
        elif part.replay is not None:
            # The same item twice in a flush comes but once.
            open_items.remove(part.replay.item)
        taken.append(part)
    return taken


async def _keep_aside(
    conn: Connection, parts: Sequence[Part], receipts: Sequence[Receipt], now: datetime
) -> None:
    """Put into quarantine what was refused; an item of which nothing is taken again stays there."""
    replayed: list[int] = []
    failed: list[quarantine.Failure] = []
    kept: list[quarantine.Item] = []
    for part, receipt in zip(parts, receipts, strict=True):
        if part.replay is not None:
            if receipt.problems and receipt.received == receipt.late + receipt.quarantined:
                first = receipt.problems[0]
                failure = quarantine.Failure(part.replay.item, first.reason.value, first.detail)
                failed.append(failure)
                continue
            replayed.append(part.replay.item)
        kept += [
            quarantine.Item(
                feed=part.feed_key, received_at=part.received_at, channel=part.channel,
                content_type=item.content_type, index=item.problem.index, payload=item.raw,
                size=len(item.raw), reason=item.problem.reason.value, detail=item.problem.detail,
                topic_key=part.topic_key,
            )
            for item in part.quarantined
        ]  # fmt: skip
    await quarantine.settle(conn, replayed=replayed, failed=failed, now=now)
    await quarantine.keep(conn, kept, now)


def _counts(
    parts: Sequence[Part], receipts: Sequence[Receipt], tallies: NDArray[np.intp]
) -> NDArray[np.int64]:
    """The columns of the ledger, a row for each part; `tallies` are stored, duplicate, corrected.

    Only the few parts that hold more than rows of numbers are looked at one by one.
    """
    counts = np.zeros((len(parts), len(ledger.COUNTS)), np.int64)
    counts[:, 1:4] = tallies
    again: list[int] = []
    for place, part in enumerate(parts):
        if part.text or part.late or part.quarantined or part.replay is not None:
            r = receipts[place]
            counts[place, 1:6] = r.stored, r.duplicate, r.corrected, r.late, r.quarantined
            if part.replay is not None:
                again.append(place)
    counts[:, 0] = counts[:, 1:6].sum(axis=1)
    stored_late = np.fromiter((part.stored_late for part in parts), np.int64, len(parts))
    counts[:, 6] = np.minimum(stored_late, counts[:, 1])
    counts[:, 7] = np.fromiter((part.redelivered for part in parts), np.int64, len(parts))
    counts[:, 8] = np.fromiter((part.size for part in parts), np.int64, len(parts))
    counts[again, 9] = counts[again, 0]
    return counts
