"""Put a city's description into the database, and read back what the server needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from geo.geojson import envelope, to_wkb
from ioc.city.spec import City, CityFeed, document
from ioc.org import Organisation
from ioc.procedures.calendar import Calendar
from ioc.procedures.catalogue import Catalogue
from ioc.procedures.timing import Timing
from ioc.store import (
    actions,
    calendar,
    dossier_events,
    feed_settings,
    feeds,
    forms,
    identity,
    incident_rows,
    indicators,
    layout,
    measures,
    plausibility,
    procedures,
    roster,
    silences,
    sources,
    targets,
    ticket_rows,
    units,
)
from ioc.store.layout import Layout
from ioc.store.pool import Connection, ReadPool
from ioc.store.registry import FeatureRow, SeriesRow, announce, put_features, put_series
from ioc.store.targets import Target

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

_CHANGED: Final = """
    SELECT 'rule ' || id FROM rule WHERE changed_by <> 'city'
    UNION
    SELECT 'indicator ' || id FROM indicator WHERE changed_by <> 'city'
    UNION ALL
    SELECT 'feed ' || id FROM feed WHERE changed_by <> 'city' AND id = ANY(%s)
    ORDER BY 1
"""

_LAYERS: Final = "SELECT id, document FROM layer ORDER BY place"
_BOARDS: Final = "SELECT id, document FROM board ORDER BY place"
_RULES: Final = "SELECT id, document FROM rule ORDER BY id"
_INDICATORS: Final = """
    SELECT DISTINCT ON (id) id, document FROM indicator ORDER BY id, version DESC
"""


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
    timing: Timing = field(default_factory=Timing)
    calendar: Calendar = field(default_factory=Calendar)
    procedures: Catalogue = field(default_factory=Catalogue)


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
    await units.put_versions(conn, city.units, units.CITY, demo=demo)
    await units.put_events(conn, city.events)
    shapes = {outline.unit: (outline.geometry, outline.source) for outline in city.outlines}
    outlines = await units.put_outlines(conn, shapes, units.CITY, on=now.date())
    for place, layer in enumerate(city.layers):
        await conn.execute(_PUT_LAYER, [layer.id, place, Jsonb(document(layer))])
    for place, board in enumerate(city.boards):
        await conn.execute(_PUT_BOARD, [board.id, place, Jsonb(document(board))])
    for rule in city.rules:
        await conn.execute(_PUT_RULE, [rule.rule.id, Jsonb(rule.document), now])
    await silences.put_inhibitions(conn, city.inhibitions)
    for one in city.indicators:
        await indicators.put(conn, one.id, one.version, one.document, by=indicators.CITY, now=now)
    await plausibility.put_limits(conn, city.properties)
    await ticket_rows.put_plan(conn, city.tickets)
    await incident_rows.put_plan(conn, city.incidents)
    await roster.put(conn, city.notify, city.roster)
    await dossier_events.put_timing(conn, city.timing)
    await calendar.put(conn, city.days)
    kept = [p for p in city.procedures if demo or not p.sample]
    await procedures.put(conn, kept, by=procedures.CITY)
    await measures.declare(conn, city.cycles, city.measures)
    await measures.oblige(conn, city.obligations)
    await forms.put(conn, city.forms)
    aims = [target for target in city.targets if demo or not target.sample]
    gave_way = await targets.load(conn, aims, now=now)
    await actions.load(conn, [action for action in city.actions if demo or not action.sample])
    wanted = [feed for feed in city.feeds if demo or not feed.simulated]
    made = [feed.id for feed in wanted if await _load_feed(conn, feed, now)]
    told = [source for source in city.sources if source.feed in {feed.id for feed in wanted}]
    loaded = [source.id for source in told if await sources.load(conn, source, now)]
    await announce(conn)
    return [
        f"{len(city.organisation.as_of(now.date()))} units, {outlines} outlines",
        f"{len(city.layers)} layers, {len(city.rules)} rules, {len(city.indicators)} indicators, "
        f"{len(aims)} targets, {len(city.boards)} boards",
        *([f"{gave_way} targets of people gave way, kept as history"] if gave_way else []),
        f"{len(made)} feeds made, {len(wanted) - len(made)} described anew",
        *([f"{len(loaded)} of {len(told)} sources loaded"] if told else []),
        f"{city.store.observations_per_day:.0f} observations a day expected; "
        f"{len(store.keep)} domains are kept for a time, the others for ever",
    ]


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
    found = [row[0] for row in await (await conn.execute(_CHANGED, [described])).fetchall()]
    return found + await targets.changed_in_product(conn, city.targets)


async def read(pool: ReadPool, today: date) -> Described:
    """All that the server needs to know of the city, outlines as of `today`."""
    async with pool.connection() as conn:
        organisation = await units.organisation(conn)
        outlines = await units.outlines(conn, today)
        layers = await (await conn.execute(_LAYERS)).fetchall()
        boards = await (await conn.execute(_BOARDS)).fetchall()
        rules = await (await conn.execute(_RULES)).fetchall()
        defined = await (await conn.execute(_INDICATORS)).fetchall()
        aims = targets.within_units(await targets.read(conn), organisation)
        unit_keys = await units.keys(conn)
        timing = await dossier_events.read_timing(conn)
        days = await calendar.read(conn)
        catalogue = await procedures.read(conn)
    return Described(
        organisation=organisation,
        unit_keys=unit_keys,
        outlines=outlines,
        layers=dict(layers),
        boards=dict(boards),
        rules=dict(rules),
        indicators=dict(defined),
        targets=aims,
        timing=timing,
        calendar=days,
        procedures=catalogue,
    )
