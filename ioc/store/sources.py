"""Sources: what they are told, when they run next, where they got to, and their exchanges."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.city.spec import CitySource
from ioc.errors import Conflict, NotFound, Unavailable
from ioc.sources.document import Document, seen_by, stored
from ioc.sources.exchange import Exchange, Outgoing, Progress, Ran
from ioc.store.pool import Connection, ReadPool, connect
from ioc.store.registry import announce

RUNNER_LOCK: Final = 7_302_115
"""Key of the advisory lock that makes one process at a time the runner of all sources."""

CITY: Final = "city"
"""Who changed what the city's files say."""

MOST_EXCHANGES: Final = 2_000
"""Exchanges that are kept of each source."""

_COLUMNS: Final = """
    SELECT s.source_key AS key, s.id, f.id AS feed, u.id AS agency, s.document, s.enabled,
           s.created_at, s.changed_at, s.changed_by, s.next_at, s.progress, s.failures, s.ran_at,
           s.outcome, s.detail
      FROM source s JOIN feed f USING (feed_key) JOIN unit u ON u.unit_key = f.agency_key
     WHERE f.retired_at IS NULL
"""

_LIST: Final = _COLUMNS + " ORDER BY s.id"

_ONE: Final = _COLUMNS + " AND s.id = %s"

_DUE: Final = (
    _COLUMNS
    + """ AND s.enabled AND s.next_at <= %(now)s AND s.source_key <> ALL(%(running)s)
     ORDER BY s.next_at LIMIT %(most)s
"""
)

_ADD: Final = """
    INSERT INTO source (id, feed_key, document, enabled, created_at, changed_at, changed_by,
                        next_at)
    VALUES (%(id)s, %(feed)s, %(document)s, %(enabled)s, %(now)s, %(now)s, %(by)s, %(now)s)
    ON CONFLICT (id) DO NOTHING RETURNING source_key
"""

# Another address or another question makes what was remembered of the old one worthless.
_CHANGE: Final = """
    UPDATE source
       SET document = %(document)s, changed_at = %(now)s, changed_by = %(by)s, failures = 0,
           next_at = %(now)s,
           progress = CASE WHEN document -> 'url' IS NOT DISTINCT FROM %(document)s -> 'url'
                            AND document -> 'pull' IS NOT DISTINCT FROM %(document)s -> 'pull'
                           THEN progress
                           ELSE progress - '{etag,last_modified,digest,cursor}'::text[] END
     WHERE id = %(id)s
    RETURNING feed_key
"""

_ENABLE: Final = """
    UPDATE source SET enabled = %(enabled)s, changed_at = %(now)s, changed_by = %(by)s,
           failures = 0, next_at = %(now)s
     WHERE id = %(id)s
    RETURNING 1
"""

_RUN: Final = "UPDATE source SET next_at = %(now)s WHERE id = %(id)s AND enabled RETURNING 1"

# A run that began before the source was told something else has nothing to say any more.
_KEEP: Final = """
    UPDATE source SET progress = %(progress)s
     WHERE source_key = %(key)s AND document = %(document)s
"""

_SEEN_FEATURES: Final = """
    INSERT INTO feature (feed_key, id, name, layer)
    SELECT feed_key, system, system, domain FROM feed, unnest(%(systems)s::text[]) AS system
     WHERE feed_key = %(feed)s
    ON CONFLICT (feed_key, id) DO NOTHING
"""

_SEEN_SERIES: Final = """
    INSERT INTO series (feed_key, key, feature_key, property, uom, value_kind, interval_s)
    SELECT %(feed)s, n.system || '/' || n.property, e.feature_key, n.property, n.uom, n.kind,
           %(interval)s
      FROM unnest(%(systems)s::text[], %(properties)s::text[], %(uoms)s::text[], %(kinds)s::text[])
           AS n(system, property, uom, kind)
           JOIN feature e ON e.feed_key = %(feed)s AND e.id = n.system
    ON CONFLICT (feed_key, key) DO NOTHING
"""

_CHANGED_BY: Final = "SELECT changed_by FROM source WHERE id = %s"

_FEED: Final = """
    SELECT f.feed_key, f.format FROM feed f WHERE f.id = %s AND f.retired_at IS NULL
"""

# A source that was changed, or asked to run, while it ran keeps the earlier time.
_FINISH: Final = """
    UPDATE source
       SET failures = %(failures)s, ran_at = %(now)s, outcome = %(outcome)s, detail = %(detail)s,
           next_at = CASE WHEN next_at = %(due)s THEN %(next)s ELSE next_at END
     WHERE source_key = %(key)s
"""

_NOTE: Final = """
    INSERT INTO exchange (source_key, at, direction, method, url, status, bytes, duration_s,
                          row_count, outcome, detail)
    VALUES (%(source)s, %(at)s, %(direction)s, %(method)s, %(url)s, %(status)s, %(bytes)s,
            %(duration)s, %(rows)s, %(outcome)s, %(detail)s)
"""

_TRIM: Final = """
    DELETE FROM exchange
     WHERE source_key = %(source)s
       AND exchange_id <= (SELECT exchange_id FROM exchange WHERE source_key = %(source)s
                            ORDER BY exchange_id DESC OFFSET %(most)s LIMIT 1)
"""

_FORGET: Final = "DELETE FROM exchange WHERE at < %s"

_EXCHANGES: Final = """
    SELECT e.exchange_id AS id, e.at, e.direction, e.method, e.url, e.status, e.bytes,
           e.duration_s AS duration, e.row_count AS rows, e.outcome, e.detail
      FROM exchange e JOIN source s USING (source_key)
     WHERE s.id = %(source)s AND e.exchange_id < %(before)s
     ORDER BY e.exchange_id DESC LIMIT %(limit)s
"""

_COUNTS: Final = """
    SELECT date_trunc('minute', received_at) AS minute, count(*)
      FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(since)s::timestamptz - %(reach)s::interval
       AND received_at >= %(since)s AND received_at < %(until)s
     GROUP BY minute ORDER BY minute
"""

_RECEIVED: Final = """
    SELECT series_id, phenomenon_time, value
      FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(minute)s::timestamptz - %(reach)s::interval
       AND received_at >= %(minute)s AND received_at < %(minute)s::timestamptz + interval '1 minute'
       AND (series_id, phenomenon_time) > (%(after_series)s, %(after_time)s::timestamptz)
     ORDER BY series_id, phenomenon_time LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the database has it; `outcome` is None before the first run."""

    key: int
    id: str
    feed: str
    agency: str
    document: dict[str, Any]
    enabled: bool
    created_at: datetime
    changed_at: datetime
    changed_by: str
    next_at: datetime
    progress: dict[str, Any]
    failures: int
    ran_at: datetime | None
    outcome: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange with the outside; `duration` in seconds."""

    id: int
    at: datetime
    direction: str
    method: str
    url: str
    status: int | None
    bytes: int
    duration: float
    rows: int | None
    outcome: str
    detail: str


async def listed(conn: Connection) -> list[SourceRow]:
    """All sources of feeds that are not retired."""
    async with conn.cursor(row_factory=class_row(SourceRow)) as cur:
        return await (await cur.execute(_LIST)).fetchall()


async def get(conn: Connection, source: str) -> SourceRow:
    """One source, or `NotFound`."""
    async with conn.cursor(row_factory=class_row(SourceRow)) as cur:
        found = await (await cur.execute(_ONE, [source])).fetchone()
    if found is None:
        raise _missing(source)
    return found


def _missing(source: str) -> NotFound:
    return NotFound(f"there is no source `{source[:64]}`; see `ioc source list`")


async def feed_of(conn: Connection, feed: str) -> tuple[int, str]:
    """Internal key and format of a feed, or `NotFound`."""
    row = await (await conn.execute(_FEED, [feed])).fetchone()
    if row is None:
        raise NotFound(f"there is no feed `{feed[:64]}`; see `ioc feed list`")
    return row[0], row[1]


async def add(
    conn: Connection,
    *,
    id: str,
    feed: int,
    document: Document,
    now: datetime,
    by: str,
    enabled: bool = True,
) -> None:
    """Make a source of a feed (internal key), to run at once; `Conflict` where the id is taken."""
    row = await (
        await conn.execute(
            _ADD,
            {
                "id": id, "feed": feed, "document": Jsonb(stored(document)), "enabled": enabled,
                "now": now, "by": by,
            },
        )
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict(f"a source `{id}` exists already; source ids are never used twice")
    await _describe(conn, feed, document)


async def load(conn: Connection, source: CitySource, now: datetime) -> bool:
    """Make a source as the city's files have it; False where a person has told it since."""
    row = await (await conn.execute(_CHANGED_BY, [source.id])).fetchone()
    if row is None:
        feed, _ = await feed_of(conn, source.feed)
        await add(
            conn, id=source.id, feed=feed, document=source.document, enabled=source.enabled,
            now=now, by=CITY,
        )  # fmt: skip
    elif row[0] == CITY:
        await change(conn, source.id, source.document, now=now, by=CITY)
    return row is None or row[0] == CITY


async def _describe(conn: Connection, feed: int, document: Document) -> None:
    """Make the series that a source makes by itself, with their uom; known ones stay as is."""
    seen = seen_by(document)
    if not seen:
        return
    told = {
        "feed": feed, "systems": [s.system for s in seen],
        "properties": [s.property for s in seen], "uoms": [s.uom for s in seen],
        "kinds": [s.value_kind.value for s in seen],
        "interval": None if document.every is None else document.every.total_seconds(),
    }  # fmt: skip
    await conn.execute(_SEEN_FEATURES, told | {"systems": sorted({s.system for s in seen})})
    await conn.execute(_SEEN_SERIES, told)
    await announce(conn)


async def change(
    conn: Connection, source: str, document: Document, *, now: datetime, by: str
) -> None:
    """Tell a source something else; it runs at once."""
    told = {"id": source, "document": Jsonb(stored(document)), "now": now, "by": by}
    row = await (await conn.execute(_CHANGE, told)).fetchone()
    if row is None:
        raise _missing(source)
    await _describe(conn, row[0], document)


async def enable(conn: Connection, source: str, enabled: bool, *, now: datetime, by: str) -> None:
    """Let a source run, at once and by its schedule, or not any more."""
    told = {"id": source, "enabled": enabled, "now": now, "by": by}
    if await (await conn.execute(_ENABLE, told)).fetchone() is None:
        raise _missing(source)


async def run_now(conn: Connection, source: str, now: datetime) -> None:
    """Make a source due; `Conflict` for one that is disabled."""
    if await (await conn.execute(_RUN, {"id": source, "now": now})).fetchone() is None:
        raise Conflict(f"the source `{source}` is disabled; enable it first")


async def exchanges(
    conn: Connection, source: str, *, before: int = 2**62, limit: int = 100
) -> list[ExchangeRow]:
    """The exchanges of a source, newest first."""
    async with conn.cursor(row_factory=class_row(ExchangeRow)) as cur:
        await cur.execute(_EXCHANGES, {"source": source, "before": before, "limit": limit})
        return await cur.fetchall()


async def keep(conn: Connection, row: SourceRow, progress: Progress) -> None:
    """Note where a source got to, if it is still told the same."""
    await conn.execute(
        _KEEP,
        {
            "key": row.key, "document": Jsonb(row.document),
            "progress": Jsonb(msgspec.to_builtins(progress)),
        },
    )  # fmt: skip


async def finish(
    conn: Connection,
    row: SourceRow,
    ran: Ran,
    *,
    failures: int,
    now: datetime,
    next_at: datetime,
) -> None:
    """Note how a run ended and when the next one is, and let go of its oldest exchanges."""
    await conn.execute(
        _FINISH,
        {
            "key": row.key, "failures": failures, "now": now, "due": row.next_at, "next": next_at,
            "outcome": ran.outcome.value, "detail": ran.detail,
        },
    )  # fmt: skip
    await conn.execute(_TRIM, {"source": row.key, "most": MOST_EXCHANGES})


async def note(conn: Connection, key: int, exchange: Exchange) -> None:
    """Log an exchange."""
    await conn.execute(_NOTE, {"source": key, **msgspec.structs.asdict(exchange)})


async def forget(conn: Connection, before: datetime) -> None:
    """Let go of exchanges that are older."""
    await conn.execute(_FORGET, [before])


class Runner:
    """The right to run sources, held over one connection; it tells which of them are due."""

    def __init__(self, conn: Connection) -> None:
        """Hold the right over this connection."""
        self._conn = conn

    async def due(self, now: datetime, running: Sequence[int], most: int) -> list[SourceRow]:
        """Sources whose time has come, the longest waiting first, without those that run.

        `Unavailable` once the connection, and the right with it, is gone.
        """
        try:
            async with self._conn.cursor(row_factory=class_row(SourceRow)) as cur:
                await cur.execute(_DUE, {"now": now, "running": list(running), "most": most})
                return await cur.fetchall()
        except psycopg.OperationalError as error:
            raise Unavailable("the database cannot be reached now") from error


@asynccontextmanager
async def runner(url: str) -> AsyncGenerator[Runner | None]:
    """The right to run sources, for the length of the block; None where another process has it."""
    conn = await connect(url)
    try:
        await conn.set_autocommit(True)
        row = await (
            await conn.execute("SELECT pg_try_advisory_lock(%s)", [RUNNER_LOCK])
        ).fetchone()
        yield Runner(conn) if row is not None and row[0] else None
    except psycopg.OperationalError as error:
        raise Unavailable("the database cannot be reached now") from error
    finally:
        await conn.close()


class StoredObservations:
    """What is stored, by the minute in which it was received; for pushing."""

    def __init__(self, reads: ReadPool) -> None:
        """Read from that pool."""
        self._reads = reads

    async def counts(
        self, series: Sequence[int], since: datetime, until: datetime, reach: float
    ) -> dict[datetime, int]:
        """How many observations were received in each minute from `since` up to `until`."""
        told = {
            "series": list(series), "since": since, "until": until,
            "reach": timedelta(seconds=reach),
        }  # fmt: skip
        async with self._reads.connection() as conn:
            return dict(await (await conn.execute(_COUNTS, told)).fetchall())

    async def received(
        self,
        series: Sequence[int],
        minute: datetime,
        reach: float,
        after: Outgoing | None,
        most: int,
    ) -> list[Outgoing]:
        """Observations received in a minute, by series and time, following `after`."""
        told = {
            "series": list(series), "minute": minute, "reach": timedelta(seconds=reach),
            "after_series": 0 if after is None else after.series,
            "after_time": minute if after is None else after.time, "most": most,
        }  # fmt: skip
        async with self._reads.connection() as conn:
            rows = await (await conn.execute(_RECEIVED, told)).fetchall()
        return [Outgoing(*row) for row in rows]
