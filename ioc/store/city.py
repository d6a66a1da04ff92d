"""Put a city's description into the database, and read back what the server needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from geo.geojson import envelope, from_wkb, to_wkb
from ioc.city.spec import City, CityFeed, document
from ioc.org import Level, Organisation, Passage, UnitEvent, UnitVersion
from ioc.store import feed_settings, feeds, identity, layout, measures, plausibility, sources
from ioc.store.layout import Layout
from ioc.store.pool import Connection, ReadPool
from ioc.store.registry import FeatureRow, SeriesRow, announce, put_features, put_series

_ADD_UNIT: Final = "INSERT INTO unit (id) VALUES (%s) ON CONFLICT (id) DO NOTHING"

_DROP_VERSIONS: Final = """
    DELETE FROM unit_version WHERE unit_key = (SELECT unit_key FROM unit WHERE id = %s)
"""

_ADD_VERSION: Final = """
    INSERT INTO unit_version (unit_key, validity, name, short_name, level, parent_key, codes,
                              area_km2, longitude, latitude)
    VALUES ((SELECT unit_key FROM unit WHERE id = %(unit)s), daterange(%(since)s, %(until)s),
            %(name)s, %(short_name)s, %(level)s,
            (SELECT unit_key FROM unit WHERE id = %(parent)s), %(codes)s, %(area)s,
            %(longitude)s, %(latitude)s)
"""

_SET_OUTLINE: Final = """
    UPDATE unit_version
       SET outline = %(outline)s, outline_source = %(source)s,
           outline_box = box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
     WHERE unit_key = (SELECT unit_key FROM unit WHERE id = %(unit)s) AND upper_inf(validity)
    RETURNING 1
"""

_ADD_EVENT: Final = """
    INSERT INTO unit_event (id, kind, effective, legal_reference) VALUES (%s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING RETURNING event_id
"""

_ADD_PASSAGE: Final = """
    INSERT INTO unit_event_map (event_id, from_key, to_key, weight, basis)
    SELECT %(event)s, f.unit_key, t.unit_key, %(weight)s, %(basis)s
      FROM unit f, unit t WHERE f.id = %(source)s AND t.id = %(target)s
"""

_PUT_LAYER: Final = """
    INSERT INTO layer (id, place, document) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, document = excluded.document
"""

_PUT_BOARD: Final = """
    INSERT INTO board (id, place, document) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, document = excluded.document
"""

_PUT_RULE: Final = """
    INSERT INTO rule (id, document, changed_at, changed_by) VALUES (%s, %s, %s, 'city')
    ON CONFLICT (id) DO UPDATE
       SET document = excluded.document, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by
"""

_PUT_INDICATOR: Final = """
    INSERT INTO indicator (id, version, document, changed_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (id, version) DO UPDATE
       SET document = excluded.document, changed_at = excluded.changed_at
"""

_DROP_TARGETS: Final = "DELETE FROM target"

_ADD_TARGET: Final = """
    INSERT INTO target (indicator_id, unit_key, validity, value, direction, document, sample)
    SELECT %(indicator)s, unit_key, daterange(%(since)s, %(until)s), %(value)s, %(direction)s,
           %(document)s, %(sample)s
      FROM unit WHERE id = %(unit)s
"""

_CHANGED: Final = """
    SELECT 'rule ' || id FROM rule WHERE changed_by <> 'city'
    UNION ALL
    SELECT 'feed ' || id FROM feed WHERE changed_by <> 'city' AND id = ANY(%s)
    ORDER BY 1
"""

_VERSIONS: Final = """
    SELECT u.id, lower(v.validity), upper(v.validity), v.name, v.short_name, v.level, p.id,
           v.codes, v.area_km2, v.longitude, v.latitude
      FROM unit_version v JOIN unit u USING (unit_key) LEFT JOIN unit p ON p.unit_key = v.parent_key
     ORDER BY u.unit_key, v.validity
"""

_EVENTS: Final = """
    SELECT e.id, e.kind, e.effective, e.legal_reference,
           array_agg(f.id ORDER BY f.id, t.id) FILTER (WHERE f.id IS NOT NULL),
           array_agg(t.id ORDER BY f.id, t.id) FILTER (WHERE f.id IS NOT NULL),
           array_agg(m.weight ORDER BY f.id, t.id) FILTER (WHERE f.id IS NOT NULL),
           array_agg(m.basis ORDER BY f.id, t.id) FILTER (WHERE f.id IS NOT NULL)
      FROM unit_event e LEFT JOIN unit_event_map m USING (event_id)
           LEFT JOIN unit f ON f.unit_key = m.from_key LEFT JOIN unit t ON t.unit_key = m.to_key
     GROUP BY e.event_id ORDER BY e.effective, e.event_id
"""

_OUTLINES: Final = """
    SELECT u.id, v.outline, v.outline_source
      FROM unit_version v JOIN unit u USING (unit_key)
     WHERE v.outline IS NOT NULL AND v.validity @> %s::date
"""

_LAYERS: Final = "SELECT id, document FROM layer ORDER BY place"
_BOARDS: Final = "SELECT id, document FROM board ORDER BY place"
_RULES: Final = "SELECT id, document FROM rule ORDER BY id"
_INDICATORS: Final = """
    SELECT DISTINCT ON (id) id, document FROM indicator ORDER BY id, version DESC
"""
_TARGETS: Final = """
    SELECT t.indicator_id, u.id, lower(t.validity), upper(t.validity), t.value, t.direction,
           t.document, t.sample
      FROM target t JOIN unit u USING (unit_key) ORDER BY t.target_id
"""
_UNIT_KEYS: Final = "SELECT unit_key, id FROM unit"


@dataclass(frozen=True, slots=True)
class Target:
    """The value wanted of an indicator of a unit, for a time."""

    indicator: str
    unit: str
    valid_from: date
    valid_until: date | None
    value: float
    direction: str
    document: str
    sample: bool


@dataclass(frozen=True, slots=True)
class Described:
    """What the database says of the city."""

    organisation: Organisation
    unit_keys: Mapping[int, str]
    outlines: Mapping[str, tuple[dict[str, Any], str]]
    layers: Mapping[str, dict[str, Any]]
    boards: Mapping[str, dict[str, Any]]
    rules: Mapping[str, dict[str, Any]]
    indicators: Mapping[str, dict[str, Any]]
    targets: list[Target]


NOTHING: Final = Described(Organisation([]), {}, {}, {}, {}, {}, {}, [])
"""Before a city has been read."""


async def load(conn: Connection, city: City, *, now: datetime, demo: bool) -> list[str]:
    """Put the city into the database, changing what is there; returns what was done in words.

    Feeds that carry invented figures are loaded only into a demo's database.
    """
    province = city.province
    await identity.set_province(
        conn, province.unit, time_zone=province.time_zone, bounds=province.bounds
    )
    store = Layout(
        city.store.observations_per_day,
        city.store.compress_after,
        {domain.value: kept for domain, kept in city.store.keep.items()},
    )
    await layout.settle(conn, store, province.time_zone)
    await _load_units(conn, city)
    outlines = await load_outlines(
        conn, {outline.unit: (outline.geometry, outline.source) for outline in city.outlines}
    )
    for place, layer in enumerate(city.layers):
        await conn.execute(_PUT_LAYER, [layer.id, place, Jsonb(document(layer))])
    for place, board in enumerate(city.boards):
        await conn.execute(_PUT_BOARD, [board.id, place, Jsonb(document(board))])
    for rule in city.rules:
        await conn.execute(_PUT_RULE, [rule.rule.id, Jsonb(rule.document), now])
    for indicator in city.indicators:
        await conn.execute(
            _PUT_INDICATOR,
            [indicator.indicator.id, indicator.indicator.version, Jsonb(indicator.document), now],
        )
    await plausibility.put_limits(conn, city.properties)
    await measures.declare(conn, city.cycles, city.measures)
    await measures.oblige(conn, city.obligations)
    targets = [target for target in city.targets if demo or not target.sample]
    await conn.execute(_DROP_TARGETS)
    for target in targets:
        await conn.execute(
            _ADD_TARGET,
            {
                "indicator": target.indicator, "since": target.valid_from,
                "until": target.valid_until, "value": target.value,
                "direction": target.direction, "document": target.document,
                "sample": target.sample, "unit": target.unit,
            },
        )  # fmt: skip
    wanted = [feed for feed in city.feeds if demo or not feed.simulated]
    made = [feed.id for feed in wanted if await _load_feed(conn, feed, now)]
    told = [source for source in city.sources if source.feed in {feed.id for feed in wanted}]
    loaded = [source.id for source in told if await sources.load(conn, source, now)]
    await announce(conn)
    return [
        f"{len(city.organisation.as_of(now.date()))} units, {outlines} outlines",
        f"{len(city.layers)} layers, {len(city.rules)} rules, {len(city.indicators)} indicators, "
        f"{len(targets)} targets, {len(city.boards)} boards",
        f"{len(made)} feeds made, {len(wanted) - len(made)} described anew",
        *([f"{len(loaded)} of {len(told)} sources loaded"] if told else []),
        f"{city.store.observations_per_day:.0f} observations a day expected; "
        f"{len(store.keep)} domains are kept for a time, the others for ever",
    ]


async def _load_units(conn: Connection, city: City) -> None:
    async with conn.cursor() as cur:
        await cur.executemany(_ADD_UNIT, [(unit,) for unit in city.organisation])
        await cur.executemany(_DROP_VERSIONS, [(unit,) for unit in city.organisation])
        await cur.executemany(
            _ADD_VERSION,
            [
                {
                    "unit": v.unit, "since": v.valid_from, "until": v.valid_until,
                    "name": v.name, "short_name": v.short_name, "level": v.level.value,
                    "parent": v.parent, "codes": Jsonb(v.codes), "area": v.area_km2,
                    "longitude": v.point[0] if v.point else None,
                    "latitude": v.point[1] if v.point else None,
                }
                for v in city.units
            ],
        )  # fmt: skip
    for event in city.events:
        row = await (
            await conn.execute(
                _ADD_EVENT, [event.id, event.kind, event.effective, event.legal_reference]
            )
        ).fetchone()
        for passage in event.passages if row is not None else ():
            await conn.execute(
                _ADD_PASSAGE,
                {
                    "event": row[0] if row else None, "weight": passage.weight,
                    "basis": passage.basis, "source": passage.source, "target": passage.target,
                },
            )  # fmt: skip


async def load_outlines(
    conn: Connection, outlines: Mapping[str, tuple[dict[str, Any], str]]
) -> int:
    """Set the outlines of units as they are today: GeoJSON and source by unit; returns how many."""
    done = 0
    for unit, (geometry, source) in outlines.items():
        box = envelope(geometry)
        if box is None:
            continue
        cur = await conn.execute(
            _SET_OUTLINE,
            {
                "outline": to_wkb(geometry), "source": source, "unit": unit,
                "west": box[0], "south": box[1], "east": box[2], "north": box[3],
            },
        )  # fmt: skip
        done += await cur.fetchone() is not None
    return done


async def _load_feed(conn: Connection, feed: CityFeed, now: datetime) -> bool:
    """Make a feed with its features and series, or describe it anew; True where it was made."""
    agency, _ = await feeds.agency_key(conn, feed.agency, now)
    cur = await conn.execute("SELECT feed_key FROM feed WHERE id = %s", [feed.id])
    row = await cur.fetchone()
    settings = {name: getattr(feed, name) for name in feed_settings.COLUMNS}
    if row is not None:
        key = row[0]
        await feed_settings.change(conn, feed.id, settings, by="city")
    else:
        key = await feeds.add(
            conn, id=feed.id, agency=agency, domain=feed.domain.value, now=now,
            simulated=feed.simulated, **settings,
        )  # fmt: skip
    await put_features(
        conn,
        key,
        [
            FeatureRow(
                feature.id,
                feature.name,
                feed.layer or feed.domain.value,
                feature.unit,
                None if feature.geometry is None else to_wkb(feature.geometry),
                None if feature.geometry is None else envelope(feature.geometry),
                feature.attributes,
            )
            for feature in feed.features
        ],
    )
    await put_series(
        conn,
        key,
        [
            SeriesRow(
                series.key, series.feature, series.property, series.uom, series.value_kind,
                series.interval, series.low, series.high,
            )
            for series in feed.series
        ],
    )  # fmt: skip
    return row is None


async def changed_in_product(conn: Connection, city: City) -> list[str]:
    """What people changed since the city was loaded; loading it again would lose that."""
    described = [feed.id for feed in city.feeds]
    return [row[0] for row in await (await conn.execute(_CHANGED, [described])).fetchall()]


async def read(pool: ReadPool, today: date) -> Described:
    """All that the server needs to know of the city, outlines as of `today`."""
    async with pool.connection() as conn:
        versions = await (await conn.execute(_VERSIONS)).fetchall()
        events = await (await conn.execute(_EVENTS)).fetchall()
        outlines = await (await conn.execute(_OUTLINES, [today])).fetchall()
        layers = await (await conn.execute(_LAYERS)).fetchall()
        boards = await (await conn.execute(_BOARDS)).fetchall()
        rules = await (await conn.execute(_RULES)).fetchall()
        indicators = await (await conn.execute(_INDICATORS)).fetchall()
        targets = await (await conn.execute(_TARGETS)).fetchall()
        keys = await (await conn.execute(_UNIT_KEYS)).fetchall()
    return Described(
        organisation=Organisation(
            [_version(row) for row in versions], [_event(row) for row in events]
        ),
        unit_keys=dict(keys),
        outlines={row[0]: (from_wkb(bytes(row[1])), row[2]) for row in outlines},
        layers=dict(layers),
        boards=dict(boards),
        rules=dict(rules),
        indicators=dict(indicators),
        targets=[Target(*row) for row in targets],
    )


async def read_organisation(conn: Connection) -> Organisation:
    """All units of all times."""
    versions = await (await conn.execute(_VERSIONS)).fetchall()
    events = await (await conn.execute(_EVENTS)).fetchall()
    return Organisation([_version(row) for row in versions], [_event(row) for row in events])


def _version(row: tuple[Any, ...]) -> UnitVersion:
    return UnitVersion(
        unit=row[0],
        valid_from=row[1],
        valid_until=row[2],
        name=row[3],
        short_name=row[4],
        level=Level(row[5]),
        parent=row[6],
        codes=row[7],
        area_km2=row[8],
        point=None if row[9] is None else (row[9], row[10]),
    )


def _event(row: tuple[Any, ...]) -> UnitEvent:
    columns: list[list[Any]] = [part or [] for part in row[4:]]
    passages = [Passage(*parts) for parts in zip(*columns, strict=True)]
    return UnitEvent(
        id=row[0], kind=row[1], effective=row[2], legal_reference=row[3], passages=tuple(passages)
    )
