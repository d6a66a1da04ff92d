"""What the server knows of feeds, keys, series and features, kept in memory and refreshed."""

import asyncio
import sys
from collections import abc, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from geo.geojson import from_wkb
from ioc.model import (
    Domain,
    Feature,
    Feed,
    Mapping,
    Series,
    SeriesId,
    ValueKind,
)
from ioc.quality.plausible import Limits, PropertyLimits
from ioc.store import places, plausibility
from ioc.store.pool import Connection, ReadPool, WritePool

CHANGED: Final = "ioc_registry"
"""The channel on which commands tell a running server that feeds, keys or series changed."""

NO_UOMS: Final[abc.Mapping[str, str]] = {}

EVERYTHING, FEEDS = "", "feeds"
"""What a notice says: anything may differ, or only feeds, their keys and their mappings."""

_ROWS: Final = 5_000
"""Rows that are read at a time while all are read."""

_NO_ATTRIBUTES: Final[dict[str, Any]] = {}

KINDS: Final = {ValueKind.NUMBER: 0, ValueKind.BOOLEAN: 1, ValueKind.TEXT: 2}

_FEEDS: Final = """
    SELECT f.feed_key, f.id, u.id, f.agency_key, f.name, f.domain, f.format, f.auto_series,
           f.interval_s, f.freshness_s, f.late_limit_s, f.time_zone, f.time_source,
           f.simulated, f.created_at, f.number_format, f.charset, f.most_series
      FROM feed f JOIN unit u ON u.unit_key = f.agency_key
     WHERE f.retired_at IS NULL
     ORDER BY f.feed_key
"""

_MAPPINGS: Final = """
    SELECT feed_key, version, effective_from, document FROM mapping ORDER BY feed_key, version
"""

_CREDENTIALS: Final = """
    SELECT hash, feed_key FROM feed_credential WHERE revoked_at IS NULL
"""

_FEATURE_ROWS: Final = """
    SELECT t.feature_key, t.feed_key, f.id || '/' || t.id, t.name, t.layer, u.id, t.geometry,
           t.attributes
      FROM feature t JOIN feed f USING (feed_key) LEFT JOIN unit u ON u.unit_key = t.unit_key
"""
_FEATURES: Final = _FEATURE_ROWS + "ORDER BY t.feature_key"
_SOME_FEATURES: Final = _FEATURE_ROWS + "WHERE t.feed_key = %(feed)s AND t.id = ANY(%(ids)s)"

_SERIES_ROWS: Final = """
    SELECT s.series_id, s.feed_key, s.key, COALESCE(f.id || '/' || t.id, ''), s.property, s.uom,
           s.value_kind, s.interval_s, s.low, s.high
      FROM series s JOIN feed f USING (feed_key)
           LEFT JOIN feature t ON t.feature_key = s.feature_key
"""
_SERIES: Final = _SERIES_ROWS + "ORDER BY s.series_id"
_SOME_SERIES: Final = _SERIES_ROWS + "WHERE s.feed_key = %(feed)s AND s.key = ANY(%(keys)s)"

_ADD_FEATURE: Final = """
    INSERT INTO feature (feed_key, id, name, layer)
    SELECT %(feed)s, n.id, n.id, %(layer)s FROM unnest(%(ids)s::text[]) AS n(id)
    ON CONFLICT (feed_key, id) DO NOTHING
"""

_ADD_SERIES: Final = """
    INSERT INTO series (feed_key, key, feature_key, property, value_kind, uom, interval_s)
    SELECT %(feed)s, n.key, t.feature_key, n.property, n.kind, n.uom, %(interval)s
      FROM unnest(%(keys)s::text[], %(features)s::text[], %(properties)s::text[],
                  %(kinds)s::text[], %(uoms)s::text[]) AS n(key, feature, property, kind, uom)
           LEFT JOIN feature t ON t.feed_key = %(feed)s AND t.id = n.feature
    ON CONFLICT (feed_key, key) DO NOTHING
"""


def split_key(key: str) -> tuple[str, str]:
    """The feature and the property of a series key: all before the last `/`, and the rest."""
    feature, slash, prop = key.rpartition("/")
    return (feature, prop) if slash and feature and prop else (key, "value")


@dataclass(slots=True)
class SeriesTable:
    """Facts of the series by id, as columns, for checks over whole batches."""

    kind: NDArray[np.int8] = field(default_factory=lambda: np.zeros(1024, np.int8))

    def put(self, series: Series) -> None:
        """Take the facts of one series."""
        if series.id >= len(self.kind):
            more = max(series.id + 1, 2 * len(self.kind)) - len(self.kind)
            self.kind = np.concatenate([self.kind, np.zeros(more, np.int8)])
        self.kind[series.id] = KINDS[series.value_kind]


@dataclass(frozen=True, slots=True)
class Made:
    """What came into the registry: features and series that are new or may differ."""

    features: list[Feature]
    series: list[Series]


MOST_MADE: Final = 1_000
"""Additions that the registry remembers; who comes later looks at everything."""


class Registry:
    """Feeds, keys, series and features in memory; the database is the truth."""

    def __init__(self) -> None:
        """Start empty; `load` fills it."""
        self.feeds: dict[int, Feed] = {}
        self.feed_by_id: dict[str, Feed] = {}
        self.credentials: dict[bytes, int] = {}
        self.series: dict[int, Series] = {}
        self.keys: dict[int, dict[str, int]] = {}
        self.features: dict[str, Feature] = {}
        self.series_of_feature: dict[str, list[Series]] = {}
        self.table = SeriesTable()
        self.limits = Limits()
        self.property_limits: dict[str, PropertyLimits] = {}
        self.highest = 0
        """The highest series id in use, 0 if none."""
        self.generation = 0
        self._made: deque[Made] = deque(maxlen=MOST_MADE)
        # What was read before a series was made must not take its place in memory after it.
        self._turn = asyncio.Lock()

    async def load(self, reads: ReadPool) -> None:
        """Read everything anew."""
        async with self._turn:
            await self._load(reads)

    async def load_feeds(self, reads: ReadPool) -> None:
        """Read feeds, keys and mappings anew, which are few; all where a feed is gone."""
        async with self._turn:
            async with reads.connection() as conn:
                doors = await _doors(conn)
            if self.feeds.keys() - {feed.key for feed in doors.feeds}:
                await self._load(reads)
            else:
                self._open(doors)
                self._note(Made([], []))

    def _open(self, doors: "_Doors") -> None:
        self.feeds = {feed.key: feed for feed in doors.feeds}
        self.feed_by_id = {feed.id: feed for feed in doors.feeds}
        self.credentials = doors.credentials

    async def _load(self, reads: ReadPool) -> None:
        async with reads.connection() as conn, conn.cursor() as cur:
            doors = await _doors(conn)
            feeds = {feed.key for feed in doors.feeds}
            # Row by row: half a million of them twice over would cost a gigabyte for a moment.
            features: dict[str, Feature] = {}
            async for row in cur.stream(_FEATURES, size=_ROWS):
                if row[1] in feeds:
                    feature = _feature(row)
                    features[feature.id] = feature
            rows = cur.stream(_SERIES, size=_ROWS)
            series = [_series(row, features) async for row in rows if row[1] in feeds]
            self.property_limits = await plausibility.limits(conn)
        self._open(doors)
        self.features = features
        self.series, self.keys, self.series_of_feature = {}, {}, {}
        for one in series:
            self._put(one)
        self.generation += 1
        self._made.clear()

    def since(self, generation: int) -> Made | None:
        """What came after that generation; None where everything may be different."""
        missed = self.generation - generation
        if not 0 <= missed <= len(self._made):
            return None
        made = list(self._made)[len(self._made) - missed :]
        return Made([f for m in made for f in m.features], [s for m in made for s in m.series])

    def _put(self, series: Series) -> None:
        self.series[series.id] = series
        self.highest = max(self.highest, series.id)
        self.keys.setdefault(series.feed_key, {})[series.key] = series.id
        self.series_of_feature.setdefault(series.feature, []).append(series)
        self.table.put(series)
        self.limits.put(series, self.property_limits.get(series.property))

    async def create_series(
        self,
        writes: WritePool,
        feed: Feed,
        wanted: abc.Mapping[str, ValueKind],
        uoms: abc.Mapping[str, str] = NO_UOMS,
    ) -> list[Series]:
        """Make series of a feed that takes unknown ones, with the features that their keys name.

        `uoms` holds the measuring units that are known.
        """
        async with self._turn:
            return await self._create_series(writes, feed, wanted, uoms)

    async def learn(self, reads: ReadPool, feed: Feed, keys: abc.Sequence[str]) -> None:
        """Take series as they have just been described, before any notice of them has come."""
        async with self._turn:
            async with reads.connection() as conn:
                features, found = await _read_some(conn, feed, keys)
            self.features |= features
            for one in found:
                if (old := self.series.get(one.id)) is not None:
                    self.series_of_feature[old.feature].remove(old)
                    if old.feature in self.features:
                        features[old.feature] = self.features[old.feature]
                self._put(one)
            self._note(Made(list(features.values()), found))

    async def place(self, writes: WritePool, rows: Iterable[places.PlaceRow]) -> bool:
        """Write where features are, making those that are missing; whether any is new or moved."""
        async with self._turn:
            async with writes.connection() as conn:
                found = await places.put(conn, rows)
            read = map(_feature, found)
            made = Made([new for new in read if new != self.features.get(new.id)], [])
            for feature in made.features:
                self.features[feature.id] = feature
            if made.features:
                self._note(made)
            return bool(made.features)

    async def _create_series(
        self,
        writes: WritePool,
        feed: Feed,
        wanted: abc.Mapping[str, ValueKind],
        uoms: abc.Mapping[str, str],
    ) -> list[Series]:
        keys = list(wanted)
        async with writes.connection() as conn:
            await add_series(conn, feed, wanted, uoms)
            # Only these are read back: a feed may have tens of thousands already.
            features, series = await _read_some(conn, feed, keys)
        made = Made(list(features.values()), series)
        self.features |= features
        for found in made.series:
            if found.id not in self.series:
                self._put(found)
        self._note(made)
        known = self.keys.get(feed.key, {})
        return [self.series[known[key]] for key in wanted if key in known]

    def _note(self, made: Made) -> None:
        self._made.append(made)
        self.generation += 1


@dataclass(frozen=True, slots=True)
class _Doors:
    """Feeds, and whose keys open them."""

    feeds: list[Feed]
    credentials: dict[bytes, int]


async def _doors(conn: Connection) -> _Doors:
    mappings: dict[int, list[Mapping]] = {}
    for key, *row in await (await conn.execute(_MAPPINGS)).fetchall():
        mappings.setdefault(key, []).append(_mapping(row))
    feeds = [_feed(row, mappings) for row in await (await conn.execute(_FEEDS)).fetchall()]
    credentials = await (await conn.execute(_CREDENTIALS)).fetchall()
    return _Doors(feeds, {bytes(row[0]): row[1] for row in credentials})


async def _read_some(
    conn: Connection, feed: Feed, keys: abc.Sequence[str]
) -> tuple[dict[str, Feature], list[Series]]:
    """Series of a feed by key, and the features that they are about by id."""
    cur = await conn.execute(_SOME_SERIES, {"feed": feed.key, "keys": keys})
    rows = await cur.fetchall()
    ids = [row[3].partition("/")[2] for row in rows]
    cur = await conn.execute(_SOME_FEATURES, {"feed": feed.key, "ids": ids})
    features = {row[2]: _feature(row) for row in await cur.fetchall()}
    return features, [_series(row, features) for row in rows]


async def add_features(conn: Connection, feed: Feed, ids: Iterable[str]) -> None:
    """Make features that are missing, without a place; those that exist stay as they are."""
    await conn.execute(
        _ADD_FEATURE, {"feed": feed.key, "ids": sorted(set(ids)), "layer": feed.domain.value}
    )


async def add_series(
    conn: Connection,
    feed: Feed,
    wanted: abc.Mapping[str, ValueKind],
    uoms: abc.Mapping[str, str] = NO_UOMS,
) -> None:
    """Make series by key; the features that the keys name are made where they are missing."""
    keys = list(wanted)
    parts = [split_key(key) for key in keys]
    features = [feature for feature, _ in parts]
    await add_features(conn, feed, features)
    await conn.execute(
        _ADD_SERIES,
        {
            "feed": feed.key,
            "keys": keys,
            "features": features,
            "properties": [prop for _, prop in parts],
            "kinds": [wanted[key].value for key in keys],
            "uoms": [uoms.get(key) for key in keys],
            "interval": feed.interval,
        },
    )


_PUT_FEATURE: Final = """
    INSERT INTO feature (feed_key, id, name, layer, unit_key, geometry, extent, attributes)
    VALUES (%(feed)s, %(id)s, %(name)s, %(layer)s,
            (SELECT unit_key FROM unit WHERE id = %(unit)s), %(geometry)s,
            box(point(%(west)s, %(south)s), point(%(east)s, %(north)s)), %(attributes)s)
    ON CONFLICT (feed_key, id) DO UPDATE
       SET name = excluded.name, layer = excluded.layer, unit_key = excluded.unit_key,
           geometry = excluded.geometry, extent = excluded.extent,
           attributes = excluded.attributes
"""

_PUT_SERIES: Final = """
    INSERT INTO series (feed_key, key, feature_key, property, uom, value_kind, interval_s,
                        low, high)
    VALUES (%(feed)s, %(key)s,
            (SELECT feature_key FROM feature WHERE feed_key = %(feed)s AND id = %(feature)s),
            %(property)s, %(uom)s, COALESCE(%(kind)s, 'number'), %(interval)s, %(low)s, %(high)s)
    ON CONFLICT (feed_key, key) DO UPDATE
       SET feature_key = excluded.feature_key, property = excluded.property, uom = excluded.uom,
           value_kind = COALESCE(%(kind)s, series.value_kind), interval_s = excluded.interval_s,
           low = excluded.low, high = excluded.high
"""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature to be put: `geometry` is WKB, `extent` west, south, east, north."""

    id: str
    name: str
    layer: str
    unit: str | None
    geometry: bytes | None
    extent: tuple[float, float, float, float] | None
    attributes: abc.Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series to be put; `feature` is the feature's id within its feed.

    `kind` None leaves the kind of a series as it is; a new one takes numbers.
    """

    key: str
    feature: str
    property: str
    uom: str | None = None
    kind: ValueKind | None = None
    interval: float | None = None
    low: float | None = None
    high: float | None = None


async def put_features(conn: Connection, feed_key: int, rows: Iterable[FeatureRow]) -> None:
    """Make or change features of a feed."""
    async with conn.cursor() as cur:
        await cur.executemany(
            _PUT_FEATURE,
            [
                {
                    "feed": feed_key,
                    "id": row.id,
                    "name": row.name,
                    "layer": row.layer,
                    "unit": row.unit,
                    "geometry": row.geometry,
                    "west": row.extent[0] if row.extent else None,
                    "south": row.extent[1] if row.extent else None,
                    "east": row.extent[2] if row.extent else None,
                    "north": row.extent[3] if row.extent else None,
                    "attributes": Jsonb(dict(row.attributes)),
                }
                for row in rows
            ],
        )


async def put_series(conn: Connection, feed_key: int, rows: Sequence[SeriesRow]) -> None:
    """Make or change series of a feed; rows of the kind that one had before stay what they were."""
    async with conn.cursor() as cur:
        await cur.executemany(
            _PUT_SERIES,
            [
                {
                    "feed": feed_key,
                    "key": row.key,
                    "feature": row.feature,
                    "property": row.property,
                    "uom": row.uom,
                    "kind": None if row.kind is None else row.kind.value,
                    "interval": row.interval,
                    "low": row.low,
                    "high": row.high,
                }
                for row in rows
            ],
        )


async def announce(conn: Connection, what: str = EVERYTHING) -> None:
    """Tell running servers, at the commit of this transaction, what to read anew."""
    await conn.execute("SELECT pg_notify(%s, %s)", [CHANGED, what])


def _mapping(row: Sequence[Any]) -> Mapping:
    return Mapping(version=row[0], effective_from=row[1], document=row[2])


def _feed(row: tuple[Any, ...], mappings: dict[int, list[Mapping]]) -> Feed:
    return Feed(
        key=row[0],
        id=row[1],
        agency=row[2],
        agency_key=row[3],
        name=row[4],
        domain=Domain(row[5]),
        format=row[6],
        auto_series=row[7],
        interval=row[8],
        freshness=row[9],
        late_limit=row[10],
        time_zone=row[11],
        time_source=row[12],
        simulated=row[13],
        created_at=row[14],
        number_format=row[15],
        charset=row[16],
        most_series=row[17],
        mappings=tuple(mappings.get(row[0], ())),
    )


def _feature(row: tuple[Any, ...]) -> Feature:
    return Feature(
        id=row[2],
        feed_key=row[1],
        name=row[3],
        # The same few words over and over are kept once.
        layer=sys.intern(row[4]),
        unit=None if row[5] is None else sys.intern(row[5]),
        geometry=None if row[6] is None else from_wkb(bytes(row[6])),
        attributes=row[7] or _NO_ATTRIBUTES,
    )


def _series(row: tuple[Any, ...], features: abc.Mapping[str, Feature]) -> Series:
    feature = features.get(row[3])
    return Series(
        id=SeriesId(row[0]),
        feed_key=row[1],
        key=row[2],
        feature=row[3] if feature is None else feature.id,
        property=sys.intern(row[4]),
        uom=None if row[5] is None else sys.intern(row[5]),
        value_kind=ValueKind(row[6]),
        interval=row[7],
        low=row[8],
        high=row[9],
    )
