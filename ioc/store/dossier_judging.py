"""Stored dossiers judged anew in slices, after the rules or the calendar have changed.

What they were judged by and how far it has come stand in the database, so that a restart goes on
from there.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules
from ioc.procedures.grounds import NO_DOUBT, Doubt, Grounds, doubted, grounds_of
from ioc.store import dossier_events
from ioc.store.pool import Connection, WritePool

log = logging.getLogger(__name__)

SLICE: Final = 2_000
"""Dossiers that are looked at in one transaction, while none of their feed is stored."""

SETTLED: Final = timedelta(seconds=60)
"""Within that time after a change others may still judge by what held before."""

# Without a dossier there is nothing in doubt; where there are some at first, nobody knows by what
# they were judged.
_BEGIN: Final = """
    INSERT INTO dossier_judging (grounds, doubt, noticed_at)
    SELECT %(grounds)s, CASE WHEN EXISTS (SELECT FROM dossier) THEN %(doubt)s::jsonb END, %(now)s
    ON CONFLICT DO NOTHING
"""

_HELD: Final = """
    SELECT grounds, doubt, noticed_at, feed_key AS feed, code, judged, changed
      FROM dossier_judging FOR UPDATE
"""

_START: Final = """
    UPDATE dossier_judging
       SET grounds = %(grounds)s, noticed_at = %(now)s, feed_key = 0, code = '',
           judged = 0, changed = 0,
           doubt = CASE WHEN EXISTS (SELECT FROM dossier) THEN %(doubt)s::jsonb END
"""

_ADVANCE: Final = """
    UPDATE dossier_judging
       SET feed_key = %s, code = %s, judged = judged + %s, changed = changed + %s
"""

_END: Final = "UPDATE dossier_judging SET doubt = NULL"

_NEXT_FEED: Final = """
    SELECT feed_key FROM dossier WHERE (feed_key, code) > (%s, %s) ORDER BY feed_key, code LIMIT 1
"""

_REACH: Final = """
    SELECT max(code) FROM (
        SELECT code FROM dossier WHERE feed_key = %s AND code > %s ORDER BY code LIMIT %s) AS s
"""

# Another day of rest matters to a dossier that is due on it, and to one whose own return date is
# counted over it; the day of filing itself is not counted.
_DOUBTED: Final = """
    SELECT code, procedure_code AS procedure, received_at, due_at, resolved_at, paused_seconds,
           paused_since, supplements, flags, level, timeliness, due_computed
      FROM dossier
     WHERE feed_key = %(feed)s AND code > %(after)s AND code <= %(upto)s
       AND (%(all)s
            OR supplements > 0 AND received_day >= %(filed_from)s::date
               AND received_day < %(filed_before)s::date
            OR (due_at AT TIME ZONE %(zone)s)::date = ANY(%(days)s::date[])
            OR EXISTS (SELECT FROM unnest(%(days)s::date[]) AS day
                        WHERE received_day < day
                          AND day <= (due_computed AT TIME ZONE %(zone)s)::date))
"""

_JUDGE: Final = """
    WITH made AS (
        UPDATE dossier d
           SET timeliness = j.timeliness, flags = j.flags, level = j.level,
               due_computed = j.due_computed
          FROM unnest(%(code)s::text[], %(timeliness)s::text[], %(flags)s::int[],
                      %(level)s::text[], %(due)s::timestamptz[])
               AS j(code, timeliness, flags, level, due_computed)
         WHERE d.feed_key = %(feed)s AND d.code = j.code
        RETURNING d.handling_unit, d.received_day, d.resolved_day
    )
    INSERT INTO dossier_change (unit_key, day)
    SELECT DISTINCT handling_unit, day
      FROM made CROSS JOIN LATERAL (VALUES (received_day), (resolved_day)) AS v(day)
     WHERE day IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far it has come: the last dossier looked at, how many were judged, how many otherwise."""

    grounds: Grounds
    doubt: Doubt
    noticed_at: datetime
    feed: int
    code: str
    judged: int
    changed: int


@dataclass(slots=True)
class _Stored:
    """What of a stored dossier decides how it is judged, and what was found."""

    code: str
    procedure: str
    received_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    paused_seconds: int
    paused_since: datetime | None
    supplements: int
    flags: int
    level: str | None
    timeliness: str | None
    due_computed: datetime | None

    @property
    def found(self) -> tuple[object, ...]:
        """How it is judged."""
        return self.timeliness, self.flags, self.level, self.due_computed


async def step(pool: WritePool, rules: DossierRules, *, most: int = SLICE) -> bool:
    """Judge a slice anew, or take note of a change; False when there is nothing to do for now."""
    async with pool.connection() as conn:
        grounds = grounds_of(rules.timing, rules.calendar)
        held = await _held(conn, grounds, rules.now)
        if held.grounds != grounds:
            await _start(conn, grounds, held, rules.now)
            return False
        if held.doubt.is_empty or rules.now - held.noticed_at < SETTLED:
            return False
        cur = await conn.execute(_NEXT_FEED, [held.feed, held.code])
        found = await cur.fetchone()
        if found is None:
            await conn.execute(_END)
            log.info("%d dossiers were judged anew, %d otherwise", held.judged, held.changed)
            return False
        after = held.code if found[0] == held.feed else ""
        await _slice(conn, rules, held.doubt, found[0], after, most)
        return True


async def _held(conn: Connection, grounds: Grounds, now: datetime) -> _Progress:
    doubt = _json(Doubt(all=True))
    await conn.execute(_BEGIN, {"grounds": _json(grounds), "doubt": doubt, "now": now})
    row = await (await conn.execute(_HELD)).fetchone()
    assert row is not None
    kept = NO_DOUBT if row[1] is None else msgspec.convert(row[1], type=Doubt)
    return _Progress(msgspec.convert(row[0], type=Grounds), kept, *row[2:])


async def _start(conn: Connection, grounds: Grounds, held: _Progress, now: datetime) -> None:
    """Begin from the first dossier; what was in doubt before and not looked at yet still is."""
    doubt = held.doubt.with_more(doubted(held.grounds, grounds))
    kept = None if doubt.is_empty else _json(doubt)
    await conn.execute(_START, {"grounds": _json(grounds), "doubt": kept, "now": now})
    log.info("what dossiers are judged by has changed; stored ones judged anew: %s", doubt)


async def _slice(
    conn: Connection, rules: DossierRules, doubt: Doubt, feed: int, after: str, most: int
) -> None:
    await dossier_events.lock(conn, feed)
    reached = await (await conn.execute(_REACH, [feed, after, most])).fetchone()
    assert reached is not None
    async with conn.cursor(row_factory=class_row(_Stored)) as cur:
        await cur.execute(
            _DOUBTED,
            {
                "feed": feed, "after": after, "upto": reached[0], "zone": str(rules.province),
                **msgspec.structs.asdict(doubt), "days": list(doubt.days),
            },
        )  # fmt: skip
        rows = await cur.fetchall()
    before = [row.found for row in rows]
    judge(rows, rules)
    other = [row for row, was in zip(rows, before, strict=True) if row.found != was]
    if other:
        await _write(conn, feed, other)
    await conn.execute(_ADVANCE, [feed, reached[0], len(rows), len(other)])


async def _write(conn: Connection, feed: int, rows: Sequence[_Stored]) -> None:
    await conn.execute(
        _JUDGE,
        {
            "feed": feed,
            "code": [row.code for row in rows],
            "timeliness": [row.timeliness for row in rows],
            "flags": [row.flags for row in rows],
            "level": [row.level for row in rows],
            "due": [row.due_computed for row in rows],
        },
    )


def _json(document: Grounds | Doubt) -> Jsonb:
    return Jsonb(document, dumps=msgspec.json.encode)
