"""Administrative procedures in time: kept, read back, and counted with their dossiers."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from ioc.kpi.counts import Counts, counts_of
from ioc.org import Level
from ioc.procedures.catalogue import Catalogue, ProcedureVersion, Scheme
from ioc.store.pool import Connection, ReadPool

CITY: Final = "city"
"""Who changed a procedure where a city's files did."""

_ADD: Final = """
    INSERT INTO procedure (code) SELECT unnest(%s::text[]) ON CONFLICT (code) DO NOTHING
"""

_DROP_VERSIONS: Final = """
    DELETE FROM procedure_version v USING procedure p
     WHERE p.procedure_key = v.procedure_key AND p.code = ANY(%s)
"""

_ADD_VERSION: Final = """
    INSERT INTO procedure_version (procedure_key, validity, name, field, unit_key, tier, days,
           level, fee, paper_result, for_people, population_data, legal_basis_from, decided_on,
           displayed_on, integrated_on, payment_integrated_on, parts, document, end_document,
           sample, changed_by)
    VALUES ((SELECT procedure_key FROM procedure WHERE code = %(code)s),
            daterange(%(valid_from)s, %(valid_until)s), %(name)s, %(field)s,
            (SELECT unit_key FROM unit WHERE id = %(unit)s), %(tier)s, %(days)s, %(level)s,
            %(fee)s, %(paper_result)s, %(for_people)s, %(population_data)s,
            %(legal_basis_from)s, %(decided_on)s, %(displayed_on)s, %(integrated_on)s,
            %(payment_integrated_on)s, %(parts)s, %(document)s, %(end_document)s, %(sample)s,
            %(by)s)
"""

_VERSIONS: Final = """
    SELECT p.code, lower(v.validity), upper(v.validity), v.name, v.field, u.id, v.tier, v.days,
           v.level, v.fee, v.paper_result, v.for_people, v.population_data, v.legal_basis_from,
           v.decided_on, v.displayed_on, v.integrated_on, v.payment_integrated_on, v.parts,
           v.document, v.end_document, v.sample
      FROM procedure_version v JOIN procedure p USING (procedure_key)
      LEFT JOIN unit u ON u.unit_key = v.unit_key
     ORDER BY p.code, v.validity
"""

_CHANGED: Final = """
    SELECT DISTINCT p.code FROM procedure_version v JOIN procedure p USING (procedure_key)
     WHERE v.changed_by <> 'city' AND p.code = ANY(%s) ORDER BY 1
"""

_PUT_SCHEME: Final = """
    INSERT INTO service_scheme (id, place, document) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, document = excluded.document
"""

_SCHEMES: Final = "SELECT document FROM service_scheme ORDER BY place"

# A service has dossiers where at least one came online in the period; its level is that of the day
# of filing, which stands with the dossier. It is one service, however many units handle it: it is
# counted where it is in competence, at the province where every unit of a tier has it.
_WITH_DOSSIERS: Final = """
    SELECT u.id, count(*) FILTER (WHERE online), count(*) FILTER (WHERE level_3),
           count(*) FILTER (WHERE level_4), count(*) FILTER (WHERE fully),
           count(*) FILTER (WHERE partial), count(*) FILTER (WHERE paid)
      FROM (SELECT procedure_code,
                   bool_or(channel = 'online') AS online,
                   bool_or(channel = 'online' AND level = '3') AS level_3,
                   bool_or(channel = 'online' AND level = '4') AS level_4,
                   bool_or(channel = 'online' AND level = 'full') AS fully,
                   bool_or(channel = 'online' AND level = 'partial') AS partial,
                   bool_or(paid_online) AS paid
              FROM dossier
             WHERE received_day >= %(start)s AND received_day < %(end)s
             GROUP BY procedure_code) AS filed
      LEFT JOIN LATERAL (
           SELECT v.unit_key FROM procedure p JOIN procedure_version v USING (procedure_key)
            WHERE p.code = filed.procedure_code ORDER BY lower(v.validity) DESC LIMIT 1
           ) AS competent ON true
      JOIN unit u ON u.unit_key = COALESCE(competent.unit_key, (
           SELECT unit_key FROM unit WHERE id = (SELECT province FROM identity)))
     GROUP BY u.id
"""

SERVICES: Final = (
    "services_with_dossiers", "services_level_3_with_dossiers", "services_level_4_with_dossiers",
    "services_full_with_dossiers", "services_partial_with_dossiers", "procedures_paid_online",
)  # fmt: skip
"""The measures of `with_dossiers`, in order."""


async def put(conn: Connection, versions: Sequence[ProcedureVersion], *, by: str) -> None:
    """Set the versions of some procedures, all of each; those of other codes stay."""
    codes = sorted({version.code for version in versions})
    await conn.execute(_ADD, [codes])
    await conn.execute(_DROP_VERSIONS, [codes])
    async with conn.cursor() as cur:
        await cur.executemany(_ADD_VERSION, [_values(version, by) for version in versions])


def _values(version: ProcedureVersion, by: str) -> dict[str, Any]:
    tier = None if version.tier is None else version.tier.value
    return {**msgspec.structs.asdict(version), "tier": tier, "by": by}


async def read(conn: Connection) -> Catalogue:
    """All procedures of all times."""
    rows = await (await conn.execute(_VERSIONS)).fetchall()
    schemes = await (await conn.execute(_SCHEMES)).fetchall()
    versions = [_version(row) for row in rows]
    if not schemes:
        return Catalogue(versions)
    return Catalogue(versions, [msgspec.convert(row[0], Scheme) for row in schemes])


async def put_schemes(conn: Connection, schemes: Iterable[Scheme]) -> None:
    """Set the schemes of service levels."""
    for place, scheme in enumerate(schemes):
        await conn.execute(_PUT_SCHEME, [scheme.id, place, Jsonb(msgspec.to_builtins(scheme))])


async def changed_in_product(conn: Connection, codes: Sequence[str]) -> list[str]:
    """Which of some procedures people have changed since the city was loaded."""
    return [row[0] for row in await (await conn.execute(_CHANGED, [list(codes)])).fetchall()]


async def with_dossiers(pool: ReadPool, start: date, end: date) -> Counts:
    """Services with online dossiers of a half-open period, by competent unit.

    It reads all dossiers of the period: seconds for millions of them.
    """
    async with pool.connection() as conn:
        rows = await (await conn.execute(_WITH_DOSSIERS, {"start": start, "end": end})).fetchall()
    return counts_of([(row[0], row[1:]) for row in rows], SERVICES)


def _version(row: tuple[Any, ...]) -> ProcedureVersion:
    names = ProcedureVersion.__struct_fields__
    given = dict(zip(names, row, strict=True))
    given["tier"] = None if given["tier"] is None else Level(given["tier"])
    return ProcedureVersion(**given)
