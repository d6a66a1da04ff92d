"""Targets of units: assigned by a decision, dated, and never overwritten without a trace."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from ioc.city.spec import CityTarget
from ioc.errors import Conflict
from ioc.org import Organisation
from ioc.store.pool import Connection

CITY: Final = "city"
"""Who assigned a target where a city's files did."""

_ADD: Final = """
    INSERT INTO target (indicator_id, unit_key, validity, value, direction, document, sample,
                        decided_on, decided_by, must_cascade_by, changed_by)
    SELECT %(indicator)s, u.unit_key, daterange(%(since)s, %(until)s), %(value)s, %(direction)s,
           %(document)s, %(sample)s, %(decided_on)s,
           (SELECT unit_key FROM unit WHERE id = %(decided_by)s), %(must_cascade_by)s, %(by)s
      FROM unit u WHERE u.id = %(unit)s
"""

_DROP_CITYS: Final = "DELETE FROM target WHERE changed_by = 'city'"

# What the files say takes the place of what people assigned, for its own time only; what was
# assigned stays as history.
_GIVE_WAY: Final = """
    WITH given AS (
        UPDATE target t SET replaced_at = %(now)s FROM unit u
         WHERE u.unit_key = t.unit_key AND u.id = %(unit)s AND t.indicator_id = %(indicator)s
           AND t.replaced_at IS NULL AND t.validity && daterange(%(since)s, %(until)s)
        RETURNING t.*),
    kept AS (
        INSERT INTO target (indicator_id, unit_key, validity, value, direction, document, sample,
                            decided_on, decided_by, must_cascade_by, changed_by)
        SELECT indicator_id, unit_key, part, value, direction, document, sample, decided_on,
               decided_by, must_cascade_by, changed_by
          FROM given, unnest(datemultirange(validity)
                             - datemultirange(daterange(%(since)s, %(until)s))) AS part)
    SELECT count(*) FROM given
"""

_CHANGED: Final = """
    SELECT DISTINCT 'target ' || t.indicator_id || ' of ' || u.id
      FROM unnest(%s::text[], %s::text[], %s::date[], %s::date[])
           AS told (indicator, unit, since, until)
      JOIN unit u ON u.id = told.unit
      JOIN target t ON t.unit_key = u.unit_key AND t.indicator_id = told.indicator
     WHERE t.changed_by <> 'city' AND t.replaced_at IS NULL
       AND t.validity && daterange(told.since, told.until)
     ORDER BY 1
"""

# Two decisions at once are written down one after the other.
_LOCK: Final = "SELECT FROM unit WHERE id = %(unit)s FOR NO KEY UPDATE"

# A later decision ends the earlier one on its first day; one that began on that day is replaced.
_OVERLAPPING: Final = """
    SELECT t.target_id, t.indicator_id, u.id, lower(t.validity), upper(t.validity), t.value,
           t.direction, t.document, t.sample, t.decided_on, d.id, t.must_cascade_by
      FROM target t JOIN unit u USING (unit_key) LEFT JOIN unit d ON d.unit_key = t.decided_by
     WHERE t.indicator_id = %(indicator)s AND u.id = %(unit)s AND t.replaced_at IS NULL
       AND t.validity && daterange(%(since)s, %(until)s)
     ORDER BY t.validity
"""

_END: Final = """
    UPDATE target SET validity = daterange(lower(validity), %s), changed_by = %s
     WHERE target_id = %s
"""

_REPLACE: Final = "UPDATE target SET replaced_at = %s, changed_by = %s WHERE target_id = %s"

_TARGETS: Final = """
    SELECT t.indicator_id, u.id, lower(t.validity), upper(t.validity), t.value, t.direction,
           t.document, t.sample, t.decided_on, d.id, t.must_cascade_by, t.replaced_at
      FROM target t JOIN unit u USING (unit_key) LEFT JOIN unit d ON d.unit_key = t.decided_by
     WHERE %s OR t.replaced_at IS NULL
     ORDER BY t.target_id
"""


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
    sample: bool = False
    decided_on: date | None = None
    decided_by: str | None = None
    must_cascade_by: date | None = None
    replaced_at: datetime | None = None

    def holds(self, on: date) -> bool:
        """Whether it is wanted on a day."""
        return self.valid_from <= on and (self.valid_until is None or on < self.valid_until)

    def is_for(self, other: "Target") -> bool:
        """Whether it is of the same indicator and unit as another one."""
        return (self.indicator, self.unit) == (other.indicator, other.unit)

    def overlaps(self, other: "Target") -> bool:
        """Whether some day is in both."""
        return (self.valid_until is None or other.valid_from < self.valid_until) and (
            other.valid_until is None or self.valid_from < other.valid_until
        )


@dataclass(frozen=True, slots=True)
class Replaced:
    """A target that a later decision ended or replaced, as it was."""

    valid_from: date
    valid_until: date | None
    value: float
    document: str


async def load(conn: Connection, targets: Sequence[CityTarget], *, now: datetime) -> int:
    """Set the targets of a city's files; returns how many of those of people gave way to them."""
    await conn.execute(_DROP_CITYS)
    gave_way = 0
    for target in targets:
        given = {
            "indicator": target.indicator, "since": target.valid_from, "unit": target.unit,
            "until": target.valid_until, "value": target.value, "direction": target.direction,
            "document": target.document, "sample": target.sample, "decided_on": target.decided_on,
            "decided_by": target.decided_by, "must_cascade_by": target.must_cascade_by, "by": CITY,
        }  # fmt: skip
        row = await (await conn.execute(_GIVE_WAY, given | {"now": now})).fetchone()
        gave_way += 0 if row is None else row[0]
        await conn.execute(_ADD, given)
    return gave_way


async def changed_in_product(conn: Connection, described: Sequence[CityTarget]) -> list[str]:
    """Targets of people for days of which a city's files say another."""
    told = [
        [target.indicator for target in described], [target.unit for target in described],
        [target.valid_from for target in described], [target.valid_until for target in described],
    ]  # fmt: skip
    return [row[0] for row in await (await conn.execute(_CHANGED, told)).fetchall()]


async def assign(
    conn: Connection,
    target: Target,
    *,
    by: str,
    now: datetime,
    check: Callable[[Target], None] | None = None,
) -> list[Replaced]:
    """Assign a target from its first day on; returns what it ended or replaced.

    `check` is asked of each that would give way, and raises where it may not. One that begins
    later was decided for that time, so it is not replaced from behind.
    """
    given = {
        "indicator": target.indicator, "unit": target.unit, "since": target.valid_from,
        "until": target.valid_until, "value": target.value, "direction": target.direction,
        "document": target.document, "sample": target.sample, "decided_on": target.decided_on,
        "decided_by": target.decided_by, "must_cascade_by": target.must_cascade_by, "by": by,
    }  # fmt: skip
    replaced: list[Replaced] = []
    await conn.execute(_LOCK, given)
    found = await (await conn.execute(_OVERLAPPING, given)).fetchall()
    held = [(row[0], Target(*row[1:])) for row in found]
    for _, one in held:
        if check is not None:
            check(one)
        if one.valid_from > target.valid_from:
            raise Conflict(
                f"from {one.valid_from} the target of {target.unit} is {one.value:g} by "
                f"{one.document}; write `until` {one.valid_from}, or assign another one from "
                f"{one.valid_from} first"
            )
    for target_id, one in held:
        replaced.append(Replaced(one.valid_from, one.valid_until, one.value, one.document))
        if one.valid_from < target.valid_from:
            await conn.execute(_END, [target.valid_from, by, target_id])
        else:
            await conn.execute(_REPLACE, [now, by, target_id])
    await conn.execute(_ADD, given)
    return replaced


async def read(conn: Connection, *, replaced: bool = False) -> list[Target]:
    """The targets of all times, on demand with those that were replaced on their first day."""
    return [Target(*row) for row in await (await conn.execute(_TARGETS, [replaced])).fetchall()]


def within_units(held: Iterable[Target], organisation: Organisation) -> list[Target]:
    """Targets as long as their units are there: they never follow a merge."""
    found: list[Target] = []
    for target in held:
        end = _end_of(target, organisation)
        if end is None or (target.valid_until is not None and target.valid_until <= end):
            found.append(target)
        elif end > target.valid_from:
            found.append(replace(target, valid_until=end))
    return found


def _end_of(target: Target, organisation: Organisation) -> date | None:
    """The first day from a target's first one on, on which its unit is not there."""
    day: date | None = target.valid_from
    while day is not None and (version := organisation.find(target.unit, day)) is not None:
        day = version.valid_until
    return day
