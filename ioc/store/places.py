"""Where features are, written for many at once as payloads say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ioc.store.pool import Connection

_PUT: Final = """
    INSERT INTO feature AS f (feed_key, id, name, layer, geometry, extent, attributes)
    SELECT n.feed_key, n.id, n.name, n.layer, n.geometry,
           box(point(n.west, n.south), point(n.east, n.north)), n.attributes::jsonb
      FROM unnest(%(feed)s::int[], %(id)s::text[], %(name)s::text[], %(layer)s::text[],
                  %(geometry)s::bytea[], %(west)s::float8[], %(south)s::float8[],
                  %(east)s::float8[], %(north)s::float8[], %(attributes)s::text[])
             AS n(feed_key, id, name, layer, geometry, west, south, east, north, attributes)
    ON CONFLICT (feed_key, id) DO UPDATE
       SET geometry = excluded.geometry, extent = excluded.extent,
           name = CASE WHEN f.name = f.id THEN excluded.name ELSE f.name END,
           attributes = f.attributes || excluded.attributes
"""
"""A name that somebody gave the feature stays; one that is only its id gives way."""

_READ: Final = """
    SELECT t.feature_key, t.feed_key, f.id || '/' || t.id, t.name, t.layer, u.id, t.geometry,
           t.attributes
      FROM unnest(%(feed)s::int[], %(id)s::text[]) AS n(feed_key, id)
           JOIN feature t USING (feed_key, id) JOIN feed f USING (feed_key)
           LEFT JOIN unit u ON u.unit_key = t.unit_key
"""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place: `id` within the feed, `geometry` is WKB, `extent` west, south, east, north."""

    feed_key: int
    id: str
    name: str
    layer: str
    geometry: bytes
    extent: tuple[float, float, float, float]
    attributes: Mapping[str, Any]


async def put(conn: Connection, rows: Sequence[PlaceRow]) -> list[tuple[Any, ...]]:
    """Write the places in one statement; returns the features as the registry reads them.

    Layer and name count for features that are made now.
    """
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
    }
    await conn.execute(_PUT, columns)
    return await (
        await conn.execute(_READ, {"feed": columns["feed"], "id": columns["id"]})
    ).fetchall()
