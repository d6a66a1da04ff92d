"""Dossiers with their events: a state is folded anew in the transaction that takes them.

A dossier without events is only a row of `dossier`. With its first event the row, as the newest
whole state, is kept beside the events (under the empty key), since the row becomes what is folded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ingest.dossier import CheckedEvent, DossierState
from ingest.dossier_events import History, Taken
from ioc.procedures.timing import Timing
from ioc.store.dossiers import Merged
from ioc.store.pool import Connection

# The lock that the store of dossiers takes too: bodies of one feed come one after the other, so
# that a state and an event that come at once both see what the other has done.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('dossier'), %s)"

_ANY: Final = "SELECT EXISTS (SELECT FROM dossier_event WHERE feed_key = %s)"

_HELD: Final = """
    SELECT code, key, document FROM dossier_event WHERE feed_key = %s AND code = ANY(%s)
"""

_ROWS: Final = """
    SELECT d.*, d.procedure_code AS procedure, d.device AS screen, r.id AS received_unit,
           h.id AS handling_unit, a.id AS applicant_unit
      FROM dossier d JOIN unit r ON r.unit_key = d.received_unit
           JOIN unit h ON h.unit_key = d.handling_unit
           LEFT JOIN unit a ON a.unit_key = d.applicant_unit
     WHERE d.feed_key = %s AND d.code = ANY(%s)
"""

_PUT: Final = """
    INSERT INTO dossier_event (feed_key, code, key, at, changed_at, document, stored_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (feed_key, code, key) DO UPDATE
       SET at = excluded.at, changed_at = excluded.changed_at, document = excluded.document,
           stored_at = excluded.stored_at
"""

_PUT_TIMING: Final = """
    INSERT INTO dossier_timing (document) VALUES (%s)
    ON CONFLICT (single) DO UPDATE SET document = excluded.document
"""

_TIMING: Final = "SELECT document FROM dossier_timing"

SNAPSHOT: Final = ""
"""The key of the newest whole state; no event has it."""


@dataclass(slots=True)
class Folded:
    """What came of states and events: those to be stored as they are, and those made anew."""

    plain: list[DossierState]
    made: list[DossierState] = field(default_factory=list[DossierState])
    counts: dict[Taken, int] = field(
        default_factory=lambda: {"stored": 0, "corrected": 0, "duplicate": 0}
    )

    def with_plain(self, merged: Merged) -> Merged:
        """The counts together with those of the plain states."""
        return Merged(
            merged.stored + self.counts["stored"],
            merged.corrected + self.counts["corrected"],
            merged.duplicate + self.counts["duplicate"],
        )


async def lock(conn: Connection, feed: int) -> None:
    """Let no other dossiers of a feed in until the transaction ends; before every other lock."""
    await conn.execute(_LOCK, [feed])


async def fold(
    conn: Connection,
    feed: int,
    states: Sequence[DossierState],
    events: Sequence[CheckedEvent],
    *,
    now: datetime,
) -> Folded:
    """Keep events, and fold anew every dossier that has some; somebody else ends the transaction.

    States of dossiers without events are given back as they are.
    """
    await lock(conn, feed)
    cur = await conn.execute(_ANY, [feed])
    found = await cur.fetchone()
    if not events and found == (False,):
        return Folded(list(states))
    histories = await _histories(conn, feed, {item.code for item in (*states, *events)})
    touched = histories.keys() | {event.code for event in events}
    folded = Folded([state for state in states if state.code not in touched])
    await _begin(conn, feed, histories, touched - histories.keys(), now)
    changed: dict[tuple[str, str], DossierState | CheckedEvent] = {}
    for state in states:
        if state.code in touched:
            history = histories[state.code]
            before = history.snapshot
            folded.counts[history.take_snapshot(state)] += 1
            # One that is older than what is there may tell that the dossier was elsewhere.
            if history.snapshot is not None and history.snapshot != before:
                changed[state.code, SNAPSHOT] = history.snapshot
    for event in events:
        taken = histories[event.code].take_event(event)
        folded.counts[taken] += 1
        if taken != "duplicate":
            changed[event.code, event.key] = event
    await _keep(conn, feed, changed, now)
    for code in sorted({code for code, _ in changed}):
        made = histories[code].state()
        if made is not None:
            folded.made.append(made)
    return folded


async def _histories(conn: Connection, feed: int, codes: Iterable[str]) -> dict[str, History]:
    """What is known of the dossiers that have events."""
    found: dict[str, History] = {}
    cur = await conn.execute(_HELD, [feed, list(codes)])
    for code, key, document in await cur.fetchall():
        history = found.setdefault(code, History())
        if key == SNAPSHOT:
            history.snapshot = msgspec.convert(document, type=DossierState)
        else:
            history.events[key] = msgspec.convert(document, type=CheckedEvent)
    return found


async def _begin(
    conn: Connection, feed: int, histories: dict[str, History], codes: Iterable[str], now: datetime
) -> None:
    """Begin to keep the events of dossiers, with the states that are stored of them."""
    wanted = list(codes)
    for code in wanted:
        histories[code] = History()
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(_ROWS, [feed, wanted])
        rows = await cur.fetchall()
    known: dict[tuple[str, str], DossierState | CheckedEvent] = {}
    for row in rows:
        state = msgspec.convert(row, type=DossierState)
        histories[state.code].snapshot = known[state.code, SNAPSHOT] = state
    await _keep(conn, feed, known, now)


async def _keep(
    conn: Connection,
    feed: int,
    items: dict[tuple[str, str], DossierState | CheckedEvent],
    now: datetime,
) -> None:
    rows: list[tuple[Any, ...]] = [
        (
            feed,
            code,
            key,
            item.at if isinstance(item, CheckedEvent) else item.changed_at,
            item.changed_at,
            Jsonb(item, dumps=msgspec.json.encode),
            now,
        )
        for (code, key), item in items.items()
    ]
    async with conn.cursor() as cur:
        await cur.executemany(_PUT, rows)


async def put_timing(conn: Connection, timing: Timing) -> None:
    """Set the dated rules that dossiers are judged by."""
    await conn.execute(_PUT_TIMING, [Jsonb(timing, dumps=msgspec.json.encode)])


async def read_timing(conn: Connection) -> Timing:
    """The dated rules that dossiers are judged by."""
    row = await (await conn.execute(_TIMING)).fetchone()
    return Timing() if row is None else msgspec.convert(row[0], type=Timing)
