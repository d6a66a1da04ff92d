"""Observations out of the store: chosen by feed, series, place and time, streamed day by day."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ioc.model import to_micros
from ioc.store.pool import Connection
from ioc.store.upsert import PG_EPOCH_US

WINDOW: Final = timedelta(days=1)
"""Each window is sorted by itself, so that neither we nor the database hold more than a day."""

BLOCK_ROWS: Final = 65_536

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_CHOSEN: Final = """
    SELECT s.series_id, f.id, s.key, COALESCE(t.id, ''), s.property, COALESCE(s.uom, ''),
           COALESCE(u.id, ''), s.value_kind
      FROM series s JOIN feed f USING (feed_key) LEFT JOIN feature t USING (feature_key)
           LEFT JOIN unit u ON u.unit_key = COALESCE(t.unit_key, f.agency_key)
     WHERE (%(feeds)s::text[] IS NULL OR f.id = ANY(%(feeds)s))
       AND (%(series)s::text[] IS NULL OR f.id || '/' || s.key = ANY(%(series)s))
       AND (%(domain)s::text IS NULL OR f.domain = %(domain)s)
       AND (%(layer)s::text IS NULL OR t.layer = %(layer)s)
       AND (%(units)s::text[] IS NULL OR u.id = ANY(%(units)s))
     ORDER BY s.series_id
"""
_EXTENT: Final = """
    SELECT min(low), max(high) FROM unnest(%(ids)s::int[]) AS s(id), LATERAL (
        SELECT min(phenomenon_time) AS low, max(phenomenon_time) AS high FROM observation
         WHERE series_id = s.id AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
         UNION ALL
        SELECT min(phenomenon_time), max(phenomenon_time) FROM observation_text
         WHERE series_id = s.id AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
    ) AS extent
"""
_NUMBERS: Final = """
    COPY (SELECT series_id, phenomenon_time, value, received_at FROM observation
           WHERE series_id = ANY(%(ids)s::int[])
             AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
           ORDER BY phenomenon_time, series_id)
      TO STDOUT (FORMAT BINARY)
"""
_TEXTS: Final = """
    SELECT series_id, phenomenon_time, value, received_at FROM observation_text
     WHERE series_id = ANY(%(ids)s::int[])
       AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time, series_id
"""

_ROW: Final = np.dtype(
    [
        ("fields", ">i2"), ("l1", ">i4"), ("series", ">i4"), ("l2", ">i4"), ("time", ">i8"),
        ("l3", ">i4"), ("value", ">f8"), ("l4", ">i4"), ("received", ">i8"),
    ]
)  # fmt: skip
_HEADER_BYTES: Final = 19


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take out: None takes all; `units` are ids, `series` are written `feed/key`."""

    since: datetime
    until: datetime
    feeds: list[str] | None = None
    series: list[str] | None = None
    domain: str | None = None
    layer: str | None = None
    units: list[str] | None = None


@dataclass(frozen=True, slots=True)
class ExportedSeries:
    """A series with the names that its observations carry; what is unknown is empty."""

    id: int
    feed: str
    key: str
    feature: str
    property: str
    uom: str
    unit: str
    value_kind: str


@dataclass(frozen=True, slots=True)
class Block:
    """Observations of one kind, by time and then series; times in µs since 1970 UTC.

    `place` says which of the exported series each is of. Either `value` or `text` is set.
    """

    place: NDArray[np.int32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]
    value: NDArray[np.float64] | None = None
    text: list[str] | None = None


async def chosen(conn: Connection, wanted: Wanted) -> list[ExportedSeries]:
    """The series that are wanted; what is read afterwards on this connection is of one moment."""
    await conn.execute(_SNAPSHOT)
    given = {
        "feeds": wanted.feeds, "series": wanted.series, "domain": wanted.domain,
        "layer": wanted.layer, "units": wanted.units,
    }  # fmt: skip
    rows = await (await conn.execute(_CHOSEN, given)).fetchall()
    return [ExportedSeries(*row) for row in rows]


async def blocks(
    conn: Connection, series: Sequence[ExportedSeries], wanted: Wanted
) -> AsyncGenerator[Block]:
    """The observations of those series, in order of time within each day, in bounded blocks."""
    ids = np.array([one.id for one in series], np.int32)
    numeric = [one.id for one in series if one.value_kind != "text"]
    textual = [one.id for one in series if one.value_kind == "text"]
    given: dict[str, Any] = {"ids": ids.tolist(), "since": wanted.since, "until": wanted.until}
    row = await (await conn.execute(_EXTENT, given)).fetchone()
    if row is None or row[0] is None:
        return
    start, end = row[0], row[1] + timedelta(microseconds=1)
    while start < end:
        following = min(start + WINDOW, end)
        window = {"since": start, "until": following}
        if numeric:
            async with aclosing(_copied(conn, {"ids": numeric, **window})) as copied:
                async for raw in copied:
                    yield _numbers(ids, raw)
        if textual:
            async with aclosing(_texts(conn, {"ids": textual, **window})) as texts:
                async for rows in texts:
                    yield _as_block(ids, rows)
        start = following


async def _copied(conn: Connection, given: dict[str, Any]) -> AsyncGenerator[bytes]:
    """Whole rows of a binary COPY, so many at a time."""
    held = bytearray()
    skipped = False
    async with conn.cursor() as cur, cur.copy(_NUMBERS, given) as copy:
        async for part in copy:
            held += part
            if not skipped and len(held) >= _HEADER_BYTES:
                del held[:_HEADER_BYTES]
                skipped = True
            if len(held) >= BLOCK_ROWS * _ROW.itemsize:
                whole = len(held) // _ROW.itemsize * _ROW.itemsize
                yield bytes(held[:whole])
                del held[:whole]
    whole = len(held) // _ROW.itemsize * _ROW.itemsize  # what is left over is the trailer
    if whole:
        yield bytes(held[:whole])


def _numbers(ids: NDArray[np.int32], raw: bytes) -> Block:
    rows = np.frombuffer(raw, _ROW)
    return Block(
        np.searchsorted(ids, rows["series"]).astype(np.int32),
        rows["time"].astype(np.int64) + PG_EPOCH_US,
        rows["received"].astype(np.int64) + PG_EPOCH_US,
        value=rows["value"].astype(np.float64),
    )


async def _texts(
    conn: Connection, given: dict[str, Any]
) -> AsyncGenerator[list[tuple[int, datetime, str, datetime]]]:
    async with conn.cursor(name="export") as cur:
        await cur.execute(_TEXTS, given)
        while rows := await cur.fetchmany(BLOCK_ROWS // 8):
            yield rows  # pyright: ignore[reportReturnType]


def _as_block(ids: NDArray[np.int32], rows: Sequence[tuple[int, datetime, str, datetime]]) -> Block:
    return Block(
        np.searchsorted(ids, [row[0] for row in rows]).astype(np.int32),
        np.array([to_micros(row[1]) for row in rows], np.int64),
        np.array([to_micros(row[3]) for row in rows], np.int64),
        text=[row[2] for row in rows],
    )
