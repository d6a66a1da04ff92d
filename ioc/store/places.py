"""Where features are, written for many at once as payloads say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ioc.model import from_micros
from ioc.store.pool import Connection

_PUT: Final = """
    INSERT INTO feature AS f (feed_key, id, name, layer, geometry, extent, attributes, placed_at)
    SELECT n.feed_key, n.id, n.name, n.layer, n.geometry,
           box(point(n.west, n.south), point(n.east, n.north)), n.attributes::jsonb, n.placed_at
      FROM unnest(%(feed)s::int[], %(id)s::text[], %(name)s::text[], %(layer)s::text[],
                  %(geometry)s::bytea[], %(west)s::float8[], %(south)s::float8[],
                  %(east)s::float8[], %(north)s::float8[], %(attributes)s::text[],
                  %(placed_at)s::timestamptz[])
             AS n(feed_key, id, name, layer, geometry, west, south, east, north, attributes,
                  placed_at)
    ON CONFLICT (feed_key, id) DO UPDATE
       SET geometry = CASE WHEN f.geometry = excluded.geometry THEN f.geometry
                           ELSE excluded.geometry END,
           extent = excluded.extent, placed_at = excluded.placed_at,
           name = CASE WHEN f.name = f.id THEN excluded.name ELSE f.name END,
           attributes = f.attributes || excluded.attributes
     WHERE f.placed_at IS NULL OR f.placed_at <= excluded.placed_at
"""
"""A name that somebody gave the feature stays; one that is only its id gives way.

What is known to be there later stays. A geometry that is the same is not written again: a long line
lies outside of its row.
"""

_READ: Final = """
    SELECT t.feature_key, t.feed_key, f.id || '/' || t.id, t.name, t.layer, u.id, t.geometry,
           t.attributes
      FROM unnest(%(feed)s::int[], %(id)s::text[]) AS n(feed_key, id)
           JOIN feature t USING (feed_key, id) JOIN feed f USING (feed_key)
           LEFT JOIN unit u ON u.unit_key = t.unit_key
"""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place: `id` within the feed, `geometry` is WKB, `extent` west, south, east, north.

    `time` is when the feature was there, µs since 1970 in UTC.
    """

    feed_key: int
    id: str
    name: str
    layer: str
    geometry: bytes
    extent: tuple[float, float, float, float]
    attributes: Mapping[str, Any]
    time: int


async def put(conn: Connection, places: Iterable[PlaceRow]) -> list[tuple[Any, ...]]:
    """Write the places that are no older than what is known; returns the features as they are.

    They come as the registry reads them. Layer and name count for features that are made now.
    """
    # In their order, so that two processes never wait for each other.
    rows = sorted(places, key=lambda row: (row.feed_key, row.id))
    columns = {
        "feed": [row.feed_key for row in rows],
        "id": [row.id for row in rows],
        "name": [row.name or row.id for row in rows],
        "layer": [row.layer for row in rows],
        "geometry": [row.geometry for row in rows],
        "west": [row.extent[0] for row in rows],
        "south": [row.extent[1] for row in rows],
        "east": [row.extent[2] for row in rows],
        "north": [row.extent[3] for row in rows],
        "attributes": [msgspec.json.encode(dict(row.attributes)).decode() for row in rows],
        "placed_at": [from_micros(row.time) for row in rows],
    }
    await conn.execute(_PUT, columns)
    return await (
        await conn.execute(_READ, {"feed": columns["feed"], "id": columns["id"]})
    ).fetchall()
