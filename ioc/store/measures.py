"""Cycles, measures that agencies hand in, and obligations, as the city declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.obligation import Obligation
from ioc.kpi.reported import ReportedMeasure
from ioc.store.pool import Connection, ReadPool

_PUT_CYCLE: Final = """
    INSERT INTO cycle (id, document) VALUES (%s, %s)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""

# A measure stays when a file names it no more: reports are about it.
_PUT_MEASURE: Final = """
    INSERT INTO measure (id, place, document)
    VALUES (%s, (SELECT COALESCE(max(place), 0) + 1 FROM measure), %s)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""

_DROP_OBLIGATIONS: Final = "DELETE FROM obligation"
_ADD_OBLIGATION: Final = "INSERT INTO obligation (id, place, document) VALUES (%s, %s, %s)"

_CYCLES: Final = "SELECT document FROM cycle ORDER BY id"
_MEASURES: Final = "SELECT document FROM measure ORDER BY place"
_OBLIGATIONS: Final = "SELECT document FROM obligation ORDER BY place"

# Every change of a report adds a version.
_STAMP: Final = """
    SELECT (SELECT count(*) FROM measure), (SELECT count(*) FROM report_version)
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """What can be handed in, and what must be."""

    cycles: Mapping[str, Cycle]
    measures: Mapping[str, ReportedMeasure]
    obligations: Sequence[Obligation]

    def cycle_of(self, measure: ReportedMeasure) -> Cycle:
        """The cycle by which a measure is handed in."""
        return self.cycles[measure.cycle]

    def group(self, name: str) -> list[ReportedMeasure]:
        """The measures that are handed in together."""
        return [measure for measure in self.measures.values() if measure.group == name]


async def declare(
    conn: Connection, cycles: Sequence[Cycle], measures: Sequence[ReportedMeasure]
) -> None:
    """Add cycles and measures, or declare them anew."""
    for cycle in cycles:
        await conn.execute(_PUT_CYCLE, [cycle.id, _document(cycle)])
    for measure in measures:
        await conn.execute(_PUT_MEASURE, [measure.id, _document(measure)])


async def oblige(conn: Connection, obligations: Sequence[Obligation]) -> None:
    """Set all obligations."""
    await conn.execute(_DROP_OBLIGATIONS)
    for place, obligation in enumerate(obligations):
        await conn.execute(_ADD_OBLIGATION, [obligation.id, place, _document(obligation)])


async def stamp(pool: ReadPool) -> tuple[int, int]:
    """What differs once a measure was declared or any report changed."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_STAMP)).fetchone()
    assert row is not None
    return row[0], row[1]


async def read(pool: ReadPool) -> Declared:
    """All that is declared, with the cycles of the calendar."""
    async with pool.connection() as conn:
        cycles = await (await conn.execute(_CYCLES)).fetchall()
        measures = await (await conn.execute(_MEASURES)).fetchall()
        obligations = await (await conn.execute(_OBLIGATIONS)).fetchall()
    own = [msgspec.convert(row[0], Cycle) for row in cycles]
    known = [msgspec.convert(row[0], ReportedMeasure) for row in measures]
    return Declared(
        {**CALENDAR, **{cycle.id: cycle for cycle in own}},
        {measure.id: measure for measure in known},
        [msgspec.convert(row[0], Obligation) for row in obligations],
    )


def _document(value: Cycle | ReportedMeasure | Obligation) -> Jsonb:
    plain: Any = msgspec.to_builtins(value)
    return Jsonb(plain)
