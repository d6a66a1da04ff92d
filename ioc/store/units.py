"""Units, their versions, events and outlines in the database; whole files come by COPY."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from psycopg.types.json import Jsonb

from geo.geojson import envelope, from_wkb, to_wkb
from ioc.errors import Conflict
from ioc.org import Contact, Level, Organisation, Passage, UnitEvent, UnitVersion
from ioc.store.pool import Connection

CITY: Final = "city"
"""Says of a unit that the folder of the city describes it; else a file does, by its name."""

_INCOMING: Final = """
    CREATE TEMP TABLE incoming (
        unit text, since date, until date, name text, short_name text, level text, parent text,
        codes jsonb, head_post text, head_name text, duty_phone text, contact_sample boolean,
        area_km2 double precision, longitude double precision, latitude double precision
    ) ON COMMIT DROP
"""
_COPY: Final = """
    COPY incoming (unit, since, until, name, short_name, level, parent, codes, head_post, head_name,
                   duty_phone, contact_sample, area_km2, longitude, latitude) FROM STDIN
"""
_LEARN_INCOMING: Final = "ANALYZE incoming"
_LEARN_VERSIONS: Final = "ANALYZE unit_version"
"""A table of which the planner knows nothing is joined row by row, which takes half a minute."""

_DESCRIBE: Final = """
    INSERT INTO unit (id, described_in) SELECT DISTINCT unit, %s FROM incoming
    ON CONFLICT (id) DO UPDATE SET described_in = excluded.described_in
"""
_KEEP_OUTLINES: Final = """
    CREATE TEMP TABLE kept ON COMMIT DROP AS
    SELECT v.unit_key, lower(v.validity) AS since, v.outline, v.outline_box, v.outline_source,
           v.outline_in
      FROM unit_version v JOIN unit u USING (unit_key)
     WHERE u.described_in = %s AND v.outline IS NOT NULL
"""
_DROP_VERSIONS: Final = """
    DELETE FROM unit_version v USING unit u
     WHERE u.unit_key = v.unit_key AND u.described_in = %s
"""
_ADD_VERSIONS: Final = """
    INSERT INTO unit_version (unit_key, validity, name, short_name, level, parent_key, codes,
                              head_post, head_name, duty_phone, contact_sample, area_km2,
                              longitude, latitude, outline, outline_box, outline_source,
                              outline_in)
    SELECT u.unit_key, daterange(i.since, i.until), i.name, i.short_name, i.level, p.unit_key,
           i.codes, i.head_post, i.head_name, i.duty_phone, i.contact_sample, i.area_km2,
           i.longitude, i.latitude, k.outline, k.outline_box, k.outline_source,
           k.outline_in
      FROM incoming i JOIN unit u ON u.id = i.unit LEFT JOIN unit p ON p.id = i.parent
           LEFT JOIN kept k ON k.unit_key = u.unit_key AND k.since = i.since
"""
_DROP_INCOMING: Final = "DROP TABLE incoming, kept"

# All of them before the first is taken: with a limit inside, the planner looks row by row.
_ORPHANS: Final = """
    WITH orphan AS MATERIALIZED (
        SELECT v.unit_key, v.parent_key FROM unit_version v
         WHERE v.parent_key IS NOT NULL
           AND NOT EXISTS (SELECT FROM unit_version o
                            WHERE o.unit_key = v.parent_key AND o.validity && v.validity)
    )
    SELECT c.id, p.id
      FROM orphan o JOIN unit c USING (unit_key) JOIN unit p ON p.unit_key = o.parent_key
     WHERE c.described_in IS NOT NULL
     ORDER BY 1 LIMIT 1
"""
_TWICE: Final = """
    WITH code AS (
        SELECT v.unit_key, v.validity, c.key AS kind, c.value AS code
          FROM unit_version v, jsonb_each_text(v.codes) c
    )
    SELECT a.kind, a.code, u.id, o.id, lower(a.validity * b.validity)
      FROM code a JOIN code b USING (kind, code)
           JOIN unit u ON u.unit_key = a.unit_key JOIN unit o ON o.unit_key = b.unit_key
     WHERE a.unit_key < b.unit_key AND a.validity && b.validity
     ORDER BY 1, 2 LIMIT 1
"""

_DROP_MAPS: Final = "DELETE FROM unit_event_map"
_DROP_EVENTS: Final = "DELETE FROM unit_event"
_ADD_EVENT: Final = """
    INSERT INTO unit_event (id, kind, effective, legal_reference, units)
    VALUES (%(id)s, %(kind)s, %(effective)s, %(legal_reference)s, %(units)s)
"""
_ADD_PASSAGE: Final = """
    INSERT INTO unit_event_map (event_id, from_key, to_key, weight, basis)
    SELECT e.event_id, f.unit_key, t.unit_key, %(weight)s, %(basis)s
      FROM unit_event e, unit f, unit t
     WHERE e.id = %(event)s AND f.id = %(source)s AND t.id = %(target)s
"""

_DROP_OUTLINES: Final = """
    UPDATE unit_version
       SET outline = NULL, outline_box = NULL, outline_source = NULL, outline_in = NULL
     WHERE outline_in = %s
"""
_SET_OUTLINE: Final = """
    UPDATE unit_version
       SET outline = %(outline)s, outline_source = %(source)s, outline_in = %(where)s,
           outline_box = box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
     WHERE unit_key = (SELECT unit_key FROM unit WHERE id = %(unit)s)
       AND validity @> %(on)s::date
       AND (outline_in IS NULL OR %(where)s <> 'city')
    RETURNING 1
"""

_VERSIONS: Final = """
    SELECT u.id, lower(v.validity), upper(v.validity), v.name, v.short_name, v.level, p.id,
           v.codes, v.area_km2, v.longitude, v.latitude, v.head_post, v.head_name, v.duty_phone,
           v.contact_sample
      FROM unit_version v JOIN unit u USING (unit_key) LEFT JOIN unit p ON p.unit_key = v.parent_key
     ORDER BY u.unit_key, v.validity
"""
_EVENTS: Final = """
    SELECT e.id, e.kind, e.effective, e.legal_reference, e.units,
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
_KEYS: Final = "SELECT unit_key, id FROM unit"
_DESCRIBED: Final = """
    SELECT DISTINCT u.id, lower(v.validity), upper(v.validity)
      FROM unit u JOIN unit_version v USING (unit_key) WHERE u.described_in = %s
"""


async def put_versions(
    conn: Connection, versions: Iterable[UnitVersion], described_in: str, *, demo: bool
) -> None:
    """Let the versions be all that one place says of units; what it said before goes.

    Outlines stay with versions that begin on the same day; made-up contacts are for a demo.
    """
    await conn.execute(_INCOMING)
    async with conn.cursor() as cur, cur.copy(_COPY) as copy:
        for version in versions:
            await copy.write_row(_row(version, demo=demo))
    await conn.execute(_LEARN_INCOMING)
    await conn.execute(_DESCRIBE, [described_in])
    await conn.execute(_KEEP_OUTLINES, [described_in])
    await conn.execute(_DROP_VERSIONS, [described_in])
    await conn.execute(_ADD_VERSIONS)
    await conn.execute(_DROP_INCOMING)
    await conn.execute(_LEARN_VERSIONS)
    await _check(conn)


def _row(v: UnitVersion, *, demo: bool) -> tuple[Any, ...]:
    contact = v.contact
    if contact is None or (contact.sample and not demo):
        contact = Contact()
    return (
        v.unit, v.valid_from, v.valid_until, v.name, v.short_name, v.level.value, v.parent,
        Jsonb(v.codes), contact.post, contact.name, contact.phone, contact.sample, v.area_km2,
        *(v.point or (None, None)),
    )  # fmt: skip


async def _check(conn: Connection) -> None:
    """Refuse what no single file shows: units of several files that do not go together."""
    orphan = await (await conn.execute(_ORPHANS)).fetchone()
    if orphan is not None:
        raise Conflict(
            f"unit {orphan[0]} is part of {orphan[1]}, which is not described at that time; "
            f"describe {orphan[1]}, or end {orphan[0]} with it"
        )
    twice = await (await conn.execute(_TWICE)).fetchone()
    if twice is not None:
        kind, code, one, other, day = twice
        raise Conflict(
            f"{kind}:{code} is the code of {one} and of {other} on {day}; if they are the same "
            "unit, describe it under one id; else end one version where the other begins"
        )


async def put_events(conn: Connection, events: Sequence[UnitEvent]) -> None:
    """Let these be all events."""
    await conn.execute(_DROP_MAPS)
    await conn.execute(_DROP_EVENTS)
    async with conn.cursor() as cur:
        await cur.executemany(
            _ADD_EVENT,
            [
                {
                    "id": e.id, "kind": e.kind, "effective": e.effective,
                    "legal_reference": e.legal_reference, "units": list(e.units),
                }
                for e in events
            ],
        )  # fmt: skip
        await cur.executemany(
            _ADD_PASSAGE,
            [
                {
                    "event": e.id, "weight": p.weight, "basis": p.basis, "source": p.source,
                    "target": p.target,
                }
                for e in events
                for p in e.passages
            ],
        )  # fmt: skip


async def put_outlines(
    conn: Connection, shapes: Mapping[str, tuple[dict[str, Any], str]], where: str, *, on: date
) -> int:
    """Set the outlines of units as they are on a day: GeoJSON and source by unit; how many.

    What the same place said before goes. The city's folder steps back before files of outlines.
    """
    await conn.execute(_DROP_OUTLINES, [where])
    done = 0
    for unit, (geometry, source) in shapes.items():
        box = envelope(geometry)
        if box is None:
            continue
        cur = await conn.execute(
            _SET_OUTLINE,
            {
                "outline": to_wkb(geometry), "source": source, "unit": unit, "on": on,
                "where": where, "west": box[0], "south": box[1], "east": box[2], "north": box[3],
            },
        )  # fmt: skip
        done += await cur.fetchone() is not None
    return done


async def organisation(conn: Connection) -> Organisation:
    """All units of all times."""
    versions = await (await conn.execute(_VERSIONS)).fetchall()
    events = await (await conn.execute(_EVENTS)).fetchall()
    return Organisation([_version(row) for row in versions], [_event(row) for row in events])


async def outlines(conn: Connection, on: date) -> dict[str, tuple[dict[str, Any], str]]:
    """The outlines of a day, as GeoJSON, and where each comes from."""
    rows = await (await conn.execute(_OUTLINES, [on])).fetchall()
    return {row[0]: (from_wkb(bytes(row[1])), row[2]) for row in rows}


async def keys(conn: Connection) -> dict[int, str]:
    """The ids of all units by their keys in the database."""
    return dict(await (await conn.execute(_KEYS)).fetchall())


async def described(conn: Connection, where: str) -> dict[str, set[tuple[date, date | None]]]:
    """The units that one place describes, each with the times of its versions."""
    found: dict[str, set[tuple[date, date | None]]] = {}
    for unit, since, until in await (await conn.execute(_DESCRIBED, [where])).fetchall():
        found.setdefault(unit, set()).add((since, until))
    return found


def _version(row: tuple[Any, ...]) -> UnitVersion:
    post, name, phone, sample = row[11:]
    named = post is not None or name is not None or phone is not None
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
        contact=Contact(post=post, name=name, phone=phone, sample=sample) if named else None,
    )


def _event(row: tuple[Any, ...]) -> UnitEvent:
    columns: list[list[Any]] = [part or [] for part in row[5:]]
    passages = [Passage(*parts) for parts in zip(*columns, strict=True)]
    return UnitEvent(
        id=row[0], kind=row[1], effective=row[2], legal_reference=row[3], units=tuple(row[4]),
        passages=tuple(passages),
    )  # fmt: skip
