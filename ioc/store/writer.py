"""The one writer of observations: COPY, ledger and quarantine in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from ioc.errors import Conflict, Unavailable
from ioc.live.latest import Latest
from ioc.model import NO_COLUMNS, Columns, Problem, Reason, Receipt, from_micros
from ioc.store.pool import Connection, connect

log = logging.getLogger(__name__)

WRITER_LOCK: Final = 0x10C_0002
"""Key of the advisory lock that makes one process at a time the writer."""

PG_EPOCH_US: Final = 946_684_800_000_000
"""PostgreSQL counts µs from 2000-01-01."""

WEEK_US: Final = 7 * 86_400 * 1_000_000
MONDAY_US: Final = 4 * 86_400 * 1_000_000
"""1970-01-05 was a Monday."""

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

_QUARANTINE: Final = """
    INSERT INTO quarantine
           (feed_key, received_at, channel, content_type, item_index, payload, reason, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""

_LEDGER: Final = """
    WITH counted AS (
        INSERT INTO ledger AS l (feed_key, minute, received, stored, duplicate, corrected, late,
                                 quarantined, stored_late, redelivered)
        SELECT * FROM unnest(%(feed)s::int[], %(minute)s::timestamptz[], %(received)s::bigint[],
                             %(stored)s::bigint[], %(duplicate)s::bigint[], %(corrected)s::bigint[],
                             %(late)s::bigint[], %(quarantined)s::bigint[],
                             %(stored_late)s::bigint[], %(redelivered)s::bigint[])
        ON CONFLICT (feed_key, minute) DO UPDATE
           SET received = l.received + excluded.received,
               stored = l.stored + excluded.stored,
               duplicate = l.duplicate + excluded.duplicate,
               corrected = l.corrected + excluded.corrected,
               late = l.late + excluded.late,
               quarantined = l.quarantined + excluded.quarantined,
               stored_late = l.stored_late + excluded.stored_late,
               redelivered = l.redelivered + excluded.redelivered
    )
    SELECT pg_current_xact_id()::text
"""

_PARTITIONED: Final = """
    SELECT relkind = 'p' FROM pg_class WHERE oid = 'observation'::regclass
"""
_PARTITIONS: Final = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'observation'::regclass
"""
_CHECKPOINT: Final = """
    INSERT INTO series_latest AS l (series_id, phenomenon_time, value, received_at)
    SELECT * FROM unnest(%(series)s::int[], %(time)s::timestamptz[], %(value)s::float8[],
                         %(received)s::timestamptz[])
    ON CONFLICT (series_id) DO UPDATE
       SET phenomenon_time = excluded.phenomenon_time, value = excluded.value,
           received_at = excluded.received_at
"""


class Quarantined(msgspec.Struct, frozen=True):
    """An item that is kept aside with its own bytes and the reason."""

    problem: Problem
    raw: bytes
    content_type: str


class Part(msgspec.Struct, kw_only=True, eq=False):
    """What one payload brings to a flush: rows to store, and what was sorted out before.

    `index` is the place of each row in the payload; `late_limit_us` marks rows that are stored
    although they are late. `text` holds the rows of text series: series id, µs, text, index.
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
    """Stores parts, one transaction a flush; holds the only connection that writes observations."""

    def __init__(self, url: str, latest: Latest) -> None:
        """Write to the database at `url`, keeping `latest` in step with what is committed."""
        self._url = url
        self._latest = latest
        self._conn: Connection | None = None
        self._weeks: set[int] | None = None
        self._dirty: set[int] = set()
        self.commits = 0
        self.committed_at: datetime | None = None

    async def open(self, *, patience: float = 15.0) -> None:
        """Connect and become the writer.

        Raises `Conflict` when another process still is after `patience` seconds.
        """
        tried = 0.0
        while True:
            conn = await connect(self._url)
            row = await (
                await conn.execute("SELECT pg_try_advisory_lock(%s)", [WRITER_LOCK])
            ).fetchone()
            if row is not None and row[0]:
                break
            await conn.close()
            if tried >= patience:
                raise Conflict(
                    "another IOC process already writes to this database: stop it, or give this "
                    "one another database (IOC_DATABASE_URL) or data directory (IOC_DATA_DIR)"
                )
            await asyncio.sleep(0.5)
            tried += 0.5
        await conn.execute(SETTINGS)
        row = await (await conn.execute(_PARTITIONED)).fetchone()
        assert row is not None
        if row[0]:
            names = await (await conn.execute(_PARTITIONS)).fetchall()
            self._weeks = {int(name[0].removeprefix("observation_w")) for name in names}
        else:
            self._weeks = None
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
        doubtful: str | None = None
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    await self.open()
                if doubtful is not None and (outcome := self._outcome) is not None:
                    if await self._was_committed(doubtful):
                        return self._finish(outcome, now)
                    doubtful = None
                return await self._attempt(parts, now)
            except (psycopg.OperationalError, Unavailable) as error:
                doubtful = self._transaction
                log.warning(
                    "the database is away; the flush waits and is tried again",
                    extra={"error": str(error).splitlines()[0] if str(error) else ""},
                )
                await self.close_quietly()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                await self._rollback()
                if len(parts) > 1:
                    return await self._one_by_one(parts, now)
                log.exception("the database refused a payload; it goes to quarantine")
                parts = [_refused(parts[0], str(error).splitlines()[0])]

    _transaction: str | None = None
    _outcome: "tuple[list[Receipt], Columns, NDArray[np.int64]] | None" = None

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
        )

    async def _was_committed(self, transaction: str) -> bool:
        """Whether a transaction whose commit was not answered took place all the same."""
        assert self._conn is not None
        cur = await self._conn.execute("SELECT pg_xact_status(%s::text::xid8)", [transaction])
        row = await cur.fetchone()
        await self._conn.rollback()
        return row is not None and row[0] == "committed"

    async def _attempt(self, parts: Sequence[Part], now: datetime) -> Flushed:
        assert self._conn is not None
        conn = self._conn
        self._transaction, self._outcome = None, None
        rows = _concatenate([part.rows for part in parts])
        owner = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
        received = np.repeat(
            np.array([_micros(part.received_at) for part in parts], np.int64),
            [len(part.rows) for part in parts],
        )
        await self._make_partitions(conn, rows)
        kind, written = await self._store(conn, rows, received)
        receipts = [_receipt(part) for part in parts]
        if len(rows):
            tallies = np.bincount(owner * 3 + kind, minlength=3 * len(parts)).reshape(-1, 3)
            for receipt, tally in zip(receipts, tallies.tolist(), strict=True):
                receipt.stored, receipt.duplicate, receipt.corrected = tally
        if any(part.text for part in parts):
            await self._store_text(conn, parts, receipts)
        kept = [
            (part.feed_key, part.received_at, part.channel, item.content_type,
             item.problem.index, item.raw, item.problem.reason.value,
             item.problem.detail.replace("\x00", "\\0"))
            for part in parts
            for item in part.quarantined
        ]  # fmt: skip
        if kept:
            async with conn.cursor() as cur:
                await cur.executemany(_QUARANTINE, kept)
        transaction = await _write_ledger(conn, parts, receipts)
        changed = rows if written.all() else rows.take(written)
        self._transaction, self._outcome = transaction, (receipts, changed, received[written])
        await conn.commit()
        return self._finish(self._outcome, now)

    def _finish(
        self, outcome: tuple[list[Receipt], Columns, NDArray[np.int64]], now: datetime
    ) -> Flushed:
        """Bring what is kept in memory into step with what has been committed."""
        receipts, changed, received = outcome
        self._transaction, self._outcome = None, None
        advanced = self._latest.apply(changed, int(received.max()) if len(received) else 0)
        self._dirty.update(advanced.tolist())
        self.commits += 1
        self.committed_at = now
        return Flushed(receipts, changed, advanced)

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
        fresh = self._latest.newer(chosen)
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
        weeks = {int(week) for week in np.unique((rows.time - MONDAY_US) // WEEK_US)}
        for week in sorted(weeks - self._weeks):
            start = from_micros(week * WEEK_US + MONDAY_US)
            await conn.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {} PARTITION OF observation "
                    "FOR VALUES FROM ({}) TO ({})"
                ).format(
                    sql.Identifier(f"observation_w{week}"),
                    sql.Literal(start),
                    sql.Literal(start + timedelta(days=7)),
                )
            )
            await conn.commit()
            self._weeks.add(week)

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


def _micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1e6)


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


def _refused(part: Part, why: str) -> Part:
    """The part with its rows in quarantine, because the database would not have them."""
    kept = list(part.quarantined)
    rows = zip(part.rows.series.tolist(), part.rows.time.tolist(), part.rows.value.tolist(),
               part.index.tolist(), strict=True)  # fmt: skip
    for series, time, value, index in rows:
        raw = msgspec.json.encode({"series_id": series, "time": from_micros(time), "value": value})
        kept.append(Quarantined(Problem(index, Reason.STORE_REFUSED, why), raw, "application/json"))
    for series, time, text, index in part.text:
        raw = msgspec.json.encode({"series_id": series, "time": from_micros(time), "value": text})
        kept.append(Quarantined(Problem(index, Reason.STORE_REFUSED, why), raw, "application/json"))
    return msgspec.structs.replace(
        part, rows=NO_COLUMNS, index=np.empty(0, np.int32), text=[], quarantined=kept
    )


async def _write_ledger(
    conn: Connection, parts: Sequence[Part], receipts: Sequence[Receipt]
) -> str:
    """Add the counts to the ledger; returns the id of the transaction."""
    sums: dict[tuple[int, datetime], list[int]] = {}
    for part, receipt in zip(parts, receipts, strict=True):
        minute = part.received_at.replace(second=0, microsecond=0)
        row = sums.setdefault((part.feed_key, minute), [0] * 8)
        counts = (
            receipt.received, receipt.stored, receipt.duplicate, receipt.corrected,
            receipt.late, receipt.quarantined, min(part.stored_late, receipt.stored),
            int(part.redelivered),
        )  # fmt: skip
        for place, count in enumerate(counts):
            row[place] += count
    columns = list(zip(*sums.values(), strict=True))
    names = ("received", "stored", "duplicate", "corrected", "late", "quarantined",
             "stored_late", "redelivered")  # fmt: skip
    cur = await conn.execute(
        _LEDGER,
        {
            "feed": [feed for feed, _ in sums],
            "minute": [minute for _, minute in sums],
            **{name: list(column) for name, column in zip(names, columns, strict=True)},
        },
    )
    row = await cur.fetchone()
    assert row is not None
    return str(row[0])
