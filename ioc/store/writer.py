"""The one writer of observations: COPY, ledger and quarantine in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray

from ioc.errors import Conflict, Unavailable
from ioc.live.latest import Latest
from ioc.model import Columns, Receipt
from ioc.quality.plausible import Judged, Limits, judge
from ioc.store import batches, flush_mark, ledger, partitions, plausibility
from ioc.store.aside import claimed, keep_aside, refused
from ioc.store.checkpoint import Checkpoint
from ioc.store.flush import Flushed, Part, concatenated, counts_of, lags_of, receipt_of
from ioc.store.pool import Connection, close_quietly, connect
from ioc.store.upsert import CORRECTED, SETTINGS, store_numbers, store_text

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
        self.checkpoint = Checkpoint(url, latest)
        self._limits = limits or Limits()
        self._conn: Connection | None = None
        self._weeks: set[int] | None = None
        self._id = uuid4()
        self._flush = 0
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
        await flush_mark.begin(conn, self._id)
        self._weeks = await partitions.existing(conn)
        await conn.commit()
        self._conn = conn

    async def close(self) -> None:
        """Give up the connections and with them the writer's lock."""
        await self.checkpoint.close()
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
        doubtful = False
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    await self.open()
                if doubtful and (outcome := self._outcome) is not None:
                    assert self._conn is not None
                    if await flush_mark.stands(self._conn, self._id, self._flush):
                        return self._finish(outcome, now)
                doubtful = False
                return await self._attempt(parts, now)
            except psycopg.errors.DeadlockDetected:
                await self._rollback()
            except (psycopg.OperationalError, Unavailable) as error:
                doubtful = True
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
                parts = [await refused(self._conn, parts[0], str(error).splitlines()[0])]

    _outcome: "tuple[list[Receipt], Columns, NDArray[np.int64], Judged] | None" = None

    async def close_quietly(self) -> None:
        """Drop a connection that may be broken."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await close_quietly(conn)

    async def _rollback(self) -> None:
        if self._conn is not None and not self._conn.closed:
            await self._conn.rollback()

    async def _one_by_one(self, parts: Sequence[Part], now: datetime) -> Flushed:
        """One bad part must not cost its neighbours their place."""
        done = [await self.flush([part], now) for part in parts]
        return Flushed(
            [flushed.receipts[0] for flushed in done],
            concatenated([flushed.changed for flushed in done]),
            np.unique(np.concatenate([flushed.advanced for flushed in done])),
            np.concatenate([flushed.flags for flushed in done]),
        )

    async def _attempt(self, parts: Sequence[Part], now: datetime) -> Flushed:
        assert self._conn is not None
        conn = self._conn
        self._outcome = None
        # Partitions come first: to make them ends a transaction, and with it every lock.
        rows = concatenated([part.rows for part in parts])
        await self._make_partitions(conn, rows, now)
        if self._shared:
            locks = sorted({part.feed_key % _MOST_FEED_LOCKS for part in parts})
            await conn.execute(_LOCK_FEEDS, [_FEED_LOCKS, locks])
        again = [part.replay for part in parts if part.replay is not None]
        if again:
            parts = await claimed(conn, parts, again)
            rows = concatenated([part.rows for part in parts])
        feeds = np.fromiter((part.feed_key for part in parts), np.int64, len(parts))
        sizes = np.fromiter((len(part.rows) for part in parts), np.int64, len(parts))
        owner = np.repeat(np.arange(len(parts)), sizes)
        arrived = np.fromiter((part.received_at.timestamp() for part in parts), float, len(parts))
        arrived_us = np.rint(arrived * 1e6).astype(np.int64)
        received = arrived_us[owner]
        kind, written = await store_numbers(
            conn, rows, received, self._latest, careful=self._careful
        )
        receipts = [receipt_of(part) for part in parts]
        tallies = np.bincount(owner * 3 + kind, minlength=3 * len(parts)).reshape(-1, 3)
        if len(rows):
            for receipt, tally in zip(receipts, tallies.tolist(), strict=True):
                receipt.stored, receipt.duplicate, receipt.corrected = tally
        if any(part.text for part in parts):
            await store_text(conn, parts, receipts)
        await keep_aside(conn, parts, receipts, now)
        counted, lag_us = lags_of(parts, rows, owner, arrived_us)
        tally = ledger.gather(
            feeds, arrived_us, counts_of(parts, receipts, tallies), owner=counted, lag_us=lag_us,
        )  # fmt: skip
        self._flush += 1
        await ledger.add(conn, tally, writer=self._id, flush=self._flush)
        changed = rows if written.all() else rows.take(written)
        owner, received = owner[written], received[written]
        judged = judge(changed, self._latest, self._limits)
        await plausibility.keep_flags(
            conn, changed, feed=feeds[owner], received=received,
            flags=judged.flags, corrected=kind[written] == CORRECTED, now=now,
        )  # fmt: skip
        if self._shared:
            batch = batches.batch_of(parts, receipts, changed, owner, judged, received)
            await batches.add(conn, batch, now)
        self._outcome = (receipts, changed, received, judged)
        await conn.commit()
        return self._finish(self._outcome, now)

    def _finish(
        self, outcome: tuple[list[Receipt], Columns, NDArray[np.int64], Judged], now: datetime
    ) -> Flushed:
        """Bring what is kept in memory into step with what has been committed."""
        receipts, changed, received, judged = outcome
        self._outcome = None
        self._careful = False
        advanced = self._latest.apply(
            changed, int(received.max()) if len(received) else 0, judged.flags, judged.since
        )
        self.checkpoint.note(advanced)
        self.commits += 1
        self.committed_at = now
        self.disk_full = False
        return Flushed(receipts, changed, advanced, judged.flags)

    async def _make_partitions(self, conn: Connection, rows: Columns, now: datetime) -> None:
        """Make the partitions that the rows need, on a store that has none by itself."""
        if self._weeks is None or not len(rows):
            return
        if missing := partitions.weeks_of(rows.time) - self._weeks:
            there = await partitions.make(conn, missing, now)
            await conn.commit()
            self._weeks = there

    async def _lost_partitions(self) -> bool:
        """Whether a partition is gone that was there: what old data need is made anew."""
        if self._conn is None or self._weeks is None:
            return False
        before, self._weeks = self._weeks, await partitions.existing(self._conn)
        await self._conn.rollback()
        return self._weeks is not None and not before <= self._weeks
